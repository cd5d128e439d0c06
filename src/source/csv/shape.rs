//! What the first lines of a delimited file show where nothing is declared: the character between fields, lines
//! before the names of the columns, and whether these are names at all.

use super::exact::{Next, Records};
use crate::log::{Found, TextForm};

/// Rows that are looked at.
const LOOKED_AT: usize = 40;

/// How a file is written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) delimiter: u8,
    /// Bytes before the line of names.
    pub(super) skip: usize,
    /// Whether a column without a name stands before the others.
    pub(super) has_index: bool,
    pub(super) found: Vec<Found>,
}

/// The fields of a row, and where it begins.
struct Row {
    start: usize,
    fields: Vec<String>,
}

impl Shape {
    /// The shape of a file that begins so; `usual` is what its name says of its delimiter.
    pub(super) fn of(bytes: &[u8], all: bool, form: &TextForm<'_>, usual: u8) -> Self {
        let mut shape = Self { delimiter: form.delimiter.unwrap_or(usual), ..Self::default() };
        for _ in 0..form.preamble.unwrap_or(0) {
            let rest = &bytes[shape.skip..];
            shape.skip += memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        }
        if form.preamble.is_none() {
            shape.skip_separator_line(bytes, form);
        }
        let base = shape.skip;
        let bytes_left = &bytes[base..];
        if form.delimiter.is_none() && shape.found.is_empty() {
            let found = delimiter(bytes_left, all, usual);
            if found != usual {
                shape.delimiter = found;
                shape.found.push(Found::Delimiter(found.into()));
            }
        }
        if !form.header.is_empty() {
            let first = rows(&bytes[shape.skip..], all, shape.delimiter).into_iter().next();
            shape
                .found
                .extend(first.filter(|row| row.fields == form.header).map(|_| Found::NamesAsRow));
            return shape;
        }
        let rows = rows(bytes_left, all, shape.delimiter);
        if form.preamble.is_none() {
            shape.skip_titles(bytes, &rows);
        }
        let first = rows.iter().position(|row| base + row.start >= shape.skip);
        if let Some((names, rest)) = first.and_then(|first| rows[first..].split_first()) {
            shape.found.extend(like_data(names, rest).map(Found::HeaderLikeData));
        }
        shape
    }

    /// A first line such as `sep=;`, by which spreadsheet programs say what stands between fields.
    fn skip_separator_line(&mut self, bytes: &[u8], form: &TextForm<'_>) {
        let line = &bytes[..memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1)];
        let text = line.trim_ascii_end();
        let Some(&[delimiter]) =
            text.get(..4).filter(|sep| sep.eq_ignore_ascii_case(b"sep=")).map(|_| &text[4..])
        else {
            return;
        };
        self.skip = line.len();
        self.delimiter = form.delimiter.unwrap_or(delimiter);
        self.found.push(Found::Delimiter(self.delimiter.into()));
    }

    /// Lines before the first that has as many fields as most rows; or a name that is missing before the others.
    fn skip_titles(&mut self, bytes: &[u8], rows: &[Row]) {
        let Some((first, rest)) = rows.split_first() else { return };
        let usual = most_common(rest.iter().map(|row| row.fields.len()));
        let Some((usual, times)) = usual.filter(|(usual, _)| *usual > first.fields.len()) else {
            return;
        };
        if times < 3 && times * 2 < rest.len() {
            return;
        }
        if usual == first.fields.len() + 1 && is_numbered(rest, usual) {
            self.has_index = true;
            self.found.push(Found::IndexColumn);
            return;
        }
        // A line with a few fields too few may be the names, of which some are missing: its rows are then at fault.
        if 2 * first.fields.len() > usual {
            return;
        }
        let names = rest.iter().find(|row| row.fields.len() == usual);
        if let Some(names) = names.filter(|row| !row.fields.iter().any(|field| is_value(field))) {
            let skipped = &bytes[self.skip..self.skip + names.start];
            let lines = memchr::memchr_iter(b'\n', skipped).count();
            self.skip += names.start;
            self.found.push(Found::Preamble(u32::try_from(lines).unwrap_or(u32::MAX)));
        }
    }
}

/// Whether rows of so many fields begin with whole numbers, each with another, and do not all end with nothing.
fn is_numbered(rows: &[Row], usual: usize) -> bool {
    let mut seen = std::collections::HashSet::new();
    let of_names = || rows.iter().filter(|row| row.fields.len() == usual);
    let is_number =
        |row: &Row| row.fields[0].parse::<i64>().is_ok_and(|number| seen.insert(number));
    of_names().all(is_number) && of_names().any(|row| !row.fields[usual - 1].is_empty())
}

/// The first rows under a delimiter.
fn rows(bytes: &[u8], all: bool, delimiter: u8) -> Vec<Row> {
    let mut records = Records::of(bytes, delimiter);
    let mut rows = Vec::new();
    while rows.len() < LOOKED_AT
        && let Next::Row(record, place) = records.next(all)
    {
        let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
        rows.push(Row { start: place.start, fields: record.fields().map(text).collect() });
    }
    rows
}

