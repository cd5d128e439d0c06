//! Chapters for people: how to choose, with code that runs. Text only; nothing is computed here.

#[doc = include_str!("../docs/guide/choosing-a-baseline.md")]
pub mod choosing_a_baseline {}

#[doc = include_str!("../docs/guide/choosing-an-interval.md")]
pub mod choosing_an_interval {}
