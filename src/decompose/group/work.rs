//! From a tally and its groups to findings.

use std::collections::BTreeMap;

use super::levels::{Kind, Level, logarithmic_mean};
use super::of_log::Groups;
use super::permute::{Unions, difference_of_means};
use super::report::{
    Contribution, GroupFinding, LabelTest, MemberCounts, MemberFinding, Part, PartKind, Presence,
    Quantiles, Surely, Verdict,
};
use super::{GroupDecomposition, PermutationPool, ZeroMembers};
use crate::error::Error;
use crate::estimate::{Estimate, Measured, Warning};
use crate::inference::{self, ClusterSums, Interval, OfSums, Query, TopicQuestion, TopicSets};
use crate::question::estimand::Unit;
use crate::statistic::{AmplificationRatio, Statistic};
use crate::tally::Tally;

/// What all groups have in common.
pub(super) struct Work<'w> {
    ask: &'w GroupDecomposition<'w>,
    tally: &'w Tally,
    question: TopicQuestion<'w>,
    /// The members who may have the labels, by their topics, ascending.
    pool: Vec<Pooled>,
    unions: Unions,
}

/// A member who may have a label.
struct Pooled {
    topic: usize,
    /// Its log ratio, if that counts.
    log_ratio: Option<f64>,
}

impl<'w> Work<'w> {
    pub(super) fn new(
        ask: &'w GroupDecomposition<'w>,
        tally: &'w Tally,
        question: TopicQuestion<'w>,
        groups: &Groups,
    ) -> Result<Self, Error> {
        check(ask, tally, groups)?;
        // Anything wrong with arms or attention is found here.
        let axes = tally.axes();
        let given: BTreeMap<&str, ()> =
            groups.iter().flat_map(|(_, members)| members).map(|name| (&**name, ())).collect();
        let topics: Vec<usize> = (0..axes.topics().len())
            .filter(|&topic| {
                ask.others == PermutationPool::AllMembers
                    || given.contains_key(&*axes.topics()[topic])
            })
            .collect();
        let sets: Vec<Vec<usize>> = topics.iter().map(|&topic| vec![topic]).collect();
        let (all, totals) = TopicSets::totals(tally, &question, &sets)?;
        // Who was shown in neither arm has nothing to permute.
        let shown = topics.iter().zip(&totals).filter(|(_, total)| total[0] + total[1] > 0.0);
        let (topics, totals): (Vec<usize>, Vec<[f64; 2]>) = shown.map(|(&t, &n)| (t, n)).unzip();
        let pool = topics
            .iter()
            .zip(&totals)
            .map(|(&topic, &total)| Pooled { topic, log_ratio: log_ratio(all, total, ask.zeros) });
        let pool = pool.collect();
        let unions = Unions::of(tally, &question, &topics, totals)?;
        Ok(Self { ask, tally, question, pool, unions })
    }

    /// What is found of a group.
    pub(super) fn finding(&self, name: &str, members: &[String]) -> Result<GroupFinding, Error> {
        let axes = self.tally.axes();
        let mut topics: Vec<usize> = members.iter().filter_map(|name| axes.topic(name)).collect();
        topics.sort_unstable();
        let mut sets = vec![topics.clone()];
        sets.extend(topics.iter().map(|&topic| vec![topic]));
        let made = TopicSets::of(self.tally, &self.question, &sets)?;
        let sums = made.sums(&(0..sets.len()).collect::<Vec<_>>());
        let totals: Vec<[f64; 2]> =
            sums.totals().chunks_exact(2).map(|both| [both[0], both[1]]).collect();
        let (all, shown, totals) = (totals[0], totals[1], &totals[2..]);
        let ratio = |total: &[f64; 2]| log_ratio(all, *total, self.ask.zeros);
        let log_ratios: Vec<Option<f64>> = totals.iter().map(ratio).collect();
        let levels = Levels {
            sums,
            interval: self.ask.interval,
            zeros: self.ask.zeros,
            counted: log_ratios.iter().map(Option::is_some).collect(),
            in_both: totals.iter().map(|total| Presence::of(*total) == Presence::Both).collect(),
        };
        let group = levels.of(Kind::Group)?;
        let (group_figure, mean) = (group.measured(), levels.figure(Kind::Mean)?);
        let logs: Vec<f64> = log_ratios.iter().flatten().copied().collect();
        let (counted, quantiles) = (logs.len() as u64, Quantiles::of(logs));
        let not_in_tally = members.len() - topics.len();
        let members = self.members(&topics, totals, &log_ratios)?;
        let (label_test, union_test) = self.tests(&topics);
        Ok(GroupFinding {
            name: name.to_owned(),
            shares: [0, 1].map(|side: usize| (all[side] > 0.0).then(|| shown[side] / all[side])),
            verdict: Verdict::of(&group_figure, &mean, quantiles.as_ref()),
            group: group_figure,
            mean_member: mean,
            weighted_mean_member: levels.figure(Kind::WeightedMean)?,
            gap: levels.figure(Kind::Gap)?,
            parts: levels.parts(self.question.unit)?,
            counted,
            quantiles,
            counts: counts(totals, not_in_tally),
            surely: Surely::of(&members),
            members,
            label_test,
            union_test,
            clusters: group.clusters,
            warnings: self.warnings(group.warnings),
        })
    }

