//! A simulation as a source of a log: its rows, round after round.

use std::sync::Arc;

use super::Simulation;
use super::design::{ExperimentDesign, PuppetArms};
use super::feed::Feed;
use super::rows::Rows;
use super::world::DAY;
use crate::error::Error;
use crate::log::{
    Batch, Column, LogSchema, LogSource, SharedText, TextColumn, TimeFormat, TopicColumn,
};
use crate::policy::Propensities;

/// A column of a simulated log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Viewer,
    Item,
    Arm,
    Stratum,
    Slate,
    Session,
    Position,
    Time,
    Day,
    Topics,
    TrueTopics,
    Creator,
    Click,
    Dwell,
    Propensity,
    Period,
}

impl Field {
    const ALL: [(Self, &'static str); 16] = [
        (Self::Viewer, "viewer"),
        (Self::Item, "item"),
        (Self::Arm, "arm"),
        (Self::Stratum, "stratum"),
        (Self::Slate, "slate"),
        (Self::Session, "session"),
        (Self::Position, "position"),
        (Self::Time, "time"),
        (Self::Day, "day"),
        (Self::Topics, "topics"),
        (Self::TrueTopics, "true_topics"),
        (Self::Creator, "creator"),
        (Self::Click, "click"),
        (Self::Dwell, "dwell"),
        (Self::Propensity, "propensity"),
        (Self::Period, "period"),
    ];
}

/// The rows of a simulation, made as they are read.
///
/// Columns are `viewer`, `item`, `creator` (whole numbers); `arm`, `stratum`, `topics`, `true_topics`
/// (text, topics with `|` between them); `slate` and `session` (whole numbers, unique over the log);
/// `position` (1-based rank, null where a [`Donation`](super::Donation) lacks it); `time` (microseconds);
/// `day` (from 0); `click` (0 or 1); `dwell` (seconds); `propensity` (of this item at this rank, given those
/// above), where every arm's policy knows it; and `period` (from 0), where a
/// [`Switchback`](super::Switchback) has them.
/// [`Simulation::schema`] says which is which; any other schema may be used.
pub struct SimulationSource<'s> {
    simulation: &'s Simulation,
    feed: Feed<'s>,
    names: Vec<String>,
    fields: Vec<Field>,
    selected: Vec<Field>,
    arms: Arc<TextColumn>,
    strata: Arc<TextColumn>,
    labels: Arc<TextColumn>,
    topics: Arc<TextColumn>,
}

impl Simulation {
    /// Its rows, made as they are read: for logs that do not fit into memory.
    ///
    /// # Errors
    /// Those of making its policies.
    pub fn source(&self) -> Result<SimulationSource<'_>, Error> {
        SimulationSource::new(self)
    }

    /// Which column of [`source`](Self::source) plays which role: clicks are the engagement, every
    /// impression weighs the same. `day`, `creator` and, where they are of use, `period` and `true_topics`
    /// are further columns.
    ///
    /// Two roles may be left out, so that all rows are kept and none is used wrongly: positions where
    /// some are missing (see [`Donation`](super::Donation)), and strata where they would be the arms
    /// (see [`PuppetArms::Personas`](super::PuppetArms)).
    ///
    /// # Errors
    /// Those of making its policies.
    pub fn schema(&self) -> Result<LogSchema, Error> {
        let mut schema = LogSchema::new()
            .viewer("viewer")
            .item("item")
            .arm("arm")
            .slate("slate")
            .session("session")
            .time("time", TimeFormat::Iso)
            .topics(TopicColumn::separated("topics", '|'))
            .engagement("click")
            .column("day")
            .column("creator");
        if self.strata_differ_from_arms() {
            schema = schema.stratum("stratum");
        }
        if !self.plan.may_miss_positions() {
            schema = schema.position("position");
        }
        if self.knows_propensities()? {
            schema = schema.propensity("propensity");
        }
        if self.plan.has_periods() {
            schema = schema.column("period");
        }
        if !self.config.labels.are_none() {
            schema = schema.column("true_topics");
        }
        Ok(schema)
    }

    fn strata_differ_from_arms(&self) -> bool {
        !matches!(&self.config.design, ExperimentDesign::SockPuppets(puppets)
            if puppets.arms == PuppetArms::Personas)
    }

    fn knows_propensities(&self) -> Result<bool, Error> {
        let known = |known: &dyn crate::policy::Policy| known.propensities() == Propensities::Known;
        Ok(self.build_policies()?.iter().all(|policy| known(&**policy)))
    }
}

