//! Estimates against statsmodels, closed forms and a simulation with known truth.

#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test may stop at the first surprise"
)]

use serde_json::Value as Json;
use tiltmeter::inference::{Delta, Quantile};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::source::{Impression, ImpressionSource, SliceSource};
use tiltmeter::statistic::{
    AddOneReach, AmplificationRatio, Difference, HaldaneAnscombeRatio, LogRatio, OddsRatio,
    PercentAmplification, Statistic, TreatmentShare,
};
use tiltmeter::tally::{StratifyBy, Tally, TallySpec};
use tiltmeter::{
    Attention, Audit, Baseline, ClusterBy, Estimate, ExposureLog, Interval, IntervalMethod,
    NoInterval, Question, Reach, Relation, Unit, Value, Warning,
};

use crate::shared::random::Random;

fn close(what: &str, ours: f64, expected: f64, tolerance: f64) {
    let error = (ours - expected).abs() / expected.abs().max(f64::MIN_POSITIVE);
    assert!(ours == expected || error <= tolerance, "{what}: {ours}, not {expected}");
}

/// `tests/golden/statsmodels.json`: a model with the right link has the statistic as coefficient.
/// `tests/golden/survey.json`: the same for nested clusters by R's survey package.
#[test]
fn statsmodels_and_survey() {
    let survey: Json = serde_json::from_str(include_str!("../golden/survey.json")).unwrap();
    let golden: Json = serde_json::from_str(include_str!("../golden/statsmodels.json")).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let rows = case["rows"].as_array().unwrap();
        let text =
            |at: usize| -> Vec<&str> { rows.iter().map(|r| r[at].as_str().unwrap()).collect() };
        let topics: Vec<&str> = rows.iter().map(|r| if r[2] == 1 { "t" } else { "" }).collect();
        let weights: Vec<f64> = rows.iter().map(|r| r[3].as_f64().unwrap()).collect();
        let source = SliceSource::new("golden")
            .text("cluster", &text(0))
            .text("arm", &text(1))
            .text("topic", &topics)
            .float("weight", &weights);
        let mut schema =
            LogSchema::new().viewer("cluster").arm("arm").topics(TopicColumn::single("topic"));
        if case["weighted"] == true {
            schema = schema.weight("weight");
        }
        let log = ExposureLog::read(source, &schema).unwrap();
        let crossed = case["crossed"] == true;
        // statsmodels leaves the factor G/(G-1) out. Nested: 12 clusters in each of two arms.
        let factor = if crossed { 24.0 / 23.0 } else { 12.0 / 11.0 };
        let statistics: [(&dyn Statistic, &str); 4] = [
            (&LogRatio, "log_ratio"),
            (&OddsRatio, "log_odds_ratio"),
            (&Difference, "difference"),
            (&TreatmentShare, "log_odds_of_share"),
        ];
        let report = Audit::of(
            &log,
            &Question::between("a", "b")
                .statistic(LogRatio)
                .statistic(OddsRatio)
                .statistic(Difference)
                .statistic(TreatmentShare),
        )
        .run()
        .unwrap();
        let of_survey = survey["cases"]
            .as_array()
            .unwrap()
            .iter()
            .find(|found| !crossed && found["weighted"] == case["weighted"]);
        assert_eq!(of_survey.is_some(), !crossed);
        for (statistic, name) in statistics {
            let ours = report.estimate(statistic, "t").unwrap();
            let what = format!("{name}, crossed {crossed}, weighted {}", case["weighted"]);
            let value = ours.value.number().unwrap();
            let working = match name {
                "log_odds_ratio" => value.ln(),
                "log_odds_of_share" => (value / (1.0 - value)).ln(),
                _ => value,
            };
            let error = ours.standard_error.unwrap();
            let expected = &case[name];
            // Weights are rounded to 2^-40 and the models iterate to 1e-14.
            close(&what, working, expected["estimate"].as_f64().unwrap(), 1e-8);
            let variance = factor * expected["variance_uncorrected"].as_f64().unwrap();
            close(&what, error.powi(2), variance, 1e-8);
            if let Some(found) = of_survey {
                close(&what, working, found[name]["estimate"].as_f64().unwrap(), 1e-10);
                close(&what, error, found[name]["standard_error"].as_f64().unwrap(), 1e-10);
            }
            let relation = if crossed { Relation::Crossed } else { Relation::Nested };
            assert_eq!(ours.clusters.relation, relation);
        }
    }
}

