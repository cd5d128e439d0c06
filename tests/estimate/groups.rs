//! Groups and their members: a script with complex-step gradients and enumerations, closed forms,
//! simulations, and what must not matter.

use proptest::collection::vec;
use proptest::prelude::*;
use rayon::ThreadPoolBuilder;
use serde_json::Value as Json;
use tiltmeter::decompose::{
    Direction, GroupDecomposition, GroupFinding, GroupReport, GroupReportRecord, Member,
    MultiMembership, PartKind, PermutationCount, PermutationPool, Presence, Verdict, ZeroMembers,
};
use tiltmeter::inference::{Delta, Jackknife, Simultaneous};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::policy::{Bias, PolicyConfig, Ranker};
use tiltmeter::simulate::{
    ActivityConfig, ArmConfig, CreatorsConfig, Simulation, SimulationConfig, TopicConfig,
    WorldConfig,
};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::Undefined;
use tiltmeter::tally::{Tally, TallySpec};
use tiltmeter::{
    Error, ExposureLog, Interval, Measured, NoInterval, NoTest, Question, Reach, Unit, Value,
    Warning,
};

use crate::shared::random::numbers;

/// Whose impressions are of no member.
const NOBODY: &str = "-";

/// Viewer, arm, member, label and weight of an impression.
type Row = (String, &'static str, String, String, f64);

fn log(rows: &[Row]) -> ExposureLog {
    let text = |of: fn(&Row) -> &str| rows.iter().map(of).collect::<Vec<_>>();
    let source = SliceSource::new("rows")
        .text("viewer", &text(|row| &row.0))
        .text("arm", &text(|row| row.1))
        .text("member", &text(|row| &row.2))
        .text("label", &text(|row| &row.3))
        .float("weight", &rows.iter().map(|row| row.4).collect::<Vec<_>>());
    let schema = LogSchema::new().viewer("viewer").arm("arm").weight("weight").column("member");
    ExposureLog::read(source, &schema.topics(TopicColumn::separated("label", '|'))).unwrap()
}

fn tally(rows: &[Row]) -> Tally {
    let log = log(rows);
    let members = log.column("member").unwrap().clone();
    let shown = |row| members.id(row).filter(|member| *member != NOBODY).into_iter().collect();
    let by_member = log.with_topics_by_row(|_, row| shown(row)).unwrap();
    Tally::of(&by_member, &TallySpec::default()).unwrap()
}

/// Rows from counts by member in arm a and in arm b, for each viewer; the last count is of nobody.
fn rows(members: &[&str], counts: &[[Vec<u64>; 2]]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (viewer, counts) in counts.iter().enumerate() {
        for (arm, counts) in ["a", "b"].into_iter().zip(counts) {
            for (member, &count) in members.iter().chain([&NOBODY]).zip(counts) {
                let row = (format!("v{viewer}"), arm, (*member).to_owned(), String::new(), 1.0);
                rows.extend(std::iter::repeat_n(row, count as usize));
            }
        }
    }
    rows
}

fn asked<'t>(tally: &'t Tally, question: &Question) -> GroupDecomposition<'t> {
    GroupDecomposition::of(tally, question).interval(Interval::Delta(Delta::default()))
}

fn ask(tally: &Tally) -> GroupDecomposition<'_> {
    asked(tally, &Question::between("a", "b"))
}

fn number(figure: &Measured) -> f64 {
    figure.value.number().unwrap()
}

fn close(found: f64, expected: f64, what: &str) {
    assert!(
        (found - expected).abs() < 1e-10 * (1.0 + expected.abs()),
        "{what}: {found} {expected}"
    );
}

