//! `audit`: commands as people type them against golden values and the library, study files, baselines.

use crate::support::{close, golden, run, shared, shell, shipped};
use serde_json::Value as Json;
use tiltmeter::inference::{Delta, Quantile};
use tiltmeter::log::{LogSchema, RowPolicy, TopicColumn};
use tiltmeter::{Attention, Audit, AuditReport, ClusterBy, ExposureLog, Interval, Question};

/// With a log's own roles: the shipped one's.
const BANDIT: &str =
    "audit LOG --arm arm --treatment bts --baseline random --topic topic --cluster hour";

fn tiktok() -> Option<String> {
    shared("data/tiktok_politics.csv.gz")
}

/// Without what depends on where a file lies.
fn estimates(report: &Json) -> &Json {
    &report["estimates"]
}

fn library(report: &AuditReport) -> Json {
    serde_json::from_str(&report.to_json().unwrap()).unwrap()
}

/// Every number of a golden comparison that the report has, and the 95% interval with these fields.
fn against(report: &Json, comparison: &str, interval: [&str; 2]) {
    let golden = golden("tiktok_politics").unwrap();
    let rows = golden["comparisons"][comparison].as_array().unwrap();
    let ours = report["estimates"].as_array().unwrap();
    assert_eq!((rows.len(), ours.len()), (3, 3));
    for (ours, row) in ours.iter().zip(rows) {
        assert_eq!(ours["topic"], row["topic"]);
        let pairs = [
            ("value", "ratio"),
            ("share_treatment", "share_treatment"),
            ("share_baseline", "share_baseline"),
            ("standard_error", "se_log_ratio"),
            ("degrees_of_freedom", "t_degrees_of_freedom"),
            ("low", interval[0]),
            ("high", interval[1]),
            ("topic_treatment", "mass_treatment"),
            ("all_baseline", "total_baseline"),
        ];
        for (field, theirs) in pairs {
            if ours[field].is_null() && interval[0] == "z_low" {
                continue; // the normal quantile has no degrees of freedom
            }
            close(field, &ours[field], &row[theirs]);
        }
    }
}

/// numpy and scipy, by the shared `make_golden.py`.
#[test]
fn the_first_command_gives_the_golden_values() {
    let Some(log) = tiktok() else { return };
    let line = "audit LOG.csv.gz --arm arm --treatment right --baseline left --topic party \
                --cluster experiment --position position --attention logarithmic --interval delta --json";
    let report = shell(line, &[&log]).json();
    against(&report, "party:right/left:cluster=experiment:log2", ["t_low", "t_high"]);
    for estimate in report["estimates"].as_array().unwrap() {
        assert_eq!(
            (&estimate["state"], &estimate["clusters_treatment"]),
            (&"estimated".into(), &135.into())
        );
        assert!(estimate["naive_standard_error"].is_number() && estimate["warnings"].is_array());
    }
    let line = "audit LOG --arm arm --treatment right --baseline left --topic party --cluster \
                experiment --interval delta --quantile normal --json";
    let report = shell(line, &[&log]).json();
    against(&report, "party:right/left:cluster=experiment:uniform", ["z_low", "z_high"]);
}

/// The page is the library's, of the study that these flags are.
#[test]
fn the_second_command_writes_a_page() {
    let Some(log) = tiktok() else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    let line = "audit LOG.csv.gz --arm arm --treatment right --baseline left --topics topics \
                --topics-separator '|' --cluster device --html OUT";
    let printed = shell(line, &[&log, page.to_str().unwrap()]).ok();
    assert!(printed.contains("For each of 26 topics") && printed.contains("9 in \"right\""));
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.starts_with("<!") && html.contains("Immigration") && html.contains("</svg>"));
}

