//! What is learnt without labels: guess the hidden, guess the next.

use crate::base::rng::Rng;
use crate::learn::head::HeadSpace;
use crate::nn::real::Real;

/// Windows one after the other, each with the same number of tokens.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a, F> {
    /// Whitened tokens, the targets; `[windows · tokens, dim]`.
    pub u: &'a [F],
    /// Adapted tokens, the input; like `u`.
    pub z: &'a [F],
    /// Valid tokens of each window.
    pub valid: &'a [usize],
}

/// One way to learn from windows alone.
///
/// An objective owns its place among the parameters and the space it computes in; the parameters
/// themselves are handed in, so that champion and challenger share one objective.
pub trait Objective<F: Real>: std::fmt::Debug + Send {
    /// As in the configuration.
    fn name(&self) -> &'static str;

    /// Draws the random part of the next loss for windows with so many valid tokens.
    fn draw(&mut self, valid: &[usize], rng: &mut Rng);

    /// The loss of a batch, as drawn; adds `share` times its gradients to `grads` and, by `z`, to
    /// `grad_z`. `None` when there was nothing to guess.
    fn loss(
        &mut self,
        params: &[F],
        batch: Batch<'_, F>,
        share: F,
        grads: &mut [F],
        grad_z: &mut [F],
    ) -> Option<F>;

    /// Guesses every token of one window that can be guessed, without chance.
    fn guess(&mut self, params: &[F], window: Batch<'_, F>) -> &[HeadSpace<F>];

    /// Hidden states of one window with nothing hidden, `[tokens, width]`.
    fn hidden(&mut self, params: &[F], window: Batch<'_, F>) -> &[F];
}
