//! `inspect`: its guesses on known logs, its counts, and the study that it drafts.

use crate::support::{run, shared, shell, shipped};
use serde_json::Value as Json;

fn inspected(path: &str) -> Json {
    run(["inspect", path, "--json"]).json()
}

/// The guessed column of each role.
fn roles(found: &Json) -> Vec<(String, String)> {
    let text = |its: &Json| its.as_str().unwrap().to_owned();
    let roles = found["guess"]["roles"].as_array().unwrap();
    let mut roles: Vec<_> =
        roles.iter().map(|its| (text(&its["role"]), text(&its["column"]))).collect();
    roles.sort();
    roles
}

fn expect(found: &Json, expected: &[(&str, &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|(role, column)| (role.to_string(), column.to_string())).collect();
    assert_eq!(roles(found), expected);
}

fn cluster<'f>(found: &'f Json, column: &str) -> &'f Json {
    let clusters = found["facts"]["clusters"].as_array().unwrap();
    clusters.iter().find(|its| its["column"] == column).unwrap()
}

/// What `data/README.md` says of it.
#[test]
fn the_open_bandit_log() {
    let found = inspected(&shipped("open_bandit_small.csv.gz"));
    expect(
        &found,
        &[
            ("arm", "arm"),
            ("engagement", "click"),
            ("item", "item"),
            ("position", "position"),
            ("propensity", "propensity"),
            ("time", "ts"),
            ("topics", "topic"),
        ],
    );
    assert_eq!(found["profile"]["rows"], 60_000);
    for arm in found["facts"]["arms"].as_array().unwrap() {
        assert_eq!(arm["rows"], 30_000);
    }
    assert_eq!(found["facts"]["topic_count"], 7);
    let hours = cluster(&found, "hour");
    assert_eq!((&hours["clusters"], &hours["relation"]), (&168.into(), &"crossed".into()));
    let campaigns = found["profile"]["columns"].as_array().unwrap();
    let campaigns = campaigns.iter().find(|its| its["name"] == "campaign").unwrap();
    assert_eq!((&campaigns["distinct"], &campaigns["missing"]), (&3.into(), &0.into()));
}

/// What `data/README.md` and `docs/simulated-log.md` say of it: 44,160 impressions in slates of ten.
#[test]
fn the_simulated_conflict() {
    let found = inspected(&shipped("simulated/conflict.parquet"));
    expect(
        &found,
        &[
            ("arm", "arm"),
            ("engagement", "click"),
            ("item", "item"),
            ("position", "position"),
            ("propensity", "propensity"),
            ("session", "session"),
            ("slate", "slate"),
            ("time", "time"),
            ("topics", "topics"),
            ("viewer", "viewer"),
        ],
    );
    let ranks = &found["facts"]["ranks"];
    assert_eq!((&ranks["greatest"], &ranks["slates"]), (&10.into(), &4416.into()));
    for rank in ranks["histogram"].as_array().unwrap() {
        assert_eq!((&rank["rows"], &rank["slates_without"]), (&4416.into(), &0.into()));
    }
    assert_eq!(cluster(&found, "viewer")["relation"], "nested");
    let remarks = found["guess"]["remarks"].to_string();
    assert!(
        remarks.contains("\\\"stratum\\\"") && remarks.contains("has fewer than two values"),
        "{remarks}"
    );
}

/// What the shared README says of it.
#[test]
fn tiktok() {
    let Some(path) = shared("data/tiktok_politics.csv.gz") else { return };
    let found = inspected(&path);
    expect(
        &found,
        &[
            ("arm", "arm"),
            ("item", "item"),
            ("position", "position"),
            ("time", "date"),
            ("topics", "topics"),
            ("viewer", "device"),
        ],
    );
    let topics = found["guess"]["roles"].as_array().unwrap();
    let topics = topics.iter().find(|its| its["role"] == "topics").unwrap();
    assert_eq!(topics["topic_format"]["separated"], "|");
    assert_eq!(found["guess"]["other_topics"], serde_json::json!(["party", "stance"]));
    let clusters = |column: &str| {
        let its = cluster(&found, column);
        (its["clusters"].as_u64().unwrap(), its["relation"].as_str().unwrap().to_owned())
    };
    assert_eq!(clusters("experiment"), (323, "nested".to_owned()));
    assert_eq!(clusters("week").1, "crossed");
    assert_eq!(clusters("device").1, "nested");
}

