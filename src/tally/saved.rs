//! A tally saved to a file and read back exactly. The form is described in
//! `docs/saved-tally.md`; what a block is, and when one is sound, is for [`Block`] to say.

mod input;
mod output;

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::input::Input;
use self::output::Output;
use super::block::{BLOCK, Block, Entry, Masses};
use super::{Axes, ClusterBy, Mass, Squares, StratifyBy, Tally, TallySpec, Weights, WindowBy};
use crate::error::Error;
use crate::log::{ClusterKey, MAX_WEIGHT};
use crate::place::replace;
use crate::question::keep::Keep;

const FORMAT: &str = "saved tally";
const MAGIC: &[u8] = b"tiltmeter saved tally\n";
const VERSION: &str = "1";
/// That of a tally with sums of what was labelled by hand behind the others.
const WITH_LABELS: &str = "2";

/// How masses stand in the file.
const OF_COUNTS: u8 = 0;
const NARROW: u8 = 1;
const WIDE: u8 = 2;

/// What a saved tally says of itself, as one line of JSON. Fields that are not known are passed
/// over: whatever changes the meaning of the rest changes the version.
#[derive(Serialize, Deserialize)]
struct Header<'t> {
    /// For people.
    #[serde(default)]
    written_by: String,
    spec: Cow<'t, TallySpec>,
    /// Not known of tallies that were saved before it was said.
    #[serde(default)]
    weights: Cow<'t, Weights>,
    /// Which rows of a log it is of; not said where it is of all, or saved before it was said.
    #[serde(default, skip_serializing_if = "<[Keep]>::is_empty")]
    kept: Cow<'t, [Keep]>,
    axes: Cow<'t, Axes>,
    impressions: u64,
    clusters: u64,
    clusters_per_block: u64,
    blocks: u64,
    entries: u64,
    byte_order: ByteOrder,
    mass_unit: MassUnit,
    cluster_key: KeyFunction,
    /// What is done of the job that the tally is part of; null for a tally on its own.
    #[serde(default)]
    progress: Value,
}

#[derive(Serialize, Deserialize)]
enum ByteOrder {
    #[serde(rename = "little endian")]
    Little,
}

#[derive(Serialize, Deserialize)]
enum MassUnit {
    #[serde(rename = "2^-40")]
    TwoToMinus40,
}

#[derive(Serialize, Deserialize)]
enum KeyFunction {
    #[serde(rename = "first 8 bytes of the MD5 of the id's text, big endian")]
    Md5,
}

/// Where in a file.
#[derive(Clone, Copy)]
enum Place {
    Start,
    Header,
    Keys,
    Squares,
    Block(usize),
    End,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str(" at its start"),
            Self::Header => f.write_str(" in the header"),
            Self::Keys => f.write_str(" in the cluster keys"),
            Self::Squares => f.write_str(" in the sums of squares"),
            Self::Block(number) => write!(f, " in block {number}"),
            Self::End => f.write_str(" at its end"),
        }
    }
}

