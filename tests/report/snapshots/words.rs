//! Options, reasons and warnings: what each is called in JSON, and what it says.

use serde::Serialize;
use serde_json::{Value as Json, json};
use tiltmeter::decompose::{self, Membership, PartKind, PermutationPool, Stage, ZeroMembers};
use tiltmeter::evidence::{self, Obstacle};
use tiltmeter::inference::{Caution, Episode, Inference, Moved, Multiplicity, Sidedness};
use tiltmeter::log::{FaultReason, Keep, Limit, NameRemark, Role};
use tiltmeter::replay::off_policy::{self, Clip, Refusal, RewardModel, Target};
use tiltmeter::sensitivity::{Dimension, Weighting};
use tiltmeter::statistic::{ALL, Side, Undefined};
use tiltmeter::tally::{Dialect, StratifyBy, Weights, WindowBy};
use tiltmeter::{
    Attention, Baseline, ClusterBy, Correction, IntervalMethod, MultiLabel, NoInterval, NoTest,
    Relation, Said, Table, TestMethod, Unit, Warning,
};

use super::{all_names, parts, said, words, words_of_all};

#[test]
fn questions() {
    let cluster = [
        json!("viewer"),
        json!("session"),
        json!("slate"),
        json!("item"),
        json!({"column": "week\n"}),
        json!("impression"),
        json!({"hashed": {"of": "viewer", "bits": 10}}),
        json!({"pair": ["viewer", {"column": "week"}]}),
    ];
    let multiplicity = [
        json!("bonferroni"),
        json!("holm"),
        json!("benjamini_hochberg"),
        json!("benjamini_yekutieli"),
        json!({"two_stage": {"level": 0.05}}),
        json!({"romano_wolf": {"replicates": 1999, "seed": 0, "errors": "each"}}),
    ];
    // Another way to write one of them is read too.
    let mut correction = all_names::<Correction>();
    correction.retain(|name| *name != "rogan-gladen");
    let unit = [
        json!("pooled"),
        json!("cluster_mean"),
        json!({"reach": {"impressions": 1, "mass": 0.0}}),
        json!({"reach": {"impressions": 3, "mass": 1.5}}),
        json!("within"),
    ];
    let window = [
        json!("nothing"),
        json!({"every": {"seconds": 3600, "origin": 0}}),
        json!({"every": {"seconds": 604_800, "origin": 345_600}}),
    ];
    let weights = [json!("unknown"), json!("equal"), json!({"columns": ["dwell", "watched"]})];
    let keep = json!({"column": "country", "values": ["de", "at \"\u{1b}"]});
    let text = parts(&[
        ("attention", words_of_all::<Attention>(None, &attentions())),
        ("baseline", words_of_all::<Baseline>(None, &baselines())),
        ("cluster", words_of_all::<ClusterBy>(None, &cluster)),
        ("unit", words_of_all::<Unit>(None, &unit)),
        ("correction", words::<Correction>(&correction)),
        ("multi_label", words::<MultiLabel>(&all_names::<MultiLabel>())),
        (
            "strata",
            words_of_all::<StratifyBy>(
                None,
                &[json!("nothing"), json!("stratum"), json!({"column": "x"})],
            ),
        ),
        // `day` and `week` are read too, and written as what they are.
        ("windows", words::<WindowBy>(&window)),
        ("weights", words_of_all::<Weights>(None, &weights)),
        ("keep", words::<Keep>(&[keep])),
        ("multiplicity", words_of_all::<Multiplicity>(None, &multiplicity)),
    ]);
    said("words-questions", &text);
}

fn attentions() -> [Json; 9] {
    [
        json!("uniform"),
        json!("logarithmic"),
        json!("reciprocal"),
        json!({"rbp": {"persistence": 0.8}}),
        json!({"geometric": {"ratio": 0.5}}),
        json!({"top_k": {"k": 3}}),
        json!({"table": {"values": [1.0, 0.4], "beyond": "repeat_last"}}),
        json!({"table": {"values": [1.0], "beyond": "zero"}}),
        json!("cascade"),
    ]
}

