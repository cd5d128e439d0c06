//! Slates by Plackett and Luce.

use crate::philox::Stream;

/// Draws slates.
#[derive(Debug, Default)]
pub struct PlackettLuce {
    arrivals: Vec<(f64, u32)>,
}

impl PlackettLuce {
    pub(crate) fn slate(
        &mut self,
        weights: &[f64],
        length: usize,
        stream: Stream,
        slate: &mut Vec<u32>,
    ) {
        self.arrivals.clear();
        for (place, &weight) in (0_u32..).zip(weights) {
            let word = stream.words(place / 4)[place as usize % 4];
            let uniform = (f64::from(word) + 0.5) / 4_294_967_296.0;
            if weight > 0.0 {
                self.arrivals.push((-uniform.ln() / weight, place));
            }
        }
        self.arrivals
            .sort_unstable_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        slate.clear();
        slate.extend(self.arrivals.iter().take(length).map(|(_, place)| *place));
    }
}

pub(crate) fn propensities(weights: &[f64], slate: &[u32], out: &mut Vec<f64>) {
    let mut left: f64 = weights.iter().sum();
    for &place in slate {
        let weight = weights[place as usize];
        out.push((weight / left).min(1.0));
        left -= weight;
    }
}
