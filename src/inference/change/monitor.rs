//! Charts over periods, of a ratio and of the shares it is made of.

use serde::{Deserialize, Serialize};

use super::control::{Alarm, ChangeSpec, ChangeState, ControlChart, InControlValues};
use super::episode::{Episode, Span, episodes};
use crate::error::Error;
use crate::inference::contribution::Contributions;
use crate::inference::influence::Influence;
use crate::inference::question::TopicQuestion;
use crate::inference::shares::Shares;
use crate::question::attention::Attention;
use crate::question::baseline::Baseline;
use crate::question::estimand::{Denominator, Unit};
use crate::statistic::{Cell, LogRatio, Quantity, Scale, Side, Statistic, Undefined, Working};
use crate::tally::{Tally, TallySpec};

/// The logarithm of a topic's share in one arm.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogShare(pub(super) Side);

impl Statistic for LogShare {
    fn name(&self) -> &'static str {
        "log_share"
    }

    fn phrase(&self) -> &'static str {
        "the logarithm of the topic's exposure share"
    }

    fn cells(&self, _strata: usize) -> Vec<Cell> {
        [Quantity::Topic, Quantity::All].map(|quantity| Cell::over_all(self.0, quantity)).to_vec()
    }

    fn scale(&self) -> Scale {
        Scale::Linear
    }

    fn value(&self, totals: &[f64]) -> Working {
        let nothing = match self.0 {
            Side::Treatment => Undefined::NoTreatmentMass,
            Side::Baseline => Undefined::NoBaselineMass,
        };
        match (totals[0] > 0.0, totals[1] > 0.0) {
            (_, false) => Working::Undefined(nothing),
            (false, true) => Working::Below,
            (true, true) => Working::Finite((totals[0] / totals[1]).ln()),
        }
    }

    fn gradient(&self, totals: &[f64]) -> Vec<f64> {
        vec![1.0 / totals[0], -1.0 / totals[1]]
    }
}

/// What is charted: the ratio, then the share in either arm, all as logarithms.
pub(super) const CHARTED: [&dyn Statistic; 3] =
    [&LogRatio, &LogShare(Side::Treatment), &LogShare(Side::Baseline)];

/// The working value of contributions, with its standard error where clusters vary.
pub(super) fn measured(
    statistic: &dyn Statistic,
    contributions: &Contributions,
) -> (Working, Option<f64>) {
    let working = statistic.value(contributions.totals());
    let Working::Finite(_) = working else { return (working, None) };
    // An arm that does not vary shows nothing of how well its share is known.
    if matches!(Shares::of(statistic, contributions), Some(Ok(shares)) if shares.has_still_arm()) {
        return (working, None);
    }
    let gradient = statistic.gradient(contributions.totals());
    let variance = Influence::of(&gradient, contributions).variance();
    (working, variance.ok().map(|known| known.variance.sqrt()))
}

/// A [`ControlChart`] each over a topic's log amplification ratio, its log share in the treatment and its
/// log share in the baseline, fed with a tally per period.
///
/// A ratio moves when the algorithm changes, and also when the control does: a topic that comes into the
/// news moves both arms, and rarely alike. So every arm has a chart of its own, the control too, and
/// [`episodes`](ChangeReading::episodes) say of alarms whose spans overlap who moved. That both arms moved
/// together is not the algorithm's doing; that the treatment alone did may be.
///
/// Values are estimates by period, pooled or in another unit; viewers may come back in every period. A
/// period in which an arm lacks the topic, or has no impressions, has no value: it is counted, and moves
/// no sum. What a chart can and cannot see, [`ControlChart`] says.
///
/// ```
/// use tiltmeter::inference::{ChangeMonitor, ChangeSpec, InControl, Moved, Shift};
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::tally::{Tally, TallySpec};
/// use tiltmeter::{ExposureLog, source::SliceSource};
///
/// // A day of 200 impressions: so many of the topic in the ranked arm and in the newest.
/// let day = |ranked: usize, newest: usize| {
///     let arm: Vec<_> = (0..200).map(|at| ["ranked", "newest"][at / 100]).collect();
///     let counts = [ranked, newest];
///     let about: Vec<_> =
///         (0..200).map(|at| if at % 100 < counts[at / 100] { "war" } else { "" }).collect();
///     let viewer: Vec<_> = (0..200).map(|at| (at % 10).to_string()).collect();
///     let source = SliceSource::new("a day").text("who", &viewer).text("feed", &arm);
///     let source = source.text("about", &about);
///     let schema = LogSchema::new().viewer("who").arm("feed").topics(TopicColumn::single("about"));
///     Tally::of(&ExposureLog::read(source, &schema)?, &TallySpec::default())
/// };
/// let spec = ChangeSpec { in_control: InControl::WarmUp { periods: 10 }, ..ChangeSpec::default() };
/// let mut monitor = ChangeMonitor::new("war", "ranked", "newest", spec)?;
/// for period in 0..20 {
///     // From the sixteenth day on, both arms show half as much again.
///     let more = if period < 15 { 0 } else { 10 };
///     monitor.observe(&day(20 + period % 3 + more, 20 + period % 2 + more)?)?;
/// }
/// let reading = monitor.reading();
/// assert!(reading.ratio.alarms.is_empty());
/// assert_eq!(reading.baseline.alarms[0].since, 16);
/// let together = Moved::Together { shares: Shift::Up, ratio: None };
/// assert_eq!(reading.episodes[0].moved, together);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ChangeMonitor {
    topic: String,
    treatment: String,
    baseline: Baseline,
    unit: Unit,
    denominator: Denominator,
    attention: Attention,
    tally: Option<TallySpec>,
    labels: Vec<String>,
    charts: [ControlChart; 3],
}

