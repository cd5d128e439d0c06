//! Changes over time: published run lengths, ruptures' breaks, coverage of dates by simulation, and who
//! moved.

use crate::shared;
use crate::shared::random::Random;

use std::f64::consts::TAU;

use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use tiltmeter::inference::{
    BlockBootstrap, BlockLength, BreakSpec, Breaks, ChangeMonitor, ChangeReading, ChangeSpec,
    ChangeState, ControlChart, Delta, InControl, Moved, Penalty, Shift, TopicQuestion, breaks_of,
    cusum, pelt,
};
use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{LogRatio, Undefined};
use tiltmeter::tally::{Tally, TallySpec, WindowBy};
use tiltmeter::{
    Attention, Audit, Baseline, ClusterBy, Denominator, Error, ExposureLog, Interval, Question,
    Unit, Value,
};

/// Numbers that look random, above 0 and at most 1.
fn numbers(seed: u64) -> impl FnMut() -> f64 {
    let mut random = Random(seed);
    move || random.next() + 2.0_f64.powi(-53)
}

/// Standard normal numbers (Box and Muller 1958).
fn normals(seed: u64) -> impl FnMut() -> f64 {
    let mut next = numbers(seed.wrapping_mul(0x2545_F491_4F6C_DD1D));
    move || (-2.0 * next().ln()).sqrt() * (TAU * next()).cos()
}

/// ruptures' PELT and numpy's cumulative sums, exactly.
#[test]
fn ruptures_agrees() {
    let Some(golden) = shared::golden("time") else { return };
    let series: Vec<f64> = serde_json::from_value(golden["series"].clone()).unwrap();
    let peak = cusum(&series).unwrap();
    assert_eq!(peak.at as u64, golden["cusum_argmax"].as_u64().unwrap());
    // Of sums in another order.
    assert!((peak.height - golden["cusum_max"].as_f64().unwrap()).abs() < 1e-10);
    let cases = golden["pelt"].as_object().unwrap();
    assert_eq!(cases.len(), 3);
    for (penalty, expected) in cases {
        let mut expected: Vec<usize> = serde_json::from_value(expected.clone()).unwrap();
        assert_eq!(expected.pop(), Some(series.len()), "ruptures ends with the length");
        assert_eq!(pelt(&series, penalty.parse().unwrap(), 5).unwrap(), expected);
    }
}

fn declared(threshold: f64) -> ChangeSpec {
    let in_control = InControl::Declared { mean: 0.0, sd: 1.0 };
    ChangeSpec { threshold, in_control, ..ChangeSpec::default() }
}

/// The mean run length over studies, and its standard error.
fn run_length(threshold: f64, shift: f64, studies: u64) -> (f64, f64) {
    let length = |study: u64| {
        let mut next = normals(study + 1_000_003 * (10.0 * threshold + 100.0 * shift) as u64);
        let mut chart = ControlChart::new(declared(threshold)).unwrap();
        loop {
            if let ChangeState::Alarm(alarm) = chart.push(next() + shift, None).unwrap() {
                return alarm.period as f64;
            }
        }
    };
    let lengths: Vec<f64> = (0..studies).into_par_iter().map(length).collect();
    let mean = lengths.iter().sum::<f64>() / studies as f64;
    let squares: f64 = lengths.iter().map(|length| (length - mean).powi(2)).sum();
    (mean, (squares / (studies as f64 - 1.0) / studies as f64).sqrt())
}

