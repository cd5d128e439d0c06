//! What the log says if the guess is right.

use std::collections::BTreeMap;

use serde::Serialize;
use tiltmeter::log::{Coded, DataQuality, ItemTopics, NameRemark, Role};
use tiltmeter::{Error, ExposureLog, Relation};

use super::InspectArgs;
use super::guess::Guess;
use super::reading::Reading;
use crate::failure::Failure;
use crate::spoken::in_flags;

/// Counts under the guess.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Facts {
    /// Impressions, rows set aside by reason, untagged rows, the time range, repeats in slates.
    pub(crate) quality: DataQuality,
    /// Names that may be one written in several ways, or none.
    pub(crate) names: Vec<NameRemark>,
    /// Arms with their rows, the most rows first.
    pub(crate) arms: Vec<Counted>,
    /// How many topics there are.
    pub(crate) topic_count: usize,
    /// The most frequent.
    pub(crate) topics: Vec<Counted>,
    pub(crate) clusters: Vec<ClusterFact>,
    pub(crate) ranks: Option<Ranks>,
}

/// A name with its rows.
#[derive(Debug, Serialize)]
pub(crate) struct Counted {
    pub(crate) name: String,
    pub(crate) rows: u64,
}

/// What clustering by a column would be.
#[derive(Debug, Serialize)]
pub(crate) struct ClusterFact {
    /// The column in the log.
    pub(crate) column: String,
    /// Its role, if it has one.
    pub(crate) role: Option<Role>,
    pub(crate) clusters: u64,
    /// By arm, in the order of the arms.
    pub(crate) by_arm: Vec<u64>,
    /// Clusters in more than one arm.
    pub(crate) shared: u64,
    /// Nested where no cluster is in more than one arm, crossed where each is in all; none without arms.
    pub(crate) relation: Option<Relation>,
}

/// Ranks, and those that slates lack.
#[derive(Debug, Serialize)]
pub(crate) struct Ranks {
    pub(crate) greatest: u32,
    /// Rows by rank.
    pub(crate) histogram: Vec<RankCount>,
    /// Slates, where they are declared.
    pub(crate) slates: Option<u64>,
}

/// A rank.
#[derive(Debug, Serialize)]
pub(crate) struct RankCount {
    pub(crate) rank: u32,
    pub(crate) rows: u64,
    /// Slates without it.
    pub(crate) slates_without: Option<u64>,
}

/// Counts under the guess, or under as much of it as the log can be read by: a column that cannot be used spoils nothing
/// that others say.
pub(crate) fn of(
    reading: &Reading,
    guess: &mut Guess,
    args: &InspectArgs,
) -> Result<Facts, Failure> {
    let items = args.log.beside.item_topics(&args.log.roles)?;
    let read = |guess: &Guess| {
        let log = reading.input_with(guess.schema(reading.input.schema.clone())).open("")?;
        match &items {
            Some(items) => log.with_item_topics(&ItemTopics::open(&items.path, &items.schema)?),
            None => Ok(log),
        }
    };
    loop {
        match read(guess) {
            Ok(log) => return Ok(Facts::of(&log, guess, args.top)?),
            Err(fault) => {
                let column = match &fault {
                    Error::MissingColumn { column, .. }
                    | Error::ColumnType { column, .. }
                    | Error::RepeatedColumn { column, .. }
                    | Error::NothingKept { column, .. } => Some(column.as_str()),
                    Error::Row(fault) => Some(fault.column.as_str()),
                    _ => None,
                };
                if !guess.give_up(&in_flags(&fault.to_string()), column) {
                    return Ok(Facts::default());
                }
            }
        }
    }
}

