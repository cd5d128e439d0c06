//! A forest: a row for each topic, with one or two bars on an axis that lies flat.

use super::axis::{Axis, Extent, short};
use super::canvas::{Canvas, Colour, Described, NameLines, Side, cut, flowing, lines_of, picture};
use super::{ABOVE, BELOW, GREY, GRID, INK, STRIPE, UNSURE};
use crate::statistic::Scale;

const WIDTH: i32 = 800;
const LEFT: i32 = 216;
const RIGHT: i32 = 524;
/// The height of a line of words.
const LINE: i32 = 18;
/// The height of a bar with the room about it.
const BAR: i32 = 16;
/// How many characters of a name there is room for in a line.
const NAME: usize = 27;
/// How many characters of what stands at the right.
const WORDS: usize = 38;

/// A forest to be drawn.
pub(in crate::report) struct Forest<'f> {
    pub(in crate::report) title: String,
    pub(in crate::report) description: String,
    /// What the axis shows.
    pub(in crate::report) axis: String,
    pub(in crate::report) scale: Scale,
    /// The working value at which nothing differs, and how that is called.
    pub(in crate::report) null: Option<(f64, &'f str)>,
    pub(in crate::report) legend: Vec<(Mark, &'f str)>,
    pub(in crate::report) rows: Vec<ForestRow>,
}

/// A topic.
pub(in crate::report) struct ForestRow {
    pub(in crate::report) name: String,
    pub(in crate::report) bars: Vec<Bar>,
}

/// A value with an interval, both on the working scale.
pub(in crate::report) struct Bar {
    /// Its least and greatest: one number but for values between two.
    pub(in crate::report) value: Option<(f64, f64)>,
    /// Infinite where there is no end.
    pub(in crate::report) interval: Option<(f64, f64)>,
    pub(in crate::report) mark: Mark,
    /// The same in digits.
    pub(in crate::report) words: String,
}

/// How a value is marked: shapes say what colours do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Mark {
    /// Found above, with all topics taken into account: a dot.
    Above,
    /// Found below: a dot of another colour.
    Below,
    /// Above by itself alone: a ring of the dot's colour.
    AboveAlone,
    /// Below by itself alone.
    BelowAlone,
    /// Neither: a ring.
    Unsure,
    /// As if impressions were independent: a thin line.
    Naive,
}

impl Mark {
    const fn colour(self) -> Colour {
        match self {
            Self::Above | Self::AboveAlone => ABOVE,
            Self::Below | Self::BelowAlone => BELOW,
            Self::Unsure | Self::Naive => UNSURE,
        }
    }

    fn draw(self, canvas: &mut Canvas, at: (i32, i32)) {
        match self {
            Self::Above | Self::Below => canvas.dot(at, 5, self.colour()),
            Self::AboveAlone | Self::BelowAlone | Self::Unsure => canvas.ring(at, 4, self.colour()),
            Self::Naive => canvas.line(&[(at.0, at.1 - 4), (at.0, at.1 + 4)], UNSURE, 2),
        }
    }
}

/// A row with its name in lines, and its height.
type Placed<'r> = (&'r ForestRow, NameLines, i32);

