//! polars frames: eager ones as they are, lazy ones collected with only the columns asked for.

use polars::prelude::{DataFrame, DataType, PolarsError, Series, TimeUnit};

use super::BATCH_ROWS;
use super::converted::{self, Converted};
use crate::error::Error;
use crate::log::{Batch, Column, LogSource, TextColumn};

/// Reads a polars `DataFrame`.
///
/// Text, categoricals and enums, numbers, booleans, dates, datetimes and lists of text are read;
/// datetimes without a zone count as UTC, unless the schema names a zone.
///
/// ```
/// use polars::prelude::df;
/// use tiltmeter::log::LogSchema;
/// use tiltmeter::{ExposureLog, source::FrameSource};
///
/// let frame = df!("feed" => ["ranked", "newest"], "rank" => [1_i64, 2]).unwrap();
/// let schema = LogSchema::new().arm("feed").position("rank");
/// assert_eq!(ExposureLog::read(FrameSource::new(&frame), &schema)?.rows(), 2);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Debug)]
pub struct FrameSource {
    columns: Vec<String>,
    frame: Frame,
    selected: Vec<usize>,
    row: usize,
}

#[derive(Debug)]
enum Frame {
    Eager(DataFrame),
    #[cfg(feature = "lazy")]
    Lazy(Box<LazyQuery>),
}

/// A query, in a box of its own for its size.
#[cfg(feature = "lazy")]
struct LazyQuery(polars::prelude::LazyFrame);

#[cfg(feature = "lazy")]
impl std::fmt::Debug for LazyQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LazyFrame")
    }
}

const NAME: &str = "data frame";

impl FrameSource {
    /// The frame as a source. It is not copied: its columns are shared.
    #[must_use]
    pub fn new(frame: &DataFrame) -> Self {
        let names = frame.columns().iter().map(|c| c.name().to_string());
        Self {
            columns: names.collect(),
            frame: Frame::Eager(frame.clone()),
            selected: Vec::new(),
            row: 0,
        }
    }

    /// A lazy frame as a source; it is collected when the log is read, and only the columns that
    /// the schema needs.
    ///
    /// # Errors
    /// [`Error::Frame`] when the schema of the query cannot be found.
    #[cfg(feature = "lazy")]
    pub fn lazy(mut query: polars::prelude::LazyFrame) -> Result<Self, Error> {
        let schema = query.collect_schema().map_err(|cause| failed(&cause))?;
        Ok(Self {
            columns: schema.iter_names().map(ToString::to_string).collect(),
            frame: Frame::Lazy(Box::new(LazyQuery(query))),
            selected: Vec::new(),
            row: 0,
        })
    }

    fn collected(&mut self) -> Result<&DataFrame, Error> {
        #[cfg(feature = "lazy")]
        if let Frame::Lazy(query) = &self.frame {
            let names = self.selected.iter().map(|&index| &*self.columns[index]);
            let columns: Vec<_> = names.map(polars::prelude::col).collect();
            let frame = query.0.clone().select(columns).collect();
            self.frame = Frame::Eager(frame.map_err(|cause| failed(&cause))?);
        }
        match &self.frame {
            Frame::Eager(frame) => Ok(frame),
            #[cfg(feature = "lazy")]
            Frame::Lazy(_) => unreachable!("it was collected above"),
        }
    }
}

fn failed(cause: &PolarsError) -> Error {
    Error::Frame { detail: cause.to_string() }
}

impl LogSource for FrameSource {
    fn name(&self) -> &str {
        NAME
    }

    fn column_names(&self) -> &[String] {
        &self.columns
    }

    fn select(&mut self, columns: &[usize]) {
        self.selected = columns.to_vec();
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let names: Vec<String> = self.selected.iter().map(|&i| self.columns[i].clone()).collect();
        let start = self.row;
        let frame = self.collected()?;
        let rows = frame.height().saturating_sub(start).min(BATCH_ROWS);
        if rows == 0 {
            return Ok(None);
        }
        let offset = i64::try_from(start).expect("a frame has fewer than 2^63 rows");
        let piece = frame.slice(offset, rows);
        let read = |name: &String| column(piece.column(name)?.as_materialized_series());
        let columns = names.iter().map(read).collect::<Result<Vec<_>, _>>();
        let columns = columns.map_err(|cause| failed(&cause))?;
        self.row += rows;
        Ok(Some(converted::batch(names.iter().map(String::as_str).zip(columns))))
    }
}

/// A polars series as a column of the log's own types.
fn column(series: &Series) -> Result<Converted, PolarsError> {
    let integers = |series: &Series| -> Result<Vec<Option<i64>>, PolarsError> {
        Ok(series.strict_cast(&DataType::Int64)?.i64()?.iter().collect())
    };
    let times = |microseconds: fn(i64) -> Option<i64>| -> Result<Converted, PolarsError> {
        let values = integers(&series.to_physical_repr())?;
        let times = converted::times(values.into_iter(), microseconds);
        let has_zone = matches!(series.dtype(), DataType::Datetime(_, Some(_)));
        Ok(if has_zone { times } else { times.local() })
    };
    let column = match series.dtype() {
        DataType::String => text(series)?,
        DataType::Categorical(..) | DataType::Enum(..) => text(&series.cast(&DataType::String)?)?,
        DataType::UInt64 if integers(series).is_err() => text(&series.cast(&DataType::String)?)?,
        dtype if dtype.is_integer() => Column::Integer(integers(series)?),
        dtype if dtype.is_float() => {
            let values = series.cast(&DataType::Float64)?;
            Column::Float(values.f64()?.iter().collect())
        }
        DataType::Boolean => Column::Boolean(series.bool()?.iter().collect()),
        DataType::Date => return times(|days| days.checked_mul(crate::base::time::DAY)),
        DataType::Datetime(TimeUnit::Milliseconds, _) => return times(|v| v.checked_mul(1_000)),
        DataType::Datetime(TimeUnit::Microseconds, _) => return times(Some),
        DataType::Datetime(TimeUnit::Nanoseconds, _) => {
            return times(|v| Some(v.div_euclid(1_000)));
        }
        DataType::List(inner) if inner.is_string() || inner.is_null() => {
            let list = |items: Option<Series>| match items {
                None => Ok(None),
                // Lists that are all empty have no type of items.
                Some(items) if items.dtype().is_null() => Ok(Some(Vec::new())),
                Some(items) => {
                    let texts = items.str()?.iter().flatten().map(str::to_owned);
                    Ok(Some(texts.collect()))
                }
            };
            let lists = series.list()?.series_iter().map(list);
            Column::TextList(lists.collect::<Result<_, PolarsError>>()?)
        }
        // Decimals, which queries make of numbers with a point.
        dtype if dtype.is_numeric() => {
            let values = series.cast(&DataType::Float64)?;
            Column::Float(values.f64()?.iter().collect())
        }
        DataType::Null => Column::Text((0..series.len()).map(|_| None).collect()),
        other => Column::Unsupported { type_name: other.to_string(), rows: series.len() },
    };
    Ok(column.into())
}

fn text(series: &Series) -> Result<Column, PolarsError> {
    Ok(Column::Text(series.str()?.iter().collect::<TextColumn>()))
}
