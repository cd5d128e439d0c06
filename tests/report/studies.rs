//! Studies to make bundles of, with their inputs written into a folder.

#![allow(dead_code, reason = "not every test file needs each of them")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use tiltmeter::StudyFile;
use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};

fn study(json: Json) -> StudyFile {
    serde_json::from_value(json).unwrap()
}

/// Every file of a folder, by name, with `/` between folders.
pub(crate) fn files_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(folder.join(&below)).unwrap() {
            let entry = entry.unwrap();
            let name = below.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(name);
            } else {
                let bytes = fs::read(entry.path()).unwrap();
                files.insert(name.to_str().unwrap().replace('\\', "/"), bytes);
            }
        }
    }
    files
}

fn shipped(name: &str, to: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from, to).unwrap();
}

/// The shipped log of recommendations, one campaign of three, with a bootstrap.
pub(crate) fn open_bandit(folder: &Path) -> StudyFile {
    shipped("open_bandit_small.csv.gz", &folder.join("logs/bandit.csv.gz"));
    let schema = LogSchema::new()
        .arm("arm")
        .item("item")
        .position("position")
        .time("ts", TimeFormat::Iso)
        .topics(TopicColumn::single("topic"))
        .column("hour")
        .column("campaign");
    study(json!({
        "log": {"path": "logs/bandit.csv.gz", "schema": schema,
                "keep": [{"column": "campaign", "values": ["all"]}]},
        "question": {"treatment": "bts", "baseline": {"arm": "random"}, "cluster": {"column": "hour"}},
        "inference": {"interval": {"bootstrap": {"replicates": 400, "seed": 7}}}
    }))
}

/// The shipped simulated log.
#[cfg(feature = "parquet")]
pub(crate) fn conflict(folder: &Path) -> StudyFile {
    shipped("simulated/conflict.parquet", &folder.join("conflict.parquet"));
    let schema =
        LogSchema::new().viewer("viewer").arm("arm").topics(TopicColumn::separated("topics", '|'));
    study(json!({
        "log": {"path": "conflict.parquet", "schema": schema},
        "question": {"treatment": "treatment", "baseline": {"arm": "baseline"}}
    }))
}

/// 120 impressions of 40 viewers, three to a slate, and twelve candidates for each slate.
fn write_log(folder: &Path) {
    let about = |item: usize| if item.is_multiple_of(3) { "war" } else { "sport" };
    let heads =
        ["who,feed,slate,item,rank,at,day,about,propensity\n", "slate,item,published,about\n"];
    let [mut log, mut candidates] = heads.map(str::to_owned);
    let mut parts = [heads[0].to_owned(), heads[0].to_owned()];
    for viewer in 0..40_usize {
        let feed = if viewer % 2 == 0 { "ranked" } else { "newest" };
        let day = 1 + viewer / 2 % 8;
        for rank in 1..=3_usize {
            // No item twice in a slate; some ranked slates are of war alone, or without it.
            let step = if viewer % 4 == 0 { 3 } else { 1 + viewer % 2 };
            let item = (viewer * 5 + rank * step) % 12;
            let mut row = String::new();
            let at = format!("2024-01-{day:02}T12:00:00");
            writeln!(
                row,
                "v{viewer},{feed},{viewer},{item},{rank},{at},d{day},{},0.25",
                about(item)
            )
            .unwrap();
            log += &row;
            parts[viewer % 3 / 2] += &row;
        }
        for item in 0..12 {
            let published = format!("2023-12-{:02}T00:00:00", 1 + item);
            writeln!(candidates, "{viewer},{item},{published},{}", about(item)).unwrap();
        }
    }
    let mut items = "item,about\n".to_owned();
    (0..12).for_each(|item| writeln!(items, "{item},{}", about(item)).unwrap());
    fs::create_dir_all(folder.join("parts")).unwrap();
    let [a, b] = parts;
    let files = [("log.csv", log), ("candidates.csv", candidates), ("items.csv", items)];
    for (name, text) in files.into_iter().chain([("parts/a.csv", a), ("parts/b.csv", b)]) {
        fs::write(folder.join(name), text).unwrap();
    }
}

fn schema() -> LogSchema {
    LogSchema::new()
        .viewer("who")
        .arm("feed")
        .slate("slate")
        .item("item")
        .position("rank")
        .time("at", TimeFormat::Iso)
        .propensity("propensity")
        .column("day")
        .topics(TopicColumn::single("about"))
}

/// A small study, with a bootstrap and a permutation test.
pub(crate) fn small(folder: &Path) -> StudyFile {
    write_log(folder);
    study(json!({
        "log": {"path": "log.csv", "schema": schema()},
        "question": {"treatment": "ranked", "baseline": {"arm": "newest"}},
        "inference": {"interval": {"bootstrap": {"replicates": 200, "seed": 5}},
                      "test": {"permutation": {"replicates": 99, "seed": 11}}}
    }))
}

/// A study for each kind of baseline, one with two ways of clusters, one of several files, and one
/// that joins topics.
pub(crate) fn derived(folder: &Path) -> Vec<(&'static str, StudyFile)> {
    write_log(folder);
    let candidates = LogSchema::new()
        .slate("slate")
        .item("item")
        .time("published", TimeFormat::Iso)
        .topics(TopicColumn::single("about"));
    let items = LogSchema::new().item("item").topics(TopicColumn::single("about"));
    let of = |baseline: Json| {
        json!({
            "log": {"path": "log.csv", "schema": schema()},
            "candidates": {"path": "candidates.csv", "schema": candidates, "by": "slate"},
            "supply": {"path": "items.csv", "schema": items},
            "question": {"treatment": "ranked", "baseline": baseline}
        })
    };
    let reference = json!({"reference": {"name": "poll", "bias": {"low": 0.8, "high": 1.25},
        "shares": {"war": {"known": 0.3}, "sport": {"known": 0.7}}}});
    let mut two_way = of(json!({"arm": "newest"}));
    two_way["question"]["second_cluster"] = json!({"column": "day"});
    let mut files = of(json!({"arm": "newest"}));
    files["log"]["path"] = json!("parts/*.csv");
    let mut joined = of(json!({"arm": "newest"}));
    let without = LogSchema::new().viewer("who").arm("feed").item("item").column("day");
    joined["log"]["schema"] = json!(without);
    joined["item_topics"] = json!({"path": "items.csv",
        "schema": tiltmeter::log::ItemTopicsSchema::new("item", TopicColumn::single("about"))});
    let period = tiltmeter::Period::before("2024-01-05").unwrap();
    vec![
        ("known", study(of(json!({"supply": "known"})))),
        ("sampled", study(of(json!({"supply": {"sampled": {"cluster": "item"}}})))),
        ("reference", study(of(reference))),
        ("chronological", study(of(json!("chronological")))),
        ("uniform", study(of(json!("uniform_pool")))),
        ("period", study(of(json!({"period": period})))),
        ("propensity", study(of(json!(tiltmeter::Baseline::Propensity(propensity()))))),
        ("two-way", study(two_way)),
        ("files", study(files)),
        ("joined", study(joined)),
    ]
}

fn propensity() -> tiltmeter::Propensity {
    tiltmeter::Propensity::of(tiltmeter::replay::off_policy::Target::Uniform { items: 12 })
}