type Row<'a> = (&'a str, &'a str, &'a [&'a str]);

fn log(rows: &[Row<'_>]) -> ExposureLog {
    let rows: Vec<_> = rows
        .iter()
        .map(|&(viewer, arm, topics)| Impression {
            viewer: Some(viewer),
            arm: Some(arm),
            topics,
            ..Default::default()
        })
        .collect();
    ExposureLog::read(ImpressionSource::new(&rows), &ImpressionSource::schema(&rows)).unwrap()
}

/// Six viewers, three in each arm.
fn six() -> ExposureLog {
    log(&[
        ("1", "a", &["t"]),
        ("1", "a", &["t", "u"]),
        ("1", "a", &[]),
        ("2", "a", &["t"]),
        ("2", "a", &["u"]),
        ("3", "a", &["v"]),
        ("4", "b", &["t"]),
        ("4", "b", &["v"]),
        ("4", "b", &["v"]),
        ("5", "b", &["v"]),
        ("6", "b", &["t"]),
        ("6", "b", &["u"]),
        ("6", "b", &[]),
        ("6", "b", &[]),
    ])
}

/// With the delta method, which is what most of these tests are about: they have few clusters, for
/// which the default would be another.
fn audit<'l>(log: &'l ExposureLog, question: &Question) -> Audit<'l> {
    Audit::of(log, question).interval(Interval::Delta(Delta::default()))
}

fn between() -> Question {
    Question::between("a", "b")
}

fn one(log: &ExposureLog, question: Question, topic: &str) -> Estimate {
    audit(log, &question.topics([topic])).run().unwrap().estimates()[0].clone()
}

/// By hand: a shows t in 3 of 6 impressions, b in 2 of 8.
#[test]
fn values_by_hand() {
    let log = six();
    let value = |question| one(&log, question, "t").value.number().unwrap();
    close("ratio", value(between()), 2.0, 1e-15);
    close("log", value(between().statistic(LogRatio)), 2_f64.ln(), 1e-15);
    close("percent", value(between().statistic(PercentAmplification)), 100.0, 1e-14);
    close("difference", value(between().statistic(Difference)), 0.25, 1e-15);
    close("odds", value(between().statistic(OddsRatio)), 3.0, 1e-15);
    // (3.5 / 7) / (2.5 / 9); statsmodels' `Table2x2` with 1/2 added gives the same.
    close("half", value(between().statistic(HaldaneAnscombeRatio)), 1.8, 1e-15);
    // Means of viewers' shares: (2/3 + 1/2 + 0)/3 against (1/3 + 0 + 1/4)/3.
    close("mean", value(between().unit(Unit::ClusterMean)), (7.0 / 6.0) / (7.0 / 12.0), 1e-15);
    // Two of three viewers see t at all in either arm; once only, two against none.
    let reach = |impressions| Unit::Reach(Reach { impressions, mass: 0.0 });
    close("reach", value(between().unit(reach(1))), 1.0, 1e-15);
    let twice = one(&log, between().unit(reach(2)).statistic(TreatmentShare), "t");
    close("twice", twice.value.number().unwrap(), 1.0 / 3.0, 1e-15);
    // Huszar et al.: (2 + 1)/(1 * 2 + 1) - 1 for at least once, (1 + 1)/(0 + 1) - 1 for twice.
    close("add one", value(between().unit(reach(1)).statistic(AddOneReach)), 0.0, 1e-15);
    close("add one", value(between().unit(reach(2)).statistic(AddOneReach)), 100.0, 1e-14);
}

