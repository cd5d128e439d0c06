//! Reading numbers and times from columns of any type that may hold them, and the rules that numbers
//! obey in each role. What is done about a fault is the builder's.

use super::batch::Column;
use super::cells::{CellKind, whole_number};
use super::form::NumberForm;
use super::mixed_value::MixedValue;
use super::parse;
use super::time_format::TimeFormat;
use crate::error::limit::MAX_WEIGHT;
use crate::error::role::Role;
use crate::error::row::FaultReason;

/// A value, or what is wrong with what stands there, and what that is.
pub(super) type Checked<T> = Result<T, (FaultReason, String)>;

fn fault<T>(reason: FaultReason, value: &dyn std::fmt::Display) -> Checked<T> {
    Err((reason, value.to_string()))
}

fn no_value<T>() -> Checked<T> {
    fault(FaultReason::Null, &"")
}

/// What a truth value is where a number is needed.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Truth {
    /// 1 or 0.
    IsOneOrZero,
    /// No number at all.
    IsNoNumber,
}

/// Calls `add` for every row of a column that may hold numbers, with what `rule` makes of the
/// number; `None` if the column may not. Faults show the value as it was written.
pub(super) fn each_number<T>(
    column: &Column,
    null: impl Fn(&str) -> bool,
    (truth, form): (Truth, NumberForm),
    rule: impl Fn(f64) -> Result<T, FaultReason>,
    mut add: impl FnMut(usize, Checked<T>),
) -> Option<()> {
    let ruled = |number: f64, shown: &dyn std::fmt::Display| match rule(number) {
        Ok(value) => Ok(value),
        Err(reason) => fault(reason, shown),
    };
    let parse = |text: Option<&str>| match text.map(str::trim) {
        Some(text) if !null(text) => match form.read(text) {
            Some(number) => ruled(number, &text),
            None => fault(FaultReason::NotANumber, &text),
        },
        text => fault(FaultReason::Null, &text.unwrap_or_default()),
    };
    let of_mixed = |value: &MixedValue| match value {
        MixedValue::Null => no_value(),
        MixedValue::Text(text) => parse(Some(text)),
        MixedValue::Integer(value) => ruled(*value as f64, value),
        MixedValue::Float(value) => ruled(*value, value),
        MixedValue::Boolean(value) if truth == Truth::IsOneOrZero => {
            ruled(f64::from(u8::from(*value)), value)
        }
        other => fault(FaultReason::NotANumber, &other.shown()),
    };
    let of_cell = |kind, text: &str| match kind {
        // Most numbers are whole, and quicker to read as such.
        CellKind::Text => match whole_number(text.as_bytes()) {
            Some(whole) if !null(text) => Some(ruled(whole as f64, &text)),
            _ => Some(parse(Some(text))),
        },
        CellKind::Integer => whole_number(text.as_bytes()).map(|whole| ruled(whole as f64, &text)),
        _ => None,
    };
    if let Column::Cells(cells) = column {
        for (row, (kind, text)) in cells.iter().enumerate() {
            add(row, of_cell(kind, text).unwrap_or_else(|| of_mixed(&cells.get(row))));
        }
        return Some(());
    }
    for row in 0..column.len() {
        let value = match column {
            Column::Text(text) => parse(text.get(row)),
            Column::Coded(coded) => parse(coded.id(row)),
            Column::Shared(shared) => parse(shared.get(row)),
            Column::Integer(values) => values[row].map_or_else(no_value, |v| ruled(v as f64, &v)),
            Column::Whole(values) => ruled(values[row] as f64, &values[row]),
            Column::SharedWhole(shared) => {
                shared.get(row).map_or_else(no_value, |v| ruled(v as f64, &v))
            }
            Column::Float(values) => values[row].map_or_else(no_value, |v| ruled(v, &v)),
            Column::Boolean(values) if truth == Truth::IsOneOrZero => {
                values[row].map_or_else(no_value, |v| ruled(f64::from(u8::from(v)), &v))
            }
            Column::Mixed(values) => of_mixed(&values[row]),
            Column::Boolean(_)
            | Column::Timestamp(_)
            | Column::LocalTime(_)
            | Column::TextList(_)
            | Column::Cells(_)
            | Column::Unsupported { .. } => return None,
        };
        add(row, value);
    }
    Some(())
}

/// A number as a position, if it is one.
pub(super) fn position(number: f64) -> Result<u32, FaultReason> {
    if !number.is_finite() {
        Err(FaultReason::NotFinite)
    } else if number.fract() != 0.0 {
        Err(FaultReason::NotAnInteger)
    } else if !(1.0..=f64::from(u32::MAX)).contains(&number) {
        Err(FaultReason::PositionOutOfRange)
    } else {
        Ok(number as u32)
    }
}