#[test]
fn apple_news() {
    let Some(path) = shared("data/applenews.csv.gz") else { return };
    let found = inspected(&path);
    expect(
        &found,
        &[
            ("arm", "arm"),
            ("item", "item"),
            ("position", "position"),
            ("slate", "slate"),
            ("time", "ts"),
            ("topics", "publisher"),
        ],
    );
    let days = cluster(&found, "day");
    assert_eq!((&days["clusters"], &days["relation"]), (&62.into(), &"crossed".into()));
    assert_eq!(found["profile"]["rows"], 187_067);
}

/// A log of three rows and more, by hand: what is missing, repeated, untagged, set aside.
#[test]
fn faults_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    let text = "user_id;feed;rank;list_id;post;tags;seen\n\
                u1;a;1;s1;p1;x,y;01/02/2024\nu1;a;3;s1;p1;y,x;13/02/2024\n\
                u2;b;1;s2;p2;x;14/02/2024\nu2;b;2;s2;p3;;15/02/2024\nu3;b;1;s3;p2;y;\n\
                ;b;2;s3;p4;x,z;16/02/2024\nu3;;3;s3;p5;z,y,x;16/02/2024\n";
    std::fs::write(&path, text).unwrap();
    let found = shell("inspect LOG --delimiter ; --json", &[path.to_str().unwrap()]).json();
    let facts = &found["facts"];
    assert_eq!(facts["quality"]["origin"]["set_aside"]["rows"], 2);
    let reasons = facts["quality"]["origin"]["set_aside"]["reasons"].as_array().unwrap();
    let columns: Vec<_> = reasons.iter().map(|its| its["column"].as_str().unwrap()).collect();
    assert_eq!(columns, ["feed", "user_id"]);
    assert_eq!((&facts["quality"]["untagged"], &facts["topic_count"]), (&1.into(), &2.into()));
    assert_eq!(facts["quality"]["repeats"]["impressions"], 1);
    let ranks = &facts["ranks"];
    let without: Vec<_> =
        ranks["histogram"].as_array().unwrap().iter().map(|its| &its["slates_without"]).collect();
    assert_eq!(without, [0, 2, 2]);
    let columns = found["profile"]["columns"].as_array().unwrap();
    let seen = columns.iter().find(|its| its["name"] == "seen").unwrap();
    assert_eq!(seen["time_format"]["pattern"], "%d/%m/%Y");
    assert_eq!(seen["missing"], 1);
}

/// Two arms: the draft runs, and says what flags say.
#[test]
fn a_draft_of_two_arms_runs() {
    let folder = tempfile::tempdir().unwrap();
    let study = folder.path().join("study.toml");
    let study = study.to_str().unwrap();
    let path = shipped("open_bandit_small.csv.gz");
    run(["inspect", &path, "--write-study", study]).ok();
    let drafted = run(["audit", "--study", study, "--json"]).json();
    let line =
        "audit LOG --arm arm --treatment bts --baseline random --topic topic --cluster hour --json";
    let asked = shell(line, &[&path]).json();
    assert_eq!(drafted["estimates"], asked["estimates"]);
    let path = shipped("simulated/conflict.parquet");
    run(["inspect", &path, "--write-study", study]).ok();
    let drafted = run(["audit", "--study", study, "--json"]).json();
    let of = &drafted["estimates"][0]["estimand"];
    assert_eq!(
        (&of["treatment"], &of["baseline"]["arm"]),
        (&"treatment".into(), &"baseline".into())
    );
    assert_eq!(of["cluster"], "viewer");
}

/// Three arms: nobody knows which are meant, and the audit says so.
#[test]
fn a_draft_of_three_arms_must_be_filled_in() {
    let folder = tempfile::tempdir().unwrap();
    let (log, study) = (folder.path().join("log.csv"), folder.path().join("study.toml"));
    std::fs::write(&log, "viewer,arm,topic\na,x,war\nb,y,war\nc,z,\"s\"\"p\nort\"\nd,x,war\n")
        .unwrap();
    let (log, study) = (log.to_str().unwrap(), study.to_str().unwrap());
    run(["inspect", log, "--write-study", study]).ok();
    let refused = run(["audit", "--study", study]).failed(1);
    assert!(refused.contains("treatment") && refused.contains("TO BE SAID"), "{refused}");
    let text = std::fs::read_to_string(study).unwrap();
    let text = text.replacen("TO BE SAID", "x", 1).replacen("TO BE SAID", "y", 1);
    std::fs::write(study, text).unwrap();
    let report = run(["audit", "--study", study, "--json"]).json();
    assert_eq!(report["estimates"].as_array().unwrap().len(), 2);
}

