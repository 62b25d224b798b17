//! Masked prediction: hide tokens, guess them from those around.
//!
//! Spans in a sequence, blocks in a picture: the neighbour of a token is nearly its copy, and hiding
//! single tokens would teach little more than to copy.

use crate::base::rng::Rng;
use crate::config::learn::LearnSettings;
use crate::learn::head::{Head, HeadSpace};
use crate::learn::objective::{Batch, Objective};
use crate::nn::context::{Context, ContextSpace};
use crate::nn::layout::Layout;
use crate::nn::params::{Block, Params};
use crate::nn::real::Real;
use crate::nn::taps::View;

/// For scoring, every fourth token is hidden, four times, so that each is guessed once.
pub const PASSES: usize = 4;

/// The objective.
#[derive(Debug)]
pub struct MaskedPrediction<F> {
    layout: Layout,
    dim: usize,
    spans: Vec<usize>,
    block: usize,
    share: f64,
    extra: f64,
    context: Context,
    head: Head,
    /// Stands where a token is hidden, `[1, dim]`.
    mask_token: Block,
    hidden_rows: Vec<bool>,
    x: Vec<F>,
    grad_x: Vec<F>,
    space: ContextSpace<F>,
    head_space: [HeadSpace<F>; 1],
}

impl<F: Real> MaskedPrediction<F> {
    /// For batches of `windows` windows of whitened tokens `[tokens, dim]`.
    pub fn new(
        params: &mut Params,
        layout: Layout,
        dim: usize,
        windows: usize,
        settings: &LearnSettings,
    ) -> Self {
        let rows = layout.len() * windows.max(PASSES);
        let width = settings.width;
        let context = Context::new(
            params,
            "masked.context",
            layout,
            View::Around,
            dim,
            width,
            &settings.dilations,
        );
        let beta = settings.learnt_variance.then_some(f64::from(settings.variance_beta));
        let head = Head::new(params, "masked.head", width, dim, beta);
        Self {
            layout,
            dim,
            spans: settings.mask_spans.clone(),
            block: settings.mask_block,
            share: f64::from(settings.mask_share),
            extra: f64::from(settings.mask_extra),
            mask_token: params.zeroed("masked.token", 1, dim),
            hidden_rows: Vec::with_capacity(rows),
            x: vec![F::zero(); rows * dim],
            grad_x: vec![F::zero(); rows * dim],
            space: context.space(rows),
            head_space: [HeadSpace::new(&head, rows)],
            context,
            head,
        }
    }

    /// Chooses by hand what [`Objective::draw`] draws: one flag for each token of each window.
    pub fn hide(&mut self, hidden: &[bool]) {
        self.hidden_rows.clear();
        self.hidden_rows.extend_from_slice(hidden);
    }

    /// `x ← z`, with the mask token where `hidden`.
    fn cover(&mut self, params: &[F], z: &[F], rows: usize, hidden: impl Fn(usize) -> bool) {
        let token = self.mask_token.slice(params);
        let window = z.len() / self.dim;
        for (row, x) in self.x[..rows * self.dim].chunks_exact_mut(self.dim).enumerate() {
            let from = row % window;
            let z = &z[from * self.dim..(from + 1) * self.dim];
            x.copy_from_slice(if hidden(row) { token } else { z });
        }
    }
}

/// In which pass a token is hidden for scoring; neighbours in every direction differ.
const fn pass_of(layout: Layout, token: usize) -> usize {
    match layout {
        Layout::Sequence { .. } => token % PASSES,
        Layout::Grid { cols, .. } => (token % cols + 2 * (token / cols)) % PASSES,
    }
}

fn draw_index(bound: usize, rng: &mut Rng) -> usize {
    usize::try_from(rng.below(bound.max(1) as u64)).unwrap_or(0)
}

