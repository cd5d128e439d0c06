//! The rows of a made-up log, and what is known of them without the library.

use tiltmeter::log::{Column, LogSchema, SharedText, TextColumn, TopicColumn};
use tiltmeter::source::SliceSource;
use tiltmeter::tally::{StratifyBy, Tally, TallySpec, TwoWay};
use tiltmeter::{ClusterBy, Error, ExposureLog, Unit};

use super::numbers::Numbers;

/// The treatment's and the baseline's number.
pub(crate) const ARMS: [u32; 2] = [0, 1];

/// What one study asks of.
pub(crate) enum Log {
    /// Clusters that go one way.
    OneWay(Box<Tally>),
    /// Clusters that go two ways, by viewer and by day.
    TwoWay(Box<TwoWay>),
}

impl Log {
    /// The tally by viewer.
    pub(crate) fn tally(&self) -> &Tally {
        match self {
            Self::OneWay(tally) => tally,
            Self::TwoWay(ways) => ways.first(),
        }
    }
}

/// An arm's sums, by hand.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    topic: f64,
    all: f64,
    reached: f64,
    /// Of the clusters' shares.
    shares: f64,
    clusters: f64,
}

/// The columns of a log.
#[derive(Default)]
pub(crate) struct Rows {
    cluster: Vec<i64>,
    arm: Vec<u32>,
    topic: Vec<u32>,
    /// Where impressions have weights.
    weight: Vec<f64>,
    /// Where days are clusters beside the viewers.
    day: Vec<i64>,
    /// Where strata are kept apart: of each row.
    stratum: Vec<i64>,
    /// Of each stratum; of all rows where there are no strata.
    sums: Vec<[Sums; 2]>,
}

impl Rows {
    /// So many impressions of a cluster in an arm, each of the topic with this probability.
    pub(crate) fn show(
        &mut self,
        cluster: u32,
        arm: u32,
        size: f64,
        share: f64,
        numbers: &mut Numbers,
    ) {
        let of_topic = (0..size as u32).map(|_| numbers.uniform() < share).collect::<Vec<_>>();
        self.shown(cluster, arm, of_topic.into_iter().map(|is| (is, 1.0)));
    }

    /// The same, each with a lognormal weight whose logarithm has this standard deviation.
    pub(crate) fn dwell(
        &mut self,
        cluster: u32,
        arm: u32,
        (size, share, deviation): (u32, f64, f64),
        numbers: &mut Numbers,
    ) {
        let mut impression = || {
            let weight = (deviation * numbers.normal()).exp();
            (numbers.uniform() < share, weight)
        };
        let impressions: Vec<_> = (0..size).map(|_| impression()).collect();
        self.weight.extend(impressions.iter().map(|(_, weight)| weight));
        self.shown(cluster, arm, impressions.into_iter());
    }

    /// Impressions of one day: to be called for all rows of a log or for none.
    pub(crate) fn on_day(
        &mut self,
        (cluster, day): (u32, u32),
        arm: u32,
        (size, share): (u32, f64),
        numbers: &mut Numbers,
    ) {
        self.show(cluster, arm, f64::from(size), share, numbers);
        self.day.resize(self.cluster.len(), i64::from(day));
    }

    /// Impressions in a stratum: to be called for all rows of a log or for none.
    pub(crate) fn in_stratum(
        &mut self,
        (cluster, stratum): (u32, u8),
        arm: u32,
        (size, share): (f64, f64),
        numbers: &mut Numbers,
    ) {
        let of_topic = (0..size as u32).map(|_| numbers.uniform() < share).collect::<Vec<_>>();
        self.put(cluster, arm, stratum.into(), of_topic.into_iter().map(|is| (is, 1.0)));
        self.stratum.resize(self.cluster.len(), stratum.into());
    }

    /// So many of these impressions are of the topic.
    pub(crate) fn counted(&mut self, cluster: u32, arm: u32, of_topic: u32, all: u32) {
        self.shown(cluster, arm, (0..all).map(|impression| (impression < of_topic, 1.0)));
    }

    fn shown(&mut self, cluster: u32, arm: u32, impressions: impl Iterator<Item = (bool, f64)>) {
        self.put(cluster, arm, 0, impressions);
    }

    fn put(
        &mut self,
        cluster: u32,
        arm: u32,
        stratum: usize,
        impressions: impl Iterator<Item = (bool, f64)>,
    ) {
        let (mut topic, mut all) = (0.0, 0.0);
        for (of_topic, weight) in impressions {
            self.cluster.push(i64::from(cluster));
            self.arm.push(arm);
            self.topic.push(if of_topic { 0 } else { SharedText::NULL });
            all += weight;
            topic += if of_topic { weight } else { 0.0 };
        }
        self.sums.resize_with(self.sums.len().max(stratum + 1), Default::default);
        let sums = &mut self.sums[stratum][arm as usize];
        sums.topic += topic;
        sums.all += all;
        if all > 0.0 {
            sums.reached += f64::from(u8::from(topic > 0.0));
            sums.shares += topic / all;
            sums.clusters += 1.0;
        }
    }

    /// The topic's share in treatment and baseline; over strata, means of theirs with the weights of
    /// Mantel and Haenszel. Reach and cluster means are right where a cluster is shown to an arm at once.
    pub(crate) fn shares(&self, unit: Unit) -> [f64; 2] {
        let (mut weights, mut weighed) = (0.0, [0.0; 2]);
        for arms in &self.sums {
            let [a, b] = arms.map(|sums| match unit {
                Unit::Reach(_) => (sums.reached, sums.clusters),
                Unit::ClusterMean => (sums.shares, sums.clusters),
                _ => (sums.topic, sums.all),
            });
            let weight = a.1 * b.1 / (a.1 + b.1);
            if weight > 0.0 {
                weights += weight;
                weighed[0] += weight * a.0 / a.1;
                weighed[1] += weight * b.0 / b.1;
            }
        }
        weighed.map(|its| its / weights)
    }

    /// The rows as a log, tallied.
    pub(crate) fn log(self) -> Result<Log, Error> {
        let coded = |texts: &[&str], keys| {
            let texts: TextColumn = texts.iter().copied().map(Some).collect();
            Column::Shared(SharedText { texts: texts.into(), keys })
        };
        let mut source = SliceSource::new("feed")
            .column("cluster", Column::Whole(self.cluster))
            .column("arm", coded(&["treatment", "baseline"], self.arm))
            .column("topic", coded(&["topic"], self.topic));
        let mut schema =
            LogSchema::new().viewer("cluster").arm("arm").topics(TopicColumn::single("topic"));
        if !self.weight.is_empty() {
            source =
                source.column("weight", Column::Float(self.weight.into_iter().map(Some).collect()));
            schema = schema.weight("weight");
        }
        let two_way = !self.day.is_empty();
        if two_way {
            source = source.column("day", Column::Whole(self.day));
            schema = schema.column("day");
        }
        let mut spec = TallySpec::default();
        if !self.stratum.is_empty() {
            source = source.column("stratum", Column::Whole(self.stratum));
            schema = schema.stratum("stratum");
            spec.strata = StratifyBy::Stratum;
        }
        let log = ExposureLog::read(source, &schema)?;
        Ok(if two_way {
            Log::TwoWay(Box::new(TwoWay::of(&log, &spec, ClusterBy::column("day"))?))
        } else {
            Log::OneWay(Box::new(Tally::of(&log, &spec)?))
        })
    }
}
