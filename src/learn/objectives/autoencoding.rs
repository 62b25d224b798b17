//! Autoencoding: a token with some of its numbers taken out, through a bottleneck, whole again
//! (denoising autoencoder, Vincent et al. 2008).
//!
//! `o = tanh(d W + b) V + c`, `d` the whitened token with a quarter of its numbers set to 0, its mean.
//! No gradient flows into the adapter, or that would learn to pass everything. Its error is a residual that
//! needs no neighbours, so it can score alone. When nearly nothing is left of the error the bottleneck
//! passes everything, nothing unusual would be noticed, and it is switched off.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::base::rng::Rng;
use crate::learn::objectives::build::{Nets, Plan};
use crate::learn::objectives::head::{Head, HeadSpace};
use crate::learn::objectives::watch::{Shortcut, Watch};
use crate::learn::objectives::{Batch, Grads, Objective, Room};
use crate::nn::linear::Linear;
use crate::nn::params::Params;
use crate::nn::real::Real;

/// Share of a token's numbers that are taken out.
const DROP: f64 = 0.25;
/// Share of a token's energy that is rebuilt, from which on the bottleneck passes everything.
const ALL: f64 = 0.99;

/// The objective.
#[derive(Debug)]
pub struct Autoencoding<F> {
    tokens: usize,
    code: Linear,
    head: Head,
    dropped: Vec<bool>,
    x: Vec<F>,
    hidden: Vec<F>,
    grad_hidden: Vec<F>,
    space: [HeadSpace<F>; 1],
    rebuilt: f64,
    watch: Watch,
}

impl<F: Real> Autoencoding<F> {
    /// See [`Plan`]. Needs no net: it looks at single tokens.
    pub fn new(params: &mut Params, _: &mut Nets, plan: &Plan<'_>) -> Self {
        let rank = plan.settings.adapter_rank.min(plan.dim.div_ceil(2));
        let code = Linear::uniform(params, "autoencoding.code", plan.dim, rank);
        let head = Head::new(params, "autoencoding.head", rank, plan.dim, plan.beta());
        let rows = plan.layout.len() * plan.windows;
        Self {
            tokens: plan.layout.len(),
            dropped: Vec::with_capacity(rows * plan.dim),
            x: vec![F::zero(); rows * plan.dim],
            hidden: vec![F::zero(); rows * rank],
            grad_hidden: vec![F::zero(); rows * rank],
            space: [HeadSpace::new(&head, rows)],
            code,
            head,
            rebuilt: 0.0,
            watch: Watch::at(ALL),
        }
    }

    /// Chooses by hand what [`Objective::draw`] draws: one flag for each number of each token.
    pub fn take_out(&mut self, dropped: &[bool]) {
        self.dropped.clear();
        self.dropped.extend_from_slice(dropped);
    }

    fn forward(&mut self, params: &[F], batch: Batch<'_, F>) {
        let rows = batch.valid.len() * self.tokens;
        let hidden = &mut self.hidden[..rows * self.code.out_dim()];
        self.code.forward(params, &self.x[..rows * self.code.in_dim()], hidden);
        F::tanh_all(hidden);
        let [space] = &mut self.space;
        space.clear();
        for (window, &valid) in batch.valid.iter().enumerate() {
            let first = window * self.tokens;
            (first..first + valid).for_each(|row| space.ask(row, row));
        }
        self.head.guess(params, hidden, batch.u, space);
    }
}

impl<F: Real> Objective<F> for Autoencoding<F> {
    fn name(&self) -> &'static str {
        "autoencoding"
    }

    fn draw(&mut self, batch: Batch<'_, F>, rng: &mut Rng) {
        self.dropped.clear();
        let numbers = batch.valid.len() * self.tokens * self.code.in_dim();
        self.dropped.extend((0..numbers).map(|_| rng.unit() < DROP));
    }

    fn loss(
        &mut self,
        _: &mut Room<F>,
        params: &[F],
        batch: Batch<'_, F>,
        share: F,
        grads: Grads<'_, F>,
    ) -> Option<F> {
        for ((x, &u), &dropped) in self.x.iter_mut().zip(batch.u).zip(&self.dropped) {
            *x = if dropped { F::zero() } else { u };
        }
        self.forward(params, batch);
        let rows = batch.valid.len() * self.tokens;
        let [space] = &mut self.space;
        let (mut wrong, mut all) = (0.0, 1e-12);
        let dim = self.code.in_dim();
        for (row, error, _) in space.guesses() {
            wrong += error.iter().map(|e| e.f64().powi(2)).sum::<f64>();
            let u = &batch.u[row * dim..(row + 1) * dim];
            all += u.iter().map(|u| u.f64().powi(2)).sum::<f64>();
        }
        self.rebuilt = 1.0 - wrong / all;
        let hidden = &self.hidden[..rows * self.code.out_dim()];
        let grad_hidden = &mut self.grad_hidden[..hidden.len()];
        grad_hidden.fill(F::zero());
        let loss = self.head.loss(params, share, space, grads.params, grad_hidden)?;
        for (grad, &h) in grad_hidden.iter_mut().zip(hidden) {
            *grad *= F::one() - h * h;
        }
        self.code.backward_params(&self.x[..rows * dim], grad_hidden, grads.params);
        Some(loss)
    }

    fn guess(&mut self, _: &mut Room<F>, params: &[F], window: Batch<'_, F>) -> &[HeadSpace<F>] {
        let len = window.u.len().min(self.x.len());
        self.x[..len].copy_from_slice(&window.u[..len]);
        self.forward(params, window);
        &self.space
    }

    fn watch(&mut self) {
        self.watch.observe(self.rebuilt);
    }

    fn watches(&mut self) -> &mut [Watch] {
        std::slice::from_mut(&mut self.watch)
    }

    fn shortcut(&self) -> Option<Shortcut> {
        self.watch.has_tripped().then_some(Shortcut::Identity)
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

    /// Failure 19. Fails when the slope of the bottleneck, `1 − h²`, is left out of `loss`.
    #[test]
    fn gradients_match_finite_differences() {
        for scene in testing::scenes() {
            testing::check_gradients(&scene, Autoencoding::new);
        }
    }

    #[test]
    fn nothing_flows_into_the_adapter() {
        for scene in testing::scenes() {
            let (_, grad_z) = testing::gradients(&scene, Autoencoding::new);
            assert!(grad_z.iter().all(|&g| g == 0.0), "{scene:?}");
        }
    }
}
