//! Whatever the numbers are, all that is made of findings for people ends, is well-formed and readable.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::mpsc;
use std::time::Duration;

use proptest::prelude::*;

use super::{Findings, Part};
use crate::estimate::{ConfidenceInterval, Estimate, Naive, Value};
use crate::study_file::StudyFile;

/// A waterfall takes some hundredths of a second; a figure without an end takes for ever.
const PATIENCE: Duration = Duration::from_secs(120);

const ODD: [f64; 24] = [
    0.0,
    -0.0,
    5e-324,
    -5e-324,
    f64::MIN_POSITIVE,
    1e-300,
    -1e-300,
    1e-81,
    0.25,
    0.5,
    1.0,
    -1.0,
    1.0 + f64::EPSILON,
    -745.2,
    710.0,
    1e15,
    1e81,
    1e300,
    -1e300,
    f64::MAX,
    f64::MIN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    1e-5,
];

/// One number after the other, over and over; an index beyond them is no number.
struct Numbers<'n> {
    places: &'n [usize],
    at: usize,
}

impl Numbers<'_> {
    fn maybe(&mut self) -> Option<f64> {
        self.at += 1;
        ODD.get(self.places[self.at % self.places.len()]).copied()
    }

    fn finite(&mut self) -> Option<f64> {
        self.maybe().filter(|number| number.is_finite())
    }

    fn share(&mut self) -> Option<f64> {
        self.maybe().filter(|share| (0.0..=1.0).contains(share))
    }

    fn value(&mut self) -> Value {
        match (self.maybe(), self.at % 3) {
            (Some(at), _) if at == f64::INFINITY => Value::Infinite,
            (Some(at), _) if at == f64::NEG_INFINITY => Value::NegativeInfinite,
            (Some(0.0), _) => Value::Zero(0.0),
            (Some(low), 0) => Value::Between { low, high: self.finite().unwrap_or(low).max(low) },
            (Some(at), _) => Value::Estimated(at),
            (None, _) => Value::Undefined(crate::statistic::Undefined::TopicInNeitherArm),
        }
    }

    fn interval(&mut self) -> ConfidenceInterval {
        ConfidenceInterval { low: self.maybe(), high: self.maybe(), level: 0.999 }
    }

    fn into(&mut self, estimate: &mut Estimate) {
        estimate.measured.value = self.value();
        if self.maybe().is_some() {
            estimate.measured.interval = Ok(self.interval());
        }
        estimate.treatment.share = self.share();
        estimate.baseline.share = self.share();
        estimate.measured.standard_error = self.finite();
        estimate.naive = Some(Naive {
            standard_error: self.finite().unwrap_or(1.0),
            interval: self.interval(),
            design_effect: self.finite(),
        });
    }
}

/// Findings with every part.
fn findings(about: &str) -> Findings {
    let folder = tempfile::tempdir().unwrap();
    let mut log = "who,feed,rank,day,about,watched\n".to_owned();
    for at in 0..24_usize {
        let arm = ["ranked", "newest"][at % 2];
        let topic = ["war", "sport", about][(at / 2) % 3];
        let (who, rank, day) = (at / 3, at % 3 + 1, at % 4 + 1);
        log.push_str(&format!("{who},{arm},{rank},2026-03-0{day}T00:00:00Z,{topic},{}\n", at % 5));
    }
    std::fs::write(folder.path().join("log.csv"), log).unwrap();
    let study = serde_json::json!({
        "log": {"path": "log.csv", "schema": {
            "viewer": "who", "arm": "feed", "position": "rank", "time": ["day", "iso"],
            "topics": {"column": "about"}, "engagement": "watched"}},
        "question": {"treatment": "ranked", "baseline": {"arm": "newest"},
                     "statistics": ["amplification_ratio", "difference", "treatment_share", "percent_amplification"]},
    });
    let study: StudyFile = serde_json::from_value(study).unwrap();
    Findings::of(&study.read(folder.path()).unwrap(), &study).unwrap()
}

