//! The sections of the page, in order.

use std::collections::HashSet;

use super::figures::DRAWN;
use super::page::{Item, Page};
use super::tables;
use crate::base::text::count;
use crate::error::Error;
use crate::findings::{Findings, Part};
use crate::log::DataQuality;
use crate::report::findings::{date, table};
use crate::report::table::{Cell, Table};
use crate::statistic::Statistic;

type Write = fn(&Findings, &mut Page) -> Result<(), Error>;

/// Each with its id, its heading and what writes it.
pub(super) const ALL: [(&str, &str, Write); 11] = [
    ("finding", "Finding", finding),
    ("topics", "Topics", topics),
    ("naive", "Naive against clustered", naive),
    ("over-time", "Shares over time", over_time),
    ("positions", "Ranks", positions),
    ("sensitivity", "Sensitivity to choices", sensitivity),
    ("waterfall", "From supply to engagement", waterfall),
    ("power", "What the audit could have seen", power),
    ("quality", "Data quality", quality),
    ("methods", "Methods", methods),
    ("study", "The study", study),
];

fn finding(findings: &Findings, page: &mut Page) -> Result<(), Error> {
    let statistic = findings.statistics().first().copied();
    if let Some(statistic) = statistic {
        page.lead(&findings.headline(statistic));
    }
    page.facts(&findings.facts());
    if let Some(statistic) = statistic {
        counted(findings, statistic, page);
    }
    let study = findings.study();
    if !study.authors.is_empty() {
        page.paragraph(&format!("By {}.", study.authors.join(", ")));
    }
    if let Some(note) = &study.note {
        page.paragraph(note);
    }
    page.heading("Limits");
    page.items(&findings.limits());
    Ok(())
}

/// How many topics are findings, and which beside those of the headline.
fn counted(findings: &Findings, statistic: &dyn Statistic, page: &mut Page) {
    if let Some(counted) = findings.counted(statistic) {
        page.paragraph(&counted);
    }
    page.list(&findings.decided(statistic));
}

/// The parts that are not there, by the id of their section.
pub(super) fn missing(findings: &Findings) -> Vec<&'static str> {
    let parts = [
        ("over-time", findings.over_time().reason()),
        ("positions", findings.positions().reason()),
        ("sensitivity", findings.sensitivity().reason()),
        ("waterfall", findings.waterfall().reason()),
        ("power", findings.power().reason()),
        ("quality", findings.quality().reason()),
    ];
    parts.into_iter().filter_map(|(id, reason)| reason.map(|_| id)).collect()
}

fn topics(findings: &Findings, page: &mut Page) -> Result<(), Error> {
    let several = findings.statistics().len() > 1;
    for (at, (figure, statistic)) in
        findings.forests().iter().zip(findings.statistics()).enumerate()
    {
        if several {
            page.heading(&statistic.name().replace('_', " "));
        }
        // The first statistic is told at the top.
        if at > 0 {
            page.paragraph(&findings.headline(statistic));
            counted(findings, statistic, page);
        }
        page.figure(figure);
    }
    Ok(())
}

fn naive(findings: &Findings, page: &mut Page) -> Result<(), Error> {
    match findings.naive_against_robust() {
        None => {
            page.missing("no error as if impressions were independent is given for this question")
        }
        Some(drawn) => {
            page.paragraph(
                "Impressions of one cluster are alike. The naive interval takes them for independent, and \
                 is here only to show what that would do. The design effect is the square of how many times \
                 the error by clusters is as large; where clusters are few or lopsided, the interval by \
                 clusters is longer than that says.",
            );
            page.figure(&drawn);
        }
    }
    Ok(())
}

fn over_time(findings: &Findings, page: &mut Page) -> Result<(), Error> {
    if let Some(reason) = findings.over_time().reason() {
        page.missing(reason);
    }
    if let Some(drawn) = findings.shares_over_time() {
        page.paragraph(
            "Each window by itself: neighbouring windows have clusters in common, and that two bands \
             overlap is no test.",
        );
        if let Some(over) = findings.over_time().there() {
            page.paragraph(&format!(
                "The length of the windows was chosen so that arms have 20 clusters or more in each, if there is such a \
                 length: where there are fewest, there are {}.",
                count(over.fewest_clusters)
            ));
        }
        page.figure(&drawn);
    }
    Ok(())
}

fn positions(findings: &Findings, page: &mut Page) -> Result<(), Error> {
    let profile = match findings.positions() {
        Part::There(profile) => profile,
        Part::Missing { reason } => {
            page.missing(reason);
            return Ok(());
        }
    };
    if let Some(drawn) = findings.profile_of_ranks() {
        page.figure(&drawn);
    }
    let mut said = Vec::new();
    for arm in &profile.arms {
        let ranks = profile.missing.iter().filter(|its| its.arm == *arm);
        let ranks: Vec<String> = ranks.map(|its| its.rank.to_string()).collect();
        if !ranks.is_empty() {
            said.push(format!("Arm {arm:?} showed nothing at rank {}.", ranks.join(", ")));
        }
    }
    for beyond in profile.beyond.iter().filter(|its| its.impressions > 0) {
        said.push(format!(
            "Arm {:?} has {} impressions below rank 20, which are not shown here.",
            beyond.arm,
            count(beyond.impressions)
        ));
    }
    if said.is_empty() {
        said.push("No rank is missing in either arm, and nothing is below rank 20.".to_owned());
    }
    page.list(&said);
    Ok(())
}

