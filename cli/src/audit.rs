//! `audit`: a log and a question, and the report.

use std::path::{Path, PathBuf};

use clap::Args;
use tiltmeter::inference::{Blocks, Inference, Test};
use tiltmeter::tally::StratifyBy;
use tiltmeter::{AuditReport, GroupBy, LogInput, StudyFile, StudyInputs};

use crate::baseline::{Against, BaselineArgs, KindArgs};
use crate::failure::Failure;
use crate::html::PageArgs;
use crate::progress::{Bar, waiting};
use crate::question::{ClusterArgs, GroupArgs, QuestionArgs};
use crate::roles::{RoleArgs, Uses, column_of};
use crate::spoken::in_flags;
use crate::tally::SkipArgs;
use crate::uncertainty::UncertaintyArgs;
use crate::width::WidthArgs;
use crate::{out, parse, study};

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
        "logs", "filter", "SkipArgs", "RoleArgs", "QuestionArgs", "ClusterArgs", "KindArgs", "BaselineArgs", "GroupArgs",
    ])]
    study: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    page: PageArgs,
    /// Write the audit as a study file, TOML if its name ends so, else JSON.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    write_study: Option<PathBuf>,
}

/// A log and what is asked of it.
#[derive(Debug, Args)]
pub(crate) struct AskedArgs {
    /// The log: files (.csv, .tsv, .ndjson, .jsonl, each also .gz; .parquet), folders or patterns.
    #[arg(value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// Only rows with this value in a column; the same column twice means either. It holds for the
    /// supply and the candidates too where they have the column; the report says where not.
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = parse::filter)]
    filter: Vec<(String, String)>,
    /// Give the log a column "period" with two values, such as "before 2026-03-09" and "from 2026-03-09" (UTC
    /// unless the moment says otherwise), for --by, --filter and statistics over strata.
    #[arg(long, value_name = "DATE_OR_TIME", requires = "time")]
    split_at: Option<String>,
    #[command(flatten)]
    skip: SkipArgs,
    #[command(flatten)]
    question: QuestionArgs,
    #[command(flatten)]
    kind: KindArgs,
    #[command(flatten)]
    more: BaselineArgs,
    #[command(flatten)]
    clusters: ClusterArgs,
    #[command(flatten)]
    pub(crate) roles: RoleArgs,
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

/// In which form.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Print the report as JSON (docs/report-json.md).
    #[arg(long, conflicts_with_all = ["markdown", "csv"])]
    json: bool,
    /// Print it as Markdown.
    #[arg(long, conflicts_with = "csv")]
    markdown: bool,
    /// Print its estimates as CSV, a row for each (docs/report-json.md).
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    width: WidthArgs,
}

impl AskedArgs {
    /// The study that these flags are.
    pub(crate) fn study(
        &self,
        inference: Inference,
        groups: GroupBy,
    ) -> Result<StudyFile, Failure> {
        let (path, more) = self
            .logs
            .split_first()
            .ok_or_else(|| Failure::Usage("which LOG? Or --study FILE".to_owned()))?;
        let Against { baseline, supply, candidates } =
            self.kind.against(&self.more, &self.roles, &self.question)?;
        // The column that a split makes is not one of the file's.
        let by_period = self.split_at.is_some() && self.roles.stratum.as_deref() == Some(PERIOD);
        let mut roles = self.roles.clone();
        roles.stratum = roles.stratum.filter(|_| !by_period);
        let (first, second) = self.clusters.units(&roles)?;
        let keep = parse::keep(&self.filter);
        let kept = keep.iter().map(|its| &its.column).chain(&groups.columns).map(String::as_str);
        let (made, kept): (Vec<&str>, Vec<&str>) =
            kept.partition(|column| self.split_at.is_some() && *column == PERIOD);
        let schema = {
            let units = [Some(&first), second.as_ref()].into_iter().flatten();
            roles.schema(units.filter_map(column_of).chain(kept.iter().copied()))
        };
        let mut question = self.question.question(
            baseline,
            (first, second),
            (self.clusters.multi_label, Some(&self.roles)),
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
            schema_for_editors: None,
            title: None,
            authors: Vec::new(),
            note: None,
            log: LogInput {
                path: path.clone(),
                more: more.to_vec(),
                skip: self.skip.skip.clone(),
                schema,
                keep,
                split_at: self.split_at.clone(),
            },
            item_topics: None,
            candidates,
            supply,
            question,
            inference,
        })
    }
}

pub(crate) fn run(args: &AuditArgs) -> Result<(), Failure> {
    args.page.check(args.write_study.as_ref(), args.asked.logs.iter().chain(&args.study))?;
    let (study, folder) = match &args.study {
        Some(path) => {
            let mut study = study::open(path)?;
            study.inference = args.doubt.on_top_of(study.inference).map_err(Failure::Usage)?;
            (study, study::folder_of(path))
        }
        None => {
            let inference = args.doubt.on_top_of(Inference::default()).map_err(Failure::Usage)?;
            (args.asked.study(inference, args.groups.groups())?, PathBuf::new())
        }
    };
    args.page.check_question(&study.question)?;
    // All that it reads, as patterns and tables too; what is not there is told by whoever reads it.
    let sources = study.files(&folder).unwrap_or_default();
    args.page.check(args.write_study.as_ref(), &sources)?;
    let inputs = read(&study, &folder)?;
    let report = waiting("estimating", || study.audit(&inputs).run())?;
    if let Some(path) = &args.write_study {
        study::write(path, &study, &folder)?;
    }
    args.output.show(&report)?;
    args.page.write(&study, &inputs)
}

/// Reads what a study needs, and shows how far it is.
pub(crate) fn read(study: &StudyFile, folder: &Path) -> Result<StudyInputs, Failure> {
    if study.log.more.is_empty() && folder.join(&study.log.path).is_file() {
        return Ok(waiting("reading", || study.read(folder))?);
    }
    let bar = Bar::of("rows or files");
    let inputs = study.read_with(folder, |progress| bar.at(progress));
    bar.end();
    Ok(inputs?)
}

impl OutputArgs {
    /// Prints a report in the form asked for.
    pub(crate) fn show(&self, report: &AuditReport) -> Result<(), Failure> {
        if self.json {
            self.width.refuse("JSON")?;
            out::print(&report.to_json()?)
        } else if self.markdown {
            self.width.refuse("Markdown")?;
            out::print(&in_flags(&report.to_markdown_document()))
        } else if self.csv {
            self.width.refuse("CSV")?;
            out::print(&report.to_csv())
        } else {
            out::print(&in_flags(&report.to_text(self.width.columns())))
        }
    }
}
