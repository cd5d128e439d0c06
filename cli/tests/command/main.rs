//! The command, run as its users run it.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod alike;
mod at_once;
mod audit;
mod cases;
mod inert;
mod inspect;
mod limits;
mod places;
mod said;
mod same_thing;
mod shapes;
mod spoken;
mod sql;
mod stages;
mod steps;
mod support;
mod thin;
mod weights;
