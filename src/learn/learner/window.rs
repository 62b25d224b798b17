//! One window on its way through a learner: its sketch of numbers, its time, its plainest guess.

use crate::encode::latent::Latent;
use crate::learn::learner::{Learner, Scratch};
use crate::nn::layout::Layout;

impl Learner {
    /// Fills `scratch.x`, `scratch.u` and `scratch.embedding`; tokens that are not valid become zero.
    pub(super) fn prepare(&mut self, latent: &Latent) {
        let Scratch { x, u, embedding, .. } = &mut self.scratch;
        self.distance.prepare(&latent.embedding, embedding);
        if let Some(tokens) = latent.tokens.as_slice() {
            self.projection.apply(tokens, x);
        }
        self.whitener.apply(x, u);
        u[latent.valid_tokens * self.whitener.out_dim()..].fill(0.0);
    }

    /// Mean squared error of guessing, for `scratch.u`, the token before; in a picture, the patch one
    /// frame earlier.
    pub(super) fn persistence_error(&self, valid: usize) -> Option<f32> {
        let dim = self.whitener.out_dim();
        let now = &self.scratch.u[..valid * dim];
        let (now, before) = match self.shape.layout {
            Layout::Sequence { .. } => (&now[dim..], &now[..now.len() - dim]),
            Layout::Grid { .. } if self.has_previous => (now, &self.previous_u[..valid * dim]),
            Layout::Grid { .. } => return None,
        };
        let sum: f32 = now.iter().zip(before).map(|(a, b)| (a - b) * (a - b)).sum();
        (!now.is_empty()).then(|| sum / now.len() as f32)
    }

    /// Moves the stream's time on; gives the time since the last window, as far as it is usual.
    pub(super) fn advance(&mut self, at_s: f64) -> f64 {
        let times = &mut self.times;
        let passed = times.last_s.map_or(0.0, |last_s| (at_s - last_s).max(0.0));
        times.last_s = Some(at_s);
        let usual = if times.interval_s <= 0.0 {
            times.interval_s = passed;
            passed
        } else {
            // A gap is not an interval: it counts as four.
            let usual = passed.min(4.0 * times.interval_s);
            times.interval_s += 0.05 * (usual - times.interval_s);
            usual
        };
        self.novelty.keep_pace(times.interval_s);
        usual
    }
}
