//! Estimates: values, intervals, tests, decompositions.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod arrays;
mod baselines;
mod bootstrap;
mod by_groups;
mod change;
mod contrasts;
mod design;
mod designs;
mod estimates;
mod golden;
mod groups;
mod intervals;
mod labels;
mod monitor;
mod multiplicity;
mod no_false_finding;
mod own_statistics;
mod permutation;
mod properties;
mod questions;
mod sensitivity;
mod share_bounds;
#[path = "../shared/mod.rs"]
mod shared;
mod standardised;
mod stratified;
mod waterfall;
mod within;
