//! Statistics from outside the library: what they do wrong is a typed error wherever they are
//! evaluated, and a gradient that is not stated is taken from differences.

use proptest::prelude::*;
use tiltmeter::inference::{
    Bootstrap, BootstrapKind, BootstrapWeights, DeltaTest, Equivalence, Jackknife, Monitor,
    MonitorSpec, Multiplicity, Permutation, Pilot, RomanoWolf, Simultaneous, Test, TopicQuestion,
    WildBootstrap,
};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::simulate::{SimulationConfig, Truth, TruthSpec};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{
    AmplificationRatio, AnyStatistic, Cell, Difference, OddsRatio, Over, Quantity, Scale, Side,
    Statistic, TwoArms, Working,
};
use tiltmeter::tally::{StratifyBy, Tally, TallySpec};
use tiltmeter::{
    Attention, Audit, AuditReport, Baseline, Bias, ClusterBy, Denominator, Error, Estimate,
    ExposureLog, Interval, Question, Reach, Reference, ReferenceShare, StatisticFault, Unit, Value,
};

/// Twelve viewers in each arm, with 3 to 8 impressions in one of two weeks and countries, of which every
/// third or fourth is of the topic "war": 20 of 60, and 18 of 72.
fn log() -> ExposureLog {
    let [mut viewers, mut arms, mut topics, mut weeks, mut countries] =
        [0; 5].map(|_| Vec::<String>::new());
    for viewer in 0..24_u32 {
        let arm = if viewer % 2 == 0 { "a" } else { "b" };
        for nth in 0..3 + (viewer * 7) % 6 {
            viewers.push(format!("v{viewer}"));
            arms.push(arm.to_owned());
            let war = (nth + viewer) % if arm == "a" { 3 } else { 4 } == 0;
            topics.push(if war { "war" } else { "sport" }.to_owned());
            weeks.push(format!("w{}", nth % 2));
            countries.push(if viewer % 4 < 2 { "x" } else { "y" }.to_owned());
        }
    }
    let source = SliceSource::new("made up")
        .text("viewer", &viewers)
        .text("arm", &arms)
        .text("topic", &topics)
        .text("week", &weeks)
        .text("country", &countries);
    let schema = LogSchema::new()
        .viewer("viewer")
        .arm("arm")
        .topics(TopicColumn::single("topic"))
        .column("week")
        .stratum("country");
    ExposureLog::read(source, &schema).unwrap()
}

/// What a statistic may do wrong, or unasked for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Vice {
    None,
    /// A value that is no number, always.
    Value(f64),
    /// The same where the topic's total in the treatment is another than in the log.
    ValueInReplicates(f64),
    /// A gradient of so many derivatives.
    Length(usize),
    /// A gradient with this as its last derivative.
    Slope(f64),
    /// A gradient so steep that its square is no number.
    Steep,
    /// The null.
    Null(f64),
    /// A term of every share.
    Term(f64),
    /// Terms that are not those of its value.
    OtherTerms,
    /// A variance of its own.
    Variance(f64),
}

/// The difference of shares, with a vice.
#[derive(Clone, Copy, Debug)]
struct Hostile(Vice);

impl Statistic for Hostile {
    fn name(&self) -> &'static str {
        "hostile"
    }
    fn phrase(&self) -> &'static str {
        "a difference that may not be one"
    }
    fn scale(&self) -> Scale {
        Scale::Linear
    }
    fn value(&self, totals: &[f64]) -> Working {
        match self.0 {
            Vice::Value(value) => Working::Finite(value),
            Vice::ValueInReplicates(value) if totals[0] != 20.0 => Working::Finite(value),
            _ => Difference.value(totals),
        }
    }
    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        let mut gradient = Difference.gradient(totals);
        match self.0 {
            Vice::Length(length) => gradient.resize(length, 1.0),
            Vice::Slope(slope) => gradient[3] = slope,
            Vice::Steep => gradient[0] = 1e200,
            _ => {}
        }
        gradient
    }
    fn null(&self) -> Option<f64> {
        match self.0 {
            Vice::Null(null) => Some(null),
            _ => Some(0.0),
        }
    }
    fn variance_of_baseline(&self, _: &[f64]) -> f64 {
        match self.0 {
            Vice::Variance(variance) => variance,
            _ => 0.0,
        }
    }
    fn term(&self, _: Side, share: f64, _: &[f64]) -> Option<f64> {
        match self.0 {
            Vice::Term(term) => Some(term),
            Vice::OtherTerms => Some(share.ln()),
            _ => None,
        }
    }
}

