//! Breaks over the windows of a tally: in the ratio and in each arm's share.

use serde::{Deserialize, Serialize};

use super::control::refuse;
use super::date::{BlockBootstrap, BreakDate};
use super::episode::{Episode, Shift, Span, episodes};
use super::monitor::{CHARTED, measured};
use super::offline::pelt;
use crate::error::Error;
use crate::estimate::Value;
use crate::inference::contribution::Contributions;
use crate::inference::question::TopicQuestion;
use crate::inference::reported;
use crate::statistic::Statistic;
use crate::tally::{Tally, WindowBy};

/// What a break must save.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Penalty {
    /// `2 sd^2 ln n` (Yao 1988), with the standard deviation from the median absolute difference of
    /// neighbouring values, which breaks hardly touch, over 0.6745 and the square root of 2; where more
    /// than half of the neighbours are equal, from the mean square of those differences. For values that
    /// are independent over windows; too low for correlated ones.
    #[default]
    Bayesian,
    /// So much, in squares of natural logarithms, 0 or more.
    Of(f64),
}

/// How breaks are looked for.
///
/// ```
/// use tiltmeter::inference::BreakSpec;
/// assert_eq!(BreakSpec::default().min_size, 5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakSpec {
    /// What a break must save.
    pub penalty: Penalty,
    /// Windows between two breaks, at least; 1 or more.
    pub min_size: usize,
    /// How intervals for dates are made.
    pub dates: BlockBootstrap,
}

impl Default for BreakSpec {
    /// The Bayesian penalty, 5 windows, 95% intervals.
    fn default() -> Self {
        Self { penalty: Penalty::default(), min_size: 5, dates: BlockBootstrap::default() }
    }
}

/// What a window holds of one series.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Windowed {
    /// The first moment of the window, in microseconds since 1970-01-01T00:00:00Z.
    pub start: i64,
    /// The natural logarithm, or the state it is in.
    pub value: Value,
    /// Its clustered standard error; `None` where the value is not finite or clusters do not vary.
    pub standard_error: Option<f64>,
}

/// A break.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Break {
    /// The start of the first window after it.
    pub start: i64,
    /// The earliest window that may be the first after it.
    pub low: i64,
    /// The latest.
    pub high: i64,
    /// The mean logarithm from the break before to this one.
    pub before: f64,
    /// The mean logarithm from this break to the next.
    pub after: f64,
}

/// A series over windows, with its breaks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesBreaks {
    /// Every window of the tally.
    pub windows: Vec<Windowed>,
    /// How many of them have no finite value, and are passed over.
    pub without_value: u64,
    /// What a break had to save; `None` where there was too little to find any.
    pub penalty: Option<f64>,
    /// The breaks.
    pub breaks: Vec<Break>,
}

/// Breaks of a topic's log ratio and of its log share in both arms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use]
pub struct Breaks {
    /// Of the log amplification ratio.
    pub ratio: SeriesBreaks,
    /// Of the log share in the treatment.
    pub treatment: SeriesBreaks,
    /// Of the log share in the baseline.
    pub baseline: SeriesBreaks,
    /// Windows between the first and the last in which nothing at all was shown; they are not in the
    /// series.
    pub empty: u64,
    /// Breaks whose intervals overlap, or lie in neighbouring windows, put together; spans are starts of windows.
    pub episodes: Vec<Episode>,
}

