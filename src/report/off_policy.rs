//! What another policy would have earned and shown, as text, Markdown and CSV.

use std::collections::HashMap;
use std::fmt;

use super::estimates::MEASURED;
use super::table::{
    Cell, Column, Fields, Table, Yields, cells, field, fields, names, of_level, record,
    words_joined,
};
use crate::base::printable::printable;
use crate::base::text::{number, wrap};
use crate::estimate::IntervalMethod;
use crate::question::estimand::OfRows;
use crate::replay::off_policy::{
    Answer, Caution, Measure, OffPolicyEstimate, OffPolicyEstimateRecord, OffPolicyReport, Refusal,
};

impl OffPolicyReport {
    /// The question and what the weights are worth, in sentences.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (asked, weights) = (&self.asked, &self.weights);
        let mut sentence = format!(
            "What arm {:?} would have earned and shown with another policy: target {}, weights {}{}; clusters: {}. {} impressions, worth {} of the target's (effective sample size); greatest weight {}, mean {}.",
            asked.arm,
            asked.target,
            asked.clip,
            OfRows(&asked.kept),
            asked.cluster,
            weights.impressions,
            number(weights.effective_size),
            number(weights.greatest),
            number(weights.mean),
        );
        if let Some(model) = &asked.reward_model {
            sentence += &format!(" Reward model: {model}.");
        }
        if let Some(check) = &asked.check {
            sentence += &format!(" Checked against arm {check:?}.");
        }
        sentence
    }

    /// A table of rewards and weights, and one of topics where the log has some.
    pub fn tables(&self) -> Vec<Table> {
        let topics = self.topics();
        let of_topics = (!topics.is_empty()).then(|| self.of_topics(&topics));
        [self.rewards()].into_iter().chain(of_topics).collect()
    }

    /// The estimates as CSV, a row for each, with the fields of the JSON that a cell can hold
    /// (`docs/off-policy-json.md`); [`Table::to_csv`] says how.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let named = names(OF).chain(names(MEASURED));
        let mut table = record(named.chain(names(ANSWER)).chain(names(REST)));
        let row = |its: &OffPolicyEstimate| {
            let its = OffPolicyEstimateRecord::from(its);
            let measured = cells(OF, &its).chain(cells(MEASURED, &its.measured));
            measured.chain(cells(ANSWER, &its)).chain(cells(REST, &its)).collect()
        };
        table.rows = self.estimates.iter().map(row).collect();
        table.to_csv()
    }

    /// Rewards and weights, a line each.
    fn rewards(&self) -> Table {
        let early = |heading: &str, order| Column::number(heading).yielding(Yields::First(order));
        let columns = vec![
            Column::name("measure"),
            Column::number("estimate"),
            Column::number(self.level()),
            Column::number("clusters").yielding(Yields::Later(0)),
            early("naive interval", 0),
            early("design effect", 1),
        ];
        let row = |estimate: &OffPolicyEstimate| {
            let mut cells = vec![Cell::words(estimate.measure.name())];
            match &estimate.answer {
                Ok(answer) => cells.extend(answered(answer)),
                Err(_) => {
                    cells.push(Cell::words("refused"));
                    cells.resize(columns.len(), Cell::Nothing);
                }
            }
            cells
        };
        let rows = self.estimates.iter().filter(|its| its.topic.is_none()).map(row).collect();
        Table { caption: "Rewards and weights".to_owned(), rows, columns }
    }

    /// Topics, a line each.
    fn of_topics(&self, topics: &[&str]) -> Table {
        let mut answers: HashMap<(Measure, &str), &Result<Answer, Refusal>> = HashMap::new();
        for its in &self.estimates {
            if let Some(topic) = &its.topic {
                answers.entry((its.measure, topic)).or_insert(&its.answer);
            }
        }
        let level = self.level();
        let mut columns = vec![
            Column::name("topic"),
            Column::number("logged"),
            Column::number("SNIPS"),
            Column::number("amplification"),
            Column::number(&level),
        ];
        let checked = self.asked.check.is_some();
        if checked {
            columns.extend([
                Column::number("check").yielding(Yields::Later(0)),
                Column::number("SNIPS - check").yielding(Yields::Later(1)),
                Column::number(&level).yielding(Yields::Later(2)),
            ]);
        }
        let row = |topic: &&str| {
            let value = |measure| match answers.get(&(measure, *topic)) {
                Some(Ok(answer)) => Cell::value(answer.value),
                Some(Err(_)) => Cell::words("refused"),
                None => Cell::Nothing,
            };
            let range = |measure| match answers.get(&(measure, *topic)) {
                Some(Ok(answer)) => range(answer),
                _ => Cell::Nothing,
            };
            let mut cells = vec![
                Cell::name(*topic),
                value(Measure::LoggedShare),
                value(Measure::SnipsShare),
                value(Measure::Amplification),
                range(Measure::Amplification),
            ];
            if checked {
                cells.extend([
                    value(Measure::OtherShare),
                    value(Measure::ShareDifference),
                    range(Measure::ShareDifference),
                ]);
            }
            cells
        };
        let caption = "Shares of exposure".to_owned();
        Table { caption, rows: topics.iter().map(row).collect(), columns }
    }

    /// The heading of intervals.
    fn level(&self) -> String {
        let answers = self.estimates.iter().map(|its| its.answer.as_ref().ok());
        of_level(answers.map(|its| its?.interval.as_ref().ok()))
    }

    /// How intervals were made, each way with how many it made.
    fn methods(&self) -> String {
        let mut used: Vec<(IntervalMethod, usize)> = Vec::new();
        for method in self.estimates.iter().filter_map(|its| its.answer.ok()?.method) {
            match used.iter_mut().find(|(its, _)| *its == method) {
                Some((_, count)) => *count += 1,
                None => used.push((method, 1)),
            }
        }
        let told = used.iter().map(|(method, count)| format!("{method} ({count})"));
        told.collect::<Vec<_>>().join("; ")
    }

    /// The warnings of single estimates, each once, with those it concerns.
    fn of_estimates(&self) -> Vec<(&Caution, Vec<String>)> {
        let mut seen: Vec<(&Caution, Vec<String>)> = Vec::new();
        // As many warnings as topics may differ in a number.
        let mut places: HashMap<String, usize> = HashMap::new();
        for estimate in &self.estimates {
            for warning in &estimate.warnings {
                let at = *places.entry(format!("{warning:?}")).or_insert(seen.len());
                match seen.get_mut(at) {
                    Some((_, whose)) => whose.push(name(estimate)),
                    None => seen.push((warning, vec![name(estimate)])),
                }
            }
        }
        seen
    }

    fn write(&self, f: &mut impl fmt::Write, width: usize) -> fmt::Result {
        let wrap = |text: &str| wrap(text, width);
        writeln!(f, "{}", wrap(&printable(&self.sentence())))?;
        for (at, table) in self.tables().iter().enumerate() {
            if at > 0 {
                writeln!(f, "\n{}:", table.caption)?;
            }
            writeln!(f, "{}", table.to_text(width))?;
        }
        let methods = self.methods();
        if !methods.is_empty() {
            writeln!(f, "{}", wrap(&format!("Intervals: {methods}.")))?;
        }
        if let Some(refusal) = self.refusal() {
            writeln!(f, "{}", wrap(&format!("Refused: {refusal}.")))?;
        }
        for warning in &self.warnings {
            writeln!(f, "{}", wrap(&printable(&format!("Warning: {warning}."))))?;
        }
        for (warning, whose) in self.of_estimates() {
            let whose = match whose.as_slice() {
                few if few.len() <= 4 => few.join(", "),
                many => format!("{} and {} more", many[..3].join(", "), many.len() - 3),
            };
            writeln!(f, "{}", wrap(&printable(&format!("Warning ({whose}): {warning}."))))?;
        }
        Ok(())
    }
}

