//! A sensitivity table in words, as a table, and as JSON.

use std::collections::HashMap;
use std::fmt;

use super::estimates;
use super::table::{Cell, Column, Table, Yields, field, of_level, record};
use crate::base::printable::printable;
use crate::base::text::{number, wrap};
use crate::estimate::{Estimate, Warning};
use crate::sensitivity::{
    Dimension, Direction, Disagreement, Effect, Found, SensitivityRow, SensitivitySummary,
    SensitivityTable, UnsupportedKind, Verdict,
};
use crate::statistic::Scale;

/// The first warning of each kind, with the number of estimates that have one of the kind.
pub(super) fn first_of_each<'e>(
    estimates: impl Iterator<Item = &'e Estimate>,
) -> Vec<(&'e Warning, usize)> {
    let kind = std::mem::discriminant::<Warning>;
    let mut seen: Vec<(&Warning, usize)> = Vec::new();
    for estimate in estimates {
        for (at, warning) in estimate.warnings.iter().enumerate() {
            if estimate.warnings[..at].iter().any(|its| kind(its) == kind(warning)) {
                continue;
            }
            match seen.iter_mut().find(|(its, _)| kind(its) == kind(warning)) {
                Some((_, estimates)) => *estimates += 1,
                None => seen.push((warning, 1)),
            }
        }
    }
    seen
}

/// Levels of choices wrap down to so many columns.
const LEVEL_FLOOR: usize = 12;

/// What stands with every table.
const CAUTION: &str = "Rows are of the same impressions and not independent. The table shows what \
                       depends on a choice; do not pick one row of it as the result.";

impl SensitivityTable {
    /// The question that the table answers.
    #[must_use]
    pub fn question(&self) -> String {
        let names: Vec<String> = self.varied().iter().map(Dimension::to_string).collect();
        match names.as_slice() {
            [] => {
                "Does the answer depend on how the question is put? (It was put in one way.)".into()
            }
            [one] => format!("Does the answer depend on how the {one} is chosen?"),
            [most @ .., last] => {
                format!("Does the answer depend on how {} and {last} are chosen?", most.join(", "))
            }
        }
    }

    /// What to keep in mind beside the table: that rows are not independent, and no menu.
    #[must_use]
    pub const fn caution(&self) -> &'static str {
        CAUTION
    }

    /// For each topic and statistic a table of the supported rows, with what varies between them.
    pub fn tables(&self) -> Vec<Table> {
        let mut rows: HashMap<(&str, &str), Vec<&SensitivityRow>> = HashMap::new();
        for row in self.rows() {
            rows.entry((row.statistic, &row.topic)).or_default().push(row);
        }
        let of = |its: &SensitivitySummary| {
            let rows = rows.get(&(its.statistic, &*its.topic));
            self.table(its, rows.map_or(&[], Vec::as_slice))
        };
        self.summaries().iter().map(of).collect()
    }

    fn table(&self, of: &SensitivitySummary, rows: &[&SensitivityRow]) -> Table {
        let varied = self.varied();
        let estimated = rows.iter().filter_map(|row| Some((row, row.outcome.as_ref().ok()?)));
        let level = of_level(estimated.clone().map(|(_, its)| its.interval.as_ref().ok()));
        let wrapping = Yields::Wrapping { floor: LEVEL_FLOOR };
        let mut columns: Vec<Column> =
            varied.iter().map(|its| Column::words(its.to_string()).yielding(wrapping)).collect();
        columns.extend([Column::number("estimate"), Column::number(level), Column::words("finds")]);
        let row = |(row, estimate): (&&SensitivityRow, &Estimate)| {
            let choices = varied.iter().map(|its| Cell::Words(row.choices.level(*its)));
            let mut cells: Vec<Cell> = choices.collect();
            cells.push(Cell::value(estimate.value));
            cells.push(Cell::interval_or_why(&estimate.interval));
            cells.push(Cell::words(row.found.map_or("", Found::in_words)));
            cells
        };
        Table {
            caption: format!("Topic {:?}, {}, under each choice", of.topic, of.statistic),
            columns,
            rows: estimated.map(row).collect(),
        }
    }

    /// All rows as CSV, those that are not supported too, with the fields of the JSON that a cell can hold
    /// (`docs/sensitivity-json.md`); [`Table::to_csv`] says how.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let of = ["topic", "statistic"].into_iter();
        let choices = Dimension::ALL.map(Dimension::field);
        let found = ["found", "unsupported", "unsupported_message"];
        let names = of.chain(choices).chain(found).chain(estimates::answer_names());
        let mut table = record(names);
        table.rows = self
            .rows()
            .iter()
            .map(|row| {
                let mut cells = vec![Cell::name(&row.topic), Cell::statistic(row.statistic)];
                cells.extend(Dimension::ALL.map(|its| Cell::Words(row.choices.level(its))));
                let estimate = row.outcome.as_ref();
                let unsupported = estimate.err();
                cells.push(field(&row.found));
                cells.push(field(&unsupported.map(|its| its.kind)));
                cells.push(unsupported.map_or(Cell::Nothing, |its| Cell::words(&its.message)));
                cells.extend(estimates::answer_cells(estimate.ok()));
                cells
            })
            .collect();
        table.to_csv()
    }

    /// The first warning of each kind, with the number of rows that have one of the kind.
    fn warnings(&self) -> Vec<(&Warning, usize)> {
        let estimates = self.rows().iter().filter_map(|row| row.outcome.as_ref().ok());
        first_of_each(estimates)
    }

    /// What all rows have in common.
    fn common(&self, first: &SensitivityRow) -> String {
        let fixed = Dimension::ALL.into_iter().filter(|its| !self.varied().contains(its));
        let levels = fixed.map(|its| format!("{its}: {}", first.choices.level(its)));
        let levels: Vec<String> = levels.collect();
        if levels.is_empty() {
            String::new()
        } else {
            format!("In all rows: {}.", levels.join("; "))
        }
    }
}

