//! Pictures as PNG, for what shows no SVG. What is drawn is the SVG; here it becomes pixels, with letters from fonts that
//! are named and none of the machine's.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use resvg::usvg::fontdb::{Database, ID};
use resvg::usvg::{FontResolver, Options, Tree};
use resvg::{tiny_skia, usvg};

use crate::base::text::count;
use crate::error::Error;

/// Roboto, under the Apache License 2.0: `assets/roboto/README.md`.
const ROBOTO: &[u8] = include_bytes!("../../../assets/roboto/Roboto-Regular.ttf");

/// The length of a pixel of SVG: 96 to an inch.
const OWN: f32 = 96.0;

/// More pixels than these are no picture for a page: 400 MB before they are packed.
const MOST: u64 = 100_000_000;

/// How pictures become pixels.
///
/// Letters come from Roboto, which is compiled in, then from the fonts that are named here: never from those of the
/// machine, so that a picture has the same pixels everywhere.
///
/// ```
/// # use tiltmeter::report::Png;
/// let png = Png::default();
/// assert_eq!(png.dots_per_inch, 300);
/// // Roboto has Latin, Greek and Cyrillic; for other scripts name a font that has them.
/// let png = Png { dots_per_inch: 150, fonts: vec!["NotoSansArabic-Regular.ttf".into()] };
/// # let _ = png;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Png {
    /// How many pixels there are to an inch, from 24 to 1200. A picture is as large as its SVG, of which 96 pixels are
    /// an inch.
    pub dots_per_inch: u16,
    /// Fonts for letters that Roboto does not have: TrueType or OpenType files.
    pub fonts: Vec<PathBuf>,
}

impl Default for Png {
    /// 300 to an inch, as printers have them, and no other font.
    fn default() -> Self {
        Self { dots_per_inch: 300, fonts: Vec::new() }
    }
}

