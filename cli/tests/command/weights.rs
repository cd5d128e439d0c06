//! Counts and weights: a row that stands for several impressions is as good as so many rows; one that
//! matters more is not.

use std::fmt::Write as _;

use crate::support::shell;
use serde_json::Value as Json;

const A: &str = "--arm arm --treatment ranked --baseline newest --topic topic --viewer viewer";

fn case(name: &str) -> String {
    let path =
        std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/cases").join(name);
    path.to_str().unwrap().to_owned()
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

fn audit(log: &str, more: &str) -> Json {
    shell(&format!("audit LOG {A} --interval delta --json {more}"), &[log]).json()
}

fn kinds(json: &Json) -> Vec<String> {
    let warnings = json["estimates"][0]["warnings"].as_array().unwrap();
    warnings.iter().map(|its| its["kind"].as_str().unwrap().to_owned()).collect()
}

/// All numbers of the estimates and the counts of impressions; rows differ, and so do file names.
fn same(counted: &Json, expanded: &Json) {
    assert_eq!(counted["estimates"], expanded["estimates"]);
    for field in ["impressions", "untagged", "repeats"] {
        assert_eq!(counted["quality"][field], expanded["quality"][field], "{field}");
    }
}

/// The cases' README: `counts.csv` is `plain.csv` with equal rows counted.
#[test]
fn counts_are_rows() {
    let counted = audit(&case("counts.csv"), "--count n --only war");
    let expanded = audit(&case("plain.csv"), "--only war");
    same(&counted, &expanded);
    let war = &counted["estimates"][0];
    assert!((war["value"].as_f64().unwrap() - 58.0 / 34.0).abs() < 1e-12);
    assert_eq!(war["impressions_treatment"], 120);
    // (1 - S) / X in each arm, by hand.
    let naive = (62.0 / 120.0 / 58.0 + 86.0 / 120.0 / 34.0_f64).sqrt();
    assert!((war["naive_standard_error"].as_f64().unwrap() - naive).abs() < 1e-9);
    // Not read, and said; as a weight the ratio is right, and the naive error is not.
    let unread = audit(&case("counts.csv"), "--only war");
    assert!(kinds(&unread).contains(&"unread_count".to_owned()));
    assert!(!kinds(&counted).contains(&"unread_count".to_owned()));
    let weighed = audit(&case("counts.csv"), "--weight n --only war");
    assert_eq!(weighed["estimates"][0]["value"], war["value"]);
    assert_ne!(weighed["estimates"][0]["naive_standard_error"], war["naive_standard_error"]);
}

/// A log with counts, and that of the rows it stands for. Counts go above what a table of small sums holds,
/// and some are zero.
fn aggregated() -> (String, String) {
    let (mut short, mut long) = (String::new(), String::new());
    let head = "viewer,arm,topic,day,w,rank,state";
    let _ = writeln!(short, "{head},n");
    let _ = writeln!(long, "{head}");
    let mut state = 7_u64;
    let mut next = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for row in 0..400 {
        let arm = ["ranked", "newest"][row % 2];
        let topic = ["war", "sport", "war|sport", "music", ""][next(5) as usize];
        let n = [0, 1, 2, 3, 7, 40, 300][next(7) as usize];
        let line = format!(
            "{arm}{},{arm},{topic},d{},{}.{},{},s{}",
            next(30),
            next(4),
            next(3),
            next(1000),
            1 + next(5),
            next(2)
        );
        let _ = writeln!(short, "{line},{n}");
        for _ in 0..n {
            let _ = writeln!(long, "{line}");
        }
    }
    (short, long)
}

/// An aggregated log is the log it stands for, under every way of weighing, dividing and clustering, whole
/// or in steps.
#[test]
fn an_aggregated_log_is_the_log_it_stands_for() {
    let (short, long) = aggregated();
    let (folder, paths) = files(&[("short.csv", &short), ("long.csv", &long)]);
    let topics = "--topics topic";
    let ask = |at: usize, more: &str| {
        let count = if at == 0 { "--count n" } else { "" };
        let flags = A.replace("--topic topic", topics);
        shell(&format!("audit LOG {flags} --interval delta --json {more} {count}"), &[&paths[at]])
            .json()
    };
    for more in [
        "",
        "--weight w",
        "--multi-label fractional --weight w",
        "--multi-label fractional",
        "--position rank --attention logarithmic",
        "--denominator tagged_impressions --unit cluster_mean",
        "--unit reach:impressions=5",
        "--cluster day",
        "--cluster day --cluster viewer",
        "--filter state=s1 --weight w",
        "--stratum state --statistic mantel_haenszel_ratio",
    ] {
        same(&ask(0, more), &ask(1, more));
    }
    let tally = |at: usize, count: &str| {
        let out = folder.path().join(format!("{at}.tally"));
        let flags = "--arm arm --topics topic --viewer viewer --weight w";
        let line = format!("tally LOG {flags} {count} --out OUT");
        shell(&line, &[&paths[at], out.to_str().unwrap()]).ok();
        std::fs::read(out).unwrap()
    };
    assert!(tally(0, "--count n") == tally(1, ""), "the tallies are the same bytes");
    // What takes each row for one impression says so.
    let flags = A.replace("--topic topic", topics);
    let line = format!("audit LOG {flags} --count n --cluster impression");
    let refused = shell(&line, &[&paths[0]]).failed(1);
    assert!(refused.contains("each row for one impression"), "{refused}");
}

/// What an audit would warn of is told where the log is read, since a tally does not hold it.
#[test]
fn tallies_tell_of_counts_that_nobody_reads() {
    let rows = "viewer,arm,topic,n\na,x,war,3\nb,y,war,2\n";
    let (folder, paths) = files(&[("log.csv", rows)]);
    let out = folder.path().join("a.tally").to_str().unwrap().to_owned();
    let flags = "--viewer viewer --arm arm --topic topic";
    for (more, told) in [
        ("", "is called like a count of impressions, and is not read"),
        ("--weight n", "the weights are those of column \"n\""),
    ] {
        let ran = shell(&format!("tally LOG {flags} {more} --out {out}"), &[&paths[0]]);
        assert!(ran.err.contains(told), "{}", ran.err);
    }
    let both = format!("tally LOG {flags} --weight n --count n --out {out}");
    assert!(shell(&both, &[&paths[0]]).failed(1).contains("its square would count"));
}

#[test]
fn counts_are_whole_and_weights_have_a_limit() {
    let (_folder, paths) = files(&[
        ("half.csv", "viewer,arm,topic,n\na,ranked,war,1.5\nb,newest,war,1\n"),
        ("below.csv", "viewer,arm,topic,n\na,ranked,war,-1\nb,newest,war,1\n"),
    ]);
    let refuse = |log: &str, more: &str| shell(&format!("audit LOG {A} {more}"), &[log]).failed(1);
    assert!(refuse(&paths[0], "--count n").contains("not a whole number"));
    assert!(refuse(&paths[1], "--count n").contains("from 0 to 4,294,967,295"));
    let large = refuse(&case("big_weight.csv"), "--weight n");
    assert!(large.contains("divide all of them") && large.contains("--count"), "{large}");
    // 9,000,000 of 9,000,010 against 20 of 50.
    let counted = audit(&case("big_weight.csv"), "--count n --only war");
    let value = counted["estimates"][0]["value"].as_f64().unwrap();
    assert!((value - 9_000_000.0 / 9_000_010.0 / 0.4).abs() < 1e-9, "{value}");
    assert_eq!(counted["estimates"][0]["topic_impressions_treatment"], 9_000_000);
}

/// The cases' README: x.org has 1 of the 100 users of what was available, and 9 of the 10 of what was
/// shown.
#[test]
fn a_supply_is_weighed_as_the_log_is() {
    let ask = |more: &str| {
        let line = format!(
            "audit LOG --arm panel --treatment A --topic domain --viewer url --item url \
             --baseline-supply OUT --only x.org --json {more}"
        );
        shell(&line, &[&case("supply_log.csv"), &case("supply_table.csv")]).json()
    };
    for flag in ["--weight n_users", "--count n_users"] {
        let json = ask(flag);
        let estimate = &json["estimates"][0];
        assert!((estimate["share_baseline"].as_f64().unwrap() - 0.01).abs() < 1e-12, "{flag}");
        assert!((estimate["value"].as_f64().unwrap() - 90.0).abs() < 1e-9, "{flag}");
        assert!(!kinds(&json).contains(&"supply_unweighted".to_owned()));
    }
    // Without the column it is said, by whoever asks.
    let (_folder, paths) = files(&[("supply.csv", "url,domain\nu1,x.org\nu2,y.org\nu3,y.org\n")]);
    let line = "audit LOG --arm panel --treatment A --topic domain --viewer url --baseline-supply OUT \
                --only x.org --weight n_users --json";
    let json = shell(line, &[&case("supply_log.csv"), &paths[0]]).json();
    assert!(kinds(&json).contains(&"supply_unweighted".to_owned()));
}

#[test]
fn a_supply_that_lacks_or_repeats_items_is_said() {
    let (_folder, paths) = files(&[
        ("log.csv", "who,feed,item,about\na,ranked,i1,sport\nb,ranked,i99,war\nc,other,i98,war\n"),
        ("repeats.csv", "item,about\ni1,sport\ni99,war\ni1,sport\n"),
    ]);
    let ask = |supply: &str| {
        let line = "audit LOG --arm feed --treatment ranked --topic about --viewer who --item item \
                    --baseline-supply OUT --only war --json";
        shell(line, &[&paths[0], supply]).json()
    };
    let lacks = ask(&case("supply_missing_item.csv"));
    let warnings = lacks["estimates"][0]["warnings"].as_array().unwrap();
    let said = warnings.iter().find(|its| its["kind"] == "shown_outside_supply").unwrap();
    assert_eq!((&said["impressions"], &said["of"]), (&1.into(), &2.into()));
    assert!(!kinds(&lacks).contains(&"repeated_supply_items".to_owned()));
    let repeats = kinds(&ask(&paths[1]));
    assert!(repeats.contains(&"repeated_supply_items".to_owned()));
    assert!(!repeats.contains(&"shown_outside_supply".to_owned()));
}
