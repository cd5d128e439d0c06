//! A tally of more impressions than fit into memory, and where its time goes.
//!
//! ```text
//! cargo run --release -p tiltmeter-studies --bin out_of_core -- --rows 1000000000 --folder FOLDER
//! ```
//!
//! makes Parquet files of so many made-up impressions in the folder, unless they are there, and
//! tallies them: by 1,024 hash buckets of viewers, or with `--per-viewer` in a row for each. Without
//! arguments it makes 4 million impressions in a folder that goes away. Files are made 10 million
//! impressions at a time by shifting the viewers of the first 10 million, so that 100 of a file's
//! rows are one viewer's, and no viewer is in two files. With `--checkpoint FILE` the tally is saved
//! every few seconds; run again after it was killed, it goes on from there.

use std::error::Error;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::types::Int32Type;
use arrow_array::{Int64Array, RecordBatch};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tiltmeter::job::{TallyJob, log_files};
use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::tally::TallySpec;
use tiltmeter::{Audit, ClusterBy, Question};

const FILE_ROWS: u64 = 10_000_000;
const ROWS_PER_VIEWER: u64 = 100;
const TOPICS: u64 = 50;

type Failure = Box<dyn Error>;

/// A tally of more impressions than fit into memory, and where its time goes.
#[derive(Parser)]
struct Options {
    /// How many impressions.
    #[arg(long, value_parser = rows, default_value = "4000000")]
    rows: u64,
    /// Where their files are, or are made; a folder that goes away by default.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Tallies in a row for each viewer, not by hash buckets.
    #[arg(long)]
    per_viewer: bool,
    /// The memory that tallying may take.
    #[arg(long, default_value_t = 1024)]
    memory_mib: usize,
    /// Saves the tally every few seconds, and goes on from there.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Makes the files and nothing else.
    #[arg(long)]
    only_make: bool,
}

/// A number of rows, which may be written in groups: 1_000_000.
fn rows(text: &str) -> Result<u64, String> {
    match text.replace('_', "").parse() {
        Ok(0) => Err("at least 1".to_owned()),
        Ok(rows) => Ok(rows),
        Err(cause) => Err(format!("{cause}")),
    }
}

fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let temporary = tempfile::tempdir()?;
    let folder = options.folder.as_deref().unwrap_or(temporary.path());
    if options.only_make {
        return make(options.rows, folder);
    }
    // In a process of its own, so that the peak of memory is that of tallying.
    let mut maker = std::process::Command::new(std::env::current_exe()?);
    maker.args(["--only-make", "--rows", &options.rows.to_string(), "--folder"]).arg(folder);
    if !maker.status()?.success() {
        return Err("the files could not be made".into());
    }
    tally(&options, folder)
}

fn tally(options: &Options, folder: &Path) -> Result<(), Failure> {
    let mut files = log_files(folder)?;
    files.truncate(options.rows.div_ceil(FILE_ROWS) as usize);
    let bytes: u64 = files.iter().filter_map(|file| Some(file.metadata().ok()?.len())).sum();
    let schema = LogSchema::new().viewer("viewer").arm("arm").topics(TopicColumn::single("topic"));
    let bar = ProgressBar::new(options.rows);
    let style =
        ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} rows, {eta} left")?;
    bar.set_style(style);
    let cluster = match options.per_viewer {
        true => ClusterBy::Viewer,
        false => ClusterBy::Viewer.hashed(10),
    };
    let by = cluster.to_string();
    let spec = TallySpec { cluster, ..TallySpec::default() };
    let memory = options.memory_mib << 20;
    let mut job = TallyJob::new(files, schema, spec).memory(memory);
    if let Some(path) = &options.checkpoint {
        job = job.checkpoint(path, Duration::from_secs(5));
    }
    let started = Instant::now();
    let done = job
        .on_progress(|progress| {
            bar.set_position(progress.rows);
            ControlFlow::Continue(())
        })
        .run()?;
    let seconds = started.elapsed().as_secs_f64();
    bar.finish_and_clear();

    let rows = done.tally.impressions() as f64;
    println!("{rows:.0} impressions from {:.2} GB of Parquet, by {by}", bytes as f64 / 1e9,);
    println!("  {seconds:.1} s, {:.1} million impressions a second", rows / seconds / 1e6);
    let per_row = |time: Duration| time.as_secs_f64() / rows * 1e9;
    println!(
        "  thread time per impression: {:.2} ns reading, {:.2} ns tallying, {:.2} ns merging",
        per_row(done.times.read),
        per_row(done.times.tally),
        per_row(done.times.merge)
    );
    println!(
        "  {} clusters, {} sums, {:.1} MB",
        done.tally.clusters(),
        done.tally.entries(),
        done.tally.bytes() as f64 / 1e6
    );
    if let Some(peak) = peak_memory() {
        println!("  peak memory {:.0} MiB, of {} allowed", peak, options.memory_mib);
    }
    let audit = Question::between("a", "b");
    println!("{}", Audit::of_tally(&done.tally, &audit.topics(["topic_00", "topic_25"])).run()?);
    // What was asked is told.
    done.remove_checkpoint()?;
    Ok(())
}

