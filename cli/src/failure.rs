//! How a command may fail, and what is said of it.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use tiltmeter::Error;
use tiltmeter::log::{FaultReason, Role};
use tiltmeter::report::printable;

use crate::out;
use crate::spoken::in_flags;

/// Why a command came to nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// What clap says of the command line: that it makes no sense, or the help that was asked for.
    Answered(clap::Error),
    /// The library refused.
    Run(Box<Error>),
    /// Something else went wrong.
    Told(String),
    /// What was checked is not the same; what differs is told already.
    NotTheSame,
    /// What was checked is of another release, and what can be compared is the same.
    OtherRelease,
    /// Whoever read the output has seen enough.
    Closed,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Run(Box::new(error))
    }
}

impl Failure {
    /// Of a file that could not be read or written.
    pub(crate) fn of_file(path: &Path, cause: impl fmt::Display) -> Self {
        Self::Told(format!("{}: {cause}", out::of_path(path)))
    }

    /// Says it on standard error.
    pub(crate) fn tell(self) -> ExitCode {
        match self {
            Self::Closed => ExitCode::SUCCESS,
            Self::NotTheSame => ExitCode::from(3),
            Self::OtherRelease => ExitCode::from(4),
            Self::Usage(what) => {
                out::tell(&format!("error: {what}\n\nFor more information, try '--help'."));
                ExitCode::from(2)
            }
            Self::Answered(answer) => Self::of_answer(&answer),
            Self::Told(what) => {
                out::tell(&format!("error: {what}"));
                ExitCode::FAILURE
            }
            Self::Run(error) => {
                out::tell(&format!("error: {}", in_flags(&error.to_string())));
                if let Some(hint) = hint(&error) {
                    out::tell(&format!("hint: {hint}"));
                }
                ExitCode::FAILURE
            }
        }
    }

    /// Help and version are what was asked for; all else quotes the command line.
    fn of_answer(answer: &clap::Error) -> ExitCode {
        let text = answer.render().to_string();
        if answer.use_stderr() {
            out::tell(text.trim_end_matches('\n'));
            return ExitCode::from(2);
        }
        match out::print(&text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.tell(),
        }
    }
}

/// The flag that mends it, where one does.
fn hint(error: &Error) -> Option<String> {
    let text = match error {
        Error::InGroup { cause, .. } => return hint(cause),
        Error::MissingRole { role: Role::Viewer, .. } => {
            "--viewer COLUMN, or --cluster with the unit that was assigned independently".to_owned()
        }
        Error::MissingRole { role, .. } => format!("{} COLUMN", flag(*role)),
        Error::MissingColumn { .. } | Error::UnknownColumn { .. } => {
            "`tiltmeter inspect LOG` shows the columns and suggests what they are".to_owned()
        }
        Error::Row(fault) if fault.reason == FaultReason::ListAsText => {
            "--topics COLUMN --topics-separator json_list reads lists as JSON has them, --topics-separator \
             python_list lists in single quotes"
                .to_owned()
        }
        Error::UnreadInFolder { path } => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            format!("--skip '{}' leaves it out", printable(&name))
        }
        Error::Row(_) => "--set-aside leaves such rows out and counts them by reason".to_owned(),
        Error::UnknownArm { .. } => "--treatment and --baseline name arms".to_owned(),
        Error::UnknownTopic { .. } => "--only names topics".to_owned(),
        Error::UnknownAttention { .. } => "--attention names one of them".to_owned(),
        Error::Unstated { what: "topics", .. } | Error::NoTopics => {
            "--topic COLUMN for one topic an impression, --topics COLUMN for any number".to_owned()
        }
        Error::MemoryLimit { file, needed, .. } => {
            let memory = needed.div_ceil(1 << 20);
            match file {
                None => format!(
                    "--memory {memory} would do so far, and the rest of the log needs more; by --cluster \
                     hashed:16:UNIT a tally of few arms, strata and topics has a fixed size"
                ),
                Some(_) => format!("--memory {memory} or more"),
            }
        }
        Error::BaselineLacks { .. } => {
            "--baseline-supply FILE gives the items, --candidates FILE the candidates of requests, \
             --slate and --time their columns"
                .to_owned()
        }
        Error::TooManyTotals { .. } => {
            "--cluster hashed:8:UNIT, another column for --stratum, or fewer --replicates".to_owned()
        }
        Error::UnmergeableClusters { .. } => {
            "another --cluster, or for one log a larger --memory".to_owned()
        }
        Error::RowsOfSeveral { .. } => "leave --count out once rows are repeated".to_owned(),
        Error::NoStrata { .. } => {
            "--stratum COLUMN; of a tally, `tally --stratum COLUMN` makes it anew".to_owned()
        }
        Error::Parameter { parameter, .. } => flags_of(parameter)?.to_owned(),
        Error::OtherJob { .. } => "--checkpoint FILE".to_owned(),
        Error::NothingKept { column, .. } => format!("--filter {}=ONE OF THEM, or what some rows hold", printable(column)),
        Error::NoGlyphs { .. } => "--font FILE, or --figures-as svg".to_owned(),
        Error::EmptyLog { .. } => "see --filter, --null and --delimiter".to_owned(),
        _ => return None,
    };
    Some(text)
}

/// The flags that say a parameter of the library.
fn flags_of(parameter: &str) -> Option<&'static str> {
    Some(match parameter {
        "the unit" => "--unit pooled, cluster_mean or reach",
        "the test" => "--test share_bounds, delta, wild_bootstrap, permutation or equivalence",
        "the interval" => {
            "--interval share_bounds, delta, bootstrap, jackknife, wild_bootstrap or simultaneous"
        }
        "the method that adjusts p-values" => {
            "--multiplicity holm, bonferroni, benjamini_hochberg, benjamini_yekutieli or two_stage"
        }
        "the margin of Equivalence" => "--test equivalence:low=LOW,high=HIGH",
        "the second cluster" => "--cluster UNIT, twice only for two units",
        "level" => "--level",
        "the resolution" | "the size of a picture" => "--dpi",
        "a font" => "--font",
        _ => return None,
    })
}

/// The flag that declares the column of a role.
fn flag(role: Role) -> &'static str {
    match role {
        Role::Viewer => "--viewer",
        Role::Item => "--item",
        Role::Arm => "--arm",
        Role::Position => "--position",
        Role::Time => "--time",
        Role::Weight => "--weight",
        Role::Count => "--count",
        Role::Stratum => "--stratum",
        Role::Topics => "--topic",
        Role::Slate => "--slate",
        Role::Session => "--session",
        Role::Engagement => "--engagement",
        Role::Propensity => "--propensity",
        Role::Satisfaction => "--satisfaction",
        Role::Human => "--human",
        Role::Inclusion => "--inclusion",
        _ => "--column",
    }
}
