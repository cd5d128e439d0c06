//! TOML that shows what it is made of: characters without a look, which names from a log may have, are
//! escaped in it, and read back as the same.

use std::fmt::Display;

use serde::Serialize;
use tiltmeter::report::has_look;
use toml::{Table, Value};

/// A document.
pub(crate) fn document(value: &impl Serialize) -> Result<String, String> {
    let plain = toml::to_string(value).map_err(said)?;
    inert(
        plain,
        || Value::try_from(value).map_err(said),
        |marked| toml::to_string(marked).map_err(said),
    )
}

/// A value within a line.
pub(crate) fn inline(value: &(impl Serialize + ?Sized)) -> Result<String, String> {
    let value = Value::try_from(value).map_err(said)?;
    inert(value.to_string(), || Ok(value.clone()), |marked| Ok(marked.to_string()))
}

fn said(cause: impl Display) -> String {
    cause.to_string()
}

fn is_plain(c: char) -> bool {
    c == '\n' || has_look(c)
}

/// The writer escapes what TOML forbids and lets all else pass. So what has no look is marked before it
/// writes, with a delete that makes it write strings in which escapes are read, and the marks become
/// escapes after.
fn inert(
    plain: String,
    value: impl FnOnce() -> Result<Value, String>,
    write: impl Fn(&Value) -> Result<String, String>,
) -> Result<String, String> {
    if plain.chars().all(is_plain) {
        return Ok(plain);
    }
    let mark = ('\u{e000}'..='\u{f8ff}').find(|mark| !plain.contains(*mark));
    let mark = mark.ok_or("it has every private character of Unicode; give it other names")?;
    let written = write(&marked(value()?, mark))?;
    let mut text = String::with_capacity(written.len());
    for (at, part) in written.split(mark).enumerate() {
        if at % 2 == 0 {
            text.push_str(part);
            continue;
        }
        // Six letters are the escaped delete.
        let number = part.get(6..).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let number = number.ok_or("a name could not be escaped; give it another one")?;
        text.push_str(&if number > 0xffff {
            format!("\\U{number:08X}")
        } else {
            format!("\\u{number:04X}")
        });
    }
    Ok(text)
}

fn marked(value: Value, mark: char) -> Value {
    let text = |text: &str| -> String {
        let shown = |c: char| match is_plain(c) {
            true => c.to_string(),
            false => format!("{mark}\u{7f}{:X}{mark}", u32::from(c)),
        };
        text.chars().map(shown).collect()
    };
    match value {
        Value::String(its) => Value::String(text(&its)),
        Value::Array(its) => Value::Array(its.into_iter().map(|its| marked(its, mark)).collect()),
        Value::Table(its) => {
            let each = |(key, its): (String, Value)| (text(&key), marked(its, mark));
            Value::Table(its.into_iter().map(each).collect::<Table>())
        }
        other => other,
    }
}
