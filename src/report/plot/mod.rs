//! Plots of reports, as SVG. What is drawn was computed elsewhere; here it gets a place, a colour and a
//! shape.

mod axis;
mod curve;
mod forest;
mod multiples;
mod waterfall;

use std::cell::RefCell;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub(super) use self::forest::{Bar, Forest, ForestRow, Mark};
pub(super) use self::multiples::{Counted, Multiples, Panel, Point as SeriesPoint, Series};
use crate::base::printable::{printable, printable_name};
use crate::error::Error;
use crate::report::markup::escaped;

/// Of the colours of Okabe and Ito, which people who see colours otherwise can tell apart (Wong 2011, doi
/// 10.1038/nmeth.1618): above, below. Shapes say the same.
const ABOVE: RGBColor = RGBColor(0, 114, 178);
const BELOW: RGBColor = RGBColor(213, 94, 0);
const UNSURE: RGBColor = RGBColor(120, 120, 120);
const INK: RGBColor = RGBColor(40, 40, 40);
const GREY: RGBColor = RGBColor(95, 95, 95);
const GRID: RGBColor = RGBColor(226, 226, 226);
const STRIPE: RGBColor = RGBColor(245, 245, 245);

/// The width of a character of size 1, about: fonts are the viewer's.
const PER_CHARACTER: f64 = 0.56;

type Point = (i32, i32);

/// A drawing under way.
struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    /// Names that were cut, in the order in which they were drawn: as drawn, and in full.
    shortened: RefCell<Vec<(String, String)>>,
}

/// What a picture is, for those who do not see it.
struct Described<'a> {
    title: &'a str,
    description: &'a str,
}

/// Draws a picture of this size.
fn picture(
    (width, height): (i32, i32),
    described: &Described<'_>,
    draw: impl FnOnce(&Canvas<'_>) -> Result<(), Error>,
) -> Result<String, Error> {
    let mut svg = String::new();
    let shortened = {
        let size = (width.unsigned_abs(), height.unsigned_abs());
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let canvas = Canvas { area, shortened: RefCell::default() };
        canvas.area.fill(&WHITE).map_err(failed)?;
        draw(&canvas)?;
        canvas.area.present().map_err(failed)?;
        canvas.shortened.take()
    };
    Ok(labelled(&with_full_names(svg, &shortened), described))
}

fn failed(cause: impl std::fmt::Display) -> Error {
    Error::Report { detail: format!("plot: {cause}") }
}

/// With a title and a description, which screen readers read out in the place of the picture.
fn labelled(svg: &str, described: &Described<'_>) -> String {
    let Some(at) = svg.find("<svg").and_then(|start| svg[start..].find('>').map(|end| start + end))
    else {
        return svg.to_owned();
    };
    let (opening, rest) = (&svg[..at], &svg[at + 1..]);
    let title = escaped(described.title);
    let opening = opening.replacen("<svg", &format!("<svg role=\"img\" aria-label=\"{title}\""), 1);
    let description = escaped(described.description);
    format!("{opening}>\n<title>{title}</title>\n<desc>{description}</desc>{rest}")
}

/// With each cut name in full as the title of its text.
fn with_full_names(mut svg: String, shortened: &[(String, String)]) -> String {
    let mut from = 0;
    for (drawn, full) in shortened {
        // The backend escapes one mark more.
        let text = format!("\n{}\n</text>", escaped(drawn).replace('\'', "&apos;"));
        let Some(at) = svg[from..].find(&text) else { continue };
        let end = from + at + text.len() - "</text>".len();
        let title = format!("<title>{}</title>", escaped(full));
        svg.insert_str(end, &title);
        from = end + title.len();
    }
    svg
}

/// Text of at most so many characters, cut with three dots.
fn cut(text: &str, most: usize) -> String {
    let text = printable(text);
    if text.chars().count() <= most {
        return text;
    }
    let kept: String = text.chars().take(most.saturating_sub(3)).collect();
    format!("{kept}...")
}

/// Text in lines of at most so many characters, at most so many lines.
fn lines_of(text: &str, characters: usize, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in printable(text).split(' ') {
        let last = lines.last_mut().expect("there is always a line");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > characters {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            last.push_str(" ...");
        }
    }
    lines.iter().map(|line| cut(line, characters + 4)).collect()
}

/// About how wide a text is.
fn width_of(text: &str, size: i32) -> i32 {
    (text.chars().count() as f64 * f64::from(size) * PER_CHARACTER).ceil() as i32
}

/// Where a text stands by its point.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Begins there.
    Left,
    Middle,
    /// Ends there.
    Right,
}

