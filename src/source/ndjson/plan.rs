//! The cells of a line by their routes: of fields inside objects, and of a list that is taken apart.

use std::collections::HashMap;
use std::fmt;

use foldhash::fast::RandomState;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::line::{Cell, FoundCell, Key};
use super::routes::{Known, Route, Step};
use super::{LineFault, WHOLE_LINE};
use crate::error::row::excerpt;
use crate::log::{FaultReason, MixedValue};

/// Which values of a line are wanted, each with its place among the cells.
#[derive(Debug, Default)]
pub(super) struct Plan {
    root: Node,
    /// By place, the column, and whether its values are in the elements of the list that is taken apart.
    columns: Vec<(String, bool)>,
    /// The path of that list.
    each: Option<String>,
    /// The place of the column that numbers its elements.
    number: Option<usize>,
}

/// What is wanted of a value.
#[derive(Debug, Default)]
struct Node {
    /// The value itself, with its place and how many steps away it is.
    cell: Option<(usize, usize)>,
    keys: HashMap<String, Node, RandomState>,
    items: Vec<(usize, Node)>,
    /// The elements of a list, each as a row.
    each: Option<Box<Node>>,
}

impl Plan {
    /// A plan for these columns, if one is needed: keys of lines need none.
    pub(super) fn of(known: &Known, columns: &[usize]) -> Option<Self> {
        let number = known.number();
        let is_flat = |&column: &usize| match &known.routes[column][..] {
            [Route { is_inner: false, steps }] => matches!(&steps[..], [Step::Key(_)]),
            _ => false,
        };
        if number.is_none() && columns.iter().all(is_flat) {
            return None;
        }
        let mut plan = Self { each: known.each.clone(), ..Self::default() };
        let mut elements = Node::default();
        for &column in columns {
            let (name, place) = (&known.columns[column], plan.columns.len());
            if Some(name) == number.as_ref() {
                plan.number = Some(place);
                plan.columns.push((name.clone(), true));
                continue;
            }
            let routes = &known.routes[column];
            let is_inner = routes.iter().all(|route| route.is_inner);
            for route in routes.iter().filter(|route| route.is_inner == is_inner) {
                let start = if is_inner { &mut elements } else { &mut plan.root };
                start.at(&route.steps).cell = Some((place, route.steps.len()));
            }
            plan.columns.push((name.clone(), is_inner));
        }
        if let Some(list) = &known.list {
            plan.root.at(list).each = Some(Box::new(elements));
        }
        Some(plan)
    }

    /// The rows that a line stands for, each with its cells, or why it has none.
    pub(super) fn rows(&self, line: &str) -> Result<Line, LineFault> {
        let malformed = || (WHOLE_LINE.to_owned(), excerpt(line), FaultReason::Malformed);
        if line.trim_start().as_bytes().first() != Some(&b'{') {
            return Err(malformed());
        }
        let mut found = Met::default();
        let mut from = serde_json::Deserializer::from_str(line);
        Wanted { node: &self.root, met: &mut found }
            .deserialize(&mut from)
            .and_then(|()| from.end())
            .map_err(|_| malformed())?;
        let fault = |reason| {
            let column = self.each.clone().unwrap_or_default();
            (column, excerpt(line), reason)
        };
        match found.lists {
            _ if found.is_no_list => return Err(fault(FaultReason::NotAList)),
            0 | 1 => {}
            _ => return Err(fault(FaultReason::RepeatedKey)),
        }
        Ok(Line {
            outer: self.settled(found.cells, line),
            elements: found.elements,
            is_taken_apart: self.each.is_some(),
        })
    }

    /// The cells by their places: of several for one place that which is fewest steps away.
    pub(super) fn settled(&self, found: Vec<Placed>, line: &str) -> Settled {
        let mut cells: Vec<(usize, MixedValue)> =
            vec![(usize::MAX, MixedValue::Null); self.columns.len()];
        let mut fault = None;
        for (place, steps, cell) in found {
            let before = cells[place].0;
            let twice = if before == steps { Err(FaultReason::RepeatedKey) } else { Ok(()) };
            match twice.and(cell) {
                Ok(cell) if steps < before => cells[place] = (steps, cell),
                Ok(_) => {}
                Err(reason) => {
                    fault.get_or_insert((place, reason));
                }
            }
        }
        match fault {
            None => Ok(cells.into_iter().map(|(_, cell)| cell).collect()),
            Some((place, reason)) => Err((self.columns[place].0.clone(), excerpt(line), reason)),
        }
    }

