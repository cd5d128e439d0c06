//! `waterfall`, `members`, `breaks` and `audit --totals`, against sums over the lines of their log.

use std::collections::BTreeMap;

use crate::support::{Ran, close, run};

/// A line of `cases/stages.in/log.csv`.
struct Line {
    viewer: String,
    ranked: bool,
    day: String,
    about: String,
    author: String,
    click: bool,
}

fn place(name: &str) -> String {
    format!("{}/tests/command/cases/stages.in/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn lines() -> Vec<Line> {
    let text = std::fs::read_to_string(place("log.csv")).unwrap();
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        Line {
            viewer: fields[0].to_owned(),
            ranked: fields[1] == "ranked",
            day: fields[2][..10].to_owned(),
            about: fields[5].to_owned(),
            author: fields[6].to_owned(),
            click: fields[7] == "1",
        }
    };
    text.lines().skip(1).map(line).collect()
}

/// The share of lines that are of `topic`, among those that are `of`.
fn share(lines: &[Line], of: impl Fn(&Line) -> bool, topic: impl Fn(&Line) -> bool) -> f64 {
    let all = lines.iter().filter(|line| of(line)).count();
    lines.iter().filter(|line| of(line) && topic(line)).count() as f64 / all as f64
}

fn asked(command: &str, more: &str) -> serde_json::Value {
    let line = format!(
        "{command} LOG --arm arm --treatment ranked --topic about --viewer viewer --json {more}"
    );
    let words = line.split_whitespace().map(|word| match word {
        "LOG" => place("log.csv"),
        "ITEMS" => place("items.csv"),
        word => word.to_owned(),
    });
    run(words).json()
}

/// From what there was to what was clicked, of a log with these columns.
fn waterfall(log: &str, more: &[&str]) -> Ran {
    let line = "waterfall LOG --arm arm --treatment ranked --topic about --viewer viewer --item item \
                --engagement click --supply ITEMS";
    let items = place("items.csv");
    let words = line.split_whitespace().map(|word| match word {
        "LOG" => log,
        "ITEMS" => &items,
        word => word,
    });
    run(words.chain(more.iter().copied()))
}

#[test]
fn steps_are_ratios_of_shares() {
    let lines = lines();
    let report = asked("waterfall", "--item item --engagement click --supply ITEMS --only war");
    let war = &report["waterfalls"][0];
    let value = |step: &serde_json::Value| step["estimate"]["value"].clone();
    let of_items = 4.0 / 10.0;
    let ranked = share(&lines, |line| line.ranked, |line| line.about == "war");
    let engaged = share(&lines, |line| line.ranked && line.click, |line| line.about == "war");
    close("supply to ranked", &value(&war["steps"][0]), &(ranked / of_items).ln().into());
    close("ranked to engaged", &value(&war["steps"][1]), &(engaged / ranked).ln().into());
    close("in all", &value(&war["total"]), &(engaged / of_items).ln().into());
}

#[test]
fn members_count_once_each() {
    let lines = lines();
    let report = asked("members", "--baseline newest --of author");
    let war = report["groups"].as_array().unwrap().iter().find(|its| its["name"] == "war").unwrap();
    let ratio = |topic: &dyn Fn(&Line) -> bool| {
        share(&lines, |line| line.ranked, topic) / share(&lines, |line| !line.ranked, topic)
    };
    close("war", &war["group"]["value"], &ratio(&|line| line.about == "war").into());
    let of_authors = ["ann", "bea", "cem"].map(|author| ratio(&|line| line.author == author).ln());
    let mean = (of_authors.iter().sum::<f64>() / 3.0).exp();
    close("its authors", &war["mean_member"]["value"], &mean.into());
}

#[test]
fn breaks_are_of_days() {
    let lines = lines();
    let report =
        asked("breaks", "--baseline newest --time at --window day --min-size 3 --only war");
    let days = report["topics"][0]["treatment"]["windows"].as_array().unwrap();
    assert_eq!(days.len(), 12);
    for (at, day) in days.iter().enumerate() {
        let date = format!("2026-05-{:02}", at + 1);
        let of_day = share(&lines, |its| its.ranked && its.day == date, |its| its.about == "war");
        close(&date, &day["value"]["estimated"], &of_day.ln().into());
    }
    // From the seventh day on the ranked feed was made to favour war.
    let found = report["topics"][0]["treatment"]["breaks"].as_array().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["start"], 1_778_112_000_000_000_i64);
    assert!(report["topics"][0]["baseline"]["breaks"].as_array().unwrap().is_empty());
}