/// Breaks over the windows of a tally ([`TallySpec::windows`](crate::tally::TallySpec::windows)), by
/// [`pelt`] with the interval for each date by [`BlockBootstrap`]: in the log ratio, and in the log share
/// of either arm, the control too, so that it is seen who moved.
///
/// **Right** with many windows, each with enough clusters that its values vary alike. **Fails** where
/// windows differ much in size (squares weigh all alike) and where values are correlated or have weekdays
/// in them. Windows without a finite value are states in the series, counted and passed over, and do not
/// move a break. The question's topic and arms must be in the tally.
///
/// ```
/// use tiltmeter::inference::{BreakSpec, Moved, Shift, TopicQuestion, breaks_of};
/// use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
/// use tiltmeter::tally::{Tally, TallySpec, WindowBy};
/// use tiltmeter::{ExposureLog, Question, source::SliceSource};
///
/// // Forty days of 60 impressions in either arm; from the 26th on the ranked one shows twice as much.
/// let (mut feed, mut day, mut about) = (Vec::new(), Vec::new(), Vec::new());
/// for at in 0..40_i64 {
///     let ranked = at * 7 % 3 + if at < 25 { 10 } else { 20 };
///     for (arm, shown) in [("ranked", ranked), ("newest", 10 + at * 5 % 4)] {
///         for nth in 0..60 {
///             feed.push(arm);
///             day.push(at * 86_400);
///             about.push(if nth < shown { "war" } else { "" });
///         }
///     }
/// }
/// let source = SliceSource::new("example").text("feed", &feed).integer("at", &day);
/// let source = source.text("who", &feed).text("about", &about);
/// let schema = LogSchema::new().viewer("who").arm("feed").time("at", TimeFormat::EpochSeconds);
/// let log = ExposureLog::read(source, &schema.topics(TopicColumn::single("about")))?;
/// let spec = TallySpec { windows: WindowBy::days(1), ..TallySpec::default() };
/// let question = Question::between("ranked", "newest");
/// let question = TopicQuestion::of(&question, "war")?;
/// let found = breaks_of(&Tally::of(&log, &spec)?, &question, &BreakSpec::default())?;
/// assert_eq!(found.ratio.breaks[0].start, 25 * 86_400_000_000);
/// assert!(found.baseline.breaks.is_empty());
/// assert_eq!(found.episodes[0].moved, Moved::Treatment(Shift::Up));
/// println!("{found}");
/// # Ok::<(), tiltmeter::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] where the tally has no windows and for numbers out of their range;
/// [`Error::UnknownArm`], [`Error::UnknownTopic`], [`Error::UnknownAttention`], [`Error::SameArm`].
pub fn breaks_of(
    tally: &Tally,
    question: &TopicQuestion<'_>,
    spec: &BreakSpec,
) -> Result<Breaks, Error> {
    let WindowBy::Every { seconds, .. } = tally.spec().windows else {
        let expected = "some: tally with TallySpec::windows";
        return refuse("the windows of the tally", "none", expected);
    };
    spec.dates.check()?;
    let [ratio, treatment, baseline] =
        CHARTED.map(|statistic| SeriesBreaks::of(tally, question, statistic, spec));
    let (ratio, treatment, baseline) = (ratio?, treatment?, baseline?);
    let windows = tally.axes().windows();
    let between = windows.last().zip(windows.first()).map_or(0, |(last, first)| last - first);
    let all = between / (i64::from(seconds) * 1_000_000) + 1;
    // A change within a window moves the mean of one series there and of the other in the next: a date is known to
    // a window at best.
    let window = i64::from(seconds) * 1_000_000;
    let spans = [&ratio, &treatment, &baseline].map(|series| {
        let span = |its: &Break| -> Span {
            let shift = if its.after > its.before { Shift::Up } else { Shift::Down };
            (its.low, its.high.saturating_add(window), shift)
        };
        series.breaks.iter().map(span).collect::<Vec<_>>()
    });
    let mut episodes = episodes(spans.each_ref().map(Vec::as_slice));
    episodes.iter_mut().for_each(|its| its.to = its.to.saturating_sub(window));
    Ok(Breaks { episodes, empty: all as u64 - windows.len() as u64, ratio, treatment, baseline })
}

impl SeriesBreaks {
    fn of(
        tally: &Tally,
        question: &TopicQuestion<'_>,
        statistic: &dyn Statistic,
        spec: &BreakSpec,
    ) -> Result<Self, Error> {
        crate::statistic::refuse_within(question.unit, "breaks")?;
        question.refuse_correction("breaks")?;
        crate::statistic::check_unit(statistic, question.unit)?;
        let starts = tally.axes().windows();
        let windowed = |(window, &start): (usize, &i64)| {
            let within = Contributions::of_window(tally, question, statistic, window)?;
            let (working, standard_error) = measured(statistic, &within);
            let value = reported(working, statistic.scale());
            Ok(Windowed { start, value, standard_error })
        };
        let windows: Vec<Windowed> =
            starts.iter().enumerate().map(windowed).collect::<Result<_, Error>>()?;
        let finite = windows.iter().filter_map(|its| match its.value {
            Value::Estimated(value) => Some((its.start, value)),
            _ => None,
        });
        let (starts, values): (Vec<i64>, Vec<f64>) = finite.unzip();
        let penalty = spec.penalty.of(&values);
        let breaks = match penalty {
            Some(penalty) => pelt(&values, penalty, spec.min_size)?,
            None => Vec::new(),
        };
        let dates = spec.dates.dates(&values, &breaks)?;
        let date = |BreakDate { at, low, high, before, after }| Break {
            start: starts[at],
            low: starts[low],
            high: starts[high],
            before,
            after,
        };
        Ok(Self {
            without_value: (windows.len() - values.len()) as u64,
            windows,
            penalty,
            breaks: dates.into_iter().map(date).collect(),
        })
    }
}

impl Penalty {
    /// For these values; `None` of too few to know how they vary, or if they do not.
    fn of(self, values: &[f64]) -> Option<f64> {
        if values.is_empty() {
            return None;
        }
        let Self::Bayesian = self else {
            let Self::Of(penalty) = self else { return None };
            return Some(penalty);
        };
        let mut steps: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
        steps.sort_by(f64::total_cmp);
        let middle = steps.len().checked_sub(1)? / 2;
        let median = f64::midpoint(steps[middle], steps[steps.len() / 2]);
        let variance = if median > 0.0 {
            (median / 0.674_489_750_196_081_7).powi(2) / 2.0
        } else {
            steps.iter().map(|step| step * step).sum::<f64>() / (2 * steps.len()) as f64
        };
        (variance > 0.0).then(|| 2.0 * variance * (values.len() as f64).ln())
    }
}
