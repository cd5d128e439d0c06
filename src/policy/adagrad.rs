//! Adaptive gradient descent, one parameter at a time.

/// How steps are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    /// The size of the first ones.
    pub(super) rate: f64,
    /// How much a parameter is drawn towards 0 at every step.
    pub(super) l2: f64,
}

/// A parameter that learns (Duchi, Hazan and Singer 2011, JMLR 12, 2121-2159).
///
/// Its squared gradients are summed from 1 on: so no step is larger than the gradient times the rate,
/// and for a rate and `l2` of at most 1 what draws it towards 0 never draws it past.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weight {
    pub(super) value: f32,
    squares: f32,
}

impl Weight {
    pub(super) const fn new(value: f32) -> Self {
        Self { value, squares: 1.0 }
    }

    /// Moves against a slope of the loss.
    #[inline]
    pub(super) fn step(&mut self, slope: f64, steps: Steps) {
        let gradient = slope + steps.l2 * f64::from(self.value);
        let squares = f64::from(self.squares) + gradient * gradient;
        self.squares = squares as f32;
        self.value -= (steps.rate * gradient / squares.sqrt()) as f32;
    }
}
