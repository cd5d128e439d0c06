//! What benches and scoreboard work on: a made-up log, the jobs, and other ways to do them.
//! It times nothing.

pub(crate) mod by_hand;
#[cfg(feature = "polars")]
pub(crate) mod frames;
pub(crate) mod text;

use tiltmeter::inference::Bootstrap;
use tiltmeter::job::TallyJob;
use tiltmeter::log::{Batch, Column, LogSchema, LogSource, TextColumn, TopicColumn};
use tiltmeter::tally::{Tally, TallySpec, Totals};
use tiltmeter::{Attention, Audit, AuditReport, ClusterBy, Error, ExposureLog, Interval, Question};

/// The arms of every log.
pub(crate) const ARMS: [&str; 2] = ["a", "b"];

const BATCH: usize = 1 << 16;

/// Items with the same first topic, in a log with several topics for an impression.
const ITEMS: u64 = 8;

/// The size of a log and what is special about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) rows: usize,
    pub(crate) viewers: u32,
    pub(crate) topics: u32,
    /// Topics of an impression.
    pub(crate) labels: u32,
    /// Whether all rows of a viewer stand together.
    pub(crate) sorted: bool,
    /// Whether rows have a position, from 1 to 20.
    pub(crate) ranked: bool,
}

impl Shape {
    /// 100 impressions for each viewer, 50 topics, one for each impression, rows in any order.
    pub(crate) fn of(rows: usize) -> Self {
        let viewers = u32::try_from((rows / 100).max(10)).unwrap_or(u32::MAX);
        Self { rows, viewers, topics: 50, labels: 1, sorted: false, ranked: false }
    }
}

/// Random numbers (SplitMix64; Steele, Lea and Flood 2014).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    pub(crate) fn below(&mut self, end: u32) -> u32 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u32
    }
}

/// A log as columns of codes from 0: what the other ways to do a job start from.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    pub(crate) shape: Shape,
    pub(crate) viewer: Vec<u32>,
    pub(crate) arm: Vec<u32>,
    /// The topic of the row; with several, the first of them.
    pub(crate) topic: Vec<u32>,
}

impl Columns {
    /// Viewers drawn alike, each in one arm; topics by Zipf's law with another exponent in each.
    pub(crate) fn make(shape: Shape) -> Self {
        let mut random = Random::seeded(1);
        let mut viewer: Vec<u32> = (0..shape.rows).map(|_| random.below(shape.viewers)).collect();
        if shape.sorted {
            viewer.sort_unstable();
        }
        let arm: Vec<u32> = viewer.iter().map(|&viewer| arm_of(viewer)).collect();
        let zipf = [1.0, 0.9].map(|exponent| zipf(shape.topics, exponent));
        let draw = |&arm: &u32| zipf[arm as usize][random.next() as usize & 0xFFFF];
        let topic = arm.iter().map(draw).collect();
        Self { shape, viewer, arm, topic }
    }

    /// Arms times topics.
    pub(crate) fn cells(&self) -> usize {
        ARMS.len() * self.shape.topics as usize
    }

    /// Arm and topic of each row as one number.
    pub(crate) fn cell(&self, row: usize) -> usize {
        (self.arm[row] * self.shape.topics + self.topic[row]) as usize
    }

    /// The same as a log.
    pub(crate) fn log(&self) -> Result<ExposureLog, Error> {
        let mut schema = schema(self.shape.labels);
        if self.shape.ranked {
            schema = schema.position("position");
        }
        ExposureLog::read(Batches::of(self), &schema)
    }

    /// The names of a row's topics, as they stand in its column.
    fn topic_text(&self, row: usize) -> String {
        let first = self.topic[row];
        if self.shape.labels == 1 {
            return topic_name(first);
        }
        // An item's topics follow from its number, so that there are as many sets as items.
        let mut of_item = Random::seeded(u64::from(first) * ITEMS + row as u64 % ITEMS);
        let mut topics = vec![first];
        while topics.len() < self.shape.labels.min(self.shape.topics) as usize {
            let more = of_item.below(self.shape.topics);
            if !topics.contains(&more) {
                topics.push(more);
            }
        }
        topics.into_iter().map(topic_name).collect::<Vec<_>>().join("|")
    }
}

fn arm_of(viewer: u32) -> u32 {
    (Random::seeded(viewer.into()).next() & 1) as u32
}

/// Whole numbers with gaps, as ids are.
pub(crate) fn viewer_id(viewer: u32) -> i64 {
    i64::from(viewer) * 20 + i64::from(Random::seeded(viewer.into()).below(20))
}

pub(crate) fn topic_name(topic: u32) -> String {
    format!("topic_{topic:03}")
}

