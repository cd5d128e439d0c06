//! Every number of `golden/tiktok_politics.json` and `golden/applenews.json` (numpy and scipy,
//! by `golden/make_golden.py`), to 1e-9 relative, from CSV.gz through the public API.

#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test may stop at the first surprise"
)]

use crate::shared;

use serde_json::Value as Json;
use tiltmeter::inference::{Delta, Quantile};
use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
use tiltmeter::statistic::{
    AmplificationRatio, BaselineShare, Difference, LogRatio, Statistic, TreatmentShare,
};
use tiltmeter::{
    Attention, Audit, AuditReport, ClusterBy, Denominator, Estimate, ExposureLog, Interval,
    MultiLabel, Question, Reach, Relation, Unit, Value,
};

const TOLERANCE: f64 = 1e-9;

/// A golden number: JSON, or a word where JSON has none.
fn number(value: &Json) -> f64 {
    match value.as_str() {
        Some("inf") => f64::INFINITY,
        Some("-inf") => f64::NEG_INFINITY,
        Some("nan") => f64::NAN,
        Some(other) => panic!("not a number: {other}"),
        None => value.as_f64().unwrap(),
    }
}

/// Counts comparisons, so that a test that compared nothing cannot pass.
#[derive(Default)]
struct Checked(usize);

impl Checked {
    fn close(&mut self, what: &str, ours: f64, golden: &Json) {
        let golden = number(golden);
        let scale = golden.abs().max(f64::MIN_POSITIVE);
        let equal = ours == golden || (ours - golden).abs() <= TOLERANCE * scale;
        assert!(equal, "{what}: {ours} against {golden}");
        self.0 += 1;
    }

    /// A number where golden has one, nothing where golden says "nan".
    fn close_or_none(&mut self, what: &str, ours: Option<f64>, golden: &Json) {
        match ours {
            Some(ours) => self.close(what, ours, golden),
            None => {
                assert!(number(golden).is_nan(), "{what}: nothing against {golden}");
                self.0 += 1;
            }
        }
    }
}

#[derive(Clone)]
struct Comparison {
    treatment: &'static str,
    baseline: &'static str,
    cluster: &'static str,
    attention: Attention,
    multi_label: MultiLabel,
    denominator: Denominator,
    relation: Relation,
}

impl Comparison {
    fn question(&self) -> Question {
        Question::between(self.treatment, self.baseline)
            .cluster(ClusterBy::column(self.cluster))
            .attention(self.attention.clone())
            .multi_label(self.multi_label)
            .denominator(self.denominator)
    }

    /// Every number of one golden comparison.
    fn check(&self, name: &str, log: &ExposureLog, golden: &Json, checked: &mut Checked) {
        let delta = |quantile| Interval::Delta(Delta { level: 0.95, quantile });
        let by = |question: Question, interval| {
            Audit::of(log, &question).interval(interval).run().unwrap()
        };
        let pooled =
            self.question().statistic(AmplificationRatio).statistic(LogRatio).statistic(Difference);
        let pooled = by(pooled, delta(Quantile::StudentT));
        let normal = by(self.question(), delta(Quantile::Normal));
        let shares = |unit| {
            let question = self.question().unit(unit);
            let question = question.statistic(TreatmentShare).statistic(BaselineShare);
            Audit::of(log, &question).run().unwrap()
        };
        let means = shares(Unit::ClusterMean);
        let reach = shares(Unit::Reach(Reach::default()));
        let rows = golden.as_array().unwrap();
        assert_eq!(rows.len(), normal.estimates().len(), "{name}: topics");
        for row in rows {
            let topic = row["topic"].as_str().unwrap();
            let what = |field: &str| format!("{name}, {topic}, {field}");
            let of = |report: &AuditReport, statistic: &dyn Statistic| -> Estimate {
                report.estimate(statistic, topic).unwrap().clone()
            };
            let ratio = of(&pooled, &AmplificationRatio);
            assert_eq!(ratio.clusters.relation, self.relation, "{name}");
            self.check_pooled(&what, &ratio, row, checked);
            check_intervals(&what, &ratio, &of(&normal, &AmplificationRatio), row, checked);
            let log_ratio = of(&pooled, &LogRatio).value.number();
            checked.close(&what("log_ratio"), log_ratio.unwrap(), &row["log_ratio"]);
            let difference = of(&pooled, &Difference).value.number();
            checked.close(&what("difference"), difference.unwrap(), &row["difference"]);
            for (report, kind) in [(&means, "cluster_mean"), (&reach, "reach")] {
                let sides: [(&dyn Statistic, _); 2] =
                    [(&TreatmentShare, "treatment"), (&BaselineShare, "baseline")];
                for (share, side) in sides {
                    let field = format!("{kind}_{side}");
                    let ours = of(report, share).value.number().unwrap();
                    checked.close(&what(&field), ours, &row[&field]);
                }
            }
        }
    }

