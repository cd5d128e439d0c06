//! Measure which way a recommendation feed leans.
//!
//! tiltmeter reads the log of what a feed showed to whom and says how much each topic is
//! amplified in one arm against a stated baseline, with intervals that know that impressions of
//! one viewer are not independent.
//!
//! ```text
//! share(topic, arm) = weight of the arm's impressions about the topic / weight of all its impressions
//! amplification ratio = share(topic, treatment) / share(topic, baseline)
//! ```
//!
//! Without weights every impression counts 1. [What is amplification](guide::what_is_amplification) says more;
//! [from your CSV to a paper](guide::from_your_csv) is where to begin, and the [cookbook](guide::cookbook) has a program for
//! each task.
//!
//! ```
//! use tiltmeter::log::{LogSchema, TopicColumn};
//! use tiltmeter::{Audit, ClusterBy, ExposureLog, Question};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("log.csv");
//! # std::fs::write(&path, "who,feed,rank,about\na,ranked,1,war\nb,ranked,1,war\nc,newest,1,war\nd,newest,1,sport\n").unwrap();
//! let schema = LogSchema::new()
//!     .viewer("who")
//!     .arm("feed")
//!     .position("rank")
//!     .topics(TopicColumn::separated("about", '|'));
//! let log = ExposureLog::open(&path, &schema)?;
//!
//! let question = Question::between("ranked", "newest").cluster(ClusterBy::Viewer);
//! let report = Audit::of(&log, &question).run()?;
//! println!("{report}");
//! # Ok::<(), tiltmeter::Error>(())
//! ```
//!
//! # The way through
//!
//! | step | module | in | out |
//! | --- | --- | --- | --- |
//! | source | [`source`] | files, frames, slices | batches of plain columns |
//! | log | [`log`] | batches and a [`log::LogSchema`] | an [`ExposureLog`]: typed, checked |
//! | tally | [`tally`] | a log | a [`tally::Tally`]: sums by cluster and cell |
//! | estimate | [`statistic`], [`inference`] | a tally and a question | an [`Estimate`] |
//! | report | [`report`] | estimates | an [`AuditReport`]: table, JSON, frame |
//!
//! A [`Question`] says what is asked, and [`Audit`] goes all the way. [`job::TallyJob`] makes the tally of files that do
//! not fit into memory; [`Audit::of_tally`] goes on from there.
//!
//! # Features
//!
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `parquet` | yes | reading Parquet, saving logs to it |
//! | `plot` | yes | plots of reports, as SVG, and pages of HTML |
//! | `png` | no | the same plots as PNG (`report::Png`), with Roboto for their letters, which is compiled in |
//! | `polars` | no | logs from `DataFrame`s, reports as `DataFrame`s; `tiltmeter::polars` is its version |
//! | `lazy` | no | the same from `LazyFrame`s |
//! | `sql` | no | logs that are queries in SQL over tables, which are held in memory |
//! | `zip` | no | bundles of evidence as one `.zip` |
//! | `zstd` | with `parquet` | reading text that Zstandard compressed |
//! | `json-schema` | no | the schema of study files (`StudyFile::json_schema`) |
//!
//! # Panics and NaN
//!
//! Bad input is a typed [`Error`] that names file, column, row and value. No public function
//! panics on input, and no number it returns is NaN: what has no value is a state with a reason
//! ([`Value`], [`NoInterval`]). That holds for [statistics of your own](statistic::Statistic) too: what
//! they return is looked at wherever they are evaluated, and a fault of theirs is [`Error::Statistic`].

#![cfg_attr(docsrs, feature(doc_cfg))]

mod audit;
mod base;
pub mod coverage;
pub mod decompose;
mod error;
mod estimate;
pub mod evidence;
pub mod findings;
mod format;
pub mod guide;
pub mod inference;
pub mod job;
pub mod log;
mod place;
pub mod policy;
pub mod prelude;
mod question;
pub mod replay;
pub mod report;
pub mod sensitivity;
pub mod simulate;
pub mod source;
pub mod statistic;
mod study_file;
pub mod tally;

#[cfg(feature = "polars")]
pub use ::polars;
pub use ndarray;

pub use crate::audit::Audit;
pub use crate::audit::report::AuditReport;
pub use crate::base::progress::Progress;
pub use crate::error::{Error, StatisticFault};
pub use crate::estimate::{
    ArmLabels, ArmTotals, ClusterCounts, ConfidenceInterval, Estimate, Finding, IntervalMethod,
    Labels, Measured, Naive, NoInterval, NoTest, Relation, Said, SideOfNull, Table, TestMethod,
    TestResult, Value, Warning,
};
pub use crate::format::word::UnknownWord;
pub use crate::inference::Interval;
pub use crate::log::{Comparison, ExposureLog, Keep};
pub use crate::place::Place;
pub use crate::question::attention::{Attention, Beyond};
pub use crate::question::baseline::{
    Baseline, Bias, EngagementWeighted, Period, Propensity, Reference, ReferenceShare, Supply,
};
pub use crate::question::correction::Correction;
pub use crate::question::estimand::{Denominator, Estimand, Reach, Unit};
pub use crate::question::groups::{Group, GroupBy, Pairs};
pub use crate::question::whole::{Question, Topics};
pub use crate::statistic::AnyStatistic;
pub use crate::study_file::{
    CandidatesInput, ItemTopicsInput, JoinInput, LogInput, NamedTable, StudyFile, StudyInputs,
    StudyLog, StudyRows, TableInput,
};
pub use crate::tally::{ClusterBy, MultiLabel};

/// Compiles the program in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