/// A number in a role, if it obeys the rule of the role.
pub(super) fn number_in_role(role: Role, value: f64) -> Result<f64, FaultReason> {
    match role {
        _ if !value.is_finite() => Err(FaultReason::NotFinite),
        Role::Weight if value < 0.0 => Err(FaultReason::NegativeWeight),
        Role::Weight if value > MAX_WEIGHT => Err(FaultReason::WeightTooLarge),
        Role::Count if value.fract() != 0.0 => Err(FaultReason::NotAnInteger),
        Role::Count if !(0.0..=f64::from(u32::MAX)).contains(&value) => {
            Err(FaultReason::CountOutOfRange)
        }
        Role::Propensity if value <= 0.0 || value > 1.0 => Err(FaultReason::PropensityOutOfRange),
        // A row that stands for more decides all by itself.
        Role::Inclusion if !(1.0 / MAX_WEIGHT..=1.0).contains(&value) => {
            Err(FaultReason::InclusionOutOfRange)
        }
        Role::Satisfaction if !(0.0..=1.0).contains(&value) => {
            Err(FaultReason::SatisfactionOutOfRange)
        }
        // Adding zero turns -0.0 into 0.0, so that equal logs are equal.
        _ => Ok(value + 0.0),
    }
}

/// Whether no number is a time in a format. A pattern may be of whole numbers, such as 20260309.
const fn is_text_alone(format: &TimeFormat) -> bool {
    matches!(
        format,
        TimeFormat::Iso | TimeFormat::Rfc2822 | TimeFormat::Javascript | TimeFormat::Zone(_)
    )
}

/// Calls `add` for every row of a column that may hold times; `None` if it may not.
pub(super) fn each_time(
    column: &Column,
    format: &TimeFormat,
    null: impl Fn(&str) -> bool,
    mut add: impl FnMut(usize, Checked<i64>),
) -> Option<()> {
    let is_text = is_text_alone(format);
    let parse = |text: Option<&str>| match text {
        Some(text) if !null(text) => match parse::time(text, format) {
            Some(at) => Ok(at),
            None => fault(FaultReason::UnreadableTime, &text),
        },
        text => fault(FaultReason::Null, &text.unwrap_or_default()),
    };
    let or_fault = |value: Option<i64>, shown: &dyn std::fmt::Display| match value {
        Some(at) => Ok(at),
        None => fault(FaultReason::UnreadableTime, shown),
    };
    let of_mixed = |value: &MixedValue| match value {
        MixedValue::Null => no_value(),
        MixedValue::Text(text) => parse(Some(text)),
        MixedValue::Integer(value) if !is_text => {
            or_fault(parse::whole_time(*value, format), value)
        }
        MixedValue::Float(value) if !is_text => {
            or_fault(parse::fractional_time(*value, format), value)
        }
        other => fault(FaultReason::UnreadableTime, &other.shown()),
    };
    if let Column::Cells(cells) = column {
        for (row, (kind, text)) in cells.iter().enumerate() {
            let value = match kind {
                CellKind::Text => parse(Some(text)),
                _ => of_mixed(&cells.get(row)),
            };
            add(row, value);
        }
        return Some(());
    }
    for row in 0..column.len() {
        let value = match column {
            Column::Text(text) => parse(text.get(row)),
            Column::Coded(coded) => parse(coded.id(row)),
            Column::Shared(shared) => parse(shared.get(row)),
            Column::Timestamp(values) => values[row].map_or_else(no_value, Ok),
            Column::LocalTime(values) => values[row].map_or_else(no_value, |at| {
                or_fault(parse::local_time(at, format), &parse::moment_id(at))
            }),
            Column::Integer(values) if !is_text => {
                values[row].map_or_else(no_value, |v| or_fault(parse::whole_time(v, format), &v))
            }
            Column::Whole(values) if !is_text => {
                or_fault(parse::whole_time(values[row], format), &values[row])
            }
            Column::SharedWhole(shared) if !is_text => shared
                .get(row)
                .map_or_else(no_value, |v| or_fault(parse::whole_time(v, format), &v)),
            Column::Float(values) if !is_text => values[row]
                .map_or_else(no_value, |v| or_fault(parse::fractional_time(v, format), &v)),
            Column::Mixed(values) => of_mixed(&values[row]),
            _ => return None,
        };
        add(row, value);
    }
    Some(())
}