/// What chance would have shown, by propensities: refused where the log is worth too little, unless the
/// floor is put down.
#[test]
fn propensities_are_a_baseline() {
    let log = shipped("open_bandit_small.csv.gz");
    let ask = |campaign: &str, items: &str| {
        let line = format!(
            "audit LOG --arm arm --item item --propensity propensity --topic topic --cluster hour \
             --treatment bts --baseline-propensity uniform:{items} --filter campaign={campaign} --json"
        );
        shell(&line, &[&log]).json()
    };
    let all = ask("all", "80");
    let c4 = all["estimates"].as_array().unwrap().iter().find(|its| its["topic"] == "c4").unwrap();
    // golden/open_bandit.json: numpy's self-normalised share of the uniform policy.
    let share = c4["share_baseline"].as_f64().unwrap();
    assert!((share - 0.09091582726429608).abs() < 1e-10, "{share}");
    let women = ask("women", "46");
    assert!(
        women["estimates"].as_array().unwrap().iter().all(|its| {
            its["value"].is_null() && its["undefined"] == "effective_size_below_floor"
        })
    );
    let women = ask("women", "46 --floor 2");
    assert!(women["estimates"][0]["value"].is_number());
}

fn kept(column: &str, values: &[&str]) -> tiltmeter::Keep {
    tiltmeter::Keep::new(column, values.iter().copied())
}

/// The library's own audit of the same rows, bit for bit.
#[test]
fn the_third_command_is_the_librarys_two_way_audit() {
    let Some(path) = tiktok() else { return };
    let line = "audit LOG --arm arm --treatment right --baseline left --topic party --cluster device \
                --cluster week --interval delta --quantile normal --filter state=GEORGIA --set-aside \
                --json";
    let report = shell(line, &[&path]).json();
    let schema = LogSchema::new()
        .arm("arm")
        .topics(TopicColumn::single("party"))
        .column("device")
        .column("week")
        .column("state")
        .rows(RowPolicy::SetAside);
    let log = ExposureLog::open(&path, &schema).unwrap();
    let log = log.keep(&kept("state", &["GEORGIA"])).unwrap();
    let delta = Delta { level: 0.95, quantile: Quantile::Normal };
    let question = Question::between("right", "left")
        .cluster(ClusterBy::column("device"))
        .second_cluster(ClusterBy::column("week"));
    let theirs = Audit::of(&log, &question).interval(Interval::Delta(delta)).run().unwrap();
    assert_eq!(report, library(&theirs));
    let first = &report["estimates"][0];
    assert_eq!(first["clusters"]["relation"], "nested");
    assert_eq!(first["second_clusters"]["relation"], "crossed");
    assert!(report["sentence"].as_str().unwrap().contains("Second way: week"));
    assert_eq!(report["quality"]["impressions"], 9239);
}

/// Whatever flags say, the library says the same, bit for bit.
#[test]
fn flags_are_the_librarys_calls() {
    let path = shipped("open_bandit_small.csv.gz");
    let line = format!(
        "{BANDIT} --position position --attention rbp:0.5 --statistic difference --statistic odds_ratio \
         --level 0.9 --only c1 --only c0 --filter campaign=all --filter campaign=men --json"
    );
    let ours = shell(&line, &[&path]).json();
    let schema = LogSchema::new()
        .arm("arm")
        .topics(TopicColumn::single("topic"))
        .position("position")
        .column("hour")
        .column("campaign");
    let log = ExposureLog::open(&path, &schema).unwrap();
    let log = log.keep(&kept("campaign", &["all", "men"])).unwrap();
    let bounds = tiltmeter::inference::ShareBounds { level: 0.9, ..Default::default() };
    let question = Question::between("bts", "random")
        .topics(["c1", "c0"])
        .cluster(ClusterBy::column("hour"))
        .attention(Attention::Rbp { persistence: 0.5 })
        .statistic(tiltmeter::statistic::Difference)
        .statistic(tiltmeter::statistic::OddsRatio);
    let theirs = Audit::of(&log, &question).interval(Interval::ShareBounds(bounds)).run().unwrap();
    assert_eq!(ours, library(&theirs));
    assert_eq!(ours["estimates"].as_array().unwrap().len(), 4);
}

#[test]
fn a_study_file_gives_the_same_report_as_the_flags_it_is_of() {
    let path = shipped("open_bandit_small.csv.gz");
    let folder = tempfile::tempdir().unwrap();
    for name in ["study.toml", "study.json"] {
        let study = folder.path().join(name);
        let study = study.to_str().unwrap();
        let line = format!(
            "{BANDIT} --time ts --position position --attention top_k:2 --combined both=campaign,hour \
             --interval bootstrap:kind=basic --replicates 99 --seed 7 --test permutation --multiplicity \
             holm --filter campaign=all --write-study OUT --json"
        );
        let flags = shell(&line, &[&path, study]).json();
        assert_eq!(run(["audit", "--study", study, "--json"]).json(), flags, "{name}");
        // Written again from the file, it is the same file.
        let again = folder.path().join(format!("again.{name}"));
        run(["audit", "--study", study, "--write-study", again.to_str().unwrap()]).ok();
        assert_eq!(std::fs::read(study).unwrap(), std::fs::read(again).unwrap());
    }
}

