//! Policies that learn while they are replayed: what they are told when, and that matches of a uniformly
//! random log are worth as much as a trial of their own.

use std::collections::BTreeMap;

use tiltmeter::Error;
use tiltmeter::ExposureLog;
use tiltmeter::log::{LogSchema, Role, TimeFormat, TopicColumn};
use tiltmeter::policy::{
    Affinity, Feature, Learning, Policy, PolicyConfig, Popularity, PopularityPolicy, Ranker,
    Selection, Shown, slate,
};
use tiltmeter::policy::{Candidates, Request};
use tiltmeter::replay::{Feedback, NumberColumn, Replay, ReplaySpec, Round};
use tiltmeter::simulate::{CandidatesConfig, Simulation};
use tiltmeter::source::SliceSource;

use super::{both, config, log_of, log_schema, pools_of, replay, spec_for};

use crate::shared::random::numbers;

/// Shows the least item by number, and keeps what it is told.
#[derive(Debug, Default)]
struct Pupil {
    lessons: Vec<Vec<Shown>>,
    needs: Vec<Feature>,
}

impl Policy for Pupil {
    fn name(&self) -> String {
        "pupil".to_owned()
    }

    fn needs(&self) -> Vec<Feature> {
        self.needs.clone()
    }

    fn weigh(&self, request: &Request<'_>, weights: &mut [f64]) {
        for (weight, &item) in weights.iter_mut().zip(&request.candidates.items) {
            *weight = 1.0 / f64::from(1 + item);
        }
    }

    fn selection(&self) -> Selection {
        Selection::Top
    }

    fn learning(&self) -> Learning {
        Learning::EveryRound
    }

    fn learn(&mut self, shown: &[Shown]) {
        self.lessons.push(shown.to_vec());
    }
}

/// In the order of time r2, r1, r3, r4.
const ROWS: [super::Row; 5] = [
    ("ada", "r1", "a", 1, 100, "war", 0.0),
    ("ada", "r1", "b", 2, 100, "war", 1.0),
    ("bo", "r2", "c", 1, 90, "sport", 2.0),
    ("bo", "r3", "d", 1, 300, "war", 0.0),
    ("ada", "r4", "c", 1, 400, "war", 1.0),
];

/// Of r2 the newest is c, so it has number 0, and a has 1.
const TABLE: [super::Candidate; 8] = [
    ("r1", "a", 10, "war", "1"),
    ("r1", "b", 20, "sport", "2"),
    ("r1", "f", 30, "sport", "3"),
    ("r2", "a", 10, "war", "4"),
    ("r2", "c", 20, "sport", "5"),
    ("r3", "f", 10, "war", "6"),
    ("r4", "a", 10, "war", "7"),
    ("r4", "c", 20, "war", "8"),
];

fn lessons(feedback: Feedback, round: Round) -> Vec<Vec<(u32, u32, u32, u8)>> {
    let log = ExposureLog::read(log_of(&ROWS), &log_schema()).unwrap();
    let mut spec = ReplaySpec::of("ranked", "pupil");
    (spec.feedback, spec.round) = (feedback, round);
    let mut pupil = Pupil::default();
    replay(&spec, &mut pupil, (&log, &pools_of(&TABLE)));
    let told = |shown: &Shown| (shown.viewer, shown.item, shown.position, shown.clicked);
    pupil.lessons.iter().map(|lesson| lesson.iter().map(told).collect()).collect()
}

/// What was logged, what matched, or nothing; after spans of time or numbers of requests; in the order of
/// viewers. Numbers go by first appearance: bo 0, ada 1; c 0, a 1, then of r1 f 2 and b 3.
#[test]
fn lessons_are_what_was_asked_for() {
    let (c2, a1, b1) = ((0, 0, 1, 1), (1, 1, 1, 0), (1, 3, 2, 1));
    let c4 = (1, 0, 1, 1);
    let minutes = |minutes: i64| Round::Every(minutes * 60_000_000);
    let logged = |round| lessons(Feedback::FromLogged, round);
    // d of r3 is no candidate.
    assert_eq!(logged(Round::Requests(10)), [vec![c2, a1, b1, c4]]);
    assert_eq!(logged(Round::Requests(1)), [vec![c2], vec![a1, b1], vec![], vec![c4]]);
    assert_eq!(logged(Round::Requests(2)), [vec![c2, a1, b1], vec![c4]]);
    assert_eq!(logged(minutes(2)), [vec![c2, a1, b1], vec![], vec![c4]]);
    // The pupil shows c in r2 and r4, and a in r1, of which a stood first.
    let matched = |round| lessons(Feedback::FromMatches, round);
    assert_eq!(matched(Round::Requests(2)), [vec![c2, a1], vec![c4]]);
    assert!(lessons(Feedback::None, minutes(1)).is_empty());
}

