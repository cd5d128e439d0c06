//! From the rows of a table to a tally: what rows must say together. No files, and no types of
//! columns.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::key::{key_bits, to_text};
use super::{ARM, CLUSTER, COUNT, MASS, STRATUM, TOPIC, TableFault, TableFaultReason, WINDOW};
use crate::error::Error;
use crate::log::{ClusterKey, Dictionary};
use crate::source::parquet::damaged;
use crate::tally::block::{BLOCK, Block};
use crate::tally::gather::Gather;
use crate::tally::{Axes, CellKind, Mass, Slab, Squares, StratifyBy, Tally, TallySpec, Weights};

/// What a row is about.
#[derive(Clone, Copy)]
pub(super) enum Kind<T> {
    Topic(T),
    All,
    Tagged,
}

/// A row's cell, by the codes of its names.
#[derive(Clone, Copy)]
pub(super) struct CellName {
    arm: u32,
    stratum: u32,
    window: i64,
    kind: Kind<u32>,
}

/// The names that occur.
#[derive(Default)]
pub(super) struct Names {
    arms: Dictionary,
    strata: Dictionary,
    topics: Dictionary,
}

impl Names {
    pub(super) fn cell(
        &mut self,
        arm: &str,
        stratum: &str,
        window: i64,
        kind: Kind<&str>,
    ) -> Result<CellName, Error> {
        Ok(CellName {
            arm: self.arms.intern(arm)?,
            stratum: self.strata.intern(stratum)?,
            window,
            kind: match kind {
                Kind::Topic(topic) => Kind::Topic(self.topics.intern(topic)?),
                Kind::All => Kind::All,
                Kind::Tagged => Kind::Tagged,
            },
        })
    }
}

/// The sums of a row.
pub(super) struct Sums {
    pub(super) count: u64,
    /// By attention model.
    pub(super) masses: Vec<Mass>,
    /// By attention model; none in the row of a cluster.
    pub(super) squares: Vec<Squares>,
}

/// The rows of a table, each sound in itself.
pub(super) struct LongRows {
    file: String,
    models: usize,
    names: Names,
    /// None for a total.
    keys: Vec<Option<ClusterKey>>,
    cells: Vec<CellName>,
    counts: Vec<u64>,
    /// By row and attention model.
    masses: Vec<Mass>,
    /// By total, in the order of rows, and attention model.
    squares: Vec<Squares>,
}

/// A sum over clusters, and the first row of one.
struct Total {
    count: u64,
    masses: Vec<Mass>,
    row: usize,
}