fn asked(statistic: impl Statistic + 'static) -> Question {
    Question::between("a", "b").topics(["war"]).statistic(statistic)
}

fn audit_of(log: &ExposureLog, statistic: impl Statistic + 'static) -> Audit<'_> {
    Audit::of(log, &asked(statistic))
}

fn fault(result: Result<AuditReport, Error>) -> (String, StatisticFault) {
    match result {
        Err(Error::Statistic { statistic, fault }) => (statistic, fault),
        Err(other) => panic!("{other}"),
        Ok(report) => panic!("{:?}", report.estimates()),
    }
}

fn bootstrap(kind: BootstrapKind, weights: BootstrapWeights) -> Interval {
    Interval::Bootstrap(Bootstrap { kind, weights, replicates: 60, ..Bootstrap::default() })
}

fn intervals() -> Vec<Interval> {
    use BootstrapKind::{Basic, Bca, Percentile, Studentised};
    use BootstrapWeights::{Multinomial, Poisson};
    let mut all = vec![
        Interval::default(),
        Interval::Delta(Default::default()),
        Interval::Jackknife(Jackknife::default()),
        Interval::WildBootstrap(WildBootstrap { replicates: 60, ..WildBootstrap::default() }),
        Interval::Simultaneous(Simultaneous { replicates: 60, ..Simultaneous::default() }),
    ];
    for kind in [Percentile, Basic, Bca, Studentised] {
        all.extend([Poisson, Multinomial].map(|weights| bootstrap(kind, weights)));
    }
    all
}

fn tests() -> Vec<Option<Test>> {
    let few = Permutation { replicates: 60, ..Permutation::default() };
    vec![
        None,
        Some(Test::Delta(DeltaTest::default())),
        Some(Test::Permutation(few)),
        Some(Test::Equivalence(Equivalence { low: -0.5, high: 0.5, ..Equivalence::default() })),
    ]
}

/// Every number of an estimate that a reader may see.
fn numbers(estimate: &Estimate) -> Vec<f64> {
    let mut all = Vec::new();
    match estimate.value {
        Value::Estimated(value) | Value::Zero(value) => all.push(value),
        Value::Between { low, high } => all.extend([low, high]),
        _ => {}
    }
    let mut interval =
        |its: &tiltmeter::ConfidenceInterval| all.extend(its.low.iter().chain(&its.high));
    estimate.interval.iter().for_each(&mut interval);
    estimate.naive.iter().for_each(|naive| interval(&naive.interval));
    all.extend(estimate.standard_error);
    all.extend(estimate.naive.map(|naive| naive.standard_error));
    all.extend(estimate.naive.and_then(|naive| naive.design_effect));
    if let Some(test) = &estimate.test {
        all.extend(test.p.ok().iter().chain(&test.p_adjusted).chain(&test.statistic));
    }
    all
}

/// The log is what the vices count on.
#[test]
fn the_topic_is_shown_as_often_as_the_vices_think() {
    let log = log();
    let report = audit_of(&log, Difference).run().unwrap();
    assert_eq!(report.estimates()[0].treatment.topic, 20.0);
}

#[test]
fn values_that_are_no_numbers_are_told_with_their_totals() {
    let log = log();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for interval in intervals() {
            let audit = audit_of(&log, Hostile(Vice::Value(value))).interval(interval);
            let (statistic, fault) = fault(audit.run());
            assert_eq!(statistic, "hostile");
            let StatisticFault::Value { value: told, totals } = fault else { panic!("{fault:?}") };
            assert_eq!(told.to_bits(), value.to_bits(), "{interval:?}");
            assert_eq!(totals.len(), 4, "{interval:?}");
        }
    }
    let error = audit_of(&log, Hostile(Vice::Value(f64::NAN))).run().unwrap_err().to_string();
    assert!(
        error.starts_with("the statistic \"hostile\" returned the value NaN at the totals [20.0, 60.0, 18.0, 72.0]"),
        "{error}"
    );
    assert!(error.ends_with("Working::Above, Below or Undefined where it has no value"), "{error}");
}

