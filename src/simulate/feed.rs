//! The feed at work: round by round viewers ask for slates, policies fill them, viewers respond, and
//! policies learn. All randomness is by counter, so rounds may be worked on by any number of threads.

use std::sync::{Mutex, PoisonError};

use rand_distr::{Distribution, LogNormal, Poisson};
use rayon::prelude::*;

use super::Simulation;
use super::config::ResponseConfig;
use super::design::Recorded;
use super::offered::Offered;
use super::pool::{CandidateSets, Live};
use super::response::{GLANCE, MOST_REQUESTS, Response};
use super::rows::Rows;
use super::state::State;
use super::world::DAY;
use crate::base::draws::{Draws, Purpose};
use crate::error::Error;
use crate::policy::{Candidates, Chooser, Feature, Learning, Policy, Request, Shown};

/// Viewers that a thread takes at a time.
const CHUNK: usize = 64;

/// A simulation under way.
pub(super) struct Feed<'s> {
    simulation: &'s Simulation,
    policies: Vec<Box<dyn Policy>>,
    needs: Vec<Vec<Feature>>,
    states: Vec<State>,
    live: Live,
    examination: Vec<f64>,
    dwell: LogNormal<f64>,
    hands: SpareHands,
    round: u32,
    /// By item, clicks so far, where candidates are wanted as well.
    clicks: Option<Vec<u32>>,
}

impl<'s> Feed<'s> {
    pub(super) fn new(simulation: &'s Simulation) -> Result<Self, Error> {
        let policies = simulation.build_policies()?;
        let needs = policies.iter().map(|policy| policy.needs()).collect();
        let responses = &simulation.config.responses;
        let viewers = &simulation.viewers;
        let states = (0..viewers.len()).map(|viewer| State {
            viewer: viewer as u32,
            interests: viewers.interests(viewer).to_vec(),
            follows: viewers.follows(viewer).to_vec(),
            remembered: std::collections::VecDeque::new(),
            shown_today: vec![0.0; simulation.config.world.topics.len()],
        });
        Ok(Self {
            needs,
            states: states.collect(),
            live: Live::new(&simulation.catalogue),
            examination: responses.probabilities(simulation.config.slate)?,
            dwell: LogNormal::new(responses.dwell_seconds.ln(), responses.dwell_spread)
                .expect("the deviation was checked"),
            simulation,
            policies,
            hands: SpareHands::default(),
            round: 0,
            clicks: None,
        })
    }

    /// The same, which tells of candidates as well.
    pub(super) fn offering(mut self) -> Self {
        self.clicks = Some(vec![0; self.simulation.catalogue.len()]);
        self
    }

    /// What the next round shows, in the order of viewers; `None` after the last.
    ///
    /// # Errors
    /// [`Error::PolicyWeight`].
    pub(super) fn next_round(&mut self) -> Result<Option<Rows>, Error> {
        Ok(self.next_of_both()?.map(|(rows, _)| rows))
    }

    /// The same with the candidates, where they are wanted.
    pub(super) fn next_of_both(&mut self) -> Result<Option<(Rows, Offered)>, Error> {
        let config = &self.simulation.config;
        if self.round >= config.days * config.rounds_per_day {
            return Ok(None);
        }
        let round = self.simulation.round(self.round);
        self.live.advance(&self.simulation.catalogue, round.start);
        let mut states = std::mem::take(&mut self.states);
        let parts: Result<Vec<(Rows, Offered)>, Error> = states
            .par_chunks_mut(CHUNK)
            .map(|states| {
                let mut hands = self.hands.take().unwrap_or_else(|| Hands::new(self));
                let served = hands.serve(self, &round, states);
                self.hands.put(hands);
                served
            })
            .collect();
        if round.last_of_day {
            states.par_iter_mut().for_each(|state| state.drift(config.responses.drift));
        }
        self.states = states;
        let (rows, offered): (Vec<Rows>, Vec<Offered>) = parts?.into_iter().unzip();
        let (rows, offered) = (Rows::joined(rows), Offered::joined(offered));
        self.learn(&rows);
        self.round += 1;
        Ok(Some(match self.simulation.plan.recorded() {
            Recorded::Everything => (rows, offered),
            Recorded::Rounds(rounds) if rounds[round.number as usize] => (rows, offered),
            Recorded::Rounds(_) => (Rows::default(), Offered::default()),
            Recorded::Viewers(viewers) => (rows.of(viewers), offered.of(viewers)),
        }))
    }

