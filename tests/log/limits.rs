//! What is longer than it may be: told by file and row, whatever the format, and never held.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;
use tiltmeter::log::{
    FaultReason, Limit, LogSchema, MAX_COLUMNS, MAX_LINE, MAX_VALUE, RowPolicy, TopicColumn,
};
use tiltmeter::source::{LogSource, NdjsonSource, open_source};
use tiltmeter::{Error, ExposureLog};

fn schema() -> LogSchema {
    LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"))
}

fn written(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn refused(path: &Path, limit: Limit, told: &str) {
    let read = || ExposureLog::open(path, &schema());
    let error = read().unwrap_err();
    assert!(matches!(&error, Error::TooLarge { limit: its, .. } if *its == limit), "{error}");
    let said = error.to_string();
    assert!(said.contains(told) && said.contains(limit.mend()), "{said}");
    assert!(said.starts_with(&path.display().to_string()), "{said}");
}

/// A line may have so many bytes, its end included, and no more: plain and packed, delimited and JSON.
#[test]
fn the_longest_line() {
    let csv = |extra: usize| {
        let start = "a,x,war,";
        let rest = "y".repeat(MAX_LINE - start.len() - 1 + extra);
        format!("who,feed,about,note\nb,x,war,z\n{start}{rest}\n").into_bytes()
    };
    let json = |extra: usize| {
        let start = r#"{"who":"a","feed":"x","about":"war","note":""#;
        let rest = "y".repeat(MAX_LINE - start.len() - 3 + extra);
        let first = r#"{"who":"b","feed":"x","about":"war"}"#;
        format!("{first}\n{start}{rest}\"}}\n").into_bytes()
    };
    type Text<'t> = &'t dyn Fn(usize) -> Vec<u8>;
    for (name, text) in [("log.csv", &csv as Text<'_>), ("log.ndjson", &json)] {
        for (name, bytes) in [(name.to_owned(), text(0)), (format!("{name}.gz"), packed(&text(0)))]
        {
            let (_folder, path) = written(&name, &bytes);
            assert_eq!(ExposureLog::open(&path, &schema()).unwrap().rows(), 2, "{name}");
        }
        for (name, bytes) in [(name.to_owned(), text(1)), (format!("{name}.gz"), packed(&text(1)))]
        {
            let (_folder, path) = written(&name, &bytes);
            refused(&path, Limit::Line, "a line of more than 1,048,576 bytes (MAX_LINE) in row 2");
        }
    }
}

#[test]
fn lines_without_an_end() {
    // Some kilobytes that come to 64 MiB.
    let long = packed(&vec![b'x'; 64 << 20]);
    let head = packed(b"who,feed,about\n");
    let (_folder, path) = written("log.csv.gz", &[head, long.clone()].concat());
    refused(&path, Limit::Line, "in row 1");
    let (_folder, path) = written("log.csv.gz", &long);
    refused(&path, Limit::Line, "in the header");
    let (_folder, path) = written("log.ndjson.gz", &long);
    refused(&path, Limit::Line, "in row 1");
    // A quote that is never closed holds the lines after it.
    let quoted = format!("who,feed,about\na,x,\"war\n{}", "b,x,war\n".repeat(MAX_LINE / 8));
    let (_folder, path) = written("log.csv", quoted.as_bytes());
    refused(&path, Limit::Line, "in row 1");
}

#[test]
fn the_longest_value() {
    for (name, column) in [("who", 0), ("feed", 1), ("about", 2)] {
        let text = |bytes: usize| {
            let mut fields = ["a".to_owned(), "x".to_owned(), "war".to_owned()];
            fields[column] = "y".repeat(bytes);
            format!("who,feed,about\nb,x,war\n{}\n", fields.join(","))
        };
        let (_folder, path) = written("log.csv", text(MAX_VALUE).as_bytes());
        assert_eq!(ExposureLog::open(&path, &schema()).unwrap().rows(), 2);
        let (_folder, path) = written("log.csv", text(MAX_VALUE + 1).as_bytes());
        let Err(Error::Row(fault)) = ExposureLog::open(&path, &schema()) else { panic!() };
        let found = (&*fault.column, fault.row, fault.reason, fault.value.len());
        assert_eq!(found, (name, 2, FaultReason::ValueTooLong, 200));
        let log = ExposureLog::open(&path, &schema().rows(RowPolicy::SetAside)).unwrap();
        assert_eq!((log.rows(), log.origin().set_aside.rows), (1, 1));
    }
    // Of a list, all topics together.
    let list = vec!["\"topic\""; MAX_VALUE / 4].join(",");
    let lines = format!("{{\"feed\":\"x\",\"about\":[{list}]}}\n");
    let (_folder, path) = written("log.ndjson", lines.as_bytes());
    let schema = LogSchema::new().arm("feed").topics(TopicColumn::single("about"));
    let Err(Error::Row(fault)) = ExposureLog::open(&path, &schema) else { panic!() };
    assert_eq!((&*fault.column, fault.reason), ("about", FaultReason::ValueTooLong));
}

#[test]
fn the_most_columns() {
    let names = |count: usize| (0..count).map(|at| format!("{at:x}")).collect::<Vec<_>>();
    let (_folder, path) = written("log.csv", (names(MAX_COLUMNS).join(",") + "\n").as_bytes());
    assert_eq!(open_source(&path, None).unwrap().column_names().len(), MAX_COLUMNS);
    let (_folder, path) = written("log.csv", (names(MAX_COLUMNS + 1).join(",") + "\n").as_bytes());
    refused(&path, Limit::Columns, "more than 65,536 columns (MAX_COLUMNS) in the header");
    // Each line has few keys, all of them many.
    let pair = |names: &[String]| format!("{{\"{}\":1,\"{}\":2}}\n", names[0], names[1]);
    let lines: String = names(MAX_COLUMNS + 2).chunks(2).map(pair).collect();
    let (_folder, path) = written("log.ndjson", lines.as_bytes());
    refused(&path, Limit::Columns, "up to row 32769");
}

/// A key that plays a role has one value in a line; what stands in others is nobody's business.
#[test]
fn a_key_that_stands_twice() {
    let read = |line: &str| {
        let source = NdjsonSource::from_reader("inline", std::io::Cursor::new(line.to_owned()));
        ExposureLog::read(source.unwrap(), &LogSchema::new().arm("feed").viewer("who"))
    };
    let twice = "{\"feed\":\"x\",\"who\":1}\n{\"feed\":\"x\",\"who\":2,\"\\u0066eed\":\"x\"}\n";
    let Err(Error::Row(fault)) = read(twice) else { panic!() };
    assert_eq!((&*fault.column, fault.row), ("feed", 2));
    assert_eq!(fault.reason, FaultReason::RepeatedKey);
    let log = read(r#"{"feed":"x","who":1,"note":{"a":1,"a":2},"note":[[]]}"#).unwrap();
    assert_eq!(log.rows(), 1);
}

/// Sixty thousand columns, of which each is read: looked for one in all the others, they would take a
/// minute and more.
#[test]
fn many_columns_are_found_at_once() {
    let count = 60_000;
    let names: Vec<String> = (0..count).map(|at| format!("{at}")).collect();
    let header = names.join(",");
    let line = vec!["1"; count].join(",");
    let (_folder, path) = written("log.csv", format!("{header}\n{line}\n{line}\n").as_bytes());
    let schema = names.iter().fold(LogSchema::new(), |schema, name| schema.column(name));
    assert_eq!(ExposureLog::open(&path, &schema).unwrap().rows(), 2);
    let keys: Vec<String> = names.iter().map(|name| format!("\"{name}\":1")).collect();
    let (_folder, path) = written("log.ndjson", format!("{{{}}}\n", keys.join(",")).as_bytes());
    assert_eq!(ExposureLog::open(&path, &schema).unwrap().rows(), 1);
}

/// A footer says its length in the last bytes of the file, before anything of it is read.
#[cfg(feature = "parquet")]
#[test]
fn the_largest_footer() {
    use tiltmeter::log::MAX_FOOTER;
    let schema = LogSchema::new().viewer("who");
    let says = |length: u32| [&length.to_le_bytes()[..], b"PAR1"].concat();
    let long = [vec![0; MAX_FOOTER + 1], says(MAX_FOOTER as u32 + 1)].concat();
    let (_folder, path) = written("log.parquet", &long);
    refused(&path, Limit::Footer, "a footer of more than 67,108,864 bytes (MAX_FOOTER)");
    // Longer than the file is damage, whatever the length.
    let (_folder, path) = written("log.parquet", &[&b"PAR1"[..], &says(u32::MAX)].concat());
    let refused = ExposureLog::open(&path, &schema).unwrap_err();
    assert!(matches!(refused, Error::Damaged { .. }), "{refused}");
}
