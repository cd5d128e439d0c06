//! The tally in which a baseline can be asked about, and what is known of baselines that are no arms.

use std::borrow::Cow;

use super::{ComparisonTally, Subject};
use crate::error::Error;
use crate::estimate::Warning;
use crate::log::{ExposureLog, Role};
use crate::question::attention::Attention;
use crate::question::baseline::{Baseline, Bias, Reference, Supply};
use crate::question::estimand::Denominator;
use crate::replay::{
    BaselineArms, BaselineInputs, BaselineRowKind, CandidateSets, derive, supply_arm,
};
use crate::statistic::{KnownBaseline, Undefined};
use crate::tally::{ClusterBy, StratifyBy, Tally, TallySpec, TwoWay};

/// What a baseline is made of beside the log.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SideTables<'l> {
    pub(super) candidates: Option<&'l CandidateSets>,
    pub(super) supply: Option<&'l ExposureLog>,
    /// The log behind a tally, where it is at hand.
    pub(super) rows: Option<&'l ExposureLog>,
}

/// Both sides of a comparison.
pub(super) struct PreparedComparison<'l> {
    pub(super) made: ComparisonTally<'l>,
    /// The baseline as the tally knows it.
    pub(super) baseline: Baseline,
    /// What is known where it is no arm.
    pub(super) elsewhere: Option<ExternalBaseline>,
    pub(super) rows: BaselineRowKind,
    /// Why there is to be no answer.
    pub(super) refused: Option<Undefined>,
    pub(super) warnings: Vec<Warning>,
}

/// A baseline that is no arm.
pub(super) enum ExternalBaseline {
    Supply(Box<Tally>),
    Reference(Reference),
}

/// The attention of a question: what was asked for, else the tally's first.
pub(super) fn attention_of<'a>(
    of: &'a Subject<'_>,
    asked: Option<&'a Attention>,
) -> Result<&'a Attention, Error> {
    if let Some(asked) = asked {
        return Ok(asked);
    }
    let spec = match of {
        Subject::Log(_, spec) => spec,
        Subject::Tally(tally) => tally.spec(),
        Subject::TwoWay(tallies) => tallies.first().spec(),
    };
    spec.attentions
        .first()
        .ok_or(Error::Unstated { what: "attention", call: "Question::attention" })
}

/// Makes the tally of treatment and baseline.
pub(super) fn compared<'l>(
    of: &'l Subject<'l>,
    (treatment, baseline): (&str, &Baseline),
    attention: &Attention,
    second: Option<&ClusterBy>,
    given: SideTables<'l>,
) -> Result<PreparedComparison<'l>, Error> {
    let plain = |made, elsewhere| PreparedComparison {
        made,
        baseline: baseline.clone(),
        elsewhere,
        rows: BaselineRowKind::Impressions,
        refused: None,
        warnings: Vec::new(),
    };
    match baseline {
        Baseline::Arm(_) | Baseline::Nothing => Ok(plain(of.made(second)?, None)),
        Baseline::Reference(reference) => {
            reference.check()?;
            Ok(plain(of.made(second)?, Some(ExternalBaseline::Reference(reference.clone()))))
        }
        Baseline::Supply(Supply::Known) => {
            let made = of.made(second)?;
            let table = table_of(baseline, given)?;
            let supply = known_supply(table, made.tally().spec())?;
            Ok(plain(made, Some(ExternalBaseline::Supply(Box::new(supply)))))
        }
        _ => derived(of, (treatment, baseline), attention, second, given),
    }
}

fn table_of<'l>(baseline: &Baseline, given: SideTables<'l>) -> Result<&'l ExposureLog, Error> {
    let lacks = |needs, mend| Error::BaselineLacks { baseline: baseline.to_string(), needs, mend };
    let table = given.supply.ok_or_else(|| {
        lacks("a table of the items that were available", "give it to Audit::supply")
    })?;
    if table.topics().is_none() {
        let mend = "declare their column in the table's LogSchema, or join a table with \
                    ExposureLog::with_item_topics";
        return Err(lacks("the topics of the items that were available", mend));
    }
    Ok(table)
}

/// The totals of a table of items.
fn known_supply(table: &ExposureLog, spec: &TallySpec) -> Result<Tally, Error> {
    let rows: Vec<u32> = (0..table.rows() as u32).collect();
    let strata = match (&spec.strata, table.ids(Role::Stratum)) {
        (StratifyBy::Nothing, _) => StratifyBy::Nothing,
        (StratifyBy::Column(name), _) if table.column(name).is_ok() => spec.strata.clone(),
        (_, Some(_)) => StratifyBy::Stratum,
        (_, None) => StratifyBy::Nothing,
    };
    let spec = TallySpec {
        // Only totals are looked at; rows that stand for several are no clusters of their own.
        cluster: match table.counts() {
            Some(_) => ClusterBy::Session,
            None => ClusterBy::Impression,
        },
        attentions: vec![Attention::Uniform],
        multi_label: spec.multi_label,
        strata,
        ..TallySpec::default()
    };
    let table = table.again(&rows)?.in_arm("supply");
    let all = table.arms().cloned();
    let table = all.into_iter().fold(table, |table, all| table.with_ids(Role::Session, all));
    Tally::of(&table, &spec)
}

