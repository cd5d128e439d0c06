//! An audit of each group by itself, in one report.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use foldhash::fast::RandomState;

use super::compared::SideTables;
use super::report::AuditReport;
use super::{Audit, Subject, arms_of, spec_of};
use crate::error::Error;
use crate::estimate::Estimate;
use crate::inference::{self, Inference};
use crate::log::{DataQuality, ExposureLog};
use crate::question::baseline::Baseline;
use crate::question::groups::{Group, GroupBy, Pairs};
use crate::question::keep::Keep;
use crate::question::whole::{Question, Topics};
use crate::replay::CandidateSets;
use crate::tally::WindowBy;

/// Estimates that one report may hold.
const MOST: usize = 1 << 20;

/// Answers by group, then by pair of arms, then by statistic and topic.
pub(super) fn run(audit: &Audit<'_>, log: &ExposureLog) -> Result<AuditReport, Error> {
    inference::check_for_groups(&audit.inference)?;
    check(&audit.question)?;
    let question = about(log, &audit.question);
    let pairs = pairs(log, &question)?;
    let numbers = Numbers::of(log, &question.groups)?;
    refuse_too_many(numbers.groups.len() * pairs.len(), &question)?;
    let inference = Inference { multiplicity: None, ..audit.inference };
    let mut estimates: Vec<Estimate> = Vec::new();
    let rows = numbers.rows();
    for (group, number) in &numbers.groups {
        let keeps = || keeps(group, &question.groups);
        let tables = Tables::of(audit.given, keeps()).map_err(|cause| in_group(group, cause))?;
        let part = match rows.get(number) {
            Some(rows) => Cow::Owned(log.group(rows, keeps())),
            None => Cow::Borrowed(log),
        };
        for (treatment, baseline) in &pairs {
            let question = Question {
                treatment: treatment.clone(),
                baseline: Some(baseline.clone()),
                groups: GroupBy::default(),
                ..question.clone()
            };
            let of = Subject::Log(&part, spec_of(&part, &question));
            let each = Audit { given: tables.given(), inference, ..Audit::new(of, &question) };
            let report = each.run_with(|_| Ok(())).map_err(|cause| in_group(group, cause))?.0;
            estimates.extend(report.estimates.into_iter().map(|mut estimate| {
                estimate.estimand.group.clone_from(group);
                estimate.estimand.kept.clone_from(&log.origin().kept);
                estimate
            }));
        }
    }
    inference::settle_groups(&mut estimates, &audit.inference)?;
    let mut quality = audit.quality.clone().unwrap_or_else(|| DataQuality::of(log));
    let compared: Vec<&str> =
        pairs.iter().flat_map(|(treatment, baseline)| arms_of(treatment, baseline)).collect();
    quality.outside = audit.of.outside(&compared);
    Ok(AuditReport::new(estimates, Some(quality)))
}

/// Refuses groups that make no sense together.
fn check(question: &Question) -> Result<(), Error> {
    let by = &question.groups;
    let mut seen = HashSet::new();
    let refuse = |value: String, expected| {
        Err(Error::Parameter { parameter: "the groups", value, expected })
    };
    if let Some(twice) = by.columns.iter().find(|column| !seen.insert(*column)) {
        return refuse(format!("by {twice:?} twice"), "each column once");
    }
    if by.windows != WindowBy::Nothing && matches!(question.baseline, Some(Baseline::Period(_))) {
        let expected =
            "columns or pairs: a baseline that is another time has nothing in most windows";
        return refuse("windows of time, against a time before".to_owned(), expected);
    }
    Ok(())
}

/// A group as rows that are kept, by its columns: a window of time is none of them.
fn keeps(group: &[Group], by: &GroupBy) -> Vec<Keep> {
    let columns = group.iter().take(by.columns.len());
    let keep = |its: &Group| Keep::new(&its.column, [&its.value]);
    columns.map(keep).collect()
}

/// An error of one of the groups, with its name.
fn in_group(group: &[Group], cause: Error) -> Error {
    if group.is_empty() {
        return cause;
    }
    let names: Vec<String> = group.iter().map(Group::to_string).collect();
    Error::InGroup { group: names.join(" and "), cause: Box::new(cause) }
}

/// The tables beside a log, of a group's rows as far as they have its columns.
struct Tables<'l> {
    given: SideTables<'l>,
    candidates: Option<CandidateSets>,
    supply: Option<ExposureLog>,
}

impl<'l> Tables<'l> {
    fn of(given: SideTables<'l>, keeps: Vec<Keep>) -> Result<Self, Error> {
        let supply = given.supply.map(|supply| of_group(supply, &keeps)).transpose()?.flatten();
        let candidates = given.candidates.map(|sets| {
            let rows = of_group(sets.candidates(), &keeps)?;
            rows.map(|rows| CandidateSets::new(rows, sets.by())).transpose()
        });
        Ok(Self { given, candidates: candidates.transpose()?.flatten(), supply })
    }

    fn given(&self) -> SideTables<'_> {
        SideTables {
            candidates: self.candidates.as_ref().or(self.given.candidates),
            supply: self.supply.as_ref().or(self.given.supply),
            rows: self.given.rows,
        }
    }
}

