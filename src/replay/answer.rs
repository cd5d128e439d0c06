//! Requests answered by a policy, in the order of their time. It knows nothing of sources or tallies.

use std::cmp::Reverse;

use rayon::prelude::*;

use super::account::ReplayAccount;
use super::columns::{Features, Place, RequestNumbers};
use super::numbering::{Numbering, Numbers};
use super::pools::CandidateSets;
use super::requests::Requests;
use super::spec::{Feedback, ReplaySpec, Round};
use crate::error::Error;
use crate::log::{ClusterKey, Coded, ExposureLog, Role};
use crate::policy::{Candidates, Policy, Request};
use crate::policy::{Chooser, Feature, Learning, Propensities, Selection, Shown};

/// Who needs what, for messages.
pub(super) const REPLAY: &str = "a replay";

/// Requests whose candidates are held as columns at a time.
const TOGETHER: usize = 512;

/// Requests that a thread takes at a time.
const CHUNK: usize = 16;

/// A policy that answers, what it knows things by, and what it has still to learn.
#[derive(Debug)]
pub(super) struct Answering<'p> {
    spec: ReplaySpec,
    policy: &'p mut dyn Policy,
    needs: Vec<Feature>,
    numbering: Numbering,
    round: Option<i64>,
    met: i64,
    lessons: Vec<Shown>,
}

/// What became of a request: where its rows end in what was answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Answered {
    pub(super) time: i64,
    pub(super) account: ReplayAccount,
    /// In the logged rows.
    pub(super) logged_end: usize,
    /// In the replayed ones.
    pub(super) shown_end: usize,
}

/// The rows of answered requests, in their order.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Rows of the log.
    pub(super) logged: Vec<u32>,
    /// Rows of the log whose places are filled.
    pub(super) places: Vec<u32>,
    /// Rows of the table that fill them.
    pub(super) shown: Vec<u32>,
    pub(super) propensities: Vec<f64>,
    pub(super) requests: Vec<Answered>,
}

/// A request before it is answered.
struct Asked<'l> {
    time: i64,
    rows: &'l [u32],
    /// Rows of the table, in the order in which policies see them.
    candidates: Vec<u32>,
    viewer: u32,
    stratum: u16,
    number: u32,
}

/// A slate.
#[derive(Default)]
struct Chosen {
    /// Rows of the table, by rank.
    shown: Vec<u32>,
    propensities: Vec<f64>,
    /// By place, the row of the table that was logged there, where it is a candidate.
    logged: Vec<Option<u32>>,
}

/// A log and a table as requests are answered from them.
struct ReplayTables<'a> {
    log: &'a ExposureLog,
    table: &'a ExposureLog,
    items: &'a Coded,
    features: Features<'a>,
    told: RequestNumbers<'a>,
    engagements: Option<&'a [f64]>,
    numbers: Numbers,
    /// By code of an item of the table, its place in the order of ids.
    rank_of_item: Vec<u32>,
    /// By code of an item of the log, its code in the table.
    code_of_logged: Vec<Option<u32>>,
}

impl<'p> Answering<'p> {
    pub(super) fn new(spec: &ReplaySpec, policy: &'p mut dyn Policy) -> Result<Self, Error> {
        spec.check()?;
        policy.selection().check()?;
        Ok(Self {
            needs: policy.needs(),
            numbering: Numbering::new(spec.topic_sets.as_ref(), &spec.creators, &spec.strata)?,
            round: None,
            met: 0,
            lessons: Vec::new(),
            spec: spec.clone(),
            policy,
        })
    }

    pub(super) const fn spec(&self) -> &ReplaySpec {
        &self.spec
    }

    /// Whether a table of candidates has what the policy needs, in every row.
    ///
    /// # Errors
    /// [`Error::Candidates`] for what is missing; those of [`Features::of`].
    pub(super) fn check_table(&self, place: &Place<'_>) -> Result<(), Error> {
        let features = Features::of(place, &self.spec.candidates)?;
        features.require(place.table, &self.needs, &self.policy.name())
    }

    /// Whether the numbers of a log can be read.
    pub(super) fn check_log(&self, place: &Place<'_>) -> Result<(), Error> {
        RequestNumbers::of(place, &self.spec.requests).map(drop)
    }

    fn learns(&self) -> bool {
        self.policy.learning() == Learning::EveryRound && self.spec.feedback != Feedback::None
    }

    /// Whether the policy's propensities are known.
    pub(super) fn knows_propensities(&self) -> bool {
        self.policy.propensities() == Propensities::Known
    }

