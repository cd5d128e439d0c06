//! Which figures there are, and what is in each.

use std::collections::{HashMap, HashSet};

use super::words::sentence;
use super::{Drawn, Figure, tables};
use crate::base::text::{number, percent};
use crate::error::Error;
use crate::estimate::words::{interval, value};
use crate::estimate::{ConfidenceInterval, Estimate, Naive, SideOfNull, Value};
use crate::findings::{Findings, OverTime, PositionProfile, ShareInWindow};
use crate::report::findings;
use crate::report::plot::{
    Bar, Counted, Forest, ForestRow, Mark, Multiples, Panel, Series, SeriesPoint,
};
use crate::report::table::{Cell, Table};
use crate::statistic::{AmplificationRatio, Scale, Statistic};

/// Topics beyond these have no specification curve and no waterfall in the report.
pub(super) const DRAWN: usize = 6;

impl Findings {
    pub(super) fn estimates_of(&self, statistic: &dyn Statistic) -> Vec<&Estimate> {
        // Of one that was asked twice, the first.
        let mut met: HashSet<&str> = HashSet::new();
        let mut estimates: Vec<&Estimate> = Vec::new();
        for its in self.report().estimates() {
            if its.estimand.statistic == statistic.name() && met.insert(&its.estimand.topic) {
                estimates.push(its);
            }
        }
        estimates
    }

    /// The arms, as figures name them.
    fn against(&self) -> String {
        let question = &self.study().question;
        format!("arm {:?} against {}", question.treatment, question.baseline_in_words())
    }

    /// A forest for each statistic.
    pub(super) fn forests(&self) -> Vec<Drawn> {
        let forest = |statistic: &&dyn Statistic| {
            let estimates = self.estimates_of(*statistic);
            let rows = estimates.iter().map(|its| ForestRow {
                name: its.estimand.topic.clone(),
                bars: vec![bar(its, *statistic)],
            });
            let said: Vec<String> = estimates.iter().map(|its| its.sentence()).collect();
            let forest = Forest {
                title: sentence(&format!("{} by topic, {}", statistic.phrase(), self.against())),
                description: said.join(" "),
                axis: axis_name(*statistic, &estimates),
                scale: statistic.scale(),
                null: statistic.null().map(|null| (null, "no difference")),
                legend: legend(rows.clone()),
                rows: rows.collect(),
            };
            let name = format!("forest-{}", statistic.name());
            drawn(name, forest, tables::estimates(&estimates))
        };
        self.statistics().iter().map(forest).collect()
    }

    /// Both intervals of the first statistic, where there are two.
    pub(super) fn naive_against_robust(&self) -> Option<Drawn> {
        let statistic = self.statistics().first().copied()?;
        let estimates = self.estimates_of(statistic);
        if estimates.iter().all(|its| its.naive.is_none()) {
            return None;
        }
        let row = |its: &&Estimate| {
            let mut bars = vec![bar(its, statistic)];
            bars.extend(its.naive.map(|naive| naive_bar(its, naive, statistic.scale())));
            ForestRow { name: its.estimand.topic.clone(), bars }
        };
        let rows: Vec<ForestRow> = estimates.iter().map(row).collect();
        let effect = |its: &&Estimate| {
            let effect = its.naive?.design_effect?;
            Some(format!("{:?}: {}", its.estimand.topic, number(effect)))
        };
        let effects: Vec<String> = estimates.iter().filter_map(effect).collect();
        let mut marks = legend(rows.iter());
        marks.push((Mark::Naive, "as if impressions were independent"));
        let forest = Forest {
            title: format!(
                "Clustered and naive intervals: {}, {}",
                statistic.phrase(),
                self.against()
            ),
            description: format!(
                "For each topic, the interval by clusters above the one that takes impressions for \
                 independent. SampleSizePlan effects, the square of the ratio of the two errors: {}.",
                effects.join(", ")
            ),
            axis: axis_name(statistic, &estimates),
            scale: statistic.scale(),
            null: statistic.null().map(|null| (null, "no difference")),
            legend: marks,
            rows,
        };
        Some(drawn("naive".to_owned(), forest, tables::naive(&estimates)))
    }