    /// Why an element without fields is no row.
    pub(super) fn no_fields(&self, line: &str) -> LineFault {
        let column = self.each.clone().unwrap_or_default();
        (column, excerpt(line), FaultReason::NotAnObject)
    }

    /// Whether the values of a place are in the elements of the list.
    pub(super) fn is_inner(&self, place: usize) -> bool {
        self.columns[place].1
    }

    pub(super) fn number(&self) -> Option<usize> {
        self.number
    }
}

/// What a line is.
pub(super) struct Line {
    pub(super) outer: Settled,
    /// The elements of the list that is taken apart.
    pub(super) elements: Vec<Option<Vec<Placed>>>,
    pub(super) is_taken_apart: bool,
}

/// A cell with its place, and how many steps away it is.
pub(super) type Placed = (usize, usize, FoundCell);

/// Cells by place, or what is wrong.
pub(super) type Settled = Result<Vec<MixedValue>, LineFault>;

impl Node {
    /// What is wanted some steps further on.
    fn at(&mut self, steps: &[Step]) -> &mut Self {
        let Some((step, rest)) = steps.split_first() else { return self };
        let next = match step {
            Step::Key(key) => self.keys.entry(key.clone()).or_default(),
            Step::Item(index) => {
                let found = self.items.iter().position(|(its, _)| its == index);
                let found = found.unwrap_or_else(|| {
                    self.items.push((*index, Self::default()));
                    self.items.len() - 1
                });
                &mut self.items[found].1
            }
        };
        next.at(rest)
    }

    /// Whether nothing but the value itself is wanted.
    fn is_leaf(&self) -> bool {
        self.keys.is_empty() && self.items.is_empty() && self.each.is_none()
    }
}

/// What was met in a line.
#[derive(Default)]
struct Met {
    cells: Vec<Placed>,
    /// `None` for an element in which there can be no fields.
    elements: Vec<Option<Vec<Placed>>>,
    lists: usize,
    /// Whether what was met is an object or a list.
    has_inside: bool,
    /// Whether there is something else where the list should be.
    is_no_list: bool,
}

/// What is wanted of the value that comes next.
struct Wanted<'p, 'm> {
    node: &'p Node,
    met: &'m mut Met,
}

impl<'de> DeserializeSeed<'de> for Wanted<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        let Some((place, steps)) = self.node.cell else { return from.deserialize_any(self) };
        if self.node.is_leaf() {
            self.met.cells.push((place, steps, Cell.deserialize(from)?));
            return Ok(());
        }
        // It is looked at twice: as a whole, and for what is in it.
        let value = <serde_json::Value as serde::Deserialize>::deserialize(from)?;
        let cell = Cell.deserialize(&value).map_err(D::Error::custom)?;
        self.met.cells.push((place, steps, cell));
        (&value).deserialize_any(self).map_err(D::Error::custom)
    }
}

impl Wanted<'_, '_> {
    /// A value without others in it.
    fn single<E>(self) -> Result<(), E> {
        self.met.is_no_list |= self.node.each.is_some();
        Ok(())
    }
}

impl<'de> Visitor<'de> for Wanted<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.single()
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.single()
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.single()
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.single()
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.single()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { node, met } = self;
        met.has_inside = true;
        met.is_no_list |= node.each.is_some();
        let wanted = |key: &str| node.keys.get(key);
        while let Some(next) = map.next_key_seed(Key(&wanted))? {
            match next {
                Some(node) => map.next_value_seed(Wanted { node, met: &mut *met })?,
                None => map.next_value::<IgnoredAny>().map(|_| ())?,
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { node, met } = self;
        met.has_inside = true;
        if let Some(each) = &node.each {
            met.lists += 1;
            let mut element = Met::default();
            while items.next_element_seed(Wanted { node: each, met: &mut element })?.is_some() {
                let cells = std::mem::take(&mut element.cells);
                let has_inside = std::mem::take(&mut element.has_inside);
                // Of plain elements themselves, and of nothing in them, more can be asked.
                let is_row = has_inside || each.cell.is_some() || each.is_leaf();
                met.elements.push(is_row.then_some(cells));
            }
            return Ok(());
        }
        for index in 0_usize.. {
            let wanted = node.items.iter().find(|(its, _)| *its == index);
            let next = match wanted {
                Some((_, node)) => items.next_element_seed(Wanted { node, met: &mut *met })?,
                None => items.next_element::<IgnoredAny>()?.map(|_| ()),
            };
            if next.is_none() {
                break;
            }
        }
        Ok(())
    }
}