/// All that is known of what was shown comes with it.
#[test]
fn lessons_have_features() {
    let log = ExposureLog::read(log_of(&ROWS), &log_schema().column("rank")).unwrap();
    let mut spec = ReplaySpec::of("ranked", "pupil");
    spec.feedback = Feedback::FromLogged;
    spec.candidates.leaning = Some(NumberColumn::Named("score".to_owned()));
    spec.candidates.creator = Some("about".to_owned());
    spec.requests.leaning = Some(NumberColumn::Named("rank".to_owned()));
    spec.requests.dwell = Some(NumberColumn::Engagement);
    let mut pupil = Pupil { needs: vec![Feature::Leanings, Feature::Births], ..Pupil::default() };
    let schema = super::table_schema().column("about");
    let table = ExposureLog::read(super::table_of(&TABLE), &schema).unwrap();
    let pools =
        tiltmeter::replay::CandidateSets::new(table, tiltmeter::replay::CandidateKey::Slate)
            .unwrap();
    replay(&spec, &mut pupil, (&log, &pools));
    let shown = pupil.lessons[0][0];
    let seconds = 1_000_000;
    assert_eq!((shown.leaning, shown.age, shown.dwell), (5.0, 70 * seconds, 2.0));
    assert_eq!((shown.viewer_leaning, shown.creator, shown.topics), (1.0, 0, 0));
    // b of r1 is about sport as c is; a about war.
    let others = pupil.lessons[0][1..3].iter().map(|shown| (shown.creator, shown.topics));
    assert_eq!(others.collect::<Vec<_>>(), [(1, 1), (0, 0)]);
}

/// A policy that is to learn needs something to learn from.
#[test]
fn learning_needs_engagement() {
    let schema = LogSchema::new()
        .viewer("who")
        .arm("feed")
        .slate("request")
        .item("post")
        .position("rank")
        .time("at", TimeFormat::EpochSeconds)
        .topics(TopicColumn::single("about"));
    let log = ExposureLog::read(log_of(&ROWS), &schema).unwrap();
    let mut spec = ReplaySpec::of("ranked", "pupil");
    for (feedback, refused) in
        [(Feedback::FromLogged, true), (Feedback::FromMatches, true), (Feedback::None, false)]
    {
        spec.feedback = feedback;
        let mut pupil = Pupil::default();
        let made = Replay::new(&spec, &mut pupil).unwrap().log(&log, &pools_of(&TABLE));
        match made {
            Err(Error::MissingRole { role: Role::Engagement, .. }) => assert!(refused),
            made => assert!(made.is_ok() && !refused),
        }
    }
    spec.round = Round::Requests(0);
    assert!(Replay::new(&spec, &mut Pupil::default()).is_err());
}

/// A policy trained on a platform's log counts the clicks of that log.
#[test]
fn popularity_counts_logged_clicks() {
    let simulation = Simulation::new(&config()).unwrap();
    let (log, pools) = both(&simulation);
    let mut spec = spec_for(&simulation);
    spec.feedback = Feedback::FromLogged;
    let mut popularity = PopularityPolicy::new(&Popularity::default()).unwrap();
    replay(&spec, &mut popularity, (&log, &pools));
    let engagements = log.numbers(Role::Engagement).unwrap();
    let mut clicks: BTreeMap<&str, u32> = BTreeMap::new();
    for (row, &clicked) in engagements.iter().enumerate() {
        if log.arms().unwrap().id(row) == Some("treatment") && clicked > 0.0 {
            *clicks.entry(super::id(&log, Role::Item, row)).or_default() += 1;
        }
    }
    let mut expected: Vec<u32> = clicks.into_values().collect();
    let mut found: Vec<u32> =
        (0..5_000).map(|item| popularity.clicks(item)).filter(|clicks| *clicks > 0).collect();
    expected.sort_unstable();
    found.sort_unstable();
    assert!(expected.len() > 10);
    assert_eq!(found, expected);
}

/// Of slates of one that were logged at random, the engagement of matches is that of a feed in which the
/// policy itself chose: two click rates, compared with binomial tolerance, and told from the logged one.
#[test]
fn matches_of_random_slates_are_unbiased() {
    let mut config = config();
    (config.world.viewers, config.days, config.slate) = (600, 6, 1);
    config.candidates = CandidatesConfig::Sample { size: 5 };
    config.responses.click_odds = 0.5;
    config.arms[0].policy = PolicyConfig::of(Ranker::Random);
    let sharp = PolicyConfig {
        selection: Some(Selection::Top),
        ..PolicyConfig::of(Ranker::Affinity(Affinity::default()))
    };
    let simulation = Simulation::new(&config).unwrap();
    let (log, pools) = both(&simulation);
    let spec = spec_for(&simulation);
    let mut policy = spec.build(&sharp, 0).unwrap();
    let account = replay(&spec, &mut *policy, (&log, &pools)).account;
    let found = account.engagement_per_match().unwrap();

    config.arms[0].policy = sharp;
    let rate = |log: &ExposureLog| {
        let (arms, clicks) = (log.arms().unwrap(), log.numbers(Role::Engagement).unwrap());
        let of_arm = (0..log.rows()).filter(|row| arms.id(*row) == Some("treatment"));
        let clicks: Vec<f64> = of_arm.map(|row| clicks[row]).collect();
        (clicks.iter().sum::<f64>() / clicks.len() as f64, clicks.len() as f64)
    };
    let (truth, impressions) = rate(&Simulation::new(&config).unwrap().log().unwrap());
    let matches = account.matches as f64;
    let error = (truth * (1.0 - truth) * (1.0 / matches + 1.0 / impressions)).sqrt();
    assert!(matches > 500.0 && (matches / account.places as f64 - 0.2).abs() < 0.03);
    assert!((found - truth).abs() < 4.0 * error, "{found} {truth} {error}");
    assert!((rate(&log).0 - truth).abs() > 6.0 * error, "a logged rate would do as well");
}

