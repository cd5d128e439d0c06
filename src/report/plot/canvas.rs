//! The canvas: shapes and words in whole pixels, written as SVG in the order in which they are drawn. What they
//! mean is not known here.

use crate::base::printable::{printable, printable_name};
use crate::report::markup::escaped;

/// A place, or an extent: from the left, and from the top.
pub(super) type Point = (i32, i32);

/// A colour: red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Colour(pub(super) u8, pub(super) u8, pub(super) u8);

pub(super) const WHITE: Colour = Colour(255, 255, 255);

/// The width of a character of size 1, about: fonts are the viewer's.
const PER_CHARACTER: f64 = 0.56;

/// How much of what is under a wash it hides.
const WASH: f64 = 0.18;

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{:02X}{:02X}{:02X}", self.0, self.1, self.2)
    }
}

/// What a picture is, for those who do not see it.
pub(super) struct Described<'a> {
    pub(super) title: &'a str,
    pub(super) description: &'a str,
}

/// Where a text stands by its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Begins there.
    Left,
    Middle,
    /// Ends there.
    Right,
}

impl Side {
    /// The attribute that says so, where it has to be said.
    const fn anchor(self) -> &'static str {
        match self {
            Self::Left => "",
            Self::Middle => " text-anchor=\"middle\"",
            Self::Right => " text-anchor=\"end\"",
        }
    }
}

/// A drawing under way. Elements are whole when they are added, and texts are escaped by [`Canvas::words`] alone, so
/// that the drawing is XML whatever is written on it.
pub(super) struct Canvas {
    svg: String,
}

/// Draws a picture of this size on white. Its title and description are what screen readers read out in its place: as
/// one label, since of a picture with a label many do not read the description.
pub(super) fn picture(
    (width, height): Point,
    described: &Described<'_>,
    draw: impl FnOnce(&mut Canvas),
) -> String {
    let (title, description) = (escaped(described.title), escaped(described.description));
    let svg = format!(
        "<svg role=\"img\" aria-label=\"{title}. {description}\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         xmlns=\"http://www.w3.org/2000/svg\">\n<title>{title}</title>\n<desc>{description}</desc>\n"
    );
    let mut canvas = Canvas { svg };
    canvas.rectangle([(0, 0), (width, height)], WHITE);
    draw(&mut canvas);
    canvas.svg + "</svg>\n"
}

impl Canvas {
    /// Adds an element that is empty; its attributes are numbers and words of this file.
    fn add(&mut self, element: &str, attributes: &str) {
        self.svg.push_str(&format!("<{element} {attributes}/>\n"));
    }

    /// A line through the points.
    pub(super) fn line(&mut self, points: &[Point], colour: Colour, width: u32) {
        let points = listed(points);
        self.add(
            "polyline",
            &format!(
                "fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" points=\"{points}\""
            ),
        );
    }

    /// A thin line of dashes between two points.
    pub(super) fn dashes(&mut self, ends: [Point; 2], colour: Colour) {
        let points = listed(&ends);
        self.add(
            "polyline",
            &format!(
                "fill=\"none\" stroke=\"{colour}\" stroke-dasharray=\"5 4\" points=\"{points}\""
            ),
        );
    }

    /// A rectangle between two corners that lie opposite each other.
    pub(super) fn rectangle(&mut self, [(x, y), (to_x, to_y)]: [Point; 2], colour: Colour) {
        let (left, top) = (x.min(to_x), y.min(to_y));
        let (width, height) = (x.abs_diff(to_x), y.abs_diff(to_y));
        self.add(
            "rect",
            &format!(
                "x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" fill=\"{colour}\""
            ),
        );
    }

    /// An area.
    pub(super) fn polygon(&mut self, corners: &[Point], colour: Colour) {
        let points = listed(corners);
        self.add("polygon", &format!("fill=\"{colour}\" points=\"{points}\""));
    }

