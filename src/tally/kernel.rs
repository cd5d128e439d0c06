//! From the rows of a log to the sums of its clusters: rows are grouped by cluster with a
//! counting sort, then each cluster is summed in a dense scratch row.

use super::axes::Axes;
use super::cluster::{self, Clusters};
use super::mass::Mass;
use super::{MultiLabel, Squares, Tally, TallySpec};
use crate::attention::Attention;
use crate::error::Error;
use crate::log::{Coded, Dictionary, ExposureLog, Role, Topics};

/// The most ranks for which a lookup table is made; deeper ranks are computed one by one.
const TABLE_RANKS: u32 = 1 << 16;

pub(super) fn tally(log: &ExposureLog, spec: &TallySpec) -> Result<Tally, Error> {
    spec.attention.check()?;
    let columns = Columns::of(log, spec)?;
    let clusters = cluster::clusters(log, &spec.cluster)?;
    let rows_of = rows_by_cluster(&clusters);
    let mut by_key: Vec<usize> = (0..clusters.keys.len()).collect();
    by_key.sort_unstable_by_key(|&cluster| clusters.keys[cluster]);

    let cells = columns.axes.cells();
    let mut scratch = Scratch::new(cells);
    let mut tally = Tally {
        spec: spec.clone(),
        keys: Vec::with_capacity(by_key.len()),
        ends: Vec::with_capacity(by_key.len()),
        cells: Vec::new(),
        counts: Vec::new(),
        masses: Vec::new(),
        squares: vec![Squares::default(); cells],
        impressions: log.rows() as u64,
        axes: columns.axes.clone(),
    };
    for cluster in by_key {
        let rows = rows_of.of(cluster);
        if rows.is_empty() {
            continue;
        }
        for &row in rows {
            columns.add(row as usize, &mut scratch, &mut tally.squares);
        }
        scratch.flush(&mut tally);
        tally.keys.push(clusters.keys[cluster]);
        tally.ends.push(tally.cells.len());
    }
    Ok(tally)
}

/// What a row adds to, looked up by row number.
struct Columns<'l> {
    axes: Axes,
    /// By arm code, the index of the arm in the axes.
    arms: (&'l [u32], Vec<usize>),
    strata: Option<(&'l [u32], Vec<usize>)>,
    topics: Option<(&'l Topics, Vec<usize>)>,
    weights: Option<&'l [f64]>,
    attention: RowAttention<'l>,
    multi_label: MultiLabel,
}

/// The attention that a row gets.
enum RowAttention<'l> {
    One,
    ByRank(&'l [u32], Vec<f64>, &'l Attention),
    ByRow(Vec<f64>),
}

impl<'l> Columns<'l> {
    fn of(log: &'l ExposureLog, spec: &'l TallySpec) -> Result<Self, Error> {
        let arms = log.require_ids(Role::Arm, "a tally by arm")?;
        let strata = cluster::strata(log, &spec.strata)?;
        let topics = log.topics();
        let axes = Axes::new(
            arms.dictionary().iter(),
            strata.iter().flat_map(|strata| strata.dictionary().iter()),
            topics.iter().flat_map(|topics| topics.labels().iter()),
        )?;
        let place = |names: &Dictionary, find: &dyn Fn(&str) -> Option<usize>| -> Vec<usize> {
            let index = |name| find(name).expect("the axes are made of these names");
            names.iter().map(index).collect()
        };
        let coded = |column: &'l Coded, find: &dyn Fn(&str) -> Option<usize>| {
            (column.codes(), place(column.dictionary(), find))
        };
        Ok(Self {
            arms: coded(arms, &|name| axes.arm(name)),
            strata: strata.map(|strata| coded(strata, &|name| axes.stratum(name))),
            topics: topics.map(|t| (t, place(t.labels(), &|name| axes.topic(name)))),
            weights: log.numbers(Role::Weight),
            attention: RowAttention::of(log, &spec.attention)?,
            multi_label: spec.multi_label,
            axes,
        })
    }

    fn add(&self, row: usize, scratch: &mut Scratch, squares: &mut [Squares]) {
        let arm = self.arms.1[self.arms.0[row] as usize];
        let stratum = match &self.strata {
            Some((codes, index)) => index[codes[row] as usize],
            None => 0,
        };
        let weight = self.weights.map_or(1.0, |weights| weights[row]);
        let exact = weight * self.attention.of_row(row);
        let mass = Mass::of(exact);
        let mut put = |cell: u32, mine: Mass| {
            scratch.add(cell, mine);
            let squares = &mut squares[cell as usize];
            squares.own += mine.times(mine);
            squares.cross += mine.times(mass);
        };
        put(self.axes.all_cell(arm, stratum), mass);
        let Some((topics, index)) = &self.topics else {
            return;
        };
        let labels = topics.of_row(row);
        if labels.is_empty() {
            return;
        }
        put(self.axes.tagged_cell(arm, stratum), mass);
        let mine = match self.multi_label {
            MultiLabel::Full => mass,
            MultiLabel::Fractional => Mass::of(exact / labels.len() as f64),
        };
        for &label in labels {
            put(self.axes.topic_cell(arm, stratum, index[label as usize]), mine);
        }
    }
}

