//! The numbers under which policies know viewers, items, creators, strata and sets of topics.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::error::Error;
use crate::log::{Coded, Dictionary, ExposureLog, Topics};
use crate::policy::TopicSets;

/// A code that has no number yet.
const NONE: u32 = u32::MAX;

/// Numbers of ids, dealt out as they are met: since requests are answered in the order of their time, they
/// depend neither on the order of rows nor on chunks.
#[derive(Debug)]
pub(super) struct Numbering {
    pub(super) items: Dictionary,
    pub(super) viewers: Dictionary,
    creators: Dictionary,
    strata: Dictionary,
    sets: Sets,
}

#[derive(Debug)]
struct Sets {
    /// By the labels of a set in the order of their names, its number.
    number: HashMap<Vec<String>, u32, FixedState>,
    /// Whether the caller said which sets there are.
    closed: bool,
}

impl Numbering {
    pub(super) fn new(
        sets: Option<&TopicSets>,
        creators: &[String],
        strata: &[String],
    ) -> Result<Self, Error> {
        let known = |ids: &[String]| {
            let mut known = Dictionary::default();
            ids.iter().try_for_each(|id| known.intern(id).map(drop)).map(|()| known)
        };
        let mut number = HashMap::default();
        for set in 0..sets.map_or(0, TopicSets::len) as u32 {
            let names = sets.iter().flat_map(|sets| {
                sets.of(set).iter().map(|topic| sets.topics()[usize::from(*topic)].clone())
            });
            number.entry(in_order(names.collect())).or_insert(set);
        }
        Ok(Self {
            items: Dictionary::default(),
            viewers: Dictionary::default(),
            creators: known(creators)?,
            strata: known(strata)?,
            sets: Sets { number, closed: sets.is_some() },
        })
    }

    /// The place of a stratum's name among those of the setting.
    pub(super) fn stratum(&mut self, name: &str) -> Result<u16, Error> {
        let number = self.strata.intern(name)?;
        u16::try_from(number).map_err(|_| Error::Parameter {
            parameter: "the number of strata of a replay",
            value: (u32::from(u16::MAX) + 2).to_string(),
            expected: "at most 65,536",
        })
    }
}

impl Sets {
    fn number(&mut self, table: &ExposureLog, topics: &Topics, set: u32) -> Result<u32, Error> {
        let names = topics.set(set).iter().filter_map(|&code| topics.labels().id(code));
        let names = in_order(names.map(str::to_owned).collect());
        let next = self.number.len() as u32;
        if let Some(&number) = self.number.get(&names) {
            return Ok(number);
        }
        if self.closed && !names.is_empty() {
            let (table, names) = (&table.origin().source, names.join(", "));
            let detail = format!(
                "{table}: the set of topics \"{names}\" is not among those of ReplaySpec::topic_sets"
            );
            return Err(Error::Candidates { detail });
        }
        self.number.insert(names, next);
        Ok(next)
    }
}

fn in_order(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names.dedup();
    names
}

/// The numbers of what a table of candidates has, by its codes; [`NONE`] until they are met.
#[derive(Debug)]
pub(super) struct Numbers {
    items: Vec<u32>,
    creators: Vec<u32>,
    sets: Vec<u32>,
}

impl Numbers {
    pub(super) fn of(items: &Coded, creators: Option<&Coded>, topics: Option<&Topics>) -> Self {
        let none = |codes: usize| vec![NONE; codes];
        Self {
            items: none(items.dictionary().len()),
            creators: none(creators.map_or(0, |creators| creators.dictionary().len())),
            sets: none(topics.map_or(0, Topics::set_count)),
        }
    }

    /// Numbers what is new in these rows.
    pub(super) fn meet(
        &mut self,
        numbering: &mut Numbering,
        (table, items, creators): (&ExposureLog, &Coded, Option<&Coded>),
        rows: &[u32],
    ) -> Result<(), Error> {
        for &row in rows {
            let row = row as usize;
            let item = &mut self.items[items.codes()[row] as usize];
            if *item == NONE {
                *item = numbering.items.intern(items.id(row).unwrap_or_default())?;
            }
            if let Some(creators) = creators {
                let creator = &mut self.creators[creators.codes()[row] as usize];
                if *creator == NONE {
                    *creator = numbering.creators.intern(creators.id(row).unwrap_or_default())?;
                }
            }
            if let Some(topics) = table.topics() {
                let its = topics.set_of_row()[row];
                let set = &mut self.sets[its as usize];
                if *set == NONE {
                    *set = numbering.sets.number(table, topics, its)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn item(&self, code: u32) -> u32 {
        self.items[code as usize]
    }

    pub(super) fn creator(&self, code: u32) -> u32 {
        self.creators[code as usize]
    }

    pub(super) fn set(&self, set: u32) -> u32 {
        self.sets[set as usize]
    }
}
