//! The same thing has one id, whatever file it comes from and however it is written there; what may be
//! the same and is not joined is told. Values are those of the cases' closed forms and of hand counts.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::tempdir;
use tiltmeter::job::{TallyJob, log_files, log_files_but, merge_files};
use tiltmeter::log::{
    Column, FaultReason, JoinNames, LogSchema, NameRemark, OddNames, Role, RowPolicy, TopicColumn,
    TopicFormat,
};
use tiltmeter::source::{NdjsonSource, SliceSource};
use tiltmeter::tally::{Dialect, SqlLog, Tally, TallySpec};
use tiltmeter::{Audit, AuditReport, ClusterBy, Error, ExposureLog, Question, Warning};

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)
}

fn schema() -> LogSchema {
    LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"))
}

fn by(cluster: ClusterBy) -> TallySpec {
    TallySpec { cluster, ..TallySpec::default() }
}

/// An audit of a job over these cases.
fn audited(files: &[&str], schema: LogSchema, cluster: ClusterBy) -> AuditReport {
    let files = files.iter().map(|name| case(name));
    let done = TallyJob::new(files, schema, by(cluster)).run().unwrap();
    Audit::of_tally(&done.tally, &Question::between("ranked", "newest").topics(["war"]))
        .origin(&done.origin)
        .run()
        .unwrap()
}

fn remarks(report: &AuditReport) -> Vec<NameRemark> {
    let remark = |warning: &Warning| match warning {
        Warning::OddNames { remark } => Some(remark.clone()),
        _ => None,
    };
    report.warnings().iter().filter_map(|(warning, _)| remark(warning)).collect()
}

fn value(report: &AuditReport) -> f64 {
    report.estimates()[0].value.number().unwrap()
}

fn clusters(report: &AuditReport) -> (u64, u64) {
    let counts = report.estimates()[0].clusters;
    (counts.treatment, counts.baseline)
}

/// Ten days, as text in one file and as dates in the other: 10 clusters, not 20.
#[cfg(feature = "parquet")]
#[test]
fn days_as_text_and_as_dates() {
    let schema = LogSchema::new().arm("feed").topics(TopicColumn::single("about")).column("day");
    let report = audited(&["day_a.csv", "day_b.parquet"], schema, ClusterBy::column("day"));
    assert_eq!(clusters(&report), (10, 10));
    // 274 of 400 against 220 of 400.
    assert!((value(&report) - 274.0 / 220.0).abs() < 1e-12);
    assert!(remarks(&report).is_empty());
}

/// A date, the moment at which it begins, and the text of either that other files have.
#[test]
fn moments_and_dates_as_ids() {
    struct Times(Vec<String>, bool);
    impl tiltmeter::log::LogSource for Times {
        fn name(&self) -> &str {
            "times"
        }
        fn column_names(&self) -> &[String] {
            &self.0
        }
        fn select(&mut self, _: &[usize]) {}
        fn next_batch(&mut self) -> Result<Option<tiltmeter::log::Batch>, Error> {
            let times = vec![Some(1_719_792_000_000_000), Some(1_719_792_001_500_000), Some(-1)];
            let columns = vec![Column::Timestamp(times)];
            let batch = tiltmeter::log::Batch { columns, unreadable: Vec::new() };
            Ok((!std::mem::replace(&mut self.1, true)).then_some(batch))
        }
    }
    let log =
        ExposureLog::read(Times(vec!["at".into()], false), &LogSchema::new().column("at")).unwrap();
    let ids: Vec<&str> = log.column("at").unwrap().dictionary().iter().collect();
    // Python: datetime(2024, 7, 1).timestamp() == 1719792000 in UTC.
    assert_eq!(ids, ["2024-07-01", "2024-07-01T00:00:01.5Z", "1969-12-31T23:59:59.999999Z"]);
}

