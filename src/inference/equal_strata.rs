//! Whether a topic is amplified alike in all strata.

use statrs::distribution::{ContinuousCDF, FisherSnedecor};

use super::contribution::{Contributions, check_totals};
use super::influence::Variance;
use super::{Case, Query, jackknife};
use crate::error::Error;
use crate::estimate::{NoTest, TestMethod, TestResult, Warning};
use crate::statistic::{Cell, MantelHaenszelDifference, Statistic, Working};
use crate::tally::Tally;

/// More strata than this are not compared: the matrix of their errors would take gigabytes.
const MOST: usize = 2_000;

/// The statistic in one stratum.
struct InStratum {
    value: f64,
    /// By cluster of all strata, what leaving it out does to the value, around the mean: the squares add up to
    /// the variance.
    terms: Vec<f64>,
    variance: Variance,
}

/// Tests that the statistic is the same in all strata: see [`super::Test::EqualStrata`].
pub(super) fn test(
    tally: &Tally,
    asked: &Query<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<TestResult, Error> {
    let Query { question, statistic } = asked;
    if statistic.known_baseline().is_some() {
        return Ok(TestResult::none(NoTest::BaselineFromElsewhere));
    }
    if statistic.contrasts().is_some() || statistic.cells(1) != Cell::TWO_ARMS {
        return Ok(TestResult::none(NoTest::NotOfTwoShares));
    }
    let strata = tally.axes().strata().len();
    if strata > MOST {
        return Err(Error::Parameter {
            parameter: "the strata of a test that all are equal",
            value: strata.to_string(),
            expected: "at most 2,000",
        });
    }
    check_totals(4 * strata, (tally.clusters(), "clusters"), strata)?;
    // For its totals, which are those of every stratum.
    let contributions = Contributions::of(tally, question, &MantelHaenszelDifference)?;
    let each = |at| in_stratum(*statistic, tally, &contributions, at);
    let known: Vec<InStratum> = (0..strata).filter_map(each).collect();
    let left_out = (strata - known.len()) as u64;
    if left_out > 0 {
        warnings.push(Warning::StrataLeftOut { left_out, strata: strata as u64 });
    }
    Ok(equality(&known).unwrap_or_else(TestResult::none))
}

/// The statistic in a stratum; `None` where it has no finite value, or nothing shows how it varies.
fn in_stratum(
    statistic: &dyn Statistic,
    tally: &Tally,
    all: &Contributions,
    at: usize,
) -> Option<InStratum> {
    let columns = all.columns()[4 * at..4 * at + 4].to_vec();
    let clusters = 0..all.present().len();
    let present: Vec<[bool; 2]> =
        clusters.clone().map(|c| [columns[1][c] > 0.0, columns[3][c] > 0.0]).collect();
    // Clusters that are not in the stratum say nothing of how it varies.
    let here: Vec<usize> = clusters.filter(|&c| present[c] != [false; 2]).collect();
    let columns = columns.iter().map(|column| here.iter().map(|&c| column[c]).collect()).collect();
    let present = here.iter().map(|&c| present[c]).collect();
    let places = here.iter().map(|&c| all.places()[c]).collect();
    let own = Contributions::of_columns(columns, present, places, Cell::TWO_ARMS.to_vec());
    let Working::Finite(value) = statistic.value(own.totals()) else { return None };
    let case = Case::new(statistic, value, tally.keys(), &own);
    if case.still_contrast().is_some() {
        return None;
    }
    let (of_here, variance) = jackknife::terms(&case).ok()?;
    let mut terms = vec![0.0; all.present().len()];
    here.iter().zip(of_here).for_each(|(&cluster, term)| terms[cluster] = term);
    Some(InStratum { value, terms, variance })
}

/// Hotelling's statistic for all differences from the last stratum, with degrees of freedom for variances that
/// are known unequally well.
fn equality(strata: &[InStratum]) -> Result<TestResult, NoTest> {
    let Some((last, others)) = strata.split_last() else { return Err(NoTest::FewStrata) };
    if others.is_empty() {
        return Err(NoTest::FewStrata);
    }
    let differences = others.len();
    let covariance = |a: &InStratum, b: &InStratum| -> f64 {
        a.terms.iter().zip(&b.terms).map(|(a, b)| a * b).sum()
    };
    let with_last: Vec<f64> = others.iter().map(|its| covariance(its, last)).collect();
    let of_last = last.variance.variance;
    let matrix = |i: usize, j: usize| {
        let own = match i == j {
            true => others[i].variance.variance,
            false => covariance(&others[i], &others[j]),
        };
        own - with_last[i] - with_last[j] + of_last
    };
    let root = Root::of(differences, matrix).ok_or(NoTest::NoVariation)?;
    let from_last: Vec<f64> = others.iter().map(|its| its.value - last.value).collect();
    let wald = root.length(&from_last);
    let unit = |at: usize| (0..differences).map(|i| if i == at { 1.0 } else { 0.0 }).collect();
    let weights = (0..differences).map(unit).chain([vec![-1.0; differences]]);
    let doubt: f64 = weights
        .zip(strata)
        .map(|(weight, its): (Vec<f64>, _)| {
            let part = its.variance.variance * root.length(&weight);
            part * part / its.variance.degrees_of_freedom
        })
        .sum();
    let q = differences as f64;
    let clusters = (0..last.terms.len()).filter(|&c| strata.iter().any(|its| its.terms[c] != 0.0));
    let degrees = (q * (q + 1.0) / (2.0 * doubt)).min(clusters.count() as f64 - 1.0);
    let below = degrees - q + 1.0;
    let f = wald * below / (degrees * q);
    let distribution = FisherSnedecor::new(q, below).map_err(|_| NoTest::FewClusters)?;
    Ok(TestResult {
        statistic: Some(f),
        degrees_of_freedom: Some(below),
        ..TestResult::of(distribution.sf(f).clamp(0.0, 1.0), TestMethod::EqualStrata)
    })
}

/// The lower triangle whose product with itself is a matrix (Cholesky).
struct Root(Vec<Vec<f64>>);

impl Root {
    /// `None` for a matrix that is not positive definite but for rounding.
    fn of(size: usize, matrix: impl Fn(usize, usize) -> f64) -> Option<Self> {
        let mut root: Vec<Vec<f64>> = Vec::with_capacity(size);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for i in 0..size {
            let mut row: Vec<f64> = Vec::with_capacity(i + 1);
            for (j, before) in root.iter().enumerate() {
                row.push((matrix(i, j) - dot(&row, &before[..j])) / before[j]);
            }
            let own = matrix(i, i);
            let rest = own - dot(&row, &row);
            if rest.is_nan() || rest <= 1e-12 * own {
                return None;
            }
            row.push(rest.sqrt());
            root.push(row);
        }
        Some(Self(root))
    }

    /// `v' M^-1 v`.
    fn length(&self, v: &[f64]) -> f64 {
        let mut solved = Vec::with_capacity(v.len());
        for (row, v) in self.0.iter().zip(v) {
            let known: f64 = row.iter().zip(&solved).map(|(a, b)| a * b).sum();
            solved.push((v - known) / row[row.len() - 1]);
        }
        solved.iter().map(|part| part * part).sum()
    }
}
