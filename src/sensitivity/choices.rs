//! What may be chosen about a share, and why a choice may not be open.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::log::Role;
use crate::question::attention::Attention;
use crate::question::baseline::{Baseline, EngagementWeighted, Reference, Supply};
use crate::question::estimand::{Denominator, Reach, Unit};
use crate::tally::{ClusterBy, MultiLabel};

/// Whether the log's weights count.
///
/// Weights of a supply table say how much of an item there was, and count either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// As the log has them: dwell time, say; 1 where it has none.
    #[default]
    AsLogged,
    /// Every impression counts 1.
    Unweighted,
}

impl fmt::Display for Weighting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AsLogged => "as logged",
            Self::Unweighted => "unweighted",
        })
    }
}

/// One way to put the question: a level of each [`Dimension`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choices {
    /// What the treatment is compared with.
    pub baseline: Baseline,
    /// The unit that was assigned or sampled independently.
    pub cluster: ClusterBy,
    /// The position model.
    pub attention: Attention,
    /// Whether the log's weights count.
    pub weighting: Weighting,
    /// How clusters are put together.
    pub unit: Unit,
    /// Which impressions form the denominator.
    pub denominator: Denominator,
    /// How several topics share an impression.
    pub multi_label: MultiLabel,
}

/// What is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// [`Choices::baseline`].
    Baseline,
    /// [`Choices::cluster`].
    Cluster,
    /// [`Choices::attention`].
    Attention,
    /// [`Choices::weighting`].
    Weighting,
    /// [`Choices::unit`].
    Unit,
    /// [`Choices::denominator`].
    Denominator,
    /// [`Choices::multi_label`].
    MultiLabel,
}

impl Dimension {
    /// All of them, in the order of the fields of [`Choices`].
    pub const ALL: [Self; 7] = [
        Self::Baseline,
        Self::Cluster,
        Self::Attention,
        Self::Weighting,
        Self::Unit,
        Self::Denominator,
        Self::MultiLabel,
    ];
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Baseline => "baseline",
            Self::Cluster => "cluster",
            Self::Attention => "attention",
            Self::Weighting => "weighting",
            Self::Unit => "unit",
            Self::Denominator => "denominator",
            Self::MultiLabel => "multi-label rule",
        })
    }
}

impl Choices {
    /// What was chosen of a dimension, in a word or a few.
    ///
    /// ```
    /// use tiltmeter::sensitivity::{Choices, Dimension, Weighting};
    /// use tiltmeter::{Attention, Baseline, ClusterBy, Denominator, MultiLabel, Unit};
    /// let choices = Choices {
    ///     baseline: Baseline::arm("newest"),
    ///     cluster: ClusterBy::Viewer,
    ///     attention: Attention::TopK { k: 3 },
    ///     weighting: Weighting::AsLogged,
    ///     unit: Unit::ClusterMean,
    ///     denominator: Denominator::AllImpressions,
    ///     multi_label: MultiLabel::Full,
    /// };
    /// assert_eq!(choices.level(Dimension::Attention), "top 3");
    /// assert_eq!(choices.level(Dimension::Unit), "cluster mean");
    /// ```
    #[must_use]
    pub fn level(&self, dimension: Dimension) -> String {
        match dimension {
            Dimension::Baseline => baseline(&self.baseline),
            Dimension::Cluster => self.cluster.to_string(),
            Dimension::Attention => attention(&self.attention),
            Dimension::Weighting => self.weighting.to_string(),
            Dimension::Unit => unit(self.unit),
            Dimension::Denominator => denominator(self.denominator).to_owned(),
            Dimension::MultiLabel => self.multi_label.to_string(),
        }
    }
}

