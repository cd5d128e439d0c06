//! The cells of one line of JSON by the keys of its object. Each line is gone through once, and what is not asked
//! for is passed over.

use std::collections::HashMap;
use std::fmt;

use foldhash::fast::RandomState;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{LineFault, WHOLE_LINE};
use crate::log::{FaultReason, MAX_VALUE, MixedValue};

/// The keys that are wanted, each with its place among the cells of a line.
pub(in crate::source) type Wanted = HashMap<String, usize, RandomState>;

/// The cells of a line by the places of their keys.
pub(in crate::source) fn cells_of(
    line: &str,
    wanted: &Wanted,
) -> Result<Vec<MixedValue>, LineFault> {
    let mut from = serde_json::Deserializer::from_str(line);
    let cells = Cells(wanted).deserialize(&mut from).and_then(|cells| from.end().map(|()| cells));
    let shown = || line.trim_end().to_owned();
    match cells {
        Ok(Ok(cells)) => Ok(cells),
        Ok(Err((place, reason))) => {
            let key = wanted.iter().find(|(_, its)| **its == place);
            let key = key.map(|(key, _)| key.clone()).unwrap_or_default();
            Err((key, shown(), reason))
        }
        Err(_) => Err((WHOLE_LINE.to_owned(), shown(), FaultReason::Malformed)),
    }
}

/// What is made of a key, without a copy of it.
pub(super) struct Key<'f, F>(pub(super) &'f F);

impl<'de, T, F: Fn(&str) -> T> DeserializeSeed<'de> for Key<'_, F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        from.deserialize_str(self)
    }
}

impl<T, F: Fn(&str) -> T> Visitor<'_> for Key<'_, F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<T, E> {
        Ok(self.0(key))
    }
}

/// The cells of the keys that are wanted; or the place of one that has none, and why.
struct Cells<'w>(&'w Wanted);

type Found = Result<Vec<MixedValue>, (usize, FaultReason)>;

impl<'de> DeserializeSeed<'de> for Cells<'_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Found, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Cells<'_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let mut cells = vec![MixedValue::Null; self.0.len()];
        let mut met = vec![false; self.0.len()];
        let mut fault = None;
        let of_key = |key: &str| self.0.get(key).copied();
        while let Some(place) = map.next_key_seed(Key(&of_key))? {
            let Some(place) = place else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            match map.next_value_seed(Cell)? {
                Ok(cell) => cells[place] = cell,
                Err(reason) => {
                    fault.get_or_insert((place, reason));
                }
            }
            if std::mem::replace(&mut met[place], true) {
                fault.get_or_insert((place, FaultReason::RepeatedKey));
            }
        }
        Ok(fault.map_or(Ok(cells), Err))
    }
}

/// A cell. Of a list no more is held than a value may have.
pub(super) struct Cell;

pub(super) type FoundCell = Result<MixedValue, FaultReason>;

impl<'de> DeserializeSeed<'de> for Cell {
    type Value = FoundCell;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<FoundCell, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Cell {
    type Value = FoundCell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<FoundCell, E> {
        Ok(Ok(MixedValue::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<FoundCell, E> {
        Ok(Ok(MixedValue::Boolean(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<FoundCell, E> {
        Ok(Ok(MixedValue::Integer(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<FoundCell, E> {
        // Whole and past 63 bits: its digits are exact, as a float it would not be.
        Ok(Ok(i64::try_from(value)
            .map_or_else(|_| MixedValue::Text(value.to_string()), MixedValue::Integer)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<FoundCell, E> {
        Ok(Ok(MixedValue::Float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<FoundCell, E> {
        Ok(Ok(MixedValue::Text(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<FoundCell, E> {
        Ok(Ok(MixedValue::Text(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<FoundCell, A::Error> {
        let mut held = Vec::new();
        let mut bytes = 0;
        while let Some(item) = items.next_element::<Value>()? {
            bytes += 1 + item.as_str().map_or(0, str::len);
            if bytes > MAX_VALUE {
                drop(held);
                while items.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(Err(FaultReason::ValueTooLong));
            }
            held.push(item);
        }
        let topics = held.iter().filter(|item| !item.is_null()).map(topic);
        Ok(Ok(match topics.collect() {
            Some(topics) => MixedValue::TextList(topics),
            None => MixedValue::Other(Value::Array(held).to_string()),
        }))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FoundCell, A::Error> {
        // Nothing is made of an object but a message, which shows how it begins.
        const SHOWN: usize = 400;
        let mut shown = serde_json::Map::new();
        let mut bytes = 0;
        while bytes < SHOWN
            && let Some((key, value)) = map.next_entry::<String, Value>()?
        {
            bytes += key.len() + 1;
            shown.insert(key, value);
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Ok(MixedValue::Other(Value::Object(shown).to_string())))
    }
}

/// An item of a list as text; `None` where different items could give the same text.
fn topic(item: &Value) -> Option<String> {
    match item {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}
