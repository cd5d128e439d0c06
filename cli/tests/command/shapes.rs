//! One log in many shapes: every file holds the rows of `plain.csv` in another way, and flags say how to read it.
//! `war` is 58 of 120 against 34 of 120; the ratio, and its interval by the delta method, are those of the first
//! version on the plain file.

use std::path::{Path, PathBuf};

use crate::support::{run, shell};

fn case(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases").join(name);
    path.to_str().unwrap().to_owned()
}

const ASKED: &str = "--arm arm --treatment ranked --baseline newest --viewer viewer --only war --interval delta --json";

/// The same of logs whose columns have other names.
const OF_OTHERS: &str = "--treatment ranked --baseline newest --only war --interval delta --json";

/// Audits a file with flags, in which names of cases stand between pluses.
fn is_plain(name: &str, flags: &str) {
    is_the_plain_log(&format!("audit {name} {ASKED} {flags}"));
}

fn is_the_plain_log(line: &str) {
    let words = line.split_whitespace().map(|word| match word.strip_prefix('+') {
        Some(name) => case(name),
        None => word.to_owned(),
    });
    let report = run(words).json();
    let war = &report["estimates"][0];
    let value = |name: &str| war[name].as_f64().unwrap();
    assert!((value("value") - 58.0 / 34.0).abs() < 1e-12, "{line}: {war}");
    assert!(
        (value("low") - 1.244).abs() < 5e-4 && (value("high") - 2.340).abs() < 5e-4,
        "{line}: {war}"
    );
}

#[test]
fn shapes_hold_the_same_log() {
    is_plain("+plain.csv", "--topic topic");
    is_plain("+log_no_arm.csv", "--topic topic --join +accounts.csv --on viewer");
    is_plain("+log_items.csv", "--topic topic --items +items.csv --item item");
    is_plain("+log_items.csv", "--topic topic --join +items.csv --on item");
    is_plain("+onehot.csv", "--topic-columns is_*");
    is_plain("+rank0.csv", "--topic topic --position rank --first-rank 0");
    is_plain(
        "+arm_is_file_ranked.csv +arm_is_file_newest.csv",
        "--topic topic --columns-from-path arm_is_file_{arm}.csv",
    );
    is_plain("+counts.csv", "--topic topic --count n");
    // Four of the topics' names begin with the letters of one, in another case.
    is_plain("+plain.csv", "--text topic --topic-match war=^WAR$ --topic-match rest=.");
}

#[test]
fn json_holds_the_same_log() {
    is_plain("+array.json", "--topic topic");
    is_plain("+lines.json", "--topic topic");
    is_plain("+wrapped.json", "--topic topic --records results");
    for (name, flags) in [
        (
            "nested.jsonl",
            "--viewer seen_by.id --arm seen_by.feed --topic post.record.topic --position rank",
        ),
        (
            "appears.json",
            "--each appears --viewer appears.profile --arm appears.feed --topic topic --position appears.#",
        ),
    ] {
        is_the_plain_log(&format!("audit +{name} {OF_OTHERS} {flags}"));
    }
    let told =
        shell(&format!("audit LOG {ASKED} --topic topic"), &[&case("wrapped.json")]).failed(1);
    assert!(told.contains("\"results\"") && told.contains("--records"), "{told}");
}

#[test]
fn inspect_shows_what_is_inside() {
    let inspected = |line: &str, name: &str| {
        let report = shell(&format!("inspect LOG --json {line}"), &[&case(name)]).json();
        let columns = report["profile"]["columns"].as_array().unwrap().clone();
        // An object is no item, though each is another.
        assert!(!report["guess"]["roles"].to_string().contains("\"post\""), "{}", report["guess"]);
        assert!(
            !report["guess"]["remarks"].to_string().contains("cannot be read"),
            "{}",
            report["guess"]
        );
        let names = columns.iter().map(|column| column["name"].as_str().unwrap().to_owned());
        (report["profile"]["rows"].as_u64().unwrap(), names.collect::<Vec<_>>())
    };
    let (rows, columns) = inspected("", "nested.jsonl");
    assert_eq!(rows, 240);
    for column in ["seen_by.id", "post.record.topic", "rank"] {
        assert!(columns.iter().any(|its| its == column), "{columns:?}");
    }
    let (rows, columns) = inspected("", "watch-history.json");
    assert!(rows > 0 && columns.iter().any(|its| its == "subtitles.0.name"), "{columns:?}");
    let (rows, columns) = inspected("--each appears", "appears.json");
    assert!(rows == 240 && columns.iter().any(|its| its == "appears.#"), "{rows} {columns:?}");
}

