//! Shapes and words in whole pixels, written as SVG in the order in which they are drawn.

/// From the left, and from the top.
pub(crate) type Point = (i32, i32);

/// A colour, as SVG has it.
pub(crate) type Colour = &'static str;

pub(crate) const WHITE: Colour = "#FFFFFF";

/// Where a text stands by its point.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    /// Begins there.
    Left,
    Middle,
    /// Ends there.
    Right,
}

/// A drawing under way, on white.
pub(crate) struct Svg {
    elements: String,
    size: Point,
}

impl Svg {
    pub(crate) fn new((width, height): Point) -> Self {
        let mut svg = Self { elements: String::new(), size: (width, height) };
        svg.rectangle([(0, 0), (width, height)], WHITE);
        svg
    }

    /// The drawing, with what screen readers read out in its place.
    pub(crate) fn finish(self, title: &str, description: &str) -> String {
        let (width, height) = self.size;
        let (title, description) = (escaped(title), escaped(description));
        format!(
            "<svg role=\"img\" aria-label=\"{title}\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
             xmlns=\"http://www.w3.org/2000/svg\">\n<title>{title}</title>\n\
             <desc>{description}</desc>\n{}</svg>\n",
            self.elements
        )
    }

    fn add(&mut self, element: &str, attributes: &str) {
        self.elements.push_str(&format!("<{element} {attributes}/>\n"));
    }

    pub(crate) fn line(&mut self, points: &[Point], colour: Colour, width: u32) {
        let points = listed(points);
        let stroke = format!("stroke=\"{colour}\" stroke-width=\"{width}\"");
        self.add("polyline", &format!("fill=\"none\" {stroke} points=\"{points}\""));
    }

    pub(crate) fn dashes(&mut self, ends: [Point; 2], colour: Colour) {
        let points = listed(&ends);
        let stroke = format!("stroke=\"{colour}\" stroke-dasharray=\"5\"");
        self.add("polyline", &format!("fill=\"none\" {stroke} points=\"{points}\""));
    }

    pub(crate) fn rectangle(&mut self, [(x, y), (to_x, to_y)]: [Point; 2], colour: Colour) {
        let (width, height) = (to_x - x, to_y - y);
        let place = format!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"");
        self.add("rect", &format!("{place} fill=\"{colour}\""));
    }

    /// An area in a thin wash of the colour.
    pub(crate) fn wash(&mut self, corners: &[Point], colour: Colour) {
        let points = listed(corners);
        self.add("polygon", &format!("opacity=\"0.18\" fill=\"{colour}\" points=\"{points}\""));
    }

    pub(crate) fn dot(&mut self, (x, y): Point, radius: i32, colour: Colour, opacity: f64) {
        let place = format!("cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"");
        self.add("circle", &format!("{place} opacity=\"{opacity}\" fill=\"{colour}\""));
    }

    /// A line of text, `at` its middle height.
    pub(crate) fn text(
        &mut self,
        words: &str,
        (x, y): Point,
        size: i32,
        colour: Colour,
        side: Side,
    ) {
        let anchor = match side {
            Side::Left => "start",
            Side::Middle => "middle",
            Side::Right => "end",
        };
        self.elements.push_str(&format!(
            "<text x=\"{x}\" y=\"{y}\" dy=\"0.5ex\" text-anchor=\"{anchor}\" font-size=\"{size}\" \
             fill=\"{colour}\">{}</text>\n",
            escaped(words)
        ));
    }
}

fn listed(points: &[Point]) -> String {
    let points = points.iter().map(|(x, y)| format!("{x},{y}"));
    points.collect::<Vec<_>>().join(" ")
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}