/// Against `golden/groups.json`: values, clustered errors, weights, quantiles, and p over all ways.
#[test]
fn a_script_agrees() {
    let golden: Json = serde_json::from_str(include_str!("../golden/groups.json")).unwrap();
    let texts = |of: &Json| -> Vec<String> { serde_json::from_value(of.clone()).unwrap() };
    let members = texts(&golden["members"]);
    let names: Vec<&str> = members.iter().map(String::as_str).collect();
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 6);
    for case in cases {
        let counts: Vec<[Vec<u64>; 2]> = serde_json::from_value(case["counts"].clone()).unwrap();
        let tally = tally(&rows(&names, &counts));
        let unit = match case["unit"].as_str().unwrap() {
            "pooled" => Unit::Pooled,
            "cluster_mean" => Unit::ClusterMean,
            _ => Unit::Reach(Reach::default()),
        };
        let mut ask = asked(&tally, &Question::between("a", "b").unit(unit));
        for (name, members) in golden["groups"].as_object().unwrap() {
            ask = ask.group(name, texts(members));
        }
        let left_out = ask.run().unwrap();
        let half_added = ask.zeros(ZeroMembers::HalfAdded).run().unwrap();
        for (name, expected) in case["groups"].as_object().unwrap() {
            let (plain, half) = (left_out.group(name).unwrap(), half_added.group(name).unwrap());
            compare(plain, half, expected, &format!("{} {name}", case["unit"]));
        }
    }
}

fn compare(plain: &GroupFinding, half: &GroupFinding, expected: &Json, what: &str) {
    let figure = |figure: &Measured, name: &str, of_ratio: bool| {
        let expected = &expected["figures"][name];
        let (value, error) =
            (expected["value"].as_f64().unwrap(), expected["error"].as_f64().unwrap());
        let found = if of_ratio { number(figure).ln() } else { number(figure) };
        close(found, value, &format!("{what} {name}"));
        match figure.standard_error {
            Some(found) => close(found, error, &format!("error of {what} {name}")),
            None => assert!(error < 1e-12, "{what} {name}"),
        }
    };
    figure(&plain.group, "group", true);
    figure(&plain.mean_member, "mean", true);
    figure(&plain.weighted_mean_member, "weighted", true);
    figure(&plain.gap, "gap", false);
    figure(&half.mean_member, "half_mean", true);
    figure(&half.weighted_mean_member, "half_weighted", true);
    figure(&half.gap, "half_gap", false);
    for part in &plain.parts {
        let name = serde_json::to_value(part.kind).unwrap();
        figure(&part.figure, name.as_str().unwrap(), false);
    }
    let numbers = |of: &Json| -> Vec<f64> { serde_json::from_value(of.clone()).unwrap() };
    let weights = plain.members.iter().filter_map(|m| m.contribution.map(|c| c.weight));
    let weights: Vec<f64> = weights.collect();
    let expected_weights = numbers(&expected["weights"]);
    assert_eq!(weights.len(), expected_weights.len());
    weights.iter().zip(expected_weights).for_each(|(a, b)| close(*a, b, what));
    let q = plain.quantiles.unwrap();
    let found = [q.least, q.lower_quartile, q.median, q.upper_quartile, q.greatest];
    found.iter().zip(numbers(&expected["quantiles"])).for_each(|(a, b)| close(*a, b, what));
    for (test, name) in [(&plain.label_test, "label_test"), (&plain.union_test, "union_test")] {
        let expected = &expected[name];
        close(test.p.unwrap(), expected["p"].as_f64().unwrap(), &format!("{what} {name}"));
        close(test.difference.unwrap(), expected["difference"].as_f64().unwrap(), what);
        assert_eq!(test.arrangements, PermutationCount::All(expected["ways"].as_u64().unwrap()));
    }
}

/// Two viewers in turn, so that clusters vary a little and shares are what they are said to be.
fn repeated(members: &[&str], a: &[u64], b: &[u64], viewers: usize) -> Tally {
    let turn = |counts: &[u64], viewer: usize| {
        counts
            .iter()
            .map(|count| count * if viewer.is_multiple_of(2) { 3 } else { 2 })
            .collect::<Vec<_>>()
    };
    // The first count gets one more for every other pair of viewers, in both arms alike.
    let viewer = |viewer: usize| {
        let mut both = [turn(a, viewer), turn(b, viewer)];
        both.iter_mut().for_each(|counts| counts[0] += (viewer % 4 / 2) as u64);
        both
    };
    let counts: Vec<[Vec<u64>; 2]> = (0..viewers).map(viewer).collect();
    tally(&rows(members, &counts))
}