/// A log that says nothing of itself is shown all the same, and its draft refused until it is filled in;
/// the one text with two values may be an arm, unless it is something else already.
#[test]
fn little_can_be_guessed_of_little() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| {
        let path = folder.path().join("log.csv");
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let found = inspected(&write("foo,bar\n1.5,\n2.5,x\n"));
    assert_eq!(found["profile"]["columns"][1]["missing"], 1);
    assert!(roles(&found).is_empty() && found["facts"]["arms"].as_array().unwrap().is_empty());
    let remarks = found["guess"]["remarks"].to_string();
    assert!(remarks.contains("it cannot be read so"), "{remarks}");
    // Two values do not make an arm: it may be, and only its author knows.
    let found = inspected(&write("foo,bar\na,x\na,y\nb,z\n"));
    expect(&found, &[]);
    assert_eq!(
        (&found["guess"]["perhaps"][0]["role"], &found["guess"]["perhaps"][0]["column"]),
        (&"arm".into(), &"foo".into())
    );
    expect(&inspected(&write("user,bar\na,1.5\nb,2.5\n")), &[("viewer", "user")]);
    let none = run(["inspect", folder.path().join("gone.csv").to_str().unwrap()]);
    assert!(none.failed(1).contains("gone.csv"));
}

/// Writes a study of one of the cases, and tells its path.
fn drafted(case: &str, folder: &std::path::Path) -> String {
    let study = folder.join("study.toml").to_str().unwrap().to_owned();
    let path =
        std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/cases").join(case);
    run(["inspect", path.to_str().unwrap(), "--write-study", &study]).ok();
    study
}

/// `kind` has two values, video and live, and is no arm: nothing is filled in.
#[test]
fn an_arm_is_not_guessed_from_two_values() {
    let folder = tempfile::tempdir().unwrap();
    let study = drafted("guessed_arm.csv", folder.path());
    let refused = run(["audit", "--study", &study]).failed(1);
    assert!(refused.contains("column of arms is still \"TO BE SAID\""), "{refused}");
    let text = std::fs::read_to_string(&study).unwrap();
    assert!(text.contains("# Perhaps, but only you can know: arm = \"kind\""), "{text}");
    assert!(text.contains("video") && text.contains("live"), "{text}");
    // Said in part, the rest is asked for.
    std::fs::write(&study, text.replacen("TO BE SAID", "kind", 1)).unwrap();
    let refused = run(["audit", "--study", &study]).failed(1);
    assert!(refused.contains("treatment is still"), "{refused}");
}

/// Two arms whose names say nothing of sides.
#[test]
fn sides_are_not_guessed_from_order() {
    let folder = tempfile::tempdir().unwrap();
    let (log, study) = (folder.path().join("log.csv"), folder.path().join("study.toml"));
    std::fs::write(&log, "viewer,arm,topic\na,x,war\nb,y,war\nc,x,sport\nd,y,war\n").unwrap();
    run(["inspect", log.to_str().unwrap(), "--write-study", study.to_str().unwrap()]).ok();
    let text = std::fs::read_to_string(&study).unwrap();
    assert!(text.contains("treatment = \"TO BE SAID\"") && text.contains("Arms: x, y"), "{text}");
}

/// Half of the rows have no item, which nobody asks for: the cases' README has 2 of 4 against 3 of 4.
#[test]
fn a_role_that_rows_lack_is_left_out_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let study = drafted("missing_item.csv", folder.path());
    let report = run(["audit", "--study", &study, "--json"]).json();
    let sport = report["estimates"].as_array().unwrap();
    let sport = sport.iter().find(|its| its["topic"] == "sport").unwrap();
    assert!((sport["value"].as_f64().unwrap() - 2.0 / 3.0).abs() < 1e-12);
    let text = std::fs::read_to_string(&study).unwrap();
    assert!(text.contains("item = \"video_id\" # its name; 4 of 8 rows have none"), "{text}");
}

/// The cases' README: 58 of 120 against 34 of 120.
#[test]
fn a_count_is_drafted_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let study = drafted("counts.csv", folder.path());
    let report = run(["audit", "--study", &study, "--json"]).json();
    let war = report["estimates"].as_array().unwrap();
    let war = war.iter().find(|its| its["topic"] == "war").unwrap();
    assert!((war["value"].as_f64().unwrap() - 58.0 / 34.0).abs() < 1e-12);
    let text = std::fs::read_to_string(&study).unwrap();
    assert!(text.contains("count = \"n\"") && text.contains("so many impressions alike"), "{text}");
    // Where rows have ranks, views may be an item's own; a weight is never drafted unasked.
    let log = folder.path().join("log.csv");
    std::fs::write(
        &log,
        "viewer,arm,topic,rank,views,weight\na,ranked,war,1,900,2\nb,newest,sport,1,80,1\n",
    )
    .unwrap();
    run(["inspect", log.to_str().unwrap(), "--write-study", &study]).ok();
    let text = std::fs::read_to_string(&study).unwrap();
    for line in ["only you can know: count = \"views\"", "only you can know: weight = \"weight\""] {
        assert!(text.contains(line), "{text}");
    }
}

