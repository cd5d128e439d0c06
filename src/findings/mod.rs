//! All that a study finds, in one value: its audit, and beside it what a reader would ask next. It wires
//! audits together and computes no estimate.

#[cfg(all(test, feature = "plot"))]
mod extremes;
mod over_time;
mod positions;
mod power;
mod record;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

pub use self::over_time::{OverTime, ShareInWindow};
pub use self::positions::{AtRank, Beyond, MissingRank, PositionProfile, TopicAtRank};
pub use self::power::{PowerLeft, TopicPower};
pub use self::record::{FINDINGS_SCHEMA, FINDINGS_VERSION, FindingsRecord};
use crate::audit::report::AuditReport;
use crate::decompose::{Waterfall, WaterfallReport};
use crate::error::Error;
use crate::log::{DataQuality, ExposureLog, Role};
use crate::question::baseline::{Baseline, Supply};
use crate::question::whole::Question;
use crate::sensitivity::{Sensitivity, SensitivityTable};
use crate::study_file::{StudyFile, StudyInputs, StudyLog};

/// A part of the findings, or why it is not there.
///
/// ```
/// use tiltmeter::findings::Part;
/// let part: Part<u32> = Part::Missing { reason: "the log has no times".to_owned() };
/// assert_eq!((part.there(), part.reason()), (None, Some("the log has no times")));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part<T> {
    /// It is there.
    There(T),
    /// It is not.
    Missing {
        /// Why, in words.
        reason: String,
    },
}

impl<T> Part<T> {
    /// The part, where it is there.
    pub fn there(&self) -> Option<&T> {
        match self {
            Self::There(part) => Some(part),
            Self::Missing { .. } => None,
        }
    }

    /// Why it is not there.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::There(_) => None,
            Self::Missing { reason } => Some(reason),
        }
    }

    fn missing(reason: impl Into<String>) -> Self {
        Self::Missing { reason: reason.into() }
    }

    fn of(result: Result<T, Error>) -> Self {
        match result {
            Ok(part) => Self::There(part),
            Err(error) => Self::missing(error.to_string()),
        }
    }

    fn map<'p, U>(&'p self, of: impl FnOnce(&'p T) -> U) -> Part<U> {
        match self {
            Self::There(part) => Part::There(of(part)),
            Self::Missing { reason } => Part::missing(reason),
        }
    }
}

/// All that a study finds: its audit, and beside it shares over time, the profile of ranks, the same
/// question asked in other ways, the stages of the treatment, what the audit could have seen, and the state
/// of the data. A part that the log does not support is [`Part::Missing`] with the reason.
///
/// [`to_json`](Self::to_json) writes it (`docs/findings-json.md`);
#[cfg_attr(
    feature = "plot",
    doc = "[`to_html`](Self::to_html) makes a report for people of it, and"
)]
#[cfg_attr(feature = "plot", doc = "[`figures`](Self::figures) its figures alone.")]
///
/// The audit is the answer. The rest is there to doubt it with: parts are made of the same impressions
/// and no further evidence, and no day, rank or row among them is to be reported in the audit's place.
///
/// ```
/// use tiltmeter::findings::Findings;
/// use tiltmeter::StudyFile;
/// # let folder = tempfile::tempdir().unwrap();
/// # let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
/// # let path = folder.path().join("study.json");
/// # write("log.csv", "who,feed,about\na,ranked,war\nb,ranked,war\nc,newest,war\nd,newest,sport\n");
/// # write("study.json", r#"{
/// #     "log": {"path": "log.csv",
/// #             "schema": {"viewer": "who", "arm": "feed", "topics": {"column": "about"}}},
/// #     "question": {"treatment": "ranked", "baseline": {"arm": "newest"}, "topics": ["war"]}
/// # }"#);
/// let study = StudyFile::open(&path)?;
/// let findings = Findings::of(&study.read(folder.path())?, &study)?;
/// assert_eq!(findings.report().estimates()[0].value.number(), Some(2.0));
/// assert!(findings.over_time().reason().unwrap().contains("time")); // the log has none
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Findings {
    study: StudyFile,
    report: AuditReport,
    over_time: Part<OverTime>,
    positions: Part<PositionProfile>,
    sensitivity: Part<SensitivityTable>,
    waterfall: Part<WaterfallReport>,
    power: Part<PowerLeft>,
    quality: Part<DataQuality>,
}

impl Findings {
    /// Runs the study's audit and what belongs beside it. Costs the audit some dozens of times over where
    /// the log has ranks, weights and several labels, most of it for the sensitivity table.
    ///
    /// # Errors
    /// Those of [`Audit::run`](crate::Audit::run). What goes wrong beside the audit is the reason for a
    /// missing part.
    pub fn of(inputs: &StudyInputs, study: &StudyFile) -> Result<Self, Error> {
        study.question.refuse("a page of findings", &[])?;
        let report = study.audit(inputs).run()?;
        let topics: Vec<String> = topics_of(&report).into_iter().map(str::to_owned).collect();
        let quality = match report.quality() {
            Some(quality) => Part::There(quality.clone()),
            None => Part::missing(TALLIED),
        };
        let asked = Asked { inputs, study, topics: &topics };
        Ok(Self {
            over_time: of_log(inputs, study, |log| over_time::of(log, &asked)),
            positions: of_log(inputs, study, |log| positions::of(log, &asked)),
            sensitivity: of_log(inputs, study, |log| asked.sensitivity(log)),
            waterfall: of_log(inputs, study, |log| asked.waterfall(log)),
            power: match study.question.correct {
                Some(_) => Part::missing(CORRECTED),
                None => power::of(&asked),
            },
            study: study.clone(),
            report,
            quality,
        })
    }

