//! The walk through all combinations: one tally for all that it can answer.

use std::borrow::Cow;

use super::choices::{Choices, Unsupported, UnsupportedKind, Weighting};
use super::levels::{Levels, levels_at, place};
use super::summary::{SensitivitySummary, found};
use super::{Dimension, Sensitivity, SensitivityRow, SensitivityTable};
use crate::audit::{Audit, Comparison};
use crate::error::Error;
use crate::estimate::Estimate;
use crate::log::{DataQuality, ExposureLog, Role};
use crate::question::attention::Attention;
use crate::question::baseline::{Baseline, Supply};
use crate::question::estimand::{Denominator, Unit};
use crate::question::whole::{Part, Question};
use crate::statistic::AnyStatistic;
use crate::tally::{Tally, TallySpec, masses};

/// An estimate or why there is none, for each question: statistics, and in them topics.
type Answers = Vec<Result<Estimate, Unsupported>>;

pub(super) fn run(asked: &Sensitivity<'_>) -> Result<SensitivityTable, Error> {
    asked.question.refuse("a sensitivity table", &[Part::SecondCluster, Part::Correction])?;
    let treatment = asked.question.treatment.as_str();
    let levels = Levels::of(asked)?;
    let topics = topics(asked)?;
    let statistics = asked.question.distinct_statistics();
    let quality = DataQuality::of(asked.log);
    let walk = GridWalk { asked, levels: &levels, topics: &topics, quality: &quality };
    let sizes = levels.sizes();
    let combinations: usize = sizes.iter().product();
    let mut answers: Vec<Answers> = vec![Vec::new(); combinations];
    let mut first = None;
    walk.all(&statistics, &mut |at, its| answers[place(sizes, at)] = its, &mut first)?;

    let mut rows = Vec::with_capacity(combinations * statistics.len() * topics.len());
    let mut summaries = Vec::with_capacity(statistics.len() * topics.len());
    for (question, (statistic, topic)) in
        statistics.iter().flat_map(|s| topics.iter().map(move |t| (s, t))).enumerate()
    {
        let start = rows.len();
        for (place, answers) in answers.iter_mut().enumerate() {
            let unasked = || Unsupported {
                kind: UnsupportedKind::NoMeaning,
                message: "the combination was not asked for".to_owned(),
            };
            let taken = answers.get_mut(question);
            let outcome =
                taken.map_or_else(|| Err(unasked()), |its| std::mem::replace(its, Err(unasked())));
            rows.push(SensitivityRow {
                topic: topic.clone(),
                statistic: statistic.name(),
                choices: levels.choices(levels_at(sizes, place)),
                found: outcome.as_ref().ok().and_then(|its| found(its, &**statistic)),
                outcome,
            });
        }
        summaries.push(SensitivitySummary::of(&rows[start..], &**statistic, sizes));
    }
    if let (true, Some(error)) = (rows.iter().all(|row| row.outcome.is_err()), first) {
        return Err(error);
    }
    Ok(SensitivityTable {
        treatment: treatment.to_owned(),
        asked: chosen(&asked.question)?,
        rows,
        summaries,
        varied: varied(sizes),
        left_out: levels.left_out.clone(),
        quality,
    })
}

/// What the question itself chose.
fn chosen(question: &Question) -> Result<Choices, Error> {
    Ok(Choices {
        baseline: question.needs_baseline()?.clone(),
        cluster: question.cluster.clone().unwrap_or_default(),
        attention: question.attention.clone().unwrap_or_default(),
        weighting: Weighting::AsLogged,
        unit: question.unit,
        denominator: question.denominator,
        multi_label: question.multi_label.unwrap_or_default(),
    })
}

fn varied(sizes: [usize; 7]) -> Vec<Dimension> {
    Dimension::ALL.into_iter().zip(sizes).filter(|(_, n)| *n > 1).map(|(its, _)| its).collect()
}

/// The topics asked for, else those of the log, by name.
fn topics(asked: &Sensitivity<'_>) -> Result<Vec<String>, Error> {
    let labels = asked.log.topics().map(|topics| topics.labels());
    let mut all: Vec<String> =
        labels.iter().flat_map(|labels| labels.iter()).map(str::to_owned).collect();
    all.sort();
    match asked.question.topics.named() {
        Some(topics) => Ok(topics.to_vec()),
        None if all.is_empty() => {
            let call = "LogSchema::topics or with_item_topics";
            Err(Error::Unstated { what: "topics", call })
        }
        None => Ok(all),
    }
}

