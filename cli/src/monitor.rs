//! `monitor`: an audit that goes on, looked at as often as one likes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;
use tiltmeter::inference::{Monitor, MonitorSpec, Reading, RunningIntersection, Sidedness};
use tiltmeter::log::{LogSchema, NameRemark, Role};
use tiltmeter::report::MeasuredRecord;
use tiltmeter::tally::Tally;
use tiltmeter::{AnyStatistic, ExposureLog, Question, SideOfNull};

use crate::failure::Failure;
use crate::log::tell_found;
use crate::out;
use crate::progress::waiting;
use crate::roles::{RoleArgs, Uses};
use crate::tally::{ByArgs, SkipArgs};

/// Watch an audit while clusters come in, with intervals that hold at every look.
#[derive(Debug, Args)]
pub(crate) struct MonitorArgs {
    #[command(subcommand)]
    step: Step,
}

#[derive(Debug, Subcommand)]
enum Step {
    Init(Box<InitArgs>),
    Observe(ObserveArgs),
    Show(ShowArgs),
}

/// Say what is watched, before the first cluster.
///
/// Example: tiltmeter monitor init feed.monitor --arm feed --topic about --viewer who --treatment ranked
/// --baseline newest --watch war --target 500
///
/// Beside the state stands STATE.schema.json, which says how logs are read.
#[derive(Debug, Args)]
struct InitArgs {
    /// The state file to make.
    state: PathBuf,
    /// The arm under test.
    #[arg(long, value_name = "ARM")]
    treatment: String,
    /// The arm that it is compared with.
    #[arg(long, value_name = "ARM")]
    baseline: String,
    /// A topic to watch.
    #[arg(long, value_name = "TOPIC", required = true)]
    watch: Vec<String>,
    /// The statistic; amplification_ratio by default.
    #[arg(long, value_name = "NAME")]
    statistic: Option<AnyStatistic>,
    /// The number of clusters at which the sequence is narrowest.
    #[arg(long, value_name = "CLUSTERS")]
    target: u64,
    /// Clusters in each arm before there is an interval.
    #[arg(long, value_name = "CLUSTERS", default_value_t = 20)]
    start: u64,
    /// The confidence level of each topic's sequence.
    #[arg(long, default_value_t = 0.95)]
    level: f64,
    /// On which sides: two_sided (the default), above (a lower bound), below.
    #[arg(long)]
    side: Option<Sidedness>,
    #[command(flatten)]
    by: ByArgs,
    #[command(flatten)]
    roles: RoleArgs,
}

/// Take in logs: whole clusters, each once. Every log is a look. Two that observe at the same time
/// wait for one another, so nothing is lost.
///
/// Example: tiltmeter monitor observe feed.monitor monday.csv.gz
#[derive(Debug, Args)]
struct ObserveArgs {
    /// The state file.
    state: PathBuf,
    /// The logs, in their order.
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,
    #[command(flatten)]
    skip: SkipArgs,
}

/// Show what is known now.
///
/// Example: tiltmeter monitor show feed.monitor --json
#[derive(Debug, Args)]
struct ShowArgs {
    /// The state file.
    state: PathBuf,
    /// Print JSON.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV, a row for each question.
    #[arg(long)]
    csv: bool,
}

pub(crate) fn run(args: &MonitorArgs) -> Result<(), Failure> {
    match &args.step {
        Step::Init(args) => init(args),
        Step::Observe(args) => observe(args),
        Step::Show(args) => show(args),
    }
}

fn schema_of(state: &Path) -> PathBuf {
    let mut name = OsString::from(state);
    name.push(".schema.json");
    name.into()
}

impl InitArgs {
    /// Flags that would change nothing are refused: a state cannot be asked again.
    fn refuse_without_effect(&self) -> Result<(), Failure> {
        if self.by.attention.len() > 1 {
            let what = "a monitor watches under one --attention; make one monitor for each";
            return Err(Failure::Usage(what.to_owned()));
        }
        if self.roles.stratum.is_some() {
            let what = "--stratum changes nothing here: what is watched looks at all strata together; \
                        leave it out, or keep the rows of one stratum";
            return Err(Failure::Usage(what.to_owned()));
        }
        Ok(())
    }
}

