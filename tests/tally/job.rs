//! Tallies of many files: the same as of one log with all rows, whatever the division, the threads,
//! the stops and the memory.
#![cfg(feature = "parquet")]

use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use tiltmeter::job::{Progress, TallyJob, log_files};
use tiltmeter::log::{
    FaultReason, ItemTopics, ItemTopicsSchema, LogSchema, RowPolicy, TopicColumn,
};
use tiltmeter::source::SliceSource;
use tiltmeter::tally::{StratifyBy, Tally, TallySpec, WindowBy};
use tiltmeter::{Attention, Audit, ClusterBy, Error, ExposureLog, MultiLabel, Question};

const HOUR: i64 = 3_600_000_000;

/// Rows of a log in the order of time, with whatever the tests ask for.
#[derive(Clone, Default)]
struct Rows {
    viewer: Vec<i64>,
    arm: Vec<String>,
    topics: Vec<String>,
    position: Vec<i64>,
    weight: Vec<f64>,
    time: Vec<i64>,
}

impl Rows {
    fn made(rows: usize, viewers: u64) -> Self {
        let mut state = rows as u64 * 31 + viewers;
        let mut next = move |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut made = Self::default();
        for row in 0..rows {
            let viewer = next(viewers);
            made.viewer.push(viewer as i64 - 5);
            made.arm.push(["ranked", "newest", "random"][viewer as usize % 3].to_owned());
            let topics = ["war", "party|war", "sport", "", "music|sport|war"];
            made.topics.push(topics[next(5) as usize].to_owned());
            made.position.push(next(30) as i64 + 1);
            made.weight.push(next(1000) as f64 / 7.0);
            made.time.push(row as i64 * HOUR / 50);
        }
        made
    }

    fn slice(&self, rows: Range<usize>) -> Self {
        Self {
            viewer: self.viewer[rows.clone()].to_vec(),
            arm: self.arm[rows.clone()].to_vec(),
            topics: self.topics[rows.clone()].to_vec(),
            position: self.position[rows.clone()].to_vec(),
            weight: self.weight[rows.clone()].to_vec(),
            time: self.time[rows].to_vec(),
        }
    }

