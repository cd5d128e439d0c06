//! What can be wrong with one row, and the account of rows set aside. Faults of whole files or
//! columns are in [`crate::Error`].

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::printable::{printable, quoted};

/// What to do with a row that breaks a rule.
///
/// ```
/// use tiltmeter::log::{FaultReason, LogSchema, RowPolicy};
/// use tiltmeter::{Error, ExposureLog, source::SliceSource};
///
/// let source = || SliceSource::new("example").integer("rank", &[1, 0, 2]);
/// let strict = LogSchema::new().position("rank");
/// let Err(Error::Row(fault)) = ExposureLog::read(source(), &strict) else { panic!() };
/// assert_eq!((fault.row, fault.reason), (2, FaultReason::PositionOutOfRange));
///
/// let log = ExposureLog::read(source(), &strict.rows(RowPolicy::SetAside))?;
/// assert_eq!((log.rows(), log.origin().set_aside.rows), (2, 1));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RowPolicy {
    /// Stop at the first such row, with an error that says which it is and why ([`crate::Error::Row`]).
    #[default]
    Strict,
    /// Leave the row out, and count it by reason and column ([`SetAside`]).
    SetAside,
}

/// The rule that a row breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultReason {
    /// The line has more or fewer fields than the header, or is not an object.
    Malformed,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// Nothing where a value is needed.
    Null,
    /// Neither text nor a whole number nor a boolean, where an id is needed.
    NotAnId,
    /// Not a number.
    NotANumber,
    /// Not a whole number.
    NotAnInteger,
    /// A position below 1 or above 4,294,967,295 (positions start at 1).
    PositionOutOfRange,
    /// A weight below 0.
    NegativeWeight,
    /// A number below 0 where there can be none.
    NegativeNumber,
    /// NaN or an infinity.
    NotFinite,
    /// A weight above [`crate::log::MAX_WEIGHT`].
    WeightTooLarge,
    /// A count of impressions outside [0, 2^32).
    CountOutOfRange,
    /// A propensity outside (0, 1].
    PropensityOutOfRange,
    /// A satisfaction outside [0, 1].
    SatisfactionOutOfRange,
    /// An inclusion probability outside (0, 1].
    InclusionOutOfRange,
    /// A label by hand in a row that has no inclusion probability.
    LabelWithoutInclusion,
    /// A time that the declared format cannot read.
    UnreadableTime,
    /// A time that does not fit 64 bits of microseconds.
    TimeOutOfRange,
    /// A list of topics that the declared format cannot read.
    UnreadableTopics,
    /// A list in brackets, where one topic or topics with a character between them were declared.
    ListAsText,
    /// A topic that the relabelling does not list.
    UnlistedTopic,
    /// An item whose topics differ between rows of the topics table.
    ConflictingTopics,
    /// A value longer than [`crate::log::MAX_VALUE`].
    ValueTooLong,
    /// A value that a table beside the log has no row for.
    NotInTable,
    /// Neither yes nor no.
    NotYesOrNo,
    /// A key that stands twice in an object, so that it has no one value.
    RepeatedKey,
    /// Something else than a list, where a list is taken apart into rows.
    NotAList,
    /// An element without fields, in a list that is taken apart into rows.
    NotAnObject,
}

impl FaultReason {
    /// What the row should hold, and what to do.
    #[must_use]
    #[allow(clippy::too_many_lines, reason = "a sentence for each of them, and nothing else")]
    pub const fn mend(self) -> &'static str {
        match self {
            Self::Malformed => {
                "not a row; a CSV line needs the fields of the header (check delimiter and quotes), \
                 an NDJSON line is one object"
            }
            Self::NotUtf8 => {
                "not UTF-8; say in which encoding it is (LogSchema::encoding, --encoding windows-1252), or convert it"
            }
            Self::Null => "empty; fill it in, or set such rows aside",
            Self::NotAnId => {
                "ids are text, whole numbers of at most 64 bits or booleans; write it as text"
            }
            Self::NotANumber => {
                "not a number; if a comma parts decimals or thousands, say so (LogSchema::numbers, --numbers)"
            }
            Self::NotAnInteger => "not a whole number",
            Self::PositionOutOfRange => {
                "positions are whole numbers from 1; if yours start at 0, say so (LogSchema::first_rank, --first-rank 0)"
            }
            Self::NegativeWeight => "weights must be 0 or more",
            Self::NegativeNumber => "must be 0 or more",
            Self::NotFinite => "NaN and infinities are not numbers that can be summed",
            Self::WeightTooLarge => {
                "weights may be at most 8,388,608; divide all of them by the same number (1,024, say: no \
                 ratio or share changes), or, if they count impressions, declare them as the count \
                 (LogSchema::count, --count)"
            }
            Self::CountOutOfRange => {
                "a row stands for a whole number of impressions, from 0 to 4,294,967,295"
            }
            Self::InclusionOutOfRange => {
                "the chance with which a row was chosen to be labelled by hand is above 0 (at least 1 in 8,388,608) and at \
                 most 1; leave the cell empty where none was labelled"
            }
            Self::LabelWithoutInclusion => {
                "labelled by hand, and nothing says with which chance it was chosen; fill in the inclusion probability"
            }
            Self::PropensityOutOfRange => "propensities are probabilities, above 0 and at most 1",
            Self::SatisfactionOutOfRange => "satisfactions are probabilities, from 0 to 1",
            Self::UnreadableTime => "not a time in the declared format; see TimeFormat",
            Self::TimeOutOfRange => {
                "times are held in microseconds, up to the year 294,246; check the column's unit"
            }
            Self::UnreadableTopics => "not in the declared format of topics; see TopicFormat",
            Self::ListAsText => {
                "a list, where a topic as text was declared; say TopicFormat::JsonList, or PythonList \
                 for single quotes"
            }
            Self::UnlistedTopic => {
                "the relabelling does not list it; add it, or say Unlisted::Keep or Unlisted::Untag"
            }
            Self::ConflictingTopics => {
                "the same item had other topics before; say ItemRepeats::Union to join them"
            }
            Self::ValueTooLong => {
                "longer than 65,536 bytes, the most of a value that plays a role (MAX_VALUE); give it a \
                 shorter name, or set such rows aside"
            }
            Self::NotInTable => {
                "the table beside the log has no row for it; add one, or set such rows aside"
            }
            Self::NotYesOrNo => "neither yes (1, true, yes) nor no (0, false, no, or nothing)",
            Self::RepeatedKey => "the key stands twice in the line; write it once",
            Self::NotAList => {
                "no list, where each element of one is a row (LogSchema::each, --each); write [] for none"
            }
            Self::NotAnObject => {
                "an element of it is no object, as those are that are rows (LogSchema::each, --each); take it out"
            }
        }
    }
}

