//! A made-up feed whose amplification is known: what each cluster was shown, as a tally.

use tiltmeter::log::{Column, LogSchema, SharedText, TextColumn, TopicColumn};
use tiltmeter::source::SliceSource;
use tiltmeter::tally::{Tally, TallySpec};
use tiltmeter::{Error, ExposureLog};

use super::numbers::Numbers;

/// Impressions of a cluster, on average.
const MEAN_SIZE: f64 = 200.0;

/// The most impressions of a cluster where sizes are heavy-tailed: 20 times the mean, which one
/// cluster in 4,000 would exceed.
const LARGEST_SIZE: f64 = 20.0 * MEAN_SIZE;

/// What part of a cluster's leaning both arms have in common where they share clusters.
const IN_COMMON: f64 = 0.5;

/// How arms share clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Design {
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
    pub(crate) design: Design,
    pub(crate) sizes: Sizes,
    /// In both arms together.
    pub(crate) clusters: u32,
    pub(crate) intraclass_correlation: f64,
    /// Of the topic in the baseline.
    pub(crate) share: f64,
    /// The share in the treatment over that.
    pub(crate) ratio: f64,
}

/// The columns of a log.
#[derive(Default)]
struct Rows {
    cluster: Vec<i64>,
    arm: Vec<u32>,
    topic: Vec<u32>,
}

impl Design {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nested => "nested",
            Self::Crossed => "crossed",
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

impl Feed {
    /// Random numbers of one study, the same whatever other studies are made.
    pub(crate) fn numbers(&self, study: u32) -> Numbers {
        Numbers::of(&[
            self.design as u64,
            self.sizes as u64,
            u64::from(self.clusters),
            self.intraclass_correlation.to_bits(),
            self.share.to_bits(),
            self.ratio.to_bits(),
            u64::from(study),
        ])
    }

    /// What the feed showed in one study.
    pub(crate) fn tally(&self, numbers: &mut Numbers) -> Result<Tally, Error> {
        let mut rows = Rows::default();
        for cluster in 0..self.clusters {
            let shares = self.shares(numbers);
            let size = self.sizes.draw(numbers);
            match self.design {
                Design::Nested => {
                    let arm = cluster % 2;
                    rows.show(cluster, arm, size, shares[arm as usize], numbers);
                }
                Design::Crossed => {
                    let half = (size / 2.0).round();
                    rows.show(cluster, 0, half, shares[0], numbers);
                    rows.show(cluster, 1, half, shares[1], numbers);
                }
            }
        }
        rows.tally()
    }

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
            Design::Nested => 0.0,
            Design::Crossed => IN_COMMON * strength,
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

impl Rows {
    /// So many impressions of a cluster in an arm, each of the topic with this probability.
    fn show(&mut self, cluster: u32, arm: u32, size: f64, share: f64, numbers: &mut Numbers) {
        for _ in 0..size as u32 {
            self.cluster.push(i64::from(cluster));
            self.arm.push(arm);
            self.topic.push(if numbers.uniform() < share { 0 } else { SharedText::NULL });
        }
    }

    fn tally(self) -> Result<Tally, Error> {
        let coded = |texts: &[&str], keys| {
            let texts: TextColumn = texts.iter().copied().map(Some).collect();
            Column::Shared(SharedText { texts: texts.into(), keys })
        };
        let source = SliceSource::new("feed")
            .column("cluster", Column::Whole(self.cluster))
            .column("arm", coded(&["treatment", "baseline"], self.arm))
            .column("topic", coded(&["topic"], self.topic));
        let schema =
            LogSchema::new().viewer("cluster").arm("arm").topics(TopicColumn::single("topic"));
        Tally::of(&ExposureLog::read(source, &schema)?, &TallySpec::default())
    }
}
