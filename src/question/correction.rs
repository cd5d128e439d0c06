//! How labels that a classifier or a language model gave are corrected by labels by hand.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::format::word::said_by_words;

/// How the errors of labels are corrected, where some rows are labelled by hand
/// ([`LogSchema::human`](crate::log::LogSchema::human)), each with a known chance.
///
/// In an arm with the predicted share `F`, let `y` be the share that hands find in the rows they looked at, and `f`
/// what is predicted for these same rows, each row as heavy as the rows that it stands for (its weight over its
/// inclusion probability). The corrected share is `y + lambda (F - f)`: what hands found, and as much of the rest as
/// predictions are worth.
///
/// What hands and predictions say is looked at by cluster, arm by arm, so that labels which go wrong more often in one
/// arm than in the other are corrected too, and intervals know that few rows were labelled. It is assumed that hands
/// are right, and that the chances are known. With a label for an item that many viewers were shown, labels are alike
/// within items: cluster by item too ([`Question::second_cluster`](crate::Question::second_cluster)).
///
/// ```
/// use tiltmeter::log::{LogSchema, TopicColumn};
/// use tiltmeter::{Audit, Correction, ExposureLog, Question};
///
/// let schema = LogSchema::new()
///     .viewer("viewer")
///     .arm("feed")
///     .topics(TopicColumn::single("model_topic"))
///     .human(TopicColumn::single("human_topic"))
///     .inclusion("chance");
/// let log = ExposureLog::open("data/labelled.csv", &schema)?;
/// let question = Question::between("ranked", "newest").topics(["politics"]);
/// let naive = Audit::of(&log, &question).run()?;
/// let corrected = Audit::of(&log, &question.correct(Correction::Ppi)).run()?;
/// let ratio = |report: &tiltmeter::AuditReport| report.estimates()[0].value.number().unwrap();
/// // The model takes more for politics in the ranked feed than there is.
/// assert!(ratio(&naive) > 1.3 && ratio(&corrected) < ratio(&naive));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Correction {
    /// Prediction-powered: `lambda` in each arm, from 0 to 1, is what makes the contrast vary least (PPI++:
    /// Angelopoulos, Duchi and Zrnic 2023, arXiv 2311.01453, who tune means). Never much worse than labels by hand
    /// alone, and better the better predictions are.
    Ppi,
    /// `lambda = 1`: every prediction counts, and the labels by hand say how wrong they are on average (design-based
    /// supervised learning: Egami, Hinck, Stewart and Wei 2023, arXiv 2306.04746).
    Dsl,
    /// By how often predictions find a topic that is there, and one that is not, which labels by hand say of each arm
    /// (Rogan and Gladen 1978, doi 10.1093/oxfordjournals.aje.a112510): `(F - q)/(p - q)`. Assumes that they go wrong
    /// alike in all rows of an arm, labelled or not, as rows are that were chosen by chance; loose where predictions
    /// are bad.
    #[serde(alias = "rogan-gladen")]
    RoganGladen,
    /// `lambda = 0`: labels by hand alone.
    HandAlone,
}

said_by_words!(Correction);

impl fmt::Display for Correction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ppi => "labels corrected by hand, as far as predictions are worth it",
            Self::Dsl => "labels corrected by hand, every prediction counting",
            Self::RoganGladen => "labels corrected by how often hands find them right",
            Self::HandAlone => "labels by hand alone",
        })
    }
}
