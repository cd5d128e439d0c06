//! Estimates as rows of tables: for people, and with all their fields for programs.

use super::table::{
    Cell, Column, Fields, Table, Yields, cells, field, fields, messages, names, words_of,
};
use crate::audit::has_several_arms;
use crate::estimate::Estimate;
use crate::estimate::json::{EstimateRecord, MeasuredRecord};
use crate::question::estimand::Estimand;

/// What a column shows of an estimate.
type Shows = fn(&Estimate) -> Cell;

/// A statistic's name; of a contrast with what it is of and against.
pub(super) fn called(of: &Estimate) -> String {
    let Estimand { statistic, phrase, .. } = &of.estimand;
    match phrase.split_once(" (") {
        Some((_, details)) if crate::statistic::is_contrast(statistic) => {
            format!("{statistic} ({details}")
        }
        _ => statistic.clone(),
    }
}

fn statistic(of: &Estimate) -> Cell {
    match crate::statistic::is_contrast(&of.estimand.statistic) {
        true => Cell::words(called(of)),
        false => Cell::statistic(&of.estimand.statistic),
    }
}

/// The table of a report. Statistic and tests are there if there is something to tell apart or to say.
pub(super) fn table(estimates: &[Estimate]) -> Table {
    let first = estimates.first();
    // By what is in brackets behind the phrase too: two contrasts may have one name.
    let name = |of: &Estimate| (of.estimand.statistic.clone(), of.estimand.phrase.clone());
    let several = estimates.iter().any(|its| Some(name(its)) != first.map(name));
    let tested = estimates.iter().any(|its| its.test.is_some());
    let adjusted = estimates.iter().any(|its| its.test.is_some_and(|t| t.p_adjusted.is_some()));
    let level = super::table::of_level(estimates.iter().map(|its| its.interval.as_ref().ok()));
    let later = |heading: &str, order| Column::number(heading).yielding(Yields::Later(order));
    let early = |heading: &str, order| Column::number(heading).yielding(Yields::First(order));
    let columns: [(bool, Column, Shows); 11] = [
        (true, Column::name("topic"), |its| Cell::name(&its.estimand.topic)),
        (several, Column::words("statistic"), statistic),
        (true, Column::number("estimate"), |its| Cell::value(its.value)),
        (true, Column::number(level), interval),
        (tested, later("p", 4), p),
        (adjusted, later("adjusted p", 3), |its| p_value(its.test.and_then(|t| t.p_adjusted))),
        (true, later("share A", 1), |its| Cell::percent(its.treatment.share)),
        (true, later("share B", 2), |its| Cell::percent(its.baseline.share)),
        (true, later("clusters", 0), |its| {
            Cell::counts(its.clusters.treatment, its.clusters.baseline)
        }),
        (true, early("naive interval", 0), |its| {
            its.naive.map_or(Cell::Nothing, |naive| Cell::interval(&naive.interval))
        }),
        (true, early("design effect", 1), |its| {
            Cell::number(its.naive.and_then(|naive| naive.design_effect))
        }),
    ];
    let columns: Vec<(Column, Shows)> = columns
        .into_iter()
        .filter_map(|(is_there, column, shows)| is_there.then_some((column, shows)))
        .collect();
    let arms = has_several_arms(estimates);
    let groups = first.map_or(&[][..], |its| &its.estimand.group).iter();
    // Values are shorter than topics, and there may be several columns of them.
    let group = |heading: &str| Column::name(heading).yielding(Yields::Wrapping { floor: 8 });
    let mut headings: Vec<Column> = groups.map(|its| group(&its.column)).collect();
    if arms {
        headings.extend(["A", "B"].map(group));
    }
    headings.extend(columns.iter().map(|(column, _)| column.clone()));
    let row = |its: &Estimate| {
        let mut cells: Vec<Cell> =
            its.estimand.group.iter().map(|its| Cell::name(&its.value)).collect();
        if arms {
            cells.extend([
                Cell::name(&its.estimand.treatment),
                Cell::name(its.estimand.baseline.called()),
            ]);
        }
        cells.extend(columns.iter().map(|(_, shows)| shows(its)));
        cells
    };
    Table {
        caption: caption(estimates, arms),
        columns: headings,
        rows: estimates.iter().map(row).collect(),
    }
}

/// Which arms the table calls A and B.
fn caption(estimates: &[Estimate], has_several_arms: bool) -> String {
    match estimates.first() {
        None => String::new(),
        Some(_) if has_several_arms => "Estimates; A and B are the arms of each row".to_owned(),
        Some(Estimate { estimand, .. }) => {
            format!("Estimates; A is arm {:?}, B {}", estimand.treatment, estimand.baseline)
        }
    }
}

fn interval(its: &Estimate) -> Cell {
    its.interval.as_ref().map_or(Cell::Nothing, Cell::interval)
}

fn p(its: &Estimate) -> Cell {
    match its.test.map(|test| test.p) {
        None => Cell::Nothing,
        Some(Ok(p)) => p_value(Some(p)),
        Some(Err(reason)) => words_of(&reason),
    }
}