fn name(estimate: &OffPolicyEstimate) -> String {
    match &estimate.topic {
        None => estimate.measure.name().to_owned(),
        Some(topic) => format!("{} of {topic}", estimate.measure.name()),
    }
}

fn answered(answer: &Answer) -> [Cell; 5] {
    let naive = answer.naive;
    [
        Cell::value(answer.value),
        range(answer),
        match answer.arms {
            Some(arms) => Cell::counts(arms.treatment, arms.baseline),
            None => Cell::Count(answer.clusters),
        },
        naive.map_or(Cell::Nothing, |naive| Cell::interval(&naive.interval)),
        Cell::number(naive.and_then(|naive| naive.design_effect)),
    ]
}

fn range(answer: &Answer) -> Cell {
    answer.interval.as_ref().map_or(Cell::Nothing, Cell::interval)
}

/// Of what an estimate is.
const OF: Fields<OffPolicyEstimateRecord> = fields!(OffPolicyEstimateRecord: measure, topic);

/// What it has beside what is measured.
const ANSWER: Fields<OffPolicyEstimateRecord> = fields!(OffPolicyEstimateRecord:
    naive_standard_error, naive_low, naive_high, design_effect, clusters,
);

/// What JSON has in objects of their own, and words.
const REST: Fields<OffPolicyEstimateRecord> = &[
    ("refused", |its| its.refused.as_ref().map_or(Cell::Nothing, |its| Cell::words(&its.message))),
    ("clusters_treatment", |its| field(&its.arms.map(|arms| arms.treatment))),
    ("clusters_baseline", |its| field(&its.arms.map(|arms| arms.baseline))),
    ("clusters_both", |its| field(&its.arms.map(|arms| arms.both))),
    ("clusters_relation", |its| field(&its.arms.map(|arms| arms.relation))),
    ("sentence", |its| Cell::words(&its.sentence)),
    ("warnings", |its| words_joined(its.warnings.iter().map(|its| &*its.message))),
];

super::rendered::tabular!(OffPolicyReport);
super::rendered::printed!(OffPolicyReport);