/// Two-sided average run lengths with allowance 1/2, from the table in Montgomery's chapter on cumulative
/// sums (after Lucas and Crosier 1982), rounded there to three digits; and Siegmund's approximation, which is
/// within 4% of them.
#[test]
fn run_lengths_are_those_published() {
    let table = [
        (4.0, 0.0, 168.0),
        (4.0, 0.5, 26.6),
        (4.0, 1.0, 8.38),
        (4.0, 2.0, 3.34),
        (5.0, 0.0, 465.0),
        (5.0, 0.5, 38.0),
        (5.0, 1.0, 10.4),
        (5.0, 2.0, 4.01),
    ];
    for (threshold, shift, published) in table {
        let (mean, error) = run_length(threshold, shift, 20_000);
        println!("h {threshold}, shift {shift}: {mean:.2} +- {error:.2}, published {published}");
        let rounding = 0.005 * published;
        assert!((mean - published).abs() < 4.0 * error + rounding, "{threshold} {shift}: {mean}");
        let siegmund = declared(threshold).run_length(shift).unwrap();
        assert!((siegmund / published - 1.0).abs() < 0.04, "{threshold} {shift}: {siegmund}");
    }
    // The formula by hand, for k = 1/2 and h = 5: b = 6.166, one-sided 938.2 in control.
    let by_hand = ((6.166_f64).exp() - 6.166 - 1.0) / 0.5 / 2.0;
    assert!((declared(5.0).run_length(0.0).unwrap() - by_hand).abs() < 1e-9);
    // Where the shift is the allowance the run length upwards is b squared.
    let upwards = 6.166_f64.powi(2);
    let at_allowance = declared(5.0).run_length(0.5).unwrap();
    assert!((at_allowance - upwards).abs() < 0.1, "{at_allowance}");
}

#[test]
fn a_chart_warms_up_and_passes_over_what_has_no_value() {
    let in_control = InControl::WarmUp { periods: 4 };
    let mut chart = ControlChart::new(ChangeSpec { in_control, ..declared(3.0) }).unwrap();
    assert_eq!((chart.state(), chart.in_control()), (ChangeState::Nothing, None));
    for value in [1.0, 3.0, 1.0] {
        assert_eq!(chart.push(value, None).unwrap(), ChangeState::WarmingUp);
    }
    assert_eq!(chart.push_without_value(), ChangeState::WithoutValue);
    chart.push(3.0, None).unwrap();
    let known = chart.in_control().unwrap();
    assert_eq!(known.mean, 2.0);
    assert!((known.sd.unwrap() - (4.0_f64 / 3.0).sqrt()).abs() < 1e-15);
    // Downwards: z = -2 / 1.1547, less 0.5, is 1.232 a period.
    assert_eq!(chart.push(0.0, None).unwrap(), ChangeState::InControl);
    assert!(chart.push(f64::NAN, None).is_err());
    assert!(chart.push(0.0, Some(0.0)).is_err());
    chart.push_without_value();
    assert_eq!(chart.push(0.0, None).unwrap(), ChangeState::InControl);
    let ChangeState::Alarm(alarm) = chart.push(0.0, None).unwrap() else { panic!() };
    assert_eq!((alarm.since, alarm.period, alarm.shift), (6, 9, Shift::Down));
    assert!((alarm.sum - 3.0 * (3.0_f64.sqrt() - 0.5)).abs() < 1e-12);
    assert_eq!((chart.sums(), chart.without_value(), chart.periods()), ([0.0; 2], 2, 9));
    assert_eq!(chart.alarms(), [alarm]);
    // A warm-up without variation goes on.
    let mut chart = ControlChart::new(ChangeSpec { in_control, ..declared(3.0) }).unwrap();
    (0..9).for_each(|_| assert_eq!(chart.push(1.0, None).unwrap(), ChangeState::WarmingUp));
    chart.push(2.0, None).unwrap();
    assert!(chart.in_control().is_some());
}

/// With standard errors that are all alike, a chart by them is one with a declared spread; one by them
/// has no value where they are missing.
#[test]
fn standard_errors_stand_for_the_spread() {
    let mut next = normals(8);
    let values: Vec<f64> =
        (0..200).map(|at| next() / 4.0 + f64::from(u8::from(at > 150))).collect();
    let in_control = InControl::StandardErrors { warm_up: 10 };
    let mut by_errors = ControlChart::new(ChangeSpec { in_control, ..declared(4.0) }).unwrap();
    let mean = values[..10].iter().sum::<f64>() / 10.0;
    let in_control = InControl::Declared { mean, sd: 0.25 };
    let mut by_spread = ControlChart::new(ChangeSpec { in_control, ..declared(4.0) }).unwrap();
    for (at, &value) in values.iter().enumerate() {
        by_errors.push(value, Some(0.25)).unwrap();
        if at >= 10 {
            by_spread.push(value, None).unwrap();
        }
    }
    assert!(!by_spread.alarms().is_empty());
    for (a, b) in by_errors.alarms().iter().zip(by_spread.alarms()) {
        assert_eq!((a.period, a.since, a.shift), (b.period + 10, b.since + 10, b.shift));
    }
    assert_eq!(by_errors.push(1.0, None).unwrap(), ChangeState::WithoutValue);
    for wrong in [
        ChangeSpec { allowance: 0.0, ..ChangeSpec::default() },
        ChangeSpec { threshold: f64::NAN, ..ChangeSpec::default() },
        ChangeSpec { in_control: InControl::WarmUp { periods: 1 }, ..ChangeSpec::default() },
        ChangeSpec { in_control: InControl::Declared { mean: 0.0, sd: 0.0 }, ..declared(1.0) },
        ChangeSpec { in_control: InControl::StandardErrors { warm_up: 0 }, ..declared(1.0) },
    ] {
        assert!(matches!(ControlChart::new(wrong), Err(Error::Parameter { .. })), "{wrong:?}");
    }
}

