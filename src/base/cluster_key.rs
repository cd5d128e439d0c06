//! Cluster keys: the stable number by which a cluster is known to every machine and engine.
//! Keys know nothing of rows or columns.

use ::md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::md5;

/// The stable key of a cluster: the first 8 bytes of the MD5 of its id's text, read big-endian.
///
/// MD5 is used because Spark, BigQuery, Snowflake, Trino, DuckDB and Postgres all have it, so a
/// table made by one of them has the same keys. It protects nothing: an id is not anonymous
/// because it is hashed.
///
/// ```
/// use tiltmeter::log::ClusterKey;
/// // RFC 1321, appendix A.5: MD5("abc") = 900150983cd24fb0d6963f7d28e17f72
/// assert_eq!(ClusterKey::of("abc").get(), 0x9001_5098_3cd2_4fb0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClusterKey(u64);

impl ClusterKey {
    /// The key of an id, from its canonical text (integers in decimal, without leading zeros).
    #[must_use]
    pub fn of(id: &str) -> Self {
        let digest = Md5::digest(id.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self(u64::from_be_bytes(first))
    }

    /// The keys of several ids. Those of short ids are made side by side.
    pub(crate) fn of_each<'i, 'k>(
        mut ids: impl Iterator<Item = &'i str>,
        mut keys: impl Iterator<Item = &'k mut Self>,
    ) {
        let arch = pulp::Arch::new();
        loop {
            let mut lanes = md5::Lanes::new();
            let mut of_lanes: Vec<&mut Self> = Vec::with_capacity(md5::LANES);
            for (id, key) in ids.by_ref().zip(keys.by_ref()) {
                if lanes.set(of_lanes.len(), id.as_bytes()) {
                    of_lanes.push(key);
                } else {
                    *key = Self::of(id);
                }
                if of_lanes.len() == md5::LANES {
                    break;
                }
            }
            if of_lanes.is_empty() {
                return;
            }
            let digests = lanes.first_eight_bytes(arch);
            of_lanes.into_iter().zip(digests).for_each(|(key, digest)| *key = Self(digest));
        }
    }

    /// A key that is already a number: a bucket, or the index of a row.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The key as a number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The bucket this key falls in when there are `2^bits` of them: its leading bits, which are
    /// also the leading hexadecimal digits of the MD5. Zero bits put every key in bucket 0.
    #[must_use]
    pub const fn bucket(self, bits: u32) -> u64 {
        if bits == 0 { 0 } else { self.0 >> (64 - bits) }
    }
}