impl Forest<'_> {
    pub(in crate::report) fn svg(&self) -> String {
        let described = Described { title: &self.title, description: &self.description };
        let heading = lines_of(&self.title, 88, 3);
        let legend = 24 + LINE * heading.len() as i32;
        let words: Vec<&str> = self.legend.iter().map(|(_, words)| *words).collect();
        let (places, height) = flowing(&words, (22, WIDTH - 8), 12);
        let top = legend + height + 8;
        let rows: Vec<Placed<'_>> = self.rows.iter().map(placed).collect();
        let bottom = top + rows.iter().map(|(_, _, height)| height).sum::<i32>().max(28);
        picture((WIDTH, bottom + 62), &described, |canvas| {
            for (line, at) in heading.iter().zip(0..) {
                canvas.text(line, (16, 22 + LINE * at), 15, INK, Side::Left);
            }
            for ((mark, words), (x, y)) in self.legend.iter().zip(places) {
                mark.draw(canvas, (x, legend + y));
                canvas.text(words, (x + 12, legend + y), 12, GREY, Side::Left);
            }
            let axis = self.axis(&rows, (top, bottom), canvas);
            let mut at = top;
            for row in &rows {
                draw(canvas, row, &axis, at);
                at += row.2;
            }
            let middle = (LEFT + RIGHT) / 2;
            canvas.text(&cut(&self.axis, 100), (middle, bottom + 42), 12, GREY, Side::Middle);
        })
    }

    /// The axis, its grid, and the stripes under the rows.
    fn axis(&self, rows: &[Placed<'_>], (top, bottom): (i32, i32), canvas: &mut Canvas) -> Axis {
        let bars = self.rows.iter().flat_map(|row| &row.bars);
        let finite = |end: f64| end.is_finite().then_some(end);
        let extents = bars.map(|bar| Extent {
            value: bar.value,
            low: bar.interval.and_then(|its| finite(its.0)),
            high: bar.interval.and_then(|its| finite(its.1)),
        });
        let extents: Vec<Extent> = extents.collect();
        let null = self.null.map(|(null, _)| null);
        // Upright axes grow towards their second end; so does one that lies flat.
        let axis = Axis::over(self.scale, &extents, null, (LEFT, RIGHT));
        let mut at = top;
        for ((_, _, height), place) in rows.iter().zip(0..) {
            if place % 2 == 0 {
                canvas.rectangle([(8, at), (WIDTH - 8, at + *height)], STRIPE);
            }
            at += height;
        }
        for (x, value) in axis.ticks() {
            canvas.line(&[(x, top), (x, bottom)], GRID, 1);
            canvas.text(&short(value), (x, bottom + 14), 12, GREY, Side::Middle);
        }
        if let Some((null, words)) = self.null {
            let x = axis.place(null);
            canvas.dashes([(x, top), (x, bottom)], INK);
            canvas.text(words, (x, top - 8), 12, INK, Side::Middle);
        }
        axis
    }
}

fn placed(row: &ForestRow) -> Placed<'_> {
    let name = NameLines::of(&row.name, NAME);
    let height = 12 + name.height().max(BAR * row.bars.len().max(1) as i32);
    (row, name, height)
}

fn draw(canvas: &mut Canvas, (row, name, height): &Placed<'_>, axis: &Axis, top: i32) {
    let middle = top + height / 2;
    canvas.name_in_lines(name, (16, middle - name.middle()), 13, INK);
    let first = middle - BAR * (row.bars.len().max(1) as i32 - 1) / 2;
    for (bar, at) in row.bars.iter().zip(0..) {
        let y = first + BAR * at;
        let colour = bar.mark.colour();
        if let Some(ends) = bar.interval {
            interval(canvas, axis, ends, (y, bar.mark), colour);
        }
        match bar.value {
            None => canvas.cross((LEFT + 8, y), 4, UNSURE),
            Some((low, high)) if low < high => {
                let corners = [(axis.place(low), y - 4), (axis.place(high), y + 4)];
                canvas.rectangle(corners, colour);
            }
            Some((value, _)) if axis.is_above(value) => arrow(canvas, (RIGHT, y), 9, colour),
            Some((value, _)) if axis.is_below(value) => arrow(canvas, (LEFT, y), -9, colour),
            Some((value, _)) => bar.mark.draw(canvas, (axis.place(value), y)),
        }
        let ink = if bar.mark == Mark::Naive { GREY } else { INK };
        canvas.name((&bar.words, WORDS), (RIGHT + 18, y), 12, ink, Side::Left);
    }
}

fn interval(
    canvas: &mut Canvas,
    axis: &Axis,
    (low, high): (f64, f64),
    (y, mark): (i32, Mark),
    colour: Colour,
) {
    let width = if mark == Mark::Naive { 1 } else { 2 };
    canvas.line(&[(axis.place(low), y), (axis.place(high), y)], colour, width);
    if axis.is_above(high) {
        arrow(canvas, (RIGHT, y), 6, colour);
    }
    if axis.is_below(low) {
        arrow(canvas, (LEFT, y), -6, colour);
    }
}

/// A triangle whose tip is at the point, pointing right where `length` is above zero, else left.
fn arrow(canvas: &mut Canvas, (x, y): (i32, i32), length: i32, colour: Colour) {
    canvas.polygon(&[(x, y), (x - length, y - 4), (x - length, y + 4)], colour);
}