/// What is sound at the log's totals and none in a replicate, a permutation or with one cluster left out.
#[test]
fn replicates_are_looked_at_too() {
    let log = log();
    let vice = Hostile(Vice::ValueInReplicates(f64::NAN));
    let of_totals_alone = |interval: &Interval| {
        matches!(
            interval,
            Interval::Delta(_) | Interval::WildBootstrap(_) | Interval::Simultaneous(_)
        )
    };
    for interval in intervals().into_iter().filter(|interval| !of_totals_alone(interval)) {
        if interval == Interval::default() {
            continue;
        }
        let result = audit_of(&log, vice).interval(interval).run();
        let (_, fault) = fault(result);
        assert!(matches!(fault, StatisticFault::Value { .. }), "{interval:?}: {fault:?}");
    }
    let by_delta = || audit_of(&log, vice).interval(Interval::Delta(Default::default()));
    assert!(by_delta().run().is_ok());
    let permuted = by_delta().test(tests()[2].unwrap()).run();
    assert!(matches!(fault(permuted).1, StatisticFault::Value { .. }));
}

/// The same fault on one thread and on many, and on every run.
#[test]
fn of_many_faults_the_same_is_told() {
    let log = log();
    let interval = bootstrap(BootstrapKind::Percentile, BootstrapWeights::Multinomial);
    let told = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let vice = Hostile(Vice::ValueInReplicates(f64::INFINITY));
        pool.install(|| audit_of(&log, vice).interval(interval).run().unwrap_err().to_string())
    };
    assert_eq!(told(1), told(3));
}

#[test]
fn terms_of_shares_are_looked_at() {
    let log = log();
    for interval in intervals() {
        let (_, of_none) =
            fault(audit_of(&log, Hostile(Vice::Term(f64::NAN))).interval(interval).run());
        assert!(matches!(of_none, StatisticFault::Term { .. }), "{of_none:?}");
        let (_, of_others) =
            fault(audit_of(&log, Hostile(Vice::OtherTerms)).interval(interval).run());
        // Of the log's totals or those of a replicate.
        let StatisticFault::Terms { terms, value, totals } = of_others else {
            panic!("{of_others:?}")
        };
        let (treatment, baseline) = (totals[0] / totals[1], totals[2] / totals[3]);
        assert!((terms - (treatment / baseline).ln()).abs() < 1e-12);
        assert!((value - (treatment - baseline)).abs() < 1e-12);
    }
}

#[test]
fn gradients_are_looked_at() {
    let log = log();
    for length in [0, 1, 3, 5] {
        let (_, fault) = fault(audit_of(&log, Hostile(Vice::Length(length))).run());
        let StatisticFault::GradientLength { found, expected, .. } = fault else { panic!() };
        assert_eq!((found, expected), (length, 4));
    }
    for slope in [f64::NAN, f64::INFINITY] {
        let (_, fault) = fault(audit_of(&log, Hostile(Vice::Slope(slope))).run());
        let StatisticFault::Derivative { by, .. } = fault else { panic!("{fault:?}") };
        assert_eq!(by, Cell::over_all(Side::Baseline, Quantity::All));
    }
    let (_, fault) = fault(
        audit_of(&log, Hostile(Vice::Steep)).interval(Interval::Delta(Default::default())).run(),
    );
    assert!(matches!(fault, StatisticFault::Overflow { .. }), "{fault:?}");
}

/// A baseline that is known from elsewhere: the statistic is told about with the totals of both arms, and
/// too few derivatives are not mistaken for those of one arm.
#[test]
fn known_baselines_hide_nothing() {
    let log = log();
    let share = ReferenceShare::Estimated { share: 0.25, standard_error: 0.02 };
    let reference = Reference::new("elsewhere", Bias::within_factor(1.5)).share("war", share);
    let audit = |vice| {
        Audit::of(&log, &asked(Hostile(vice)).against(Baseline::Reference(reference.clone())))
    };
    for length in [0, 2, 3, 5] {
        let (_, fault) = fault(audit(Vice::Length(length)).run());
        let StatisticFault::GradientLength { found, expected, totals } = fault else { panic!() };
        assert_eq!((found, expected, totals.len()), (length, 4, 4));
    }
    let (_, told) = fault(audit(Vice::Value(f64::NAN)).run());
    assert!(matches!(&told, StatisticFault::Value { totals, .. } if totals.len() == 4), "{told:?}");
    assert!(matches!(
        fault(audit(Vice::Slope(f64::NAN)).interval(Interval::default()).run()).1,
        StatisticFault::Derivative { .. }
    ));
    assert!(audit(Vice::None).run().is_ok());
}

#[test]
fn nulls_and_variances_are_looked_at() {
    let log = log();
    let (_, told) = fault(audit_of(&log, Hostile(Vice::Null(f64::NAN))).run());
    assert!(matches!(told, StatisticFault::Null { value } if value.is_nan()));
    for variance in [f64::NAN, -1.0, f64::INFINITY] {
        let (_, told) = fault(audit_of(&log, Hostile(Vice::Variance(variance))).run());
        assert!(matches!(told, StatisticFault::Variance { .. }), "{told:?}");
    }
}