impl<F: Real> Objective<F> for MaskedPrediction<F> {
    fn name(&self) -> &'static str {
        "masked_prediction"
    }

    fn draw(&mut self, valid: &[usize], rng: &mut Rng) {
        let tokens = self.layout.len();
        self.hidden_rows.clear();
        self.hidden_rows.resize(valid.len() * tokens, false);
        for (window, &valid) in self.hidden_rows.chunks_exact_mut(tokens).zip(valid) {
            match self.layout {
                Layout::Sequence { .. } => {
                    for &span in &self.spans {
                        let start = draw_index((valid + 1).saturating_sub(span), rng);
                        let end = (start + span).min(tokens);
                        window[start..end].fill(true);
                    }
                }
                Layout::Grid { rows, cols } => {
                    let (high, wide) = (self.block.min(rows), self.block.min(cols));
                    let wanted = self.share * tokens as f64;
                    let mut covered = 0.0;
                    while covered < wanted {
                        let top = draw_index(rows - high + 1, rng);
                        let left = draw_index(cols - wide + 1, rng);
                        for row in top..top + high {
                            window[row * cols + left..row * cols + left + wide].fill(true);
                        }
                        covered += (high * wide) as f64;
                    }
                }
            }
            for hidden in window.iter_mut() {
                *hidden |= rng.unit() < self.extra;
            }
            // Padding is not hidden: there is nothing to guess.
            window[valid..].fill(false);
        }
    }

    fn loss(
        &mut self,
        params: &[F],
        batch: Batch<'_, F>,
        share: F,
        grads: &mut [F],
        grad_z: &mut [F],
    ) -> Option<F> {
        let rows = self.hidden_rows.len();
        let hidden_rows = std::mem::take(&mut self.hidden_rows);
        self.cover(params, batch.z, rows, |row| hidden_rows[row]);
        self.hidden_rows = hidden_rows;
        let [head_space] = &mut self.head_space;
        head_space.clear();
        for (row, _) in self.hidden_rows.iter().enumerate().filter(|(_, hidden)| **hidden) {
            head_space.ask(row, row);
        }
        let x = &self.x[..rows * self.dim];
        let grad_x = &mut self.grad_x[..rows * self.dim];
        self.context.forward(params, x, batch.valid, &mut self.space);
        self.head.guess(params, self.space.hidden(), batch.u, head_space);
        let (_, grad_hidden) = self.space.hidden_and_grad();
        grad_hidden.fill(F::zero());
        let loss = self.head.loss(params, share, head_space, grads, grad_hidden)?;
        self.context.backward(params, x, batch.valid, &mut self.space, grads, Some(grad_x));
        // A hidden token's gradient belongs to the mask token, any other's to its own `z`.
        let token = self.mask_token.slice_mut(grads);
        for ((grad_x, grad_z), &hidden) in grad_x
            .chunks_exact(self.dim)
            .zip(grad_z.chunks_exact_mut(self.dim))
            .zip(&self.hidden_rows)
        {
            let target = if hidden { &mut *token } else { grad_z };
            for (sum, &g) in target.iter_mut().zip(grad_x) {
                *sum += g;
            }
        }
        Some(loss)
    }

    fn guess(&mut self, params: &[F], window: Batch<'_, F>) -> &[HeadSpace<F>] {
        let (layout, tokens) = (self.layout, self.layout.len());
        let valid = [window.valid[0]; PASSES];
        let hidden =
            |row: usize| row % tokens < valid[0] && pass_of(layout, row % tokens) == row / tokens;
        self.cover(params, window.z, PASSES * tokens, hidden);
        let [head_space] = &mut self.head_space;
        head_space.clear();
        for token in 0..valid[0] {
            head_space.ask(pass_of(layout, token) * tokens + token, token);
        }
        let x = &self.x[..PASSES * tokens * self.dim];
        self.context.forward(params, x, &valid, &mut self.space);
        self.head.guess(params, self.space.hidden(), window.u, head_space);
        &self.head_space
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

    fn settings(learnt_variance: bool) -> LearnSettings {
        let small = LearnToml {
            width: 4,
            dilations: vec![1, 2],
            learnt_variance,
            variance_beta: 0.0,
            mask_block: 2,
            ..LearnToml::default()
        };
        small.check().unwrap()
    }

    #[test]
    fn gradients_match_finite_differences() {
        let cases = [
            (Layout::Sequence { len: 6 }, vec![6, 4], false),
            (Layout::Sequence { len: 6 }, vec![6, 4], true),
            (Layout::Grid { rows: 3, cols: 3 }, vec![9], true),
        ];
        for (layout, valid, learnt_variance) in cases {
            let dim = 3;
            let mut rng = Rng::from_seed(5);
            let mut params = Params::default();
            let mut objective = MaskedPrediction::<f64>::new(
                &mut params,
                layout,
                dim,
                valid.len(),
                &settings(learnt_variance),
            );
            let all: Vec<f64> = gradcheck::random(params.len(), &mut rng);
            let len = layout.len() * valid.len() * dim;
            let (u, z) = (gradcheck::random(len, &mut rng), gradcheck::random(len, &mut rng));
            objective.draw(&valid, &mut rng);
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
    fn what_is_hidden_is_never_seen_and_padding_never_hidden() {
        let layout = Layout::Sequence { len: 8 };
        let mut params = Params::default();
        let mut objective =
            MaskedPrediction::<f32>::new(&mut params, layout, 2, 1, &settings(false));
        let all: Vec<f32> = params.start(&mut Rng::from_seed(1));
        let mut rng = Rng::from_seed(2);
        for _ in 0..50 {
            objective.draw(&[5], &mut rng);
            assert!(objective.hidden_rows[5..].iter().all(|hidden| !hidden));
            assert!(objective.hidden_rows[..5].iter().any(|&hidden| hidden));
        }
        let u = vec![0.0; 16];
        let mut z = vec![0.5; 16];
        let mut error_of = |z: &[f32], token: usize| -> f32 {
            let spaces = objective.guess(&all, Batch { u: &u, z, valid: &[8] });
            spaces[0].guesses().find(|(target, ..)| *target == token).unwrap().1[0]
        };
        let before = error_of(&z, 3);
        z[6] = 9.0;
        assert_eq!(error_of(&z, 3), before, "the guess of a token has seen it");
        z[4] = 9.0;
        assert!(error_of(&z, 3) != before, "the guess of a token ignores its neighbour");
    }
}
