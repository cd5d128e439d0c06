//! What a monitor knows, and what its looks showed, as tables and CSV.

use super::estimates::MEASURED;
use super::table::{Cell, Column, Table, Yields, cells, field, names, of_level, record};
use crate::estimate::{ConfidenceInterval, SideOfNull};
use crate::inference::{Look, Monitor, Reading, RunningIntersection};

/// What a reading has beside what is measured.
const BESIDE: [&str; 14] = [
    "clusters_treatment",
    "clusters_baseline",
    "clusters_both",
    "clusters_relation",
    "null",
    "lies",
    "first_excluded_number",
    "first_excluded_label",
    "first_excluded_clusters",
    "running_low",
    "running_high",
    "running_empty_since_number",
    "running_empty_since_label",
    "running_empty_since_clusters",
];

impl Monitor {
    /// What is known of each question now, and what each look showed of it; the latter is empty where looks are not
    /// kept.
    pub fn tables(&self) -> Vec<Table> {
        let readings = self.readings();
        vec![now(&readings), self.looks(&readings)]
    }

    /// What is known of each question now as CSV, a row for each. [`Table::to_csv`] says how.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let of = ["topic", "statistic"].into_iter();
        let mut table = record(of.chain(names(MEASURED)).chain(BESIDE));
        table.rows = self.readings().iter().map(row).collect();
        table.to_csv()
    }

    fn looks(&self, readings: &[Reading]) -> Table {
        let mut rows = Vec::new();
        for (number, (label, points)) in (1..).zip(self.trail()) {
            rows.extend(points.iter().zip(readings).map(|(seen, of)| {
                let level = self.spec().level;
                let interval = ConfidenceInterval { low: seen.low, high: seen.high, level };
                let is_there = seen.low.is_some() || seen.high.is_some();
                vec![
                    Cell::Count(number),
                    Cell::name(label),
                    Cell::name(&of.estimand.topic),
                    Cell::statistic(&of.estimand.statistic),
                    Cell::Count(seen.clusters),
                    Cell::value(seen.value),
                    if is_there { Cell::interval(&interval) } else { Cell::Nothing },
                ]
            }));
        }
        let columns = vec![
            Column::number("look"),
            Column::name("label"),
            Column::name("topic"),
            Column::words("statistic").yielding(Yields::Later(0)),
            Column::number("clusters"),
            Column::number("value"),
            Column::number(format!("{}% interval", crate::base::text::percent(self.spec().level))),
        ];
        Table { caption: "Looks".to_owned(), columns, rows }
    }
}

fn now(readings: &[Reading]) -> Table {
    let level = of_level(readings.iter().map(|its| its.interval.as_ref().ok()));
    let row = |its: &Reading| {
        let counts = its.clusters;
        vec![
            Cell::name(&its.estimand.topic),
            Cell::statistic(&its.estimand.statistic),
            Cell::Count(counts.treatment + counts.baseline - counts.both),
            Cell::value(its.value),
            Cell::interval_or_why(&its.interval),
            its.null.as_ref().map_or(Cell::Nothing, |null| {
                Cell::Parts(vec![
                    Cell::words(format!("{} ", lies(null.now))),
                    Cell::number(null.value),
                ])
            }),
        ]
    };
    let columns = vec![
        Column::name("topic"),
        Column::words("statistic").yielding(Yields::Later(0)),
        Column::number("clusters"),
        Column::number("value"),
        Column::number(level),
        Column::words("lies"),
    ];
    Table {
        caption: "What is known now".to_owned(),
        columns,
        rows: readings.iter().map(row).collect(),
    }
}

const fn lies(side: SideOfNull) -> &'static str {
    match side {
        SideOfNull::NoInterval => "nowhere",
        SideOfNull::Includes => "around",
        SideOfNull::Above => "above",
        SideOfNull::Below => "below",
    }
}

fn look(look: Option<&Look>) -> [Cell; 3] {
    match look {
        None => [Cell::Nothing, Cell::Nothing, Cell::Nothing],
        Some(its) => [Cell::Count(its.number), Cell::name(&its.label), Cell::Count(its.clusters)],
    }
}

fn row(its: &Reading) -> Vec<Cell> {
    let finite = |end: Option<f64>| end.filter(|end| end.is_finite());
    let null = its.null.as_ref();
    let (running, empty) = match &its.running {
        RunningIntersection::Nothing => ((None, None), None),
        RunningIntersection::Bounds { low, high } => ((*low, *high), None),
        RunningIntersection::Empty { since } => ((None, None), Some(since)),
    };
    let mut row = vec![Cell::name(&its.estimand.topic), Cell::statistic(&its.estimand.statistic)];
    row.extend(cells(MEASURED, &its.measured.into()));
    row.extend([
        Cell::Count(its.clusters.treatment),
        Cell::Count(its.clusters.baseline),
        Cell::Count(its.clusters.both),
        field(&its.clusters.relation),
        field(&null.map(|null| null.value)),
        null.map_or(Cell::Nothing, |null| field(&null.now)),
    ]);
    row.extend(look(null.and_then(|null| null.excluded.as_ref())));
    row.extend([field(&finite(running.0)), field(&finite(running.1))]);
    row.extend(look(empty));
    row
}

super::rendered::tabular!(Monitor);
