//! Mutations of JSON. Numbers that JSON or `Value` cannot hold (`NaN`, `1e309`, `-0`) are put in as
//! marked text and written bare.

use serde_json::Value;

use crate::chance::Chance;
use crate::odd;

const BARE: &str = "bare:";

/// Mutates a text of JSON, if it is one.
pub(crate) fn text(text: &str, chance: &mut Chance) -> Option<String> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    mutate(&mut value, chance);
    let mut text = written(&value)?;
    if let (Value::Object(fields), true) = (&value, chance.one_in(12)) {
        // A key that stands there twice.
        let fields: Vec<_> = fields.iter().collect();
        if !fields.is_empty() {
            let (key, its) = chance.pick(&fields);
            let its = if chance.one_in(2) { odd_value(chance) } else { (*its).clone() };
            text.insert_str(1, &format!("{},", bare(&format!("{}:{}", quoted(key)?, its))));
        }
    }
    Some(text)
}

fn quoted(text: &str) -> Option<String> {
    serde_json::to_string(text).ok()
}

/// As text, marked numbers bare.
pub(crate) fn written(value: &Value) -> Option<String> {
    serde_json::to_string(value).ok().map(|text| bare(&text))
}

fn bare(text: &str) -> String {
    odd::NUMBERS.iter().fold(text.to_owned(), |text, number| {
        if text.contains(BARE) {
            text.replace(&format!("\"{BARE}{number}\""), number)
        } else {
            text
        }
    })
}

/// Changes something somewhere.
pub(crate) fn mutate(value: &mut Value, chance: &mut Chance) {
    let mut places = Vec::new();
    collect(value, String::new(), &mut places);
    let [one, other] = [(); 2].map(|()| chance.pick::<String>(&places).clone());
    let other = value.pointer(&other).cloned().unwrap_or_default();
    if let Some(node) = value.pointer_mut(&one) {
        change(node, other, chance);
    }
}

fn collect(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(i, item)| collect(item, format!("{at}/{i}"), places));
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                collect(field, format!("{at}/{key}"), places);
            }
        }
        _ => {}
    }
    places.push(at);
}

fn change(node: &mut Value, other: Value, chance: &mut Chance) {
    if chance.one_in(8) {
        *node = if chance.one_in(2) { other } else { odd_value(chance) };
        return;
    }
    match node {
        Value::Number(_) => *node = odd_number(chance),
        Value::String(_) => *node = odd::name(chance).into(),
        Value::Bool(truth) => *truth = !*truth,
        Value::Null => *node = odd_value(chance),
        Value::Array(items) => change_items(items, other, chance),
        Value::Object(fields) => {
            let keys: Vec<String> = fields.keys().cloned().collect();
            let Some(key) = keys.get(chance.below(keys.len())) else {
                fields.insert(odd::name(chance), odd_value(chance));
                return;
            };
            match chance.below(3) {
                0 => drop(fields.remove(key)),
                1 => {
                    let moved = fields.remove(key).unwrap_or_default();
                    fields.insert(odd::name(chance), moved);
                }
                _ => drop(fields.insert(key.clone(), odd_value(chance))),
            }
        }
    }
}

fn change_items(items: &mut Vec<Value>, other: Value, chance: &mut Chance) {
    let (one, two) = (chance.below(items.len()), chance.below(items.len()));
    match chance.below(6) {
        0 if !items.is_empty() => drop(items.remove(one)),
        1 if !items.is_empty() => items.swap(one, two),
        2 if !items.is_empty() => {
            let again = items[one].clone();
            let times = if chance.one_in(8) { 300 } else { 1 };
            items.splice(two..two, std::iter::repeat_n(again, times));
        }
        3 => items.reverse(),
        4 => items.push(other),
        _ => items.insert(one, odd_value(chance)),
    }
}

fn odd_number(chance: &mut Chance) -> Value {
    format!("{BARE}{}", odd::number(chance)).into()
}

fn odd_value(chance: &mut Chance) -> Value {
    match chance.below(8) {
        0 => Value::Null,
        1 => Value::Bool(true),
        2 => Value::Array(Vec::new()),
        3 => Value::Object(serde_json::Map::new()),
        4 => odd::name(chance).into(),
        _ => odd_number(chance),
    }
}