/// Simpson-like: the group is shown more since its one large member is, while four small ones are shown
/// half as much. By hand, in an arm of 20 viewers: 25 n for a count of n, and 10 more for the first.
#[test]
fn a_group_and_its_members_may_go_opposite_ways() {
    let members = ["large", "s1", "s2", "s3", "s4", "other"];
    let (a, b) = ([16, 1, 1, 1, 1, 20, 0], [8, 2, 2, 2, 2, 24, 0]);
    let tally = repeated(&members, &a, &b, 20);
    let small = ["large", "s1", "s2", "s3", "s4"];
    let report = ask(&tally).group("party", small).group("rest", ["other"]).run().unwrap();
    let party = report.group("party").unwrap();
    let total = |counts: &[u64], of: std::ops::Range<usize>| -> f64 {
        let first = if of.start == 0 { 10.0 } else { 0.0 };
        first + of.map(|at| 50.0 * counts[at] as f64).sum::<f64>()
    };
    let overall = (total(&b, 0..7) / total(&a, 0..7)).ln();
    let group = (total(&a, 0..5) / total(&b, 0..5)).ln() + overall;
    let large = (total(&a, 0..1) / total(&b, 0..1)).ln();
    let mean = (large + 4.0 * 0.5_f64.ln()) / 5.0 + overall;
    close(number(&party.group).ln(), group, "group");
    close(number(&party.mean_member).ln(), mean, "mean");
    close(number(&party.gap), group - mean, "gap");
    assert!(group > 0.0 && mean < 0.0);
    assert_eq!(party.verdict, Verdict::Opposite(Direction::More));
    let words = party.verdict.to_string();
    assert_eq!(words, "the levels disagree: the group is shown more, its mean member less");
    assert!(report.to_string().contains(&words));
    assert!(party.gap.interval.unwrap().low > Some(0.0));
    // What members add to the group, by the weights of Sato and Vartia, is all of it.
    let added: f64 = party.members.iter().filter_map(|m| Some(m.contribution?.contribution)).sum();
    close(added, group, "contributions");
    // The other way round everything has the other sign, parts too.
    let back = GroupDecomposition::of(&tally, &Question::between("b", "a"))
        .group("party", small)
        .others(PermutationPool::AllMembers)
        .run()
        .unwrap();
    let back = back.group("party").unwrap();
    assert_eq!(back.verdict, Verdict::Opposite(Direction::Less));
    for (part, other) in party.parts.iter().zip(&back.parts) {
        close(number(&part.figure), -number(&other.figure), "the arms change places");
    }
}

/// The group's log ratio less the mean weighted by the baseline is the divergence of Kullback and Leibler
/// between the members' parts of the group, from baseline to treatment: never below 0.
#[test]
fn the_weighted_mean_is_short_by_a_divergence() {
    let members = ["x", "y", "z", "other"];
    let tally = repeated(&members, &[5, 1, 3, 9, 2], &[2, 4, 3, 7, 5], 12);
    let report = ask(&tally).group("g", ["x", "y", "z"]).group("o", ["other"]).run().unwrap();
    let group = report.group("g").unwrap();
    let (mut sums, mut divergence) = ([0.0; 2], 0.0);
    let totals: Vec<[f64; 2]> = group
        .members
        .iter()
        .map(|m| [m.estimate.treatment.topic, m.estimate.baseline.topic])
        .collect();
    totals.iter().for_each(|total| (0..2).for_each(|arm| sums[arm] += total[arm]));
    for total in totals {
        let [q, p] = [total[0] / sums[0], total[1] / sums[1]];
        divergence += p * (p / q).ln();
    }
    assert!(divergence > 0.01);
    let short = number(&group.group).ln() - number(&group.weighted_mean_member).ln();
    close(short, divergence, "divergence");
}