#[cfg(feature = "polars")]
#[test]
fn days_in_frames() {
    use polars::prelude::{Column as Named, DataFrame, DataType, NamedFrom, Series, TimeUnit};
    let ids = |values: Series| -> Vec<String> {
        let frame = DataFrame::new(values.len(), vec![Named::from(values)]).unwrap();
        let source = tiltmeter::source::FrameSource::new(&frame);
        let log = ExposureLog::read(source, &LogSchema::new().column("day")).unwrap();
        log.column("day").unwrap().dictionary().iter().map(str::to_owned).collect()
    };
    // Python: date(1970, 1, 1) + timedelta(days=19905) == date(2024, 7, 1)
    let days = Series::new("day".into(), [19_905_i32]).cast(&DataType::Date).unwrap();
    assert_eq!(ids(days), ["2024-07-01"]);
    let nanoseconds = DataType::Datetime(TimeUnit::Nanoseconds, None);
    let moments = Series::new("day".into(), [1_719_792_000_000_000_000_i64]);
    assert_eq!(ids(moments.cast(&nanoseconds).unwrap()), ["2024-07-01"]);
    assert_eq!(ids(Series::new("day".into(), ["2024-07-01"])), ["2024-07-01"]);
    assert_eq!(ids(Series::new("day".into(), [17.0, -3.0, 0.0])), ["17", "-3", "0"]);
}

/// Numbers with a point in one file and without in the other: told, and joined where that is said.
#[test]
fn whole_numbers_with_a_point() {
    let files = ["ids_int.csv", "ids_float.csv"];
    let report = audited(&files, schema(), ClusterBy::Viewer);
    assert_eq!(clusters(&report), (24, 24));
    let [remark] = &remarks(&report)[..] else { panic!("{report}") };
    assert_eq!(remark.role, Role::Viewer);
    let (whole, decimal) = ("1".to_owned(), "1.0".to_owned());
    assert_eq!(remark.names, OddNames::Decimals { whole, decimal });
    assert!(report.to_string().contains("--join-names"), "{report}");

    let report = audited(&files, schema().join_names(JoinNames::WholeNumbers), ClusterBy::Viewer);
    assert_eq!(clusters(&report), (12, 12));
    assert!(remarks(&report).is_empty());
    // 86 of 180 against 78 of 180.
    assert!((value(&report) - 86.0 / 78.0).abs() < 1e-12);
    // Each file alone is in order.
    assert!(remarks(&audited(&files[1..], schema(), ClusterBy::Viewer)).is_empty());
}

/// Floating-point columns hold whole numbers as ids; what is no whole number is none.
#[test]
fn ids_in_columns_of_numbers() {
    let source = |values: &[f64]| SliceSource::new("numbers").float("who", values);
    let read = |values: &[f64], policy| {
        ExposureLog::read(source(values), &LogSchema::new().viewer("who").rows(policy))
    };
    let log = read(&[1.0, 9_007_199_254_740_991.0, -0.0, 1.0], RowPolicy::Strict).unwrap();
    let ids: Vec<&str> = log.ids(Role::Viewer).unwrap().dictionary().iter().collect();
    assert_eq!(ids, ["1", "9007199254740991", "0"]);
    for (value, reason) in [
        (1.5, FaultReason::NotAnId),
        (9_007_199_254_740_992.0, FaultReason::NotAnId),
        (f64::INFINITY, FaultReason::NotAnId),
        (f64::NAN, FaultReason::Null),
    ] {
        let Err(Error::Row(fault)) = read(&[1.0, value], RowPolicy::Strict) else { panic!() };
        assert_eq!((fault.row, fault.reason), (2, reason));
        assert_eq!(read(&[1.0, value], RowPolicy::SetAside).unwrap().rows(), 1);
    }
    let lines = "{\"who\": 1.0}\n{\"who\": 1}\n{\"who\": \"1\"}";
    let source = NdjsonSource::from_reader("lines", lines.as_bytes()).unwrap();
    let log = ExposureLog::read(source, &LogSchema::new().viewer("who")).unwrap();
    assert_eq!(log.ids(Role::Viewer).unwrap().dictionary().len(), 1);
}

