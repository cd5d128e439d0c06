//! Everything beside `audit` and `inspect`: tallies, saved reports, simulations, plans, monitors, and
//! what shells need.

use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use crate::support::{command, run, shell, shipped};

const ROLES: &str = "--arm arm --topic topic --position position --cluster hour";
const ASKED: &str = "--treatment bts --baseline random --statistic difference --test delta";

fn place(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

/// A log taken apart by campaign: tallies of the parts, merged, say what the whole log says.
#[test]
fn tallies_merged_are_the_audit() {
    let folder = tempfile::tempdir().unwrap();
    let whole = shipped("open_bandit_small.csv.gz");
    let text = unzipped(&whole);
    let (header, rows) = text.split_once('\n').unwrap();
    let mut tallies = Vec::new();
    for campaign in ["all", "men", "women"] {
        let part: Vec<&str> =
            rows.lines().filter(|row| row.ends_with(&format!(",{campaign}"))).collect();
        let path = place(folder.path(), &format!("{campaign}.csv"));
        std::fs::write(&path, format!("{header}\n{}\n", part.join("\n"))).unwrap();
        let tally = place(folder.path(), &format!("{campaign}.tally"));
        let line = format!(
            "tally LOG {ROLES} --attention uniform --attention logarithmic --out OUT --memory 256"
        );
        let told = shell(&line, &[&path, &tally]).ok();
        assert!(told.contains("20000 impressions in 168 clusters"), "{told}");
        tallies.push(tally);
    }
    let merged = place(folder.path(), "merged.tally");
    let words = ["merge"].into_iter().chain(tallies.iter().map(String::as_str));
    run(words.chain(["--out", &merged])).ok();
    for attention in ["uniform", "logarithmic"] {
        let line = format!("estimate LOG {ASKED} --attention {attention} --json");
        let estimate = shell(&line, &[&merged]).json();
        let line = format!("audit LOG {ROLES} {ASKED} --attention {attention} --json");
        let audit = shell(&line, &[&whole]).json();
        assert_eq!(estimate["estimates"], audit["estimates"]);
        assert_eq!(estimate["sentence"], audit["sentence"]);
    }
}

/// A tally of what an audit is asked of says what the audit says: chosen rows, an arm in a table of accounts, topics
/// in a table of items, ranks by the order of rows.
#[test]
fn tallies_read_what_audits_read() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = place(folder.path(), name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (mut log, mut accounts) = ("who,what,land\n".to_owned(), "who,arm\n".to_owned());
    for who in 0..60 {
        let arm = if who % 2 == 0 { "ranked" } else { "newest" };
        accounts.push_str(&format!("v{who},{arm}\n"));
        for row in 0..8 + who % 3 {
            let what = (who * 7 + row * 5) % 11 / if arm == "ranked" { 2 } else { 1 };
            let land = if row % 4 == 0 { "FR" } else { "DE" };
            log.push_str(&format!("v{who},i{what},{land}\n"));
        }
    }
    let items = (0..11).map(|item| format!("i{item},{}\n", if item < 4 { "war" } else { "" }));
    let items = write("items.csv", format!("what,topic\n{}", items.collect::<String>()));
    let (log, accounts) = (write("log.csv", log), write("accounts.csv", accounts));
    let files = [&*log, &accounts, &items];
    let asked = "--treatment ranked --baseline newest --json";
    for ranks in ["", "--rank-by-order viewer --attention logarithmic"] {
        let about = format!(
            "{log} --viewer who --arm arm --join {accounts} --on who --items {items} --item what --topic topic \
             --filter land=DE {ranks}"
        );
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let audit = run(words(&format!("audit {about} {asked}"))).json();
        let tally = place(folder.path(), "some.tally");
        let told = run(words(&format!("tally {about} --out {tally}"))).ok();
        assert!(told.contains(" in 60 clusters"), "{told}");
        let attention = ranks.split_once("--attention").map_or("", |_| "--attention logarithmic");
        let estimate = run(words(&format!("estimate {tally} {attention} {asked}"))).json();
        assert_eq!(estimate["estimates"], audit["estimates"], "{ranks}");
        let kept = &estimate["estimates"][0]["estimand"]["kept"][0];
        assert_eq!(kept["column"], "land", "{estimate}");
    }
    let held = format!(
        "tally {} --viewer who --arm land --topic what --rank-by-order viewer --memory 64 --out x",
        files[0]
    );
    let refused = run(held.split_whitespace().map(str::to_owned));
    assert!(
        refused.code != 0 && refused.err.contains("--memory is of logs that are read in parts"),
        "{}",
        refused.err
    );
    let line =
        format!("tally {log} {log} --viewer who --arm land --topic what --filter land=PL --out x");
    let none = run(line.split_whitespace().map(str::to_owned));
    assert!(none.code != 0, "{}", none.out);
}

/// The text of a gzip file, by `gzip`.
fn unzipped(path: &str) -> String {
    let ran = std::process::Command::new("gzip").args(["-dc", path]).output().unwrap();
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn a_saved_report_is_shown_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = shipped("open_bandit_small.csv.gz");
    let saved = place(folder.path(), "report.json");
    for flags in [ASKED, "--treatment bts --reference poll:c1=0.3 --bias 0.9,1.1 --only c1"] {
        let audit = format!("audit LOG {ROLES} {flags}");
        std::fs::write(&saved, shell(&format!("{audit} --json"), &[&path]).ok()).unwrap();
        assert_eq!(run(["report", &saved]).ok(), shell(&audit, &[&path]).ok());
        let markdown = shell(&format!("{audit} --markdown"), &[&path]).ok();
        assert_eq!(run(["report", &saved, "--markdown"]).ok(), markdown);
        assert!(markdown.lines().any(|line| line.starts_with("| topic")), "{markdown}");
    }
    std::fs::write(&saved, "{\"schema\": \"other\", \"version\": 1}").unwrap();
    assert!(run(["report", &saved]).failed(1).contains("other"));
}

/// The same configuration and seed, the same log; and an audit of it is near what is said to be true.
#[test]
fn a_simulation_can_be_audited() {
    let folder = tempfile::tempdir().unwrap();
    let (log, again) = (place(folder.path(), "a.parquet"), place(folder.path(), "b.parquet"));
    let truth = place(folder.path(), "truth.json");
    let line = "simulate --preset everyday --viewers 80 --days 2 --seed 5 --out LOG --truth OUT --replicates 20";
    let told = shell(line, &[&log, &truth]).ok();
    shell("simulate --preset everyday --viewers 80 --days 2 --seed 5 --out LOG", &[&again]).ok();
    assert_eq!(std::fs::read(&log).unwrap(), std::fs::read(&again).unwrap());
    let truth: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(truth).unwrap()).unwrap();
    assert_eq!((&truth["treatment"], &truth["replicates"]), (&"treatment".into(), &20.into()));
    let line = "audit LOG --arm arm --treatment treatment --baseline baseline --topics topics --viewer viewer --json";
    let report = shell(line, &[&log]).json();
    let rows = report["quality"]["impressions"].as_u64().unwrap();
    assert!(told.contains(&format!("{rows} impressions")), "{told}");
    // The preset favours nothing: the ratio is 1, and its interval of 99.99% would hold it.
    let news = report["estimates"].as_array().unwrap().iter().find(|its| its["topic"] == "news");
    let news = news.unwrap();
    let distance = news["value"].as_f64().unwrap().ln() / news["standard_error"].as_f64().unwrap();
    assert!(distance.abs() < 4.0, "{distance}");

    let config = place(folder.path(), "config.json");
    std::fs::write(&config, "{\"seed\": 7, \"wrold\": {}}").unwrap();
    let refused = shell("simulate --config LOG --out OUT", &[&config, &log]).failed(1);
    assert!(refused.contains("wrold") && refused.contains("line 1"), "{refused}");
}

