//! Audits: each study of `studies/` as it is written, its report as text, as Markdown and as JSON.

use std::path::Path;

use tiltmeter::StudyFile;
use tiltmeter::findings::Findings;

use super::{parts, said};

/// From where tests are run, so that no report names a folder of this machine.
const FOLDER: &str = "tests/report/snapshots/studies";

/// Runs a study, and compares all that it says.
#[track_caller]
fn study(name: &str) {
    let folder = Path::new(FOLDER);
    let study = StudyFile::open(folder.join(format!("{name}.json"))).unwrap();
    let report = study.run(folder).unwrap();
    let estimates = report.estimates().iter();
    let sentences = estimates.map(|its| format!("{}\n{}\n", its.estimand, its.sentence()));
    let text = parts(&[
        ("study", study.to_json().unwrap()),
        ("text", report.to_string()),
        ("estimates", sentences.collect()),
        ("markdown", report.to_markdown_document()),
    ]);
    said(&format!("study-{name}"), &text);
    said(&format!("study-{name}-json"), &report.to_json().unwrap());
}

macro_rules! studies {
    ($($name:ident)*) => {
        $(#[test] fn $name() { study(stringify!($name)); })*

        /// None of the folder is forgotten.
        #[test]
        fn every_study_is_run() {
            let mut there: Vec<String> = std::fs::read_dir(FOLDER)
                .unwrap()
                .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
                .collect();
            there.sort();
            assert_eq!(there, [$(stringify!($name)),*]);
        }
    };
}

studies! {
    arms attention bands bootstrap chronological cluster_mean engagement everything files impressions joined kept
    page period propensity reach reference set_aside strata supply supply_sampled two_way uniform_pool wild
}

/// What belongs beside an audit, of a log that has nearly everything.
#[test]
fn findings() {
    let folder = Path::new(FOLDER);
    let study = StudyFile::open(folder.join("page.json")).unwrap();
    let findings = Findings::of(&study.read(folder).unwrap(), &study).unwrap();
    said("findings-json", &findings.to_json().unwrap());
    #[cfg(feature = "plot")]
    said("findings-html", &without_drawings(&findings.to_html().unwrap()));
}

/// A page as far as it is words: figures have tests of their own.
#[cfg(feature = "plot")]
fn without_drawings(page: &str) -> String {
    let mut parts = page.split("<svg");
    let before = parts.next().unwrap_or_default().to_owned();
    parts.fold(before, |text, part| text + "<svg/>" + part.split_once("</svg>").unwrap().1)
}
