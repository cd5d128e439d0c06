//! What rows say together: their range, their sides, which choice moves them most, and a verdict.

use serde::{Deserialize, Serialize};

use super::SensitivityRow;
use super::choices::Dimension;
use super::levels::{levels_at, place};
use crate::estimate::{Estimate, SideOfNull, Value};
use crate::statistic::{Scale, Statistic};

/// A side of no amplification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The treatment shows more of the topic than the baseline.
    Amplified,
    /// The treatment shows less of it.
    Reduced,
}

impl Direction {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Amplified => Self::Reduced,
            Self::Reduced => Self::Amplified,
        }
    }
}

/// Where an estimate lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// Above no amplification, with all of its interval.
    SurelyAmplified,
    /// Above no amplification; the interval reaches across it, or there is none.
    Amplified,
    /// At no amplification, or between values on both sides of it.
    Neither,
    /// Below no amplification; the interval reaches across it, or there is none.
    Reduced,
    /// Below no amplification, with all of its interval.
    SurelyReduced,
    /// There is no value.
    Undefined,
}

impl Found {
    /// The side of the value.
    #[must_use]
    pub const fn direction(self) -> Option<Direction> {
        match self {
            Self::SurelyAmplified | Self::Amplified => Some(Direction::Amplified),
            Self::SurelyReduced | Self::Reduced => Some(Direction::Reduced),
            Self::Neither | Self::Undefined => None,
        }
    }

    /// The side of the whole interval.
    #[must_use]
    pub const fn surely(self) -> Option<Direction> {
        match self {
            Self::SurelyAmplified => Some(Direction::Amplified),
            Self::SurelyReduced => Some(Direction::Reduced),
            _ => None,
        }
    }
}

/// Where an estimate lies; `None` for a statistic that compares nothing.
pub(super) fn found(estimate: &Estimate, statistic: &dyn Statistic) -> Option<Found> {
    let null = statistic.scale().reported(statistic.null()?);
    let (low, high) = match estimate.value {
        Value::Undefined(_) => return Some(Found::Undefined),
        Value::Between { low, high } => (low, high),
        value => {
            let number = value.number()?;
            (number, number)
        }
    };
    let alone = estimate.finding.map(|finding| finding.alone);
    let above = alone == Some(SideOfNull::Above);
    let below = alone == Some(SideOfNull::Below);
    Some(match (low > null, high < null) {
        (true, _) if above => Found::SurelyAmplified,
        (true, _) => Found::Amplified,
        (_, true) if below => Found::SurelyReduced,
        (_, true) => Found::Reduced,
        _ => Found::Neither,
    })
}

/// How many rows there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tallied {
    /// All combinations of levels.
    pub rows: usize,
    /// Rows with an estimate.
    pub supported: usize,
    /// Supported rows with a value, infinite ones and ranges of values among them.
    pub with_value: usize,
    /// Values above no amplification.
    pub amplified: usize,
    /// Values below no amplification.
    pub reduced: usize,
    /// Intervals above no amplification.
    pub surely_amplified: usize,
    /// Intervals below no amplification.
    pub surely_reduced: usize,
}

impl Tallied {
    fn of(rows: &[SensitivityRow]) -> Self {
        let count =
            |holds: &dyn Fn(&SensitivityRow) -> bool| rows.iter().filter(|row| holds(row)).count();
        let side = |row: &SensitivityRow| row.found.and_then(Found::direction);
        let surely = |row: &SensitivityRow| row.found.and_then(Found::surely);
        Self {
            rows: rows.len(),
            supported: count(&|row| row.outcome.is_ok()),
            with_value: count(&has_value),
            amplified: count(&|row| side(row) == Some(Direction::Amplified)),
            reduced: count(&|row| side(row) == Some(Direction::Reduced)),
            surely_amplified: count(&|row| surely(row) == Some(Direction::Amplified)),
            surely_reduced: count(&|row| surely(row) == Some(Direction::Reduced)),
        }
    }
}

