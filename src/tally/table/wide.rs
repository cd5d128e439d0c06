//! The totals of clusters as CSV, a row for each cluster and arm: what other programs test and model.

use std::collections::BTreeMap;
use std::io::Write;

use super::key::{key_bits, to_text};
use crate::base::digits::exact;
use crate::base::text::csv_text;
use crate::base::time::iso_text;
use crate::tally::{Axes, CellKind, Slab, StratifyBy, Tally, WindowBy};

/// One cluster in one arm, stratum and window: impressions, their mass, that of those with a topic, and by topic.
#[derive(Default)]
struct Row {
    impressions: u64,
    all: f64,
    tagged: f64,
    topics: Vec<(usize, f64)>,
}

impl Tally {
    /// Writes the totals of every cluster as CSV, under the tally's first attention model: a row for each cluster in
    /// each arm (and stratum and window, where the tally keeps them apart) in which it has impressions.
    ///
    /// | column | holds |
    /// | --- | --- |
    /// | `cluster` | the first 16 hexadecimal digits of the MD5 of its id, so that no id leaves the log; for hash buckets the bucket's first key |
    /// | `arm` | the arm |
    /// | `stratum`, `window` | where they are kept apart: its name, and its first moment (UTC) |
    /// | `impressions` | how many |
    /// | `all`, `tagged` | the mass of all of them, and of those with a topic |
    /// | `topic:NAME` | for each topic, the mass of its impressions |
    ///
    /// Names are as in [`Table::to_csv`](crate::report::Table::to_csv): printable, and with a `'` before what a
    /// spreadsheet would compute. A share is the sum of a topic's column over that of `all`; its clustered error is what any program with
    /// clustered errors makes of these rows.
    ///
    /// ```
    /// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
    /// use tiltmeter::tally::{Tally, TallySpec};
    /// let mut csv = Vec::new();
    /// Tally::of(&log, &TallySpec::default())?.write_totals(&mut csv)?;
    /// let csv = String::from_utf8(csv)?;
    /// let header = "cluster,arm,impressions,all,tagged,topic:music,topic:politics,topic:sport,topic:war";
    /// assert_eq!(csv.lines().next(), Some(header));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_totals(&self, to: impl Write) -> std::io::Result<()> {
        let mut to = std::io::BufWriter::new(to);
        let shown = Shown {
            stratum: self.spec().strata != StratifyBy::Nothing,
            window: self.spec().windows != WindowBy::Nothing,
        };
        write_row(&mut to, header(self.axes(), &shown))?;
        let bits = key_bits(&self.spec().cluster);
        for block in 0..self.block_count() {
            let keys = &self.keys()[self.block_clusters(block)];
            for ((at, slab), row) in self.rows_of(block) {
                let mut fields = vec![to_text(keys[at], bits)];
                fields.extend(place(self.axes(), slab, &shown));
                fields.push(row.impressions.to_string());
                fields.extend([row.all, row.tagged].map(exact));
                let mut topics = vec![0.0; self.axes().topics().len()];
                row.topics.iter().for_each(|&(topic, mass)| topics[topic] = mass);
                fields.extend(topics.into_iter().map(exact));
                write_row(&mut to, fields)?;
            }
        }
        to.flush()
    }

    /// The rows of a block, by the cluster's place in it and by arm, stratum and window.
    fn rows_of(&self, block: usize) -> BTreeMap<(usize, Slab), Row> {
        let mut rows: BTreeMap<(usize, Slab), Row> = BTreeMap::new();
        for cell in self.blocks[block].cells().iter().copied() {
            let (slab, kind) = self.axes().cell(cell);
            for (at, sum) in self.column_of_block(block, cell, 0) {
                let row = rows.entry((at, slab)).or_default();
                let mass = sum.mass.get();
                match kind {
                    CellKind::Topic(topic) => row.topics.push((topic, mass)),
                    CellKind::All => (row.impressions, row.all) = (sum.count, mass),
                    CellKind::Tagged => row.tagged = mass,
                }
            }
        }
        rows
    }
}

/// A line of CSV.
fn write_row(to: &mut impl Write, fields: Vec<String>) -> std::io::Result<()> {
    writeln!(to, "{}", fields.join(","))
}

/// Which of the axes there are.
struct Shown {
    stratum: bool,
    window: bool,
}

fn header(axes: &Axes, shown: &Shown) -> Vec<String> {
    let mut names = vec!["cluster".to_owned(), "arm".to_owned()];
    names.extend(shown.stratum.then(|| "stratum".to_owned()));
    names.extend(shown.window.then(|| "window".to_owned()));
    names.extend(["impressions", "all", "tagged"].map(str::to_owned));
    names.extend(axes.topics().iter().map(|topic| csv_text(&format!("topic:{topic}"))));
    names
}

fn place(axes: &Axes, slab: Slab, shown: &Shown) -> Vec<String> {
    let mut fields = vec![csv_text(&axes.arms()[slab.arm])];
    fields.extend(shown.stratum.then(|| csv_text(&axes.strata()[slab.stratum])));
    fields.extend(shown.window.then(|| iso_text(axes.windows()[slab.window])));
    fields
}
