//! What was said of a question is in its answer, or the command says that it changes nothing.

use std::fmt::Write as _;

use crate::support::{run, shell};
use serde_json::Value as Json;

const A: &str = "--arm feed --treatment ranked --baseline newest --topic about --viewer who";

/// Impressions by (arm, state, week): of the war, and all; a viewer has ten of them.
const COUNTS: [(&str, &str, &str, u32, u32); 4] = [
    ("ranked", "NY", "w1", 30, 40),
    ("newest", "NY", "w1", 6, 10),
    ("ranked", "GA", "w1", 2, 10),
    ("newest", "GA", "w2", 4, 40),
];

fn log() -> String {
    let mut text = "who,feed,state,week,about,p\n".to_owned();
    for (arm, state, week, war, all) in COUNTS {
        for at in 0..all {
            let about = if at < war { "war" } else { "sport" };
            let _ = writeln!(text, "{arm}{state}{},{arm},{state},{week},{about},0.5", at % 7);
        }
    }
    text
}

/// A folder with these files, and their paths.
fn files(texts: &[(&str, &str)]) -> (tempfile::TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let paths = texts.iter().map(|(name, text)| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let paths = paths.collect();
    (folder, paths)
}

fn estimate(json: &Json) -> &Json {
    &json["estimates"][0]
}

fn value(json: &Json) -> f64 {
    estimate(json)["value"].as_f64().unwrap()
}

/// The messages of the warnings of a kind.
fn warned(json: &Json, kind: &str) -> Vec<String> {
    let warnings = estimate(json)["warnings"].as_array().unwrap();
    let of_kind = warnings.iter().filter(|its| its["kind"] == kind);
    of_kind.map(|its| its["message"].as_str().unwrap().to_owned()).collect()
}

/// By hand: strata of n1 and n0 impressions add a n0 / (n1 + n0) above the line and c n1 / (n1 + n0)
/// below: (30 x 10 / 50 + 2 x 40 / 50) / (6 x 40 / 50 + 4 x 10 / 50) = 7.6 / 5.6. The crude ratio is
/// (32 / 50) / (10 / 50) = 3.2.
#[test]
fn adjusted_is_adjusted() {
    let (folder, paths) = files(&[("log.csv", &log())]);
    let log = paths[0].as_str();
    for statistic in [
        "mantel_haenszel_ratio",
        "mantel_haenszel_odds_ratio",
        "mantel_haenszel_difference",
        "standardised_ratio_both",
        "standardised_difference_baseline",
        "rate_effect",
        "composition_effect",
    ] {
        let line = format!("audit LOG {A} --only war --statistic {statistic}");
        let refused = shell(&line, &[log]).failed(1);
        assert!(refused.contains(statistic) && refused.contains("--stratum COLUMN"), "{refused}");
        let line = format!("power pilot LOG {A} --only war --statistic {statistic}");
        let refused = shell(&line, &[log]).failed(1);
        assert!(refused.contains("--stratum COLUMN"), "{refused}");
    }
    // The same of a tally that was made without strata, and with them.
    let tally = folder.path().join("log.tally");
    let tally = tally.to_str().unwrap();
    let ask = "estimate LOG --treatment ranked --baseline newest --only war --statistic \
               mantel_haenszel_ratio --json";
    shell("tally LOG --arm feed --topic about --viewer who --out OUT", &[log, tally]).ok();
    let refused = shell(ask, &[tally]).failed(1);
    assert!(refused.contains("--stratum COLUMN"), "{refused}");
    shell(
        "tally LOG --arm feed --topic about --viewer who --stratum state --out OUT",
        &[log, tally],
    )
    .ok();
    let estimated = shell(ask, &[tally]).json();

    let line = format!("audit LOG {A} --only war --statistic mantel_haenszel_ratio --json");
    let by_state = shell(&format!("{line} --stratum state"), &[log]).json();
    let by_week = shell(&format!("{line} --stratum week"), &[log]).json();
    for (json, expected) in [(&by_state, 7.6 / 5.6), (&estimated, 7.6 / 5.6)] {
        assert!((value(json) - expected).abs() < 1e-12, "{}", value(json));
        assert_eq!(estimate(json)["estimand"]["strata"]["column"], "state");
        assert!(json["sentence"].as_str().unwrap().contains("within strata of \"state\""));
    }
    // Week 1 alone has both arms: (32 / 50) / (6 / 10).
    assert!((value(&by_week) - 0.64 / 0.6).abs() < 1e-12);
    assert_eq!(estimate(&by_week)["estimand"]["strata"]["column"], "week");
    assert_ne!(by_state["sentence"], by_week["sentence"]);
}

#[test]
fn what_changes_nothing_is_said() {
    let (folder, paths) = files(&[("log.csv", &log())]);
    let log = paths[0].as_str();
    let json =
        |more: &str| shell(&format!("audit LOG {A} --only war --json {more}"), &[log]).json();
    let plain = json("");
    assert!(warned(&plain, "without_effect").is_empty());
    assert_eq!(estimate(&plain)["estimand"]["strata"], "nothing");
    let strata = json("--stratum state");
    assert_eq!(value(&strata), value(&plain));
    assert_eq!(estimate(&strata)["estimand"]["strata"], "nothing");
    assert!(warned(&strata, "without_effect")[0].contains("strata (state) change nothing"));
    // One statistic that looks at strata, and they are not in vain.
    let both = json("--stratum state --statistic amplification_ratio --statistic rate_effect");
    assert!(warned(&both, "without_effect").is_empty());

    let (_folder, weighed) = files(&[(
        "weighed.csv",
        "who,feed,about,w,rank\na,ranked,war,2,1\na,ranked,sport,1,2\nb,ranked,sport,3,1\n\
         c,newest,war,1,1\nd,newest,sport,4,1\n",
    )]);
    let reach = |more: &str| {
        shell(&format!("audit LOG {A} --unit reach --only war --json {more}"), &[&weighed[0]])
            .json()
    };
    assert!(warned(&reach(""), "without_effect").is_empty());
    assert!(warned(&reach("--weight w"), "without_effect")[0].contains("the weights"));
    let ranked = reach("--position rank --attention logarithmic");
    assert!(warned(&ranked, "without_effect")[0].contains("the attention model"));

    // One column is one way of clustering, however it is named.
    for second in ["viewer", "column:who"] {
        let line = format!("audit LOG {A} --only war --cluster viewer --cluster {second}");
        let refused = shell(&line, &[log]).failed(2);
        assert!(refused.contains("both are the column \"who\""), "{refused}");
    }
    let fractional = json("--multi-label fractional");
    assert_eq!(value(&fractional), value(&plain));
    assert!(warned(&fractional, "without_effect")[0].contains("no impression has several"));

    // What goes with another baseline, or another flag.
    for flags in [
        "--baseline newest --clip 3",
        "--baseline newest --floor 3",
        "--baseline newest --bias 1,1",
        "--baseline newest --supply-sampled item",
        "--baseline newest --propensities-of ranked",
    ] {
        let line =
            format!("audit LOG --arm feed --treatment ranked --topic about --viewer who {flags}");
        let refused = shell(&line, &[log]).failed(2);
        assert!(refused.contains("changes nothing here: the baseline is arm"), "{refused}");
    }
    shell(&format!("audit LOG {A} --topics-separator ;"), &[log]).failed(2);
    shell(&format!("audit LOG {A} --only war --null -1"), &[log]).ok();

    // Columns that somebody may believe to weigh.
    let ran = shell(&format!("audit LOG {A} --only war --propensity p"), &[log]);
    assert!(ran.err.contains("--propensity p changes no number here"), "{}", ran.err);
    let ran = shell(&format!("audit LOG {A} --only war --cluster state"), &[log]);
    assert!(ran.err.contains("--viewer who changes no number here"), "{}", ran.err);
    let refused = shell(&format!("audit LOG {A} --candidates LOG"), &[log]).failed(2);
    assert!(refused.contains("--candidates changes nothing"), "{refused}");
    let state = folder.path().join("state.monitor");
    for more in ["--stratum state", "--attention uniform --attention top_k:2"] {
        let line = format!("monitor init OUT {A} --watch war --target 50 {more}");
        shell(&line, &["", state.to_str().unwrap()]).failed(2);
    }
}

/// Three of five rows of New York are of the war, and one of four items available there; of all eight
/// items four are.
#[test]
fn rows_are_kept_in_tables_too() {
    let mut text = "who,feed,state,item,about\n".to_owned();
    for (at, (state, about)) in [
        ("NY", "war"),
        ("NY", "war"),
        ("NY", "war"),
        ("NY", "sport"),
        ("NY", "sport"),
        ("GA", "war"),
        ("GA", "sport"),
    ]
    .into_iter()
    .enumerate()
    {
        let _ = writeln!(text, "v{at},ranked,{state},i{at},{about}");
    }
    let items = [("NY", 1), ("GA", 3)].map(|(state, war)| {
        (0..4).map(|at| (state, if at < war { "war" } else { "sport" })).collect::<Vec<_>>()
    });
    let mut with = "item,about,state\n".to_owned();
    let mut without = "item,about\n".to_owned();
    for (at, (state, about)) in items.concat().into_iter().enumerate() {
        let _ = writeln!(with, "i{at},{about},{state}");
        let _ = writeln!(without, "i{at},{about}");
    }
    let (_folder, paths) =
        files(&[("log.csv", &text), ("with.csv", &with), ("without.csv", &without)]);
    let ask = |table: usize, more: &str| {
        let line = format!(
            "audit LOG --arm feed --treatment ranked --topic about --viewer who --item item --only war \
             --baseline-supply OUT --json {more}"
        );
        shell(&line, &[&paths[0], &paths[table]]).json()
    };
    let kept = ask(1, "--filter state=NY");
    assert!((value(&kept) - 0.6 / 0.25).abs() < 1e-12, "{}", value(&kept));
    assert!(warned(&kept, "not_kept_in_table").is_empty());
    assert_eq!(estimate(&kept)["estimand"]["kept"][0]["values"][0], "NY");
    assert!(kept["sentence"].as_str().unwrap().contains("of rows where \"state\" is \"NY\""));
    let not = ask(2, "--filter state=NY");
    assert!((value(&not) - 0.6 / 0.5).abs() < 1e-12);
    let told = &warned(&not, "not_kept_in_table")[0];
    assert!(told.contains("what chose rows of the log, \"state\", is not in the supply"), "{told}");
    let all = ask(1, "");
    assert!((value(&all) - (4.0 / 7.0) / 0.5).abs() < 1e-12);
    assert!(warned(&all, "not_kept_in_table").is_empty());
}

/// What the library calls a parameter has the flags beside it that say it.
#[test]
fn parameters_have_flags() {
    let log = log();
    let (_folder, paths) = files(&[("log.csv", &log)]);
    for (flags, hint) in [
        ("--cluster viewer --cluster week --test permutation", "hint: --test share_bounds"),
        ("--cluster viewer --cluster week --interval jackknife", "hint: --interval share_bounds"),
        ("--cluster viewer --cluster week --unit reach", "hint: --unit pooled"),
        ("--test equivalence:low=2,high=1", "hint: --test equivalence:low=LOW,high=HIGH"),
        ("--level 2", "hint: --level"),
        ("--filter week=w9", "hint: --filter week="),
    ] {
        let told = shell(&format!("audit LOG {A} {flags}"), &[&paths[0]]).failed(1);
        assert!(told.contains(hint), "{flags}: {told}");
        assert!(!told.contains('{') && !told.contains("Some("), "{flags}: {told}");
    }
}

/// Candidates of two requests, one in each state; only those of the request that is asked about.
#[test]
fn rows_are_kept_among_candidates_too() {
    let log = "who,feed,state,slate,rank,item,about\nv1,ranked,NY,s1,1,i1,war\nv2,ranked,GA,s2,1,i2,war\n";
    let candidates =
        "slate,item,about,state\ns1,i1,war,NY\ns1,i3,sport,GA\ns2,i2,war,GA\ns2,i4,sport,GA\n";
    let bare = "slate,item,about\ns1,i1,war\ns1,i3,sport\ns2,i2,war\ns2,i4,sport\n";
    let (_folder, paths) = files(&[("log.csv", log), ("c.csv", candidates), ("b.csv", bare)]);
    let ask = |table: usize| {
        let line = "audit LOG --arm feed --treatment ranked --topic about --viewer who --item item \
                    --slate slate --position rank --only war --baseline-uniform-pool --candidates OUT \
                    --filter state=NY --statistic baseline_share --json";
        shell(line, &[&paths[0], &paths[table]]).json()
    };
    // Of the slate's candidates in New York all are of the war; of all of them half.
    assert_eq!(estimate(&ask(1))["share_baseline"], 1.0);
    let bare = ask(2);
    assert_eq!(estimate(&bare)["share_baseline"], 0.5);
    assert!(warned(&bare, "not_kept_in_table")[0].contains("the candidates"));
}

#[test]
fn topics_that_are_none_are_pointed_out() {
    let rows = |topic: &dyn Fn(usize) -> String| {
        let mut text = "who,feed,topic\n".to_owned();
        for at in 0..60 {
            let feed = if at % 2 == 0 { "ranked" } else { "newest" };
            let _ = writeln!(text, "v{},{feed},{}", at % 20, topic(at));
        }
        text
    };
    let joined = rows(&|at| format!("{}|{}", at % 3, 5 + at % 2));
    let semicolons = rows(&|at| ["a;b", "b;c", "c"][at % 3].to_owned());
    let numbers = rows(&|at| format!("{}", at / 2));
    let names = rows(&|at| ["\"war, and peace\"", "sport"][usize::from(at % 7 == 0)].to_owned());
    let (_folder, paths) = files(&[
        ("joined.csv", &joined),
        ("semicolons.csv", &semicolons),
        ("numbers.csv", &numbers),
        ("names.csv", &names),
    ]);
    let ask = |at: usize, topic: &str| {
        let line = format!(
            "audit LOG --arm feed --treatment ranked --baseline newest {topic} --viewer who --json"
        );
        shell(&line, &[&paths[at]]).json()
    };
    let said = |at: usize| warned(&ask(at, "--topic topic"), "topics_in_one");
    assert!(said(0)[0].contains("60 of 60 tagged"), "{:?}", said(0));
    assert!(said(0)[0].contains("--topics-separator '|'"));
    assert!(said(1)[0].contains("--topics-separator ';'"));
    assert!(said(2).is_empty() && said(3).is_empty());
    let apart = ask(0, "--topics topic --topics-separator '|'");
    assert!(warned(&apart, "topics_in_one").is_empty());
    assert!(warned(&ask(2, "--topic topic"), "numbers_as_topics")[0].contains("all 30 topics"));
    assert!(warned(&ask(0, "--topic topic"), "numbers_as_topics").is_empty());

    let inspected = run(["inspect", &paths[2]]).ok();
    assert!(inspected.contains("30 distinct numbers"), "{inspected}");
    let inspected = run(["inspect", &paths[0]]).ok();
    assert!(inspected.contains("'|' between them"), "{inspected}");
}