fn baselines() -> [Json; 14] {
    let propensity = |target: Json, logged: Json| json!({"propensity": {"target": target, "logged": logged, "clip": "none", "floor": {"at": 100.0}}});
    let reference = |low: f64, high: f64| {
        let shares = json!({"war": {"known": 0.1}, "sport": {"estimated": {"share": 0.2, "standard_error": 0.01}},
            "music": {"counts": {"topic": 3, "all": 10}}});
        json!({"reference": {"name": "poll \"x\"", "shares": shares, "bias": {"low": low, "high": high}}})
    };
    let cut = 1_720_828_800_000_000_i64;
    [
        json!({"arm": "newest \"x\""}),
        json!({"supply": "known"}),
        json!({"supply": {"sampled": {"cluster": {"column": "creator"}}}}),
        reference(1.0, 1.0),
        reference(0.8, 1.25),
        json!("chronological"),
        json!("nothing"),
        json!("uniform_pool"),
        json!({"engagement_weighted": {"plus": 0.0}}),
        json!({"engagement_weighted": {"plus": 1.5}}),
        json!({"period": {"cut": cut, "since": null, "resume": null, "until": null}}),
        json!({"period": {"cut": cut, "since": 1, "resume": cut + 1, "until": cut + 2}}),
        propensity(json!({"uniform": {"items": 80}}), Json::Null),
        propensity(json!("uniform_over_items"), json!("random")),
    ]
}

/// Every option of intervals and tests as a study file has it, with what is meant where nothing is said.
#[test]
fn defaults() {
    let of_all = |key: &str, options: &[Json]| -> String {
        let written = |option: &Json| {
            let read: Inference = serde_json::from_value(json!({key: option})).unwrap();
            format!("{option}\n    {}\n", serde_json::to_value(read).unwrap()[key])
        };
        options.iter().map(written).collect()
    };
    let intervals =
        ["share_bounds", "delta", "bootstrap", "jackknife", "wild_bootstrap", "simultaneous"];
    let tests = ["delta", "wild_bootstrap", "permutation", "equivalence"];
    let plain = |names: &[&str]| names.iter().map(|name| json!({*name: {}})).collect::<Vec<_>>();
    let mut tests = plain(&tests);
    tests.push(json!("share_bounds"));
    tests.push(json!({"cochran_mantel_haenszel": {"correction": "half", "errors": "independent"}}));
    let adjusted = [json!("holm"), json!({"romano_wolf": {}})];
    let text = parts(&[
        ("nothing", serde_json::to_string_pretty(&Inference::default()).unwrap()),
        ("interval", of_all("interval", &plain(&intervals))),
        ("test", of_all("test", &tests)),
        ("multiplicity", of_all("multiplicity", &adjusted)),
        ("sidedness", Json::from(all_names_of_data::<Sidedness>()).to_string()),
    ]);
    said("words-defaults", &text);
}

/// As `all_names`, of what has no words.
fn all_names_of_data<T: serde::de::DeserializeOwned>() -> Vec<Json> {
    let error = serde_json::from_value::<T>("no variant".into()).err().unwrap().to_string();
    error.split('`').skip(3).step_by(2).map(Json::from).collect()
}