    fn warnings(&self, mut warnings: Vec<Warning>) -> Vec<Warning> {
        if matches!(self.tally.spec().cluster, crate::ClusterBy::Impression) {
            warnings.insert(0, Warning::ImpressionsAsClusters);
        }
        warnings
    }

    /// The members' own estimates, and what they add to the group.
    fn members(
        &self,
        topics: &[usize],
        totals: &[[f64; 2]],
        log_ratios: &[Option<f64>],
    ) -> Result<Vec<MemberFinding>, Error> {
        let names = self.tally.axes().topics();
        let asked: Vec<Query<'_>> = topics
            .iter()
            .map(|&topic| Query {
                question: TopicQuestion { topic: &names[topic], ..self.question },
                statistic: &AmplificationRatio,
            })
            .collect();
        let estimates = inference::estimates(self.tally, &asked, self.ask.member_interval)?;
        let contributions = contributions(totals, &estimates);
        let made = estimates.into_iter().zip(contributions).zip(topics.iter().zip(totals));
        let made = made.zip(log_ratios).map(
            |(((estimate, contribution), (&topic, &total)), &log_ratio)| MemberFinding {
                name: names[topic].clone(),
                presence: Presence::of(total),
                estimate,
                log_ratio,
                contribution,
            },
        );
        Ok(made.collect())
    }

    /// The tests of the label: by members, and by unions.
    fn tests(&self, topics: &[usize]) -> (LabelTest, LabelTest) {
        let in_group = |member: &&Pooled| topics.binary_search(&member.topic).is_ok();
        let of_members: Vec<&Pooled> =
            self.pool.iter().filter(|member| member.log_ratio.is_some()).collect();
        let values: Vec<f64> = of_members.iter().filter_map(|member| member.log_ratio).collect();
        let labels: Vec<bool> = of_members.iter().map(in_group).collect();
        let draws = self.ask.draws;
        let label_test = draws.test(&labels, |now| difference_of_means(&values, now));
        let labels: Vec<bool> = self.pool.iter().map(|member| in_group(&member)).collect();
        (label_test, draws.test(&labels, |now| self.unions.difference(now)))
    }
}

/// The functions of a group's totals, each with its interval.
struct Levels {
    sums: ClusterSums,
    interval: Interval,
    zeros: ZeroMembers,
    counted: Vec<bool>,
    in_both: Vec<bool>,
}

impl Levels {
    fn of(&self, kind: Kind) -> Result<OfSums, Error> {
        let counted = match kind {
            Kind::Mean | Kind::WeightedMean | Kind::Gap => &self.counted,
            _ => &self.in_both,
        };
        let level = Level { kind, counted: counted.clone(), zeros: self.zeros };
        self.sums.estimate(&level, level.cells(1), &self.interval)
    }

    fn figure(&self, kind: Kind) -> Result<Measured, Error> {
        Ok(self.of(kind)?.measured())
    }

    fn parts(&self, unit: Unit) -> Result<Vec<Part>, Error> {
        let mut parts = vec![
            (PartKind::Members, Kind::Members),
            (PartKind::Weight, Kind::Weight),
            (PartKind::Turnover, Kind::Turnover),
        ];
        if matches!(unit, Unit::Reach(_)) {
            parts.push((PartKind::Overlap, Kind::Overlap));
        }
        let part = |(kind, of)| Ok(Part { kind, figure: self.figure(of)? });
        parts.into_iter().map(part).collect()
    }
}

/// The log ratio of a member as it counts; `None` where it does not.
fn log_ratio(all: [f64; 2], total: [f64; 2], zeros: ZeroMembers) -> Option<f64> {
    let counts = match (zeros, Presence::of(total)) {
        (_, Presence::Neither) => false,
        (ZeroMembers::LeftOut, presence) => presence == Presence::Both,
        (ZeroMembers::HalfAdded, _) => true,
    };
    let half = if zeros == ZeroMembers::HalfAdded { 0.5 } else { 0.0 };
    let share = |side: usize| (total[side] + half) / (all[side] + 2.0 * half);
    (counts && all[0] > 0.0 && all[1] > 0.0).then(|| (share(0) / share(1)).ln())
}

