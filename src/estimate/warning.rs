//! What a reader should know before believing a number, in words.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::said::{Said, Table};
use crate::log::{NameRemark, Role};
use crate::statistic::Side;

/// Fewer labels by hand than this, with a topic or without, are flagged.
pub(crate) const FEW_LABELS: u64 = 10;

/// Something a reader should know before believing the number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Warning {
    /// Fewer than 10 clusters in an arm: robust standard errors are then too small on average. Of a
    /// statistic that passes over strata which one arm has nothing in, the clusters of the others.
    FewClusters {
        /// The arm.
        side: Side,
        /// Its clusters.
        clusters: u64,
    },
    /// Few clusters carry the topic in an arm, however many clusters there are: the delta method is
    /// then too short.
    FewTopicClusters {
        /// The arm.
        side: Side,
        /// The effective number of clusters that carry the topic, `(sum x)^2 / sum x^2` over their
        /// masses of it (Kish 1965).
        effective: f64,
    },
    /// A few clusters hold most of an arm's mass, so that its share is theirs.
    UnequalClusters {
        /// The arm.
        side: Side,
        /// The effective number of clusters by mass, `(sum n)^2 / sum n^2` (Kish 1965).
        effective: f64,
        /// Its clusters.
        clusters: u64,
    },
    /// Fewer clusters in an arm than the method of the interval can bear.
    FewClustersForMethod {
        /// The clusters of the arm that has fewer.
        clusters: u64,
        /// How many the method wants.
        enough: u64,
    },
    /// Every impression was its own cluster.
    ImpressionsAsClusters,
    /// Of clusters that are compared with themselves ([`Unit::Within`](crate::Unit::Within)), some cannot be, and add
    /// nothing.
    ClustersNotCompared {
        /// Those in the treatment alone.
        treatment: u64,
        /// Those in the baseline alone.
        baseline: u64,
        /// Of those in both, how many were shown nothing of the topic in either, which says nothing of a ratio.
        without_topic: u64,
    },
    /// Few impressions of an arm were found by hand to have the topic, or not to have it: a corrected share hangs on
    /// them.
    FewLabels {
        /// The arm.
        side: Side,
        /// Labelled by hand with the topic.
        with_topic: u64,
        /// Labelled by hand without it.
        without_topic: u64,
    },
    /// By their inclusion probabilities the rows that were labelled by hand stand for more or fewer than there are.
    LabelsNotByDesign {
        /// The arm.
        side: Side,
        /// What part of its mass they stand for.
        stands_for: f64,
    },
    /// Only some of the clusters have impressions in both arms.
    PartlyCrossed {
        /// Clusters in both arms.
        both: u64,
        /// Clusters in either.
        either: u64,
    },
    /// What is said of clusters, where these go two ways, is said of those of one way.
    OfClustersBy {
        /// The unit.
        unit: String,
        /// What is said.
        warning: Box<Warning>,
    },
    /// The sum of the variances of two ways of clustering less that of their pairs was not above 0, and the
    /// larger of the two ways' was taken.
    TwoWayFloor,
    /// The topic's share, or reach, in an arm is 0.
    ZeroShare {
        /// The arm.
        side: Side,
    },
    /// The topic's share, or reach, in an arm is 1.
    FullShare {
        /// The arm.
        side: Side,
    },
    /// A stratum has impressions in one of the arms only, so the arms differ in more than the
    /// ranking.
    ArmMissingInStratum {
        /// The stratum.
        stratum: String,
        /// The arm that it lacks.
        side: Side,
    },
    /// Some items were shown more than once in a slate.
    RepeatedItems {
        /// Slates with a repeated item.
        slates: u64,
        /// Impressions beyond an item's first in its slate.
        impressions: u64,
    },
    /// Some clusters have impressions but no mass in an arm, and so no share there.
    ClustersWithoutMass {
        /// The arm.
        side: Side,
        /// Such clusters.
        clusters: u64,
    },
    /// Masses are so small that rounding them to 2^-40 may matter in the ninth digit of the
    /// topic's share.
    MassResolution {
        /// The arm.
        side: Side,
        /// A bound for the relative error of the share, at most 1.
        relative_error: f64,
    },
    /// In some bootstrap replicates the statistic is infinite or undefined, because too few
    /// clusters show the topic.
    ReplicatesWithoutValue {
        /// Replicates in which it is infinite; they count at the ends of the interval.
        infinite: u64,
        /// Replicates in which it is undefined; they are left out.
        undefined: u64,
        /// All replicates.
        of: u64,
    },
    /// The margin of an equivalence test leaves out the value that stands for no amplification.
    MarginBesideNull {
        /// Its low end, on the reported scale.
        low: f64,
        /// Its high end.
        high: f64,
        /// What stands for no amplification.
        null: f64,
    },
    /// With clusters assigned otherwise the statistic is sometimes undefined; a permutation test
    /// then errs to the side of doubt.
    PermutationsWithoutValue {
        /// Assignments in which it is undefined; they count as further from the null.
        undefined: u64,
        /// All that were gone through or drawn.
        of: u64,
    },
    /// Requests left out of both arms, since nobody said what could have been shown.
    RequestsWithoutCandidates {
        /// How many.
        requests: u64,
        /// Of how many of the treatment.
        of: u64,
    },
    /// Requests left out of both arms, since none of their candidates was engaged with.
    RequestsWithoutEngagement {
        /// How many.
        requests: u64,
        /// Of how many of the treatment.
        of: u64,
    },
    /// Requests with fewer candidates than places.
    ShortPools {
        /// How many.
        requests: u64,
        /// Of how many of the treatment.
        of: u64,
    },
    /// Names that may be one name written in several ways, or may stand for no value.
    OddNames {
        /// Which, and what to do.
        remark: NameRemark,
    },
    /// Requests in which candidates of one moment compete for places of the newest: each gets its part
    /// of them.
    TiedCandidates {
        /// How many.
        requests: u64,
        /// Of how many of the treatment.
        of: u64,
    },
    /// Impressions of items that are not among the candidates.
    ShownOutsidePool {
        /// How many.
        impressions: u64,
    },
    /// The baseline's rows are candidates, each with its part of an expectation.
    ExpectedBaseline,
    /// What an arm's impressions are worth, weighed as another policy would have shown them; a warning
    /// where that is less than the floor, else to be known.
    EffectiveSize {
        /// `(sum m w)^2 / sum (m w)^2`, of exposure mass times weight.
        effective_size: f64,
        /// The least that would do.
        floor: f64,
        /// Impressions of the logging arm.
        impressions: u64,
        /// The greatest weight.
        greatest: f64,
        /// How many weights were clipped.
        clipped: u64,
        /// What the target gives to items that the arm never shows, from 0 to 1; `None` if not known.
        uncovered: Option<f64>,
    },
    /// The baseline was measured elsewhere.
    BaselineFromElsewhere {
        /// The standard error of its share that was stated; 0 if none.
        standard_error: f64,
    },
    /// Rows of the log were set aside.
    RowsSetAside {
        /// How many.
        rows: u64,
    },
    /// Rows of the topics table were set aside.
    TopicRowsSetAside {
        /// How many.
        rows: u64,
    },
    /// Some items of the log have no entry in the topics table.
    ItemsWithoutTopics {
        /// How many distinct items.
        items: u64,
    },
    /// Something was said of the question that changes nothing in its answer.
    WithoutEffect {
        /// What.
        said: Said,
    },
    /// Rows were kept by a column that a table beside the log does not have.
    NotKeptInTable {
        /// The table.
        table: Table,
        /// The column.
        column: String,
    },
    /// Most topics hold the same character, as if it stood between several topics.
    TopicsInOne {
        /// The character.
        separator: char,
        /// A topic with it, the most frequent.
        example: String,
        /// Tagged impressions whose topics have it.
        impressions: u64,
        /// All tagged impressions.
        of: u64,
    },
    /// A column is called like a count of impressions, and no role reads it.
    UnreadCount {
        /// The table beside the log that has it; the log if none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        table: Option<Table>,
        /// The column.
        column: String,
    },
    /// The weights are those of a column that is called like a count of impressions.
    WeightLikeCount {
        /// The column.
        column: String,
    },
    /// Impressions of the log are weighed or counted, and what was available is not.
    SupplyUnweighted {
        /// What the table lacks: [`Role::Weight`] or [`Role::Count`].
        role: Role,
    },
    /// Some items stand more than once in the table of what was available.
    RepeatedSupplyItems {
        /// Rows beyond an item's first.
        rows: u64,
    },
    /// Impressions of items that the table of what was available does not have.
    ShownOutsideSupply {
        /// How many.
        impressions: u64,
        /// Of how many of the treatment.
        of: u64,
    },
    /// Something is added to the cells of the statistic, so that equal shares do not give no amplification
    /// but a value between these: the interval leaves no amplification out, and these not, so that nothing is
    /// found.
    NullMoved {
        /// The least.
        low: f64,
        /// The greatest.
        high: f64,
    },
    /// Few clusters are in both arms, and coins that turned them round would leave such a difference too often:
    /// no p-value is below that, and the interval of share bounds reaches to no amplification.
    FewInBothArms {
        /// How often coins would, from 0 to 1.
        p: f64,
    },
    /// The baseline is said to be exactly none or all, with no error: the interval of share bounds reaches to no
    /// amplification, and nothing is found.
    CertainBaseline,
    /// The test that strata are equal is of some of them: the others have no finite value, or nothing shows how
    /// they vary.
    StrataLeftOut {
        /// How many are left out.
        left_out: u64,
        /// Of how many.
        strata: u64,
    },
    /// Impressions without a topic are in one of the two arms only, or nearly so.
    UntaggedInOneArm {
        /// The arm that has them.
        side: Side,
        /// What part of its impressions have no topic.
        untagged: f64,
        /// The same of the other arm.
        other: f64,
    },
    /// All topics are numbers, and there are many of them.
    NumbersAsTopics {
        /// How many.
        topics: u64,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewClusters { .. }
            | Self::FewTopicClusters { .. }
            | Self::UnequalClusters { .. }
            | Self::ImpressionsAsClusters
            | Self::ClustersNotCompared { .. }
            | Self::PartlyCrossed { .. }
            | Self::OfClustersBy { .. } => self.of_clusters(f),
            Self::TwoWayFloor => f.write_str(
                "the two ways of clustering leave no variance beyond that of their pairs, so the larger of the two ways' was taken: the interval may be too long",
            ),
            Self::ZeroShare { side } => write!(f, "the topic's share in the {side} is zero"),
            Self::FullShare { side } => write!(f, "the topic's share in the {side} is one"),
            Self::FewLabels { .. } | Self::LabelsNotByDesign { .. } => self.of_labels(f),
            Self::ArmMissingInStratum { stratum, side } => write!(
                f,
                "stratum {stratum:?} has no impressions in the {side}: the arms differ in more than the ranking"
            ),
            Self::RepeatedItems { slates, impressions } => write!(
                f,
                "{slates} {} an item more than once ({impressions} such {})",
                if *slates == 1 { "slate shows" } else { "slates show" },
                plural(*impressions, "impression")
            ),
            Self::ClustersWithoutMass { side, clusters } => write!(
                f,
                "{clusters} {} of the {side} have impressions but no mass there, and do not count as its clusters",
                plural(*clusters, "cluster")
            ),
            Self::MassResolution { side, relative_error } => write!(
                f,
                "masses in the {side} are so small that rounding them to 2^-40 may change the share by {} of itself; use larger weights or a shallower attention model",
                if *relative_error >= 0.5 { "all".to_owned() } else { format!("{relative_error:.0e}") },
            ),
            Self::ReplicatesWithoutValue { infinite, undefined, of } => write!(
                f,
                "of {of} bootstrap replicates, {infinite} have an infinite value and {undefined} none: few clusters show the topic"
            ),
            Self::PermutationsWithoutValue { undefined, of } => write!(
                f,
                "in {undefined} of {of} permutations of the clusters there is no value; they count as further from the null, so p is larger"
            ),
            other => other.of_requests(f),
        }
    }
}