    /// The study that was asked.
    #[must_use]
    pub fn study(&self) -> &StudyFile {
        &self.study
    }

    /// The audit.
    pub fn report(&self) -> &AuditReport {
        &self.report
    }

    /// Shares by day, or by week where the log is longer than 60 days, and arm.
    pub fn over_time(&self) -> &Part<OverTime> {
        &self.over_time
    }

    /// What was shown at each rank, by arm.
    pub fn positions(&self) -> &Part<PositionProfile> {
        &self.positions
    }

    /// The amplification ratio under every choice that the log supports.
    pub fn sensitivity(&self) -> &Part<SensitivityTable> {
        &self.sensitivity
    }

    /// What the stages of the treatment do to topics; those that no stage has are not among them.
    pub fn waterfall(&self) -> &Part<WaterfallReport> {
        &self.waterfall
    }

    /// The smallest ratio that the audit would have seen.
    pub fn power(&self) -> &Part<PowerLeft> {
        &self.power
    }

    /// The state of the log's data.
    pub fn quality(&self) -> &Part<DataQuality> {
        &self.quality
    }

    /// The topics, in the order of the audit.
    #[must_use]
    pub fn topics(&self) -> Vec<&str> {
        topics_of(&self.report)
    }
}

/// The topics of a report's estimates, each once.
fn topics_of(report: &AuditReport) -> Vec<&str> {
    let mut met: HashSet<&str> = HashSet::new();
    let topics = report.estimates().iter().map(|its| &*its.estimand.topic);
    topics.filter(|topic| met.insert(topic)).collect()
}

/// Why what needs impressions is not there.
const TALLIED: &str =
    "the log is several files, of which only sums were kept; audit one file for this part";

/// Why what is beside an audit of corrected labels is not there.
const CORRECTED: &str = "labels are corrected by hand, and this part knows them as they were predicted only; ask it without the correction";

/// What is asked, beside the log.
struct Asked<'a> {
    inputs: &'a StudyInputs,
    study: &'a StudyFile,
    topics: &'a [String],
}

fn of_log<T>(
    inputs: &StudyInputs,
    study: &StudyFile,
    of: impl FnOnce(&ExposureLog) -> Part<T>,
) -> Part<T> {
    match &inputs.log {
        _ if study.question.correct.is_some() => Part::missing(CORRECTED),
        StudyLog::Whole(log) => of(log),
        StudyLog::Tallied(_) | StudyLog::TwoWay(_) => Part::missing(TALLIED),
    }
}

impl Asked<'_> {
    /// The arms of the log that are compared: the treatment, and the baseline where it is an arm.
    fn arms(&self) -> Vec<String> {
        let question = &self.study.question;
        let mut arms = vec![question.treatment.clone()];
        if let Some(Baseline::Arm(baseline)) = &question.baseline {
            arms.push(baseline.clone());
        }
        arms
    }

    fn sensitivity(&self, log: &ExposureLog) -> Part<SensitivityTable> {
        let question = Question {
            topics: self.topics.to_vec().into(),
            // What the figure draws; and one way of clustering is all that the table knows.
            statistics: Vec::new(),
            second_cluster: None,
            ..self.study.question.clone()
        };
        let mut table = Sensitivity::of(log, &question).interval(self.study.inference.interval);
        if let Some(candidates) = &self.inputs.candidates {
            table = table.candidates(candidates);
        }
        if let Some(supply) = &self.inputs.supply {
            table = table.supply(supply);
        }
        Part::of(table.run())
    }

    fn waterfall(&self, log: &ExposureLog) -> Part<WaterfallReport> {
        let StudyInputs { candidates, supply, .. } = self.inputs;
        let engaged = log.numbers(Role::Engagement).is_some();
        if candidates.is_none() && supply.is_none() && !engaged {
            return Part::missing(
                "there are no stages but what was ranked: it needs a column of engagement, the candidates \
                 of requests, or a table of the items that were available",
            );
        }
        let asked = &self.study.question;
        let of_topics = |topics: Vec<String>| {
            let question = Question {
                denominator: asked.denominator,
                attention: asked.attention.clone(),
                multi_label: asked.multi_label,
                cluster: asked.cluster.clone(),
                ..Question::of_arm(&asked.treatment).topics(topics)
            };
            let mut waterfall = Waterfall::of(log, &question);
            if let Some(candidates) = candidates {
                waterfall = waterfall.candidates(candidates);
            }
            if let Some(items) = supply {
                let kind = match &asked.baseline {
                    Some(Baseline::Supply(kind)) => kind.clone(),
                    _ => Supply::Known,
                };
                waterfall = waterfall.supply(items, kind);
            }
            waterfall.interval(self.study.inference.interval).run()
        };
        match of_topics(self.topics.to_vec()) {
            // A topic that no stage has: the others have their stages all the same.
            Err(Error::UnknownTopic { available, .. }) => {
                let available: HashSet<String> = available.into_iter().collect();
                let some = self.topics.iter().filter(|topic| available.contains(&***topic));
                Part::of(of_topics(some.cloned().collect()))
            }
            other => Part::of(other),
        }
    }
}
