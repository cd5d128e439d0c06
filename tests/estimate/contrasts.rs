//! Contrasts of topics and of strata, and the test that strata are equal: numpy and scipy, closed forms, and
//! simulations with a known truth.

use serde_json::Value as Json;
use tiltmeter::inference::{Bootstrap, Delta, Jackknife, Permutation, Test};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::source::SliceSource;
use tiltmeter::statistic::{
    AmplificationRatio, AnyStatistic, ShareStatistic, StratumContrast, TopicContrast, Undefined,
};
use tiltmeter::tally::StratifyBy;
use tiltmeter::{
    Audit, Baseline, Bias, Error, Estimate, ExposureLog, Interval, Keep, Question, Reference,
    ReferenceShare, TestMethod, Value,
};

use crate::shared::random::Random;

/// Impressions of a cluster in an arm and stratum: of war, of sport, of others.
type Row = (usize, &'static str, String, [u64; 3]);

fn log(rows: &[Row]) -> ExposureLog {
    let (mut who, mut feed, mut place, mut about) = (vec![], vec![], vec![], vec![]);
    for (cluster, arm, stratum, counts) in rows {
        for (topic, count) in ["war", "sport", "other"].into_iter().zip(counts) {
            for _ in 0..*count {
                who.push(*cluster as i64);
                feed.push(*arm);
                place.push(stratum.as_str());
                about.push(topic);
            }
        }
    }
    let source = SliceSource::new("contrasts")
        .integer("who", &who)
        .text("feed", &feed)
        .text("place", &place)
        .text("about", &about);
    let schema = LogSchema::new()
        .viewer("who")
        .arm("feed")
        .stratum("place")
        .topics(TopicColumn::single("about"));
    ExposureLog::read(source, &schema).expect("the columns are whole")
}

fn question(statistic: impl Into<AnyStatistic>) -> Question {
    Question::between("a", "b").topics(["war"]).strata(StratifyBy::Stratum).statistic(statistic)
}

fn first(audit: Audit<'_>) -> Estimate {
    audit.run().expect("arms and topics are there").estimates()[0].clone()
}

fn near(ours: f64, theirs: f64, tolerance: f64, what: &str) {
    assert!(
        (ours - theirs).abs() <= tolerance * theirs.abs().max(1e-3),
        "{what}: {ours} for {theirs}"
    );
}

fn golden() -> Json {
    serde_json::from_str(include_str!("../golden/contrasts.json")).unwrap()
}

fn rows_of(case: &Json) -> Vec<Row> {
    let rows: Vec<(usize, String, String, u64, u64, u64)> =
        serde_json::from_value(case["rows"].clone()).unwrap();
    rows.into_iter()
        .map(|(cluster, arm, stratum, war, sport, other)| {
            (cluster, if arm == "a" { "a" } else { "b" }, stratum, [war, sport, other])
        })
        .collect()
}

/// `make_contrasts.py`: values, and standard errors by complex steps and by leaving clusters out.
#[test]
fn values_and_errors_are_those_of_numpy() {
    for case in golden()["cases"].as_array().unwrap() {
        let log = log(&rows_of(case));
        for expected in case["values"].as_array().unwrap() {
            let of: ShareStatistic = serde_json::from_value(expected["of"].clone()).unwrap();
            let statistic: AnyStatistic = match expected["kind"].as_str().unwrap() {
                "topic" => TopicContrast::against("sport").of(of).into(),
                _ => StratumContrast::between("east", "west").of(of).into(),
            };
            let what = format!("{} {:?}", case["name"], statistic);
            let asked = question(statistic);
            let by = |interval| first(Audit::of(&log, &asked).interval(interval));
            let delta = by(Interval::Delta(Delta::default()));
            let jackknife = by(Interval::Jackknife(Jackknife::default()));
            let working = expected["working"].as_f64().unwrap();
            let is_difference = of == ShareStatistic::Difference;
            let value = if is_difference { working } else { working.exp() };
            near(delta.value.number().unwrap(), value, 1e-12, &what);
            let error = |its: &Estimate| its.standard_error.unwrap();
            near(error(&delta), expected["delta"].as_f64().unwrap(), 1e-11, &what);
            near(error(&jackknife), expected["jackknife"].as_f64().unwrap(), 1e-9, &what);
            // The bootstrap resamples what both halves have of a cluster together.
            let bootstrap = Bootstrap { replicates: 4_000, ..Bootstrap::default() };
            let drawn = error(&by(Interval::Bootstrap(bootstrap)));
            near(drawn, error(&jackknife), 0.15, &what);
        }
    }
}

/// `make_contrasts.py`: the test that strata are equal.
#[test]
fn equality_is_that_of_numpy() {
    for case in golden()["cases"].as_array().unwrap() {
        let log = log(&rows_of(case));
        for expected in case["equality"].as_array().unwrap() {
            let of: AnyStatistic = expected["of"].as_str().unwrap().parse().unwrap();
            let estimate = first(Audit::of(&log, &question(of)).test(Test::EqualStrata));
            let test = estimate.test.unwrap();
            let what = format!("{} {}", case["name"], expected["of"]);
            assert_eq!(test.method, Some(TestMethod::EqualStrata));
            near(test.statistic.unwrap(), expected["f"].as_f64().unwrap(), 1e-8, &what);
            let degrees = expected["degrees"].as_f64().unwrap();
            near(test.degrees_of_freedom.unwrap(), degrees, 1e-8, &what);
            near(test.p.unwrap(), expected["p"].as_f64().unwrap(), 1e-7, &what);
        }
    }
}

/// Where strata share no cluster, share bounds are put together from those of each stratum's own audit, as of
/// two independent numbers: Zou and Donner's rule, by hand.
#[test]
fn bounds_are_those_of_the_strata() {
    let log = log(&rows_of(&golden()["cases"][0]));
    let asked = question(AmplificationRatio);
    let of = |stratum: &str| {
        let keep = Keep::new("place", [stratum]);
        let log = log.keep(&keep).unwrap();
        let interval = first(Audit::of(&log, &asked));
        [interval.low(), interval.value(), interval.high()].map(|its| its.unwrap().ln())
    };
    let ([l1, v1, u1], [l2, v2, u2]) = (of("east"), of("west"));
    let contrast = first(Audit::of(&log, &question(StratumContrast::between("east", "west"))));
    near(contrast.value().unwrap().ln(), v1 - v2, 1e-12, "value");
    near(contrast.low().unwrap().ln(), v1 - v2 - (v1 - l1).hypot(u2 - v2), 1e-9, "low");
    near(contrast.high().unwrap().ln(), v1 - v2 + (u1 - v1).hypot(v2 - l2), 1e-9, "high");
}

/// A topic that one arm lacks in one of two: one end, or a reason; never a number that is none.
#[test]
fn zeros_are_states() {
    let rows = |war_east_a: u64, war_west_a: u64| -> Vec<Row> {
        let row = |cluster: usize| {
            let arm = if cluster.is_multiple_of(2) { "a" } else { "b" };
            let stratum = if cluster % 4 < 2 { "east" } else { "west" };
            let war = match (arm, stratum) {
                ("a", "east") => war_east_a,
                ("a", _) => war_west_a,
                _ => 2,
            };
            (cluster, arm, stratum.to_owned(), [war, 2 + cluster as u64 % 3, 5])
        };
        (0..40).map(row).collect()
    };
    let of = |east, west| {
        let log = log(&rows(east, west));
        first(
            Audit::of(&log, &question(StratumContrast::between("east", "west")))
                .test(Test::ShareBounds),
        )
    };
    let zero = of(0, 2);
    assert_eq!(zero.value, Value::Zero(0.0));
    // 0 of 10 clusters against 10 of 10 says no more than that: the p-value and the interval agree.
    let (low, high) = (zero.low(), zero.high().unwrap());
    assert!(low.is_none() && (zero.test.unwrap().p.unwrap() < 0.05) == (high < 1.0), "{zero:?}");
    let infinite = of(2, 0);
    assert_eq!(infinite.value, Value::Infinite);
    assert!(infinite.high().is_none() && infinite.low().is_some_and(|low| low > 0.0));
    assert_eq!(of(0, 0).value, Value::Undefined(Undefined::BothInfinite));
}

/// What a contrast has no meaning for is refused, in words that say what would do.
#[test]
fn what_cannot_be_contrasted_is_refused() {
    let log = log(&rows_of(&golden()["cases"][0]));
    let run = |asked: Question| Audit::of(&log, &asked).run().map(|_| ());
    let refused = run(question(TopicContrast::against("sports"))).unwrap_err();
    assert!(
        matches!(&refused, Error::UnknownTopic { topic, .. } if topic == "sports"),
        "{refused}"
    );
    let refused = run(question(StratumContrast::between("east", "moon"))).unwrap_err();
    assert!(matches!(&refused, Error::UnknownStratum { stratum, .. } if stratum == "moon"));
    let without = question(StratumContrast::between("east", "west")).strata(StratifyBy::Nothing);
    assert!(matches!(run(without), Err(Error::NoStrata { .. })));
    let known = Reference::new("a panel", Bias::NONE)
        .share("war", ReferenceShare::Counts { topic: 20, all: 100 })
        .share("sport", ReferenceShare::Counts { topic: 20, all: 100 });
    let against = Question::between("a", Baseline::Reference(known))
        .topics(["war"])
        .statistic(TopicContrast::against("sport"));
    assert!(run(against).unwrap_err().to_string().contains("an arm of the log"));
}

/// The words of flags and of files say the same contrast.
#[test]
fn contrasts_have_words() {
    let of = TopicContrast::against("sport").of(ShareStatistic::Difference);
    let said: AnyStatistic = "topic_contrast:topic=sport,of=difference".parse().unwrap();
    assert_eq!(said, AnyStatistic::from(of));
    let written = serde_json::to_string(&said).unwrap();
    assert_eq!(written, r#"{"topic_contrast":{"topic":"sport","of":"difference"}}"#);
    assert_eq!(serde_json::from_str::<AnyStatistic>(&written).unwrap(), said);
    let said: AnyStatistic = "stratum_contrast:stratum=DE,against=FR".parse().unwrap();
    assert_eq!(said, AnyStatistic::from(StratumContrast::between("DE", "FR")));
    assert_ne!(said, AnyStatistic::from(StratumContrast::between("FR", "DE")));
    let error =
        "topic_contrast:topic=sport,of=treatment_share".parse::<AnyStatistic>().unwrap_err();
    assert!(error.to_string().contains("there are amplification_ratio"), "{error}");
    let error = "topic_contrast".parse::<AnyStatistic>().unwrap_err();
    assert!(error.to_string().contains("topic is missing"), "{error}");
}

/// Random numbers from a seed.
struct Drawn(Random);

impl Drawn {
    fn uniform(&mut self) -> f64 {
        self.0.next()
    }

    /// Near normal, with variance 1: the sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// What clusters' tastes for war and sport have to do with each other.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Tastes {
    Apart,
    /// Who likes one more likes the other less: the two values go against each other.
    Opposed,
    /// Who likes one likes the other: they go together.
    Alike,
}

/// A feed that shows war and sport alike, in arm a so many times as often as in b. Clusters have tastes of their
/// own, kept over strata and arms, and sizes that differ.
struct Feed {
    clusters: usize,
    crossed: bool,
    /// Whether each cluster is in every stratum.
    shared: bool,
    strata: usize,
    base: f64,
    /// By stratum, how many times as often a shows war and sport.
    lift: [f64; 4],
    tastes: Tastes,
}

impl Feed {
    fn rows(&self, drawn: &mut Drawn) -> Vec<Row> {
        let mut rows = Vec::new();
        for cluster in 0..self.clusters {
            let [one, other] = [drawn.normal(), drawn.normal()].map(|z| (0.6 * z).exp());
            let taste = match self.tastes {
                Tastes::Apart => [one, other],
                // Between 0 and 2, and together 2.
                Tastes::Opposed => [2.0 * one / (one + other), 2.0 * other / (one + other)],
                Tastes::Alike => [one, one],
            };
            // A few clusters are much larger than others.
            let size = (20.0 * (0.7 * drawn.normal()).exp()).ceil() as usize;
            let own = cluster / 2 % self.strata;
            for arm in ["a", "b"] {
                if !self.crossed && (cluster % 2 == 0) != (arm == "a") {
                    continue;
                }
                for stratum in (0..self.strata).filter(|&its| self.shared || its == own) {
                    let mut counts = [0; 3];
                    let lift = if arm == "a" { self.lift[stratum] } else { 1.0 };
                    let share = |of: f64| (self.base * lift * of).min(0.45);
                    let shares = taste.map(share);
                    for _ in 0..size.min(400) {
                        let u = drawn.uniform();
                        let at = if u < shares[0] {
                            0
                        } else if u < shares[0] + shares[1] {
                            1
                        } else {
                            2
                        };
                        counts[at] += 1;
                    }
                    rows.push((cluster, arm, format!("s{stratum}"), counts));
                }
            }
        }
        rows
    }

    /// In how many of so many studies something is found, by each question.
    fn rejected(&self, studies: u64, asked: &[(AnyStatistic, Test)]) -> Vec<(u64, u64)> {
        let mut rejected = vec![(0, 0); asked.len()];
        for study in 0..studies {
            let log = log(&self.rows(&mut Drawn(Random(study * 7_919 + 1))));
            for ((statistic, test), (found, of)) in asked.iter().zip(&mut rejected) {
                let asked = question(statistic.clone());
                // A study of few impressions may lack a topic or a stratum.
                let Ok(report) = Audit::of(&log, &asked).test(*test).run() else { continue };
                let estimate = &report.estimates()[0];
                if let Some(Ok(p)) = estimate.test.map(|test| test.p) {
                    *of += 1;
                    *found += u64::from(p < 0.05);
                }
            }
        }
        rejected
    }
}

/// Where nothing differs, nothing is found in more than 5% of studies (and four binomial standard errors of 300),
/// with few and with many clusters, in one stratum each or in all, in one arm or in both, of a common and a rare topic.
#[test]
fn contrasts_find_nothing_where_nothing_differs() {
    let topic = || AnyStatistic::from(TopicContrast::against("sport"));
    let strata = || AnyStatistic::from(StratumContrast::between("s0", "s1"));
    let asked = [
        (topic(), Test::ShareBounds),
        (strata(), Test::ShareBounds),
        (AmplificationRatio.into(), Test::EqualStrata),
    ];
    let feed = |tastes, clusters, crossed, shared, strata, base| Feed {
        tastes,
        lift: [1.5; 4],
        clusters,
        crossed,
        shared,
        strata,
        base,
    };
    let feeds = [
        feed(Tastes::Apart, 8, true, true, 2, 0.1),
        feed(Tastes::Apart, 16, false, false, 2, 0.1),
        feed(Tastes::Apart, 40, true, true, 4, 0.1),
        feed(Tastes::Apart, 120, false, false, 2, 0.02),
        feed(Tastes::Apart, 120, true, true, 2, 0.1),
        feed(Tastes::Opposed, 10, false, true, 2, 0.15),
        feed(Tastes::Opposed, 40, false, true, 2, 0.15),
        feed(Tastes::Opposed, 8, true, true, 2, 0.15),
        feed(Tastes::Alike, 40, false, true, 2, 0.1),
        feed(Tastes::Alike, 12, true, true, 2, 0.1),
    ];
    for feed in feeds {
        for ((found, of), (statistic, test)) in feed.rejected(300, &asked).into_iter().zip(&asked) {
            assert!(of > 200, "{of} studies of {} clusters", feed.clusters);
            let rate = found as f64 / of as f64;
            let most = 0.05 + 4.0 * (0.05 * 0.95 / of as f64).sqrt();
            assert!(rate <= most, "{rate} of {} clusters, {statistic:?}, {test:?}", feed.clusters);
        }
    }
}

/// A topic that is lifted 1.5 times in one stratum and 3 times in the other is found out.
#[test]
fn contrasts_find_what_differs() {
    let feed = Feed {
        tastes: Tastes::Apart,
        lift: [1.5, 3.0, 1.5, 1.5],
        clusters: 120,
        crossed: true,
        shared: true,
        strata: 2,
        base: 0.1,
    };
    let asked = [
        (StratumContrast::between("s1", "s0").into(), Test::ShareBounds),
        (AmplificationRatio.into(), Test::EqualStrata),
    ];
    for (found, of) in feed.rejected(100, &asked) {
        assert!(found * 10 >= of * 9, "{found} of {of}");
    }
}

/// Two topics that the same viewers choose between go against each other: their contrast varies more than either, and
/// its interval is about as long as the jackknife's, which knows of it.
#[test]
fn values_that_go_against_each_other_are_less_sure() {
    let tastes = Tastes::Opposed;
    let feed = Feed {
        tastes,
        lift: [1.5; 4],
        clusters: 120,
        crossed: false,
        shared: true,
        strata: 1,
        base: 0.15,
    };
    let log = log(&feed.rows(&mut Drawn(Random(5))));
    let asked = question(TopicContrast::against("sport"));
    let length = |interval: Interval| {
        let its = first(Audit::of(&log, &asked).interval(interval));
        (its.high().unwrap() / its.low().unwrap()).ln()
    };
    let ratio = length(Interval::default()) / length(Interval::Jackknife(Jackknife::default()));
    assert!((0.9..1.3).contains(&ratio), "{ratio}");
}

/// Where arms are exchangeable the permutation test of a contrast is of its size, studentised too: the total of all is
/// in a contrast of topics twice, and each goes with its own half. Four binomial standard errors of 300.
#[test]
fn permutations_know_both_halves() {
    let tastes = Tastes::Opposed;
    let feed = Feed {
        tastes,
        lift: [1.0; 4],
        clusters: 20,
        crossed: false,
        shared: true,
        strata: 1,
        base: 0.2,
    };
    let test = Permutation { replicates: 199, ..Permutation::default() };
    let asked = [(TopicContrast::against("sport").into(), Test::Permutation(test))];
    let [(found, of)] = feed.rejected(300, &asked)[..] else { panic!("one was asked") };
    assert!(of > 290 && found <= 30, "{found} of {of}");
}

/// Viewers of both arms, each with 100 impressions in either: some 40 of war in arm a and 20 in b, and some 20 of sport
/// in both. They differ a little, since nothing shows how what never varies would.
fn crossed(viewers: usize) -> Vec<Row> {
    let row = |viewer: usize, arm, war: u64| {
        let (war, sport) = (war + viewer as u64 % 4, 20 + (viewer as u64 + war) % 3);
        (viewer, arm, "all".to_owned(), [war, sport, 100 - sport - war])
    };
    (0..viewers).flat_map(|viewer| [row(viewer, "a", 40), row(viewer, "b", 20)]).collect()
}

/// Five viewers who all lean one way could have done so by the toss of coins (1 in 16): no finding, nor with strays
/// beside them that lean the same way; and eleven who all do are one (1 in 1,024), by hand.
#[test]
fn contrasts_are_no_surer_than_coins() {
    let asked = question(TopicContrast::against("sport")).strata(StratifyBy::Nothing);
    let p = |rows: &[Row]| {
        let log = log(rows);
        let estimate = first(Audit::of(&log, &asked).test(Test::ShareBounds));
        (estimate.test.unwrap().p.unwrap(), estimate.low().unwrap())
    };
    let five = crossed(5);
    let mut with_strays = five.clone();
    for stray in 5..10 {
        for (arm, war) in [("a", 2), ("b", 1)] {
            with_strays.push((stray, arm, "all".to_owned(), [war, 1, 0]));
        }
    }
    for rows in [five, with_strays] {
        let (p, low) = p(&rows);
        assert!(p >= 0.0625 - 1e-9 && low <= 1.0 + 1e-12, "{p} {low}");
    }
    let (p, low) = p(&crossed(11));
    assert!(p < 0.01 && low > 1.0, "{p} {low}");
}
