//! Thin and lopsided studies, as people have them: what must come out is worked out beside each input, by
//! `tests/golden/make_share_bounds.py`'s functions unless said otherwise.

use std::path::PathBuf;

use crate::support::{Ran, run};
use serde_json::Value as Json;

fn case(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/cases").join(file);
    path.to_str().unwrap().to_owned()
}

fn audit(file: &str, line: &str) -> Ran {
    let words = ["audit".to_owned(), case(file)].into_iter();
    run(words.chain(line.split_whitespace().map(str::to_owned)))
}

/// Arms A and B, topic T, clusters by viewer.
const C: &str =
    "--arm arm --treatment A --baseline B --topic topic --cluster viewer --only T --json";

fn first(report: &Json) -> &Json {
    &report["estimates"][0]
}

fn ends(estimate: &Json) -> (f64, f64) {
    (estimate["low"].as_f64().unwrap(), estimate["high"].as_f64().unwrap())
}

fn near((low, high): (f64, f64), expected: (f64, f64)) {
    let off = |ours: f64, theirs: f64| (ours - theirs).abs() <= 5e-4 * theirs.abs();
    assert!(off(low, expected.0) && off(high, expected.1), "{low} to {high}, not {expected:?}");
}

/// 85 of 100 viewers reached against 10 of 10: Clopper and Pearson's bound for 10 of 10 begins at 0.69. By
/// permutation p is 0.22 (all C(110, 10) assignments, hypergeometric).
#[test]
fn reach_of_all() {
    for more in ["", "--interval delta", "--interval jackknife"] {
        let report =
            audit("reach_all.csv", &format!("{C} --unit reach --test delta {more}")).json();
        let estimate = first(&report);
        near(ends(estimate), (0.76469, 1.23782));
        assert!(estimate["p_value"].as_f64().unwrap() > 0.15, "{}", estimate["p_value"]);
        assert_eq!(estimate["finding"], "includes");
        assert_eq!(estimate["standard_error"], Json::Null);
    }
}

/// 32 of 8,000 against 0 of 400 impressions of 20 viewers: one table does not contradict itself.
#[test]
fn difference_from_nothing() {
    let line = format!("{C} --statistic difference --statistic amplification_ratio --test delta");
    let report = audit("difference_zero_baseline.csv.gz", &line).json();
    let difference = first(&report);
    near(ends(difference), (-0.164439, 0.0058764));
    let ratio = &report["estimates"][1];
    assert_eq!(
        (&ratio["state"], &ratio["interval"]),
        (&Json::from("infinite"), &Json::from("lower_bound"))
    );
    assert!(ratio["low"].as_f64().unwrap() < 1.0);
    for estimate in [difference, ratio] {
        assert!(estimate["p_value"].as_f64().unwrap() > 0.05);
        assert_eq!(estimate["finding"], "includes");
    }
}

/// One viewer holds 7,158 of 8,474 baseline impressions: told, and no finding by any method.
#[test]
fn one_viewer_is_most_of_an_arm() {
    for more in ["", "--interval delta", "--interval bootstrap:kind=percentile"] {
        let report = audit("informative_size.csv.gz", &format!("{C} {more}")).json();
        let estimate = first(&report);
        let warnings = estimate["warnings"].as_array().unwrap();
        let of_baseline =
            |its: &&Json| its["kind"] == "unequal_clusters" && its["side"] == "baseline";
        let unequal = warnings.iter().find(of_baseline).unwrap();
        assert!(unequal["effective"].as_f64().unwrap() < 2.0);
        assert_eq!(estimate["finding"], "includes", "{more}");
    }
    let default = audit("informative_size.csv.gz", C).json();
    let (low, high) = ends(first(&default));
    assert!(low < 0.234 && high > 355.0, "as little as the jackknife knows: {low} to {high}");
}

