//! `audit`: a log and a question, and the report.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use clap::Args;
use tiltmeter::inference::{Blocks, Inference, Test};
use tiltmeter::tally::{StratifyBy, Tally};
use tiltmeter::{Baseline, GroupBy, LogInput, Place, StudyFile, StudyInputs, StudyLog};

use crate::baseline::{Against, BaselineArgs, KindArgs};
use crate::failure::Failure;
use crate::forms::OutputArgs;
use crate::html::PageArgs;
use crate::log::LogArgs;
use crate::progress::{Bar, waiting};
use crate::question::{ClusterArgs, GroupArgs, QuestionArgs};
use crate::roles::{Uses, column_of};
use crate::uncertainty::UncertaintyArgs;
use crate::{rows, study};

/// Estimate how much each topic is amplified in one arm against a baseline.
///
/// Example: tiltmeter audit log.csv.gz --arm feed --treatment ranked --baseline newest --topic about
/// --viewer who --json
///
/// More than one file, a folder or a pattern is added up file by file and need not fit into memory.
/// Whether clusters are nested in the arms or crossed with them is found from the log, and said.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) asked: AskedArgs,
    #[command(flatten)]
    groups: GroupArgs,
    #[command(flatten)]
    doubt: UncertaintyArgs,
    /// Run a study file (TOML or JSON) instead; flags of the output go with it, and those of intervals and
    /// tests, which then stand for what it says of them. The guide's chapter `study-file-reference` has all its keys.
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "SkipArgs", "BesideArgs", "RoleArgs", "SubjectArgs", "ClusterArgs", "KindArgs", "CandidatesArgs", "GroupArgs",
        // One by one, of those that hold others: a group of those has nothing in it.
        "logs", "filter", "split_at", "statistic", "unit", "supply_sampled", "propensities_of", "clip", "floor", "bias",
    ])]
    study: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    page: PageArgs,
    /// Write the totals of every cluster as CSV, a row for each cluster and arm: impressions, and mass by topic; clusters
    /// by the first 16 hexadecimal digits of the MD5 of their ids. With .parquet, as a table of a tally, which
    /// `estimate` reads.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    totals: Option<PathBuf>,
    /// Write the audit as a study file, TOML if its name ends so, else JSON.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    write_study: Option<PathBuf>,
}

/// A log and what is asked of it.
#[derive(Debug, Args)]
pub(crate) struct AskedArgs {
    #[command(flatten)]
    pub(crate) log: LogArgs,
    /// Give the log a column "period" with two values, such as "before 2026-03-09" and "from 2026-03-09" (UTC
    /// unless the moment says otherwise), for --by, --filter and statistics over strata.
    #[arg(long, value_name = "DATE_OR_TIME", requires = "time")]
    split_at: Option<String>,
    #[command(flatten)]
    question: QuestionArgs,
    #[command(flatten)]
    kind: KindArgs,
    #[command(flatten)]
    more: BaselineArgs,
    #[command(flatten)]
    clusters: ClusterArgs,
}

/// The column that `--split-at` makes.
const PERIOD: &str = "period";

/// Whether a test compares within strata, or compares these.
fn is_of_strata(test: Test) -> bool {
    match test {
        Test::EqualStrata | Test::CochranMantelHaenszel(_) => true,
        Test::Permutation(its) => its.blocks == Blocks::Strata,
        _ => false,
    }
}

impl AskedArgs {
    /// The study that these flags are.
    pub(crate) fn study(
        &self,
        inference: Inference,
        groups: GroupBy,
    ) -> Result<StudyFile, Failure> {
        let roles = &self.log.roles;
        let Against { baseline, supply, candidates } =
            self.kind.against(&self.more, roles, &self.question)?;
        // The column that a split makes is not one of the file's.
        let by_period = self.split_at.is_some() && roles.stratum.as_deref() == Some(PERIOD);
        let mut roles = roles.clone();
        roles.stratum = roles.stratum.filter(|_| !by_period);
        let (first, second) = self.clusters.units(&roles)?;
        let keep = self.log.keep();
        let kept = keep.iter().map(|its| &its.column).chain(&groups.columns).map(String::as_str);
        let (made, kept): (Vec<&str>, Vec<&str>) =
            kept.partition(|column| self.split_at.is_some() && *column == PERIOD);
        let schema = {
            let units = [Some(&first), second.as_ref()].into_iter().flatten();
            // A column that rows are chosen by while they are read needs no role.
            let late = self.split_at.is_some() || self.log.beside.ranks_by_order();
            let early = |column: &&str| !late && !groups.columns.iter().any(|its| its == column);
            let declared = kept.iter().copied().filter(|column| !early(column));
            roles.schema(units.filter_map(column_of).chain(declared))
        };
        let mut question = self.question.question(
            baseline,
            (first, second),
            (self.clusters.multi_label, Some(&self.log.roles)),
        )?;
        question.groups.clone_from(&groups);
        let apart = question.keeps_strata() || inference.test.is_some_and(is_of_strata);
        if by_period || self.split_at.is_some() && roles.stratum.is_none() && apart {
            question.strata = Some(StratifyBy::column(PERIOD));
        } else if self.split_at.is_some() && made.is_empty() {
            return Err(Failure::Usage(
                "--split-at makes a column \"period\", and nothing asks for it; say --by period, --filter \
                 period=VALUE, --stratum period, or a statistic or test of strata"
                    .to_owned(),
            ));
        }
        roles.tell_unused(&Uses::of_question(&question, kept));
        Ok(StudyFile {
            item_topics: self.log.beside.item_topics(&self.log.roles)?,
            candidates,
            supply,
            inference,
            ..StudyFile::new(
                LogInput { split_at: self.split_at.clone(), ..self.log.input(schema)? },
                question,
            )
        })
    }
}

