//! The reference as a chapter of the guide: a heading for each table and each option, and for each key and word what the
//! schema says of it, with an example.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value as Json;
use toml::{Table, Value};

use crate::examples;
use crate::schema::{Key, Kind, Node, Word};
use crate::site::{Site, inline, text_of};

/// What a reader must know first.
const OPENING: &str = include_str!("opening.md");

/// The chapters of the guide, which are linked to by their files.
const CHAPTERS: [&str; 5] = [
    "from your csv",
    "choosing a baseline",
    "choosing the cluster",
    "choosing an interval",
    "glossary",
];

/// An example of the chapter: a part of a study.
pub(crate) struct Example {
    pub(crate) of: String,
    pub(crate) part: Table,
    /// The same without what it is an example of, where a study can be without.
    pub(crate) without: Option<Table>,
    /// Whether the chapter says that it is the default.
    pub(crate) is_default: bool,
}

pub(crate) struct Chapter {
    pub(crate) text: String,
    pub(crate) examples: Vec<Example>,
    /// Ids that should have an example of their own and have none.
    pub(crate) lacking: Vec<String>,
}

impl Chapter {
    pub(crate) fn of(schema: &Json) -> Self {
        let mut writer = Writer::default();
        let root = Section { node: Node::of_root(schema), site: Site::of_file(), default: None };
        writer.sections.push_back(root);
        while let Some(section) = writer.sections.pop_front() {
            writer.section(&section);
        }
        let opening = OPENING.replace("MINIMAL", examples::minimal_text());
        let mut text = format!("{opening}{}", writer.text);
        let mut links = String::new();
        for chapter in CHAPTERS {
            let file = chapter.replace(' ', "-");
            let said = format!("the chapter {chapter} of the guide");
            text = text.replace(&said, &format!("[{chapter}][{file}]"));
            links.push_str(&format!("[{file}]: {file}.md\n"));
        }
        Self {
            text: format!("{text}\n{links}"),
            examples: writer.examples,
            lacking: writer.lacking,
        }
    }
}

/// A table or an option with a heading of its own.
struct Section<'s> {
    node: Node<'s>,
    site: Site,
    default: Option<&'s Json>,
}

#[derive(Default)]
struct Writer<'s> {
    text: String,
    examples: Vec<Example>,
    lacking: Vec<String>,
    /// Those that are yet to be written.
    sections: VecDeque<Section<'s>>,
    /// The examples of this section so far.
    shown: Vec<Table>,
    /// By the name of a definition, the path of its heading.
    headings: BTreeMap<String, String>,
}

impl<'s> Writer<'s> {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn section(&mut self, section: &Section<'s>) {
        let Section { node, site, default } = section;
        let heading = match &*site.path() {
            "" => "The file".to_owned(),
            path => format!("`{path}`"),
        };
        self.line(&format!("\n## {heading}\n\n{}", node.about()));
        let waiting = self.sections.len();
        self.shown.clear();
        match node.kind() {
            Kind::Options(words) => {
                self.line("\nOne of:\n");
                words.iter().for_each(|word| self.word(node, word, site, *default, 0));
            }
            Kind::Table(mut keys) => {
                keys.sort_by_key(|key| examples::place(&node.id(key.name)));
                keys.iter().for_each(|key| self.key(node, key, site));
            }
            _ => {}
        }
        // What stands within comes before what stands beside.
        self.sections.rotate_left(waiting);
    }

    /// A key of a table that has a heading.
    fn key(&mut self, of: &Node<'s>, key: &Key<'s>, site: &Site) {
        let id = of.id(key.name);
        let Some(value) = examples::of(&id) else {
            self.lacking.push(id);
            return;
        };
        let site = site.key(key.name, key.is_required);
        let said = self.said_of(key, &site, &value);
        let part = site.with(value);
        self.line(&format!("\n**`{}`**: {said}", key.name));
        if self.is_new(&part) {
            self.line(&format!("\n```toml\n{}\n```", text_of(&part).block));
        }
        self.example(id, part, &site, false);
        self.simple_words(&key.holds, &site, key.default, 0);
    }

