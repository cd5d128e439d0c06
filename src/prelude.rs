//! What nearly every program that asks a question of a log names, to be brought in together.
//!
//! ```
//! use tiltmeter::prelude::*;
//! let schema = LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::json("about"));
//! let question = Question::between("ranked", "newest").cluster(ClusterBy::Viewer);
//! # let _ = (schema, question);
//! ```

pub use crate::inference::{Interval, Multiplicity, Test};
pub use crate::log::{LogSchema, TimeFormat, TopicColumn};
pub use crate::tally::{StratifyBy, WindowBy};
pub use crate::{
    Attention, Audit, AuditReport, Baseline, ClusterBy, Denominator, Error, Estimate, ExposureLog,
    Keep, MultiLabel, Question, Unit,
};