/// A working value of 1,000 is a number, its exponential is none.
#[test]
fn values_are_numbers_on_the_reported_scale_too() {
    #[derive(Debug)]
    struct Beyond(Scale, f64);
    impl Statistic for Beyond {
        fn name(&self) -> &'static str {
            "beyond"
        }
        fn phrase(&self) -> &'static str {
            "more than there is"
        }
        fn scale(&self) -> Scale {
            self.0
        }
        fn value(&self, totals: &[f64]) -> Working {
            Working::Finite(self.1 + 1e-3 * totals[0])
        }
    }
    let log = log();
    for scale in [Scale::Log, Scale::LogPercent] {
        let (_, told) = fault(audit_of(&log, Beyond(scale, 1_000.0)).run());
        assert!(matches!(told, StatisticFault::Value { .. }), "{told:?}");
    }
    assert!(audit_of(&log, Beyond(Scale::Log, 600.0)).run().is_ok());
    assert!(audit_of(&log, Beyond(Scale::Linear, 1_000.0)).run().is_ok());
}

/// A statistic of a name.
#[derive(Debug)]
struct Called(&'static str, Option<&'static str>);

impl Statistic for Called {
    fn name(&self) -> &'static str {
        self.0
    }
    fn phrase(&self) -> &'static str {
        "a difference by another name"
    }
    fn details(&self) -> Option<String> {
        self.1.map(str::to_owned)
    }
    fn scale(&self) -> Scale {
        Scale::Linear
    }
    fn value(&self, totals: &[f64]) -> Working {
        Difference.value(totals)
    }
}

#[test]
fn names_are_their_own() {
    let log = log();
    for taken in ["amplification_ratio", "difference", "standardised_ratio_by_treatment"] {
        if !tiltmeter::statistic::ALL.iter().any(|its| its.name() == taken) {
            continue;
        }
        let (name, told) = fault(audit_of(&log, Called(taken, None)).run());
        assert_eq!(name, taken);
        assert!(matches!(told, StatisticFault::TakenName));
    }
    assert!(matches!(fault(audit_of(&log, Called(" ", None)).run()).1, StatisticFault::NoName));
    let two = |first, second| {
        let question = asked(Called("mine", first)).statistic(Called("mine", second));
        Audit::of(&log, &question).run()
    };
    let (_, told) = fault(two(None, None));
    assert!(matches!(told, StatisticFault::SharedName { topic: Some(topic) } if topic == "war"));
    assert!(two(Some("with a"), Some("with b")).is_ok());
    // One name for two topics is one statistic asked about both; the library's own may be asked twice.
    let topics = asked(Called("mine", None)).topics(["war", "sport"]);
    assert_eq!(Audit::of(&log, &topics).run().unwrap().estimates().len(), 2);
    assert!(Audit::of(&log, &asked(Difference).statistic(OddsRatio)).run().is_ok());
    let named: AnyStatistic = "odds_ratio".parse().unwrap();
    let named = Question::between("a", "b").topics(["war"]).statistic(named);
    assert!(Audit::of(&log, &named).run().is_ok());
}

/// Totals that no log has.
#[test]
fn cells_make_sense() {
    #[derive(Debug)]
    struct Of(Vec<Cell>);
    impl Statistic for Of {
        fn name(&self) -> &'static str {
            "of_cells"
        }
        fn phrase(&self) -> &'static str {
            "the sum of some totals"
        }
        fn cells(&self, _: usize) -> Vec<Cell> {
            self.0.clone()
        }
        fn scale(&self) -> Scale {
            Scale::Linear
        }
        fn value(&self, totals: &[f64]) -> Working {
            Working::Finite(totals.iter().sum())
        }
    }
    let log = log();
    let topic = Cell::over_all(Side::Treatment, Quantity::Topic);
    let in_stratum = |at| Cell { over: Over::Stratum(at), ..topic };
    let by_country =
        |cells: Vec<Cell>| Audit::of(&log, &asked(Of(cells)).strata(StratifyBy::Stratum));
    for cells in
        [vec![], vec![topic, topic], vec![in_stratum(2)], vec![topic, in_stratum(usize::MAX)]]
    {
        let (_, told) = fault(by_country(cells.clone()).run());
        assert!(matches!(told, StatisticFault::Cells { .. }), "{cells:?}: {told:?}");
        let all = TallySpec { strata: StratifyBy::Stratum, ..TallySpec::default() };
        let tally = Tally::of(&log, &all).unwrap();
        let error = tiltmeter::inference::Contributions::of(&tally, &question(), &Of(cells));
        assert!(matches!(error, Err(Error::Statistic { .. })));
    }
    let both = by_country(vec![in_stratum(0), in_stratum(1)]).run().unwrap();
    assert_eq!(both.estimates()[0].value.number(), Some(20.0));
}

