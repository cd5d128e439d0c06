//! `tally`, `merge` and `estimate`: an audit in steps, for logs in many parts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tiltmeter::job::{TallyJob, log_files_but, merge_files, open_tally, save_tally};
use tiltmeter::log::{ItemTopics, LogSchema, Origin};
use tiltmeter::tally::{StratifyBy, Tally, TallySpec};
use tiltmeter::{Attention, LogInput, StudyFile, StudyInputs, StudyLog};

use crate::baseline::{BaselineArgs, KindArgs};
use crate::failure::Failure;
use crate::forms::OutputArgs;
use crate::log::{LogArgs, tell_found};
use crate::out;
use crate::progress::{Bar, waiting};
use crate::question::{ClusterArgs, QuestionArgs};
use crate::roles::{RoleArgs, Uses, column_of};
use crate::spoken::in_flags;
use crate::uncertainty::UncertaintyArgs;

/// How often a checkpoint is saved.
const CHECKPOINT: Duration = Duration::from_secs(30);

/// Add up logs by cluster, arm and topic, into a file that takes the place of the logs.
///
/// Example: tiltmeter tally logs/*.parquet --arm feed --topic about --viewer who --out monday.tally
#[derive(Debug, Args)]
pub(crate) struct TallyArgs {
    #[command(flatten)]
    log: LogArgs,
    /// The tally to write; with .parquet, a table of it, which other programs read too.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The memory to work in; 1024 by default, at least 64.
    #[arg(long, value_name = "MIB")]
    memory: Option<usize>,
    /// Save what is done to this file now and then, and go on from it if it is there.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    #[command(flatten)]
    by: ByArgs,
}

/// What is left out of folders.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SkipArgs {
    /// Leave out files that folders and patterns stand for, by name: *.csv.xz, old-*. Hidden ones (.name,
    /// _name) are left out unless they are named.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) skip: Vec<String>,
}

impl SkipArgs {
    /// Files, folders and patterns as the files that they stand for.
    pub(crate) fn files_of(&self, logs: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
        let mut files = Vec::new();
        for path in logs {
            files.extend(log_files_but(path, &self.skip)?);
        }
        Ok(files)
    }
}

/// How logs are added up.
#[derive(Debug, Args)]
pub(crate) struct ByArgs {
    /// A position model; may be repeated, since all are summed in one pass. See `audit`.
    #[arg(long, value_name = "MODEL")]
    pub(crate) attention: Vec<Attention>,
    #[command(flatten)]
    clusters: ClusterArgs,
}

impl ByArgs {
    /// The schema of a log with these columns and some more, and how its rows are summed.
    pub(crate) fn plan(
        &self,
        roles: &RoleArgs,
        more: &[&str],
    ) -> Result<(LogSchema, TallySpec), Failure> {
        let (cluster, second) = self.clusters.units(roles)?;
        if second.is_some() {
            let what = "a tally is by one unit; make one by each, or audit the logs";
            return Err(Failure::Usage(what.to_owned()));
        }
        // By the column's name, so that estimands say which one it was.
        let strata = match &roles.stratum {
            Some(column) => StratifyBy::Column(column.clone()),
            None => StratifyBy::Nothing,
        };
        let mut spec = TallySpec { cluster, strata, ..TallySpec::default() };
        spec.multi_label = self.clusters.multi_label.unwrap_or_default();
        if !self.attention.is_empty() {
            spec.attentions.clone_from(&self.attention);
        }
        let columns = column_of(&spec.cluster).into_iter().chain(more.iter().copied());
        Ok((roles.schema(columns), spec))
    }
}

pub(crate) fn run(args: &TallyArgs) -> Result<(), Failure> {
    let roles = &args.log.roles;
    let keep = args.log.keep();
    let kept: Vec<&str> = keep.iter().map(|its| &*its.column).collect();
    // A column that rows are chosen by while they are read needs no role.
    let late = if args.log.beside.ranks_by_order() { &kept[..] } else { &[] };
    let (schema, spec) = args.by.plan(roles, late)?;
    let written = [Some(&args.out), args.checkpoint.as_ref()];
    out::check(written, &args.log.logs)?;
    roles.tell_unused(&Uses::of_tally(&spec, kept));
    let input = args.log.input(schema)?;
    let topics = args.log.beside.item_topics(roles)?;
    let topics = topics.map(|its| ItemTopics::open(&its.path, &its.schema)).transpose()?;
    if input.is_held() {
        return held(args, &input, topics.as_ref(), &spec);
    }
    let here = Path::new("");
    let files = input.files(here)?;
    out::check(written, &files)?;
    let mut job = TallyJob::new(files, input.schema_with_tables(here)?, spec);
    if let Some(topics) = &topics {
        job = job.item_topics(topics);
    }
    if let Some(memory) = args.memory {
        job = job.memory(memory.saturating_mul(1 << 20));
    }
    if let Some(checkpoint) = &args.checkpoint {
        job = job.checkpoint(checkpoint, CHECKPOINT);
    }
    let bar = Bar::of("rows or files");
    let done = job.on_progress(|progress| bar.at(progress)).run();
    bar.end();
    let done = done?;
    save(args, &done.tally, &done.origin)?;
    done.remove_checkpoint()?;
    told(&args.out, &done.tally, Some(&done.origin))
}

