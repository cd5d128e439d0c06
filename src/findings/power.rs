//! What the audit could have seen: the smallest ratio that its clusters detect.

use serde::{Deserialize, Serialize};

use super::{Asked, Part};
use crate::error::Error;
use crate::inference::{PerArm, Pilot, SampleSizePlan, TopicQuestion};
use crate::statistic::{AmplificationRatio, Side};

/// The smallest amplification ratio that an audit of as many clusters as this detects, by topic: the log
/// taken for the pilot of its own repetition ([`Pilot`], [`SampleSizePlan`]).
///
/// It says what an interval that holds 1 leaves open. It is no power of the effect that was found, which
/// would say nothing that the interval does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PowerLeft {
    /// The level of the interval that is to exclude 1, in (0, 1).
    pub level: f64,
    /// The probability with which it is to do so.
    pub power: f64,
    /// By topic, in the order of the audit.
    pub topics: Vec<TopicPower>,
}

/// What the audit could have seen of a topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopicPower {
    /// The topic.
    pub topic: String,
    /// The smallest ratio above 1 that is detected; `None` if `reason` says why.
    pub above: Option<f64>,
    /// The largest ratio below 1 that is.
    pub below: Option<f64>,
    /// The standard error of the logarithm of the ratio.
    pub standard_error: Option<f64>,
    /// Clusters in the treatment and the baseline; crossed ones count in both.
    pub clusters: Option<[u64; 2]>,
    /// Why it is not known.
    pub reason: Option<String>,
}

pub(super) fn of(asked: &Asked<'_>) -> Part<PowerLeft> {
    Part::of(left(asked)).flattened()
}

impl Part<Part<PowerLeft>> {
    fn flattened(self) -> Part<PowerLeft> {
        match self {
            Self::There(part) => part,
            Self::Missing { reason } => Part::Missing { reason },
        }
    }
}

fn left(asked: &Asked<'_>) -> Result<Part<PowerLeft>, Error> {
    let study = asked.study;
    let audit = study.audit(asked.inputs);
    let comparison = audit.compare()?;
    let Some((tally, baseline)) = comparison.arms() else {
        return Ok(Part::missing(format!(
            "it is planned for two arms with clusters, and {} has none",
            study.question.needs_baseline()?
        )));
    };
    let level = study.inference.interval.level();
    let design = SampleSizePlan { level, ..SampleSizePlan::of(PerArm::equal(2)) };
    let mut topics = Vec::with_capacity(asked.topics.len());
    for topic in asked.topics {
        let question = TopicQuestion { baseline, ..TopicQuestion::of(&study.question, topic)? };
        topics.push(of_topic(topic, Pilot::of(tally, &question, &AmplificationRatio), &design));
    }
    Ok(Part::There(PowerLeft { level, power: design.power, topics }))
}

fn of_topic(topic: &str, pilot: Result<Pilot, Error>, design: &SampleSizePlan) -> TopicPower {
    let few = |pilot: &Pilot| pilot.cautions.iter().find(|its| its.is_of_few()).copied();
    let few = pilot.as_ref().ok().and_then(few);
    let detected = pilot.map_err(|error| error.to_string()).and_then(|pilot| {
        if let Some(few) = few {
            return Err(few.to_string());
        }
        let clusters_per_arm = clusters(&pilot);
        let design = SampleSizePlan { clusters_per_arm, ..*design };
        let found = pilot.minimum_detectable(&design).map_err(|error| error.to_string())?;
        Ok((found, clusters_per_arm))
    });
    let topic = topic.to_owned();
    match detected {
        Ok((found, PerArm { treatment, baseline })) => TopicPower {
            topic,
            above: Some(found.above),
            below: Some(found.below),
            standard_error: Some(found.standard_error),
            clusters: Some([treatment, baseline]),
            reason: None,
        },
        Err(reason) => TopicPower {
            topic,
            above: None,
            below: None,
            standard_error: None,
            clusters: None,
            reason: Some(reason),
        },
    }
}

/// As many clusters as the pilot has where the ratio's variance comes from.
fn clusters(pilot: &Pilot) -> PerArm {
    let of = |side: Side| {
        let mut parts = pilot.variance.iter();
        let part = parts.find(|part| part.side.is_none_or(|its| its == side));
        part.map_or(0, |part| part.clusters)
    };
    PerArm { treatment: of(Side::Treatment), baseline: of(Side::Baseline) }
}