impl Tally {
    /// Saves the tally to a file, from which [`open_saved`](Tally::open_saved) reads back an
    /// equal one. Equal tallies of the same weights make files that are equal
    /// byte for byte. A file that was there is
    /// replaced when the new one is complete and on the disk, so that nobody ever reads half a
    /// tally.
    ///
    /// ```
    /// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
    /// use tiltmeter::tally::{Tally, TallySpec};
    /// let tally = Tally::of(&log, &TallySpec::default())?;
    /// let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("monday.tally");
    /// tally.save(&path)?;
    /// assert_eq!(Tally::open_saved(&path)?, tally);
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        self.save_with(path.as_ref(), &())
    }

    /// Reads a tally saved with [`save`](Tally::save), or written by another program in the form
    /// that `docs/saved-tally.md` describes. What the sums must obey is checked, not only that
    /// the bytes are those that were written.
    ///
    /// # Errors
    /// [`Error::Version`] when the tally is of another version of the form; [`Error::Damaged`]
    /// when the file is no saved tally, was cut short or changed, or holds the tally of a job that
    /// is not done; [`Error::Io`] when it cannot be read.
    pub fn open_saved(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self::open_saved_with::<()>(path.as_ref())?.0)
    }

    /// Saves the tally together with what is done of the job that it is part of.
    pub(crate) fn save_with<P: Serialize>(&self, path: &Path, progress: &P) -> Result<(), Error> {
        let write = |file: &File| {
            let mut out = BufWriter::with_capacity(1 << 18, file);
            self.write_to(&mut out, progress)?;
            out.flush()
        };
        replace(path, write).map_err(|cause| Error::Io { path: path.to_owned(), cause })
    }

    /// Reads a tally saved with [`save_with`](Tally::save_with), and how far its job had come.
    pub(crate) fn open_saved_with<P: DeserializeOwned>(path: &Path) -> Result<(Self, P), Error> {
        let io = |cause| Error::Io { path: path.to_owned(), cause };
        let file = File::open(path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        Self::read_from(&path.display().to_string(), size, file)
    }

    /// Writes the saved form.
    pub(crate) fn write_to<P: Serialize>(
        &self,
        out: &mut impl Write,
        progress: &P,
    ) -> io::Result<()> {
        let mut out = Output::new(out);
        out.bytes(MAGIC)?;
        let version = if self.labelled.is_some() { WITH_LABELS } else { VERSION };
        out.bytes(format!("version {version}\n").as_bytes())?;
        self.write_part(&mut out, serde_json::to_value(progress)?)?;
        if let Some(labelled) = &self.labelled {
            labelled.write_part(&mut out, Value::Null)?;
        }
        out.finish()
    }

    /// Writes a header and the sums that it is of.
    fn write_part(&self, out: &mut Output<'_, impl Write>, progress: Value) -> io::Result<()> {
        let header = Header {
            written_by: concat!("tiltmeter ", env!("CARGO_PKG_VERSION")).to_owned(),
            spec: Cow::Borrowed(&self.spec),
            weights: Cow::Borrowed(&self.weights),
            kept: Cow::Borrowed(&self.kept),
            axes: Cow::Borrowed(&self.axes),
            impressions: self.impressions,
            clusters: self.keys.len() as u64,
            clusters_per_block: BLOCK as u64,
            blocks: self.blocks.len() as u64,
            entries: self.entries(),
            byte_order: ByteOrder::Little,
            mass_unit: MassUnit::TwoToMinus40,
            cluster_key: KeyFunction::Md5,
            progress,
        };
        out.bytes(&serde_json::to_vec(&header)?)?;
        out.bytes(b"\n")?;
        out.array(&self.keys, |key| key.get().to_le_bytes())?;
        for squares in &self.squares {
            out.array(squares, |squares| squares.own.units().to_le_bytes())?;
            out.array(squares, |squares| squares.cross.units().to_le_bytes())?;
        }
        for block in &self.blocks {
            write_block(block, out)?;
        }
        Ok(())
    }

    /// Reads the saved form, `size` bytes long, from a file of this name.
    pub(crate) fn read_from<P: DeserializeOwned>(
        name: &str,
        size: u64,
        from: impl Read,
    ) -> Result<(Self, P), Error> {
        let mut input = Input::new(name, size, from);
        let has_labels = input.version()? == WITH_LABELS;
        let (mut tally, progress) = Self::read_part(&mut input)?;
        if has_labels {
            let (labelled, ()) = Self::read_part(&mut input)?;
            if labelled.impressions > tally.impressions || !labelled.is_part_of(&tally) {
                input.at(Place::Header);
                return Err(input.damaged("what was labelled by hand is no part of what was shown"));
            }
            tally.labelled = Some(Box::new(labelled));
        }
        input.at(Place::End);
        input.finish()?;
        Ok((tally, progress))
    }

    /// Whether it is summed as another tally is, over clusters that this has too.
    fn is_part_of(&self, other: &Self) -> bool {
        self.spec == other.spec && self.keys.iter().all(|key| other.keys.binary_search(key).is_ok())
    }

    /// Reads a header and the sums that it is of.
    fn read_part<P: DeserializeOwned>(
        input: &mut Input<'_, impl Read>,
    ) -> Result<(Self, P), Error> {
        let header = input.header()?;
        let progress = progress(&header, input)?;
        let Header { spec, axes, impressions, weights, kept, .. } = header;
        let (spec, axes) = (spec.into_owned(), axes.into_owned());
        let keys = read_keys(input, header.clusters, &spec.cluster)?;
        let squares = read_squares(input, spec.attentions.len(), &axes)?;
        let mut sums = Sums::new(&axes, spec.attentions.len());
        let mut blocks = Vec::with_capacity(keys.len().div_ceil(BLOCK));
        for keys in keys.chunks(BLOCK) {
            input.at(Place::Block(blocks.len()));
            let block = read_block(input, spec.attentions.len())?;
            let checked = block.check(keys.len(), axes.cells(), spec.attentions.len());
            checked.and_then(|()| sums.check(&block)).map_err(|fault| input.damaged(fault))?;
            blocks.push(block.in_least_room());
        }
        if !sums.can_have(&squares) {
            input.at(Place::Squares);
            return Err(input.damaged("a sum is larger than its count allows"));
        }
        let found = sums.impressions;
        let (weights, kept, labelled) = (weights.into_owned(), kept.into_owned(), None);
        let tally =
            Self { spec, weights, kept, axes, keys, blocks, squares, impressions, labelled };
        input.at(Place::End);
        if found != impressions || tally.entries() != header.entries {
            return Err(
                input.damaged("the header counts other impressions or entries than the blocks")
            );
        }
        Ok((tally, progress))
    }
}