/// Influences by hand: for t in a, h = (x - n/2)/3 is (1/2, 0, -1/2)/3, so v_a = 3/2 * 1/18 = 1/12.
#[test]
fn variance_by_hand() {
    let log = six();
    let estimate = one(&log, between(), "t");
    let v_a: f64 = 1.5 * ((0.5_f64 / 3.0).powi(2) + (-0.5_f64 / 3.0).powi(2));
    // In b, S = 1/4, X = 2: h = (1 - 3/4)/2, (0 - 1/4)/2, (1 - 1)/2.
    let v_b: f64 = 1.5 * (0.125_f64.powi(2) + 0.125_f64.powi(2));
    close("se", estimate.standard_error.unwrap(), (v_a + v_b).sqrt(), 1e-14);
    let degrees = (v_a + v_b).powi(2) / (v_a * v_a / 2.0 + v_b * v_b / 2.0);
    close("degrees", estimate.degrees_of_freedom.unwrap(), degrees, 1e-14);
    // Naive: (1 - S)/X in each arm.
    let naive = (0.5_f64 / 3.0 + 0.75 / 2.0).sqrt();
    close("naive", estimate.naive.unwrap().standard_error, naive, 1e-14);
    let effect = (v_a + v_b) / (naive * naive);
    close("effect", estimate.naive.unwrap().design_effect.unwrap(), effect, 1e-13);
    let few = |its: &&Warning| matches!(its, Warning::FewClusters { clusters: 3, .. });
    assert_eq!(estimate.warnings.iter().filter(few).count(), 2, "{:?}", estimate.warnings);
    // And a column called like a count is told that nobody reads.
    assert!(matches!(estimate.warnings[2..], [Warning::UnreadCount { .. }]));
}

/// The difference of cluster means is Welch's t test of the shares when clusters are nested, and the
/// paired t test when all are in both arms. scipy 1.17.1: `ttest_ind([2/3, 1/2, 0], [1/3, 0, 1/4],
/// equal_var=False)` and `ttest_rel([3/4, 1/2, 1/3, 2/3], [1/4, 1/2, 0, 3/5])`, their `df` and
/// `confidence_interval(0.95)`.
#[test]
fn cluster_means_are_t_tests() {
    let check = |log: &ExposureLog, degrees: f64, low: f64, high: f64| {
        let estimate = one(log, between().unit(Unit::ClusterMean).statistic(Difference), "t");
        close("degrees", estimate.degrees_of_freedom.unwrap(), degrees, 1e-12);
        let interval = estimate.interval.unwrap();
        close("low", interval.low.unwrap(), low, 1e-11);
        close("high", interval.high.unwrap(), high, 1e-11);
    };
    check(&six(), 2.941176470588235, -0.5264017105533455, 0.9152905994422343);
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (viewer, [(seen, of), (seen_b, of_b)]) in [
        ("1", [(3, 4), (1, 4)]),
        ("2", [(1, 2), (2, 4)]),
        ("3", [(1, 3), (0, 2)]),
        ("4", [(4, 6), (3, 5)]),
    ] {
        for (arm, seen, of) in [("a", seen, of), ("b", seen_b, of_b)] {
            rows.extend((0..of).map(|at| (viewer, arm, if at < seen { &["t"][..] } else { &[] })));
        }
    }
    check(&log(&rows), 3.0, -0.14596954905512316, 0.5959695490551231);
}

/// With every impression its own cluster, the robust variance is the naive one times n/(n-1).
#[test]
fn impressions_as_clusters_are_naive() {
    let log = six();
    for statistic in [&AmplificationRatio as &dyn Statistic, &OddsRatio, &Difference] {
        let spec = TallySpec { cluster: ClusterBy::Impression, ..TallySpec::default() };
        let tally = Tally::of(&log, &spec).unwrap();
        let baseline = Baseline::arm("b");
        let question = tiltmeter::inference::TopicQuestion {
            topic: "t",
            treatment: "a",
            baseline: &baseline,
            unit: Unit::Pooled,
            denominator: tiltmeter::Denominator::AllImpressions,
            attention: &Attention::Uniform,
            correction: None,
        };
        let interval = Interval::Delta(Delta::default());
        let estimate =
            tiltmeter::inference::estimate(&tally, &question, statistic, interval).unwrap();
        let naive = estimate.naive.unwrap().standard_error;
        let robust = estimate.standard_error.unwrap();
        // Between 6/5 and 8/7, the factors of the arms.
        let ratio = (robust / naive).powi(2);
        assert!((8.0 / 7.0..=6.0 / 5.0).contains(&ratio), "{statistic:?}: {ratio}");
        assert!(estimate.warnings.contains(&Warning::ImpressionsAsClusters));
    }
}