/// The same of rows that have to be held together: those of a query, and those that are ranked by their order.
fn held(
    args: &TallyArgs,
    input: &LogInput,
    topics: Option<&ItemTopics>,
    spec: &TallySpec,
) -> Result<(), Failure> {
    let of_parts =
        [("--memory", args.memory.is_some()), ("--checkpoint", args.checkpoint.is_some())];
    if let Some((flag, _)) = of_parts.into_iter().find(|(_, is_said)| *is_said) {
        let what = format!(
            "{flag} is of logs that are read in parts, and with --sql and --rank-by-order all rows are held together: \
             leave it out"
        );
        return Err(Failure::Usage(what));
    }
    let log = input.open(Path::new(""))?;
    let log = match topics {
        Some(topics) => log.with_item_topics(topics)?,
        None => log,
    };
    let tally = Tally::of(&log, spec)?;
    save(args, &tally, log.origin())?;
    told(&args.out, &tally, Some(log.origin()))
}

/// Writes a tally, with what was found on the way on standard error.
fn save(args: &TallyArgs, tally: &Tally, origin: &Origin) -> Result<(), Failure> {
    tell_cautions(origin);
    tell_found(origin);
    Ok(save_tally(tally, &args.out)?)
}

/// What an audit of the log would warn of, and an estimate from the tally cannot know.
fn tell_cautions(origin: &Origin) {
    for warning in origin.warnings() {
        out::tell(&in_flags(&format!("note: {warning}")));
    }
}

/// What was made, in a line or more.
fn told(path: &Path, tally: &Tally, origin: Option<&Origin>) -> Result<(), Failure> {
    let mut text = format!(
        "{}: {} impressions in {} clusters",
        out::of_path(path),
        tally.impressions(),
        tally.clusters()
    );
    if let Some(origin) = origin {
        text.push_str(&format!(
            "; {} rows read, {} set aside",
            origin.rows_read, origin.set_aside.rows
        ));
        for its in &origin.set_aside.reasons {
            text.push_str(&format!(
                "\n  set aside: {} for {} in column {:?}, first row {} ({:?})",
                its.rows, its.reason, its.column, its.first_row, its.first_value
            ));
        }
    }
    out::say(&text)
}

/// Add tallies up.
///
/// The same part twice is refused; that a tally holds another, as a week holds a day, is not known.
///
/// Example: tiltmeter merge monday.tally tuesday.tally --out week.tally
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// Tallies: files that `tally` wrote, or tables of tallies in Parquet.
    #[arg(value_name = "TALLY", required = true)]
    tallies: Vec<PathBuf>,
    /// The tally to write; with .parquet, a table of it, which other programs read too.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(crate) fn merge(args: &MergeArgs) -> Result<(), Failure> {
    // A sum in the place of one of its parts would be added to them the next time.
    out::check([Some(&args.out)], &args.tallies)?;
    let tally = waiting("merging", || merge_files(&args.tallies))?;
    save_tally(&tally, &args.out)?;
    told(&args.out, &tally, None)
}

/// Estimate from a tally, as `audit` does from a log.
///
/// Example: tiltmeter estimate week.tally --treatment ranked --baseline newest --json
#[derive(Debug, Args)]
pub(crate) struct EstimateArgs {
    /// The tally: a file that `tally` or `merge` wrote, or a table of a tally in Parquet.
    tally: PathBuf,
    #[command(flatten)]
    question: QuestionArgs,
    #[command(flatten)]
    kind: KindArgs,
    #[command(flatten)]
    more: BaselineArgs,
    #[command(flatten)]
    doubt: UncertaintyArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) fn estimate(args: &EstimateArgs) -> Result<(), Failure> {
    if let Some(flag) = args.more.needs_a_log() {
        let what = format!("{flag} changes nothing here: a tally has only sums; audit the log");
        return Err(Failure::Usage(what));
    }
    let inference = args.doubt.inference().map_err(Failure::Usage)?;
    let tally = open_tally(&args.tally)?;
    let question = args.question.of_tally((&args.kind, &args.more), tally.spec())?;
    let log = LogInput::new(&args.tally, LogSchema::new());
    let study = StudyFile { inference, ..StudyFile::new(log, question) };
    let inputs = StudyInputs {
        log: StudyLog::Tallied(Box::new(tally)),
        origin: None,
        candidates: None,
        supply: None,
    };
    let report = waiting("estimating", || study.audit(&inputs).run())?;
    args.output.show(&report)
}
