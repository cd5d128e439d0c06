//! The two-sided cumulative sum chart: one value per period in, alarms out.

use serde::{Deserialize, Serialize};

use super::episode::Shift;
use crate::error::Error;

/// How a [`ControlChart`] tells a change from chance.
///
/// ```
/// use tiltmeter::inference::ChangeSpec;
/// let spec = ChangeSpec::default(); // allowance 1/2, threshold 5
/// // False alarms every 469 periods; a shift of one standard deviation is seen after 10.
/// assert!((spec.run_length(0.0)? - 469.1).abs() < 0.1);
/// assert!((spec.run_length(1.0)? - 10.3).abs() < 0.1);
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeSpec {
    /// What a sum forgets each period, in standard deviations, above 0: half of the shift to be found.
    pub allowance: f64,
    /// Where a sum gives alarm, in standard deviations, above 0.
    pub threshold: f64,
    /// What values are like without a change.
    pub in_control: InControl,
}

/// What values are like as long as nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum InControl {
    /// As the first periods with a value: their mean and standard deviation. No alarm comes in them, and
    /// they go on until values vary. Both are estimates: with few periods false alarms are more frequent
    /// than [`run_length`](ChangeSpec::run_length) says (Jones, Champ and Rigdon 2004,
    /// Journal of Quality Technology 36, 95-108); take 50 or more.
    WarmUp {
        /// How many, 2 or more.
        periods: u32,
    },
    /// As declared.
    Declared {
        /// The mean.
        mean: f64,
        /// The standard deviation, above 0.
        sd: f64,
    },
    /// The mean of the first periods, weighted by the inverse squares of their standard errors, and each
    /// period by its own standard error. Right only if nothing but sampling moves values.
    StandardErrors {
        /// How many, 1 or more.
        warm_up: u32,
    },
}

impl Default for ChangeSpec {
    /// Allowance 1/2, threshold 5, 50 periods to warm up.
    fn default() -> Self {
        Self { allowance: 0.5, threshold: 5.0, in_control: InControl::WarmUp { periods: 50 } }
    }
}