/// What `inspect` with these words drafts is the plain log, without a word changed; it tells what it found.
fn is_drafted(line: &str, found: &str) {
    let folder = tempfile::tempdir().unwrap();
    let study = folder.path().join("study.toml");
    let mut words: Vec<String> = vec!["inspect".to_owned()];
    words.extend(line.split_whitespace().map(|word| match word.strip_prefix('+') {
        Some(name) => case(name),
        None => word.to_owned(),
    }));
    words.extend(["--write-study".to_owned(), study.to_str().unwrap().to_owned()]);
    let told = run(&words).ok();
    assert!(told.contains(found), "{told}");
    let draft = std::fs::read_to_string(&study).unwrap();
    let asked = ["audit", "--study", study.to_str().unwrap(), "--interval", "delta", "--json"];
    let report = run(asked).json();
    let war = report["estimates"].as_array().unwrap();
    let war = war.iter().find(|its| its["topic"] == "war").unwrap();
    assert!((war["value"].as_f64().unwrap() - 58.0 / 34.0).abs() < 1e-12, "{line}: {draft}");
    assert!((war["low"].as_f64().unwrap() - 1.244).abs() < 5e-4, "{line}: {draft}");
}

#[test]
fn drafts_hold_the_same_log() {
    is_drafted("+plain.csv", "clusters");
    is_drafted("+rank0.csv", "--first-rank 0");
    is_drafted("+onehot.csv", "4 columns that say yes or no");
    is_drafted("+counts.csv", "so many impressions alike");
    is_drafted("+array.json", "clusters");
    is_drafted("+lines.json", "clusters");
    is_drafted("+wrapped.json", "--records results");
    is_drafted("+nested.jsonl", "seen_by.feed");
    is_drafted("+appears.json", "--each appears");
    is_drafted("+plain.xlsx", "clusters");
    is_drafted("+log_no_arm.csv --join +accounts.csv --on viewer", "arm");
    is_drafted("+log_items.csv --join +items.csv --on item", "topic");
    is_drafted("+log_items.csv --items +items.csv --item item --topic topic", "4 topics");
    is_drafted(
        "+arm_is_file_ranked.csv +arm_is_file_newest.csv --columns-from-path arm_is_file_{arm}.csv",
        "of all 2 files",
    );
}

/// The same log written anew: in another encoding, with lines before the names, with another character between fields,
/// under a name that says nothing, in folders that say the arm.
#[test]
fn drafts_hold_what_offices_write() {
    let folder = tempfile::tempdir().unwrap();
    let plain = std::fs::read_to_string(case("plain.csv")).unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let latin: Vec<u8> = plain.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    is_drafted(&file("latin.csv", &latin), "windows-1252");
    let wide: Vec<u8> = std::iter::once(0xfeff)
        .chain(plain.encode_utf16())
        .flat_map(|unit: u16| unit.to_le_bytes())
        .collect();
    is_drafted(&file("wide.csv", &wide), "UTF-16LE");
    let offices = plain.replace(',', ";").replace('.', ",");
    is_drafted(&file("offices.csv", offices.as_bytes()), "--numbers decimal_comma");
    let titled = format!("A study\nof feeds\n\n{plain}Total,,240\n");
    is_drafted(&file("titled.csv", titled.as_bytes()), "before the names of the columns");
    is_drafted(&file("rows.txt", plain.as_bytes()), "--format csv");
    let (names, rows) = plain.split_once('\n').unwrap();
    let arm = names.split(',').position(|name| name == "arm").unwrap();
    for (at, of) in ["ranked", "newest"].into_iter().enumerate() {
        let its = rows.lines().filter(|row| row.split(',').nth(arm) == Some(of));
        let without = |row: &str| {
            let fields = row.split(',').enumerate().filter(|(at, _)| *at != arm);
            fields.map(|(_, field)| field).collect::<Vec<_>>().join(",")
        };
        let text: Vec<String> = std::iter::once(names).chain(its).map(without).collect();
        file(&format!("hive/arm={of}/part-{at}.csv"), format!("{}\n", text.join("\n")).as_bytes());
    }
    is_drafted(folder.path().join("hive").to_str().unwrap(), "2 files");
}

