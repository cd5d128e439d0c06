//! What must hold whatever the log: order, splitting, scaling and untagged items.

use proptest::collection::vec;
use proptest::prelude::*;
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{Difference, OddsRatio};
use tiltmeter::tally::{Slab, StratifyBy, Tally, TallySpec, WindowBy};
use tiltmeter::{
    Attention, Audit, AuditReport, ClusterBy, Error, ExposureLog, MultiLabel, Question, Reach,
    Unit, Value,
};

/// A row of a generated log.
#[derive(Clone, Debug)]
struct Row {
    viewer: u8,
    arm: u8,
    stratum: u8,
    position: u16,
    weight: f64,
    /// One bit per topic.
    topics: u8,
}

fn row() -> impl Strategy<Value = Row> {
    (0..12_u8, 0..3_u8, 0..2_u8, 1..500_u16, 0.0..1e3_f64, 0..8_u8).prop_map(
        |(viewer, arm, stratum, position, weight, topics)| Row {
            viewer,
            arm,
            stratum,
            position,
            weight,
            topics,
        },
    )
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    vec(row(), 1..120)
}

fn log(rows: &[Row]) -> ExposureLog {
    let text =
        |of: fn(&Row) -> u8| -> Vec<String> { rows.iter().map(|r| of(r).to_string()).collect() };
    let topics: Vec<String> = rows
        .iter()
        .map(|row| {
            let named = ["war", "party", "sport"].iter().enumerate();
            let mine = named.filter(|(bit, _)| row.topics >> bit & 1 == 1);
            mine.map(|(_, name)| *name).collect::<Vec<_>>().join("|")
        })
        .collect();
    let positions: Vec<i64> = rows.iter().map(|row| row.position.into()).collect();
    let weights: Vec<f64> = rows.iter().map(|row| row.weight).collect();
    let source = SliceSource::new("generated")
        .text("viewer", &text(|row| row.viewer))
        .text("arm", &text(|row| row.arm))
        .text("stratum", &text(|row| row.stratum))
        .integer("position", &positions)
        .float("weight", &weights)
        .text("topics", &topics);
    let schema = LogSchema::new()
        .viewer("viewer")
        .arm("arm")
        .stratum("stratum")
        .position("position")
        .weight("weight")
        .topics(TopicColumn::separated("topics", '|'));
    ExposureLog::read(source, &schema).unwrap()
}

fn spec() -> impl Strategy<Value = TallySpec> {
    let cluster = prop_oneof![
        Just(ClusterBy::Viewer),
        Just(ClusterBy::Viewer.hashed(2)),
        Just(ClusterBy::column("stratum")),
    ];
    let attention = prop_oneof![
        Just(Attention::Uniform),
        Just(Attention::Logarithmic),
        Just(Attention::Rbp { persistence: 0.9 }),
        Just(Attention::TopK { k: 100 }),
    ];
    let multi_label = prop_oneof![Just(MultiLabel::Full), Just(MultiLabel::Fractional)];
    let strata = prop_oneof![Just(StratifyBy::Nothing), Just(StratifyBy::Stratum)];
    (cluster, attention, multi_label, strata).prop_map(
        |(cluster, attention, multi_label, strata)| TallySpec {
            cluster,
            attentions: vec![attention],
            multi_label,
            strata,
            windows: WindowBy::Nothing,
        },
    )
}

fn report(log: &ExposureLog, unit: Unit) -> Result<AuditReport, Error> {
    let question = Question::between("0", "1");
    Audit::of(log, &question.unit(unit).attention(Attention::Logarithmic)).run()
}

