//! Arms that are served by policies from outside the library.

use std::fmt;
use std::sync::Arc;

use super::{Simulation, SimulationConfig};
use crate::error::Error;
use crate::policy::{Policy, Setting};

type Make = dyn Fn(&Setting<'_>) -> Box<dyn Policy> + Send + Sync;

/// What makes the policy of an arm, anew whenever the simulation is read: policies that learn begin
/// with nothing.
#[derive(Clone)]
pub(super) struct OwnPolicy {
    place: usize,
    make: Arc<Make>,
}

impl fmt::Debug for OwnPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnPolicy").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Simulation {
    /// The same world with an arm served by a policy of the caller's, whatever the configuration says
    /// of it. Log, source and tally are then of that policy; a Parquet file does not carry the
    /// configuration, which would not make it again.
    ///
    /// ```
    /// use tiltmeter::policy::{Feature, Policy};
    /// use tiltmeter::policy::Request;
    /// use tiltmeter::simulate::{Preset, Simulation, SimulationConfig};
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
    /// let config = SimulationConfig { days: 1, ..SimulationConfig::preset(Preset::Election) };
    /// let simulation = Simulation::new(&config)?.with_policy("treatment", |_| Rightwards)?;
    /// assert!(simulation.log()?.rows() > 0);
    /// # Ok::<(), tiltmeter::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownArm`] for an arm that the configuration does not have.
    pub fn with_policy<P: Policy + 'static>(
        mut self,
        arm: &str,
        make: impl Fn(&Setting<'_>) -> P + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let SimulationConfig { arms, .. } = &self.config;
        let place = arms.iter().position(|its| its.name == arm);
        let place = place.ok_or_else(|| Error::UnknownArm {
            arm: arm.to_owned(),
            available: arms.iter().map(|arm| arm.name.clone()).collect(),
        })?;
        let make =
            Arc::new(move |setting: &Setting<'_>| -> Box<dyn Policy> { Box::new(make(setting)) });
        self.own.push(OwnPolicy { place, make });
        Ok(self)
    }

    /// The policies of the arms, in the order of the configuration.
    pub(super) fn build_policies(&self) -> Result<Vec<Box<dyn Policy>>, Error> {
        let setting = Setting {
            topic_sets: self.catalogue.topic_sets(),
            strata: &self.strata,
            start: self.start,
            seed: self.config.seed,
        };
        let of_config = |arm: &super::ArmConfig| arm.policy.build(&setting);
        let mut policies: Vec<_> =
            self.config.arms.iter().map(of_config).collect::<Result<_, _>>()?;
        for own in &self.own {
            policies[own.place] = (own.make)(&setting);
        }
        Ok(policies)
    }
}
