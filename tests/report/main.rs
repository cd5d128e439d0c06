//! Reports: tables, pages, bundles of evidence.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod evidence;
mod evidence_zip;
mod html;
mod inert;
mod questions;
mod report;
mod snapshots;
mod studies;
mod table;
