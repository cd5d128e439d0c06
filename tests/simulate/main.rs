//! Simulated worlds and policies, and what is true of them.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod plackett_luce;
mod policies;
mod simulate;
mod study;
mod truth;
mod worlds;
