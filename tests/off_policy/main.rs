//! Off-policy estimates: against other programs, closed forms, plain loops and simulations of known
//! truth.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

#[path = "../shared/mod.rs"]
mod shared;

mod errors;
mod golden;
mod logs;
mod properties;
mod simulation;
mod states;
