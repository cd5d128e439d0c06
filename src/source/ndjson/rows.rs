//! The lines of a block as cells of the keys that are wanted.

use super::line::{Wanted, cells_of};
use super::plain::{Kind, Other, Plain, Value, texts};
use super::plan::{Line, Plan};
use super::{LineFault, is_blank, lines, not_utf8};
use crate::log::{Batch, CellKind, Cells, Column, MAX_LINE, MAX_VALUE, MixedValue, UnreadableRow};
use crate::source::text::Pool;

/// The rows of a block, as cells of the keys that are wanted, by their places; and whether that is all of it,
/// which it is not where a line is too long. A plan is there where not all of them are keys of lines.
pub(super) fn decode(
    block: Vec<u8>,
    wanted: &Wanted,
    plan: Option<&Plan>,
    pool: &Pool,
) -> (Batch, bool) {
    let mut rows = Rows::of(wanted, plan);
    let (text, whole) = match String::from_utf8(block) {
        Ok(text) => {
            let whole = lines(text.as_bytes()).try_fold(0, |start, line| {
                rows.line(&text[start..start + line.len()], start).then_some(start + line.len())
            });
            (text, whole.is_some())
        }
        Err(not_utf8) => {
            // Lines that are UTF-8 are the same there, and others are not read.
            let text = String::from_utf8_lossy(not_utf8.as_bytes()).into_owned();
            let whole = rows.lines_that_may_be_none(not_utf8.as_bytes(), &text);
            pool.put(not_utf8.into_bytes());
            (text, whole)
        }
    };
    let text = pool.lend(text);
    let columns = rows.cells.into_iter().map(|cells| Column::Cells(cells.of(&text))).collect();
    (Batch { columns, unreadable: rows.unreadable }, whole)
}

struct Rows<'w> {
    wanted: &'w Wanted,
    plan: Option<&'w Plan>,
    plain: Plain,
    cells: Vec<Cells>,
    unreadable: Vec<UnreadableRow>,
    /// The values of a line, by place.
    values: Vec<Option<Value>>,
    rows: usize,
}

impl<'w> Rows<'w> {
    fn of(wanted: &'w Wanted, plan: Option<&'w Plan>) -> Self {
        Self {
            wanted,
            plan,
            plain: Plain::default(),
            cells: vec![Cells::default(); wanted.len()],
            unreadable: Vec::new(),
            values: vec![None; wanted.len()],
            rows: 0,
        }
    }

    fn lines_that_may_be_none(&mut self, block: &[u8], text: &str) -> bool {
        let mut start = 0;
        for (raw, line) in lines(block).zip(lines(text.as_bytes())) {
            if raw == line {
                if !self.line(&text[start..start + line.len()], start) {
                    return false;
                }
            } else if raw.len() > MAX_LINE {
                return false;
            } else {
                self.fault(not_utf8(raw));
            }
            start += line.len();
        }
        true
    }

    /// Adds a line that begins there in the text; `false` for one that is too long.
    #[inline]
    fn line(&mut self, line: &str, start: usize) -> bool {
        if line.len() > MAX_LINE {
            return false;
        }
        let bytes = line.as_bytes();
        if bytes.first() != Some(&b'{') && is_blank(bytes) {
            return true;
        }
        if let Some(plan) = self.plan {
            self.by_plan(line, plan);
            return true;
        }
        self.values.fill(None);
        let wanted = |key: &str| self.wanted.get(key).copied();
        let values = &mut self.values;
        let read = self.plain.values(bytes, wanted, |place, value| {
            // A key that stands twice, or too long a list, is not for here to judge.
            let long = value.kind == Kind::List && value.end - value.start > MAX_VALUE;
            match values[place].replace(value) {
                None if !long => Ok(()),
                _ => Err(Other),
            }
        });
        match read {
            Ok(()) => self.push(line, start),
            Err(Other) => match cells_of(line, self.wanted) {
                Ok(cells) => self.push_values(cells),
                Err(fault) => self.fault(fault),
            },
        }
        true
    }

    /// Adds a line by a plan.
    fn by_plan(&mut self, line: &str, plan: &Plan) {
        match plan.rows(line) {
            Err(fault) => self.fault(fault),
            Ok(rows) if rows.is_taken_apart => self.elements(rows, line, plan),
            Ok(rows) => match rows.outer {
                Ok(cells) => self.push_values(cells),
                Err(fault) => self.fault(fault),
            },
        }
    }

    /// Adds a row for each element of a list. What they share is held once.
    fn elements(&mut self, rows: Line, line: &str, plan: &Plan) {
        let mut outer = match rows.outer {
            Ok(outer) => outer,
            Err(fault) => return rows.elements.iter().for_each(|_| self.fault(fault.clone())),
        };
        let is_there: Vec<bool> = outer.iter().map(|value| *value != MixedValue::Null).collect();
        for (number, element) in (1..).zip(rows.elements) {
            let settled = element.ok_or_else(|| plan.no_fields(line));
            let mut element = match settled.and_then(|element| plan.settled(element, line)) {
                Ok(element) => element,
                Err(fault) => {
                    self.fault(fault);
                    continue;
                }
            };
            if let Some(place) = plan.number() {
                element[place] = MixedValue::Integer(number);
            }
            for (place, (cells, own)) in self.cells.iter_mut().zip(element).enumerate() {
                let value =
                    if plan.is_inner(place) { own } else { std::mem::take(&mut outer[place]) };
                match value {
                    MixedValue::Null if is_there[place] => cells.push_last_odd(),
                    MixedValue::Null => cells.push_null(),
                    value => cells.push_odd(value),
                }
            }
            self.rows += 1;
        }
    }

    fn push_values(&mut self, values: Vec<MixedValue>) {
        for (cells, value) in self.cells.iter_mut().zip(values) {
            match value {
                MixedValue::Null => cells.push_null(),
                value => cells.push_odd(value),
            }
        }
        self.rows += 1;
    }

    /// Adds the values of a line.
    #[inline]
    fn push(&mut self, line: &str, start: usize) {
        for (cells, value) in self.cells.iter_mut().zip(&self.values) {
            match value {
                None | Some(Value { kind: Kind::Cell(CellKind::Null), .. }) => cells.push_null(),
                Some(Value { kind: Kind::Cell(kind), start: from, end }) => {
                    cells.push(*kind, start + from, start + end);
                }
                Some(Value { kind: Kind::List, start: from, .. }) => {
                    cells.push_odd(MixedValue::TextList(list(line, *from)));
                }
            }
        }
        self.rows += 1;
    }

    /// Adds a row that cannot be read.
    #[cold]
    fn fault(&mut self, (column, value, reason): LineFault) {
        self.cells.iter_mut().for_each(Cells::push_null);
        self.unreadable.push(UnreadableRow { index: self.rows, column, value, reason });
        self.rows += 1;
    }
}

/// The texts of a list that begins there.
fn list(line: &str, mut at: usize) -> Vec<String> {
    let mut all = Vec::new();
    // It was gone through before, and is whole.
    let _ = texts(line.as_bytes(), &mut at, |text| {
        all.push(String::from_utf8_lossy(text).into_owned());
    });
    all
}