impl Facts {
    /// Counts.
    fn of(log: &ExposureLog, guess: &Guess, top: usize) -> Result<Self, Error> {
        let arms = log.arms().map(counted).unwrap_or_default();
        let mut topics = topics(log);
        let topic_count = topics.len();
        topics.truncate(top);
        let mut clusters = Vec::new();
        for role in [Role::Viewer, Role::Session, Role::Slate, Role::Item, Role::Stratum] {
            if let (Some(ids), Some(guessed)) = (log.ids(role), guess.role(role)) {
                clusters.push(cluster(guessed.column.clone(), Some(role), ids, log, &arms));
            }
        }
        for column in &guess.clusters {
            clusters.push(cluster(column.clone(), None, log.column(column)?, log, &arms));
        }
        Ok(Self {
            quality: DataQuality::of(log),
            names: NameRemark::of_log(log),
            arms,
            topic_count,
            topics,
            clusters,
            ranks: log.positions().map(|ranks| of_ranks(ranks, log.ids(Role::Slate), top)),
        })
    }
}

/// Names by their rows, the most first.
fn sorted(names: impl Iterator<Item = (String, u64)>) -> Vec<Counted> {
    let mut counted: Vec<Counted> = names.map(|(name, rows)| Counted { name, rows }).collect();
    counted.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.name.cmp(&b.name)));
    counted
}

fn counted(ids: &Coded) -> Vec<Counted> {
    let mut rows = vec![0; ids.dictionary().len()];
    for &code in ids.codes() {
        rows[code as usize] += 1;
    }
    sorted(ids.dictionary().iter().map(str::to_owned).zip(rows))
}

fn topics(log: &ExposureLog) -> Vec<Counted> {
    let Some(topics) = log.topics() else { return Vec::new() };
    let mut rows = vec![0; topics.labels().len()];
    for row in 0..log.rows() {
        for &topic in topics.of_row(row) {
            rows[topic as usize] += 1;
        }
    }
    sorted(topics.labels().iter().map(str::to_owned).zip(rows))
}

fn cluster(
    column: String,
    role: Option<Role>,
    ids: &Coded,
    log: &ExposureLog,
    arms: &[Counted],
) -> ClusterFact {
    let Some(of_rows) = log.arms() else {
        let clusters = ids.dictionary().len() as u64;
        return ClusterFact {
            column,
            role,
            clusters,
            by_arm: Vec::new(),
            shared: 0,
            relation: None,
        };
    };
    let mut pairs: Vec<(u32, u32)> =
        ids.codes().iter().copied().zip(of_rows.codes().iter().copied()).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let by_arm = arms.iter().map(|arm| {
        let code = of_rows.dictionary().code(&arm.name);
        pairs.iter().filter(|(_, its)| Some(*its) == code).count() as u64
    });
    let by_arm = by_arm.collect();
    let (mut clusters, mut shared, mut in_all) = (0, 0, 0);
    for its in pairs.chunk_by(|a, b| a.0 == b.0) {
        clusters += 1;
        shared += u64::from(its.len() > 1);
        in_all += u64::from(its.len() == arms.len());
    }
    let relation = match shared {
        0 => Relation::Nested,
        _ if in_all == clusters => Relation::Crossed,
        _ => Relation::PartlyCrossed,
    };
    ClusterFact { column, role, clusters, by_arm, shared, relation: Some(relation) }
}

fn of_ranks(ranks: &[u32], slates: Option<&Coded>, top: usize) -> Ranks {
    let mut rows: BTreeMap<u32, u64> = BTreeMap::new();
    for &rank in ranks {
        *rows.entry(rank).or_default() += 1;
    }
    let greatest = rows.keys().next_back().copied().unwrap_or(0);
    let shown = greatest.min(u32::try_from(top).unwrap_or(u32::MAX));
    let (mut with, mut all) = (vec![0_u64; shown as usize], None);
    if let Some(slates) = slates {
        let mut pairs: Vec<(u32, u32)> =
            slates.codes().iter().copied().zip(ranks.iter().copied()).collect();
        pairs.sort_unstable();
        pairs.dedup();
        for (_, rank) in &pairs {
            if let Some(with) = with.get_mut(*rank as usize - 1) {
                *with += 1;
            }
        }
        all = Some(pairs.chunk_by(|a, b| a.0 == b.0).count() as u64);
    }
    let histogram = (1..=shown).zip(with).map(|(rank, with)| RankCount {
        rank,
        rows: rows.get(&rank).copied().unwrap_or(0),
        slates_without: all.map(|all| all - with),
    });
    Ranks { greatest, histogram: histogram.collect(), slates: all }
}
