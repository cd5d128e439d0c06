//! The log: what is read, from whatever it is read.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod input;
mod json;
mod limits;
mod parquet_output;
mod same_thing;
mod shapes;
mod sources;
#[cfg(feature = "sql")]
mod sql;
