//! Jobs in little memory: what does not fit is refused before it is there, and what fits is the same as
//! ever.
#![cfg(feature = "parquet")]

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel};
use parquet::file::properties::WriterProperties;
use tempfile::TempDir;
use tiltmeter::job::{MIN_MEMORY, TallyJob};
use tiltmeter::log::{Limit, LogSchema, TopicColumn};
use tiltmeter::tally::{ClusterBy, StratifyBy, Tally, TallySpec, WindowBy};
use tiltmeter::{Error, ExposureLog};

fn schema() -> LogSchema {
    LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"))
}

fn csv(header: &str, rows: impl Iterator<Item = String>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    let text = [header.to_owned()].into_iter().chain(rows).collect::<Vec<_>>().join("\n");
    std::fs::write(&path, text + "\n").unwrap();
    (folder, path)
}

/// Cells that the memory of the job does not hold: squares alone would take 288 MB here.
#[test]
fn many_arms_and_topics_are_refused() {
    let rows = (0..20_000).map(|row| format!("{},arm {1},topic {1}", row % 50, row % 3_000));
    let (_folder, path) = csv("who,feed,about", rows);
    let job = TallyJob::new([path], schema(), TallySpec::default()).memory(MIN_MEMORY);
    let error = job.run().unwrap_err();
    let Error::MemoryLimit { needed, limit, .. } = error else { panic!("{error}") };
    assert_eq!(limit, MIN_MEMORY);
    assert!(needed > MIN_MEMORY);
}

/// Chunks whose tallies would be too large are tallied in slices: the same sums as of all at once.
#[test]
fn slices_do_not_show() {
    let rows = (0..40_000_usize).map(|row| {
        let mixed = row.wrapping_mul(2_654_435_761) >> 7;
        format!("{},{},{},{}", mixed % 700, mixed % 60, mixed / 64 % 50, mixed / 4096 % 40)
    });
    let (_folder, path) = csv("who,feed,about,land", rows);
    let schema = schema().stratum("land");
    let spec = TallySpec { strata: StratifyBy::Stratum, ..TallySpec::default() };
    let whole = Tally::of(&ExposureLog::open(&path, &schema).unwrap(), &spec).unwrap();
    assert_eq!(whole.axes().cells(), 60 * 40 * 52);
    let job = TallyJob::new([path], schema, spec).memory(MIN_MEMORY);
    assert_eq!(job.run().unwrap().tally, whole);
}

/// Names of 60 KiB each: a few hundred fit, and more are refused.
#[test]
fn long_names_are_counted() {
    let rows = |count: usize| {
        (0..count).map(|row| format!("{row},{},{row}{}", row % 2, "x".repeat(60_000)))
    };
    let spec = TallySpec::default;
    let (_folder, path) = csv("who,feed,about", rows(60));
    let job = TallyJob::new([path], schema(), spec()).memory(MIN_MEMORY);
    assert_eq!(job.run().unwrap().tally.axes().topics().len(), 60);
    let (_folder, path) = csv("who,feed,about", rows(1_500));
    let job = TallyJob::new([path], schema(), spec()).memory(MIN_MEMORY);
    let error = job.run().unwrap_err();
    assert!(matches!(error, Error::MemoryLimit { .. }), "{error}");
}

fn parquet(rows: usize, text: bool) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    let who: ArrayRef = match text {
        true => {
            Arc::new((0..rows).map(|row| Some(format!("viewer {row}"))).collect::<StringArray>())
        }
        false => Arc::new(Int64Array::from(vec![7; rows])),
    };
    let feed: StringArray = (0..rows).map(|row| Some(["a", "b"][row % 2])).collect();
    let columns: [(&str, ArrayRef); 3] =
        [("who", who), ("feed", Arc::new(feed.clone())), ("about", Arc::new(feed))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder()
        .set_column_dictionary_enabled("who".into(), false)
        .set_data_page_size_limit(usize::MAX)
        .set_data_page_row_count_limit(usize::MAX)
        .set_write_batch_size(usize::MAX)
        .set_max_row_group_row_count(None)
        .set_compression(Compression::GZIP(GzipLevel::try_new(1).unwrap()))
        .build();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    (folder, path)
}

/// A page is decoded as a whole: one that does not fit is refused before, with what it would take.
#[test]
fn large_pages() {
    for text in [false, true] {
        let (_folder, path) = parquet(3_000_000, text);
        let job =
            |bytes| TallyJob::new([path.clone()], schema(), TallySpec::default()).memory(bytes);
        let error = job(MIN_MEMORY).run().unwrap_err();
        let Error::MemoryLimit { needed, file: Some(file), .. } = &error else { panic!("{error}") };
        assert!(file.contains("log.parquet"), "{file}");
        if !text {
            assert_eq!(job(*needed).run().unwrap().tally.impressions(), 3_000_000);
        }
    }
    let (_folder, path) = parquet((128 << 17) + 1, false);
    let error = ExposureLog::open(&path, &schema()).unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: Limit::Page, .. }), "{error}");
    assert!(error.to_string().contains("in column \"who\", row group 1"), "{error}");
}

/// Impressions have no ids by which parts of a log could be added: a log by them is tallied as one, or not.
#[test]
fn a_log_by_impressions_is_one_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    // With times, half a million rows are more than are read at a time, and their tally is small enough to be kept.
    let row = |row: u64| format!("viewer {row},{},t,2026-03-01\n", row % 2);
    std::fs::write(
        &path,
        format!("who,feed,about,at\n{}", (0..600_000).map(row).collect::<String>()),
    )
    .unwrap();
    let windows = WindowBy::days(7);
    let spec = TallySpec { cluster: ClusterBy::Impression, windows, ..TallySpec::default() };
    let schema = schema().iso_time("at");
    let job =
        |memory| TallyJob::new([path.clone()], schema.clone(), spec.clone()).memory(memory).run();
    let error = job(MIN_MEMORY).unwrap_err();
    assert!(matches!(error, Error::UnmergeableClusters { .. }), "{error}");
    assert!(error.to_string().contains("more memory"), "{error}");
    assert_eq!(job(1 << 30).unwrap().tally.clusters(), 600_000);
}

/// Two files of a log by impressions are two parts.
#[test]
fn logs_by_impressions_are_not_added() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["a.csv", "b.csv"].map(|name| folder.path().join(name));
    for path in &files {
        std::fs::write(path, format!("who,feed,about\nviewer {},0,t\n", path.display())).unwrap();
    }
    let spec = TallySpec { cluster: ClusterBy::Impression, ..TallySpec::default() };
    let error = TallyJob::new(files, schema(), spec).run().unwrap_err();
    assert!(matches!(error, Error::UnmergeableClusters { .. }), "{error}");
}
