//! Predictive coding: guess the tokens (or rows of a picture) to come from those so far.
//!
//! Several horizons, each with its own head: the next token of a smooth stream is nearly the present
//! one, and guessing only that would teach to copy. Where it is no better than copying it is
//! switched off.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::base::rng::Rng;
use crate::learn::objectives::build::{Nets, Plan};
use crate::learn::objectives::head::{Head, HeadSpace};
use crate::learn::objectives::unit::{add_scaled, dot, squared_distance};
use crate::learn::objectives::watch::{Shortcut, Watch};
use crate::learn::objectives::{Batch, Grads, Objective, Room};
use crate::nn::context::Context;
use crate::nn::params::Params;
use crate::nn::real::Real;

/// Steps that a net gets to learn more than copying.
pub const LEARNING: u64 = 1000;
/// Share of the error of copying from which on nothing more was learnt.
pub const COPIES: f64 = 0.98;
/// A step counts for no more than this: in one batch of silence a copy is without any error, and says nothing
/// of all the others.
pub const MOST_OF_COPYING: f64 = 2.0;

/// The objective.
#[derive(Debug)]
pub struct PredictiveCoding<F> {
    /// How many tokens later each horizon looks.
    ahead: Vec<usize>,
    tokens: usize,
    context: Context,
    heads: Vec<Head>,
    head_spaces: Vec<HeadSpace<F>>,
    /// Error of the last batch as a share of that of repeating the present token.
    of_copying: f64,
    watch: Watch,
}

impl<F: Real> PredictiveCoding<F> {
    /// See [`Plan`]. `None` when no horizon stays within a window.
    pub fn new(params: &mut Params, nets: &mut Nets, plan: &Plan<'_>) -> Option<Self> {
        let tokens = plan.layout.len();
        let ahead = plan.ahead();
        if ahead.is_empty() {
            return None;
        }
        let rows = tokens * plan.windows;
        let context = nets.past(params, plan);
        let heads: Vec<Head> = ahead
            .iter()
            .map(|k| {
                let name = format!("predictive.ahead{k}");
                Head::new(params, &name, context.width(), plan.dim, plan.beta())
            })
            .collect();
        Some(Self {
            ahead,
            tokens,
            head_spaces: heads.iter().map(|head| HeadSpace::new(head, rows)).collect(),
            of_copying: 0.0,
            watch: Watch::after(LEARNING, COPIES),
            context,
            heads,
        })
    }

    /// Compares the guesses with repeating the token that they were made from.
    fn compare_with_copying(&mut self, u: &[F], dim: usize) {
        let (mut wrong, mut copied) = (0.0, 1e-12);
        for space in &self.head_spaces {
            for (&(from, to), (_, error, _)) in space.pairs().iter().zip(space.guesses()) {
                let token = |row: usize| &u[row * dim..(row + 1) * dim];
                copied += squared_distance(token(from), token(to)).f64();
                wrong += dot(error, error).f64();
            }
        }
        self.of_copying = (wrong / copied).min(MOST_OF_COPYING);
    }

    fn forward(&mut self, room: &mut Room<F>, params: &[F], batch: Batch<'_, F>) {
        let z = &batch.z[..batch.rows(self.tokens)[0] * room.dim];
        self.context.forward(params, z, batch.valid, &mut room.space);
        for ((head, space), &ahead) in self.heads.iter().zip(&mut self.head_spaces).zip(&self.ahead)
        {
            space.clear();
            for (window, &valid) in batch.valid.iter().enumerate() {
                let first = window * self.tokens;
                for row in first..first + valid.saturating_sub(ahead) {
                    space.ask(row, row + ahead);
                }
            }
            head.guess(params, room.space.hidden(), batch.u, space);
        }
    }
}

impl<F: Real> Objective<F> for PredictiveCoding<F> {
    fn name(&self) -> &'static str {
        "predictive_coding"
    }

    fn draw(&mut self, _: Batch<'_, F>, _: &mut Rng) {}

    fn loss(
        &mut self,
        room: &mut Room<F>,
        params: &[F],
        batch: Batch<'_, F>,
        share: F,
        grads: Grads<'_, F>,
    ) -> Option<F> {
        self.forward(room, params, batch);
        self.compare_with_copying(batch.u, room.dim);
        let horizons = F::of(self.ahead.len() as f64);
        let (_, grad_hidden) = room.space.hidden_and_grad();
        grad_hidden.fill(F::zero());
        let Grads { params: grads, z: grad_z } = grads;
        let mut sum = None;
        for (head, space) in self.heads.iter().zip(&mut self.head_spaces) {
            if let Some(loss) = head.loss(params, share / horizons, space, grads, grad_hidden) {
                sum = Some(sum.unwrap_or_else(F::zero) + loss / horizons);
            }
        }
        let loss = sum?;
        let z = &batch.z[..batch.rows(self.tokens)[0] * room.dim];
        let grad_x = &mut room.grad_x[..z.len()];
        self.context.backward(params, z, batch.valid, &mut room.space, grads, Some(grad_x));
        add_scaled(grad_z, F::one(), grad_x);
        Some(loss)
    }

    fn guess(&mut self, room: &mut Room<F>, params: &[F], window: Batch<'_, F>) -> &[HeadSpace<F>] {
        self.forward(room, params, window);
        &self.head_spaces
    }

    fn watch(&mut self) {
        self.watch.observe(self.of_copying);
    }

    fn watches(&mut self) -> &mut [Watch] {
        std::slice::from_mut(&mut self.watch)
    }

    fn of_copying(&self) -> Option<f64> {
        Some(self.of_copying)
    }

    fn shortcut(&self) -> Option<Shortcut> {
        self.watch.has_tripped().then_some(Shortcut::Copies)
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
    use crate::config::learn::LearnToml;
    use crate::learn::objectives::testing;
    use crate::nn::layout::Layout;

    /// Failure 19. Fails when gradients are not divided by the number of horizons (`share / horizons`).
    #[test]
    fn gradients_match_finite_differences() {
        for scene in testing::scenes() {
            testing::check_gradients(&scene, |params, nets, plan| {
                PredictiveCoding::new(params, nets, plan).unwrap()
            });
        }
    }

    #[test]
    fn the_future_is_never_seen() {
        for layout in [Layout::Sequence { len: 6 }, Layout::Grid { rows: 3, cols: 2 }] {
            let small = LearnToml { width: 4, dilations: vec![1], ..LearnToml::default() };
            let settings = small.check().unwrap();
            let plan = Plan { layout, dim: 3, windows: 1, side: 0, settings: &settings };
            let (mut params, mut nets) = (Params::default(), Nets::default());
            let mut objective =
                PredictiveCoding::<f64>::new(&mut params, &mut nets, &plan).unwrap();
            let mut room = Room::new(&nets.past(&mut params, &plan), 6, 3);
            let all: Vec<f64> = params.start(&mut Rng::from_seed(1));
            let u = vec![0.0; 18];
            let mut z = vec![0.5; 18];
            // The guess of token 2 (the second row of the picture) comes from those before it.
            let mut guess = |z: &[f64]| {
                let spaces = objective.guess(&mut room, &all, Batch::plain(&u, z, &[6]));
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
