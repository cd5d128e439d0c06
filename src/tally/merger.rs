//! Tallies that come one after the other, as one: like is merged with like, so that no sum is added up more
//! than a few times.

use super::Tally;
use crate::error::Error;

/// Tallies of one size that wait before they are merged into one of the next.
pub(crate) const WAITING: usize = 16;

/// Tallies to be merged, each with how often it was merged already.
#[derive(Debug, Default)]
pub(crate) struct Merger {
    tallies: Vec<(u32, Tally)>,
}

impl Merger {
    /// Takes one more. It is merged when [`merge_due`](Self::merge_due) is called.
    pub(crate) fn push(&mut self, tally: Tally) {
        self.tallies.push((0, tally));
    }

    /// With one more.
    pub(crate) fn with(mut self, tally: Tally) -> Self {
        self.push(tally);
        self
    }

    /// The tallies that are held.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Tally> {
        self.tallies.iter().map(|(_, tally)| tally)
    }

    /// Those that are to be merged next, enough of one size; none if too few wait.
    pub(crate) fn due(&self) -> Vec<&Tally> {
        let Some(size) = self.due_size() else { return Vec::new() };
        let alike = self.tallies.iter().filter(|(its, _)| *its == size);
        alike.map(|(_, tally)| tally).collect()
    }

    fn due_size(&self) -> Option<u32> {
        let many =
            |size: &u32| self.tallies.iter().filter(|(its, _)| its == size).count() >= WAITING;
        self.tallies.iter().map(|(size, _)| *size).filter(many).min()
    }

    /// Merges those that are due; whether there were any.
    ///
    /// # Errors
    /// Those of [`Tally::merge_owned`].
    pub(crate) fn merge_due(&mut self) -> Result<bool, Error> {
        let Some(size) = self.due_size() else { return Ok(false) };
        let alike = self.tallies.extract_if(.., |(its, _)| *its == size);
        let alike = alike.map(|(_, tally)| tally).collect();
        self.tallies.push((size + 1, Tally::merge_owned(alike)?));
        Ok(true)
    }

    /// Merges all of them, as one of the next size; of one there is nothing to merge.
    ///
    /// # Errors
    /// Those of [`Tally::merge_owned`].
    pub(crate) fn merge(&mut self) -> Result<(), Error> {
        if self.tallies.len() < 2 {
            return Ok(());
        }
        let size = self.tallies.iter().map(|(size, _)| *size).max().unwrap_or(0);
        let tallies = self.tallies.drain(..).map(|(_, tally)| tally).collect();
        self.tallies.push((size + 1, Tally::merge_owned(tallies)?));
        Ok(())
    }

    /// All of them as one; `None` if there were none.
    ///
    /// # Errors
    /// Those of [`Tally::merge_owned`].
    pub(crate) fn finish(mut self) -> Result<Option<Tally>, Error> {
        self.merge()?;
        Ok(self.tallies.pop().map(|(_, tally)| tally))
    }
}
