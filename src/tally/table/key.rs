//! A cluster's key as text: what every engine can make of an MD5.

#[cfg(feature = "parquet")]
use super::TableFaultReason;
use crate::log::ClusterKey;
use crate::tally::ClusterBy;

/// Hexadecimal digits of a key.
const KEY_DIGITS: usize = 16;

/// The bits of a key that tell its cluster: those of the bucket, or all.
pub(super) fn key_bits(cluster: &ClusterBy) -> u32 {
    match cluster {
        ClusterBy::Hashed { bits, .. } => *bits,
        _ => u64::BITS,
    }
}

/// A cluster's key as it stands in the table. Clusters that are buckets stand there as the first
/// key that falls into them: that is text from the MD5 alone, without arithmetic, and in the order
/// of the buckets.
pub(super) fn to_text(key: ClusterKey, bits: u32) -> String {
    let first = key.get().checked_shl(u64::BITS - bits).unwrap_or(0);
    format!("{first:0width$x}", width = KEY_DIGITS)
}

/// The key of a cluster from its text, or why it is none.
#[cfg(feature = "parquet")]
pub(super) fn from_text(text: &str, bits: u32) -> Result<ClusterKey, TableFaultReason> {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != KEY_DIGITS || !text.bytes().all(is_digit) {
        return Err(TableFaultReason::NotAKey);
    }
    let first = u64::from_str_radix(text, 16).map_err(|_| TableFaultReason::NotAKey)?;
    let bucket = ClusterKey::from_number(first).bucket(bits);
    let key = ClusterKey::from_number(bucket);
    match to_text(key, bits) == text {
        true => Ok(key),
        false => Err(TableFaultReason::NotABucket),
    }
}

#[cfg(all(test, feature = "parquet"))]
mod tests {
    use super::*;

    #[test]
    fn keys_and_buckets_read_back() {
        let key = ClusterKey::of("abc");
        assert_eq!(to_text(key, 64), "900150983cd24fb0");
        assert_eq!(from_text("900150983cd24fb0", 64), Ok(key));
        for bits in [0, 1, 4, 10, 24] {
            let bucket = ClusterKey::from_number(key.bucket(bits));
            assert_eq!(from_text(&to_text(bucket, bits), bits), Ok(bucket));
        }
        assert_eq!(to_text(ClusterKey::from_number(key.bucket(10)), 10), "9000000000000000");
        assert_eq!(to_text(ClusterKey::from_number(1023), 10), "ffc0000000000000");
        assert_eq!(from_text("ffd0000000000000", 10), Err(TableFaultReason::NotABucket));
        for text in ["", "900150983CD24FB0", "900150983cd24fb", "+00150983cd24fb0"] {
            assert_eq!(from_text(text, 64), Err(TableFaultReason::NotAKey), "{text}");
        }
    }
}
