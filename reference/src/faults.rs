//! What is wrong with a chapter: examples that are lacking, are not read or say nothing, and words that no reader of study
//! files knows.

use serde_json::Value as Json;
use tiltmeter::StudyFile;
use toml::Table;

use crate::chapter::{Chapter, Example};
use crate::examples;
use crate::site::completed;

/// As the command reads it.
pub(crate) fn read(study: &Table) -> Result<StudyFile, String> {
    let text = toml::to_string(study).map_err(|error| error.to_string())?;
    toml::from_str(&text).map_err(|error| error.to_string())
}

/// All that is wrong, in words.
pub(crate) fn faults(schema: &Json, chapter: &Chapter) -> Vec<String> {
    let lacking = chapter.lacking.iter().map(|id| format!("{id} has no example"));
    let examples = chapter.examples.iter().filter_map(|example| {
        fault(example).map(|fault| format!("{}: {}: {fault}", example.of, example.part))
    });
    let mut said = vec![&*chapter.text];
    descriptions(schema, &mut said);
    let of_programs = said.iter().flat_map(|text| words_of_programs(text));
    let of_programs = of_programs.map(|word| {
        format!("{word:?} is no word of study files; say it otherwise where the type is documented")
    });
    lacking.chain(examples).chain(of_programs).collect()
}

/// An example is read, and says something, or is said to be the default.
fn fault(example: &Example) -> Option<String> {
    let study = match read(&completed(&example.part)) {
        Ok(study) => study,
        Err(error) => return Some(error),
    };
    let otherwise = match &example.without {
        Some(without) => completed(without),
        // What must be said, and is said by the least study too, changes it.
        None if example.part.keys().any(|part| examples::minimal_parts().contains_key(part)) => {
            return None;
        }
        None => examples::minimal(),
    };
    match read(&otherwise) {
        Err(error) => Some(error),
        Ok(otherwise) if (study == otherwise) == example.is_default => None,
        Ok(_) if example.is_default => Some("is said to be the default, and is not".to_owned()),
        Ok(_) => Some("is the default, and not said to be".to_owned()),
    }
}

fn descriptions<'s>(schema: &'s Json, to: &mut Vec<&'s str>) {
    match schema {
        Json::Array(items) => items.iter().for_each(|its| descriptions(its, to)),
        Json::Object(object) => {
            to.extend(object.get("description").and_then(Json::as_str));
            object.values().for_each(|its| descriptions(its, to));
        }
        _ => {}
    }
}

/// Paths, links to items, and names of types.
fn words_of_programs(text: &str) -> Vec<String> {
    let known = ["::", "None`", "Some(", "struct@"];
    let mut words: Vec<String> =
        known.into_iter().filter(|word| text.contains(word)).map(str::to_owned).collect();
    let is_type = |span: &&str| {
        span.starts_with(char::is_uppercase)
            && span.contains(char::is_lowercase)
            && span.chars().all(|c| c.is_ascii_alphanumeric())
    };
    words.extend(text.split('`').skip(1).step_by(2).filter(is_type).map(str::to_owned));
    let links = text.match_indices("[`").map(|(at, _)| &text[at..]);
    let leads_nowhere = |link: &&str| {
        let target = link.split_once("`]").map_or("", |(_, target)| target);
        !target.starts_with("(#") && !target.starts_with("(https:")
    };
    words.extend(links.filter(leads_nowhere).map(|link| link.chars().take(40).collect()));
    words
}
