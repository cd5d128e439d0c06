//! Values of flags that are not the library's own words.

use tiltmeter::log::TopicFormat;
use tiltmeter::{Bias, Keep, Reference, ReferenceShare};

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| format!("{text:?} is no such number"))
}

/// `LOW,HIGH`.
pub(crate) fn pair(text: &str) -> Result<(f64, f64), String> {
    let (low, high) = text.split_once(',').ok_or("two numbers with a comma between them")?;
    Ok((number(low)?, number(high)?))
}

pub(crate) fn separator(text: &str) -> Result<TopicFormat, String> {
    let mut chars = text.chars();
    match (text, chars.next(), chars.next()) {
        ("python_list", ..) => Ok(TopicFormat::PythonList),
        ("json_list", ..) => Ok(TopicFormat::JsonList),
        (_, Some(one), None) => Ok(TopicFormat::Separated(one)),
        _ => {
            Err("one character, or python_list or json_list for lists as these write them"
                .to_owned())
        }
    }
}

pub(crate) fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [one] => Ok(*one),
        _ => Err("one character, or tab".to_owned()),
    }
}

/// `COLUMN=VALUE`.
pub(crate) fn filter(text: &str) -> Result<(String, String), String> {
    let (column, value) = text.split_once('=').ok_or("COLUMN=VALUE")?;
    Ok((column.to_owned(), value.to_owned()))
}

/// Filters by column: one of its values must be there.
pub(crate) fn keep(filters: &[(String, String)]) -> Vec<Keep> {
    let mut keep: Vec<Keep> = Vec::new();
    for (column, value) in filters {
        match keep.iter_mut().find(|its| its.column == *column) {
            Some(its) => its.values.push(value.clone()),
            None => keep.push(Keep { column: column.clone(), values: vec![value.clone()] }),
        }
    }
    keep
}

/// `NAME=a,b`.
pub(crate) fn combined(text: &str) -> Result<(String, Vec<String>), String> {
    let (name, of) = text.split_once('=').ok_or("NAME=COLUMN,COLUMN")?;
    Ok((name.to_owned(), of.split(',').map(str::to_owned).collect()))
}

/// `NAME:TOPIC=SHARE,...`; a share is a number, `SHARE~ERROR` or `TOPIC/ALL`. Its bias is said apart.
pub(crate) fn reference(text: &str) -> Result<Reference, String> {
    let (name, shares) = text.split_once(':').ok_or("NAME:TOPIC=SHARE,...")?;
    let mut reference = Reference::new(name, Bias::NONE);
    for part in shares.split(',') {
        let (topic, share) =
            part.rsplit_once('=').ok_or_else(|| format!("{part:?} is no TOPIC=SHARE"))?;
        let share = if let Some((topic, all)) = share.split_once('/') {
            ReferenceShare::Counts { topic: number(topic)?, all: number(all)? }
        } else if let Some((share, error)) = share.split_once('~') {
            ReferenceShare::Estimated { share: number(share)?, standard_error: number(error)? }
        } else {
            ReferenceShare::Known(number(share)?)
        };
        if reference.shares.contains_key(topic) {
            return Err(format!("{topic:?} has two shares; give it one"));
        }
        reference = reference.share(topic, share);
    }
    reference.check().map_err(|error| error.to_string())?;
    Ok(reference)
}
