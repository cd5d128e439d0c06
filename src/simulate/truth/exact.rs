//! Truth without chance: what each round is expected to show, where neither the viewer nor the past
//! changes what may be shown.
//!
//! With pooled totals and no memory of what was shown, an arm's slates of a round are alike whoever
//! asks, so the expected total of a topic is, over rounds, the expected number of slates times what a
//! slate is expected to give to it: the sum over ranks of attention times the chance that an item of
//! the topic stands there. Those chances are 1/n for a random feed of n candidates (also where the
//! candidates are themselves a sample, all items being alike), 0 or 1 where the greatest weights are
//! shown, and Plackett and Luce's marginals where weights differ.

use ndarray::Array2;
use statrs::distribution::{Binomial, Discrete};

use super::totals::{Counted, Layout, Part, attention, copy_to_unit};
use super::{Contrast, TruthSpec};
use crate::error::Error;
use crate::policy::plackett_luce;
use crate::policy::{Audience, Bias, Chooser, Policy, PolicyConfig, Ranker, Request, Selection};
use crate::question::estimand::Unit;
use crate::simulate::design::{Blocks, ExperimentDesign};
use crate::simulate::feed::Round;
use crate::simulate::pool::{CandidateSets, Live};
use crate::simulate::response::MOST_REQUESTS;
use crate::simulate::{ArmConfig, CandidatesConfig, Simulation, SimulationConfig};

/// Candidates times ranks for which marginals are made: they took 7 microseconds for each of 20 ranks of
/// 200 candidates, and take that in every round anew.
const MOST_MARGINALS: usize = 20_000;

/// The expected totals; `None` where there is no closed form.
pub(super) fn totals(
    config: &SimulationConfig,
    (spec, contrast): (&TruthSpec, &Contrast<'_>),
    layout: &Layout,
) -> Result<Option<Vec<f64>>, Error> {
    if !is_closed(config, contrast.unit) {
        return Ok(None);
    }
    let Some(slates) = Slates::expected(config, layout) else { return Ok(None) };
    let simulation = Simulation::new(config)?;
    let attention = attention(contrast, config.slate)?;
    let counted = Counted::of(&simulation, layout, spec.about);
    let policies = simulation.build_policies()?;
    let mut table = Table { simulation: &simulation, chooser: Chooser::default() };
    let mut live = Live::new(&simulation.catalogue);
    let mut totals = vec![0.0; layout.len()];
    for number in 0..config.days * config.rounds_per_day {
        let round = simulation.round(number);
        live.advance(&simulation.catalogue, round.start);
        let day = (number / config.rounds_per_day) as usize;
        for (arm, policy) in policies.iter().enumerate() {
            let Some(masses) = table.masses(arm, &**policy, &live, &round, &attention)? else {
                return Ok(None);
            };
            let mut by_column = vec![0.0; layout.all() + 1];
            for (&item, mass) in live.items().iter().zip(masses) {
                counted.spread(item, mass, contrast, layout.all(), |column, mass| {
                    by_column[column] += mass;
                });
            }
            for stratum in 0..layout.strata.len() {
                let slates = slates.of(arm, stratum);
                for (column, mass) in by_column.iter().enumerate() {
                    totals[layout.at(arm, Part::Stratum(stratum), column)] += slates * mass;
                    totals[layout.at(arm, Part::Day(day), column)] += slates * mass;
                }
            }
        }
    }
    copy_to_unit(layout, &mut totals);
    Ok(Some(totals))
}

/// Whether slates are the same whoever asks and whatever was shown before, so far as the configuration
/// tells. Every field is named, so that a new one is thought about here. Responses move interests and
/// follows, which nothing here looks at; errors in labels do not change what is shown.
fn is_closed(config: &SimulationConfig, unit: Unit) -> bool {
    let SimulationConfig {
        seed: _,
        world: _,
        start: _,
        days: _,
        rounds_per_day: _,
        slate: _,
        candidates: _,
        remembered,
        responses: _,
        arms,
        design: _,
        labels: _,
    } = config;
    let is_closed = |arm: &ArmConfig| {
        let ArmConfig { name: _, policy, candidates: _ } = arm;
        match config.candidates_of(arm) {
            CandidatesConfig::Everything => is_for_all(policy),
            CandidatesConfig::Sample { .. } => is_uniform(policy),
            _ => false,
        }
    };
    unit == Unit::Pooled && *remembered == 0 && arms.iter().all(is_closed)
}

/// Whether a policy treats all items alike.
fn is_uniform(policy: &PolicyConfig) -> bool {
    let PolicyConfig { ranker, selection, biases } = policy;
    let drawn = matches!(selection, None | Some(Selection::PlackettLuce));
    *ranker == Ranker::Random && drawn && biases.iter().all(|bias| bias.factor == 1.0)
}

/// Whether a policy's weights are the same for all viewers and throughout a round, and do not change
/// with what was shown.
fn is_for_all(policy: &PolicyConfig) -> bool {
    let PolicyConfig { ranker, selection: _, biases } = policy;
    let still = matches!(ranker, Ranker::Random | Ranker::ReverseChronological);
    let for_all = |bias: &Bias| {
        let Bias { target: _, factor, audience, from_day, rise_days } = bias;
        let at_midnight = from_day.is_none_or(|day| day.fract() == 0.0 && *rise_days == 0.0);
        *factor == 1.0 || *audience == Audience::Everyone && at_midnight
    };
    still && biases.iter().all(for_all)
}

/// Asks a policy what it shows of everything.
struct Table<'s> {
    simulation: &'s Simulation,
    chooser: Chooser,
}