impl Header<'_> {
    /// Whether the parts of the header can be true together.
    fn check(&self) -> Result<(), String> {
        let (spec, axes) = (&self.spec, &self.axes);
        let must = |holds: bool, fault: &str| if holds { Ok(()) } else { Err(fault.to_owned()) };
        spec.cluster.check().map_err(|fault| fault.to_string())?;
        spec.windows.check().map_err(|fault| fault.to_string())?;
        must(!spec.attentions.is_empty(), "there is no attention model")?;
        for attention in &spec.attentions {
            attention.check().map_err(|fault| fault.to_string())?;
        }
        must(axes.are_in_order(), "an axis is empty or not in ascending order")?;
        axes.check().map_err(|fault| fault.to_string())?;
        let unnamed = axes.strata().iter().map(String::as_str).eq([""]);
        must(
            spec.strata != StratifyBy::Nothing || unnamed,
            "there are strata, and none in the spec",
        )?;
        let whole = axes.windows() == [0];
        must(
            spec.windows != WindowBy::Nothing || whole,
            "there are windows, and none in the spec",
        )?;
        must(self.clusters_per_block == BLOCK as u64, "blocks are not of 1024 clusters")?;
        must(
            self.blocks == self.clusters.div_ceil(BLOCK as u64),
            "clusters and blocks do not agree",
        )
    }
}

/// The progress that stands in the header, which is none where `P` is `()`.
fn progress<P: DeserializeOwned, R: Read>(
    header: &Header<'_>,
    input: &Input<'_, R>,
) -> Result<P, Error> {
    let read = P::deserialize(&header.progress);
    read.map_err(|cause| {
        let what = if header.progress.is_null() {
            "a tally on its own"
        } else {
            "a tally saved in the midst of a job"
        };
        input.damaged(format!("it is {what}, not what was to be opened ({cause})"))
    })
}

fn read_keys<R: Read>(
    input: &mut Input<'_, R>,
    clusters: u64,
    by: &ClusterBy,
) -> Result<Vec<ClusterKey>, Error> {
    input.at(Place::Keys);
    let of = |bytes| ClusterKey::from_number(u64::from_le_bytes(bytes));
    let keys = input.array(clusters, of)?;
    if !keys.windows(2).all(|pair| pair[0] < pair[1]) {
        return Err(input.damaged("the keys are not in ascending order"));
    }
    match (by, keys.last()) {
        (ClusterBy::Hashed { bits, .. }, Some(last)) if last.get() >> bits != 0 => {
            Err(input.damaged("a key is not the number of a bucket"))
        }
        _ => Ok(keys),
    }
}

fn read_squares<R: Read>(
    input: &mut Input<'_, R>,
    attentions: usize,
    axes: &Axes,
) -> Result<Vec<Vec<Squares>>, Error> {
    input.at(Place::Squares);
    let cells = axes.cells() as u64;
    let mut read = Vec::with_capacity(attentions.min(64));
    for _ in 0..attentions {
        let units = |bytes| Mass::from_units(u128::from_le_bytes(bytes));
        let own = input.array(cells, units)?;
        let cross = input.array(cells, units)?;
        let squares: Vec<Squares> =
            own.into_iter().zip(cross).map(|(own, cross)| Squares { own, cross }).collect();
        // Whoever asks about an arm adds up its strata and windows.
        let sum = |sum: Squares, more: &Squares| sum.checked_add(*more);
        if squares.iter().try_fold(Squares::default(), sum).is_none() {
            return Err(input.damaged("the sums are together above the largest sum"));
        }
        read.push(squares);
    }
    Ok(read)
}

fn write_block<W: Write>(block: &Block, out: &mut Output<'_, W>) -> io::Result<()> {
    out.array(&[block.cells().len() as u32, block.len() as u32], u32::to_le_bytes)?;
    out.array(block.cells(), u32::to_le_bytes)?;
    out.array(&block.ends, u32::to_le_bytes)?;
    out.array(&block.at, u16::to_le_bytes)?;
    out.bytes(&block.counts)?;
    out.array(&block.large, |(_, count)| count.to_le_bytes())?;
    for masses in &block.masses {
        match masses {
            Masses::OfCounts => out.bytes(&[OF_COUNTS])?,
            Masses::Narrow(units) => {
                out.bytes(&[NARROW])?;
                out.array(units, u64::to_le_bytes)?;
            }
            Masses::Wide(units) => {
                out.bytes(&[WIDE])?;
                out.array(units, u128::to_le_bytes)?;
            }
        }
    }
    Ok(())
}

