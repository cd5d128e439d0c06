//! Adding tallies: of threads, files, days, machines. Sums are exact, so the order of merging
//! changes nothing.

use std::collections::BTreeMap;

use super::axes::Axes;
use super::mass::Mass;
use super::{CellSum, Row, Squares, Tally};
use crate::error::Error;
use crate::log::ClusterKey;

impl Tally {
    /// The tally of both logs together. A cluster that occurs in both is one cluster.
    ///
    /// # Errors
    /// [`Error::Unmergeable`] when the specs differ, or clusters are single impressions, whose
    /// keys mean nothing outside their log; [`Error::TooManyCells`].
    pub fn merge(&self, other: &Self) -> Result<Self, Error> {
        self.check_mergeable(other)?;
        let names = |of: fn(&Axes) -> &[String]| {
            of(&self.axes).iter().chain(of(&other.axes)).map(String::as_str)
        };
        // Strata are named or not alike in both, since the specs are equal.
        let axes = Axes::new(names(Axes::arms), names(Axes::strata), names(Axes::topics))?;
        let mut merged = Self {
            spec: self.spec.clone(),
            keys: Vec::new(),
            ends: Vec::new(),
            cells: Vec::new(),
            counts: Vec::new(),
            masses: Vec::new(),
            squares: vec![Squares::default(); axes.cells()],
            impressions: self.impressions + other.impressions,
            axes,
        };
        for part in [self, other] {
            for (cell, squares) in part.squares.iter().enumerate() {
                let cell = part.axes.cell_in(cell as u32, &merged.axes);
                merged.squares[cell as usize].own += squares.own;
                merged.squares[cell as usize].cross += squares.cross;
            }
        }
        let mut left = self.rows().peekable();
        let mut right = other.rows().peekable();
        while let Some(key) = first_key(left.peek(), right.peek()) {
            let mut sums = BTreeMap::new();
            let mine = left.next_if(|(its, _)| *its == key).map(|(_, row)| (self, row));
            let others = right.next_if(|(its, _)| *its == key).map(|(_, row)| (other, row));
            for (part, row) in mine.into_iter().chain(others) {
                row.add_to(&mut sums, |cell| part.axes.cell_in(cell, &merged.axes));
            }
            merged.push(key, sums);
        }
        Ok(merged)
    }

    fn check_mergeable(&self, other: &Self) -> Result<(), Error> {
        let (mine, others) = (&self.spec, &other.spec);
        let differ = |what, first: &dyn std::fmt::Debug, second: &dyn std::fmt::Debug| {
            Err(Error::Unmergeable {
                what,
                first: format!("{first:?}"),
                second: format!("{second:?}"),
            })
        };
        if mine.cluster != others.cluster || !mine.cluster.has_stable_keys() {
            return differ("the cluster", &mine.cluster, &others.cluster);
        }
        if mine.attention != others.attention {
            return differ("the attention model", &mine.attention, &others.attention);
        }
        if mine.multi_label != others.multi_label {
            return differ("the multi-label rule", &mine.multi_label, &others.multi_label);
        }
        if mine.strata != others.strata {
            return differ("the strata", &mine.strata, &others.strata);
        }
        Ok(())
    }

    fn push(&mut self, key: ClusterKey, sums: BTreeMap<u32, (u64, Mass)>) {
        for (cell, (count, mass)) in sums {
            self.cells.push(cell);
            self.counts.push(count);
            self.masses.push(mass);
        }
        self.keys.push(key);
        self.ends.push(self.cells.len());
    }
}

type KeyedRow<'t> = (ClusterKey, Row<'t>);

fn first_key(left: Option<&KeyedRow<'_>>, right: Option<&KeyedRow<'_>>) -> Option<ClusterKey> {
    let keys = left.into_iter().chain(right).map(|(key, _)| *key);
    keys.min()
}

impl Row<'_> {
    fn add_to(self, sums: &mut BTreeMap<u32, (u64, Mass)>, renumber: impl Fn(u32) -> u32) {
        for CellSum { cell, count, mass } in self.iter() {
            let sum = sums.entry(renumber(cell)).or_insert((0, Mass::ZERO));
            sum.0 += count;
            sum.1 += mass;
        }
    }
}
