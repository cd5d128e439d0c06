//! Reports: tables, pages, bundles of evidence.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod evidence;
mod evidence_zip;
mod html;
mod inert;
mod questions;
#[path = "../shared/random.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod random;
mod report;
mod snapshots;
mod studies;
mod table;