/// A folder of a study can be moved with its logs.
#[test]
fn paths_of_a_study_are_from_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    std::fs::create_dir(&old).unwrap();
    std::fs::write(old.join("log.csv"), "who,feed,about\na,x,war\nb,x,sport\nc,y,war\nd,y,war\n")
        .unwrap();
    let (log, study) = (old.join("log.csv"), old.join("study.toml"));
    let line = "audit LOG --arm feed --treatment x --baseline y --topic about --viewer who \
                --write-study OUT --json";
    let there = shell(line, &[log.to_str().unwrap(), study.to_str().unwrap()]).json();
    assert!(std::fs::read_to_string(&study).unwrap().contains("path = \"log.csv\""));
    std::fs::rename(&old, &new).unwrap();
    let moved =
        run(["audit", "--study", new.join("study.toml").to_str().unwrap(), "--json"]).json();
    assert_eq!(estimates(&moved), estimates(&there));
}

/// A log in parts gives what it gives whole; rows set aside are told either way.
#[test]
fn several_files_are_one_log() {
    let folder = tempfile::tempdir().unwrap();
    let header = "who,week,feed,about\n";
    let rows: Vec<String> = (0..60)
        .map(|at: u32| {
            let topic = if at * 7 % 5 < 2 { "war" } else { "sport" };
            let feed = if at % 20 < 10 { "x" } else { "y" };
            format!("v{},w{},{},{topic}\n", at % 20, at / 20, if at == 33 { "" } else { feed })
        })
        .collect();
    let write = |name: &str, rows: &[String]| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("{header}{}", rows.concat())).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let whole = write("whole.csv", &rows);
    let (first, second) = (write("part1.csv", &rows[..25]), write("part2.csv", &rows[25..]));
    let pattern = folder.path().join("part*.csv");
    for clusters in ["--viewer who", "--cluster who --cluster week"] {
        let flags = format!(
            "--arm feed --treatment x --baseline y --topic about {clusters} --set-aside --json"
        );
        let whole = shell(&format!("audit LOG {flags}"), &[&whole]).json();
        let parts = shell(&format!("audit LOG OUT {flags}"), &[&first, &second]).json();
        let found = shell(&format!("audit LOG {flags}"), &[pattern.to_str().unwrap()]).json();
        assert_eq!(estimates(&whole), estimates(&parts));
        assert_eq!(estimates(&whole), estimates(&found));
        for report in [&whole, &parts] {
            assert_eq!(report["quality"]["origin"]["set_aside"]["rows"], 1);
            assert_eq!(report["quality"]["impressions"], 59);
        }
    }
}

/// A name is a role where its flag is given, else a column; `column:` is a column always.
#[test]
fn units_are_roles_or_columns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    let text = "item,id,feed,about\n1,a,x,war\n1,b,x,sport\n2,c,x,war\n3,d,y,war\n3,e,y,war\n4,f,y,sport\n";
    std::fs::write(&path, text).unwrap();
    let clusters = |flags: &str| {
        let line =
            format!("audit LOG --arm feed --treatment x --baseline y --topic about --json {flags}");
        let report = shell(&line, &[path.to_str().unwrap()]).json();
        let first = &report["estimates"][0];
        (first["clusters_treatment"].as_u64().unwrap(), first["estimand"]["cluster"].clone())
    };
    let column = |name: &str| serde_json::json!({ "column": name });
    assert_eq!(clusters("--cluster item"), (2, column("item")));
    assert_eq!(clusters("--item id --cluster item"), (3, "item".into()));
    assert_eq!(clusters("--item id --cluster column:item"), (2, column("item")));
    assert_eq!(clusters("--cluster impression").0, 3);
    assert!(clusters("--cluster hashed:8:item").0 <= 2);
}

