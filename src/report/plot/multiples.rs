//! Small multiples: a panel for each topic, two to a row, each with a line for each arm; panels that count alike have
//! one axis.

use super::axis::{Axis, Extent, short};
use super::canvas::{Canvas, Colour, Described, NameLines, Side, flowing, lines_of, picture};
use super::{ABOVE, BELOW, GREY, GRID, INK};
use crate::base::printable::printable_name;
use crate::base::text::grouped;
use crate::statistic::Scale;

const WIDTH: i32 = 800;
const COLUMN: i32 = WIDTH / 2;
/// The height of a row of panels without their names.
const ROW: i32 = 174;
/// How many characters of a name there is room for in a line.
const NAME: usize = 46;
const LINE: i32 = 18;
/// The height of the part of a panel in which lines are.
const PLOT: i32 = 112;
/// Lines of more points have no marks at each: the colour says whose they are.
const MARKED: usize = 14;
/// From the ends of an axis to the first and last place, so that their names are within the panel.
const EDGE: i32 = 22;

/// Panels to be drawn.
pub(in crate::report) struct Multiples {
    pub(in crate::report) title: String,
    pub(in crate::report) description: String,
    /// The series, in the order of those of each panel.
    pub(in crate::report) arms: Vec<String>,
    /// What stands below the axis of each panel, by place from the left.
    pub(in crate::report) places: Vec<String>,
    pub(in crate::report) panels: Vec<Panel>,
    /// What to know of the panels.
    pub(in crate::report) note: String,
}

/// A panel.
pub(in crate::report) struct Panel {
    pub(in crate::report) name: String,
    pub(in crate::report) unit: Counted,
    pub(in crate::report) series: Vec<Series>,
}

/// What a panel's axis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Counted {
    /// Shares, shown in percent.
    Shares,
    /// Impressions.
    Impressions,
}

impl Counted {
    /// What the axis shows in any case: of counts, none.
    const fn from(self) -> Option<f64> {
        match self {
            Self::Shares => None,
            Self::Impressions => Some(0.0),
        }
    }
}

/// The points of an arm, by place; `None` where there is no value.
pub(in crate::report) type Series = Vec<Option<Point>>;

/// A value with its interval, where it has one; an end that is missing is the edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) struct Point {
    pub(in crate::report) value: f64,
    pub(in crate::report) interval: Option<(f64, f64)>,
}

const fn colour(series: usize) -> Colour {
    if series == 0 { ABOVE } else { BELOW }
}

/// What the panels of one unit have in common: as extents of their axis, whatever the heights of its ends.
type Extents = Vec<(Counted, Vec<Extent>)>;

impl Multiples {
    pub(in crate::report) fn svg(&self) -> String {
        let described = Described { title: &self.title, description: &self.description };
        let heading = lines_of(&self.title, 88, 3);
        let note = lines_of(&self.note, 118, 4);
        let legend = 24 + LINE * heading.len() as i32;
        let arms: Vec<String> = self.arms.iter().map(|arm| printable_name(arm)).collect();
        let arms: Vec<&str> = arms.iter().map(String::as_str).collect();
        let (places, height) = flowing(&arms, (22, WIDTH - 8), 12);
        let names: Vec<NameLines> =
            self.panels.iter().map(|panel| NameLines::of(&panel.name, NAME)).collect();
        let heights =
            names.chunks(2).map(|two| ROW + two.iter().map(NameLines::height).max().unwrap_or(0));
        let heights: Vec<i32> = heights.collect();
        let top = legend + height + 4;
        let bottom = top + heights.iter().sum::<i32>();
        let shared = self.shared();
        picture((WIDTH, bottom + LINE * note.len() as i32 + 12), &described, |canvas| {
            for (line, at) in heading.iter().zip(0..) {
                canvas.text(line, (16, 22 + LINE * at), 15, INK, Side::Left);
            }
            for (series, (arm, (x, y))) in arms.iter().zip(places).enumerate() {
                mark(canvas, (x, legend + y), series);
                canvas.text(arm, (x + 12, legend + y), 12, colour(series), Side::Left);
            }
            let mut y = top;
            let rows = self.panels.chunks(2).zip(names.chunks(2)).zip(&heights);
            for ((panels, names), height) in rows {
                // Names of one line and of more stand above the same axes.
                let plot = y + height - ROW;
                for ((panel, name), column) in panels.iter().zip(names).zip(0..) {
                    let x = COLUMN * column;
                    canvas.name_in_lines(name, (x + 16, y + 10), 13, INK);
                    self.panel(canvas, panel, &shared, (x, plot));
                }
                y += height;
            }
            for (line, at) in note.iter().zip(0..) {
                canvas.text(line, (16, bottom + 8 + LINE * at), 12, GREY, Side::Left);
            }
        })
    }