    /// An area in a thin wash of the colour.
    pub(super) fn wash(&mut self, corners: &[Point], colour: Colour) {
        let points = listed(corners);
        self.add("polygon", &format!("opacity=\"{WASH}\" fill=\"{colour}\" points=\"{points}\""));
    }

    pub(super) fn dot(&mut self, (x, y): Point, radius: i32, colour: Colour) {
        self.add("circle", &format!("cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{colour}\""));
    }

    /// A ring, white within.
    pub(super) fn ring(&mut self, (x, y): Point, radius: i32, colour: Colour) {
        self.add(
            "circle",
            &format!(
                "cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{WHITE}\" stroke=\"{colour}\" \
                 stroke-width=\"2\""
            ),
        );
    }

    pub(super) fn cross(&mut self, (x, y): Point, radius: i32, colour: Colour) {
        self.line(&[(x - radius, y - radius), (x + radius, y + radius)], colour, 2);
        self.line(&[(x - radius, y + radius), (x + radius, y - radius)], colour, 2);
    }

    /// A triangle whose tip is at the point; it points up where `height` is above zero, else down.
    pub(super) fn arrow(&mut self, (x, y): Point, half: i32, height: i32, colour: Colour) {
        self.polygon(&[(x, y), (x - half, y + height), (x + half, y + height)], colour);
    }

    /// A line of text, `at` its middle height.
    pub(super) fn text(&mut self, words: &str, at: Point, size: i32, colour: Colour, side: Side) {
        self.words((words, None), at, size, colour, side);
    }

    /// A name, cut if it is longer than so many characters, and then in full as its title.
    pub(super) fn name(
        &mut self,
        (name, most): (&str, usize),
        at: Point,
        size: i32,
        colour: Colour,
        side: Side,
    ) {
        let full = printable_name(name);
        let drawn = cut(&full, most);
        let title = (drawn != full).then_some(&*full);
        self.words((&drawn, title), at, size, colour, side);
    }

    /// A name in full, in lines one below the other, the first `at` its middle height. Beyond [`MOST_LINES`] it is cut,
    /// and then in full as the title of the last line.
    pub(super) fn name_in_lines(
        &mut self,
        lines: &NameLines,
        at: Point,
        size: i32,
        colour: Colour,
    ) {
        let last = lines.lines.len().saturating_sub(1);
        for (place, line) in lines.lines.iter().enumerate() {
            let title = lines.full.as_deref().filter(|_| place == last);
            let y = at.1 + place as i32 * NameLines::HEIGHT;
            self.words((line, title), (at.0, y), size, colour, Side::Left);
        }
    }

    fn words(
        &mut self,
        (words, title): (&str, Option<&str>),
        (x, y): Point,
        size: i32,
        colour: Colour,
        side: Side,
    ) {
        let (words, anchor) = (escaped(words), side.anchor());
        let title =
            title.map_or_else(String::new, |title| format!("<title>{}</title>", escaped(title)));
        self.svg.push_str(&format!(
            "<text x=\"{x}\" y=\"{y}\" dy=\"0.5ex\"{anchor} font-size=\"{size}\" \
             fill=\"{colour}\">{words}{title}</text>\n"
        ));
    }
}

/// A name as it is to be drawn: in full, wrapped.
pub(super) struct NameLines {
    lines: Vec<String>,
    /// All of it, where that is more than the lines have.
    full: Option<String>,
}

/// A name of more lines is no label any more.
const MOST_LINES: usize = 8;

impl NameLines {
    /// From a line to the next.
    const HEIGHT: i32 = 16;