/// Times of 96 bits in the year 3000 are of that year: 71 of 120 against 38 of 120 before July.
#[cfg(feature = "parquet")]
#[test]
fn times_beyond_nanoseconds() {
    use tiltmeter::log::TimeFormat;
    let schema = schema().time("t", TimeFormat::Iso);
    let log = ExposureLog::open(case("int96_year3000.parquet"), &schema).unwrap();
    let (least, most) = tiltmeter::log::DataQuality::of(&log).time_range.unwrap();
    // Python: datetime(3000, 1, 1) and datetime(1970, 1, 1), in microseconds.
    assert!(least > 0 && most >= 32_503_680_000_000_000, "{least} {most}");
    let period = tiltmeter::Period::before("2024-07-01").unwrap();
    let report = Audit::of(
        &log,
        &Question::between("ranked", tiltmeter::Baseline::Period(period)).topics(["war"]),
    )
    .run()
    .unwrap();
    assert!((value(&report) - 71.0 / 38.0).abs() < 1e-12);
    let its = &report.estimates()[0];
    assert_eq!((its.treatment.impressions, its.baseline.impressions), (120, 120));
}

/// Names that look alike and names that may be none, in each of the cases.
#[test]
fn odd_names_are_told() {
    let alike = |role, groups: &[&[&str]]| NameRemark {
        role,
        column: None,
        names: OddNames::Alike {
            groups: groups
                .iter()
                .map(|group| group.iter().map(|&name| name.to_owned()).collect())
                .collect(),
            more: 0,
        },
    };
    let report = |name: &str, schema: LogSchema| {
        let log = ExposureLog::open(case(name), &schema).unwrap();
        let question = Question::between("ranked", "newest").topics(["war"]);
        let report = Audit::of(&log, &question).run().unwrap();
        assert_eq!(remarks(&report).len(), NameRemark::of_log(&log).len(), "{report}");
        report
    };
    let other =
        || LogSchema::new().viewer("viewer").arm("arm").topics(TopicColumn::single("topic"));

    let told = remarks(&report("armspace.csv", schema()));
    assert_eq!(told, [alike(Role::Arm, &[&["ranked", "ranked "]])]);
    let joined = report("armspace.csv", schema().join_names(JoinNames::Spaces));
    assert!(remarks(&joined).is_empty());
    // As the log without the spaces: 86 of 180 against 78 of 180.
    assert!((value(&joined) - 86.0 / 78.0).abs() < 1e-12);

    // Spaces around a topic are no part of it, so only the case is left to be told.
    let told = remarks(&report("spaces.csv", schema()));
    assert_eq!(told, [alike(Role::Topics, &[&["War", "war"]])]);
    let joined = report("spaces.csv", schema().join_names(JoinNames::Case));
    assert!(remarks(&joined).is_empty());

    let told = remarks(&report("case_space.csv", other()));
    let groups: [&[&str]; 4] = [
        &["MUSIC", "Music", "music"],
        &["SPORT", "Sport", "sport"],
        &["WAR", "War", "war"],
        &["\u{c9}CONOMIE", "\u{c9}conomie", "\u{e9}conomie"],
    ];
    assert_eq!(told, [alike(Role::Topics, &groups)]);
    let joined = report("case_space.csv", other().join_names(JoinNames::Case));
    // 58 of 120 against 34 of 120, as the log with one name each.
    assert!((value(&joined) - 58.0 / 34.0).abs() < 1e-12, "{joined}");

    let null_like = |role, names: &[&str]| NameRemark {
        role,
        column: None,
        names: OddNames::NullLike {
            names: names.iter().map(|&name| name.to_owned()).collect(),
            more: 0,
        },
    };
    let told = remarks(&report("nas.csv", other()));
    assert_eq!(told.len(), 1);
    let OddNames::NullLike { names, .. } = &told[0].names else { panic!() };
    assert!(names.iter().any(|name| name == "NA") && names.len() == 5, "{names:?}");
    let dropped = ["NA", "nan", "None", "N/A", "NULL", "-"].into_iter();
    let dropped = report("nas.csv", dropped.fold(other(), LogSchema::null));
    assert!(remarks(&dropped).is_empty());
    let told = remarks(&report("na_viewer.csv", other()));
    assert_eq!(told, [null_like(Role::Viewer, &["NA", "NaN", "null"])]);
}

