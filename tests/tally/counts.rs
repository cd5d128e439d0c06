//! Rows that stand for several impressions, in what the command has no flag for: saved logs, totals,
//! queries, replays; and rows that were kept.

use tiltmeter::log::{FaultReason, LogSchema, TopicColumn};
use tiltmeter::replay::off_policy::{Clip, ImportanceWeights, Target};
use tiltmeter::source::{Impression, ImpressionSource, SliceSource};
use tiltmeter::statistic::MantelHaenszelRatio;
use tiltmeter::tally::{Dialect, SqlLog, StratifyBy, Tally, TallySpec, Totals};
use tiltmeter::{
    Attention, Audit, Baseline, ClusterBy, Error, ExposureLog, MultiLabel, Question, Said, Warning,
};

/// Viewer, arm, topics, weight, rank, count.
const ROWS: [(&str, &str, &str, f64, i64, i64); 6] = [
    ("a", "ranked", "war|sport", 0.3, 1, 700),
    ("a", "ranked", "", 1.7, 2, 2),
    ("b", "ranked", "war", 2.0, 1, 0),
    ("c", "newest", "sport", 0.1, 3, 256),
    ("c", "newest", "war", 0.1, 3, 255),
    ("d", "newest", "music|war", 5.5, 2, 1),
];

/// Rows with their counts, or each as often as it counts.
fn log(counted: bool) -> ExposureLog {
    let times = |count: i64| if counted { 1 } else { count as usize };
    let rows: Vec<_> = ROWS.iter().flat_map(|row| std::iter::repeat_n(row, times(row.5))).collect();
    let source = SliceSource::new("rows")
        .text("who", &rows.iter().map(|row| row.0).collect::<Vec<_>>())
        .text("feed", &rows.iter().map(|row| row.1).collect::<Vec<_>>())
        .text("about", &rows.iter().map(|row| row.2).collect::<Vec<_>>())
        .float("dwell", &rows.iter().map(|row| row.3).collect::<Vec<_>>())
        .integer("rank", &rows.iter().map(|row| row.4).collect::<Vec<_>>())
        .integer("times", &rows.iter().map(|row| row.5).collect::<Vec<_>>());
    let schema = LogSchema::new()
        .viewer("who")
        .arm("feed")
        .topics(TopicColumn::separated("about", '|'))
        .weight("dwell")
        .position("rank");
    ExposureLog::read(source, &if counted { schema.count("times") } else { schema }).unwrap()
}

/// The tally of the rows is that of the log which they stand for, and so are the totals.
#[test]
fn tallies_are_of_what_rows_stand_for() {
    let (counted, whole) = (log(true), log(false));
    // The row of no impressions is gone.
    assert_eq!((counted.rows(), counted.impressions()), (5, 1214));
    for multi_label in [MultiLabel::Full, MultiLabel::Fractional] {
        let spec = TallySpec {
            multi_label,
            attentions: vec![Attention::Uniform, Attention::Logarithmic],
            ..TallySpec::default()
        };
        let tally = Tally::of(&counted, &spec).unwrap();
        assert_eq!(tally, Tally::of(&whole, &spec).unwrap());
        assert_eq!(tally.impressions(), 1214);
        let totals = Totals::of(&counted, &spec).unwrap();
        assert_eq!(totals, Totals::of(&whole, &spec).unwrap());
    }
}

#[test]
fn rows_given_as_structs_have_counts() {
    let one =
        Impression { viewer: Some("a"), arm: Some("x"), count: Some(3), ..Impression::default() };
    let rows = [one, Impression { count: Some(2), ..one }];
    let log = ExposureLog::read(ImpressionSource::new(&rows), &ImpressionSource::schema(&rows));
    assert_eq!(log.unwrap().impressions(), 5);
    let source = SliceSource::new("rows").text("feed", &["x"]).float("n", &[4_294_967_296.0]);
    let refused = ExposureLog::read(source, &LogSchema::new().arm("feed").count("n")).unwrap_err();
    let Error::Row(fault) = refused else { panic!("{refused}") };
    assert_eq!(fault.reason, FaultReason::CountOutOfRange);
}

#[cfg(feature = "parquet")]
#[test]
fn saved_logs_keep_counts_and_what_was_kept() {
    use tiltmeter::{Keep, log::Role};
    let keep = Keep::new("who", ["a", "c"]);
    let log = log(true).keep(&keep).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    log.save(&path).unwrap();
    let again = ExposureLog::open_saved(&path).unwrap();
    assert_eq!(again, log);
    assert_eq!(again.numbers(Role::Count), Some(&[700.0, 2.0, 256.0, 255.0][..]));
    assert_eq!(again.origin().kept, std::slice::from_ref(&keep));
    let question = Question::between("ranked", "newest").topics(["war"]);
    let report = Audit::of(&again, &question).run().unwrap();
    assert_eq!(report.estimates()[0].estimand.kept, [keep]);
    assert!(report.sentence().contains("of rows where \"who\" is \"a\" or \"c\""));
}

/// What takes each row for one impression says so, and does not answer.
#[test]
fn what_cannot_count_refuses() {
    let log = log(true);
    let several = |error: Error| assert!(matches!(error, Error::RowsOfSeveral { .. }), "{error}");
    let of_impressions = TallySpec { cluster: ClusterBy::Impression, ..TallySpec::default() };
    several(Tally::of(&log, &of_impressions).unwrap_err());
    let target = Target::Uniform { items: 3 };
    several(ImportanceWeights::of(&log, "ranked", &target, Clip::None).unwrap_err());
    let question = Question::between("ranked", Baseline::UniformPool);
    several(Audit::of(&log, &question).run().unwrap_err());
    let schema = LogSchema::new().viewer("who").arm("feed").count("times");
    let refused = TallySpec::default().sql(Dialect::DuckDb, &SqlLog::table(["log"], &schema));
    assert!(matches!(refused, Err(Error::NotInSql { .. })), "{refused:?}");
}

/// Groups that are only there are no question; groups that were asked for and are in vain are said.
#[test]
fn strata_that_were_said_in_vain() {
    let source = SliceSource::new("rows")
        .text("who", &["a", "b", "c", "d"])
        .text("feed", &["x", "x", "y", "y"])
        .text("state", &["NY", "GA", "NY", "GA"])
        .text("about", &["war", "sport", "war", "war"]);
    let schema = LogSchema::new()
        .viewer("who")
        .arm("feed")
        .stratum("state")
        .topics(TopicColumn::single("about"));
    let log = ExposureLog::read(source, &schema).unwrap();
    let question = || Question::between("x", "y").topics(["war"]);
    let in_vain = Warning::WithoutEffect { said: Said::Strata("state".to_owned()) };
    let warned = |audit: Audit<'_>| audit.run().unwrap().estimates()[0].warnings.contains(&in_vain);
    assert!(!warned(Audit::of(&log, &question())));
    assert!(warned(Audit::of(&log, &question().strata(StratifyBy::Stratum))));
    let adjusted = question().strata(StratifyBy::Stratum).statistic(MantelHaenszelRatio);
    let adjusted = Audit::of(&log, &adjusted);
    let report = adjusted.clone().run().unwrap();
    let by_state = StratifyBy::Column("state".to_owned());
    assert_eq!(report.estimates()[0].estimand.strata, by_state);
    assert!(!warned(adjusted));
    let refused =
        Audit::of(&log, &question().strata(StratifyBy::Nothing).statistic(MantelHaenszelRatio))
            .run();
    assert!(matches!(refused, Err(Error::NoStrata { .. })), "{refused:?}");
}
