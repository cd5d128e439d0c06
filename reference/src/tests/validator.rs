//! A validator that knows nothing of tiltmeter accepts by the shipped schema what the program reads, and nothing else.
//!
//! It is Python's `jsonschema` (`reference/requirements.txt`), in the Python that `TILTMETER_PYTHON` names, or `python3`.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};
use tiltmeter::StudyFile;

use super::corpus::{self, Case};

const SCRIPT: &str = "
import json, sys
from jsonschema import Draft7Validator
asked = json.load(sys.stdin)
Draft7Validator.check_schema(asked['schema'])
validator = Draft7Validator(asked['schema'])
json.dump([validator.is_valid(study) for study in asked['studies']], sys.stdout)
";

/// A Python that has the validator; none is said on standard error.
fn python() -> Option<String> {
    let python = std::env::var("TILTMETER_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = Command::new(&python).args(["-c", "import jsonschema"]).output();
    if has.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    let message = format!(
        "\nNOT TESTED: {python} has no jsonschema (pip install -r reference/requirements.txt, and name the Python in \
         TILTMETER_PYTHON); the test passes without it\n"
    );
    // The macros would be captured; losing the message is no reason to fail.
    let _ = std::io::stderr().write_all(message.as_bytes());
    None
}

/// What the validator says of each.
fn verdicts(python: &str, cases: &[Case]) -> Vec<bool> {
    let schema: Json =
        serde_json::from_str(include_str!("../../../docs/study-file.schema.json")).unwrap();
    let studies: Vec<&Json> = cases.iter().map(|case| &case.study).collect();
    let asked = json!({"schema": schema, "studies": studies}).to_string();
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(asked.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the validator failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_validator_and_the_program_accept_the_same() {
    let Some(python) = python() else { return };
    let mut cases = corpus::of_the_repository();
    // Those that there are in all of the repository, so that none is overlooked when they move.
    assert!(cases.len() >= 35, "{} studies in the repository", cases.len());
    let everything =
        cases.iter().find(|case| case.of.ends_with("studies/everything.json")).unwrap();
    let mut wrong = Vec::new();
    corpus::mistakes(&everything.study, &everything.study, &mut wrong);
    cases.extend(
        wrong
            .into_iter()
            .map(|study| Case { of: "a mistake in everything.json".to_owned(), study }),
    );
    cases.extend(corpus::of_the_reference());

    let mut accepted = 0;
    let mut differing = Vec::new();
    for (case, valid) in cases.iter().zip(verdicts(&python, &cases)) {
        let read = serde_json::from_value::<StudyFile>(case.study.clone());
        accepted += usize::from(valid);
        if valid != read.is_ok() {
            let program = read.map_or_else(|error| error.to_string(), |_| "reads it".to_owned());
            differing
                .push(format!("{}: valid {valid}, program: {program}: {}", case.of, case.study));
        }
    }
    assert!(
        differing.is_empty(),
        "{} of {}:\n{}",
        differing.len(),
        cases.len(),
        differing.join("\n")
    );
    // Both verdicts are there in numbers.
    assert!(accepted > 500 && cases.len() - accepted > 2_000, "{accepted} of {}", cases.len());
}
