//! The unit of a question: what a cluster contributes to each total.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::format::word::said_by_words;

/// How clusters are put together into an arm's share. On real data the first two differ (11.81
/// against 11.92 points on a 2024 audit of TikTok), so the choice is always explicit.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// # use tiltmeter::{Audit, Question};
/// # let question = Question::between("ranked", "newest");
/// use tiltmeter::{Reach, Unit};
/// // How many viewers saw the topic at least twice?
/// let twice = Unit::Reach(Reach { impressions: 2, mass: 0.0 });
/// let report = Audit::of(&log, &question.unit(twice).topics(["war"])).run()?;
/// assert_eq!(report.estimates()[0].treatment.share, Some(0.25)); // viewer 1 of four
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unit {
    /// Masses are added over clusters and divided once: what the average impression is about.
    #[default]
    Pooled,
    /// Each cluster's own share, averaged: what the average cluster was shown. Clusters without
    /// mass in an arm have no share there and are left out of its mean.
    ClusterMean,
    /// The share of clusters that the topic reached at all.
    Reach(Reach),
    /// Each cluster compared with itself, as a fit with an effect of each cluster does ([`WithinFit`]); for
    /// differences and ratios of two arms. Clusters that are in one arm only say nothing there.
    Within,
}

/// How the same clusters are compared in two arms: what a regression with an effect of each cluster (fixed effects)
/// has as its coefficient, in time linear in the clusters.
///
/// With `x` the topic's mass of a cluster in an arm, `n` all of it, and sums over the clusters that are in both arms,
/// each has weights under which the statistic is one of two weighted shares `sum w x/n / sum w`. Its influence is the
/// cluster's score over the slope of all scores, so that [`Delta`](crate::inference::Delta)'s variance is the sandwich
/// by cluster with the factor `G/(G - 1)`, `G` the clusters that say something; for the Poisson fit it needs no Poisson
/// numbers, only that its means are right (Wooldridge 1999, Journal of Econometrics 90, 77-97). `fixest`, `pyfixest` and `statsmodels`
/// multiply it by `(N - 1)/(N - K)` too, and count clusters in `G` that say nothing.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::source::SliceSource;
/// use tiltmeter::{Audit, ExposureLog, Question, Unit};
///
/// // Ada is shown much about war in both feeds, Bo little; each sees twice as much of it in the ranked one.
/// let (who, feed, about): (Vec<&str>, Vec<&str>, Vec<&str>) = [
///     ("ada", "ranked", 8, 10), ("ada", "newest", 12, 30), ("bo", "ranked", 6, 30), ("bo", "newest", 1, 10),
/// ]
/// .into_iter()
/// .flat_map(|(who, feed, war, all)| (0..all).map(move |at| (who, feed, if at < war { "war" } else { "" })))
/// .fold(Default::default(), |mut rows: (Vec<_>, Vec<_>, Vec<_>), (who, feed, about)| {
///     rows.0.push(who);
///     rows.1.push(feed);
///     rows.2.push(about);
///     rows
/// });
/// let source = SliceSource::new("rows").text("who", &who).text("feed", &feed).text("about", &about);
/// let schema = LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"));
/// let log = ExposureLog::read(source, &schema)?;
///
/// let question = Question::between("ranked", "newest").topics(["war"]);
/// let pooled = Audit::of(&log, &question).run()?;
/// let within = Audit::of(&log, &question.unit(Unit::Within)).run()?;
/// // Ada is mostly in the one feed and Bo in the other, which hides it from the pooled ratio.
/// assert!((pooled.get("war")?.value().unwrap() - 14.0 / 13.0).abs() < 1e-12);
/// assert!((within.get("war")?.value().unwrap() - 2.0).abs() < 1e-12);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WithinFit {
    /// Least squares with a dummy for each cluster: `w = n_A n_B/(n_A + n_B)`, and the coefficient is the difference
    /// of the weighted shares.
    LeastSquares,
    /// Poisson regression with an effect of each cluster (conditional likelihood: Hausman, Hall and Griliches 1984,
    /// doi 10.2307/1911191): `w = n_A n_B/(R n_A + n_B)`, and `R` is the ratio of the weighted shares. Clusters that
    /// were shown nothing of the topic say nothing here.
    Poisson,
}

impl Unit {
    /// The unit for a share of one arm alone: a fit within clusters is of two, and its arms are pooled.
    pub(crate) fn of_one_arm(self) -> Self {
        if self == Self::Within { Self::Pooled } else { self }
    }
}

said_by_words!(Unit);

/// When a cluster counts as reached by a topic.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Reach {
    /// At least so many impressions of the topic; 1 or more.
    pub impressions: u64,
    /// And at least so much exposure mass of it (seconds, if weights are dwell in seconds).
    pub mass: f64,
}

impl Default for Reach {
    /// One impression, of any mass.
    fn default() -> Self {
        Self { impressions: 1, mass: 0.0 }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pooled => f.write_str("pooled over clusters"),
            Self::ClusterMean => f.write_str("averaged over clusters"),
            Self::Reach(Reach { impressions, mass }) => {
                write!(
                    f,
                    "as reach, the share of clusters with at least {impressions} impression"
                )?;
                f.write_str(if *impressions == 1 { "" } else { "s" })?;
                if *mass > 0.0 {
                    write!(f, " and a mass of {mass}")?;
                }
                f.write_str(" of the topic")
            }
            Self::Within => f.write_str("within clusters, each compared with itself"),
        }
    }
}
