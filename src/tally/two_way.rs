//! Tallies of one log by two units and by their pairs, for clusters that go two ways.

use super::{ClusterBy, Tally, TallySpec};
use crate::error::Error;
use crate::log::ExposureLog;

/// Three tallies of one log: by either cluster, and by the pairs of both.
///
/// The variance of a statistic is `V_1 + V_2 - V_12`, each from the clusters of one tally (Cameron,
/// Gelbach and Miller 2011, doi 10.1198/jbes.2010.07136), or the larger of `V_1` and `V_2` where that
/// is not above 0. Student's t has the degrees of freedom of the way that has fewer.
///
/// Right where impressions are alike for two reasons, such as the same device and the same week,
/// and there are many clusters both ways: with few of either, intervals are too short and the
/// result carries a warning. For pooled shares by share bounds (which take at least the larger of the two
/// ways' variances) and by the delta method; other units and methods are refused. Costs three passes over
/// the clusters.
///
/// ```
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::tally::{TallySpec, TwoWay};
/// use tiltmeter::{Audit, ClusterBy, ExposureLog, IntervalMethod, Question, source::SliceSource};
///
/// let source = SliceSource::new("example")
///     .text("phone", &["1", "1", "2", "2", "3", "3", "4", "4"])
///     .text("week", &["a", "b", "a", "b", "a", "b", "a", "b"])
///     .text("feed", &["ranked", "ranked", "ranked", "ranked", "new", "new", "new", "new"])
///     .text("about", &["war", "war", "sport", "war", "war", "sport", "sport", "war"]);
/// let schema = LogSchema::new()
///     .viewer("phone")
///     .column("week")
///     .arm("feed")
///     .topics(TopicColumn::single("about"));
/// let log = ExposureLog::read(source, &schema)?;
/// let spec = TallySpec::default();
/// let ways = TwoWay::of(&log, &spec, ClusterBy::column("week"))?;
/// let question = Question::between("ranked", "new").topics(["war"]);
/// let report = Audit::of_two_way(&ways, &question).run()?;
/// assert_eq!(report.estimates()[0].method, Some(IntervalMethod::TwoWayShareBounds));
/// assert_eq!(report.estimates()[0].second_clusters.map(|weeks| weeks.both), Some(2));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TwoWay {
    first: Tally,
    second: Tally,
    pairs: Tally,
}

fn must_differ(first: &ClusterBy, second: &ClusterBy) -> Result<(), Error> {
    if first != second {
        return Ok(());
    }
    Err(Error::Parameter {
        parameter: "the second cluster",
        value: second.to_string(),
        expected: "another unit than the first: one unit is one way of clustering, so say it once",
    })
}

impl TwoWay {
    /// Tallies a log by the cluster of the spec, by a second one, and by their pairs.
    ///
    /// # Errors
    /// [`Error::Parameter`] where both ways are one; those of [`Tally::of`].
    pub fn of(log: &ExposureLog, spec: &TallySpec, second: ClusterBy) -> Result<Self, Error> {
        must_differ(&spec.cluster, &second)?;
        let by = |cluster| {
            let spec = TallySpec { cluster, ..spec.clone() };
            Tally::of(log, &spec)
        };
        let pairs = spec.cluster.clone().paired(second.clone());
        Ok(Self { first: by(spec.cluster.clone())?, second: by(second)?, pairs: by(pairs)? })
    }

    /// Puts together tallies that were made apart, such as by jobs: by one unit, by another, and by
    /// the pairs of both ([`ClusterBy::paired`]).
    ///
    /// # Errors
    /// [`Error::TwoWay`] where they are not of the same log and spec but for the cluster;
    /// [`Error::Parameter`] where both ways are one.
    pub fn from_tallies(first: Tally, second: Tally, pairs: Tally) -> Result<Self, Error> {
        must_differ(&first.spec().cluster, &second.spec().cluster)?;
        let differ = |detail: String| Err(Error::TwoWay { detail });
        let expected = first.spec().cluster.clone().paired(second.spec().cluster.clone());
        if pairs.spec().cluster != expected {
            let found = &pairs.spec().cluster;
            return differ(format!("the third tally is by {found}, not by {expected}"));
        }
        for (name, tally) in [("second", &second), ("third", &pairs)] {
            let cluster = first.spec().cluster.clone();
            let spec = TallySpec { cluster, ..tally.spec().clone() };
            if spec != *first.spec() {
                return differ(format!(
                    "the {name} tally has another spec than the first: {spec:?} against {:?}",
                    first.spec()
                ));
            }
            if tally.axes() != first.axes() || tally.totals() != first.totals() {
                return differ(format!("the {name} tally has other totals than the first"));
            }
        }
        Ok(Self { first, second, pairs })
    }

    /// The tally by the first cluster.
    #[must_use]
    pub fn first(&self) -> &Tally {
        &self.first
    }

    /// The tally by the second cluster.
    #[must_use]
    pub fn second(&self) -> &Tally {
        &self.second
    }

    /// The tallies of both logs together, each way.
    ///
    /// # Errors
    /// Those of [`Tally::merge`].
    pub fn merge(&self, other: &Self) -> Result<Self, Error> {
        Ok(Self {
            first: self.first.merge(&other.first)?,
            second: self.second.merge(&other.second)?,
            pairs: self.pairs.merge(&other.pairs)?,
        })
    }

    /// Says what the impressions weigh that this was made of.
    pub(crate) fn weigh(&mut self, weights: &super::Weights) {
        for tally in [&mut self.first, &mut self.second, &mut self.pairs] {
            tally.weigh(weights);
        }
    }

    /// The same of parts that were made to be added, whatever they were weighed by.
    pub(crate) fn together(self, other: Self) -> Result<Self, Error> {
        Ok(Self {
            first: Tally::merge_owned(vec![self.first, other.first])?,
            second: Tally::merge_owned(vec![self.second, other.second])?,
            pairs: Tally::merge_owned(vec![self.pairs, other.pairs])?,
        })
    }

    /// The tally by the pairs of both.
    #[must_use]
    pub fn pairs(&self) -> &Tally {
        &self.pairs
    }
}
