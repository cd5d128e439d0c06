//! Slates by the Plackett-Luce model: a sampler, the propensities of what it shows, and the exact
//! probability of each candidate at each rank. Where weights come from is others' concern.
//!
//! | asked | answer | cost |
//! | --- | --- | --- |
//! | a slate | [`PlackettLuce::draw`] | some 700 ns for 20 of 200 |
//! | how probable was each item, given those above it? | [`conditional_propensities`] | some 300 ns for those |
//! | how probable is each candidate at each rank? | [`marginals`] | 29 ms for 20 of 200 |
//!
//! The propensity of an item given those above it is not the marginal one of its rank: the first is
//! what a logging policy writes down and what products over a slate are made of, the second what an
//! estimator by rank needs.

mod marginals;
mod propensity;
mod race;

use ndarray::Array2;
use pulp::Arch;

use self::race::{Entry, Race};
use crate::base::philox::Stream;
use crate::error::Error;

/// The purpose of the random numbers, as part of the counter, so that the same seed gives other
/// numbers to every other purpose.
const PURPOSE: u32 = 0x736c_6174;

/// Draws slates by the Plackett-Luce model (Luce 1959; Plackett 1975, doi 10.2307/2346567): rank by
/// rank, each candidate that is left is chosen with probability `w_i / (sum of the weights left)`.
///
/// That is the order in which candidates arrive whose times are exponential with rates `w_i`
/// (Yellott 1977, doi 10.1016/0022-2496(77)90026-8; adding Gumbel noise to `ln w_i` and sorting is
/// the same race seen in logarithms). So a slate needs one random number for each candidate, and
/// only the few that may be among the first are ever sorted.
///
/// A slate is a pure function of seed, request and weights: the same bits on any processor and
/// thread, whatever was drawn before. Random word `k` belongs to candidate `k`, so candidates keep
/// theirs when others change. Times have single precision, with a relative error below 4e-7 (the
/// rounding of weights included): a candidate is first with a probability between those of weights
/// that far off, which moves it by 2e-7 at most. Equal times, one in some ten million pairs, go to the
/// first in place. Where a weight is less than `2^-96` of the greatest left, its candidate comes after
/// all greater ones.
///
/// The value holds nothing but memory to use again: make one for each thread and keep it.
///
/// ```
/// use tiltmeter::policy::plackett_luce::PlackettLuce;
/// let weights = [5.0, 1.0, 0.0, 2.5];
/// let mut feed = PlackettLuce::new();
/// let slate = feed.draw(&weights, 2, 7, 0)?;
/// assert_eq!(slate.len(), 2);
/// assert_eq!(slate, PlackettLuce::new().draw(&weights, 2, 7, 0)?);
/// // Whatever has no weight is never shown, so only three can be.
/// assert_eq!(feed.draw(&weights, 4, 7, 1)?.len(), 3);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PlackettLuce {
    arch: Arch,
    race: Race,
}

impl Default for PlackettLuce {
    fn default() -> Self {
        Self::new()
    }
}

impl PlackettLuce {
    /// A sampler with the vectors of this processor.
    #[must_use]
    pub fn new() -> Self {
        Self { arch: Arch::new(), race: Race::new() }
    }

    /// The slate of a request: places in `weights` by rank, as many as `length` says or as have a
    /// weight. Weights are on any scale; times a power of two they give the same slate.
    ///
    /// Time grows with the number of candidates; for a slate of most of them, with sorting it.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`] for a weight that is negative, infinite or NaN, and for more than
    /// `u32::MAX` candidates.
    pub fn draw(
        &mut self,
        weights: &[f64],
        length: usize,
        seed: u64,
        request: u64,
    ) -> Result<Vec<u32>, Error> {
        check(weights)?;
        let place = [request as u32, (request >> 32) as u32, PURPOSE];
        let mut slate = Vec::with_capacity(length.min(weights.len()));
        self.slate(weights, length, Stream { seed, place }, &mut slate);
        Ok(slate)
    }

    /// The same without a look at the weights, which are to be finite and not negative, from a given
    /// stream, into memory that is there.
    pub(crate) fn slate(
        &mut self,
        weights: &[f64],
        length: usize,
        stream: Stream,
        slate: &mut Vec<u32>,
    ) {
        slate.clear();
        self.race.run(self.arch, Entry { weights, stream }, length, slate);
        if slate.len() < length {
            self.stragglers(Entry { weights, stream }, length, slate);
        }
    }

    /// Appends those whose weights were too small to race with the others, greatest weights first.
    #[cold]
    fn stragglers(&mut self, entry: Entry<'_>, length: usize, slate: &mut Vec<u32>) {
        let mut left = entry.weights.to_vec();
        let mut before = 0;
        while before < slate.len() && slate.len() < length {
            for &place in &slate[before..] {
                left[place as usize] = 0.0;
            }
            before = slate.len();
            self.race.run(self.arch, Entry { weights: &left, ..entry }, length - before, slate);
        }
    }
}