/// A line of totals is pointed out by what stands in it for a viewer; a topic may be called so.
#[test]
fn totals_are_pointed_out() {
    let log = |role: fn(LogSchema, String) -> LogSchema, name: &str| {
        let names = ["ann", "bo", name];
        let rows = SliceSource::new("rows").text("who", &names).text("about", &names);
        let schema = role(LogSchema::new(), "who".to_owned()).topics(TopicColumn::single("about"));
        NameRemark::of_log(&ExposureLog::read(rows, &schema).unwrap())
    };
    for name in ["Total", "TOTAL:", "Gesamt", "grand total"] {
        let told = log(LogSchema::viewer, name);
        let names = OddNames::Totals { names: vec![name.to_owned()] };
        assert_eq!(told, [NameRemark { role: Role::Viewer, column: None, names }]);
        assert!(told[0].to_string().contains("--filter"));
    }
    assert!(log(LogSchema::viewer, "Totally").is_empty());
}

/// Letters with marks, characters without width and no-break spaces: told, and joined.
#[test]
fn letters_with_marks() {
    let topics = ["\u{e9}t\u{e9}", "e\u{301}te\u{301}", "war", "wa\u{200b}r", "a\u{a0}b", "a b"];
    let source = || SliceSource::new("rows").text("about", &topics);
    let schema = LogSchema::new().topics(TopicColumn::single("about"));
    let log = ExposureLog::read(source(), &schema).unwrap();
    let [remark] = &NameRemark::of_log(&log)[..] else { panic!() };
    let OddNames::Alike { groups, more: 0 } = &remark.names else { panic!() };
    assert_eq!(groups.len(), 3);
    // What cannot be seen is shown by its number.
    let text = remark.to_string();
    assert!(text.contains("e\\u{301}te\\u{301}") && text.contains("wa\\u{200b}r"), "{text}");
    let schema = schema.join_names(JoinNames::Unicode).join_names(JoinNames::Spaces);
    let log = ExposureLog::read(source(), &schema).unwrap();
    let labels: Vec<&str> = log.topics().unwrap().labels().iter().collect();
    assert_eq!(labels, ["\u{e9}t\u{e9}", "war", "a b"]);
    // A query cannot do this, and says so.
    let query = by(ClusterBy::Impression).sql(Dialect::DuckDb, &SqlLog::query("", &schema));
    assert!(matches!(query, Err(Error::NotInSql { .. })));
}