    fn write(&self, path: &Path, rows_per_group: usize) {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("viewer", Arc::new(Int64Array::from(self.viewer.clone()))),
            ("arm", Arc::new(StringArray::from(self.arm.clone()))),
            ("topics", Arc::new(StringArray::from(self.topics.clone()))),
            ("position", Arc::new(Int64Array::from(self.position.clone()))),
            ("weight", Arc::new(Float64Array::from(self.weight.clone()))),
            ("time", Arc::new(TimestampMicrosecondArray::from(self.time.clone()))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let properties =
            WriterProperties::builder().set_max_row_group_row_count(Some(rows_per_group)).build();
        let file = std::fs::File::create(path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    fn log(&self) -> ExposureLog {
        let source = SliceSource::new("all rows")
            .integer("viewer", &self.viewer)
            .text("arm", &self.arm)
            .text("topics", &self.topics)
            .integer("position", &self.position)
            .float("weight", &self.weight)
            .column(
                "time",
                tiltmeter::log::Column::Timestamp(self.time.iter().copied().map(Some).collect()),
            );
        ExposureLog::read(source, &schema()).unwrap()
    }

    /// The rows in some files, a part each.
    fn files(&self, folder: &Path, count: usize) -> Vec<PathBuf> {
        let rows = self.viewer.len();
        (0..count)
            .map(|at| {
                let path = folder.join(format!("part-{at:02}.parquet"));
                self.slice(rows * at / count..rows * (at + 1) / count).write(&path, 400);
                path
            })
            .collect()
    }
}

fn schema() -> LogSchema {
    LogSchema::new()
        .viewer("viewer")
        .arm("arm")
        .position("position")
        .weight("weight")
        .time("time", tiltmeter::log::TimeFormat::Iso)
        .stratum("arm")
        .topics(TopicColumn::separated("topics", '|'))
}

fn specs() -> Vec<TallySpec> {
    vec![
        TallySpec::default(),
        TallySpec { cluster: ClusterBy::Viewer.hashed(6), ..TallySpec::default() },
        TallySpec {
            cluster: ClusterBy::column("viewer"),
            attentions: vec![Attention::Logarithmic, Attention::Uniform],
            multi_label: MultiLabel::Fractional,
            strata: StratifyBy::Stratum,
            windows: WindowBy::days(1),
        },
    ]
}

#[test]
fn a_job_is_a_tally_of_all_rows() {
    let folder = tempfile::tempdir().unwrap();
    let rows = Rows::made(20_000, 3_000);
    rows.files(folder.path(), 11);
    let log = rows.log();
    for spec in specs() {
        let expected = Tally::of(&log, &spec).unwrap();
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let files = log_files(folder.path()).unwrap();
            let job = TallyJob::new(files, schema(), spec.clone()).memory(64 << 20);
            let done = pool.install(|| job.run()).unwrap();
            assert!(done.tally == expected, "{spec:?} on {threads} threads");
            assert_eq!((done.origin.rows_read, done.origin.left_out), (20_000, 0));
            assert_eq!((done.progress.rows, done.progress.of_rows), (20_000, Some(20_000)));
        }
    }
}

/// Several chunks in each part, and several row groups in each chunk.
#[test]
fn parts_larger_than_the_memory_for_rows() {
    let folder = tempfile::tempdir().unwrap();
    let rows = Rows::made(700_000, 20_000);
    let path = folder.path().join("log.parquet");
    rows.write(&path, 60_000);
    let expected = Tally::of(&rows.log(), &TallySpec::default()).unwrap();
    let mut parts = 0;
    let job = TallyJob::new([path], schema(), TallySpec::default()).memory(64 << 20);
    let done = job.on_progress(|progress| {
        parts = progress.of_parts;
        ControlFlow::Continue(())
    });
    assert!(done.run().unwrap().tally == expected);
    assert!(parts > 1, "{parts} parts");
}

/// Stopped after any number of parts and run again, a job counts every row once.
#[test]
fn a_stopped_job_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let rows = Rows::made(9_000, 500);
    let files = rows.files(folder.path(), 9);
    let checkpoint = folder.path().join("checkpoint");
    for spec in specs() {
        let expected = Tally::of(&rows.log(), &spec).unwrap();
        for stops in [1, 2, 5] {
            let job = || {
                TallyJob::new(files.clone(), schema(), spec.clone())
                    .memory(64 << 20)
                    .checkpoint(&checkpoint, Duration::ZERO)
            };
            let mut runs = 0;
            let done = loop {
                let mut parts = None;
                let job = job().on_progress(|progress| {
                    let first = *parts.get_or_insert(progress.parts);
                    match progress.parts - first >= stops {
                        true => ControlFlow::Break(()),
                        false => ControlFlow::Continue(()),
                    }
                });
                runs += 1;
                match job.run() {
                    Ok(done) => break done,
                    Err(Error::Stopped { of_parts: 9, saved: Some(_), .. }) => {}
                    Err(other) => panic!("{other}"),
                }
                assert!(runs < 20);
            };
            assert!(done.tally == expected, "{runs} runs");
            assert!(runs > 9 / (stops + 1), "{runs} runs");
            assert!(done.progress.resumed_parts > 0);
            assert_eq!(done.origin.rows_read, 9_000);
            // Until the result is saved the job can be run again.
            let again = job().run().unwrap();
            assert!(again.tally == expected && again.progress.resumed_parts > 0);
            done.remove_checkpoint().unwrap();
            done.remove_checkpoint().unwrap();
            assert!(!checkpoint.exists());
        }
    }
}

#[test]
fn a_checkpoint_of_another_job_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let rows = Rows::made(2_000, 50);
    let files = rows.files(folder.path(), 3);
    let checkpoint = folder.path().join("checkpoint");
    let job = |files: &[PathBuf], spec: TallySpec| {
        TallyJob::new(files.to_vec(), schema(), spec).checkpoint(&checkpoint, Duration::ZERO)
    };
    let stopped = job(&files, TallySpec::default())
        .on_progress(|progress| match progress.parts {
            0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        })
        .run();
    assert!(matches!(stopped, Err(Error::Stopped { saved: Some(_), .. })), "{stopped:?}");
    let difference = |job: TallyJob<'_>| match job.run() {
        Err(Error::OtherJob { difference, .. }) => difference,
        other => panic!("{other:?}"),
    };
    assert_eq!(difference(job(&files[..2], TallySpec::default())), "it is about other files");
    let hashed = TallySpec { cluster: ClusterBy::Viewer.hashed(3), ..TallySpec::default() };
    assert_eq!(difference(job(&files, hashed)), "it makes another tally");
    let arms = job(&files, TallySpec::default()).arms(["ranked"]);
    assert_eq!(difference(arms), "it keeps other times or arms");
    rows.slice(0..5).write(&files[1], 100);
    let changed = difference(job(&files, TallySpec::default()));
    assert!(changed.contains("part-01.parquet has changed since"), "{changed}");
    // Not a checkpoint at all.
    std::fs::write(&checkpoint, "hello").unwrap();
    let error = job(&files, TallySpec::default()).run().unwrap_err();
    assert!(matches!(error, Error::Damaged { .. } | Error::Version { .. }), "{error}");
}