fn has_value(row: &SensitivityRow) -> bool {
    row.outcome.as_ref().is_ok_and(|its| !matches!(its.value, Value::Undefined(_)))
}

/// What one dimension does to the value, all else equal.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// The dimension.
    pub dimension: Dimension,
    /// The largest difference between two of its levels on the working scale of the statistic
    /// (logarithms for ratios), all other choices being the same; infinite where one of the two values
    /// is. Not negative.
    pub largest: f64,
    /// The levels between which that is: of the lower value, and of the higher.
    pub between: [String; 2],
    /// How many pairs of rows differ in this dimension only.
    pub pairs: usize,
    /// In how many of them the two values lie on different sides of no amplification.
    pub opposite: usize,
}

/// How rows disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disagreement {
    /// Some intervals lie above no amplification and others below it: each would have been a finding.
    OppositeFindings,
    /// Values lie on both sides, and intervals that exclude no amplification on one.
    OppositeValues,
}

/// Whether the answer depends on what is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// No: every row with a value is on one side, with its whole interval.
    Robust {
        /// The side.
        side: Direction,
    },
    /// In certainty and not in direction: no value is on the other side, and some intervals but not all
    /// exclude no amplification.
    SameSideNotAlwaysSure {
        /// The side.
        side: Direction,
    },
    /// Yes: values lie on both sides, and some interval excludes no amplification.
    Depends {
        /// What turns the side in the largest part of the pairs that differ in nothing else; where
        /// nothing turns it by itself, what moves the value most. `None` where no two rows differ in
        /// one choice only.
        on: Option<Dimension>,
        /// How bad it is.
        how: Disagreement,
    },
    /// There is no finding to depend on anything: no interval excludes no amplification.
    NeverSure {
        /// The side of all values; `None` where they are on both, or at neither.
        side: Option<Direction>,
    },
    /// A single row has a value, so that there is nothing to compare it with.
    SingleRow,
    /// No row has a value.
    NoValue,
    /// The statistic compares nothing, so that there are no sides.
    NothingCompared,
}

/// What the rows of a topic and statistic say together.
#[derive(Clone, Debug, PartialEq)]
pub struct SensitivitySummary {
    /// The topic.
    pub topic: String,
    /// The statistic's name.
    pub statistic: &'static str,
    /// From the scale of effects to that of values.
    pub scale: Scale,
    /// The value of no amplification, on the reported scale; `None` if the statistic compares nothing.
    pub null: Option<f64>,
    /// How many rows say what.
    pub tallied: Tallied,
    /// The least value, on the reported scale, minus infinity included; `None` where no row has one.
    pub least: Option<f64>,
    /// The greatest value, infinity included.
    pub greatest: Option<f64>,
    /// The dimensions with more than one level that some pair of rows differs in, the one that moves the
    /// value most first.
    pub effects: Vec<Effect>,
    /// Whether the answer depends on what is chosen.
    pub verdict: Verdict,
}

impl SensitivitySummary {
    /// Of all combinations, in their order.
    pub(super) fn of(
        rows: &[SensitivityRow],
        statistic: &dyn Statistic,
        sizes: [usize; 7],
    ) -> Self {
        let scale = statistic.scale();
        let tallied = Tallied::of(rows);
        let mut effects: Vec<Effect> = Dimension::ALL
            .into_iter()
            .enumerate()
            .filter_map(|(at, dimension)| effect(rows, (at, dimension), scale, sizes))
            .collect();
        // Stable, so that of equal ones the first dimension is first.
        effects.sort_by(|a, b| b.largest.total_cmp(&a.largest));
        let ends: Vec<[f64; 2]> = rows.iter().filter_map(reported_ends).collect();
        Self {
            topic: rows.first().map(|row| row.topic.clone()).unwrap_or_default(),
            statistic: statistic.name(),
            scale,
            null: statistic.null().map(|null| scale.reported(null)),
            tallied,
            least: ends.iter().map(|ends| ends[0]).reduce(f64::min),
            greatest: ends.iter().map(|ends| ends[1]).reduce(f64::max),
            verdict: verdict(statistic, tallied, &effects),
            effects,
        }
    }