/// The findings with other numbers in every place that has one.
fn with(mut findings: Findings, numbers: &mut Numbers<'_>) -> Findings {
    findings.report.estimates_mut().for_each(|its| numbers.into(its));
    let Part::There(table) = &mut findings.sensitivity else { panic!("no table") };
    table.estimates_mut().for_each(|its| numbers.into(its));
    let Part::There(report) = &mut findings.waterfall else { panic!("no waterfall") };
    for its in report.waterfalls_mut() {
        its.stages.iter_mut().for_each(|stage| stage.share = numbers.share());
        its.steps
            .iter_mut()
            .chain([&mut its.total])
            .for_each(|step| numbers.into(&mut step.estimate));
    }
    let Part::There(over) = &mut findings.over_time else { panic!("nothing over time") };
    for its in &mut over.shares {
        (its.share, its.low, its.high) = (numbers.share(), numbers.share(), numbers.share());
        its.impressions = numbers.finite().unwrap_or(0.0) as u64;
    }
    let Part::There(profile) = &mut findings.positions else { panic!("no ranks") };
    for its in &mut profile.ranks {
        its.impressions = numbers.finite().unwrap_or(0.0) as u64;
        its.topics.iter_mut().for_each(|topic| topic.share = numbers.share());
    }
    if let Part::There(power) = &mut findings.power {
        for its in &mut power.topics {
            (its.above, its.below) = (numbers.finite(), numbers.finite());
        }
    }
    findings
}

/// All that is made of findings, if it comes in time.
fn all_of(findings: Findings) -> Vec<(String, String)> {
    let (done, made) = mpsc::channel();
    std::thread::spawn(move || {
        let report = findings.report();
        let mut all = vec![
            ("text".to_owned(), report.to_string()),
            ("Markdown".to_owned(), report.to_markdown_document()),
            ("JSON".to_owned(), findings.to_json().unwrap()),
            ("page".to_owned(), findings.to_html().unwrap()),
            ("table".to_owned(), findings.sensitivity().there().unwrap().to_string()),
            ("stages".to_owned(), findings.waterfall().there().unwrap().to_string()),
        ];
        let figures = findings.figures().unwrap();
        all.extend(figures.into_iter().map(|its| (format!("figure {}", its.name), its.svg)));
        // Whoever waits may have gone.
        let _ = done.send(all);
    });
    made.recv_timeout(PATIENCE).expect("all that is made ends in time")
}

fn check(findings: Findings) {
    let made = all_of(findings);
    for kind in ["forest-", "naive", "over-time", "positions", "specification-", "waterfall-"] {
        assert!(made.iter().any(|(what, _)| what.contains(kind)), "{kind}");
    }
    for (what, text) in made {
        assert!(!text.contains("NaN"), "{what}: {text}");
        let long = text.split(|c: char| !c.is_ascii_digit() && c != '.').find(|run| run.len() > 40);
        assert_eq!(long, None, "{what}");
        match what.split(' ').next() {
            Some("JSON") => drop(serde_json::from_str::<serde_json::Value>(&text).unwrap()),
            Some("figure") => is_picture(&text),
            _ => {}
        }
    }
}

/// Well-formed, and whatever places something is a number within bounds.
fn is_picture(svg: &str) {
    let document = roxmltree::Document::parse(svg).unwrap_or_else(|fault| panic!("{fault}: {svg}"));
    assert!(document.descendants().count() < 4000, "a figure of few topics has few elements");
    for element in document.descendants() {
        for name in ["x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "points"]
        {
            let words = element.attribute(name).unwrap_or("").split([' ', ',']);
            for word in words.filter(|word| !word.is_empty()) {
                let number: f64 = word.parse().unwrap_or_else(|_| panic!("{name}={word}"));
                assert!((-4000.0..4000.0).contains(&number), "{name}={word}");
            }
        }
    }
}

#[test]
fn every_number_alone() {
    let findings = findings("music");
    for place in 0..=ODD.len() {
        let places = [place];
        check(with(findings.clone(), &mut Numbers { places: &places, at: 0 }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn numbers_of_every_size_together(places in prop::collection::vec(0..ODD.len() + 3, 1..60)) {
        thread_local!(static FINDINGS: Findings = findings("music"));
        let findings = FINDINGS.with(Clone::clone);
        check(with(findings, &mut Numbers { places: &places, at: 0 }));
    }
}
