//! Columns whose cells have each a type of their own, as in JSON: what a cell is in each role,
//! whatever the cells beside it are. Rules that all columns share are the builder's.

use std::borrow::Cow;

use super::batch::MixedValue;
use super::dictionary::Coded;
use super::ids::refused;
use super::topics::{TopicFault, TopicReader};
use crate::error::Error;
use crate::error::row::FaultReason;

impl MixedValue {
    /// The cell as messages show it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) | Self::Other(text) => text.clone(),
            Self::Integer(value) => value.to_string(),
            // With its point or exponent: "1" would not show why 1.0 is no whole number.
            Self::Float(value) => format!("{value:?}"),
            Self::Boolean(value) => value.to_string(),
            Self::TextList(items) => format!("{items:?}"),
        }
    }

    /// The canonical text of an id; `None` for a cell that is none.
    pub(super) fn id(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Integer(value) => Some(Cow::Owned(value.to_string())),
            Self::Boolean(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            Self::Float(value) => whole(*value).map(|whole| Cow::Owned(whole.to_string())),
            Self::Null | Self::TextList(_) | Self::Other(_) => None,
        }
    }
}

/// The whole number that a floating-point number is, if no other is the same.
fn whole(value: f64) -> Option<i64> {
    const EXACT: f64 = (1_i64 << 53) as f64;
    (value.abs() < EXACT && value.fract() == 0.0).then_some(value as i64)
}

/// Floating-point numbers as cells; what is no number at all is no value.
pub(super) fn of_floats(values: &[Option<f64>]) -> Vec<MixedValue> {
    let cell = |value: &Option<f64>| match value.filter(|value| !value.is_nan()) {
        Some(value) => MixedValue::Float(value),
        None => MixedValue::Null,
    };
    values.iter().map(cell).collect()
}

/// Adds cells to a column of ids; one that is no id is at fault, and added as an empty text.
pub(super) fn push_ids(
    ids: &mut Coded,
    values: &[MixedValue],
    null: impl Fn(&str) -> bool + Copy,
    mut fault: impl FnMut(usize, FaultReason, &str),
) -> Result<(), Error> {
    for (row, value) in values.iter().enumerate() {
        let code = code_of(ids, value, null, |reason, value| fault(row, reason, value))?;
        ids.codes_mut().push(code);
    }
    Ok(())
}

/// The code of a cell in a column of ids, which a row must follow that has it: that of an empty text for
/// one that is no id, and at fault.
pub(super) fn code_of(
    ids: &mut Coded,
    value: &MixedValue,
    null: impl Fn(&str) -> bool + Copy,
    fault: impl FnOnce(FaultReason, &str),
) -> Result<u32, Error> {
    match value.id() {
        Some(id) if refused(Some(&*id), null).is_none() => ids.code_for(&id),
        id => {
            let reason = match refused(id.as_deref(), null) {
                Some(reason) if id.is_some() || *value == MixedValue::Null => reason,
                _ => FaultReason::NotAnId,
            };
            fault(reason, &value.shown());
            ids.code_for("")
        }
    }
}

/// Adds a cell to a column of topics: text in the declared format, lists as they are.
pub(super) fn push_topics(
    reader: &mut TopicReader<'_>,
    value: &MixedValue,
) -> Result<Option<TopicFault>, Error> {
    match value {
        MixedValue::TextList(items) => reader.push_list(items),
        MixedValue::Float(_) | MixedValue::Other(_) => {
            reader.push_text(None)?;
            Ok(Some((FaultReason::UnreadableTopics, value.shown())))
        }
        value => reader.push_text(value.id().as_deref()),
    }
}
