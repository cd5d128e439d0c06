//! The columns of lines, and the routes through objects and lists on which their values are.

use std::collections::HashMap;
use std::fmt;

use foldhash::fast::RandomState;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// From a value to one inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Item(usize),
}

/// Where a value of a column is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// Whether it begins at an element of the list that is taken apart, and not at the object of the line.
    pub(super) is_inner: bool,
    pub(super) steps: Vec<Step>,
}

/// Columns inside objects that are listed though nobody asks for them, and elements of lists in which they are looked
/// for.
const LISTED: usize = 1_024;
const ITEMS: usize = 8;

/// Lists of objects that are told where another was asked for.
const LISTS: usize = 20;

/// What is known of the lines so far.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) columns: Vec<String>,
    /// By column, where its values are.
    pub(super) routes: Vec<Vec<Route>>,
    places: HashMap<String, usize, RandomState>,
    inside: usize,
    /// The path of the list that is taken apart, if one is, and where that is.
    pub(super) each: Option<String>,
    pub(super) list: Option<Vec<Step>>,
    /// Paths that are asked for.
    pub(super) asked: Vec<String>,
    /// Lists of objects, the first of them.
    pub(super) lists: Vec<String>,
}

impl Known {
    pub(super) fn of(each: Option<&str>, asked: Vec<String>) -> Self {
        Self { each: each.map(str::to_owned), asked, ..Self::default() }
    }

    /// Goes through the object of a line; `None` for a line that is none.
    pub(super) fn line(&mut self, line: &str) -> Option<()> {
        if line.trim_start().as_bytes().first() != Some(&b'{') {
            return None;
        }
        // A line that is no JSON in the end has no keys.
        serde_json::from_str::<IgnoredAny>(line).ok()?;
        let each = self.each.clone();
        let mut walk = Walk::of(self);
        let root = Value { walk: &mut walk, rest: each.as_deref(), is_item: false };
        root.deserialize(&mut serde_json::Deserializer::from_str(line)).ok().map(|_| ())
    }

    /// What the column of places in the list is called.
    pub(super) fn number(&self) -> Option<String> {
        self.each.as_ref().map(|each| format!("{each}.#"))
    }

    fn add(&mut self, name: &str, is_inner: bool, steps: &[Step]) {
        let route = |routes: &Vec<Route>| {
            routes.iter().any(|route| route.is_inner == is_inner && route.steps == steps)
        };
        let new = || Route { is_inner, steps: steps.to_vec() };
        if let Some(&place) = self.places.get(name) {
            if !route(&self.routes[place]) {
                self.routes[place].push(new());
            }
            return;
        }
        let is_own = !is_inner && steps.len() == 1;
        if !is_own && !self.asked.iter().any(|asked| asked == name) {
            if self.inside == LISTED {
                return;
            }
            self.inside += 1;
        }
        self.places.insert(name.to_owned(), self.columns.len());
        self.columns.push(name.to_owned());
        self.routes.push(vec![new()]);
    }

    /// A list that is to be taken apart; of several the one that is fewer steps away.
    fn add_list(&mut self, steps: &[Step]) {
        if self.list.as_ref().is_none_or(|list| steps.len() < list.len()) {
            self.list = Some(steps.to_vec());
        }
        if let Some(name) = self.number()
            && !self.places.contains_key(&name)
        {
            self.places.insert(name.clone(), self.columns.len());
            self.columns.push(name);
            self.routes.push(Vec::new());
        }
    }
}

/// Where in a line one is.
struct Walk<'k> {
    known: &'k mut Known,
    name: String,
    is_inner: bool,
    steps: Vec<Step>,
}

impl<'k> Walk<'k> {
    fn of(known: &'k mut Known) -> Self {
        Self { known, name: String::new(), is_inner: false, steps: Vec::new() }
    }

    /// That there is a column.
    fn column(&mut self) {
        if self.is_inner || !self.steps.is_empty() {
            self.known.add(&self.name, self.is_inner, &self.steps);
        }
    }