/// What stays the same on the way.
struct GridWalk<'w> {
    asked: &'w Sensitivity<'w>,
    levels: &'w Levels,
    topics: &'w [String],
    quality: &'w DataQuality,
}

/// Receives the answers of a combination.
type Put<'p> = dyn FnMut([usize; 7], Answers) + 'p;

impl GridWalk<'_> {
    /// Walks through all combinations; `first` receives the first error that is no fault of the question.
    fn all(
        &self,
        statistics: &[AnyStatistic],
        put: &mut Put<'_>,
        first: &mut Option<Error>,
    ) -> Result<(), Error> {
        let levels = self.levels;
        let log = self.asked.log;
        let mut supported = Vec::new();
        for model in &levels.attentions {
            supported.push(match masses(log, model) {
                Ok(_) => Ok(()),
                Err(error) => Err(soft(error, first)?),
            });
        }
        for (w, weighting) in levels.weightings.iter().enumerate() {
            let log = match weighting {
                Weighting::AsLogged => Cow::Borrowed(log),
                Weighting::Unweighted => Cow::Owned(log.clone().unweighted()),
            };
            for (c, cluster) in levels.clusters.iter().enumerate() {
                for (m, multi_label) in levels.multi_labels.iter().enumerate() {
                    let models = levels.attentions.iter().zip(&supported);
                    let models = models.filter(|(_, holds)| holds.is_ok()).map(|(its, _)| its);
                    let spec = TallySpec {
                        cluster: cluster.clone(),
                        attentions: models.cloned().collect(),
                        multi_label: *multi_label,
                        strata: crate::audit::spec_of(&log, &self.asked.question).strata,
                        ..TallySpec::default()
                    };
                    let here = GridPoint { log: &log, spec: &spec, at: [c, w, m] };
                    self.of_tally(&here, &supported, statistics, put, first)?;
                }
            }
        }
        Ok(())
    }

    /// All combinations of one cluster, weighting and multi-label rule.
    fn of_tally(
        &self,
        here: &GridPoint<'_>,
        supported: &[Result<(), Unsupported>],
        statistics: &[AnyStatistic],
        put: &mut Put<'_>,
        first: &mut Option<Error>,
    ) -> Result<(), Error> {
        let [c, w, m] = here.at;
        let questions = statistics.len() * self.topics.len();
        let tally = match self.levels.baselines.iter().any(is_of_tally) {
            true if !here.spec.attentions.is_empty() => match Tally::of(here.log, here.spec) {
                Ok(tally) => Some(Ok(tally)),
                Err(error) => Some(Err(soft(error, first)?)),
            },
            _ => None,
        };
        let one = supported.iter().position(Result::is_ok).unwrap_or(0);
        for (b, baseline) in self.levels.baselines.iter().enumerate() {
            for (a, model) in self.levels.attentions.iter().enumerate() {
                let question = self.question(here, baseline, model);
                let audit = match (&supported[a], &tally) {
                    (Err(reason), _) => Err(reason.clone()),
                    (Ok(()), Some(Err(reason))) if is_of_tally(baseline) => Err(reason.clone()),
                    (Ok(()), Some(Ok(tally))) if is_of_tally(baseline) => {
                        let audit = Audit::of_tally(tally, &question).rows_behind(here.log);
                        Ok(self.audit(audit))
                    }
                    (Ok(()), _) => Ok(self.audit(Audit::of(here.log, &question))),
                };
                let comparison = match audit.as_ref().map(Audit::compare) {
                    Err(reason) => Err(reason.clone()),
                    Ok(Ok(comparison)) => Ok(comparison),
                    Ok(Err(error)) => Err(soft(error, first)?),
                };
                for (u, unit) in self.levels.units.iter().enumerate() {
                    let again = [a, w, m] != [one, 0, 0]
                        && goes_by_counts(*unit)
                        && reaches_viewers(baseline);
                    for (d, denominator) in self.levels.denominators.iter().enumerate() {
                        let answers = match &comparison {
                            _ if again => vec![Err(said_once()); questions],
                            Err(reason) => vec![Err(reason.clone()); questions],
                            Ok(comparison) => {
                                let way = (*unit, *denominator);
                                self.answers(comparison, statistics, way, first)?
                            }
                        };
                        put([b, c, a, w, u, d, m], answers);
                    }
                }
            }
        }
        Ok(())
    }

    /// The question as one combination puts it, but for unit and denominator.
    fn question(&self, here: &GridPoint<'_>, baseline: &Baseline, model: &Attention) -> Question {
        let asked = &self.asked.question;
        Question {
            baseline: Some(baseline.clone()),
            attention: Some(model.clone()),
            multi_label: Some(here.spec.multi_label),
            strata: asked.strata.as_ref().map(|_| here.spec.strata.clone()),
            cluster: Some(here.spec.cluster.clone()),
            ..asked.clone()
        }
    }

    fn audit<'a>(&'a self, audit: Audit<'a>) -> Audit<'a> {
        let audit = audit.interval(self.asked.interval).quality(self.quality);
        let audit = self.asked.candidates.into_iter().fold(audit, Audit::candidates);
        self.asked.supply.into_iter().fold(audit, Audit::supply)
    }

    /// The answers of a comparison in one unit and denominator: by statistic, then by topic.
    fn answers(
        &self,
        comparison: &Comparison<'_>,
        statistics: &[AnyStatistic],
        way: (Unit, Denominator),
        first: &mut Option<Error>,
    ) -> Result<Answers, Error> {
        let mut answers = Vec::with_capacity(statistics.len() * self.topics.len());
        for statistic in statistics {
            let one = std::slice::from_ref(statistic);
            match comparison.estimates(one, Some(self.topics), way) {
                Ok(estimates) => answers.extend(estimates.into_iter().map(Ok)),
                // The reference may know of some topics.
                Err(Error::NotInReference { .. }) => {
                    for topic in self.topics {
                        let topic = std::slice::from_ref(topic);
                        answers.push(match comparison.estimates(one, Some(topic), way) {
                            Ok(mut estimates) => Ok(estimates.remove(0)),
                            Err(error) => Err(soft(error, first)?),
                        });
                    }
                }
                Err(error) => {
                    let reason = soft(error, first)?;
                    answers.extend(self.topics.iter().map(|_| Err(reason.clone())));
                }
            }
        }
        Ok(answers)
    }
}

