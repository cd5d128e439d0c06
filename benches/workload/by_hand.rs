//! The jobs without a library for them: plain loops, and what one writes with ndarray.

use std::collections::HashMap;

use ndarray::{Array2, Axis, s};

use super::{ARMS, Columns, Random};

/// Viewers whose weights are drawn at a time.
const BLOCK: usize = 1024;

/// Totals by (arm, topic), one row after the other.
pub(crate) fn loop_totals(columns: &Columns) -> Vec<u64> {
    let mut totals = vec![0; columns.cells()];
    for row in 0..columns.shape.rows {
        totals[columns.cell(row)] += 1;
    }
    totals
}

/// Counts by (viewer, arm, topic) in a map, one row after the other.
pub(crate) fn loop_per_viewer(columns: &Columns) -> HashMap<(u32, u32, u32), u32> {
    let mut counts = HashMap::new();
    for row in 0..columns.shape.rows {
        let key = (columns.viewer[row], columns.arm[row], columns.topic[row]);
        *counts.entry(key).or_default() += 1;
    }
    counts
}

/// Totals by arm and topic.
pub(crate) fn ndarray_totals(columns: &Columns) -> Array2<u64> {
    let mut totals = Array2::zeros((ARMS.len(), columns.shape.topics as usize));
    for (&arm, &topic) in columns.arm.iter().zip(&columns.topic) {
        totals[[arm as usize, topic as usize]] += 1;
    }
    totals
}

/// Counts by viewer and (arm, topic), with room for all of them.
pub(crate) fn ndarray_per_viewer(columns: &Columns) -> Array2<u32> {
    let mut counts = Array2::zeros((columns.shape.viewers as usize, columns.cells()));
    for (row, &viewer) in columns.viewer.iter().enumerate() {
        counts[[viewer as usize, columns.cell(row)]] += 1;
    }
    counts
}

/// Poisson numbers with mean 1, by 16 random bits.
fn poisson() -> Vec<f32> {
    let mut mass = (-1.0_f64).exp();
    let (mut up_to, mut number) = (mass, 0.0_f32);
    let slice = |slice: u32| {
        while number < 15.0 && up_to * 65_536.0 < f64::from(slice) + 0.5 {
            number += 1.0;
            mass /= f64::from(number);
            up_to += mass;
        }
        number
    };
    (0..1 << 16).map(slice).collect()
}

/// Totals by (arm, topic) and replicate, viewers weighted by Poisson numbers: a matrix product
/// for every block of viewers.
pub(crate) fn ndarray_bootstrap(counts: &Array2<u32>, replicates: usize) -> Array2<f32> {
    let poisson = poisson();
    let mut random = Random::seeded(2);
    let mut totals = Array2::zeros((counts.ncols(), replicates));
    for block in counts.axis_chunks_iter(Axis(0), BLOCK) {
        let counts = block.mapv(|count| count as f32);
        let weights = Array2::from_shape_simple_fn((counts.nrows(), replicates), || {
            poisson[random.next() as usize & 0xFFFF]
        });
        totals += &counts.t().dot(&weights);
    }
    totals
}

/// The same with loops over the counts that are not zero.
pub(crate) fn loop_bootstrap(counts: &Array2<u32>, replicates: usize) -> Array2<f32> {
    let poisson = poisson();
    let mut random = Random::seeded(2);
    let mut totals = Array2::zeros((counts.ncols(), replicates));
    let mut weights = vec![0.0; replicates];
    for viewer in counts.rows() {
        weights.fill_with(|| poisson[random.next() as usize & 0xFFFF]);
        for (cell, &count) in viewer.iter().enumerate().filter(|(_, count)| **count > 0) {
            let mut totals = totals.slice_mut(s![cell, ..]);
            for (total, weight) in totals.iter_mut().zip(&weights) {
                *total += weight * count as f32;
            }
        }
    }
    totals
}