impl<'s> SimulationSource<'s> {
    fn new(simulation: &'s Simulation) -> Result<Self, Error> {
        let known = simulation.knows_propensities()?;
        let there = |field: Field| match field {
            Field::Propensity => known,
            Field::Period => simulation.plan.has_periods(),
            _ => true,
        };
        let all: Vec<_> = Field::ALL.into_iter().filter(|(field, _)| there(*field)).collect();
        let fields: Vec<Field> = all.iter().map(|(field, _)| *field).collect();
        let texts = |texts: &mut dyn Iterator<Item = &str>| Arc::new(texts.map(Some).collect());
        let sets = simulation.catalogue.topic_sets();
        let true_topics: Vec<String> = (0..sets.len() as u32)
            .map(|set| {
                let names = sets.of(set).iter().map(|topic| &*sets.topics()[usize::from(*topic)]);
                names.collect::<Vec<_>>().join("|")
            })
            .collect();
        Ok(Self {
            feed: Feed::new(simulation)?,
            names: all.iter().map(|(_, name)| (*name).to_owned()).collect(),
            selected: fields.clone(),
            fields,
            arms: texts(&mut simulation.arms.iter().map(String::as_str)),
            strata: texts(&mut simulation.strata.iter().map(String::as_str)),
            labels: texts(&mut simulation.labels.texts.iter().map(String::as_str)),
            topics: texts(&mut true_topics.iter().map(String::as_str)),
            simulation,
        })
    }

    /// Ranks; nulls where they are missing.
    fn positions(&self, rows: &Rows) -> Column {
        let Simulation { config, plan, .. } = self.simulation;
        let ranks = rows.positions.iter();
        if !plan.may_miss_positions() {
            return Column::Whole(ranks.map(|rank| i64::from(*rank)).collect());
        }
        let known = |((rank, viewer), request): ((&u8, &u32), &u32)| {
            (!plan.misses(config.seed, *viewer, *request, *rank)).then(|| i64::from(*rank))
        };
        Column::Integer(ranks.zip(&rows.viewers).zip(&rows.requests).map(known).collect())
    }

    fn column(&self, field: Field, rows: &Rows) -> Column {
        let Simulation { catalogue, viewers, labels, start, plan, .. } = self.simulation;
        let whole = |values: &[u32]| Column::Whole(values.iter().map(|v| i64::from(*v)).collect());
        let of_item = |value: &dyn Fn(usize) -> i64| {
            Column::Whole(rows.items.iter().map(|item| value(*item as usize)).collect())
        };
        let shared = |texts: &Arc<TextColumn>, keys: Vec<u32>| {
            Column::Shared(SharedText { texts: Arc::clone(texts), keys })
        };
        let by_item = |keys: &[u32]| rows.items.iter().map(|item| keys[*item as usize]).collect();
        // Requests of a round have its number above their lowest eight bits.
        let id = |below: u32| {
            let parts = rows.viewers.iter().zip(&rows.requests);
            Column::Whole(parts.map(|(v, r)| i64::from(*v) << 32 | i64::from(r >> below)).collect())
        };
        match field {
            Field::Viewer => whole(&rows.viewers),
            Field::Item => whole(&rows.items),
            Field::Creator => of_item(&|item| catalogue.creators()[item].into()),
            Field::Arm => shared(&self.arms, rows.arms.iter().map(|arm| u32::from(*arm)).collect()),
            Field::Stratum => {
                let stratum = |viewer: &u32| u32::from(viewers.strata()[*viewer as usize]);
                shared(&self.strata, rows.viewers.iter().map(stratum).collect())
            }
            Field::Slate => id(0),
            Field::Session => id(8),
            Field::Position => self.positions(rows),
            Field::Period => {
                let period = |request: &u32| plan.period(*request).unwrap_or(0);
                Column::Whole(rows.requests.iter().map(|r| i64::from(period(r))).collect())
            }
            Field::Time => Column::Timestamp(rows.times.iter().copied().map(Some).collect()),
            Field::Day => {
                Column::Whole(rows.times.iter().map(|time| (time - start) / DAY).collect())
            }
            Field::Topics => shared(&self.labels, by_item(&labels.of_item)),
            Field::TrueTopics => shared(&self.topics, by_item(catalogue.topics())),
            Field::Click => {
                Column::Whole(rows.clicked.iter().map(|clicked| i64::from(*clicked)).collect())
            }
            Field::Dwell => {
                Column::Float(rows.dwells.iter().map(|dwell| Some(f64::from(*dwell))).collect())
            }
            Field::Propensity => {
                Column::Float(rows.propensities.iter().copied().map(Some).collect())
            }
        }
    }
}

impl LogSource for SimulationSource<'_> {
    fn name(&self) -> &str {
        "simulation"
    }

    fn column_names(&self) -> &[String] {
        &self.names
    }

    fn select(&mut self, columns: &[usize]) {
        self.selected = columns.iter().map(|column| self.fields[*column]).collect();
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let Some(rows) = self.feed.next_round()? else { return Ok(None) };
        let columns = self.selected.iter().map(|field| self.column(*field, &rows)).collect();
        Ok(Some(Batch { columns, unreadable: Vec::new() }))
    }
}