/// The same counts with one id shared are nearly the same study.
#[test]
fn a_shared_id_changes_next_to_nothing() {
    near(ends(first(&audit("nested_3v100.csv.gz", C).json())), (0.42889, 3.97479));
    let shared = audit("one_shared_3v100.csv.gz", C).json();
    // What one cluster shows in both arms says nothing of how they go together.
    near(ends(first(&shared)), (0.42889, 3.97479));
    assert_eq!(first(&shared)["clusters"]["relation"], "partly_crossed");
    // By the delta method too: numpy, METHODS section 4.
    let of = |file| {
        let report = audit(file, &format!("{C} --interval delta")).json();
        let estimate = first(&report);
        (ends(estimate), estimate["degrees_of_freedom"].as_f64().unwrap())
    };
    let ((low, high), degrees) = of("nested_3v100.csv.gz");
    near((low, high), (0.911460, 4.402639));
    let ((low_shared, high_shared), degrees_shared) = of("one_shared_3v100.csv.gz");
    assert!((degrees - degrees_shared).abs() < 0.5 && degrees < 3.0, "{degrees} {degrees_shared}");
    near((low_shared, high_shared), (0.929900, 4.315335));
    let stray = "--arm feed --treatment ranked --baseline newest --topic about --viewer who --only war --json";
    near(ends(first(&audit("one_stray_row.csv.gz", stray).json())), (1.14519, 2.52078));
    let delta = audit("one_stray_row.csv.gz", &format!("{stray} --interval delta")).json();
    assert!(first(&delta)["degrees_of_freedom"].as_f64().unwrap() < 3.0);
}

/// Three impressions on one day say nothing, whether other days show the arm or not.
#[test]
fn a_topic_of_one_day() {
    let line =
        "--arm arm --treatment A --baseline B --topic topic --cluster day --only quake --json";
    let both = audit("one_cluster_both_arms.csv", line).json();
    let (low, high) = ends(first(&both));
    assert!(low < 1e-4 && high > 1e5, "{low} to {high}");
    assert_eq!(first(&both)["finding"], "includes");
    let nested = audit("one_cluster_nested.csv", line).json();
    assert_ne!(first(&nested)["finding"], "above");
}

/// An interval that bounds nothing says so, and is not one that is missing.
#[test]
fn unbounded_is_a_state() {
    let report = audit("unbounded_both.csv", C).json();
    assert_eq!(first(&report)["interval"], "two_sided");
    // A studentised bootstrap of a topic of one viewer has no ends.
    let line = format!("{C} --interval bootstrap:kind=studentised --replicates 399");
    let report = audit("unbounded_both.csv", &line).json();
    let estimate = first(&report);
    assert!(matches!(
        estimate["interval"].as_str(),
        Some("unbounded" | "lower_bound" | "upper_bound" | "two_sided")
    ));
    assert_eq!(estimate["no_interval"], Json::Null);
}

/// A reference with a little error of its own is nearly one without.
#[test]
fn a_reference_with_an_error() {
    let line = |reference: &str| {
        let report = audit(
            "reference_few.csv",
            &format!("{} --reference {reference} --bias 1,1", C.replace("--baseline B ", "")),
        );
        ends(first(&report.json()))
    };
    let (exact, stated) = (line("poll:T=0.2"), line("poll:T=0.2~0.0001"));
    assert!((exact.0 / stated.0).ln().abs() < 1e-3 && (exact.1 / stated.1).ln().abs() < 1e-3);
    let wide = line("poll:T=0.2~0.1");
    assert!(wide.0 < exact.0 && wide.1 > exact.1);
}

/// Of two ways of clustering it is said which has few, and that the variance had to be raised.
#[test]
fn two_ways_say_which() {
    let line = "--arm feed --treatment ranked --baseline newest --topic about --cluster dev --cluster wk \
                --only war";
    for more in ["", "--interval delta"] {
        let text = audit("twoway_negative.csv", &format!("{line} {more}")).ok();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("only 6 clusters") && text.contains("only 5 clusters"), "{text}");
        assert!(text.contains("dev: only") && text.contains("wk: only"), "{text}");
        assert!(text.contains("the larger of the two ways' was taken"), "{text}");
    }
}

/// 58 of 120 against 34 of 120 impressions of 12 viewers a side; by the delta method as scipy has it.
#[test]
fn a_plain_study() {
    let line = "--arm arm --treatment ranked --baseline newest --topic topic --viewer viewer --only war --json";
    let report = audit("plain.csv", line).json();
    near(ends(first(&report)), (1.13175, 2.61215));
    assert_eq!(first(&report)["method"], "share_bounds");
    let delta = audit("plain.csv", &format!("{line} --interval delta")).json();
    near(ends(first(&delta)), (1.244, 2.340));
    let tested = audit("plain.csv", &format!("{line} --test share_bounds")).json();
    assert!(first(&tested)["p_value"].as_f64().unwrap() < 0.05);
}