impl Table<'_> {
    /// By item alive, the mass that a slate is expected to give it; `None` where that is not known.
    fn masses(
        &mut self,
        arm: usize,
        policy: &dyn Policy,
        live: &Live,
        round: &Round,
        attention: &[f64],
    ) -> Result<Option<Vec<f64>>, Error> {
        let config = &self.simulation.config;
        let alive = live.items().len();
        let length = match config.candidates_of(&config.arms[arm]) {
            CandidatesConfig::Sample { size } => config.slate.min(size),
            _ => config.slate,
        };
        let attention = &attention[..(length as usize).min(alive)];
        let mut pools = CandidateSets::new(0);
        pools.candidates.items.extend_from_slice(live.items());
        pools.know(self.simulation, &policy.needs());
        let request = Request { time: round.start, ..Request::new(&pools.candidates) };
        match policy.selection() {
            Selection::PlackettLuce => {
                let weights = policy_weights(policy, &request)?;
                expected_masses(&weights, attention)
            }
            Selection::Top | Selection::Diversified { .. } => {
                self.chooser.choose(policy, &request, attention.len())?;
                let mut masses = vec![0.0; alive];
                for (&place, attention) in self.chooser.places.iter().zip(attention) {
                    masses[place as usize] = *attention;
                }
                Ok(Some(masses))
            }
            _ => Ok(None),
        }
    }
}

fn policy_weights(policy: &dyn Policy, request: &Request<'_>) -> Result<Vec<f64>, Error> {
    let mut weights = vec![0.0; request.candidates.len()];
    policy.weigh(request, &mut weights);
    match weights.iter().find(|weight| !(weight.is_finite() && **weight >= 0.0)) {
        Some(weight) => {
            Err(Error::PolicyWeight { policy: policy.name(), weight: weight.to_string() })
        }
        None => Ok(weights),
    }
}

