//! The specification curve: all estimates by size, and below each what was chosen.

use super::axis::{Axis, Extent, short};
use super::canvas::{Canvas, Colour, Described, Point, Side, cut, lines_of, picture, width_of};
use super::{ABOVE, BELOW, GREY, GRID, INK, STRIPE, UNSURE};
use crate::error::Error;
use crate::estimate::{Estimate, Value, words};
use crate::sensitivity::{
    Dimension, Direction, Found, SensitivityRow, SensitivitySummary, SensitivityTable,
};
use crate::statistic::{Scale, Statistic};

const WIDTH: i32 = 900;
const LEFT: i32 = 300;
const RIGHT: i32 = WIDTH - 26;
/// The height of a line of words below the title.
const LINE: i32 = 18;
const PANEL: i32 = 250;
/// The height of a level.
const STEP: i32 = 17;

impl SensitivityTable {
    /// The specification curve of a statistic and topic, as SVG (Simonsohn, Simmons and Nelson 2020, doi
    /// 10.1038/s41562-020-0912-z): every supported row once, the least value first, its interval, and
    /// below it what was chosen.
    ///
    /// Intervals without an end, and those longer than the axis, end in an arrow; infinite values and
    /// those of no exposure on a scale of ratios are arrows at the edge; rows without a value are
    /// crosses. What colours say, shapes say too: dots exclude no amplification, rings do not. The row of
    /// the question as it was asked is marked from top to bottom. The picture has a title and a description
    /// for screen readers.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a statistic or topic that the table does not have.
    pub fn to_svg(&self, statistic: &dyn Statistic, topic: &str) -> Result<String, Error> {
        let summary = self.summary(statistic, topic).ok_or_else(|| Error::Parameter {
            parameter: "what is to be drawn",
            value: format!("{} of {topic:?}", statistic.name()),
            expected: "a statistic and a topic of the table",
        })?;
        let mut rows: Vec<Drawn<'_>> = self
            .rows_of(statistic, topic)
            .filter_map(|row| Drawn::of(row, summary.scale))
            .collect();
        // Stable, so that equal ones keep the order of the table.
        rows.sort_by(|a, b| a.order().total_cmp(&b.order()));
        let asked = self.row_as_asked(statistic, topic);
        let asked = asked.and_then(|its| rows.iter().position(|row| std::ptr::eq(row.row, its)));
        Ok(Curve { table: self, summary, statistic, rows, asked }.svg())
    }
}

/// A row with its places on the working scale.
struct Drawn<'r> {
    row: &'r SensitivityRow,
    estimate: &'r Estimate,
    value: Option<(f64, f64)>,
    /// The ends of its interval: infinite where it has none, `None` without an interval.
    interval: Option<(f64, f64)>,
}

impl<'r> Drawn<'r> {
    fn of(row: &'r SensitivityRow, scale: Scale) -> Option<Self> {
        let estimate = row.outcome.as_ref().ok()?;
        let value = match estimate.value {
            Value::Between { low, high } => Some((low, high)),
            other => other.number().map(|value| (value, value)),
        };
        let end = |end: Option<f64>, open: f64| end.map_or(open, |end| scale.working(end));
        Some(Self {
            row,
            estimate,
            value: value.map(|(low, high)| (scale.working(low), scale.working(high))),
            interval: estimate
                .interval
                .ok()
                .map(|its| (end(its.low, f64::NEG_INFINITY), end(its.high, f64::INFINITY))),
        })
    }

    /// Those without a value come last.
    fn order(&self) -> f64 {
        self.value.map_or(f64::NAN, middle)
    }

    fn colour(&self) -> Colour {
        match self.row.found.and_then(Found::surely) {
            Some(Direction::Amplified) => ABOVE,
            Some(Direction::Reduced) => BELOW,
            None => UNSURE,
        }
    }

    fn extent(&self) -> Extent {
        let finite = |end: f64| end.is_finite().then_some(end);
        Extent {
            value: self.value,
            low: self.interval.and_then(|its| finite(its.0)),
            high: self.interval.and_then(|its| finite(its.1)),
        }
    }
}

struct Curve<'t> {
    table: &'t SensitivityTable,
    summary: &'t SensitivitySummary,
    statistic: &'t dyn Statistic,
    rows: Vec<Drawn<'t>>,
    /// The place among the rows of the question as it was asked.
    asked: Option<usize>,
}