/// From the totals alone, by the textbook's linearisation, the error of the delta method.
#[test]
fn totals_are_enough_for_a_clustered_error() {
    let folder = tempfile::tempdir().unwrap();
    let totals = folder.path().join("totals.csv");
    let more =
        format!("--baseline newest --only war --interval delta --totals {}", totals.display());
    let report = asked("audit", &more);
    let text = std::fs::read_to_string(totals).unwrap();
    let mut rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = rows.next().unwrap();
    let column = |name: &str| header.iter().position(|its| *its == name).unwrap();
    let (arm, all, war) = (column("arm"), column("all"), column("topic:war"));
    let mut arms: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for row in rows {
        let sums = (row[war].parse().unwrap(), row[all].parse().unwrap());
        arms.entry(row[arm].to_owned()).or_default().push(sums);
    }
    let mut variance = 0.0;
    for clusters in arms.values() {
        let (topic, all) =
            clusters.iter().fold((0.0, 0.0), |sum, its| (sum.0 + its.0, sum.1 + its.1));
        let (share, count) = (topic / all, clusters.len() as f64);
        let squares: f64 = clusters.iter().map(|its| ((its.0 - share * its.1) / all).powi(2)).sum();
        variance += squares * count / (count - 1.0) / (share * share);
    }
    let estimate = &report["estimates"][0];
    close("error", &estimate["standard_error"], &variance.sqrt().into());
    let viewers: std::collections::BTreeSet<String> =
        lines().into_iter().map(|line| line.viewer).collect();
    assert_eq!(arms.values().map(Vec::len).sum::<usize>(), viewers.len());
}

/// Filters hold for the tables beside a log, and a report says them, what weighs, and where a table lacks the column.
#[test]
fn filters_hold_for_all_tables() {
    let lines = lines();
    let filter = "--filter author!=ann --filter author!=dag";
    let of = |line: &Line| line.ranked && line.author != "ann" && line.author != "dag";
    let more = format!("--item item --engagement click --supply ITEMS --only war {filter}");
    let report = asked("waterfall", &more);
    let war = &report["waterfalls"][0];
    let engaged = share(&lines, |line| of(line) && line.click, |line| line.about == "war");
    // Of ten items six are of other authors, two of them about war.
    close("in all", &war["total"]["estimate"]["value"], &(engaged / (2.0 / 6.0)).ln().into());
    // Two filters of one column are one.
    let kept = serde_json::json!([{"column": "author", "is": "none_of", "values": ["ann", "dag"]}]);
    assert_eq!(war["total"]["estimate"]["estimand"]["kept"], kept);
    for (command, more) in [
        ("members", "--baseline newest --of author"),
        ("breaks", "--baseline newest --time at --window day --min-size 3"),
    ] {
        let report = asked(command, &format!("{more} --weight rank {filter}"));
        assert_eq!(report["kept"], kept, "{command}");
        assert_eq!(report["weights"], serde_json::json!({"columns": ["rank"]}), "{command}");
    }
    let text = waterfall(&place("log.csv"), &["--filter", "viewer!=v00"]).ok();
    assert!(text.contains("of rows where \"viewer\" is not \"v00\""), "{text}");
    // Each line is folded: what the warning says is looked for without its folds.
    let told = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("what chose rows of the log, \"viewer\", is not in"), "{text}");
}

/// A log without names of columns beside a table with them.
#[test]
fn a_table_beside_has_a_header_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(place("log.csv")).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let bare = folder.path().join("bare.csv");
    std::fs::write(&bare, rows).unwrap();
    let asked = |log: &str, more: &[&str]| {
        let report = waterfall(log, &[&["--json"], more].concat()).json();
        report["waterfalls"].clone()
    };
    let named = asked(&place("log.csv"), &[]);
    assert_eq!(asked(bare.to_str().unwrap(), &["--columns", header]), named);
}

/// Names that a spreadsheet would compute, or that would be two fields, in the totals; what has no totals.
#[test]
fn totals_are_safe_to_open_and_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let log = file("log.csv");
    let rows = "who,feed,about\n1,a,war\n2,a,\"x, y\"\n3,=b,war\n4,=b,\"x, y\"\n";
    std::fs::write(&log, rows).unwrap();
    let asked = |to: &str, more: &[&str]| {
        let words = [
            "audit",
            &log,
            "--arm",
            "feed",
            "--treatment",
            "a",
            "--baseline",
            "=b",
            "--topic",
            "about",
            "--viewer",
            "who",
            "--totals",
            to,
        ];
        run(words.iter().chain(more))
    };
    let totals = file("totals.csv");
    asked(&totals, &[]).ok();
    let text = std::fs::read_to_string(&totals).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    assert!(header.ends_with(",\"topic:x, y\""), "{header}");
    let of_b = rows.lines().filter(|row| row.contains(",'=b,"));
    assert_eq!(of_b.count(), 2, "{rows}");
    let none = file("none.csv");
    for (more, why) in [
        (&["--by", "about"][..], "not of groups"),
        (&["--cluster", "viewer", "--cluster", "column:about"][..], "say --cluster once"),
    ] {
        let said = asked(&none, more).failed(2);
        assert!(said.contains(why), "{said}");
    }
    let said = asked(&file("none.xlsx"), &[]).failed(2);
    assert!(said.contains(".csv or .parquet"), "{said}");
    assert!(!std::fs::exists(&none).unwrap());
}