impl Png {
    /// A picture of ours as PNG, with its size in inches and its title and description as texts in the file.
    ///
    /// ```
    /// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
    /// use tiltmeter::Question;
    /// use tiltmeter::report::Png;
    /// use tiltmeter::sensitivity::Sensitivity;
    /// use tiltmeter::statistic::AmplificationRatio;
    /// let question = Question::between("ranked", "newest").topics(["war"]);
    /// let table = Sensitivity::of(&log, &question).run()?;
    /// let svg = table.to_svg(&AmplificationRatio, "war")?;
    /// let png = Png { dots_per_inch: 96, ..Png::default() }.of_svg(&svg)?;
    /// assert!(png.starts_with(b"\x89PNG"));
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoGlyphs`] where no font has a letter; [`Error::Parameter`] for a resolution out of its range, for more
    /// pixels than 100 million, for a file that is no font and for a text that is no SVG; [`Error::Io`] for a font that
    /// cannot be read.
    pub fn of_svg(&self, svg: &str) -> Result<Vec<u8>, Error> {
        if !(24..=1200).contains(&self.dots_per_inch) {
            return Err(Error::Parameter {
                parameter: "the resolution",
                value: format!("{} dots per inch", self.dots_per_inch),
                expected: "24 to 1200",
            });
        }
        let lacking = Arc::new(Mutex::new(BTreeSet::new()));
        let options = self.options(Arc::clone(&lacking))?;
        let tree = Tree::from_str(svg, &options).map_err(|fault| Error::Parameter {
            parameter: "a picture",
            value: fault.to_string(),
            expected: "SVG, as to_svg and figures write it",
        })?;
        let characters: Vec<char> =
            lacking.lock().map(|its| its.iter().copied().collect()).unwrap_or_default();
        if !characters.is_empty() {
            return Err(Error::NoGlyphs { characters });
        }
        let png = self.pixels(&tree)?;
        Ok(described(&png, self.dots_per_inch, svg))
    }

    /// What is known of fonts; characters that none has are put with those that are lacking.
    fn options(&self, lacking: Arc<Mutex<BTreeSet<char>>>) -> Result<Options<'static>, Error> {
        let mut fonts = Database::new();
        fonts.load_font_data(ROBOTO.to_vec());
        let family = fonts.faces().next().and_then(|face| face.families.first().cloned());
        let family = family.map_or_else(|| "Roboto".to_owned(), |(name, _)| name);
        fonts.set_sans_serif_family(family.clone());
        fonts.set_serif_family(family);
        for path in &self.fonts {
            let data =
                std::fs::read(path).map_err(|cause| Error::Io { path: path.clone(), cause })?;
            let before = fonts.len();
            fonts.load_font_data(data);
            if fonts.len() == before {
                return Err(Error::Parameter {
                    parameter: "a font",
                    value: path.display().to_string(),
                    expected: "a TrueType or OpenType file",
                });
            }
        }
        let any = FontResolver::default_fallback_selector();
        let select = move |c: char, tried: &[ID], fonts: &mut Arc<Database>| {
            let found = any(c, tried, fonts);
            if let (None, Ok(mut lacking)) = (found, lacking.lock()) {
                lacking.insert(c);
            }
            found
        };
        Ok(Options {
            fontdb: Arc::new(fonts),
            font_resolver: FontResolver {
                select_font: FontResolver::default_font_selector(),
                select_fallback: Box::new(select),
            },
            ..Options::default()
        })
    }

    fn pixels(&self, tree: &Tree) -> Result<Vec<u8>, Error> {
        let scale = f32::from(self.dots_per_inch) / OWN;
        let [width, height] = [tree.size().width(), tree.size().height()]
            .map(|length| (length * scale).ceil() as u32);
        let too_large = || Error::Parameter {
            parameter: "the size of a picture",
            value: format!(
                "{} by {} pixels at {} dots per inch",
                count(width.into()),
                count(height.into()),
                self.dots_per_inch
            ),
            expected: "100 million pixels at most; ask for fewer dots per inch, or take the SVG",
        };
        if u64::from(width) * u64::from(height) > MOST {
            return Err(too_large());
        }
        let mut pixels = tiny_skia::Pixmap::new(width, height).ok_or_else(too_large)?;
        let larger = usvg::Transform::from_scale(scale, scale);
        resvg::render(tree, larger, &mut pixels.as_mut());
        pixels.encode_png().map_err(|fault| Error::Report { detail: fault.to_string() })
    }
}

/// The bytes of a PNG up to the end of its header, which comes first and has one length.
const HEADER: usize = 33;

/// The PNG with how large its pixels are, and with the title and description of its SVG, after the header.
fn described(png: &[u8], dots_per_inch: u16, svg: &str) -> Vec<u8> {
    let mut out = png[..HEADER].to_vec();
    let per_metre = (f64::from(dots_per_inch) / 0.0254).round() as u32;
    let mut size = [per_metre.to_be_bytes(), per_metre.to_be_bytes()].concat();
    size.push(1);
    out.extend(chunk(b"pHYs", &size));
    for (keyword, element) in [("Title", "title"), ("Description", "desc")] {
        if let Some(text) = text_of(svg, element) {
            // Neither compressed nor in a named language, and the keyword is not translated.
            let data = [keyword.as_bytes(), &[0, 0, 0, 0, 0], text.as_bytes()].concat();
            out.extend(chunk(b"iTXt", &data));
        }
    }
    out.extend(&png[HEADER..]);
    out
}

/// The text of the first element of this name, without the escapes of [`escaped`](crate::report::markup::escaped).
fn text_of(svg: &str, element: &str) -> Option<String> {
    let (_, rest) = svg.split_once(&format!("<{element}>"))?;
    let (text, _) = rest.split_once(&format!("</{element}>"))?;
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    Some(text.replace("&amp;", "&"))
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut sum = flate2::Crc::new();
    sum.update(kind);
    sum.update(data);
    let length = data.len() as u32;
    [&length.to_be_bytes()[..], kind, data, &sum.sum().to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;
    use crate::report::plot::canvas::{Colour, Described, Side, picture};

    const BLUE: Colour = Colour(0, 114, 178);

    /// 60 by 40: blue on the left half of the upper half, words below.
    fn drawn(words: &str) -> String {
        let described = Described { title: "a < b", description: "\"1\" & 2" };
        picture((60, 40), &described, |canvas| {
            canvas.rectangle([(0, 0), (30, 20)], BLUE);
            canvas.text(words, (5, 30), 12, BLUE, Side::Left);
        })
    }

    fn at(dots_per_inch: u16, svg: &str) -> Result<Vec<u8>, Error> {
        Png { dots_per_inch, ..Png::default() }.of_svg(svg)
    }

    #[test]
    fn pixels_are_what_was_drawn() {
        let png = at(192, &drawn("ab \u{416} \u{3b1}")).unwrap();
        let pixels = tiny_skia::Pixmap::decode_png(&png).unwrap();
        assert_eq!((pixels.width(), pixels.height()), (120, 80));
        let colour = |x, y| {
            let its = pixels.pixel(x, y).unwrap();
            (its.red(), its.green(), its.blue(), its.alpha())
        };
        assert_eq!(colour(20, 20), (0, 114, 178, 255));
        assert_eq!(colour(80, 20), (255, 255, 255, 255));
        // Four letters from left to right leave ink in each fourth of their line.
        let ink = |from: u32, to: u32| {
            (from..to)
                .flat_map(|x| (44..80).map(move |y| (x, y)))
                .any(|(x, y)| colour(x, y).0 < 128)
        };
        assert!((0..4).all(|part| ink(10 + 11 * part, 10 + 11 * (part + 1) + 4)));
        // The same bytes every time: nothing of the machine is in them.
        assert!(png == at(192, &drawn("ab \u{416} \u{3b1}")).unwrap());
    }

    /// After the PNG specification (third edition), 11.3: 192 dots per inch are 7559 to the metre, and texts are whole.
    #[test]
    fn a_picture_says_how_large_it_is_and_what_it_shows() {
        let png = at(192, &drawn("a")).unwrap();
        let holds = |part: &[u8]| png.windows(part.len()).any(|its| its == part);
        assert!(holds(&[b"pHYs" as &[u8], &[0, 0, 0x1d, 0x87, 0, 0, 0x1d, 0x87, 1]].concat()));
        assert!(holds(b"iTXtTitle\0\0\0\0\0a < b"));
        assert!(holds(b"iTXtDescription\0\0\0\0\0\"1\" & 2"));
        // The last chunk of any PNG.
        assert_eq!(chunk(b"IEND", &[]), b"\0\0\0\0IEND\xae\x42\x60\x82");
    }

    #[test]
    fn letters_without_a_font_are_an_error() {
        let svg = drawn("a \u{6f22}\u{5b57} b");
        let Err(Error::NoGlyphs { characters }) = at(96, &svg) else {
            panic!("letters were found")
        };
        // Of each text the first.
        assert_eq!(characters, ['\u{6f22}']);
        let folder = tempfile::tempdir().unwrap();
        let [font, text] = ["roboto.ttf", "text.ttf"].map(|name| folder.path().join(name));
        std::fs::write(&font, ROBOTO).unwrap();
        std::fs::write(&text, "no font").unwrap();
        let by = |fonts| Png { fonts, ..Png::default() }.of_svg(&drawn("a"));
        assert!(by(vec![font]).is_ok());
        assert!(matches!(by(vec![text]), Err(Error::Parameter { parameter: "a font", .. })));
        assert!(matches!(by(vec![folder.path().join("none.ttf")]), Err(Error::Io { .. })));
    }

    #[test]
    fn what_cannot_be_drawn_is_an_error() {
        let parameter = |result| match result {
            Err(Error::Parameter { parameter, .. }) => parameter,
            other => panic!("{other:?}"),
        };
        assert_eq!(parameter(at(23, &drawn("a"))), "the resolution");
        assert_eq!(parameter(at(96, "no picture")), "a picture");
        let described = Described { title: "t", description: "d" };
        let long = picture((800, 30_000), &described, |_| {});
        assert_eq!(parameter(at(300, &long)), "the size of a picture");
    }
}
