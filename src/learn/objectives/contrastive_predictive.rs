//! Contrastive prediction (CPC, van den Oord et al. 2018, arXiv 1807.03748): find the token to come among
//! tokens of other moments.
//!
//! `q = norm(c_t W_k + b_k)` from the net that sees only the past, keys `norm(u_{t+k})`, `InfoNCE` over
//! pairs drawn from the batch. Keys are frozen, whitened tokens without gradient, so nothing
//! collapses. Wrong answers are tokens of windows at least half a minute away: nearer ones may well be
//! alike. In a place where nothing changes, far ones are alike as well; hence it is off by default.
//!
//! Where tokens change slowly the present one finds the coming one by itself; that is measured with
//! `u_t` as the query, and when it nearly always succeeds the objective is switched off.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::base::rng::Rng;
use crate::learn::objectives::build::{Nets, Plan};
use crate::learn::objectives::info_nce::info_nce;
use crate::learn::objectives::unit::{add_scaled, unit_rows, unit_rows_back};
use crate::learn::objectives::views::{APART_S, index_below};
use crate::learn::objectives::watch::{Shortcut, Watch};
use crate::learn::objectives::{Batch, Grads, Objective, Room};
use crate::nn::context::Context;
use crate::nn::linear::Linear;
use crate::nn::params::Params;
use crate::nn::real::Real;

/// Pairs in a step, over all horizons.
const PAIRS: usize = 64;
/// Sharpness of the comparison.
const TEMPERATURE: f64 = 0.2;
/// Share of tokens found by the present one from which on that is what would be learnt.
const PERSISTENT: f64 = 0.9;

/// The objective.
#[derive(Debug)]
pub struct ContrastivePredictive<F> {
    ahead: Vec<usize>,
    tokens: usize,
    context: Context,
    heads: Vec<Linear>,
    /// Rows that ask and rows that are asked for, horizon after horizon, and how many of each.
    pairs: Vec<(usize, usize)>,
    counts: Vec<usize>,
    hidden: Vec<F>,
    grad_hidden: Vec<F>,
    turned: Vec<F>,
    queries: Vec<F>,
    grad: Vec<F>,
    keys: Vec<F>,
    present: Vec<F>,
    lengths: [Vec<F>; 2],
    scores: Vec<F>,
    by_persistence: Option<f64>,
    watch: Watch,
}

impl<F: Real> ContrastivePredictive<F> {
    /// See [`Plan`]. `None` when no horizon stays within a window.
    pub fn new(params: &mut Params, nets: &mut Nets, plan: &Plan<'_>) -> Option<Self> {
        let ahead = plan.ahead();
        if ahead.is_empty() {
            return None;
        }
        let context = nets.past(params, plan);
        let (width, dim) = (context.width(), plan.dim);
        let heads: Vec<Linear> = ahead
            .iter()
            .map(|k| {
                Linear::uniform(params, &format!("contrastive_predictive.ahead{k}"), width, dim)
            })
            .collect();
        let room = |numbers: usize| vec![F::zero(); numbers];
        Some(Self {
            tokens: plan.layout.len(),
            pairs: Vec::with_capacity(PAIRS),
            counts: Vec::with_capacity(ahead.len()),
            hidden: room(PAIRS * width),
            grad_hidden: room(PAIRS * width),
            turned: room(width * dim),
            queries: room(PAIRS * dim),
            grad: room(PAIRS * dim),
            keys: room(PAIRS * dim),
            present: room(PAIRS * dim),
            lengths: [room(PAIRS), room(PAIRS)],
            scores: room(PAIRS),
            by_persistence: None,
            watch: Watch::at(PERSISTENT),
            ahead,
            context,
            heads,
        })
    }

    /// Chooses by hand what [`Objective::draw`] draws: for each horizon, rows that ask and the rows
    /// that they ask for.
    pub fn ask(&mut self, horizons: &[Vec<(usize, usize)>]) {
        self.pairs.clear();
        self.counts.clear();
        for pairs in horizons {
            self.pairs.extend_from_slice(pairs);
            self.counts.push(pairs.len());
        }
    }
}

