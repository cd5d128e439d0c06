//! What the library says, to the byte: reports, words and errors as they were when they were last looked at, so that a
//! change of code which is to change nothing is seen to change nothing.
//!
//! Snapshots are `snapshots/*.snap`. After a change that is meant, write them anew and read the difference:
//! `INSTA_UPDATE=always cargo test --test report snapshots::`, then `git diff`. Without it a test that fails
//! leaves what was said beside the snapshot, as `.snap.new` (`INSTA_UPDATE=no`: it leaves nothing).
//!
//! The numbers in them are not checked by hand: those are for the other tests.

mod beside;
mod errors;
mod studies;
mod words;

use std::fmt::Display;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

/// Compares a text with its snapshot. Its end is marked, since white space at the end of a snapshot is not compared.
#[track_caller]
fn said(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    // The release is in saved files, and changes without their form.
    let text = text.replace(env!("CARGO_PKG_VERSION"), "RELEASE");
    settings.bind(|| insta::assert_snapshot!(name, format!("{text}<end>")));
}

/// A report in parts, each under its name.
fn parts(parts: &[(&str, String)]) -> String {
    parts.iter().map(|(name, text)| format!("===== {name}\n{text}\n")).collect()
}

/// Values as JSON has them, each with what it says: `JSON\n    text`. Each is the same when it is read and written.
#[track_caller]
fn words<T: DeserializeOwned + Serialize + Display>(values: &[Json]) -> String {
    let told = |json: &Json| {
        let value: T =
            serde_json::from_value(json.clone()).unwrap_or_else(|e| panic!("{json}: {e}"));
        assert_eq!(serde_json::to_value(&value).unwrap(), *json, "what was read is written");
        format!("{json}\n    {value}\n")
    };
    values.iter().map(told).collect()
}

/// The same of an enum, of which every variant must be among the values: serde lists them where it is given one that
/// is none. `tag` is the key of the variant's name, where it has one.
#[track_caller]
fn words_of_all<T: DeserializeOwned + Serialize + Display>(
    tag: Option<&str>,
    values: &[Json],
) -> String {
    let no_variant = match tag {
        None => Json::from("no variant"),
        Some(tag) => {
            Json::Object([(tag.to_owned(), Json::from("no variant"))].into_iter().collect())
        }
    };
    let listed = match serde_json::from_value::<T>(no_variant) {
        Ok(value) => panic!("{value} is of any text"),
        Err(error) => error.to_string(),
    };
    let known: Vec<&str> = listed.split('`').skip(3).step_by(2).collect();
    assert!(!known.is_empty(), "no variants in {listed:?}");
    let name = |value: &Json| match (tag, value) {
        (Some(tag), value) => value[tag].as_str().unwrap_or_default().to_owned(),
        (None, Json::Object(of)) => of.keys().next().cloned().unwrap_or_default(),
        (None, value) => value.as_str().unwrap_or_default().to_owned(),
    };
    let said: Vec<String> = values.iter().map(name).collect();
    let left_out: Vec<&&str> =
        known.iter().filter(|it| !said.iter().any(|its| its == **it)).collect();
    assert!(left_out.is_empty(), "nothing is said of {left_out:?}");
    words::<T>(values)
}

/// The names of all variants of an enum without fields, as values.
fn all_names<T: DeserializeOwned + Display>() -> Vec<Json> {
    let Err(error) = serde_json::from_value::<T>("no variant".into()) else {
        panic!("any text is one")
    };
    error.to_string().split('`').skip(3).step_by(2).map(Json::from).collect()
}
