//! What is asked of a log beside a study: waterfalls, members of groups, off-policy estimates, replays, and the
//! tables of choices.

use tiltmeter::decompose::{
    EngagementCounts, GroupDecomposition, Member, MultiMembership, Waterfall,
};
use tiltmeter::inference::{Bootstrap, Delta, Interval};
use tiltmeter::policy::{Affinity, Bandit, Factors, Logistic};
use tiltmeter::policy::{PolicyConfig, Popularity, Ranker};
use tiltmeter::replay::off_policy::{Clip, Floor, OffPolicy, Target};
use tiltmeter::replay::{CandidateKey, CandidateSets, Feedback, Replay, ReplaySpec, Round};
use tiltmeter::sensitivity::Sensitivity;
use tiltmeter::tally::TallySpec;
use tiltmeter::{Attention, Error, ExposureLog, Question, Supply};

use crate::ask::Names;
use crate::chance::Chance;
use crate::odd;
use crate::shown::{Answers, no_nan, plain};

/// Asks each of them now and then.
pub(crate) fn ask(log: &ExposureLog, names: &Names, answers: &Answers, chance: &mut Chance) {
    let (arm, other) = names.two_arms(chance);
    let pools = CandidateSets::new(log.clone(), pool_by(chance)).ok();
    type Asking<'q> = (&'static str, Box<dyn FnOnce(&mut Chance) -> Result<(), Error> + 'q>);
    let questions: [Asking<'_>; 5] = [
        ("a waterfall", Box::new(|chance| waterfall(log, &arm, pools.as_ref(), chance))),
        ("members of groups", Box::new(|chance| members(log, &arm, &other, chance))),
        ("an off-policy estimate", Box::new(|chance| off_policy(log, &arm, &other, chance))),
        (
            "a replay",
            Box::new(|chance| match &pools {
                Some(pools) => replay(log, &arm, pools, chance),
                None => Ok(()),
            }),
        ),
        ("choices", Box::new(|_| choices(log, &arm, &other))),
    ];
    for (what, question) in questions {
        if chance.one_in(3) {
            answers.count(what, || question(chance));
        }
    }
}

fn pool_by(chance: &mut Chance) -> CandidateKey {
    let max_age = *chance.pick(&[None, None, Some(0), Some(86_400_000_000), Some(i64::MAX)]);
    let pools = [
        CandidateKey::Slate,
        CandidateKey::Slate,
        CandidateKey::Viewer { max_age },
        CandidateKey::Everyone { max_age },
    ];
    *chance.pick(&pools)
}

/// Few replicates, since it is not how good an interval is that is tried.
fn interval(chance: &mut Chance) -> Interval {
    let few = Bootstrap { replicates: 100, ..Bootstrap::default() };
    let intervals =
        [Interval::default(), Interval::Delta(Delta::default()), Interval::Bootstrap(few)];
    *chance.pick(&intervals)
}

fn attention(chance: &mut Chance) -> Attention {
    chance.pick(&[Attention::Uniform, Attention::Logarithmic, Attention::Reciprocal]).clone()
}

fn waterfall(
    log: &ExposureLog,
    arm: &str,
    pools: Option<&CandidateSets>,
    chance: &mut Chance,
) -> Result<(), Error> {
    let mut waterfall = Waterfall::of(log, &Question::of_arm(arm).attention(attention(chance)))
        .interval(interval(chance))
        .engagement(*chance.pick(&[EngagementCounts::Alone, EngagementCounts::TimesMass]));
    if let Some(pools) = pools {
        waterfall = waterfall.candidates(pools);
    }
    if chance.one_in(2) {
        waterfall = waterfall.supply(log, Supply::Known);
    }
    let report = waterfall.run()?;
    no_nan(&report);
    plain(&report.to_string());
    Ok(())
}

fn members(log: &ExposureLog, arm: &str, other: &str, chance: &mut Chance) -> Result<(), Error> {
    let by = [Member::Item, Member::column("country"), Member::column(odd::name(chance))];
    let report =
        GroupDecomposition::of_log(log, chance.pick(&by).clone(), &Question::between(arm, other))
            .several(*chance.pick(&[
                MultiMembership::Refuse,
                MultiMembership::Majority,
                MultiMembership::LeaveOut,
            ]))
            .interval(interval(chance))
            .permutations(99, chance.next())
            .run()?;
    no_nan(&report);
    plain(&report.to_string());
    Ok(())
}

fn off_policy(log: &ExposureLog, arm: &str, other: &str, chance: &mut Chance) -> Result<(), Error> {
    let share = *chance.pick(&[0.0, 1e-70, 0.5, 1.0]);
    let targets = [
        Target::UniformOverItems,
        Target::Uniform { items: *chance.pick(&[1, 10, u32::MAX]) },
        Target::ByRow(vec![share; log.rows()]),
    ];
    let mut estimation = OffPolicy::of(log, &Question::of_arm(arm).attention(attention(chance)))
        .target(chance.pick(&targets).clone())
        .clip(*chance.pick(&[Clip::None, Clip::At(1e-70), Clip::At(10.0), Clip::At(1e308)]))
        .floor(*chance.pick(&[Floor::At(0.0), Floor::overridden(), Floor::default()]))
        .interval(interval(chance));
    if chance.one_in(3) {
        estimation = estimation.check(other);
    }
    let report = estimation.run()?;
    no_nan(&report);
    plain(&report.to_string());
    Ok(())
}

fn replay(
    log: &ExposureLog,
    arm: &str,
    pools: &CandidateSets,
    chance: &mut Chance,
) -> Result<(), Error> {
    let rankers = [
        Ranker::Random,
        Ranker::ReverseChronological,
        Ranker::Popularity(Popularity::default()),
        Ranker::Affinity(Affinity::default()),
        Ranker::Bandit(Bandit::default()),
        Ranker::Logistic(Logistic::default()),
        Ranker::Factors(Factors::default()),
    ];
    let mut spec = ReplaySpec::of(arm, "another");
    spec.feedback = *chance.pick(&[Feedback::None, Feedback::FromLogged, Feedback::FromMatches]);
    spec.round = *chance.pick(&[Round::Requests(1), Round::Every(1), Round::Every(i64::MAX)]);
    let mut policy = spec.build(&PolicyConfig::of(chance.pick(&rankers).clone()), 0)?;
    let replayed = Replay::new(&spec, policy.as_mut())?.log(log, pools)?;
    no_nan(&replayed.account);
    let account = &replayed.account;
    assert!(account.matches <= replayed.log.rows() as u64, "more matches than places");
    no_nan(&replayed.tally(&TallySpec::default())?.impressions());
    Ok(())
}

fn choices(log: &ExposureLog, arm: &str, other: &str) -> Result<(), Error> {
    let table = Sensitivity::of(log, &Question::between(arm, other))
        .attentions([Attention::Uniform, Attention::Logarithmic])
        .run()?;
    no_nan(&table);
    plain(&table.to_string());
    Ok(())
}