impl<'l> RowAttention<'l> {
    fn of(log: &'l ExposureLog, model: &'l Attention) -> Result<Self, Error> {
        let needed_by = format!("the attention model ({model})");
        Ok(match model {
            Attention::Uniform => Self::One,
            Attention::Cascade => Self::ByRow(cascade(log, &needed_by)?),
            _ => {
                let positions = log.require_positions(&needed_by)?;
                let last = positions.iter().copied().max().unwrap_or(1);
                let table = model.table(last.min(TABLE_RANKS));
                Self::ByRank(positions, table.expect("only the cascade has no table"), model)
            }
        })
    }

    fn of_row(&self, row: usize) -> f64 {
        match self {
            Self::One => 1.0,
            Self::ByRow(values) => values[row],
            Self::ByRank(positions, table, model) => {
                let rank = positions[row];
                let found = table.get(rank as usize - 1).copied();
                found.unwrap_or_else(|| model.at(rank).expect("ranks start at 1"))
            }
        }
    }
}

/// For every row, the product over the ranks above it in its slate of 1 - satisfaction. Rows of
/// one rank do not hide each other.
fn cascade(log: &ExposureLog, needed_by: &str) -> Result<Vec<f64>, Error> {
    let slates = log.require_ids(Role::Slate, needed_by)?.codes();
    let positions = log.require_positions(needed_by)?;
    let satisfied = log.require_numbers(Role::Satisfaction, needed_by)?;
    let mut order: Vec<usize> = (0..log.rows()).collect();
    // By satisfaction last, so that the product within a rank has one order for any row order.
    order.sort_by(|&a, &b| {
        let place = |row: usize| (slates[row], positions[row]);
        place(a).cmp(&place(b)).then(satisfied[a].total_cmp(&satisfied[b]))
    });
    let mut values = vec![0.0; log.rows()];
    for slate in order.chunk_by(|&a, &b| slates[a] == slates[b]) {
        let mut reached = 1.0;
        for rank in slate.chunk_by(|&a, &b| positions[a] == positions[b]) {
            for &row in rank {
                values[row] = reached;
            }
            reached *= rank.iter().map(|&row| 1.0 - satisfied[row]).product::<f64>();
        }
    }
    Ok(values)
}

/// Rows grouped by cluster.
struct RowsByCluster {
    rows: Vec<u32>,
    ends: Vec<usize>,
}

impl RowsByCluster {
    fn of(&self, cluster: usize) -> &[u32] {
        let start = cluster.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.rows[start..self.ends[cluster]]
    }
}

fn rows_by_cluster(clusters: &Clusters<'_>) -> RowsByCluster {
    let mut next = vec![0_usize; clusters.keys.len() + 1];
    for &cluster in clusters.of_row.iter() {
        next[cluster as usize + 1] += 1;
    }
    for cluster in 0..clusters.keys.len() {
        next[cluster + 1] += next[cluster];
    }
    let mut rows = vec![0_u32; clusters.of_row.len()];
    for (row, &cluster) in clusters.of_row.iter().enumerate() {
        let at = &mut next[cluster as usize];
        rows[*at] = row as u32;
        *at += 1;
    }
    next.pop();
    RowsByCluster { rows, ends: next }
}

/// The sums of one cluster while it is being summed.
struct Scratch {
    counts: Vec<u64>,
    masses: Vec<Mass>,
    touched: Vec<u32>,
}

impl Scratch {
    fn new(cells: usize) -> Self {
        Self { counts: vec![0; cells], masses: vec![Mass::ZERO; cells], touched: Vec::new() }
    }

    fn add(&mut self, cell: u32, mass: Mass) {
        let count = &mut self.counts[cell as usize];
        if *count == 0 {
            self.touched.push(cell);
        }
        *count += 1;
        self.masses[cell as usize] += mass;
    }

    fn flush(&mut self, tally: &mut Tally) {
        self.touched.sort_unstable();
        for &cell in &self.touched {
            tally.cells.push(cell);
            tally.counts.push(std::mem::take(&mut self.counts[cell as usize]));
            tally.masses.push(std::mem::take(&mut self.masses[cell as usize]));
        }
        self.touched.clear();
    }
}
