//! Reports in every form in which they are shown, and what must hold of them.

use std::cell::Cell;
use std::fmt::Debug;

use tiltmeter::findings::Findings;
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::{AuditReport, Error, StudyFile, StudyInputs};

use crate::chance::Chance;

/// Set where questions are to be told before they are asked, as for finding out which of them hangs.
pub(crate) const SAY: &str = "TILTMETER_FUZZ_SAY";

/// Set where no pages are to be made, which take most of the time.
pub(crate) const NO_PAGES: &str = "TILTMETER_FUZZ_NO_PAGES";

/// How many questions were answered and refused.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) given: Cell<u64>,
    pub(crate) refused: Cell<u64>,
}

impl Answers {
    /// Puts a question, and counts what became of it.
    pub(crate) fn ask(&self, inputs: &StudyInputs, its: &StudyFile, chance: &mut Chance) {
        self.count(its, || study(inputs, its, chance));
    }

    /// Counts what became of a question.
    pub(crate) fn count(&self, its: impl Debug, question: impl FnOnce() -> Result<(), Error>) {
        let says = std::env::var_os(SAY).is_some();
        if says {
            eprintln!("asking {its:?}");
        }
        let count = match question() {
            Ok(()) => &self.given,
            Err(fault) => {
                if says {
                    eprintln!("refused: {fault}");
                }
                &self.refused
            }
        };
        count.set(count.get() + 1);
    }
}

/// Runs a study and shows its report; now and then with all that belongs beside it, as a page.
fn study(inputs: &StudyInputs, study: &StudyFile, chance: &mut Chance) -> Result<(), Error> {
    report(&study.audit(inputs).run()?)?;
    if chance.one_in(3) && std::env::var_os(NO_PAGES).is_none() {
        let findings = Findings::of(inputs, study)?;
        no_nan(findings.report());
        let page = findings.to_html()?;
        assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
        plain(&page);
        for figure in findings.figures()? {
            no_nan_in_figure(&figure.svg);
        }
    }
    Ok(())
}

/// Shows a report in all forms. What is read back from its JSON says the same.
pub(crate) fn report(report: &AuditReport) -> Result<(), Error> {
    no_nan(report);
    let json = report.to_json()?;
    let again = AuditReport::from_json(&json).unwrap_or_else(|fault| {
        panic!("a report's own JSON is refused: {fault}");
    });
    let text = report.to_string();
    // A bound that is infinite is not in the JSON.
    if !text.contains("infinite") {
        assert_eq!(text, again.to_string(), "a report read back says something else");
    }
    plain(&text);
    plain(&report.to_markdown_document());
    Ok(())
}

/// No number is NaN. Texts, which may be called so, stand in quotes.
pub(crate) fn no_nan(value: &impl Debug) {
    let text = format!("{value:?}");
    let (mut within, mut escaped, mut bare) = (false, false, String::new());
    for letter in text.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if within => escaped = true,
            '"' => within = !within,
            _ if within => {}
            letter => bare.push(letter),
        }
    }
    assert!(!bare.contains("NaN"), "a number is NaN: {text}");
}

/// Coordinates are numbers.
fn no_nan_in_figure(svg: &str) {
    assert!(!svg.contains("\"NaN") && !svg.contains("inf\""), "a figure with NaN");
}

/// Nothing in it moves a terminal's cursor or turns text round.
pub(crate) fn plain(text: &str) {
    let moves = |letter: char| letter.is_control() && letter != '\n' && letter != '\t';
    let turns = |letter: char| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let fault = text.char_indices().find(|&(_, letter)| moves(letter) || turns(letter));
    assert!(fault.is_none(), "a text with {fault:?}");
}

/// How the log of the seeds is read.
pub(crate) fn schema_of_seeds() -> LogSchema {
    LogSchema::new()
        .viewer("who")
        .arm("feed")
        .item("item")
        .slate("slate")
        .position("rank")
        .topics(TopicColumn::separated("about", '|'))
        .weight("w")
        .stratum("country")
}