    /// A name in lines of at most so many characters; words that are longer than that are broken.
    pub(super) fn of(name: &str, characters: usize) -> Self {
        let full = printable_name(name);
        let mut lines = vec![String::new()];
        for word in full.split(' ') {
            let letters: Vec<char> = word.chars().collect();
            let mut pieces = letters.chunks(characters.max(1));
            // A name may hold spaces side by side: the word between them is empty.
            let mut piece = pieces.next().unwrap_or(&[]);
            loop {
                let last = lines.last_mut().expect("there is always a line");
                let length = last.chars().count();
                if length > 0 && length + 1 + piece.len() > characters {
                    lines.push(piece.iter().collect());
                } else {
                    last.extend((length > 0).then_some(' ').iter().chain(piece));
                }
                match pieces.next() {
                    None => break,
                    Some(next) => {
                        piece = next;
                        lines.push(String::new());
                    }
                }
            }
        }
        let is_cut = lines.len() > MOST_LINES;
        if is_cut {
            lines.truncate(MOST_LINES);
            if let Some(last) = lines.last_mut() {
                *last = cut(&format!("{last}..."), characters);
            }
        }
        Self { lines, full: is_cut.then_some(full) }
    }

    /// How high they are together.
    pub(super) fn height(&self) -> i32 {
        self.lines.len() as i32 * Self::HEIGHT
    }

    /// From the first line's middle height to that of all of them.
    pub(super) fn middle(&self) -> i32 {
        (self.height() - Self::HEIGHT) / 2
    }
}

/// Words with marks before them, one after the other, from line to line as there is room: where each stands, and the
/// height of all.
pub(super) fn flowing(words: &[&str], (left, right): (i32, i32), size: i32) -> (Vec<Point>, i32) {
    const MARK: i32 = 12;
    const GAP: i32 = 24;
    const LINE: i32 = 20;
    let (mut x, mut y) = (left, 0);
    let mut places = Vec::with_capacity(words.len());
    for words in words {
        let width = MARK + width_of(words, size);
        if x > left && x + width > right {
            (x, y) = (left, y + LINE);
        }
        places.push((x, y));
        x += width + GAP;
    }
    (places, if words.is_empty() { 0 } else { y + LINE })
}

/// Points as an attribute has them.
fn listed(points: &[Point]) -> String {
    let points = points.iter().map(|(x, y)| format!("{x},{y}"));
    points.collect::<Vec<_>>().join(" ")
}

/// About how wide a text is.
pub(super) fn width_of(text: &str, size: i32) -> i32 {
    (text.chars().count() as f64 * f64::from(size) * PER_CHARACTER).ceil() as i32
}

/// Text of at most so many characters, cut with three dots.
pub(super) fn cut(text: &str, most: usize) -> String {
    let text = printable(text);
    if text.chars().count() <= most {
        return text;
    }
    let kept: String = text.chars().take(most.saturating_sub(3)).collect();
    format!("{kept}...")
}