    /// A word of an option, and what it holds.
    fn word(
        &mut self,
        of: &Node<'s>,
        word: &Word<'s>,
        site: &Site,
        default: Option<&Json>,
        depth: usize,
    ) {
        let is_default = default.is_some_and(|its| *its == word.name);
        let is_default_with = default.is_some_and(|its| its.get(word.name).is_some());
        let id = of.id(word.name);
        let name = Value::String(word.name.to_owned());
        let value =
            word.holds.as_ref().map_or(Some(name), |_| with_name(word.name, examples::of(&id)?));
        let Some(value) = value else {
            self.lacking.push(id);
            return;
        };
        let mut said = format!("`{}`", word.name);
        if is_default || is_default_with {
            said.push_str(" (the default)");
        }
        let inside = site.holding(value.clone()).key(word.name, true);
        let held = word.holds.as_ref().zip(value.get(word.name));
        match held {
            Some((holds, its)) if !matches!(holds.kind(), Kind::Table(_)) => {
                let kind = self.type_of(holds, &inside, None, its);
                said.push_str(&format!(", with {kind}"));
            }
            _ => {}
        }
        let part = site.with(value.clone());
        self.bullet(&format!("{said}: {}", word.about), &part, depth);
        self.example(id, part, site, is_default);
        if let Some((holds, its)) = held {
            self.parameters(holds, its, &inside, depth + 1);
        }
    }

    /// The keys of a table that has no heading, each with as much of the table's example as it needs.
    fn parameters(&mut self, of: &Node<'s>, example: &Value, site: &Site, depth: usize) {
        let Kind::Table(mut keys) = of.kind() else { return };
        let mut order: Vec<&str> = keys.iter().map(|key| key.name).collect();
        examples::in_order(&mut order);
        keys.sort_by_key(|key| order.iter().position(|name| *name == key.name));
        let needed = with_required(of, example);
        for key in &keys {
            let id = of.id(key.name);
            let Some(value) = example.get(key.name) else {
                self.lacking.push(id);
                continue;
            };
            let site = site.holding(needed.clone()).key(key.name, key.is_required);
            let said = self.said_of(key, &site, value);
            let part = site.with(value.clone());
            self.bullet(&format!("`{}`: {said}", key.name), &part, depth);
            self.example(id, part, &site, false);
            self.simple_words(&key.holds, &site, key.default, depth + 1);
            self.parameters(&key.holds, value, &site, depth + 1);
        }
    }

    /// The words of an option that has no heading.
    fn simple_words(&mut self, of: &Node<'s>, site: &Site, default: Option<&Json>, depth: usize) {
        let (of, site) = match of.kind() {
            Kind::List(each) => (each, site.item(0)),
            _ => (of.clone(), site.clone()),
        };
        let Kind::Options(words) = of.kind() else { return };
        if has_heading(&of) {
            return;
        }
        if depth == 0 {
            self.line("");
        }
        words.iter().for_each(|word| self.word(&of, word, &site, default, depth));
    }

    /// Whether an example is not yet in this section.
    fn is_new(&mut self, part: &Table) -> bool {
        let is_new = !self.shown.contains(part);
        self.shown.push(part.clone());
        is_new
    }

    fn example(&mut self, of: String, part: Table, site: &Site, is_default: bool) {
        self.examples.push(Example { of, part, without: site.without(), is_default });
    }

    fn bullet(&mut self, said: &str, part: &Table, depth: usize) {
        let text = text_of(part);
        let bullet = match text.line {
            _ if !self.is_new(part) => format!("- {said}"),
            Some(line) => format!("- {said} `{line}`"),
            None => format!("- {said}\n\n```toml\n{}\n```\n", text.block),
        };
        let indent = "  ".repeat(depth);
        for (number, line) in bullet.lines().enumerate() {
            let within = if number == 0 { "" } else { "  " };
            self.line(format!("{indent}{within}{line}").trim_end());
        }
    }

    /// Type, default and meaning of a key.
    fn said_of(&mut self, key: &Key<'s>, site: &Site, example: &Value) -> String {
        let kind = self.type_of(&key.holds, site, key.default, example);
        let is_table = matches!(key.holds.kind(), Kind::Table(_));
        let default = match key.default {
            _ if key.is_required => "must be said".to_owned(),
            None | Some(Json::Null) => "may be left out".to_owned(),
            Some(_) if is_table => "may be left out".to_owned(),
            Some(Json::Array(none)) if none.is_empty() => "none by default".to_owned(),
            Some(default) => match Value::try_from(default) {
                Ok(default) => format!("`{}` by default", inline(&default)),
                Err(_) => "may be left out".to_owned(),
            },
        };
        format!("{kind}; {default}. {}", key.about)
    }

