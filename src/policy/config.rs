//! Policies as they stand in a configuration.

use serde::{Deserialize, Serialize};

use super::Policy;
use super::affinity::Affinity;
use super::bandit::{Bandit, BanditPolicy};
use super::bias::{Bias, Biased};
use super::chronological::ReverseChronological;
use super::factors::{Factors, FactorsPolicy};
use super::logistic::{Logistic, LogisticPolicy};
use super::own::OwnPolicy;
use super::popularity::{Popularity, PopularityPolicy};
use super::random::Random;
use super::selected::Selected;
use super::selection::Selection;
use super::setting::Setting;
use crate::error::Error;

/// What weighs candidates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Ranker {
    /// [`Random`].
    #[default]
    Random,
    /// [`ReverseChronological`].
    ReverseChronological,
    /// [`Popularity`].
    Popularity(Popularity),
    /// [`Affinity`].
    Affinity(Affinity),
    /// [`Bandit`].
    Bandit(Bandit),
    /// [`Logistic`].
    Logistic(Logistic),
    /// [`Factors`].
    Factors(Factors),
    /// One of your own: [`PolicyConfig::own`].
    Own(OwnPolicy),
}

/// A policy: what weighs candidates, the biases put on it, and how slates are made.
///
/// ```
/// use tiltmeter::policy::{Affinity, Bias, PolicyConfig, Ranker};
/// let policy = PolicyConfig {
///     biases: vec![Bias::topic("conflict", 1.5)],
///     ..PolicyConfig::of(Ranker::Affinity(Affinity::default()))
/// };
/// let text = serde_json::to_string(&policy).unwrap();
/// assert_eq!(serde_json::from_str::<PolicyConfig>(&text).unwrap(), policy);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyConfig {
    /// What weighs candidates. Default random.
    pub ranker: Ranker,
    /// How slates are made; the ranker's own way by default.
    pub selection: Option<Selection>,
    /// Known biases, one on top of the other. Default none.
    pub biases: Vec<Bias>,
}

impl PolicyConfig {
    /// A policy without biases.
    #[must_use]
    pub const fn of(ranker: Ranker) -> Self {
        Self { ranker, selection: None, biases: Vec::new() }
    }

    /// A policy of your own, under a name for messages and files. Biases may be put on it, and slates made of
    /// its weights, like on any other; what is true of it is found by simulating it.
    ///
    /// ```
    /// use tiltmeter::Question;
    /// use tiltmeter::policy::{Feature, Policy, PolicyConfig, Request};
    /// use tiltmeter::simulate::{Preset, SimulationConfig, Truth, TruthSpec};
    ///
    /// /// Wants items the more, the further they lean to the right.
    /// #[derive(Debug)]
    /// struct Rightwards;
    ///
    /// impl Policy for Rightwards {
    ///     fn name(&self) -> String {
    ///         "rightwards".to_owned()
    ///     }
    ///     fn needs(&self) -> Vec<Feature> {
    ///         vec![Feature::Leanings]
    ///     }
    ///     fn weigh(&self, request: &Request<'_>, weights: &mut [f64]) {
    ///         for (weight, leaning) in weights.iter_mut().zip(&request.candidates.leanings) {
    ///             *weight = f64::from(*leaning).exp();
    ///         }
    ///     }
    /// }
    ///
    /// let mut config = SimulationConfig { days: 1, ..SimulationConfig::preset(Preset::Election) };
    /// config.world.viewers = 100;
    /// config.arms[0].policy = PolicyConfig::own("rightwards", |_| Rightwards);
    /// let question = Question::between("treatment", "baseline");
    /// let spec = TruthSpec { replicates: 8, ..TruthSpec::of(&question) };
    /// let truth = Truth::of(&config, &spec)?;
    /// let ratio = truth.value("right_party", "amplification_ratio").and_then(|its| its.number());
    /// assert!(ratio.is_some_and(|ratio| ratio > 1.2));
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    #[must_use]
    pub fn own<P: Policy + 'static>(
        name: impl Into<String>,
        make: impl Fn(&Setting<'_>) -> P + Send + Sync + 'static,
    ) -> Self {
        Self::of(Ranker::Own(OwnPolicy::new(name.into(), make)))
    }

    /// Makes the policy.
    ///
    /// # Errors
    /// [`Error::Parameter`] for numbers out of their range and for a stratum that there is not;
    /// [`Error::UnknownTopic`].
    pub fn build(&self, setting: &Setting<'_>) -> Result<Box<dyn Policy>, Error> {
        let mut policy: Box<dyn Policy> = match &self.ranker {
            Ranker::Random => Box::new(Random),
            Ranker::ReverseChronological => Box::new(ReverseChronological),
            Ranker::Popularity(popularity) => Box::new(PopularityPolicy::new(popularity)?),
            Ranker::Affinity(affinity) => {
                affinity.check()?;
                Box::new(*affinity)
            }
            Ranker::Bandit(bandit) => Box::new(BanditPolicy::new(bandit)?),
            Ranker::Logistic(logistic) => Box::new(LogisticPolicy::new(logistic)?),
            Ranker::Factors(factors) => Box::new(FactorsPolicy::new(factors, setting.seed)?),
            Ranker::Own(own) => own.build(setting)?,
        };
        for bias in &self.biases {
            policy = Box::new(Biased::new(policy, bias, setting)?);
        }
        if let Some(selection) = self.selection {
            policy = Box::new(Selected::new(policy, selection, setting)?);
        }
        Ok(policy)
    }
}