/// The rows of a table in a group; `None` where it has none of the group's columns, and all rows count.
fn of_group(table: &ExposureLog, keeps: &[Keep]) -> Result<Option<ExposureLog>, Error> {
    let held: Vec<&Keep> = keeps.iter().filter(|its| table.column(&its.column).is_ok()).collect();
    match held.is_empty() {
        true => Ok(None),
        false => held.into_iter().try_fold(table.clone(), |table, keep| table.keep(keep)).map(Some),
    }
}

/// The question about the same topics in every group: those that it names, or all of the log.
fn about(log: &ExposureLog, question: &Question) -> Question {
    let mut question = question.clone();
    if let (Topics::All, Some(topics)) = (&question.topics, log.topics()) {
        let mut names: Vec<String> = topics.labels().iter().map(str::to_owned).collect();
        names.sort_unstable();
        question.topics = Topics::from(names);
    }
    question
}

/// The arms that are compared.
fn pairs(log: &ExposureLog, question: &Question) -> Result<Vec<(String, Baseline)>, Error> {
    let (treatment, baseline) = (&question.treatment, question.needs_baseline()?);
    if question.groups.pairs == Pairs::Asked {
        return Ok(vec![(treatment.clone(), baseline.clone())]);
    }
    let Baseline::Arm(against) = baseline else {
        return Err(Error::Parameter {
            parameter: "the baseline",
            value: format!("{baseline}, for all pairs of arms"),
            expected: "an arm: pairs are of arms of the log",
        });
    };
    let in_log = log.require_ids(crate::log::Role::Arm, "all pairs of arms")?.dictionary();
    let mut arms: Vec<&str> = in_log.iter().collect();
    for named in [treatment, against] {
        if !arms.contains(&named.as_str()) {
            return Err(Error::UnknownArm {
                arm: named.clone(),
                available: arms.iter().map(|&arm| arm.to_owned()).collect(),
            });
        }
    }
    let place = |arm: &str| (arm == against.as_str(), arm != treatment.as_str());
    arms.sort_unstable_by_key(|&arm| (place(arm), arm));
    let pair = |(at, &first): (usize, &&str)| {
        let others = arms[at + 1..].iter();
        others.map(|&other| (first.to_owned(), Baseline::arm(other))).collect::<Vec<_>>()
    };
    Ok(arms.iter().enumerate().flat_map(pair).collect())
}

fn refuse_too_many(comparisons: usize, question: &Question) -> Result<(), Error> {
    let topics = question.topics.named().map_or(1, <[String]>::len);
    let each = topics * question.distinct_statistics().len();
    if comparisons.saturating_mul(each) > MOST {
        return Err(Error::Parameter {
            parameter: "the groups",
            value: format!("{comparisons} of {each} estimates each"),
            expected: "at most 1,048,576 estimates in one report: fewer groups, or named topics",
        });
    }
    Ok(())
}

/// The groups of a log, and the number of each row's.
struct Numbers {
    /// Each with its number, in the order of the report: by the columns' values, then by time.
    groups: Vec<(Vec<Group>, u32)>,
    /// By row; empty where all rows are one group.
    of_row: Vec<u32>,
}

impl Numbers {
    fn of(log: &ExposureLog, by: &GroupBy) -> Result<Self, Error> {
        by.windows.check()?;
        let mut of_row = Vec::new();
        let mut groups: Vec<Vec<Group>> = vec![Vec::new()];
        for column in &by.columns {
            let ids = log.column(column)?;
            let named = |code: u32| {
                (column.clone(), ids.dictionary().id(code).unwrap_or_default().to_owned())
            };
            cross(&mut of_row, &mut groups, ids.codes().iter().copied(), named);
        }
        if by.windows != WindowBy::Nothing {
            let times = log.require_times("windows of time")?;
            let starts: Vec<i64> = times.iter().map(|&time| by.windows.start(time)).collect();
            let named = |start: i64| ("window".to_owned(), by.windows.start_text(start));
            cross(&mut of_row, &mut groups, starts.into_iter(), named);
        }
        let mut groups: Vec<(Vec<Group>, u32)> = groups.into_iter().zip(0..).collect();
        // Whole numbers by their size, before words.
        let place = |group: &Group| {
            let number = group.value.parse::<i64>();
            (number.is_err(), number.unwrap_or(0), group.value.clone())
        };
        groups.sort_by_cached_key(|(group, _)| group.iter().map(place).collect::<Vec<_>>());
        Ok(Self { groups, of_row })
    }

    /// The rows of each group by its number; none where all rows are one.
    fn rows(&self) -> BTreeMap<u32, Vec<u32>> {
        let mut rows: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (row, &number) in (0..).zip(&self.of_row) {
            rows.entry(number).or_default().push(row);
        }
        rows
    }
}

/// Crosses groups with what each row has further; only combinations that rows have become groups.
fn cross<K: Copy + Eq + std::hash::Hash>(
    of_row: &mut Vec<u32>,
    groups: &mut Vec<Vec<Group>>,
    has: impl ExactSizeIterator<Item = K>,
    named: impl Fn(K) -> (String, String),
) {
    of_row.resize(has.len(), 0);
    let mut numbers: HashMap<(u32, K), u32, RandomState> = HashMap::default();
    let mut crossed = Vec::new();
    for (number, has) in of_row.iter_mut().zip(has) {
        *number = *numbers.entry((*number, has)).or_insert_with(|| {
            let (column, value) = named(has);
            let mut group = groups[*number as usize].clone();
            group.push(Group { column, value });
            crossed.push(group);
            crossed.len() as u32 - 1
        });
    }
    *groups = crossed;
}
