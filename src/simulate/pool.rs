//! Candidates of requests: which items are alive, and which of them a request can have.

use pulp::Arch;

use super::Simulation;
use super::config::CandidatesConfig;
use super::state::State;
use super::world::Catalogue;
use crate::base::draws::{ManyDraws, Purpose, stream};
use crate::policy::{Candidates, Feature};

/// The items that are alive in a round.
pub(super) struct Live {
    /// In the order of births.
    items: Vec<u32>,
    next: usize,
    /// By item of the catalogue, its quality at its age; of meaning for items alive.
    appeal: Vec<f32>,
    /// By creator, where the items of his that are alive begin in `by_creator`; one more at the end.
    ends: Vec<u32>,
    /// Items alive, by creator, the newest first.
    by_creator: Vec<u32>,
}

impl Live {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        Self {
            items: Vec::new(),
            next: 0,
            appeal: vec![0.0; catalogue.len()],
            ends: Vec::new(),
            by_creator: Vec::new(),
        }
    }

    pub(super) fn items(&self) -> &[u32] {
        &self.items
    }

    /// Goes on to a time: what was born before it is there, what died before it is not.
    pub(super) fn advance(&mut self, catalogue: &Catalogue, time: i64) {
        let births = catalogue.births();
        while self.next < births.len() && births[self.next] <= time {
            self.items.push(self.next as u32);
            self.next += 1;
        }
        self.items.retain(|item| catalogue.deaths()[*item as usize] > time);
        for &item in &self.items {
            let item = item as usize;
            let age = (time - births[item]) as f64 / catalogue.half_lives()[item] as f64;
            self.appeal[item] = catalogue.qualities()[item] * (-age).exp2() as f32;
        }
        self.sort_by_creator(catalogue);
    }

    fn sort_by_creator(&mut self, catalogue: &Catalogue) {
        let creators = catalogue.creators();
        self.ends.clear();
        self.ends.resize(catalogue.creator_topics().len() + 1, 0);
        for &item in &self.items {
            self.ends[creators[item as usize] as usize + 1] += 1;
        }
        for creator in 1..self.ends.len() {
            self.ends[creator] += self.ends[creator - 1];
        }
        let mut next = self.ends.clone();
        self.by_creator.resize(self.items.len(), 0);
        for &item in self.items.iter().rev() {
            let place = &mut next[creators[item as usize] as usize];
            self.by_creator[*place as usize] = item;
            *place += 1;
        }
    }

    /// The items of a creator, the newest first.
    fn of_creator(&self, creator: u32) -> &[u32] {
        let at = creator as usize;
        &self.by_creator[self.ends[at] as usize..self.ends[at + 1] as usize]
    }

    /// How much a viewer of these interests and leaning likes an item.
    #[inline]
    pub(super) fn affinity(
        &self,
        simulation: &Simulation,
        item: u32,
        interests: &[f32],
        leaning: f32,
    ) -> f32 {
        let item = item as usize;
        let catalogue = &simulation.catalogue;
        let distance = leaning - catalogue.leanings()[item];
        let far = 1.0 + simulation.leaning_distance * distance * distance;
        interests[catalogue.topics()[item] as usize] * self.appeal[item] / far
    }
}

/// Makes candidates of requests, one after the other, in the same memory.
pub(super) struct CandidateSets {
    pub(super) candidates: Candidates,
    arch: Arch,
    /// By item, the mark under which it was last taken.
    marks: Vec<u32>,
    mark: u32,
    newest: Vec<u32>,
}

impl CandidateSets {
    pub(super) fn new(items: usize) -> Self {
        Self {
            candidates: Candidates::default(),
            arch: Arch::new(),
            marks: vec![0; items],
            mark: 0,
            newest: Vec::new(),
        }
    }

    /// Chooses the candidates of a viewer's request, which the policy of this arm answers.
    pub(super) fn fill(
        &mut self,
        simulation: &Simulation,
        live: &Live,
        state: &State,
        number: u32,
        arm: usize,
    ) {
        self.candidates.clear();
        if self.mark == u32::MAX {
            self.marks.fill(0);
            self.mark = 0;
        }
        self.mark += 1;
        for &item in &state.remembered {
            self.marks[item as usize] = self.mark;
        }
        let stream = stream(simulation.config.seed, Purpose::Pool, state.viewer(), number);
        let mut draws = ManyDraws::new(self.arch, stream);
        let config = &simulation.config;
        match config.candidates_of(&config.arms[arm]) {
            CandidatesConfig::Everything => self.take_all(live),
            CandidatesConfig::Sample { size } => self.sample(live, state, size, &mut draws),
            CandidatesConfig::Inventory { size } => self.take_inventory(live, state, size),
            CandidatesConfig::Mixed { inventory, sample } => {
                self.take_inventory(live, state, inventory);
                self.sample(live, state, sample, &mut draws);
            }
        }
    }

    /// Takes an item that was not taken before.
    fn take(&mut self, item: u32) -> bool {
        let mark = &mut self.marks[item as usize];
        let new = *mark != self.mark;
        if new {
            *mark = self.mark;
            self.candidates.items.push(item);
        }
        new
    }

