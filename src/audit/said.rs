//! What a reader should know of what was said and read: of what changes nothing, of rows that were kept
//! in one place only, of topics that do not look like topics.

use std::collections::BTreeSet;

use super::Subject;
use super::compared::SideTables;
use crate::estimate::{Table, Warning};
use crate::log::{Coded, ExposureLog, Keep, Role};
use crate::question::attention::Attention;
use crate::question::baseline::Baseline;
use crate::tally::{MultiLabel, Tally};

/// So many topics that are all numbers are more than a codebook mostly has.
const MANY_NUMBERS: usize = 24;

/// Characters that stand between topics.
const SEPARATORS: [char; 3] = ['|', ';', ','];

/// Tables beside the log in which other rows are asked about than in the log.
pub(super) fn not_kept(kept: &[Keep], baseline: &Baseline, given: SideTables<'_>) -> Vec<Warning> {
    let table: Option<(Table, &ExposureLog)> = match baseline {
        Baseline::Supply(_) => given.supply.map(|table| (Table::Supply, table)),
        Baseline::Chronological | Baseline::UniformPool | Baseline::EngagementWeighted(_) => {
            given.candidates.map(|pools| (Table::Candidates, pools.candidates()))
        }
        _ => None,
    };
    table.map(|table| not_kept_in(kept, table)).unwrap_or_default()
}

/// By which columns the rows of a log were chosen and those of a table were not.
pub(crate) fn not_kept_in(kept: &[Keep], (table, its): (Table, &ExposureLog)) -> Vec<Warning> {
    let missing = kept.iter().filter(|keep| !its.origin().kept.contains(keep));
    missing.map(|keep| Warning::NotKeptInTable { table, column: keep.column.clone() }).collect()
}

/// What a table of items is not: weighed as the log is, each item once, all that was shown.
pub(super) fn of_supply(
    (of, rows): (&Subject<'_>, Option<&ExposureLog>),
    treatment: &str,
    supply: &ExposureLog,
) -> Vec<Warning> {
    let unread = supply.origin().unread_count.iter().cloned();
    let table = Some(Table::Supply);
    let mut warnings: Vec<Warning> =
        unread.map(|column| Warning::UnreadCount { table, column }).collect();
    let lacks = |role: Role| supply.numbers(role).is_none();
    let (log, tally) = match of {
        Subject::Log(log, _) => (Some(*log), None),
        Subject::Tally(tally) => (rows, Some(*tally)),
        Subject::TwoWay(tallies) => (rows, Some(tallies.first())),
    };
    let weighed = match (log, tally) {
        (Some(log), _) => {
            [Role::Weight, Role::Count].into_iter().find(|&role| log.numbers(role).is_some())
        }
        (None, tally) => tally.filter(|tally| is_weighed(tally)).map(|_| Role::Weight),
    };
    // A count of what was available serves a weighed log too.
    let plain = lacks(Role::Weight) && lacks(Role::Count);
    warnings.extend(weighed.filter(|_| plain).map(|role| Warning::SupplyUnweighted { role }));
    let Some(items) = supply.ids(Role::Item) else { return warnings };
    let strata = supply.ids(Role::Stratum).map(Coded::codes);
    let stratum = |row: usize| strata.map_or(0, |codes| codes[row]);
    let once: BTreeSet<(u32, u32)> =
        items.codes().iter().enumerate().map(|(row, &item)| (item, stratum(row))).collect();
    if once.len() < supply.rows() {
        let rows = (supply.rows() - once.len()) as u64;
        warnings.push(Warning::RepeatedSupplyItems { rows });
    }
    warnings.extend(log.and_then(|log| outside(log, treatment, items)));
    warnings
}

/// Impressions of items that are not available.
fn outside(log: &ExposureLog, treatment: &str, available: &Coded) -> Option<Warning> {
    let (items, arms) = (log.ids(Role::Item)?, log.arms()?);
    let treatment = arms.dictionary().code(treatment)?;
    let is_there: Vec<bool> =
        items.dictionary().iter().map(|item| available.dictionary().code(item).is_some()).collect();
    let (mut impressions, mut all) = (0, 0);
    for (row, _) in arms.codes().iter().enumerate().filter(|(_, arm)| **arm == treatment) {
        let n = log.impressions_in(row..row + 1);
        all += n;
        impressions += if is_there[items.codes()[row] as usize] { 0 } else { n };
    }
    (impressions > 0).then_some(Warning::ShownOutsideSupply { impressions, of: all })
}

/// Whether impressions weigh other than 1 where attention does not say so.
fn is_weighed(tally: &Tally) -> bool {
    let spec = tally.spec();
    let at = spec.attentions.iter().position(|model| *model == Attention::Uniform);
    spec.multi_label == MultiLabel::Full
        && at.is_some_and(|at| {
            !(0..tally.block_count()).all(|block| tally.block_is_of_counts(block, at))
        })
}

/// Impressions of each topic, and those that have any.
fn topic_counts(tally: &Tally) -> (Vec<u64>, u64) {
    let (axes, totals) = (tally.axes(), tally.totals());
    let mut counts = vec![0_u64; axes.topics().len()];
    let mut tagged = 0;
    for slab in axes.slabs() {
        tagged += totals[axes.tagged_cell(slab) as usize].count;
        for (topic, count) in counts.iter_mut().enumerate() {
            *count += totals[axes.topic_cell(slab, topic) as usize].count;
        }
    }
    (counts, tagged)
}

/// Whether no impression has several topics.
pub(super) fn has_single_topics(tally: &Tally) -> bool {
    let (counts, tagged) = topic_counts(tally);
    counts.iter().sum::<u64>() == tagged
}

/// Topics that do not look like topics.
pub(super) fn of_topics(tally: &Tally) -> Vec<Warning> {
    let (counts, tagged) = topic_counts(tally);
    let names = tally.axes().topics();
    let mut warnings: Vec<Warning> = SEPARATORS
        .into_iter()
        .filter_map(|separator| in_one(separator, names, &counts, tagged))
        .take(1)
        .collect();
    let is_number = |name: &String| name.trim().parse::<f64>().is_ok();
    if names.len() >= MANY_NUMBERS && names.iter().all(is_number) {
        warnings.push(Warning::NumbersAsTopics { topics: names.len() as u64 });
    }
    warnings
}

/// Topics with a character in them, if most impressions have such, or if what stands between it are topics
/// by themselves.
fn in_one(separator: char, names: &[String], counts: &[u64], tagged: u64) -> Option<Warning> {
    let with = names.iter().zip(counts).filter(|(name, _)| name.contains(separator));
    let (mut impressions, mut example) = (0, None);
    for (name, &count) in with.clone() {
        impressions += count;
        if example.is_none_or(|(most, _)| count > most) {
            example = Some((count, name));
        }
    }
    // A comma stands in names too: it is one between topics if these come again.
    let parts: BTreeSet<&str> =
        names.iter().flat_map(|name| name.split(separator)).map(str::trim).collect();
    let separates = separator != ',' || parts.len() < names.len();
    let alone: BTreeSet<&str> = names.iter().map(|name| name.trim()).collect();
    let of_topics = |name: &str| {
        name.contains(separator) && name.split(separator).all(|its| alone.contains(its.trim()))
    };
    let combined = names.iter().filter(|name| of_topics(name)).count();
    let is_one = (separates && 2 * impressions > tagged) || 2 * combined > with.count();
    let (_, example) = example.filter(|_| is_one)?;
    let impressions = impressions.min(tagged);
    Some(Warning::TopicsInOne { separator, example: example.clone(), impressions, of: tagged })
}
