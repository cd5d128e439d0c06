//! The long form of a tally: a plain table that any SQL engine can make and read, one row per
//! cluster and cell. What its columns are called and what it says of itself is here; the query
//! that makes one is in [`sql`](super::sql).

#[cfg(feature = "parquet")]
mod build;
mod key;
#[cfg(feature = "parquet")]
mod read;
mod wide;
#[cfg(feature = "parquet")]
mod write;

use super::TallySpec;
pub use crate::error::table::{TableFault, TableFaultReason};

/// The version of the table's layout.
const VERSION: &str = "1";
const VERSION_KEY: &str = "tiltmeter.tally.table.version";
const SPEC_KEY: &str = "tiltmeter.tally.table.spec";
const BUCKETS_KEY: &str = "tiltmeter.tally.table.bucket_function";
const SCALE_KEY: &str = "tiltmeter.tally.table.weight_scale";
#[cfg(feature = "parquet")]
const IMPRESSIONS_KEY: &str = "tiltmeter.tally.table.impressions";
#[cfg(feature = "parquet")]
const WEIGHTS_KEY: &str = "tiltmeter.tally.table.weights";
/// Under which a table says which rows of a log it is of, if not all.
#[cfg(feature = "parquet")]
const KEPT_KEY: &str = "tiltmeter.tally.table.kept";
#[cfg(feature = "parquet")]
const AXES_KEY: &str = "tiltmeter.tally.table.axes";

/// How ids become keys, and keys buckets.
const BUCKET_FUNCTION: &str = "leading bits of the first 64 bits of MD5";

/// Units of mass of one impression of weight 1.
const WEIGHT_SCALE: &str = "1099511627776";

pub(super) const CLUSTER: &str = "cluster";
pub(super) const ARM: &str = "arm";
pub(super) const STRATUM: &str = "stratum";
pub(super) const WINDOW: &str = "window";
pub(super) const KIND: &str = "kind";
pub(super) const TOPIC: &str = "topic";
pub(super) const COUNT: &str = "count";
/// Followed by the number of the attention model, as are the next two.
pub(super) const MASS: &str = "mass_";
pub(super) const OWN: &str = "own_";
pub(super) const CROSS: &str = "cross_";

/// The values of the column of kinds.
pub(super) const KIND_TOPIC: &str = "topic";
pub(super) const KIND_ALL: &str = "all";
pub(super) const KIND_TAGGED: &str = "tagged";

impl TallySpec {
    /// What a table for this spec says of itself, as keys and values: the version of its layout,
    /// the spec as JSON, how keys fall into buckets, and how many units of mass one impression of
    /// weight 1 has.
    ///
    /// [`Tally::export`](super::Tally::export) writes them into the file. An engine that can write
    /// key-value metadata of Parquet files (`KV_METADATA` in DuckDB) may do the same, and the file
    /// then needs no spec to be imported.
    ///
    /// ```
    /// use tiltmeter::tally::TallySpec;
    /// let metadata = TallySpec::default().table_metadata();
    /// assert!(metadata.contains(&("tiltmeter.tally.table.version", "1".to_owned())));
    /// let scale = ("tiltmeter.tally.table.weight_scale", "1099511627776".to_owned()); // 2^40
    /// assert!(metadata.contains(&scale));
    /// ```
    #[must_use]
    pub fn table_metadata(&self) -> Vec<(&'static str, String)> {
        // Text and numbers alone, so that this cannot fail; NaN, which JSON lacks, becomes null
        // and is refused where the spec is used.
        let spec = serde_json::to_string(self).unwrap_or_default();
        vec![
            (VERSION_KEY, VERSION.to_owned()),
            (SPEC_KEY, spec),
            (BUCKETS_KEY, BUCKET_FUNCTION.to_owned()),
            (SCALE_KEY, WEIGHT_SCALE.to_owned()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weight_scale_is_that_of_masses() {
        assert_eq!(WEIGHT_SCALE, crate::tally::Mass::of_count(1).units().to_string());
    }
}