fn question() -> TopicQuestion<'static> {
    static BASELINE: std::sync::LazyLock<Baseline> =
        std::sync::LazyLock::new(|| Baseline::arm("b"));
    TopicQuestion {
        topic: "war",
        treatment: "a",
        baseline: &BASELINE,
        unit: Unit::Pooled,
        denominator: Denominator::AllImpressions,
        attention: &Attention::Uniform,
        correction: None,
    }
}

/// Pilots, truths, monitors and two-way clusters evaluate statistics too.
#[test]
fn wherever_statistics_are_evaluated() {
    let log = log();
    let tally = Tally::of(&log, &TallySpec::default()).unwrap();
    let pilot = Pilot::of(&tally, &question(), &Hostile(Vice::Slope(f64::NAN)));
    assert!(matches!(pilot, Err(Error::Statistic { .. })));
    let two_way = asked(Hostile(Vice::Value(f64::NAN)))
        .cluster(ClusterBy::Viewer)
        .second_cluster(ClusterBy::column("week"));
    assert!(matches!(fault(Audit::of(&log, &two_way).run()).1, StatisticFault::Value { .. }));
    let truth = |statistics: Vec<AnyStatistic>| {
        let question = Question::between("treatment", "baseline");
        let question = statistics.into_iter().fold(question, Question::statistic);
        Truth::of(&SimulationConfig::default(), &TruthSpec::of(&question))
    };
    let mine = || AnyStatistic::from(Called("mine", None));
    let infinite = Hostile(Vice::Value(f64::INFINITY));
    let result = truth(vec![AmplificationRatio.into(), infinite.into()]);
    assert!(matches!(result, Err(Error::Statistic { .. })), "{result:?}");
    let result = truth(vec![mine(), mine()]);
    assert!(matches!(result, Err(Error::Statistic { .. })), "{result:?}");
    assert!(truth(vec![mine()]).is_ok());
    let spec = MonitorSpec::of(&asked(Called("odds_ratio", None)), 100).unwrap();
    let refused = Monitor::new(spec);
    assert!(matches!(refused, Err(Error::Statistic { fault: StatisticFault::TakenName, .. })));
}

/// Cohen's h without a gradient of its own; the exact one is `1/sqrt(p (1 - p))` by each share.
#[derive(Debug)]
struct CohensH<const EXACT: bool>;

impl<const EXACT: bool> Statistic for CohensH<EXACT> {
    fn name(&self) -> &'static str {
        "cohens_h"
    }
    fn phrase(&self) -> &'static str {
        "Cohen's h of the topic's exposure share"
    }
    fn scale(&self) -> Scale {
        Scale::Linear
    }
    fn value(&self, totals: &[f64]) -> Working {
        match TwoArms::from_totals(totals).shares() {
            Ok((a, b)) => Working::Finite(2.0 * (a.sqrt().asin() - b.sqrt().asin())),
            Err(reason) => Working::Undefined(reason),
        }
    }
    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        if EXACT {
            let of_arm = |topic: f64, all: f64| {
                let share = topic / all;
                let slope = 1.0 / (share * (1.0 - share)).sqrt();
                [slope / all, -slope * share / all]
            };
            let [a, b] = [of_arm(totals[0], totals[1]), of_arm(totals[2], totals[3])];
            return vec![a[0], a[1], -b[0], -b[1]];
        }
        struct Plain;
        impl std::fmt::Debug for Plain {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("Plain")
            }
        }
        impl Statistic for Plain {
            fn name(&self) -> &'static str {
                "plain"
            }
            fn phrase(&self) -> &'static str {
                "plain"
            }
            fn scale(&self) -> Scale {
                Scale::Linear
            }
            fn value(&self, totals: &[f64]) -> Working {
                CohensH::<true>.value(totals)
            }
        }
        Plain.gradient(totals)
    }
}

