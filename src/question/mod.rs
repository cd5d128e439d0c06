//! What may be asked, as data: nothing here computes, and whatever does stands above.

pub(crate) mod attention;
pub(crate) mod baseline;
pub(crate) mod cluster;
pub(crate) mod correction;
pub(crate) mod estimand;
pub(crate) mod groups;
pub(crate) mod keep;
pub(crate) mod multi_label;
pub(crate) mod multiplicity;
pub(crate) mod propensity;
pub(crate) mod weights;
pub(crate) mod whole;
pub(crate) mod window;