    /// Learns what is left to learn, after the last request.
    pub(super) fn finish(&mut self) {
        if self.learns() {
            // Policies learn in the order of viewers and of their time.
            self.lessons.sort_by_key(|shown| shown.viewer);
            self.policy.learn(&self.lessons);
        }
        self.lessons.clear();
    }

    /// Answers the requests of a log, which all come after those answered before.
    pub(super) fn answer(
        &mut self,
        log: &ExposureLog,
        pools: &CandidateSets,
    ) -> Result<Answers, Error> {
        log.refuse_counts("a replay")?;
        let requests = Requests::of(log, &self.spec.arm, REPLAY)?;
        log.require_times(REPLAY)?;
        let slates = log.require_ids(Role::Slate, REPLAY)?;
        let mut order: Vec<(i64, &str, &[u32])> = requests
            .iter()
            .map(|rows| {
                let slate = slates.id(rows[0] as usize).unwrap_or_default();
                (requests.time(rows).unwrap_or_default(), slate, rows)
            })
            .collect();
        order.par_sort_unstable();
        let mut desk = ReplayTables::of(log, pools, self)?;
        let keys = pools.keys_of(log)?;
        let mut answers = Answers::default();
        let mut left = &order[..];
        while let Some(first) = left.first() {
            let round = self.round_of(first.0, self.met);
            self.begin(round);
            let alike = (0..left.len().min(TOGETHER))
                .take_while(|at| self.round_of(left[*at].0, self.met + *at as i64) == round)
                .count();
            let (now, later) = left.split_at(alike);
            self.met += alike as i64;
            left = later;
            let mut asked: Vec<Asked<'_>> = now
                .par_iter()
                .map(|&(time, slate, rows)| {
                    let key = keys.and_then(|keys| keys.id(rows[0] as usize));
                    let candidates = desk.in_order(pools.of_request(key, Some(time)));
                    let number = ClusterKey::of(slate).get() as u32;
                    Asked { time, rows, candidates, viewer: 0, stratum: 0, number }
                })
                .collect();
            // As if those without candidates had not been made, which is how sources may have it.
            for asked in asked.iter_mut().filter(|asked| !asked.candidates.is_empty()) {
                self.meet(&mut desk, asked)?;
            }
            let chosen: Result<Vec<Chosen>, Error> = asked
                .par_chunks(CHUNK)
                .map(|asked| desk.choose(&*self.policy, &self.needs, self.spec.seed, asked))
                .collect::<Result<Vec<_>, _>>()
                .map(|parts| parts.into_iter().flatten().collect());
            for (asked, chosen) in asked.iter().zip(chosen?) {
                self.take(&desk, asked, &chosen, &mut answers);
            }
        }
        Ok(answers)
    }

    /// A request of which no candidate is known, as the next in the order of time.
    pub(super) fn leave(&mut self, time: i64) -> Answered {
        let round = self.round_of(time, self.met);
        self.begin(round);
        self.met += 1;
        let account =
            ReplayAccount { requests: 1, without_candidates: 1, ..ReplayAccount::default() };
        Answered { time, account, logged_end: 0, shown_end: 0 }
    }

    /// Learns what is left of the round before, where a round is another.
    fn begin(&mut self, round: i64) {
        if self.round.is_some_and(|before| before != round) {
            self.finish();
        }
        self.round = Some(round);
    }

    fn round_of(&self, time: i64, met: i64) -> i64 {
        match (self.learns(), self.spec.round) {
            (false, _) => 0,
            (true, Round::Every(length)) => time.div_euclid(length),
            (true, Round::Requests(number)) => met / i64::from(number),
        }
    }

    /// Gives numbers to what a request is the first to have.
    fn meet(&mut self, desk: &mut ReplayTables<'_>, asked: &mut Asked<'_>) -> Result<(), Error> {
        let id = |role| desk.log.ids(role).and_then(|ids| ids.id(asked.rows[0] as usize));
        if let Some(viewer) = id(Role::Viewer) {
            asked.viewer = self.numbering.viewers.intern(viewer)?;
        }
        if let Some(stratum) = id(Role::Stratum) {
            asked.stratum = self.numbering.stratum(stratum)?;
        }
        let columns = (desk.table, desk.items, desk.features.creators);
        desk.numbers.meet(&mut self.numbering, columns, &asked.candidates)
    }

