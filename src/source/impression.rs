//! Rows that are already in memory as structs.

use crate::error::Error;
use crate::log::{
    Batch, Column, LogSchema, LogSource, TextColumn, TimeFormat, TopicColumn, TopicFormat,
};

/// One impression as plain data. Fields left out (`..Default::default()`) are not part of the
/// log; a field given in one row must be given in all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Impression<'a> {
    /// Who was shown the item.
    pub viewer: Option<&'a str>,
    /// What was shown.
    pub item: Option<&'a str>,
    /// The ranking condition.
    pub arm: Option<&'a str>,
    /// The 1-based rank.
    pub position: Option<u32>,
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub time: Option<i64>,
    /// A non-negative weight, such as dwell time.
    pub weight: Option<f64>,
    /// How many impressions alike it stands for; one by default.
    pub count: Option<u32>,
    /// A group to adjust for.
    pub stratum: Option<&'a str>,
    /// What the item is about; empty where it is untagged.
    pub topics: &'a [&'a str],
    /// The ranked list it belongs to.
    pub slate: Option<&'a str>,
    /// The session it belongs to.
    pub session: Option<&'a str>,
    /// Click, like, watch seconds.
    pub engagement: Option<f64>,
    /// The logging policy's probability of this impression.
    pub propensity: Option<f64>,
    /// The probability that the viewer stops here.
    pub satisfaction: Option<f64>,
}

/// Rows given as [`Impression`]s, with the schema that fits them.
///
/// ```
/// use tiltmeter::source::{Impression, ImpressionSource};
/// use tiltmeter::ExposureLog;
///
/// let rows = [
///     Impression { viewer: Some("ada"), arm: Some("ranked"), topics: &["war"], ..Default::default() },
///     Impression { viewer: Some("bo"), arm: Some("newest"), ..Default::default() },
/// ];
/// let log = ExposureLog::read(ImpressionSource::new(&rows), &ImpressionSource::schema(&rows))?;
/// assert_eq!(log.topics().unwrap().untagged(), 1);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ImpressionSource<'a> {
    rows: &'a [Impression<'a>],
    names: Vec<String>,
    selected: Vec<usize>,
}

type Extract = fn(&[Impression<'_>]) -> Column;

/// The fields, each with the name under which the schema declares it.
const FIELDS: [(&str, Extract); 14] = [
    ("viewer", |rows| text(rows, |row| row.viewer)),
    ("item", |rows| text(rows, |row| row.item)),
    ("arm", |rows| text(rows, |row| row.arm)),
    ("stratum", |rows| text(rows, |row| row.stratum)),
    ("slate", |rows| text(rows, |row| row.slate)),
    ("session", |rows| text(rows, |row| row.session)),
    ("position", |rows| {
        Column::Integer(rows.iter().map(|row| row.position.map(i64::from)).collect())
    }),
    ("time", |rows| Column::Timestamp(rows.iter().map(|row| row.time).collect())),
    ("topics", |rows| Column::TextList(rows.iter().map(|row| Some(owned(row.topics))).collect())),
    ("weight", |rows| number(rows, |row| row.weight)),
    ("count", |rows| number(rows, |row| row.count.map(f64::from))),
    ("engagement", |rows| number(rows, |row| row.engagement)),
    ("propensity", |rows| number(rows, |row| row.propensity)),
    ("satisfaction", |rows| number(rows, |row| row.satisfaction)),
];

fn text<'r>(rows: &'r [Impression<'r>], of: fn(&'r Impression<'r>) -> Option<&'r str>) -> Column {
    Column::Text(rows.iter().map(of).collect::<TextColumn>())
}

fn number(rows: &[Impression<'_>], of: fn(&Impression<'_>) -> Option<f64>) -> Column {
    Column::Float(rows.iter().map(of).collect())
}

fn owned(topics: &[&str]) -> Vec<String> {
    topics.iter().map(|&topic| topic.to_owned()).collect()
}

impl<'a> ImpressionSource<'a> {
    /// The rows as a source.
    #[must_use]
    pub fn new(rows: &'a [Impression<'a>]) -> Self {
        Self {
            rows,
            names: FIELDS.iter().map(|&(name, _)| name.to_owned()).collect(),
            selected: Vec::new(),
        }
    }

    /// The schema that declares the fields which some row gives, and the topics always.
    #[must_use]
    pub fn schema(rows: &[Impression<'_>]) -> LogSchema {
        let declared = |given: fn(&Impression<'_>) -> bool, name: &str| {
            rows.iter().any(given).then(|| name.to_owned())
        };
        LogSchema {
            viewer: declared(|row| row.viewer.is_some(), "viewer"),
            item: declared(|row| row.item.is_some(), "item"),
            arm: declared(|row| row.arm.is_some(), "arm"),
            stratum: declared(|row| row.stratum.is_some(), "stratum"),
            slate: declared(|row| row.slate.is_some(), "slate"),
            session: declared(|row| row.session.is_some(), "session"),
            position: declared(|row| row.position.is_some(), "position"),
            time: declared(|row| row.time.is_some(), "time")
                .map(|name| (name, TimeFormat::EpochMicroseconds)),
            topics: Some(TopicColumn::new("topics", TopicFormat::Single)),
            weight: declared(|row| row.weight.is_some(), "weight"),
            count: declared(|row| row.count.is_some(), "count"),
            engagement: declared(|row| row.engagement.is_some(), "engagement"),
            propensity: declared(|row| row.propensity.is_some(), "propensity"),
            satisfaction: declared(|row| row.satisfaction.is_some(), "satisfaction"),
            ..LogSchema::default()
        }
    }
}

impl LogSource for ImpressionSource<'_> {
    fn name(&self) -> &str {
        "impressions"
    }

    fn column_names(&self) -> &[String] {
        &self.names
    }

    fn select(&mut self, columns: &[usize]) {
        self.selected = columns.to_vec();
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let selected = std::mem::take(&mut self.selected);
        Ok((!selected.is_empty()).then(|| Batch {
            columns: selected.iter().map(|&i| FIELDS[i].1(self.rows)).collect(),
            unreadable: Vec::new(),
        }))
    }
}