fn baseline(baseline: &Baseline) -> String {
    match baseline {
        Baseline::Supply(Supply::Known) => "supply".to_owned(),
        Baseline::Supply(Supply::Sampled { .. }) => "sampled supply".to_owned(),
        Baseline::Reference(Reference { name, .. }) => format!("reference {name:?}"),
        Baseline::Chronological => "newest candidates".to_owned(),
        Baseline::UniformPool => "uniform draw".to_owned(),
        Baseline::EngagementWeighted(EngagementWeighted { plus }) if *plus > 0.0 => {
            format!("draw by engagement + {plus}")
        }
        Baseline::EngagementWeighted(_) => "draw by engagement".to_owned(),
        Baseline::Period(period) => format!("before {}", crate::log::iso_text(period.cut)),
        Baseline::Propensity(by) => format!("target {}", by.target),
        Baseline::Arm(_) | Baseline::Nothing => baseline.to_string(),
    }
}

pub(super) fn attention(model: &Attention) -> String {
    match model {
        Attention::Logarithmic => "logarithmic".to_owned(),
        Attention::Reciprocal => "reciprocal".to_owned(),
        Attention::Rbp { persistence } => format!("rank-biased {persistence}"),
        Attention::Geometric { ratio } => format!("geometric {ratio}"),
        Attention::Table { values, .. } => format!("table of {}", values.len()),
        Attention::Uniform | Attention::TopK { .. } | Attention::Cascade => model.to_string(),
    }
}

fn unit(unit: Unit) -> String {
    match unit {
        Unit::Pooled => "pooled".to_owned(),
        Unit::ClusterMean => "cluster mean".to_owned(),
        Unit::Within => "within clusters".to_owned(),
        Unit::Reach(Reach { impressions, mass }) => {
            let mut text = "reach".to_owned();
            if impressions != 1 {
                text.push_str(&format!(", {impressions} or more"));
            }
            if mass > 0.0 {
                text.push_str(&format!(", mass {mass}"));
            }
            text
        }
    }
}

pub(super) const fn denominator(denominator: Denominator) -> &'static str {
    match denominator {
        Denominator::AllImpressions => "all",
        Denominator::TaggedImpressions => "tagged",
    }
}

/// Why a combination has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsupported {
    /// The kind of reason.
    pub kind: UnsupportedKind,
    /// The reason in words, as [`Audit::run`](crate::Audit::run) would give it.
    pub message: String,
}

/// Kinds of reasons why a combination has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UnsupportedKind {
    /// The log has no column in this role: no positions, so no attention but the uniform.
    MissingRole(Role),
    /// The log has no column of this name to cluster by.
    MissingColumn,
    /// The baseline needs a table that was not given, or that lacks something.
    BaselineLacks,
    /// The reference says nothing of the topic.
    NotInReference,
    /// No request of the treatment has candidates.
    NoRows,
    /// These choices have no meaning together: reach against a baseline that reaches nobody.
    NoMeaning,
    /// It would be another name for a combination that is there: tagged impressions where all are.
    NoDifference,
}

impl Unsupported {
    /// The reason that an error is, or the error where it is a fault of the question itself.
    pub(super) fn of(error: Error) -> Result<(Self, Error), Error> {
        let kind = match &error {
            Error::MissingRole { role, .. } => UnsupportedKind::MissingRole(*role),
            Error::UnknownColumn { .. } => UnsupportedKind::MissingColumn,
            Error::BaselineLacks { .. } => UnsupportedKind::BaselineLacks,
            Error::NotInReference { .. } => UnsupportedKind::NotInReference,
            Error::EmptyLog { .. } => UnsupportedKind::NoRows,
            Error::Parameter { .. } | Error::NoStrata { .. } | Error::RowsOfSeveral { .. } => {
                UnsupportedKind::NoMeaning
            }
            _ => return Err(error),
        };
        Ok((Self { kind, message: error.to_string() }, error))
    }
}

/// A level that was not asked for and is not in the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Of which dimension.
    pub dimension: Dimension,
    /// Which level.
    pub level: String,
    /// Why.
    pub reason: Unsupported,
}
