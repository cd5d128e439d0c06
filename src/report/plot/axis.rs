//! An upright axis: which values it shows, and where each stands.

pub(in crate::report) use crate::base::text::short;
use crate::statistic::Scale;

/// How many ticks are enough.
const ENOUGH: usize = 4;

/// There are never more ticks than these, whatever the numbers.
const MOST: usize = 20;

/// Working values beyond this, either way, stand at the ends: an axis has a length, and room beside it.
const FARTHEST: f64 = 1e300;

/// An upright axis over values of a scale, at the places of their working values.
pub(super) struct Axis {
    scale: Scale,
    /// The working values at the ends.
    from: f64,
    to: f64,
    /// The heights of the ends.
    bottom: i32,
    top: i32,
}

/// An estimate on the working scale: its least and greatest value, and the ends of its interval.
pub(super) struct Extent {
    pub(super) value: Option<(f64, f64)>,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
}

impl Axis {
    /// An axis that shows every finite value and the working value `also`; and intervals as far as they
    /// are not many times as long as the others.
    pub(super) fn over(
        scale: Scale,
        extents: &[Extent],
        also: Option<f64>,
        (bottom, top): (i32, i32),
    ) -> Self {
        let finite = |value: f64| value.is_finite().then(|| value.clamp(-FARTHEST, FARTHEST));
        let values = extents.iter().filter_map(|its| its.value).flat_map(|(a, b)| [a, b]);
        let values: Vec<f64> = values.chain(also).filter_map(finite).collect();
        let (mut from, mut to) = (least(&values), greatest(&values));
        if values.is_empty() {
            (from, to) = (0.0, 0.0);
        }
        // An interval with one end is as long as from there to what else is to be seen.
        let length = |its: &Extent| match (its.low, its.high) {
            (Some(low), Some(high)) => finite(high - low),
            (Some(end), None) | (None, Some(end)) => finite((end - also?).abs()),
            (None, None) => None,
        };
        let mut lengths: Vec<f64> = extents.iter().filter_map(length).collect();
        lengths.sort_by(f64::total_cmp);
        let usual = lengths.get(lengths.len() / 2).copied().unwrap_or(0.0);
        let room = (to - from).max(1.5 * usual);
        let (floor, ceiling) = (from - room, to + room);
        for extent in extents {
            if let Some(low) = extent.low.and_then(finite) {
                from = from.min(low.max(floor));
            }
            if let Some(high) = extent.high.and_then(finite) {
                to = to.max(high.min(ceiling));
            }
        }
        // Room for arrows at the ends, and something to see where all values are one.
        let margin = (0.06 * (to - from)).max(1e-3 * (1.0 + from.abs().max(to.abs())));
        Self { scale, from: from - margin, to: to + margin, bottom, top }
    }

    /// The height of a working value; values beyond the ends stand at the ends.
    pub(super) fn place(&self, working: f64) -> i32 {
        let part = (working - self.from) / (self.to - self.from);
        let part = if part.is_nan() { 0.0 } else { part.clamp(0.0, 1.0) };
        let up = f64::from(self.bottom - self.top) * part;
        self.bottom - up.round() as i32
    }

    pub(super) fn is_below(&self, working: f64) -> bool {
        working < self.from
    }

    pub(super) fn is_above(&self, working: f64) -> bool {
        working > self.to
    }

    /// Heights with round reported values between the ends: [`MOST`] at most, each once.
    pub(super) fn ticks(&self) -> Vec<(i32, f64)> {
        let (low, high) = (self.scale.reported(self.from), self.scale.reported(self.to));
        let as_ratio = matches!(self.scale, Scale::Log) && high / low > 6.0;
        let mut values = if as_ratio { round_ratios(low, high) } else { round_values(low, high) };
        values.truncate(MOST);
        values.into_iter().map(|value| (self.place(self.scale.working(value)), value)).collect()
    }
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn greatest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// Multiples of 1, 2 or 5 times a power of ten, [`ENOUGH`] of them or some more; none where the numbers
/// between the ends are too few, or the ends too far apart, to be counted by such steps.
fn round_values(low: f64, high: f64) -> Vec<f64> {
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) {
        return Vec::new();
    }
    let power = 10_f64.powf((span / ENOUGH as f64).log10().floor());
    let step = [5.0, 2.0, 1.0].into_iter().map(|factor| factor * power);
    let step = step.into_iter().find(|step| span / step >= ENOUGH as f64).unwrap_or(power);
    let (first, last) = ((low / step).ceil(), (high / step).floor());
    // Beyond these whole numbers have gaps, and the next multiple would be the same.
    let counted = |at: f64| at.abs() <= 9e15;
    if !(step.is_normal() && counted(first) && counted(last)) {
        return Vec::new();
    }
    (first as i64..=last as i64).take(MOST).map(|at| at as f64 * step).collect()
}

