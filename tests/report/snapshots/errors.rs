//! Every error, with what it says.

use std::io;
use std::path::{Path, PathBuf};

use tiltmeter::evidence::{EvidenceFault, EvidenceFaultKind, Sha256};
use tiltmeter::log::{ClusterKey, FaultReason, Limit, Role, RowFault};
use tiltmeter::statistic::{Cell, Side};
use tiltmeter::tally::{TableFault, TableFaultReason};
use tiltmeter::{Error, NoInterval, StatisticFault};

use super::{parts, said};

fn text(text: &str) -> String {
    text.to_owned()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn path() -> PathBuf {
    "logs/log.csv".into()
}

fn file() -> String {
    text("logs/log.csv")
}

/// Of reading files.
fn of_files() -> Vec<Error> {
    let row = RowFault {
        file: file(),
        column: text("rank"),
        row: 7,
        value: text("-1\u{1b}"),
        reason: FaultReason::PositionOutOfRange,
    };
    vec![
        Error::Io {
            path: path(),
            cause: io::Error::new(io::ErrorKind::NotFound, "it is not there"),
        },
        Error::UnknownFormat { path: "log.xls".into(), known: ".csv" },
        Error::Damaged {
            file: file(),
            format: "gzip",
            place: text(" after row 3"),
            detail: text("it ends"),
        },
        Error::TooLarge { file: file(), limit: Limit::Line, place: text(" in row 3") },
        Error::Codec { file: file(), column: text("feed"), codec: text("LZO") },
        Error::MissingColumn {
            file: file(),
            column: text("feed"),
            role: Role::Arm,
            available: texts(&["who", "about"]),
        },
        Error::RepeatedColumn { file: file(), column: text("who") },
        Error::ColumnType {
            file: file(),
            column: text("rank"),
            role: Role::Position,
            expected: "whole numbers",
            found: text("text"),
            mend: "cast it",
        },
        Error::Unwritable { file: file(), column: text("who"), detail: text("text and numbers") },
        Error::Row(Box::new(row)),
        Error::ColumnLength { file: file(), column: text("who"), found: 3, expected: 4 },
        Error::EmptyLog { file: file(), set_aside: 2 },
        Error::NoRecords {
            file: file(),
            found: text("there is nothing at \"rows\""),
            available: vec![text("results")],
            mend: "say where the rows are (LogSchema::records, --records PATH)",
        },
        Error::Version { file: file(), what: "tally", found: text("9"), expected: "1" },
        Error::NoFiles { path: path() },
        Error::RepeatedFile { path: path() },
        Error::SamePart { first: path(), second: "b.csv".into(), how: "the same bytes" },
        Error::UnreadInFolder { path: path() },
        Error::ChangedWhileRead { path: path() },
        Error::TooManyIds,
        Error::KeyCollision { first: text("a"), second: text("b") },
        Error::Frame { detail: text("no column") },
        Error::Report { detail: text("no JSON") },
    ]
}

fn of_rows() -> Vec<Error> {
    vec![
        Error::NoOrder { file: file(), rows: 2 },
        Error::Query { detail: text("no table \"accounts\""), tables: texts(&["log"]) },
        Error::NoSql { query: text("SELECT * FROM log") },
        Error::RepeatedKey { file: file(), column: text("who"), key: text("ann") },
        Error::AllLeftOut { file: text("2 files"), rows: 60, asked: text("\"country\" is \"xx\"") },
        Error::NothingKept {
            file: file(),
            column: text("country"),
            asked: text("\"country\" is \"xx\""),
            available: (0..23).map(|at| format!("c{at}")).collect(),
        },
    ]
}

/// Of questions that cannot be asked of what there is.
fn of_questions() -> Vec<Error> {
    let (war, names) = (|| text("war"), || texts(&["music", "sport"]));
    vec![
        Error::MissingRole { role: Role::Slate, needed_by: text("the baseline") },
        Error::UnknownColumn { column: text("week"), available: names() },
        Error::UnknownArm { arm: text("x"), available: names() },
        Error::SameArm { arm: text("x") },
        Error::UnknownTopic { topic: war(), available: vec![] },
        Error::MemberOfTwoGroups { member: text("m"), first: text("a"), second: text("b") },
        Error::RepeatedGroup { group: text("a") },
        Error::UnknownGroup { group: text("a"), members: 3, available: names() },
        Error::InGroup {
            group: text("\"country\" is \"x\""),
            cause: Box::new(Error::SameArm { arm: text("x") }),
        },
        Error::NoSuchEstimate { topic: war(), group: vec![text("country x")] },
        Error::SeveralEstimates { topic: war(), first: text("one"), second: text("other") },
        Error::UnknownAttention { attention: text("top 3"), available: names() },
        Error::OtherTally { what: "cluster", said: text("viewer"), tally: text("item") },
        Error::NoTopics,
        Error::NoLabels { correction: text("labels by hand alone") },
        Error::Unstated { what: "baseline", call: "Question::between or Question::against" },
        Error::NotLookedAt { by: "a waterfall", part: "statistics", said: text("odds_ratio") },
        Error::RepeatedCandidate { table: text("c.csv"), item: text("i"), pool: text("s1") },
        Error::BaselineLacks {
            baseline: text("the supply"),
            needs: "a table of items",
            mend: "give it",
        },
        Error::NotInReference { reference: text("poll"), topic: war(), available: names() },
        Error::Candidates { detail: text("no item") },
        Error::OutOfOrder {
            file: file(),
            row: 3,
            time: text("2024-01-01T00:00:00Z"),
            detail: text("before row 2"),
            disorder: 0,
        },
        Error::CandidatesOutOfOrder {
            file: file(),
            row: 3,
            slate: text("s1"),
            detail: "come twice",
        },
        Error::PolicyWeight { policy: text("mine"), weight: text("NaN") },
        Error::Parameter { parameter: "level", value: text("2"), expected: "in (0, 1)" },
        Error::Rows { name: "a table".into(), row: 3, cause: "the connection was closed".into() },
        Error::UnknownStratum { stratum: "de".into(), available: texts(&["fr", "it"]) },
        Error::StandardStrata { statistic: "mine", missing: texts(&["de"]), unknown: vec![] },
        Error::RowsOfSeveral { what: text("a replay") },
        Error::NoStrata { what: text("the test") },
        Error::GivenRow { what: "the reward", row: 3, value: -1.5, expected: "finite" },
        Error::PValue { position: 2, value: 1.5 },
        Error::Pilot { reason: NoInterval::SingleCluster },
        Error::ClusterInTwoBlocks {
            cluster: ClusterKey::of("a"),
            first: text("de"),
            second: text("at"),
        },
    ]
}

/// Of tallies and monitors.
fn of_tallies() -> Vec<Error> {
    let table = TableFault {
        file: text("t.parquet"),
        column: text("mass"),
        row: 2,
        value: text("-3"),
        reason: TableFaultReason::Negative,
    };
    let evidence = EvidenceFault { file: "bundle".into(), why: EvidenceFaultKind::NoManifest };
    vec![
        Error::TwoWay { detail: text("other topics") },
        Error::Unmergeable { what: "the cluster", first: text("viewer"), second: text("item") },
        Error::ObservedTwice { cluster: 7, label: text("tuesday") },
        Error::WouldLose { path: "a.monitor".into() },
        Error::InUse { path: "a.tally".into(), what: "checkpoint" },
        Error::OtherStream {
            label: text("tuesday"),
            what: "cluster",
            found: text("item"),
            expected: text("viewer"),
        },
        Error::Table(Box::new(table)),
        Error::TableColumn {
            file: text("t.parquet"),
            column: text("mass"),
            expected: "whole numbers",
            found: text("text"),
            mend: "cast it",
        },
        Error::TableSpec {
            file: text("t.parquet"),
            found: text("nothing"),
            expected: text("a spec"),
        },
        Error::Evidence(Box::new(evidence)),
        Error::NotInSql { dialect: "Spark", what: text("cascade"), mend: "take another" },
        Error::UnmergeableClusters { cluster: text("impression") },
        Error::SumTooLarge {
            what: "the mass",
            first: text("1"),
            second: text("2"),
            largest: text("2"),
        },
    ]
}

/// Of jobs, and of what is too large.
fn of_jobs() -> Vec<Error> {
    vec![
        Error::OtherJob { path: "a.tally".into(), difference: text("other files") },
        Error::Stopped { parts: 1, of_parts: 3, saved: None },
        Error::Stopped { parts: 1, of_parts: 3, saved: Some("a.tally".into()) },
        Error::MemoryLimit {
            file: None,
            what: "the tally so far",
            needed: 9,
            limit: 8,
            mend: "tally less",
        },
        Error::MemoryLimit {
            file: Some(file()),
            what: "a page",
            needed: 9,
            limit: 8,
            mend: "write smaller ones",
        },
        Error::TooManyCells { arms: 2, strata: 3, windows: 4, topics: 5 },
        Error::TooManyTotals { totals: 9, of: 8, each: "clusters", strata: 3 },
    ]
}

/// Of statistics from outside the library.
fn of_statistics() -> Vec<StatisticFault> {
    let totals = || vec![1.0, 2.0];
    vec![
        StatisticFault::NoName,
        StatisticFault::TakenName,
        StatisticFault::SharedName { topic: None },
        StatisticFault::SharedName { topic: Some(text("war")) },
        StatisticFault::Cells { detail: text("none") },
        StatisticFault::Null { value: f64::NAN },
        StatisticFault::Value { value: f64::INFINITY, totals: (0..14).map(f64::from).collect() },
        StatisticFault::GradientLength { found: 1, expected: 2, totals: totals() },
        StatisticFault::Derivative { by: Cell::TWO_ARMS[0], value: f64::NAN, totals: totals() },
        StatisticFault::Term { side: Side::Treatment, share: 0.5, totals: totals() },
        StatisticFault::Terms { terms: 1.0, value: 2.0, totals: totals() },
        StatisticFault::Variance { which: "extra_variance", value: -1.0, totals: totals() },
        StatisticFault::Overflow { what: "a variance", value: f64::INFINITY },
    ]
}

/// Of bundles.
fn of_bundles() -> Vec<EvidenceFaultKind> {
    vec![
        EvidenceFaultKind::Exists,
        EvidenceFaultKind::InputOutside,
        EvidenceFaultKind::LinkedOutside,
        EvidenceFaultKind::InputChanged { before: Sha256::of(b"a"), after: Sha256::of(b"b") },
        EvidenceFaultKind::InputsChanged { before: 2, after: 3 },
        EvidenceFaultKind::LeadsOut { name: text("../a") },
        EvidenceFaultKind::Repeated { name: text("a") },
        EvidenceFaultKind::NoManifest,
        EvidenceFaultKind::Manifest { detail: text("no JSON") },
        EvidenceFaultKind::TooLarge { bytes: 9, most: 8 },
        EvidenceFaultKind::Zip { detail: text("it ends") },
        EvidenceFaultKind::NoZip,
    ]
}

/// Of rows of a tally's table.
fn of_tables() -> Vec<TableFaultReason> {
    use TableFaultReason as Reason;
    vec![
        Reason::Null,
        Reason::NotWhole,
        Reason::NotAKey,
        Reason::NotABucket,
        Reason::UnknownKind,
        Reason::UnknownName,
        Reason::Unexpected,
        Reason::NotAWindow,
        Reason::Repeated,
        Reason::NotPositive,
        Reason::Negative,
        Reason::TooLarge,
        Reason::MoreThanWhole,
        Reason::NoTotal,
        Reason::TotalDiffers,
    ]
}

/// The name of a value's variant.
fn name(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

/// Each with its variant's name; every variant of the enum, which is looked up in the sources.
fn told<T: std::fmt::Debug>(of: &str, all: &[T], say: impl Fn(&T) -> String) -> String {
    let mut unsaid = variants(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), of);
    assert!(!unsaid.is_empty(), "no enum {of} in src");
    unsaid.retain(|variant| !all.iter().any(|its| name(its) == *variant));
    assert!(unsaid.is_empty(), "nothing is said of {unsaid:?} of {of}");
    all.iter().map(|its| format!("{}\n    {}\n", name(its), say(its))).collect()
}

/// The variants of the enum of this name, wherever below the folder it is.
fn variants(folder: &Path, of: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(variants(&path, of));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        if !text.contains(&format!("pub enum {of} {{")) {
            continue;
        }
        for item in syn::parse_file(&text).unwrap().items {
            match item {
                syn::Item::Enum(its) if its.ident == of => {
                    found.extend(its.variants.iter().map(|variant| variant.ident.to_string()));
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn errors() {
    let all: Vec<Error> = [of_files(), of_rows(), of_questions(), of_tallies(), of_jobs()]
        .into_iter()
        .flatten()
        .chain([Error::NoGlyphs { characters: "Ж\"漢".chars().collect() }])
        .chain([Error::Statistic { statistic: text("mine"), fault: StatisticFault::NoName }])
        .collect();
    let text = parts(&[
        ("Error", told("Error", &all, ToString::to_string)),
        ("StatisticFault", told("StatisticFault", &of_statistics(), ToString::to_string)),
        ("EvidenceFaultKind", told("EvidenceFaultKind", &of_bundles(), ToString::to_string)),
        ("TableFaultReason", told("TableFaultReason", &of_tables(), |its| its.mend().to_owned())),
    ]);
    // Which endings are known depends on what is compiled in.
    let text_files = ".csv, .tsv, .json, .ndjson, .jsonl (each with .gz or .zst too)";
    let fewer = ".csv, .tsv, .json, .ndjson, .jsonl (each with .gz too)";
    let known = [
        format!("{text_files}, .parquet and .xlsx"),
        format!("{text_files} and .parquet; .xlsx needs the feature `xlsx`"),
        format!("{text_files}; .parquet needs the feature `parquet`"),
        format!("{fewer}; .parquet needs the feature `parquet`"),
    ];
    let endings = |text: String, known: &String| text.replace(known, "ENDINGS");
    said("errors", &known.iter().fold(text, endings));
}
