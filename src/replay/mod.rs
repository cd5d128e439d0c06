//! Replay: what a log says of a policy that did not make it.

pub mod off_policy;