/// By its third of the addresses, in both arms: counted with grep.
#[test]
fn an_address_has_a_domain() {
    let line = "audit LOG --arm arm --treatment ranked --baseline newest --viewer viewer --topic-domain url \
                --relabel cnn.example=cnn --only cnn --json";
    let report = shell(line, &[&case("urls.csv")]).json();
    let text = std::fs::read_to_string(case("urls.csv")).unwrap();
    let count = |arm: &str, host: &str| {
        text.lines().filter(|line| line.contains(arm) && line.contains(host)).count()
    };
    let share = |arm| count(arm, "cnn") as f64 / count(arm, "http") as f64;
    let ratio = share(",ranked,") / share(",newest,");
    assert!((report["estimates"][0]["value"].as_f64().unwrap() - ratio).abs() < 1e-12);
}

/// Ranks from the order of rows are those that the plain file has, and filters hold for several files.
#[test]
fn ranks_come_from_the_order_of_rows() {
    let asked = |more: &str| {
        let line = format!("audit LOG {ASKED} --topic topic --attention logarithmic {more}");
        shell(&line, &[&case("plain.csv")]).json()["estimates"][0]["value"].clone()
    };
    assert_eq!(asked("--rank-by-order viewer"), asked("--position position"));
    let line = format!(
        "audit LOG OUT {ASKED} --topic topic --columns-from-path arm_is_file_{{arm}}.csv --filter 'viewer not in r01,n01'"
    );
    let files = [case("arm_is_file_ranked.csv"), case("arm_is_file_newest.csv")];
    let several = shell(&line, &[&files[0], &files[1]]).json();
    let line = format!("audit LOG {ASKED} --topic topic --filter viewer!=r01 --filter viewer!=n01");
    let one = shell(&line, &[&case("plain.csv")]).json();
    assert_eq!(several["estimates"][0]["value"], one["estimates"][0]["value"]);
    assert_eq!(
        one["estimates"][0]["impressions_treatment"],
        several["estimates"][0]["impressions_treatment"]
    );
}

/// A study file says all of it, and says the same.
#[test]
fn a_study_file_says_shapes_too() {
    let folder = tempfile::tempdir().unwrap();
    let study = folder.path().join("study.toml");
    let study = study.to_str().unwrap();
    let line = format!(
        "audit {} {ASKED} --topic topic --join {} --on viewer --rank-by-order viewer --attention logarithmic \
         --filter viewer!=r01 --write-study {study}",
        case("log_no_arm.csv"),
        case("accounts.csv")
    );
    let flags = run(line.split_whitespace()).json();
    let again = run(["audit", "--study", study, "--json"]).json();
    assert_eq!(flags["estimates"], again["estimates"]);
}

#[test]
fn flags_that_lack_another_are_refused() {
    let lacks = |more: &str, word: &str| {
        let line = format!("audit LOG {ASKED} {more}");
        let told = shell(&line, &[&case("plain.csv")]).failed(2);
        assert!(told.contains(word), "{more}: {told}");
    };
    lacks("--join a.csv", "--on");
    lacks("--text topic", "--topic-match");
    lacks("--topic topic --topic-columns x*", "cannot be used with");
    lacks("--items a.csv --item item", "--topic");
    lacks("--topic topic --filter viewer", "COLUMN=VALUE");
    lacks("--topic topic --first-rank 0", "--position");
}