/// Members of one arm, of neither, and of no tally are counted, and do what is said.
#[test]
fn members_without_a_finite_ratio_are_counted() {
    let members = ["both", "gone", "new", "other", "third"];
    let mut made = rows(
        &members,
        &[
            [vec![2, 0, 3, 4, 0, 1], vec![3, 2, 0, 3, 0, 2]],
            [vec![1, 0, 1, 2, 0, 1], vec![2, 1, 0, 4, 0, 1]],
        ],
    );
    made.push(("v0".into(), "c", "third".into(), String::new(), 1.0));
    let tally = tally(&made);
    let ask = ask(&tally).group("g", ["both", "gone", "new", "third", "nowhere"]);
    let ask = ask.group("o", ["other"]);
    let report = ask.run().unwrap();
    let group = report.group("g").unwrap();
    let counts = &group.counts;
    assert_eq!((counts.both, counts.treatment_only, counts.baseline_only), (1, 1, 1));
    assert_eq!((counts.neither, counts.not_in_tally, group.counted), (1, 1, 1));
    let presence: Vec<Presence> = group.members.iter().map(|m| m.presence).collect();
    use Presence::{BaselineOnly, Both, Neither, TreatmentOnly};
    assert_eq!(presence, [Both, BaselineOnly, TreatmentOnly, Neither]);
    // By hand: 3 of 15 against 5 of 18; the rest is who came and went, 7/3 against 8/5.
    close(number(&group.mean_member), (3.0 / 15.0) / (5.0 / 18.0), "mean");
    let turnover = group.parts.iter().find(|part| part.kind == PartKind::Turnover).unwrap();
    close(number(&turnover.figure), (7.0_f64 / 3.0).ln() - (8.0_f64 / 5.0).ln(), "turnover");
    let half = ask.clone().zeros(ZeroMembers::HalfAdded).run().unwrap();
    let half = half.group("g").unwrap();
    // 3.5/16 : 5.5/19, 0.5/16 : 3.5/19 and 4.5/16 : 0.5/19.
    let product = (3.5 / 5.5) * (0.5 / 3.5) * (4.5 / 0.5) * (19.0_f64 / 16.0).powi(3);
    close(number(&half.mean_member), product.cbrt(), "half added");
    assert_eq!((half.counted, half.label_test.group), (3, 3));
    // A group that an arm never shows.
    let report = ask.group("new", ["third"]).run();
    assert!(matches!(report, Err(Error::MemberOfTwoGroups { .. })));
    let report = GroupDecomposition::of(&tally, &Question::between("a", "b"))
        .group("new", ["new"])
        .group("third", ["third"])
        .run()
        .unwrap();
    let [new, third] = &report.groups[..] else { panic!() };
    assert_eq!(new.group.value, Value::Infinite);
    assert_eq!(new.group.interval, Err(NoInterval::ShareAtLimit));
    assert_eq!(new.mean_member.value, Value::Undefined(Undefined::NoMemberInBothArms));
    assert_eq!((new.quantiles, new.verdict), (None, Verdict::Unknown));
    assert_eq!(new.label_test.p, Err(NoTest::NothingToPermute));
    assert_eq!(third.group.value, Value::Undefined(Undefined::TopicInNeitherArm));
    assert!(third.warnings.iter().any(|w| matches!(w, Warning::FewClusters { .. })));
}

/// With members that are alike in distribution, one of 252 ways of labelling five of ten is as likely as
/// another. Two-sided p is then at most 0.05 in 12 of 252 (ways come in pairs of one distance): 4.76%, or
/// 57.1 of 1,200, with a standard deviation of 7.4; four of those. With 99 drawn ways it is at most 0.05
/// with a chance of 5 in 100 at most. A label that matters is found.
#[test]
fn the_test_of_labels_has_its_size() {
    const STUDIES: u64 = 1_200;
    let names: Vec<String> = (0..10).map(|member| format!("m{member}")).collect();
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    let (mut exact, mut drawn, mut found) = ([0_u32; 2], [0_u32; 2], 0_u32);
    for study in 0..STUDIES {
        let mut next = numbers(study * 7_919);
        let mut count = |arms: [f64; 2]| -> Vec<[u64; 2]> {
            let member = |_| arms.map(|most| 5 + (next() * most) as u64);
            (0..10).map(member).collect()
        };
        let of = |counts: &[[u64; 2]]| {
            let arm = |arm: usize| counts.iter().map(|its| its[arm]).chain([3]).collect::<Vec<_>>();
            tally(&rows(&members, &[[arm(0), arm(1)]]))
        };
        let mut counts = count([60.0, 60.0]);
        let p = |counts: &[[u64; 2]], replicates: u32| {
            let tally = of(counts);
            let ask = ask(&tally).permutations(replicates, study);
            let ask = ask.group("first", &names[..5].to_vec()[..]);
            let report = ask.group("second", &names[5..].to_vec()[..]).run().unwrap();
            [&report.groups[0].label_test, &report.groups[0].union_test].map(|t| t.p.unwrap())
        };
        for (at, p) in p(&counts, 999).into_iter().enumerate() {
            exact[at] += u32::from(p <= 0.05);
        }
        for (at, p) in p(&counts, 99).into_iter().enumerate() {
            drawn[at] += u32::from(p <= 0.05);
        }
        if study % 12 == 0 {
            counts.iter_mut().take(5).for_each(|its| its[0] *= 30);
            found += u32::from(p(&counts, 999)[0] <= 0.05);
        }
    }
    println!(
        "p <= 0.05: {exact:?} over all ways, {drawn:?} over 99, of {STUDIES}; found {found} of 100"
    );
    assert!(exact.iter().all(|many| (28..=86).contains(many)), "{exact:?}");
    // 60 with a standard deviation of 7.5, and below it where ways are tied.
    assert!(drawn.iter().all(|many| (25..=90).contains(many)), "{drawn:?}");
    assert!(found >= 90, "{found}");
}

