//! The schema of study files, made of the types that read them. What it says in words are their doc comments, in the
//! words of study files: it knows no key and no option by itself.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::StudyFile;

impl StudyFile {
    /// The JSON Schema of study files (draft 7, which editors know best): every key and every word, and what they mean.
    /// It is shipped as `docs/study-file.schema.json`.
    ///
    /// What follows it is read. It may still be refused when it is run, for numbers out of their ranges, for columns and
    /// arms that are not there, and for questions that contradict themselves. What does not follow it is not read, but
    /// for forms that serde knows and no study file has: a list in the place of a table, `{"pooled": null}` for a word.
    ///
    /// ```
    /// let schema = tiltmeter::StudyFile::json_schema();
    /// let schema: serde_json::Value = serde_json::from_str(&schema)?;
    /// assert_eq!(schema["properties"]["log"]["description"], "The log.");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn json_schema() -> String {
        let generator = SchemaSettings::draft07().into_generator();
        let mut schema = generator.into_root_schema_for::<Self>().to_value();
        let mut words = BTreeSet::new();
        collect_words(&schema, &mut words);
        if let Some(definitions) = schema.get_mut("definitions").and_then(Value::as_object_mut) {
            // A type's first paragraph says what it is; how it works is the guide's to say.
            definitions.values_mut().for_each(keep_first_paragraph);
        }
        keep_first_paragraph(&mut schema);
        put_into_words(&mut schema, &words);
        schema["title"] = "Study file of tiltmeter".into();
        format!("{schema:#}\n")
    }
}

fn keep_first_paragraph(of: &mut Value) {
    if let Some(Value::String(text)) = of.get_mut("description") {
        text.truncate(text.find("\n\n").unwrap_or(text.len()));
    }
}

/// All keys and all words of options.
fn collect_words(schema: &Value, words: &mut BTreeSet<String>) {
    match schema {
        Value::Array(several) => several.iter().for_each(|its| collect_words(its, words)),
        Value::Object(object) => {
            let keys = object.get("properties").and_then(Value::as_object);
            words.extend(keys.into_iter().flat_map(Map::keys).cloned());
            let options = object.get("enum").and_then(Value::as_array).into_iter().flatten();
            let options = options.chain(object.get("const")).filter_map(Value::as_str);
            words.extend(options.map(str::to_owned));
            object.values().for_each(|its| collect_words(its, words));
        }
        _ => {}
    }
}

/// Makes all descriptions plain, and says of whole numbers of 32 bits how large they may be.
fn put_into_words(schema: &mut Value, words: &BTreeSet<String>) {
    match schema {
        Value::Array(several) => several.iter_mut().for_each(|its| put_into_words(its, words)),
        Value::Object(object) => {
            if let Some(Value::String(text)) = object.get_mut("description") {
                *text = plain(text, words);
            }
            if object.get("format").is_some_and(|format| format == "uint32") {
                object.insert("maximum".to_owned(), u32::MAX.into());
            }
            object.values_mut().for_each(|its| put_into_words(its, words));
        }
        _ => {}
    }
}

/// A doc comment for readers who know no Rust: without programs, each paragraph on one line, and links to items as the
/// word that study files have for them. A link in brackets by itself is for programmers, and left out. One without a
/// word stays as it is, for whoever makes a document of it to see.
fn plain(text: &str, words: &BTreeSet<String>) -> String {
    let text = text.split("```").next().unwrap_or_default();
    let paragraphs = text.split("\n\n").map(|lines| lines.replace('\n', " "));
    let paragraphs: Vec<String> =
        paragraphs.map(|text| without_links(text.trim(), words)).collect();
    paragraphs.join("\n\n").trim().to_owned()
}

fn without_links(text: &str, words: &BTreeSet<String>) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at(at);
        let Some(link) = Link::at_start_of(from) else {
            plain.push_str(before);
            plain.push('[');
            rest = &from[1..];
            continue;
        };
        let after = &from[link.length..];
        match (before.strip_suffix(" ("), after.strip_prefix(')')) {
            (Some(before), Some(after)) if link.is_of_code() => {
                plain.push_str(before);
                rest = after;
            }
            _ => {
                plain.push_str(before);
                plain.push_str(
                    &link.in_words(words).unwrap_or_else(|| from[..link.length].to_owned()),
                );
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// `[text](target)`, or an item's name in brackets.
struct Link<'t> {
    text: &'t str,
    /// Of all of it, in bytes.
    length: usize,
}

impl<'t> Link<'t> {
    fn at_start_of(from: &'t str) -> Option<Self> {
        let text = &from[1..from.find(']')?];
        let bare = text.len() + 2;
        let target = from[bare..].strip_prefix('(').and_then(|rest| rest.find(')'));
        let link = Self { text, length: bare + target.map_or(0, |length| length + 2) };
        (target.is_some() || link.is_of_code()).then_some(link)
    }

    fn is_of_code(&self) -> bool {
        self.text.len() > 2 && self.text.starts_with('`') && self.text.ends_with('`')
    }

    fn in_words(&self, words: &BTreeSet<String>) -> Option<String> {
        if !self.is_of_code() {
            return Some(self.text.to_owned());
        }
        let path = self.text.trim_matches('`');
        if let Some((_, chapter)) = path.split_once("guide::") {
            return Some(format!("the chapter {} of the guide", chapter.replace('_', " ")));
        }
        let word = snake_case(path.rsplit("::").next().unwrap_or(path));
        words.contains(&word).then(|| format!("`{word}`"))
    }
}

fn snake_case(name: &str) -> String {
    let mut word = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.extend(letter.to_lowercase());
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_become_words() {
        let words = BTreeSet::from(["top_k".to_owned()]);
        let plain = |text| plain(text, &words);
        assert_eq!(plain("As [`Attention::TopK`] is\n([`Error::Io`])."), "As `top_k` is.");
        assert_eq!(plain("In [0, 1] by [the rule](crate::Rule)."), "In [0, 1] by the rule.");
        assert_eq!(
            plain("See [`crate::guide::a_chapter`]."),
            "See the chapter a chapter of the guide."
        );
        assert_eq!(plain("By [`Unheard`](super::Unheard)."), "By [`Unheard`](super::Unheard).");
        assert_eq!(plain("One.\n\nTwo.\n\n```\nfn three() {}\n```"), "One.\n\nTwo.");
    }
}
