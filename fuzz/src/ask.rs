//! Random questions, as the JSON of a study: what is asked of an input that was accepted.

use serde_json::{Value, json};
use tiltmeter::log::{LogSchema, RowPolicy, TimeFormat, TopicColumn, TopicFormat};
use tiltmeter::statistic::ALL;
use tiltmeter::{ExposureLog, StudyFile};

use crate::chance::Chance;
use crate::odd;

/// What there is to ask about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) arms: Vec<String>,
    pub(crate) topics: Vec<String>,
}

impl Names {
    pub(crate) fn of(log: &ExposureLog) -> Self {
        let texts = |ids: &tiltmeter::log::Dictionary| ids.iter().map(str::to_owned).collect();
        Self {
            arms: log.arms().map(|arms| texts(arms.dictionary())).unwrap_or_default(),
            topics: log.topics().map(|topics| texts(topics.labels())).unwrap_or_default(),
        }
    }

    /// Two arms, seldom the same one or one that there is not: such questions are refused.
    pub(crate) fn two_arms(&self, chance: &mut Chance) -> (String, String) {
        let first = one_of(&self.arms, chance);
        let mut others = self.arms.clone();
        if others.len() > 1 && !chance.one_in(50) {
            others.retain(|arm| *arm != first);
        }
        (first, one_of(&others, chance))
    }
}

/// Which of the columns of the seeds are read, and how.
pub(crate) fn schema(chance: &mut Chance) -> LogSchema {
    let mut schema = LogSchema::new().viewer("who").arm("feed");
    let formats = [
        TopicFormat::Separated('|'),
        TopicFormat::Single,
        TopicFormat::JsonList,
        TopicFormat::PythonList,
    ];
    let format = if chance.one_in(3) { *chance.pick(&formats) } else { formats[0] };
    schema = schema.topics(TopicColumn::new("about", format));
    if chance.one_in(2) {
        schema = schema.position("rank");
    }
    if chance.one_in(2) {
        schema = schema.weight("w");
    }
    if chance.one_in(4) {
        schema = schema.count("seen");
    }
    if chance.one_in(2) {
        schema = schema.stratum("country");
    }
    if chance.one_in(2) {
        schema = schema.item("item").slate("slate");
    }
    if chance.one_in(3) {
        let formats = [
            TimeFormat::EpochSeconds,
            TimeFormat::EpochMilliseconds,
            TimeFormat::EpochMicroseconds,
        ];
        let format = if chance.one_in(4) { chance.pick(&formats).clone() } else { TimeFormat::Iso };
        schema = schema.time("at", format);
    }
    if chance.one_in(4) {
        schema = schema.propensity("propensity").satisfaction("propensity").engagement("w");
    }
    if chance.one_in(4) {
        schema = schema.column("country").combined("both", ["who", "feed"]);
    }
    if chance.one_in(3) { schema } else { schema.rows(RowPolicy::SetAside) }
}

/// A study of a log in a file of this name.
pub(crate) fn study(names: &Names, schema: &LogSchema, chance: &mut Chance) -> StudyFile {
    let study = json!({
        "log": {"path": "log.csv", "schema": schema},
        "question": question(names, chance),
        "inference": inference(chance),
    });
    serde_json::from_value(study).expect("questions are made as studies have them")
}

fn one_of(names: &[String], chance: &mut Chance) -> String {
    if names.is_empty() || chance.one_in(100) {
        odd::name(chance)
    } else {
        chance.pick(names).clone()
    }
}

fn question(names: &Names, chance: &mut Chance) -> Value {
    let reach = json!({"reach": {"impressions": chance.below(4), "mass": number(chance)}});
    let units = [json!("pooled"), json!("pooled"), json!("cluster_mean"), reach];
    let (treatment, other) = names.two_arms(chance);
    let mut question = json!({
        "treatment": treatment,
        "baseline": baseline(names, other, chance),
        "unit": chance.pick(&units),
        "denominator": chance.pick(&["all_impressions", "tagged_impressions"]),
    });
    // Those that keep strata apart are refused where there are none.
    let plain: Vec<&str> = ALL
        .iter()
        .map(|its| (its.cells(2).len(), its.name()))
        .filter(|(cells, name)| *cells <= 4 && *name != "smoothed_reach_percent")
        .map(|(_, name)| name)
        .collect();
    let one = |chance: &mut Chance| {
        if chance.one_in(8) { chance.pick(ALL).name() } else { *chance.pick(&plain) }
    };
    question["statistics"] = (0..chance.below(4)).map(|_| one(chance)).collect::<Vec<_>>().into();
    if chance.one_in(6) {
        question["attention"] = attention(chance);
    }
    if chance.one_in(4) {
        question["multi_label"] = "fractional".into();
    }
    if chance.one_in(8) {
        let strata = [json!("stratum"), json!("nothing"), json!({"column": "country"})];
        question["strata"] = chance.pick(&strata).clone();
    }
    if chance.one_in(8) {
        let clusters =
            [json!("item"), json!("slate"), json!("impression"), json!({"column": "country"})];
        question["cluster"] = chance.pick(&clusters).clone();
    }
    if chance.one_in(24) {
        question["second_cluster"] = "item".into();
    }
    if chance.one_in(4) {
        question["topics"] = vec![one_of(&names.topics, chance)].into();
    }
    question
}

/// Numbers for parameters: reals that JSON can hold, mostly odd.
fn number(chance: &mut Chance) -> f64 {
    let number = odd::number(chance).parse().unwrap_or(0.5);
    if f64::is_finite(number) { number } else { 1.0 }
}

