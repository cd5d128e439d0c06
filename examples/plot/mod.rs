//! Plots of the examples, as SVG: lines with intervals over an axis, and rows of intervals. What the
//! numbers mean is not known here.

#![allow(dead_code, reason = "no example needs all of it")]

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::phenomenon::Measured;

/// The colours of Okabe and Ito, which people who see colours otherwise can tell apart (Wong 2011, doi
/// 10.1038/nmeth.1618), without the yellow, which white swallows.
const PALETTE: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
];
const INK: RGBColor = RGBColor(40, 40, 40);
const GREY: RGBColor = RGBColor(110, 110, 110);
const GRID: RGBColor = RGBColor(226, 226, 226);

const WIDTH: u32 = 780;
const TOP: i32 = 66;
const BOTTOM: i32 = 54;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

/// What stands around a plot.
pub(crate) struct Frame<'a> {
    pub(crate) title: &'a str,
    /// What is to be seen, in a line.
    pub(crate) subtitle: &'a str,
    pub(crate) x: Axis<'a>,
}

/// An axis.
pub(crate) struct Axis<'a> {
    pub(crate) label: &'a str,
    pub(crate) scale: Scale,
    pub(crate) ticks: &'a [f64],
    /// The ends of the axis.
    pub(crate) from: f64,
    pub(crate) to: f64,
}

/// How an axis goes from one end to the other.
#[derive(Clone, Copy)]
pub(crate) enum Scale {
    Linear,
    /// Equal factors are equally far apart.
    Logarithmic,
}

impl Axis<'_> {
    /// Where a value lies between `low` and `high`, which stand for the ends of the axis.
    fn place(&self, value: f64, low: i32, high: i32) -> i32 {
        let part = match self.scale {
            Scale::Linear => (value - self.from) / (self.to - self.from),
            Scale::Logarithmic => (value / self.from).ln() / (self.to / self.from).ln(),
        };
        low + (part.clamp(0.0, 1.0) * f64::from(high - low)).round() as i32
    }
}

/// A number with as many decimals as it needs, at most two.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A line with its intervals.
pub(crate) struct Line {
    pub(crate) label: String,
    /// Along the horizontal axis.
    pub(crate) points: Vec<(f64, Measured)>,
    pub(crate) intervals: Intervals,
}

/// How intervals of a line are drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intervals {
    Bars,
    Band,
}

/// A value to compare lines with.
pub(crate) struct Reference<'a> {
    pub(crate) label: &'a str,
    pub(crate) value: f64,
}

/// Lines over an axis, each named at its end; `y.label` stands above the vertical axis.
pub(crate) fn lines(
    frame: &Frame<'_>,
    y: &Axis<'_>,
    lines: &[Line],
    references: &[Reference<'_>],
) -> Result<String, Box<dyn Error>> {
    let height = 430;
    let (left, right) = (54, WIDTH as i32 - 196);
    let (top, bottom) = (TOP + 22, height as i32 - BOTTOM);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        heading(&area, frame)?;
        text(&area, y.label, (left - 42, TOP + 4), 12, GREY, HPos::Left)?;
        for &tick in y.ticks {
            let at = y.place(tick, bottom, top);
            path(&area, &[(left, at), (right, at)], GRID.stroke_width(1))?;
            text(&area, &short(tick), (left - 8, at), 12, GREY, HPos::Right)?;
        }
        horizontal(&area, &frame.x, (left, right), bottom)?;
        let mut names = Vec::new();
        for reference in references {
            let at = y.place(reference.value, bottom, top);
            dashes(&area, (left, right), at)?;
            names.push((at, reference.label.to_owned(), GREY));
        }
        for ((line, colour), at) in lines.iter().zip(PALETTE).zip(0..) {
            // Bars of one place stand side by side.
            let aside = if line.intervals == Intervals::Bars { 5 * at - 8 } else { 0 };
            let spot = |x: f64, value: f64| {
                (frame.x.place(x, left, right) + aside, y.place(value, bottom, top))
            };
            draw_line(&area, line, colour, &spot)?;
            if let Some((_, last)) = line.points.last() {
                names.push((y.place(last.value, bottom, top), line.label.clone(), colour));
            }
        }
        name_lines(&area, names, right + 10)?;
        area.present()?;
    }
    Ok(svg)
}

fn draw_line(
    area: &Area<'_>,
    line: &Line,
    colour: RGBColor,
    spot: &dyn Fn(f64, f64) -> (i32, i32),
) -> Drawn {
    let points = &line.points;
    if line.intervals == Intervals::Band {
        let above = points.iter().map(|(x, point)| spot(*x, point.high));
        let below = points.iter().rev().map(|(x, point)| spot(*x, point.low));
        let edge: Vec<(i32, i32)> = above.chain(below).collect();
        area.draw(&Polygon::new(edge, colour.mix(0.18)))?;
    }
    let middle: Vec<(i32, i32)> = points.iter().map(|(x, point)| spot(*x, point.value)).collect();
    path(area, &middle, colour.stroke_width(2))?;
    if line.intervals == Intervals::Bars {
        for (x, point) in points {
            let ends = [spot(*x, point.low), spot(*x, point.high)];
            path(area, &ends, colour.stroke_width(2))?;
            area.draw(&Circle::new(spot(*x, point.value), 4, colour.filled()))?;
        }
    }
    Ok(())
}