fn init(args: &InitArgs) -> Result<(), Failure> {
    if args.state.exists() {
        let what = "is there already; what was observed would be lost. Name another file";
        return Err(Failure::of_file(&args.state, what));
    }
    let (schema, tally) = args.by.plan(&args.roles, &[])?;
    args.refuse_without_effect()?;
    args.roles.tell_unused(&Uses::of_tally(&tally, []));
    let mut question =
        Question::between(&args.treatment, args.baseline.as_str()).topics(&args.watch);
    question.statistics.extend(args.statistic.clone());
    question.attention = tally.attentions.first().cloned();
    let mut spec = MonitorSpec::of(&question, args.target)?;
    spec.tally = tally;
    (spec.level, spec.start) = (args.level, args.start);
    spec.sidedness = args.side.unwrap_or_default();
    let monitor = Monitor::new(spec)?;
    let beside = schema_of(&args.state);
    let text = out::json_of(&schema).map_err(|cause| Failure::of_file(&beside, cause))?;
    out::write(&beside, &text)?;
    monitor.save(&args.state)?;
    out::print(&format!("{}: {} questions", out::of_path(&args.state), args.watch.len()))
}

fn observe(args: &ObserveArgs) -> Result<(), Failure> {
    let spec = Monitor::open(&args.state)?.spec().tally.clone();
    let beside = schema_of(&args.state);
    let text =
        std::fs::read_to_string(&beside).map_err(|cause| Failure::of_file(&beside, cause))?;
    let schema: LogSchema =
        serde_json::from_str(&text).map_err(|cause| Failure::of_file(&beside, cause))?;
    // The tallies first: others who observe at the same time wait for the sums alone.
    let mut tallies = Vec::new();
    for path in args.skip.files_of(&args.logs)? {
        let log = waiting("reading", || ExposureLog::open(&path, &schema))?;
        let label = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        tallies.push((label, Tally::of(&log, &spec)?));
        tell_found(log.origin());
        for warning in log.origin().warnings() {
            out::tell(&format!("note: {}: {warning}", out::of_path(&path)));
        }
        // Those of ids are among the former.
        let of_names = NameRemark::of_log(&log).into_iter();
        for remark in of_names.filter(|its| matches!(its.role, Role::Arm | Role::Topics)) {
            out::tell(&format!("note: {}: {remark}", out::of_path(&path)));
        }
        let aside = log.origin().set_aside.rows;
        if aside > 0 {
            out::tell(&format!("{}: {aside} rows set aside", out::of_path(&path)));
        }
    }
    let monitor = Monitor::update(&args.state, |monitor| {
        tallies.iter().try_for_each(|(label, tally)| monitor.observe_as(label, tally))
    })?;
    out::say(&lines(&monitor))
}

fn show(args: &ShowArgs) -> Result<(), Failure> {
    let monitor = Monitor::open(&args.state)?;
    if args.csv {
        return out::print(&monitor.to_csv());
    }
    if !args.json {
        return out::say(&lines(&monitor));
    }
    out::print_json(&Shown {
        observations: monitor.observations(),
        clusters: monitor.clusters(),
        readings: monitor.readings().iter().map(Shot::of).collect(),
    })
}

fn lines(monitor: &Monitor) -> String {
    let readings: Vec<String> = monitor.readings().iter().map(Reading::to_string).collect();
    readings.join("\n")
}

/// What `monitor show --json` prints.
#[derive(Serialize)]
struct Shown {
    observations: u64,
    clusters: usize,
    readings: Vec<Shot>,
}

/// A reading, flat.
#[derive(Serialize)]
struct Shot {
    topic: String,
    statistic: String,
    #[serde(flatten)]
    measured: MeasuredRecord,
    clusters: tiltmeter::ClusterCounts,
    null: Option<f64>,
    lies: Option<SideOfNull>,
    first_excluded: Option<tiltmeter::inference::Look>,
    running_low: Option<f64>,
    running_high: Option<f64>,
    running_empty_since: Option<tiltmeter::inference::Look>,
}

impl Shot {
    fn of(reading: &Reading) -> Self {
        let null = reading.null.as_ref();
        let (running_low, running_high, running_empty_since) = match &reading.running {
            RunningIntersection::Nothing => (None, None, None),
            RunningIntersection::Bounds { low, high } => (*low, *high, None),
            RunningIntersection::Empty { since } => (None, None, Some(since.clone())),
        };
        Self {
            topic: reading.estimand.topic.clone(),
            statistic: reading.estimand.statistic.clone(),
            measured: reading.measured.into(),
            clusters: reading.clusters,
            null: null.map(|its| its.value),
            lies: null.map(|its| its.now),
            first_excluded: null.and_then(|its| its.excluded.clone()),
            running_low,
            running_high,
            running_empty_since,
        }
    }
}