    pub(super) fn shares_over_time(&self) -> Option<Drawn> {
        let over = self.over_time().there()?;
        let mut starts: Vec<i64> = over.shares.iter().map(|its| its.start).collect();
        starts.dedup();
        let windows = windows_of(over);
        let of = |arm: &String, topic| series_of(windows.get(&(&**arm, topic)), &starts);
        let panels = self.topics().into_iter().map(|topic| Panel {
            name: topic.to_owned(),
            unit: Counted::Shares,
            series: over.arms.iter().map(|arm| of(arm, topic)).collect(),
        });
        let multiples = Multiples {
            title: format!("Share of each topic over time, by arm ({})", every(over)),
            description: format!(
                "{} windows from {} to {}, in each the share of each topic in {}, with {}% intervals. \
                 The numbers are in the table.",
                starts.len(),
                starts.first().map_or_else(String::new, |&at| findings::date(at)),
                starts.last().map_or_else(String::new, |&at| findings::date(at)),
                named(&over.arms),
                percent(over.level)
            ),
            arms: over.arms.clone(),
            places: starts.iter().map(|&at| findings::date(at)).collect(),
            panels: panels.collect(),
            note: format!(
                "Bands: {}% intervals by clusters, one window at a time. Each panel has its own axis.",
                percent(over.level)
            ),
        };
        Some(multiple("over-time", &multiples, findings::over_time(over)))
    }

    pub(super) fn profile_of_ranks(&self) -> Option<Drawn> {
        let profile = self.positions().there()?;
        let last = profile.ranks.iter().map(|at| at.rank).max().unwrap_or(0);
        let counts = |arm: &String| -> Series {
            let ranks = profile.ranks.iter().filter(|at| at.arm == *arm);
            ranks.map(|at| Some(point(at.impressions as f64))).collect()
        };
        let impressions = Panel {
            name: "Impressions at each rank".to_owned(),
            unit: Counted::Impressions,
            series: profile.arms.iter().map(counts).collect(),
        };
        let of_topic = |(at, topic): (usize, &str)| Panel {
            name: topic.to_owned(),
            unit: Counted::Shares,
            series: profile.arms.iter().map(|arm| shares_at(profile, arm, at)).collect(),
        };
        let panels = self.topics().into_iter().enumerate().map(of_topic);
        let multiples = Multiples {
            title: format!("Impressions and share of each topic by rank, 1 to {last}"),
            description: format!(
                "For each rank the impressions of {}, and the share of each topic among them. The numbers \
                 are in the table.",
                named(&profile.arms)
            ),
            arms: profile.arms.clone(),
            places: (1..=last).map(|rank| format!("rank {rank}")).collect(),
            panels: std::iter::once(impressions).chain(panels).collect(),
            note: "Counts of impressions, without intervals. Each panel has its own axis."
                .to_owned(),
        };
        Some(multiple("positions", &multiples, findings::positions(profile)))
    }

    pub(super) fn specification_curves(&self) -> Result<Vec<Drawn>, Error> {
        let Some(table) = self.sensitivity().there() else { return Ok(Vec::new()) };
        let curve = |(at, topic): (usize, &str)| {
            let sentence = table.summary(&AmplificationRatio, topic).map(|its| its.sentence());
            let figure = Figure {
                name: format!("specification-{}", at + 1),
                title: format!(
                    "Specification curve of topic {topic:?}: every supported row by size"
                ),
                description: sentence.unwrap_or_default(),
                svg: table.to_svg(&AmplificationRatio, topic)?,
            };
            let rows = table.rows_of(&AmplificationRatio, topic);
            Ok(Drawn { figure, numbers: tables::specifications(table, rows) })
        };
        self.topics().into_iter().take(DRAWN).enumerate().map(curve).collect()
    }

