//! Made-up feeds whose amplification is known, by the number, size and likeness of their clusters.

use tiltmeter::Unit;

use super::numbers::Numbers;
use super::rows::Rows;
use super::study::{MadeUp, Truth};

/// Impressions of a cluster, on average.
const MEAN_SIZE: f64 = 200.0;

/// The most impressions of a cluster where sizes are heavy-tailed: 20 times the mean, which one
/// cluster in 4,000 would exceed.
const LARGEST_SIZE: f64 = 20.0 * MEAN_SIZE;

/// What part of a cluster's leaning both arms have in common where they share clusters.
const IN_COMMON: f64 = 0.5;

/// How arms share clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExperimentDesign {
    /// Every other cluster is in the treatment, the rest in the baseline.
    Nested,
    /// Every cluster sees as much of the one as of the other.
    Crossed,
}

/// How many impressions clusters have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sizes {
    /// All the same.
    Constant,
    /// Lognormal with standard deviation 1 of the logarithm and the same mean, so that a tenth of the
    /// clusters has two fifths of the impressions.
    HeavyTailed,
}

/// What a feed shows. The topic's share differs between clusters by a beta distribution, whose
/// intraclass correlation is that of two impressions of a cluster; sizes do not depend on it, so that
/// the ratio of the arms' expected shares is what the pooled ratio estimates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Feed {
    pub(crate) design: ExperimentDesign,
    pub(crate) sizes: Sizes,
    /// In both arms together.
    pub(crate) clusters: u32,
    pub(crate) intraclass_correlation: f64,
    /// Of the topic in the baseline.
    pub(crate) share: f64,
    /// The share in the treatment over that.
    pub(crate) ratio: f64,
}

impl ExperimentDesign {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nested => "nested",
            Self::Crossed => "crossed",
        }
    }

    /// As a heading starts.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Nested => "Nested",
            Self::Crossed => "Crossed",
        }
    }
}

impl Sizes {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::HeavyTailed => "heavy_tailed",
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Constant => "equal",
            Self::HeavyTailed => "unequal",
        }
    }

    /// Impressions of a cluster.
    fn draw(self, numbers: &mut Numbers) -> f64 {
        match self {
            Self::Constant => MEAN_SIZE,
            Self::HeavyTailed => {
                let size = MEAN_SIZE * (numbers.normal() - 0.5).exp();
                size.round().clamp(2.0, LARGEST_SIZE)
            }
        }
    }
}

impl MadeUp for Feed {
    fn seed(&self) -> Vec<u64> {
        vec![
            self.design as u64,
            self.sizes as u64,
            u64::from(self.clusters),
            self.intraclass_correlation.to_bits(),
            self.share.to_bits(),
            self.ratio.to_bits(),
        ]
    }

    fn truth(&self) -> Truth {
        Truth::of([self.share * self.ratio, self.share])
    }

    fn unit(&self) -> Unit {
        Unit::Pooled
    }

    fn rows(&self, numbers: &mut Numbers) -> Rows {
        let mut rows = Rows::default();
        for cluster in 0..self.clusters {
            let shares = self.shares(numbers);
            let size = self.sizes.draw(numbers);
            match self.design {
                ExperimentDesign::Nested => {
                    let arm = cluster % 2;
                    rows.show(cluster, arm, size, shares[arm as usize], numbers);
                }
                ExperimentDesign::Crossed => {
                    let half = (size / 2.0).round();
                    rows.show(cluster, 0, half, shares[0], numbers);
                    rows.show(cluster, 1, half, shares[1], numbers);
                }
            }
        }
        rows
    }
}

impl Feed {
    /// A cluster's shares of the topic in treatment and baseline, each beta. Where both arms have the
    /// cluster, the gamma variables whose ratios they are have a part in common (Olkin and Liu 2003,
    /// doi 10.1016/S0167-7152(03)00048-8, with a part that is not).
    fn shares(&self, numbers: &mut Numbers) -> [f64; 2] {
        let means = [self.share * self.ratio, self.share];
        let correlation = self.intraclass_correlation;
        if correlation <= 0.0 {
            return means;
        }
        let strength = (1.0 - correlation) / correlation;
        let in_common = match self.design {
            ExperimentDesign::Nested => 0.0,
            ExperimentDesign::Crossed => IN_COMMON * strength,
        };
        let (least, most) = (means[0].min(means[1]), means[0].max(means[1]));
        let (of_topic, of_rest) = (in_common * least, in_common * (1.0 - most));
        let (topic, rest) = (numbers.gamma(of_topic), numbers.gamma(of_rest));
        means.map(|mean| {
            let topic = topic + numbers.gamma(strength * mean - of_topic);
            let rest = rest + numbers.gamma(strength * (1.0 - mean) - of_rest);
            // Both are 0 only where they are too small to be written.
            if topic + rest > 0.0 { topic / (topic + rest) } else { 0.0 }
        })
    }
}
