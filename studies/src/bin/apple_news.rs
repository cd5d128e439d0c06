//! Apple News in 2019: which publishers its algorithm ("Trending") amplified, compared with its editors
//! ("Top Stories"), with the stories that there were, and with its own past. Both lists were read every
//! five minutes for 62 days (Bandy and Diakopoulos, ICWSM 2020, arXiv 1908.00456); the log is theirs, and
//! not shipped.
//!
//! ```text
//! cargo run -p tiltmeter-studies --bin apple_news                     # ../shared/data/applenews.csv.gz
//! cargo run -p tiltmeter-studies --bin apple_news -- LOG.csv.gz       # with arm, day, slate, item, ts, position, publisher
//! cargo run -p tiltmeter-studies --bin apple_news -- --json           # all publishers against the editors, as a report
//! ```

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use tiltmeter::inference::{DeltaTest, Multiplicity, Test};
use tiltmeter::log::{LogSchema, Role, TimeFormat, TopicColumn};
use tiltmeter::statistic::AmplificationRatio;
use tiltmeter::{
    Attention, Audit, AuditReport, Baseline, ClusterBy, Error, Estimate, ExposureLog, Period,
    Question, Supply, Value,
};
use tiltmeter_studies::{log_of, told};

/// The first half of the 62 days ends here.
const HALF: &str = "2019-04-09";
/// So many publishers are told of one by one.
const TOLD: usize = 15;

/// Which publishers Apple News amplified in 2019.
#[derive(Parser)]
struct Options {
    /// The log, with arm, day, slate, item, ts, position and publisher;
    /// `../shared/data/applenews.csv.gz` by default.
    log: Option<PathBuf>,
    /// Prints all publishers against the editors, as a report in JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let Options { log, json } = Options::parse();
    let Some(path) = log_of(log, "applenews.csv.gz") else { return ExitCode::SUCCESS };
    told(read(&path).and_then(|log| {
        if json { against(&log, Baseline::arm("top"))?.to_json() } else { text(&log) }
    }))
}

fn read(path: &Path) -> Result<ExposureLog, Error> {
    let schema = LogSchema::new()
        .arm("arm")
        .column("day")
        .slate("slate")
        .item("item")
        .time("ts", TimeFormat::Iso)
        .position("position")
        .topics(TopicColumn::single("publisher"));
    ExposureLog::open(path, &schema)
}

/// All publishers. Nobody's phone is in the log: what varies from day to day is what there is to vary, and
/// both lists were read on every day, so days are the clusters, crossed with the arms.
fn asked(baseline: Baseline) -> Question {
    Question::between("trending", baseline)
        .cluster(ClusterBy::column("day"))
        .statistic(AmplificationRatio)
}

fn audit<'l>(log: &'l ExposureLog, question: &Question) -> Audit<'l> {
    Audit::of(log, question)
        .test(Test::Delta(DeltaTest::default()))
        .multiplicity(Multiplicity::BenjaminiYekutieli)
}

fn against(log: &ExposureLog, baseline: Baseline) -> Result<AuditReport, Error> {
    audit(log, &asked(baseline)).run()
}

fn text(log: &ExposureLog) -> Result<String, Error> {
    let mut text = format!(
        "{} readings of a story in a list; {} stories of known publishers in Trending.\n\n",
        log.rows(),
        stories_in_trending(log)
    );
    editors(log, &mut text)?;
    let publishers = most_shown(log)?;
    baselines(log, &publishers, &mut text)?;
    Ok(text)
}

/// How many stories of known publishers the algorithm showed: 3,144, as published.
fn stories_in_trending(log: &ExposureLog) -> usize {
    let (Some(items), Some(arms), Some(publishers)) =
        (log.ids(Role::Item), log.arms(), log.topics())
    else {
        return 0;
    };
    let is_known = |&code: &u32| publishers.labels().id(code) != Some("(unknown)");
    let counts = |row: &usize| {
        arms.id(*row) == Some("trending") && publishers.of_row(*row).iter().all(is_known)
    };
    let rows = (0..log.rows()).filter(counts);
    rows.map(|row| items.codes()[row]).collect::<BTreeSet<_>>().len()
}