impl Curve<'_> {
    fn svg(&self) -> String {
        let title = format!(
            "Specification curve: topic {:?}, arm {:?}",
            self.summary.topic,
            self.table.treatment()
        );
        let heading = lines_of(&title, 95, 4);
        let sentence = self.summary.sentence();
        let own = self.own();
        let description = [&*sentence, &*own, self.table.caution()].join(" ");
        let mut words = lines_of(&sentence, 130, 4);
        words.extend(lines_of(&own, 130, 2));
        let below = 46 + LINE * (heading.len() as i32 - 1);
        let top = below + 6 + LINE * words.len() as i32 + 40;
        let levels = self.levels();
        let matrix = top + PANEL + 22;
        let height =
            matrix + levels.iter().map(|(_, its)| STEP * its.len() as i32 + 8).sum::<i32>() + 40;
        picture(
            (WIDTH, height),
            &Described { title: &title, description: &description },
            |canvas| {
                for (line, at) in heading.iter().zip(0..) {
                    canvas.text(line, (16, 22 + LINE * at), 16, INK, Side::Left);
                }
                for (line, at) in words.iter().zip(0..) {
                    canvas.text(line, (16, below + LINE * at), 12, GREY, Side::Left);
                }
                self.mark_own(canvas, (top, height - 36));
                self.legend(canvas, top - 18);
                self.panel(canvas, (top + PANEL, top));
                self.matrix(canvas, &levels, matrix);
                let note = self.note();
                canvas.text(&cut(&note, 130), (16, height - 18), 12, GREY, Side::Left);
            },
        )
    }

    /// The question as it was asked, among the rows.
    fn own(&self) -> String {
        let Some((at, row)) = self.asked.and_then(|at| Some((at, self.rows.get(at)?))) else {
            return "The question as it was asked has no row.".to_owned();
        };
        let ends = match &row.estimate.interval {
            Ok(its) => format!(" ({})", words::interval(its)),
            Err(_) => String::new(),
        };
        format!(
            "As it was asked it is row {} from the left, the one on the band: {}{ends}.",
            at + 1,
            words::value(row.estimate.value)
        )
    }

    /// A band behind the row of the question as it was asked.
    fn mark_own(&self, canvas: &mut Canvas, (top, bottom): (i32, i32)) {
        self.band(canvas, (top, bottom));
        if let Some(at) = self.asked {
            let (x, step) = self.place(at);
            canvas.arrow((x, top), band_of(step) + 1, -7, INK);
        }
    }

    fn band(&self, canvas: &mut Canvas, (top, bottom): (i32, i32)) {
        if let Some(at) = self.asked {
            let (x, step) = self.place(at);
            let half = band_of(step);
            canvas.rectangle([(x - half, top), (x + half, bottom)], GRID);
        }
    }

    /// How many rows there are, and of what interval.
    fn note(&self) -> String {
        let tallied = self.summary.tallied;
        let level = self.rows.iter().find_map(|row| row.estimate.interval.ok());
        let bars = level.map_or_else(
            || "no intervals".to_owned(),
            |its| format!("bars: {}% intervals", super::super::percent(its.level)),
        );
        let plural = if tallied.supported == 1 { "row" } else { "rows" };
        format!(
            "{} {plural}, {bars}; {} more combinations not supported or not repeated. Rows are not \
             independent.",
            tallied.supported,
            tallied.rows - tallied.supported
        )
    }

    /// The dimensions that vary, each with the levels that some row has, in the order of the table.
    fn levels(&self) -> Vec<(Dimension, Vec<String>)> {
        let of = |dimension: &Dimension| {
            let mut levels: Vec<String> = Vec::new();
            for row in self.table.rows_of(self.statistic, &self.summary.topic) {
                let level = row.choices.level(*dimension);
                if row.outcome.is_ok() && !levels.contains(&level) {
                    levels.push(level);
                }
            }
            (*dimension, levels)
        };
        self.table.varied().iter().map(of).collect()
    }

    /// Where a row stands, and how wide it is.
    fn place(&self, at: usize) -> (i32, f64) {
        let step = f64::from(RIGHT - LEFT - 8) / self.rows.len().max(1) as f64;
        // Few rows stand together, not at the ends of the earth.
        let step = step.min(48.0);
        (LEFT + 8 + (step * (at as f64 + 0.5)).round() as i32, step)
    }

    fn legend(&self, canvas: &mut Canvas, at: i32) {
        if self.summary.null.is_none() {
            return;
        }
        let has = |holds: &dyn Fn(&Drawn<'_>) -> bool| self.rows.iter().any(holds);
        let surely = |row: &Drawn<'_>| row.row.found.and_then(Found::surely);
        let mut x = LEFT + 8;
        let mut entry = |colour, words: &str, mark: &dyn Fn(&mut Canvas, Point)| {
            mark(canvas, (x, at));
            canvas.text(words, (x + 10, at), 12, colour, Side::Left);
            x += 10 + width_of(words, 12) + 22;
        };
        if has(&|row| surely(row) == Some(Direction::Amplified)) {
            entry(ABOVE, "interval above no amplification", &|canvas, at| canvas.dot(at, 4, ABOVE));
        }
        if has(&|row| surely(row) == Some(Direction::Reduced)) {
            entry(BELOW, "interval below it", &|canvas, at| canvas.dot(at, 4, BELOW));
        }
        if has(&|row| row.value.is_some() && surely(row).is_none()) {
            entry(GREY, "not sure", &|canvas, at| canvas.ring(at, 4, UNSURE));
        }
        if has(&|row| row.value.is_none()) {
            entry(GREY, "no value", &|canvas, at| canvas.cross(at, 3, UNSURE));
        }
    }

    fn panel(&self, canvas: &mut Canvas, (bottom, top): (i32, i32)) {
        let scale = self.summary.scale;
        let extents: Vec<Extent> = self.rows.iter().map(Drawn::extent).collect();
        let null = self.statistic.null();
        let axis = Axis::over(scale, &extents, null, (bottom, top));
        for (at, value) in axis.ticks() {
            canvas.line(&[(LEFT, at), (RIGHT, at)], GRID, 1);
            canvas.text(&short(value), (LEFT - 8, at), 12, GREY, Side::Right);
        }
        let name = lines_of(self.statistic.phrase(), 38, 2);
        for (line, at) in name.iter().zip(0..) {
            canvas.text(line, (16, top - 34 + LINE * at), 12, GREY, Side::Left);
        }
        if let Some(null) = null {
            let at = axis.place(null);
            canvas.dashes([(LEFT, at), (RIGHT, at)], INK);
            canvas.text("no amplification", (LEFT - 62, at), 12, INK, Side::Right);
        }
        for (at, row) in self.rows.iter().enumerate() {
            let (x, step) = self.place(at);
            draw(canvas, row, &axis, (x, step), (bottom, top));
        }
    }

    fn matrix(&self, canvas: &mut Canvas, dimensions: &[(Dimension, Vec<String>)], top: i32) {
        let mut at = top;
        for (dimension, levels) in dimensions {
            canvas.text(&dimension.to_string(), (16, at + STEP / 2), 12, INK, Side::Left);
            for (place, level) in levels.iter().enumerate() {
                if place % 2 == 0 {
                    canvas.rectangle([(LEFT, at), (RIGHT, at + STEP)], STRIPE);
                }
                self.band(canvas, (at, at + STEP));
                let middle = at + STEP / 2;
                canvas.text(&cut(level, 25), (LEFT - 8, middle), 12, GREY, Side::Right);
                for (place, row) in self.rows.iter().enumerate() {
                    if row.row.choices.level(*dimension) == *level {
                        let (x, step) = self.place(place);
                        let half = ((step * 0.36) as i32).clamp(1, 4);
                        let corners = [(x - half, middle - 5), (x + half, middle + 5)];
                        canvas.rectangle(corners, row.colour());
                    }
                }
                at += STEP;
            }
            at += 8;
        }
    }
}