fn tally(rows: &[Row], spec: &TallySpec) -> Tally {
    Tally::of(&log(rows), spec).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Permuting rows changes nothing, to the last bit.
    #[test]
    fn order_does_not_matter(
        (rows, shuffled) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        spec in spec(),
    ) {
        prop_assert_eq!(tally(&rows, &spec), tally(&shuffled, &spec));
        for unit in [Unit::Pooled, Unit::ClusterMean, Unit::Reach(Reach::default())] {
            match (report(&log(&rows), unit), report(&log(&shuffled), unit)) {
                (Ok(first), Ok(second)) => prop_assert_eq!(first.estimates(), second.estimates()),
                (Err(first), Err(second)) => prop_assert_eq!(first.to_string(), second.to_string()),
                (first, second) => prop_assert!(false, "{first:?} against {second:?}"),
            }
        }
    }

    /// Tallies of the parts add up to the tally of the whole, in any grouping and order.
    #[test]
    fn merging_is_splitting_undone(a in rows(), b in rows(), c in rows(), spec in spec()) {
        let whole = tally(&[a.clone(), b.clone(), c.clone()].concat(), &spec);
        let [a, b, c] = [a, b, c].map(|rows| tally(&rows, &spec));
        prop_assert_eq!(&a.merge(&b).unwrap().merge(&c).unwrap(), &whole);
        prop_assert_eq!(&a.merge(&b.merge(&c).unwrap()).unwrap(), &whole);
        prop_assert_eq!(&c.merge(&a).unwrap().merge(&b).unwrap(), &whole);
    }

    /// Doubling and halving weights changes no estimate at all; other factors only in the digits
    /// that rounding masses to 2^-40 touches.
    #[test]
    fn scale_of_weights_does_not_matter(rows in rows(), power in -3..4_i32, factor in 0.1..10.0_f64) {
        let scaled = |factor: f64| -> Vec<Row> {
            rows.iter().map(|row| Row { weight: row.weight * factor, ..row.clone() }).collect()
        };
        // Whole weights lose no digit under small powers of two.
        let whole: Vec<Row> = rows.iter().map(|row| Row { weight: row.weight.round(), ..row.clone() }).collect();
        let doubled: Vec<Row> = whole.iter().map(|row| Row { weight: row.weight * 2_f64.powi(power), ..row.clone() }).collect();
        let uniform = |rows: &[Row]| {
            let log = log(rows);
            Audit::of(&log, &Question::between("0", "1")).run().map(|report| {
                let key = |e: &tiltmeter::Estimate| (e.value, e.interval, e.standard_error);
                report.estimates().iter().map(key).collect::<Vec<_>>()
            })
        };
        if let (Ok(first), Ok(second)) = (uniform(&whole), uniform(&doubled)) {
            prop_assert_eq!(first, second);
        }
        if let (Ok(first), Ok(second)) = (report(&log(&rows), Unit::Pooled), report(&log(&scaled(factor)), Unit::Pooled)) {
            for (first, second) in first.estimates().iter().zip(second.estimates()) {
                let (Some(a), Some(b)) = (first.value.number(), second.value.number()) else { continue };
                // Generated masses may be tiny, and then rounding shows more: compare with what
                // the smallest total can bear.
                let least = [first.treatment, first.baseline, second.treatment, second.baseline]
                    .iter().map(|arm| arm.topic).fold(f64::INFINITY, f64::min);
                let bearable = 1e-12 + 240.0 * 2_f64.powi(-41) / least.max(1e-30);
                prop_assert!(a == b || (a / b - 1.0).abs() <= 4.0 * bearable, "{a} {b} {bearable}");
            }
        }
    }

    /// An untagged impression changes the totals and no topic's mass.
    #[test]
    fn untagged_items_change_totals_only(rows in rows(), mut extra in row(), spec in spec()) {
        extra.topics = 0;
        let before = tally(&rows, &spec);
        let after = tally(&[rows.clone(), vec![extra.clone()]].concat(), &spec);
        let find = |tally: &Tally, arm: usize, stratum: usize, topic: &str| {
            let axes = tally.axes();
            let topic = axes.topic(topic)?;
            Some(tally.totals()[axes.topic_cell(Slab { arm, stratum, window: 0 }, topic) as usize])
        };
        for topic in after.axes().topics() {
            for (a, arm) in before.axes().arms().iter().enumerate() {
                for (s, stratum) in before.axes().strata().iter().enumerate() {
                    let then = find(&before, a, s, topic).map(|sum| (sum.count, sum.mass));
                    let arm = after.axes().arm(arm).unwrap();
                    let stratum = after.axes().stratum(stratum).unwrap();
                    let now = find(&after, arm, stratum, topic).map(|sum| (sum.count, sum.mass));
                    prop_assert_eq!(then, now);
                }
            }
        }
        prop_assert_eq!(after.impressions(), before.impressions() + 1);
    }

    /// Swapping treatment and baseline inverts the ratio, the interval and the odds ratio, and
    /// turns the sign of the difference.
    #[test]
    fn swapping_arms_inverts(rows in rows()) {
        let log = log(&rows);
        let run = |treatment: &str, baseline: &str| {
            let question = Question::between(treatment, baseline);
            Audit::of(&log, &question.statistic(tiltmeter::statistic::AmplificationRatio).statistic(OddsRatio).statistic(Difference)).run()
        };
        let (Ok(there), Ok(back)) = (run("0", "1"), run("1", "0")) else { return Ok(()) };
        for (there, back) in there.estimates().iter().zip(back.estimates()) {
            let (Value::Estimated(a), Value::Estimated(b)) = (there.value, back.value) else { continue };
            if there.estimand.statistic == "difference" {
                prop_assert!((a + b).abs() < 1e-12);
            } else {
                prop_assert!((a * b - 1.0).abs() < 1e-9, "{a} {b}");
                if let (Ok(i), Ok(j)) = (there.interval, back.interval) {
                    prop_assert_eq!(i.low.is_some(), j.high.is_some());
                    let (Some(low), Some(high)) = (i.low, j.high) else { continue };
                    let product = low * high;
                    prop_assert!(!product.is_finite() || product == 0.0 || (product - 1.0).abs() < 1e-6, "{product}");
                }
            }
        }
    }

    /// No report holds NaN, whatever the log; and its JSON reads back as it was written.
    #[test]
    fn no_nan_and_json_reads_back(rows in rows(), unit in prop_oneof![
        Just(Unit::Pooled), Just(Unit::ClusterMean), Just(Unit::Reach(Reach { impressions: 2, mass: 0.5 }))
    ]) {
        let Ok(report) = report(&log(&rows), unit) else { return Ok(()) };
        let json = report.to_json().unwrap();
        prop_assert!(!json.contains("NaN"));
        let record = tiltmeter::report::ReportRecord::from_json(&json).unwrap();
        prop_assert_eq!(&record, &tiltmeter::report::ReportRecord::from(&report));
        for estimate in report.estimates() {
            let numbers = [estimate.value.number(), estimate.standard_error, estimate.degrees_of_freedom];
            prop_assert!(numbers.into_iter().flatten().all(|number| !number.is_nan()));
            if let Ok(interval) = estimate.interval {
                prop_assert!([interval.low, interval.high].into_iter().flatten().all(|bound| !bound.is_nan()));
            }
        }
        prop_assert!(!report.to_string().contains("NaN"));
    }
}

