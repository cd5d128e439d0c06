//! Feeds that are made up, so that what an audit says can be held against what is true.

pub mod plackett_luce;