/// Every viewer m times over, as impressions and not as viewers, changes nothing but the naive
/// error, which falls by the root of m: the design effect is m.
#[test]
fn copies_of_impressions_are_not_evidence() {
    let rows: Vec<Row<'_>> = vec![
        ("1", "a", &["t"]),
        ("2", "a", &[]),
        ("3", "a", &["t"]),
        ("4", "a", &[]),
        ("5", "b", &["t"]),
        ("6", "b", &[]),
        ("7", "b", &[]),
        ("8", "b", &[]),
    ];
    let once = one(&log(&rows), between(), "t");
    let many = one(&log(&rows.repeat(25)), between(), "t");
    close("value", many.value.number().unwrap(), once.value.number().unwrap(), 1e-14);
    close("robust", many.standard_error.unwrap(), once.standard_error.unwrap(), 1e-13);
    let naive = |estimate: &Estimate| estimate.naive.unwrap().standard_error;
    close("naive", naive(&many), naive(&once) / 5.0, 1e-13);
}

#[test]
fn states_of_zero_cells() {
    let log = log(&[
        ("1", "a", &["only a", "both"]),
        ("2", "a", &["both"]),
        ("3", "a", &["only a"]),
        ("4", "b", &["only b"]),
        ("5", "b", &["both"]),
        ("6", "b", &["both", "only b"]),
    ]);
    let infinite = one(&log, between(), "only a");
    assert_eq!(infinite.value, Value::Infinite);
    let interval = infinite.interval.unwrap();
    assert!(interval.low.unwrap() > 0.0 && interval.high.is_none());
    assert_eq!(infinite.method, Some(IntervalMethod::ShareBounds));
    assert!(infinite.warnings.iter().any(|w| matches!(w, Warning::ZeroShare { .. })));

    let zero = one(&log, between(), "only b");
    assert_eq!(zero.value, Value::Zero(0.0));
    let interval = zero.interval.unwrap();
    assert!(interval.low.is_none() && interval.high.unwrap().is_finite());

    assert_eq!(one(&log, between().statistic(LogRatio), "only b").value, Value::NegativeInfinite);
    assert_eq!(one(&log, between().statistic(LogRatio), "only a").value, Value::Infinite);
    let percent = one(&log, between().statistic(PercentAmplification), "only b");
    assert_eq!(percent.value, Value::Zero(-100.0));
    let difference = one(&log, between().statistic(Difference), "only a");
    close("difference", difference.value.number().unwrap(), 2.0 / 3.0, 1e-15);
    assert!(difference.interval.is_ok());

    // In neither of the two arms, but in a third.
    let third = self::log(&[("1", "a", &[]), ("2", "b", &[]), ("3", "c", &["t"])]);
    let undefined = one(&third, between(), "t");
    assert!(matches!(undefined.value, Value::Undefined(_)), "{:?}", undefined.value);
    assert_eq!(undefined.interval, Err(NoInterval::UndefinedValue));
    assert_eq!(undefined.value.number(), None);
}

/// Reach 12 of 20 against 0 of 20, each bounded after Clopper and Pearson at 97.5% and put together by the
/// rule for ratios, `sqrt(l (2 p - l)) / u`: scipy.stats.beta.ppf(0.025, 12, 9) below, and for no success in 20
/// trials 1 - 0.025^(1/20).
#[test]
fn one_sided_bound_by_clusters() {
    let names: Vec<String> = (0..40).map(|i| i.to_string()).collect();
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (i, name) in names.iter().enumerate() {
        match i {
            0..12 => rows.push((name, "a", &["t"])),
            12..20 => rows.push((name, "a", &[])),
            _ => rows.push((name, "b", &[])),
        }
    }
    let log = log(&rows);
    let estimate = one(&log, between().unit(Unit::Reach(Reach::default())), "t");
    assert_eq!(
        (estimate.value, estimate.method),
        (Value::Infinite, Some(IntervalMethod::ShareBounds))
    );
    let (low, upper) = (0.360_542_587_307_489_67_f64, 1.0 - 0.025_f64.powf(1.0 / 20.0));
    let bound = (low * (1.2 - low)).sqrt() / upper;
    close("bound", estimate.interval.unwrap().low.unwrap(), bound, 1e-12);
}

