//! The question of a study file: what was written before is read, and written the same.

use std::path::Path;

use tiltmeter::statistic::{
    AnyStatistic, Difference, OddsRatio, StandardPopulation, StandardisedRatio, Statistic,
};
use tiltmeter::tally::StratifyBy;
use tiltmeter::{
    Attention, Audit, Baseline, ClusterBy, Denominator, MultiLabel, Question, StudyFile, Supply,
    Topics, Unit,
};

use crate::studies;

/// Studies that were written while a question of a study was a type of its own.
#[test]
fn studies_of_before_are_written_as_they_were() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/studies_before");
    let baselines = [
        ("arms", Baseline::arm("newest")),
        ("doubt", Baseline::arm("newest")),
        ("supply", Baseline::Supply(Supply::Known)),
        ("candidates", Baseline::UniformPool),
    ];
    for (name, baseline) in baselines {
        let path = folder.join(name).with_extension("json");
        let text = std::fs::read_to_string(&path).unwrap();
        let study = StudyFile::open(&path).unwrap();
        let expected = Question::between("ranked", baseline)
            .attention(Attention::Uniform)
            .multi_label(MultiLabel::Full)
            .cluster(ClusterBy::Viewer);
        assert_eq!(study.question, expected, "{name}");
        // From its question on, to the byte.
        let of_question = |text: &str| {
            let rest = &text[text.find("  \"question\": {").unwrap()..];
            rest[..=rest.find("\n  }").unwrap()].to_owned()
        };
        assert_eq!(of_question(&study.to_json().unwrap()), of_question(&text), "{name}");
    }
}

/// Every field, in the order and the words of before; what is left to the default is written as that.
#[test]
fn a_question_is_the_json_of_before() {
    let full = Question::between("ranked", "newest")
        .topics(["war", "sport"])
        .statistic(OddsRatio)
        .statistic(Difference)
        .unit(Unit::ClusterMean)
        .denominator(Denominator::TaggedImpressions)
        .attention(Attention::Rbp { persistence: 0.5 })
        .multi_label(MultiLabel::Fractional)
        .strata(StratifyBy::Column("state".to_owned()))
        .cluster(ClusterBy::column("device"))
        .second_cluster(ClusterBy::Session);
    let written = concat!(
        r#"{"treatment":"ranked","baseline":{"arm":"newest"},"topics":["war","sport"],"#,
        r#""statistics":["odds_ratio","difference"],"unit":"cluster_mean","#,
        r#""denominator":"tagged_impressions","attention":{"rbp":{"persistence":0.5}},"#,
        r#""multi_label":"fractional","strata":{"column":"state"},"cluster":{"column":"device"},"#,
        r#""second_cluster":"session"}"#,
    );
    assert_eq!(serde_json::to_string(&full).unwrap(), written);
    assert_eq!(serde_json::from_str::<Question>(written).unwrap(), full);

    let plain = concat!(
        r#"{"treatment":"ranked","baseline":{"arm":"newest"},"unit":"pooled","#,
        r#""denominator":"all_impressions","attention":"uniform","multi_label":"full","#,
        r#""cluster":"viewer"}"#,
    );
    let question = Question::between("ranked", "newest");
    assert_eq!(serde_json::to_string(&question).unwrap(), plain);
    // A file says what it leaves to the default, and an empty list of topics is all of them.
    let said = question.attention(Attention::Uniform).multi_label(MultiLabel::Full);
    let said = said.cluster(ClusterBy::Viewer);
    let brief = r#"{"treatment": "ranked", "baseline": {"arm": "newest"}, "topics": []}"#;
    for text in [plain, brief] {
        let read: Question = serde_json::from_str(text).unwrap();
        assert_eq!((&read, &read.topics), (&said, &Topics::All));
    }
    for wrong in [
        r#"{"treatment": "ranked"}"#,
        r#"{"treatment": "ranked", "baseline": null}"#,
        r#"{"baseline": {"arm": "newest"}}"#,
        r#"{"treatment": "ranked", "baseline": {"arm": "newest"}, "clusters": "viewer"}"#,
        r#"{"treatment": "ranked", "baseline": {"arm": "newest"}, "statistics": ["oddity"]}"#,
    ] {
        assert!(serde_json::from_str::<Question>(wrong).is_err(), "{wrong}");
    }
}