    /// Does something a step further on.
    fn within<T>(&mut self, name: &str, step: Step, then: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.name.len();
        if self.is_inner || !self.steps.is_empty() {
            self.name.push('.');
        }
        self.name.push_str(name);
        self.steps.push(step);
        let given = then(self);
        self.steps.pop();
        self.name.truncate(before);
        given
    }

    /// Whether an element of the list here is asked for.
    fn asks_for(&self, index: usize) -> bool {
        let after = |asked: &String| {
            let rest = asked.strip_prefix(&self.name)?.strip_prefix('.')?;
            let rest = rest.strip_prefix(&index.to_string())?;
            (rest.is_empty() || rest.starts_with('.')).then_some(())
        };
        self.known.asked.iter().any(|asked| after(asked).is_some())
    }
}

/// A value in a line. It gives whether it has others in it.
struct Value<'w, 'k, 'r> {
    walk: &'w mut Walk<'k>,
    /// What is left of the path of the list that is taken apart, if that may be here: nothing at the list.
    rest: Option<&'r str>,
    /// Whether it is an element of a list.
    is_item: bool,
}

impl Value<'_, '_, '_> {
    fn is_list_to_be(&self) -> bool {
        self.rest == Some("")
    }

    fn single<E>(self) -> Result<bool, E> {
        let is_asked = || self.walk.known.asked.contains(&self.walk.name);
        if !self.is_list_to_be() && (!self.is_item || is_asked()) {
            self.walk.column();
        }
        Ok(false)
    }
}

/// What is left of a path behind a step.
fn after<'r>(rest: Option<&'r str>, step: &str) -> Option<&'r str> {
    let rest = rest.filter(|rest| !rest.is_empty())?.strip_prefix(step)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_, '_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_, '_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        self.single()
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        self.single()
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        self.single()
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        self.single()
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        self.single()
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        self.single()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        // A key of the line is a column, whatever its values are; of others, what is inside.
        if !self.walk.is_inner && self.walk.steps.len() == 1 && !self.is_list_to_be() {
            self.walk.column();
        }
        while let Some(key) = map.next_key::<String>()? {
            let rest = after(self.rest, &key);
            self.walk.within(&key, Step::Key(key.clone()), |walk| {
                map.next_value_seed(Value { walk, rest, is_item: false }).map(|_| ())
            })?;
        }
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        let Self { walk, rest, .. } = self;
        if rest == Some("") {
            return taken_apart(walk, items).map(|()| true);
        }
        let (mut has_others, mut index) = (false, 0);
        loop {
            let rest = after(rest, &index.to_string());
            let is_looked_at = index < ITEMS || rest.is_some() || walk.asks_for(index);
            let met = if is_looked_at {
                walk.within(&index.to_string(), Step::Item(index), |walk| {
                    items.next_element_seed(Value { walk, rest, is_item: true })
                })?
            } else {
                items.next_element::<IgnoredAny>()?.map(|_| false)
            };
            let Some(met) = met else { break };
            has_others |= met;
            index += 1;
        }
        if !has_others || !walk.is_inner && walk.steps.len() == 1 {
            walk.column();
        }
        let lists = &walk.known.lists;
        if has_others && !walk.is_inner && lists.len() < LISTS && !lists.contains(&walk.name) {
            walk.known.lists.push(walk.name.clone());
        }
        Ok(true)
    }
}

/// The elements of the list that is taken apart, each of which is a line of its own.
fn taken_apart<'de, A: SeqAccess<'de>>(walk: &mut Walk<'_>, mut items: A) -> Result<(), A::Error> {
    walk.known.add_list(&walk.steps);
    let outer = std::mem::take(&mut walk.steps);
    walk.is_inner = true;
    let mut met = Ok(Some(true));
    while let Ok(Some(_)) = met {
        met = items.next_element_seed(Value { walk: &mut *walk, rest: None, is_item: false });
    }
    walk.is_inner = false;
    walk.steps = outer;
    met.map(|_| ())
}