/// Intervals from differences are those from the exact gradient, in every unit.
#[test]
fn missing_gradients_are_made_up_for() {
    let log = log();
    // Of the reach of two impressions; one reaches all, where the root of 1 - p has no derivative.
    let reach = Reach { impressions: 2, ..Reach::default() };
    for unit in [Unit::Pooled, Unit::ClusterMean, Unit::Reach(reach)] {
        // With a seed of which no replicate is reached by all, where neither has a derivative.
        let studentised = Bootstrap {
            kind: BootstrapKind::Studentised,
            weights: BootstrapWeights::Poisson,
            replicates: 60,
            seed: 1,
            ..Bootstrap::default()
        };
        for interval in [Interval::Delta(Default::default()), Interval::Bootstrap(studentised)] {
            let by =
                |question: Question| Audit::of(&log, &question.unit(unit)).interval(interval).run();
            let (exact, numeric) = (by(asked(CohensH::<true>)), by(asked(CohensH::<false>)));
            let [exact, numeric] =
                [exact.unwrap(), numeric.unwrap()].map(|its| numbers(&its.estimates()[0]));
            assert_eq!(exact.len(), numeric.len());
            for (exact, numeric) in exact.iter().zip(&numeric) {
                let off = (exact - numeric).abs();
                assert!(off <= 1e-9 * exact.abs().max(1e-3), "{unit:?}: {exact} against {numeric}");
            }
        }
    }
}

/// Clusters with equal shares do not vary, whichever way the gradient was come by.
#[test]
fn equal_shares_do_not_vary() {
    let [mut viewers, mut arms, mut topics] = [0; 3].map(|_| Vec::<String>::new());
    for viewer in 0..20_u32 {
        for nth in 0..3 * (1 + viewer % 5) {
            viewers.push(format!("v{viewer}"));
            arms.push(if viewer % 2 == 0 { "a" } else { "b" }.to_owned());
            topics.push(if nth % 3 == 0 { "war" } else { "sport" }.to_owned());
        }
    }
    let source = SliceSource::new("made up")
        .text("viewer", &viewers)
        .text("arm", &arms)
        .text("topic", &topics);
    let schema = LogSchema::new().viewer("viewer").arm("arm").topics(TopicColumn::single("topic"));
    let log = ExposureLog::read(source, &schema).unwrap();
    let delta = Interval::Delta(Default::default());
    let [exact, numeric] = [
        audit_of(&log, CohensH::<true>).interval(delta).run().unwrap(),
        audit_of(&log, CohensH::<false>).interval(delta).run().unwrap(),
    ];
    assert_eq!(numeric.estimates()[0].interval, exact.estimates()[0].interval);
    assert!(exact.estimates()[0].interval.is_err());
}

fn vice() -> impl Strategy<Value = Vice> {
    let odd = prop_oneof![
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE),
        Just(-0.0),
        -1e300..1e300_f64,
    ];
    let odd = || odd.clone();
    prop_oneof![
        Just(Vice::None),
        odd().prop_map(Vice::Value),
        odd().prop_map(Vice::ValueInReplicates),
        (0..7_usize).prop_map(Vice::Length),
        odd().prop_map(Vice::Slope),
        Just(Vice::Steep),
        odd().prop_map(Vice::Null),
        odd().prop_map(Vice::Variance),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever a statistic does: an error that names it, or an answer of numbers alone.
    #[test]
    fn no_number_is_nan(
        vice in vice(),
        interval in 0..intervals().len(),
        test in 0..tests().len(),
        unit in 0..3_usize,
        adjusted in any::<bool>(),
    ) {
        let log = log();
        let unit = [Unit::Pooled, Unit::ClusterMean, Unit::Reach(Reach::default())][unit];
        let question = asked(Hostile(vice)).unit(unit);
        let mut audit = Audit::of(&log, &question).interval(intervals()[interval]);
        if let Some(test) = tests()[test] {
            audit = audit.test(test);
            if adjusted && matches!(test, Test::Delta(_)) {
                let by = RomanoWolf { replicates: 40, ..RomanoWolf::default() };
                audit = audit.multiplicity(Multiplicity::RomanoWolf(by));
            }
        }
        match audit.run() {
            Ok(report) => {
                for estimate in report.estimates() {
                    let numbers = numbers(estimate);
                    prop_assert!(numbers.iter().all(|number| number.is_finite()), "{estimate:?}");
                }
            }
            Err(Error::Statistic { statistic, .. }) => prop_assert_eq!(statistic, "hostile"),
            Err(other) => prop_assert!(matches!(other, Error::Parameter { .. }), "{}", other),
        }
    }
}