/// Makes the files that are not there yet.
fn make(rows: u64, folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    let files = rows.div_ceil(FILE_ROWS);
    for file in 0..files {
        let path = folder.join(format!("log-{file:04}.parquet"));
        let rows = FILE_ROWS.min(rows - file * FILE_ROWS);
        if !path.exists() {
            write(&path, file, rows)?;
        }
    }
    Ok(())
}

fn write(path: &Path, file: u64, rows: u64) -> Result<(), Failure> {
    const GROUP: u64 = 1_000_000;
    let unfinished = path.with_extension("part");
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(GROUP as usize))
        .build();
    let mut writer = None;
    for first in (0..rows).step_by(GROUP as usize) {
        let batch = batch(file, first..rows.min(first + GROUP))?;
        let open = match &mut writer {
            Some(open) => open,
            None => writer.insert(ArrowWriter::try_new(
                File::create(&unfinished)?,
                batch.schema(),
                Some(properties.clone()),
            )?),
        };
        open.write(&batch)?;
    }
    if let Some(writer) = writer {
        writer.close()?;
    }
    std::fs::rename(&unfinished, path)?;
    Ok(())
}

/// Impressions of a file: viewers in any order, low topics more often in arm a.
fn batch(file: u64, rows: std::ops::Range<u64>) -> Result<RecordBatch, Failure> {
    let viewers = FILE_ROWS / ROWS_PER_VIEWER;
    let mut viewer = Vec::with_capacity((rows.end - rows.start) as usize);
    let mut arm = StringDictionaryBuilder::<Int32Type>::new();
    let mut topic = StringDictionaryBuilder::<Int32Type>::new();
    let names: Vec<String> = (0..TOPICS).map(|topic| format!("topic_{topic:02}")).collect();
    for row in rows {
        let random = mix(row);
        let of_file = random % viewers;
        let in_a = mix(of_file) & 1 == 0;
        // Between 0 and 1, nearer to 0; in arm a a little more so.
        let draw = (random >> 32) as f64 / f64::from(u32::MAX);
        let draw = draw.powf(if in_a { 2.1 } else { 2.0 });
        viewer.push((file * viewers + of_file) as i64);
        arm.append_value(if in_a { "a" } else { "b" });
        topic.append_value(&names[((draw * TOPICS as f64) as usize).min(TOPICS as usize - 1)]);
    }
    let viewer = Arc::new(Int64Array::from(viewer));
    let (arm, topic) = (Arc::new(arm.finish()), Arc::new(topic.finish()));
    Ok(RecordBatch::try_from_iter([
        ("viewer", viewer as _),
        ("arm", arm as _),
        ("topic", topic as _),
    ])?)
}

/// SplitMix64's finishing function: numbers that look random.
fn mix(number: u64) -> u64 {
    let mut word = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// The most memory that this process has held, in MiB, where the system says.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}