fn read_block<R: Read>(input: &mut Input<'_, R>, attentions: usize) -> Result<Block, Error> {
    let [columns, entries] = [input.number()?, input.number()?];
    let cells = input.array(columns, u32::from_le_bytes)?;
    let ends = input.array(columns, u32::from_le_bytes)?;
    let at = input.array(entries, u16::from_le_bytes)?;
    let counts = input.array(entries, |[count]: [u8; 1]| count)?;
    let zeros = (0_u32..).zip(&counts).filter(|(_, count)| **count == 0).map(|(entry, _)| entry);
    let zeros: Vec<u32> = zeros.collect();
    let large = input.array(zeros.len() as u64, u64::from_le_bytes)?;
    let large = zeros.into_iter().zip(large).collect();
    let mut masses = Vec::with_capacity(attentions.min(64));
    for _ in 0..attentions {
        let [kind] = input.bytes()?;
        masses.push(match kind {
            OF_COUNTS => Masses::OfCounts,
            NARROW => Masses::Narrow(input.array(entries, u64::from_le_bytes)?),
            WIDE => Masses::Wide(input.array(entries, u128::from_le_bytes)?),
            _ => return Err(input.damaged(format!("there is no kind {kind} of masses"))),
        });
    }
    Ok(Block { cells, ends, at, counts, large, masses })
}

/// What the sums of sound blocks must obey for shares to be shares: a cluster's sums of a topic are
/// at most those of its tagged impressions, these at most those of all; and all impressions of
/// all clusters are those of the tally, which keeps every total in range.
struct Sums<'a> {
    axes: &'a Axes,
    attentions: usize,
    /// By the cluster's place in a block, what the column holds that others are compared with;
    /// all zero in between.
    outer_counts: Vec<u64>,
    outer_masses: Vec<Mass>,
    /// By cell, over all clusters so far.
    counts: Vec<u64>,
    impressions: u64,
}

impl<'a> Sums<'a> {
    fn new(axes: &'a Axes, attentions: usize) -> Self {
        Self {
            axes,
            attentions,
            outer_counts: vec![0; BLOCK],
            outer_masses: vec![Mass::ZERO; BLOCK],
            counts: vec![0; axes.cells()],
            impressions: 0,
        }
    }

    fn check(&mut self, block: &Block) -> Result<(), &'static str> {
        let width = self.axes.width() as u32;
        for slab in block.cells().chunk_by(|a, b| a / width == b / width) {
            let all = slab[0] / width * width + width - 2;
            for entry in block.column(all) {
                let sum = self.impressions.checked_add(entry.count);
                self.impressions = sum.ok_or("the counts are together above the largest")?;
            }
            let count = |entry: Entry| entry.count;
            let nested = are_nested(block, slab, all, &mut self.outer_counts, count)
                // Masses that are counts are nested as the counts are.
                && (0..self.attentions).filter(|&its| !block.is_of_counts(its)).all(|attention| {
                    let mass = |entry| block.mass(entry, attention);
                    are_nested(block, slab, all, &mut self.outer_masses, mass)
                });
            if !nested {
                return Err(
                    "a cluster has more of a topic than tagged, or more tagged than at all",
                );
            }
        }
        // No count is above that of all impressions, and these were added without overflow.
        for (cell, entries) in block.columns() {
            self.counts[cell as usize] += entries.map(|entry| entry.count).sum::<u64>();
        }
        Ok(())
    }

    /// Whether no sum of squares is larger than the impressions of its cell allow.
    fn can_have(&self, squares: &[Vec<Squares>]) -> bool {
        let most = Mass::of(MAX_WEIGHT).times(Mass::of(MAX_WEIGHT)).units();
        squares.iter().all(|squares| {
            squares.iter().zip(&self.counts).all(|(squares, &count)| {
                let most = most.saturating_mul(count.into());
                squares.own.units() <= most && squares.cross.units() <= most
            })
        })
    }
}

/// Whether in one slab, whose cells with entries are given and of which `all` holds all impressions,
/// each cluster's sum of a topic is at most that of its tagged impressions, and this at most that
/// of all. `outer` is all zero before and after.
fn are_nested<T: Copy + Default + PartialOrd>(
    block: &Block,
    slab: &[u32],
    all: u32,
    outer: &mut [T],
    sum: impl Fn(Entry) -> T,
) -> bool {
    let topics = &slab[..slab.partition_point(|&cell| cell < all)];
    let mut within = |outer_cell, inner: &[u32]| {
        block.column(outer_cell).for_each(|entry| outer[entry.at] = sum(entry));
        let mut inner = inner.iter().flat_map(|&cell| block.column(cell));
        let at_most = inner.all(|entry| sum(entry) <= outer[entry.at]);
        block.column(outer_cell).for_each(|entry| outer[entry.at] = T::default());
        at_most
    };
    within(all, &[all + 1]) && within(all + 1, topics)
}

#[cfg(test)]
mod tests;
