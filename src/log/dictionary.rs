//! Dictionaries: distinct ids and the small codes that stand for them in a column.
//! No column roles here, and no hashing for keys beyond [`ClusterKey`].

use std::sync::OnceLock;

use foldhash::fast::RandomState;
use indexmap::IndexSet;
use rayon::prelude::*;

use super::key::ClusterKey;
use crate::error::Error;

/// The distinct ids of a column, in order of first appearance; the position of an id is its code.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    ids: IndexSet<Box<str>, RandomState>,
    /// Made when first asked for, and forgotten when an id is added.
    ranked: OnceLock<RankedKeys>,
}

/// The cluster keys of a dictionary's ids in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RankedKeys {
    keys: Vec<ClusterKey>,
    rank_of_code: Vec<u32>,
}

impl RankedKeys {
    /// The keys, ascending.
    #[must_use]
    pub fn keys(&self) -> &[ClusterKey] {
        &self.keys
    }

    /// By code, the place of the id's key in [`keys`](RankedKeys::keys).
    #[must_use]
    pub fn rank_of_code(&self) -> &[u32] {
        &self.rank_of_code
    }

    fn of(dictionary: &Dictionary) -> Result<Self, Error> {
        let mut coded: Vec<(ClusterKey, u32)> = (0..dictionary.len() as u32)
            .into_par_iter()
            .with_min_len(1024)
            .map(|code| (ClusterKey::of(dictionary.id(code).expect("a code handed out")), code))
            .collect();
        coded.par_sort_unstable();
        if let Some(pair) = coded.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let id = |at: usize| dictionary.id(pair[at].1).unwrap_or_default().to_owned();
            return Err(Error::KeyCollision { first: id(0), second: id(1) });
        }
        let mut rank_of_code = vec![0; coded.len()];
        for (rank, &(_, code)) in (0..).zip(&coded) {
            rank_of_code[code as usize] = rank;
        }
        Ok(Self { keys: coded.into_iter().map(|(key, _)| key).collect(), rank_of_code })
    }
}

impl Dictionary {
    /// The code of `id`, given a new one if it has none yet.
    ///
    /// # Errors
    /// [`Error::TooManyIds`] past 2^32 - 2 distinct ids.
    pub fn intern(&mut self, id: &str) -> Result<u32, Error> {
        if let Some(code) = self.ids.get_index_of(id) {
            return Ok(u32::try_from(code).expect("codes are handed out below u32::MAX"));
        }
        let code = u32::try_from(self.ids.len())
            .ok()
            .filter(|&code| code < u32::MAX)
            .ok_or(Error::TooManyIds)?;
        self.ids.insert(id.into());
        self.ranked.take();
        Ok(code)
    }

    /// The code of `id`, if the column has it.
    #[must_use]
    pub fn code(&self, id: &str) -> Option<u32> {
        self.ids.get_index_of(id).and_then(|code| u32::try_from(code).ok())
    }

    /// The id a code stands for; `None` for a code that was never handed out.
    #[must_use]
    pub fn id(&self, code: u32) -> Option<&str> {
        self.ids.get_index(code as usize).map(AsRef::as_ref)
    }

    /// How many distinct ids there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The ids in the order of their codes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.ids.iter().map(AsRef::as_ref)
    }

    /// The cluster keys of all ids. They are hashed once for a dictionary, not at every call.
    ///
    /// # Errors
    /// [`Error::KeyCollision`] when two ids share a key (about one chance in 37 million for a
    /// million ids), since their clusters would silently become one.
    pub fn ranked_keys(&self) -> Result<&RankedKeys, Error> {
        if let Some(ranked) = self.ranked.get() {
            return Ok(ranked);
        }
        let ranked = RankedKeys::of(self)?;
        Ok(self.ranked.get_or_init(|| ranked))
    }
}

impl PartialEq for Dictionary {
    fn eq(&self, other: &Self) -> bool {
        self.ids.len() == other.ids.len() && self.iter().eq(other.iter())
    }
}

/// A column of ids: one code per row into a dictionary of distinct ids.
///
/// ```
/// use tiltmeter::log::Coded;
/// let column: Coded = ["b", "a", "b"].into_iter().collect();
/// assert_eq!(column.codes(), [0, 1, 0]);
/// assert_eq!(column.id(1), Some("a"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coded {
    codes: Vec<u32>,
    dictionary: Dictionary,
}

impl Coded {
    /// One code per row.
    #[must_use]
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// The distinct ids.
    #[must_use]
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// The id in a row; `None` past the last row.
    #[must_use]
    pub fn id(&self, row: usize) -> Option<&str> {
        self.codes.get(row).and_then(|&code| self.dictionary.id(code))
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`Error::TooManyIds`] past 2^32 - 2 distinct ids.
    pub fn push(&mut self, id: &str) -> Result<(), Error> {
        let code = self.dictionary.intern(id)?;
        self.codes.push(code);
        Ok(())
    }

    /// The code of `id`, given a new one if it has none yet; a row must follow that has it.
    pub(super) fn code_for(&mut self, id: &str) -> Result<u32, Error> {
        self.dictionary.intern(id)
    }

    /// The codes, for rows whose codes were handed out.
    pub(super) fn codes_mut(&mut self) -> &mut Vec<u32> {
        &mut self.codes
    }

    /// Makes room for more rows.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.codes.reserve(rows);
    }

    /// Keeps the rows for which `keep` is true, with the dictionary of just these rows, in order
    /// of first appearance.
    pub(crate) fn retain(&mut self, keep: &[bool]) {
        let mut code_of = vec![None; self.dictionary.len()];
        let mut ids = IndexSet::default();
        let mut codes = Vec::with_capacity(self.codes.len());
        for (&code, _) in self.codes.iter().zip(keep).filter(|(_, keep)| **keep) {
            let new = *code_of[code as usize].get_or_insert_with(|| {
                let id = self.dictionary.id(code).expect("every code has an id");
                ids.insert_full(id.into()).0
            });
            codes.push(u32::try_from(new).expect("no more ids than before"));
        }
        self.codes = codes;
        self.dictionary = Dictionary { ids, ranked: OnceLock::new() };
    }
}

impl<T: AsRef<str>> FromIterator<T> for Coded {
    /// Collects ids row by row.
    ///
    /// # Panics
    /// Past 2^32 - 2 distinct ids; use [`Coded::push`] where that may happen.
    fn from_iter<I: IntoIterator<Item = T>>(ids: I) -> Self {
        let mut column = Self::default();
        for id in ids {
            column.push(id.as_ref()).expect("fewer than 2^32 distinct ids");
        }
        column
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retain_keeps_rows_and_drops_ids_that_no_longer_occur() {
        let mut column: Coded = ["b", "a", "b", "c"].into_iter().collect();
        column.retain(&[false, true, false, true]);
        let expected: Coded = ["a", "c"].into_iter().collect();
        assert_eq!(column, expected);
        assert_eq!(column.dictionary().code("b"), None);
    }

    #[test]
    fn keys_differ_for_differing_ids() {
        let column: Coded = (0..10_000).map(|i| i.to_string()).collect();
        let ranked = column.dictionary().ranked_keys().unwrap();
        assert!(ranked.keys().windows(2).all(|pair| pair[0] < pair[1]));
        for (code, id) in column.dictionary().iter().enumerate() {
            let rank = ranked.rank_of_code()[code] as usize;
            assert_eq!(ranked.keys()[rank], ClusterKey::of(id));
        }
    }
}