#[test]
fn reasons() {
    let mut no_interval = all_names::<NoInterval>();
    no_interval.retain(|name| *name != "thin_topic");
    for side in ["treatment", "baseline"] {
        no_interval.push(json!({"thin_topic": {"side": side, "effective": 12, "needed": 30}}));
    }
    let told = [
        json!({"strata": "country"}),
        json!("weights"),
        json!("attention"),
        json!("multi_label"),
        json!("single_topics"),
    ];
    let text = parts(&[
        ("no_interval", words_of_all::<NoInterval>(None, &no_interval)),
        ("no_test", words::<NoTest>(&all_names::<NoTest>())),
        ("undefined", words::<Undefined>(&all_names::<Undefined>())),
        ("method", words::<IntervalMethod>(&all_names::<IntervalMethod>())),
        ("test", words::<TestMethod>(&all_names::<TestMethod>())),
        ("relation", words::<Relation>(&all_names::<Relation>())),
        ("side", words::<Side>(&all_names::<Side>())),
        ("said", words_of_all::<Said>(None, &told)),
        ("table", words::<Table>(&all_names::<Table>())),
        ("role", words::<Role>(&all_names::<Role>())),
    ]);
    said("words-reasons", &text);
}

#[test]
fn rows_at_fault() {
    let mends = |names: &[Json]| -> String {
        let mend = |name: &Json| {
            let reason: FaultReason = serde_json::from_value(name.clone()).unwrap();
            format!("{name}\n    {}\n", reason.mend())
        };
        names.iter().map(mend).collect()
    };
    let names = all_names::<FaultReason>();
    let limits = [Limit::Line, Limit::Columns, Limit::Page, Limit::Footer];
    let text = parts(&[
        ("reason", words::<FaultReason>(&names)),
        ("what to do", mends(&names)),
        ("limit", limits.map(|limit| format!("{limit}\n    {}\n", limit.mend())).concat()),
    ]);
    said("words-rows", &text);
}

#[test]
fn names() {
    let remark = |names: Json| json!({"role": "arm", "names": names});
    let pair = json!([["a", "A\u{200b}"], ["b", "b "]]);
    let text = words::<NameRemark>(&[
        remark(json!({"null_like": {"names": ["NA"]}})),
        remark(json!({"null_like": {"names": ["-", "NA"], "more": 2}})),
        remark(json!({"alike": {"groups": pair, "more": 0}})),
        remark(json!({"alike": {"groups": pair, "more": 1}})),
        remark(json!({"rewritten": {"groups": [["1", "001"]], "more": 2}})),
        remark(json!({"decimals": {"whole": "1", "decimal": "1.0"}})),
        remark(json!({"days": {"examples": ["2026-03-01", "1.3.2026"]}})),
        remark(json!({"rounded": {"names": ["1.23457E+16"], "more": 4}})),
        json!({"role": "named", "column": "week", "names": {"decimals": {"whole": "1", "decimal": "1.0"}}}),
    ]);
    said("words-names", &text);
}

/// Of clusters, arms and resampling.
fn warnings_of_clusters() -> Vec<Json> {
    let side = "treatment";
    let other = "baseline";
    let few = json!({"kind": "few_clusters", "side": side, "clusters": 1});
    vec![
        few.clone(),
        json!({"kind": "few_clusters", "side": other, "clusters": 7}),
        json!({"kind": "few_topic_clusters", "side": side, "effective": 3.25}),
        json!({"kind": "unequal_clusters", "side": other, "effective": 2.5, "clusters": 40}),
        json!({"kind": "few_clusters_for_method", "clusters": 12, "enough": 25}),
        json!({"kind": "impressions_as_clusters"}),
        json!({"kind": "clusters_not_compared", "treatment": 1, "baseline": 7, "without_topic": 12}),
        json!({"kind": "partly_crossed", "both": 1, "either": 9}),
        json!({"kind": "partly_crossed", "both": 2, "either": 9}),
        json!({"kind": "of_clusters_by", "unit": "week", "warning": few}),
        json!({"kind": "two_way_floor"}),
        json!({"kind": "zero_share", "side": side}),
        json!({"kind": "full_share", "side": other}),
        json!({"kind": "arm_missing_in_stratum", "stratum": "de", "side": other}),
        json!({"kind": "repeated_items", "slates": 1, "impressions": 1}),
        json!({"kind": "repeated_items", "slates": 2, "impressions": 3}),
        json!({"kind": "clusters_without_mass", "side": side, "clusters": 1}),
        json!({"kind": "mass_resolution", "side": side, "relative_error": 0.000_012}),
        json!({"kind": "mass_resolution", "side": side, "relative_error": 1.0}),
        json!({"kind": "replicates_without_value", "infinite": 4, "undefined": 2, "of": 200}),
        json!({"kind": "margin_beside_null", "low": 1.1, "high": 1.3, "null": 1.0}),
        json!({"kind": "permutations_without_value", "undefined": 2, "of": 99}),
    ]
}

