//! Dictionaries: distinct ids and the small codes that stand for them in a column.
//! No column roles here, and no hashing for keys beyond [`ClusterKey`].

use std::hash::BuildHasher;
use std::sync::OnceLock;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use rayon::prelude::*;

use crate::base::cluster_key::ClusterKey;
use crate::error::Error;

/// The distinct ids of a column, in order of first appearance; the position of an id is its code.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    /// One after the other, in one piece of memory.
    text: String,
    /// By code, where its id ends.
    ends: Vec<usize>,
    /// Codes by their ids; made when an id is first looked for by its text.
    index: OnceLock<Index>,
    /// Made when first asked for, and forgotten when an id is added.
    ranked: OnceLock<RankedKeys>,
}

#[derive(Clone, Debug, Default)]
struct Index {
    codes: HashTable<u32>,
    hasher: RandomState,
}

impl Index {
    fn find(&self, id: &str, ids: &Dictionary) -> Option<u32> {
        let is_it = |code: &u32| ids.id(*code) == Some(id);
        self.codes.find(self.hasher.hash_one(id), is_it).copied()
    }

    fn insert(&mut self, code: u32, ids: &Dictionary) {
        let Self { codes, hasher } = self;
        let hash = |code: &u32| hasher.hash_one(ids.id(*code).unwrap_or_default());
        codes.insert_unique(hash(&code), code, hash);
    }
}