/// Intervals of 95% hold what is true in nested viewers of unequal activity: 600 studies, 570 with a
/// standard deviation of 5.3; four of those.
#[test]
fn intervals_hold_the_truth() {
    const STUDIES: u64 = 600;
    let members = ["x", "y", "z", "other"];
    let rates = [[9.0, 3.0, 2.0, 8.0, 10.0], [5.0, 5.0, 3.0, 9.0, 10.0]];
    let whole = rates.map(|rates| rates.iter().sum::<f64>());
    let overall = (whole[1] / whole[0]).ln();
    let group = (14.0_f64 / 13.0).ln() + overall;
    let mean =
        [9.0_f64 / 5.0, 3.0 / 5.0, 2.0 / 3.0].map(f64::ln).iter().sum::<f64>() / 3.0 + overall;
    let mut held = [0_u32; 4];
    for study in 0..STUDIES {
        let mut next = numbers(study.wrapping_mul(0x2545_F491_4F6C_DD1D));
        let viewer = |viewer: usize| {
            let activity = 0.3 + 1.4 * next();
            let mut both = [vec![0; 5], vec![0; 5]];
            for (count, rate) in both[viewer % 2].iter_mut().zip(rates[viewer % 2]) {
                // As many as there are arrivals of rate 1 by then (Knuth's Poisson).
                let (mut arrived, until) = (1.0_f64, (-rate * activity).exp());
                loop {
                    arrived *= next();
                    if arrived <= until {
                        break;
                    }
                    *count += 1;
                }
            }
            both
        };
        let counts: Vec<[Vec<u64>; 2]> = (0..80).map(viewer).collect();
        let tally = tally(&rows(&members, &counts));
        let ask = ask(&tally).group("g", ["x", "y", "z"]).group("o", ["other"]).permutations(2, 0);
        let report = ask.run().unwrap();
        let found = &report.groups[0];
        let holds = |figure: &Measured, truth: f64| {
            let interval = figure.interval.unwrap();
            u32::from(interval.low < Some(truth) && Some(truth) < interval.high)
        };
        held[0] += holds(&found.group, group.exp());
        held[1] += holds(&found.mean_member, mean.exp());
        held[2] += holds(&found.gap, group - mean);
        held[3] += holds(&found.parts[1].figure, group - mean);
    }
    println!(
        "held, of {STUDIES}: group {}, mean {}, gap {}, weight {}",
        held[0], held[1], held[2], held[3]
    );
    assert!(held.iter().all(|held| (549..=591).contains(held)), "{held:?}");
}

