//! Breaks over windows, as text, Markdown and CSV.

use std::fmt;

use super::table::{Cell, Column, Table, field, record};
use crate::base::digits::decimals;
use crate::base::printable::printable;
use crate::base::text::{number, percent, wrap};
use crate::base::time::iso_text;
use crate::inference::{Break, Breaks, BreaksReport, Episode, SeriesBreaks, TopicBreaks};
use crate::question::estimand::{OfRows, Weighing};

/// The fields of a break as CSV.
const FIELDS: [&str; 9] =
    ["series", "start", "low", "high", "before", "after", "start_utc", "low_utc", "high_utc"];

/// The series, each with the name of its field.
fn series(of: &Breaks) -> [(&'static str, &'static str, &SeriesBreaks); 3] {
    [
        ("ratio", "ratio of the shares", &of.ratio),
        ("treatment", "share in the treatment", &of.treatment),
        ("baseline", "share in the baseline", &of.baseline),
    ]
}

/// A mean of logarithms as a ratio, or as a share.
fn mean(field: &str, log: f64) -> String {
    match field {
        "ratio" => number(log.exp()),
        _ => format!("{}%", decimals(100.0 * log.exp(), 2)),
    }
}

/// Every series with its breaks, and who moved; moments in ISO 8601, UTC.
impl fmt::Display for Breaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (field, name, series) in series(self) {
            writeln!(
                f,
                "{name}: {} breaks in {} windows, {} of them without a value",
                series.breaks.len(),
                series.windows.len(),
                series.without_value
            )?;
            for Break { start, low, high, before, after } in &series.breaks {
                let [before, after] = [before, after].map(|&log| mean(field, log));
                let [start, low, high] = [start, low, high].map(|&at| iso_text(at));
                writeln!(f, "  {start} ({low} to {high}): from {before} to {after}")?;
            }
        }
        self.episodes.iter().try_for_each(|its| {
            writeln!(f, "{} to {}: {}", iso_text(its.from), iso_text(its.to), its.moved)
        })
    }
}

impl Breaks {
    /// A table of the breaks, and one of the episodes.
    pub fn tables(&self) -> Vec<Table> {
        vec![of_series(self.series_rows(&iso_text)), of_episodes(self.episode_rows(&iso_text))]
    }

    /// The breaks as CSV, a row for each, with the fields of the JSON: moments in microseconds since
    /// 1970-01-01T00:00:00Z, and the same in ISO 8601. [`Table::to_csv`] says how.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut table = record(FIELDS);
        table.rows = self.records().collect();
        table.to_csv()
    }

    /// A row of cells for each break.
    fn records(&self) -> impl Iterator<Item = Vec<Cell>> {
        series(self).into_iter().flat_map(|(name, _, series)| {
            series.breaks.iter().map(move |its| {
                let moments = [its.start, its.low, its.high];
                let mut cells = vec![Cell::words(name)];
                cells.extend(moments.map(Cell::Whole));
                cells.extend([field(&its.before), field(&its.after)]);
                cells.extend(moments.map(|at| Cell::Words(iso_text(at))));
                cells
            })
        })
    }

    fn series_rows(&self, when: &dyn Fn(i64) -> String) -> Vec<Vec<Cell>> {
        let mut rows = Vec::new();
        for (field, name, series) in series(self) {
            rows.extend(series.breaks.iter().map(|its| {
                let mut cells = vec![Cell::words(name)];
                cells.extend([its.start, its.low, its.high].map(|at| Cell::Words(when(at))));
                let means = [its.before, its.after];
                cells.extend(means.map(|log| Cell::shown(log.exp(), mean(field, log))));
                cells
            }));
        }
        rows
    }

    fn episode_rows(&self, when: &dyn Fn(i64) -> String) -> Vec<Vec<Cell>> {
        let row = |its: &Episode| {
            let [from, to] = [its.from, its.to].map(|at| Cell::Words(when(at)));
            vec![from, to, Cell::Words(its.moved.to_string())]
        };
        self.episodes.iter().map(row).collect()
    }
}

fn of_series(rows: Vec<Vec<Cell>>) -> Table {
    let columns = vec![
        Column::words("series"),
        Column::words("first window after"),
        Column::words("earliest"),
        Column::words("latest"),
        Column::number("before"),
        Column::number("after"),
    ];
    Table {
        caption: "Breaks; before and after are geometric means over windows".to_owned(),
        columns,
        rows,
    }
}