/// Of baselines, tables and columns.
fn warnings_of_tables() -> Vec<Json> {
    let side = "treatment";
    let remark = json!({"role": "arm", "names": {"decimals": {"whole": "1", "decimal": "1.0"}}});
    let worth = |effective: f64, clipped: u64, uncovered: Json| {
        json!({"kind": "effective_size", "effective_size": effective, "floor": 100.0, "impressions": 500,
            "greatest": 12.5, "clipped": clipped, "uncovered": uncovered})
    };
    let requests = |kind: &str| json!({"kind": kind, "requests": 3, "of": 40});
    let mut all = vec![
        json!({"kind": "odd_names", "remark": remark}),
        json!({"kind": "shown_outside_pool", "impressions": 1}),
        json!({"kind": "expected_baseline"}),
        worth(50.0, 0, Json::Null),
        worth(150.0, 1, json!(0.0)),
        worth(50.0, 2, json!(0.125)),
        json!({"kind": "baseline_from_elsewhere", "standard_error": 0.0}),
        json!({"kind": "baseline_from_elsewhere", "standard_error": 0.01}),
        json!({"kind": "few_labels", "side": side, "with_topic": 1, "without_topic": 300}),
        json!({"kind": "labels_not_by_design", "side": side, "stands_for": 0.2}),
        json!({"kind": "rows_set_aside", "rows": 1}),
        json!({"kind": "topic_rows_set_aside", "rows": 2}),
        json!({"kind": "items_without_topics", "items": 2}),
        json!({"kind": "without_effect", "said": {"strata": "country"}}),
        json!({"kind": "not_kept_in_table", "table": "supply", "column": "country"}),
        json!({"kind": "topics_in_one", "separator": "|", "example": "war|sport", "impressions": 9, "of": 10}),
        json!({"kind": "unread_count", "column": "views"}),
        json!({"kind": "unread_count", "table": "candidates", "column": "views"}),
        json!({"kind": "weight_like_count", "column": "views"}),
        json!({"kind": "supply_unweighted", "role": "weight"}),
        json!({"kind": "repeated_supply_items", "rows": 3}),
        json!({"kind": "shown_outside_supply", "impressions": 3, "of": 40}),
        json!({"kind": "null_moved", "low": 0.9, "high": 1.1}),
        json!({"kind": "few_in_both_arms", "p": 0.0625}),
        json!({"kind": "certain_baseline"}),
        json!({"kind": "strata_left_out", "left_out": 2, "strata": 7}),
        json!({"kind": "untagged_in_one_arm", "side": side, "untagged": 0.5, "other": 0.01}),
        json!({"kind": "numbers_as_topics", "topics": 300}),
    ];
    all.extend(
        [
            "requests_without_candidates",
            "requests_without_engagement",
            "short_pools",
            "tied_candidates",
        ]
        .map(requests),
    );
    all
}

#[test]
fn warnings_of_estimates() {
    said(
        "words-warnings",
        &words_of_all::<Warning>(
            Some("kind"),
            &[warnings_of_clusters(), warnings_of_tables()].concat(),
        ),
    );
}