/// Whatever a job is of is in its checkpoint: what a topics table says, and what files hold, whenever they say that
/// they were written.
#[test]
fn a_checkpoint_is_of_what_its_inputs_say() {
    use std::time::SystemTime;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("mon.csv"), "who,feed,what\na,ranked,i1\nb,newest,i2\n").unwrap();
    std::fs::write(path("tue.csv"), "who,feed,what\nc,ranked,i1\nd,newest,i2\n").unwrap();
    let schema = || LogSchema::new().viewer("who").arm("feed").item("what");
    let topics = |about: &str| {
        std::fs::write(path("topics.csv"), format!("id,about\ni1,{about}\ni2,war\n")).unwrap();
        let schema = ItemTopicsSchema::new("id", TopicColumn::single("about"));
        ItemTopics::open(path("topics.csv"), &schema).unwrap()
    };
    let files = || [path("mon.csv"), path("tue.csv")];
    let job = |schema| {
        TallyJob::new(files(), schema, TallySpec::default())
            .checkpoint(path("checkpoint"), Duration::ZERO)
    };
    let stop = |progress: &Progress| match progress.parts {
        0 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    };
    let old = topics("art");
    let stopped = job(schema()).item_topics(&old).on_progress(stop).run();
    assert!(matches!(stopped, Err(Error::Stopped { saved: Some(_), .. })), "{stopped:?}");
    let difference = |job: TallyJob<'_>| match job.run() {
        Err(Error::OtherJob { difference, .. }) => difference,
        other => panic!("{other:?}"),
    };
    // Rewritten under the same name, with as many items of the same length.
    let new = topics("war");
    let says = "its topics table says something else";
    assert_eq!(difference(job(schema()).item_topics(&new)), says);
    assert_eq!(difference(job(schema())), "it reads other columns");

    // As long as before, and as old.
    let file = std::fs::File::options().write(true).open(path("mon.csv")).unwrap();
    let at = file.metadata().unwrap().modified().unwrap();
    std::fs::write(path("mon.csv"), "who,feed,what\na,ranked,i2\nb,newest,i2\n").unwrap();
    file.set_modified(at).unwrap();
    let changed = difference(job(schema()).item_topics(&old));
    assert!(changed.contains("mon.csv has changed since"), "{changed}");
    std::fs::write(path("mon.csv"), "who,feed,what\na,ranked,i1\nb,newest,i2\n").unwrap();
    // Times before 1970 are times.
    for seconds in [1, 2] {
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(seconds);
        file.set_modified(before).unwrap();
        let changed = difference(job(schema()).item_topics(&old));
        assert!(changed.contains("mon.csv has changed since"), "{changed}");
    }
    // The time that only the system sets says that it was written to, whatever stands in it now.
    file.set_modified(at).unwrap();
    let changed = difference(job(schema()).item_topics(&old));
    assert!(changed.contains("mon.csv has changed since"), "{changed}");
}

/// A file that changes while it is read is told, since its tally may be of neither state.
#[test]
fn a_file_that_changes_while_it_is_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let rows = Rows::made(2_000, 50);
    let files = rows.files(folder.path(), 3);
    let mut written = false;
    let error = TallyJob::new(files.clone(), schema(), TallySpec::default())
        .on_progress(|_| {
            if !std::mem::replace(&mut written, true) {
                rows.slice(0..5).write(&files[2], 100);
            }
            ControlFlow::Continue(())
        })
        .run()
        .unwrap_err();
    assert!(
        matches!(&error, Error::ChangedWhileRead { path } if path.ends_with("part-02.parquet")),
        "{error}"
    );
}