/// A feed that boosts two of twelve members of a party, for everybody.
fn feed() -> SimulationConfig {
    let topic = |name: &str, supply| TopicConfig { supply, ..TopicConfig::new(name) };
    let policy =
        |biases| PolicyConfig { biases, ..PolicyConfig::of(Ranker::Affinity(Default::default())) };
    SimulationConfig {
        world: WorldConfig {
            topics: vec![topic("left", 0.12), topic("right", 0.12), topic("else", 9.76)],
            items_per_day: 1_600.0,
            creators: CreatorsConfig {
                number: 1_000,
                concentration: 0.0,
                ..CreatorsConfig::default()
            },
            viewers: 2_000,
            activity: ActivityConfig { slates_per_day: 3.0, shape: 8.0 },
            ..WorldConfig::default()
        },
        days: 5,
        arms: vec![
            ArmConfig::new("treatment", policy(vec![Bias::creators(12..14, 12.0)])),
            ArmConfig::new("baseline", policy(Vec::new())),
        ],
        ..SimulationConfig::default()
    }
}

/// A few members carry their group: its reach is amplified, its median member's is not, and the label
/// tells nothing of single members. The log's own topics say who belongs where.
#[test]
fn a_few_members_carry_their_group() {
    let log = Simulation::new(&feed()).unwrap().log().unwrap();
    let report = GroupDecomposition::of_log(
        &log,
        Member::column("creator"),
        &Question::between("treatment", "baseline")
            .topics(["left", "right"])
            .unit(Unit::Reach(Reach::default())),
    )
    .zeros(ZeroMembers::HalfAdded)
    .permutations(4_999, 1)
    .run()
    .unwrap();
    println!("{report}");
    let membership = report.membership.unwrap();
    assert_eq!((membership.of_one, membership.of_none), (24, membership.members - 24));
    let [left, right] = &report.groups[..] else { panic!("two groups") };
    assert_eq!((left.members.len(), right.members.len()), (12, 12));
    assert!(right.group.interval.unwrap().low > Some(1.0));
    assert!(left.group.interval.unwrap().low < Some(1.0));
    let median = right.quantiles.unwrap().median;
    assert!((0.5..1.3).contains(&median), "{median}");
    assert!(right.label_test.p.unwrap() > 0.05);
    let carried: Vec<&str> = right
        .members
        .iter()
        .filter(|m| m.estimate.interval.is_ok_and(|its| its.low > Some(1.5)))
        .map(|m| m.name.as_str())
        .collect();
    assert_eq!(carried, ["12", "13"]);
    assert_eq!(right.verdict, Verdict::CarriedByFew(Direction::More));
    assert_eq!((left.verdict, right.surely.more), (Verdict::Neither, 2));
}

#[test]
fn members_of_a_log_belong_to_the_groups_of_their_impressions() {
    let row = |viewer: &str, arm, member: &str, label: &str| -> Row {
        (viewer.into(), arm, member.into(), label.into(), 1.0)
    };
    let made = [
        row("1", "a", "ann", "left"),
        row("1", "a", "bea", "left|right"),
        row("2", "a", "bea", "left"),
        row("2", "b", "ann", "left"),
        row("3", "b", "bea", "left"),
        row("3", "b", "cem", "right"),
        row("3", "b", "dag", ""),
        row("4", "a", "cem", "right"),
        row("4", "b", "eve", "right"),
        row("4", "b", "eve", "left"),
    ];
    let log = log(&made);
    let question = Question::between("a", "b");
    let of =
        |question: &Question| GroupDecomposition::of_log(&log, Member::column("member"), question);
    let ask = of(&question);
    let refused = ask.clone().run().unwrap_err();
    assert!(
        matches!(&refused, Error::MemberOfTwoGroups { member, .. } if member == "bea"),
        "{refused}"
    );
    let names =
        |finding: &GroupFinding| finding.members.iter().map(|m| m.name.clone()).collect::<Vec<_>>();
    let report = ask.clone().several(MultiMembership::Majority).run().unwrap();
    assert_eq!(names(report.group("left").unwrap()), ["ann", "bea"]);
    assert_eq!(names(report.group("right").unwrap()), ["cem"]);
    let m = report.membership.unwrap();
    let counted = (m.members, m.of_one, m.by_majority, m.left_out, m.of_none);
    assert_eq!(counted, (5, 2, 1, 1, 1)); // eve is a tie, dag has no label
    let report = ask.clone().several(MultiMembership::LeaveOut).run().unwrap();
    assert_eq!(names(report.group("left").unwrap()), ["ann"]);
    let right = question.clone().topics(["right"]);
    let one = of(&right).others(PermutationPool::AllMembers).run().unwrap();
    // Labels that are not meant do not count, so bea and eve have but one.
    assert_eq!(names(&one.groups[0]), ["bea", "cem", "eve"]);
    assert_eq!((one.groups[0].union_test.group, one.groups[0].union_test.others), (3, 2));
    assert!(matches!(of(&question.clone().topics(["up"])).run(), Err(Error::UnknownTopic { .. })));
    // The same from a tally that was made by hand.
    let tally = tally(&made);
    let by_hand = GroupDecomposition::of(&tally, &question)
        .group("right", ["cem", "eve", "bea"])
        .others(PermutationPool::AllMembers)
        .run()
        .unwrap();
    assert_eq!(by_hand.groups, one.groups);
    let items = GroupDecomposition::of_log(&log, Member::Item, &question).run().unwrap_err();
    assert!(matches!(items, Error::MissingRole { .. }), "{items}");
}