/// Of a day's impressions, so many of the topic and so many in all, in arm a and in arm b. Viewers see
/// every tenth of them.
fn impressions(arms: [(usize, usize); 2], day: i64) -> Vec<(&'static str, bool, String, i64)> {
    let arms = ["a", "b"].into_iter().zip(arms);
    arms.flat_map(|(arm, (topic, all))| {
        (0..all).map(move |nth| (arm, nth < topic, (nth % 10).to_string(), day * 86_400))
    })
    .collect()
}

fn log(rows: &[(&'static str, bool, String, i64)]) -> ExposureLog {
    let source = SliceSource::new("days")
        .text("arm", &rows.iter().map(|row| row.0).collect::<Vec<_>>())
        .text("about", &rows.iter().map(|row| if row.1 { "war" } else { "" }).collect::<Vec<_>>())
        .text("viewer", &rows.iter().map(|row| row.2.as_str()).collect::<Vec<_>>())
        .integer("at", &rows.iter().map(|row| row.3).collect::<Vec<_>>());
    let schema = LogSchema::new().viewer("viewer").arm("arm").time("at", TimeFormat::EpochSeconds);
    ExposureLog::read(source, &schema.topics(TopicColumn::single("about"))).unwrap()
}

fn monitored(day: impl Fn(u64) -> [(usize, usize); 2]) -> ChangeReading {
    let in_control = InControl::WarmUp { periods: 12 };
    let spec = ChangeSpec { in_control, ..ChangeSpec::default() };
    let mut monitor = ChangeMonitor::new("war", "a", "b", spec).unwrap();
    for period in 1..=24 {
        let tally = Tally::of(&log(&impressions(day(period), 0)), &TallySpec::default()).unwrap();
        monitor.observe_as(format!("day {period}"), &tally).unwrap();
    }
    monitor.reading()
}

/// A change of either arm is seen in that arm, and said to be its own; a day without the topic moves
/// nothing.
#[test]
fn who_moved_is_seen() {
    let topic = |period: u64| 20 + (period * 7 % 5) as usize;
    let other = |period: u64| 30 + (period * 5 % 7) as usize;
    let more = |period: u64| if period > 18 { 20 } else { 0 };
    let still = monitored(|period| [(topic(period), 100), (other(period), 100)]);
    assert!(still.episodes.is_empty());
    let treated = monitored(|period| [(topic(period) + more(period), 100), (other(period), 100)]);
    assert_eq!(treated.episodes[0].moved, Moved::Treatment(Shift::Up));
    assert_eq!((treated.ratio.alarms[0].since, treated.treatment.alarms[0].since), (19, 19));
    assert!(treated.baseline.alarms.is_empty());
    let control = monitored(|period| [(topic(period), 100), (other(period) + more(period), 100)]);
    assert_eq!(control.episodes[0].moved, Moved::Baseline(Shift::Up));
    assert!(control.episodes[0].to_string().contains("not the algorithm's"));
    assert_eq!(control.ratio.alarms[0].shift, Shift::Down);
    let lacking = monitored(|period| match period {
        5 => [(0, 100), (other(period), 100)],
        6 => [(topic(period), 100), (0, 0)],
        _ => [(topic(period), 100), (other(period), 100)],
    });
    let without = [&lacking.ratio, &lacking.treatment, &lacking.baseline];
    assert_eq!(without.map(|chart| chart.without_value), [2, 1, 1]);
    assert_eq!(lacking.periods[4], "day 5");
    let json = serde_json::to_string(&treated).unwrap();
    assert_eq!(serde_json::from_str::<ChangeReading>(&json).unwrap(), treated);
}

#[test]
fn a_monitor_watches_one_stream() {
    let mut monitor = ChangeMonitor::new("war", "a", "b", ChangeSpec::default()).unwrap();
    let log = log(&impressions([(2, 9), (3, 9)], 0));
    monitor.observe(&Tally::of(&log, &TallySpec::default()).unwrap()).unwrap();
    let by_row = TallySpec { cluster: ClusterBy::Impression, ..TallySpec::default() };
    let other = monitor.observe(&Tally::of(&log, &by_row).unwrap()).unwrap_err();
    assert!(matches!(other, Error::OtherStream { what: "cluster", .. }), "{other}");
    assert_eq!(monitor.reading().periods, ["1"]);
    assert!(matches!(
        ChangeMonitor::new("war", "a", "a", ChangeSpec::default()),
        Err(Error::SameArm { .. })
    ));
}

/// Studies with a break of one and a half standard deviations between 60 values and 60: in how many the
/// interval holds its date, and how many windows it has on average.
fn covered(correlation: f64, block: BlockLength, studies: u64) -> (u64, f64) {
    let study = |study: u64| {
        let mut next = normals(study + 77);
        let (mut last, step) = (next(), (1.0 - correlation * correlation).sqrt());
        let value = |at: usize| {
            last = correlation * last + step * next();
            last + if at < 60 { 0.0 } else { 1.5 }
        };
        let series: Vec<f64> = (0..120).map(value).collect();
        let found = cusum(&series).unwrap().at;
        let method = BlockBootstrap { replicates: 399, block, seed: study, ..Default::default() };
        let date = method.dates(&series, &[found]).unwrap()[0];
        (u64::from(date.low <= 60 && date.high >= 60), (date.high - date.low + 1) as f64)
    };
    let found: Vec<(u64, f64)> = (0..studies).into_par_iter().map(study).collect();
    let windows: f64 = found.iter().map(|(_, windows)| windows).sum();
    (found.iter().map(|(covered, _)| covered).sum(), windows / studies as f64)
}

/// The true date is in as many intervals as they say. Dates are whole, so intervals may hold it more often;
/// 95% of 1,000 is 950 with a standard deviation of 6.9.
#[test]
fn intervals_hold_the_date() {
    for (correlation, block) in
        [(0.0, BlockLength::Values(1)), (0.0, BlockLength::CubeRoot), (0.3, BlockLength::CubeRoot)]
    {
        let (covered, windows) = covered(correlation, block, 1_000);
        println!("correlation {correlation}, {block:?}: {covered} of 1000, {windows:.1} windows");
        assert!(covered >= 950 - 28, "{correlation} {block:?}: {covered}");
        assert!(windows < 25.0, "{windows}");
    }
}

#[test]
fn dates_are_the_same_on_any_number_of_threads() {
    let mut next = normals(4);
    let series: Vec<f64> = (0..90).map(|at| next() + f64::from(at / 30) * 2.0).collect();
    let breaks = pelt(&series, 9.0, 5).unwrap();
    assert_eq!(breaks.len(), 2);
    let run = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| BlockBootstrap::default().dates(&series, &breaks).unwrap())
    };
    assert_eq!(run(1), run(3));
    for (date, truth) in run(2).iter().zip([30, 60]) {
        assert!(date.low <= truth && truth <= date.high && date.before < date.after, "{date:?}");
    }
    let dates = |breaks: &[usize]| BlockBootstrap::default().dates(&series, breaks);
    assert!(dates(&[40, 40]).is_err() && dates(&[0]).is_err() && dates(&[90]).is_err());
    let level = BlockBootstrap { level: 0.0, ..BlockBootstrap::default() };
    assert!(level.dates(&series, &breaks).is_err());
    assert!(pelt(&series, -1.0, 5).is_err() && pelt(&series, 1.0, 0).is_err());
    assert!(pelt(&[f64::NAN], 1.0, 1).is_err() && cusum(&[1.0]).is_err());
    // No room for two segments, no break.
    assert_eq!(pelt(&[0.0, 9.0, 9.0], 0.1, 2).unwrap(), [0_usize; 0]);
    assert_eq!(pelt(&[0.0, 9.0], 0.1, 5).unwrap(), [0_usize; 0]);
}

