//! Colorization: guess the colour of each patch from the picture without colours (Zhang et al. 2016,
//! arXiv 1603.08511).
//!
//! The encoder sees the grey picture; the label of a patch is the bin of its mean colour on a 5 × 5
//! grid over a* and b* (CIE L*a*b*). Frequent bins count less: weight ∝ 1 / (p/2 + 1/(2 · 25)), with the running
//! share `p` of each bin. Pictures without colours (night, infrared) are left out. Where the colours of
//! a patch never change there is nothing to learn but the place, and it is switched off.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::base::rng::Rng;
use crate::encode::sides::{COLOURS, SideKind};
use crate::learn::moments::fill;
use crate::learn::objectives::build::{Nets, Plan};
use crate::learn::objectives::cross_entropy::{Chooser, cross_entropy};
use crate::learn::objectives::picked::Picked;
use crate::learn::objectives::watch::{Shortcut, Watch};
use crate::learn::objectives::{Batch, Grads, Objective, Room};
use crate::nn::context::Context;
use crate::nn::params::Params;
use crate::nn::real::Real;

/// Share of a picture in one bin from which on it has no colours.
const ONE_COLOUR: f64 = 0.95;
/// Share that the running shares keep.
const MEMORY: f64 = 0.98;
/// Share of patches with the same colour as in the picture before, from which on nothing changes.
const STILL: f64 = 0.98;

/// The objective.
#[derive(Debug)]
pub struct Colorization<F> {
    tokens: usize,
    context: Context,
    head: Chooser,
    picked: Picked,
    logits: Vec<F>,
    /// Running share of each bin.
    shares: Vec<f64>,
    /// The last picture's labels, and when it was; none before the first.
    last: Vec<i8>,
    last_s: f64,
    /// The labels that [`Objective::watch`] takes in.
    newest: Vec<i8>,
    newest_s: f64,
    watch: Watch,
}

impl<F: Real> Colorization<F> {
    /// See [`Plan`].
    pub fn new(params: &mut Params, nets: &mut Nets, plan: &Plan<'_>) -> Self {
        let context = nets.around(params, plan);
        let head = Chooser::new(params, "colorization.head", context.width(), COLOURS);
        let tokens = plan.layout.len();
        let rows = plan.side * tokens;
        Self {
            tokens,
            picked: Picked::new(tokens, plan.side),
            logits: vec![F::zero(); rows * COLOURS],
            context,
            head,
            shares: vec![1.0 / COLOURS as f64; COLOURS],
            last: vec![-1; tokens],
            last_s: f64::NEG_INFINITY,
            newest: vec![-1; tokens],
            newest_s: f64::NEG_INFINITY,
            watch: Watch::at(STILL),
        }
    }
}

fn has_colours(labels: &[i8]) -> bool {
    let most =
        (0..COLOURS).map(|bin| labels.iter().filter(|&&l| usize::try_from(l) == Ok(bin)).count());
    (most.max().unwrap_or(0) as f64) < ONE_COLOUR * labels.len() as f64
}

impl<F: Real> Objective<F> for Colorization<F> {
    fn name(&self) -> &'static str {
        "colorization"
    }

    fn draw(&mut self, batch: Batch<'_, F>, _: &mut Rng) {
        self.picked.pick(batch, |kind| kind == SideKind::Grey);
    }

    fn loss(
        &mut self,
        room: &mut Room<F>,
        params: &[F],
        batch: Batch<'_, F>,
        share: F,
        grads: Grads<'_, F>,
    ) -> Option<F> {
        let count = self.picked.places().len();
        let labels_of = |window: usize| -> &[i8] {
            let (begin, len) = batch.side[self.picked.places()[window]].labels;
            batch.labels.get(begin..begin + len).unwrap_or_default()
        };
        let shown = (0..count).rev().find(|&window| has_colours(labels_of(window)))?;
        self.newest.copy_from_slice(labels_of(shown));
        self.newest_s = batch.side[self.picked.places()[shown]].at_s;
        self.picked.gather(batch, room, &[], |_| false);
        self.picked.forward(&self.context, params, room);
        let (hidden, grad_hidden) = room.space.hidden_and_grad();
        let logits = &mut self.logits[..count * self.tokens * COLOURS];
        self.head.forward(params, hidden, logits);
        let (tokens, shares) = (self.tokens, &self.shares);
        let answer = |row: usize| -> (usize, f64) {
            let labels = labels_of(row / tokens);
            let bin = usize::try_from(labels[row % tokens]).unwrap_or(0).min(COLOURS - 1);
            let weight = 1.0 / (0.5 * shares[bin] + 0.5 / COLOURS as f64);
            (bin, if has_colours(labels) { weight } else { 0.0 })
        };
        let choice = cross_entropy(logits, COLOURS, answer, share)?;
        self.head.backward(params, hidden, logits, grads.params, grad_hidden);
        self.picked.back(&self.context, params, batch, room, grads, |_| false);
        Some(choice.loss)
    }

    fn watch(&mut self) {
        // The same picture again, drawn twice, says nothing of what changes.
        if self.newest_s.to_bits() == self.last_s.to_bits() {
            return;
        }
        if self.last_s.is_finite() {
            let same = self.newest.iter().zip(&self.last).filter(|(a, b)| a == b).count();
            self.watch.observe(same as f64 / self.tokens as f64);
        }
        for (bin, share) in self.shares.iter_mut().enumerate() {
            let hits = self.newest.iter().filter(|&&l| usize::try_from(l) == Ok(bin)).count();
            *share = MEMORY * *share + (1.0 - MEMORY) * hits as f64 / self.tokens as f64;
        }
        self.last.copy_from_slice(&self.newest);
        self.last_s = self.newest_s;
    }

    fn watches(&mut self) -> &mut [Watch] {
        std::slice::from_mut(&mut self.watch)
    }

    fn shortcut(&self) -> Option<Shortcut> {
        self.watch.has_tripped().then_some(Shortcut::Still)
    }

    fn save(&self, to: &mut Writer) {
        self.watch.save(to);
        to.f64s(self.shares.iter().copied());
        to.i8s(&self.last);
        to.f64(self.last_s);
    }

    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        self.watch.load(from)?;
        fill(&mut self.shares, "shares of colours", from.f64s()?)?;
        fill(&mut self.last, "colours", from.i8s()?)?;
        self.last_s = from.f64()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::objectives::testing;

    /// Failure 19. Fails when `Picked::back` is not called: nothing then flows into net and adapter.
    #[test]
    fn gradients_match_finite_differences() {
        for scene in testing::scenes() {
            testing::check_gradients(&scene, Colorization::new);
        }
    }

    #[test]
    fn a_picture_in_one_colour_is_no_lesson() {
        assert!(!has_colours(&[12; 20]) && has_colours(&[12, 12, 3, 4]));
    }
}
