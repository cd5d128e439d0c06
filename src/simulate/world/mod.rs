//! The world of a simulation: what is published and who watches, as columns. It knows nothing of
//! feeds, policies or experiments.

mod catalogue;
mod config;
mod viewers;

pub use self::catalogue::Catalogue;
pub use self::config::{
    ActivityConfig, Burst, CreatorsConfig, FollowsConfig, Interests, StratumConfig, TopicConfig,
    WorldConfig,
};
pub use self::viewers::Viewers;
pub(in crate::simulate) use self::viewers::{LEAST_INTEREST, Profile};

pub(in crate::simulate) use crate::base::time::DAY;
/// Microseconds of an hour.
pub(in crate::simulate) const HOUR: f64 = 3_600_000_000.0;