/// Where on the way a tally stands: its log, and the places of cluster, weighting and rule.
struct GridPoint<'w> {
    log: &'w ExposureLog,
    spec: &'w TallySpec,
    at: [usize; 3],
}

/// The reason that an error is; the first such error is kept.
fn soft(error: Error, first: &mut Option<Error>) -> Result<Unsupported, Error> {
    // A question about arms has no answer without them, whatever is chosen.
    if matches!(error, Error::MissingRole { role: Role::Arm, .. }) {
        return Err(error);
    }
    let (reason, error) = Unsupported::of(error)?;
    first.get_or_insert(error);
    Ok(reason)
}

/// Baselines that a tally of the log knows, or that need nothing of it.
const fn is_of_tally(baseline: &Baseline) -> bool {
    matches!(baseline, Baseline::Arm(_) | Baseline::Reference(_) | Baseline::Supply(Supply::Known))
}

/// Whether somebody was, or would have been, reached by what a baseline shows.
const fn reaches_viewers(baseline: &Baseline) -> bool {
    !matches!(
        baseline,
        Baseline::Reference(_)
            | Baseline::Supply(Supply::Known)
            | Baseline::UniformPool
            | Baseline::EngagementWeighted(_)
    )
}

/// Whether a unit counts clusters and impressions only, so that no mass matters.
fn goes_by_counts(unit: Unit) -> bool {
    matches!(unit, Unit::Reach(reach) if reach.mass <= 0.0)
}

fn said_once() -> Unsupported {
    Unsupported {
        kind: UnsupportedKind::NoDifference,
        message:
            "reach counts clusters, whatever an impression weighs: attention, weights and the \
                  multi-label rule make no difference, and it is told once"
                .to_owned(),
    }
}