#[test]
fn tallies_of_different_questions_do_not_merge() {
    let rows: Vec<Row> = (0..4)
        .map(|i| Row { viewer: i, arm: i % 2, stratum: 0, position: 1, weight: 1.0, topics: 1 })
        .collect();
    let base = TallySpec::default();
    let tally = |spec: &TallySpec| tally(&rows, spec);
    let differing = [
        (TallySpec { attentions: vec![Attention::Reciprocal], ..base.clone() }, "the attention"),
        (TallySpec { multi_label: MultiLabel::Fractional, ..base.clone() }, "the multi-label rule"),
        (TallySpec { strata: StratifyBy::Stratum, ..base.clone() }, "the strata"),
        (TallySpec { cluster: ClusterBy::Viewer.hashed(3), ..base.clone() }, "the cluster"),
    ];
    for (spec, expected) in differing {
        match tally(&base).merge(&tally(&spec)) {
            Err(Error::Unmergeable { what, .. }) => assert_eq!(what, expected),
            other => panic!("{other:?}"),
        }
    }
    let impressions = TallySpec { cluster: ClusterBy::Impression, ..base };
    let merged = tally(&impressions).merge(&tally(&impressions));
    assert!(matches!(merged, Err(Error::UnmergeableClusters { .. })));
}