/// By rank, the probability with which the item of a slate was chosen, given the items above it:
/// `w_i / (sum of the weights not shown above)`, in (0, 1].
///
/// `slate` has places in `weights`, by rank. Sums are made from the bottom of the slate, without a
/// subtraction, so that the relative error stays below 1e-12 for up to some hundred thousand
/// candidates, even where one outweighs all others.
///
/// ```
/// use tiltmeter::policy::plackett_luce::conditional_propensities;
/// let propensities = conditional_propensities(&[5.0, 1.0, 0.0, 2.0], &[3, 0])?;
/// assert_eq!(propensities, [2.0 / 8.0, 5.0 / 6.0]);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Parameter`] for a weight that is negative, infinite or NaN, and for a slate with a place
/// that is none, comes twice, or has no weight.
pub fn conditional_propensities(weights: &[f64], slate: &[u32]) -> Result<Vec<f64>, Error> {
    check(weights)?;
    let mut left = weights.to_vec();
    for &place in slate {
        let weight = left.get_mut(place as usize).map(|weight| std::mem::replace(weight, 0.0));
        if weight.is_none_or(|weight| weight == 0.0) {
            return Err(Error::Parameter {
                parameter: "place in the slate",
                value: place.to_string(),
                expected: "that of a candidate with a weight, and come once",
            });
        }
    }
    let mut out = Vec::with_capacity(slate.len());
    propensities(weights, slate, &mut out);
    Ok(out)
}

/// Appends the same to `out`, without a look at weights and slate.
pub(crate) fn propensities(weights: &[f64], slate: &[u32], out: &mut Vec<f64>) {
    propensity::propensities(Arch::new(), weights, slate, out);
}

/// The probability that each candidate (rows) is shown at each rank (columns, of which there are
/// `length`).
///
/// Candidate `i` arrives at time `t` with density `w_i exp(-w_i t)`, and is then at rank `k` if `k - 1`
/// of the others have arrived, whose number is a sum of independent events (Poisson-binomial). The
/// integral over `ln t` is made by the trapezoidal rule, which converges geometrically here, with its
/// step halved until no probability moves by 1e-12. Every term is positive and no difference is
/// taken: errors are below 1e-10, and in the tests below 1e-12.
///
/// Each rank sums to 1, if so many candidates have a weight, and is 0 else. Weights of 0 have rows of
/// zeros. Time grows as points x candidates x log2(candidates) x `length`, with some hundreds of points,
/// more of them for long slates and for weights that differ by many orders of magnitude.
///
/// ```
/// use tiltmeter::policy::plackett_luce::marginals;
/// let shown = marginals(&[3.0, 1.0], 2)?;
/// assert!((shown[[0, 0]] - 0.75).abs() < 1e-12);
/// assert!((shown[[0, 1]] - 0.25).abs() < 1e-12);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Parameter`] for a weight that is negative, infinite or NaN, and for more ranks than
/// candidates.
pub fn marginals(weights: &[f64], length: usize) -> Result<Array2<f64>, Error> {
    check(weights)?;
    if length > weights.len() {
        return Err(Error::Parameter {
            parameter: "length of the slate",
            value: length.to_string(),
            expected: "at most the number of candidates",
        });
    }
    let racing: Vec<usize> = (0..weights.len()).filter(|place| weights[*place] > 0.0).collect();
    let logs: Vec<f64> = racing.iter().map(|place| weights[*place].ln()).collect();
    let ranks = length.min(racing.len());
    let mut all = Array2::zeros((weights.len(), length));
    if ranks > 0 {
        let of_racing = marginals::Race { logs: &logs, length: ranks }.marginals();
        for (row, &place) in of_racing.outer_iter().zip(&racing) {
            all.row_mut(place).iter_mut().zip(row).for_each(|(all, mine)| *all = *mine);
        }
    }
    Ok(all)
}

fn check(weights: &[f64]) -> Result<(), Error> {
    let right = |weight: f64| (0.0..f64::INFINITY).contains(&weight);
    // All are looked at without a branch, several at a time; which one is wrong is asked afterwards.
    let all_right = weights.iter().fold(true, |all, weight| all & right(*weight));
    if !all_right && let Some(weight) = weights.iter().find(|weight| !right(**weight)) {
        return Err(Error::Parameter {
            parameter: "weight of a candidate",
            value: weight.to_string(),
            expected: "finite and not negative",
        });
    }
    if u32::try_from(weights.len()).is_err() {
        return Err(Error::Parameter {
            parameter: "number of candidates",
            value: weights.len().to_string(),
            expected: "below 2^32",
        });
    }
    Ok(())
}
