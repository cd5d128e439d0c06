//! What is in each column, whatever it means.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Serialize;
use tiltmeter::Error;
use tiltmeter::ExposureLog;
use tiltmeter::log::{Column, Found, LogSchema, MixedValue, NumberForm, TimeFormat};
use tiltmeter::source::{LogSource, SliceSource};

use crate::roles::RoleArgs;

/// Distinct values are counted up to so many.
pub(crate) const MOST_DISTINCT: usize = 100_000;

/// So many distinct values are tried as times.
const TRIED: usize = 500;

/// The columns of a file.
#[derive(Debug, Serialize)]
pub(crate) struct Profile {
    /// Rows read, those that cannot be read too.
    pub(crate) rows: u64,
    /// Rows that are no rows of the format.
    pub(crate) unreadable: u64,
    /// What was found of how the file is written, and not said.
    pub(crate) found: Vec<Found>,
    pub(crate) columns: Vec<ColumnProfile>,
}

/// A column.
#[derive(Debug, Serialize)]
pub(crate) struct ColumnProfile {
    pub(crate) name: String,
    /// The type as the file has it.
    pub(crate) stored_as: String,
    /// What the values are, read as text where they are text.
    pub(crate) holds: Holds,
    /// Rows without a value.
    pub(crate) missing: u64,
    /// Distinct values, or how many were counted.
    pub(crate) distinct: usize,
    /// Whether there are more distinct values than were counted.
    pub(crate) more_distinct: bool,
    /// The most frequent values, with how often they are there.
    pub(crate) most_frequent: Vec<(String, u64)>,
    /// The least and the greatest, where values are numbers that a double holds.
    pub(crate) range: Option<(f64, f64)>,
    /// How times are written, where values are.
    pub(crate) time_format: Option<TimeFormat>,
    /// How numbers are written, where values are and it is not plainly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) number_form: Option<NumberForm>,
    /// All that were counted.
    #[serde(skip)]
    pub(crate) values: Vec<String>,
}

/// What values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Holds {
    Nothing,
    WholeNumbers,
    Numbers,
    Booleans,
    Times,
    Lists,
    Text,
    Unreadable,
}

#[derive(Default)]
struct Counter {
    stored_as: Option<String>,
    counts: HashMap<String, u64>,
    more: bool,
    missing: u64,
    unreadable: bool,
    lists: bool,
    /// Objects, and lists of them, which no role can use.
    objects: u64,
    rows: u64,
}

impl Counter {
    fn add(&mut self, value: Option<&str>, nulls: &[String]) {
        let Some(value) = value.filter(|its| !its.is_empty() && !nulls.iter().any(|n| n == its))
        else {
            self.missing += 1;
            return;
        };
        if let Some(count) = self.counts.get_mut(value) {
            *count += 1;
        } else if self.counts.len() < MOST_DISTINCT {
            self.counts.insert(value.to_owned(), 1);
        } else {
            self.more = true;
        }
    }

    fn column(&mut self, column: &Column, nulls: &[String]) {
        self.stored_as.get_or_insert_with(|| column.type_name().to_owned());
        match column {
            Column::Unsupported { rows, .. } => {
                self.unreadable = true;
                self.missing += *rows as u64;
            }
            Column::TextList(_) => self.lists = true,
            Column::Mixed(values) => {
                let is_object = |value: &&MixedValue| matches!(value, MixedValue::Other(_));
                self.objects += values.iter().filter(is_object).count() as u64;
            }
            _ => {}
        }
        self.rows += column.len() as u64;
        for row in 0..column.len() {
            match cell(column, row) {
                Some(value) => self.add(Some(&value), nulls),
                None if self.unreadable => {}
                None => self.add(None, nulls),
            }
        }
    }

    fn profile(mut self, name: String, forms: &[NumberForm]) -> ColumnProfile {
        // What is inside has columns of its own.
        if self.objects > 0 && self.objects == self.rows - self.missing {
            self.unreadable = true;
            self.counts.clear();
        }
        let mut counted: Vec<(String, u64)> = self.counts.into_iter().collect();
        counted.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let stored_as = self.stored_as.unwrap_or_else(|| "nothing".to_owned());
        let values: Vec<String> = counted.iter().map(|(value, _)| value.clone()).collect();
        let time_format = match stored_as.as_str() {
            "timestamps" => Some(TimeFormat::Iso),
            _ => time_format(&values),
        };
        let holds = if self.unreadable {
            Holds::Unreadable
        } else if self.lists {
            Holds::Lists
        } else if stored_as == "timestamps" {
            Holds::Times
        } else {
            holds(&values, time_format.as_ref())
        };
        let is_text = holds == Holds::Text && stored_as == "text";
        let number_form = forms.iter().copied().find(|form| is_text && is_all_in(*form, &values));
        ColumnProfile {
            range: range(&values, number_form.unwrap_or_default()),
            number_form,
            distinct: values.len(),
            more_distinct: self.more,
            missing: self.missing,
            most_frequent: counted.into_iter().take(3).collect(),
            name,
            stored_as,
            holds: number_form.map_or(holds, |form| holds_numbers(form, &values)),
            time_format,
            values,
        }
    }
}

impl ColumnProfile {
    /// A column that is in no file of the log's own, by its values with how often they are there.
    pub(crate) fn beside(
        name: String,
        values: impl Iterator<Item = (String, u64)>,
        missing: u64,
    ) -> Self {
        let counter = Counter {
            stored_as: Some("text".to_owned()),
            counts: values.collect(),
            missing,
            ..Counter::default()
        };
        counter.profile(name, &[])
    }
}

