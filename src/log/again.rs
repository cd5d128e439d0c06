//! Rows of a log again: in another order, several times, under another arm, with other contents. What
//! a baseline is made of that was not itself shown.

use super::{Coded, ExposureLog, Origin, Role, Topics};
use crate::error::Error;
use crate::question::keep::Keep;

fn gather<T: Copy>(values: &[T], rows: &[u32]) -> Vec<T> {
    rows.iter().map(|&row| values[row as usize]).collect()
}

/// Columns one after the other; none where one is missing.
fn chained<'c, T: Copy + 'c>(columns: impl Iterator<Item = Option<&'c [T]>>) -> Option<Vec<T>> {
    columns.collect::<Option<Vec<_>>>().map(|columns| columns.concat())
}

impl ExposureLog {
    /// These rows, in this order; a row may come several times.
    pub(crate) fn again(&self, rows: &[u32]) -> Result<Self, Error> {
        let topics = self.topics.as_ref().map(|topics| topics.again(rows)).transpose()?;
        let human = self.human.as_ref().map(|human| human.again(rows)).transpose()?;
        Ok(self.taken(rows, [topics, human]))
    }

    /// The log of a group of its rows, which are those that have these ids. It has the arms and topics of the whole log, so that what a group was
    /// never shown is a share of 0 there and not an unknown name.
    pub(crate) fn group(&self, rows: &[u32], keeps: impl IntoIterator<Item = Keep>) -> Self {
        let topics = self.topics.as_ref().map(|topics| topics.group(rows));
        let human = self.human.as_ref().map(|human| human.group(rows));
        let mut group = self.taken(rows, [topics, human]);
        if let Some(arms) = self.ids.get(&Role::Arm) {
            group.ids.insert(Role::Arm, arms.group(rows));
        }
        group.origin.left_out += (self.rows - rows.len()) as u64;
        group.origin.kept.extend(keeps);
        group
    }

    fn taken(&self, rows: &[u32], [topics, human]: [Option<Topics>; 2]) -> Self {
        Self {
            rows: rows.len(),
            ids: self.ids.iter().map(|(role, column)| (*role, column.again(rows))).collect(),
            numbers: self.numbers.iter().map(|(role, n)| (*role, gather(n, rows))).collect(),
            positions: self.positions.as_ref().map(|positions| gather(positions, rows)),
            times: self.times.as_ref().map(|times| gather(times, rows)),
            topics,
            human,
            named: {
                let again = |(name, column): &(String, Coded)| (name.clone(), column.again(rows));
                self.named.iter().map(again).collect()
            },
            aliases: self.aliases.clone(),
            origin: self.origin.clone(),
        }
    }

    /// All rows as those of one arm: a feed that was logged without a column of arms.
    ///
    /// ```
    /// # use tiltmeter::{ExposureLog, log::LogSchema, source::SliceSource};
    /// let source = SliceSource::new("example").text("who", &["ann", "bob"]);
    /// let log = ExposureLog::read(source, &LogSchema::new().viewer("who"))?.in_arm("ranked");
    /// assert_eq!(log.arms().map(|arms| arms.codes()), Some(&[0, 0][..]));
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    #[must_use]
    pub fn in_arm(mut self, arm: &str) -> Self {
        self.ids.insert(Role::Arm, Coded::of_one(arm, self.rows));
        self
    }

    /// Other weights, one for each row, finite and not negative.
    pub(crate) fn weighing(mut self, weights: Vec<f64>) -> Self {
        debug_assert_eq!(weights.len(), self.rows);
        self.numbers.insert(Role::Weight, weights);
        self
    }

    /// Without labels by hand.
    pub(crate) fn without_labels(mut self) -> Self {
        self.human = None;
        self.numbers.remove(&Role::Inclusion);
        self
    }

    /// Without weights: each row counts 1.
    pub(crate) fn unweighted(mut self) -> Self {
        self.numbers.remove(&Role::Weight);
        self
    }

    /// Other positions, one for each row, from 1.
    pub(crate) fn at_positions(mut self, positions: Vec<u32>) -> Self {
        debug_assert_eq!(positions.len(), self.rows);
        self.positions = Some(positions);
        self
    }

    /// Other times, one for each row, in microseconds.
    pub(crate) fn at_times(mut self, times: Vec<i64>) -> Self {
        debug_assert_eq!(times.len(), self.rows);
        self.times = Some(times);
        self
    }