fn ask(tally: &Tally, spec: &BreakSpec) -> Result<Breaks, Error> {
    let baseline = Baseline::arm("b");
    let question = TopicQuestion {
        topic: "war",
        treatment: "a",
        baseline: &baseline,
        unit: Unit::Pooled,
        denominator: Denominator::AllImpressions,
        attention: &Attention::Uniform,
        correction: None,
    };
    breaks_of(tally, &question, spec)
}

/// Each window is what an audit of its impressions alone says; windows without a value are states, days
/// without impressions are counted; a break of both arms together is one of no ratio.
#[test]
fn windows_of_a_tally() {
    let day = |day: i64| {
        let more = if day >= 30 { 15 } else { 0 };
        match day {
            7 => [(0, 80), (12, 80)],
            12 => [(9, 80), (0, 0)],
            _ => {
                let wave = |by: i64| (day * by % 5) as usize;
                [(12 + wave(3) + more, 80), (12 + wave(2) + more, 80)]
            }
        }
    };
    let rows: Vec<_> = (0..60_i64)
        .filter(|day| ![20, 21].contains(day))
        .flat_map(|nth| impressions(day(nth), nth))
        .collect();
    let log = log(&rows);
    let spec = TallySpec { windows: WindowBy::days(1), ..TallySpec::default() };
    let tally = Tally::of(&log, &spec).unwrap();
    let found = ask(&tally, &BreakSpec::default()).unwrap();
    assert_eq!((found.empty, found.ratio.windows.len()), (2, 58));
    let without = [&found.ratio, &found.treatment, &found.baseline].map(|its| its.without_value);
    assert_eq!(without, [2, 1, 1]);
    assert_eq!(found.ratio.windows[7].value, Value::NegativeInfinite);
    assert_eq!(found.ratio.windows[12].value, Value::Undefined(Undefined::NoBaselineMass));
    let times = log.times().unwrap().to_vec();
    for at in [3, 30, 57] {
        let window = found.ratio.windows[at];
        let alone = log.filter("some rows", |row| times[row] == window.start).unwrap();
        let question = Question::between("a", "b").statistic(LogRatio);
        let audit = Audit::of(&alone, &question).interval(Interval::Delta(Delta::default()));
        let estimate = audit.run().unwrap().estimates()[0].clone();
        assert_eq!(
            (window.value, window.standard_error),
            (estimate.value, estimate.standard_error)
        );
    }
    assert!(found.ratio.breaks.is_empty());
    let [treatment, baseline] = [&found.treatment, &found.baseline].map(|its| its.breaks[0]);
    assert_eq!((treatment.start, baseline.start), (30 * 86_400_000_000, 30 * 86_400_000_000));
    assert!(treatment.low <= treatment.start && treatment.start <= treatment.high);
    let together = Moved::Together { shares: Shift::Up, ratio: None };
    assert_eq!(found.episodes.iter().map(|its| its.moved).collect::<Vec<_>>(), [together]);
    assert!(found.to_string().contains("both arms moved up together"));
    let json = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<Breaks>(&json).unwrap(), found);
    // By hand: twice the variance from the median step, times the logarithm of the number of values.
    let values: Vec<f64> =
        found.ratio.windows.iter().filter_map(|its| its.value.number()).collect();
    let values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
    let mut steps: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    steps.sort_by(f64::total_cmp);
    assert_eq!((values.len(), steps.len()), (56, 55));
    let penalty = (steps[27] / 0.674_489_750_196_081_7).powi(2) * 56.0_f64.ln();
    assert!((found.ratio.penalty.unwrap() / penalty - 1.0).abs() < 1e-12);
    // A penalty that nothing pays.
    let dear = BreakSpec { penalty: Penalty::Of(1e3), ..BreakSpec::default() };
    assert!(ask(&tally, &dear).unwrap().treatment.breaks.is_empty());
    let whole = Tally::of(&log, &TallySpec::default()).unwrap();
    let refused = ask(&whole, &BreakSpec::default()).unwrap_err();
    assert!(refused.to_string().contains("TallySpec::windows"), "{refused}");
}
