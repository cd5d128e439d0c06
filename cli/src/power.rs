//! `power`: how large a study must be, from a pilot log or by simulation.

use clap::{Args, Subcommand};
use serde::Serialize;
use tiltmeter::coverage::{CoverageStudy, PowerCurve, PowerResult, SmallestEffect};
use tiltmeter::inference::{
    Detectable, Inference, LabelPilot, LabelPlan, PerArm, Pilot, Quantile, SampleSizePlan,
    TopicQuestion,
};
use tiltmeter::tally::{StratifyBy, Tally};
use tiltmeter::{AnyStatistic, Attention, GroupBy, StudyFile, StudyLog, Unit};

use crate::audit::{AskedArgs, read};
use crate::failure::Failure;
use crate::out;
use crate::progress::{Bar, waiting};
use crate::simulate::{WorldArgs, first_two};
use crate::uncertainty::UncertaintyArgs;
use crate::width::WidthArgs;

/// How large must a study be?
#[derive(Debug, Args)]
pub(crate) struct PowerArgs {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    Pilot(Box<PilotArgs>),
    Simulate(Box<CurveArgs>),
}

/// From a pilot log: the effects that so many clusters show, and the clusters that an effect needs.
///
/// Example: tiltmeter power pilot pilot.csv --arm feed --treatment ranked --baseline newest --topic about
/// --viewer who --clusters 200 --effect 1.2
#[derive(Debug, Args)]
struct PilotArgs {
    #[command(flatten)]
    asked: AskedArgs,
    /// The confidence level of the interval to come.
    #[arg(long, default_value_t = 0.95)]
    level: f64,
    /// Its quantile: student_t (the default) or normal.
    #[arg(long, value_name = "QUANTILE")]
    quantile: Option<Quantile>,
    /// Clusters in each arm of the study; those of the pilot by default.
    #[arg(long, value_name = "NUMBER")]
    clusters: Option<u64>,
    /// A true value (1.2 for a ratio); how many clusters an arm must have to find it.
    #[arg(long, value_name = "VALUE")]
    effect: Vec<f64>,
    /// The probability of finding it.
    #[arg(long, default_value_t = 0.8)]
    power: f64,
    /// Impressions of each cluster; the pilot's by default.
    #[arg(long, value_name = "MEAN")]
    impressions: Option<f64>,
    /// Numbers of rows to be labelled by hand, of a log of which some are (--human): what so many show, and which rows to
    /// choose.
    #[arg(long, value_name = "NUMBER,...", value_delimiter = ',', requires = "human")]
    labels: Vec<u64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// By simulation: how often audits find an amplification, by its size and the number of viewers.
///
/// Example: tiltmeter power simulate --preset conflict --about conflict --factors 1,1.5,2 --studies 100
#[derive(Debug, Args)]
struct CurveArgs {
    #[command(flatten)]
    world: WorldArgs,
    /// The topic that is favoured.
    #[arg(long, value_name = "TOPIC")]
    about: String,
    /// The factors on its weights in the first arm.
    #[arg(long, value_name = "FACTOR,...", value_delimiter = ',', default_value = "1,1.2,1.5,2")]
    factors: Vec<f64>,
    /// Numbers of viewers to try; that of the configuration by default.
    #[arg(long, value_name = "NUMBER,...", value_delimiter = ',')]
    try_viewers: Vec<u32>,
    /// Studies at every point; the error of a power of 80% is 4 points from 100.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    studies: u32,
    /// Replicates for the truth.
    #[arg(long, value_name = "NUMBER", default_value_t = 256)]
    replicates: u32,
    /// The probability for which the smallest effect is looked for.
    #[arg(long, default_value_t = 0.8)]
    power: f64,
    #[command(flatten)]
    doubt: UncertaintyArgs,
    /// Print JSON.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV, a row for each point, statistic and method.
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    width: WidthArgs,
}

pub(crate) fn run(args: &PowerArgs) -> Result<(), Failure> {
    match &args.from {
        From::Pilot(args) => pilot(args),
        From::Simulate(args) => curve(args),
    }
}

/// What a pilot says of one topic and statistic.
#[derive(Serialize)]
struct Planned {
    topic: String,
    statistic: String,
    design: SampleSizePlan,
    detectable: Detectable,
    needed: Vec<Needed>,
    pilot: Pilot,
}

#[derive(Serialize)]
struct Needed {
    effect: f64,
    clusters_per_arm: u64,
}

fn pilot(args: &PilotArgs) -> Result<(), Failure> {
    let study = args.asked.study(Inference::default(), GroupBy::default())?;
    let inputs = read(&study, "".as_ref())?;
    let tally = match inputs.log {
        StudyLog::Whole(log) => waiting("tallying", || Tally::of(&log, &study.tally_spec()))?,
        StudyLog::Tallied(tally) => *tally,
        _ => {
            let what = "a pilot has clusters of one way; say --cluster once";
            return Err(Failure::Usage(what.to_owned()));
        }
    };
    if !args.labels.is_empty() {
        return labels(args, &study, &tally);
    }
    let planned = plans(args, &study, &tally)?;
    if args.json {
        return out::print_json(&planned);
    }
    let lines: Vec<String> = planned.iter().map(line).collect();
    out::say(&lines.join("\n"))
}

/// What labels by hand show of one topic.
#[derive(Serialize)]
struct Labelled {
    pilot: LabelPilot,
    plans: Vec<LabelPlan>,
    needed: Vec<LabelsNeeded>,
}

#[derive(Serialize)]
struct LabelsNeeded {
    effect: f64,
    /// Null where labels of all rows are too few.
    labels: Option<u64>,
}

fn labels(args: &PilotArgs, study: &StudyFile, tally: &Tally) -> Result<(), Failure> {
    if args.clusters.is_some() || args.impressions.is_some() || args.quantile.is_some() {
        return Err(Failure::Usage(
            "--labels plans labels for the log that is there, with its clusters and impressions: leave out --clusters, \
             --impressions and --quantile"
                .to_owned(),
        ));
    }
    let asked = &study.question;
    let ratios = ["amplification_ratio", "log_ratio"];
    if let Some(other) = asked.statistics.iter().find(|its| !ratios.contains(&its.name())) {
        return Err(Failure::Usage(format!(
            "--labels plans labels for a ratio of shares, and this is {}: leave out --statistic",
            other.name()
        )));
    }
    let topics = asked.topics.named().unwrap_or_else(|| tally.axes().topics());
    let of_topic = |topic: &String| {
        let pilot = LabelPilot::of(tally, &TopicQuestion::of(asked, topic)?)?;
        let plans = args.labels.iter().map(|&labels| pilot.plan(labels, args.level, args.power));
        let plans = plans.collect::<Result<_, _>>()?;
        let needed = args.effect.iter().map(|&effect| {
            let labels = pilot.labels_needed(effect, args.level, args.power)?;
            Ok(LabelsNeeded { effect, labels })
        });
        let needed = needed.collect::<Result<_, tiltmeter::Error>>()?;
        Ok(Labelled { pilot, plans, needed })
    };
    let labelled = topics.iter().map(of_topic).collect::<Result<Vec<_>, tiltmeter::Error>>()?;
    if args.json {
        return out::print_json(&labelled);
    }
    let lines: Vec<String> = labelled.iter().map(|its| labels_in_words(its, args.power)).collect();
    out::say(&lines.join("\n"))
}

fn labels_in_words(its: &Labelled, power: f64) -> String {
    let mut text = format!("{:?}, with a power of {}%", its.pilot.topic, 100.0 * power);
    for plan in &its.plans {
        let LabelPlan { labels, treatment, baseline, above, below, .. } = plan;
        text.push_str(&format!(
            "\n  {labels} labels show a ratio of {} or more, or {} or less: {} of the treatment's rows that are predicted \
             to have it, {} of its others, {} and {} of the baseline's",
            short(*above),
            short(*below),
            treatment.predicted,
            treatment.not_predicted,
            baseline.predicted,
            baseline.not_predicted,
        ));
    }
    for LabelsNeeded { effect, labels } in &its.needed {
        text.push_str(&match labels {
            Some(labels) => format!("\n  {effect} needs {labels} labels"),
            None => format!("\n  {effect} needs more clusters: labels of all rows do not show it"),
        });
    }
    text
}

fn plans(args: &PilotArgs, study: &StudyFile, tally: &Tally) -> Result<Vec<Planned>, Failure> {
    let asked = &study.question;
    let topics = asked.topics.named().unwrap_or_else(|| tally.axes().topics());
    let mut statistics = asked.statistics.clone();
    if statistics.is_empty() {
        statistics.push(AnyStatistic::default());
    }
    tell_without_effect(args, study);
    let mut planned = Vec::new();
    for statistic in &statistics {
        for topic in topics {
            let question = TopicQuestion::of(asked, topic)?;
            let mut pilot = Pilot::of(tally, &question, &**statistic)?;
            pilot.estimand.kept.clone_from(&study.log.keep);
            let design = args.design(&pilot);
            let needed = args.effect.iter().map(|&effect| {
                let clusters_per_arm = pilot.clusters_needed(effect, &design)?;
                Ok(Needed { effect, clusters_per_arm })
            });
            planned.push(Planned {
                topic: topic.clone(),
                statistic: statistic.name().to_owned(),
                design,
                needed: needed.collect::<Result<_, tiltmeter::Error>>()?,
                detectable: pilot.minimum_detectable(&design)?,
                pilot,
            });
        }
    }
    Ok(planned)
}

/// Says on standard error what changes nothing: a plan has no report to say it in.
fn tell_without_effect(args: &PilotArgs, study: &StudyFile) {
    let question = &study.question;
    if study.tally_spec().strata != StratifyBy::Nothing && !question.keeps_strata() {
        out::tell(
            "note: --stratum changes nothing here: these statistics look at all strata together",
        );
    }
    if matches!(question.unit, Unit::Reach(reach) if reach.mass <= 0.0) {
        let weighed = args.asked.log.roles.weight.is_some();
        let attended = !matches!(question.attention, None | Some(Attention::Uniform));
        for (said, flag) in [(weighed, "--weight"), (attended, "--attention")] {
            if said {
                out::tell(&format!(
                    "note: {flag} changes nothing here: reach counts impressions of any mass"
                ));
            }
        }
    }
}

impl PilotArgs {
    fn design(&self, pilot: &Pilot) -> SampleSizePlan {
        let crossed = pilot.variance.iter().any(|part| part.side.is_none());
        let arms = match self.clusters {
            Some(clusters) => PerArm::equal(clusters),
            None if crossed => {
                let either = pilot.clusters.treatment + pilot.clusters.baseline;
                PerArm::equal(either - pilot.clusters.both)
            }
            None => {
                PerArm { treatment: pilot.clusters.treatment, baseline: pilot.clusters.baseline }
            }
        };
        SampleSizePlan {
            power: self.power,
            level: self.level,
            quantile: self.quantile.unwrap_or_default(),
            impressions_per_cluster: self.impressions,
            ..SampleSizePlan::of(arms)
        }
    }
}

fn line(its: &Planned) -> String {
    let Planned { topic, statistic, design, detectable, needed, pilot } = its;
    let PerArm { treatment, baseline } = design.clusters_per_arm;
    let mut text = format!(
        "{topic:?}, {statistic}: {treatment} and {baseline} clusters, {}, show {} or more, or {} or \
         less, with a power of {}%",
        detectable.relation,
        short(detectable.above),
        short(detectable.below),
        100.0 * design.power
    );
    for Needed { effect, clusters_per_arm } in needed {
        text.push_str(&format!("\n  {effect} needs {clusters_per_arm} clusters in each arm"));
    }
    for caution in &pilot.cautions {
        text.push_str(&format!("\n  beware: {caution}"));
    }
    text
}

/// Four decimals, unless that would be long.
fn short(ratio: f64) -> String {
    if ratio < 1e9 { format!("{ratio:.4}") } else { format!("{ratio:.4e}") }
}

/// What `power simulate --json` prints.
#[derive(Serialize)]
struct Curve<'r> {
    power: &'r PowerResult,
    smallest: Vec<SmallestEffect>,
}

fn curve(args: &CurveArgs) -> Result<(), Failure> {
    let config = args.world.config()?;
    let question = first_two(&config)?.0;
    let mut study = CoverageStudy::of(config, &question);
    study.studies = args.studies;
    study.truth.replicates = args.replicates;
    study.inferences = vec![args.doubt.inference().map_err(Failure::Usage)?];
    let curve = PowerCurve {
        viewers: args.try_viewers.clone(),
        ..PowerCurve::of(study, &args.about, args.factors.iter().copied())
    };
    let bar = Bar::of("simulations");
    let result = curve.run_with(|progress| bar.at(progress));
    bar.end();
    let result = result?;
    if args.json {
        return out::print_json(&Curve { power: &result, smallest: result.smallest(args.power)? });
    }
    if args.csv {
        return out::print(&result.to_csv());
    }
    out::say(&result.to_text(args.width.columns()))
}
