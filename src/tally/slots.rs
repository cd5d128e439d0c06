//! Slots: what a row of a log adds to, as one number. A row falls into exactly one slot (an arm,
//! stratum and window, and a set of topics); what a slot's sums give to which cell is projected
//! once per cluster, not once per row.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;

use super::axes::Axes;
use super::cluster;
use super::mass::Mass;
use super::{MultiLabel, Squares, TallySpec, WindowBy};
use crate::error::Error;
use crate::log::{Coded, Dictionary, ExposureLog, Role, Topics};
use crate::question::attention::Attention;

/// The most ranks for which a lookup table is made; deeper ranks are computed one by one.
const TABLE_RANKS: u32 = 1 << 16;

/// The slots of a log.
pub(super) struct Slots<'l> {
    pub(super) axes: Axes,
    /// Code by row, and by code the first slot.
    arms: (&'l [u32], Vec<u32>),
    strata: Option<(&'l [u32], Vec<u32>)>,
    /// By row.
    windows: Option<Vec<u32>>,
    /// By row.
    sets: Option<&'l [u32]>,
    /// By label set, its topics' indices in the axes.
    topics_of_set: Vec<Vec<u32>>,
    /// By topic, the label sets that have it.
    sets_of_topic: Vec<Vec<u32>>,
    /// By label set, what an impression of mass 1 gives to each of its topics.
    unit_shares: Vec<Mass>,
    fractional: bool,
}

impl<'l> Slots<'l> {
    pub(super) fn of(log: &'l ExposureLog, spec: &TallySpec) -> Result<Self, Error> {
        let arms = log.require_ids(Role::Arm, "a tally by arm")?;
        let strata = cluster::strata(log, &spec.strata)?;
        let topics = log.topics();
        let windows = windows(log, spec.windows)?;
        let axes = Axes::new(
            arms.dictionary().iter(),
            strata.iter().flat_map(|strata| strata.dictionary().iter()),
            windows.iter().flat_map(|windows| windows.starts.iter().copied()),
            topics.iter().flat_map(|topics| topics.labels().iter()),
        )?;
        let topics_of_set = topics.map_or_else(|| vec![Vec::new()], |t| topics_of_set(t, &axes));
        let mut sets_of_topic = vec![Vec::new(); axes.topics().len()];
        for (set, topics) in (0..).zip(&topics_of_set) {
            topics.iter().for_each(|&topic| sets_of_topic[topic as usize].push(set));
        }
        let sets = topics_of_set.len();
        if u32::try_from(axes.slab_count().saturating_mul(sets)).is_err() {
            return Err(Error::TooManyCells {
                arms: axes.arms().len(),
                strata: axes.strata().len(),
                windows: axes.windows().len(),
                topics: sets,
            });
        }
        // Slots are numbered by arm, stratum, window and set, the last fastest.
        let by_window = sets as u32;
        let by_stratum = by_window * axes.windows().len() as u32;
        let by_arm = by_stratum * axes.strata().len() as u32;
        let coded = |column: &'l Coded, step, find: &dyn Fn(&str) -> Option<usize>| {
            let first = place(column.dictionary(), find).into_iter().map(|at| at * step);
            (column.codes(), first.collect())
        };
        Ok(Self {
            arms: coded(arms, by_arm, &|name| axes.arm(name)),
            strata: strata.map(|strata| coded(strata, by_stratum, &|name| axes.stratum(name))),
            windows: windows.map(|windows| windows.places(&axes, by_window)),
            sets: topics.map(Topics::set_of_row),
            unit_shares: topics_of_set.iter().map(|t| share_of(spec, 1.0, t.len())).collect(),
            fractional: spec.multi_label == MultiLabel::Fractional
                && topics_of_set.iter().any(|topics| topics.len() > 1),
            topics_of_set,
            sets_of_topic,
            axes,
        })
    }

    /// How many slots there are.
    pub(super) fn len(&self) -> usize {
        self.axes.slab_count() * self.sets()
    }

    /// Label sets, the empty one included.
    pub(super) fn sets(&self) -> usize {
        self.topics_of_set.len()
    }

    /// Whether an impression may give less than its whole mass to a topic.
    pub(super) fn is_fractional(&self) -> bool {
        self.fractional
    }

    /// The slots of some rows.
    pub(super) fn fill(&self, rows: Range<usize>, slots: &mut Vec<u32>) {
        slots.clear();
        let (codes, first) = &self.arms;
        slots.extend(codes[rows.clone()].iter().map(|&code| first[code as usize]));
        if let Some((codes, first)) = &self.strata {
            for (slot, &code) in slots.iter_mut().zip(&codes[rows.clone()]) {
                *slot += first[code as usize];
            }
        }
        for more in [self.windows.as_deref(), self.sets].into_iter().flatten() {
            for (slot, &more) in slots.iter_mut().zip(&more[rows.clone()]) {
                *slot += more;
            }
        }
    }

    /// The slab of a slot, by its number, and the slot's label set.
    pub(super) fn split(&self, slot: u32) -> (u32, usize) {
        let sets = self.sets() as u32;
        (slot / sets, (slot % sets) as usize)
    }

    /// The slot of a label set in a slab, by their numbers.
    pub(super) fn slot(&self, slab: usize, set: u32) -> usize {
        slab * self.sets() + set as usize
    }

    /// The first cell of a slab: those of its topics, of all and of tagged impressions follow.
    pub(super) fn first_cell(&self, slab: u32) -> u32 {
        slab * self.axes.width() as u32
    }

    /// The topics of a label set, by their indices in the axes.
    pub(super) fn topics(&self, set: usize) -> &[u32] {
        &self.topics_of_set[set]
    }

    /// The label sets that have a topic.
    pub(super) fn sets_with(&self, topic: usize) -> &[u32] {
        &self.sets_of_topic[topic]
    }

    /// What an impression of mass 1 gives to each topic of a set.
    pub(super) fn unit_share(&self, set: usize) -> Mass {
        self.unit_shares[set]
    }

    /// What an impression gives to each topic of its set, from its mass before rounding.
    pub(super) fn share(&self, exact: f64, set: usize) -> Mass {
        match self.topics_of_set[set].len() {
            topics if self.fractional && topics > 1 => Mass::of(exact / topics as f64),
            _ => Mass::of(exact),
        }
    }
}