#[test]
fn off_policy_reasons() {
    let refusals = [
        json!({"reason": "below_floor", "effective_size": 12.5, "floor": 100.0, "impressions": 500}),
        json!({"reason": "no_weight"}),
        json!({"reason": "single_cluster"}),
    ];
    let cautions = [
        json!({"kind": "below_floor", "effective_size": 12.5, "floor": 100.0}),
        json!({"kind": "unshown_items_not_counted", "items": 12}),
        json!({"kind": "uncovered", "probability": 0.25}),
        json!({"kind": "target_below_one", "sum": 0.75}),
        json!({"kind": "clipped", "impressions": 3, "mass": 0.125}),
        json!({"kind": "mean_weight_off", "mean": 1.5, "expected": 1.0}),
        json!({"kind": "few_clusters", "clusters": 4}),
        json!({"kind": "few_carriers", "effective": 2.5, "clusters": 40}),
        json!({"kind": "rows_set_aside", "rows": 1}),
        json!({"kind": "impressions_as_clusters"}),
        json!({"kind": "inference", "warning": {"kind": "two_way_floor"}}),
    ];
    let targets = [
        json!({"uniform": {"items": 80}}),
        json!("uniform_over_items"),
        json!({"table": {"a": 0.25, "b": 0.75}}),
        json!({"by_row": [0.5, 0.25]}),
    ];
    let models = [
        json!({"item_means": {"of": "item", "folds": 5, "prior": 10.0}}),
        json!({"item_means": {"of": "item_and_position", "folds": 2, "prior": 0.5}}),
        json!({"given": {"logged": [1.0], "target": [0.5]}}),
    ];
    let clips = [json!("none"), json!({"at": 20.0})];
    let text = parts(&[
        ("refusal", words_of_all::<Refusal>(Some("reason"), &refusals)),
        ("caution", words_of_all::<off_policy::Caution>(Some("kind"), &cautions)),
        ("target", words_of_all::<Target>(None, &targets)),
        ("reward model", words_of_all::<RewardModel>(None, &models)),
        ("clip", words_of_all::<Clip>(None, &clips)),
    ]);
    said("words-off-policy", &text);
}

#[test]
fn decompositions_and_sensitivity() {
    let ways = ["more", "less"];
    let verdicts = ["agree", "carried_by_few", "opposite", "group_alone", "members_alone"];
    let mut verdicts: Vec<Json> =
        verdicts.iter().flat_map(|verdict| ways.map(|way| json!({*verdict: way}))).collect();
    verdicts.extend([json!("neither"), json!("unknown")]);
    let membership =
        json!({"members": 9, "of_one": 5, "by_majority": 2, "left_out": 1, "of_none": 1});
    let text = parts(&[
        ("verdict", words_of_all::<decompose::Verdict>(None, &verdicts)),
        ("direction", words::<decompose::Direction>(&all_names::<decompose::Direction>())),
        ("part", words::<PartKind>(&all_names::<PartKind>())),
        ("zeros", words::<ZeroMembers>(&all_names::<ZeroMembers>())),
        ("others", words::<PermutationPool>(&all_names::<PermutationPool>())),
        ("membership", words::<Membership>(&[membership])),
        (
            "member",
            words_of_all::<decompose::Member>(None, &[json!("item"), json!({"column": "party"})]),
        ),
        ("stage", words::<Stage>(&all_names::<Stage>())),
        ("weighting", words::<Weighting>(&all_names::<Weighting>())),
        ("dimension", words::<Dimension>(&all_names::<Dimension>())),
    ]);
    said("words-decompositions", &text);
}

