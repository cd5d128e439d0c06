//! Plots of reports, as SVG. What is drawn was computed elsewhere; here it gets a place, a colour and a
//! shape.

mod axis;
mod canvas;
mod curve;
mod forest;
mod multiples;
#[cfg(feature = "png")]
mod png;
mod waterfall;

use self::canvas::Colour;
pub(super) use self::curve::middle;
pub(super) use self::forest::{Bar, Forest, ForestRow, Mark};
pub(super) use self::multiples::{Counted, Multiples, Panel, Point as SeriesPoint, Series};
#[cfg(feature = "png")]
pub use self::png::Png;

/// Of the colours of Okabe and Ito, which people who see colours otherwise can tell apart (Wong 2011, doi
/// 10.1038/nmeth.1618): above, below. Shapes say the same.
const ABOVE: Colour = Colour(0, 114, 178);
const BELOW: Colour = Colour(213, 94, 0);
const UNSURE: Colour = Colour(120, 120, 120);
const INK: Colour = Colour(40, 40, 40);
const GREY: Colour = Colour(95, 95, 95);
const GRID: Colour = Colour(226, 226, 226);
const STRIPE: Colour = Colour(245, 245, 245);