/// Attention models, some out of their range.
fn attention(chance: &mut Chance) -> Value {
    let near_one = 1.0 - 1e-15;
    let rate = *chance.pick(&[0.5, 0.8, near_one, 5e-324, 1.0]);
    let models = [
        json!("logarithmic"),
        json!("reciprocal"),
        json!("cascade"),
        json!({"rbp": {"persistence": rate}}),
        json!({"geometric": {"ratio": rate}}),
        json!({"top_k": {"k": chance.pick(&[1, 2, u32::MAX, 0])}}),
        json!({"table": {"values": [1.0, rate, 0.0], "beyond": chance.pick(&["zero", "repeat_last"])}}),
    ];
    chance.pick(&models).clone()
}

fn baseline(names: &Names, other: String, chance: &mut Chance) -> Value {
    let share = |chance: &mut Chance| {
        let share = *chance.pick(&[0.0, 1e-100, 1e-9, 0.25, 0.5, 1.0 - 1e-16, 1.0]);
        let error = *chance.pick(&[0.0, 1e-100, 1e-9, 0.01, 0.5, 1.0]);
        let shares = [
            json!({"known": share}),
            json!({"estimated": {"share": share, "standard_error": error}}),
            json!({"counts": {"topic": chance.below(3), "all": chance.pick(&[1, 2, 10, u64::MAX])}}),
        ];
        chance.pick(&shares).clone()
    };
    if chance.one_in(6) {
        let shares = names.topics.iter().take(8).map(|its| (its.clone(), share(chance)));
        let shares: serde_json::Map<String, Value> = shares.collect();
        // What is out of range is refused, so not for each topic anew.
        let (low, high) = match chance.below(12) {
            0 => (5e-324, number(chance)),
            1 => (0.0, 1e308),
            2 => (1e-90, 1.25),
            _ => *chance.pick(&[(1.0, 1.0), (0.8, 1.25), (0.5, 1.0), (1.0, 2.0)]),
        };
        let bias = json!({"low": low, "high": high});
        return json!({"reference": {"name": odd::name(chance), "shares": shares, "bias": bias}});
    }
    if chance.one_in(8) {
        let cut = *chance.pick(&[1_720_699_200_000_000_i64, 0, i64::MIN, i64::MAX]);
        let propensity = json!({"target": "uniform_over_items"});
        let others = [
            json!({"period": {"cut": cut}}),
            json!({"propensity": propensity}),
            json!("uniform_pool"),
        ];
        return chance.pick(&others).clone();
    }
    json!({"arm": other})
}

fn level(chance: &mut Chance) -> f64 {
    let far = [0.5, 0.999, 1.0 - 1e-12, 1e-12, 5e-324, 1.0 - f64::EPSILON / 2.0];
    match chance.below(40) {
        0 => 1.0,
        1..20 => *chance.pick(&far),
        _ => 0.95,
    }
}

fn inference(chance: &mut Chance) -> Value {
    let (level, seed) = (level(chance), chance.next());
    let replicates = if chance.one_in(16) { 1 } else { *chance.pick(&[100, 199]) };
    let weights = *chance.pick(&["webb", "rademacher"]);
    let kind = *chance.pick(&["percentile", "basic", "bca", "studentised"]);
    let by = *chance.pick(&["poisson", "multinomial"]);
    let errors = *chance.pick(&["same", "each"]);
    let quantile = *chance.pick(&["student_t", "normal"]);
    let intervals = [
        json!({"share_bounds": {"level": level, "form": chance.pick(&["refined", "plain"])}}),
        json!({"share_bounds": {"level": level}}),
        json!({"delta": {"level": level, "quantile": quantile}}),
        json!({"jackknife": {"level": level}}),
        json!({"bootstrap":
            {"level": level, "replicates": replicates, "seed": seed, "kind": kind, "weights": by}}),
        json!({"wild_bootstrap":
            {"level": level, "replicates": replicates, "seed": seed, "weights": weights}}),
        json!({"simultaneous":
            {"level": level, "replicates": replicates, "seed": seed, "errors": errors}}),
    ];
    let mut inference = json!({"interval": chance.pick(&intervals)});
    if chance.one_in(2) {
        let (one, other) = (number(chance), number(chance));
        let tests = [
            json!("share_bounds"),
            json!({"delta": {"quantile": quantile}}),
            json!({"wild_bootstrap": {"replicates": replicates, "seed": seed, "weights": weights}}),
            json!({"permutation": {"replicates": replicates, "seed": seed,
                "compare": chance.pick(&["studentised", "value"]),
                "blocks": chance.pick(&["together", "strata"])}}),
            json!({"cochran_mantel_haenszel":
                {"correction": chance.pick(&["none", "half"]),
                 "errors": chance.pick(&["clustered", "independent"])}}),
            json!({"equivalence": {"low": 0.8, "high": 1.25}}),
            json!({"equivalence": {"low": one.min(other), "high": one.max(other)}}),
        ];
        inference["test"] = chance.pick(&tests).clone();
        let methods = [
            json!("holm"),
            json!("bonferroni"),
            json!("benjamini_hochberg"),
            json!("benjamini_yekutieli"),
            json!({"two_stage": {"level": level}}),
            json!({"romano_wolf": {"replicates": replicates, "seed": seed, "errors": errors}}),
        ];
        if chance.one_in(3) {
            inference["multiplicity"] = chance.pick(&methods).clone();
        }
    }
    inference
}