impl fmt::Display for FaultReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed line",
            Self::NotUtf8 => "not UTF-8",
            Self::Null => "no value",
            Self::NotAnId => "not an id",
            Self::NotANumber => "not a number",
            Self::NotAnInteger => "not a whole number",
            Self::PositionOutOfRange => "position out of range",
            Self::NegativeWeight => "negative weight",
            Self::NegativeNumber => "negative number",
            Self::NotFinite => "not finite",
            Self::WeightTooLarge => "weight too large",
            Self::CountOutOfRange => "count out of range",
            Self::InclusionOutOfRange => "inclusion probability out of range",
            Self::LabelWithoutInclusion => "labelled without an inclusion probability",
            Self::PropensityOutOfRange => "propensity out of range",
            Self::SatisfactionOutOfRange => "satisfaction out of range",
            Self::UnreadableTime => "unreadable time",
            Self::TimeOutOfRange => "time out of range",
            Self::UnreadableTopics => "unreadable topics",
            Self::ListAsText => "list read as text",
            Self::UnlistedTopic => "unlisted topic",
            Self::ConflictingTopics => "conflicting topics",
            Self::ValueTooLong => "value too long",
            Self::NotInTable => "not in the table",
            Self::NotYesOrNo => "neither yes nor no",
            Self::RepeatedKey => "repeated key",
            Self::NotAList => "not a list",
            Self::NotAnObject => "not an object",
        })
    }
}

/// One row that breaks a rule: where it is, what it holds and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}: row {row}, column {}: {}: {}",
    printable(file),
    quoted(column),
    quoted(value),
    reason.mend()
)]
pub struct RowFault {
    /// The file or source.
    pub file: String,
    /// The column.
    pub column: String,
    /// The row, counted from 1 without the header.
    pub row: u64,
    /// What the row holds there, as text; cut after 200 characters.
    pub value: String,
    /// The rule it breaks.
    pub reason: FaultReason,
}

/// Rows that were read and left out, by reason and column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// How many rows were left out; a row with several faults counts once.
    pub rows: u64,
    /// The account; a row with several faults stands under the first, in the order of roles.
    pub reasons: Vec<SetAsideReason>,
}

impl SetAside {
    /// Adds another account to this one.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.rows += other.rows;
        for reason in other.reasons {
            let same = |its: &&mut SetAsideReason| {
                its.reason == reason.reason && its.column == reason.column
            };
            match self.reasons.iter_mut().find(same) {
                Some(its) => its.rows += reason.rows,
                None => self.reasons.push(reason),
            }
        }
    }
}

/// Rows left out for one reason in one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAsideReason {
    /// The rule they break.
    pub reason: FaultReason,
    /// The column.
    pub column: String,
    /// How many rows.
    pub rows: u64,
    /// The first of them, counted from 1 without the header.
    pub first_row: u64,
    /// What that row holds there, as text; cut after 200 characters.
    pub first_value: String,
}

/// Collects faults of rows, batch after batch.
#[derive(Debug, Default)]
pub(crate) struct SetAsideAccount {
    rows: u64,
    reasons: BTreeMap<(FaultReason, String), SetAsideReason>,
}

impl SetAsideAccount {
    /// Counts a row under its fault.
    pub(crate) fn count(&mut self, fault: RowFault) {
        self.rows += 1;
        self.reasons
            .entry((fault.reason, fault.column.clone()))
            .and_modify(|entry| entry.rows += 1)
            .or_insert_with(|| SetAsideReason {
                reason: fault.reason,
                column: fault.column,
                rows: 1,
                first_row: fault.row,
                first_value: fault.value,
            });
    }

    /// The account so far, in the order of reasons and columns.
    pub(crate) fn finish(self) -> SetAside {
        SetAside { rows: self.rows, reasons: self.reasons.into_values().collect() }
    }
}

/// A value as it is shown in messages.
pub(crate) fn excerpt(value: &str) -> String {
    value.chars().take(200).collect()
}