/// Ids whose keys a thread makes at a time.
const KEYS_AT_A_TIME: usize = 1024;

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
        let mut coded = vec![(ClusterKey::from_number(0), 0); dictionary.len()];
        coded.par_chunks_mut(KEYS_AT_A_TIME).enumerate().for_each(|(chunk, coded)| {
            let codes = (chunk * KEYS_AT_A_TIME) as u32..;
            let ids = codes.clone().map_while(|code| dictionary.id(code));
            let keys = coded.iter_mut().map(|(key, _)| key);
            ClusterKey::of_each(ids, keys);
            coded.iter_mut().zip(codes).for_each(|((_, mine), code)| *mine = code);
        });
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
        match self.code(id) {
            Some(code) => Ok(code),
            None => self.add(id),
        }
    }

    /// The code of an id that was not given one as long as no id was looked for by its text. So ids
    /// that are told apart by something shorter need no index.
    pub(super) fn intern_unseen(&mut self, id: &str) -> Result<u32, Error> {
        match self.index.get() {
            Some(_) => self.intern(id),
            None => self.add(id),
        }
    }

    fn add(&mut self, id: &str) -> Result<u32, Error> {
        let code = u32::try_from(self.ends.len())
            .ok()
            .filter(|&code| code < u32::MAX)
            .ok_or(Error::TooManyIds)?;
        self.text.push_str(id);
        self.ends.push(self.text.len());
        self.ranked.take();
        if let Some(mut index) = self.index.take() {
            index.insert(code, self);
            self.index.get_or_init(|| index);
        }
        Ok(code)
    }

    /// The code of `id`, if the column has it.
    #[must_use]
    pub fn code(&self, id: &str) -> Option<u32> {
        let index = self.index.get_or_init(|| {
            let mut index = Index::default();
            (0..self.ends.len() as u32).for_each(|code| index.insert(code, self));
            index
        });
        index.find(id, self)
    }

    /// The id a code stands for; `None` for a code that was never handed out.
    #[must_use]
    pub fn id(&self, code: u32) -> Option<&str> {
        let end = *self.ends.get(code as usize)?;
        let start = code.checked_sub(1).map_or(0, |before| self.ends[before as usize]);
        self.text.get(start..end)
    }

    /// The ids from a code on, as a dictionary of their own.
    pub(super) fn after(&self, code: usize) -> Self {
        let start = code.checked_sub(1).map_or(0, |before| self.ends[before]);
        let ends = self.ends[code..].iter().map(|end| end - start).collect();
        Self { text: self.text[start..].to_owned(), ends, ..Self::default() }
    }

    /// Adds ids that are not there yet, in a dictionary in which none is looked for.
    pub(super) fn append(&mut self, new: &Self) {
        debug_assert!(self.index.get().is_none());
        let start = self.text.len();
        self.text.push_str(&new.text);
        self.ends.extend(new.ends.iter().map(|end| start + end));
        self.ranked.take();
    }

    /// Bytes of the ids' text.
    pub(super) fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Bytes of memory held.
    pub(super) fn bytes(&self) -> usize {
        let index = self.index.get().map_or(0, |index| 8 * index.codes.capacity());
        let ranked = self.ranked.get().map_or(0, |ranked| 12 * ranked.keys.capacity());
        self.text.capacity() + size_of::<usize>() * self.ends.capacity() + index + ranked
    }

    /// How many distinct ids there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The ids in the order of their codes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        (0..self.ends.len()).map(|code| self.id(code as u32).unwrap_or_default())
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
        self.ends == other.ends && self.text == other.text
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

    /// The same for an id that is the text of a number which did not occur before as a number.
    pub(super) fn code_for_number(&mut self, id: &str) -> Result<u32, Error> {
        self.dictionary.intern_unseen(id)
    }

    /// The codes, for rows whose codes were handed out.
    pub(super) fn codes_mut(&mut self) -> &mut Vec<u32> {
        &mut self.codes
    }

    /// The codes alone.
    pub(super) fn into_codes(self) -> Vec<u32> {
        self.codes
    }

    /// Keeps the rows for which `keep` is true, with the dictionary of just these rows, in order
    /// of first appearance.
    pub(crate) fn retain(&mut self, keep: &[bool]) {
        let mut code_of = vec![None; self.dictionary.len()];
        let mut dictionary = Dictionary::default();
        let mut codes = Vec::with_capacity(self.codes.len());
        for (&code, _) in self.codes.iter().zip(keep).filter(|(_, keep)| **keep) {
            let new = *code_of[code as usize].get_or_insert_with(|| {
                let id = self.dictionary.id(code).expect("every code has an id");
                dictionary.add(id).expect("no more ids than before")
            });
            codes.push(new);
        }
        *self = Self { codes, dictionary };
    }

    /// These rows, in this order, with the dictionary of just these rows.
    pub(crate) fn again(&self, rows: &[u32]) -> Self {
        let mut code_of = vec![None; self.dictionary.len()];
        let mut dictionary = Dictionary::default();
        let of_row = |&row: &u32| {
            let code = self.codes[row as usize];
            *code_of[code as usize].get_or_insert_with(|| {
                let id = self.dictionary.id(code).expect("every code has an id");
                dictionary.add(id).expect("no more ids than before")
            })
        };
        let codes = rows.iter().map(of_row).collect();
        Self { codes, dictionary }
    }

    /// These rows, in this order, with the dictionary as it is.
    pub(super) fn group(&self, rows: &[u32]) -> Self {
        let codes = rows.iter().map(|&row| self.codes[row as usize]).collect();
        Self { codes, dictionary: self.dictionary.clone() }
    }

    /// The rows of several columns, one column after the other.
    pub(super) fn joined(parts: &[&Self]) -> Result<Self, Error> {
        let mut all = Self::default();
        for part in parts {
            let codes = part.dictionary.iter().map(|id| all.dictionary.intern(id));
            let codes = codes.collect::<Result<Vec<u32>, Error>>()?;
            all.codes.extend(part.codes.iter().map(|&code| codes[code as usize]));
        }
        Ok(all)
    }

    /// One id in every row.
    pub(super) fn of_one(id: &str, rows: usize) -> Self {
        let mut dictionary = Dictionary::default();
        let code = dictionary.add(id).expect("one id");
        Self { codes: vec![code; rows], dictionary }
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

    /// Ids that are told apart by their numbers, and ids looked for by their text, in turns.
    #[test]
    fn ids_are_found_whether_or_not_there_was_an_index() {
        let mut dictionary = Dictionary::default();
        for id in ["7", "-3", ""] {
            dictionary.intern_unseen(id).unwrap();
        }
        assert!(dictionary.index.get().is_none());
        assert_eq!((dictionary.code("-3"), dictionary.code("a")), (Some(1), None));
        assert_eq!(dictionary.intern("a").unwrap(), 3);
        assert_eq!(dictionary.intern_unseen("7").unwrap(), 0);
        assert_eq!(dictionary.intern_unseen("8").unwrap(), 4);
        assert_eq!(dictionary.code("8"), Some(4));
        assert_eq!(dictionary.iter().collect::<Vec<_>>(), ["7", "-3", "", "a", "8"]);
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
