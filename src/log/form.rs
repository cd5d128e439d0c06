//! How the text of a file is written: what a schema declares of it, and what was found where it declares
//! nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::printable::printable;
use crate::format::word::said_by_words;

/// The format of a file, where its name does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileFormat {
    /// Fields with commas between.
    Csv,
    /// Fields with tabs between.
    Tsv,
    /// One JSON object per line.
    Ndjson,
    /// A JSON document with a list of objects.
    Json,
    /// Apache Parquet.
    Parquet,
    /// A workbook of a spreadsheet.
    Xlsx,
}

said_by_words!(FileFormat);

/// How numbers are written that text holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NumberForm {
    /// With a point before decimals, and nothing between thousands: `1234.5`.
    #[default]
    Plain,
    /// With commas between thousands: `1,234.5`.
    ThousandsComma,
    /// With a comma before decimals, and points, spaces or apostrophes between thousands: `1.234,5`.
    DecimalComma,
}

said_by_words!(NumberForm);

impl NumberForm {
    /// The number that a text is; `None` where it is none in this form.
    ///
    /// ```
    /// use tiltmeter::log::NumberForm;
    /// assert_eq!(NumberForm::DecimalComma.read("1.234,5"), Some(1234.5));
    /// assert_eq!(NumberForm::ThousandsComma.read("1,23"), None);
    /// ```
    #[must_use]
    pub fn read(self, text: &str) -> Option<f64> {
        let (decimal, thousands): (char, &[char]) = match self {
            Self::Plain => return text.parse().ok(),
            Self::ThousandsComma => ('.', &[',']),
            Self::DecimalComma => (',', &['.', ' ', '\u{a0}', '\u{202f}', '\'', '\u{2019}']),
        };
        let (whole, part) = match text.split_once(decimal) {
            Some((whole, part)) => (whole, Some(part)),
            None => (text, None),
        };
        let mut groups = whole.split(thousands);
        let first = groups.next()?;
        let mut digits = first.to_owned();
        for (at, group) in groups.enumerate() {
            let first = first.trim_start_matches(['-', '+']);
            if group.len() != 3 || at == 0 && (first.is_empty() || first.len() > 3) {
                return None;
            }
            digits.push_str(group);
        }
        if let Some(part) = part {
            digits.push('.');
            digits.push_str(part);
        }
        digits.parse().ok()
    }
}

/// Something that was found of a file and not declared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Found {
    /// Its encoding, by the name that browsers know.
    Encoding(String),
    /// The character between fields.
    Delimiter(char),
    /// Lines before the one that names the columns.
    Preamble(u32),
    /// A column without a name before the others, as of row numbers.
    IndexColumn,
    /// Names of columns that look like values: there may be no line of names.
    HeaderLikeData(String),
    /// A first line that is the names which were said: it counts as a row.
    NamesAsRow,
    /// A column that the names of folders say.
    FolderColumn(String),
    /// A column of the file's own, which is read though the names of folders say it too.
    BesideFolder(String),
    /// Of a table beside the log, by its file.
    Table(String, Box<Found>),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoding(name) => write!(f, "written in {name}"),
            Self::Delimiter('\t') => f.write_str("tabs between fields"),
            Self::Delimiter(delimiter) => write!(f, "{delimiter:?} between fields"),
            Self::Preamble(1) => f.write_str("1 line before the names of the columns left out"),
            Self::Preamble(lines) => {
                write!(f, "{lines} lines before the names of the columns left out")
            }
            Self::IndexColumn => f.write_str("a column without a name before the others"),
            Self::HeaderLikeData(name) => write!(
                f,
                "a first line that looks like values ({}): if it names no columns, say what they are called \
                 (LogSchema::header, --columns)",
                printable(name)
            ),
            Self::Table(file, found) => write!(f, "{}: {found}", printable(file)),
            Self::NamesAsRow => f.write_str(
                "a first line that is the names of the columns that were said: it counts as a row, unless they are left \
                 unsaid (LogSchema::header, --columns)",
            ),
            Self::BesideFolder(name) => write!(
                f,
                "column {:?} of the file itself, and not what the names of its folders say of it",
                printable(name)
            ),
            Self::FolderColumn(name) => {
                write!(f, "column {:?} from the names of folders", printable(name))
            }
        }
    }
}

/// What a schema declares of how the text of a file is written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TextForm<'s> {
    pub(crate) delimiter: Option<u8>,
    pub(crate) encoding: Option<&'s str>,
    /// What the columns are called of a file without a line of names.
    pub(crate) header: &'s [String],
    /// Lines before that.
    pub(crate) preamble: Option<u32>,
    pub(crate) format: Option<FileFormat>,
}

impl TextForm<'_> {
    /// What is declared that files of a format do not have.
    pub(crate) fn not_of(&self, format: FileFormat) -> Option<String> {
        let is_text = matches!(format, FileFormat::Csv | FileFormat::Tsv);
        let is_json = matches!(format, FileFormat::Json | FileFormat::Ndjson);
        let of_lines = || {
            let delimiter =
                self.delimiter.map(|byte| format!("a delimiter, {:?}", char::from(byte)));
            let header = self.header.first().map(|name| format!("names of columns, {name:?}"));
            let preamble = self.preamble.map(|lines| format!("{lines} lines before the names"));
            delimiter.or(header).or(preamble)
        };
        let encoding =
            self.encoding.filter(|_| !is_json).map(|name| format!("an encoding, {name}"));
        if is_text { None } else { of_lines().or(encoding) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_offices_write_them() {
        use NumberForm::{DecimalComma, Plain, ThousandsComma};
        for (form, text, number) in [
            (ThousandsComma, "1,234.5", Some(1234.5)),
            (ThousandsComma, "-1,234,567", Some(-1_234_567.0)),
            (ThousandsComma, "12.5", Some(12.5)),
            (ThousandsComma, "1,23", None),
            (ThousandsComma, ",123", None),
            (ThousandsComma, "1234,567", None),
            (DecimalComma, "1.234,5", Some(1234.5)),
            (DecimalComma, "1'234,5", Some(1234.5)),
            (DecimalComma, "2,21", Some(2.21)),
            (DecimalComma, "2.21", None),
            (DecimalComma, "1\u{a0}000", Some(1000.0)),
            (Plain, "2,21", None),
            (Plain, "1e3", Some(1000.0)),
        ] {
            assert_eq!(form.read(text), number, "{form:?} {text}");
        }
    }
}
