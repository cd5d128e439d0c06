//! Off-policy estimation: what another policy would have shown and earned, from the log of one that
//! noted its propensities. Files and tallies are not known here.

mod answer;
mod impression;
mod measure;
mod model;
mod record;
mod report;
mod run;
mod sample;
mod sums;
mod target;
mod weights;

pub use self::measure::Measure;
pub use self::model::{ItemMeans, MeansOf, RewardModel};
pub use self::record::{
    CautionRecord, OFF_POLICY_SCHEMA, OFF_POLICY_VERSION, OffPolicyEstimateRecord, OffPolicyRecord,
    RefusalRecord,
};
pub use self::report::{
    Answer, Caution, OffPolicyEstimate, OffPolicyQuestion, OffPolicyReport, Refusal,
};
pub use self::weights::{ImportanceWeights, WeightDiagnostics};
use crate::error::Error;
use crate::inference::Interval;
use crate::log::ExposureLog;
pub use crate::question::propensity::{Clip, Floor, Target};
use crate::question::whole::Question;

/// An off-policy estimation, being put together.
///
/// A log whose impressions carry the logging policy's propensities also says what another policy, the
/// *target*, would have earned and shown: impressions that it would have made more often count for more.
/// Rewards need [engagement](crate::log::Role::Engagement), shares of topics need topics; each is
/// estimated if the log has it. Weights of the log are exposure mass and count for shares; every
/// impression's reward counts once.
///
/// The target must be said. The rest has defaults: weights are not clipped, estimates are refused below an
/// effective sample size of 100 ([`Floor`]), the interval is the default one, and there is no doubly robust estimate
/// ([`reward_model`](Self::reward_model)) and no arm to check against ([`check`](Self::check)).
///
/// It is right if the propensities are those that the logging policy drew with, if that policy could
/// show whatever the target would, and if what one impression earns does not hang on the others. It
/// cannot see what a target would change in what viewers come back for. Where target and logging policy
/// are far apart a few impressions carry all weight; the report then has no number, and says so.
///
/// ```
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::replay::off_policy::{Floor, Measure, OffPolicy, Target};
/// use tiltmeter::{ExposureLog, Question, source::SliceSource};
///
/// // A policy that shows "a" four times out of five, to four viewers.
/// let source = SliceSource::new("example")
///     .text("who", &["1", "1", "2", "2", "3", "3", "4", "4", "4", "4"])
///     .text("feed", &["ranked"; 10])
///     .text("what", &["a", "a", "a", "b", "a", "a", "a", "b", "a", "a"])
///     .text("about", &["war", "war", "war", "sport", "war", "war", "war", "sport", "war", "war"])
///     .integer("click", &[1, 0, 0, 1, 0, 1, 0, 1, 0, 0])
///     .float("chance", &[0.8, 0.8, 0.8, 0.2, 0.8, 0.8, 0.8, 0.2, 0.8, 0.8]);
/// let schema = LogSchema::new()
///     .viewer("who")
///     .arm("feed")
///     .item("what")
///     .topics(TopicColumn::single("about"))
///     .engagement("click")
///     .propensity("chance");
/// let log = ExposureLog::read(source, &schema)?;
/// let question = Question::of_arm("ranked");
/// let replay = OffPolicy::of(&log, &question).target(Target::Uniform { items: 2 });
///
/// // Ten impressions are too few to say anything, and there is no number.
/// let refused = replay.clone().run()?;
/// assert!(refused.estimate(Measure::Snips).unwrap().answer.is_err());
///
/// let report = replay.floor(Floor::overridden()).run()?;
/// let snips = report.estimate(Measure::Snips).and_then(|its| its.number()).unwrap();
/// assert!((snips - (0.25 * 0.5 + 1.0 * 0.5)).abs() < 1e-12); // 2 of 8 for "a", 2 of 2 for "b"
/// let war = report.of_topic(Measure::Amplification, "war").and_then(|its| its.number()).unwrap();
/// assert!((war - 0.8 / 0.5).abs() < 1e-12); // war is shown 1.6 times as often as by chance
/// println!("{report}");
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct OffPolicy<'l> {
    log: &'l ExposureLog,
    question: Question,
    target: Option<Target>,
    clip: Clip,
    floor: Floor,
    interval: Interval,
    model: Option<RewardModel>,
    check: Option<String>,
}

impl<'l> OffPolicy<'l> {
    /// An estimation from a log, about the arm of a question ([`Question::of_arm`]), whose propensities the
    /// log has: by its topics, attention, labels and clusters.
    pub fn of(log: &'l ExposureLog, question: &Question) -> Self {
        Self {
            log,
            question: question.clone(),
            target: None,
            clip: Clip::default(),
            floor: Floor::default(),
            interval: Interval::default(),
            model: None,
            check: None,
        }
    }

    /// The policy that is asked about.
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Whether great weights are cut.
    pub fn clip(mut self, clip: Clip) -> Self {
        self.clip = clip;
        self
    }

    /// Below which effective sample size nothing is said of the target.
    pub fn floor(mut self, floor: Floor) -> Self {
        self.floor = floor;
        self
    }

    /// How intervals are made: any way but [`Interval::Simultaneous`].
    pub fn interval(mut self, interval: Interval) -> Self {
        self.interval = interval;
        self
    }

    /// Adds the doubly robust estimate, with this model of rewards.
    pub fn reward_model(mut self, model: RewardModel) -> Self {
        self.model = Some(model);
        self
    }

    /// Adds a check: the same measures as logged in another arm, one that followed the target (a random
    /// arm, for a uniform target), and how far the estimates are from them.
    pub fn check(mut self, arm: impl Into<String>) -> Self {
        self.check = Some(arm.into());
        self
    }

    /// Runs the estimation.
    ///
    /// A target that is too far from the log is no error: its estimates are refused
    /// ([`OffPolicyEstimate::answer`]).
    ///
    /// # Errors
    /// [`Error::Unstated`] without a target, [`Error::NotLookedAt`] for a question with a baseline,
    /// statistics, unit, denominator, strata or a second way of clustering; those of [`ImportanceWeights::of`];
    /// [`Error::MissingRole`] for a log with neither engagement nor topics, and where clusters,
    /// attention or the reward model need a column that it lacks; [`Error::UnknownColumn`] and
    /// [`Error::UnknownTopic`]; [`Error::SameArm`] for a check against the logging arm;
    /// [`Error::Parameter`] for numbers out of their range, for simultaneous bands, and for item means
    /// with probabilities by row; [`Error::ColumnLength`] and [`Error::GivenRow`] for predictions that
    /// do not fit the log, and for rewards beyond 1e70.
    pub fn run(self) -> Result<OffPolicyReport, Error> {
        run::run(&self)
    }
}