/// Only the rows asked for, and of the files only the row groups that may hold them.
#[test]
fn times_and_arms() {
    let folder = tempfile::tempdir().unwrap();
    let rows = Rows::made(8_000, 300);
    let files = rows.files(folder.path(), 4);
    let times = 40 * HOUR..60 * HOUR;
    let expected = {
        let log = rows.log();
        let arms = log.arms().unwrap().clone();
        let at = log.times().unwrap().to_vec();
        let keep = |row: usize| times.contains(&at[row]) && arms.id(row) != Some("random");
        log.filter("some rows", keep).unwrap()
    };
    let mut rows_checked = 0;
    for spec in specs() {
        let job = TallyJob::new(files.clone(), schema(), spec.clone())
            .between(times.clone())
            .arms(["ranked", "newest"])
            .on_progress(|progress| {
                rows_checked = progress.rows;
                ControlFlow::Continue(())
            });
        let done = job.run().unwrap();
        assert!(done.tally == Tally::of(&expected, &spec).unwrap(), "{spec:?}");
        assert_eq!(done.origin.rows_read, 8_000);
        assert_eq!(done.origin.left_out, 8_000 - expected.rows() as u64);
    }
    assert_eq!(rows_checked, 8_000);
    // Rows at fault that need not be read are not read: 1,000 rows of 20 hours each.
    let mut faulty = rows.slice(0..2_000);
    faulty.weight[0] = -1.0;
    faulty.write(&files[0], 400);
    let job = |times| TallyJob::new(files.clone(), schema(), TallySpec::default()).between(times);
    assert!(job(40 * HOUR..60 * HOUR).run().is_ok());
    assert!(matches!(job(0..60 * HOUR).run(), Err(Error::Row(_))));
    let never = job(HOUR * 10_000..HOUR * 10_001).run().unwrap_err();
    assert!(matches!(never, Error::AllLeftOut { .. }), "{never}");
    assert!(never.to_string().contains("at least \"1971-02-21T16:00:00Z\""), "{never}");
}

/// A tally says of which rows it is, saved in either form and after merging, and is not added to one of others.
#[test]
fn a_tally_says_of_which_rows_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let files = Rows::made(2_000, 100).files(folder.path(), 2);
    let job = |files: &[PathBuf]| TallyJob::new(files.to_vec(), schema(), TallySpec::default());
    let of = |file: usize| job(&files[file..=file]).arms(["ranked", "newest"]).run().unwrap().tally;
    let (one, two) = (of(0), of(1));
    let said = |tally: &Tally| tally.kept().iter().map(ToString::to_string).collect::<Vec<_>>();
    let wanted = ["\"arm\" is \"newest\" or \"ranked\""];
    assert_eq!(said(&one), wanted);
    assert_eq!(said(&one.merge(&two).unwrap()), wanted);
    let path = folder.path().join("some.tally");
    one.save(&path).unwrap();
    assert_eq!(said(&Tally::open_saved(&path).unwrap()), wanted);
    let table = folder.path().join("some.parquet");
    if cfg!(feature = "parquet") {
        tiltmeter::job::save_tally(&one, &table).unwrap();
        assert_eq!(said(&tiltmeter::job::open_tally(&table).unwrap()), wanted);
    }
    let question = Question::between("ranked", "newest").topics(["war"]);
    let report = Audit::of_tally(&one, &question).run().unwrap();
    let conditions = report.estimates()[0].estimand.conditions();
    assert!(conditions.ends_with(wanted[0]), "{conditions}");
    let refused = one.merge(&job(&files[1..]).run().unwrap().tally).unwrap_err().to_string();
    assert!(refused.contains("the choice of rows") && refused.contains("all rows"), "{refused}");
}

/// The first fault in the order of the files is reported, with its row in the file.
#[test]
fn the_first_fault_of_all_files() {
    let folder = tempfile::tempdir().unwrap();
    let rows = Rows::made(6_000, 100);
    let files = rows.files(folder.path(), 6);
    for (at, row) in [(2, 950), (4, 3)] {
        let mut faulty = rows.slice(at * 1_000..(at + 1) * 1_000);
        faulty.weight[row] = -2.0;
        faulty.write(&files[at], 400);
    }
    for _ in 0..10 {
        let job = TallyJob::new(files.clone(), schema(), TallySpec::default());
        match job.run().unwrap_err() {
            Error::Row(fault) => {
                assert!(fault.file.ends_with("part-02.parquet"), "{}", fault.file);
                assert_eq!((fault.row, fault.reason), (951, FaultReason::NegativeWeight));
            }
            other => panic!("{other}"),
        }
    }
    let schema = schema().rows(RowPolicy::SetAside);
    let done = TallyJob::new(files, schema, TallySpec::default()).run().unwrap();
    assert_eq!(done.tally.impressions(), 5_998);
    let set_aside = done.origin.set_aside;
    assert_eq!((set_aside.rows, set_aside.reasons.len()), (2, 1));
    assert_eq!((set_aside.reasons[0].rows, set_aside.reasons[0].first_row), (2, 951));
}