/// Names at the height of their lines, pushed apart where they would overlap.
fn name_lines(area: &Area<'_>, mut names: Vec<(i32, String, RGBColor)>, left: i32) -> Drawn {
    const APART: i32 = 16;
    names.sort_by_key(|(at, _, _)| *at);
    for at in 1..names.len() {
        names[at].0 = names[at].0.max(names[at - 1].0 + APART);
    }
    for (at, name, colour) in names {
        text(area, &name, (left, at), 13, colour, HPos::Left)?;
    }
    Ok(())
}

/// A row of a forest.
pub(crate) struct Row {
    pub(crate) label: String,
    /// The place of its colour in the palette.
    pub(crate) colour: usize,
    pub(crate) marks: Marks,
}

/// What a row shows.
pub(crate) enum Marks {
    /// The row has a heading in place of numbers.
    Heading,
    One(Measured),
    /// Many numbers, without intervals.
    Many(Vec<f64>),
}

/// Rows of intervals over an axis, with a line at `reference`.
pub(crate) fn forest(
    frame: &Frame<'_>,
    rows: &[Row],
    reference: f64,
) -> Result<String, Box<dyn Error>> {
    const STEP: i32 = 34;
    let height = TOP + BOTTOM + STEP * rows.len() as i32;
    let (left, right) = (232, WIDTH as i32 - 136);
    let bottom = height - BOTTOM;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height as u32)).into_drawing_area();
        heading(&area, frame)?;
        for &tick in frame.x.ticks {
            let at = frame.x.place(tick, left, right);
            path(&area, &[(at, TOP), (at, bottom)], GRID.stroke_width(1))?;
        }
        let at = frame.x.place(reference, left, right);
        path(&area, &[(at, TOP), (at, bottom)], GREY.stroke_width(1))?;
        horizontal(&area, &frame.x, (left, right), bottom)?;
        for (row, place) in rows.iter().zip(0..) {
            let middle = TOP + STEP * place + STEP / 2;
            draw_row(&area, row, middle, &|value| frame.x.place(value, left, right), right)?;
        }
        area.present()?;
    }
    Ok(svg)
}

fn draw_row(
    area: &Area<'_>,
    row: &Row,
    middle: i32,
    place: &dyn Fn(f64) -> i32,
    right: i32,
) -> Drawn {
    let colour = PALETTE[row.colour % PALETTE.len()];
    match &row.marks {
        Marks::Heading => {
            let over = [(10, middle - 8), (WIDTH as i32, middle + 15)];
            area.draw(&Rectangle::new(over, WHITE.filled()))?;
            text(area, &row.label, (16, middle + 4), 14, INK, HPos::Left)?;
        }
        Marks::One(mark) => {
            text(area, &row.label, (30, middle), 13, INK, HPos::Left)?;
            let ends = [(place(mark.low), middle), (place(mark.high), middle)];
            path(area, &ends, colour.stroke_width(3))?;
            area.draw(&Circle::new((place(mark.value), middle), 6, colour.filled()))?;
            text(area, &mark.to_string(), (right + 12, middle), 12, GREY, HPos::Left)?;
        }
        Marks::Many(values) => {
            text(area, &row.label, (30, middle), 13, INK, HPos::Left)?;
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            // Three heights in turn, so that near values do not hide each other.
            for (&value, height) in sorted.iter().zip([0, -7, 7].into_iter().cycle()) {
                let dot =
                    Circle::new((place(value), middle + height), 4, colour.mix(0.65).filled());
                area.draw(&dot)?;
            }
        }
    }
    Ok(())
}

fn heading(area: &Area<'_>, frame: &Frame<'_>) -> Drawn {
    area.fill(&WHITE)?;
    text(area, frame.title, (16, 22), 17, INK, HPos::Left)?;
    text(area, frame.subtitle, (16, 45), 13, GREY, HPos::Left)
}

fn horizontal(area: &Area<'_>, x: &Axis<'_>, (left, right): (i32, i32), bottom: i32) -> Drawn {
    path(area, &[(left, bottom), (right, bottom)], GREY.stroke_width(1))?;
    for &tick in x.ticks {
        let at = x.place(tick, left, right);
        path(area, &[(at, bottom), (at, bottom + 4)], GREY.stroke_width(1))?;
        text(area, &short(tick), (at, bottom + 14), 12, GREY, HPos::Center)?;
    }
    let middle = i32::midpoint(left, right);
    text(area, x.label, (middle, bottom + 37), 13, INK, HPos::Center)
}

fn dashes(area: &Area<'_>, (left, right): (i32, i32), at: i32) -> Drawn {
    for from in (left..right).step_by(10) {
        path(area, &[(from, at), ((from + 5).min(right), at)], GREY.stroke_width(1))?;
    }
    Ok(())
}

fn path(area: &Area<'_>, points: &[(i32, i32)], style: ShapeStyle) -> Drawn {
    Ok(area.draw(&PathElement::new(points.to_vec(), style))?)
}

/// A line of text, `at` its middle height.
fn text(
    area: &Area<'_>,
    words: &str,
    at: (i32, i32),
    size: i32,
    colour: RGBColor,
    side: HPos,
) -> Drawn {
    // The backend takes sizes for 1.24 times the font size that it writes.
    let style = TextStyle::from(("sans-serif", 1.24 * f64::from(size)).into_font())
        .color(&colour)
        .pos(Pos::new(side, VPos::Center));
    Ok(area.draw(&Text::new(words.to_owned(), at, style))?)
}