    pub(super) fn waterfalls(&self) -> Result<Vec<Drawn>, Error> {
        let Some(report) = self.waterfall().there() else { return Ok(Vec::new()) };
        let drawn = report.waterfalls().iter().take(DRAWN).enumerate().map(|(at, its)| {
            let figure = Figure {
                name: format!("waterfall-{}", at + 1),
                title: format!("Waterfall of topic {:?}, arm {:?}", its.topic, report.arm()),
                description: its.sentence(),
                svg: report.to_svg(&its.topic)?,
            };
            Ok(Drawn { figure, numbers: tables::waterfall(its) })
        });
        drawn.collect()
    }

    /// What the audit could not have seen, with what it found.
    pub(super) fn detectable(&self) -> Option<Drawn> {
        let power = self.power().there()?;
        let estimates = self.estimates_of(&AmplificationRatio);
        let by_topic: HashMap<&str, &Estimate> =
            estimates.iter().map(|its| (&*its.estimand.topic, *its)).collect();
        let row = |its: &crate::findings::TopicPower| {
            let found = by_topic.get(&*its.topic);
            let words = match (its.below, its.above) {
                (Some(below), Some(above)) => format!("{} to {}", number(below), number(above)),
                _ => "not known".to_owned(),
            };
            let ends = its.below.zip(its.above);
            let bar = Bar {
                value: found.and_then(|found| ends_of(found.value, Scale::Log)),
                interval: ends.map(|(low, high)| (low.ln(), high.ln())),
                mark: found.map_or(Mark::Unsure, |found| mark(found)),
                words,
            };
            ForestRow { name: its.topic.clone(), bars: vec![bar] }
        };
        let rows: Vec<ForestRow> = power.topics.iter().map(row).collect();
        let title =
            format!("Ratios that the audit sees with a power below {}%", percent(power.power));
        let forest = Forest {
            title,
            description: super::words::power(power),
            axis: "amplification ratio; bars: true ratios seen less often; dots: values found"
                .to_owned(),
            scale: Scale::Log,
            null: Some((0.0, "no difference")),
            legend: legend(rows.iter()),
            rows,
        };
        let by_topic: HashMap<&str, &Estimate> =
            estimates.iter().map(|its| (&*its.estimand.topic, *its)).collect();
        let found = |topic: &str| match by_topic.get(topic) {
            Some(its) => tables::value(its.value),
            None => Cell::words("not asked"),
        };
        let numbers = findings::power(power, Some(&found));
        Some(drawn("power".to_owned(), forest, numbers))
    }
}

fn drawn(name: String, forest: Forest<'_>, numbers: Table) -> Drawn {
    let svg = forest.svg();
    let Forest { title, description, .. } = forest;
    Drawn { figure: Figure { name, title, description, svg }, numbers }
}

fn multiple(name: &str, multiples: &Multiples, numbers: Table) -> Drawn {
    let figure = Figure {
        name: name.to_owned(),
        title: multiples.title.clone(),
        description: multiples.description.clone(),
        svg: multiples.svg(),
    };
    Drawn { figure, numbers }
}

/// On which side of the null it is found, among all topics or by itself alone.
pub(super) fn mark(estimate: &Estimate) -> Mark {
    let Some(finding) = estimate.finding else { return Mark::Unsure };
    match (finding.alone, finding.among_all.is_clear()) {
        (SideOfNull::Above, true) => Mark::Above,
        (SideOfNull::Below, true) => Mark::Below,
        (SideOfNull::Above, false) => Mark::AboveAlone,
        (SideOfNull::Below, false) => Mark::BelowAlone,
        (SideOfNull::Includes | SideOfNull::NoInterval, _) => Mark::Unsure,
    }
}

/// The least and greatest value, on the working scale.
fn ends_of(value: Value, scale: Scale) -> Option<(f64, f64)> {
    let (low, high) = match value {
        Value::Between { low, high } => (low, high),
        other => other.number().map(|value| (value, value))?,
    };
    Some((scale.working(low), scale.working(high)))
}

fn working(interval: &ConfidenceInterval, scale: Scale) -> (f64, f64) {
    let end = |end: Option<f64>, open: f64| end.map_or(open, |end| scale.working(end));
    (end(interval.low, f64::NEG_INFINITY), end(interval.high, f64::INFINITY))
}

