//! Texts of strangers as they may be shown: the one rule for names, files and messages, whatever they are
//! printed into. It marks nothing up and cuts nothing.

/// Whether a character has a look of its own, so that it may be shown as it is.
///
/// Those that have none are controls, the format characters of Unicode (which turn the direction of what
/// follows, or join and part letters unseen), separators of lines, white space other than the plain one,
/// variation selectors, fillers, and code points that stand for nothing that everybody knows: private,
/// unassigned, and no characters at all. They include the joiners that emoji and Persian words are made
/// with: were they shown where they are usual, two names could look alike and be counted apart.
#[must_use]
pub fn has_look(c: char) -> bool {
    c == ' ' || c.is_ascii_graphic() || !(c.is_ascii() || is_filler(c) || is_escaped_by_debug(c))
}

/// What `Debug` takes for printable and leaves no mark.
const fn is_filler(c: char) -> bool {
    matches!(
        c,
        '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether `Debug` escapes it within a text; alone, it would escape the marks on letters as well.
fn is_escaped_by_debug(c: char) -> bool {
    let mut bytes = [b'a'; 5];
    let length = 1 + c.encode_utf8(&mut bytes[1..]).len();
    let text = std::str::from_utf8(&bytes[..length]).unwrap_or_default();
    text.escape_debug().nth(1) == Some('\\')
}

/// A text of strangers as it may be printed: characters without a [look](has_look) in the escaped form
/// that Rust has for them, such as `\n` or `\u{202e}`. So it is one line, leaves a terminal and the
/// direction of what stands around it alone, and shows what it is made of.
///
/// What is printable stays as it is, so printing something twice changes nothing.
///
/// ```
/// use tiltmeter::report::printable;
///
/// assert_eq!(printable("war\u{202e}\u{1b}[2J"), r"war\u{202e}\u{1b}[2J");
/// assert_eq!(printable("سياسة 🎉"), "سياسة 🎉");
/// ```
#[must_use]
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // A mark that begins a text would stand on what is printed before it.
        let hangs = out.is_empty() && !c.is_ascii() && c.escape_debug().len() > 1;
        if has_look(c) && !hangs {
            out.push(c);
        } else {
            out.extend(c.escape_default());
        }
    }
    out
}

/// A name that stands alone, as in a table: printable, with its backslashes doubled as they are within
/// quotes, so that a name with an escape for a letter does not look like one with what that escapes.
///
/// ```
/// use tiltmeter::report::printable_name;
///
/// assert_eq!(printable_name("a\u{200b}"), r"a\u{200b}");
/// assert_eq!(printable_name(r"a\u{200b}"), r"a\\u{200b}");
/// ```
#[must_use]
pub fn printable_name(name: &str) -> String {
    printable(&name.replace('\\', r"\\"))
}

/// A text of several lines, each of them printable.
#[must_use]
pub fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// A name in quotes, printable.
pub(crate) fn quoted(name: &str) -> String {
    printable(&format!("{name:?}"))
}

/// Several, with commas between them.
pub(crate) fn quoted_each<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    names.into_iter().map(|name| quoted(name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// A path as it may be printed.
pub(crate) fn of_path(path: &std::path::Path) -> String {
    printable(&path.display().to_string())
}

/// JSON with every character beyond ASCII that has no [look](has_look) as `\u` and its number, so that a
/// page or a terminal into which it is pasted takes it for nothing else. It reads back as the same.
///
/// ```
/// use tiltmeter::report::inert_json;
///
/// let json = serde_json::to_string("a\u{2028}b 🎉").unwrap();
/// assert_eq!(inert_json(json), r#""a\u2028b 🎉""#);
/// ```
#[must_use]
pub fn inert_json(json: String) -> String {
    // Beyond ASCII there are only texts in it; of ASCII they escape what is no delete themselves.
    let is_plain = |c: char| c < '\u{7f}' || has_look(c);
    if json.chars().all(is_plain) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_plain(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}

/// Names without quotes, with commas between them.
pub(crate) fn named(names: &[&str]) -> String {
    names.iter().map(|name| printable_name(name)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{has_look, inert_json, printable, printable_name};

    /// By the names of Unicode 16: what turns, joins, parts, ends lines or is never seen.
    #[test]
    fn what_has_no_look_is_escaped_and_all_else_stays() {
        let unseen = [
            0, 7, 9, 10, 13, 0x1b, 0x7f, 0x80, 0x85, 0x9b, 0x9f, 0xa0, 0xad, 0x34f, 0x61c, 0x115f,
            0x1160, 0x17b4, 0x180b, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029,
            0x202a, 0x202e, 0x2060, 0x2064, 0x2066, 0x2069, 0x206f, 0x2800, 0x3164, 0xe000, 0xfdd0,
            0xfe0f, 0xfeff, 0xffa0, 0xfff9, 0xfffe, 0xffff, 0x1fffe, 0xe0001, 0xe007f, 0xe0100,
            0x10_ffff,
        ];
        for c in unseen.map(|number| char::from_u32(number).unwrap()) {
            assert!(!has_look(c), "{c:?}");
            let shown = printable(&format!("a{c}b"));
            assert!(shown.starts_with("a\\") && shown.is_ascii(), "{shown}");
        }
        for text in
            ["war", "é e\u{301}", "سياسة", "פוליטיקה", "हिन्दी", "日本", "🎉", "a\"b'c", r"C:\x"]
        {
            assert_eq!(printable(text), text);
        }
        assert_eq!(printable("\u{301}x"), r"\u{301}x");
    }

    #[test]
    fn printing_twice_changes_nothing_and_names_differ() {
        for text in ["a\u{202e}b", "\u{301}", r"\u{202e}", "\0"] {
            assert_eq!(printable(&printable(text)), printable(text));
        }
        assert_ne!(printable_name("a\nb"), printable_name(r"a\nb"));
        assert_ne!(printable_name("a\\\nb"), printable_name("a\\\\nb"));
    }

    #[test]
    fn json_reads_back_whatever_is_in_it() {
        for c in ('\0'..=char::MAX).step_by(7).chain('\u{2000}'..'\u{2100}').chain('\0'..'\u{100}')
        {
            let text = format!("{c}\\u{c}");
            let json = inert_json(serde_json::to_string(&text).unwrap());
            assert!(json.chars().all(has_look), "{json}");
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