#[test]
fn planning_and_change() {
    let side = Side::Treatment;
    let cautions = [
        Caution::FewClusters { side, clusters: 3 },
        Caution::NegativeIntraclass { intraclass: -0.01 },
        Caution::UnknownIntraclass,
        Caution::PartlyCrossed { both: 2, either: 9 },
        Caution::FewTopicClusters { side: Side::Baseline, effective: 2.5 },
        Caution::UnequalClusters { side, effective: 2.5 },
    ];
    let ways = ["up", "down"];
    let mut moved: Vec<Json> = ["treatment", "baseline", "apart", "ratio_alone"]
        .iter()
        .flat_map(|who| ways.map(|way| json!({*who: way})))
        .collect();
    moved.push(json!({"together": {"shares": "up", "ratio": null}}));
    moved.push(json!({"together": {"shares": "down", "ratio": "up"}}));
    let episode = json!({"from": 1, "to": 2, "moved": {"treatment": "up"}});
    let text = parts(&[
        ("caution", cautions.map(|its| told(&its)).concat()),
        ("moved", words_of_all::<Moved>(None, &moved)),
        ("episode", words::<Episode>(&[episode])),
    ]);
    said("words-planning", &text);
}

/// What is written and never read.
fn told<T: Serialize + std::fmt::Display>(value: &T) -> String {
    format!("{}\n    {value}\n", serde_json::to_value(value).unwrap())
}

#[test]
fn evidence_verdicts() {
    let sum = "ab".repeat(32);
    let state = json!({"bytes": 12, "sha256": sum});
    let file = "inputs/log.csv";
    let verdicts = [
        json!("same"),
        json!("same_from_tally"),
        json!({"other_release": {"compared": 90, "of": 100}}),
        json!("changed"),
        json!("different"),
        json!({"cannot_recompute": {"why": "files_changed"}}),
    ];
    let obstacles = [
        json!("no_inputs_and_no_tally"),
        json!("files_changed"),
        json!({"failed": {"message": "no arm"}}),
    ];
    let findings = [
        json!({"kind": "missing", "file": file}),
        json!({"kind": "changed", "file": file, "expected": state, "found_bytes": 13, "found_sha256": sum}),
        json!({"kind": "changed", "file": file, "expected": state, "found_bytes": 13, "found_sha256": null}),
        json!({"kind": "other_sums", "of_manifest": sum}),
        json!({"kind": "other_sums", "of_manifest": null}),
        json!({"kind": "not_listed", "file": file}),
        json!({"kind": "no_file", "file": file}),
        json!({"kind": "unreadable", "file": file, "detail": "no right"}),
        json!({"kind": "other_fingerprint", "expected": sum}),
        json!({"kind": "input_changed", "file": file, "expected": state, "found": state}),
        json!({"kind": "input_not_listed", "file": file}),
        json!({"kind": "rewritten", "file": file}),
    ];
    let differences = [
        json!({"topic": "war", "statistic": "amplification_ratio", "field": "value", "recorded": 1.5,
            "recomputed": 1.25, "relative": 0.2}),
        json!({"topic": null, "statistic": null, "field": "origin", "recorded": "a", "recomputed": null,
            "relative": null}),
    ];
    let text = parts(&[
        ("verdict", words_of_all::<evidence::Verdict>(None, &verdicts)),
        ("obstacle", words_of_all::<Obstacle>(None, &obstacles)),
        ("finding", words_of_all::<evidence::Finding>(Some("kind"), &findings)),
        ("difference", words::<evidence::Difference>(&differences)),
    ]);
    said("words-evidence", &text);
}

/// Statistics by their names, what they are in words, and where each says that there is no amplification.
#[test]
fn statistics() {
    let line = |its: &&dyn tiltmeter::statistic::Statistic| {
        let details = its.details().map_or(String::new(), |details| format!(" ({details})"));
        format!(
            "{}\n    {}{details}; {:?}, null {:?}\n",
            its.name(),
            its.phrase(),
            its.scale(),
            its.null()
        )
    };
    let dialects = [
        Dialect::DuckDb,
        Dialect::Spark,
        Dialect::BigQuery,
        Dialect::Snowflake,
        Dialect::Trino,
        Dialect::Postgres,
    ];
    let text = parts(&[
        ("statistic", ALL.iter().map(line).collect()),
        ("dialect", dialects.map(|dialect| format!("{dialect}\n")).concat()),
    ]);
    said("words-statistics", &text);
}
