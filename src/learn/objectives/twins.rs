//! Two views of each window, described: context net, mean, projection. Three objectives share this and
//! differ in what they want of the two descriptions.
//!
//! `d = mean(h) W + b`, `h` the hidden states of the net that looks around, over the tokens that the view
//! shows; or of single tokens that both views show. The projection is each objective's own, so that what
//! it asks for does not have to hold for the hidden state itself (as in `SimCLR`, arXiv 2002.05709).

use crate::base::rng::Rng;
use crate::learn::objectives::build::{Nets, Plan};
use crate::learn::objectives::unit::add_scaled;
use crate::learn::objectives::views::{Views, index_below};
use crate::learn::objectives::{Batch, Grads, Room};
use crate::nn::context::Context;
use crate::nn::linear::Linear;
use crate::nn::params::Params;
use crate::nn::real::Real;

/// Numbers of a description at most.
const MOST_DIM: usize = 64;
/// Pairs of tokens at most, where tokens are described.
const MOST_TOKENS: usize = 128;

/// What is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Whole windows.
    Windows,
    /// Single tokens.
    Tokens,
}

/// See the module.
#[derive(Debug)]
pub struct Twins<F> {
    of: Of,
    views: Views<F>,
    context: Context,
    projection: Linear,
    valid: Vec<usize>,
    /// For each description, first those of first views: where its rows begin in `rows`.
    begins: Vec<usize>,
    rows: Vec<usize>,
    pooled: Vec<F>,
    grad_pooled: Vec<F>,
    turned: Vec<F>,
    /// `[2 · count, dim]`.
    out: Vec<F>,
    /// In: the derivative by `out`.
    grad: Vec<F>,
}

impl<F: Real> Twins<F> {
    /// For an objective of that name.
    pub fn new(params: &mut Params, nets: &mut Nets, plan: &Plan<'_>, name: &str, of: Of) -> Self {
        let context = nets.around(params, plan);
        let width = context.width();
        let projection =
            Linear::uniform(params, &format!("{name}.projection"), width, width.min(MOST_DIM));
        let windows = plan.windows + plan.side / 2;
        let most = 2 * if of == Of::Windows { windows } else { MOST_TOKENS };
        let rows = 2 * windows * plan.layout.len();
        Self {
            of,
            views: Views::new(plan.layout, plan.dim, windows, plan.settings),
            valid: Vec::with_capacity(2 * windows),
            begins: Vec::with_capacity(most + 1),
            rows: Vec::with_capacity(rows),
            pooled: vec![F::zero(); most * width],
            grad_pooled: vec![F::zero(); most * width],
            turned: vec![F::zero(); projection.weight().len()],
            out: vec![F::zero(); most * projection.out_dim()],
            grad: vec![F::zero(); most * projection.out_dim()],
            context,
            projection,
        }
    }

    /// Numbers of a description.
    pub const fn dim(&self) -> usize {
        self.projection.out_dim()
    }

    /// Descriptions of each of the two views.
    pub const fn count(&self) -> usize {
        self.begins.len().saturating_sub(1) / 2
    }

    /// How the views are made.
    pub const fn views(&mut self) -> &mut Views<F> {
        &mut self.views
    }

    /// Draws views, and which tokens are described.
    pub fn draw(&mut self, batch: Batch<'_, F>, rng: &mut Rng) {
        self.views.draw(batch, rng);
        self.views.valid(&mut self.valid);
        let kept = self.views.kept();
        let half = kept.len() / 2;
        self.begins.clear();
        self.rows.clear();
        match self.of {
            Of::Windows => {
                let tokens = kept.len() / self.valid.len().max(1);
                for (view, kept) in kept.chunks_exact(tokens.max(1)).enumerate() {
                    self.begins.push(self.rows.len());
                    let shown = (0..kept.len()).filter(|&token| kept[token]);
                    self.rows.extend(shown.map(|token| view * tokens + token));
                }
            }
            Of::Tokens => {
                let in_both = || (0..half).filter(|&row| kept[row] && kept[half + row]);
                let every = in_both().count().div_ceil(MOST_TOKENS).max(1);
                let first = index_below(every, rng);
                for begin in [0, half] {
                    for row in in_both().skip(first).step_by(every) {
                        self.begins.push(self.rows.len());
                        self.rows.push(begin + row);
                    }
                }
            }
        }
        self.begins.push(self.rows.len());
    }

    /// Describes both views; `[2 · count, dim]`, first views first.
    pub fn describe(&mut self, room: &mut Room<F>, params: &[F], z: &[F]) -> &[F] {
        let width = self.context.width();
        let count = self.begins.len() - 1;
        let len = self.views.rows() * room.dim;
        let x = &mut room.x[..len];
        self.views.show(z, x);
        self.context.forward(params, x, &self.valid, &mut room.space);
        let hidden = room.space.hidden();
        let pooled = &mut self.pooled[..count * width];
        pooled.fill(F::zero());
        for (row, pooled) in pooled.chunks_exact_mut(width).enumerate() {
            let rows = &self.rows[self.begins[row]..self.begins[row + 1]];
            let share = F::of(1.0 / rows.len().max(1) as f64);
            for &from in rows {
                add_scaled(pooled, share, &hidden[from * width..(from + 1) * width]);
            }
        }
        let out = &mut self.out[..count * self.projection.out_dim()];
        self.projection.forward(params, pooled, out);
        out
    }

    /// Descriptions of both views at most.
    pub const fn most(&self) -> usize {
        self.out.len() / self.projection.out_dim()
    }

    /// How the views are made, the descriptions again, and where their derivative belongs, filled with
    /// zeros.
    pub fn parts(&mut self) -> (&Views<F>, &mut [F], &mut [F]) {
        let len = (self.begins.len() - 1) * self.projection.out_dim();
        let grad = &mut self.grad[..len];
        grad.fill(F::zero());
        (&self.views, &mut self.out[..len], grad)
    }

    /// From the derivative by the descriptions to all others, which are added to.
    pub fn back(&mut self, room: &mut Room<F>, params: &[F], grads: Grads<'_, F>) {
        let width = self.context.width();
        let count = self.begins.len() - 1;
        let grad = &self.grad[..count * self.projection.out_dim()];
        let pooled = &self.pooled[..count * width];
        let grad_pooled = &mut self.grad_pooled[..count * width];
        self.projection.backward_params(pooled, grad, grads.params);
        self.projection.backward_input(params, grad, &mut self.turned, F::zero(), grad_pooled);
        let (_, grad_hidden) = room.space.hidden_and_grad();
        grad_hidden.fill(F::zero());
        for (row, grad) in grad_pooled.chunks_exact(width).enumerate() {
            let rows = &self.rows[self.begins[row]..self.begins[row + 1]];
            let share = F::of(1.0 / rows.len().max(1) as f64);
            for &to in rows {
                add_scaled(&mut grad_hidden[to * width..(to + 1) * width], share, grad);
            }
        }
        let len = self.views.rows() * room.dim;
        let (x, grad_x) = (&room.x[..len], &mut room.grad_x[..len]);
        let space = &mut room.space;
        self.context.backward(params, x, &self.valid, space, grads.params, Some(grad_x));
        self.views.show_back(grad_x, grads.z);
    }
}
