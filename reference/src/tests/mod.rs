//! That the reference is true and whole: it is what the types say now, its examples are read by the program and say what
//! they are said to, and each key and word has one.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value as Json;
use tiltmeter::StudyFile;
use toml::{Table, Value};

use crate::chapter::Chapter;
use crate::examples;
use crate::faults::{faults, read};
use crate::schema::Node;
use crate::site::completed;

mod corpus;
mod validator;
mod walk;

fn schema() -> Json {
    serde_json::from_str(&StudyFile::json_schema()).unwrap()
}

fn chapter() -> Chapter {
    Chapter::of(&schema())
}

/// The keys that a line begins with which is TOML of a study.
const PARTS: [&str; 10] = [
    "\"$schema\"",
    "title",
    "authors",
    "note",
    "log",
    "item_topics",
    "candidates",
    "supply",
    "question",
    "inference",
];

/// All TOML in a text: blocks, and lines in a row of words.
fn toml_in(text: &str) -> Vec<Table> {
    let mut found = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        match (line.trim(), &mut block) {
            ("```toml", None) => block = Some(String::new()),
            ("```", Some(lines)) => {
                found.push(lines.parse().unwrap());
                block = None;
            }
            (line, Some(lines)) => lines.push_str(&format!("{line}\n")),
            (line, None) => {
                let spans = line.split('`').skip(1).step_by(2);
                let is_toml = |span: &&str| {
                    let begins = |part: &&str| {
                        span.strip_prefix(part).is_some_and(|rest| rest.starts_with(['.', ' ']))
                    };
                    span.contains(" = ") && PARTS.iter().any(begins)
                };
                found.extend(spans.filter(is_toml).map(|span| span.parse::<Table>().unwrap()));
            }
        }
    }
    found
}

#[test]
fn what_is_shipped_is_what_the_types_say() {
    for (path, text) in crate::made().unwrap() {
        let shipped = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            shipped == text,
            "{} is not what the types of study files say now; make it anew with `cargo run --features polars --bin \
             tiltmeter-reference`, and read the difference",
            path.display()
        );
    }
}

#[test]
fn all_that_the_chapter_shows_is_read_by_the_program() {
    let chapter = chapter();
    let shown = toml_in(&chapter.text);
    assert!(shown.len() > 200, "{}", shown.len());
    for part in &shown {
        read(&completed(part)).unwrap_or_else(|error| panic!("{part}: {error}"));
        let is_known = chapter.examples.iter().any(|its| its.part == *part);
        let is_of_opening =
            *part == examples::minimal() || part.to_string().contains("arm = \"feed\"");
        assert!(is_known || is_of_opening, "{part} is shown and no example");
    }
    for example in &chapter.examples {
        assert!(shown.contains(&example.part), "{} is not shown", example.of);
    }
}

#[test]
fn each_key_and_word_has_an_example() {
    let schema = schema();
    let root = Node::of_root(&schema);
    let chapter = chapter();
    let shown = toml_in(&chapter.text).into_iter().map(Value::Table);
    let used: BTreeSet<String> = shown.flat_map(|part| root.used_by(&part)).collect();
    let all = root.all();
    let lacking: Vec<_> = all.difference(&used).collect();
    assert!(lacking.is_empty(), "no example has {lacking:?}");
    let unknown: Vec<_> = examples::ids().filter(|id| !all.contains(*id)).collect();
    assert!(unknown.is_empty(), "there are examples of {unknown:?}, which there are not");
}

/// What is made without faults has none; that faults are found is for these to show.
#[test]
fn faults_are_found() {
    let schema = schema();
    let found = |change: &dyn Fn(&mut Chapter)| {
        let mut chapter = chapter();
        change(&mut chapter);
        faults(&schema, &chapter).join("\n")
    };
    assert_eq!(found(&|_| {}), "");
    assert!(found(&|its| its.lacking.push("Unit.pooled".to_owned())).contains("has no example"));
    let unread = "question.unit = \"pool\"".parse::<Table>().unwrap();
    assert!(found(&|its| its.examples[0].part = unread.clone()).contains("unknown variant"));
    assert!(found(&|its| its.examples[0].part = Table::new()).contains("not said to be"));
    assert!(found(&|its| its.examples[0].is_default = true).contains("and is not"));
    for word in ["[`Unheard`]", "`StudyFile`", "a::b", "`None`"] {
        assert!(found(&|its| its.text.push_str(word)).contains("no word of study files"), "{word}");
    }
}

#[test]
fn links_lead_to_headings() {
    let text = chapter().text;
    let anchor = |heading: &str| heading.replace(['`', '.'], "");
    let anchors: BTreeSet<String> =
        text.lines().filter_map(|line| line.strip_prefix("## ")).map(anchor).collect();
    let links = text.split("](#").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    for link in links {
        assert!(anchors.contains(link), "there is no heading {link}");
    }
}
