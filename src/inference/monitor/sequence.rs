//! The boundary of the sequence: by how many standard errors it reaches, and how it is tuned. Numbers
//! only.

use serde::{Deserialize, Serialize};

use crate::format::word::said_by_words;

/// On which sides a sequence bounds its statistic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sidedness {
    /// On both.
    #[default]
    TwoSided,
    /// From below alone: for claims that the statistic lies above something.
    Above,
    /// From above alone: for claims that the statistic lies below something.
    Below,
}

said_by_words!(Sidedness);

/// The boundary of a normal mixture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Boundary {
    alpha: f64,
    sidedness: Sidedness,
    /// The variance of the mixture.
    rho_squared: f64,
}

impl Boundary {
    /// Tuned for this many clusters. Needs `alpha` in (0, 1), and below 1/2 on one side.
    pub(super) fn tuned(alpha: f64, sidedness: Sidedness, clusters: u64) -> Self {
        let alpha_tuned = match sidedness {
            Sidedness::TwoSided => alpha,
            // A bound on one side at alpha is nearly that of two sides at twice alpha.
            Sidedness::Above | Sidedness::Below => 2.0 * alpha,
        };
        let bits = -2.0 * alpha_tuned.ln();
        let rho_squared = (bits + bits.ln_1p()) / clusters as f64;
        Self { alpha, sidedness, rho_squared }
    }

    /// By how many standard errors of the mean the sequence reaches after this many clusters.
    pub(super) fn stretch(&self, clusters: u64) -> f64 {
        let information = clusters as f64 * self.rho_squared;
        let root = (information + 1.0).sqrt();
        let log = match self.sidedness {
            Sidedness::TwoSided => (root / self.alpha).ln(),
            Sidedness::Above | Sidedness::Below => (root / (2.0 * self.alpha)).ln_1p(),
        };
        (2.0 * (1.0 + 1.0 / information) * log).sqrt()
    }
}