/// A tally under the name of a table is one.
#[test]
fn a_tally_called_parquet_is_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let log = place("log.csv");
    let estimate = |to: &str| {
        let by = ["--arm", "arm", "--topic", "about", "--viewer", "viewer", "--out", to];
        run(["tally", &log].iter().chain(&by)).ok();
        run(["estimate", to, "--treatment", "ranked", "--baseline", "newest", "--json"]).json()
    };
    let (table, tally) = (file("t.parquet"), file("t.tally"));
    assert_eq!(estimate(&table)["estimates"], estimate(&tally)["estimates"]);
    assert!(std::fs::read(&table).unwrap().starts_with(b"PAR1"));
    assert!(!std::fs::read(&tally).unwrap().starts_with(b"PAR1"));
}

/// A topic that one arm never shows has no ratio anywhere: it has no breaks, and the others have theirs.
#[test]
fn a_topic_without_ratios_has_no_breaks() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(place("log.csv")).unwrap();
    let mut fields: Vec<&str> = text.lines().nth(1).unwrap().split(',').collect();
    (fields[0], fields[1], fields[5]) = ("someone", "ranked", "once");
    let log = folder.path().join("log.csv");
    std::fs::write(&log, format!("{}\n{}\n", text.trim_end(), fields.join(","))).unwrap();
    let line = "--arm arm --treatment ranked --baseline newest --topic about --viewer viewer --time at --window day \
                --min-size 3 --json";
    let words = ["breaks", log.to_str().unwrap()].into_iter().chain(line.split_whitespace());
    let report = run(words).json();
    let topics = report["topics"].as_array().unwrap();
    let of = |name: &str| topics.iter().find(|its| its["topic"] == name).unwrap();
    assert!(of("once")["ratio"]["breaks"].as_array().unwrap().is_empty(), "{}", of("once"));
    assert_eq!(of("war")["treatment"]["breaks"].as_array().unwrap().len(), 1);
}

/// What would be of something else than was asked is refused, in the words of flags.
#[test]
fn what_is_of_something_else_is_refused() {
    let refused = |line: &str, why: &str| {
        let line = format!(
            "audit {} --arm arm --treatment ranked --topic about --viewer viewer {line}",
            place("log.csv")
        );
        let ran = run(line.split_whitespace().map(str::to_owned));
        assert!(ran.code != 0 && ran.err.contains(why), "{line}: {} {}", ran.out, ran.err);
    };
    let within = "--baseline newest --within viewer";
    refused(
        &format!("{within} --stratum author --test cochran_mantel_haenszel"),
        "pooled, cluster_mean or reach",
    );
    refused(
        &format!("{within} --stratum author --test equal_strata"),
        "a test that strata are equal",
    );
    refused(&format!("{within} --statistic odds_ratio"), "amplification_ratio");
    refused(
        "--baseline newest --unit within --cluster author --within viewer",
        "cannot be used with",
    );
    refused("--baseline newest --cluster author --within viewer", "leave out --cluster");
    refused("--time at --before 2026-05-07 --totals t.csv", "--split-at and --filter period=VALUE");
}

/// A page of an audit within viewers, whose shares over time are of one arm and pooled.
#[test]
fn a_page_within_viewers() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let line = format!(
        "audit {} --arm arm --treatment ranked --baseline newest --topic about --cluster day --time at --unit within \
         --html {}",
        place("log.csv"),
        page.display()
    );
    let log = std::fs::read_to_string(place("log.csv")).unwrap();
    let with_day = log.lines().enumerate().map(|(at, line)| match at {
        0 => format!("{line},day\n"),
        _ => format!("{line},{}\n", &line.split(',').nth(2).unwrap()[..10]),
    });
    let path = folder.path().join("log.csv");
    std::fs::write(&path, with_day.collect::<String>()).unwrap();
    let line = line.replace(&place("log.csv"), path.to_str().unwrap());
    let told = run(line.split_whitespace().map(str::to_owned)).ok();
    let flowed = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flowed.contains("12 in \"ranked\" and 12 in the baseline"), "{told}");
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.contains("within clusters, each compared with itself"), "no estimand");
    assert!(html.contains("day: 12 in the treatment, 12 in the baseline"), "no clusters");
    for odd in ["NaN", "Unit::", "LogSchema"] {
        assert!(!html.contains(odd), "{odd} in the page");
    }
}
