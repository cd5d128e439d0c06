//! What else could have been shown: the candidates of requests, and what other rules make of them. What
//! comes out are rows of a log under another arm's name, so that everything after it (tallies, intervals,
//! tests, reports) needs to know nothing of replays.

mod derive;
pub mod off_policy;
mod pools;
mod requests;

pub(crate) use self::derive::{Derived, Making, RowsAre, derive, supply_arm};
pub use self::pools::{PoolBy, Pools};
pub(crate) use self::requests::rows_of_arm;
