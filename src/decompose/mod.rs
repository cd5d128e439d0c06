//! Where amplification comes from: its parts along the way from what there was to what was acted upon.

mod waterfall;

pub use self::waterfall::{
    EngagementCounts, MissingStage, Stage, StageShare, Step, TopicWaterfall, Waterfall,
    WaterfallReport,
};
