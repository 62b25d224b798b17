//! The context net: what a token's surroundings say about it.
//!
//! `h = gated_L(… gated_1(z W + b) …)`, each gated step looking wider than the one before; or, with one recurrent
//! step instead, `h = recurrent(z W + b)`.

use crate::nn::gated::{Gated, GatedCache, GatedScratch};
use crate::nn::layout::Layout;
use crate::nn::linear::Linear;
use crate::nn::params::Params;
use crate::nn::real::Real;
use crate::nn::recurrent::{Recurrent, RecurrentCache, RecurrentScratch};
use crate::nn::taps::{Taps, View};

/// What the steps of a net are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steps<'a> {
    /// A gated convolution for each of these distances between taps.
    Gated(&'a [usize]),
    /// One recurrent unit.
    Recurrent,
}

/// The net; `z: [windows · tokens, dim]` to `h: [windows · tokens, width]`.
#[derive(Debug, Clone)]
pub struct Context {
    input: Linear,
    steps: Vec<Gated>,
    recurrent: Option<Recurrent>,
    width: usize,
}

/// Activations and scratch for so many rows at most.
#[derive(Debug, Clone)]
pub struct ContextSpace<F> {
    /// Numbers of `h` in use: rows of the last forward pass, times the width.
    len: usize,
    /// Input of each step, and the result last.
    activations: Vec<Vec<F>>,
    caches: Vec<GatedCache<F>>,
    scratch: GatedScratch<F>,
    recurrent: Option<(RecurrentCache<F>, RecurrentScratch<F>)>,
    turned: Vec<F>,
    /// In: the derivative by `h`. Used up by `backward`.
    grad: Vec<F>,
}

impl Context {
    /// A net of such steps.
    pub fn new(
        params: &mut Params,
        name: &str,
        layout: Layout,
        view: View,
        dim: usize,
        width: usize,
        steps: Steps<'_>,
    ) -> Self {
        let input = Linear::uniform(params, &format!("{name}.input"), dim, width);
        let (dilations, is_recurrent) = match steps {
            Steps::Gated(dilations) => (dilations, false),
            Steps::Recurrent => (&[][..], true),
        };
        let gated = dilations
            .iter()
            .enumerate()
            .map(|(i, &dilation)| {
                let taps = Taps::new(layout, view, dilation);
                Gated::new(params, &format!("{name}.step{i}"), width, taps)
            })
            .collect();
        let recurrent = is_recurrent
            .then(|| Recurrent::new(params, &format!("{name}.recurrent"), layout, view, width));
        Self { input, steps: gated, recurrent, width }
    }

    /// Width of `h`.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Room for `rows` rows of input at most.
    pub fn space<F: Real>(&self, rows: usize) -> ContextSpace<F> {
        let (dim, width) = (self.input.in_dim(), self.width);
        let steps = self.steps.len() + usize::from(self.recurrent.is_some());
        ContextSpace {
            len: 0,
            activations: vec![vec![F::zero(); rows * width]; steps + 1],
            caches: self.steps.iter().map(|_| GatedCache::new(rows, width)).collect(),
            scratch: GatedScratch::new(if self.steps.is_empty() { 0 } else { rows }, width),
            recurrent: self.recurrent.as_ref().map(|step| (step.cache(rows), step.scratch(rows))),
            turned: vec![F::zero(); dim * width],
            grad: vec![F::zero(); rows * width],
        }
    }

    /// Computes [`ContextSpace::hidden`]. Tokens from `valid[w]` on do not touch the others.
    pub fn forward<F: Real>(
        &self,
        params: &[F],
        z: &[F],
        valid: &[usize],
        space: &mut ContextSpace<F>,
    ) {
        let len = z.len() / self.input.in_dim() * self.width;
        space.len = len;
        if let Some(first) = space.activations.first_mut() {
            self.input.forward(params, z, &mut first[..len]);
        }
        for (i, step) in self.steps.iter().enumerate() {
            let (before, after) = space.activations.split_at_mut(i + 1);
            step.forward(
                params,
                &before[i][..len],
                valid,
                &mut space.caches[i],
                &mut after[0][..len],
            );
        }
        if let Some((step, (cache, _))) = self.recurrent.as_ref().zip(space.recurrent.as_mut()) {
            let (before, after) = space.activations.split_at_mut(self.steps.len() + 1);
            let x = &before[self.steps.len()][..len];
            step.forward(params, x, valid, cache, &mut after[0][..len]);
        }
    }