    /// The extents of all panels that count alike, so that they have one axis.
    fn shared(&self) -> Extents {
        let mut shared: Extents = Vec::new();
        for panel in &self.panels {
            let more = extents(&panel.series);
            match shared.iter_mut().find(|(unit, _)| *unit == panel.unit) {
                Some((_, all)) => all.extend(more),
                None => shared.push((panel.unit, more)),
            }
        }
        shared
    }

    fn panel(&self, canvas: &mut Canvas, panel: &Panel, shared: &Extents, (x, y): (i32, i32)) {
        let (left, right) = (x + 62, x + COLUMN - 26);
        let (top, bottom) = (y + 10, y + 10 + PLOT);
        let all = shared.iter().find(|(unit, _)| *unit == panel.unit);
        let all = all.map_or(&[][..], |(_, all)| all);
        let axis = Axis::over(Scale::Linear, all, panel.unit.from(), (bottom, top));
        let shown = |value: f64| match panel.unit {
            Counted::Shares => format!("{}%", short(100.0 * value)),
            Counted::Impressions => grouped(&short(value)),
        };
        let ticks = axis.ticks();
        let every = if ticks.len() > 6 { 2 } else { 1 };
        for (at, value) in ticks.into_iter().step_by(every) {
            canvas.line(&[(left, at), (right, at)], GRID, 1);
            canvas.text(&shown(value), (left - 8, at), 12, GREY, Side::Right);
        }
        let place = |at: usize| {
            let parts = self.places.len().saturating_sub(1).max(1) as f64;
            let inner = f64::from(right - left - 2 * EDGE);
            left + EDGE + (inner * at as f64 / parts).round() as i32
        };
        for at in labelled(self.places.len()) {
            let side = Side::Middle;
            canvas.text(&self.places[at], (place(at), bottom + 16), 12, GREY, side);
        }
        for (at, series) in panel.series.iter().enumerate().rev() {
            draw(canvas, (at, series), &axis, &place);
        }
        if panel.series.iter().flatten().all(Option::is_none) {
            canvas.text(
                "no values",
                ((left + right) / 2, (top + bottom) / 2),
                12,
                GREY,
                Side::Middle,
            );
        }
    }
}

fn extents(series: &[Series]) -> Vec<Extent> {
    let finite = |end: f64| end.is_finite().then_some(end);
    let of = |point: &Point| Extent {
        value: Some((point.value, point.value)),
        low: point.interval.and_then(|its| finite(its.0)),
        high: point.interval.and_then(|its| finite(its.1)),
    };
    series.iter().flatten().flatten().map(of).collect()
}

/// Which places have their name below: as many as there is room for, the first and last among them.
fn labelled(places: usize) -> Vec<usize> {
    match places {
        0 => Vec::new(),
        1 => vec![0],
        2..=4 => vec![0, places - 1],
        _ => vec![0, (places - 1) / 2, places - 1],
    }
}

fn mark(canvas: &mut Canvas, at: (i32, i32), series: usize) {
    match series {
        0 => canvas.dot(at, 3, ABOVE),
        _ => canvas.ring(at, 3, BELOW),
    }
}

/// A line with its band, in pieces where values are missing.
fn draw(
    canvas: &mut Canvas,
    (at, series): (usize, &Series),
    axis: &Axis,
    place: &impl Fn(usize) -> i32,
) {
    let points: Vec<(i32, Option<Point>)> =
        series.iter().enumerate().map(|(at, point)| (place(at), *point)).collect();
    for piece in points.split(|(_, point)| point.and_then(|its| its.interval).is_none()) {
        let ends = piece.iter().filter_map(|(x, point)| Some((*x, (*point)?.interval?)));
        let ends: Vec<(i32, (f64, f64))> = ends.collect();
        match ends.as_slice() {
            [] => {}
            [(x, (low, high))] => {
                canvas.line(&[(*x, axis.place(*low)), (*x, axis.place(*high))], colour(at), 1);
            }
            many => {
                let lower = many.iter().map(|(x, (low, _))| (*x, axis.place(*low)));
                let upper = many.iter().rev().map(|(x, (_, high))| (*x, axis.place(*high)));
                let corners: Vec<(i32, i32)> = lower.chain(upper).collect();
                canvas.wash(&corners, colour(at));
            }
        }
    }
    for piece in points.split(|(_, point)| point.is_none()) {
        let line = piece.iter().filter_map(|(x, point)| Some((*x, axis.place((*point)?.value))));
        let line: Vec<(i32, i32)> = line.collect();
        if line.len() > 1 {
            canvas.line(&line, colour(at), 2);
        }
        if points.len() <= MARKED || line.len() == 1 {
            line.iter().for_each(|&point| mark(canvas, point, at));
        }
    }
}
