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
            impressions: log.rows() as u64,
            origin: log.origin().clone(),
            untagged: log.topics().map_or(log.rows() as u64, super::Topics::untagged),
            time_range: log.times().and_then(|times| {
                let first = times.iter().min()?;
                let last = times.iter().max()?;
                Some((*first, *last))
            }),
            repeats: repeats(log),
        }
    }
}

fn repeats(log: &ExposureLog) -> Option<SlateRepeats> {
    let slates = log.ids(Role::Slate)?.codes();
    let items = log.ids(Role::Item)?.codes();
    let mut shown: Vec<(u32, u32)> = slates.iter().copied().zip(items.iter().copied()).collect();
    shown.sort_unstable();
    let repeated: Vec<u32> =
        shown.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].0).collect();
    let impressions = repeated.len() as u64;
    let mut slates = repeated;
    slates.dedup();
    Some(SlateRepeats { slates: slates.len() as u64, impressions })
}