impl SensitivityTable {
    fn write(&self, f: &mut impl fmt::Write, width: usize) -> fmt::Result {
        let wrap = |text: &str| wrap(text, width);
        writeln!(f, "{}", printable(&self.question()))?;
        for (summary, table) in self.summaries().iter().zip(self.tables()) {
            writeln!(f, "\n{}", wrap(&printable(&summary.sentence())))?;
            writeln!(f, "{}", table.to_text(width))?;
        }
        writeln!(f)?;
        if let Some(first) = self.rows().first() {
            let treatment =
                format!("Treatment: arm {:?}. {}", self.treatment(), self.common(first));
            writeln!(f, "{}", wrap(&printable(treatment.trim_end())))?;
        }
        for (reason, rows) in self.unsupported() {
            let plural = if rows == 1 { "row" } else { "rows" };
            let what = match reason.kind {
                UnsupportedKind::NoDifference => "Not repeated",
                _ => "Not supported",
            };
            let line = format!("{what}, {rows} {plural}: {}.", reason.message);
            writeln!(f, "{}", wrap(&printable(&line)))?;
        }
        for (warning, rows) in self.warnings() {
            let line = format!("Warning, {rows} rows, the first: {warning}.");
            writeln!(f, "{}", wrap(&printable(&line)))?;
        }
        for left in self.left_out() {
            let line =
                format!("Left out, {} {}: {}.", left.dimension, left.level, left.reason.message);
            writeln!(f, "{}", wrap(&printable(&line)))?;
        }
        writeln!(f, "{}", wrap(CAUTION))
    }
}

impl Dimension {
    /// The field of [`Choices`](crate::sensitivity::Choices).
    const fn field(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Cluster => "cluster",
            Self::Attention => "attention",
            Self::Weighting => "weighting",
            Self::Unit => "unit",
            Self::Denominator => "denominator",
            Self::MultiLabel => "multi_label",
        }
    }
}

impl Found {
    /// In a few words, for tables and plots.
    pub(crate) const fn in_words(self) -> &'static str {
        match self {
            Self::SurelyAmplified => "amplified",
            Self::Amplified => "amplified?",
            Self::Neither => "neither",
            Self::Reduced => "reduced?",
            Self::SurelyReduced => "reduced",
            Self::Undefined => "no value",
        }
    }
}

const fn side(direction: Direction) -> &'static str {
    match direction {
        Direction::Amplified => "above",
        Direction::Reduced => "below",
    }
}

