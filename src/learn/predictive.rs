//! Predictive coding: guess the tokens (or rows of a picture) to come from those so far.
//!
//! Several horizons, each with its own head: the next token of a smooth stream is nearly the present
//! one, and guessing only that would teach to copy.

use crate::base::rng::Rng;
use crate::config::learn::LearnSettings;
use crate::learn::head::{Head, HeadSpace};
use crate::learn::objective::{Batch, Objective};
use crate::nn::context::{Context, ContextSpace};
use crate::nn::layout::Layout;
use crate::nn::params::Params;
use crate::nn::real::Real;
use crate::nn::taps::View;

/// The objective.
#[derive(Debug)]
pub struct PredictiveCoding<F> {
    /// How many tokens later each horizon looks.
    ahead: Vec<usize>,
    tokens: usize,
    context: Context,
    heads: Vec<Head>,
    space: ContextSpace<F>,
    head_spaces: Vec<HeadSpace<F>>,
    grad_x: Vec<F>,
}

impl<F: Real> PredictiveCoding<F> {
    /// For batches of `windows` windows of whitened tokens `[tokens, dim]`. Horizons that reach
    /// beyond a window are left out; `None` when none is left.
    pub fn new(
        params: &mut Params,
        layout: Layout,
        dim: usize,
        windows: usize,
        settings: &LearnSettings,
    ) -> Option<Self> {
        let step = match layout {
            Layout::Sequence { .. } => 1,
            Layout::Grid { cols, .. } => cols,
        };
        let tokens = layout.len();
        let ahead: Vec<usize> =
            settings.horizons.iter().map(|k| k * step).filter(|&k| k < tokens).collect();
        if ahead.is_empty() {
            return None;
        }
        let rows = tokens * windows;
        let context = Context::new(
            params,
            "predictive.context",
            layout,
            View::Past,
            dim,
            settings.width,
            &settings.dilations,
        );
        let beta = settings.learnt_variance.then_some(f64::from(settings.variance_beta));
        let heads: Vec<Head> = ahead
            .iter()
            .map(|k| Head::new(params, &format!("predictive.ahead{k}"), settings.width, dim, beta))
            .collect();
        Some(Self {
            ahead,
            tokens,
            space: context.space(rows),
            head_spaces: heads.iter().map(|head| HeadSpace::new(head, rows)).collect(),
            grad_x: vec![F::zero(); rows * dim],
            context,
            heads,
        })
    }

    fn forward(&mut self, params: &[F], batch: Batch<'_, F>) {
        self.context.forward(params, batch.z, batch.valid, &mut self.space);
        for ((head, space), &ahead) in self.heads.iter().zip(&mut self.head_spaces).zip(&self.ahead)
        {
            space.clear();
            for (window, &valid) in batch.valid.iter().enumerate() {
                let first = window * self.tokens;
                for row in first..first + valid.saturating_sub(ahead) {
                    space.ask(row, row + ahead);
                }
            }
            head.guess(params, self.space.hidden(), batch.u, space);
        }
    }
}

impl<F: Real> Objective<F> for PredictiveCoding<F> {
    fn name(&self) -> &'static str {
        "predictive_coding"
    }

    fn draw(&mut self, _: &[usize], _: &mut Rng) {}

    fn loss(
        &mut self,
        params: &[F],
        batch: Batch<'_, F>,
        share: F,
        grads: &mut [F],
        grad_z: &mut [F],
    ) -> Option<F> {
        self.forward(params, batch);
        let horizons = F::of(self.ahead.len() as f64);
        let (_, grad_hidden) = self.space.hidden_and_grad();
        grad_hidden.fill(F::zero());
        let mut sum = None;
        for (head, space) in self.heads.iter().zip(&mut self.head_spaces) {
            if let Some(loss) = head.loss(params, share / horizons, space, grads, grad_hidden) {
                sum = Some(sum.unwrap_or_else(F::zero) + loss / horizons);
            }
        }
        let loss = sum?;
        let grad_x = &mut self.grad_x[..batch.z.len()];
        self.context.backward(params, batch.z, batch.valid, &mut self.space, grads, Some(grad_x));
        for (sum, &g) in grad_z.iter_mut().zip(&*grad_x) {
            *sum += g;
        }
        Some(loss)
    }

    fn guess(&mut self, params: &[F], window: Batch<'_, F>) -> &[HeadSpace<F>] {
        self.forward(params, window);
        &self.head_spaces
    }

    fn hidden(&mut self, params: &[F], window: Batch<'_, F>) -> &[F] {
        self.context.forward(params, window.z, window.valid, &mut self.space);
        self.space.hidden()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::learn::LearnToml;
    use crate::nn::gradcheck::{self, Derivatives};

    fn objective(
        layout: Layout,
        windows: usize,
        learnt_variance: bool,
    ) -> (Params, PredictiveCoding<f64>) {
        let small = LearnToml {
            width: 4,
            dilations: vec![1],
            horizons: vec![1, 2, 40],
            learnt_variance,
            variance_beta: 0.0,
            ..LearnToml::default()
        };
        let mut params = Params::default();
        let settings = small.check().unwrap();
        let objective = PredictiveCoding::new(&mut params, layout, 3, windows, &settings).unwrap();
        (params, objective)
    }

    #[test]
    fn gradients_match_finite_differences() {
        for (layout, valid, learnt_variance) in [
            (Layout::Sequence { len: 5 }, vec![5, 3], false),
            (Layout::Sequence { len: 5 }, vec![5, 1], true),
            (Layout::Grid { rows: 3, cols: 2 }, vec![6], true),
        ] {
            let (params, mut objective) = objective(layout, valid.len(), learnt_variance);
            let mut rng = Rng::from_seed(5);
            let all = gradcheck::random(params.len(), &mut rng);
            let len = layout.len() * valid.len() * 3;
            let (u, z) = (gradcheck::random(len, &mut rng), gradcheck::random(len, &mut rng));
            gradcheck::check(&params, &all, &z, |all, z, wanted| {
                let batch = Batch { u: &u, z, valid: &valid };
                let (mut grads, mut grad_z) = (vec![0.0; all.len()], vec![0.0; z.len()]);
                let loss = objective.loss(all, batch, 1.0, &mut grads, &mut grad_z).unwrap();
                if let Some(Derivatives { params, x }) = wanted {
                    params.copy_from_slice(&grads);
                    x.copy_from_slice(&grad_z);
                }
                loss
            })
            .unwrap_or_else(|wrong| panic!("{layout:?} variance={learnt_variance}: {wrong}"));
        }
    }

    #[test]
    fn the_future_is_never_seen() {
        for layout in [Layout::Sequence { len: 6 }, Layout::Grid { rows: 3, cols: 2 }] {
            let (params, mut objective) = objective(layout, 1, false);
            let all: Vec<f64> = params.start(&mut Rng::from_seed(1));
            let u = vec![0.0; 18];
            let mut z = vec![0.5; 18];
            // The guess of token 2 (the second row of the picture) comes from those before it.
            let mut guess = |z: &[f64]| {
                let spaces = objective.guess(&all, Batch { u: &u, z, valid: &[6] });
                spaces[0].guesses().find(|(target, ..)| *target == 2).unwrap().1.to_vec()
            };
            let before = guess(&z);
            z[6..].fill(7.0);
            assert_eq!(guess(&z), before, "{layout:?}");
            z[0] = 7.0;
            assert_ne!(guess(&z), before, "{layout:?}");
        }
    }
}