impl ChangeSpec {
    /// After how many periods, on average, there is an alarm, if values are independent and normal and
    /// have shifted by so many standard deviations; at 0 how long it takes to a false one.
    ///
    /// By Siegmund's approximation (*Sequential Analysis*, 1985, section 2.6), with the upper and lower
    /// sum put together as `1/ARL = 1/ARL+ + 1/ARL-`:
    ///
    /// ```text
    /// ARL+ = (exp(-2 d b) + 2 d b - 1) / (2 d^2),   d = shift - allowance,  b = threshold + 1.166
    /// ```
    ///
    /// With allowance 1/2 it gives 169 and 469 for thresholds 4 and 5 where the exact numbers are 168 and
    /// 465 (Montgomery, *Introduction to Statistical Quality Control*, chapter 9). In-control values that
    /// are estimated, or correlated over time, make it shorter.
    ///
    /// # Errors
    /// [`Error::Parameter`] for numbers out of their range.
    pub fn run_length(&self, shift: f64) -> Result<f64, Error> {
        self.check()?;
        if !shift.is_finite() {
            return refuse("the shift", shift, "a finite number");
        }
        let one_sided = |shift: f64| {
            let (drift, reach) = (shift - self.allowance, self.threshold + 1.166);
            let bend = 2.0 * drift * reach;
            if bend.abs() < 1e-4 {
                reach * reach * (1.0 - bend / 3.0)
            } else {
                ((-bend).exp() + bend - 1.0) / (2.0 * drift * drift)
            }
        };
        Ok(1.0 / (1.0 / one_sided(shift) + 1.0 / one_sided(-shift)))
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        for (name, value) in [("the allowance", self.allowance), ("the threshold", self.threshold)]
        {
            if !(value > 0.0 && value.is_finite()) {
                return refuse(name, value, "above 0 and finite");
            }
        }
        match self.in_control {
            InControl::WarmUp { periods } if periods < 2 => {
                refuse("the warm-up", periods, "2 periods or more")
            }
            InControl::StandardErrors { warm_up: 0 } => {
                refuse("the warm-up", 0, "1 period or more")
            }
            InControl::Declared { mean, .. } if !mean.is_finite() => {
                refuse("the in-control mean", mean, "a finite number")
            }
            InControl::Declared { sd, .. } if !(sd > 0.0 && sd.is_finite()) => {
                refuse("the in-control standard deviation", sd, "above 0 and finite")
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn refuse<T>(
    parameter: &'static str,
    value: impl ToString,
    expected: &'static str,
) -> Result<T, Error> {
    Err(Error::Parameter { parameter, value: value.to_string(), expected })
}

/// What a chart made of a period.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChangeState {
    /// There was no period yet.
    Nothing,
    /// It went into the in-control mean and standard deviation.
    WarmingUp,
    /// No change is seen.
    InControl,
    /// A sum crossed the threshold; both begin anew from zero.
    Alarm(Alarm),
    /// It had no value, or none with a standard error where that is needed. The sums stay as they were.
    WithoutValue,
}

/// A change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// The number of the period that gave it, from 1.
    pub period: u64,
    /// The first period after the sum was last zero: the estimate of when the change came (Page 1954).
    pub since: u64,
    /// Which way values moved.
    pub shift: Shift,
    /// How high the sum was, in standard deviations.
    pub sum: f64,
}

/// What values are like in control: declared, or known from the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct InControlValues {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation; `None` where each period has its own.
    pub sd: Option<f64>,
}

/// A two-sided cumulative sum chart (Page 1954, doi 10.1093/biomet/41.1-2.100) over one value per period.
///
/// With `z` the distance of a value from the in-control mean in standard deviations,
///
/// ```text
/// S+ = max(0, S+ + z - k),   S- = max(0, S- - z - k);   alarm where one exceeds h
/// ```
///
/// `k` is the allowance and `h` the threshold of the [`ChangeSpec`]. It finds small shifts that last;
/// [`ChangeSpec::run_length`] says how soon, and how often it errs.
///
/// **Right** for values that are independent over periods and nearly normal, with a spread that does not
/// change. **Fails** under autocorrelation, which days of a feed often have: alarms are then too frequent;
/// longer periods, or a higher threshold, help. Weekdays must be taken out before, or periods be weeks.
/// A period without a value is counted, and moves nothing. Costs nothing to speak of.
///
/// ```
/// use tiltmeter::inference::{ChangeSpec, ChangeState, ControlChart, InControl, Shift};
/// let in_control = InControl::Declared { mean: 0.0, sd: 1.0 };
/// let mut chart = ControlChart::new(ChangeSpec { in_control, ..ChangeSpec::default() })?;
/// for value in [0.3, -0.8, 0.5, 2.1, 1.9, 2.4] {
///     chart.push(value, None)?;
/// }
/// // From the fourth period on: 1.6, 3.0, 4.9; the next one crosses 5.
/// let ChangeState::Alarm(alarm) = chart.push(1.2, None)? else { panic!() };
/// assert_eq!((alarm.period, alarm.since, alarm.shift), (7, 4, Shift::Up));
/// # Ok::<(), tiltmeter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ControlChart {
    spec: ChangeSpec,
    periods: u64,
    without_value: u64,
    warm: WarmUp,
    known: Option<InControlValues>,
    state: ChangeState,
    /// By way, the sum and the last period at which it was zero.
    sums: [(f64, u64); 2],
    alarms: Vec<Alarm>,
}

/// Sums over the warm-up (Welford 1962, with weights as West 1979 has them).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct WarmUp {
    values: u32,
    weight: f64,
    mean: f64,
    squares: f64,
}

impl WarmUp {
    fn add(&mut self, value: f64, weight: f64) {
        self.values += 1;
        self.weight += weight;
        let off = value - self.mean;
        self.mean += off * weight / self.weight;
        self.squares += weight * off * (value - self.mean);
    }
}