    fn take_all(&mut self, live: &Live) {
        for &item in live.items() {
            self.take(item);
        }
    }

    fn take_inventory(&mut self, live: &Live, state: &State, size: u32) {
        let mut newest = std::mem::take(&mut self.newest);
        newest.clear();
        for &creator in &state.follows {
            newest.extend(live.of_creator(creator).iter().take(size as usize));
        }
        // Items are numbered in the order of their births.
        newest.sort_unstable_by(|a, b| b.cmp(a));
        for &item in &newest {
            if self.candidates.len() == size as usize {
                break;
            }
            self.take(item);
        }
        self.newest = newest;
    }

    /// So many more of what is alive and was not taken, all sets alike.
    fn sample(&mut self, live: &Live, state: &State, size: u32, draws: &mut ManyDraws) {
        let alive = live.items();
        let taken = self.candidates.len() + state.remembered.len();
        // Where few are left, most draws would meet what was taken.
        if alive.len() < 2 * (taken + size as usize) {
            self.newest.clear();
            let left = alive.iter().filter(|item| self.marks[**item as usize] != self.mark);
            self.newest.extend(left);
            for at in 0..(size as usize).min(self.newest.len()) {
                let other = at + draws.below((self.newest.len() - at) as u32) as usize;
                self.newest.swap(at, other);
                let item = self.newest[at];
                self.take(item);
            }
            return;
        }
        let mut left = size;
        while left > 0 {
            let item = alive[draws.below(alive.len() as u32) as usize];
            left -= u32::from(self.take(item));
        }
    }

    /// Adds what a policy needs to know, but for affinities.
    pub(super) fn know(&mut self, simulation: &Simulation, features: &[Feature]) {
        let catalogue = &simulation.catalogue;
        let candidates = &mut self.candidates;
        let items = candidates.items.iter().map(|item| *item as usize);
        for feature in features {
            match feature {
                Feature::Topics if candidates.topics.is_empty() => {
                    candidates.topics.extend(items.clone().map(|item| catalogue.topics()[item]));
                }
                Feature::Creators if candidates.creators.is_empty() => {
                    candidates
                        .creators
                        .extend(items.clone().map(|item| catalogue.creators()[item]));
                }
                Feature::Births if candidates.births.is_empty() => {
                    candidates.births.extend(items.clone().map(|item| catalogue.births()[item]));
                }
                Feature::Leanings if candidates.leanings.is_empty() => {
                    candidates
                        .leanings
                        .extend(items.clone().map(|item| catalogue.leanings()[item]));
                }
                Feature::Qualities if candidates.qualities.is_empty() => {
                    let qualities = items.clone().map(|item| catalogue.qualities()[item]);
                    candidates.qualities.extend(qualities);
                }
                _ => {}
            }
        }
    }

    /// Adds the viewer's affinities.
    pub(super) fn like(
        &mut self,
        simulation: &Simulation,
        live: &Live,
        interests: &[f32],
        leaning: f32,
    ) {
        let Candidates { items, affinities, .. } = &mut self.candidates;
        let affinity = |item: &u32| live.affinity(simulation, *item, interests, leaning);
        affinities.extend(items.iter().map(affinity));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Role;
    use crate::simulate::{ArmConfig, Preset, SimulationConfig};

    /// An arm's own candidates are its own: its slates are of followed creators alone, those of the
    /// other arm of anybody, and without candidates of its own an arm has the simulation's.
    #[test]
    fn arms_choose_from_their_own() {
        let mut config = SimulationConfig::preset(Preset::Everyday);
        (config.world.viewers, config.days) = (100, 2);
        config.arms = vec![
            ArmConfig::new("anything", Default::default()),
            ArmConfig::new("followed", Default::default())
                .choosing_from(CandidatesConfig::Inventory { size: 50 }),
        ];
        let simulation = Simulation::new(&config).unwrap();
        let log = simulation.log().unwrap();
        let (arms, viewers) = (log.arms().unwrap(), log.ids(Role::Viewer).unwrap());
        let creators = log.column("creator").unwrap();
        let followed = |row: usize| {
            let viewer = viewers.id(row).unwrap().parse().unwrap();
            let creator: u32 = creators.id(row).unwrap().parse().unwrap();
            simulation.viewers.follows(viewer).contains(&creator)
        };
        let rows = |arm| (0..log.rows()).filter(move |row| arms.id(*row) == Some(arm));
        assert!(rows("followed").count() > 500 && rows("followed").all(followed));
        // A viewer follows ten of 200 creators.
        let strangers = rows("anything").filter(|row| !followed(*row)).count();
        assert!(strangers * 2 > rows("anything").count());

        let same = CandidatesConfig::Inventory { size: 50 };
        let arms = |own| {
            let arm = ArmConfig { candidates: own, ..config.arms[0].clone() };
            let config = SimulationConfig { arms: vec![arm], ..config.clone() };
            Simulation::new(&SimulationConfig { candidates: same, ..config })
                .unwrap()
                .log()
                .unwrap()
        };
        assert_eq!(arms(None), arms(Some(same)));

        config.arms[1].candidates = Some(CandidatesConfig::Sample { size: 0 });
        assert!(config.check().is_err());
    }
}