#[test]
fn questions_without_an_answer_are_refused() {
    let tally = repeated(&["x", "y"], &[1, 2, 3], &[2, 1, 3], 4);
    let of = |question: Question| asked(&tally, &question).group("g", ["x"]).group("h", ["y"]);
    let ask = || of(Question::between("a", "b"));
    let parameter = |of: GroupDecomposition<'_>| match of.run() {
        Err(Error::Parameter { parameter, .. }) => parameter,
        other => panic!("{other:?}"),
    };
    let unsaid = of(Question::of_arm("a")).run();
    assert!(matches!(unsaid, Err(Error::Unstated { what: "baseline", .. })));
    let none = Question::between("a", "b");
    assert_eq!(parameter(GroupDecomposition::of(&tally, &none)), "the number of groups");
    assert_eq!(
        parameter(GroupDecomposition::of(&tally, &none).group("g", ["x"])),
        "the number of groups"
    );
    assert!(matches!(ask().group("g", ["z"]).run(), Err(Error::RepeatedGroup { .. })));
    assert!(matches!(ask().group("i", ["x"]).run(), Err(Error::MemberOfTwoGroups { .. })));
    assert!(matches!(ask().group("i", ["z"]).run(), Err(Error::UnknownGroup { .. })));
    assert!(matches!(of(Question::between("c", "b")).run(), Err(Error::UnknownArm { .. })));
    assert!(matches!(of(Question::between("b", "b")).run(), Err(Error::SameArm { .. })));
    assert_eq!(parameter(ask().permutations(1, 0)), "permutations");
    let bands = Interval::Simultaneous(Simultaneous::default());
    assert_eq!(parameter(ask().interval(bands)), "the interval");
    let level = Interval::Delta(Delta { level: 1.0, ..Delta::default() });
    assert_eq!(parameter(ask().interval(level)), "level");
    let source = SliceSource::new("two members")
        .text("viewer", &["1", "2"])
        .text("arm", &["a", "b"])
        .text("by", &["x|y", "x"]);
    let schema = LogSchema::new().viewer("viewer").arm("arm");
    let schema = schema.topics(TopicColumn::separated("by", '|'));
    let both = ExposureLog::read(source, &schema).unwrap();
    let both = Tally::of(&both, &TallySpec::default()).unwrap();
    let both = GroupDecomposition::of(&both, &none).group("g", ["x"]).group("h", ["y"]);
    assert_eq!(parameter(both), "the number of topics of some impressions");
}

#[test]
fn the_json_reads_back() {
    let tally = repeated(&["x", "y", "z"], &[1, 2, 0, 3], &[2, 1, 3, 3], 6);
    let report = ask(&tally).group("g", ["x", "z"]).group("h", ["y"]).run().unwrap();
    let json = report.to_json().unwrap();
    let record = GroupReportRecord::from_json(&json).unwrap();
    assert_eq!(record, GroupReportRecord::from(&report));
    let group = &record.groups[0];
    assert_eq!(group.group.value, report.groups[0].group.value.number());
    assert_eq!((group.counts.baseline_only, group.members[1].log_ratio), (1, None));
    assert_eq!(group.verdict_in_words, report.groups[0].verdict.to_string());
    let document = include_str!("../../docs/report-json.md");
    let documented = |name: &str| assert!(document.contains(&format!("`{name}`")), "{name}");
    let json: Json = serde_json::from_str(&json).unwrap();
    let first = &json["groups"][0];
    for object in [&json, first, &first["counts"], &first["label_test"], &first["members"][0]] {
        object.as_object().unwrap().keys().for_each(|key| documented(key));
    }
    let other = report.to_json().unwrap().replace("\"version\": 1", "\"version\": 2");
    assert!(matches!(GroupReportRecord::from_json(&other), Err(Error::Report { .. })));
}

