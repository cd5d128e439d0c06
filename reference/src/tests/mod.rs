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

/// As the command reads it.
fn read(study: &Table) -> Result<StudyFile, toml::de::Error> {
    toml::from_str(&toml::to_string(study).unwrap())
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
                    span.contains(" = ") && PARTS.iter().any(|part| begins(&part))
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
fn examples_say_something_or_are_said_to_be_the_default() {
    let minimal = read(&examples::minimal()).unwrap();
    for example in chapter().examples {
        let study = read(&completed(&example.part)).unwrap();
        let without = example.without.as_ref().map(|its| read(&completed(its)).unwrap());
        let changes_something = study != *without.as_ref().unwrap_or(&minimal);
        let is_of_minimal =
            examples::minimal_parts().contains_key(example.part.keys().next().unwrap());
        assert!(
            changes_something != example.is_default || example.without.is_none() && is_of_minimal,
            "{}: {} is the default, or is said to be and is not",
            example.of,
            example.part
        );
    }
}

#[test]
fn each_key_and_word_has_an_example() {
    let schema = schema();
    let root = Node::of_root(&schema);
    let chapter = chapter();
    assert_eq!(chapter.lacking, Vec::<String>::new());
    let shown = toml_in(&chapter.text).into_iter().map(Value::Table);
    let used: BTreeSet<String> = shown.flat_map(|part| root.used_by(&part)).collect();
    let all = root.all();
    let lacking: Vec<_> = all.difference(&used).collect();
    assert!(lacking.is_empty(), "no example has {lacking:?}");
    let unknown: Vec<_> = examples::ids().filter(|id| !all.contains(*id)).collect();
    assert!(unknown.is_empty(), "there are examples of {unknown:?}, which there are not");
}

/// What a reader would take for a fault of the page.
#[test]
fn nothing_speaks_of_rust() {
    let mut said = vec![chapter().text];
    corpus::strings(&schema(), "description", &mut said);
    for text in said {
        for program in ["::", "[`crate", "None`", "Some(", "```rust", "struct@"] {
            assert!(!text.contains(program), "{program:?} in {text}");
        }
        let spans = text.split('`').skip(1).step_by(2);
        let is_type = |span: &&str| {
            let letters = span.chars().all(|c| c.is_ascii_alphanumeric());
            letters
                && span.len() > 2
                && span.starts_with(char::is_uppercase)
                && span.contains(char::is_lowercase)
        };
        let types: Vec<_> = spans.filter(is_type).collect();
        assert!(
            types.is_empty(),
            "{types:?} have no words: say them otherwise where they are documented"
        );
        let links = text.match_indices("[`").filter(|(at, _)| !text[..*at].ends_with("](#"));
        for (at, _) in links {
            assert!(
                text[at..].split_once(']').is_some_and(
                    |(_, rest)| rest.starts_with("(#") || rest.starts_with("(https://")
                ),
                "a link to nowhere: {}",
                &text[at..at + 40]
            );
        }
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
