//! Intervals by share bounds: numpy and scipy on the same sums, p-values that say what intervals say, cases
//! from the field.

use serde_json::Value as Json;
use tiltmeter::inference::{BoundsForm, Delta, Equivalence, Jackknife, ShareBounds, Test};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{
    AddOneReach, AmplificationRatio, Difference, HaldaneAnscombeRatio, LogRatio, OddsRatio,
    PercentAmplification, Statistic, TreatmentShare,
};
use tiltmeter::{
    Audit, ConfidenceInterval, Estimate, ExposureLog, Interval, IntervalMethod, Question, Reach,
    SideOfNull, Unit,
};

use crate::shared::random::Random;

/// A log of clusters, each with the topic's and all impressions in the treatment and in the baseline.
fn log_of(clusters: &[[usize; 4]]) -> ExposureLog {
    let (mut who, mut arms, mut about) = (Vec::new(), Vec::new(), Vec::new());
    for (cluster, [x_a, n_a, x_b, n_b]) in clusters.iter().enumerate() {
        for (arm, topic, all) in [("a", x_a, n_a), ("b", x_b, n_b)] {
            for at in 0..*all {
                who.push(format!("c{cluster:04}"));
                arms.push(arm);
                about.push(if at < *topic { "war" } else { "sport" });
            }
        }
    }
    let who: Vec<&str> = who.iter().map(String::as_str).collect();
    let source =
        SliceSource::new("clusters").text("who", &who).text("arm", &arms).text("about", &about);
    let schema = LogSchema::new().viewer("who").arm("arm").topics(TopicColumn::single("about"));
    ExposureLog::read(source, &schema).unwrap()
}

fn question() -> Question {
    Question::between("a", "b").topics(["war"])
}

fn one(audit: Audit<'_>) -> Estimate {
    audit.run().unwrap().estimates()[0].clone()
}

fn golden() -> Json {
    serde_json::from_str(include_str!("../golden/share_bounds.json")).unwrap()
}

fn clusters_of(case: &Json) -> Vec<[usize; 4]> {
    let columns: Vec<Vec<usize>> = case["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| {
            column.as_array().unwrap().iter().map(|n| n.as_f64().unwrap() as usize).collect()
        })
        .collect();
    (0..columns[0].len()).map(|at| [0, 1, 2, 3].map(|column: usize| columns[column][at])).collect()
}

fn by_name(name: &str) -> Question {
    match name {
        "log_ratio" => question().statistic(LogRatio),
        "difference" => question().statistic(Difference),
        _ => question().statistic(OddsRatio),
    }
}