/// A cell as text.
fn cell(column: &Column, row: usize) -> Option<Cow<'_, str>> {
    let owned = |text: String| Some(Cow::Owned(text));
    match column {
        Column::Text(text) => text.get(row).map(Cow::Borrowed),
        Column::Coded(coded) => coded.id(row).map(Cow::Borrowed),
        Column::Shared(shared) => shared.get(row).map(Cow::Borrowed),
        Column::Integer(values) | Column::Timestamp(values) | Column::LocalTime(values) => {
            owned(values[row]?.to_string())
        }
        Column::Whole(values) => owned(values[row].to_string()),
        Column::SharedWhole(shared) => owned(shared.get(row)?.to_string()),
        Column::Float(values) => owned(values[row]?.to_string()),
        Column::Boolean(values) => owned(values[row]?.to_string()),
        Column::TextList(values) => owned(values[row].as_ref()?.join("|")),
        Column::Mixed(values) => match &values[row] {
            MixedValue::Text(text) | MixedValue::Other(text) => Some(Cow::Borrowed(text)),
            MixedValue::Integer(value) => owned(value.to_string()),
            MixedValue::Float(value) => owned(value.to_string()),
            MixedValue::Boolean(value) => owned(value.to_string()),
            MixedValue::TextList(items) => owned(items.join("|")),
            _ => None,
        },
        _ => None,
    }
}

/// Reads all rows and counts what is in their columns.
pub(crate) fn of(mut source: Box<dyn LogSource>, roles: &RoleArgs) -> Result<Profile, Error> {
    let names = source.column_names().to_vec();
    source.select(&(0..names.len()).collect::<Vec<_>>());
    let mut counters: Vec<Counter> = names.iter().map(|_| Counter::default()).collect();
    let (mut rows, mut unreadable) = (0, 0);
    while let Some(batch) = source.next_batch()? {
        rows += batch.columns.first().map_or(0, Column::len) as u64;
        unreadable += batch.unreadable.len() as u64;
        for (counter, column) in counters.iter_mut().zip(&batch.columns) {
            counter.column(column, &roles.null);
        }
    }
    let forms = match &roles.numbers {
        Some(form) => std::slice::from_ref(form),
        // What is both, as 1,000 is, is likelier this one.
        None => &[NumberForm::ThousandsComma, NumberForm::DecimalComma][..],
    };
    let columns = names.into_iter().zip(counters);
    let columns = columns.map(|(name, its)| its.profile(name, forms)).collect();
    Ok(Profile { rows, unreadable, found: source.found(), columns })
}

/// Whether all values are numbers in a form, and some are in no other.
fn is_all_in(form: NumberForm, values: &[String]) -> bool {
    form != NumberForm::Plain
        && values.iter().any(|its| its.contains(','))
        && values.iter().all(|its| form.read(its).is_some_and(f64::is_finite))
}

fn holds_numbers(form: NumberForm, values: &[String]) -> Holds {
    let whole = |its: &String| form.read(its).is_some_and(|number| number.fract() == 0.0);
    if values.iter().all(whole) { Holds::WholeNumbers } else { Holds::Numbers }
}

fn holds(values: &[String], time: Option<&TimeFormat>) -> Holds {
    let all = |fits: fn(&str) -> bool| values.iter().all(|value| fits(value));
    if values.is_empty() {
        Holds::Nothing
    } else if all(|its| its.parse::<i64>().is_ok()) {
        Holds::WholeNumbers
    } else if all(|its| its.parse::<f64>().is_ok_and(f64::is_finite)) {
        Holds::Numbers
    } else if all(|its| matches!(its, "true" | "false")) {
        Holds::Booleans
    } else if time.is_some() {
        Holds::Times
    } else {
        Holds::Text
    }
}

fn range(values: &[String], form: NumberForm) -> Option<(f64, f64)> {
    let mut ends: Option<(f64, f64)> = None;
    for value in values {
        // Larger ones would be rounded.
        let at = form.read(value).filter(|at| at.abs() < 9e15)?;
        let (low, high) = ends.unwrap_or((at, at));
        ends = Some((low.min(at), high.max(at)));
    }
    ends
}

/// How times are written, if all values tried can be read so. Numbers may be anything, so they are
/// times only within the years 2001 to 2039.
fn time_format(values: &[String]) -> Option<TimeFormat> {
    let tried: Vec<&str> = values.iter().take(TRIED).map(String::as_str).collect();
    if tried.is_empty() {
        return None;
    }
    let numbers: Option<Vec<f64>> = tried.iter().map(|its| its.parse().ok()).collect();
    if let Some(numbers) = numbers {
        let within = |unit: f64| numbers.iter().all(|at| (1e9..2.2e9).contains(&(at / unit)));
        let units = [
            (1.0, TimeFormat::EpochSeconds),
            (1e3, TimeFormat::EpochMilliseconds),
            (1e6, TimeFormat::EpochMicroseconds),
        ];
        return units.into_iter().find(|(unit, _)| within(*unit)).map(|(_, format)| format);
    }
    let days = ["%d-%m-%Y", "%m-%d-%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d.%m.%Y"];
    let patterns = days.iter().flat_map(|day| {
        ["", " %H:%M:%S", " %H:%M"].map(|rest| TimeFormat::Pattern(format!("{day}{rest}")))
    });
    std::iter::once(TimeFormat::Iso).chain(patterns).find(|format| {
        let schema = LogSchema::new().time("t", format.clone());
        let one = |values: &[&str]| {
            ExposureLog::read(SliceSource::new("times").text("t", values), &schema).is_ok()
        };
        one(&tried[..1]) && one(&tried)
    })
}
