//! Feeds of two arms whose topic a model labels, and hands on a sample.

use tiltmeter::log::{LogSchema, TopicColumn};
use tiltmeter::source::SliceSource;
use tiltmeter::{Error, ExposureLog};

/// How a model errs: how often it finds the topic that is there, and that is not, in the treatment and in the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    /// Alike in both arms.
    Fair,
    /// It takes more of the treatment for the topic.
    Lopsided,
    /// Alike in both arms, and often wrong.
    Poor,
    /// Alike in both arms, and hardly ever wrong.
    Good,
}

impl Model {
    const fn finds(self) -> f64 {
        match self {
            Self::Fair | Self::Lopsided => 0.85,
            Self::Poor => 0.5,
            Self::Good => 0.97,
        }
    }

    const fn false_alarms(self) -> [f64; 2] {
        match self {
            Self::Fair => [0.05, 0.05],
            Self::Lopsided => [0.10, 0.02],
            Self::Poor => [0.2, 0.2],
            Self::Good => [0.005, 0.005],
        }
    }
}

/// What a feed is like.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub(crate) name: &'static str,
    pub(crate) model: Model,
    /// In each arm.
    viewers: u32,
    /// Of each viewer and arm, on average.
    impressions: u32,
    /// The topic's share in the baseline.
    share: f64,
    /// Labelled by hand in each arm, on average: half of them among what is predicted to have the topic.
    labels: f64,
    /// Whether viewers are in both arms.
    crossed: bool,
}

/// What is studied.
pub(crate) fn feeds() -> Vec<Feed> {
    let feed = Feed {
        name: "errors alike, 40 viewers, 200 labels",
        model: Model::Fair,
        viewers: 40,
        impressions: 50,
        share: 0.2,
        labels: 200.0,
        crossed: false,
    };
    let lopsided = Feed { model: Model::Lopsided, ..feed.clone() };
    let large = Feed { viewers: 200, labels: 400.0, ..feed.clone() };
    let wrong = Feed { model: Model::Lopsided, ..large.clone() };
    let both = Feed { viewers: 100, crossed: true, ..wrong.clone() };
    let of = |name, feed: &Feed| Feed { name, ..feed.clone() };
    vec![
        feed,
        of("errors differ, 40 viewers, 200 labels", &lopsided),
        of("errors alike, 200 viewers, 400 labels", &large),
        of("errors differ, 200 viewers, 400 labels", &wrong),
        of("errors differ, 100 viewers in both arms, 400 labels", &both),
        Feed { share: 0.04, ..of("errors differ, a topic of 4%, 200 viewers, 400 labels", &wrong) },
        Feed { labels: 60.0, ..of("errors differ, 200 viewers, 60 labels", &wrong) },
        Feed {
            viewers: 12,
            impressions: 150,
            ..of("errors differ, 12 viewers, 200 labels", &lopsided)
        },
        Feed {
            model: Model::Good,
            labels: 100.0,
            ..of("a good model, 200 viewers, 100 labels", &large)
        },
        Feed { model: Model::Poor, ..of("a poor model, 200 viewers, 400 labels", &large) },
    ]
}

/// `SplitMix64` (Steele, Lea and Flood 2014, doi 10.1145/2660193.2660195).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((word ^ (word >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The columns of a log while it is made.
#[derive(Default)]
struct Columns {
    viewer: Vec<i64>,
    feed: Vec<&'static str>,
    model: Vec<&'static str>,
    human: Vec<&'static str>,
    chance: Vec<f64>,
}

impl Feed {
    /// With which chance a row is labelled by hand that has been predicted to have the topic or not.
    fn chances(&self, ratio: f64) -> [[f64; 2]; 2] {
        let rows = f64::from(self.viewers * self.impressions);
        let alarms = self.model.false_alarms();
        [0, 1].map(|arm| {
            let share = self.share * if arm == 0 { ratio } else { 1.0 };
            let predicted = share * self.model.finds() + (1.0 - share) * alarms[arm];
            [rows * (1.0 - predicted), rows * predicted]
                .map(|rows| (self.labels / 2.0 / rows).min(1.0))
        })
    }

    /// The log of a study, in which the topic's share in the treatment is the baseline's times the ratio.
    pub(crate) fn log(&self, ratio: f64, study: u32) -> Result<ExposureLog, Error> {
        let mut numbers = Numbers(u64::from(study) << 20 | ratio.to_bits() >> 48);
        // The first numbers of neighbouring seeds are alike.
        (0..8).for_each(|_| {
            numbers.next();
        });
        let (chances, alarms) = (self.chances(ratio), self.model.false_alarms());
        let mut made = Columns::default();
        for viewer in 0..self.viewers {
            let mut liking = 2.0 * self.share * numbers.next();
            for arm in 0..2 {
                if arm == 1 && !self.crossed {
                    liking = 2.0 * self.share * numbers.next();
                }
                let rows =
                    1 + (2.0 * f64::from(self.impressions - 1) * numbers.next()).round() as u32;
                let share = liking * if arm == 0 { ratio } else { 1.0 };
                for _ in 0..rows {
                    let is = numbers.next() < share;
                    let finds = if is { self.model.finds() } else { alarms[arm] };
                    let predicted = numbers.next() < finds;
                    let chance = chances[arm][usize::from(predicted)];
                    let named = |is: bool| if is { "politics" } else { "other" };
                    let whose = if self.crossed { 0 } else { self.viewers * arm as u32 };
                    made.viewer.push(i64::from(viewer + whose));
                    made.feed.push(["ranked", "newest"][arm]);
                    made.model.push(named(predicted));
                    made.human.push(if numbers.next() < chance { named(is) } else { "" });
                    made.chance.push(chance);
                }
            }
        }
        let source = SliceSource::new("a study")
            .integer("viewer", &made.viewer)
            .text("feed", &made.feed)
            .text("model", &made.model)
            .text("human", &made.human)
            .float("chance", &made.chance);
        let schema = LogSchema::new()
            .viewer("viewer")
            .arm("feed")
            .topics(TopicColumn::single("model"))
            .human(TopicColumn::single("human"))
            .inclusion("chance");
        ExposureLog::read(source, &schema)
    }
}