pub(crate) fn run(args: &AuditArgs) -> Result<(), Failure> {
    let beside = || args.write_study.iter().chain(&args.totals);
    args.page.check(beside(), args.asked.log.logs.iter().chain(&args.study))?;
    let (study, folder) = match &args.study {
        Some(path) => {
            let mut study = study::open(path)?;
            study.inference = args.doubt.on_top_of(study.inference).map_err(Failure::Usage)?;
            (study, study::folder_of(path))
        }
        None => {
            let inference = args.doubt.on_top_of(Inference::default()).map_err(Failure::Usage)?;
            let study = args.asked.study(inference, args.groups.groups())?;
            args.asked.log.roles.tell_uncorrected(&study.question);
            (study, PathBuf::new())
        }
    };
    args.page.check_question(&study.question)?;
    if let Some(path) = &args.totals {
        check_totals(path, &study)?;
    }
    // All that it reads, as patterns and tables too; what is not there is told by whoever reads it.
    let sources = study.files(&folder).unwrap_or_default();
    args.page.check(beside(), &sources)?;
    let inputs = read(&study, &folder)?;
    let report = waiting("estimating", || study.audit(&inputs).run())?;
    if let Some(path) = &args.write_study {
        study::write(path, &study, &folder)?;
    }
    if let Some(path) = &args.totals {
        totals(path, &study, &inputs)?;
    }
    args.output.show(&report)?;
    args.page.write(&study, &inputs)
}

/// Whether the totals are of what is asked, and in a form that there is.
fn check_totals(path: &Path, study: &StudyFile) -> Result<(), Failure> {
    let what = if !study.question.groups.is_nothing() {
        "--totals are of the whole log, not of groups; say --filter for the rows of one"
    } else if study.question.second_cluster.is_some() {
        "--totals are of clusters that go one way; say --cluster once"
    } else if matches!(study.question.baseline, Some(Baseline::Period(_))) {
        "--totals are by arm, and --before compares an arm with its own past, which they do not tell apart; say \
         --split-at and --filter period=VALUE for the rows of either"
    } else if !is_a(path, "csv") && !is_a(path, "parquet") {
        "--totals writes .csv or .parquet; say so in the file's name"
    } else {
        return Ok(());
    };
    Err(Failure::Usage(what.to_owned()))
}

fn is_a(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|its| its.eq_ignore_ascii_case(ending))
}

/// Writes the totals of the log's clusters.
fn totals(path: &Path, study: &StudyFile, inputs: &StudyInputs) -> Result<(), Failure> {
    let tally = match &inputs.log {
        StudyLog::Whole(log) => Cow::Owned(Tally::of(log, &study.tally_spec())?),
        StudyLog::Tallied(tally) => Cow::Borrowed(&**tally),
        // Refused before anything was read.
        _ => return Ok(()),
    };
    if is_a(path, "parquet") {
        return Ok(tally.export(path)?);
    }
    let mut csv = Vec::new();
    tally.write_totals(&mut csv).map_err(|cause| Failure::of_file(path, cause))?;
    Ok(Place::of(path)?.write_bytes(&csv)?)
}

/// Reads what a study needs, and shows how far it is.
pub(crate) fn read(study: &StudyFile, folder: &Path) -> Result<StudyInputs, Failure> {
    let inputs = if study.log.more.is_empty() && folder.join(&study.log.path).is_file() {
        waiting("reading", || study.read(folder))?
    } else {
        let bar = Bar::of("rows or files");
        let inputs = study.read_with(folder, |progress| bar.at(progress));
        bar.end();
        inputs?
    };
    rows::tell_found_beside(inputs.supply.as_ref(), inputs.candidates.as_ref());
    Ok(inputs)
}
