//! Warnings of what was said and read, before anything was computed: in words.

use std::fmt;

use super::Warning;
use crate::base::printable::{printable, quoted};
use crate::log::Origin;

impl Origin {
    /// What a reader should know of how the rows were read; reports of the log say the same.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let unread = self.unread_count.iter().cloned();
        let unread = unread.map(|column| Warning::UnreadCount { table: None, column });
        let weights = self.weight_like_count.iter().cloned();
        let weights = weights.map(|column| Warning::WeightLikeCount { column });
        let names = self.names.iter().cloned().map(|remark| Warning::OddNames { remark });
        unread.chain(weights).chain(names).collect()
    }
}

impl Warning {
    pub(super) fn of_inputs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MarginBesideNull { low, high, null } => write!(
                f,
                "the margin from {low} to {high} leaves out {null}, which stands for no amplification: \
                 a small p says that there is some of such a size, not that there is none"
            ),
            Self::WithoutEffect { said } => write!(f, "{said}"),
            Self::NotKeptInTable { table, column } => write!(
                f,
                "what chose rows of the log, {column:?}, is not in {table}: all rows there count, those of \
                 what was left out of the log too"
            ),
            Self::TopicsInOne { separator, example, impressions, of } => write!(
                f,
                "{impressions} of {of} tagged impressions have topics with '{separator}' in them, such \
                 as {example}: each combination counts as one topic; if '{separator}' stands between \
                 topics, read them apart (--topics COLUMN --topics-separator '{separator}', or \
                 TopicColumn::separated)",
                separator = printable(&separator.to_string()),
                example = quoted(example)
            ),
            Self::SupplyUnweighted { role } => write!(
                f,
                "the supply has no column for {role}, which the log has: each of its items counts alike"
            ),
            Self::RepeatedSupplyItems { rows } => write!(
                f,
                "the supply repeats items: {rows} of its rows are of an item that it has already, and \
                 each counts"
            ),
            Self::ShownOutsideSupply { impressions, of } => write!(
                f,
                "{impressions} of {of} impressions of the treatment are of items that the supply does \
                 not have: the table is not all that could be shown"
            ),
            Self::NumbersAsTopics { topics } => write!(
                f,
                "all {topics} topics are numbers: if the column is a measure and no code of topics, \
                 name another one"
            ),
            other => other.of_counts(f),
        }
    }

    /// Of columns that are called like a count.
    fn of_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnreadCount { table: Some(table), column } => write!(
                f,
                "column {quoted} of {table} is called like a count, and is not read: each of its rows \
                 counts as one; if rows stand for several, give the log a column of that name and \
                 declare it (--count {column}, or LogSchema::count)",
                quoted = quoted(column),
                column = printable(column)
            ),
            Self::UnreadCount { table: None, column } => write!(
                f,
                "column {quoted} is called like a count of impressions, and is not read: each row \
                 counts as one; if rows stand for several, declare it (--count {column}, or \
                 LogSchema::count)",
                quoted = quoted(column),
                column = printable(column)
            ),
            Self::WeightLikeCount { column } => write!(
                f,
                "the weights are those of column {quoted}, which is called like a count of \
                 impressions: a row counts as one impression that matters so much; if it stands for so \
                 many impressions alike, declare it as that (--count {column}, or LogSchema::count)",
                quoted = quoted(column),
                column = printable(column)
            ),
            other => other.of_arms(f),
        }
    }

    /// Of how the arms are counted.
    fn of_arms(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewInBothArms { p } => write!(
                f,
                "few clusters are in both arms: had a coin chosen to which arm each of them leans, so great a difference would come about with a chance of {:.1}%, so it is no finding, and share bounds reach to no difference",
                100.0 * p
            ),
            Self::CertainBaseline => f.write_str(
                "the baseline is said to be exactly none or all, and a single stray impression would contradict that, so the interval is extended to no amplification; say the baseline's error, or of how many impressions it is",
            ),
            Self::StrataLeftOut { left_out, strata } => write!(
                f,
                "the test that strata are equal leaves out {left_out} of {strata}: they have no finite value, or \
                 nothing shows how it varies over their clusters"
            ),
            Self::NullMoved { low, high } => write!(
                f,
                "something is added to what was counted, so that arms alike would give a value between \
                 {low:.4} and {high:.4} here; the interval leaves no amplification out and not all of \
                 these, so that it is no finding"
            ),
            Self::UntaggedInOneArm { side, untagged, other } => write!(
                f,
                "{:.1}% of the impressions in the {side} have no topic, and {:.1}% of those in the other \
                 arm: if their labels are missing, every topic seems rarer there; then ask for shares of \
                 tagged impressions (--denominator tagged_impressions, or Denominator::TaggedImpressions)",
                100.0 * untagged,
                100.0 * other
            ),
            _ => Ok(()),
        }
    }
}