/// A declared population is said in a study file, and answers as in a program.
#[test]
fn a_declared_population_is_read_run_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut study = serde_json::to_value(studies::small(folder.path())).unwrap();
    // Of the 40 viewers those of the first four days of eight are one stratum, by hand below.
    let log = std::fs::read_to_string(folder.path().join("log.csv")).unwrap();
    let with_state = log.lines().enumerate().map(|(row, line)| match row {
        0 => format!("{line},state\n"),
        _ => {
            let day = line.split(',').nth(6).unwrap()[1..].parse::<u32>().unwrap();
            format!("{line},{}\n", if day <= 4 { "north" } else { "south" })
        }
    });
    let with_state: String = with_state.collect();
    std::fs::write(folder.path().join("log.csv"), &with_state).unwrap();
    study["log"]["schema"]["stratum"] = "state".into();
    study["question"]["topics"] = serde_json::json!(["war"]);
    let declared = serde_json::json!({"standardised_ratio_declared": {"north": 3, "south": 1}});
    study["question"]["statistics"] = serde_json::json!([declared, "difference"]);
    let path = folder.path().join("study.json");
    std::fs::write(&path, study.to_string()).unwrap();

    let study = StudyFile::open(&path).unwrap();
    let population = || StandardPopulation::declared([("north", 3.0), ("south", 1.0)]);
    let in_program = AnyStatistic::from(StandardisedRatio { population: population() });
    assert_eq!(study.question.statistics, [in_program, Difference.into()]);
    let report = study.run(folder.path()).unwrap();
    // By a plain loop: shares by stratum, three parts of the north and one of the south.
    let share = |arm: &str| {
        let of = |state: &str| {
            let rows: Vec<Vec<&str>> =
                with_state.lines().skip(1).map(|line| line.split(',').collect()).collect();
            let there: Vec<_> =
                rows.iter().filter(|row| row[1] == arm && row[9] == state).collect();
            there.iter().filter(|row| row[7] == "war").count() as f64 / there.len() as f64
        };
        0.75 * of("north") + 0.25 * of("south")
    };
    let estimate = report.estimate(&StandardisedRatio { population: population() }, "war").unwrap();
    assert_eq!(estimate.estimand.statistic, "standardised_ratio_declared");
    let expected = share("ranked") / share("newest");
    assert!((estimate.value.number().unwrap() / expected - 1.0).abs() < 1e-12, "{expected}");
    // The same asked in a program.
    let inputs = study.read(folder.path()).unwrap();
    let tiltmeter::StudyLog::Whole(log) = &inputs.log else { panic!("one file") };
    let question = Question::between("ranked", "newest")
        .topics(["war"])
        .statistic(StandardisedRatio { population: population() })
        .statistic(Difference);
    let audit = Audit::of(log, &question).inference(study.inference).run().unwrap();
    assert_eq!(audit.estimates(), report.estimates());

    let written = study.to_json().unwrap();
    let json: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(
        json["question"]["statistics"],
        serde_json::json!([
            {"standardised_ratio_declared": {"north": 3.0, "south": 1.0}},
            "difference"
        ])
    );
    let again: StudyFile = serde_json::from_str(&written).unwrap();
    assert_eq!(again, study);
    assert_eq!(again.to_json().unwrap(), written);
}

/// By name alone it lacks its parts, and one's own has no form in files.
#[test]
fn statistics_that_a_file_cannot_say() {
    let text = |statistic: &str| {
        format!(r#"{{"treatment": "a", "baseline": {{"arm": "b"}}, "statistics": [{statistic}]}}"#)
    };
    let fault = |statistic: &str| {
        serde_json::from_str::<Question>(&text(statistic)).unwrap_err().to_string()
    };
    assert!(fault(r#""standardised_ratio_declared""#).contains("needs the parts of its strata"));
    assert!(
        fault(r#""ratio""#)
            .contains("there is no statistic \"ratio\"; there are amplification_ratio")
    );
    assert!(fault(r#"{"odds_ratio": {"north": 1}}"#).contains("with parts of strata"));
    let twice = r#"{"standardised_ratio_declared": {"north": 3, "north": 1}}"#;
    assert!(fault(twice).contains("\"north\" has two parts"));
    let two = r#"{"standardised_ratio_declared": {"n": 3}, "standardised_difference_declared": {"n": 1}}"#;
    assert!(fault(two).contains("are two statistics"));

    #[derive(Debug)]
    struct Own;
    impl Statistic for Own {
        fn name(&self) -> &'static str {
            "own"
        }
        fn phrase(&self) -> &'static str {
            "something of my own"
        }
        fn scale(&self) -> tiltmeter::statistic::Scale {
            tiltmeter::statistic::Scale::Linear
        }
        fn value(&self, totals: &[f64]) -> tiltmeter::statistic::Working {
            Difference.value(totals)
        }
    }
    let own = Question::between("a", "b").statistic(Own);
    let error = serde_json::to_string(&own).unwrap_err().to_string();
    assert!(error.contains("\"own\" is a statistic of your own"), "{error}");
}
