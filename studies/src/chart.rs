//! Charts of the studies, as SVG: lines with intervals over an axis, and rows of intervals. What the
//! numbers mean is not known here.

use crate::phenomenon::Measured;
use crate::svg::{Colour, Point, Side, Svg, WHITE};

/// The colours of Okabe and Ito, which people who see colours otherwise can tell apart (Wong 2011, doi
/// 10.1038/nmeth.1618), without the yellow, which white swallows.
const PALETTE: [Colour; 6] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"];
const INK: Colour = "#282828";
const GREY: Colour = "#6E6E6E";
const GRID: Colour = "#E2E2E2";

const WIDTH: i32 = 780;
const TOP: i32 = 66;
const BOTTOM: i32 = 54;

/// What stands around a chart.
pub struct Frame<'a> {
    /// What it is of.
    pub title: &'a str,
    /// What is to be seen, in a line.
    pub subtitle: &'a str,
    /// The axis that lies flat.
    pub x: Axis<'a>,
}

/// An axis.
pub struct Axis<'a> {
    /// What it shows.
    pub label: &'a str,
    /// How it goes from one end to the other.
    pub scale: Scale,
    /// The values that are written beside it.
    pub ticks: &'a [f64],
    /// Its beginning.
    pub from: f64,
    /// Its end.
    pub to: f64,
}

/// How an axis goes from one end to the other.
#[derive(Clone, Copy)]
pub enum Scale {
    /// Equal differences are equally far apart.
    Linear,
    /// Equal factors are.
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
pub struct Line {
    /// What stands at its end.
    pub label: String,
    /// Along the horizontal axis.
    pub points: Vec<(f64, Measured)>,
    /// How its intervals are drawn.
    pub intervals: Intervals,
}

/// How intervals of a line are drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Intervals {
    /// Upright, each at its point.
    Bars,
    /// As an area about the line.
    Band,
}

/// A value to compare lines with.
pub struct Reference<'a> {
    /// What it is.
    pub label: &'a str,
    /// Where it is on the vertical axis.
    pub value: f64,
}

