//! Topics that a text is about: by patterns that it matches, or by the domain of an address.

use std::borrow::Cow;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::schema::TopicColumn;
use crate::error::Error;

/// The patterns of a column, compiled.
#[derive(Clone, Debug, Default)]
pub(super) struct Patterns<'s>(Vec<(&'s str, Regex)>);

impl<'s> Patterns<'s> {
    pub(super) fn of(column: &'s TopicColumn) -> Result<Self, Error> {
        let compiled = column.matches.iter().map(|(topic, pattern)| {
            if topic.is_empty() || pattern.is_empty() {
                return Err(Error::Parameter {
                    parameter: "the pattern of a topic",
                    value: format!("{topic}={pattern}"),
                    expected: "a topic, and a pattern, which would match every text if there were nothing in it",
                });
            }
            let regex = Regex::new(&folded_pattern(pattern)).map_err(|cause| Error::Parameter {
                parameter: "the pattern of a topic",
                value: format!("{topic}={pattern}: {cause}"),
                expected: "a regular expression, such as \\b(war|krieg)\\b",
            })?;
            Ok((topic.as_str(), regex))
        });
        Ok(Self(compiled.collect::<Result<_, Error>>()?))
    }

    /// The topics whose patterns are found in a text, whatever its case and accents.
    pub(super) fn topics(&self, text: &str) -> Vec<String> {
        let text = folded(text);
        let found = self.0.iter().filter(|(_, regex)| regex.is_match(&text));
        found.map(|(topic, _)| (*topic).to_owned()).collect()
    }
}

/// A text in small letters without accents.
fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    let letters = text.nfd().filter(|its| !is_combining_mark(*its));
    Cow::Owned(letters.flat_map(char::to_lowercase).nfc().collect())
}

/// The same of a pattern, in which a letter after a backslash is no letter.
fn folded_pattern(pattern: &str) -> String {
    let mut made = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find('\\') {
        made.push_str(&folded(&rest[..at]));
        let class = rest[at + 1..].chars().next().map_or(0, char::len_utf8);
        let mut end = at + 1 + class;
        if matches!(&rest[at + 1..end], "p" | "P" | "x" | "u")
            && let Some(close) = rest[end..].strip_prefix('{').and_then(|its| its.find('}'))
        {
            end += close + 2;
        }
        made.push_str(&rest[at..end]);
        rest = &rest[end..];
    }
    made.push_str(&folded(rest));
    made
}

/// The host of an address without `www.`, in small letters; `None` for what is none.
pub(super) fn domain(text: &str) -> Option<String> {
    let text = text.trim();
    let after = text.split_once("://").map_or(text, |(_, after)| after);
    let host = after.split(['/', '?', '#']).next()?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host).trim_end_matches('.');
    let host = host.to_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    let is_host =
        host.contains('.') && !host.contains(char::is_whitespace) && !host.starts_with('.');
    is_host.then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_the_host() {
        for (address, host) in [
            ("https://www.CNN.example/0?a=b", Some("cnn.example")),
            ("http://me:secret@news.x.org:8080/", Some("news.x.org")),
            ("x.org/path", Some("x.org")),
            ("no address", None),
            ("https://localhost/", None),
            ("", None),
        ] {
            assert_eq!(domain(address).as_deref(), host, "{address}");
        }
    }

    #[test]
    fn patterns_know_no_case_and_no_accents() {
        let column = TopicColumn::matching(
            "text",
            [
                ("war", r"\b(war|KRIEG|guerra|война)\b"),
                ("economy", "économie"),
                ("years", r"\b\d{4}\b"),
            ],
        );
        let patterns = Patterns::of(&column).unwrap();
        let topics = |text: &str| patterns.topics(text).join(" ");
        assert_eq!(topics("Der Krieg in 2022"), "war years");
        assert_eq!(topics("warm words"), "");
        assert_eq!(topics("Война и мир"), "war");
        assert_eq!(topics("L'ÉCONOMIE, l'economie"), "economy");
        assert!(Patterns::of(&TopicColumn::matching("t", [("x", "(")])).is_err());
    }
}
