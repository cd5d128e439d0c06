//! What could have been shown: the candidates of each request, as a table.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::log::{Coded, ExposureLog, Role};

/// Whose candidates a row of the table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum CandidateKey {
    /// Of the slate that it names: the candidates of every request were recorded.
    Slate,
    /// Of every request of the viewer that it names, once published: an inventory of who is followed.
    Viewer {
        /// Up to this age, in microseconds; any, if it is not said.
        max_age: Option<i64>,
    },
    /// Of every request, once published: a catalogue.
    Everyone {
        /// Up to this age, in microseconds; any, if it is not said.
        max_age: Option<i64>,
    },
}

impl CandidateKey {
    const fn role(self) -> Option<Role> {
        match self {
            Self::Slate => Some(Role::Slate),
            Self::Viewer { .. } => Some(Role::Viewer),
            Self::Everyone { .. } => None,
        }
    }

    const fn max_age(self) -> Option<i64> {
        match self {
            Self::Slate => None,
            Self::Viewer { max_age } | Self::Everyone { max_age } => max_age,
        }
    }
}

/// The candidates of each request of a log: what its slates could have been made of.
///
/// The table is read as a log is, with a [`LogSchema`](crate::log::LogSchema) of its own, one row for a
/// candidate:
///
/// | role | what it is | who needs it |
/// | --- | --- | --- |
/// | item | the candidate | everybody |
/// | slate or viewer | whose candidate it is, see [`CandidateKey`] | those pools |
/// | time | when it was published | inventories, catalogues, the newest first |
/// | topics | its topics (or a table of topics by item) | everybody |
/// | engagement | what it was engaged with so far, not negative | draws by engagement |
///
/// Columns that go by the same name in log and table (a publisher, say) are taken from the candidate
/// where it is put in the place of what was shown.
///
/// ```
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::replay::{CandidateKey, CandidateSets};
/// use tiltmeter::{ExposureLog, source::SliceSource};
/// let table = SliceSource::new("candidates")
///     .text("request", &["r1", "r1", "r1", "r2", "r2"])
///     .text("post", &["a", "b", "c", "a", "d"])
///     .text("about", &["war", "sport", "sport", "war", "war"]);
/// let schema = LogSchema::new().slate("request").item("post").topics(TopicColumn::single("about"));
/// let pools = CandidateSets::new(ExposureLog::read(table, &schema)?, CandidateKey::Slate)?;
/// assert_eq!(pools.len(), 2);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CandidateSets {
    candidates: ExposureLog,
    by: CandidateKey,
    /// Rows of the table by pool; within one the earliest published first, then by row.
    rows: Vec<u32>,
    /// By the code of a slate or viewer, where its pool begins; one more at the end.
    starts: Vec<usize>,
}

impl CandidateSets {
    /// Pools from a table of candidates.
    ///
    /// # Errors
    /// [`Error::MissingRole`] for a column that they need, [`Error::RepeatedCandidate`] where an item is
    /// twice in a pool.
    pub fn new(candidates: ExposureLog, by: CandidateKey) -> Result<Self, Error> {
        let items = candidates.require_ids(Role::Item, "a table of candidates")?;
        let needed_by = "a table of candidates by request";
        let keys = by.role().map(|role| candidates.require_ids(role, needed_by)).transpose()?;
        let times = match by {
            CandidateKey::Slate => candidates.times(),
            _ => Some(candidates.require_times("an inventory (when each was published)")?),
        };
        if by.max_age().is_some_and(|age| age <= 0) {
            return Err(Error::Parameter {
                parameter: "the greatest age of a candidate",
                value: format!("{} microseconds", by.max_age().unwrap_or_default()),
                expected: "above 0",
            });
        }
        let pool_of = |row: u32| keys.map_or(0, |keys| keys.codes()[row as usize] as usize);
        let pools = keys.map_or(1, |keys| keys.dictionary().len());
        let mut rows: Vec<u32> = (0..candidates.rows() as u32).collect();
        rows.sort_by_key(|&row| (pool_of(row), times.map_or(0, |times| times[row as usize])));
        let mut starts = vec![0; pools + 1];
        rows.iter().for_each(|&row| starts[pool_of(row) + 1] += 1);
        (0..pools).for_each(|pool| starts[pool + 1] += starts[pool]);
        refuse_repeats(&candidates, items, keys, &rows, &starts)?;
        Ok(Self { candidates, by, rows, starts })
    }

    /// Whose pools they are.
    #[must_use]
    pub fn by(&self) -> CandidateKey {
        self.by
    }

    /// The table.
    #[must_use]
    pub fn candidates(&self) -> &ExposureLog {
        &self.candidates
    }

    /// How many pools there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there are none; a table has at least one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What of a log says which pool a request has; `None` where all have one.
    pub(crate) fn keys_of<'l>(&self, log: &'l ExposureLog) -> Result<Option<&'l Coded>, Error> {
        let needed_by = "finding the candidates of a request";
        self.by.role().map(|role| log.require_ids(role, needed_by)).transpose()
    }

    /// Whether a request needs a time.
    pub(crate) const fn go_by_time(&self) -> bool {
        !matches!(self.by, CandidateKey::Slate)
    }

    /// The rows of the candidates of a request, the earliest published first where that is known: none
    /// where the table has none of the slate or viewer.
    pub(crate) fn of_request(&self, key: Option<&str>, time: Option<i64>) -> &[u32] {
        let pool = match (self.by.role(), key) {
            (None, _) => Some(0),
            (Some(role), Some(key)) => self
                .candidates
                .ids(role)
                .and_then(|keys| keys.dictionary().code(key))
                .map(|code| code as usize),
            (Some(_), None) => None,
        };
        let Some(pool) = pool else { return &[] };
        let rows = &self.rows[self.starts[pool]..self.starts[pool + 1]];
        let (Some(time), Some(times), true) = (time, self.candidates.times(), self.go_by_time())
        else {
            return rows;
        };
        let published = |row: &u32| times[*row as usize];
        let end = rows.partition_point(|row| published(row) <= time);
        let start = match self.by.max_age() {
            Some(age) => rows.partition_point(|row| published(row) < time.saturating_sub(age)),
            None => 0,
        };
        &rows[start.min(end)..end]
    }
}

/// An item twice in a pool would have two chances.
fn refuse_repeats(
    candidates: &ExposureLog,
    items: &Coded,
    keys: Option<&Coded>,
    rows: &[u32],
    starts: &[usize],
) -> Result<(), Error> {
    let mut seen = vec![u32::MAX; items.dictionary().len()];
    for (pool, bounds) in starts.windows(2).enumerate() {
        for &row in &rows[bounds[0]..bounds[1]] {
            let last = &mut seen[items.codes()[row as usize] as usize];
            if *last == pool as u32 {
                let name = |column: &Coded| column.id(row as usize).unwrap_or_default().to_owned();
                return Err(Error::RepeatedCandidate {
                    table: candidates.origin().source.clone(),
                    item: name(items),
                    pool: keys.map_or_else(|| "everyone".to_owned(), name),
                });
            }
            *last = pool as u32;
        }
    }
    Ok(())
}