/// Half of what each of two clusters saw, against nothing in four: the share that does not vary is that of
/// two clusters, 1 in 2 (Clopper and Pearson: 1 - sqrt(0.975)), the other that of four, 1 - 0.025^(1/4).
#[test]
fn one_sided_bound_where_the_other_share_does_not_vary() {
    let baseline = [("5", "b", &[][..]), ("6", "b", &[]), ("7", "b", &[]), ("8", "b", &[])];
    let alike: [Row<'_>; 4] =
        [("1", "a", &["t"]), ("1", "a", &[]), ("2", "a", &["t"]), ("2", "a", &[])];
    let estimate = one(&log(&[&alike[..], &baseline].concat()), between(), "t");
    assert_eq!(
        (estimate.value, estimate.method),
        (Value::Infinite, Some(IntervalMethod::ShareBounds))
    );
    let low = 1.0 - 0.975_f64.sqrt();
    let bound = (low * (1.0 - low)).sqrt() / (1.0 - 0.025_f64.powf(0.25));
    close("bound", estimate.interval.unwrap().low.unwrap(), bound, 1e-12);
    // One cluster shows nothing of how shares vary.
    let single = one(&log(&[&alike[..2], &baseline].concat()), between(), "t");
    assert_eq!(single.interval, Err(NoInterval::SingleCluster));
}

#[test]
fn too_little_to_tell() {
    let single = log(&[("1", "a", &["t"]), ("1", "a", &[]), ("2", "b", &["t"]), ("3", "b", &[])]);
    assert_eq!(one(&single, between(), "t").interval, Err(NoInterval::SingleCluster));
    let alike = log(&[
        ("1", "a", &["t"]),
        ("1", "a", &[]),
        ("2", "a", &["t"]),
        ("2", "a", &[]),
        ("3", "b", &["t"]),
        ("3", "b", &[]),
        ("4", "b", &["t"]),
        ("4", "b", &[]),
    ]);
    // Two viewers in each arm do not make a share of one half known: 1 in 2 is from 0.0126 to 0.9874.
    let estimate = one(&alike, between(), "t");
    assert_eq!(
        (estimate.method, estimate.standard_error),
        (Some(IntervalMethod::ShareBounds), None)
    );
    close("value", estimate.value.number().unwrap(), 1.0, 1e-15);
    let share = 1.0 - 0.975_f64.sqrt();
    let far = (0.5 / share).ln().hypot(((1.0 - share) / 0.5).ln()).exp();
    let interval = estimate.interval.unwrap();
    close("high", interval.high.unwrap(), far, 1e-12);
    close("low", interval.low.unwrap(), 1.0 / far, 1e-12);
}

#[test]
fn warnings_of_the_design() {
    let source = SliceSource::new("strata")
        .text("v", &["1", "2", "3", "4", "5"])
        .text("arm", &["a", "a", "b", "b", "a"])
        .text("state", &["GA", "NY", "GA", "GA", "GA"])
        .text("slate", &["s1", "s2", "s3", "s3", "s1"])
        .text("item", &["i", "i", "j", "j", "i"])
        .text("t", &["t", "t", "t", "", ""]);
    let schema = LogSchema::new()
        .viewer("v")
        .arm("arm")
        .stratum("state")
        .slate("slate")
        .item("item")
        .topics(TopicColumn::single("t"));
    let log = ExposureLog::read(source, &schema).unwrap();
    let warnings = one(&log, between(), "t").warnings;
    let missing = Warning::ArmMissingInStratum {
        stratum: "NY".into(),
        side: tiltmeter::statistic::Side::Baseline,
    };
    assert!(warnings.contains(&missing), "{warnings:?}");
    let repeats = Warning::RepeatedItems { slates: 2, impressions: 2 };
    assert!(warnings.contains(&repeats), "{warnings:?}");
    let few = warnings.iter().filter(|w| matches!(w, Warning::FewClusters { .. })).count();
    assert_eq!(few, 2);
    // Strata change no pooled number.
    let apart = one(&log, between(), "t");
    let together = one(&log, between().strata(StratifyBy::Nothing), "t");
    assert_eq!((apart.value, apart.interval), (together.value, together.interval));
}

/// Cascade by hand: satisfactions 0.5, 0.2 and anything, so attention 1, 0.5 and 0.4.
#[test]
fn cascade() {
    let source = SliceSource::new("cascade")
        .text("v", &["1", "1", "1", "2"])
        .text("arm", &["a", "a", "a", "b"])
        .text("slate", &["s", "s", "s", "r"])
        .integer("rank", &[2, 1, 3, 1])
        .float("stop", &[0.2, 0.5, 0.9, 0.0])
        .text("t", &["", "", "t", "t"]);
    let schema = LogSchema::new()
        .viewer("v")
        .arm("arm")
        .slate("slate")
        .position("rank")
        .satisfaction("stop")
        .topics(TopicColumn::single("t"));
    let log = ExposureLog::read(source, &schema).unwrap();
    let estimate = one(&log, between().attention(Attention::Cascade), "t");
    close("share", estimate.treatment.share.unwrap(), 0.4 / 1.9, 1e-11);
}

/// Viewers of known taste: the robust interval holds the truth about as often as it says, the
/// naive one far less often. 40 viewers an arm, 30 impressions each, taste uniform on [0, 0.6] in
/// the treatment and [0, 0.4] in the baseline: R = 1.5.
#[test]
fn coverage_with_known_truth() {
    const STUDIES: usize = 1_000;
    let mut uniform = Random(20241105);
    let names: Vec<String> = (0..80).map(|viewer| viewer.to_string()).collect();
    let (mut robust, mut naive) = (0, 0);
    for _ in 0..STUDIES {
        let mut rows: Vec<Row<'_>> = Vec::with_capacity(2_400);
        for (at, name) in names.iter().enumerate() {
            let (arm, most) = if at < 40 { ("a", 0.6) } else { ("b", 0.4) };
            let taste = most * uniform.next();
            for _ in 0..30 {
                rows.push((name, arm, if uniform.next() < taste { &["t"] } else { &[] }));
            }
        }
        let estimate = one(&log(&rows), between(), "t");
        let holds =
            |low: Option<f64>, high: Option<f64>| low.unwrap() <= 1.5 && 1.5 <= high.unwrap();
        let interval = estimate.interval.unwrap();
        robust += usize::from(holds(interval.low, interval.high));
        let interval = estimate.naive.unwrap().interval;
        naive += usize::from(holds(interval.low, interval.high));
    }
    // Binomial, 1,000 draws at 95%: standard deviation 0.69 points, so 4 of them are 2.8.
    let covered = robust as f64 / STUDIES as f64;
    assert!((covered - 0.95).abs() < 0.028, "robust intervals cover {covered}");
    let covered = naive as f64 / STUDIES as f64;
    assert!(covered < 0.75, "naive intervals cover {covered}");
}

/// Seeds the simulation above does not share: the bound for an infinite ratio, with a topic so
/// rare in the baseline that it is often not seen, is below the true ratio at least as often as it
/// says.
#[test]
fn coverage_of_one_sided_bounds() {
    let mut uniform = Random(7);
    let names: Vec<String> = (0..60).map(|viewer| viewer.to_string()).collect();
    let (mut seen, mut held) = (0, 0);
    for _ in 0..600 {
        let mut rows: Vec<Row<'_>> = Vec::with_capacity(1_200);
        for (at, name) in names.iter().enumerate() {
            // Half of the viewers have the taste, at 10% in the treatment and 0.4% in the baseline.
            let (arm, most) = if at < 30 { ("a", 0.1) } else { ("b", 0.004) };
            let taste = if uniform.next() < 0.5 { most } else { 0.0 };
            for _ in 0..20 {
                rows.push((name, arm, if uniform.next() < taste { &["t"] } else { &[] }));
            }
        }
        let estimate = one(&log(&rows), between(), "t");
        if estimate.value == Value::Infinite {
            seen += 1;
            held += usize::from(estimate.interval.unwrap().low.unwrap() <= 25.0);
        }
    }
    assert!(seen > 100, "{seen}");
    let covered = f64::from(held as u32) / f64::from(seen);
    let floor = 0.95 - 4.0 * (0.95 * 0.05 / f64::from(seen)).sqrt();
    assert!(covered >= floor, "bounds hold in {covered} of {seen}");
}

/// Level and quantile do what they say: a 90% normal interval is log R -+ 1.6449 se.
#[test]
fn levels_and_quantiles() {
    let log = six();
    let delta = Delta { level: 0.9, quantile: Quantile::Normal };
    let audit = audit(&log, &between().topics(["t"])).interval(Interval::Delta(delta));
    let estimate = audit.run().unwrap().estimates()[0].clone();
    let interval = estimate.interval.unwrap();
    let half = (interval.high.unwrap() / interval.low.unwrap()).ln() / 2.0;
    // scipy.stats.norm.ppf(0.95) = 1.6448536269514722
    close("half", half, 1.644_853_626_951_472_2 * estimate.standard_error.unwrap(), 1e-12);
    assert_eq!((estimate.degrees_of_freedom, interval.level), (None, 0.9));
}

/// Clusters belong to an arm by their mass there (METHODS section 4): an impression of weight 0 in
/// the other arm does not make clusters crossed. With shares 1/2, 1/3 in a and 1/4, 1/2 in b the
/// pooled log ratio is ln((2/5)/(2/6)), and each arm's variance is 2 sum h^2 with
/// h = x/X - n/N, by hand.
#[test]
fn weightless_impressions_make_no_members() {
    let shown = [("a", "a", 1, 2), ("b", "a", 1, 3), ("c", "b", 1, 4), ("d", "b", 1, 2)];
    let mut rows: Vec<(&str, &str, &str, f64)> = Vec::new();
    for (viewer, arm, topic, all) in shown {
        rows.extend((0..all).map(|n| (viewer, arm, if n < topic { "p" } else { "q" }, 1.0)));
    }
    rows.push(("c", "a", "q", 0.0));
    let text = |of: fn(&(&'static str, &'static str, &'static str, f64)) -> &'static str| {
        rows.iter().map(of).collect::<Vec<_>>()
    };
    let source = SliceSource::new("rows")
        .text("viewer", &text(|row| row.0))
        .text("arm", &text(|row| row.1))
        .text("topic", &text(|row| row.2))
        .float("weight", &rows.iter().map(|row| row.3).collect::<Vec<_>>());
    let schema = LogSchema::new()
        .viewer("viewer")
        .arm("arm")
        .topics(TopicColumn::single("topic"))
        .weight("weight");
    let log = ExposureLog::read(source, &schema).unwrap();
    let report = audit(&log, &between().topics(["p"])).run().unwrap();
    let estimate = &report.estimates()[0];
    assert_eq!(estimate.clusters.relation, tiltmeter::Relation::Nested);
    assert_eq!((estimate.clusters.treatment, estimate.clusters.baseline), (2, 2));
    let arm = |all: [f64; 2]| -> f64 {
        let sum: f64 = all.iter().map(|n| (0.5 - n / (all[0] + all[1])).powi(2)).sum();
        2.0 * sum
    };
    let (a, b) = (arm([2.0, 3.0]), arm([4.0, 2.0]));
    let error = estimate.standard_error.unwrap();
    assert!((error - (a + b).sqrt()).abs() < 1e-12, "{error}");
    let degrees = (a + b).powi(2) / (a * a + b * b);
    assert!((estimate.degrees_of_freedom.unwrap() - degrees).abs() < 1e-9);
    let left_out = |w: &Warning| matches!(w, Warning::ClustersWithoutMass { clusters: 1, .. });
    assert!(estimate.warnings.iter().any(left_out));
}
