//! Which totals of two arms there are.

use serde::{Deserialize, Serialize};

/// Which of the two arms a cell belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The arm under test.
    Treatment,
    /// What it is compared with.
    Baseline,
}

/// What a cell sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// What the topic got.
    Topic,
    /// What another topic got: that of
    /// [`Statistic::other_topics`](crate::statistic::Statistic::other_topics) with this number, from 0.
    OtherTopic(usize),
    /// What all topics together, and untagged impressions, got.
    All,
}

/// Which strata a cell sums over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Over {
    /// All of them.
    AllStrata,
    /// One, by its index.
    Stratum(usize),
    /// One by its name: that of [`Statistic::named_strata`](crate::statistic::Statistic::named_strata) with this
    /// number, from 0.
    Named(usize),
}

/// A total that a statistic needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cell {
    /// The arm.
    pub side: Side,
    /// What is summed.
    pub quantity: Quantity,
    /// Over which strata.
    pub over: Over,
}

impl Cell {
    /// The four totals of two arms: topic and all in the treatment, topic and all in the
    /// baseline, over all strata.
    pub const TWO_ARMS: [Self; 4] = [
        Self::over_all(Side::Treatment, Quantity::Topic),
        Self::over_all(Side::Treatment, Quantity::All),
        Self::over_all(Side::Baseline, Quantity::Topic),
        Self::over_all(Side::Baseline, Quantity::All),
    ];

    /// A total over all strata.
    #[must_use]
    pub const fn over_all(side: Side, quantity: Quantity) -> Self {
        Self { side, quantity, over: Over::AllStrata }
    }
}