/// 1, 2 and 5 times powers of ten, or powers alone where those would be too many. Of ratios without a
/// logarithm, and of those too near to zero for all their digits, there are none.
fn round_ratios(low: f64, high: f64) -> Vec<f64> {
    let (low, high) = (low.max(f64::MIN_POSITIVE), high.min(f64::MAX));
    let powers = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
    let within = |factors: &[f64], every: usize| -> Vec<f64> {
        let values = powers
            .clone()
            .step_by(every)
            .flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powi(power)));
        values.filter(|value| (low..=high).contains(value)).collect()
    };
    let fine = within(&[1.0, 2.0, 5.0], 1);
    if fine.len() <= 2 * ENOUGH + 1 {
        return fine;
    }
    let every = powers.clone().count().div_ceil(2 * ENOUGH + 1);
    within(&[1.0], every.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(round_values(0.0, 1.0), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(round_ratios(0.4, 12.0), [0.5, 1.0, 2.0, 5.0, 10.0]);
        assert_eq!(round_ratios(0.5, 2e6).len(), 7);
        assert!(round_values(1.0, 1.0).is_empty());
    }

    /// Whatever is on it: few ticks, in order, between the ends and each a number.
    #[test]
    fn ticks_are_few_whatever_the_numbers() {
        const ODD: [f64; 17] = [
            0.0,
            -0.0,
            5e-324,
            -5e-324,
            1e-300,
            -1e-300,
            1e300,
            -1e300,
            f64::MAX,
            f64::MIN,
            1.0,
            1.0 + f64::EPSILON,
            -745.2,
            709.8,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
        ];
        let scales = [Scale::Linear, Scale::Log, Scale::LogPercent, Scale::Logit];
        for scale in scales {
            for (a, b) in ODD.iter().flat_map(|&a| ODD.iter().map(move |&b| (a, b))) {
                for also in ODD.map(Some).into_iter().chain([None]) {
                    let extents = [
                        Extent { value: Some((a, b)), low: also, high: Some(b) },
                        Extent { value: None, low: Some(a), high: None },
                    ];
                    let axis = Axis::over(scale, &extents, also, (200, 0));
                    assert!(axis.from.is_finite() && axis.to.is_finite() && axis.from < axis.to);
                    let ticks = axis.ticks();
                    assert!(ticks.len() <= MOST, "{scale:?} {a} {b} {also:?}");
                    assert!(
                        ticks.iter().all(|(at, value)| (0..=200).contains(at) && value.is_finite())
                    );
                    assert!(ticks.windows(2).all(|two| two[0].1 < two[1].1));
                    assert!(ODD.iter().all(|&working| (0..=200).contains(&axis.place(working))));
                }
            }
        }
    }

    #[test]
    fn an_axis_of_nothing_has_ends() {
        let axis = Axis::over(Scale::Log, &[], None, (200, 0));
        assert_eq!((axis.place(f64::NEG_INFINITY), axis.place(f64::INFINITY)), (200, 0));
        let endless = Extent { value: Some((0.0, f64::INFINITY)), low: Some(-1e9), high: None };
        let usual = Extent { value: Some((0.0, 0.0)), low: Some(-1.0), high: Some(1.0) };
        let other = Extent { value: Some((0.1, 0.1)), low: Some(-1.0), high: Some(1.0) };
        let axis = Axis::over(Scale::Log, &[endless, usual, other], Some(0.0), (200, 0));
        assert!(axis.is_below(-1e9) && axis.is_above(f64::INFINITY));
        assert!(!axis.is_below(-1.0) && !axis.is_above(1.0));
    }
}
