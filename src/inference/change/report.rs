//! Breaks of several topics: what was asked, and what was found.

use serde::{Deserialize, Serialize};

use super::windows::{BreakSpec, Breaks, breaks_of};
use crate::error::Error;
use crate::format::document;
use crate::inference::question::TopicQuestion;
use crate::log::{Keep, Origin};
use crate::question::attention::Attention;
use crate::question::baseline::Baseline;
use crate::question::estimand::{Denominator, Unit};
use crate::question::whole::{Part, Question, same};
use crate::tally::{ClusterBy, MultiLabel, Tally, Weights, WindowBy};

/// The name of the schema.
pub const BREAKS_SCHEMA: &str = "tiltmeter.breaks";

/// The version of the schema: raised whenever a field changes its meaning or goes away; new fields alone
/// do not raise it.
pub const BREAKS_VERSION: u32 = 1;

/// The breaks of several topics, with what was asked of all of them.
///
/// Every topic is looked at by itself ([`breaks_of`]). A break is found where it saves more than the
/// penalty, which is no test: of many topics some have breaks by chance.
///
/// ```
/// # use tiltmeter::log::{LogSchema, TimeFormat, TopicColumn};
/// # use tiltmeter::source::SliceSource;
/// # let (mut feed, mut day, mut about) = (Vec::new(), Vec::new(), Vec::new());
/// # for at in 0..40_i64 {
/// #     let ranked = at * 7 % 3 + if at < 25 { 10 } else { 20 };
/// #     for (arm, shown) in [("ranked", ranked), ("newest", 10 + at * 5 % 4)] {
/// #         for nth in 0..60 {
/// #             feed.push(arm);
/// #             day.push(at * 86_400);
/// #             about.push(if nth < shown { "war" } else { "sport" });
/// #         }
/// #     }
/// # }
/// # let source = SliceSource::new("example").text("feed", &feed).integer("at", &day);
/// # let source = source.text("who", &feed).text("about", &about);
/// # let schema = LogSchema::new().viewer("who").arm("feed").time("at", TimeFormat::EpochSeconds);
/// # let log = tiltmeter::ExposureLog::read(source, &schema.topics(TopicColumn::single("about")))?;
/// use tiltmeter::inference::{BreakSpec, BreaksReport};
/// use tiltmeter::tally::{Tally, TallySpec, WindowBy};
/// use tiltmeter::Question;
/// // Forty days; from the 26th on the ranked feed shows war twice as much, and sport less.
/// let spec = TallySpec { windows: WindowBy::days(1), ..TallySpec::default() };
/// let question = Question::between("ranked", "newest");
/// let report = BreaksReport::of(&Tally::of(&log, &spec)?, &question, &BreakSpec::default())?;
/// let war = &report.topic("war").expect("it is in the log").breaks;
/// assert_eq!(war.ratio.breaks[0].start, 25 * 86_400_000_000);
/// println!("{report}");
/// assert_eq!(BreaksReport::from_json(&report.to_json()?)?, report);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use]
pub struct BreaksReport {
    /// The arm under test.
    pub treatment: String,
    /// What it is compared with.
    pub baseline: Baseline,
    /// How clusters are put together.
    pub unit: Unit,
    /// Which impressions form the denominator.
    pub denominator: Denominator,
    /// What impressions weigh.
    #[serde(default)]
    pub weights: Weights,
    /// The position model.
    pub attention: Attention,
    /// How several topics share an impression.
    #[serde(default)]
    pub multi_label: MultiLabel,
    /// The unit that was assigned or sampled independently.
    pub cluster: ClusterBy,
    /// Which rows were asked about, by the ids in columns; all of them if there is nothing here, or
    /// if that is not known of the tally: [`origin`](Self::origin) says it.
    #[serde(default)]
    pub kept: Vec<Keep>,
    /// The windows of time.
    pub windows: WindowBy,
    /// How breaks were looked for.
    pub spec: BreakSpec,
    /// The topics, in the question's order.
    pub topics: Vec<TopicBreaks>,
}

/// The breaks of one topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopicBreaks {
    /// The topic.
    pub topic: String,
    /// Its breaks.
    #[serde(flatten)]
    pub breaks: Breaks,
}

impl BreaksReport {
    /// Looks for breaks over the windows of a tally, in each topic of a question: by default all.
    ///
    /// # Errors
    /// [`Error::NotLookedAt`] for a question with statistics, strata, groups or a second way of
    /// clustering; [`Error::Unstated`] for one without a baseline; those of [`breaks_of`].
    pub fn of(tally: &Tally, question: &Question, spec: &BreakSpec) -> Result<Self, Error> {
        question.refuse(
            "a search for breaks",
            &[Part::Statistics, Part::Strata, Part::SecondCluster, Part::Correction],
        )?;
        same("cluster", question.cluster.as_ref(), &tally.spec().cluster)?;
        same("counting of labels", question.multi_label.as_ref(), &tally.spec().multi_label)?;
        let baseline = question.needs_baseline()?;
        let named = question.topics.named();
        let topics = named.unwrap_or_else(|| tally.axes().topics());
        let question = Question {
            attention: question.attention.clone().or(tally.spec().attentions.first().cloned()),
            ..question.clone()
        };
        let found = topics.iter().map(|topic| {
            let breaks = breaks_of(tally, &TopicQuestion::of(&question, topic)?, spec)?;
            Ok(TopicBreaks { topic: topic.clone(), breaks })
        });
        Ok(Self {
            topics: found.collect::<Result<_, Error>>()?,
            treatment: question.treatment.clone(),
            baseline: baseline.clone(),
            unit: question.unit,
            denominator: question.denominator,
            weights: tally.weights().clone(),
            attention: question.attention.unwrap_or_default(),
            multi_label: tally.spec().multi_label,
            cluster: tally.spec().cluster.clone(),
            kept: Vec::new(),
            windows: tally.spec().windows,
            spec: *spec,
        })
    }

    /// Says which rows the tally was made of, as it does not know itself.
    pub fn origin(self, origin: &Origin) -> Self {
        Self { kept: origin.kept.clone(), ..self }
    }

    /// What was found of a topic.
    #[must_use]
    pub fn topic(&self, topic: &str) -> Option<&TopicBreaks> {
        self.topics.iter().find(|its| its.topic == topic)
    }

    /// The report as JSON (`docs/breaks-json.md`), which [`from_json`](Self::from_json) reads back.
    ///
    /// # Errors
    /// [`Error::Report`] if the serialiser fails, which it has no reason to.
    pub fn to_json(&self) -> Result<String, Error> {
        document::write(&Stamped {
            schema: BREAKS_SCHEMA.to_owned(),
            version: BREAKS_VERSION,
            tiltmeter: env!("CARGO_PKG_VERSION").to_owned(),
            report: self.clone(),
        })
    }

    /// Reads a report's JSON.
    ///
    /// # Errors
    /// [`Error::Report`] when it is not of breaks, or is of another version.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        document::read(json, BREAKS_SCHEMA, BREAKS_VERSION).map(|its: Stamped| its.report)
    }
}

/// A report with what says of which kind it is.
#[derive(Serialize, Deserialize)]
struct Stamped {
    schema: String,
    version: u32,
    tiltmeter: String,
    #[serde(flatten)]
    report: BreaksReport,
}
