//! The draft of a study file: what was found, and what nobody but its author can know.

use std::path::Path;

use tiltmeter::LogInput;
use tiltmeter::log::{LogSchema, Role};
use tiltmeter::report::printable;
use toml::{Table, Value};

use super::facts::Counted;
use super::guess::Guessed;
use super::reading::Reading;
use super::show::shown;
use super::{InspectArgs, Inspected};
use crate::failure::Failure;
use crate::study::{TO_BE_SAID, folder_of, seen_from};
use crate::toml_text;

/// Words for arms that things are compared with.
const BASELINES: &[&str] =
    &["baseline", "control", "random", "chronological", "newest", "latest", "neutral", "following"];

/// Words for arms under test.
const TREATMENTS: &[&str] = &[
    "treatment",
    "ranked",
    "algorithm",
    "algorithmic",
    "personalised",
    "personalized",
    "engagement",
    "recommended",
    "trending",
    "for_you",
    "foryou",
];

/// Columns that may have been assigned, where there is no viewer; the likelier first.
const ASSIGNED: &[&str] = &["experiment", "household", "hour", "day", "date", "week"];

pub(crate) fn draft(
    its: &Inspected,
    reading: &Reading,
    args: &InspectArgs,
    path: &Path,
) -> Result<String, Failure> {
    let folder = folder_of(path);
    let mut text = String::from(
        "# An audit, drafted by `tiltmeter inspect` from what is in the log. Every line is a guess.\n\
         # Check what the columns are, say what is compared with what, and which unit was assigned or\n\
         # sampled independently; then: tiltmeter audit --study FILE\n\n",
    );
    let items = args.log.beside.item_topics(&args.log.roles)?;
    if let Some(mut items) = items.clone() {
        items.path = seen_from(&folder, &items.path)?;
        text.push_str(&format!("item_topics = {}\n\n", toml_of(&items)?));
    }
    text.push_str(&log(reading, &folder)?);
    text.push_str("\n[log.schema]\n");
    // With new names there is more to say of topics than their format, and all of it is said below.
    let is_below =
        |guessed: &&Guessed| guessed.role == Role::Topics && its.guess.relabelled.is_some();
    for guessed in its.guess.roles.iter().filter(|guessed| !is_below(guessed)) {
        text.push_str(&declared(guessed, &its.facts.arms)?);
    }
    if its.guess.role(Role::Arm).is_none() {
        text.push_str(&format!(
            "arm = {} # the column of the ranking condition\n",
            toml_of(TO_BE_SAID)?
        ));
    }
    let schema = its.guess.schema(reading.input.schema.clone());
    let schema = table(&schema)?;
    if items.is_none() && !schema.contains_key("topics") {
        text.push_str(&format!(
            "topics = {{ column = {}, format = \"single\" }} # delete it where a table has the topics of items ([item_topics])\n",
            toml_of(TO_BE_SAID)?
        ));
    }
    for perhaps in &its.guess.perhaps {
        text.push_str(&format!("# Perhaps, but only you can know: {}", declared(perhaps, &[])?));
    }
    if !its.guess.other_topics.is_empty() {
        text.push_str(&format!(
            "# These may hold topics too: {}\n",
            one_line(&its.guess.other_topics)
        ));
    }
    let said = its.guess.roles.iter().filter(|guessed| !is_below(guessed));
    let is_said = |key: &str| said.clone().any(|role| key == key_of(role.role));
    for (key, value) in schema.iter().filter(|(key, _)| *key != "rows" && !is_said(key)) {
        text.push_str(&line(key, value)?);
    }
    let aside = its.facts.quality.origin.set_aside.rows;
    if aside > 0 {
        text.push_str(&format!(
            "# {aside} rows break a rule; delete this line to stop at the first of them.\n\
             rows = \"set_aside\"\n"
        ));
    }
    text.push_str(&question(its)?);
    text.push_str(
        "\n# [inference.interval.share_bounds] # or delta, jackknife, bootstrap, wild_bootstrap, \
         simultaneous\n# level = 0.95\n",
    );
    Ok(text)
}

/// The files, the tables that are joined and the rows that are kept.
fn log(reading: &Reading, folder: &Path) -> Result<String, Failure> {
    let mut input = LogInput { schema: LogSchema::new(), ..reading.as_said() };
    let joined = input.join.iter_mut().map(|join| &mut join.path);
    let named = input.tables.iter_mut().map(|table| &mut table.path);
    for path in std::iter::once(&mut input.path).chain(&mut input.more).chain(joined).chain(named) {
        *path = seen_from(folder, path)?;
        path.to_str().ok_or_else(|| Failure::of_file(path, "its name is no UTF-8"))?;
    }
    let input = table(&input)?;
    let mut text = String::from("[log]\n");
    text.push_str(&line("path", &input["path"])?);
    for (key, value) in input.iter().filter(|(key, _)| !matches!(&***key, "path" | "schema")) {
        text.push_str(&line(key, value)?);
    }
    Ok(text)
}