impl SensitivitySummary {
    /// Whether the answer depends on what is chosen, in a sentence or two.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut sentence = format!("Topic {:?}, {}: ", self.topic, self.statistic);
        sentence.push_str(&self.verdict_in_words());
        let tallied = self.tallied;
        if let (Some(least), Some(greatest), true) =
            (self.least, self.greatest, tallied.with_value > 0)
        {
            sentence.push_str(&format!(
                " Values go from {} to {}",
                number(least),
                number(greatest)
            ));
            match self.effects.first() {
                Some(effect) if effect.largest > 0.0 => {
                    sentence.push_str(&format!("; {}.", effect.in_words(self.scale)))
                }
                _ => sentence.push('.'),
            }
        }
        let without = tallied.supported - tallied.with_value;
        if without > 0 {
            let has = if without == 1 { "row has" } else { "rows have" };
            sentence.push_str(&format!(" {without} more {has} no value."));
        }
        sentence
    }

    fn verdict_in_words(&self) -> String {
        let tallied = self.tallied;
        let of = tallied.with_value;
        let sure = tallied.surely_amplified + tallied.surely_reduced;
        match self.verdict {
            Verdict::Robust { side: at } => format!(
                "no. In all {of} rows the value and its whole interval lie {} no amplification.",
                side(at)
            ),
            Verdict::SameSideNotAlwaysSure { side: at } => format!(
                "the direction does not, the certainty does. All {of} values lie on one side of no \
                 amplification or on it; the whole interval lies {} it in {sure}.",
                side(at)
            ),
            Verdict::Depends { on, how } => self.depends(on, how),
            Verdict::NeverSure { side: Some(at) } => format!(
                "nothing is found under any choice. Values lie {} no amplification, and it is in \
                 all {of} intervals.",
                side(at)
            ),
            Verdict::NeverSure { side: None } => format!(
                "nothing is found under any choice. {} values lie above no amplification and {} \
                 below, and it is in all {of} intervals.",
                tallied.amplified, tallied.reduced
            ),
            Verdict::SingleRow => {
                "not to be seen. Only one row has a value, and nothing to compare it with."
                    .to_owned()
            }
            Verdict::NoValue => "not to be seen. No row has a value.".to_owned(),
            Verdict::NothingCompared => {
                "there is no side to be on, since this statistic compares nothing.".to_owned()
            }
        }
    }

    fn depends(&self, on: Option<Dimension>, how: Disagreement) -> String {
        let tallied = self.tallied;
        let mut text = match how {
            Disagreement::OppositeFindings => format!(
                "yes. {} values lie above no amplification, {} of them with their whole interval, and \
                 {} below, {} with their whole interval: opposite findings from one log.",
                tallied.amplified,
                tallied.surely_amplified,
                tallied.reduced,
                tallied.surely_reduced
            ),
            Disagreement::OppositeValues => format!(
                "yes. {} values lie above no amplification and {} below; the {} whose whole interval \
                 is on one side are all {}.",
                tallied.amplified,
                tallied.reduced,
                tallied.surely_amplified + tallied.surely_reduced,
                if tallied.surely_amplified > 0 { "above" } else { "below" }
            ),
        };
        let effect = on.and_then(|on| self.effects.iter().find(|effect| effect.dimension == on));
        if let Some(effect) = effect {
            text.push_str(&match effect.opposite {
                0 => format!(" No choice turns the side alone; the {} moves it most.", effect.dimension),
                opposite => format!(
                    " What turns the side most often is the {}: in {opposite} of {} pairs that differ \
                     in it alone.",
                    effect.dimension, effect.pairs
                ),
            });
        }
        text
    }
}

impl Effect {
    /// In words, given the scale.
    fn in_words(&self, scale: Scale) -> String {
        let [low, high] = &self.between;
        let size = if self.largest.is_infinite() {
            "without bound".to_owned()
        } else {
            match scale {
                Scale::Linear => format!("by up to {}", number(self.largest)),
                Scale::Log => format!("by a factor of up to {}", number(self.largest.exp())),
                Scale::LogPercent => {
                    format!("by a factor of the ratio of up to {}", number(self.largest.exp()))
                }
                Scale::Logit => {
                    format!("by a factor of the odds of up to {}", number(self.largest.exp()))
                }
            }
        };
        format!(
            "the choice that moves them most is the {}, {size} (from {low} to {high})",
            self.dimension
        )
    }
}

crate::report::rendered::tabular!(SensitivityTable);
crate::report::rendered::printed!(SensitivityTable);