/// `tests/golden/make_share_bounds.py`: ends at three levels, in both forms, and p-values, to 1e-9.
#[test]
fn ends_and_p_values_are_numpys() {
    let golden = golden();
    let mut compared = 0;
    for case in golden["cases"].as_array().unwrap() {
        let log = log_of(&clusters_of(case));
        let of_case = |found: &&Json| found["case"] == case["name"];
        for found in golden["found"].as_array().unwrap().iter().filter(of_case) {
            let form =
                if found["form"] == "plain" { BoundsForm::Plain } else { BoundsForm::Refined };
            let name = found["statistic"].as_str().unwrap();
            for (level, ends) in found["ends"].as_object().unwrap() {
                let what = format!("{} {name} {form:?} {level}", case["name"]);
                let bounds = ShareBounds { level: level.parse().unwrap(), form };
                let interval = Interval::ShareBounds(bounds);
                let test = (form == BoundsForm::Refined).then_some(Test::ShareBounds);
                let asked = Audit::of(&log, &by_name(name)).interval(interval);
                let estimate = one(test.into_iter().fold(asked, Audit::test));
                let ConfidenceInterval { low, high, .. } = estimate.interval.unwrap();
                let close = |ours: Option<f64>, theirs: &Json| match (ours, theirs.as_f64()) {
                    (None, None) => true,
                    (Some(ours), Some(theirs)) => {
                        let theirs = if name == "odds_ratio" { theirs.exp() } else { theirs };
                        (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1e-3)
                    }
                    _ => false,
                };
                assert!(close(low, &ends[0]), "{what}: {low:?}, not {}", ends[0]);
                assert!(close(high, &ends[1]), "{what}: {high:?}, not {}", ends[1]);
                if let Some(test) = estimate.test {
                    let (p, theirs) = (test.p.unwrap(), found["p"].as_f64().unwrap());
                    assert!(
                        (p - theirs).abs() <= 1e-8 * theirs + 1e-12,
                        "{what}: p {p}, not {theirs}"
                    );
                }
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 19 * 3 * 2 * 3);
}

/// By definition: the interval at a level of 1 - p just leaves the null out.
#[test]
fn the_test_is_the_interval() {
    for case in golden()["cases"].as_array().unwrap() {
        let log = log_of(&clusters_of(case));
        let questions = [
            question().statistic(AmplificationRatio),
            question().statistic(PercentAmplification),
            question().statistic(Difference),
            question().statistic(HaldaneAnscombeRatio),
            question().statistic(AddOneReach).unit(Unit::Reach(Reach::default())),
        ];
        for question in questions {
            let tested = one(Audit::of(&log, &question).test(Test::ShareBounds));
            let null = if tested.estimand.statistic.contains("ratio") { 1.0 } else { 0.0 };
            let p = tested.test.unwrap().p.unwrap();
            for (level, clear) in [(1.0 - p * 1.0001, true), (1.0 - p * 0.9999, false)] {
                if !(0.0..1.0).contains(&level) || level <= 0.0 {
                    continue;
                }
                let bounds = ShareBounds { level, ..ShareBounds::default() };
                let interval =
                    one(Audit::of(&log, &question).interval(Interval::ShareBounds(bounds)));
                let interval = interval.interval.unwrap();
                let out = interval.low.is_some_and(|low| low > null)
                    || interval.high.is_some_and(|high| high < null);
                assert_eq!(out, clear, "{} {} p {p}", case["name"], tested.estimand.statistic);
            }
        }
    }
}

/// Two one-sided tests at 5% are the 90% interval within the margin.
#[test]
fn equivalence_is_the_interval() {
    let even: Vec<[usize; 4]> = (0..60)
        .map(|at| if at % 2 == 0 { [9 + at % 3, 40, 0, 0] } else { [0, 0, 9 + at % 3, 40] })
        .collect();
    let log = log_of(&even);
    let bounds = ShareBounds { level: 0.9, ..ShareBounds::default() };
    let interval =
        one(Audit::of(&log, &question()).interval(Interval::ShareBounds(bounds))).interval.unwrap();
    let (low, high) = (interval.low.unwrap(), interval.high.unwrap());
    for (by, within) in [(0.999, true), (1.001, false)] {
        let margin = Equivalence { low: low * by, high: high / by, ..Equivalence::default() };
        let p = one(Audit::of(&log, &question()).test(Test::Equivalence(margin)))
            .test
            .unwrap()
            .p
            .unwrap();
        assert_eq!(p < 0.05, within, "{p}");
    }
}

/// Where an arm's share does not vary no method takes it for known.
#[test]
fn an_arm_at_its_limit_varies() {
    let clusters: Vec<[usize; 4]> = (0..40)
        .map(|at| if at < 30 { [usize::from(at % 3 > 0), 1, 0, 0] } else { [0, 0, 1, 1] })
        .collect();
    let log = log_of(&clusters);
    for statistic in [0, 1] {
        let of = |interval| {
            let question = match statistic {
                0 => question().statistic(AmplificationRatio),
                _ => question().statistic(Difference),
            };
            one(Audit::of(&log, &question).interval(interval))
        };
        let default = of(Interval::default());
        for interval in [
            Interval::Delta(Delta::default()),
            Interval::Jackknife(Jackknife::default()),
            Interval::Bootstrap(tiltmeter::inference::Bootstrap::default()),
            Interval::WildBootstrap(tiltmeter::inference::WildBootstrap::default()),
        ] {
            let estimate = of(interval);
            assert_eq!(estimate.method, Some(IntervalMethod::ShareBounds), "{interval:?}");
            assert_eq!(estimate.interval, default.interval, "{interval:?}");
            assert_eq!(estimate.standard_error, None);
        }
        assert_eq!(default.finding.unwrap().alone, SideOfNull::Includes);
    }
    // 0.025^(1/10): the Clopper-Pearson bound of 10 of 10, and of the 20 of 30 that 0.5's inverse gives.
    let tens: Vec<_> = clusters[30..].iter().map(|c| [c[2], c[3], 0, 1]).collect();
    let share = one(Audit::of(&log_of(&tens), &question().statistic(TreatmentShare)));
    let low = share.interval.unwrap().low.unwrap();
    assert!((low - 0.025_f64.powf(0.1)).abs() < 1e-12, "{low}");
    assert_eq!(AmplificationRatio.scale(), tiltmeter::statistic::Scale::Log);
}

/// Twenty topics that go together within viewers, and no difference between the arms, in 400 studies: some topic is
/// a finding alone in far more than 5% of them, and one among all in no more than 5% (four binomial standard
/// deviations of 1.1 points each).
#[test]
fn findings_know_how_many_were_asked_about() {
    const STUDIES: u32 = 400;
    let mut random = Random(20_241_128);
    let mut uniform = || random.next();
    let topics: Vec<String> = (0..20).map(|topic| format!("t{topic:02}")).collect();
    let names: Vec<String> = (0..60).map(|viewer| format!("v{viewer:02}")).collect();
    let (mut alone, mut among_all) = (0, 0);
    for _ in 0..STUDIES {
        let (mut who, mut arms, mut about) = (Vec::new(), Vec::new(), Vec::new());
        for (viewer, name) in names.iter().enumerate() {
            // A viewer likes the topics of a quarter four times as much as others.
            let (mood, shown) = ((uniform() * 4.0) as usize, 30 + (uniform() * 60.0) as usize);
            for _ in 0..shown {
                let pick = (uniform() * 35.0) as usize;
                let topic = if pick < 20 { pick } else { 5 * mood + pick % 5 };
                who.push(name.as_str());
                arms.push(if viewer % 2 == 0 { "a" } else { "b" });
                about.push(topics[topic].as_str());
            }
        }
        let source =
            SliceSource::new("null").text("who", &who).text("arm", &arms).text("about", &about);
        let schema = LogSchema::new().viewer("who").arm("arm").topics(TopicColumn::single("about"));
        let log = ExposureLog::read(source, &schema).unwrap();
        let report = Audit::of(&log, &Question::between("a", "b")).run().unwrap();
        assert_eq!(report.estimates().len(), 20);
        let any = |of: fn(&tiltmeter::Finding) -> SideOfNull| {
            let found = report.estimates().iter().filter_map(|its| its.finding);
            found.into_iter().any(|finding| of(&finding).is_clear())
        };
        alone += u32::from(any(|finding| finding.alone));
        among_all += u32::from(any(|finding| finding.among_all));
    }
    let part = |count: u32| f64::from(count) / f64::from(STUDIES);
    assert!(part(alone) > 0.15, "{}", part(alone));
    assert!(part(among_all) <= 0.05 + 4.0 * 0.011, "{}", part(among_all));
}