    /// Puts an answer down, and what there is to learn of it.
    fn take(
        &mut self,
        desk: &ReplayTables<'_>,
        asked: &Asked<'_>,
        chosen: &Chosen,
        to: &mut Answers,
    ) {
        let mut account = ReplayAccount { requests: 1, ..ReplayAccount::default() };
        if asked.candidates.is_empty() {
            account.without_candidates = 1;
        } else if chosen.shown.is_empty() {
            account.without_wanted = 1;
        } else {
            self.count(desk, asked, chosen, &mut account);
            to.logged.extend(asked.rows);
            to.places.extend(&asked.rows[..chosen.shown.len()]);
            to.shown.extend(&chosen.shown);
            to.propensities.extend(&chosen.propensities);
        }
        let (logged_end, shown_end) = (to.logged.len(), to.shown.len());
        to.requests.push(Answered { time: asked.time, account, logged_end, shown_end });
    }

    fn count(
        &mut self,
        desk: &ReplayTables<'_>,
        asked: &Asked<'_>,
        chosen: &Chosen,
        account: &mut ReplayAccount,
    ) {
        let learns = self.learns();
        account.places = asked.rows.len() as u64;
        account.short = u64::from(chosen.shown.len() < asked.rows.len());
        account.matched_engagement = desk.engagements.map(|_| 0.0);
        for (place, &row) in asked.rows.iter().enumerate() {
            let Some(logged) = chosen.logged[place] else {
                account.shown_outside += 1;
                continue;
            };
            let matches = chosen.shown.get(place) == Some(&logged);
            let engagement = desk.engagements.map(|values| values[row as usize]);
            if matches {
                account.matches += 1;
                if let (Some(sum), Some(more)) = (&mut account.matched_engagement, engagement) {
                    *sum += more;
                }
            }
            if learns && (matches || self.spec.feedback == Feedback::FromLogged) {
                let clicked = u8::from(engagement.is_some_and(|engagement| engagement > 0.0));
                self.lessons.push(Shown { clicked, ..desk.lesson(asked, row, logged) });
            }
        }
    }
}

/// The row of a table by counting.
fn counted(row: usize) -> u64 {
    row as u64 + 1
}

impl<'a> ReplayTables<'a> {
    fn of(
        log: &'a ExposureLog,
        pools: &'a CandidateSets,
        answering: &Answering<'_>,
    ) -> Result<Self, Error> {
        let table = pools.candidates();
        let spec = &answering.spec;
        let items = table.require_ids(Role::Item, REPLAY)?;
        let logged = log.require_ids(Role::Item, REPLAY)?;
        let features = Features::of(&Place { table, source_row: &counted }, &spec.candidates)?;
        features.require(table, &answering.needs, &answering.policy.name())?;
        let told = RequestNumbers::of(&Place { table: log, source_row: &counted }, &spec.requests)?;
        if log.topics().is_some() && table.topics().is_none() {
            let detail = format!("{}: no topics, which the log has", table.origin().source);
            return Err(Error::Candidates { detail });
        }
        let engagements = log.numbers(Role::Engagement);
        if answering.learns() && engagements.is_none() {
            let needed_by = "a learning policy (its feedback)".to_owned();
            return Err(Error::MissingRole { role: Role::Engagement, needed_by });
        }
        let ids = items.dictionary();
        let mut by_id: Vec<u32> = (0..ids.len() as u32).collect();
        by_id.par_sort_unstable_by_key(|code| ids.id(*code).unwrap_or_default());
        let mut rank_of_item = vec![0; ids.len()];
        by_id.iter().zip(0..).for_each(|(code, rank)| rank_of_item[*code as usize] = rank);
        Ok(Self {
            numbers: Numbers::of(items, features.creators, table.topics()),
            code_of_logged: logged.dictionary().iter().map(|id| ids.code(id)).collect(),
            log,
            table,
            items,
            features,
            told,
            engagements,
            rank_of_item,
        })
    }

    fn code(&self, row: u32) -> u32 {
        self.items.codes()[row as usize]
    }

    /// Candidates as policies see them: the newest first, and of one time (or where times are not known)
    /// in the order of their ids.
    fn in_order(&self, rows: &[u32]) -> Vec<u32> {
        let mut rows = rows.to_vec();
        let birth = |row: u32| self.features.births.map_or(0, |births| births[row as usize]);
        rows.sort_unstable_by_key(|&row| {
            (Reverse(birth(row)), self.rank_of_item[self.code(row) as usize])
        });
        rows
    }

