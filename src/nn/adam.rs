//! Adam with a free β₁, gradient clipping, a rate that only warms up, and decay towards an anchor.
//!
//! β₁ = 0 is the default of the learner: momentum adds up the correlated gradients of a stream. The
//! rate is never lowered, because a stream has no end to lower it towards; commits of a guarded
//! challenger do that work.

use crate::nn::real::Real;

/// What the optimiser is told once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamSettings {
    /// Step size after warm-up.
    pub rate: f64,
    /// Steps over which the rate grows linearly from 0 to `rate`.
    pub warm_up: u64,
    /// Memory of the gradient; 0 means none, and then no list for it is kept.
    pub beta1: f64,
    /// Memory of the squared gradient.
    pub beta2: f64,
    /// Longest gradient, over all parameters; longer ones are scaled down to it.
    pub clip: f64,
    /// Share of the distance to the anchor that is given up per step, times the rate.
    pub decay: f64,
}

const EPSILON: f64 = 1e-8;

/// Moments of every parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Adam<F> {
    settings: AdamSettings,
    first: Vec<F>,
    second: Vec<F>,
    steps: u64,
    /// Share of the rate that is used.
    share: f64,
    /// β₁ and β₂ to the power of `steps`, multiplied up so that a resumed run has the same bits.
    powers: [f64; 2],
}

/// A gradient that was not finite; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotFinite;

impl<F: Real> Adam<F> {
    /// For `len` parameters.
    pub fn new(settings: AdamSettings, len: usize) -> Self {
        let momentum = if 0.0 < settings.beta1 { len } else { 0 };
        Self {
            settings,
            first: vec![F::zero(); momentum],
            second: vec![F::zero(); len],
            steps: 0,
            share: 1.0,
            powers: [1.0; 2],
        }
    }

    /// Moves `params` against `grads`, and a little towards `anchor`.
    ///
    /// # Errors
    ///
    /// [`NotFinite`] when any gradient is; then nothing has changed.
    pub fn step(&mut self, params: &mut [F], grads: &[F], anchor: &[F]) -> Result<(), NotFinite> {
        let AdamSettings { rate, warm_up, beta1, beta2, clip, decay } = self.settings;
        let norm = squared_norm(grads).sqrt();
        if !norm.is_finite() {
            return Err(NotFinite);
        }
        self.steps += 1;
        self.powers[0] *= beta1;
        self.powers[1] *= beta2;
        let scale = F::of(if clip < norm { clip / norm } else { 1.0 });
        let rate = rate * self.share * (self.steps as f64 / warm_up.max(1) as f64).min(1.0);
        let momentum = F::of(rate / (1.0 - self.powers[0]));
        let spread = F::of(1.0 / (1.0 - self.powers[1]));
        let (rate, pull) = (F::of(rate), F::of(rate * decay));
        let (beta1, beta2, epsilon) = (F::of(beta1), F::of(beta2), F::of(EPSILON));
        let (rest1, rest2) = (F::one() - beta1, F::one() - beta2);
        if self.first.is_empty() {
            for (((p, &g), second), &anchor) in
                params.iter_mut().zip(grads).zip(&mut self.second).zip(anchor)
            {
                let g = g * scale;
                *second = beta2 * *second + rest2 * g * g;
                *p -= rate * g / ((*second * spread).sqrt() + epsilon) + pull * (*p - anchor);
            }
        } else {
            for ((((p, &g), second), &anchor), first) in
                params.iter_mut().zip(grads).zip(&mut self.second).zip(anchor).zip(&mut self.first)
            {
                let g = g * scale;
                *first = beta1 * *first + rest1 * g;
                *second = beta2 * *second + rest2 * g * g;
                *p -= momentum * *first / ((*second * spread).sqrt() + epsilon)
                    + pull * (*p - anchor);
            }
        }
        Ok(())
    }

    /// From now on steps are this share of what they were made for. It is not part of the state: whoever
    /// sets it knows it.
    pub const fn use_share(&mut self, share: f64) {
        self.share = share;
    }

