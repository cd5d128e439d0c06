//! Which columns of a table a terminal has room for, and how wide they are.

use super::lines::{longest_word, width_of};
use super::{Table, Yields};

/// Names are no wider than this, however wide the terminal.
const NAME_CEILING: usize = 40;

/// What a column takes of a line beside its cells.
const MARGIN: usize = 3;

/// How wide a column would be, and must be.
#[derive(Clone, Copy)]
struct Measured {
    /// With nothing wrapped.
    natural: usize,
    /// With all of it wrapped.
    least: usize,
    yields: Yields,
}

/// What wraps.
#[derive(Clone, Copy)]
enum Wraps {
    Names,
    All,
}

/// Columns by their places, with their widths.
pub(super) struct Layout {
    pub(super) shown: Vec<(usize, usize)>,
    pub(super) left_out: Vec<usize>,
}

impl Layout {
    /// Of a table whose cells are these texts, row by row.
    pub(super) fn of(table: &Table, texts: &[Vec<String>], width: usize) -> Self {
        let of_column =
            |at: usize| texts.iter().filter_map(move |row| row.get(at)).map(|its| &**its);
        let columns = table.columns.iter().enumerate();
        let all: Vec<Measured> = columns
            .map(|(at, its)| Measured::of(of_column(at).chain([&*its.heading]), its.yields))
            .collect();
        let mut shown: Vec<usize> = (0..all.len()).collect();
        let widths = loop {
            let its: Vec<Measured> = shown.iter().map(|at| all[*at]).collect();
            if let Some(widths) = fitted(&its, width, Wraps::Names) {
                break widths;
            }
            if leave_one_out(&mut shown, |at| all[at].first()) {
                continue;
            }
            if let Some(widths) = fitted(&its, width, Wraps::All) {
                break widths;
            }
            if !leave_one_out(&mut shown, |at| all[at].later()) {
                break its.iter().map(|its| its.least).collect();
            }
        };
        let left_out = (0..all.len()).filter(|at| !shown.contains(at)).collect();
        Self { shown: shown.into_iter().zip(widths).collect(), left_out }
    }
}

impl Measured {
    fn of<'t>(texts: impl Iterator<Item = &'t str>, yields: Yields) -> Self {
        let (mut natural, mut least) = (0, 0);
        for text in texts {
            natural = natural.max(width_of(text));
            least = least.max(longest_word(text));
        }
        if let Yields::Wrapping { floor } = yields {
            natural = natural.min(NAME_CEILING);
            least = natural.min(floor);
        }
        Self { natural, least, yields }
    }

    fn first(&self) -> Option<u8> {
        match self.yields {
            Yields::First(order) => Some(order),
            _ => None,
        }
    }

    fn later(&self) -> Option<u8> {
        match self.yields {
            Yields::Later(order) => Some(order),
            _ => None,
        }
    }

    fn least(&self, wraps: Wraps) -> usize {
        match (wraps, self.yields) {
            (Wraps::Names, Yields::Wrapping { .. }) | (Wraps::All, _) => self.least,
            (Wraps::Names, _) => self.natural,
        }
    }
}

/// Takes the first of those out that have an order; says whether there was one.
fn leave_one_out(shown: &mut Vec<usize>, order: impl Fn(usize) -> Option<u8>) -> bool {
    let first = shown.iter().filter_map(|at| Some((order(*at)?, *at))).min();
    shown.retain(|at| first.is_none_or(|(_, its)| its != *at));
    first.is_some()
}

/// Widths with which the columns fit, if there are any: the narrow ones as wide as they would be.
fn fitted(columns: &[Measured], width: usize, wraps: Wraps) -> Option<Vec<usize>> {
    // There is no margin after the last.
    let room = (width + 1).checked_sub(MARGIN * columns.len())?;
    let at_level =
        |level: usize| columns.iter().map(move |its| its.natural.min(level).max(its.least(wraps)));
    let fits = |level: &usize| at_level(*level).sum::<usize>() <= room;
    let widest = columns.iter().map(|its| its.natural).max().unwrap_or(0);
    if !fits(&0) {
        return None;
    }
    // Sums grow with the level.
    let (mut fitting, mut beyond) = (0, widest + 1);
    while beyond - fitting > 1 {
        let middle = fitting.midpoint(beyond);
        if fits(&middle) { fitting = middle } else { beyond = middle }
    }
    let mut widths: Vec<usize> = at_level(fitting).collect();
    let mut left = room - widths.iter().sum::<usize>();
    for (width, its) in widths.iter_mut().zip(columns) {
        if left > 0 && *width < its.natural {
            *width += 1;
            left -= 1;
        }
    }
    Some(widths)
}