/// Lists in brackets are not taken for topics, in whatever way they are quoted.
#[test]
fn lists_are_not_topics() {
    let read = |format| {
        let schema = LogSchema::new()
            .viewer("viewer_id")
            .arm("feed")
            .topics(TopicColumn::new("topics", format));
        ExposureLog::open(case("few.csv"), &schema)
    };
    for format in [TopicFormat::Single, TopicFormat::Separated('|'), TopicFormat::Separated(',')] {
        let Err(Error::Row(fault)) = read(format) else { panic!("{format:?}") };
        assert_eq!((fault.row, fault.reason), (1, FaultReason::ListAsText));
        assert_eq!((fault.column.as_str(), fault.value.as_str()), ("topics", "[\"politics\"]"));
    }
    let log = read(TopicFormat::JsonList).unwrap();
    assert_eq!(log.topics().unwrap().untagged(), 3);
    let of = |text: &str, column: TopicColumn| {
        let schema = LogSchema::new().topics(column).rows(RowPolicy::SetAside);
        ExposureLog::read(SliceSource::new("rows").text("t", &[text, "war"]), &schema)
            .unwrap()
            .origin()
            .set_aside
            .rows
    };
    for text in ["[]", "['war']", " [\"war\", \"sport\"] ", "['war' 'sport']", "[1, 2]"] {
        assert_eq!(of(text, TopicColumn::single("t")), 1, "{text}");
    }
    for text in ["[war]", "[Breaking] news", "war [\"x\"]", "[", "[sic] and [so on]"] {
        assert_eq!(of(text, TopicColumn::single("t")), 0, "{text}");
    }
    // Whoever gives a list a name knows what it is.
    assert_eq!(of("[]", TopicColumn::single("t").relabel([("[]", ""), ("war", "war")])), 0);
}

