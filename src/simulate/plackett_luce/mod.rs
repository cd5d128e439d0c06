//! Slates by the Plackett-Luce model.

mod propensity;
mod race;

use pulp::Arch;

use self::race::{Entry, Race};
use crate::error::Error;
use crate::philox::Stream;

const PURPOSE: u32 = 0x736c_6174;

/// Sampler.
#[derive(Clone, Debug)]
pub struct PlackettLuce {
    arch: Arch,
    race: Race,
}

impl Default for PlackettLuce {
    fn default() -> Self {
        Self::new()
    }
}

impl PlackettLuce {
    /// New.
    pub fn new() -> Self {
        Self { arch: Arch::new(), race: Race::new() }
    }

    pub(crate) fn slate(
        &mut self,
        weights: &[f64],
        length: usize,
        stream: Stream,
        slate: &mut Vec<u32>,
    ) {
        slate.clear();
        self.race.run(self.arch, Entry { weights, stream }, length, slate);
        if slate.len() < length {
            self.stragglers(weights, length, stream, slate);
        }
    }

    #[cold]
    fn stragglers(
        &mut self,
        weights: &[f64],
        length: usize,
        stream: Stream,
        slate: &mut Vec<u32>,
    ) {
        let mut left = weights.to_vec();
        let mut before = 0;
        while before < slate.len() && slate.len() < length {
            for &place in &slate[before..] {
                left[place as usize] = 0.0;
            }
            before = slate.len();
            self.race.run(self.arch, Entry { weights: &left, stream }, length - before, slate);
        }
    }

    /// Draw.
    pub fn draw(
        &mut self,
        weights: &[f64],
        length: usize,
        seed: u64,
        request: u64,
    ) -> Result<Vec<u32>, Error> {
        let mut slate = Vec::new();
        let place = [request as u32, (request >> 32) as u32, PURPOSE];
        self.slate(weights, length, Stream { seed, place }, &mut slate);
        Ok(slate)
    }
}

/// Propensities.
pub fn propensities(weights: &[f64], slate: &[u32], out: &mut Vec<f64>) {
    propensity::propensities(Arch::new(), weights, slate, out);
}
// DEV
impl PlackettLuce { pub fn set_arch(&mut self, a: &str) { self.arch = if a == "scalar" { Arch::Scalar } else { Arch::V3(pulp::x86::V3::try_new().unwrap()) }; } pub fn props(&self, w: &[f64], s: &[u32], o: &mut Vec<f64>) { propensity::propensities(self.arch, w, s, o) } }