    /// Steps done.
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// Bytes that it takes.
    pub const fn bytes(&self) -> usize {
        size_of::<F>() * (self.first.len() + self.second.len())
    }

    /// Everything that changes: steps, powers, moments; to be saved.
    pub const fn state(&self) -> (u64, [f64; 2], [&[F]; 2]) {
        (self.steps, self.powers, [self.first.as_slice(), self.second.as_slice()])
    }

    /// The same, to be loaded into an optimiser with the same settings and length.
    pub fn state_mut(&mut self) -> (&mut u64, &mut [f64; 2], [&mut [F]; 2]) {
        (&mut self.steps, &mut self.powers, [&mut self.first, &mut self.second])
    }
}

/// In `f64` and in eight strands, which vectorise and whose order is fixed.
fn squared_norm<F: Real>(grads: &[F]) -> f64 {
    let (chunks, rest) = grads.as_chunks::<8>();
    let mut strands = [0.0_f64; 8];
    for chunk in chunks {
        for (strand, g) in strands.iter_mut().zip(chunk) {
            *strand += g.f64() * g.f64();
        }
    }
    strands.iter().sum::<f64>() + rest.iter().map(|g| g.f64() * g.f64()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: AdamSettings =
        AdamSettings { rate: 0.1, warm_up: 0, beta1: 0.0, beta2: 0.9, clip: 1e9, decay: 0.0 };

    #[test]
    fn the_first_step_is_the_rate_against_the_sign() {
        for beta1 in [0.0, 0.9] {
            let mut adam = Adam::<f64>::new(AdamSettings { beta1, ..PLAIN }, 2);
            let mut params = [1.0, 1.0];
            adam.step(&mut params, &[0.5, -300.0], &[1.0; 2]).unwrap();
            assert!((params[0] - 0.9).abs() < 1e-6 && (params[1] - 1.1).abs() < 1e-6);
        }
    }

    #[test]
    fn a_valley_is_walked_down() {
        let mut adam = Adam::<f64>::new(AdamSettings { rate: 0.01, ..PLAIN }, 2);
        let mut params = [3.0, -2.0];
        for _ in 0..2000 {
            let grads = [2.0 * params[0], 20.0 * params[1]];
            adam.step(&mut params, &grads, &[0.0; 2]).unwrap();
        }
        assert!(params.iter().all(|p| p.abs() < 0.02), "{params:?}");
    }

    #[test]
    fn warm_up_decay_and_clipping_do_what_they_say() {
        let settings = AdamSettings { warm_up: 10, ..PLAIN };
        let mut adam = Adam::<f64>::new(settings, 1);
        let mut params = [0.0];
        adam.step(&mut params, &[1.0], &[0.0]).unwrap();
        assert!((params[0] + 0.01).abs() < 1e-6, "a tenth of the rate: {params:?}");

        let mut adam = Adam::<f64>::new(AdamSettings { decay: 0.5, ..PLAIN }, 1);
        let mut params = [2.0];
        adam.step(&mut params, &[0.0], &[1.0]).unwrap();
        assert!((params[0] - 1.95).abs() < 1e-9, "0.1 · 0.5 of the way to the anchor");

        let mut clipped = Adam::<f64>::new(AdamSettings { clip: 1.0, ..PLAIN }, 2);
        clipped.step(&mut [0.0; 2], &[30.0, 40.0], &[0.0; 2]).unwrap();
        assert!((clipped.second[0] - 0.1 * 0.36).abs() < 1e-12, "{clipped:?}");
    }

    #[test]
    fn a_gradient_that_is_not_finite_changes_nothing() {
        let mut adam = Adam::<f32>::new(PLAIN, 2);
        let before = adam.clone();
        let mut params = [1.0, 2.0];
        assert_eq!(adam.step(&mut params, &[f32::NAN, 1.0], &[0.0; 2]), Err(NotFinite));
        assert_eq!((adam, params), (before, [1.0, 2.0]));
    }
}