    /// What may stand at a place, in words. What has a heading is put down to be written under it.
    fn type_of(
        &mut self,
        of: &Node<'s>,
        site: &Site,
        default: Option<&'s Json>,
        example: &Value,
    ) -> String {
        match of.kind() {
            Kind::Plain => plain_type(of).to_owned(),
            Kind::List(each) => {
                let first = example.get(0).unwrap_or(example);
                let each = self.type_of(&each, &site.item(0), None, first);
                format!("a list of {}", plural(&each))
            }
            Kind::ByName(each) => {
                let first = example.as_table().and_then(|its| its.iter().next());
                let Some((name, first)) = first else { return "a table".to_owned() };
                let site = site.holding(example.clone()).name(name);
                let each = self.type_of(&each, &site, None, first);
                format!("a table of names, each with {each}")
            }
            Kind::Fixed(several) => {
                let mut each = Vec::new();
                let site = site.holding(example.clone());
                for ((place, its), item) in several.iter().enumerate().zip(array(example)) {
                    each.push(self.type_of(its, &site.item(place), None, item));
                }
                each.dedup();
                match &each[..] {
                    [one] => format!("a list of {} {}", several.len(), plural(one)),
                    _ => format!("a list of {}: {}", several.len(), each.join(" and ")),
                }
            }
            Kind::Table(_) if has_heading(of) => {
                format!("a table, see {}", self.link(of, site, default, example))
            }
            Kind::Options(_) if has_heading(of) => {
                format!("one of the words of {}", self.link(of, site, default, example))
            }
            Kind::Table(_) => "a table".to_owned(),
            Kind::Options(_) => "one of these words".to_owned(),
        }
    }

    /// The heading of a definition: where it was first met.
    fn link(
        &mut self,
        of: &Node<'s>,
        site: &Site,
        default: Option<&'s Json>,
        example: &Value,
    ) -> String {
        if !self.headings.contains_key(of.name()) {
            self.headings.insert(of.name().to_owned(), site.path());
            let site = match of.kind() {
                Kind::Table(_) if !site.is_heading() => site.holding(with_required(of, example)),
                _ => site.clone(),
            };
            self.sections.push_back(Section { node: of.clone(), site, default });
        }
        let path = &self.headings[of.name()];
        format!("[`{path}`](#{})", slug(path))
    }
}

/// Several of what is said of one.
fn plural(one: &str) -> String {
    let several = [
        ("text", "texts"),
        ("a number", "numbers"),
        ("a whole number", "whole numbers"),
        ("a table", "tables"),
        ("one of ", ""),
    ];
    let begins = |(singular, plural): (&str, &str)| {
        one.strip_prefix(singular).map(|rest| format!("{plural}{rest}"))
    };
    several.into_iter().find_map(begins).unwrap_or_else(|| one.to_owned())
}

fn array(example: &Value) -> &[Value] {
    example.as_array().map_or(&[], Vec::as_slice)
}

fn plain_type(of: &Node<'_>) -> &'static str {
    match of.plain_type() {
        "string" if of.is_one_character() => "one character",
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        other => panic!("there are no words for the type {other:?}"),
    }
}

/// Options of which some hold something, and tables whose keys have examples of their own.
fn has_heading(of: &Node<'_>) -> bool {
    match of.kind() {
        Kind::Options(words) => words.iter().any(|word| word.holds.is_some()),
        Kind::Table(keys) => keys.iter().any(|key| examples::of(&of.id(key.name)).is_some()),
        _ => false,
    }
}

/// As much of a table's example as it must have.
fn with_required(of: &Node<'_>, example: &Value) -> Value {
    let Kind::Table(keys) = of.kind() else { return example.clone() };
    let required = keys.iter().filter(|key| key.is_required);
    let pairs =
        required.filter_map(|key| Some((key.name.to_owned(), example.get(key.name)?.clone())));
    Value::Table(pairs.collect())
}

fn with_name(name: &str, value: Value) -> Option<Value> {
    Some(Value::Table([(name.to_owned(), value)].into_iter().collect()))
}

/// The anchor of a heading, as code hosts and rustdoc make it.
fn slug(heading: &str) -> String {
    heading.chars().filter(|c| c.is_alphanumeric() || "_-".contains(*c)).collect()
}