    fn check_pooled(
        &self,
        what: &dyn Fn(&str) -> String,
        ratio: &Estimate,
        row: &Json,
        checked: &mut Checked,
    ) {
        checked.close(&what("mass_treatment"), ratio.treatment.topic, &row["mass_treatment"]);
        checked.close(&what("total_treatment"), ratio.treatment.all, &row["total_treatment"]);
        checked.close(&what("mass_baseline"), ratio.baseline.topic, &row["mass_baseline"]);
        checked.close(&what("total_baseline"), ratio.baseline.all, &row["total_baseline"]);
        let shares = (ratio.treatment.share.unwrap(), ratio.baseline.share.unwrap());
        checked.close(&what("share_treatment"), shares.0, &row["share_treatment"]);
        checked.close(&what("share_baseline"), shares.1, &row["share_baseline"]);
        checked.close(&what("ratio"), ratio.value.number().unwrap(), &row["ratio"]);
    }
}

fn check_intervals(
    what: &dyn Fn(&str) -> String,
    student: &Estimate,
    normal: &Estimate,
    row: &Json,
    checked: &mut Checked,
) {
    let standard_error = student.standard_error;
    checked.close_or_none(&what("se_log_ratio"), standard_error, &row["se_log_ratio"]);
    if number(&row["se_log_ratio"]).is_nan() {
        // Golden has no interval here. Ours is one-sided, and has no degrees of freedom.
        assert!(matches!(student.value, Value::Infinite | Value::Zero(_)), "{}", what("state"));
        let interval = student.interval.unwrap();
        let bounded = (interval.low.is_some(), interval.high.is_some());
        let expected = (student.value == Value::Infinite, student.value != Value::Infinite);
        assert_eq!(bounded, expected, "{}", what("one-sided"));
        for field in ["z_low", "z_high", "t_low", "t_high"] {
            assert!(number(&row[field]).is_nan());
        }
        let counts = student.clusters;
        let degrees = counts.treatment + counts.baseline - counts.both - 1;
        checked.close(&what("degrees"), degrees as f64, &row["t_degrees_of_freedom"]);
        return;
    }
    let degrees = student.degrees_of_freedom.unwrap();
    checked.close(&what("degrees"), degrees, &row["t_degrees_of_freedom"]);
    for (estimate, quantile) in [(student, "t"), (normal, "z")] {
        let interval = estimate.interval.unwrap();
        for (bound, side) in [(interval.low, "low"), (interval.high, "high")] {
            let field = format!("{quantile}_{side}");
            checked.close(&what(&field), bound.unwrap(), &row[&field]);
        }
    }
}

fn tiktok(topics: TopicColumn) -> Option<ExposureLog> {
    let schema = LogSchema::new()
        .arm("arm")
        .viewer("device")
        .item("item")
        .position("position")
        .time("date", TimeFormat::Iso)
        .topics(topics)
        .column("experiment")
        .column("week");
    Some(ExposureLog::open(shared::path("data/tiktok_politics.csv.gz")?, &schema).unwrap())
}