/// The middle of a value, by which values are put in order. That of two infinite ends that differ is nowhere.
pub(in crate::report) fn middle((low, high): (f64, f64)) -> f64 {
    match low.is_infinite() && high.is_infinite() && low != high {
        true => 0.0,
        false => low + (high - low).max(0.0) / 2.0,
    }
}

/// Half the width of a band behind a row.
fn band_of(step: f64) -> i32 {
    ((step * 0.5) as i32).clamp(3, 9)
}

/// One estimate with its interval.
fn draw(
    canvas: &mut Canvas,
    row: &Drawn<'_>,
    axis: &Axis,
    (x, step): (i32, f64),
    (bottom, top): (i32, i32),
) {
    let colour = row.colour();
    let radius = ((step * 0.4) as i32).clamp(2, 4);
    let Some((low, high)) = row.value else {
        return canvas.cross((x, bottom - 6), radius.min(3), colour);
    };
    if let Some(ends) = row.interval {
        interval(canvas, axis, ends, (x, radius), (bottom, top), colour);
    }
    if low < high {
        let corners = [(x - radius / 2, axis.place(high)), (x + radius / 2, axis.place(low))];
        return canvas.rectangle(corners, colour);
    }
    if axis.is_above(low) {
        return canvas.arrow((x, top), radius + 2, 3 * radius, colour);
    }
    if axis.is_below(low) {
        return canvas.arrow((x, bottom), radius + 2, -3 * radius, colour);
    }
    match row.row.found.and_then(Found::surely) {
        Some(_) => canvas.dot((x, axis.place(low)), radius, colour),
        None => canvas.ring((x, axis.place(low)), radius, colour),
    }
}

/// A bar between two ends; an end beyond the axis is an arrow.
pub(super) fn interval(
    canvas: &mut Canvas,
    axis: &Axis,
    (low, high): (f64, f64),
    (x, radius): (i32, i32),
    (bottom, top): (i32, i32),
    colour: Colour,
) {
    let ends = [(x, axis.place(low)), (x, axis.place(high))];
    canvas.line(&ends, colour, if radius > 2 { 2 } else { 1 });
    if axis.is_above(high) {
        canvas.arrow((x, top), radius.min(3), 6, colour);
    }
    if axis.is_below(low) {
        canvas.arrow((x, bottom), radius.min(3), -6, colour);
    }
}