/// `Pilot` of the library on the same log, to the last digit.
#[test]
fn plans_are_the_librarys() {
    use tiltmeter::inference::{PerArm, Pilot, SampleSizePlan, TopicQuestion};
    use tiltmeter::log::{LogSchema, TopicColumn};
    use tiltmeter::tally::{Tally, TallySpec};
    let path = shipped("open_bandit_small.csv.gz");
    let line = format!(
        "power pilot LOG {ROLES} --treatment bts --baseline random --only c1 --clusters 50 --effect 0.9 --json"
    );
    let ours = shell(&line, &[&path]).json();
    let schema = LogSchema::new().arm("arm").topics(TopicColumn::single("topic")).column("hour");
    let log = tiltmeter::ExposureLog::open(&path, &schema).unwrap();
    let cluster = tiltmeter::ClusterBy::column("hour");
    let tally = Tally::of(&log, &TallySpec { cluster, ..TallySpec::default() }).unwrap();
    let question = tiltmeter::Question::between("bts", "random");
    let question = TopicQuestion::of(&question, "c1").unwrap();
    let pilot = Pilot::of(&tally, &question, &tiltmeter::statistic::AmplificationRatio).unwrap();
    let design = SampleSizePlan::of(PerArm::equal(50));
    let detectable = pilot.minimum_detectable(&design).unwrap();
    assert_eq!(ours[0]["detectable"]["above"].as_f64(), Some(detectable.above));
    let needed = pilot.clusters_needed(0.9, &design).unwrap();
    assert_eq!(ours[0]["needed"][0]["clusters_per_arm"].as_u64(), Some(needed));
}