/// A table whose strata go by the name of the log's.
fn with_strata<'t>(table: &'t ExposureLog, strata: &StratifyBy) -> Cow<'t, ExposureLog> {
    match (strata, table.ids(Role::Stratum)) {
        (StratifyBy::Column(name), Some(its)) if table.column(name).is_err() => {
            Cow::Owned(table.clone().with_column(name, its.clone()))
        }
        _ => Cow::Borrowed(table),
    }
}

/// A baseline made of rows.
fn derived<'l>(
    of: &'l Subject<'l>,
    (treatment, baseline): (&str, &Baseline),
    attention: &Attention,
    second: Option<&ClusterBy>,
    given: SideTables<'l>,
) -> Result<PreparedComparison<'l>, Error> {
    let name = baseline.to_string();
    let Subject::Log(log, spec) = of else {
        return Err(Error::BaselineLacks {
            baseline: name,
            needs: "the impressions themselves",
            mend: "audit the log (Audit::of); a tally has only their sums",
        });
    };
    for cluster in [Some(&spec.cluster), second].into_iter().flatten() {
        if cluster.is_of_impressions() {
            return Err(Error::Parameter {
                parameter: "the cluster, beside a baseline that is made of the log,",
                value: cluster.to_string(),
                expected: "a unit that has an id: single impressions are in neither arm again",
            });
        }
    }
    let BaselineArms { treatment, baseline: other, warnings, rows, refused, .. } = match baseline {
        Baseline::Supply(Supply::Sampled { cluster }) => {
            let table = with_strata(table_of(baseline, given)?, &spec.strata);
            BaselineArms {
                treatment: (*log).clone(),
                kept: Vec::new(),
                baseline: supply_arm(&table, cluster, (&name, attention), &spec.cluster)?,
                warnings: Vec::new(),
                rows: BaselineRowKind::Impressions,
                refused: None,
            }
        }
        _ => {
            let making =
                BaselineInputs { log, treatment, name: &name, attention, pools: given.candidates };
            derive(baseline, &making)?
        }
    };
    let spec = TallySpec { attentions: vec![attention.clone()], ..spec.clone() };
    let made = match second {
        None => {
            let tallies = vec![Tally::of(&treatment, &spec)?, Tally::of(&other, &spec)?];
            ComparisonTally::One(Box::new(Cow::Owned(Tally::merge_owned(tallies)?)))
        }
        Some(second) => {
            let ways = [&treatment, &other].map(|log| TwoWay::of(log, &spec, second.clone()));
            let [treatment, other] = ways;
            ComparisonTally::Two(Box::new(Cow::Owned(treatment?.together(other?)?)))
        }
    };
    Ok(PreparedComparison {
        made,
        baseline: Baseline::Arm(name),
        elsewhere: None,
        rows,
        refused,
        warnings,
    })
}

impl ExternalBaseline {
    /// The factors of a reference's bias: one where there is none.
    pub(super) fn factors(&self) -> Vec<f64> {
        match self {
            Self::Reference(Reference { bias: Bias { low, high }, .. }) if low != high => {
                vec![*low, *high]
            }
            Self::Reference(Reference { bias, .. }) => vec![bias.low],
            Self::Supply(_) => vec![1.0],
        }
    }

    /// What is known of a topic, its share times a factor.
    pub(super) fn known(
        &self,
        topic: &str,
        (strata, denominator): (&[String], Denominator),
        factor: f64,
    ) -> Result<KnownBaseline, Error> {
        match self {
            Self::Reference(reference) => {
                let share = reference.shares.get(topic).ok_or_else(|| Error::NotInReference {
                    reference: reference.name.clone(),
                    topic: topic.to_owned(),
                    available: reference.shares.keys().cloned().collect(),
                })?;
                let sample = share.draws_at_limit();
                let (share, standard_error) = share.parts();
                Ok(KnownBaseline {
                    sample,
                    // A share is at most 1, whatever the bias; that the lower factor leaves it so was
                    // checked.
                    totals: [(share * factor).min(1.0), 1.0],
                    strata: Vec::new(),
                    standard_error: standard_error * factor,
                })
            }
            Self::Supply(tally) => Ok(of_supply(tally, topic, strata, denominator)),
        }
    }
}

fn of_supply(
    tally: &Tally,
    topic: &str,
    strata: &[String],
    denominator: Denominator,
) -> KnownBaseline {
    let (axes, totals) = (tally.axes(), tally.totals());
    let topic = axes.topic(topic);
    let of_stratum = |at: Option<usize>| {
        let mut sums = [crate::tally::Mass::ZERO; 2];
        for slab in axes.slabs().filter(|slab| at.is_none_or(|at| slab.stratum == at)) {
            let all = match denominator {
                Denominator::AllImpressions => axes.all_cell(slab),
                Denominator::TaggedImpressions => axes.tagged_cell(slab),
            };
            sums[1] += totals[all as usize].mass;
            if let Some(topic) = topic {
                sums[0] += totals[axes.topic_cell(slab, topic) as usize].mass;
            }
        }
        sums.map(crate::tally::Mass::get)
    };
    let strata = match tally.spec().strata {
        StratifyBy::Nothing => Vec::new(),
        // A stratum that the table has nothing of.
        _ => strata
            .iter()
            .map(|name| axes.stratum(name).map_or([0.0; 2], |at| of_stratum(Some(at))))
            .collect(),
    };
    let totals = of_stratum(None);
    KnownBaseline { totals, strata, standard_error: 0.0, sample: f64::INFINITY }
}