impl ControlChart {
    /// A chart that has seen nothing.
    ///
    /// # Errors
    /// [`Error::Parameter`] for numbers out of their range.
    pub fn new(spec: ChangeSpec) -> Result<Self, Error> {
        spec.check()?;
        let known = match spec.in_control {
            InControl::Declared { mean, sd } => Some(InControlValues { mean, sd: Some(sd) }),
            _ => None,
        };
        Ok(Self {
            spec,
            periods: 0,
            without_value: 0,
            warm: WarmUp::default(),
            known,
            state: ChangeState::Nothing,
            sums: [(0.0, 0); 2],
            alarms: Vec::new(),
        })
    }

    /// Adds a period with its value and, where the spec needs it, its standard error.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a value or standard error that is not finite, or an error of 0 or less.
    /// Nothing is added then.
    pub fn push(&mut self, value: f64, standard_error: Option<f64>) -> Result<ChangeState, Error> {
        if !value.is_finite() {
            return refuse("the value of a period", value, "finite; or a period without_value");
        }
        if let Some(error) = standard_error.filter(|error| !(*error > 0.0 && error.is_finite())) {
            return refuse("the standard error of a period", error, "above 0 and finite");
        }
        let needs_error = matches!(self.spec.in_control, InControl::StandardErrors { .. });
        if needs_error && standard_error.is_none() {
            return Ok(self.push_without_value());
        }
        self.periods += 1;
        let Some(known) = self.known else {
            self.warm_up(value, standard_error);
            self.state = ChangeState::WarmingUp;
            return Ok(self.state);
        };
        let sd = known.sd.or(standard_error).unwrap_or(1.0);
        self.state = self.step((value - known.mean) / sd);
        Ok(self.state)
    }

    /// Adds a period without a value.
    pub fn push_without_value(&mut self) -> ChangeState {
        self.periods += 1;
        self.without_value += 1;
        self.state = ChangeState::WithoutValue;
        self.state
    }

    fn warm_up(&mut self, value: f64, standard_error: Option<f64>) {
        let (needed, own) = match self.spec.in_control {
            InControl::StandardErrors { warm_up } => (warm_up, true),
            InControl::WarmUp { periods } => (periods, false),
            InControl::Declared { .. } => return,
        };
        let weight = match standard_error {
            Some(error) if own => error.powi(-2),
            _ => 1.0,
        };
        self.warm.add(value, weight);
        let sd = (self.warm.squares / f64::from(self.warm.values.max(2) - 1)).sqrt();
        if self.warm.values >= needed && (own || sd > 0.0) {
            let sd = (!own).then_some(sd);
            self.known = Some(InControlValues { mean: self.warm.mean, sd });
            self.sums = [(0.0, self.periods); 2];
        }
    }

    fn step(&mut self, z: f64) -> ChangeState {
        let mut crossed = None;
        for ((sum, zero), (shift, z)) in
            self.sums.iter_mut().zip([(Shift::Up, z), (Shift::Down, -z)])
        {
            *sum = (*sum + z - self.spec.allowance).max(0.0);
            if *sum <= 0.0 {
                *zero = self.periods;
            } else if *sum > self.spec.threshold {
                let since = *zero + 1;
                crossed = Some(Alarm { period: self.periods, since, shift, sum: *sum });
            }
        }
        let Some(alarm) = crossed else { return ChangeState::InControl };
        self.sums = [(0.0, self.periods); 2];
        self.alarms.push(alarm);
        ChangeState::Alarm(alarm)
    }

    /// How the chart works.
    #[must_use]
    pub fn spec(&self) -> &ChangeSpec {
        &self.spec
    }

    /// How many periods there were.
    #[must_use]
    pub fn periods(&self) -> u64 {
        self.periods
    }

    /// How many of them had no value.
    #[must_use]
    pub fn without_value(&self) -> u64 {
        self.without_value
    }

    /// What the last period was.
    #[must_use]
    pub fn state(&self) -> ChangeState {
        self.state
    }

    /// The upper and the lower sum, in standard deviations.
    #[must_use]
    pub fn sums(&self) -> [f64; 2] {
        self.sums.map(|(sum, _)| sum)
    }

    /// What values are like in control; `None` during the warm-up.
    #[must_use]
    pub fn in_control(&self) -> Option<InControlValues> {
        self.known
    }

    /// The alarms so far.
    #[must_use]
    pub fn alarms(&self) -> &[Alarm] {
        &self.alarms
    }
}
