//! Where amplification comes from: its parts along the way from what there was to what was acted upon.

mod report;
mod waterfall;

pub use self::report::{MissingStage, StageShare, Step, TopicWaterfall, WaterfallReport};
pub use self::waterfall::{EngagementCounts, Stage, Waterfall};
