//! Files that several threads read, change and write at the same time: nothing is lost, or whoever
//! would lose something is told so. Processes are in `cli/tests/command/at_once.rs`.

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::tempdir;
use tiltmeter::inference::{Monitor, MonitorSpec};
use tiltmeter::job::TallyJob;
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::source::SliceSource;
use tiltmeter::tally::{StratifyBy, Tally, TallySpec};
use tiltmeter::{Attention, Audit, ClusterBy, Error, ExposureLog, MultiLabel, Question};

fn schema() -> LogSchema {
    LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"))
}

fn log(number: usize) -> ExposureLog {
    let who: Vec<String> = (0..8).map(|row| format!("v{number}-{}", row / 2)).collect();
    let who: Vec<&str> = who.iter().map(String::as_str).collect();
    let feed = ["ranked", "ranked", "newest", "newest"].repeat(2);
    let about = ["war", "sport"].repeat(4);
    let source = SliceSource::new("rows");
    let source = source.text("who", &who).text("feed", &feed).text("about", &about);
    ExposureLog::read(source, &schema()).unwrap()
}

fn monitor() -> Monitor {
    let question = Question::between("ranked", "newest").topics(["war"]);
    Monitor::new(MonitorSpec::of(&question, 100).unwrap()).unwrap()
}

/// Eight threads that each open, observe and save: every success is in the file, whatever was refused
/// is told as such and succeeds when it is done again.
#[test]
fn a_save_that_would_lose_observations_is_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("feed.monitor");
    monitor().save(&path).unwrap();
    let refused = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (path, refused) = (&path, &refused);
            scope.spawn(move || {
                let tally = Tally::of(&log(thread), &TallySpec::default()).unwrap();
                loop {
                    let mut mine = Monitor::open(path).unwrap();
                    mine.observe_as(format!("log {thread}"), &tally).unwrap();
                    std::thread::sleep(Duration::from_millis(2));
                    match mine.save(path) {
                        Ok(()) => return,
                        Err(Error::WouldLose { path: told }) => assert_eq!(&told, path),
                        Err(other) => panic!("{other}"),
                    }
                    refused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
    });
    let kept = Monitor::open(&path).unwrap();
    assert_eq!((kept.observations(), kept.clusters()), (8, 32));
    // Two that are sure to have read the same state.
    let [mut first, mut second] = [Monitor::open(&path).unwrap(), Monitor::open(&path).unwrap()];
    for (at, monitor) in [&mut first, &mut second].into_iter().enumerate() {
        monitor.observe(&Tally::of(&log(20 + at), &TallySpec::default()).unwrap()).unwrap();
    }
    first.save(&path).unwrap();
    assert!(matches!(second.save(&path), Err(Error::WouldLose { .. })));
    // Its own state may be saved again and again, and elsewhere.
    first.save(&path).unwrap();
    second.save(folder.path().join("elsewhere")).unwrap();
    // Neither does a new monitor take the place of one that has seen something.
    assert!(matches!(monitor().save(&path), Err(Error::WouldLose { .. })));
    assert_eq!(Monitor::open(&path).unwrap().observations(), 9);
}

/// Eight threads that update, four times each, by two names of one file: all succeed.
#[test]
fn updates_wait_for_one_another() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("feed.monitor");
    monitor().save(&path).unwrap();
    let link = folder.path().join("link");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let paths = [&path, if cfg!(unix) { &link } else { &path }];
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for round in 0..4 {
                    let log = log(thread * 4 + round);
                    let tally = Tally::of(&log, &TallySpec::default()).unwrap();
                    Monitor::update(paths[thread % 2], |its| its.observe(&tally)).unwrap();
                }
            });
        }
    });
    let kept = Monitor::open(&path).unwrap();
    assert_eq!((kept.observations(), kept.clusters()), (32, 128));
    // What fails is not saved, and lets the next one in.
    let again = Tally::of(&log(0), &TallySpec::default()).unwrap();
    let failed = Monitor::update(&path, |its| its.observe(&again));
    assert!(matches!(failed, Err(Error::ObservedTwice { .. })));
    Monitor::update(&path, |_| Ok(())).unwrap();
}

/// A checkpoint that a job works on is not another's.
#[test]
fn a_checkpoint_has_one_job() {
    let folder = tempdir().unwrap();
    let files: Vec<PathBuf> = (0..4)
        .map(|number| {
            let path = folder.path().join(format!("{number}.csv"));
            let rows = format!("who,feed,about\nv{number},ranked,war\nw{number},newest,sport\n");
            fs::write(&path, rows).unwrap();
            path
        })
        .collect();
    let checkpoint = folder.path().join("checkpoint");
    let job = || {
        TallyJob::new(files.clone(), schema(), TallySpec::default())
            .checkpoint(&checkpoint, Duration::ZERO)
    };
    let mut refused = 0;
    let done = job()
        .on_progress(|_| {
            match job().run() {
                Err(Error::InUse { path, .. }) if path == checkpoint => refused += 1,
                other => panic!("{other:?}"),
            }
            ControlFlow::Continue(())
        })
        .run()
        .unwrap();
    assert!(refused > 0);
    assert_eq!(done.tally.impressions(), 8);
    assert_eq!(job().run().unwrap().tally, done.tally, "and then it is free");
}

/// What is said of a tally that it is not made with is refused; what it is made with may be said.
#[test]
fn an_audit_of_a_tally_does_not_contradict_it() {
    let tally = Tally::of(&log(0), &TallySpec::default()).unwrap();
    let question = || Question::between("ranked", "newest");
    let plain = Audit::of_tally(&tally, &question()).run().unwrap();
    let same = question()
        .cluster(ClusterBy::Viewer)
        .multi_label(MultiLabel::Full)
        .strata(StratifyBy::Nothing)
        .attention(Attention::Uniform);
    assert_eq!(
        Audit::of_tally(&tally, &same).run().unwrap().to_json().unwrap(),
        plain.to_json().unwrap()
    );
    let others = [
        (Audit::of_tally(&tally, &question().cluster(ClusterBy::Item)), "cluster"),
        (Audit::of_tally(&tally, &question().cluster(ClusterBy::column("who"))), "cluster"),
        (
            Audit::of_tally(&tally, &question().multi_label(MultiLabel::Fractional)),
            "counting of labels",
        ),
        (Audit::of_tally(&tally, &question().strata(StratifyBy::Stratum)), "stratum"),
    ];
    for (audit, expected) in others {
        match audit.run() {
            Err(Error::OtherTally { what, .. }) => assert_eq!(what, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
    let deeper = Audit::of_tally(&tally, &question().attention(Attention::Logarithmic)).run();
    assert!(matches!(deeper, Err(Error::UnknownAttention { .. })));
    assert!(matches!(
        Audit::of_tally(&tally, &question().second_cluster(ClusterBy::Item)).run(),
        Err(Error::TwoWay { .. })
    ));
}
