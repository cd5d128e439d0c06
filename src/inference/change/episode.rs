//! Changes of the ratio and of both arms, put together: who moved?

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which way values moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shift {
    /// Up.
    Up,
    /// Down.
    Down,
}

impl fmt::Display for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Up => "up",
            Self::Down => "down",
        })
    }
}

/// Who moved in an [`Episode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Moved {
    /// The treatment's share alone: the algorithm's, if anything.
    Treatment(Shift),
    /// The baseline's share alone: what moved the ratio, if it moved, is not the algorithm.
    Baseline(Shift),
    /// Both the same way: the world or the supply changed, not the algorithm, unless the ratio moved too.
    Together {
        /// Which way the shares moved.
        shares: Shift,
        /// Which way the ratio moved, if it did.
        ratio: Option<Shift>,
    },
    /// Both, opposite ways; the treatment's is given.
    Apart(Shift),
    /// The ratio, with neither share moving enough to be seen.
    RatioAlone(Shift),
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Treatment(way) => write!(f, "the treatment alone moved {way}"),
            Self::Baseline(way) => {
                write!(f, "the baseline alone moved {way}: this is not the algorithm's")
            }
            Self::Together { shares, ratio: None } => {
                write!(f, "both arms moved {shares} together: this is not the algorithm's")
            }
            Self::Together { shares, ratio: Some(ratio) } => {
                write!(f, "both arms moved {shares}, and unequally: the ratio moved {ratio}")
            }
            Self::Apart(way) => write!(f, "the treatment moved {way}, the baseline the other way"),
            Self::RatioAlone(way) => {
                write!(f, "the ratio moved {way}; neither arm's own move can be seen")
            }
        }
    }
}

/// Changes that may have been one: their spans overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// Where the first span begins: a period's number, or a window's start.
    pub from: i64,
    /// Where the last ends.
    pub to: i64,
    /// Who moved.
    pub moved: Moved,
}

impl fmt::Display for Episode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}: {}", self.from, self.to, self.moved)
    }
}

/// A change of one series: its span, and which way.
pub(super) type Span = (i64, i64, Shift);

/// Changes of the ratio, the treatment's and the baseline's share, put together where spans overlap.
pub(super) fn episodes(of: [&[Span]; 3]) -> Vec<Episode> {
    let mut all: Vec<(Span, usize)> =
        of.iter().enumerate().flat_map(|(at, its)| its.iter().map(move |its| (*its, at))).collect();
    all.sort_by_key(|((from, to, _), at)| (*from, *to, *at));
    let mut episodes: Vec<Episode> = Vec::new();
    let mut ways: [Option<Shift>; 3] = [None; 3];
    for ((from, to, shift), at) in all {
        match episodes.last_mut() {
            Some(last) if from <= last.to => {
                last.to = last.to.max(to);
                // The latest way of a series that moved twice.
                ways[at] = Some(shift);
                last.moved = moved(ways).unwrap_or(last.moved);
            }
            _ => {
                ways = [None; 3];
                ways[at] = Some(shift);
                episodes.extend(moved(ways).map(|moved| Episode { from, to, moved }));
            }
        }
    }
    episodes
}

fn moved([ratio, treatment, baseline]: [Option<Shift>; 3]) -> Option<Moved> {
    match (treatment, baseline) {
        (Some(shares), Some(other)) if shares == other => Some(Moved::Together { shares, ratio }),
        (Some(way), Some(_)) => Some(Moved::Apart(way)),
        (Some(way), None) => Some(Moved::Treatment(way)),
        (None, Some(way)) => Some(Moved::Baseline(way)),
        (None, None) => ratio.map(Moved::RatioAlone),
    }
}

#[cfg(test)]
mod tests {
    use super::Shift::{Down, Up};
    use super::*;

    #[test]
    fn spans_that_overlap_are_one_episode() {
        let ratio = [(5, 9, Up), (70, 80, Up)];
        let treatment = [(4, 6, Up), (30, 34, Down), (60, 61, Up)];
        let baseline = [(33, 36, Down), (50, 52, Up), (61, 62, Down)];
        let found = episodes([&ratio, &treatment, &baseline]);
        let found: Vec<_> = found.iter().map(|its| (its.from, its.to, its.moved)).collect();
        let expected = [
            (4, 9, Moved::Treatment(Up)),
            (30, 36, Moved::Together { shares: Down, ratio: None }),
            (50, 52, Moved::Baseline(Up)),
            (60, 62, Moved::Apart(Up)),
            (70, 80, Moved::RatioAlone(Up)),
        ];
        assert_eq!(found, expected);
        let both = episodes([&[(3, 4, Up)], &[(1, 3, Up)], &[(2, 2, Up)]]);
        assert_eq!(both[0].moved, Moved::Together { shares: Up, ratio: Some(Up) });
    }
}
