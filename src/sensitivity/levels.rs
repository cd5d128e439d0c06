//! Which choices there are: those asked for, else those that the log supports.

use super::choices::{Choices, Dimension, LeftOut, Unsupported, UnsupportedKind, Weighting};
use super::{Sensitivity, choices};
use crate::error::Error;
use crate::log::{ExposureLog, Role};
use crate::question::attention::Attention;
use crate::question::baseline::Baseline;
use crate::question::estimand::{Denominator, Reach, Unit};
use crate::tally::{ClusterBy, MultiLabel, masses};

/// The persistence of the rank-biased model that is taken if none is asked for: viewers who go on to
/// the next rank four times in five, the middle of the three that Moffat and Zobel 2008 (doi
/// 10.1145/1416950.1416952) report.
const PERSISTENCE: f64 = 0.8;

/// The ranks of the `TopK` models that are taken if none are asked for.
const TOP: [u32; 3] = [1, 3, 10];

/// The levels of each dimension.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    pub(super) baselines: Vec<Baseline>,
    pub(super) clusters: Vec<ClusterBy>,
    pub(super) attentions: Vec<Attention>,
    pub(super) weightings: Vec<Weighting>,
    pub(super) units: Vec<Unit>,
    pub(super) denominators: Vec<Denominator>,
    pub(super) multi_labels: Vec<MultiLabel>,
    pub(super) left_out: Vec<LeftOut>,
}

impl Levels {
    /// # Errors
    /// [`Error::Unstated`] without a baseline; [`Error::Parameter`] for a dimension without levels, and
    /// for levels out of their range.
    pub(super) fn of(asked: &Sensitivity<'_>) -> Result<Self, Error> {
        let log = asked.log;
        let mut left_out = Vec::new();
        let question = &asked.question;
        let own = question.needs_baseline()?.clone();
        let cluster = question.cluster.clone().unwrap_or_default();
        let attention = question.attention.clone();
        let levels = Self {
            baselines: distinct(with_own(Some(own), asked.baselines.clone())),
            clusters: distinct(with_own(Some(cluster), asked.clusters.clone())),
            attentions: said(&asked.attentions, || {
                with_own(attention, attentions(log, &mut left_out))
            }),
            weightings: said(&asked.weightings, || weightings(log, &mut left_out)),
            units: said(&asked.units, || {
                let all = vec![Unit::Pooled, Unit::ClusterMean, Unit::Reach(Reach::default())];
                with_own(Some(question.unit), all)
            }),
            denominators: said(&asked.denominators, || {
                with_own(Some(question.denominator), denominators(log, &mut left_out))
            }),
            multi_labels: said(&asked.multi_labels, || {
                with_own(question.multi_label, multi_labels(log, &mut left_out))
            }),
            left_out: Vec::new(),
        };
        levels.check()?;
        // What the question chose is among the rows, whether it makes a difference or not.
        let chosen = [
            (Dimension::Attention, question.attention.as_ref().map(choices::attention)),
            (Dimension::Denominator, Some(choices::denominator(question.denominator).to_owned())),
            (Dimension::MultiLabel, question.multi_label.map(|rule| rule.to_string())),
        ];
        left_out.retain(|its| !chosen.contains(&(its.dimension, Some(its.level.clone()))));
        Ok(Self { left_out, ..levels })
    }

    fn check(&self) -> Result<(), Error> {
        let sizes = self.sizes();
        if let Some((dimension, _)) = Dimension::ALL.iter().zip(sizes).find(|(_, size)| *size == 0)
        {
            return Err(Error::Parameter {
                parameter: "the number of levels of a dimension",
                value: format!("0 for the {dimension}"),
                expected: "1 or more; leave it unsaid for those that the log supports",
            });
        }
        for unit in &self.units {
            crate::statistic::check_unit(&crate::statistic::AmplificationRatio, *unit)?;
        }
        for baseline in &self.baselines {
            if let Baseline::Reference(reference) = baseline {
                reference.check()?;
            }
        }
        self.attentions.iter().try_for_each(Attention::check)
    }

    /// How many levels each dimension has, in the order of [`Dimension::ALL`].
    pub(super) fn sizes(&self) -> [usize; 7] {
        [
            self.baselines.len(),
            self.clusters.len(),
            self.attentions.len(),
            self.weightings.len(),
            self.units.len(),
            self.denominators.len(),
            self.multi_labels.len(),
        ]
    }

    /// Which choices the level of each dimension makes.
    pub(super) fn choices(&self, at: [usize; 7]) -> Choices {
        Choices {
            baseline: self.baselines[at[0]].clone(),
            cluster: self.clusters[at[1]].clone(),
            attention: self.attentions[at[2]].clone(),
            weighting: self.weightings[at[3]],
            unit: self.units[at[4]],
            denominator: self.denominators[at[5]],
            multi_label: self.multi_labels[at[6]],
        }
    }
}