    fn learn(&mut self, rows: &Rows) {
        if let Some(clicks) = &mut self.clicks {
            let clicked = rows.items.iter().zip(&rows.clicked).filter(|(_, clicked)| **clicked);
            clicked.for_each(|(item, _)| clicks[*item as usize] += 1);
        }
        for (place, policy) in self.policies.iter_mut().enumerate() {
            if policy.learning() == Learning::EveryRound {
                policy.learn(&rows.shown(place, self.simulation));
            }
        }
    }
}

impl Simulation {
    /// A round by its number.
    pub(super) fn round(&self, number: u32) -> Round {
        let config = &self.config;
        let (day, within) = (number / config.rounds_per_day, number % config.rounds_per_day);
        let length = DAY / i64::from(config.rounds_per_day);
        let start = self.start + i64::from(day) * DAY + i64::from(within) * length;
        Round { number, start, length, last_of_day: within + 1 == config.rounds_per_day }
    }

    /// How many slates a viewer asks for in a round.
    fn requests(&self, viewer: u32, draws: &mut Draws) -> u32 {
        let a_day = self.viewers.activities()[viewer as usize];
        let expected = f64::from(a_day) / f64::from(self.config.rounds_per_day);
        let requests = Poisson::new(expected).map_or(0.0, |n| n.sample(draws));
        (requests as u32).min(MOST_REQUESTS)
    }
}

/// A part of a day.
pub(super) struct Round {
    number: u32,
    pub(super) start: i64,
    length: i64,
    last_of_day: bool,
}

/// What a thread works with.
struct Hands {
    pools: CandidateSets,
    chooser: Chooser,
    /// By set of topics, the viewer's interest.
    interests: Vec<f32>,
    /// How many rows there were the last time, which is room enough for most.
    rows: usize,
}

/// Hands that nobody works with at the moment: a mark for every item is too much to be made anew for
/// some viewers.
#[derive(Default)]
struct SpareHands(Mutex<Vec<Hands>>);

impl SpareHands {
    fn take(&self) -> Option<Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put(&self, hands: Hands) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(hands);
    }
}

impl Hands {
    fn new(feed: &Feed<'_>) -> Self {
        Self {
            pools: CandidateSets::new(feed.simulation.catalogue.len()),
            chooser: Chooser::default(),
            interests: vec![0.0; feed.simulation.catalogue.topic_sets().len()],
            rows: 0,
        }
    }

    fn serve(
        &mut self,
        feed: &Feed<'_>,
        round: &Round,
        states: &mut [State],
    ) -> Result<(Rows, Offered), Error> {
        let mut rows = Rows::with_capacity(self.rows);
        let mut offered = Offered::default();
        let config = &feed.simulation.config;
        for state in states {
            let mut activity =
                Draws::new(config.seed, Purpose::Activity, state.viewer, round.number);
            let requests = match feed.simulation.plan.script(state.viewer) {
                Some(script) => script.requests(round.number),
                None => feed.simulation.requests(state.viewer, &mut activity),
            };
            if requests == 0 {
                continue;
            }
            self.weigh_topics(feed, state);
            for at in 0..requests {
                let part = (f64::from(at) + activity.uniform()) / f64::from(requests);
                let time = round.start + (part * round.length as f64) as i64;
                let number = round.number * MOST_REQUESTS + at;
                self.answer(feed, state, time, number, &mut rows)?;
                if let Some(clicks) = &feed.clicks {
                    let Candidates { items, affinities, .. } = &self.pools.candidates;
                    offered.push((state.viewer, number), items, affinities, clicks);
                }
            }
        }
        self.rows = rows.len();
        Ok((rows, offered))
    }

