//! What else could have been shown: the candidates of requests, and what other rules make of them. What
//! comes out are rows of a log under another arm's name, so that everything after it (tallies, intervals,
//! tests, reports) needs to know nothing of replays.

mod account;
mod answer;
mod arriving;
mod asking;
mod columns;
mod derive;
mod numbering;
pub mod off_policy;
mod policy;
mod pools;
mod replayed;
mod requests;
mod spec;
mod steps;
mod stream;

pub use self::account::ReplayAccount;
pub use self::columns::{CandidateColumns, NumberColumn, RequestColumns};
pub(crate) use self::derive::{BaselineArms, BaselineInputs, BaselineRowKind, derive, supply_arm};
pub use self::policy::Replay;
pub use self::pools::{CandidateKey, CandidateSets};
pub use self::replayed::Replayed;
pub(crate) use self::requests::rows_of_arm;
pub use self::spec::{Feedback, ReplaySpec, Round};
pub use self::steps::{Step, StepSpec};
pub use self::stream::{ReplayDone, ReplayRun};
