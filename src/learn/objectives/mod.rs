//! What is learnt without labels, one file each, behind one trait.
//!
//! [`masked`] and [`predictive`] guess tokens, and the first of them is on by default. The others describe
//! whole windows alike or apart, tell orders and orientations apart, or rebuild what was taken away.
//! Every one of them can be solved without learning anything about the place; what gives that away is
//! watched ([`watch`]), and [`mixer`] switches such an objective off. Formulae and sources are in each
//! file; no gradient ever flows into a target.

pub mod album;
pub mod align_uniform;
pub mod autoencoding;
pub mod build;
pub mod colorization;
pub mod contrastive_predictive;
pub mod contrastive_views;
pub mod cross_entropy;
pub mod cross_modal;
pub mod head;
pub mod info_nce;
pub mod inpainting;
pub mod masked;
pub mod mixer;
pub mod picked;
pub mod predictive;
pub mod rotation;
pub mod temporal_order;
#[cfg(test)]
mod testing;
pub mod twins;
pub mod unit;
pub mod vicreg;
pub mod views;
pub mod watch;

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::base::rng::Rng;
use crate::encode::sides::SideKind;
use crate::learn::objectives::head::HeadSpace;
use crate::learn::objectives::watch::{Shortcut, Watch};
use crate::nn::context::{Context, ContextSpace};
use crate::nn::real::Real;

/// What a batch is made of: whole windows, then side windows, then the trail, as rows of one list.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a, F> {
    /// Whitened tokens, the targets; `[(windows + side) · tokens + trail, dim]`.
    pub u: &'a [F],
    /// Adapted tokens, the input; like `u`.
    pub z: &'a [F],
    /// Valid tokens of each window.
    pub valid: &'a [usize],
    /// When each window began, seconds.
    pub at_s: &'a [f64],
    /// What the side windows are.
    pub side: &'a [SideWindow],
    /// What belongs to the tokens of side windows, one list after the other.
    pub labels: &'a [i8],
    /// When each row of the trail was: mean tokens of the newest windows, oldest first. Seconds.
    pub trail_s: &'a [f64],
}

impl<'a, F> Batch<'a, F> {
    /// Windows alone, without times, side windows and trail.
    pub const fn plain(u: &'a [F], z: &'a [F], valid: &'a [usize]) -> Self {
        Self { u, z, valid, at_s: &[], side: &[], labels: &[], trail_s: &[] }
    }

    /// Rows of windows, then of windows and side windows, each window having `tokens` rows.
    pub const fn rows(&self, tokens: usize) -> [usize; 2] {
        let windows = self.valid.len() * tokens;
        [windows, windows + self.side.len() * tokens]
    }
}

/// A window that was made from another one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SideWindow {
    /// How.
    pub kind: SideKind,
    /// When the window that it was made from began, seconds.
    pub at_s: f64,
    /// Its valid tokens.
    pub valid: usize,
    /// Where its labels begin in [`Batch::labels`], and how many there are.
    pub labels: (usize, usize),
}

/// Where an objective adds its gradients.
#[derive(Debug)]
pub struct Grads<'a, F> {
    /// By every parameter.
    pub params: &'a mut [F],
    /// By every number of [`Batch::z`].
    pub z: &'a mut [F],
}

/// Room to compute in, shared by all objectives, used by one at a time.
#[derive(Debug)]
pub struct Room<F> {
    /// Numbers of a token.
    pub dim: usize,
    /// Of a context net; all of them have the same width and number of steps.
    pub space: ContextSpace<F>,
    /// A net's input, `[rows, dim]`.
    pub x: Vec<F>,
    /// The derivative by `x`.
    pub grad_x: Vec<F>,
}

impl<F: Real> Room<F> {
    /// For `rows` tokens of `dim` numbers at most.
    pub fn new(context: &Context, rows: usize, dim: usize) -> Self {
        Self {
            dim,
            space: context.space(rows),
            x: vec![F::zero(); rows * dim],
            grad_x: vec![F::zero(); rows * dim],
        }
    }
}

/// One way to learn from windows alone.
///
/// An objective owns its place among the parameters and the space it computes in; the parameters
/// themselves are handed in, so that champion and challenger share one objective.
pub trait Objective<F: Real>: std::fmt::Debug + Send {
    /// As in the configuration.
    fn name(&self) -> &'static str;

    /// Draws the random part of the next loss of this batch; looks at no number of it.
    fn draw(&mut self, batch: Batch<'_, F>, rng: &mut Rng);

    /// The loss of a batch, as drawn; adds `share` times its gradients to `grads`. `None` when there
    /// was nothing to learn from.
    fn loss(
        &mut self,
        room: &mut Room<F>,
        params: &[F],
        batch: Batch<'_, F>,
        share: F,
        grads: Grads<'_, F>,
    ) -> Option<F>;

    /// Guesses every token of one window that can be guessed, without chance. Empty for objectives
    /// that guess no tokens: they say nothing of surprise.
    fn guess(
        &mut self,
        _room: &mut Room<F>,
        _params: &[F],
        _window: Batch<'_, F>,
    ) -> &[HeadSpace<F>] {
        &[]
    }

    /// Takes in how the last loss could have been had without learning.
    fn watch(&mut self) {}

    /// What watches it, to begin anew when it is tried again.
    fn watches(&mut self) -> &mut [Watch] {
        &mut []
    }

    /// The error of the last loss as a share of that of copying; `None` where nothing is guessed by copying.
    fn of_copying(&self) -> Option<f64> {
        None
    }

    /// What it was found to be solved by, instead of learning.
    fn shortcut(&self) -> Option<Shortcut> {
        None
    }

    /// Appends what its watch has seen.
    fn save(&self, _to: &mut Writer) {}

    /// Reads what [`Objective::save`] wrote.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    fn load(&mut self, _from: &mut Reader<'_>) -> Result<(), Malformed> {
        Ok(())
    }
}