fn share_of(spec: &TallySpec, exact: f64, topics: usize) -> Mass {
    match spec.multi_label {
        MultiLabel::Fractional if topics > 1 => Mass::of(exact / topics as f64),
        _ => Mass::of(exact),
    }
}

fn topics_of_set(topics: &Topics, axes: &Axes) -> Vec<Vec<u32>> {
    let index = place(topics.labels(), &|name| axes.topic(name));
    let set = |set| topics.set(set).iter().map(|&code| index[code as usize]).collect();
    (0..topics.set_count() as u32).map(set).collect()
}

/// By code, the index of the name on its axis.
fn place(names: &Dictionary, find: &dyn Fn(&str) -> Option<usize>) -> Vec<u32> {
    let index = |name| find(name).expect("the axes are made of these names") as u32;
    names.iter().map(index).collect()
}

/// The windows of the rows of a log, numbered in order of appearance.
struct Windows {
    starts: Vec<i64>,
    of_row: Vec<u32>,
}

fn windows(log: &ExposureLog, by: WindowBy) -> Result<Option<Windows>, Error> {
    if by == WindowBy::Nothing {
        return Ok(None);
    }
    by.check()?;
    let times = log.require_times("windows of time")?;
    let mut windows = Windows { starts: Vec::new(), of_row: Vec::with_capacity(times.len()) };
    let mut number: HashMap<i64, u32, RandomState> = HashMap::default();
    let mut last = (i64::MIN, 0);
    for &time in times {
        let start = by.start(time);
        // Logs are mostly in order of time: the window is seldom another than that of the row before.
        if start != last.0 || windows.starts.is_empty() {
            let next = windows.starts.len() as u32;
            let number = *number.entry(start).or_insert_with(|| {
                windows.starts.push(start);
                next
            });
            last = (start, number);
        }
        windows.of_row.push(last.1);
    }
    Ok(Some(windows))
}

impl Windows {
    /// By row, the place of its window in the axes times `step`.
    fn places(mut self, axes: &Axes, step: u32) -> Vec<u32> {
        let place = |&start| axes.window(start).expect("the axes have every window") as u32 * step;
        let places: Vec<u32> = self.starts.iter().map(place).collect();
        self.of_row.iter_mut().for_each(|window| *window = places[*window as usize]);
        self.of_row
    }
}

/// The masses of the rows of a log under one attention model.
pub(super) enum Weighing<'l> {
    /// 1 for all.
    One,
    Rows {
        weights: Option<&'l [f64]>,
        attention: RowAttention<'l>,
    },
}

/// The mass of each row, before it is rounded.
pub(crate) fn masses(log: &ExposureLog, attention: &Attention) -> Result<Vec<f64>, Error> {
    let weighing = Weighing::of(log, attention)?;
    Ok((0..log.rows()).map(|row| weighing.of_row(row)).collect())
}

/// The attention that a row gets.
pub(super) enum RowAttention<'l> {
    One,
    ByRank(&'l [u32], Vec<f64>, &'l Attention),
    ByRow(Vec<f64>),
}

impl<'l> Weighing<'l> {
    pub(super) fn of(log: &'l ExposureLog, attention: &'l Attention) -> Result<Self, Error> {
        attention.check()?;
        let weights = log.numbers(Role::Weight);
        Ok(match (weights, RowAttention::of(log, attention)?) {
            (None, RowAttention::One) => Self::One,
            (weights, attention) => Self::Rows { weights, attention },
        })
    }

    pub(super) fn is_one(&self) -> bool {
        matches!(self, Self::One)
    }

    /// The mass of a row, before it is rounded.
    pub(super) fn of_row(&self, row: usize) -> f64 {
        match self {
            Self::One => 1.0,
            Self::Rows { weights, attention } => {
                weights.map_or(1.0, |weights| weights[row]) * attention.of_row(row)
            }
        }
    }
}

