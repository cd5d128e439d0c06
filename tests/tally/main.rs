//! The tally: jobs, saved forms, the query, counts.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod at_once;
mod counts;
mod job;
mod limits;
mod saved_tally;
#[path = "../shared/mod.rs"]
mod shared;
mod sql;
mod ties;