    /// From `grad_hidden` of the space to parameter gradients, and to `grad_z` where wanted.
    pub fn backward<F: Real>(
        &self,
        params: &[F],
        z: &[F],
        valid: &[usize],
        space: &mut ContextSpace<F>,
        grads: &mut [F],
        grad_z: Option<&mut [F]>,
    ) {
        let len = space.len;
        let grad = &mut space.grad[..len];
        if let Some((step, (cache, scratch))) =
            self.recurrent.as_ref().zip(space.recurrent.as_mut())
        {
            let x = &space.activations[self.steps.len()][..len];
            step.backward(params, x, valid, cache, scratch, grads, grad);
        }
        for (i, step) in self.steps.iter().enumerate().rev() {
            let x = &space.activations[i][..len];
            step.backward(params, x, valid, &space.caches[i], &mut space.scratch, grads, grad);
        }
        self.input.backward_params(z, grad, grads);
        if let Some(grad_z) = grad_z {
            self.input.backward_input(params, grad, &mut space.turned, F::zero(), grad_z);
        }
    }
}

impl<F> ContextSpace<F> {
    /// `h` of the last forward pass, `[rows, width]`.
    pub fn hidden(&self) -> &[F] {
        self.activations.last().map_or(&[], |last| &last[..self.len])
    }

    /// `h`, and where to put its derivative before the backward pass.
    pub fn hidden_and_grad(&mut self) -> (&[F], &mut [F]) {
        (self.activations.last().map_or(&[], |last| &last[..self.len]), &mut self.grad[..self.len])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;
    use crate::nn::gradcheck::{self, Derivatives};

    /// Fails when `backward` goes through the steps forwards (without `rev`).
    #[test]
    fn gradients_match_finite_differences() {
        let cases = [
            (Layout::Sequence { len: 4 }, View::Around, Steps::Gated(&[1, 2]), vec![4, 3]),
            (Layout::Sequence { len: 5 }, View::Past, Steps::Gated(&[1]), vec![5]),
            (Layout::Grid { rows: 2, cols: 3 }, View::Around, Steps::Gated(&[1, 1]), vec![6]),
            (Layout::Sequence { len: 3 }, View::Around, Steps::Gated(&[]), vec![3]),
            (Layout::Sequence { len: 4 }, View::Around, Steps::Recurrent, vec![4, 3]),
            (Layout::Grid { rows: 2, cols: 3 }, View::Past, Steps::Recurrent, vec![6]),
        ];
        for (layout, view, steps, valid) in cases {
            let (dim, width) = (3, 4);
            let mut rng = Rng::from_seed(6);
            let mut params = Params::default();
            let net = Context::new(&mut params, "c", layout, view, dim, width, steps);
            let all: Vec<f64> = params.start(&mut rng);
            let rows = layout.len() * valid.len();
            let z = gradcheck::random(rows * dim, &mut rng);
            let weighting = gradcheck::random(rows * width, &mut rng);
            gradcheck::check(&params, &all, &z, |all, z, wanted| {
                let mut space = net.space(rows + 2);
                net.forward(all, z, &valid, &mut space);
                if let Some(Derivatives { params, x }) = wanted {
                    space.hidden_and_grad().1.copy_from_slice(&weighting);
                    net.backward(all, z, &valid, &mut space, params, Some(x));
                }
                gradcheck::dot(space.hidden(), &weighting)
            })
            .unwrap_or_else(|wrong| panic!("{layout:?} {view:?} {steps:?}: {wrong}"));
        }
    }
}