/// Chances of a click, by item.
const CHANCES: [f64; 4] = [0.1, 0.2, 0.4, 0.6];

fn popularity() -> PopularityPolicy {
    PopularityPolicy::new(&Popularity { exponent: 2.0, prior: 1.0 }).unwrap()
}

/// The click rate of a policy that learns online from so many requests.
fn online(requests: u32, seed: u64) -> f64 {
    let mut random = numbers(seed);
    let mut policy = popularity();
    let pool = Candidates { items: vec![0, 1, 2, 3], ..Candidates::default() };
    let mut clicks = 0.0;
    for number in 0..requests {
        let request = Request { seed, number, ..Request::new(&pool) };
        let item = pool.items[slate(&policy, &request, 1).unwrap().places[0] as usize];
        let clicked = u8::from(random() < CHANCES[item as usize]);
        clicks += f64::from(clicked);
        policy.learn(&[Shown { clicked, ..Shown::of(item) }]);
    }
    clicks / f64::from(requests)
}

/// The click rate of its matches in a random log of four times as many requests, and their number.
fn replayed(requests: u32, seed: u64) -> (f64, u64) {
    let mut random = numbers(seed ^ 0x5555);
    let events: Vec<(String, usize)> =
        (0..4 * requests).map(|number| (format!("r{number}"), (random() * 4.0) as usize)).collect();
    let clicks: Vec<f64> =
        events.iter().map(|(_, item)| f64::from(u8::from(random() < CHANCES[*item]))).collect();
    let names = ["a", "b", "c", "d"];
    let log = SliceSource::new("log")
        .text("feed", &vec!["random"; events.len()])
        .text("request", &events.iter().map(|event| &event.0).collect::<Vec<_>>())
        .text("post", &events.iter().map(|event| names[event.1]).collect::<Vec<_>>())
        .integer("rank", &vec![1; events.len()])
        .integer("at", &(0..events.len() as i64).collect::<Vec<_>>())
        .float("liked", &clicks);
    let schema = LogSchema::new()
        .arm("feed")
        .slate("request")
        .item("post")
        .position("rank")
        .time("at", TimeFormat::EpochSeconds)
        .engagement("liked");
    let log = ExposureLog::read(log, &schema).unwrap();
    let table = SliceSource::new("table").text("post", &names).integer("born", &[0; 4]);
    let schema = LogSchema::new().item("post").time("born", TimeFormat::EpochSeconds);
    let table = ExposureLog::read(table, &schema).unwrap();
    let everyone = tiltmeter::replay::CandidateKey::Everyone { max_age: None };
    let pools = tiltmeter::replay::CandidateSets::new(table, everyone).unwrap();
    let mut spec = ReplaySpec::of("random", "popular");
    (spec.seed, spec.feedback, spec.round) = (seed, Feedback::FromMatches, Round::Requests(1));
    let account = replay(&spec, &mut popularity(), (&log, &pools)).account;
    (account.engagement_per_match().unwrap(), account.matches)
}

/// A policy that learns from its matches alone does as well, over 120 seeds, as one that learns from as
/// many requests of its own: Li et al. 2011, theorem 1. Tolerance is four standard errors of the two means.
#[test]
fn learning_from_matches_is_learning_online() {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let variance = |values: &[f64]| {
        let centre = mean(values);
        values.iter().map(|value| (value - centre).powi(2)).sum::<f64>()
            / ((values.len() - 1) * values.len()) as f64
    };
    let made: Vec<(f64, u64)> = (0..120).map(|seed| replayed(150, seed)).collect();
    let found: Vec<f64> = made.iter().map(|made| made.0).collect();
    let own: Vec<f64> =
        made.iter().zip(1_000..).map(|(made, s)| online(made.1 as u32, s)).collect();
    let error = (variance(&found) + variance(&own)).sqrt();
    let difference = mean(&found) - mean(&own);
    assert!(difference.abs() < 4.0 * error, "{} {} {error}", mean(&found), mean(&own));
    // It did learn: a random choice is clicked 0.325 times.
    assert!(mean(&found) > 0.36 && error < 0.02, "{} {error}", mean(&found));
}
