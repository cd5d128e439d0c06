//! Examples as TOML: a value at its place in a study file, with what else must stand beside it there.

use toml::{Table, Value};

use crate::examples;

/// A step towards a place.
#[derive(Clone)]
enum Step {
    Key(String),
    /// A name of the author's own.
    Name(String),
    /// An item of a list, by its place.
    Item(usize),
}

/// A place in a study file.
#[derive(Clone)]
pub(crate) struct Site {
    /// What must stand in the file beside a value at this place.
    beside: Table,
    steps: Vec<Step>,
    /// Whether a study may be without a value at this place.
    may_be_empty: bool,
}

impl Site {
    /// The whole file.
    pub(crate) fn of_file() -> Self {
        Self { beside: Table::new(), steps: Vec::new(), may_be_empty: false }
    }

    fn then(&self, step: Step, may_be_empty: bool) -> Self {
        let steps = self.steps.iter().cloned().chain([step]).collect();
        Self { beside: self.beside.clone(), steps, may_be_empty }
    }

    /// The place of a key of the table that stands here.
    pub(crate) fn key(&self, key: &str, is_required: bool) -> Self {
        self.then(Step::Key(key.to_owned()), !is_required)
    }

    /// The place of a name in the table of names that stands here.
    pub(crate) fn name(&self, name: &str) -> Self {
        self.then(Step::Name(name.to_owned()), false)
    }

    /// The place of an item of the list that stands here.
    pub(crate) fn item(&self, place: usize) -> Self {
        self.then(Step::Item(place), false)
    }

    /// The same place, with what must be there in any case.
    pub(crate) fn holding(&self, value: Value) -> Self {
        Self { beside: self.with(value), ..self.clone() }
    }

    /// Whether a table here is written under a heading of its own, without what stands beside it.
    pub(crate) fn is_heading(&self) -> bool {
        is_heading(&self.path())
    }

    /// Keys from the file down, with dots between them.
    pub(crate) fn path(&self) -> String {
        let key = |step: &Step| match step {
            Step::Key(key) => Some(key.clone()),
            Step::Name(_) | Step::Item(_) => None,
        };
        self.steps.iter().filter_map(key).collect::<Vec<_>>().join(".")
    }

    /// A study's part with this value here.
    pub(crate) fn with(&self, value: Value) -> Table {
        let mut part = Value::Table(self.beside.clone());
        put(&mut part, &self.steps, Some(value));
        into_table(part)
    }

    /// The same without any value here, if a study may be so.
    pub(crate) fn without(&self) -> Option<Table> {
        let mut part = Value::Table(self.beside.clone());
        put(&mut part, &self.steps, None);
        self.may_be_empty.then(|| into_table(part))
    }
}

fn into_table(value: Value) -> Table {
    match value {
        Value::Table(table) => table,
        _ => Table::new(),
    }
}

/// Puts a value where the steps lead, or takes away what is there.
fn put(into: &mut Value, steps: &[Step], value: Option<Value>) {
    match (steps.split_first(), value) {
        (None, None) => {}
        (None, Some(value)) => *into = value,
        (Some((Step::Key(key) | Step::Name(key), rest)), value) => {
            let mut table = into_table(std::mem::replace(into, Value::Boolean(false)));
            if value.is_none() && rest.is_empty() {
                table.remove(key);
            } else {
                put(table.entry(key).or_insert(Value::Table(Table::new())), rest, value);
            }
            *into = Value::Table(table);
        }
        (Some((Step::Item(place), rest)), value) => {
            if !into.is_array() {
                *into = Value::Array(vec![Value::Table(Table::new())]);
            }
            if let Some(item) = into.get_mut(*place) {
                put(item, rest, value);
            }
        }
    }
}

/// Whether a table of this path is written under a heading of its own.
fn is_heading(path: &str) -> bool {
    !path.contains('.') || path.ends_with(".schema") || path == "question.groups"
}

/// A part of a study as TOML.
pub(crate) struct Text {
    /// One line that stands by itself, if it is no more.
    pub(crate) line: Option<String>,
    /// With headings.
    pub(crate) block: String,
}

pub(crate) fn text_of(part: &Table) -> Text {
    let mut tables = Vec::new();
    lines_of(part, "", &mut tables);
    let line = match &tables[..] {
        [(path, lines)] if lines.len() == 1 => {
            let dot = if path.is_empty() { "" } else { "." };
            Some(format!("{path}{dot}{}", lines[0]))
        }
        _ => None,
    };
    let block = |(path, lines): &(String, Vec<String>)| match &**path {
        "" => lines.join("\n"),
        path => format!("[{path}]\n{}", lines.join("\n")),
    };
    Text { line, block: tables.iter().map(block).collect::<Vec<_>>().join("\n\n") }
}

/// The lines of each table that has some, those above before those within.
fn lines_of(part: &Table, path: &str, tables: &mut Vec<(String, Vec<String>)>) {
    let mut lines = Vec::new();
    let mut below = Vec::new();
    for (key, value) in in_order(part) {
        let dot = if path.is_empty() { "" } else { "." };
        let path = format!("{path}{dot}{key}");
        match value {
            Value::Table(table) if is_heading(&path) => below.push((path, table)),
            value => lines.push(format!("{} = {}", name(key), inline(value))),
        }
    }
    if !lines.is_empty() {
        tables.push((path.to_owned(), lines));
    }
    for (path, table) in below {
        lines_of(table, &path, tables);
    }
}

/// As the examples have them: the first key is the one that says what it is.
fn in_order(table: &Table) -> Vec<(&String, &Value)> {
    let mut keys: Vec<&str> = table.keys().map(String::as_str).collect();
    examples::in_order(&mut keys);
    keys.into_iter().filter_map(|key| table.get_key_value(key)).collect()
}

fn name(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if key.chars().all(is_bare) { key.to_owned() } else { format!("{key:?}") }
}

/// A value on one line.
pub(crate) fn inline(value: &Value) -> String {
    match value {
        Value::Table(table) if table.is_empty() => "{}".to_owned(),
        Value::Table(table) => {
            let pair =
                |(key, value): &(&String, &Value)| format!("{} = {}", name(key), inline(value));
            let pairs: Vec<_> = in_order(table).iter().map(pair).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        plain => plain.to_string(),
    }
}

/// A study that says no more than it must beside this part.
pub(crate) fn completed(part: &Table) -> Table {
    let mut study = examples::minimal();
    study.extend(examples::minimal_parts().into_iter().filter(|(name, _)| part.contains_key(name)));
    merge(&mut study, part, "");
    study
}

fn merge(into: &mut Table, part: &Table, path: &str) {
    for (key, value) in part {
        let dot = if path.is_empty() { "" } else { "." };
        let path = format!("{path}{dot}{key}");
        match (into.get_mut(key), value) {
            (Some(Value::Table(into)), Value::Table(value)) if is_heading(&path) => {
                merge(into, value, &path);
            }
            _ => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}