fn bar(estimate: &Estimate, statistic: &dyn Statistic) -> Bar {
    let scale = statistic.scale();
    let shown = value(estimate.value);
    Bar {
        value: ends_of(estimate.value, scale),
        interval: estimate.interval.ok().map(|its| working(&its, scale)),
        mark: mark(estimate),
        words: match (&estimate.interval, estimate.value) {
            (_, Value::Undefined(reason)) => format!("undefined: {reason}"),
            (Ok(its), _) => format!("{shown} ({})", interval(its)),
            (Err(_), _) => format!("{shown} (no interval)"),
        },
    }
}

fn naive_bar(estimate: &Estimate, naive: Naive, scale: Scale) -> Bar {
    Bar {
        value: ends_of(estimate.value, scale),
        interval: Some(working(&naive.interval, scale)),
        mark: Mark::Naive,
        words: format!("naive: {}", interval(&naive.interval)),
    }
}

/// The marks that there are.
fn legend<'f, R: std::borrow::Borrow<ForestRow>>(
    rows: impl Iterator<Item = R>,
) -> Vec<(Mark, &'f str)> {
    let mut there: Vec<Mark> = Vec::new();
    for row in rows {
        there.extend(row.borrow().bars.iter().map(|bar| bar.mark));
    }
    let all = [
        (Mark::Above, "above no difference"),
        (Mark::Below, "below it"),
        (Mark::AboveAlone, "above it, by itself alone"),
        (Mark::BelowAlone, "below it, by itself alone"),
        (Mark::Unsure, "not decided"),
    ];
    all.into_iter().filter(|(mark, _)| there.contains(mark)).collect()
}

fn axis_name(statistic: &dyn Statistic, estimates: &[&Estimate]) -> String {
    let level = estimates.iter().find_map(|its| its.interval.ok());
    let bars = level.map_or("no intervals".to_owned(), |its| {
        format!("bars: {}% intervals", percent(its.level))
    });
    let logarithmic = match statistic.scale() {
        Scale::Log | Scale::LogPercent => ", logarithmic axis",
        Scale::Linear | Scale::Logit => "",
    };
    format!("{}{logarithmic}; {bars}", statistic.name().replace('_', " "))
}

fn point(value: f64) -> SeriesPoint {
    SeriesPoint { value, interval: None }
}

/// The share of each topic in each arm, by window.
type Windows<'f> = HashMap<(&'f str, &'f str), HashMap<i64, &'f ShareInWindow>>;

fn windows_of(over: &OverTime) -> Windows<'_> {
    let mut windows = Windows::new();
    for its in &over.shares {
        windows.entry((&its.arm, &its.topic)).or_default().insert(its.start, its);
    }
    windows
}

fn series_of(here: Option<&HashMap<i64, &ShareInWindow>>, starts: &[i64]) -> Series {
    let at = |start: &i64| {
        let its = here?.get(start)?;
        // Of an interval with one end, the other is the edge of what a share can be.
        let ends = its.low.is_some() || its.high.is_some();
        let ends = ends.then(|| (its.low.unwrap_or(0.0), its.high.unwrap_or(1.0)));
        Some(SeriesPoint { value: its.share?, interval: ends })
    };
    starts.iter().map(at).collect()
}

fn shares_at(profile: &PositionProfile, arm: &str, topic: usize) -> Series {
    let ranks = profile.ranks.iter().filter(|at| at.arm == arm);
    ranks.map(|at| at.topics.get(topic).and_then(|its| its.share).map(point)).collect()
}

fn named(arms: &[String]) -> String {
    let arms: Vec<String> = arms.iter().map(|arm| format!("arm {arm:?}")).collect();
    arms.join(" and ")
}

/// How long the windows are.
pub(super) fn every(over: &OverTime) -> &'static str {
    if over.windows == crate::tally::WindowBy::days(1) {
        "days, UTC"
    } else {
        "weeks from Monday, UTC"
    }
}
