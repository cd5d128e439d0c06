//! The log that is asked, as flags.

use std::path::{Path, PathBuf};

use clap::Args;
use tiltmeter::log::LogSchema;
use tiltmeter::{ClusterBy, ExposureLog, Keep, LogInput, MultiLabel};

use crate::failure::Failure;
use crate::parse;
use crate::progress::waiting;
use crate::question::ClusterArgs;
use crate::roles::{RoleArgs, column_of};
use crate::tally::SkipArgs;

/// A log, and which of its rows.
#[derive(Clone, Debug, Args)]
pub(crate) struct LogArgs {
    /// The log: files (.csv, .tsv, .ndjson, .jsonl, each also .gz; .parquet), folders or patterns.
    #[arg(value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
    /// Only rows with this value in a column; the same column twice means either. Also !=, and <, <=, > and >= with a
    /// number, a date or a time; 'COLUMN in A,B' and 'COLUMN not in A,B'. It holds for the supply and the candidates
    /// too where they have the column; the report says where not.
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = parse::filter)]
    filter: Vec<Keep>,
    #[command(flatten)]
    skip: SkipArgs,
    #[command(flatten)]
    pub(crate) roles: RoleArgs,
}

impl LogArgs {
    /// Which rows are asked about.
    pub(crate) fn keep(&self) -> Vec<Keep> {
        parse::keep(&self.filter)
    }

    /// The log, of this schema.
    pub(crate) fn input(&self, schema: LogSchema) -> Result<LogInput, Failure> {
        let (path, more) =
            self.logs.split_first().ok_or_else(|| Failure::Usage("which LOG?".to_owned()))?;
        Ok(LogInput {
            more: more.to_vec(),
            skip: self.skip.skip.clone(),
            keep: self.keep(),
            ..LogInput::new(path, schema)
        })
    }

    /// The rows, held in memory, with the columns of clusters and of filters and one more.
    pub(crate) fn open(
        &self,
        units: &Units,
        also: Option<&str>,
        arm: &str,
    ) -> Result<ExposureLog, Failure> {
        let keep = self.keep();
        let columns = units.columns().chain(keep.iter().map(|its| its.column.as_str())).chain(also);
        let input = self.input(self.roles.schema(columns))?;
        let log = waiting("reading", || input.open(Path::new("")))?;
        // A feed without a column of arms is one arm.
        Ok(if log.arms().is_none() { log.in_arm(arm) } else { log })
    }
}

/// What belongs together, and how topics share an impression.
pub(crate) struct Units {
    pub(crate) clusters: (ClusterBy, Option<ClusterBy>),
    pub(crate) multi_label: Option<MultiLabel>,
}

impl Units {
    pub(crate) fn of(args: &ClusterArgs, roles: &RoleArgs) -> Result<Self, Failure> {
        Ok(Self { clusters: args.units(roles)?, multi_label: args.multi_label })
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        [Some(&self.clusters.0), self.clusters.1.as_ref()]
            .into_iter()
            .flatten()
            .filter_map(column_of)
    }
}