/// Two halves observed one after the other are the whole, and nothing is counted twice.
#[test]
fn a_monitor_goes_on_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let row = |viewer: usize| {
        let feed = if viewer.is_multiple_of(2) { "x" } else { "y" };
        let topic = if (viewer / 2 * 7) % 10 < 4 + viewer % 2 { "war" } else { "sport" };
        format!("v{viewer},{feed},{topic}\nv{viewer},{feed},sport\n")
    };
    let write = |name: &str, viewers: std::ops::Range<usize>| {
        let path = place(folder.path(), name);
        let rows: String = viewers.map(row).collect();
        std::fs::write(&path, format!("who,feed,about\n{rows}")).unwrap();
        path
    };
    let (first, second, all) =
        (write("1.csv", 0..300), write("2.csv", 300..600), write("all.csv", 0..600));
    let init = |name: &str| {
        let state = place(folder.path(), name);
        let line = "monitor init LOG --arm feed --topic about --viewer who --treatment x --baseline y \
                    --watch war --target 120";
        shell(line, &[&state]).ok();
        state
    };
    let (parts, whole) = (init("parts"), init("whole"));
    run(["monitor", "observe", &parts, &first]).ok();
    run(["monitor", "observe", &parts, &second]).ok();
    run(["monitor", "observe", &whole, &all]).ok();
    let shown = |state: &str| run(["monitor", "show", state, "--json"]).json();
    let (parts_now, whole_now) = (shown(&parts), shown(&whole));
    assert_eq!((&parts_now["observations"], &whole_now["observations"]), (&2.into(), &1.into()));
    for field in ["value", "low", "high", "standard_error"] {
        assert!(parts_now["readings"][0][field].is_number(), "{field}");
        assert_eq!(parts_now["readings"][0][field], whole_now["readings"][0][field]);
    }
    let twice = run(["monitor", "observe", &parts, &second]).failed(1);
    assert!(twice.contains("2.csv"), "{twice}");
    assert_eq!(shown(&parts), parts_now);
}

#[test]
fn shells_get_completions_and_manuals() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let text = run(["completions", shell]).ok();
        assert!(text.contains("tiltmeter") && text.contains("write-study"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    run(["man", "--out", folder.path().to_str().unwrap()]).ok();
    let audit = std::fs::read_to_string(folder.path().join("tiltmeter-audit.1")).unwrap();
    assert!(audit.contains("treatment") && folder.path().join("tiltmeter.1").exists());
    assert!(run(["man"]).ok().contains(".TH tiltmeter 1"));
}

#[test]
fn help_has_an_example_for_each_command_and_the_exit_codes() {
    assert!(run(["--help"]).ok().contains("Exit codes: 0 "));
    let commands = [
        "audit",
        "inspect",
        "tally",
        "merge",
        "estimate",
        "simulate",
        "report",
        "bundle",
        "verify",
        "completions",
        "man",
        "power pilot",
        "power simulate",
        "monitor init",
        "monitor observe",
        "monitor show",
    ];
    for command in commands {
        let help = run(command.split(' ').chain(["--help"])).ok();
        assert!(help.contains(&format!("Example: tiltmeter {command}")), "{help}");
    }
    assert!(run(["nonsense"]).failed(2).contains("nonsense"));
}

/// With the fingerprint that was told, and the verdicts in JSON; what is said of bundles is in `cases/evidence.md`.
#[test]
fn a_bundle_has_the_fingerprint_that_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let log = place(folder.path(), "log.csv.gz");
    std::fs::copy(shipped("open_bandit_small.csv.gz"), &log).unwrap();
    let study = place(folder.path(), "study.toml");
    let line = format!("audit LOG {ROLES} --treatment bts --baseline random --write-study OUT");
    shell(&line, &[&log, &study]).ok();
    let zip = place(folder.path(), "evidence.zip");
    let fingerprint = run(["bundle", &study, "--out", &zip]).ok();
    let fingerprint = fingerprint.trim();
    let data = folder.path().to_str().unwrap();
    let checked = ["verify", &zip, "--inputs", data, "--fingerprint", fingerprint, "--json"];
    assert_eq!(run(checked).json()["verdict"], "same");
    assert_eq!(run(["verify", &zip, "--json"]).json()["verdict"], "same_from_tally");
}

/// A reader who leaves is no error, and nothing panics. The report is larger than a pipe holds, so that
/// the writer meets the closed end.
#[test]
fn a_closed_pipe_ends_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let log = place(folder.path(), "log.csv");
    let rows: String = (0..400)
        .flat_map(|at| ["x", "y"].map(|feed| format!("v{at}{feed},{feed},topic {}\n", at / 2)))
        .collect();
    std::fs::write(&log, format!("who,feed,about\n{rows}")).unwrap();
    let line = [
        "audit",
        &log,
        "--arm",
        "feed",
        "--treatment",
        "x",
        "--baseline",
        "y",
        "--topic",
        "about",
        "--viewer",
        "who",
        "--interval",
        "delta",
        "--json",
    ];
    assert!(run(line).ok().len() > 1 << 17);
    let mut child =
        command().args(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut first).unwrap();
    drop(out);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}
