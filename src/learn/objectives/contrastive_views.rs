//! Contrastive views: two views of one window shall be nearer to each other than to other windows.
//!
//! `InfoNCE` between the unit descriptions of first and second views, in both directions, half each
//! (`SimCLR`, Chen et al. 2020, arXiv 2002.05709, with negatives of the other view only). Windows that
//! are close in time are no wrong answers: they may well be alike.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::base::rng::Rng;
use crate::learn::objectives::build::{Nets, Plan};
use crate::learn::objectives::info_nce::info_nce;
use crate::learn::objectives::twins::{Of, Twins};
use crate::learn::objectives::unit::{unit_rows, unit_rows_back};
use crate::learn::objectives::watch::{Shortcut, Watch};
use crate::learn::objectives::{Batch, Grads, Objective, Room};
use crate::nn::params::Params;
use crate::nn::real::Real;

/// Sharpness of the comparison; small batches want it softer than the paper's 0.1.
const TEMPERATURE: f64 = 0.2;
/// Share of windows found by one feature alone from which on that is what would be learnt.
pub const BY_ONE_FEATURE: f64 = 0.9;

/// The objective.
#[derive(Debug)]
pub struct ContrastiveViews<F> {
    twins: Twins<F>,
    lengths: Vec<F>,
    scores: Vec<F>,
    by_one_feature: Option<f64>,
    watch: Watch,
}

impl<F: Real> ContrastiveViews<F> {
    /// See [`Plan`].
    pub fn new(params: &mut Params, nets: &mut Nets, plan: &Plan<'_>) -> Self {
        let windows = plan.windows + plan.side / 2;
        Self {
            twins: Twins::new(params, nets, plan, "contrastive_views", Of::Windows),
            lengths: vec![F::zero(); 2 * windows],
            scores: vec![F::zero(); windows],
            by_one_feature: None,
            watch: Watch::at(BY_ONE_FEATURE),
        }
    }
}

impl<F: Real> Objective<F> for ContrastiveViews<F> {
    fn name(&self) -> &'static str {
        "contrastive_views"
    }

    fn draw(&mut self, batch: Batch<'_, F>, rng: &mut Rng) {
        self.twins.draw(batch, rng);
    }

    fn loss(
        &mut self,
        room: &mut Room<F>,
        params: &[F],
        batch: Batch<'_, F>,
        share: F,
        grads: Grads<'_, F>,
    ) -> Option<F> {
        let Self { twins, lengths, scores, .. } = self;
        twins.describe(room, params, batch.z);
        self.by_one_feature = twins.views().by_one_feature(&room.x);
        let (count, dim) = (twins.count(), twins.dim());
        let (views, unit, grad) = twins.parts();
        unit_rows(unit, dim, lengths);
        let (a, b) = unit.split_at(count * dim);
        let (grad_a, grad_b) = grad.split_at_mut(count * dim);
        let half = F::of(0.5);
        let apart = |i: usize, j: usize| views.apart(i, j);
        let there = info_nce(
            a,
            b,
            dim,
            TEMPERATURE,
            apart,
            half * share,
            scores,
            grad_a,
            Some(&mut *grad_b),
        )?;
        let back =
            info_nce(b, a, dim, TEMPERATURE, apart, half * share, scores, grad_b, Some(grad_a))?;
        unit_rows_back(unit, dim, lengths, grad);
        twins.back(room, params, grads);
        Some(half * (there.loss + back.loss))
    }

    fn watch(&mut self) {
        if let Some(by_one_feature) = self.by_one_feature {
            self.watch.observe(by_one_feature);
        }
    }

    fn watches(&mut self) -> &mut [Watch] {
        std::slice::from_mut(&mut self.watch)
    }

    fn shortcut(&self) -> Option<Shortcut> {
        self.watch.has_tripped().then_some(Shortcut::OneFeature)
    }

    fn save(&self, to: &mut Writer) {
        self.watch.save(to);
    }

    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        self.watch.load(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::objectives::testing;

    /// Failure 19. Fails when `unit_rows_back` is left out: lengths are then taken for constants.
    #[test]
    fn gradients_match_finite_differences() {
        for scene in testing::scenes() {
            testing::check_gradients(&scene, ContrastiveViews::new);
        }
    }
}
