//! What a reader should know of a log before believing a number from it. Counts only; nothing
//! here decides anything.

use serde::{Deserialize, Serialize};

use super::{ExposureLog, Origin, Role};

/// The state of a log's data, as the report shows it.
///
/// ```
/// # let log = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example_log.in"));
/// use tiltmeter::log::DataQuality;
/// let quality = DataQuality::of(&log);
/// assert_eq!((quality.impressions, quality.untagged), (20, 2));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataQuality {
    /// Impressions measured.
    pub impressions: u64,
    /// Where they came from, and rows set aside.
    pub origin: Origin,
    /// Impressions without a topic; they count in totals.
    pub untagged: u64,
    /// Impressions of arms that are not compared, which no number of a report is of; 0 of a log by itself.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub outside: u64,
    /// First and last time, in microseconds since 1970-01-01T00:00:00Z.
    pub time_range: Option<(i64, i64)>,
    /// Items shown more than once in a slate; `None` where slates or items are not declared.
    pub repeats: Option<SlateRepeats>,
}

/// Items that occur more than once in the same slate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlateRepeats {
    /// Slates with a repeated item.
    pub slates: u64,
    /// Impressions beyond an item's first in its slate.
    pub impressions: u64,
}

impl DataQuality {
    /// Looks a log over: one pass, and a sort of (slate, item) where both are declared.
    #[must_use]
    pub fn of(log: &ExposureLog) -> Self {
        Self {
            impressions: log.impressions(),
            origin: log.origin().clone(),
            untagged: untagged(log),
            outside: 0,
            time_range: log.times().and_then(|times| {
                let first = times.iter().min()?;
                let last = times.iter().max()?;
                Some((*first, *last))
            }),
            repeats: repeats(log),
        }
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Impressions of other arms than these.
pub(crate) fn outside(log: &ExposureLog, compared: &[&str]) -> u64 {
    let Some(arms) = log.ids(Role::Arm) else { return 0 };
    let is_outside: Vec<bool> =
        arms.dictionary().iter().map(|arm| !compared.contains(&arm)).collect();
    let rows = arms.codes().iter().enumerate();
    let rows = rows.filter(|(_, code)| is_outside[**code as usize]);
    rows.map(|(row, _)| log.counts().map_or(1, |counts| counts[row] as u64)).sum()
}

/// Impressions without a topic.
fn untagged(log: &ExposureLog) -> u64 {
    match (log.topics(), log.counts()) {
        (None, _) => log.impressions(),
        (Some(topics), None) => topics.untagged(),
        (Some(topics), Some(counts)) => {
            let rows = (0..log.rows()).filter(|&row| topics.of_row(row).is_empty());
            rows.map(|row| counts[row] as u64).sum()
        }
    }
}

fn repeats(log: &ExposureLog) -> Option<SlateRepeats> {
    let slates = log.ids(Role::Slate)?.codes();
    let items = log.ids(Role::Item)?.codes();
    let count = |row: usize| log.counts().map_or(1, |counts| counts[row] as u64);
    let mut shown: Vec<(u32, u32, u64)> =
        (0..log.rows()).map(|row| (slates[row], items[row], count(row))).collect();
    shown.sort_unstable();
    let mut repeats = SlateRepeats::default();
    let mut last = None;
    for one in shown.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let beyond = one.iter().map(|(.., count)| count).sum::<u64>() - 1;
        if beyond > 0 {
            repeats.impressions += beyond;
            repeats.slates += u64::from(last != Some(one[0].0));
            last = Some(one[0].0);
        }
    }
    Some(repeats)
}