/// By candidate, the sum over ranks of attention times the chance to stand there.
fn expected_masses(weights: &[f64], attention: &[f64]) -> Result<Option<Vec<f64>>, Error> {
    let shown: Vec<usize> = (0..weights.len()).filter(|at| weights[*at] > 0.0).collect();
    let positive: Vec<f64> = shown.iter().map(|at| weights[*at]).collect();
    // Ranks past the last that anyone looks at need not be known.
    let looked = attention.iter().rposition(|value| *value > 0.0).map_or(0, |last| last + 1);
    let length = looked.min(positive.len());
    let Some(marginals) = marginals(&positive, length)? else { return Ok(None) };
    let mut masses = vec![0.0; weights.len()];
    for (&at, chances) in shown.iter().zip(marginals.rows()) {
        masses[at] = chances.iter().zip(attention).map(|(chance, value)| chance * value).sum();
    }
    Ok(Some(masses))
}

/// The chance of each candidate at each rank (candidates x ranks), under Plackett and Luce's model with
/// these weights, all above 0. `None` where that would take longer than replicates.
fn marginals(weights: &[f64], length: usize) -> Result<Option<Array2<f64>>, Error> {
    let shape = (weights.len(), length);
    let Some(&first) = weights.first() else { return Ok(Some(Array2::zeros(shape))) };
    if weights.iter().all(|weight| *weight == first) {
        return Ok(Some(Array2::from_elem(shape, 1.0 / weights.len() as f64)));
    }
    if length <= 1 {
        let sum: f64 = weights.iter().sum();
        return Ok(Some(Array2::from_shape_fn(shape, |(at, _)| weights[at] / sum)));
    }
    if weights.len() * length > MOST_MARGINALS {
        return Ok(None);
    }
    Ok(Some(plackett_luce::marginals(weights, length)?))
}

/// The expected number of slates of a round.
struct Slates {
    strata: usize,
    /// By arm and stratum.
    expected: Vec<f64>,
}

impl Slates {
    /// `None` for a design whose arms do not have the same part of the slates in every round.
    fn expected(config: &SimulationConfig, layout: &Layout) -> Option<Self> {
        let strata = &config.world.strata;
        let sum: f64 = strata.iter().map(|stratum| stratum.share).sum();
        let mut expected = vec![0.0; config.arms.len() * strata.len()];
        for (place, stratum) in (0_u16..).zip(strata) {
            let each = requests(config, stratum.activity);
            let viewers = viewers(config, stratum.share / sum)?;
            for (arm, viewers) in viewers.into_iter().enumerate() {
                expected[arm * strata.len() + layout.stratum(place)] = viewers * each;
            }
        }
        Some(Self { strata: strata.len(), expected })
    }

    fn of(&self, arm: usize, stratum: usize) -> f64 {
        self.expected[arm * self.strata + stratum]
    }
}

/// By arm, the expected number of viewers of a stratum that has this part of them all; of slates that
/// have arms of their own, what comes to the same.
fn viewers(config: &SimulationConfig, part: f64) -> Option<Vec<f64>> {
    let all = f64::from(config.world.viewers);
    if let ExperimentDesign::Slates { shares } = &config.design {
        let ends = ends(shares, config.arms.len(), part * all);
        return Some(differences(ends));
    }
    let ExperimentDesign::Viewers { shares, blocks } = &config.design else { return None };
    // Whole viewers of a block of so many.
    let whole = |number: f64| {
        differences(
            ends(shares, config.arms.len(), number).into_iter().map(|at| (at + 0.5).floor()),
        )
    };
    match blocks {
        Blocks::Nothing => Some(whole(all).into_iter().map(|viewers| part * viewers).collect()),
        Blocks::Strata => {
            let members = Binomial::new(part, u64::from(config.world.viewers)).ok()?;
            let mut expected = vec![0.0; config.arms.len()];
            for number in 0..=config.world.viewers {
                let chance = members.pmf(u64::from(number));
                if chance > 0.0 {
                    let of_arm = whole(f64::from(number));
                    expected.iter_mut().zip(of_arm).for_each(|(sum, of)| *sum += chance * of);
                }
            }
            Some(expected)
        }
    }
}