/// The levels with the question's own first, if it is none of them.
fn with_own<L: PartialEq>(own: Option<L>, mut levels: Vec<L>) -> Vec<L> {
    if let Some(own) = own.filter(|own| !levels.contains(own)) {
        levels.insert(0, own);
    }
    levels
}

/// The place of a combination among all: the last dimension changes first.
pub(super) fn place(sizes: [usize; 7], at: [usize; 7]) -> usize {
    sizes.iter().zip(at).fold(0, |place, (size, level)| place * size + level)
}

/// The level of each dimension at a place.
pub(super) fn levels_at(sizes: [usize; 7], mut place: usize) -> [usize; 7] {
    let mut at = [0; 7];
    for (level, size) in at.iter_mut().zip(sizes).rev() {
        *level = place % size;
        place /= size;
    }
    at
}

/// What was asked for, each once, else the default.
fn said<T: Clone + PartialEq>(asked: &Option<Vec<T>>, default: impl FnOnce() -> Vec<T>) -> Vec<T> {
    asked.clone().map_or_else(default, distinct)
}

fn distinct<T: PartialEq>(levels: Vec<T>) -> Vec<T> {
    let mut once: Vec<T> = Vec::with_capacity(levels.len());
    for level in levels {
        if !once.contains(&level) {
            once.push(level);
        }
    }
    once
}

fn no_difference(dimension: Dimension, level: impl Into<String>, why: &str) -> LeftOut {
    let reason = Unsupported { kind: UnsupportedKind::NoDifference, message: why.to_owned() };
    LeftOut { dimension, level: level.into(), reason }
}

fn attentions(log: &ExposureLog, left_out: &mut Vec<LeftOut>) -> Vec<Attention> {
    let last = log.positions().and_then(|ranks| ranks.iter().copied().max());
    let by_rank = [
        Attention::Uniform,
        Attention::Logarithmic,
        Attention::Reciprocal,
        Attention::Rbp { persistence: PERSISTENCE },
    ];
    let models = by_rank.into_iter().chain(TOP.map(|k| Attention::TopK { k }));
    let mut supported = Vec::new();
    for model in models.chain([Attention::Cascade]) {
        let level = choices::attention(&model);
        match (&model, last) {
            (Attention::TopK { k }, Some(last)) if *k >= last => {
                let why = format!("the last rank of the log is {last}: it is the uniform model");
                left_out.push(no_difference(Dimension::Attention, level, &why));
                continue;
            }
            _ => {}
        }
        match masses(log, &model) {
            Ok(_) => supported.push(model),
            Err(error) => {
                // How to declare one is no part of a table's account of what the log has.
                let message = match &error {
                    Error::MissingRole { role, needed_by } => {
                        format!("the log has no column for {role}, which {needed_by} needs")
                    }
                    other => other.to_string(),
                };
                let kind = match error {
                    Error::MissingRole { role, .. } => UnsupportedKind::MissingRole(role),
                    _ => UnsupportedKind::NoMeaning,
                };
                let reason = Unsupported { kind, message };
                left_out.push(LeftOut { dimension: Dimension::Attention, level, reason });
            }
        }
    }
    supported
}

fn weightings(log: &ExposureLog, left_out: &mut Vec<LeftOut>) -> Vec<Weighting> {
    if log.numbers(Role::Weight).is_some() {
        return vec![Weighting::AsLogged, Weighting::Unweighted];
    }
    let level = Weighting::Unweighted.to_string();
    let why = "the log has no weights: every impression counts 1";
    left_out.push(no_difference(Dimension::Weighting, level, why));
    vec![Weighting::AsLogged]
}

fn denominators(log: &ExposureLog, left_out: &mut Vec<LeftOut>) -> Vec<Denominator> {
    if log.topics().is_some_and(|topics| topics.untagged() > 0) {
        return vec![Denominator::AllImpressions, Denominator::TaggedImpressions];
    }
    let level = choices::denominator(Denominator::TaggedImpressions);
    let why = "every impression has a topic";
    left_out.push(no_difference(Dimension::Denominator, level, why));
    vec![Denominator::AllImpressions]
}

fn multi_labels(log: &ExposureLog, left_out: &mut Vec<LeftOut>) -> Vec<MultiLabel> {
    if log.topics().is_some_and(crate::log::Topics::is_multi_label) {
        return vec![MultiLabel::Full, MultiLabel::Fractional];
    }
    let level = MultiLabel::Fractional.to_string();
    let why = "no impression has more than one topic";
    left_out.push(no_difference(Dimension::MultiLabel, level, why));
    vec![MultiLabel::Full]
}