#[test]
fn tiktok_politics() {
    let (Some(golden), Some(party)) =
        (shared::golden("tiktok_politics"), tiktok(TopicColumn::single("party")))
    else {
        return;
    };
    let topics = tiktok(TopicColumn::separated("topics", '|')).unwrap();
    assert_eq!(party.rows() as u64, golden["rows"].as_u64().unwrap());
    let experiments = party.column("experiment").unwrap().dictionary().len();
    assert_eq!(experiments as u64, golden["experiments"].as_u64().unwrap());

    let mut checked = Checked::default();
    let comparisons = golden["comparisons"].as_object().unwrap();
    for (name, rows) in comparisons {
        let field = |at: usize| name.rsplit(':').nth(at).unwrap();
        let crossed = usize::from(name.ends_with(":crossed"));
        let arms = ["right/left", "right/neutral", "left/neutral"];
        let (treatment, baseline) =
            arms.into_iter().find(|a| name.contains(a)).unwrap().split_once('/').unwrap();
        let clusters = ["cluster=experiment", "cluster=device", "cluster=week"];
        let cluster = clusters.into_iter().find(|c| field(1 + crossed) == *c).unwrap();
        let comparison = Comparison {
            treatment,
            baseline,
            cluster: cluster.trim_start_matches("cluster="),
            attention: match field(crossed) {
                "uniform" => Attention::Uniform,
                "log2" => Attention::Logarithmic,
                other => panic!("{other}"),
            },
            multi_label: match name.contains("fractional") {
                true => MultiLabel::Fractional,
                false => MultiLabel::Full,
            },
            denominator: match name.contains("tagged rows only") {
                true => Denominator::TaggedImpressions,
                false => Denominator::AllImpressions,
            },
            relation: if crossed == 1 { Relation::Crossed } else { Relation::Nested },
        };
        let log = if name.starts_with("party") { &party } else { &topics };
        comparison.check(name, log, rows, &mut checked);
    }
    assert_eq!(comparisons.len(), 13);
    // 10 comparisons of 3 topics and 3 of 26, each with 19 numbers; the rest is below.
    assert_eq!(checked.0, (10 * 3 + 3 * 26) * 19);

    let ratio = Audit::of(&party, &Question::between("right", "left"))
        .run()
        .unwrap()
        .estimate(&AmplificationRatio, "Republican")
        .unwrap()
        .clone();
    let naive = &golden["naive_se_log_ratio"]["Republican:right/left"];
    checked.close("naive", ratio.naive.unwrap().standard_error, naive);
    let own = ratio.treatment.share.unwrap() - {
        let left = Question::between("left", "right").topics(["Democrat"]);
        let left = Audit::of(&party, &left).run().unwrap();
        left.estimates()[0].treatment.share.unwrap()
    };
    checked.close("own party", own, &golden["own_party_difference"]["difference"]);
}

#[test]
fn applenews() {
    let (Some(golden), Some(path)) =
        (shared::golden("applenews"), shared::path("data/applenews.csv.gz"))
    else {
        return;
    };
    let schema = LogSchema::new()
        .arm("arm")
        .viewer("day")
        .slate("slate")
        .item("item")
        .position("position")
        .time("ts", TimeFormat::Iso)
        .topics(TopicColumn::single("publisher"));
    let log = ExposureLog::open(path, &schema).unwrap();
    assert_eq!(log.rows() as u64, golden["rows"].as_u64().unwrap());
    let mut checked = Checked::default();
    for (name, attention) in [("uniform", Attention::Uniform), ("log2", Attention::Logarithmic)] {
        let comparison = Comparison {
            treatment: "trending",
            baseline: "top",
            cluster: "day",
            attention,
            multi_label: MultiLabel::Full,
            denominator: Denominator::AllImpressions,
            relation: Relation::Crossed,
        };
        comparison.check(name, &log, &golden["comparisons"][name], &mut checked);
    }
    let rows = |name: &str| golden["comparisons"][name].as_array().unwrap().iter();
    let infinite = rows("uniform").filter(|row| row["ratio"] == "inf").count();
    assert!(infinite > 10, "publishers that the editors never chose: {infinite}");
    // 19 numbers where there is an interval, 15 where there is none.
    let at_limit = ["uniform", "log2"]
        .iter()
        .flat_map(|name| rows(name))
        .filter(|row| row["se_log_ratio"] == "nan")
        .count();
    assert_eq!(checked.0, 2 * 131 * 19 - at_limit * 4);
}
