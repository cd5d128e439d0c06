//! Workbooks of spreadsheets (`.xlsx`): the first sheet, whose first row that is not empty has the names of the
//! columns.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use calamine::{DataRef, ExcelDateTime, Reader, Xlsx, open_workbook};

use super::BATCH_ROWS;
use crate::error::Error;
use crate::log::{Batch, Column, Limit, LogSource, MAX_COLUMNS, MixedValue};

/// The most cells of a sheet; one may be small in the file and needs 40 bytes here.
const MAX_CELLS: usize = 1 << 26;

/// Reads the first sheet of a workbook. A cell is what the spreadsheet holds and not what it shows: numbers are
/// whole where they are, dates and times are those of a calendar without a zone, formulas their last values, and
/// errors are values that no role can use. The sheet is held in memory.
///
/// ```
/// # fn run() -> Result<(), tiltmeter::Error> {
/// use tiltmeter::source::{LogSource, WorkbookSource};
/// let source = WorkbookSource::open("survey.xlsx")?;
/// println!("{:?}", source.column_names());
/// # Ok(())
/// # }
/// # assert!(run().is_err());
/// ```
#[derive(Debug)]
pub struct WorkbookSource {
    name: String,
    columns: Vec<String>,
    /// Cells by row; the last of a row may not be there.
    rows: std::vec::IntoIter<Vec<MixedValue>>,
    /// Bytes of memory that they take at the beginning.
    held: usize,
    selected: Vec<usize>,
}

impl WorkbookSource {
    /// Reads the first sheet of a file.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Damaged`] for a file that is no workbook, has no sheet, or a sheet without a row of
    /// names; [`Error::TooLarge`] for more columns than a log may have.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        File::open(path).map_err(|cause| Error::Io { path: path.to_owned(), cause })?;
        let damaged = |detail: &dyn std::fmt::Display| Error::Damaged {
            file: name.clone(),
            format: "XLSX",
            place: String::new(),
            detail: detail.to_string(),
        };
        let mut workbook: Xlsx<BufReader<File>> =
            open_workbook(path).map_err(|cause| damaged(&cause))?;
        let sheets = workbook.sheet_names();
        let sheet = sheets.first().ok_or_else(|| damaged(&"it has no sheet"))?;
        let mut rows = cells(&mut workbook, sheet).map_err(|cause| damaged(&cause))?.into_iter();
        let header = rows.next().ok_or_else(|| damaged(&"its first sheet is empty"))?;
        if header.len() > MAX_COLUMNS {
            let place = " in the first row".to_owned();
            return Err(Error::TooLarge { file: name, limit: Limit::Columns, place });
        }
        let columns = header.iter().map(MixedValue::shown).collect();
        let held = rows.as_slice().iter().map(|row| 40 * row.len()).sum();
        Ok(Self { name, columns, rows, held, selected: Vec::new() })
    }
}

/// The rows of a sheet that are not empty.
fn cells(
    workbook: &mut Xlsx<BufReader<File>>,
    sheet: &str,
) -> Result<Vec<Vec<MixedValue>>, String> {
    let mut reader = workbook.worksheet_cells_reader(sheet).map_err(|cause| cause.to_string())?;
    let mut rows: Vec<Vec<MixedValue>> = Vec::new();
    let (mut at, mut count) = (None, 0);
    while let Some(cell) = reader.next_cell().map_err(|cause| cause.to_string())? {
        let (row, column) = cell.get_position();
        let value = value(cell.get_value());
        if value == MixedValue::Null {
            continue;
        }
        if at != Some(row) {
            rows.push(Vec::new());
            at = Some(row);
        }
        let cells = rows.last_mut().ok_or("a cell outside of all rows")?;
        let column = column as usize;
        count += (column + 1).saturating_sub(cells.len());
        if count > MAX_CELLS || column >= MAX_COLUMNS.max(1 << 14) {
            return Err(format!("it has more than {MAX_CELLS} cells; save the sheet as CSV"));
        }
        if cells.len() <= column {
            cells.resize(column + 1, MixedValue::Null);
        }
        cells[column] = value;
    }
    Ok(rows)
}

fn value(cell: &DataRef<'_>) -> MixedValue {
    /// Up to here each whole number is one floating-point number.
    const EXACT: f64 = (1_i64 << 53) as f64;
    match cell {
        DataRef::Empty => MixedValue::Null,
        DataRef::Int(value) => MixedValue::Integer(*value),
        DataRef::Float(value) if value.fract() == 0.0 && value.abs() < EXACT => {
            MixedValue::Integer(*value as i64)
        }
        DataRef::Float(value) => MixedValue::Float(*value),
        DataRef::Bool(value) => MixedValue::Boolean(*value),
        DataRef::String(text) => text_or_null(text),
        DataRef::SharedString(text) => text_or_null(text),
        DataRef::DateTime(at) if at.is_datetime() => MixedValue::Text(iso(at)),
        DataRef::DateTime(length) => MixedValue::Float(length.as_f64()),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text_or_null(text),
        DataRef::Error(error) => MixedValue::Other(error.to_string()),
    }
}

fn text_or_null(text: &str) -> MixedValue {
    if text.is_empty() { MixedValue::Null } else { MixedValue::Text(text.to_owned()) }
}

/// A date, with its time where it has one.
fn iso(at: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, milli) = at.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    match (hour, minute, second, milli) {
        (0, 0, 0, 0) => date,
        (hour, minute, second, 0) => format!("{date}T{hour:02}:{minute:02}:{second:02}"),
        (hour, minute, second, milli) => {
            format!("{date}T{hour:02}:{minute:02}:{second:02}.{milli:03}")
        }
    }
}

impl LogSource for WorkbookSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn column_names(&self) -> &[String] {
        &self.columns
    }

    fn select(&mut self, columns: &[usize]) {
        self.selected = columns.to_vec();
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let mut columns: Vec<Vec<MixedValue>> = vec![Vec::new(); self.selected.len()];
        for mut row in self.rows.by_ref().take(BATCH_ROWS) {
            for (&at, column) in self.selected.iter().zip(&mut columns) {
                // A column may be asked for twice.
                column.push(row.get_mut(at).map(|cell| cell.clone()).unwrap_or_default());
            }
        }
        let is_over = columns.first().is_none_or(Vec::is_empty);
        let columns = columns.into_iter().map(Column::Mixed).collect();
        Ok((!is_over).then(|| Batch { columns, unreadable: Vec::new() }))
    }

    fn rows_left(&self) -> Option<u64> {
        Some(self.rows.len() as u64)
    }

    fn bytes(&self) -> usize {
        self.held
    }
}
