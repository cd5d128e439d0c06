//! A cell of a column whose cells have each a type of their own, as in JSON.

use std::borrow::Cow;

/// A cell of a column whose cells differ in type.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum MixedValue {
    /// No value.
    #[default]
    Null,
    /// Text; also a whole number past 64 bits, in digits.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A floating-point number. It is an id where it is a whole number below 2^53, of which each has
    /// one: of others, two different numbers of the file may be the same floating-point number.
    Float(f64),
    /// A truth value.
    Boolean(bool),
    /// A list of text.
    TextList(Vec<String>),
    /// Something that no role can use, as it is written.
    Other(String),
}

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
