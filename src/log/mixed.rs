//! Columns whose cells have each a type of their own, as in JSON: what a cell is in each role,
//! whatever the cells beside it are. Rules that all columns share are the builder's.

use super::dictionary::Coded;
use super::mixed_value::MixedValue;
use crate::error::Error;
use crate::error::limit::MAX_VALUE;
use crate::error::row::FaultReason;

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

/// Why a text is no id, if it is none.
pub(super) fn refused(text: Option<&str>, null: impl Fn(&str) -> bool) -> Option<FaultReason> {
    match text {
        Some(text) if text.len() > MAX_VALUE => Some(FaultReason::ValueTooLong),
        Some(text) if !null(text) => None,
        _ => Some(FaultReason::Null),
    }
}