impl LongRows {
    pub(super) fn new(file: &str, models: usize) -> Self {
        Self {
            file: file.to_owned(),
            models,
            names: Names::default(),
            keys: Vec::new(),
            cells: Vec::new(),
            counts: Vec::new(),
            masses: Vec::new(),
            squares: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    /// Adds a row. That of a cluster has no squares.
    pub(super) fn push(&mut self, key: Option<ClusterKey>, cell: CellName, sums: Sums) {
        self.keys.push(key);
        self.cells.push(cell);
        self.counts.push(sums.count);
        self.masses.extend(sums.masses);
        self.squares.extend(sums.squares);
    }

    /// The tally that the rows are the table of. Where axes are given, the rows must have these
    /// names and no others.
    pub(super) fn tally(self, spec: TallySpec, given: Option<&Axes>) -> Result<Tally, Error> {
        let axes = self.axes(&spec)?;
        if let Some(given) = given.filter(|given| **given != axes) {
            self.places(given)?;
            let detail = "they list names that no row has";
            return Err(damaged(&self.file, " in the metadata".to_owned(), &detail));
        }
        let cells = self.places(&axes)?;
        let order = self.order(&cells, &spec)?;
        let totals = order.partition_point(|&row| self.keys[row].is_none());
        let (totals, rows) = order.split_at(totals);
        let (keys, blocks, sums) = self.blocks(rows, &cells, &axes)?;
        self.check_totals(totals, &cells, sums)?;
        let squares = self.squares_by_cell(&cells, &axes)?;
        let all = |row: &&usize| axes.cell(cells[**row]).1 == CellKind::All;
        let counts = totals.iter().filter(all).map(|&row| self.counts[row]);
        let impressions = counts.fold(0_u64, u64::saturating_add);
        if impressions == 0 {
            return Err(Error::EmptyLog { file: self.file, set_aside: 0 });
        }
        let (weights, kept) = (Weights::default(), Vec::new());
        let labelled = None;
        Ok(Tally { spec, weights, kept, axes, keys, blocks, squares, impressions, labelled })
    }

    fn axes(&self, spec: &TallySpec) -> Result<Axes, Error> {
        let strata = self.names.strata.iter().filter(|_| spec.strata != StratifyBy::Nothing);
        let windows = self.cells.iter().map(|cell| cell.window);
        Axes::new(self.names.arms.iter(), strata, windows, self.names.topics.iter())
    }

    /// By row, its cell.
    fn places(&self, axes: &Axes) -> Result<Vec<u32>, Error> {
        fn by_code(names: &Dictionary, find: impl Fn(&str) -> Option<usize>) -> Vec<Option<usize>> {
            names.iter().map(find).collect()
        }
        let arms = by_code(&self.names.arms, |name| axes.arm(name));
        let strata = by_code(&self.names.strata, |name| axes.stratum(name));
        let topics = by_code(&self.names.topics, |name| axes.topic(name));
        let unknown = |row, column, value: &str| {
            self.fault(row, column, value, TableFaultReason::UnknownName)
        };
        let place = |(row, cell): (usize, &CellName)| {
            let name = |names: &Dictionary, code| names.id(code).unwrap_or_default().to_owned();
            let arm = arms[cell.arm as usize]
                .ok_or_else(|| unknown(row, ARM, &name(&self.names.arms, cell.arm)))?;
            let stratum = strata[cell.stratum as usize]
                .ok_or_else(|| unknown(row, STRATUM, &name(&self.names.strata, cell.stratum)))?;
            let window = axes
                .window(cell.window)
                .ok_or_else(|| unknown(row, WINDOW, &cell.window.to_string()))?;
            let slab = Slab { arm, stratum, window };
            Ok(match cell.kind {
                Kind::Topic(code) => {
                    let topic = topics[code as usize]
                        .ok_or_else(|| unknown(row, TOPIC, &name(&self.names.topics, code)))?;
                    axes.topic_cell(slab, topic)
                }
                Kind::All => axes.all_cell(slab),
                Kind::Tagged => axes.tagged_cell(slab),
            })
        };
        self.cells.iter().enumerate().map(place).collect()
    }

    /// The rows in the order of clusters and cells, totals first; each may occur once.
    fn order(&self, cells: &[u32], spec: &TallySpec) -> Result<Vec<usize>, Error> {
        let place = |row: usize| (self.keys[row], cells[row]);
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_unstable_by_key(|&row| place(row));
        match order.windows(2).find(|pair| place(pair[0]) == place(pair[1])) {
            None => Ok(order),
            Some(pair) => {
                let row = pair[0].max(pair[1]);
                let bits = key_bits(&spec.cluster);
                let shown = self.keys[row].map_or_else(String::new, |key| to_text(key, bits));
                Err(self.fault(row, CLUSTER, &shown, TableFaultReason::Repeated))
            }
        }
    }

    /// The keys, the blocks and the sums by cell of rows in the order of clusters and cells.
    #[expect(clippy::type_complexity, reason = "three parts of a tally that have no other name")]
    fn blocks(
        &self,
        rows: &[usize],
        cells: &[u32],
        axes: &Axes,
    ) -> Result<(Vec<ClusterKey>, Vec<Block>, HashMap<u32, Total, RandomState>), Error> {
        let mut keys = Vec::new();
        let mut blocks = Vec::new();
        let mut totals: HashMap<u32, Total, RandomState> = HashMap::default();
        // Whether masses are counts is seen when the block is written.
        let mut gather = Gather::new(vec![false; self.models]);
        for cluster in rows.chunk_by(|&a, &b| self.keys[a] == self.keys[b]) {
            let Some(key) = self.keys[cluster[0]] else {
                continue;
            };
            if !keys.is_empty() && keys.len() % BLOCK == 0 {
                blocks.push(gather.block());
            }
            let at = (keys.len() % BLOCK) as u16;
            keys.push(key);
            for slab in cluster.chunk_by(|&a, &b| axes.cell(cells[a]).0 == axes.cell(cells[b]).0) {
                self.check_nested(slab, cells, axes)?;
            }
            for &row in cluster {
                gather.add(cells[row], at, self.counts[row], |model| self.masses(row)[model]);
                self.add(totals.entry(cells[row]).or_insert_with(|| self.zero(row)), row)?;
            }
        }
        if !keys.is_empty() {
            blocks.push(gather.block());
        }
        Ok((keys, blocks, totals))
    }

    fn zero(&self, row: usize) -> Total {
        Total { count: 0, masses: vec![Mass::ZERO; self.models], row }
    }

    fn masses(&self, row: usize) -> &[Mass] {
        &self.masses[row * self.models..][..self.models]
    }

    fn add(&self, total: &mut Total, row: usize) -> Result<(), Error> {
        let too_large = |column: &str, value: String| {
            self.fault(row, column, &value, TableFaultReason::TooLarge)
        };
        total.count = total
            .count
            .checked_add(self.counts[row])
            .ok_or_else(|| too_large(COUNT, self.counts[row].to_string()))?;
        for (model, (sum, mass)) in total.masses.iter_mut().zip(self.masses(row)).enumerate() {
            *sum = sum
                .checked_add(*mass)
                .ok_or_else(|| too_large(&format!("{MASS}{model}"), mass.units().to_string()))?;
        }
        Ok(())
    }

    /// Whether no topic has more than the tagged impressions of a cluster in a slab, nor those
    /// more than all.
    fn check_nested(&self, slab: &[usize], cells: &[u32], axes: &Axes) -> Result<(), Error> {
        let of = |kind| slab.iter().copied().find(|&row| axes.cell(cells[row]).1 == kind);
        let (all, tagged) = (of(CellKind::All), of(CellKind::Tagged));
        for &row in slab {
            let whole = match axes.cell(cells[row]).1 {
                CellKind::Topic(_) => tagged,
                CellKind::Tagged => all,
                CellKind::All => continue,
            };
            if self.counts[row] > whole.map_or(0, |whole| self.counts[whole]) {
                let shown = self.counts[row].to_string();
                return Err(self.fault(row, COUNT, &shown, TableFaultReason::MoreThanWhole));
            }
            for (model, mass) in self.masses(row).iter().enumerate() {
                if *mass > whole.map_or(Mass::ZERO, |whole| self.masses(whole)[model]) {
                    let (column, shown) = (format!("{MASS}{model}"), mass.units().to_string());
                    let reason = TableFaultReason::MoreThanWhole;
                    return Err(self.fault(row, &column, &shown, reason));
                }
            }
        }
        Ok(())
    }

    /// Whether each total is the sum of the clusters, and each sum has its total.
    fn check_totals(
        &self,
        totals: &[usize],
        cells: &[u32],
        mut sums: HashMap<u32, Total, RandomState>,
    ) -> Result<(), Error> {
        let differs = |row: usize, column: &str, said: u128, summed: u128| {
            let shown = format!("{said} against {summed}");
            Err(self.fault(row, column, &shown, TableFaultReason::TotalDiffers))
        };
        for &row in totals {
            let sum = sums.remove(&cells[row]).unwrap_or_else(|| self.zero(row));
            if self.counts[row] != sum.count {
                return differs(row, COUNT, self.counts[row].into(), sum.count.into());
            }
            for (model, (said, summed)) in self.masses(row).iter().zip(&sum.masses).enumerate() {
                if said != summed {
                    let column = format!("{MASS}{model}");
                    return differs(row, &column, said.units(), summed.units());
                }
            }
        }
        // The first row without a total, whatever the order of the map.
        match sums.values().map(|sum| sum.row).min() {
            Some(row) => {
                let shown = self.counts[row].to_string();
                Err(self.fault(row, COUNT, &shown, TableFaultReason::NoTotal))
            }
            None => Ok(()),
        }
    }

    fn squares_by_cell(&self, cells: &[u32], axes: &Axes) -> Result<Vec<Vec<Squares>>, Error> {
        let zeros = || {
            // A file of some kilobytes can name more cells than there is memory for.
            let mut zeros = Vec::new();
            zeros.try_reserve_exact(axes.cells()).map_err(|_| axes.too_many())?;
            zeros.resize(axes.cells(), Squares::default());
            Ok(zeros)
        };
        let mut squares = (0..self.models).map(|_| zeros()).collect::<Result<Vec<_>, Error>>()?;
        let totals = (0..self.len()).filter(|&row| self.keys[row].is_none());
        for (row, given) in totals.zip(self.squares.chunks_exact(self.models)) {
            for (squares, given) in squares.iter_mut().zip(given) {
                squares[cells[row] as usize] = *given;
            }
        }
        Ok(squares)
    }

    fn fault(&self, row: usize, column: &str, value: &str, reason: TableFaultReason) -> Error {
        Error::Table(Box::new(TableFault {
            file: self.file.clone(),
            column: column.to_owned(),
            row: row as u64 + 1,
            value: value.chars().take(200).collect(),
            reason,
        }))
    }
}
