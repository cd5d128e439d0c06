//! Where in a document its rows are.

use std::io;

use super::scan::{Nesting, Scan};

/// What stands at a path.
#[derive(Debug)]
pub(super) enum Found {
    /// An array, whose bracket was passed over, in so many others.
    Array {
        within: usize,
    },
    Other(&'static str),
    Nothing,
}

/// Looks for what stands at a path, from the beginning of a document; the first of several. A key with dots in it is
/// a step as well as several.
pub(super) fn find(document: &mut Scan, path: &str) -> io::Result<Found> {
    Ok(at(document, Some(path), 0)?.unwrap_or(Found::Nothing))
}

/// The same from a value on that is so deep; where it is not there, the value was passed over.
fn at(document: &mut Scan, path: Option<&str>, depth: usize) -> io::Result<Option<Found>> {
    let first = document.some_byte()?;
    let Some(path) = path else {
        return Ok(Some(match first {
            b'[' => {
                document.skip(1);
                Found::Array { within: depth }
            }
            b'{' => Found::Other("an object"),
            _ => Found::Other("a single value"),
        }));
    };
    let after = |step: &str| {
        let rest = path.strip_prefix(step)?;
        if rest.is_empty() { Some(None) } else { rest.strip_prefix('.').map(Some) }
    };
    match first {
        b'{' => document.members(|document, key| match after(&key) {
            Some(rest) => at(document, rest, depth + 1),
            None => document.value().map(|()| None),
        }),
        b'[' => {
            document.skip(1);
            let mut index = 0_usize;
            while document.some_byte()? != b']' {
                if index > 0 {
                    document.expect(b',')?;
                }
                match after(&index.to_string()) {
                    Some(rest) => {
                        if let Some(found) = at(document, rest, depth + 1)? {
                            return Ok(Some(found));
                        }
                    }
                    None => document.value()?,
                }
                index += 1;
            }
            document.skip(1);
            Ok(None)
        }
        _ => document.value().map(|()| None),
    }
}

/// What the first value of a document is, which is an object.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// The paths of its arrays of objects, the first of them.
    pub(super) arrays: Vec<String>,
    /// Whether it has values that are neither objects nor arrays of them.
    pub(super) has_values: bool,
    /// Whether it goes over several lines.
    pub(super) has_line_ends: bool,
    /// Whether something stands behind it.
    pub(super) is_followed: bool,
}

/// Arrays that are told, and how deep in a document they are looked for.
const ARRAYS: usize = 20;
const DEPTH: usize = 4;

/// Goes through the first value of a document.
pub(super) fn survey(document: &mut Scan) -> io::Result<Survey> {
    let mut survey = Survey::default();
    if document.some_byte()? == b'{' {
        object(document, "", 1, &mut survey)?;
    } else {
        document.value()?;
    }
    survey.has_line_ends = document.has_line_ends;
    survey.is_followed = document.next_byte()?.is_some();
    Ok(survey)
}

fn object(document: &mut Scan, path: &str, depth: usize, into: &mut Survey) -> io::Result<()> {
    let passed = document.members(|document, key| {
        let path = if depth == 1 { key } else { format!("{path}.{key}") };
        match document.some_byte()? {
            b'{' if depth < DEPTH => object(document, &path, depth + 1, into)?,
            b'[' => {
                document.skip(1);
                match document.some_byte()? {
                    b'{' if into.arrays.len() < ARRAYS => into.arrays.push(path),
                    b'{' => {}
                    _ => into.has_values |= depth == 1,
                }
                document.close(Nesting::at(1))?;
            }
            first => {
                into.has_values |= depth == 1 && first != b'{';
                document.value()?;
            }
        }
        Ok(None::<()>)
    });
    passed.map(|_| ())
}