impl<F: Real> Objective<F> for ContrastivePredictive<F> {
    fn name(&self) -> &'static str {
        "contrastive_predictive"
    }

    fn draw(&mut self, batch: Batch<'_, F>, rng: &mut Rng) {
        self.pairs.clear();
        self.counts.clear();
        let each = PAIRS / self.ahead.len();
        for &ahead in &self.ahead {
            let before = self.pairs.len();
            for _ in 0..each {
                let window = index_below(batch.valid.len(), rng);
                let places = batch.valid[window].saturating_sub(ahead);
                let row = window * self.tokens + index_below(places, rng);
                if 0 < places {
                    self.pairs.push((row, row + ahead));
                }
            }
            self.counts.push(self.pairs.len() - before);
        }
    }

    fn loss(
        &mut self,
        room: &mut Room<F>,
        params: &[F],
        batch: Batch<'_, F>,
        share: F,
        grads: Grads<'_, F>,
    ) -> Option<F> {
        let (dim, width, count) = (room.dim, self.context.width(), self.pairs.len());
        let z = &batch.z[..batch.rows(self.tokens)[0] * dim];
        self.context.forward(params, z, batch.valid, &mut room.space);
        let hidden = room.space.hidden();
        for (place, &(from, target)) in self.pairs.iter().enumerate() {
            let (h, d) = (place * width..(place + 1) * width, place * dim..(place + 1) * dim);
            self.hidden[h].copy_from_slice(&hidden[from * width..(from + 1) * width]);
            self.keys[d.clone()].copy_from_slice(&batch.u[target * dim..(target + 1) * dim]);
            self.present[d].copy_from_slice(&batch.u[from * dim..(from + 1) * dim]);
        }
        let mut first = 0;
        for (head, &part) in self.heads.iter().zip(&self.counts) {
            let asked = &self.hidden[first * width..(first + part) * width];
            head.forward(params, asked, &mut self.queries[first * dim..(first + part) * dim]);
            first += part;
        }
        let (queries, keys) = (&mut self.queries[..count * dim], &mut self.keys[..count * dim]);
        let (present, grad) = (&mut self.present[..count * dim], &mut self.grad[..count * dim]);
        let [lengths, of_keys] = &mut self.lengths;
        unit_rows(present, dim, of_keys);
        unit_rows(keys, dim, of_keys);
        unit_rows(queries, dim, lengths);
        grad.fill(F::zero());
        let (pairs, tokens) = (&self.pairs, self.tokens);
        let at_s = |pair: usize| batch.at_s.get(pairs[pair].0 / tokens).copied().unwrap_or(0.0);
        let apart = |i: usize, j: usize| APART_S <= (at_s(i) - at_s(j)).abs();
        let scores = &mut self.scores;
        let zero = F::zero();
        let naive = info_nce(present, keys, dim, TEMPERATURE, apart, zero, scores, grad, None)?;
        self.by_persistence = Some(naive.accuracy);
        let found = info_nce(queries, keys, dim, TEMPERATURE, apart, share, scores, grad, None)?;
        unit_rows_back(queries, dim, lengths, grad);
        let (_, grad_hidden) = room.space.hidden_and_grad();
        grad_hidden.fill(zero);
        let mut first = 0;
        for (head, &part) in self.heads.iter().zip(&self.counts) {
            let asked = &self.hidden[first * width..(first + part) * width];
            let grad = &grad[first * dim..(first + part) * dim];
            let by_hidden = &mut self.grad_hidden[first * width..(first + part) * width];
            head.backward_params(asked, grad, grads.params);
            head.backward_input(params, grad, &mut self.turned, zero, by_hidden);
            first += part;
        }
        for (by_hidden, &(from, _)) in self.grad_hidden.chunks_exact(width).zip(&self.pairs) {
            add_scaled(&mut grad_hidden[from * width..(from + 1) * width], F::one(), by_hidden);
        }
        let (grad_x, space) = (&mut room.grad_x[..z.len()], &mut room.space);
        self.context.backward(params, z, batch.valid, space, grads.params, Some(grad_x));
        add_scaled(grads.z, F::one(), grad_x);
        Some(found.loss)
    }

    fn watch(&mut self) {
        if let Some(by_persistence) = self.by_persistence {
            self.watch.observe(by_persistence);
        }
    }

    fn watches(&mut self) -> &mut [Watch] {
        std::slice::from_mut(&mut self.watch)
    }

    fn shortcut(&self) -> Option<Shortcut> {
        self.watch.has_tripped().then_some(Shortcut::Persistence)
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
            testing::check_gradients(&scene, |params, nets, plan| {
                ContrastivePredictive::new(params, nets, plan).unwrap()
            });
        }
    }
}
