//! Which figures there are, and what is in each.

use std::collections::HashMap;

use super::order::ends_of;
use super::words::sentence;
use super::{Figure, tables};
use crate::base::text::{number, percent, short};
use crate::error::Error;
use crate::estimate::words::{interval, value};
use crate::estimate::{ConfidenceInterval, Estimate, Naive, SideOfNull, Value};
use crate::findings::{AtRank, Findings, OverTime, PositionProfile, ShareInWindow, TopicAtRank};
use crate::report::findings;
use crate::report::plot::{
    Bar, Counted, Forest, ForestRow, Mark, Multiples, Panel, Series, SeriesPoint,
};
use crate::report::table::{Cell, Table};
use crate::statistic::{AmplificationRatio, Scale, Statistic};
use crate::tally::WindowBy;

/// Other topics than so many have no specification curve and no waterfall in the report.
pub(super) const DRAWN: usize = 6;

/// Nor have others than so many a panel over time and by rank: more are no picture any more.
pub(super) const PANELS: usize = 16;

impl Findings {
    /// The arms, as figures name them.
    fn against(&self) -> String {
        self.study().question.arms_in_words()
    }

    /// A forest for each statistic.
    pub(super) fn forests(&self) -> Vec<Figure> {
        let forest = |statistic: &&dyn Statistic| {
            let estimates = self.by_size(*statistic);
            let rows = estimates.iter().map(|its| ForestRow {
                name: its.estimand.topic.clone(),
                bars: vec![bar(its, *statistic)],
            });
            let forest = Forest {
                title: sentence(&format!("{} by topic, {}", statistic.phrase(), self.against())),
                description: from_most_to_least(&estimates),
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
    pub(super) fn naive_against_robust(&self) -> Option<Figure> {
        let statistic = self.statistics().first().copied()?;
        let estimates = self.by_size(statistic);
        if estimates.iter().all(|its| its.naive.is_none()) {
            return None;
        }
        let row = |its: &&Estimate| {
            let mut bars = vec![bar(its, statistic)];
            bars.extend(its.naive.map(|naive| naive_bar(its, naive, statistic.scale())));
            ForestRow { name: its.estimand.topic.clone(), bars }
        };
        let rows: Vec<ForestRow> = estimates.iter().map(row).collect();
        let mut marks = legend(rows.iter());
        marks.push((Mark::Naive, "as if impressions were independent"));
        let forest = Forest {
            title: format!(
                "Clustered and naive intervals: {}, {}",
                statistic.phrase(),
                self.against()
            ),
            description: format!(
                "For each topic, the interval by clusters above the one that takes impressions for independent. {}",
                design_effects(&estimates)
            ),
            axis: axis_name(statistic, &estimates),
            scale: statistic.scale(),
            null: statistic.null().map(|null| (null, "no difference")),
            legend: marks,
            rows,
        };
        Some(drawn("naive".to_owned(), forest, tables::naive(&estimates)))
    }

    pub(super) fn shares_over_time(&self) -> Option<Figure> {
        let over = self.over_time().there()?;
        let mut starts: Vec<i64> = over.shares.iter().map(|its| its.start).collect();
        starts.dedup();
        let windows = windows_of(over);
        let topics = self.drawn_topics(PANELS);
        let of = |arm: &String, topic| series_of(windows.get(&(&**arm, topic)), &starts);
        let panels = topics.iter().map(|&topic| Panel {
            name: topic.to_owned(),
            unit: Counted::Shares,
            series: over.arms.iter().map(|arm| of(arm, topic)).collect(),
        });
        let panels: Vec<Panel> = panels.collect();
        let places: Vec<String> = starts.iter().map(|&at| findings::date(at)).collect();
        let multiples = Multiples {
            title: format!("Share of each topic over time, by arm ({})", every(over)),
            description: format!(
                "The share of each topic by arm in {} windows from {} to {}. {}",
                starts.len(),
                places.first().map_or("", String::as_str),
                places.last().map_or("", String::as_str),
                self.ends_of_telling(&over.arms, &places, &panels)
            ),
            arms: over.arms.clone(),
            places,
            panels,
            note: format!(
                "Bands: {}% intervals by clusters, one window at a time. All panels have one axis.{}",
                percent(over.level),
                self.of_how_many(topics.len())
            ),
        };
        let shares = tables::Shares {
            caption: format!("Shares by window, with {}% intervals", percent(over.level)),
            place: ("window from", &multiples.places),
            arms: &over.arms,
            topics: &topics,
        };
        let numbers = shares.table(|arm, topic, place| {
            let its = windows.get(&(&*over.arms[arm], topics[topic]))?.get(&starts[place])?;
            Some((its.share, [its.low, its.high], its.no_interval))
        });
        Some(multiple("over-time", &multiples, numbers))
    }

    pub(super) fn profile_of_ranks(&self) -> Option<Figure> {
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
        let at: HashMap<&str, usize> =
            self.topics().into_iter().enumerate().map(|(at, topic)| (topic, at)).collect();
        let topics = self.drawn_topics(PANELS);
        let panel = |topic: &&str| Panel {
            name: (*topic).to_owned(),
            unit: Counted::Shares,
            series: profile.arms.iter().map(|arm| shares_at(profile, arm, at[topic])).collect(),
        };
        let panels: Vec<Panel> = topics.iter().map(panel).collect();
        let places: Vec<String> = (1..=last).map(|rank| format!("rank {rank}")).collect();
        let description = format!(
            "For each rank from 1 to {last} the impressions of {}, and the share of each topic. {}",
            named(&profile.arms),
            self.ends_of_telling(&profile.arms, &places, &panels)
        );
        let multiples = Multiples {
            title: format!("Impressions and share of each topic by rank, 1 to {last}"),
            description,
            arms: profile.arms.clone(),
            places,
            panels: std::iter::once(impressions).chain(panels).collect(),
            note: format!(
                "Bands: {}% intervals by clusters, one rank at a time, with the weights of the question. All panels of \
                 topics have one axis.{}",
                percent(profile.level),
                self.of_how_many(topics.len())
            ),
        };
        let shares = tables::Shares {
            caption: format!("Shares by rank, with {}% intervals", percent(profile.level)),
            place: ("rank", &multiples.places),
            arms: &profile.arms,
            topics: &topics,
        };
        let by_arm = |arm: &String| profile.ranks.iter().filter(|at| at.arm == *arm).collect();
        let ranks: Vec<Vec<&AtRank>> = profile.arms.iter().map(by_arm).collect();
        let mut numbers = shares.table(|arm, topic, place| {
            let its = ranks.get(arm)?.get(place)?.topics.get(at[topics[topic]])?;
            Some((its.share, [its.low, its.high], its.no_interval))
        });
        for (place, rank) in multiples.places.iter().enumerate() {
            numbers.rows.push(tables::impressions_at(rank, ranks.iter().map(|its| its.get(place))));
        }
        Some(multiple("positions", &multiples, numbers))
    }

    /// Which topics are drawn, where these are not all.
    fn of_how_many(&self, drawn: usize) -> String {
        let all = self.topics().len();
        match all > drawn {
            true => format!(
                " Drawn are {drawn} of {all} topics, of which the audit says most; the findings as JSON have all."
            ),
            false => String::new(),
        }
    }

    /// What the topic that tells most was at the first and last place, in each arm.
    fn ends_of_telling(&self, arms: &[String], places: &[String], panels: &[Panel]) -> String {
        let telling = self.statistics().first().and_then(|its| {
            let telling = self.most_telling(*its);
            telling.first().map(|its| its.estimand.topic.clone())
        });
        let Some(panel) = panels.iter().find(|its| Some(&its.name) == telling.as_ref()) else {
            return String::new();
        };
        let share = |point: Option<SeriesPoint>| {
            point.map_or("no share".to_owned(), |its| format!("{}%", short(100.0 * its.value)))
        };
        let arm = |(arm, series): (&String, &Series)| {
            let end = |at: Option<&Option<SeriesPoint>>| share(at.copied().flatten());
            format!("from {} to {} in arm {arm:?}", end(series.first()), end(series.last()))
        };
        let arms: Vec<String> = arms.iter().zip(&panel.series).map(arm).collect();
        let ends = [places.first(), places.last()].map(|its| its.map_or("", String::as_str));
        format!(
            "From {} to {} the share of {:?} goes {}.",
            ends[0],
            ends[1],
            panel.name,
            arms.join(" and ")
        )
    }

    /// Of the topics that tell most, the most telling first.
    pub(super) fn specification_curves(&self) -> Result<Vec<Figure>, Error> {
        let Some(table) = self.sensitivity().there() else { return Ok(Vec::new()) };
        let curve = |(at, estimate): (usize, &Estimate)| {
            let topic = &*estimate.estimand.topic;
            let sentence = table.summary(&AmplificationRatio, topic).map(|its| its.sentence());
            Ok(Figure {
                name: format!("specification-{}", at + 1),
                title: format!("Specification curve of topic {topic:?}"),
                description: sentence.unwrap_or_default(),
                svg: table.to_svg(&AmplificationRatio, topic)?,
                numbers: tables::specifications(table, topic),
            })
        };
        let telling = self.telling().into_iter();
        telling.take(DRAWN).enumerate().map(curve).collect()
    }

    /// The estimates of the first statistic, the most telling first.
    pub(super) fn telling(&self) -> Vec<&Estimate> {
        self.statistics().first().map_or_else(Vec::new, |its| self.most_telling(*its))
    }

    pub(super) fn waterfalls(&self) -> Result<Vec<Figure>, Error> {
        let Some(report) = self.waterfall().there() else { return Ok(Vec::new()) };
        let by_topic: HashMap<&str, _> =
            report.waterfalls().iter().map(|its| (&*its.topic, its)).collect();
        let telling = self.telling().into_iter();
        let there = telling.filter_map(|its| by_topic.get(&*its.estimand.topic));
        let drawn = there.take(DRAWN).enumerate().map(|(at, its)| {
            Ok(Figure {
                name: format!("waterfall-{}", at + 1),
                title: format!("Waterfall of topic {:?}, arm {:?}", its.topic, report.arm()),
                description: its.sentence(),
                svg: report.to_svg(&its.topic)?,
                numbers: tables::waterfall(its),
            })
        });
        drawn.collect()
    }

    /// What the audit could not have seen, with what it found.
    pub(super) fn detectable(&self) -> Option<Figure> {
        let power = self.power().there()?;
        let by_topic: HashMap<&str, &crate::findings::TopicPower> =
            power.topics.iter().map(|its| (&*its.topic, its)).collect();
        let found = self.by_size(&AmplificationRatio);
        let values: HashMap<&str, Value> =
            found.iter().map(|its| (&*its.estimand.topic, its.value)).collect();
        let row = |its: &crate::findings::TopicPower, found: Option<&Estimate>| {
            let words = match (its.below, its.above) {
                (Some(below), Some(above)) => format!("{} to {}", number(below), number(above)),
                _ => "not known".to_owned(),
            };
            let ends = its.below.zip(its.above);
            let bar = Bar {
                value: found.and_then(|found| ends_of(found.value, Scale::Log)),
                interval: ends.map(|(low, high)| (low.ln(), high.ln())),
                mark: found.map_or(Mark::Unsure, mark),
                words,
            };
            ForestRow { name: its.topic.clone(), bars: vec![bar] }
        };
        // By what was found, where the ratio was asked for.
        let rows: Vec<ForestRow> = match found.is_empty() {
            true => power.topics.iter().map(|its| row(its, None)).collect(),
            false => {
                let rows = found.iter().filter_map(|found| {
                    Some(row(by_topic.get(&*found.estimand.topic)?, Some(found)))
                });
                rows.collect()
            }
        };
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
        let found = |topic: &str| match values.get(topic) {
            Some(value) => tables::value(*value),
            None => Cell::words("not asked"),
        };
        let numbers = findings::power(power, Some(&found));
        Some(drawn("power".to_owned(), forest, numbers))
    }
}

fn drawn(name: String, forest: Forest<'_>, numbers: Table) -> Figure {
    let svg = forest.svg();
    let Forest { title, description, .. } = forest;
    Figure { name, title, description, svg, numbers }
}

fn multiple(name: &str, multiples: &Multiples, numbers: Table) -> Figure {
    Figure {
        name: name.to_owned(),
        title: multiples.title.clone(),
        description: multiples.description.clone(),
        svg: multiples.svg(),
        numbers,
    }
}

/// The ends of a row of estimates that is ordered by size.
fn from_most_to_least(estimates: &[&Estimate]) -> String {
    let one = |its: &Estimate| {
        let ends = its
            .interval
            .ok()
            .map(|its| format!(" ({}% interval {})", percent(its.level), interval(&its)));
        format!("{:?}, {}{}", its.estimand.topic, value(its.value), ends.unwrap_or_default())
    };
    match estimates {
        [] => "No topic.".to_owned(),
        [only] => format!("Of one topic: {}.", one(only)),
        [most, .., least] => {
            format!("{} topics by size, from {} to {}.", estimates.len(), one(most), one(least))
        }
    }
}

/// The least and greatest design effect.
fn design_effects(estimates: &[&Estimate]) -> String {
    let effect = |its: &&Estimate| Some((its.naive?.design_effect?, its.estimand.topic.clone()));
    let mut effects: Vec<(f64, String)> = estimates.iter().filter_map(effect).collect();
    effects.sort_by(|a, b| a.0.total_cmp(&b.0));
    let what = "The design effect is the square of how many times the clustered error is as large";
    match effects.as_slice() {
        [] => "No design effect is known.".to_owned(),
        [(only, topic)] => format!("{what}: {} for {topic:?}.", number(*only)),
        [(least, of_least), .., (most, of_most)] => format!(
            "{what}: from {} for {of_least:?} to {} for {of_most:?}.",
            number(*least),
            number(*most)
        ),
    }
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
        Some(SeriesPoint { value: its.share?, interval: ends(its.low, its.high) })
    };
    starts.iter().map(at).collect()
}

fn shares_at(profile: &PositionProfile, arm: &str, topic: usize) -> Series {
    let ranks = profile.ranks.iter().filter(|at| at.arm == arm);
    let point = |its: &TopicAtRank| {
        Some(SeriesPoint { value: its.share?, interval: ends(its.low, its.high) })
    };
    ranks.map(|at| at.topics.get(topic).and_then(point)).collect()
}

/// The ends of a share's interval: of one with one end, the other is the edge of what a share can be.
fn ends(low: Option<f64>, high: Option<f64>) -> Option<(f64, f64)> {
    (low.is_some() || high.is_some()).then(|| (low.unwrap_or(0.0), high.unwrap_or(1.0)))
}

fn named(arms: &[String]) -> String {
    let arms: Vec<String> = arms.iter().map(|arm| format!("arm {arm:?}")).collect();
    arms.join(" and ")
}

/// How long the windows are.
pub(super) fn every(over: &OverTime) -> String {
    match over.windows {
        WindowBy::Every { seconds: 86_400, .. } => "days, UTC".to_owned(),
        WindowBy::Every { seconds, origin } if seconds % (7 * 86_400) == 0 => {
            let first = findings::date(origin.saturating_mul(1_000_000));
            match seconds / (7 * 86_400) {
                1 => format!("weeks from {first}, UTC"),
                weeks => format!("windows of {weeks} weeks from {first}, UTC"),
            }
        }
        other => other.to_string(),
    }
}
