//! Random numbers that are a pure function of a seed, and the distributions a study needs. Written
//! out, since the generators of libraries may give other numbers in their next version.

use std::f64::consts::TAU;

/// SplitMix64 (Steele, Lea and Flood 2014, doi 10.1145/2660193.2660195).
pub(crate) struct Numbers(u64);

impl Numbers {
    /// A sequence of its own for every list of words.
    pub(crate) fn of(words: &[u64]) -> Self {
        Self(words.iter().fold(0, |state, &word| scrambled(state ^ word)))
    }

    pub(crate) fn word(&mut self) -> u64 {
        let word = scrambled(self.0);
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        word
    }

    /// Uniform in (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.word() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (TAU * self.uniform()).cos()
    }

    /// Gamma with scale 1 (Marsaglia and Tsang 2000, doi 10.1145/358407.358414); 0 for shape 0.
    pub(crate) fn gamma(&mut self, shape: f64) -> f64 {
        if shape <= 0.0 {
            return 0.0;
        }
        if shape < 1.0 {
            let power = self.uniform().powf(1.0 / shape);
            return self.gamma(shape + 1.0) * power;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let normal = self.normal();
            let cube = (1.0 + c * normal).powi(3);
            if cube > 0.0
                && self.uniform().ln() < 0.5 * normal * normal + d * (1.0 - cube + cube.ln())
            {
                return d * cube;
            }
        }
    }

    /// Beta with this mean, such that two draws by it have this correlation; the mean itself for 0.
    pub(crate) fn beta(&mut self, mean: f64, correlation: f64) -> f64 {
        if correlation <= 0.0 {
            return mean;
        }
        let strength = (1.0 - correlation) / correlation;
        let (topic, rest) = (self.gamma(mean * strength), self.gamma((1.0 - mean) * strength));
        // Both are 0 only where they are too small to be written: then it is one or the other.
        if topic + rest > 0.0 {
            topic / (topic + rest)
        } else {
            f64::from(u8::from(self.uniform() < mean))
        }
    }

    /// Poisson, by counting how many uniform numbers multiply to `exp(-mean)`: for small means.
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let least = (-mean).exp();
        let (mut count, mut product) = (0, self.uniform());
        while product > least {
            count += 1;
            product *= self.uniform();
        }
        count
    }
}

fn scrambled(word: u64) -> u64 {
    let mut word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}
