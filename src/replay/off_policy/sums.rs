//! Sums that do not depend on the order of the rows: floating-point numbers are added in the order of
//! their size. Numbers only.

/// The greatest weight, reward or prediction that is taken, 1e70: squares of products of two of them
/// still add up.
pub(super) const LARGEST: f64 = 1e70;

/// The least weight that is taken, but for 0.
pub(super) const LEAST: f64 = 1e-70;

/// The sum of numbers whose order is their own.
pub(super) fn sum_in_order(values: impl Iterator<Item = f64>) -> f64 {
    // Not `sum`, whose empty sum is -0.0.
    values.fold(0.0, |sum, value| sum + value)
}

/// The sum of numbers in any order.
pub(super) fn sum_of(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sum_in_order(sorted.into_iter())
}

/// `(sum x)^2 / sum x^2` of numbers that are not negative; 0 where all of them are 0.
pub(super) fn effective_size(values: &[f64]) -> f64 {
    let greatest = values.iter().copied().fold(0.0, f64::max);
    if greatest <= 0.0 {
        return 0.0;
    }
    // In units of the greatest, so that squares of tiny numbers do not vanish.
    let scaled: Vec<f64> = values.iter().map(|value| value / greatest).collect();
    let squares: Vec<f64> = scaled.iter().map(|value| value * value).collect();
    sum_of(&scaled).powi(2) / sum_of(&squares)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Closed forms: equal numbers, one number, numbers whose squares would be 0.
    #[test]
    fn effective_sizes() {
        assert_eq!(effective_size(&[0.25; 8]), 8.0);
        assert_eq!(effective_size(&[0.0, 7.0, 0.0]), 1.0);
        assert_eq!(effective_size(&[0.0, 0.0]), 0.0);
        assert_eq!(effective_size(&[]), 0.0);
        assert!((effective_size(&[1.0, 3.0]) - 1.6).abs() < 1e-15);
        assert!((effective_size(&[1e-200, 3e-200]) - 1.6).abs() < 1e-14);
    }

    #[test]
    fn sums_do_not_depend_on_the_order() {
        let values = [1e16, 1.0, -1e16, 3.0, 1e-3];
        let mut turned = values;
        turned.reverse();
        assert_eq!(sum_of(&values).to_bits(), sum_of(&turned).to_bits());
    }
}