impl Warning {
    /// As said of the clusters of one of two ways; as it is where it is not about clusters.
    pub(crate) fn of_clusters_by(self, unit: &str) -> Self {
        match self {
            Self::FewClusters { .. }
            | Self::FewTopicClusters { .. }
            | Self::UnequalClusters { .. }
            | Self::PartlyCrossed { .. }
            | Self::ClustersWithoutMass { .. } => {
                Self::OfClustersBy { unit: unit.to_owned(), warning: Box::new(self) }
            }
            other => other,
        }
    }

    /// What is said, of whichever clusters.
    pub(crate) fn said(&self) -> &Self {
        match self {
            Self::OfClustersBy { warning, .. } => warning.said(),
            other => other,
        }
    }

    /// Of how many clusters, and how they are shared.
    fn of_clusters(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewClusters { side, clusters } => write!(
                f,
                "only {clusters} {} in the {side}: with fewer than 10, intervals other than share bounds tend to be too short",
                plural(*clusters, "cluster")
            ),
            Self::FewTopicClusters { side, effective } => write!(
                f,
                "the topic in the {side} comes from few clusters, as if from {effective:.1} of equal size"
            ),
            Self::UnequalClusters { side, effective, clusters } => write!(
                f,
                "a few of the {clusters} clusters hold most of the {side}, which is as if from {effective:.1} of equal size"
            ),
            Self::ImpressionsAsClusters => f.write_str(
                "every impression counted as its own cluster: impressions of one viewer are not independent, so the interval is too short",
            ),
            Self::ClustersNotCompared { treatment, baseline, without_topic } => write!(
                f,
                "clusters that cannot be compared with themselves add nothing to the estimate (in the treatment alone: \
                 {treatment}, in the baseline alone: {baseline}, shown nothing of the topic in either: {without_topic})",
            ),
            Self::PartlyCrossed { both, either } => write!(
                f,
                "only {both} of {either} clusters {} impressions in both arms; the others are compared with nothing of their own",
                if *both == 1 { "has" } else { "have" },
            ),
            Self::OfClustersBy { unit, warning } => write!(f, "by {unit}: {warning}"),
            _ => Ok(()),
        }
    }

    /// What labels by hand are worth.
    fn of_labels(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewLabels { side, with_topic, without_topic } => write!(
                f,
                "of what was labelled by hand in the {side}, {with_topic} {} the topic and {without_topic} {} not: with \
                 fewer than {FEW_LABELS} of either, intervals of corrected shares may be too short; label more",
                if *with_topic == 1 { "has" } else { "have" },
                if *without_topic == 1 { "has" } else { "have" },
            ),
            Self::LabelsNotByDesign { side, stands_for } => write!(
                f,
                "by their inclusion probabilities the labels by hand in the {side} stand for {:.0}% of what was shown \
                 there: either the probabilities are not those with which rows were chosen, or rows that were looked at \
                 are left empty, as if nobody had (write none or other in them)",
                100.0 * stands_for
            ),
            _ => Ok(()),
        }
    }

    /// What weighed impressions are worth.
    fn of_weights(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::EffectiveSize {
            effective_size,
            floor,
            impressions,
            greatest,
            clipped,
            uncovered,
        } = self
        else {
            return Ok(());
        };
        write!(
            f,
            "the {impressions} impressions that the baseline is made of are worth {effective_size:.1} of the target's, the greatest weight being {greatest:.4}"
        )?;
        if effective_size < floor {
            write!(f, ": less than {floor}, below which an answer depends on a few of them")?;
        }
        if *clipped > 0 {
            write!(f, "; {clipped} {} clipped, which biases it", plural(*clipped, "weight"))?;
        }
        match uncovered {
            Some(part) if *part > 0.0 => {
                write!(f, "; {:.1}% of the target is of items that were never shown", 100.0 * part)
            }
            _ => Ok(()),
        }
    }

    /// Of baselines that are not arms.
    fn of_requests(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestsWithoutCandidates { requests, of } => write!(
                f,
                "{requests} of {of} requests have no candidates in the table, and are left out of both arms"
            ),
            Self::RequestsWithoutEngagement { requests, of } => write!(
                f,
                "in {requests} of {of} requests nothing was engaged with, and they are left out of both arms; EngagementWeighted::plus would keep them"
            ),
            Self::ShortPools { requests, of } => write!(
                f,
                "{requests} of {of} requests have fewer candidates than were shown, so that places of the baseline are empty"
            ),
            Self::OddNames { remark } => write!(f, "{remark}"),
            Self::TiedCandidates { requests, of } => write!(
                f,
                "in {requests} of {of} requests the newest candidates are cut among some of one moment, or their places count differently; each of these gets its part of the places, as expected over all their orders; finer times of publication would tell which came first"
            ),
            Self::ShownOutsidePool { impressions } => write!(
                f,
                "{impressions} {} of items that are not among their request's candidates: the table is not all that could be shown",
                plural(*impressions, "impression")
            ),
            Self::ExpectedBaseline => f.write_str(
                "the baseline is an expectation over candidates: its rows are candidates, and no error for independent impressions is given",
            ),
            Self::BaselineFromElsewhere { standard_error } => write!(
                f,
                "the baseline is not of this log: the interval knows of {}",
                if *standard_error > 0.0 { "the error that is stated for it, and of no other" } else { "no error of it but what its counts, if it has them, show" }
            ),
            Self::EffectiveSize { .. } => self.of_weights(f),
            other => other.of_rows(f),
        }
    }

    /// Those about rows that are missing, in words.
    fn of_rows(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewClustersForMethod { clusters, enough } => write!(
                f,
                "{clusters} {} in an arm are too few for this interval, which wants {enough}: it tends to be too short; take the default, or the jackknife",
                plural(*clusters, "cluster")
            ),
            Self::RowsSetAside { rows } => {
                write!(f, "{rows} {} of the log set aside", plural(*rows, "row"))
            }
            Self::TopicRowsSetAside { rows } => {
                write!(f, "{rows} {} of the topics table set aside", plural(*rows, "row"))
            }
            Self::ItemsWithoutTopics { items } => write!(
                f,
                "{items} {} not in the topics table; their impressions are untagged",
                plural(*items, "item")
            ),
            other => other.of_inputs(f),
        }
    }
}

/// The word in the number that fits.
fn plural(count: u64, word: &str) -> String {
    format!("{word}{}", if count == 1 { "" } else { "s" })
}
