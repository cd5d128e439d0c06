//! The candidates of a simulation's requests, as a source.

use std::sync::Arc;

use super::Simulation;
use super::design::ExperimentDesign;
use super::feed::Feed;
use super::offered::Offered;
use crate::error::Error;
use crate::log::{
    Batch, Column, LogSchema, LogSource, SharedText, TextColumn, TimeFormat, TopicColumn,
};

/// A column of the candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Slate,
    Item,
    Time,
    Topics,
    Creator,
    Leaning,
    Quality,
    Affinity,
    Clicks,
}

impl Field {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Slate, "slate"),
        (Self::Item, "item"),
        (Self::Time, "published"),
        (Self::Topics, "topics"),
        (Self::Creator, "creator"),
        (Self::Leaning, "leaning"),
        (Self::Quality, "quality"),
        (Self::Affinity, "affinity"),
        (Self::Clicks, "clicks"),
    ];
}

/// The candidates of a simulation's requests, made as they are read: the very pools that its slates were
/// chosen from, in the order in which the log has the slates.
///
/// Columns are `slate` and `item` (whole numbers, as in the log); `published` (microseconds); `topics`
/// (text, with `|` between them, as the log has them); `creator` (whole numbers); `leaning` and `quality`
/// (text that reads back as the number it was); `affinity` (how much the viewer likes the item at the
/// start of the round, which a platform would believe and not know); and `clicks` (by all viewers in all arms, before
/// the round). A request whose slate is empty has its candidates too.
/// [`Simulation::candidates_schema`] says which is which.
///
/// The whole simulation is made once more for it, since what policies learned and viewers follow decides on
/// candidates. There is a row for each candidate, so some twenty for every impression of slates of ten
/// from 200.
pub struct CandidatesSource<'s> {
    simulation: &'s Simulation,
    feed: Feed<'s>,
    names: Vec<String>,
    selected: Vec<Field>,
    labels: Arc<TextColumn>,
    leanings: Arc<TextColumn>,
    qualities: Arc<TextColumn>,
}

impl Simulation {
    /// The candidates of its requests, made as they are read: what a
    /// [`Replay`](crate::replay::Replay) replays, or, read into a log, what
    /// [`CandidateSets`](crate::replay::CandidateSets) are made of.
    ///
    /// ```
    /// use tiltmeter::ExposureLog;
    /// use tiltmeter::replay::{CandidateKey, CandidateSets};
    /// use tiltmeter::simulate::{Preset, Simulation, SimulationConfig};
    /// let mut config = SimulationConfig::preset(Preset::Everyday);
    /// (config.world.viewers, config.days) = (20, 1);
    /// let simulation = Simulation::new(&config)?;
    /// let table = ExposureLog::read(simulation.candidates()?, &simulation.candidates_schema())?;
    /// assert!(table.rows() > simulation.log()?.rows());
    /// let pools = CandidateSets::new(table, CandidateKey::Slate)?;
    /// # let _ = pools;
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] for a [`Donation`](super::Donation), of which nobody has the candidates:
    /// donors give what they saw. Those of making policies.
    pub fn candidates(&self) -> Result<CandidatesSource<'_>, Error> {
        if matches!(self.config.design, ExperimentDesign::Donation(_)) {
            return Err(Error::Parameter {
                parameter: "the design of a simulation whose candidates are asked for",
                value: "a donation".to_owned(),
                expected: "one of a platform's own log; donors give what they saw, not what they could have seen",
            });
        }
        let texts = |numbers: &[f32]| -> Arc<TextColumn> {
            let texts: Vec<String> = numbers.iter().map(f32::to_string).collect();
            Arc::new(texts.iter().map(|text| Some(text.as_str())).collect())
        };
        let labels = self.labels.texts.iter().map(|text| Some(text.as_str()));
        Ok(CandidatesSource {
            feed: Feed::new(self)?.offering(),
            names: Field::ALL.iter().map(|(_, name)| (*name).to_owned()).collect(),
            selected: Field::ALL.iter().map(|(field, _)| *field).collect(),
            labels: Arc::new(labels.collect()),
            leanings: texts(self.catalogue.leanings()),
            qualities: texts(self.catalogue.qualities()),
            simulation: self,
        })
    }

    /// Which column of [`candidates`](Self::candidates) plays which role: the affinity is the weight,
    /// clicks are the engagement; `creator`, `leaning` and `quality` are further columns.
    /// [`CandidateColumns::of_simulation`](crate::replay::CandidateColumns::of_simulation) fits.
    #[must_use]
    pub fn candidates_schema(&self) -> LogSchema {
        LogSchema::new()
            .slate("slate")
            .item("item")
            .time("published", TimeFormat::Iso)
            .topics(TopicColumn::separated("topics", '|'))
            .weight("affinity")
            .engagement("clicks")
            .column("creator")
            .column("leaning")
            .column("quality")
    }
}

impl CandidatesSource<'_> {
    fn column(&self, field: Field, rows: &Offered) -> Column {
        let Simulation { catalogue, labels, .. } = self.simulation;
        let whole = |values: &[u32]| Column::Whole(values.iter().map(|v| i64::from(*v)).collect());
        let shared = |texts: &Arc<TextColumn>, keys: Vec<u32>| {
            Column::Shared(SharedText { texts: Arc::clone(texts), keys })
        };
        let by_item = |values: &[u32]| rows.items.iter().map(|i| values[*i as usize]).collect();
        match field {
            Field::Slate => {
                let parts = rows.viewers.iter().zip(&rows.requests);
                Column::Whole(parts.map(|(v, r)| i64::from(*v) << 32 | i64::from(*r)).collect())
            }
            Field::Item => whole(&rows.items),
            Field::Time => {
                let births = catalogue.births();
                Column::Timestamp(rows.items.iter().map(|i| Some(births[*i as usize])).collect())
            }
            Field::Topics => shared(&self.labels, by_item(&labels.of_item)),
            Field::Creator => {
                let creators: Vec<u32> = by_item(catalogue.creators());
                whole(&creators)
            }
            Field::Leaning => shared(&self.leanings, rows.items.clone()),
            Field::Quality => shared(&self.qualities, rows.items.clone()),
            Field::Affinity => {
                Column::Float(rows.affinities.iter().map(|a| Some(f64::from(*a))).collect())
            }
            Field::Clicks => whole(&rows.clicks),
        }
    }
}

impl LogSource for CandidatesSource<'_> {
    fn name(&self) -> &str {
        "candidates of the simulation"
    }

    fn column_names(&self) -> &[String] {
        &self.names
    }

    fn select(&mut self, columns: &[usize]) {
        self.selected = columns.iter().map(|column| Field::ALL[*column].0).collect();
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let Some((_, rows)) = self.feed.next_of_both()? else { return Ok(None) };
        let columns = self.selected.iter().map(|field| self.column(*field, &rows)).collect();
        Ok(Some(Batch { columns, unreadable: Vec::new() }))
    }
}