/// The topic that each of 65,536 equal slices of the unit interval stands for.
fn zipf(topics: u32, exponent: f64) -> Vec<u32> {
    let weights: Vec<f64> = (1..=topics).map(|rank| f64::from(rank).powf(-exponent)).collect();
    let sum: f64 = weights.iter().sum();
    let mut table = Vec::with_capacity(1 << 16);
    let mut up_to = 0.0;
    for (topic, weight) in (0..).zip(&weights) {
        up_to += weight / sum;
        table.resize((up_to * 65_536.0).round() as usize, topic);
    }
    table.resize(1 << 16, 0);
    table
}

/// The columns of a log and of the files made of it.
pub(crate) fn schema(labels: u32) -> LogSchema {
    let topics = match labels {
        1 => TopicColumn::single("topic"),
        _ => TopicColumn::separated("topic", '|'),
    };
    LogSchema::new().viewer("viewer").arm("arm").topics(topics)
}

/// Columns as a source, so that no log is held twice.
struct Batches<'c> {
    columns: &'c Columns,
    names: Vec<String>,
    selected: Vec<usize>,
    row: usize,
}

impl<'c> Batches<'c> {
    fn of(columns: &'c Columns) -> Self {
        let names = ["viewer", "arm", "topic", "position"].map(str::to_owned).to_vec();
        Self { columns, names, selected: Vec::new(), row: 0 }
    }
}

impl LogSource for Batches<'_> {
    fn name(&self) -> &str {
        "made up"
    }

    fn column_names(&self) -> &[String] {
        &self.names
    }

    fn select(&mut self, columns: &[usize]) {
        self.selected = columns.to_vec();
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let rows = self.row..(self.row + BATCH).min(self.columns.shape.rows);
        if rows.is_empty() {
            return Ok(None);
        }
        self.row = rows.end;
        let columns = self.columns;
        let column = |&which: &usize| match which {
            0 => {
                let ids = columns.viewer[rows.clone()].iter();
                Column::Integer(ids.map(|&viewer| Some(viewer_id(viewer))).collect())
            }
            1 => {
                let arms = columns.arm[rows.clone()].iter();
                Column::Text(arms.map(|&arm| Some(ARMS[arm as usize])).collect())
            }
            2 => {
                let mut texts = TextColumn::default();
                rows.clone().for_each(|row| texts.push(Some(&columns.topic_text(row))));
                Column::Text(texts)
            }
            _ => Column::Integer(rows.clone().map(|row| Some(row as i64 % 20 + 1)).collect()),
        };
        let columns = self.selected.iter().map(column).collect();
        Ok(Some(Batch { columns, unreadable: Vec::new() }))
    }
}

// ---- the jobs, as a user of the library writes them ----

/// Sums by arm and topic.
pub(crate) fn dense_totals(log: &ExposureLog) -> Result<Totals, Error> {
    Totals::of(log, &spec(log, ClusterBy::Viewer))
}

/// Sums by arm, topic and hash bucket of viewers, `2^bits` of them.
pub(crate) fn hashed(log: &ExposureLog, bits: u32) -> Result<Tally, Error> {
    tally(log, ClusterBy::Viewer.hashed(bits))
}

/// Sums by arm, topic and viewer.
pub(crate) fn per_viewer(log: &ExposureLog) -> Result<Tally, Error> {
    tally(log, ClusterBy::Viewer)
}

fn tally(log: &ExposureLog, cluster: ClusterBy) -> Result<Tally, Error> {
    Tally::of(log, &spec(log, cluster))
}

fn spec(log: &ExposureLog, cluster: ClusterBy) -> TallySpec {
    // Where there are positions they are used.
    let attention = match log.positions() {
        Some(_) => Attention::Logarithmic,
        None => Attention::Uniform,
    };
    TallySpec { cluster, attentions: vec![attention], ..TallySpec::default() }
}

/// Amplification of every topic with a bootstrap interval.
pub(crate) fn bootstrap(tally: &Tally, replicates: u32) -> Result<AuditReport, Error> {
    bootstrapped(tally, replicates)
}

/// The same from a file, whose row groups are read on all cores if it has them.
pub(crate) fn whole_job(
    path: &std::path::Path,
    labels: u32,
    replicates: u32,
) -> Result<AuditReport, Error> {
    let job = TallyJob::new([path.to_owned()], schema(labels), TallySpec::default());
    bootstrapped(&job.run()?.tally, replicates)
}

fn bootstrapped(tally: &Tally, replicates: u32) -> Result<AuditReport, Error> {
    Audit::of_tally(tally, &Question::between(ARMS[0], ARMS[1]))
        .interval(Interval::Bootstrap(Bootstrap { replicates, ..Bootstrap::default() }))
        .run()
}
