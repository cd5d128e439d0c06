//! Masses in fixed point: sums that do not depend on their order. Arithmetic only.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

/// Exposure mass in units of 2^-40 impressions.
///
/// A sum of floating-point numbers depends on their order; a sum of whole numbers does not, so
/// one impression's mass is rounded once, to the nearest 2^-40 (an error of at most 4.6e-13), and
/// every sum after it is exact. There is room for 2^65 impressions of the largest weight.
///
/// ```
/// use tiltmeter::tally::Mass;
/// let third: Mass = Mass::of(1.0 / 3.0);
/// assert!((third.get() - 1.0 / 3.0).abs() < 5e-13);
/// assert_eq!(Mass::of(0.5) + Mass::of(0.25), Mass::of(0.75));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mass(u128);

impl Mass {
    /// Binary digits after the point.
    pub const FRACTION_BITS: u32 = 40;

    /// No mass.
    pub const ZERO: Self = Self(0);

    /// A mass from 0 to [`MAX_WEIGHT`](crate::log::MAX_WEIGHT), rounded to the nearest unit
    /// (halves away from zero). Negative numbers and NaN become 0; the log refuses both.
    #[must_use]
    pub fn of(mass: f64) -> Self {
        Self((mass * (1_u64 << Self::FRACTION_BITS) as f64).round() as u128)
    }

    /// The mass as a floating-point number, rounded to nearest.
    #[must_use]
    pub fn get(self) -> f64 {
        const UNIT: f64 = 1.0 / (1_u64 << Mass::FRACTION_BITS) as f64;
        // Most sums fit into 64 bits, from which the conversion is one instruction. Scaling by a
        // power of two is exact, so both ways round once and alike.
        match u64::try_from(self.0) {
            Ok(units) => units as f64 * UNIT,
            Err(_) => large(self.0) * UNIT,
        }
    }

    /// The mass of this many impressions of mass 1.
    #[must_use]
    pub const fn of_count(count: u64) -> Self {
        Self((count as u128) << Self::FRACTION_BITS)
    }

    /// A mass given in units of 2^-40.
    #[must_use]
    pub const fn from_units(units: u128) -> Self {
        Self(units)
    }

    /// The mass in units of 2^-40.
    #[must_use]
    pub const fn units(self) -> u128 {
        self.0
    }

    /// The product of the masses of one impression, each at most
    /// [`MAX_WEIGHT`](crate::log::MAX_WEIGHT), rounded down to a unit.
    #[must_use]
    pub(crate) const fn times(self, other: Self) -> Self {
        Self((self.0 * other.0) >> Self::FRACTION_BITS)
    }
}

/// A number of more than 64 bits, rounded to nearest; apart, so that it is not computed for others.
#[cold]
#[inline(never)]
fn large(units: u128) -> f64 {
    units as f64
}

impl Mass {
    /// The mass of this many impressions of this mass.
    #[must_use]
    pub(crate) const fn by(self, count: u64) -> Self {
        Self(self.0 * count as u128)
    }

    /// The sum, unless it does not fit.
    #[must_use]
    pub(crate) const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }
}

impl Add for Mass {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Mass {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sum for Mass {
    fn sum<I: Iterator<Item = Self>>(masses: I) -> Self {
        masses.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::MAX_WEIGHT;

    #[test]
    fn ten_million_tenths_are_a_million() {
        let sum: Mass = std::iter::repeat_n(Mass::of(0.1), 10_000_000).sum();
        // 0.1 is off by at most 2^-41, ten million times.
        assert!((sum.get() - 1e6).abs() <= 1e7 * 2_f64.powi(-41));
        // The same sum in f32, for comparison, is wrong by more than 8%.
        let float: f32 = std::iter::repeat_n(0.1_f32, 10_000_000).sum();
        assert!((f64::from(float) - 1e6).abs() > 8e4);
    }

    #[test]
    fn the_largest_weight_squared_fits() {
        let square = Mass::of(MAX_WEIGHT).times(Mass::of(MAX_WEIGHT));
        assert_eq!(square.get(), MAX_WEIGHT * MAX_WEIGHT);
    }
}
