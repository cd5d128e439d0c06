//! A tally to a Parquet file in the long form.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{Decimal128Builder, Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::key::{key_bits, to_text};
use super::{
    ARM, AXES_KEY, CLUSTER, COUNT, CROSS, IMPRESSIONS_KEY, KEPT_KEY, KIND, KIND_ALL, KIND_TAGGED,
    KIND_TOPIC, MASS, OWN, STRATUM, TOPIC, WEIGHTS_KEY, WINDOW,
};
use crate::error::Error;
use crate::place::replace;
use crate::tally::{Axes, CellKind, CellSum, Mass, Squares, Tally};

/// Digits of the decimal numbers that all engines have.
const DIGITS: u8 = 38;

impl Tally {
    /// Writes the tally to a Parquet file as a plain table, from which
    /// [`import`](Tally::import) makes an equal tally, and which any SQL engine can read, filter
    /// and add up.
    ///
    /// | column | type | holds |
    /// | --- | --- | --- |
    /// | `cluster` | text | the cluster's key, 16 hexadecimal digits; for hash buckets the first key of the bucket; null in the rows of totals |
    /// | `arm` | text | the arm |
    /// | `stratum` | text | the stratum; empty where none are kept apart |
    /// | `window` | integer | the window's first microsecond since 1970-01-01T00:00:00Z; 0 where none are kept apart |
    /// | `kind` | text | `topic`, `all` (impressions) or `tagged` (those with a topic) |
    /// | `topic` | text | the topic; empty in the other kinds |
    /// | `count` | integer | impressions; never 0 |
    /// | `mass_0`, ... | decimal (38, 0) | their mass in units of 2^-40, by attention model in the order of the spec |
    /// | `own_0`, ... | decimal (38, 0) | in totals, the sum of [`Squares::own`] in units of 2^-40 |
    /// | `cross_0`, ... | decimal (38, 0) | in totals, that of [`Squares::cross`] |
    ///
    /// The rows may stand in any order. Beside one row for each cluster and cell there is one for
    /// the total of each cell, by which an import notices rows that were lost or changed.
    ///
    /// ```
    /// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("tally.parquet");
    /// use tiltmeter::tally::{Tally, TallySpec};
    /// let tally = Tally::of(&log, &TallySpec::default())?;
    /// tally.export(&path)?;
    /// assert_eq!(Tally::import(&path)?, tally);
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be written or the encoder fails; [`Error::Parameter`]
    /// for a sum of more than 38 digits.
    pub fn export(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        self.refuse_labels()?;
        let path = path.as_ref();
        let in_file = |cause| Error::Io { path: path.to_owned(), cause };
        let failed = |cause: &dyn std::fmt::Display| in_file(io::Error::other(cause.to_string()));
        let axes = serde_json::to_string(&self.axes).map_err(|cause| failed(&cause))?;
        let weights = serde_json::to_string(self.weights()).map_err(|cause| failed(&cause))?;
        let mut metadata = self.spec.table_metadata();
        metadata.push((IMPRESSIONS_KEY, self.impressions.to_string()));
        metadata.push((AXES_KEY, axes));
        metadata.push((WEIGHTS_KEY, weights));
        if !self.kept.is_empty() {
            let kept = serde_json::to_string(&self.kept).map_err(|cause| failed(&cause))?;
            metadata.push((KEPT_KEY, kept));
        }
        let entry = |(key, value): (&str, _)| KeyValue::new(key.to_owned(), value);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(metadata.into_iter().map(entry).collect()))
            .build();
        let models = self.spec.attentions.len();
        // What goes wrong with a sum is told as that.
        let mut refused = None;
        let written = replace(path, |file| {
            let file = BufWriter::new(file.try_clone()?);
            let mut writer = ArrowWriter::try_new(file, schema(models).into(), Some(properties))
                .map_err(io::Error::other)?;
            let blocks = (0..self.blocks.len()).map(|block| self.rows_of_block(block));
            for rows in blocks.chain(std::iter::once_with(|| self.rows_of_totals())) {
                let rows = rows.map_err(|error| {
                    refused = Some(error);
                    io::Error::from(io::ErrorKind::InvalidData)
                })?;
                let batch = rows.finish().map_err(io::Error::other)?;
                writer.write(&batch).map_err(io::Error::other)?;
            }
            writer.into_inner().map_err(io::Error::other)?.flush()
        });
        match refused {
            Some(error) => Err(error),
            None => written.map_err(in_file),
        }
    }

    /// Tables have the cells of arms and topics alone.
    pub(super) fn refuse_labels(&self) -> Result<(), Error> {
        match self.labelled_impressions() {
            0 => Ok(()),
            rows => Err(Error::Parameter {
                parameter: "the tally",
                value: format!("one with {rows} impressions labelled by hand"),
                expected: "one without, for a table; save it instead (Tally::save), or make it without LogSchema::human",
            }),
        }
    }

    fn rows_of_block(&self, at: usize) -> Result<Rows<'_>, Error> {
        let models = self.spec.attentions.len();
        let bits = key_bits(&self.spec.cluster);
        let keys = &self.keys[self.block_clusters(at)];
        let texts: Vec<String> = keys.iter().map(|&key| to_text(key, bits)).collect();
        let mut rows = Rows::new(&self.axes, models);
        let block = &self.blocks[at];
        for &cell in block.cells() {
            for entry in block.column(cell) {
                rows.place(Some(&texts[entry.at]), cell);
                rows.count(entry.count)?;
                for model in 0..models {
                    rows.sums(model, block.mass(entry, model), None)?;
                }
            }
        }
        Ok(rows)
    }

    fn rows_of_totals(&self) -> Result<Rows<'_>, Error> {
        let models = self.spec.attentions.len();
        let totals: Vec<Vec<CellSum>> = (0..models).map(|model| self.totals_under(model)).collect();
        let mut rows = Rows::new(&self.axes, models);
        for cell in (0..self.axes.cells()).filter(|&cell| totals[0][cell].count > 0) {
            rows.place(None, cell as u32);
            rows.count(totals[0][cell].count)?;
            for (model, totals) in totals.iter().enumerate() {
                rows.sums(model, totals[cell].mass, Some(self.squares[model][cell]))?;
            }
        }
        Ok(rows)
    }
}