/// The publishers that the two lists showed most, by their shares together.
fn most_shown(log: &ExposureLog) -> Result<Vec<String>, Error> {
    let report = against(log, Baseline::arm("top"))?;
    let shown = |e: &Estimate| e.treatment.share.unwrap_or(0.0) + e.baseline.share.unwrap_or(0.0);
    let mut estimates: Vec<&Estimate> = report.estimates().iter().collect();
    estimates.sort_by(|a, b| shown(b).total_cmp(&shown(a)));
    Ok(estimates.into_iter().take(TOLD).map(|e| e.estimand.topic.clone()).collect())
}

/// Against the editors: how many publishers go which way, and those that were never in one of the lists.
fn editors(log: &ExposureLog, text: &mut String) -> Result<(), Error> {
    let report = against(log, Baseline::arm("top"))?;
    let estimates = report.estimates();
    let of = |holds: &dyn Fn(&Estimate) -> bool| estimates.iter().filter(|e| holds(e)).count();
    let sure = |e: &Estimate| e.test.and_then(|test| test.p_adjusted).is_some_and(|p| p < 0.05);
    let above = |e: &Estimate| e.value.number().is_some_and(|value| value > 1.0);
    let _ = writeln!(
        text,
        "{} publishers, Trending against Top Stories. With at most 5% of false ones among them \
         (Benjamini and\nYekutieli, who allow any dependence): {} amplified, {} reduced. {} were in \
         Trending alone, {} in Top\nStories alone: their ratios are infinite and zero, with bounds on \
         one side.\n",
        estimates.len(),
        of(&|e| sure(e) && above(e)),
        of(&|e| sure(e) && !above(e)),
        of(&|e| e.value == Value::Infinite),
        of(&|e| matches!(e.value, Value::Zero(_))),
    );
    Ok(())
}

/// One publisher a line, one baseline a column.
fn baselines(log: &ExposureLog, publishers: &[String], text: &mut String) -> Result<(), Error> {
    // What there was to choose from, as far as it is known: every story that either list had, once.
    let mut seen = BTreeSet::new();
    let items: Vec<u32> =
        log.ids(Role::Item).map(|items| items.codes().to_vec()).unwrap_or_default();
    let stories = log.filter("the first sight of each story", |row| seen.insert(items[row]))?;
    let top = Baseline::arm("top");
    let supply = Baseline::Supply(Supply::Known);
    let past = Baseline::Period(Period::before(HALF)?);
    let columns = [
        ("editors", asked(top.clone())),
        ("editors, 1/log2(1+rank)", asked(top).attention(Attention::Logarithmic)),
        ("the stories there were", asked(supply)),
        ("its own first half", asked(past)),
    ];
    let _ = write!(text, "{:22}", "Trending against");
    columns.iter().for_each(|(name, _)| {
        let _ = write!(text, "{name:>26}");
    });
    text.push('\n');
    let reports = columns
        .into_iter()
        .map(|(_, question)| audit(log, &question.topics(publishers)).supply(&stories).run())
        .collect::<Result<Vec<_>, _>>()?;
    for (at, publisher) in publishers.iter().enumerate() {
        let _ = write!(text, "{publisher:22}");
        for report in &reports {
            let _ = write!(text, "{:>26}", told_of(&report.estimates()[at]));
        }
        text.push('\n');
    }
    text.push_str(
        "\nRatios of exposure shares, with 95% intervals by day. What is amplified depends on the \
         question: a\npublisher may be in Trending more than the editors would have it, and still \
         less than its part of the\nstories. Intervals by day take days as independent; a story that \
         lasts for several makes them too short.\n",
    );
    Ok(())
}

fn told_of(estimate: &Estimate) -> String {
    let number = |value: Option<f64>| value.map_or("?".to_owned(), |value| format!("{value:.2}"));
    let value = match estimate.value {
        Value::Infinite => "inf".to_owned(),
        value => number(value.number()),
    };
    match estimate.interval {
        Ok(interval) => format!("{value} ({} to {})", number(interval.low), number(interval.high)),
        Err(_) => value,
    }
}