/// The other baselines reach the library: values by their definitions, from the shares of each arm.
#[test]
fn baselines_that_are_no_arms() {
    let path = shipped("open_bandit_small.csv.gz");
    let arm = shell(&format!("{BANDIT} --json"), &[&path]).json();
    let line = "audit LOG --arm arm --treatment bts --topic topic --cluster hour --only c1 --json";
    let reference = format!("{line} --reference poll:c1=0.25 --bias 0.5,2");
    let reference = shell(&reference, &[&path]).json();
    let (share, of) = (&arm["estimates"][1]["share_treatment"], &reference["estimates"][0]);
    assert_eq!(of["state"], "between");
    close("low", &of["value_low"], &(share.as_f64().unwrap() / 0.5).into());
    close("high", &of["value_high"], &(share.as_f64().unwrap() / 0.125).into());
    let unbiased = format!("{line} --reference poll:c1=0.25");
    assert!(shell(&unbiased, &[&path]).failed(2).contains("--bias"));

    let before = shell(&format!("{line} --time ts --before 2019-11-27"), &[&path]).json();
    let period = &before["estimates"][0];
    let impressions = |side: &str| period[format!("impressions_{side}")].as_u64().unwrap();
    assert_eq!(impressions("treatment") + impressions("baseline"), 30_000);

    let folder = tempfile::tempdir().unwrap();
    let items = folder.path().join("items.csv");
    std::fs::write(&items, "item,topic\n1,c1\n2,c2\n3,c2\n4,c2\n").unwrap();
    let supply = shell(&format!("{line} --baseline-supply OUT"), &[&path, items.to_str().unwrap()]);
    close("supply", &supply.json()["estimates"][0]["share_baseline"], &0.25.into());
}

/// Candidates of three requests: the shares of sport that each rule would have shown, by hand.
#[test]
fn baselines_of_candidates() {
    let folder = tempfile::tempdir().unwrap();
    let (log, pool) = (folder.path().join("log.csv"), folder.path().join("pool.csv"));
    let shown = "who,feed,slate,item,pos,at,about\n\
        a,x,s1,i1,1,2024-01-02,war\na,x,s1,i2,2,2024-01-02,sport\n\
        b,x,s2,i1,1,2024-01-02,war\nb,x,s2,i3,2,2024-01-02,war\nc,x,s3,i2,1,2024-01-02,sport\n";
    std::fs::write(&log, shown).unwrap();
    let candidates = "slate,item,born,about,likes\n\
        s1,i1,2024-01-01,war,5\ns1,i2,2024-01-01T10:00,sport,1\ns1,i4,2024-01-01T11:00,sport,1\n\
        s2,i1,2024-01-01,war,5\ns2,i3,2024-01-01T10:00,war,2\ns2,i2,2024-01-01T11:00,sport,1\n\
        s3,i2,2024-01-01,sport,1\ns3,i1,2024-01-01T09:00,war,1\n";
    std::fs::write(&pool, candidates).unwrap();
    let share = |baseline: &str| {
        let line = format!(
            "audit LOG --arm feed --treatment x --viewer who --slate slate --item item --position pos \
             --time at --topic about --candidates OUT --candidates-time born --candidates-engagement \
             likes --only sport --json {baseline}"
        );
        let report = shell(&line, &[log.to_str().unwrap(), pool.to_str().unwrap()]).json();
        report["estimates"][0]["share_baseline"].clone()
    };
    // Of two, two and one places: 2/3, 1/3 and 1/2 of the candidates are about sport.
    close("uniform", &share("--baseline-uniform-pool"), &(2.5 / 5.0).into());
    // The newest are i4 and i2, then i2 and i3, then i1.
    close("newest", &share("--baseline-chronological"), &(3.0 / 5.0).into());
    // Weights of likes plus one: 4 of 10, 2 of 11, 2 of 4.
    let expected = (0.8 + 4.0 / 11.0 + 0.5) / 5.0;
    close("engagement", &share("--baseline-engagement=1"), &expected.into());
    let without =
        "audit LOG --arm feed --treatment x --viewer who --topic about --baseline-uniform-pool";
    assert!(shell(without, &[log.to_str().unwrap()]).failed(1).contains("--candidates FILE"));
}
