//! Arithmetic without rounding, for sums that must not depend on their order: whole numbers of 256
//! bits, and pairs of floating-point numbers for what is made of them. It knows nothing of clusters.

/// A whole number of 256 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wide {
    // In this order, so that the derived comparison is that of the numbers.
    high: u128,
    low: u128,
}

impl Wide {
    /// The product of two numbers, which always fits.
    pub(super) fn product(a: u128, b: u128) -> Self {
        let halves = |x: u128| (x >> 64, x & u128::from(u64::MAX));
        let ((a1, a0), (b1, b0)) = (halves(a), halves(b));
        let (middle, carry) = (a1 * b0).overflowing_add(a0 * b1);
        let (low, carried) = (a0 * b0).overflowing_add(middle << 64);
        let high = a1 * b1 + (middle >> 64) + (u128::from(carry) << 64) + u128::from(carried);
        Self { high, low }
    }

    /// The sum, unless it does not fit.
    pub(super) fn checked_add(self, more: Self) -> Option<Self> {
        let (low, carried) = self.low.overflowing_add(more.low);
        let high = self.high.checked_add(more.high)?.checked_add(u128::from(carried))?;
        Some(Self { high, low })
    }

    /// This many times the number, unless that does not fit.
    pub(super) fn times(self, count: u64) -> Option<Self> {
        let high = self.high.checked_mul(u128::from(count))?;
        Self::product(self.low, u128::from(count)).checked_add(Self { high, low: 0 })
    }

    /// The difference from a number that is not larger.
    fn less(self, other: Self) -> Self {
        let (low, borrowed) = self.low.overflowing_sub(other.low);
        Self { high: self.high - other.high - u128::from(borrowed), low }
    }

    /// The difference as a floating-point pair.
    pub(super) fn minus(self, other: Self) -> Pair {
        if self >= other { self.less(other).pair() } else { other.less(self).pair().negated() }
    }

    /// The number to its first 106 binary digits.
    pub(super) fn pair(self) -> Pair {
        let (first, rest) = self.leading();
        Pair { first, rest: rest.leading().0 }
    }

    /// The first 53 binary digits, and what is left without them.
    fn leading(self) -> (f64, Self) {
        let bits = 256
            - if self.high == 0 {
                128 + self.low.leading_zeros()
            } else {
                self.high.leading_zeros()
            };
        let Some(shift) = bits.checked_sub(53) else {
            return (self.low as f64, Self::default());
        };
        let top = match shift {
            0 => self.low,
            1..128 => (self.low >> shift) | (self.high << (128 - shift)),
            _ => self.high >> (shift - 128),
        };
        let rest = match shift {
            0..128 => Self { high: 0, low: self.low & ((1 << shift) - 1) },
            _ => Self { high: self.high & ((1 << (shift - 128)) - 1), low: self.low },
        };
        (top as f64 * 2_f64.powi(shift as i32), rest)
    }

    /// As 64 hexadecimal digits.
    pub(super) fn hexadecimal(self) -> String {
        format!("{:032x}{:032x}", self.high, self.low)
    }

    /// From 64 hexadecimal digits.
    pub(super) fn from_hexadecimal(digits: &str) -> Option<Self> {
        let (high, low) = (digits.get(..32)?, digits.get(32..)?);
        Some(Self { high: whole(high)?, low: whole(low)? })
    }
}

/// A whole number from 32 hexadecimal digits in lower case.
pub(super) fn whole(digits: &str) -> Option<u128> {
    let known = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    let sound = digits.len() == 32 && digits.bytes().all(known);
    sound.then(|| u128::from_str_radix(digits, 16).ok()).flatten()
}

/// The unevaluated sum of two floating-point numbers: about 106 binary digits (Dekker 1971).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Pair {
    first: f64,
    rest: f64,
}

impl Pair {
    fn negated(self) -> Self {
        Self { first: -self.first, rest: -self.rest }
    }

    /// The product of two numbers, without error.
    pub(super) fn product(a: f64, b: f64) -> Self {
        let first = a * b;
        Self { first, rest: a.mul_add(b, -first) }
    }

    pub(super) fn times(self, other: Self) -> Self {
        let Self { first, rest } = Self::product(self.first, other.first);
        Self::joined(first, rest + (self.first * other.rest + self.rest * other.first))
    }

    pub(super) fn plus(self, other: Self) -> Self {
        // Knuth's sum of two numbers and its error.
        let first = self.first + other.first;
        let part = first - self.first;
        let lost = (self.first - (first - part)) + (other.first - part);
        Self::joined(first, lost + (self.rest + other.rest))
    }

    fn joined(first: f64, rest: f64) -> Self {
        let sum = first + rest;
        Self { first: sum, rest: rest - (sum - first) }
    }

    /// The number, rounded.
    pub(super) fn get(self) -> f64 {
        self.first + self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Products and sums of numbers near the edges, against the identity (a+b)^2 = a^2+2ab+b^2.
    #[test]
    fn products_obey_the_binomial_identity() {
        let numbers = [0, 1, 3, u128::from(u64::MAX), 1 << 64, (1 << 126) - 1, 0x1234_5678 << 90];
        for a in numbers {
            for b in numbers {
                let whole = Wide::product(a + b, a + b);
                let twice = Wide::product(a, b).times(2).unwrap();
                let parts = Wide::product(a, a).checked_add(twice).unwrap();
                assert_eq!(parts.checked_add(Wide::product(b, b)), Some(whole), "{a} {b}");
                assert_eq!(Wide::from_hexadecimal(&whole.hexadecimal()), Some(whole));
            }
        }
        let most = Wide::product(u128::MAX, u128::MAX);
        assert_eq!((most.high, most.low), (u128::MAX - 1, 1));
        assert_eq!(most.times(2), None);
        assert_eq!(most.checked_add(most), None);
    }

    /// 2^k + 1 needs both numbers of a pair once k is above 52, and gives both back.
    #[test]
    fn pairs_hold_106_digits() {
        for power in [10_u32, 52, 53, 60, 100, 105] {
            let number = Wide { high: 0, low: (1 << power) + 1 };
            let pair = number.pair();
            let left = pair.plus(Pair::product(-2_f64.powi(power as i32), 1.0));
            assert_eq!(left.get(), 1.0, "2^{power} + 1 is {pair:?}");
            assert_eq!(Wide::default().minus(number), pair.negated());
        }
        let large = Wide::product(1 << 127, 1 << 127);
        assert_eq!(large.pair().get(), 2_f64.powi(254));
        // (1 + e)(1 - e) - 1 = -e^2, which a single number cannot tell from 0.
        let e = 2_f64.powi(-40);
        let product = Pair::joined(1.0, e).times(Pair::joined(1.0, -e));
        assert_eq!(product.plus(Pair::product(-1.0, 1.0)).get(), -e * e);
    }
}
