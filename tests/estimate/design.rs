//! Planning from a pilot: independent implementations, closed forms, and studies simulated at the
//! effect that a design is said to detect.

use serde_json::Value as Json;
use tiltmeter::inference::{
    Caution, Delta, PerArm, Pilot, Quantile, SampleSizePlan, TopicQuestion, estimate,
};
use tiltmeter::source::{Impression, ImpressionSource};
use tiltmeter::statistic::{AmplificationRatio, Difference, Side, Statistic, TreatmentShare};
use tiltmeter::tally::{Tally, TallySpec};
use tiltmeter::{
    Attention, Baseline, Denominator, Error, ExposureLog, Interval, NoInterval, Reach, Relation,
    Unit,
};

use crate::shared::random::Random;

/// Viewer, arm, whether the impression is of the topic.
type Row = (String, &'static str, bool);

fn tally(rows: &[Row]) -> Tally {
    let rows: Vec<_> = rows
        .iter()
        .map(|(viewer, arm, topic)| Impression {
            viewer: Some(viewer),
            arm: Some(arm),
            topics: if *topic { &["t"] } else { &["u"] },
            ..Default::default()
        })
        .collect();
    let source = ImpressionSource::new(&rows);
    let log = ExposureLog::read(source, &ImpressionSource::schema(&rows)).unwrap();
    Tally::of(&log, &TallySpec::default()).unwrap()
}

fn asked<R>(unit: Unit, with: impl FnOnce(&TopicQuestion<'_>) -> R) -> R {
    with(&TopicQuestion {
        topic: "t",
        treatment: "a",
        baseline: &Baseline::arm("b"),
        unit,
        denominator: Denominator::AllImpressions,
        attention: &Attention::Uniform,
        correction: None,
    })
}

fn pilot_of(tally: &Tally, unit: Unit, statistic: &dyn Statistic) -> Result<Pilot, Error> {
    asked(unit, |question| Pilot::of(tally, question, statistic))
}

fn ratio(rows: &[Row]) -> Pilot {
    pilot_of(&tally(rows), Unit::Pooled, &AmplificationRatio).unwrap()
}

fn close(what: &str, ours: f64, expected: f64, tolerance: f64) {
    let error = (ours - expected).abs() / expected.abs().max(f64::MIN_POSITIVE);
    assert!(ours == expected || error <= tolerance, "{what}: {ours}, not {expected}");
}

fn per_arm(json: &Json) -> PerArm {
    PerArm { treatment: json[0].as_u64().unwrap(), baseline: json[1].as_u64().unwrap() }
}

const QUANTILES: [(Quantile, &str); 2] =
    [(Quantile::Normal, "normal"), (Quantile::StudentT, "student")];

fn golden() -> Json {
    serde_json::from_str(include_str!("../golden/design.json")).unwrap()
}

fn golden_rows(case: &Json) -> Vec<Row> {
    let row = |row: &Json| {
        let arm = if row[1] == "a" { "a" } else { "b" };
        (row[0].as_str().unwrap().to_owned(), arm, row[2] == 1)
    };
    case["rows"].as_array().unwrap().iter().map(row).collect()
}

/// `tests/golden/design.json` (statsmodels, scipy, pandas, by `make_design.py`), to 1e-9 relative.
#[test]
fn independent_implementations() {
    let golden = golden();
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        let pilot = ratio(&golden_rows(case));
        let name = case["name"].as_str().unwrap();
        let check = |what: &str, ours: f64, golden: &Json| {
            close(&format!("{name}, {what}"), ours, golden.as_f64().unwrap(), 1e-9);
        };
        assert_eq!(pilot.clusters.relation == Relation::Crossed, case["crossed"] == true);
        check("intraclass", pilot.intraclass.unwrap(), &case["intraclass"]);
        check("mean", pilot.impressions_per_cluster, &case["mean"]);
        check("variation", pilot.size_variation, &case["variation"]);
        check("design effect", pilot.design_effect, &case["design_effect"]);
        check("unequal", pilot.design_effect_unequal, &case["design_effect_unequal"]);
        check("share in a", pilot.treatment.share, &case["share_a"]);
        check("share in b", pilot.baseline.share, &case["share_b"]);
        for row in case["designs"].as_array().unwrap() {
            for (quantile, field) in QUANTILES {
                let design =
                    SampleSizePlan { quantile, ..SampleSizePlan::of(per_arm(&row["clusters"])) };
                let smallest = pilot.minimum_detectable(&design).unwrap();
                check("effect", smallest.effect, &row[field]["effect"]);
                check("above", smallest.above, &row[field]["above"]);
                close("below", smallest.below, 1.0 / smallest.above, 1e-12);
                check("standard error", smallest.standard_error, &row[field]["standard_error"]);
                if let Some(degrees) = smallest.degrees_of_freedom {
                    check("degrees", degrees, &row[field]["degrees"]);
                }
                let power = pilot.power_at(1.4, &design).unwrap();
                check("power", power, &row[field]["power_at_1.4"]);
            }
        }
        for row in case["needed"].as_array().unwrap() {
            for (quantile, field) in QUANTILES {
                let design = SampleSizePlan { quantile, ..SampleSizePlan::of(PerArm::equal(2)) };
                let needed = pilot.clusters_needed(row["truth"].as_f64().unwrap(), &design);
                assert_eq!(Json::from(needed.unwrap()), row[field], "{name}, {field}");
            }
        }
        for row in case["textbook"].as_array().unwrap() {
            let design = SampleSizePlan {
                quantile: Quantile::Normal,
                impressions_per_cluster: row["impressions"].as_f64(),
                ..SampleSizePlan::of(per_arm(&row["clusters"]))
            };
            let ours = pilot.minimum_detectable_difference(&design).unwrap();
            check("textbook", ours, &row["difference"]);
        }
    }
}

/// What the docs say of Student's distribution shifted against the noncentral one
/// (`statsmodels.stats.power.TTestIndPower`).
#[test]
fn shifted_against_noncentral() {
    let golden = golden();
    for row in golden["noncentral"].as_array().unwrap() {
        let [degrees, shifted, exact] =
            ["degrees", "shifted", "noncentral"].map(|field| row[field].as_f64().unwrap());
        let most = if degrees < 28.0 { 0.04 } else { 0.01 };
        assert!(shifted <= exact + 1e-4 && exact - shifted < most, "{row}");
    }
}

/// `viewers` viewers an arm, the first of them showing the topic `most` times of `all`, the others
/// less often by arithmetic.
fn made(viewers: usize, all: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for viewer in 0..2 * viewers {
        let arm = if viewer % 2 == 0 { "a" } else { "b" };
        let topic = 1 + (viewer * 7) % (all - 1);
        rows.extend((0..all).map(|n| (viewer.to_string(), arm, n < topic)));
    }
    rows
}

/// A design of the pilot's own size expects the standard error that the pilot has.
#[test]
fn the_pilots_own_size() {
    for crossed in [false, true] {
        let mut rows = made(12, 10);
        if crossed {
            rows.extend((0..24).map(|viewer| (viewer.to_string(), "b", viewer % 5 == 0)));
            rows.extend((0..24).map(|viewer| (viewer.to_string(), "a", viewer % 3 == 0)));
        }
        let tally = tally(&rows);
        for unit in [Unit::Pooled, Unit::ClusterMean] {
            let pilot = pilot_of(&tally, unit, &AmplificationRatio).unwrap();
            let method = Interval::Delta(Delta::default());
            let found =
                asked(unit, |question| estimate(&tally, question, &AmplificationRatio, method));
            let found = found.unwrap();
            let clusters = if crossed { 24 } else { 12 };
            let design = SampleSizePlan::of(PerArm::equal(clusters));
            let planned = pilot.minimum_detectable(&design).unwrap();
            close("se", planned.standard_error, found.standard_error.unwrap(), 1e-12);
            close(
                "degrees",
                planned.degrees_of_freedom.unwrap(),
                found.degrees_of_freedom.unwrap(),
                1e-12,
            );
            // Four times the clusters, half the error.
            let design = SampleSizePlan::of(PerArm::equal(4 * clusters));
            let larger = pilot.minimum_detectable(&design).unwrap();
            close("quarter", larger.standard_error, found.standard_error.unwrap() / 2.0, 1e-12);
        }
    }
}

/// By hand. Two viewers an arm with 2 impressions each; in a one shows the topic always and one
/// never, in b likewise: MSB = 1, MSW = 0, rho = 1, design effect 2, S(1 - S) = 1/4 in both arms.
#[test]
fn closed_form() {
    let rows: Vec<Row> = (0..8)
        .map(|n| ((n / 2).to_string(), if n < 4 { "a" } else { "b" }, n / 2 % 2 == 0))
        .collect();
    let pilot = ratio(&rows);
    assert_eq!(pilot.intraclass, Some(1.0));
    assert_eq!((pilot.design_effect, pilot.design_effect_unequal), (2.0, 2.0));
    assert_eq!((pilot.impressions_per_cluster, pilot.size_variation), (2.0, 0.0));
    let design =
        SampleSizePlan { quantile: Quantile::Normal, ..SampleSizePlan::of(PerArm::equal(50)) };
    // scipy.stats.norm.ppf(0.975) + norm.ppf(0.8) = 1.959963984540054 + 0.8416212335729143
    let multiplier = 2.801_585_218_112_968_3;
    let expected = multiplier * (2.0 * 0.25 * 2.0 / (50.0 * 2.0_f64)).sqrt();
    close("difference", pilot.minimum_detectable_difference(&design).unwrap(), expected, 1e-12);
    // Impressions that tell nothing new: with rho = 1 more of them change nothing.
    let more = SampleSizePlan { impressions_per_cluster: Some(60.0), ..design };
    close("more", pilot.minimum_detectable_difference(&more).unwrap(), expected, 1e-12);
    // log R: h = (x - S n)/X = +-1/2 in both arms, V = 2 (2/1 x 1/2) for 2 clusters.
    let smallest = pilot.minimum_detectable(&design).unwrap();
    close("effect", smallest.effect, multiplier * (2.0 * 2.0 / 50.0_f64).sqrt(), 1e-12);
    let more = pilot.minimum_detectable(&more).unwrap();
    close("more", more.effect, smallest.effect, 1e-12);
    let few = |side| Caution::FewClusters { side, clusters: 2 };
    assert_eq!(pilot.cautions, [few(Side::Treatment), few(Side::Baseline)]);
}

/// Clusters that are alike by less than chance: rho as low as it goes, design effects of 1.
#[test]
fn negative_correlation_is_kept_and_said() {
    // Two impressions each, one of the topic: MSB = 0 in both arms, rho = -1/(2 - 1).
    let mut rows: Vec<Row> = (0..40)
        .map(|n| ((n / 2).to_string(), if n < 20 { "a" } else { "b" }, n % 2 == 0))
        .collect();
    assert!(matches!(
        pilot_of(&tally(&rows), Unit::Pooled, &AmplificationRatio),
        Err(Error::Pilot { reason: NoInterval::NoVariation })
    ));
    // One of 20 viewers differs: 1/20 + ... small, and still below 0.
    rows[0].2 = false;
    let pilot = ratio(&rows);
    let rho = pilot.intraclass.unwrap();
    assert!(rho < -0.8 && rho > -1.0, "{rho}");
    assert_eq!((pilot.design_effect, pilot.design_effect_unequal), (1.0, 1.0));
    assert_eq!(pilot.cautions, [Caution::NegativeIntraclass { intraclass: rho }]);
}

/// The smallest number of clusters reaches the power, and one fewer does not; the detectable effect
/// of a design is detected with its power.
#[test]
fn clusters_and_power_agree() {
    let cases: [(&dyn Statistic, Unit, [f64; 3]); 4] = [
        (&AmplificationRatio, Unit::Pooled, [0.7, 1.1, 1.9]),
        (&AmplificationRatio, Unit::ClusterMean, [0.7, 1.1, 1.9]),
        (&Difference, Unit::Pooled, [-0.2, 0.03, 0.3]),
        (&TreatmentShare, Unit::Pooled, [0.2, 0.45, 0.7]),
    ];
    let tally = tally(&made(15, 12));
    for (statistic, unit, truths) in cases {
        let pilot = pilot_of(&tally, unit, statistic).unwrap();
        for (quantile, _) in QUANTILES {
            for power in [0.1, 0.5, 0.8, 0.99] {
                for level in [0.8, 0.95, 0.999] {
                    let design = SampleSizePlan {
                        quantile,
                        power,
                        level,
                        ..SampleSizePlan::of(PerArm::equal(2))
                    };
                    if power <= (1.0 - level) / 2.0 + 1e-9 {
                        continue;
                    }
                    let with = |n| SampleSizePlan { clusters_per_arm: PerArm::equal(n), ..design };
                    for truth in truths {
                        let needed = pilot.clusters_needed(truth, &design).unwrap();
                        let reached = pilot.power_at(truth, &with(needed)).unwrap();
                        assert!(reached >= power - 1e-9, "{statistic:?} {needed} {reached}");
                        if needed > 2 {
                            let short = pilot.power_at(truth, &with(needed - 1)).unwrap();
                            assert!(short < power, "{statistic:?} {needed} {short}");
                        }
                    }
                    let smallest = pilot.minimum_detectable(&with(30)).unwrap();
                    for truth in [smallest.above, smallest.below] {
                        let reached = pilot.power_at(truth, &with(30)).unwrap();
                        assert!((reached - power).abs() < 1e-7, "{statistic:?} {reached} {power}");
                    }
                    assert!(pilot.clusters_needed(smallest.above, &design).unwrap() <= 31);
                }
            }
        }
    }
}

#[test]
fn pilots_that_show_nothing() {
    let row = |viewer: &str, arm, topic| (viewer.to_owned(), arm, topic);
    let refused = |rows: &[Row], statistic: &dyn Statistic| match pilot_of(
        &tally(rows),
        Unit::Pooled,
        statistic,
    ) {
        Err(Error::Pilot { reason }) => reason,
        other => panic!("{other:?}"),
    };
    let single =
        [row("1", "a", true), row("1", "a", false), row("2", "b", true), row("3", "b", false)];
    assert_eq!(refused(&single, &AmplificationRatio), NoInterval::SingleCluster);
    let zero =
        [row("1", "a", true), row("2", "a", false), row("3", "b", false), row("4", "b", false)];
    assert_eq!(refused(&zero, &AmplificationRatio), NoInterval::ShareAtLimit);
    let all = [row("1", "a", true), row("2", "a", true), row("3", "b", true), row("4", "b", true)];
    assert_eq!(refused(&all, &Difference), NoInterval::NoVariation);
    let message = Error::Pilot { reason: NoInterval::SingleCluster }.to_string();
    assert!(message.contains("a single cluster in an arm"), "{message}");
    // Single impressions: no correlation to know, and none is made up.
    let ones =
        [row("1", "a", true), row("2", "a", false), row("3", "b", true), row("4", "b", false)];
    let pilot = ratio(&ones);
    assert_eq!((pilot.intraclass, pilot.design_effect), (None, 1.0));
    assert!(pilot.cautions.contains(&Caution::UnknownIntraclass));
    let design = SampleSizePlan::of(PerArm::equal(9));
    assert!(pilot.minimum_detectable_difference(&design).is_ok());
    let several = SampleSizePlan { impressions_per_cluster: Some(3.0), ..design };
    assert!(matches!(pilot.minimum_detectable_difference(&several), Err(Error::Parameter { .. })));
    assert!(matches!(pilot.minimum_detectable(&several), Err(Error::Parameter { .. })));
}

#[test]
fn designs_outside_their_ranges() {
    let tally = tally(&made(12, 10));
    let pilot = pilot_of(&tally, Unit::Pooled, &AmplificationRatio).unwrap();
    let good = SampleSizePlan::of(PerArm::equal(20));
    let mut bad = Vec::new();
    for value in [0.0, 1.0, -0.1, 1.1, f64::NAN] {
        bad.push(SampleSizePlan { level: value, ..good });
        bad.push(SampleSizePlan { power: value, ..good });
        bad.push(SampleSizePlan { impressions_per_cluster: Some(value - 0.5), ..good });
    }
    bad.push(SampleSizePlan { power: 0.02, ..good });
    bad.push(SampleSizePlan { impressions_per_cluster: Some(f64::INFINITY), ..good });
    for design in &bad {
        let parameter = |what: Result<f64, Error>| {
            assert!(matches!(what, Err(Error::Parameter { .. })), "{design:?}: {what:?}");
        };
        parameter(pilot.minimum_detectable(design).map(|found| found.effect));
        parameter(pilot.minimum_detectable_difference(design));
        parameter(pilot.power_at(1.5, design));
        parameter(pilot.clusters_needed(1.5, design).map(|clusters| clusters as f64));
    }
    for clusters in [PerArm::equal(1), PerArm { treatment: 0, baseline: 9 }] {
        let design = SampleSizePlan::of(clusters);
        assert!(matches!(pilot.minimum_detectable(&design), Err(Error::Parameter { .. })));
    }
    for truth in [1.0, 0.0, -1.0, f64::NAN, f64::INFINITY, 1.0 + 1e-12] {
        let needed = pilot.clusters_needed(truth, &good);
        assert!(matches!(needed, Err(Error::Parameter { .. })), "{truth}: {needed:?}");
    }
    // Reach does not say what more impressions would do to it.
    let twice = Unit::Reach(Reach { impressions: 4, mass: 0.0 });
    let reach = pilot_of(&tally, twice, &AmplificationRatio).unwrap();
    assert!(reach.minimum_detectable(&good).is_ok());
    let more = SampleSizePlan { impressions_per_cluster: Some(30.0), ..good };
    assert!(matches!(reach.minimum_detectable(&more), Err(Error::Parameter { .. })));
    assert!(pilot.minimum_detectable(&more).is_ok());
}

/// Crossed clusters are their own control: the same clusters in both arms, or a refusal.
#[test]
fn crossed_designs() {
    let golden = golden();
    let pilot = ratio(&golden_rows(&golden["cases"][2]));
    assert_eq!((pilot.variance.len(), pilot.variance[0].side), (1, None));
    let unequal = SampleSizePlan::of(PerArm { treatment: 20, baseline: 30 });
    assert!(matches!(pilot.minimum_detectable(&unequal), Err(Error::Parameter { .. })));
    let more = SampleSizePlan {
        impressions_per_cluster: Some(30.0),
        ..SampleSizePlan::of(PerArm::equal(20))
    };
    assert!(matches!(pilot.minimum_detectable(&more), Err(Error::Parameter { .. })));
    // The formula for independent arms knows nothing of that, and asks for more.
    let design = SampleSizePlan::of(PerArm::equal(40));
    let paired = pilot.minimum_detectable(&design).unwrap().above;
    let independent = pilot.minimum_detectable_difference(&design).unwrap();
    assert!(independent > pilot.baseline.share * (paired - 1.0));
}

/// Viewers whose taste is 5% to 35%, in the treatment times `ratio`, with 10 to 30 impressions in an
/// arm: in one arm each, or in both.
fn simulated(uniform: &mut Random, viewers: usize, ratio: f64, crossed: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for viewer in 0..viewers {
        let taste = 0.05 + 0.3 * uniform.next();
        let arms: &[&str] = match (crossed, viewer % 2) {
            (true, _) => &["a", "b"],
            (false, 0) => &["a"],
            (false, _) => &["b"],
        };
        for &arm in arms {
            let share = if arm == "a" { taste * ratio } else { taste };
            let impressions = 10 + (21.0 * uniform.next()) as usize;
            rows.extend(
                (0..impressions).map(|_| (viewer.to_string(), arm, uniform.next() < share)),
            );
        }
    }
    rows
}

/// Studies in which the true ratio is the smallest that the design detects find it about as often as
/// the design's power says, nested and crossed. The pilot has 1,600 clusters, so that its variance is
/// known to 4% and the power to 1 point; it is taken at the effect, by going there from a first guess.
#[test]
fn studies_at_the_detectable_effect() {
    const STUDIES: u32 = 400;
    let method = Interval::Delta(Delta::default());
    for (crossed, viewers, seed) in [(false, 80, 41), (true, 40, 42)] {
        let mut uniform = Random(seed);
        let design = SampleSizePlan::of(PerArm::equal(40));
        let mut truth = 1.5;
        for _ in 0..2 {
            let pilot = ratio(&simulated(&mut uniform, 1_600, truth, crossed));
            truth = pilot.minimum_detectable(&design).unwrap().above;
        }
        let mut detected = 0;
        for _ in 0..STUDIES {
            let study = tally(&simulated(&mut uniform, viewers, truth, crossed));
            let found = asked(Unit::Pooled, |question| {
                estimate(&study, question, &AmplificationRatio, method)
            });
            let low = found.unwrap().interval.unwrap().low.unwrap();
            detected += u32::from(low > 1.0);
        }
        // Binomial, 400 draws at 80%: standard deviation 2 points; 4 of them, and 1 of the pilot's.
        let power = f64::from(detected) / f64::from(STUDIES);
        assert!((power - 0.8).abs() < 0.09, "crossed {crossed}: {power} at a ratio of {truth}");
    }
}
