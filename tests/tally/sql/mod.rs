//! Tallies as tables: written, read, checked, and made by other engines.

#[cfg(feature = "parquet")]
mod damage;
#[cfg(feature = "parquet")]
mod duckdb;
#[cfg(feature = "parquet")]
mod engines;
#[cfg_attr(
    not(feature = "parquet"),
    allow(dead_code, reason = "without files there is little to do with a log")
)]
mod logs;
mod query;
#[cfg(feature = "parquet")]
mod round_trip;