/// The same bits on one thread and on several.
#[test]
fn threads_do_not_matter() {
    let names: Vec<String> = (0..16).map(|member| format!("m{member}")).collect();
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut next = numbers(5);
    let mut count = |_| (0..17).map(|_| (next() * 9.0) as u64).collect::<Vec<_>>();
    let counts: Vec<[Vec<u64>; 2]> = (0..30).map(|_| [(); 2].map(&mut count)).collect();
    let tally = tally(&rows(&members, &counts));
    let run = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let reach = Unit::Reach(Reach { impressions: 2, mass: 0.0 });
        let ask = asked(&tally, &Question::between("a", "b").unit(reach));
        let ask = ask.interval(Interval::Jackknife(Jackknife::default()));
        let ask = ask.group("g", &names[..8].to_vec()[..]).group("h", &names[8..].to_vec()[..]);
        pool.install(|| ask.run().unwrap())
    };
    let (one, four) = (run(1), run(4));
    assert_eq!(one, four);
    assert_eq!(one.groups[0].label_test.arrangements, PermutationCount::Drawn(9_999));
    assert_eq!(one.groups[0].parts.len(), 4);
}

fn generated() -> impl Strategy<Value = Vec<Row>> {
    let row =
        (0..9_u8, 0..2_u8, 0..6_u8, 0.1..9.0_f64).prop_map(|(viewer, arm, member, weight)| {
            let member = if member == 5 { NOBODY.to_owned() } else { format!("m{member}") };
            (format!("v{viewer}"), ["a", "b"][usize::from(arm)], member, String::new(), weight)
        });
    let mut fixed = Vec::new();
    for (member, viewer) in ["m0", "m1", "m2", "m3"].into_iter().zip(["v0", "v1", "v0", "v1"]) {
        for arm in ["a", "b"] {
            fixed.push((viewer.to_owned(), arm, member.to_owned(), String::new(), 1.0));
        }
    }
    vec(row, 0..60).prop_map(move |rows| [fixed.clone(), rows].concat())
}

fn report(tally: &Tally, first: [&str; 2]) -> GroupReport {
    let ask = ask(tally).group("first", first).group("second", ["m3", "m2", "m4"]);
    ask.permutations(99, 3).run().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Neither the order of rows nor that of members matters, to the last bit; tallies may be merged;
    /// parts add up; and twice the weight of everything is the same amplification.
    #[test]
    fn what_must_not_matter(
        (made, shuffled, split) in generated().prop_flat_map(|rows| {
            let split = 1..rows.len();
            (Just(rows.clone()), Just(rows).prop_shuffle(), split)
        }),
    ) {
        let whole = report(&tally(&made), ["m0", "m1"]);
        prop_assert_eq!(&whole, &report(&tally(&shuffled), ["m1", "m0"]));
        let merged = tally(&shuffled[..split]).merge(&tally(&shuffled[split..])).unwrap();
        prop_assert_eq!(&whole, &report(&merged, ["m0", "m1"]));
        let twice: Vec<Row> = made.iter().cloned().map(|mut row| { row.4 *= 2.0; row }).collect();
        let twice = report(&tally(&twice), ["m0", "m1"]);
        for (group, other) in whole.groups.iter().zip(&twice.groups) {
            let parts: f64 = group.parts.iter().map(|part| number(&part.figure)).sum();
            close(parts, number(&group.group).ln(), "parts");
            close(number(&group.group), number(&other.group), "twice the weight");
            close(number(&group.mean_member), number(&other.mean_member), "twice the weight");
            prop_assert_eq!(group.label_test.p, other.label_test.p);
        }
    }
}