/// Hidden files and folders are no logs unless they are named.
#[test]
fn hidden_files() {
    let folder = case("dot_folder");
    let only = [folder.join("log.csv")];
    assert_eq!(log_files(folder.join("**/*.csv")).unwrap(), only);
    assert_eq!(log_files(&folder).unwrap(), only);
    let hidden = folder.join(".ipynb_checkpoints");
    let checkpoint = [hidden.join("part-checkpoint.csv")];
    assert_eq!(log_files(&checkpoint[0]).unwrap(), checkpoint);
    assert_eq!(log_files(&hidden).unwrap(), checkpoint);
    assert_eq!(log_files(hidden.join("*.csv")).unwrap(), checkpoint);
    assert_eq!(log_files(folder.join(".ipynb*/*.csv")).unwrap(), checkpoint);
    // 86 of 180 against 78 of 180.
    let log = ExposureLog::open(&only[0], &schema()).unwrap();
    let question = Question::between("ranked", "newest").topics(["war"]);
    assert!((value(&Audit::of(&log, &question).run().unwrap()) - 86.0 / 78.0).abs() < 1e-12);

    let folder = tempdir().unwrap();
    for name in ["a.csv", "_SUCCESS", "_part.csv", ".a.csv.crc", "._a.csv", "deep/_temporary/b.csv"]
    {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    assert_eq!(log_files(folder.path()).unwrap(), [folder.path().join("a.csv")]);
    let all = log_files(folder.path().join("**/*.csv")).unwrap();
    assert_eq!(all, [folder.path().join("a.csv")]);
    let parts = log_files(folder.path().join("_p*")).unwrap();
    assert_eq!(parts, [folder.path().join("_part.csv")]);
}

/// What looks like a log in a folder and cannot be read is not passed over in silence.
#[test]
fn files_that_cannot_be_read() {
    let unread =
        ["t.csv.lz4", "t.csv.xz", "t.xls", "t.parquet.gz", "T.CSV.ZIP", "t.tsv.bz2", "t.avro"];
    for name in unread {
        let folder = tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["monday.csv", name, "notes.txt", "README", "json"] {
            fs::write(path(name), "who\na\n").unwrap();
        }
        match log_files(folder.path()) {
            Err(Error::UnreadInFolder { path: told }) => assert_eq!(told, path(name)),
            other => panic!("{name}: {other:?}"),
        }
        let skipped = [path("monday.csv")];
        assert_eq!(log_files_but(folder.path(), &[name]).unwrap(), skipped);
        assert_eq!(log_files_but(folder.path(), &["[tT].*"]).unwrap(), skipped);
        let whole = path(name).display().to_string();
        assert_eq!(log_files_but(folder.path(), &[whole]).unwrap(), skipped);
        assert!(log_files_but(folder.path(), &["x.*"]).is_err());
        let nothing = log_files_but(folder.path(), &["[tT].*", "monday*"]);
        assert!(matches!(nothing, Err(Error::NoFiles { .. })));
    }
    assert!(matches!(log_files_but(case("dot_folder"), &["a[b"]), Err(Error::Parameter { .. })));
}

/// The same part twice, by any name: refused where tallies are merged and where logs are tallied.
#[test]
fn the_same_part_twice() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let log = ExposureLog::open(case("ids_int.csv"), &schema()).unwrap();
    let other = ExposureLog::open(case("mon0.csv"), &schema()).unwrap();
    let [tally, other] = [&log, &other].map(|log| Tally::of(log, &TallySpec::default()).unwrap());
    tally.save(path("a.tally")).unwrap();
    other.save(path("b.tally")).unwrap();
    fs::copy(path("a.tally"), path("copy.tally")).unwrap();
    let merged = merge_files(&[path("a.tally"), path("b.tally")]).unwrap();
    assert_eq!(merged, tally.merge(&other).unwrap());
    let refused = |names: &[&str]| {
        let paths: Vec<PathBuf> = names.iter().map(|name| path(name)).collect();
        merge_files(&paths).unwrap_err()
    };
    assert!(matches!(refused(&["a.tally", "a.tally"]), Error::RepeatedFile { .. }));
    assert!(matches!(refused(&["a.tally", "./a.tally"]), Error::RepeatedFile { .. }));
    match refused(&["a.tally", "b.tally", "copy.tally"]) {
        Error::SamePart { first, second, how } => {
            assert_eq!((first, second), (path("a.tally"), path("copy.tally")));
            assert_eq!(how, "equal byte for byte");
        }
        other => panic!("{other}"),
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(path("a.tally"), path("link.tally")).unwrap();
        fs::hard_link(path("a.tally"), path("hard.tally")).unwrap();
        assert!(matches!(refused(&["a.tally", "link.tally"]), Error::RepeatedFile { .. }));
        assert!(matches!(refused(&["hard.tally", "a.tally"]), Error::SamePart { .. }));
    }
    #[cfg(feature = "parquet")]
    {
        tally.export(path("a.parquet")).unwrap();
        assert!(matches!(refused(&["a.tally", "a.parquet"]), Error::SamePart { .. }));
    }

    for name in ["1.csv", "2.csv", "3.csv"] {
        fs::copy(case(if name == "2.csv" { "mon0.csv" } else { "ids_int.csv" }), path(name))
            .unwrap();
    }
    let job = |names: &[&str]| {
        let files = names.iter().map(|name| path(name)).collect::<Vec<_>>();
        TallyJob::new(files, schema(), TallySpec::default()).run()
    };
    assert_eq!(job(&["1.csv", "2.csv"]).unwrap().tally, merged);
    match job(&["1.csv", "2.csv", "3.csv"]) {
        Err(Error::SamePart { first, second, .. }) => {
            assert_eq!((first, second), (path("1.csv"), path("3.csv")));
        }
        other => panic!("{other:?}"),
    }
    // Days on which nothing was shown are the same and add nothing.
    fs::write(path("4.csv"), "who,feed,about\n").unwrap();
    fs::write(path("5.csv"), "who,feed,about\n").unwrap();
    let done = job(&["4.csv", "1.csv", "5.csv"]).unwrap();
    assert_eq!(done.tally, tally);
}