/// What is said of something, by keys; nothing of what is empty.
fn table(value: &impl serde::Serialize) -> Result<Table, Failure> {
    let mut table =
        Table::try_from(value).map_err(|cause| Failure::Told(format!("the draft: {cause}")))?;
    table.retain(|_, value| value.as_array().is_none_or(|its| !its.is_empty()));
    Ok(table)
}

fn line(key: &str, value: &Value) -> Result<String, Failure> {
    let what = match (key, value) {
        ("delimiter", Value::Integer(byte)) => u8::try_from(*byte).ok().map(char::from),
        _ => None,
    };
    let what = what.map_or_else(String::new, |character| format!(" # the byte {character:?}"));
    Ok(format!("{key} = {}{what}\n", toml_of(value)?))
}

/// The key of a role in a schema.
fn key_of(role: Role) -> String {
    match role {
        Role::Topics => "topics".to_owned(),
        role => super::show::flag(role),
    }
}

/// A line of the schema.
fn declared(guessed: &Guessed, arms: &[Counted]) -> Result<String, Failure> {
    let column = toml_of(&guessed.column)?;
    let value = match guessed.role {
        Role::Time => {
            let format = guessed.time_format.clone().unwrap_or_default();
            format!("[{column}, {}]", toml_of(&format)?)
        }
        Role::Topics => {
            let format = guessed.topic_format.unwrap_or_default();
            format!("{{ column = {column}, format = {} }}", toml_of(&format)?)
        }
        _ => column,
    };
    let because = match guessed.role {
        Role::Arm if !arms.is_empty() => {
            let arms: Vec<String> =
                arms.iter().map(|arm| format!("{} {}", shown(&arm.name), arm.rows)).collect();
            format!("{}: {}", guessed.because, arms.join(", "))
        }
        _ => guessed.because.clone(),
    };
    let role = key_of(guessed.role);
    Ok(format!("{role} = {value} # {}\n", printable(&because)))
}

fn question(its: &Inspected) -> Result<String, Failure> {
    let arms: Vec<String> = its.facts.arms.iter().map(|arm| arm.name.clone()).collect();
    let named = match arms.as_slice() {
        [first, second] => sides(first, second),
        _ => None,
    };
    let (treatment, baseline, why) = match named {
        Some((treatment, baseline)) => {
            (treatment, baseline, "guessed by what the two arms are called: is it this one?")
        }
        None => (TO_BE_SAID, TO_BE_SAID, "the arm under test; below what it is compared with"),
    };
    let topics: Vec<String> = its.facts.topics.iter().map(|its| its.name.clone()).collect();
    let mut text = format!(
        "\n[question]\n# Arms: {}\ntreatment = {} # {why}\nbaseline = {{ arm = {} }}\n",
        one_line(&arms),
        toml_of(treatment)?,
        toml_of(baseline)?
    );
    if its.facts.topic_count > 0 {
        text.push_str(&format!(
            "# All {} topics if none are named; the most frequent: {}\n# topics = [...]\n",
            its.facts.topic_count,
            one_line(&topics)
        ));
    }
    text.push_str("statistics = [\"amplification_ratio\"]\n");
    text.push_str(
        "attention = \"uniform\" # or \"logarithmic\", \"reciprocal\", { top_k = { k = 5 } }\n",
    );
    text.push_str("# The unit that was assigned or sampled independently. Clusters found:\n");
    for fact in &its.facts.clusters {
        let how = fact.relation.map_or_else(String::new, |relation| format!(", {relation}"));
        text.push_str(&format!("#   {}: {}{how}\n", shown(&fact.column), fact.clusters));
    }
    text.push_str(&format!("cluster = {}\n", cluster(its)?));
    Ok(text)
}

/// Which of two arms is under test and which the baseline, where a name says so and the other name does
/// not say the same.
fn sides<'a>(first: &'a str, second: &'a str) -> Option<(&'a str, &'a str)> {
    let is = |name: &str, words: &[&str]| words.contains(&name.to_ascii_lowercase().as_str());
    let is_it = |treatment: &str, baseline: &str| {
        let said = is(treatment, TREATMENTS) || is(baseline, BASELINES);
        said && !is(treatment, BASELINES) && !is(baseline, TREATMENTS)
    };
    if is_it(first, second) {
        Some((first, second))
    } else {
        is_it(second, first).then_some((second, first))
    }
}

fn cluster(its: &Inspected) -> Result<String, Failure> {
    if its.guess.role(Role::Viewer).is_some() {
        return Ok("\"viewer\" # guessed: there is a column of viewers; was it they?".to_owned());
    }
    let known = ASSIGNED.iter().find(|name| its.guess.clusters.iter().any(|its| its == *name));
    let (column, why) = match known {
        Some(column) => (*column, "guessed by its name: was it that?"),
        None => (TO_BE_SAID, "a column, or \"session\", \"slate\""),
    };
    Ok(format!("{{ column = {} }} # {why}", toml_of(column)?))
}

pub(crate) fn one_line(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| shown(name)).collect();
    names.join(", ")
}

/// A value as TOML has it within a line.
fn toml_of(value: &(impl serde::Serialize + ?Sized)) -> Result<String, Failure> {
    toml_text::inline(value).map_err(|cause| Failure::Told(format!("the draft: {cause}")))
}
