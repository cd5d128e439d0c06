//! Which keys and words there are in the schema, and which of them a study has.

use std::collections::BTreeSet;

use crate::schema::{Kind, Node};

impl Node<'_> {
    /// By their ids, all keys and words that a study file may have.
    pub(crate) fn all(&self) -> BTreeSet<String> {
        let mut ids = BTreeSet::new();
        self.add_to(&mut ids);
        ids
    }

    fn add_to(&self, ids: &mut BTreeSet<String>) {
        match self.kind() {
            Kind::Table(keys) => {
                for key in keys {
                    if ids.insert(self.id(key.name)) {
                        key.holds.add_to(ids);
                    }
                }
            }
            Kind::Options(words) => {
                for word in words {
                    let is_new = ids.insert(self.id(word.name));
                    if let Some(holds) = word.holds.filter(|_| is_new) {
                        holds.add_to(ids);
                    }
                }
            }
            Kind::ByName(each) | Kind::List(each) => each.add_to(ids),
            Kind::Fixed(several) => several.iter().for_each(|its| its.add_to(ids)),
            Kind::Plain => {}
        }
    }

    /// By their ids, the keys and words that a value at this place has.
    pub(crate) fn used_by(&self, value: &toml::Value) -> BTreeSet<String> {
        let within = |key: &str| value.get(key);
        match self.kind() {
            Kind::Table(keys) => keys
                .iter()
                .filter_map(|key| Some((key, within(key.name)?)))
                .flat_map(|(key, its)| with(self.id(key.name), key.holds.used_by(its)))
                .collect(),
            Kind::Options(words) => words
                .iter()
                .filter(|word| value.as_str() == Some(word.name) || within(word.name).is_some())
                .flat_map(|word| {
                    let held = word.holds.as_ref().zip(within(word.name));
                    let below = held.map(|(holds, its)| holds.used_by(its)).unwrap_or_default();
                    with(self.id(word.name), below)
                })
                .collect(),
            Kind::ByName(each) => {
                let table = value.as_table().into_iter().flatten();
                table.flat_map(|(_, its)| each.used_by(its)).collect()
            }
            Kind::List(each) => {
                let list = value.as_array().into_iter().flatten();
                list.flat_map(|its| each.used_by(its)).collect()
            }
            Kind::Fixed(several) => {
                let list = value.as_array().into_iter().flatten();
                several.iter().zip(list).flat_map(|(each, its)| each.used_by(its)).collect()
            }
            Kind::Plain => BTreeSet::new(),
        }
    }
}

fn with(id: String, mut ids: BTreeSet<String>) -> BTreeSet<String> {
    ids.insert(id);
    ids
}