impl<'l> RowAttention<'l> {
    fn of(log: &'l ExposureLog, model: &'l Attention) -> Result<Self, Error> {
        if *model == Attention::Uniform {
            return Ok(Self::One);
        }
        let needed_by = format!("attention {model}");
        if *model == Attention::Cascade {
            return Ok(Self::ByRow(cascade(log, &needed_by)?));
        }
        let positions = log.require_positions(&needed_by)?;
        let last = positions.iter().copied().max().unwrap_or(0).min(TABLE_RANKS);
        let table = model.table(last).expect("only the cascade has no table");
        Ok(Self::ByRank(positions, table, model))
    }

    fn of_row(&self, row: usize) -> f64 {
        match self {
            Self::One => 1.0,
            Self::ByRank(positions, table, model) => {
                let rank = positions[row];
                match table.get(rank as usize - 1) {
                    Some(attention) => *attention,
                    None => model.at(rank).expect("only the cascade has no value by rank"),
                }
            }
            Self::ByRow(values) => values[row],
        }
    }
}

/// For each row, the product of `1 - satisfaction` over the rows of its slate at smaller ranks.
fn cascade(log: &ExposureLog, needed_by: &str) -> Result<Vec<f64>, Error> {
    let slates = log.require_ids(Role::Slate, needed_by)?.codes();
    let positions = log.require_positions(needed_by)?;
    let satisfactions = log.require_numbers(Role::Satisfaction, needed_by)?;
    let mut rows: Vec<usize> = (0..log.rows()).collect();
    // The satisfaction is part of the order, so that rows which share a rank multiply alike
    // whatever the order of the log.
    let order = |&row: &usize| (slates[row], positions[row], satisfactions[row].to_bits());
    rows.sort_unstable_by_key(order);
    let mut values = vec![1.0; log.rows()];
    let mut left = 1.0;
    for slate in rows.chunk_by(|a, b| slates[*a] == slates[*b]) {
        let mut above = 1.0;
        for rank in slate.chunk_by(|a, b| positions[*a] == positions[*b]) {
            for &row in rank {
                values[row] = above;
                // As often as the row counts.
                let on = 1.0 - satisfactions[row];
                left *= log.counts().map_or(on, |counts| on.powf(counts[row]));
            }
            above = left;
        }
        left = 1.0;
    }
    Ok(values)
}

/// What the impressions of one slot sum to over all clusters, for the naive variance.
#[derive(Clone, Debug, Default)]
pub(super) struct SlotSum {
    pub(super) count: u64,
    /// By attention model that does not weigh every impression 1: squares of what impressions
    /// give as a whole, and to each topic.
    pub(super) squares: Vec<[Squares; 2]>,
}

/// Sums by slot, for the slots that have any.
#[derive(Clone, Debug, Default)]
pub(super) struct SlotSums(HashMap<u32, SlotSum, RandomState>);

impl SlotSums {
    /// Adds to a slot.
    pub(super) fn add(&mut self, slot: u32, sum: &SlotSum) {
        if sum.count == 0 {
            return;
        }
        self.count(slot, sum.count);
        self.add_squares(slot, sum);
    }

    /// Adds impressions to a slot.
    pub(super) fn count(&mut self, slot: u32, count: u64) {
        self.0.entry(slot).or_default().count += count;
    }

    /// Adds squares to a slot.
    pub(super) fn add_squares(&mut self, slot: u32, sum: &SlotSum) {
        let mine = self.0.entry(slot).or_default();
        mine.squares.resize(sum.squares.len(), <[Squares; 2]>::default());
        for (mine, more) in mine.squares.iter_mut().zip(&sum.squares) {
            mine[0] += more[0];
            mine[1] += more[1];
        }
    }

    /// The sums of both.
    pub(super) fn merge(mut self, other: &Self) -> Self {
        other.0.iter().for_each(|(slot, sum)| self.add(*slot, sum));
        self
    }

    /// The squares of each cell, one attention model after another.
    pub(super) fn squares(
        &self,
        slots: &Slots<'_>,
        weighings: &[Weighing<'_>],
    ) -> Vec<Vec<Squares>> {
        let mut all = vec![vec![Squares::default(); slots.axes.cells()]; weighings.len()];
        let one = Mass::of_count(1);
        for (&slot, sum) in &self.0 {
            let (slab, set) = slots.split(slot);
            let share = slots.unit_share(set);
            let unit = [
                Squares { own: one.by(sum.count), cross: one.by(sum.count) },
                Squares { own: share.times(share).by(sum.count), cross: share.by(sum.count) },
            ];
            let mut weighed = sum.squares.iter();
            for (cells, weighing) in all.iter_mut().zip(weighings) {
                let [whole, each] = match weighing {
                    Weighing::One => unit,
                    Weighing::Rows { .. } => *weighed.next().expect("one for each such model"),
                };
                let first = slots.first_cell(slab) as usize;
                let topics = slots.topics(set);
                topics.iter().for_each(|&topic| cells[first + topic as usize] += each);
                let all = first + slots.axes.topics().len();
                cells[all] += whole;
                if !topics.is_empty() {
                    cells[all + 1] += whole;
                }
            }
        }
        all
    }
}