fn counts(totals: &[[f64; 2]], not_in_tally: usize) -> MemberCounts {
    let mut counts = MemberCounts { not_in_tally: not_in_tally as u64, ..MemberCounts::default() };
    for total in totals {
        *match Presence::of(*total) {
            Presence::Both => &mut counts.both,
            Presence::TreatmentOnly => &mut counts.treatment_only,
            Presence::BaselineOnly => &mut counts.baseline_only,
            Presence::Neither => &mut counts.neither,
        } += 1;
    }
    counts
}

/// What members of both arms add to their group, by the weights of Sato and Vartia.
fn contributions(totals: &[[f64; 2]], estimates: &[Estimate]) -> Vec<Option<Contribution>> {
    let in_both = |total: &[f64; 2]| Presence::of(*total) == Presence::Both;
    let sum = |side: usize| -> f64 {
        totals.iter().filter(|its| in_both(its)).map(|total| total[side]).sum()
    };
    let (treatment, baseline) = (sum(0), sum(1));
    let mean = |total: &[f64; 2]| {
        in_both(total).then(|| logarithmic_mean(total[0] / treatment, total[1] / baseline))
    };
    let means: Vec<Option<f64>> = totals.iter().map(mean).collect();
    let whole: f64 = means.iter().flatten().sum();
    let contribution = |(mean, estimate): (&Option<f64>, &Estimate)| {
        let (weight, ratio) = ((*mean)? / whole, estimate.value.number()?);
        Some(Contribution { weight, contribution: weight * ratio.ln() })
    };
    means.iter().zip(estimates).map(contribution).collect()
}

/// Whether groups, tally and numbers are such that there is something to decompose.
fn check(ask: &GroupDecomposition<'_>, tally: &Tally, groups: &Groups) -> Result<(), Error> {
    let refuse =
        |parameter, value: String, expected| Err(Error::Parameter { parameter, value, expected });
    if groups.is_empty() {
        return refuse("the number of groups", "0".to_owned(), "1 or more");
    }
    if groups.len() == 1 && ask.others == PermutationPool::OtherGroups {
        let expected =
            "two or more; or compare it with all other members (PermutationPool::AllMembers)";
        return refuse("the number of groups", "1".to_owned(), expected);
    }
    for interval in [ask.interval, ask.member_interval] {
        if matches!(interval, Interval::Simultaneous(_)) {
            let expected = "one for a single number; bands are for all topics of an audit";
            return refuse("the interval", "simultaneous".to_owned(), expected);
        }
    }
    if !(2..=1_000_000).contains(&ask.draws.replicates) {
        let value = ask.draws.replicates.to_string();
        return refuse("permutations", value, "between 2 and 1,000,000");
    }
    crate::statistic::check_unit(&AmplificationRatio, ask.question.unit)?;
    crate::statistic::refuse_within(ask.question.unit, "groups and their members")?;
    check_members(tally, groups)?;
    let totals = tally.totals();
    let topics = tally.axes().topics().len();
    for slab in tally.axes().slabs() {
        let of = |topic| totals[tally.axes().topic_cell(slab, topic) as usize].count;
        let of_topics: u64 = (0..topics).map(of).sum();
        if of_topics != totals[tally.axes().tagged_cell(slab) as usize].count {
            return refuse(
                "the number of topics of some impressions",
                "2 or more".to_owned(),
                "1 at most, the member; with_topics_by_row the log by member (ExposureLog::with_topics_by_row)",
            );
        }
    }
    Ok(())
}

fn check_members(tally: &Tally, groups: &Groups) -> Result<(), Error> {
    let mut group_of: BTreeMap<&str, &str> = BTreeMap::new();
    let mut names: BTreeMap<&str, ()> = BTreeMap::new();
    for (name, members) in groups {
        if names.insert(name, ()).is_some() {
            return Err(Error::RepeatedGroup { group: name.clone() });
        }
        for member in members {
            if let Some(first) = group_of.insert(member, name) {
                return Err(Error::MemberOfTwoGroups {
                    member: member.clone(),
                    first: first.to_owned(),
                    second: name.clone(),
                });
            }
        }
        if !members.iter().any(|member| tally.axes().topic(member).is_some()) {
            return Err(Error::UnknownGroup {
                group: name.clone(),
                members: members.len(),
                available: tally.axes().topics().to_vec(),
            });
        }
    }
    Ok(())
}