/// Lines over an axis, each named at its end; `y.label` stands above the vertical axis.
pub fn lines(
    frame: &Frame<'_>,
    y: &Axis<'_>,
    lines: &[Line],
    references: &[Reference<'_>],
) -> String {
    let height = 430;
    let (left, right) = (54, WIDTH - 196);
    let (top, bottom) = (TOP + 22, height - BOTTOM);
    let mut svg = Svg::new((WIDTH, height));
    heading(&mut svg, frame);
    svg.text(y.label, (left - 42, TOP + 4), 12, GREY, Side::Left);
    for &tick in y.ticks {
        let at = y.place(tick, bottom, top);
        svg.line(&[(left, at), (right, at)], GRID, 1);
        svg.text(&short(tick), (left - 8, at), 12, GREY, Side::Right);
    }
    horizontal(&mut svg, &frame.x, (left, right), bottom);
    let mut names = Vec::new();
    for reference in references {
        let at = y.place(reference.value, bottom, top);
        svg.dashes([(left, at), (right, at)], GREY);
        names.push((at, reference.label.to_owned(), GREY));
    }
    for ((line, colour), at) in lines.iter().zip(PALETTE).zip(0..) {
        // Bars of one place stand side by side.
        let aside = if line.intervals == Intervals::Bars { 5 * at - 8 } else { 0 };
        let spot = |x: f64, value: f64| {
            (frame.x.place(x, left, right) + aside, y.place(value, bottom, top))
        };
        draw_line(&mut svg, line, colour, &spot);
        if let Some((_, last)) = line.points.last() {
            names.push((y.place(last.value, bottom, top), line.label.clone(), colour));
        }
    }
    name_lines(&mut svg, names, right + 10);
    svg.finish(frame.title, frame.subtitle)
}

fn draw_line(svg: &mut Svg, line: &Line, colour: Colour, spot: &dyn Fn(f64, f64) -> Point) {
    let points = &line.points;
    if line.intervals == Intervals::Band {
        let above = points.iter().map(|(x, point)| spot(*x, point.high));
        let below = points.iter().rev().map(|(x, point)| spot(*x, point.low));
        let edge: Vec<Point> = above.chain(below).collect();
        svg.wash(&edge, colour);
    }
    let middle: Vec<Point> = points.iter().map(|(x, point)| spot(*x, point.value)).collect();
    svg.line(&middle, colour, 2);
    if line.intervals == Intervals::Bars {
        for (x, point) in points {
            svg.line(&[spot(*x, point.low), spot(*x, point.high)], colour, 2);
            svg.dot(spot(*x, point.value), 4, colour, 1.0);
        }
    }
}

/// Names at the height of their lines, pushed apart where they would overlap.
fn name_lines(svg: &mut Svg, mut names: Vec<(i32, String, Colour)>, left: i32) {
    const APART: i32 = 16;
    names.sort_by_key(|(at, _, _)| *at);
    for at in 1..names.len() {
        names[at].0 = names[at].0.max(names[at - 1].0 + APART);
    }
    for (at, name, colour) in names {
        svg.text(&name, (left, at), 13, colour, Side::Left);
    }
}

/// A row of a forest.
pub struct Row {
    /// What it is of.
    pub label: String,
    /// The place of its colour in the palette.
    pub colour: usize,
    /// What it shows.
    pub marks: Marks,
}

/// What a row shows.
pub enum Marks {
    /// The row has a heading in place of numbers.
    Heading,
    /// A number with its interval.
    One(Measured),
    /// Many numbers, without intervals.
    Many(Vec<f64>),
}

/// Rows of intervals over an axis, with a line at `reference`.
pub fn forest(frame: &Frame<'_>, rows: &[Row], reference: f64) -> String {
    const STEP: i32 = 34;
    let height = TOP + BOTTOM + STEP * rows.len() as i32;
    let (left, right) = (232, WIDTH - 136);
    let bottom = height - BOTTOM;
    let mut svg = Svg::new((WIDTH, height));
    heading(&mut svg, frame);
    for &tick in frame.x.ticks {
        let at = frame.x.place(tick, left, right);
        svg.line(&[(at, TOP), (at, bottom)], GRID, 1);
    }
    let at = frame.x.place(reference, left, right);
    svg.line(&[(at, TOP), (at, bottom)], GREY, 1);
    horizontal(&mut svg, &frame.x, (left, right), bottom);
    for (row, place) in rows.iter().zip(0..) {
        let middle = TOP + STEP * place + STEP / 2;
        draw_row(&mut svg, row, middle, &|value| frame.x.place(value, left, right), right);
    }
    svg.finish(frame.title, frame.subtitle)
}

fn draw_row(svg: &mut Svg, row: &Row, middle: i32, place: &dyn Fn(f64) -> i32, right: i32) {
    let colour = PALETTE[row.colour % PALETTE.len()];
    match &row.marks {
        Marks::Heading => {
            svg.rectangle([(10, middle - 8), (WIDTH, middle + 15)], WHITE);
            svg.text(&row.label, (16, middle + 4), 14, INK, Side::Left);
        }
        Marks::One(mark) => {
            svg.text(&row.label, (30, middle), 13, INK, Side::Left);
            svg.line(&[(place(mark.low), middle), (place(mark.high), middle)], colour, 3);
            svg.dot((place(mark.value), middle), 6, colour, 1.0);
            svg.text(&mark.to_string(), (right + 12, middle), 12, GREY, Side::Left);
        }
        Marks::Many(values) => {
            svg.text(&row.label, (30, middle), 13, INK, Side::Left);
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            // Three heights in turn, so that near values do not hide each other.
            for (&value, height) in sorted.iter().zip([0, -7, 7].into_iter().cycle()) {
                svg.dot((place(value), middle + height), 4, colour, 0.65);
            }
        }
    }
}

fn heading(svg: &mut Svg, frame: &Frame<'_>) {
    svg.text(frame.title, (16, 22), 17, INK, Side::Left);
    svg.text(frame.subtitle, (16, 45), 13, GREY, Side::Left);
}

fn horizontal(svg: &mut Svg, x: &Axis<'_>, (left, right): (i32, i32), bottom: i32) {
    svg.line(&[(left, bottom), (right, bottom)], GREY, 1);
    for &tick in x.ticks {
        let at = x.place(tick, left, right);
        svg.line(&[(at, bottom), (at, bottom + 4)], GREY, 1);
        svg.text(&short(tick), (at, bottom + 14), 12, GREY, Side::Middle);
    }
    svg.text(x.label, (i32::midpoint(left, right), bottom + 37), 13, INK, Side::Middle);
}