/// Text in lines of at most so many characters, at most so many lines.
pub(super) fn lines_of(text: &str, characters: usize, most: usize) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::{Colour, Described, MOST_LINES, NameLines, Side, cut, flowing, lines_of, picture};

    const BLUE: Colour = Colour(0, 114, 178);

    /// The elements of a drawing between its white ground and its end.
    fn drawn(draw: impl FnOnce(&mut super::Canvas)) -> String {
        let svg = picture((60, 40), &Described { title: "t", description: "d" }, draw);
        let (_, elements) = svg.split_once("height=\"40\" fill=\"#FFFFFF\"/>\n").unwrap();
        elements.strip_suffix("</svg>\n").unwrap().to_owned()
    }

    /// By hand, after the elements of SVG 1.1.
    #[test]
    fn shapes_are_elements_of_svg() {
        let shapes = drawn(|canvas| {
            canvas.line(&[(1, 2), (3, 4), (-5, 6)], BLUE, 2);
            canvas.dashes([(0, 7), (60, 7)], BLUE);
            canvas.rectangle([(9, 8), (4, 2)], BLUE);
            canvas.polygon(&[(0, 0), (1, 0), (0, 1)], BLUE);
            canvas.wash(&[(0, 0), (1, 0), (0, 1)], BLUE);
            canvas.dot((5, 6), 3, BLUE);
            canvas.ring((5, 6), 3, BLUE);
            canvas.text("no value", (5, 6), 12, BLUE, Side::Right);
        });
        assert_eq!(
            shapes,
            r##"<polyline fill="none" stroke="#0072B2" stroke-width="2" points="1,2 3,4 -5,6"/>
<polyline fill="none" stroke="#0072B2" stroke-dasharray="5 4" points="0,7 60,7"/>
<rect x="4" y="2" width="5" height="6" fill="#0072B2"/>
<polygon fill="#0072B2" points="0,0 1,0 0,1"/>
<polygon opacity="0.18" fill="#0072B2" points="0,0 1,0 0,1"/>
<circle cx="5" cy="6" r="3" fill="#0072B2"/>
<circle cx="5" cy="6" r="3" fill="#FFFFFF" stroke="#0072B2" stroke-width="2"/>
<text x="5" y="6" dy="0.5ex" text-anchor="end" font-size="12" fill="#0072B2">no value</text>
"##
        );
    }

    /// What a parser of XML reads is what was written, and a name that was cut is there in full.
    #[test]
    fn words_are_words_whatever_is_in_them() {
        let hostile = "</text><script>a&b'\"]]><!--\u{0}\u{202e}x";
        let described = Described { title: hostile, description: hostile };
        let svg = picture((60, 40), &described, |canvas| {
            canvas.text(hostile, (1, 1), 12, BLUE, Side::Left);
            canvas.name((hostile, 10), (1, 1), 12, BLUE, Side::Left);
        });
        let document = roxmltree::Document::parse(&svg).unwrap();
        let shown = "</text><script>a&b'\"]]><!--\\u{0}\\u{202e}x";
        let root = document.root_element();
        assert_eq!(root.attribute("aria-label"), Some(&*format!("{shown}. {shown}")));
        let texts: Vec<&str> = document.descendants().filter_map(|its| its.text()).collect();
        // Whitespace between elements is text as well.
        let texts: Vec<&str> = texts.into_iter().filter(|its| !its.trim().is_empty()).collect();
        let elements = document.descendants().filter(|its| its.is_element()).count();
        assert_eq!(elements, 7, "svg, title, desc, rect, text, text, title");
        assert!(texts.contains(&shown) && texts.contains(&"</text>..."), "{texts:?}");
        let full = document.descendants().filter(|its| its.has_tag_name("title")).nth(1);
        assert_eq!(full.and_then(|its| its.text()), Some(shown));
    }

    /// Nothing of a name is lost: its lines put together are the name, but for the spaces at which it was parted.
    #[test]
    fn names_are_wrapped_in_full() {
        let lines = |name: &str| NameLines::of(name, 7).lines;
        assert_eq!(lines("one two three"), ["one two", "three"]);
        assert_eq!(lines("abcdefghijklmnop qr"), ["abcdefg", "hijklmn", "op qr"]);
        assert_eq!(lines("a\u{202e}b"), ["a\\u{202", "e}b"]);
        assert_eq!(lines(""), [""]);
        let long = NameLines::of(&"word ".repeat(50), 9);
        assert_eq!((long.lines.len(), long.full.is_some()), (MOST_LINES, true));
        assert!(long.lines.iter().all(|line| line.chars().count() <= 9), "{:?}", long.lines);
        for name in ["a b  c", "politics and the economy of the place", "x".repeat(40).as_str()] {
            let lines = NameLines::of(name, 11);
            assert!(lines.full.is_none());
            let without = |text: &str| text.replace(' ', "");
            assert_eq!(without(&lines.lines.concat()), without(name));
        }
    }

    #[test]
    fn words_flow_from_line_to_line() {
        let (places, height) = flowing(&["abcde", "abcde", "abcde"], (0, 120), 10);
        // 12 for the mark, 29 (5 times 5.6, and up) for the words, 24 between: two to a line.
        assert_eq!((places, height), (vec![(0, 0), (65, 0), (0, 20)], 40));
        assert_eq!(flowing(&[], (0, 10), 10).1, 0);
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abc...");
        assert_eq!(lines_of("one two three", 7, 3), ["one two", "three"]);
        assert_eq!(lines_of("one two three four", 7, 1), ["one two ..."]);
    }
}