#[test]
fn what_a_job_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let rows = Rows::made(1_000, 10);
    let files = rows.files(folder.path(), 2);
    let job = |files: Vec<PathBuf>| TallyJob::new(files, schema(), TallySpec::default());
    let twice = vec![files[0].clone(), folder.path().join("./part-00.parquet")];
    assert!(matches!(job(twice).run(), Err(Error::RepeatedFile { .. })));
    assert!(matches!(job(files).memory(1 << 20).run(), Err(Error::Parameter { .. })));
    let none = log_files(folder.path().join("*.csv"));
    assert!(matches!(none, Err(Error::NoFiles { .. })));
    assert!(matches!(log_files("a[b"), Err(Error::Parameter { .. })));
}

/// A row per viewer that outgrows the memory is an error that says what to do instead.
#[test]
fn more_viewers_than_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    let mut text = String::from("viewer,arm,topics\n");
    for viewer in 0..4_200_000 {
        text += &format!("{viewer},a,t\n");
    }
    std::fs::write(&path, text).unwrap();
    let schema = LogSchema::new().viewer("viewer").arm("arm").topics(TopicColumn::single("topics"));
    let job = |spec| TallyJob::new([path.clone()], schema.clone(), spec).memory(64 << 20);
    let error = job(TallySpec::default()).run().unwrap_err();
    assert!(matches!(error, Error::MemoryLimit { .. }), "{error}");
    let hashed = TallySpec { cluster: ClusterBy::Viewer.hashed(10), ..TallySpec::default() };
    assert_eq!(job(hashed).run().unwrap().tally.impressions(), 4_200_000);
}

#[test]
fn topics_from_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let texts = ["who,feed,item\na,x,1\nb,y,2\n", "who,feed,item\nc,x,1\nd,y,2\n"];
    let files: Vec<PathBuf> = ["one.csv", "two.csv"].map(|name| folder.path().join(name)).into();
    files.iter().zip(texts).for_each(|(path, text)| std::fs::write(path, text).unwrap());
    let table = SliceSource::new("topics").text("id", &["1", "2"]).text("about", &["war", "sport"]);
    let about = ItemTopicsSchema::new("id", TopicColumn::single("about"));
    let topics = ItemTopics::read(table, &about).unwrap();
    let schema = LogSchema::new().viewer("who").arm("feed").item("item");
    let job = TallyJob::new(files, schema, TallySpec::default()).item_topics(&topics);
    let done = job.run().unwrap();
    assert_eq!(done.tally.axes().topics(), ["sport", "war"]);
    assert_eq!(done.tally.impressions(), 4);
}

/// Pairs of two units have the keys of a combined column, from a log and from a job, which reads the
/// columns of both.
#[test]
fn pairs_are_combined_columns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    let rows = "who,week,feed,about\na,1,x,war\na,2,x,sport\nb,1,y,war\nb,1,y,war\na|b,2,y,sport\n";
    std::fs::write(&path, rows).unwrap();
    let schema = LogSchema::new()
        .viewer("who")
        .column("week")
        .arm("feed")
        .topics(TopicColumn::single("about"))
        .combined("both", ["who", "week"]);
    let by = |cluster| TallySpec { cluster, ..TallySpec::default() };
    let pairs = ClusterBy::Viewer.paired(ClusterBy::column("week"));
    let log = ExposureLog::open(&path, &schema).unwrap();
    let tally = Tally::of(&log, &by(pairs.clone())).unwrap();
    assert_eq!(tally.clusters(), 4);
    let combined = Tally::of(&log, &by(ClusterBy::column("both"))).unwrap();
    assert_eq!((tally.keys(), tally.totals()), (combined.keys(), combined.totals()));
    let job = TallyJob::new([path], schema, by(pairs)).run().unwrap();
    assert_eq!(job.tally, tally);
    let of_buckets = ClusterBy::Viewer.hashed(3).paired(ClusterBy::column("week"));
    assert!(matches!(Tally::of(&log, &by(of_buckets)), Err(Error::Parameter { .. })));
}
