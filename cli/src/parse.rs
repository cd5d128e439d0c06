//! Values of flags that are not the library's own words.

use tiltmeter::log::{Column, TextColumn, TopicFormat};
use tiltmeter::source::{LogSource, open_source};
use tiltmeter::{Bias, Comparison, Keep, Reference, ReferenceShare};

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

/// `COLUMN=VALUE`, with `!=`, `<`, `<=`, `>` and `>=` too; `COLUMN in A,B` and `COLUMN not in A,B`.
pub(crate) fn filter(text: &str) -> Result<Keep, String> {
    let Some(at) = text.find(['=', '<', '>']) else { return listed(text) };
    let (column, rest) = text.split_at(at);
    let (column, is, value) =
        match (column.strip_suffix('!'), &rest[..1], rest[1..].strip_prefix('=')) {
            (Some(column), "=", _) => (column, Comparison::NoneOf, &rest[1..]),
            (_, "=", _) => (column, Comparison::OneOf, &rest[1..]),
            (_, "<", Some(value)) => (column, Comparison::AtMost, value),
            (_, "<", None) => (column, Comparison::Below, &rest[1..]),
            (_, _, Some(value)) => (column, Comparison::AtLeast, value),
            (_, _, None) => (column, Comparison::Above, &rest[1..]),
        };
    Ok(match is {
        // Ids are as they stand in the log, with their spaces.
        Comparison::OneOf | Comparison::NoneOf => Keep::compared(column, is, value),
        _ => Keep::compared(column.trim_end(), is, value.trim()),
    })
}

/// `COLUMN in A,B`, `COLUMN not in A,B`.
fn listed(text: &str) -> Result<Keep, String> {
    let values =
        |values: &str| values.split(',').map(|value| value.trim().to_owned()).collect::<Vec<_>>();
    if let Some((column, of)) = text.split_once(" not in ") {
        return Ok(Keep::none_of(column.trim(), values(of)));
    }
    let (column, of) = text
        .split_once(" in ")
        .ok_or("COLUMN=VALUE (or !=, <, <=, >, >=), or 'COLUMN in A,B', 'COLUMN not in A,B'")?;
    Ok(Keep::new(column.trim(), values(of)))
}

/// Filters by column: of several values of one column, one must be there, and none of those that must not.
pub(crate) fn keep(filters: &[Keep]) -> Vec<Keep> {
    let mut keep: Vec<Keep> = Vec::new();
    for filter in filters {
        let lists = matches!(filter.is, Comparison::OneOf | Comparison::NoneOf);
        match keep
            .iter_mut()
            .find(|its| lists && its.column == filter.column && its.is == filter.is)
        {
            Some(its) => its.values.extend(filter.values.iter().cloned()),
            None => keep.push(filter.clone()),
        }
    }
    keep
}

/// `NAME=VALUE`.
pub(crate) fn assigned(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("two texts with = between them")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// New names for old ones.
#[derive(Clone, Debug)]
pub(crate) struct Relabelling(pub(crate) Vec<(String, String)>);

/// A table of them, in a file.
pub(crate) fn relabelling(path: &str) -> Result<Relabelling, String> {
    let mut source = open_source(path, None).map_err(|error| error.to_string())?;
    if source.column_names().len() < 2 {
        return Err("a table of two columns: old names, and new ones".to_owned());
    }
    source.select(&[0, 1]);
    let mut names = Vec::new();
    while let Some(batch) = source.next_batch().map_err(|error| error.to_string())? {
        let [Column::Text(old), Column::Text(new)] = batch.columns.as_slice() else {
            return Err("a table of text, such as CSV".to_owned());
        };
        if let Some(row) = batch.unreadable.first() {
            return Err(format!("a row that cannot be read: {}", row.value));
        }
        for row in 0..old.len() {
            let text = |of: &TextColumn| of.get(row).unwrap_or_default().to_owned();
            names.push((text(old), text(new)));
        }
    }
    Ok(Relabelling(names))
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