    fn choose(
        &self,
        policy: &dyn Policy,
        needs: &[Feature],
        seed: u64,
        asked: &[Asked<'_>],
    ) -> Result<Vec<Chosen>, Error> {
        let (mut chooser, mut candidates) = (Chooser::default(), Candidates::default());
        let mut needs = needs.to_vec();
        if matches!(policy.selection(), Selection::Diversified { .. }) {
            needs.extend([Feature::Topics, Feature::Creators]);
        }
        needs.sort_unstable();
        needs.dedup();
        let mut choose = |asked: &Asked<'_>| {
            if asked.candidates.is_empty() {
                return Ok(Chosen::default());
            }
            self.fill(&mut candidates, &needs, &asked.candidates);
            let request = Request {
                candidates: &candidates,
                viewer: asked.viewer,
                stratum: asked.stratum,
                leaning: self.told.leanings.at(asked.rows[0] as usize),
                time: asked.time,
                seed,
                number: asked.number,
            };
            chooser.choose(policy, &request, asked.rows.len())?;
            let shown = chooser.places.iter().map(|place| asked.candidates[*place as usize]);
            Ok(Chosen {
                shown: shown.collect(),
                propensities: chooser.propensities.clone(),
                logged: self.find_logged(asked),
            })
        };
        asked.iter().map(&mut choose).collect()
    }

    fn fill(&self, to: &mut Candidates, needs: &[Feature], rows: &[u32]) {
        to.clear();
        let at = rows.iter().map(|row| *row as usize);
        to.items.extend(rows.iter().map(|row| self.numbers.item(self.code(*row))));
        let Features { births, creators, leanings, qualities, affinities } = &self.features;
        for need in needs {
            match need {
                Feature::Topics => to.topics.extend(at.clone().filter_map(|row| self.set(row))),
                Feature::Creators => {
                    let creators = creators.iter().flat_map(|creators| {
                        at.clone().map(|row| self.numbers.creator(creators.codes()[row]))
                    });
                    to.creators.extend(creators);
                }
                Feature::Births => {
                    to.births.extend(births.iter().flat_map(|its| at.clone().map(|row| its[row])));
                }
                Feature::Leanings => to
                    .leanings
                    .extend(leanings.iter().flat_map(|its| at.clone().map(|row| its.at(row)))),
                Feature::Qualities => to
                    .qualities
                    .extend(qualities.iter().flat_map(|its| at.clone().map(|row| its.at(row)))),
                Feature::Affinities => to
                    .affinities
                    .extend(affinities.iter().flat_map(|its| at.clone().map(|row| its.at(row)))),
            }
        }
    }

    fn set(&self, row: usize) -> Option<u32> {
        Some(self.numbers.set(self.table.topics()?.set_of_row()[row]))
    }

    /// By place, the candidate that was logged there.
    fn find_logged(&self, asked: &Asked<'_>) -> Vec<Option<u32>> {
        let logged = self.log.ids(Role::Item).map_or(&[][..], Coded::codes);
        let code = |row: &u32| self.code_of_logged[logged[*row as usize] as usize];
        let mut wanted: Vec<u32> = asked.rows.iter().filter_map(code).collect();
        wanted.sort_unstable();
        let is_wanted = |row: &&u32| wanted.binary_search(&self.code(**row)).is_ok();
        let found: Vec<u32> = asked.candidates.iter().filter(is_wanted).copied().collect();
        let place = |row: &u32| {
            let code = code(row)?;
            found.iter().find(|row| self.code(**row) == code).copied()
        };
        asked.rows.iter().map(place).collect()
    }

    /// What is shown by a row of the log, as a policy learns of it; not yet whether it was clicked.
    fn lesson(&self, asked: &Asked<'_>, row: u32, candidate: u32) -> Shown {
        let (row, at) = (row as usize, candidate as usize);
        let Features { births, creators, leanings, .. } = &self.features;
        Shown {
            viewer: asked.viewer,
            stratum: asked.stratum,
            viewer_leaning: self.told.leanings.at(asked.rows[0] as usize),
            topics: self.set(at).unwrap_or(0),
            creator: creators.map_or(0, |its| self.numbers.creator(its.codes()[at])),
            leaning: leanings.as_ref().map_or(0.0, |its| its.at(at)),
            age: births.map_or(0, |births| asked.time.saturating_sub(births[at])),
            position: self.log.positions().map_or(1, |positions| positions[row]),
            dwell: self.told.dwells.at(row),
            ..Shown::of(self.numbers.item(self.code(candidate)))
        }
    }
}