impl Canvas<'_> {
    fn line(&self, points: &[Point], colour: RGBColor, width: u32) -> Result<(), Error> {
        let line = PathElement::new(points.to_vec(), colour.stroke_width(width));
        self.area.draw(&line).map_err(failed)
    }

    fn dashes(&self, (left, right): (i32, i32), at: i32, colour: RGBColor) -> Result<(), Error> {
        for from in (left..right).step_by(9) {
            self.line(&[(from, at), ((from + 5).min(right), at)], colour, 1)?;
        }
        Ok(())
    }

    fn rectangle(&self, corners: [Point; 2], colour: RGBColor) -> Result<(), Error> {
        self.area.draw(&Rectangle::new(corners, colour.filled())).map_err(failed)
    }

    /// An area in a thin wash of the colour.
    fn wash(&self, corners: Vec<Point>, colour: RGBColor) -> Result<(), Error> {
        self.area.draw(&Polygon::new(corners, colour.mix(0.18).filled())).map_err(failed)
    }

    /// A name, cut if it is longer than so many characters, and then in full as its title.
    fn name(
        &self,
        (name, most): (&str, usize),
        at: Point,
        size: i32,
        colour: RGBColor,
        side: Side,
    ) -> Result<(), Error> {
        let full = printable_name(name);
        let drawn = cut(&full, most);
        if drawn != full {
            self.shortened.borrow_mut().push((drawn.clone(), full));
        }
        self.text(&drawn, at, size, colour, side)
    }

    fn dot(&self, at: Point, radius: i32, colour: RGBColor) -> Result<(), Error> {
        self.area.draw(&Circle::new(at, radius, colour.filled())).map_err(failed)
    }

    /// A ring, white within.
    fn ring(&self, at: Point, radius: i32, colour: RGBColor) -> Result<(), Error> {
        self.area.draw(&Circle::new(at, radius, WHITE.filled())).map_err(failed)?;
        self.area.draw(&Circle::new(at, radius, colour.stroke_width(2))).map_err(failed)
    }

    fn cross(&self, (x, y): Point, radius: i32, colour: RGBColor) -> Result<(), Error> {
        self.line(&[(x - radius, y - radius), (x + radius, y + radius)], colour, 2)?;
        self.line(&[(x - radius, y + radius), (x + radius, y - radius)], colour, 2)
    }

    fn triangle(&self, corners: [Point; 3], colour: RGBColor) -> Result<(), Error> {
        self.area.draw(&Polygon::new(corners.to_vec(), colour.filled())).map_err(failed)
    }

    /// A triangle whose tip is at the point; it points up where `height` is above zero, else down.
    fn arrow(&self, (x, y): Point, half: i32, height: i32, colour: RGBColor) -> Result<(), Error> {
        let corners = vec![(x, y), (x - half, y + height), (x + half, y + height)];
        self.area.draw(&Polygon::new(corners, colour.filled())).map_err(failed)
    }

    /// A line of text, `at` its middle height.
    fn text(
        &self,
        words: &str,
        at: Point,
        size: i32,
        colour: RGBColor,
        side: Side,
    ) -> Result<(), Error> {
        let side = match side {
            Side::Left => HPos::Left,
            Side::Middle => HPos::Center,
            Side::Right => HPos::Right,
        };
        // The backend takes sizes for 1.24 times the font size that it writes.
        let style = TextStyle::from(("sans-serif", 1.24 * f64::from(size)).into_font())
            .color(&colour)
            .pos(Pos::new(side, VPos::Center));
        self.area.draw(&Text::new(printable(words), at, style)).map_err(failed)
    }
}
