//! The strip of facts at the top: what was compared, of how many, when, and weighed by what.

use crate::base::text::count;
use crate::estimate::{Estimate, words};
use crate::findings::Findings;
use crate::log::DataQuality;
use crate::question::baseline::Baseline;
use crate::question::cluster::StratifyBy;
use crate::question::estimand::Estimand;
use crate::question::multi_label::MultiLabel;
use crate::question::weights::Weights;
use crate::report::findings::date;
use crate::statistic::Side;

/// A fact, with what it is about.
pub(super) type Fact = (&'static str, String);

impl Findings {
    /// The facts; none where nothing was estimated.
    pub(super) fn facts(&self) -> Vec<Fact> {
        let Some(first) = self.report().estimates().first() else { return Vec::new() };
        let estimand = &first.estimand;
        let quality = self.quality().there();
        let mut facts = vec![
            compared(estimand),
            ("Topics", count(self.topics().len() as u64)),
            ("Independent clusters", clusters(self.report().estimates())),
            ("Impressions compared", impressions(first)),
            ("Days", days(quality)),
            ("Weight of an impression", weight(first)),
            ("Rows", rows(first, quality)),
            (
                "Strata",
                match &estimand.strata {
                    StratifyBy::Nothing => "none".to_owned(),
                    some => format!("by {some}"),
                },
            ),
        ];
        if estimand.multi_label == MultiLabel::Fractional {
            facts.push(("Several topics", "each of n counts 1/n".to_owned()));
        }
        facts
    }
}

/// The arms, or the one arm.
fn compared(estimand: &Estimand) -> Fact {
    match &estimand.baseline {
        Baseline::Nothing => ("Measured", format!("arm {:?}", estimand.treatment)),
        baseline => ("Compared", format!("arm {:?} with {baseline}", estimand.treatment)),
    }
}

/// Who was independent: people, or whatever the clusters are.
fn clusters(estimates: &[Estimate]) -> String {
    let first = &estimates[0];
    let of = |side| words::clusters(estimates, side, count);
    let baseline = match first.clusters.baseline {
        0 => "none in the baseline".to_owned(),
        _ => format!("{} in the baseline, {}", of(Side::Baseline), first.clusters.relation),
    };
    let cluster = &first.estimand.cluster;
    let second = match (&first.estimand.second_cluster, first.second_clusters) {
        (Some(unit), Some(its)) => format!(
            "; and {unit}: {} in the treatment, {} in the baseline",
            count(its.treatment),
            count(its.baseline)
        ),
        _ => String::new(),
    };
    format!("{cluster}: {} in the treatment, {baseline}{second}", of(Side::Treatment))
}

fn impressions(first: &Estimate) -> String {
    let of = |n: u64| count(n);
    match first.baseline.impressions {
        0 => of(first.treatment.impressions),
        baseline => format!("{} with {}", of(first.treatment.impressions), of(baseline)),
    }
}

fn days(quality: Option<&DataQuality>) -> String {
    match quality.and_then(|its| its.time_range) {
        Some((first, last)) if date(first) == date(last) => format!("{} (UTC)", date(first)),
        Some((first, last)) => format!("{} to {} (UTC)", date(first), date(last)),
        None => "not known".to_owned(),
    }
}

fn weight(first: &Estimate) -> String {
    let estimand = &first.estimand;
    let weights = match &estimand.weights {
        Weights::Unknown => "not known".to_owned(),
        Weights::Equal => "1".to_owned(),
        columns @ Weights::Columns(_) => format!("the column {columns}"),
    };
    format!("{weights}, attention {}, {}", estimand.attention, estimand.unit)
}

/// Which rows were asked about, and how many were not.
fn rows(first: &Estimate, quality: Option<&DataQuality>) -> String {
    let kept: Vec<String> = first.estimand.kept.iter().map(ToString::to_string).collect();
    let mut said = match kept.is_empty() {
        true => "all, without a filter".to_owned(),
        false => format!("where {}", kept.join(" and ")),
    };
    if let Some(quality) = quality {
        let origin = &quality.origin;
        let but = [(origin.left_out, "left out"), (origin.set_aside.rows, "set aside")];
        for (n, what) in but.into_iter().filter(|(n, _)| *n > 0) {
            said.push_str(&format!(", {} {what}", count(n)));
        }
    }
    said
}