fn decimal() -> DataType {
    DataType::Decimal128(DIGITS, 0)
}

fn schema(models: usize) -> Schema {
    let text = |name, nullable| Field::new(name, DataType::Utf8, nullable);
    let integer = |name| Field::new(name, DataType::Int64, false);
    let sums = |name: &'static str, nullable| {
        (0..models).map(move |model| Field::new(format!("{name}{model}"), decimal(), nullable))
    };
    let places = [
        text(CLUSTER, true),
        text(ARM, false),
        text(STRATUM, false),
        integer(WINDOW),
        text(KIND, false),
        text(TOPIC, false),
        integer(COUNT),
    ];
    let sums = sums(MASS, false).chain(sums(OWN, true)).chain(sums(CROSS, true));
    Schema::new(places.into_iter().chain(sums).collect::<Vec<_>>())
}

/// Rows being written.
struct Rows<'t> {
    axes: &'t Axes,
    cluster: StringBuilder,
    arm: StringBuilder,
    stratum: StringBuilder,
    window: Int64Builder,
    kind: StringBuilder,
    topic: StringBuilder,
    count: Int64Builder,
    /// Masses, squares and products by attention model.
    sums: Vec<[Decimal128Builder; 3]>,
}

impl<'t> Rows<'t> {
    fn new(axes: &'t Axes, models: usize) -> Self {
        let sum = || Decimal128Builder::new().with_data_type(decimal());
        Self {
            axes,
            cluster: StringBuilder::new(),
            arm: StringBuilder::new(),
            stratum: StringBuilder::new(),
            window: Int64Builder::new(),
            kind: StringBuilder::new(),
            topic: StringBuilder::new(),
            count: Int64Builder::new(),
            sums: (0..models).map(|_| [sum(), sum(), sum()]).collect(),
        }
    }

    /// Begins a row.
    fn place(&mut self, cluster: Option<&str>, cell: u32) {
        let (slab, kind) = self.axes.cell(cell);
        self.cluster.append_option(cluster);
        self.arm.append_value(&self.axes.arms()[slab.arm]);
        self.stratum.append_value(&self.axes.strata()[slab.stratum]);
        self.window.append_value(self.axes.windows()[slab.window]);
        let (kind, topic) = match kind {
            CellKind::Topic(topic) => (KIND_TOPIC, &*self.axes.topics()[topic]),
            CellKind::All => (KIND_ALL, ""),
            CellKind::Tagged => (KIND_TAGGED, ""),
        };
        self.kind.append_value(kind);
        self.topic.append_value(topic);
    }

    fn count(&mut self, count: u64) -> Result<(), Error> {
        self.count.append_value(i64::try_from(count).map_err(|_| too_large("a count", &count))?);
        Ok(())
    }

    fn sums(&mut self, model: usize, mass: Mass, squares: Option<Squares>) -> Result<(), Error> {
        let sums = [Some(mass), squares.map(|s| s.own), squares.map(|s| s.cross)];
        for (column, sum) in self.sums[model].iter_mut().zip(sums) {
            column.append_option(sum.map(units).transpose()?);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<RecordBatch, arrow_schema::ArrowError> {
        let schema = schema(self.sums.len());
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.cluster.finish()),
            Arc::new(self.arm.finish()),
            Arc::new(self.stratum.finish()),
            Arc::new(self.window.finish()),
            Arc::new(self.kind.finish()),
            Arc::new(self.topic.finish()),
            Arc::new(self.count.finish()),
        ];
        for which in 0..3 {
            let sums = self.sums.iter_mut().map(|sums| Arc::new(sums[which].finish()) as ArrayRef);
            columns.extend(sums);
        }
        RecordBatch::try_new(schema.into(), columns)
    }
}

/// A sum as a decimal number of 38 digits.
fn units(mass: Mass) -> Result<i128, Error> {
    const END: u128 = 10_u128.pow(DIGITS as u32);
    match i128::try_from(mass.units()) {
        Ok(units) if mass.units() < END => Ok(units),
        _ => Err(too_large("a sum", &mass.units())),
    }
}

fn too_large(parameter: &'static str, value: &dyn std::fmt::Display) -> Error {
    let expected = "at most 38 digits (counts 9,223,372,036,854,775,807) in a table for SQL; \
                    tally parts of the log";
    Error::Parameter { parameter, value: value.to_string(), expected }
}
