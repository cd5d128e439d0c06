//! A text in lines that are no wider than they may be: between words where that does, else within them, never
//! within an escape or before a mark that stands on the letter before it.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns of a terminal a text takes.
pub(super) fn width_of(text: &str) -> usize {
    text.width()
}

/// Where words may be parted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parted {
    /// At spaces; a longer word wherever it must.
    Anywhere,
    /// At spaces and behind underscores.
    BetweenWords,
}

/// Fewer free columns than these are not filled.
const FREE: usize = 2;

/// The lines. A word that may not be parted is a line of its own, however long.
pub(super) fn lines(text: &str, width: usize, parted: Parted) -> Vec<String> {
    if width_of(text) <= width {
        return vec![text.to_owned()];
    }
    let mut lines: Lines = Lines { done: Vec::new(), line: String::new(), taken: 0, width };
    for word in text.split(' ') {
        lines.add(word, parted);
    }
    if !lines.line.is_empty() || lines.done.is_empty() {
        lines.done.push(lines.line);
    }
    lines.done
}

/// The widest that cannot be parted between words.
pub(super) fn longest_word(text: &str) -> usize {
    text.split(' ').flat_map(|word| word.split_inclusive('_')).map(width_of).max().unwrap_or(0)
}

struct Lines {
    done: Vec<String>,
    line: String,
    taken: usize,
    width: usize,
}

impl Lines {
    fn add(&mut self, word: &str, parted: Parted) {
        let long = width_of(word);
        let gap = usize::from(!self.line.is_empty());
        if self.taken + gap + long <= self.width {
            self.push(gap, word, long);
        } else if long <= self.width {
            self.end();
            self.push(0, word, long);
        } else {
            match parted {
                Parted::Anywhere => {
                    if self.width.saturating_sub(self.taken + gap) <= FREE {
                        self.end();
                    }
                    let gap = usize::from(!self.line.is_empty());
                    self.pieces(gap, units(word));
                }
                Parted::BetweenWords => {
                    self.end();
                    self.pieces(0, word.split_inclusive('_').map(|its| (its, width_of(its))));
                }
            }
        }
        if self.taken + FREE > self.width {
            self.end();
        }
    }

    /// What may be parted between any two, with a space before it.
    fn pieces<'t>(&mut self, mut gap: usize, pieces: impl Iterator<Item = (&'t str, usize)>) {
        for (piece, long) in pieces {
            if self.taken + gap + long > self.width {
                self.end();
                gap = 0;
            }
            self.push(gap, piece, long);
            gap = 0;
        }
    }

    fn push(&mut self, gap: usize, text: &str, long: usize) {
        if gap > 0 {
            self.line.push(' ');
        }
        self.line.push_str(text);
        self.taken += gap + long;
    }

    fn end(&mut self) {
        if !self.line.is_empty() {
            self.done.push(std::mem::take(&mut self.line));
        }
        self.taken = 0;
    }
}

/// What stays together: an escape, or a letter with the marks on it.
fn units(word: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = match escape(rest) {
            Some(end) => end,
            None => {
                let is_mark = |c: char| c.width().unwrap_or(0) == 0;
                let after = first.len_utf8();
                after + rest[after..].find(|c| !is_mark(c)).unwrap_or(rest.len() - after)
            }
        };
        let (unit, after) = rest.split_at(end);
        rest = after;
        Some((unit, width_of(unit)))
    })
}

/// How long the escape is with which a text begins.
fn escape(text: &str) -> Option<usize> {
    let after = text.strip_prefix('\\')?;
    if after.starts_with("u{") {
        return Some(2 + after.find('}')?);
    }
    Some(1 + after.chars().next()?.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::{Parted, lines, width_of};

    /// By hand.
    #[test]
    fn words_stay_whole_where_they_can() {
        let parted = |text, width| lines(text, width, Parted::Anywhere).join("/");
        assert_eq!(parted("one two three", 9), "one two/three");
        assert_eq!(parted("abcdefghij", 4), "abcd/efgh/ij");
        assert_eq!(parted("日本語日本", 4), "日本/語日/本");
        assert_eq!(parted(r"ab\u{202e}\ncd", 9), r"ab/\u{202e}\/ncd".replace("\\/n", "/\\n"));
        assert_eq!(parted("aae\u{301}e\u{301}b", 3), "aae\u{301}/e\u{301}b");
        let between = |text, width| lines(text, width, Parted::BetweenWords).join("/");
        assert_eq!(between("mantel_haenszel_ratio", 9), "mantel_/haenszel_/ratio");
        assert_eq!(between("0.1234 to 0.5678", 3), "0.1234/to/0.5678");
        assert_eq!(lines("", 3, Parted::Anywhere), [""]);
    }

    /// Parted by what looks anew at the rest for each line it would take minutes.
    #[test]
    fn very_long_names_are_in_lines() {
        for (unit, times) in [("x", 1 << 18), ("日", 1 << 16), ("a b", 1 << 16), ("\\n", 1 << 16)]
        {
            let long = lines(&unit.repeat(times), 40, Parted::Anywhere);
            assert!(long.iter().all(|line| width_of(line) <= 40), "{unit}");
            let all: usize = long.iter().map(|line| line.replace(' ', "").len()).sum();
            assert_eq!(all, unit.replace(' ', "").len() * times);
        }
    }
}
