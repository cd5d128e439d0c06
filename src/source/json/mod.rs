//! Whole documents of JSON: an array of objects, or an object with one somewhere in it. The text of the array is
//! cut into one line for each element, which the reader of lines reads.

mod elements;
mod find;
mod scan;

use std::io;
use std::path::Path;

use self::elements::Elements;
use self::find::{Found, Survey, find, survey};
use self::scan::Scan;
use super::NdjsonSource;
use super::text::{decoded, named, unpack};
use crate::error::Error;
use crate::log::{Found as FoundOfFile, JsonForm, TextForm};

const FORMAT: &str = "JSON";

/// The reader of a `.json` file: of an array, of the array that an object has where the form says, or of objects
/// that stand one after the other, as in NDJSON.
pub(super) fn open(
    path: &Path,
    text: &TextForm<'_>,
    form: &JsonForm<'_>,
) -> Result<NdjsonSource, Error> {
    let file = named(path);
    let (first_bytes, encoding) = decoded(unpack::open(path)?, text.encoding)?;
    let text = || Ok::<_, Error>(decoded(unpack::open(path)?, text.encoding)?.0);
    let bytes = || Ok::<_, Error>(Scan::of(text()?));
    let found: Vec<FoundOfFile> = encoding.map(FoundOfFile::Encoding).into_iter().collect();
    let lines = |bytes| Ok(NdjsonSource::open_as(named(path), bytes, FORMAT, form)?.having(found));
    let failed = |cause| damaged(&file, cause);
    let mut document = Scan::of(first_bytes);
    let first = document.first().map_err(failed)?;
    let elements = match (first, form.records) {
        (Some(_), Some(records)) => match find(&mut document, records).map_err(failed)? {
            Found::Array { within } => Elements::of_array(document, within),
            found => {
                let there = survey(&mut restarted(bytes()?).map_err(failed)?);
                return Err(no_records(file, records, &found, there.unwrap_or_default()));
            }
        },
        (Some(b'['), None) => {
            document.skip(1);
            Elements::of_array(document, 0)
        }
        (Some(b'{'), None) => {
            let survey = survey(&mut document).map_err(failed)?;
            if survey.is_followed && !survey.has_line_ends {
                return lines(text()?);
            }
            if !survey.is_followed && !is_row(&survey, form) {
                return Err(an_object(file, survey));
            }
            Elements::of_sequence(restarted(bytes()?).map_err(failed)?)
        }
        _ => return lines(text()?),
    };
    lines(Box::new(elements))
}

/// A document once more, from where it begins.
fn restarted(mut document: Scan) -> io::Result<Scan> {
    document.first()?;
    Ok(document)
}

/// Whether an object that is all of a document is a row: it has the list that is to be taken apart, or values and
/// nothing that could be rows.
fn is_row(survey: &Survey, form: &JsonForm<'_>) -> bool {
    match form.each {
        Some(each) => survey.arrays.iter().any(|array| array == each),
        None => survey.arrays.is_empty() && survey.has_values,
    }
}

/// What is said of a document that cannot be gone through.
fn damaged(file: &str, cause: io::Error) -> Error {
    match unpack::read_error(file, FORMAT, 0, cause) {
        Error::Damaged { file, format, detail, .. } => {
            Error::Damaged { file, format, place: String::new(), detail }
        }
        other => other,
    }
}

fn no_records(file: String, records: &str, found: &Found, there: Survey) -> Error {
    let found = match found {
        Found::Other(what) => format!("at {records:?} there is {what} and no array of objects"),
        _ => format!("there is nothing at {records:?}"),
    };
    let mend = "say where the rows are (LogSchema::records, --records PATH)";
    Error::NoRecords { file, found, available: there.arrays, mend }
}

fn an_object(file: String, survey: Survey) -> Error {
    let found = "the document is an object and no array of objects".to_owned();
    let mend = if survey.arrays.is_empty() {
        "write the rows as an array of objects (pandas does so with orient=\"records\")"
    } else {
        "say which of them has the rows (LogSchema::records, --records PATH)"
    };
    Error::NoRecords { file, found, available: survey.arrays, mend }
}