fn sensitivity(findings: &Findings, page: &mut Page) -> Result<(), Error> {
    let table = match findings.sensitivity() {
        Part::There(table) => table,
        Part::Missing { reason } => {
            page.missing(reason);
            return Ok(());
        }
    };
    page.paragraph(&table.question());
    page.paragraph(table.caution());
    let telling = findings.telling();
    page.figures(&findings.specification_curves()?);
    left_undrawn(telling.len(), page, "specification curve");
    page.table(&tables::verdicts(table, &telling));
    let left_out = table.left_out().iter();
    let left_out = left_out
        .map(|its| format!("Left out: {} {}: {}.", its.dimension, its.level, its.reason.message));
    page.list(&left_out.collect::<Vec<_>>());
    Ok(())
}

fn left_undrawn(topics: usize, page: &mut Page, what: &str) {
    if topics > DRAWN {
        page.paragraph(&format!(
            "A {what} is drawn of {DRAWN} of {topics} topics, of which the audit says most. The table has all."
        ));
    }
}

fn waterfall(findings: &Findings, page: &mut Page) -> Result<(), Error> {
    let report = match findings.waterfall() {
        Part::There(report) => report,
        Part::Missing { reason } => {
            page.missing(reason);
            return Ok(());
        }
    };
    page.paragraph(&report.sentence());
    page.figures(&findings.waterfalls()?);
    left_undrawn(report.waterfalls().len(), page, "waterfall");
    page.table(&tables::totals(report));
    let there: HashSet<&str> = report.waterfalls().iter().map(|its| &*its.topic).collect();
    let absent = findings.topics().into_iter().filter(|topic| !there.contains(topic));
    let absent: Vec<String> = absent.map(|topic| format!("{topic:?}")).collect();
    if !absent.is_empty() {
        page.items(&[Item::Folded {
            summary: format!("No stage has {} of the topics.", absent.len()),
            items: absent,
        }]);
    }
    let stages = report.missing().iter();
    let stages =
        stages.map(|its| format!("No stage {:?}: it needs {}.", its.stage.name(), its.needs));
    page.list(&stages.collect::<Vec<_>>());
    Ok(())
}

fn power(findings: &Findings, page: &mut Page) -> Result<(), Error> {
    if let Some(reason) = findings.power().reason() {
        page.missing(reason);
    }
    let Some(power) = findings.power().there() else { return Ok(()) };
    let odds = crate::report::percent(power.power);
    page.paragraph(&format!(
        "An interval that holds 1 does not say that there is no amplification. A true ratio within a bar \
         would be seen by less than {odds}% of audits with as many clusters; one beyond its ends by more. \
         Dots are what was found: bars are about another audit like this one, and not their intervals.",
    ));
    if let Some(second) = &findings.study().question.second_cluster {
        page.paragraph(&format!("The second way of clustering, {second}, does not enter here."));
    }
    if let Some(drawn) = findings.detectable() {
        page.figure(&drawn);
    }
    Ok(())
}

fn quality(findings: &Findings, page: &mut Page) -> Result<(), Error> {
    match findings.quality() {
        Part::Missing { reason } => page.missing(reason),
        Part::There(quality) => page.table(&of_quality(quality)),
    }
    Ok(())
}

fn of_quality(quality: &DataQuality) -> Table {
    let mut out = table("The state of the data", &["what", "how many"]);
    let origin = &quality.origin;
    let mut row = |what: &str, datum| out.rows.push(vec![Cell::words(what), datum]);
    row("source", Cell::name(file_name(&origin.source)));
    row("rows read", Cell::Count(origin.rows_read));
    row("rows left out on purpose", Cell::Count(origin.left_out));
    row("rows set aside", Cell::Count(origin.set_aside.rows));
    row("impressions measured", Cell::Count(quality.impressions));
    row("impressions without a topic", Cell::Count(quality.untagged));
    if quality.outside > 0 {
        row("impressions of arms that are not compared", Cell::Count(quality.outside));
    }
    match quality.time_range {
        Some((first, last)) => {
            row(
                "first and last day (UTC)",
                Cell::words(format!("{} to {}", date(first), date(last))),
            );
        }
        None => row(
            "first and last day (UTC)",
            Cell::words("not known: no times, or only sums were kept"),
        ),
    }
    match quality.repeats {
        Some(repeats) => {
            row("slates that repeat an item", Cell::Count(repeats.slates));
            row("impressions that repeat one", Cell::Count(repeats.impressions));
        }
        None => row("slates that repeat an item", Cell::words("the log has no slates or no items")),
    }
    if let Some(topics) = &origin.item_topics {
        row("source of topics", Cell::name(file_name(&topics.source)));
        row("items that it lacks", Cell::Count(topics.items_missing));
        row("rows of it set aside", Cell::Count(topics.set_aside.rows));
    }
    out
}

/// Without folders, which are the machine's.
fn file_name(source: &str) -> &str {
    source.rsplit(['/', '\\']).next().unwrap_or(source)
}

fn methods(findings: &Findings, page: &mut Page) -> Result<(), Error> {
    page.paragraph(&findings.methods());
    page.heading("Sources");
    page.sources(&findings.sources());
    Ok(())
}

fn study(findings: &Findings, page: &mut Page) -> Result<(), Error> {
    page.paragraph(&format!(
        "This study file, beside the files that it names, makes this report again with tiltmeter {}.",
        env!("CARGO_PKG_VERSION")
    ));
    page.verbatim(&findings.study().to_json()?);
    Ok(())
}