/// Views beside likes are of the item, whoever was shown it; and no column of topics is said to be missing.
#[test]
fn what_a_platform_counts_is_no_count_of_impressions() {
    let folder = tempfile::tempdir().unwrap();
    let (log, study) = (folder.path().join("log.csv"), folder.path().join("study.toml"));
    let rows = "viewer,arm,views,likes\na,ranked,900,2\nb,newest,80,1\n";
    std::fs::write(&log, rows).unwrap();
    let study = study.to_str().unwrap();
    run(["inspect", log.to_str().unwrap(), "--write-study", study]).ok();
    let text = std::fs::read_to_string(study).unwrap();
    assert!(text.contains("only you can know: count = \"views\""), "{text}");
    assert!(!text.contains("All 0 topics"), "{text}");
    let refused = run(["audit", "--study", study]).failed(1);
    assert!(refused.contains("column of topics is still \"TO BE SAID\""), "{refused}");
}

/// What should be looked at of names is shown, and in JSON.
#[test]
fn odd_names() {
    let cases = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases");
    let case = |name: &str| cases.join(name).to_str().unwrap().to_owned();
    for (name, shown) in [
        ("armspace.csv", "look at the names of the arm: \"ranked\", \"ranked \" look alike"),
        ("nas.csv", "\"NA\""),
        ("na_viewer.csv", "look at the names of the viewer: \"NA\", \"NaN\", \"null\" may stand"),
        ("case_space.csv", "\"WAR\", \"War\", \"war\""),
    ] {
        let text = run(["inspect", &case(name)]).ok();
        assert!(text.contains(shown), "{text}");
        let json = run(["inspect", &case(name), "--json"]).json();
        assert_eq!(json["facts"]["names"].as_array().map(Vec::len), Some(1), "{json}");
    }
    let json = run(["inspect", &case("plain.csv"), "--json"]).json();
    assert_eq!(json["facts"]["names"].as_array().map(Vec::len), Some(0));
}

/// A feed in a list of each row is taken apart where the list alone says what was shown.
#[test]
fn a_feed_in_a_list_is_taken_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (log, study) = (folder.path().join("log.ndjson"), folder.path().join("study.toml"));
    let rows = r#"{"viewer":"u1","feed":"ranked","shown":[{"post":"p1","topic":"war"},{"post":"p2","topic":"war"}]}
{"viewer":"u2","feed":"newest","shown":[{"post":"p1","topic":"war"},{"post":"p3","topic":"x"},{"post":"p4","topic":"x"}]}
{"viewer":"u3","feed":"ranked","shown":[{"post":"p3","topic":"x"},{"post":"p1","topic":"war"}]}
{"viewer":"u4","feed":"newest","shown":[{"post":"p4","topic":"x"}]}
"#;
    std::fs::write(&log, rows).unwrap();
    let (log, study) = (log.to_str().unwrap(), study.to_str().unwrap());
    let told = run(["inspect", log, "--relabel", "war=conflict", "--write-study", study]).ok();
    assert!(told.contains("--each shown") && told.contains("8 impressions"), "{told}");
    let report = run(["audit", "--study", study, "--json"]).json();
    let first = &report["estimates"][0];
    assert_eq!(first["topic"], "conflict");
    assert!((first["value"].as_f64().unwrap() - 3.0).abs() < 1e-12, "{first}");
}

/// A column that one file lacks is done without, and no other; what cannot be told is said by its own name.
#[test]
fn one_column_spoils_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let one = file("one.csv", "viewer,arm,rank,topic\na,ranked,1,war\na,newest,2,sport\n");
    let two = file("two.csv", "viewer,arm,topic\nb,ranked,war\nb,newest,war\n");
    let found = run(["inspect", &one, &two, "--json"]).json();
    expect(&found, &[("arm", "arm"), ("topics", "topic"), ("viewer", "viewer")]);
    assert_eq!(found["facts"]["quality"]["impressions"], 4);
    let remarks = found["guess"]["remarks"].to_string();
    assert!(remarks.contains("cannot be read with \\\"rank\\\" as the position"), "{remarks}");
    let blob = file("blob", "no log at all\n");
    let refused = run(["inspect", &blob]).failed(1);
    assert!(refused.contains("blob") && refused.contains("--format csv"), "{refused}");
}