    /// Whether values lie on both sides of no amplification.
    #[must_use]
    pub fn changes_side(&self) -> bool {
        self.tallied.amplified > 0 && self.tallied.reduced > 0
    }
}

/// The least and the greatest value of a row.
fn reported_ends(row: &SensitivityRow) -> Option<[f64; 2]> {
    match row.outcome.as_ref().ok()?.value {
        Value::Between { low, high } => Some([low, high]),
        value => value.number().map(|value| [value, value]),
    }
}

/// The same on the working scale.
fn working_ends(row: &SensitivityRow, scale: Scale) -> Option<[f64; 2]> {
    reported_ends(row).map(|ends| ends.map(|end| scale.working(end)))
}

/// How far one row is above another; no number less itself is nothing, infinity too.
fn rise(from: f64, to: f64) -> f64 {
    if from == to { 0.0 } else { to - from }
}

fn effect(
    rows: &[SensitivityRow],
    (at, dimension): (usize, Dimension),
    scale: Scale,
    sizes: [usize; 7],
) -> Option<Effect> {
    let mut found: Option<Effect> = None;
    for (lower_place, first) in rows.iter().enumerate() {
        let Some(a) = working_ends(first, scale) else { continue };
        let levels = levels_at(sizes, lower_place);
        for other in levels[at] + 1..sizes[at] {
            let mut there = levels;
            there[at] = other;
            let second = &rows[place(sizes, there)];
            let Some(b) = working_ends(second, scale) else { continue };
            let ends = [rise(a[0], b[0]), rise(a[1], b[1])];
            let rise = if ends[0].abs() >= ends[1].abs() { ends[0] } else { ends[1] };
            let names = || {
                let names = [first, second].map(|row| row.choices.level(dimension));
                if rise < 0.0 {
                    let [a, b] = names;
                    [b, a]
                } else {
                    names
                }
            };
            let effect = found.get_or_insert_with(|| Effect {
                dimension,
                largest: rise.abs(),
                between: names(),
                pairs: 0,
                opposite: 0,
            });
            effect.pairs += 1;
            let sides = [first, second].map(|row| row.found.and_then(Found::direction));
            effect.opposite +=
                usize::from(matches!(sides, [Some(one), Some(other)] if one != other));
            if rise.abs() > effect.largest {
                effect.largest = rise.abs();
                effect.between = names();
            }
        }
    }
    found
}

fn verdict(statistic: &dyn Statistic, tallied: Tallied, effects: &[Effect]) -> Verdict {
    let Tallied { with_value, amplified, reduced, surely_amplified, surely_reduced, .. } = tallied;
    let side = match (amplified > 0, reduced > 0) {
        (true, false) => Some(Direction::Amplified),
        (false, true) => Some(Direction::Reduced),
        _ => None,
    };
    let sure = surely_amplified + surely_reduced;
    match (with_value, side) {
        (0, _) => Verdict::NoValue,
        _ if statistic.null().is_none() => Verdict::NothingCompared,
        (1, _) => Verdict::SingleRow,
        (_, side) if sure == 0 => Verdict::NeverSure { side },
        (_, Some(side)) if sure == with_value => Verdict::Robust { side },
        (_, Some(side)) => Verdict::SameSideNotAlwaysSure { side },
        (_, None) => Verdict::Depends {
            on: most_opposite(effects),
            how: match (surely_amplified, surely_reduced) {
                (0, _) | (_, 0) => Disagreement::OppositeValues,
                _ => Disagreement::OppositeFindings,
            },
        },
    }
}

/// The dimension that turns the side in the largest part of its pairs; the first of equal ones.
fn most_opposite(effects: &[Effect]) -> Option<Dimension> {
    let mut most = effects.first();
    for effect in effects {
        // Compared crosswise, since parts as numbers would be rounded.
        if most.is_some_and(|most| effect.opposite * most.pairs > most.opposite * effect.pairs) {
            most = Some(effect);
        }
    }
    most.map(|effect| effect.dimension)
}