/// Packed, the same day is the same: beside its plain form, and at another level of packing.
#[test]
fn packed_copies() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::copy(case("ids_int.csv"), path("1.csv")).unwrap();
    fs::copy(case("mon0.csv"), path("2.csv")).unwrap();
    for (name, level) in [("1.csv.gz", 1), ("6.csv.gz", 9)] {
        let file = fs::File::create(path(name)).unwrap();
        let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::new(level));
        packer.write_all(&fs::read(path("1.csv")).unwrap()).unwrap();
        packer.finish().unwrap();
    }
    let job = |names: &[&str]| {
        let files = names.iter().map(|name| path(name)).collect::<Vec<_>>();
        TallyJob::new(files, schema(), TallySpec::default()).run()
    };
    // One after the other, as `cat` and block gzip put them together.
    let whole = fs::read(path("1.csv")).unwrap();
    let mut both = Vec::new();
    for half in [&whole[..100], &whole[100..]] {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(half).unwrap();
        both.extend(packer.finish().unwrap());
    }
    fs::write(path("7.csv.gz"), both).unwrap();
    for names in [
        ["1.csv", "1.csv.gz"],
        ["7.csv.gz", "1.csv"],
        ["6.csv.gz", "7.csv.gz"],
        ["6.csv.gz", "1.csv"],
        ["1.csv.gz", "6.csv.gz"],
    ] {
        assert!(matches!(job(&names), Err(Error::SamePart { .. })), "{names:?}");
    }
    let plain = job(&["1.csv", "2.csv"]).unwrap().tally;
    assert_eq!(job(&["1.csv.gz", "2.csv"]).unwrap().tally, plain);
}

/// Keys that first occur after 17,000 lines, and the last line at which they are found.
#[test]
fn late_keys_of_json_lines() {
    let lines = |late: usize| {
        let mut text = String::new();
        for line in 1..=70_000_usize {
            text.push_str(if line >= late {
                "{\"who\": \"a\", \"feed\": \"x\", \"about\": \"war\"}\n"
            } else {
                "{\"who\": \"a\", \"feed\": \"x\"}\n"
            });
        }
        NdjsonSource::from_reader("lines", std::io::Cursor::new(text))
    };
    for late in [1, 16_385, 17_001, 65_536] {
        let log = ExposureLog::read(lines(late).unwrap(), &schema()).unwrap();
        assert_eq!(log.rows(), 70_000);
        assert_eq!(log.topics().unwrap().untagged(), late as u64 - 1, "{late}");
    }
    let later = ExposureLog::read(lines(65_537).unwrap(), &schema());
    assert!(matches!(later, Err(Error::MissingColumn { .. })));
}

/// What means no value does so however it is written where names are joined, and within a list of topics:
/// by hand, of four viewers one has no id but `N/A`, and of five topics two are none.
#[test]
fn what_means_none_is_none_in_every_writing() {
    let rows = || {
        SliceSource::new("rows")
            .text("who", &["v1", "N/A", "n/a", "v2"])
            .text("about", &["war|N/A", "n/a", "war|sport", "NA"])
    };
    let schema = |nulls: &[&str], joins: &[JoinNames]| {
        let topics = TopicColumn::separated("about", '|');
        let schema = LogSchema::new().viewer("who").topics(topics).rows(RowPolicy::SetAside);
        let schema = nulls.iter().fold(schema, |schema, null| schema.null(*null));
        joins.iter().fold(schema, |schema, &rule| schema.join_names(rule))
    };
    let read = |nulls: &[&str], joins: &[JoinNames]| {
        let log = ExposureLog::read(rows(), &schema(nulls, joins)).unwrap();
        let topics = log.topics().unwrap();
        let labels: Vec<String> = topics.labels().iter().map(str::to_owned).collect();
        (log.rows(), labels, topics.untagged())
    };
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(read(&[], &[]), (4, owned(&["war", "N/A", "n/a", "sport", "NA"]), 0));
    // As it is written: "n/a" stays a viewer and a topic.
    assert_eq!(read(&["N/A"], &[]), (3, owned(&["war", "sport", "NA"]), 0));
    let cased = read(&["n/a"], &[JoinNames::Case]);
    assert_eq!(cased, (2, owned(&["war", "na"]), 0));
    assert_eq!(read(&["n/a", "Na"], &[JoinNames::Case]), (2, owned(&["war"]), 1));
}