/// Where each arm's part of so many ends.
fn ends(shares: &[f64], arms: usize, of: f64) -> Vec<f64> {
    let shares = if shares.is_empty() { vec![1.0; arms] } else { shares.to_vec() };
    let sum: f64 = shares.iter().sum();
    let end = |end: &mut f64, share: &f64| {
        *end += share / sum * of;
        Some(*end)
    };
    shares.iter().scan(0.0, end).collect()
}

fn differences(ends: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut before = 0.0;
    ends.into_iter().map(|end| end - std::mem::replace(&mut before, end)).collect()
}

/// The expected number of requests of a viewer in a round: of a negative binomial variable (Poisson with
/// a gamma rate), no more than a round takes. `E min(N, m)` is the sum over n below m of `P(N > n)`.
fn requests(config: &SimulationConfig, activity: f64) -> f64 {
    let shape = config.world.activity.shape;
    let mean = config.world.activity.slates_per_day * activity / f64::from(config.rounds_per_day);
    let more = (mean / (shape + mean)).ln();
    let mut log_chance = -shape * (mean / shape).ln_1p();
    let (mut at_most, mut expected) = (0.0_f64, 0.0);
    for number in 0..MOST_REQUESTS {
        at_most += log_chance.exp();
        expected += (1.0 - at_most).max(0.0);
        let number = f64::from(number);
        log_chance += ((number + shape) / (number + 1.0)).ln() + more;
    }
    expected
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where rounds take all requests their expected number is the mean; of a great mean, the most.
    #[test]
    fn requests_are_capped() {
        let mut config = SimulationConfig { rounds_per_day: 8, ..SimulationConfig::default() };
        config.world.activity.slates_per_day = 2.0;
        for shape in [0.3, 2.0, 50.0] {
            config.world.activity.shape = shape;
            let expected = requests(&config, 3.0);
            assert!((expected - 0.75).abs() < 1e-10, "{shape}: {expected}");
        }
        config.world.activity.slates_per_day = 1e6;
        assert!((requests(&config, 1.0) - 256.0).abs() < 1e-6);
    }

    /// Seven viewers in two arms of equal parts are four and three, as viewers are assigned; on average
    /// over a binomial number of members the parts add up to the members.
    #[test]
    fn viewers_are_whole() {
        let mut config = SimulationConfig::default();
        config.world.viewers = 7;
        assert_eq!(viewers(&config, 1.0).unwrap(), [4.0, 3.0]);
        config.design =
            ExperimentDesign::Viewers { shares: vec![1.0, 2.0], blocks: Blocks::Strata };
        let parts = viewers(&config, 0.4).unwrap();
        assert!((parts.iter().sum::<f64>() - 2.8).abs() < 1e-12, "{parts:?}");
        config.design = ExperimentDesign::Slates { shares: vec![1.0, 3.0] };
        let parts = viewers(&config, 0.5).unwrap();
        assert!((parts[0] - 0.875).abs() < 1e-12 && (parts[1] - 2.625).abs() < 1e-12);
    }

    /// Two candidates of weights 3 and 1, one rank: 3/4 and 1/4. Equal ones: 1/n at every rank. One of
    /// weight 0 has no chance.
    #[test]
    fn chances_by_hand() {
        assert_eq!(expected_masses(&[3.0, 1.0], &[0.5]).unwrap().unwrap(), [0.375, 0.125]);
        let equal = expected_masses(&[2.0, 0.0, 2.0], &[1.0, 0.5, 0.25]).unwrap().unwrap();
        assert_eq!(equal, [0.75, 0.0, 0.75]);
        // Only the first rank is looked at.
        assert_eq!(expected_masses(&[3.0, 1.0], &[1.0, 0.0]).unwrap().unwrap(), [0.75, 0.25]);
        assert_eq!(expected_masses(&[], &[]).unwrap().unwrap(), [0.0; 0]);
    }
}