/// A p-value; small ones as a bound, since what is beyond that is the model's, not the log's.
fn p_value(p: Option<f64>) -> Cell {
    let text = |p: f64| if p < 1e-4 { "< 0.0001".to_owned() } else { format!("{p:.4}") };
    p.map_or(Cell::Nothing, |p| Cell::shown(p, text(p)))
}

/// Of what an estimate is.
const OF: Fields<EstimateRecord> = fields!(EstimateRecord: topic, statistic);

/// What every answer has, of whatever it is.
pub(super) const MEASURED: Fields<MeasuredRecord> = fields!(MeasuredRecord:
    value, state, undefined, value_low, value_high, low, high, interval, level, method, no_interval,
    standard_error, degrees_of_freedom,
);

/// What an estimate has beside it.
const ANSWER: Fields<EstimateRecord> = fields!(EstimateRecord:
    p_value, p_adjusted, adjusted_by, test, margin_low, margin_high,
    test_statistic, test_degrees_of_freedom, no_test, finding, finding_among_all, finding_adjusted_by,
    naive_standard_error, naive_low, naive_high, design_effect, share_treatment, share_baseline,
    topic_treatment, all_treatment, topic_baseline, all_baseline, impressions_treatment,
    impressions_baseline, topic_impressions_treatment, topic_impressions_baseline, clusters_treatment,
    clusters_baseline,
);

/// What JSON has in objects of their own, and words.
const REST: Fields<EstimateRecord> = &[
    ("clusters_both", |its| Cell::Count(its.clusters.both)),
    ("clusters_relation", |its| field(&its.clusters.relation)),
    ("second_clusters_treatment", |its| field(&its.second_clusters.map(|its| its.treatment))),
    ("second_clusters_baseline", |its| field(&its.second_clusters.map(|its| its.baseline))),
    ("second_clusters_both", |its| field(&its.second_clusters.map(|its| its.both))),
    ("second_clusters_relation", |its| field(&its.second_clusters.map(|its| its.relation))),
    ("estimand", |its| words_of(&its.estimand)),
    ("warnings", |its| messages(&its.warnings)),
];

/// The arms by their names.
const ARMS: Fields<EstimateRecord> = &[
    ("treatment", |its| Cell::name(&its.estimand.treatment)),
    ("baseline", |its| words_of(&its.estimand.baseline)),
];

/// A row for each estimate, with all its fields, after the columns of its group.
pub(super) fn record(estimates: &[Estimate]) -> Table {
    let named = names(OF).chain(names(MEASURED)).chain(names(ANSWER));
    let named = named.chain(names(ARMS)).chain(labels_of(estimates).flat_map(names));
    let fields: Vec<&str> = named.chain(names(REST)).collect();
    let groups = group_names(estimates, &fields);
    let mut table = super::table::record(groups.iter().map(|its| &**its).chain(fields));
    let row = |its: &Estimate| {
        let groups = its.estimand.group.iter().map(|its| Cell::name(&its.value));
        let groups: Vec<Cell> = groups.collect();
        let its = EstimateRecord::from(its);
        let answer =
            cells(OF, &its).chain(cells(MEASURED, &its.measured)).chain(cells(ANSWER, &its));
        let labels = labels_of(estimates).flat_map(|fields| cells(fields, &its));
        let cells = answer.chain(cells(ARMS, &its)).chain(labels).chain(cells(REST, &its));
        groups.into_iter().chain(cells).collect()
    };
    table.rows = estimates.iter().map(row).collect();
    table
}

/// The fields of labels by hand, where some estimate has them.
fn labels_of(estimates: &[Estimate]) -> impl Iterator<Item = Fields<EstimateRecord>> {
    let corrected = estimates.iter().any(|its| its.labels.is_some());
    corrected.then_some(super::labels::FIELDS).into_iter()
}

/// The columns of groups, called otherwise where a field has that name.
pub(super) fn group_names(estimates: &[Estimate], fields: &[&str]) -> Vec<String> {
    let groups = estimates.first().map_or(&[][..], |its| &its.estimand.group);
    let mut names: Vec<String> = Vec::new();
    for group in groups {
        let mut name = group.column.clone();
        while fields.contains(&&*name) || names.contains(&name) {
            name.insert_str(0, "group_");
        }
        names.push(name);
    }
    names
}

/// The names of what an estimate is, beside what it is of.
pub(super) fn answer_names() -> impl Iterator<Item = &'static str> {
    names(MEASURED).chain(names(ANSWER)).chain(names(REST))
}

/// What an estimate is, or nothing in each place.
pub(super) fn answer_cells(estimate: Option<&Estimate>) -> Vec<Cell> {
    match estimate.map(EstimateRecord::from) {
        Some(its) => {
            let measured = cells(MEASURED, &its.measured);
            measured.chain(cells(ANSWER, &its)).chain(cells(REST, &its)).collect()
        }
        None => answer_names().map(|_| Cell::Nothing).collect(),
    }
}
