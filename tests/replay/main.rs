//! Replay and off-policy evaluation.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod logged;
mod off_policy;
#[path = "../shared/mod.rs"]
mod shared;