/// What a [`ChangeMonitor`] knows now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use]
pub struct ChangeReading {
    /// The labels of the periods, in their order.
    pub periods: Vec<String>,
    /// Of the log amplification ratio.
    pub ratio: ChartReading,
    /// Of the log share in the treatment.
    pub treatment: ChartReading,
    /// Of the log share in the baseline.
    pub baseline: ChartReading,
    /// The alarms put together; spans are numbers of periods, from 1.
    pub episodes: Vec<Episode>,
}

/// What a chart knows now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChartReading {
    /// What the last period was.
    pub state: ChangeState,
    /// The upper and the lower sum, in standard deviations.
    pub sums: [f64; 2],
    /// What values are like in control; `None` during the warm-up.
    pub in_control: Option<InControlValues>,
    /// The alarms so far.
    pub alarms: Vec<Alarm>,
    /// Periods without a value.
    pub without_value: u64,
}

impl From<&ControlChart> for ChartReading {
    fn from(chart: &ControlChart) -> Self {
        Self {
            state: chart.state(),
            sums: chart.sums(),
            in_control: chart.in_control(),
            alarms: chart.alarms().to_vec(),
            without_value: chart.without_value(),
        }
    }
}

impl ChangeMonitor {
    /// Of a topic between two arms: pooled, of all impressions, with uniform attention.
    ///
    /// # Errors
    /// [`Error::Parameter`] for numbers out of their range; [`Error::SameArm`].
    pub fn new(
        topic: impl Into<String>,
        treatment: impl Into<String>,
        baseline: impl Into<String>,
        spec: ChangeSpec,
    ) -> Result<Self, Error> {
        let (treatment, baseline) = (treatment.into(), baseline.into());
        if treatment == baseline {
            return Err(Error::SameArm { arm: treatment });
        }
        let chart = ControlChart::new(spec)?;
        Ok(Self {
            topic: topic.into(),
            treatment,
            baseline: Baseline::arm(baseline),
            unit: Unit::default(),
            denominator: Denominator::default(),
            attention: Attention::default(),
            tally: None,
            labels: Vec::new(),
            charts: [chart.clone(), chart.clone(), chart],
        })
    }

    /// How clusters are put together; to be said before the first period.
    #[must_use]
    pub fn unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    /// Which impressions form the denominator; to be said before the first period.
    #[must_use]
    pub fn denominator(mut self, denominator: Denominator) -> Self {
        self.denominator = denominator;
        self
    }

    /// The position model, one of the tallies'; to be said before the first period.
    #[must_use]
    pub fn attention(mut self, attention: Attention) -> Self {
        self.attention = attention;
        self
    }

    /// Adds a period, labelled by its number.
    ///
    /// # Errors
    /// Those of [`observe_as`](Self::observe_as).
    pub fn observe(&mut self, tally: &Tally) -> Result<(), Error> {
        self.observe_as((self.labels.len() + 1).to_string(), tally)
    }

    /// Adds a period. An arm or topic that its tally lacks was not shown.
    ///
    /// # Errors
    /// [`Error::OtherStream`] when the tally has other clusters, labels or strata than the first;
    /// [`Error::UnknownAttention`]; [`Error::Parameter`] for a reach out of its range. Nothing is added
    /// then.
    pub fn observe_as(&mut self, label: impl Into<String>, tally: &Tally) -> Result<(), Error> {
        let label = label.into();
        self.check(&label, tally.spec())?;
        let question = TopicQuestion {
            topic: &self.topic,
            treatment: &self.treatment,
            baseline: &self.baseline,
            unit: self.unit,
            denominator: self.denominator,
            attention: &self.attention,
            correction: None,
        };
        let mut values = Vec::with_capacity(CHARTED.len());
        for statistic in CHARTED {
            crate::statistic::check_unit(statistic, self.unit)?;
            crate::statistic::refuse_within(self.unit, "a control chart")?;
            let contributions = Contributions::of_part(tally, &question, statistic)?;
            values.push(measured(statistic, &contributions));
        }
        for (chart, (working, error)) in self.charts.iter_mut().zip(values) {
            match working {
                Working::Finite(value) => chart.push(value, error)?,
                _ => chart.push_without_value(),
            };
        }
        self.tally.get_or_insert_with(|| tally.spec().clone());
        self.labels.push(label);
        Ok(())
    }

    fn check(&self, label: &str, theirs: &TallySpec) -> Result<(), Error> {
        let Some(ours) = &self.tally else { return Ok(()) };
        let pairs = [
            ("cluster", format!("{:?}", theirs.cluster), format!("{:?}", ours.cluster)),
            ("counting of labels", theirs.multi_label.to_string(), ours.multi_label.to_string()),
            ("stratum", format!("{:?}", theirs.strata), format!("{:?}", ours.strata)),
        ];
        match pairs.into_iter().find(|(_, found, expected)| found != expected) {
            Some((what, found, expected)) => {
                Err(Error::OtherStream { label: label.to_owned(), what, found, expected })
            }
            None => Ok(()),
        }
    }

    /// What is known now.
    pub fn reading(&self) -> ChangeReading {
        let [ratio, treatment, baseline] = &self.charts;
        let spans = self.charts.each_ref().map(|chart| {
            let span =
                |alarm: &Alarm| -> Span { (alarm.since as i64, alarm.period as i64, alarm.shift) };
            chart.alarms().iter().map(span).collect::<Vec<_>>()
        });
        ChangeReading {
            periods: self.labels.clone(),
            ratio: ChartReading::from(ratio),
            treatment: ChartReading::from(treatment),
            baseline: ChartReading::from(baseline),
            episodes: episodes(spans.each_ref().map(Vec::as_slice)),
        }
    }
}