    /// What these rows of a table of candidates hold, in the places of this log: items, topics, and
    /// the columns that the table has by the same name. What was observed of the items that stood
    /// here (engagement, propensity, satisfaction) goes.
    pub(crate) fn showing(mut self, candidates: &Self, rows: &[u32]) -> Result<Self, Error> {
        debug_assert_eq!(rows.len(), self.rows);
        for role in [Role::Engagement, Role::Propensity, Role::Satisfaction, Role::Inclusion] {
            self.numbers.remove(&role);
        }
        self.human = None;
        let items = candidates.require_ids(Role::Item, "showing candidates")?;
        self.ids.insert(Role::Item, items.again(rows));
        self.topics = candidates.topics.as_ref().map(|topics| topics.again(rows)).transpose()?;
        for (name, column) in &mut self.named {
            if let Ok(theirs) = candidates.column(name) {
                *column = theirs.again(rows);
            }
        }
        Ok(self)
    }

    /// Other propensities, one for each row, above 0 and at most 1.
    pub(crate) fn with_propensities(mut self, propensities: Vec<f64>) -> Self {
        debug_assert_eq!(propensities.len(), self.rows);
        self.numbers.insert(Role::Propensity, propensities);
        self
    }

    /// The rows of several logs of one schema, one log after the other; the origin is the first's.
    pub(crate) fn joined(parts: &[&Self]) -> Result<Option<Self>, Error> {
        let Some(first) = parts.first() else { return Ok(None) };
        let ids = first.ids.keys().map(|role| {
            let columns: Vec<&Coded> = parts.iter().filter_map(|part| part.ids.get(role)).collect();
            Ok((*role, Coded::joined(&columns)?))
        });
        let numbers = first.numbers.keys().map(|role| {
            let columns = parts.iter().filter_map(|part| part.numbers.get(role));
            (*role, columns.flatten().copied().collect())
        });
        let named = first.named.iter().enumerate().map(|(at, (name, _))| {
            let columns: Vec<&Coded> =
                parts.iter().filter_map(|part| Some(&part.named.get(at)?.1)).collect();
            Ok((name.clone(), Coded::joined(&columns)?))
        });
        let topics: Option<Vec<&Topics>> = parts.iter().map(|part| part.topics.as_ref()).collect();
        let human: Option<Vec<&Topics>> = parts.iter().map(|part| part.human.as_ref()).collect();
        Ok(Some(Self {
            rows: parts.iter().map(|part| part.rows).sum(),
            ids: ids.collect::<Result<_, Error>>()?,
            numbers: numbers.collect(),
            positions: chained(parts.iter().map(|part| part.positions.as_deref())),
            times: chained(parts.iter().map(|part| part.times.as_deref())),
            topics: topics.map(|topics| Topics::joined(&topics)).transpose()?,
            human: human.map(|human| Topics::joined(&human)).transpose()?,
            named: named.collect::<Result<_, Error>>()?,
            aliases: first.aliases.clone(),
            origin: first.origin.clone(),
        }))
    }

    /// The rows of several files as one log, with what was read and set aside of all of them, those without a row that is
    /// asked about too.
    pub(crate) fn of_files(parts: &[Self], without: Vec<Origin>) -> Result<Option<Self>, Error> {
        let refs: Vec<&Self> = parts.iter().collect();
        let Some(mut log) = Self::joined(&refs)? else { return Ok(None) };
        let mut origin = Origin::default();
        parts.iter().for_each(|part| origin.add(part.origin.clone()));
        let files = parts.len() + without.len();
        without.into_iter().for_each(|part| origin.add(part));
        origin.settle();
        origin.source = format!("{files} files");
        log.origin = origin;
        Ok(Some(log))
    }

    /// Ids in the place of a role's, one for each row.
    pub(crate) fn with_ids(mut self, role: Role, ids: Coded) -> Self {
        debug_assert_eq!(ids.codes().len(), self.rows);
        self.ids.insert(role, ids);
        self
    }

    /// A column of ids by this name, one for each row.
    pub(crate) fn with_column(mut self, name: &str, ids: Coded) -> Self {
        debug_assert_eq!(ids.codes().len(), self.rows);
        self.aliases.retain(|(alias, _)| alias != name);
        self.named.retain(|(its, _)| its != name);
        self.named.push((name.to_owned(), ids));
        self
    }
}
