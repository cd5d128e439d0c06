//! Random numbers that are the same everywhere, for studies whose truth is known.

/// SplitMix64 (Steele, Lea and Flood 2014, doi 10.1145/2660193.2660195), from a seed.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// From 0 to below 1, in steps of 2^-53.
    pub(crate) fn next(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Numbers from 0 to 1, one after the other.
pub(crate) fn numbers(seed: u64) -> impl FnMut() -> f64 {
    let mut random = Random(seed);
    move || random.word() as f64 / u64::MAX as f64
}

/// Whole numbers below what is asked for each time, one after the other.
pub(crate) fn wholes(seed: u64) -> impl FnMut(usize) -> usize {
    let mut random = Random(seed);
    move |below| (random.word() % below as u64) as usize
}
