//! Random numbers of a simulation: each a pure function of the seed, what it is for, and whom and
//! when it concerns. So neither threads nor the order of work can change them.

use std::convert::Infallible;

use pulp::{Arch, NullaryFnOnce};
use rand::TryRng;

use crate::base::philox::Stream;

/// What random numbers are for; streams of other purposes are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Purpose {
    /// How many items of a topic are born on a day, and what they are like.
    Items = 0x7369_6d00,
    /// What creators are like.
    Creators,
    /// What a viewer is like.
    Viewer,
    /// Which arm a viewer, a period or a request is given.
    Arm,
    /// How often and when a viewer asks for a slate.
    Activity,
    /// Which candidates a request has.
    Pool,
    /// Which of them are shown.
    Slate,
    /// What a policy draws for itself.
    Policy,
    /// How the viewer responds.
    Response,
    /// Errors in labels.
    Label,
    /// What of the log is recorded.
    Recording,
}

/// Random numbers from a stream of their own, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Draws {
    stream: Stream,
    at: u32,
    words: [u32; 4],
    left: u8,
}

impl Draws {
    /// The numbers of a purpose that concern this whom (viewer, item, day) and when (request, index).
    pub(crate) fn new(seed: u64, purpose: Purpose, whom: u32, when: u32) -> Self {
        Self { stream: stream(seed, purpose, whom, when), at: 0, words: [0; 4], left: 0 }
    }

    /// The next 32 random bits.
    #[inline]
    pub(crate) fn word(&mut self) -> u32 {
        if self.left == 0 {
            self.words = self.stream.words(self.at);
            self.at = self.at.wrapping_add(1);
            self.left = 4;
        }
        self.left -= 1;
        self.words[3 - self.left as usize]
    }

    /// Uniform between 0 and 1, neither of them, in steps of 2^-32.
    #[inline]
    pub(crate) fn uniform(&mut self) -> f64 {
        (f64::from(self.word()) + 0.5) / 4_294_967_296.0
    }

    /// Uniform over the whole numbers below `bound`, to within 2^-32.
    #[inline]
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.word()) * u64::from(bound)) >> 32) as u32
    }

    /// True with this probability.
    #[inline]
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// The place of one of these weights, with probability in proportion; 0 where all are 0.
    pub(crate) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.uniform() * weights.iter().sum::<f64>();
        for (place, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return place;
            }
        }
        weights.iter().rposition(|weight| *weight > 0.0).unwrap_or(0)
    }
}

/// Places of a stream whose words are made together.
const TOGETHER: usize = 16;

/// Random numbers as [`Draws`] gives them, for those who need many: made side by side.
pub(crate) struct ManyDraws {
    arch: Arch,
    stream: Stream,
    words: [[u32; 4]; TOGETHER],
    next: usize,
}

impl ManyDraws {
    pub(crate) const fn new(arch: Arch, stream: Stream) -> Self {
        Self { arch, stream, words: [[0; 4]; TOGETHER], next: 0 }
    }

    /// Uniform over the whole numbers below `bound`, to within 2^-32.
    #[inline]
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let within = self.next % (4 * TOGETHER);
        if within == 0 {
            self.words = self.arch.dispatch(Together { stream: self.stream, from: self.next / 4 });
        }
        self.next += 1;
        let word = self.words.as_flattened()[within];
        ((u64::from(word) * u64::from(bound)) >> 32) as u32
    }
}

/// What is compiled once for each kind of processor.
struct Together {
    stream: Stream,
    from: usize,
}

impl NullaryFnOnce for Together {
    type Output = [[u32; 4]; TOGETHER];

    #[inline(always)]
    fn call(self) -> Self::Output {
        self.stream.many(self.from as u32)
    }
}

/// The stream of a purpose for this whom and when.
pub(crate) const fn stream(seed: u64, purpose: Purpose, whom: u32, when: u32) -> Stream {
    Stream { seed, place: [when, whom, purpose as u32] }
}

impl TryRng for Draws {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.word())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let low = u64::from(self.word());
        Ok(low | u64::from(self.word()) << 32)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for piece in bytes.chunks_mut(4) {
            piece.copy_from_slice(&self.word().to_le_bytes()[..piece.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, Gamma, Normal};

    use super::*;

    /// Each purpose, whom and when has numbers of its own, and the same again.
    #[test]
    fn streams_are_apart() {
        let first = |purpose, whom, when| Draws::new(7, purpose, whom, when).word();
        let base = first(Purpose::Items, 1, 2);
        assert_eq!(base, first(Purpose::Items, 1, 2));
        assert_ne!(base, first(Purpose::Viewer, 1, 2));
        assert_ne!(base, first(Purpose::Items, 2, 2));
        assert_ne!(base, first(Purpose::Items, 1, 3));
        assert_ne!(base, Draws::new(8, Purpose::Items, 1, 2).word());
    }

    /// Many at a time are the same numbers.
    #[test]
    fn many_are_the_same() {
        let mut many = ManyDraws::new(Arch::new(), stream(3, Purpose::Pool, 4, 5));
        let mut draws = Draws::new(3, Purpose::Pool, 4, 5);
        assert!((1..1_000).all(|bound| many.below(bound) == draws.below(bound)));
    }

    /// Means of known distributions, each within five standard errors of 40,000 draws.
    #[test]
    fn distributions_have_their_means() {
        let mut draws = Draws::new(1, Purpose::Viewer, 0, 0);
        let mut mean = |draw: &mut dyn FnMut(&mut Draws) -> f64| {
            (0..40_000).map(|_| draw(&mut draws)).sum::<f64>() / 40_000.0
        };
        let normal = Normal::new(2.0, 3.0).unwrap();
        let gamma = Gamma::new(0.5, 2.0).unwrap();
        assert!((mean(&mut |d| d.uniform()) - 0.5).abs() < 5.0 * 0.2887 / 200.0);
        assert!((mean(&mut |d| normal.sample(d)) - 2.0).abs() < 5.0 * 3.0 / 200.0);
        assert!((mean(&mut |d| gamma.sample(d)) - 1.0).abs() < 5.0 * 1.4143 / 200.0);
        assert!((mean(&mut |d| f64::from(d.below(10))) - 4.5).abs() < 5.0 * 2.873 / 200.0);
        let third = |d: &mut Draws| f64::from(u8::from(d.weighted(&[1.0, 0.0, 2.0]) == 2));
        assert!((mean(&mut { third }) - 2.0 / 3.0).abs() < 5.0 * 0.4715 / 200.0);
    }
}
