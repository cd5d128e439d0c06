//! A sensitivity table in words, as a table, and as JSON.

use std::fmt;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};

use crate::base::printable::printable;
use crate::base::text::{RULED, in_lines, number, percent, wrap};
use crate::estimate::words::interval;
use crate::estimate::words::value;
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

/// What stands with every table.
const CAUTION: &str = "Rows are of the same impressions and not independent. The table shows what \
                       hangs on a choice; it is no menu to pick a row from.";

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

    fn table(&self, rows: &[&SensitivityRow]) -> Table {
        let mut table = Table::new();
        table.load_style(RULED).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(120);
        let varied = self.varied();
        let level = rows.iter().find_map(|row| row.outcome.as_ref().ok()?.interval.ok());
        let level = level
            .map_or_else(|| "interval".to_owned(), |i| format!("{}% interval", percent(i.level)));
        let mut header: Vec<String> = varied.iter().map(Dimension::to_string).collect();
        header.extend(["estimate".to_owned(), level, "finds".to_owned()]);
        table.set_header(header);
        for row in rows {
            let Ok(estimate) = &row.outcome else { continue };
            let choices = varied.iter().map(|dimension| row.choices.level(*dimension));
            let mut cells: Vec<Cell> =
                choices.map(|level| Cell::new(in_lines(printable(&level), 40))).collect();
            cells.push(Cell::new(value(estimate.value)));
            cells.push(Cell::new(
                estimate.interval.as_ref().map_or_else(|no| format!("none: {no}"), interval),
            ));
            cells.push(Cell::new(row.found.map_or("", Found::in_words)));
            table.add_row(cells);
        }
        for (at, column) in table.column_iter_mut().enumerate() {
            if (varied.len()..varied.len() + 2).contains(&at) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
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

impl fmt::Display for SensitivityTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", printable(&self.question()))?;
        for summary in self.summaries() {
            let rows: Vec<_> = self.rows_named(summary.statistic, &summary.topic).collect();
            writeln!(f, "\n{}", wrap(&printable(&summary.sentence())))?;
            writeln!(f, "{}", self.table(&rows))?;
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
                "in certainty, not in direction. No value of {of} lies {} no amplification, and the \
                 intervals of {sure} lie {} it.",
                side(at.opposite()),
                side(at)
            ),
            Verdict::Depends { on, how } => self.depends(on, how),
            Verdict::NeverSure { side: Some(at) } => format!(
                "there is no finding to depend on it. Values lie {} no amplification, and not one \
                 interval of {of} excludes it.",
                side(at)
            ),
            Verdict::NeverSure { side: None } => format!(
                "there is no finding to depend on it. {} values lie above no amplification and {} \
                 below, and not one interval of {of} excludes it.",
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
                "yes. {} values lie above no amplification and {} below; the intervals that exclude \
                 it, {}, are all {}.",
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
