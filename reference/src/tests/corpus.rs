//! Studies to try: those of the repository, the examples of the reference, and what becomes of them by a mistake.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value as Json, json};
use toml::Table;

use super::{chapter, toml_in};
use crate::site::completed;

/// A study, right or wrong, and where it comes from.
pub(super) struct Case {
    pub(super) of: String,
    pub(super) study: Json,
}

fn json(table: &Table) -> Json {
    serde_json::to_value(table).unwrap()
}

/// All studies in these files: whole files of JSON, and TOML in documents.
pub(super) fn of_the_repository() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut cases = Vec::new();
    for folder in ["cli", "data", "docs", "examples", "tests"] {
        enter(&root.join(folder), &mut cases);
    }
    cases
}

fn enter(folder: &Path, cases: &mut Vec<Case>) {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|its| its.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let of = path.display().to_string();
        if path.is_dir() {
            enter(&path, cases);
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else { continue };
        match path.extension().and_then(|its| its.to_str()) {
            Some("json") => {
                let study = serde_json::from_str::<Json>(&text).ok();
                let study =
                    study.filter(|its| its.get("log").is_some() && its.get("question").is_some());
                cases.extend(study.map(|study| Case { of, study }));
            }
            Some("md") if !of.ends_with("study-file-reference.md") => {
                let written = written_by_commands(&text);
                let is_study =
                    |its: &Table| its.contains_key("log") || its.contains_key("question");
                let studies = toml_in(&text).into_iter().chain(written).filter(is_study);
                cases.extend(
                    studies.map(|its| Case { of: of.clone(), study: json(&completed(&its)) }),
                );
            }
            _ => {}
        }
    }
}

/// Studies that a command wrote and `cat` shows.
fn written_by_commands(text: &str) -> Vec<Table> {
    let shown = text.split("$ cat ").skip(1).filter_map(|rest| rest.split_once('\n'));
    let shown = shown.filter(|(name, _)| name.trim_end().ends_with(".toml"));
    let ends = |line: &&str| !line.starts_with("$ ") && !line.starts_with("```");
    let tables = shown.map(|(_, rest)| {
        rest.lines()
            .take_while(ends)
            .filter(|line| *line != "? success")
            .collect::<Vec<_>>()
            .join("\n")
    });
    tables.filter_map(|text| text.parse().ok()).collect()
}

/// The examples, and each of them with one mistake in what it is an example of.
pub(super) fn of_the_reference() -> Vec<Case> {
    let mut cases = Vec::new();
    for example in chapter().examples {
        let study = json(&completed(&example.part));
        let mut wrong = Vec::new();
        mistakes(&study, &json(&example.part), &mut wrong);
        let of = |what: &str| format!("{what} {}", example.of);
        cases.extend(wrong.into_iter().map(|study| Case { of: of("a mistake in"), study }));
        cases.push(Case { of: of("the example of"), study });
    }
    cases
}

/// A study with one thing changed, in all ways that there are within a part of it.
pub(super) fn mistakes(study: &Json, part: &Json, to: &mut Vec<Json>) {
    match study {
        Json::Object(object) => {
            to.push(with(object, |its| {
                its.insert("unheard_of".to_owned(), json!(1));
            }));
            for key in object.keys().filter(|key| part.get(key).is_some()) {
                to.push(with(object, |its| {
                    its.remove(key);
                }));
                to.push(with(object, |its| {
                    let value = its.remove(key).unwrap_or_default();
                    its.insert(format!("{key}x"), value);
                }));
                let mut below = Vec::new();
                mistakes(&object[key], &part[key], &mut below);
                to.extend(below.into_iter().map(|changed| {
                    with(object, |its| {
                        its.insert(key.clone(), changed);
                    })
                }));
            }
        }
        Json::Array(items) => {
            to.push(json!([]));
            to.push(items.iter().chain(items.last()).cloned().collect());
            for (place, item) in items.iter().enumerate() {
                let mut below = Vec::new();
                mistakes(item, &part[place], &mut below);
                to.extend(below.into_iter().map(|changed| {
                    let mut items = items.clone();
                    items[place] = changed;
                    Json::Array(items)
                }));
            }
        }
        Json::String(word) => to.push(json!(format!("{word}x"))),
        _ => to.push(json!(-1)),
    }
    if !study.is_object() {
        // The program takes a list for a table too, by the places of its keys, which nobody is told of.
        to.push(json!([1]));
    }
    to.extend([json!(null), json!("text"), json!(0.5), json!(5_000_000_000_u64), json!({})]);
}

fn with(object: &Map<String, Json>, change: impl FnOnce(&mut Map<String, Json>)) -> Json {
    let mut changed = object.clone();
    change(&mut changed);
    Json::Object(changed)
}
