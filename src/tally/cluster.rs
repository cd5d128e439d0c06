//! Which impressions belong together: clusters and strata, found in the columns of a log.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::Error;
use crate::log::{ClusterKey, Coded, ExposureLog, Role};
use crate::question::cluster::{ClusterBy, StratifyBy};

/// The clusters of a log: their keys in ascending order, and how to find the rank of each row's.
pub(super) struct Clusters<'l> {
    /// By row, a code.
    codes: Cow<'l, [u32]>,
    /// By code, the rank of the cluster's key; the code itself if `None`.
    rank_of_code: Option<Cow<'l, [u32]>>,
    /// By rank.
    pub(super) keys: Cow<'l, [ClusterKey]>,
}

impl Clusters<'_> {
    /// The ranks of some rows' clusters.
    pub(super) fn ranks(&self, rows: Range<usize>, ranks: &mut Vec<u32>) {
        ranks.clear();
        let codes = &self.codes[rows];
        match &self.rank_of_code {
            Some(rank_of_code) => {
                ranks.extend(codes.iter().map(|&code| rank_of_code[code as usize]));
            }
            None => ranks.extend_from_slice(codes),
        }
    }
}

pub(super) fn clusters<'l>(log: &'l ExposureLog, by: &ClusterBy) -> Result<Clusters<'l>, Error> {
    let column = match by {
        ClusterBy::Impression => return impressions(log),
        ClusterBy::Hashed { of, bits } => return Ok(buckets(clusters(log, of)?, *bits)),
        ClusterBy::Pair(of) => return pairs(log, of),
        unit => ids(log, unit)?,
    };
    let ranked = column.dictionary().ranked_keys()?;
    Ok(Clusters {
        codes: Cow::Borrowed(column.codes()),
        rank_of_code: Some(Cow::Borrowed(ranked.rank_of_code())),
        keys: Cow::Borrowed(ranked.keys()),
    })
}

/// The cluster of each row, as a place among the keys, which ascend.
pub(crate) fn cluster_of_rows(
    log: &ExposureLog,
    by: &ClusterBy,
) -> Result<(Vec<u32>, Vec<ClusterKey>), Error> {
    by.check()?;
    let clusters = clusters(log, by)?;
    let mut ranks = Vec::with_capacity(log.rows());
    clusters.ranks(0..log.rows(), &mut ranks);
    Ok((ranks, clusters.keys.into_owned()))
}

/// The column of a unit with ids.
fn ids<'l>(log: &'l ExposureLog, unit: &ClusterBy) -> Result<&'l Coded, Error> {
    let ids = |role| log.require_ids(role, "clustering by it");
    match unit {
        ClusterBy::Viewer => ids(Role::Viewer),
        ClusterBy::Session => ids(Role::Session),
        ClusterBy::Slate => ids(Role::Slate),
        ClusterBy::Item => ids(Role::Item),
        ClusterBy::Column(name) => log.column(name),
        ClusterBy::Impression | ClusterBy::Hashed { .. } | ClusterBy::Pair(_) => {
            Err(Error::Parameter {
                parameter: "the unit",
                value: unit.to_string(),
                expected: "one with ids: viewer, session, slate, item or a column",
            })
        }
    }
}

/// Pairs have the ids that a combined column of the log has.
fn pairs<'l>(log: &'l ExposureLog, of: &[ClusterBy; 2]) -> Result<Clusters<'l>, Error> {
    let combined = log.combined_ids(&[ids(log, &of[0])?, ids(log, &of[1])?])?;
    let ranked = combined.dictionary().ranked_keys()?;
    Ok(Clusters {
        codes: Cow::Owned(combined.codes().to_vec()),
        rank_of_code: Some(Cow::Owned(ranked.rank_of_code().to_vec())),
        keys: Cow::Owned(ranked.keys().to_vec()),
    })
}

fn impressions(log: &ExposureLog) -> Result<Clusters<'_>, Error> {
    let rows = u32::try_from(log.rows()).map_err(|_| Error::TooManyIds)?;
    Ok(Clusters {
        codes: (0..rows).collect(),
        rank_of_code: None,
        keys: (0..rows.into()).map(ClusterKey::from_number).collect(),
    })
}

fn buckets(clusters: Clusters<'_>, bits: u32) -> Clusters<'_> {
    // A bucket is the key's leading bits, so buckets ascend with the keys.
    let mut buckets = Vec::new();
    let mut bucket_of_rank = Vec::with_capacity(clusters.keys.len());
    for key in &*clusters.keys {
        let bucket = ClusterKey::from_number(key.bucket(bits));
        if buckets.last() != Some(&bucket) {
            buckets.push(bucket);
        }
        bucket_of_rank.push(buckets.len() as u32 - 1);
    }
    let rank_of_code = match &clusters.rank_of_code {
        Some(ranks) => ranks.iter().map(|&rank| bucket_of_rank[rank as usize]).collect(),
        None => bucket_of_rank,
    };
    Clusters {
        codes: clusters.codes,
        rank_of_code: Some(Cow::Owned(rank_of_code)),
        keys: Cow::Owned(buckets),
    }
}

/// The column of the strata, if there is one.
pub(super) fn strata<'l>(
    log: &'l ExposureLog,
    by: &StratifyBy,
) -> Result<Option<&'l Coded>, Error> {
    Ok(match by {
        StratifyBy::Nothing => None,
        StratifyBy::Stratum => Some(log.require_ids(Role::Stratum, "stratifying")?),
        StratifyBy::Column(name) => Some(log.column(name)?),
    })
}
