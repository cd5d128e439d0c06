//! What is asked of a log's rows, as flags: by commands that sums alone do not answer.

use std::path::Path;

use clap::Args;
use tiltmeter::replay::CandidateSets;
use tiltmeter::{
    Baseline, CandidatesInput, ExposureLog, Question, StudyFile, StudyRows, TableInput, Unit,
};

use crate::failure::Failure;
use crate::log::{LogArgs, tell_found};
use crate::progress::waiting;
use crate::question::{ClusterArgs, SubjectArgs};
use crate::roles::column_of;

/// A log and what is asked of it.
#[derive(Debug, Args)]
pub(crate) struct RowsArgs {
    #[command(flatten)]
    pub(crate) log: LogArgs,
    #[command(flatten)]
    subject: SubjectArgs,
    #[command(flatten)]
    clusters: ClusterArgs,
}

/// The other arm, and how clusters are put together.
#[derive(Debug, Args)]
#[command(next_help_heading = "Question")]
pub(crate) struct OtherArmArgs {
    /// The arm that it is compared with.
    #[arg(long, value_name = "ARM")]
    baseline: String,
    /// pooled (the default), cluster_mean, reach or reach:impressions=NUMBER.
    #[arg(long, value_name = "UNIT")]
    unit: Option<Unit>,
}

/// The tables that go with a log.
#[derive(Default)]
pub(crate) struct Beside {
    pub(crate) supply: Option<TableInput>,
    pub(crate) candidates: Option<CandidatesInput>,
}

impl RowsArgs {
    /// The question; of one arm unless another is named.
    pub(crate) fn question(&self, other: Option<&OtherArmArgs>) -> Result<Question, Failure> {
        let roles = &self.log.roles;
        let units = self.clusters.units(roles)?;
        let rows = (self.clusters.multi_label, Some(roles));
        let baseline = other.map(|its| Baseline::arm(&its.baseline));
        let mut question = self.subject.question(baseline, units, rows)?;
        question.unit = other.and_then(|its| its.unit).unwrap_or_default();
        Ok(question)
    }

    /// The study that these flags are, with one column more.
    pub(crate) fn study(
        &self,
        question: Question,
        beside: Beside,
        also: Option<&str>,
    ) -> Result<StudyFile, Failure> {
        let keep = self.log.keep();
        let late = keep.iter().filter(|_| self.log.beside.ranks_by_order());
        let late: Vec<&str> = late.map(|its| its.column.as_str()).collect();
        let log = {
            let units = question.cluster.iter().chain(&question.second_cluster);
            let columns = units.filter_map(column_of).chain(late).chain(also);
            self.log.input(self.log.roles.schema(columns))?
        };
        Ok(StudyFile {
            item_topics: self.log.beside.item_topics(&self.log.roles)?,
            candidates: beside.candidates,
            supply: beside.supply,
            ..StudyFile::new(log, question)
        })
    }
}

/// Reads the rows of a study that flags are, and says what was found of the files.
pub(crate) fn read(study: &StudyFile) -> Result<StudyRows, Failure> {
    let rows = waiting("reading", || study.read_rows(Path::new("")))?;
    tell_found(rows.log.origin());
    tell_found_beside(rows.supply.as_ref(), rows.candidates.as_ref());
    Ok(rows)
}

/// The same of the tables beside a log, which no report tells.
pub(crate) fn tell_found_beside(supply: Option<&ExposureLog>, candidates: Option<&CandidateSets>) {
    let tables = supply.into_iter().chain(candidates.map(CandidateSets::candidates));
    tables.for_each(|table| tell_found(table.origin()));
}