/// What stands between fields: the usual, unless it parts no names and another character does.
fn delimiter(bytes: &[u8], all: bool, usual: u8) -> u8 {
    let names = |delimiter| {
        rows(bytes, all, delimiter).iter().map(|row| row.fields.len()).take(3).max().unwrap_or(0)
    };
    let first = |delimiter| rows(bytes, all, delimiter).first().map_or(0, |row| row.fields.len());
    if first(usual) > 1 {
        return usual;
    }
    let others = [b';', b'\t', b'|', b','].into_iter().filter(|its| *its != usual);
    match others.max_by_key(|&its| (first(its), names(its))) {
        Some(other) if first(other) > 1 => other,
        _ => usual,
    }
}

/// The number that comes most often, and how often; the greater of two.
fn most_common(numbers: impl Iterator<Item = usize>) -> Option<(usize, usize)> {
    let mut times = std::collections::BTreeMap::new();
    numbers.for_each(|number| *times.entry(number).or_insert(0) += 1);
    times.into_iter().max_by_key(|&(number, times)| (times, number))
}

/// A field that no column would be called by: a number, a date.
fn is_value(field: &str) -> bool {
    let field = field.trim();
    field.parse::<f64>().is_ok() || crate::base::time::iso(field).is_some()
}

/// One of the names, if a half or more are no names, the first is none, or two or more stand in rows below them too.
fn like_data(names: &Row, rest: &[Row]) -> Option<String> {
    let fields = &names.fields;
    let values = fields.iter().filter(|field| is_value(field)).count();
    if let Some(value) = fields.iter().find(|field| is_value(field))
        && (2 * values >= fields.len() || is_value(&fields[0]))
    {
        return Some(value.clone());
    }
    let again = |at: usize| {
        let below = |row: &Row| row.fields.get(at) == Some(&fields[at]);
        !fields[at].is_empty() && rest.iter().any(below)
    };
    let mut again = (0..fields.len()).filter(|at| again(*at));
    let first = again.next()?;
    again.next().map(|_| fields[first].clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> (u8, &str, bool, Vec<Found>) {
        let Shape { delimiter, skip, has_index, found } =
            Shape::of(text.as_bytes(), true, &TextForm::default(), b',');
        (delimiter, text[skip..].lines().next().unwrap_or_default(), has_index, found)
    }

    #[test]
    fn shapes_of_first_lines() {
        use Found::{Delimiter, HeaderLikeData, IndexColumn, Preamble};
        let rows = |row: &str| format!("{row}\n").repeat(5);
        let told = [
            ("a,b\n1,2\n".to_owned(), (b',', "a,b", false, vec![])),
            (format!("a;b;c\n{}", rows("1;2,5;x")), (b';', "a;b;c", false, vec![Delimiter(';')])),
            ("sep=;\r\na;b\n1;2\n".to_owned(), (b';', "a;b", false, vec![Delimiter(';')])),
            (
                format!(
                    "Audit of feeds, wave 3\nSource: panel\n\nwho,what,rank,day,about\n{}",
                    rows("a,b,1,x,y")
                ),
                (b',', "who,what,rank,day,about", false, vec![Preamble(3)]),
            ),
            (
                "who,what\n1,a,b\n2,c,d\n3,e,f\n".to_owned(),
                (b',', "who,what", true, vec![IndexColumn]),
            ),
            // A comma too many behind each row, and a name too few: at fault, as before.
            ("who,what\n1,a,\n2,c,\n3,e,\n".to_owned(), (b',', "who,what", false, vec![])),
            (format!("who,what\n{}", rows("x,a,b")), (b',', "who,what", false, vec![])),
            (
                "7,2024-01-01,x\n8,2024-01-02,y\n".to_owned(),
                (b',', "7,2024-01-01,x", false, vec![HeaderLikeData("7".into())]),
            ),
            (
                "1\tU2\tx\n2\tU3\ty\n".replace('\t', ","),
                (b',', "1,U2,x", false, vec![HeaderLikeData("1".into())]),
            ),
            // Names that are values in the rows below.
            (
                "r01,ranked,war\nr01,ranked,sport\nr02,newest,war\n".to_owned(),
                (b',', "r01,ranked,war", false, vec![HeaderLikeData("r01".into())]),
            ),
            // One of them alone may be so, as years are names of columns.
            ("who,war\na,war\nb,sport\n".to_owned(), (b',', "who,war", false, vec![])),
            ("who,about,2024\na,b,1\n".to_owned(), (b',', "who,about,2024", false, vec![])),
            ("only\none\n".to_owned(), (b',', "only", false, vec![])),
            (String::new(), (b',', "", false, vec![])),
        ];
        for (text, expected) in told {
            assert_eq!(shape(&text), expected, "{text}");
        }
    }
}