    /// The viewer's interest in every set of topics: the mean over its topics.
    fn weigh_topics(&mut self, feed: &Feed<'_>, state: &State) {
        let sets = feed.simulation.catalogue.topic_sets();
        for (set, interest) in (0..).zip(&mut self.interests) {
            let topics = sets.of(set);
            let sum: f32 = topics.iter().map(|topic| state.interests[usize::from(*topic)]).sum();
            *interest = sum / topics.len() as f32;
        }
    }

    /// One slate, and what comes of it.
    fn answer(
        &mut self,
        feed: &Feed<'_>,
        state: &mut State,
        time: i64,
        number: u32,
        rows: &mut Rows,
    ) -> Result<(), Error> {
        let simulation = feed.simulation;
        let config = &simulation.config;
        let arm = simulation.plan.arm(config.seed, state.viewer, number);
        let place = simulation.plan.policy(arm);
        let leaning = simulation.viewers.leanings()[state.viewer as usize];
        self.pools.fill(simulation, &feed.live, state, number, place);
        self.pools.know(simulation, &feed.needs[place]);
        if feed.clicks.is_some() || feed.needs[place].contains(&Feature::Affinities) {
            self.pools.like(simulation, &feed.live, &self.interests, leaning);
        }
        let request = Request {
            candidates: &self.pools.candidates,
            viewer: state.viewer,
            stratum: simulation.viewers.strata()[state.viewer as usize],
            leaning,
            time,
            seed: config.seed,
            number,
        };
        let policy = &*feed.policies[place];
        self.chooser.choose(policy, &request, config.slate as usize)?;
        let mut responses = Draws::new(config.seed, Purpose::Response, state.viewer, number);
        let script = simulation.plan.script(state.viewer);
        let places = self.chooser.places.iter().zip(&self.chooser.propensities);
        for ((&place, &propensity), rank) in places.zip(1_u32..) {
            let item = self.pools.candidates.items[place as usize];
            let set = simulation.catalogue.topics()[item as usize];
            let scripted = script.and_then(|script| script.respond(set, &mut responses));
            let response = scripted.unwrap_or_else(|| {
                let affinity = feed.live.affinity(simulation, item, &self.interests, leaning);
                let examined = feed.examination[rank as usize - 1];
                respond(&config.responses, feed, examined, affinity, &mut responses)
            });
            rows.push(state.viewer, number, arm, item, rank, time, propensity, response);
            state.notice(simulation, item, response, &mut responses);
        }
        Ok(())
    }
}

fn respond(
    config: &ResponseConfig,
    feed: &Feed<'_>,
    examined: f64,
    affinity: f32,
    draws: &mut Draws,
) -> Response {
    if !draws.happens(examined) {
        return Response { clicked: false, dwell: 0.0 };
    }
    let odds = config.click_odds * f64::from(affinity);
    let clicked = draws.happens(odds / (1.0 + odds));
    let part = if clicked { 1.0 } else { GLANCE };
    Response { clicked, dwell: (part * feed.dwell.sample(draws)) as f32 }
}

/// Rows of a policy as it learns from them.
impl Rows {
    fn shown(&self, policy: usize, simulation: &Simulation) -> Vec<Shown> {
        let Simulation { catalogue, viewers, plan, .. } = simulation;
        (0..self.len())
            .filter(|row| plan.policy(self.arms[*row]) == policy)
            .map(|row| {
                let (viewer, item) = (self.viewers[row], self.items[row] as usize);
                Shown {
                    viewer,
                    stratum: viewers.strata()[viewer as usize],
                    viewer_leaning: viewers.leanings()[viewer as usize],
                    item: self.items[row],
                    topics: catalogue.topics()[item],
                    creator: catalogue.creators()[item],
                    leaning: catalogue.leanings()[item],
                    age: self.times[row] - catalogue.births()[item],
                    position: self.positions[row].into(),
                    clicked: self.clicked[row].into(),
                    dwell: self.dwells[row],
                }
            })
            .collect()
    }
}