fn of_episodes(rows: Vec<Vec<Cell>>) -> Table {
    let columns = ["from", "to", "who moved"].map(Column::words).into();
    Table { caption: "Breaks whose intervals overlap or meet, together".to_owned(), columns, rows }
}

impl BreaksReport {
    /// What was asked, in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let weighing = Weighing {
            weights: &self.weights,
            attention: &self.attention,
            denominator: self.denominator,
            multi_label: self.multi_label,
        };
        format!(
            "When did the share of a topic change, in arm {:?}, in the baseline ({}) and in their ratio? \
             Windows of time: {}; {}{weighing}{}; clusters: {}; at least {} windows between two breaks; \
             {}% intervals for their dates.",
            self.treatment,
            self.baseline,
            self.windows,
            self.unit,
            OfRows(&self.kept),
            self.cluster,
            self.spec.min_size,
            percent(self.spec.dates.level)
        )
    }

    /// A table of the breaks of all topics, and one of who moved.
    pub fn tables(&self) -> Vec<Table> {
        let when = |at: i64| self.windows.start_text(at);
        let of_topics = |empty: Table, rows: &dyn Fn(&Breaks) -> Vec<Vec<Cell>>| {
            let Table { caption, mut columns, .. } = empty;
            columns.insert(0, Column::name("topic"));
            let named = |its: &TopicBreaks| {
                let mut rows = rows(&its.breaks);
                rows.iter_mut().for_each(|cells| cells.insert(0, Cell::name(&its.topic)));
                rows
            };
            Table { caption, columns, rows: self.topics.iter().flat_map(named).collect() }
        };
        vec![
            of_topics(of_series(Vec::new()), &|its| its.series_rows(&when)),
            of_topics(of_episodes(Vec::new()), &|its| its.episode_rows(&when)),
        ]
    }

    /// The breaks of all topics as CSV, a row for each, with the fields of the JSON (`docs/breaks-json.md`): moments
    /// in microseconds since 1970-01-01T00:00:00Z, and the same in ISO 8601. [`Table::to_csv`] says how.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut table = record(["topic"].into_iter().chain(FIELDS));
        for of in &self.topics {
            table.rows.extend(of.breaks.records().map(|mut cells| {
                cells.insert(0, Cell::name(&of.topic));
                cells
            }));
        }
        table.to_csv()
    }

    fn write(&self, f: &mut impl fmt::Write, width: usize) -> fmt::Result {
        writeln!(f, "{}", wrap(&printable(&self.sentence()), width))?;
        for table in self.tables().iter().filter(|table| !table.rows.is_empty()) {
            writeln!(f, "\n{}\n{}", table.caption, table.to_text(width))?;
        }
        let said = self
            .topics
            .iter()
            .filter_map(|its| Some((its, its.breaks.in_words(self.spec.min_size)?)));
        let lines = said.map(|(its, line)| printable(&format!("{:?}: {line}", its.topic)));
        lines.enumerate().try_for_each(|(at, line)| {
            let before = if at == 0 { "\n" } else { "" };
            writeln!(f, "{before}{}", wrap(&line, width))
        })
    }
}

impl Breaks {
    /// That there are none, or that too little is known to find any.
    fn in_words(&self, min_size: usize) -> Option<String> {
        let windows = self.ratio.windows.len();
        if windows < 2 * min_size {
            return Some(format!(
                "no breaks can be found, since {windows} windows are fewer than twice the {min_size} that there must be \
                 between two breaks"
            ));
        }
        if self.ratio.penalty.is_none() {
            return Some(format!(
                "no breaks can be found, since {windows} windows do not say how values vary"
            ));
        }
        let none = series(self).iter().all(|(_, _, its)| its.breaks.is_empty());
        let passed = self.ratio.without_value;
        let over = if passed > 0 {
            format!("; {passed} of them have no ratio and are passed over")
        } else {
            String::new()
        };
        match (none, passed) {
            (true, _) => Some(format!("no breaks in {windows} windows{over}")),
            (false, 0) => None,
            (false, _) => Some(format!("{windows} windows{over}")),
        }
    }
}

super::rendered::tabular!(Breaks, BreaksReport);
super::rendered::printed!(BreaksReport);
