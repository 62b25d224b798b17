//! Adapter and objectives together: all that is trained, over one list of weights.

use std::ops::Range;

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::base::rng::Rng;
use crate::config::learn::LearnSettings;
use crate::learn::objectives::build::{Nets, Plan, Wanted, Weighted, objectives};
use crate::learn::objectives::head::HeadSpace;
use crate::learn::objectives::masked::PASSES;
use crate::learn::objectives::mixer::{Mixer, Notice};
use crate::learn::objectives::predictive::COPIES;
use crate::learn::objectives::unit::add_scaled;
use crate::learn::objectives::watch::Watch;
use crate::learn::objectives::{Batch, Grads, Room};
use crate::nn::adapter::{Adapter, AdapterSpace, Stretch};
use crate::nn::context::Context;
use crate::nn::layout::Layout;
use crate::nn::params::Params;

/// Objectives whose losses are of one kind: they are added as they are.
const ALIKE: [&str; 2] = ["masked_prediction", "predictive_coding"];
/// Objectives that guess tokens; they come first.
const GUESSING: [&str; 3] = ["masked_prediction", "predictive_coding", "autoencoding"];

/// The trained part; weights are handed in, so champion and challenger share one model.
#[derive(Debug)]
pub struct Model {
    params: Params,
    adapter: Adapter,
    objectives: Vec<Weighted<f32>>,
    /// How many of them guess tokens.
    guessing: usize,
    mixer: Mixer,
    /// Whether gradients are brought to one length before they are added.
    is_mixed: bool,
    wanted: Wanted,
    /// The net whose hidden states describe a window.
    context: Context,
    /// Parameters that objectives share.
    shared: Vec<Range<usize>>,
    width: usize,
    adapter_space: AdapterSpace<f32>,
    room: Room<f32>,
    z: Vec<f32>,
    grad_z: Vec<f32>,
    /// The gradient of one objective, and of the first.
    one: Vec<f32>,
    first: Vec<f32>,
}

impl Model {
    /// For whitened tokens of `dim` numbers and batches of `windows` windows.
    pub fn new(layout: Layout, dim: usize, windows: usize, settings: &LearnSettings) -> Self {
        let mut params = Params::default();
        let adapter = Adapter::identity(&mut params, "adapter", dim, settings.adapter_rank);
        let of_adapter = 0..params.len();
        let wanted = Wanted::of(layout, settings);
        let plan = Plan { layout, dim, windows, side: wanted.side(), settings };
        let mut nets = Nets::default();
        let objectives = objectives(&mut params, &mut nets, &plan);
        let (context, nets) = nets.describing(&mut params, &plan);
        let is = |names: &[&str], w: &Weighted<f32>| names.contains(&w.objective.name());
        let is_mixed = !objectives.iter().all(|w| is(&ALIKE, w));
        let tokens = layout.len();
        let rows = (windows + wanted.side()) * tokens + wanted.trail;
        let most_rows = if is_mixed { 2 * windows + wanted.side() } else { windows }.max(PASSES);
        let copies = if is_mixed { params.len() } else { 0 };
        Self {
            adapter_space: AdapterSpace::new(rows, &adapter),
            adapter,
            guessing: objectives.iter().filter(|w| is(&GUESSING, w)).count(),
            mixer: Mixer::new(objectives.len()),
            is_mixed,
            wanted,
            room: Room::new(&context, most_rows * tokens, dim),
            context,
            shared: [vec![of_adapter], nets.ranges].concat(),
            objectives,
            width: settings.width,
            z: vec![0.0; rows * dim],
            grad_z: vec![0.0; rows * dim],
            one: vec![0.0; copies],
            first: vec![0.0; copies],
            params,
        }
    }

    /// Where the weights lie.
    pub const fn params(&self) -> &Params {
        &self.params
    }

    /// The bounded part.
    pub const fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    /// Width of a hidden state.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// How many objectives guess tokens.
    pub const fn guessing(&self) -> usize {
        self.guessing
    }

    /// Which side windows its batches may have.
    pub const fn wanted(&self) -> Wanted {
        self.wanted
    }

    /// Whether any that guesses tokens is on.
    pub fn is_guessing(&self) -> bool {
        (0..self.guessing).any(|which| self.mixer.is_on(which))
    }

    /// Names of all objectives that have something to learn from here.
    pub fn all_names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.objectives.iter().map(|weighted| weighted.objective.name())
    }

    /// Names of the objectives that learn.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        let on = self.objectives.iter().enumerate().filter(|(which, _)| self.mixer.is_on(*which));
        on.map(|(_, weighted)| weighted.objective.name())
    }

    /// What was found out about an objective and not told yet.
    pub fn notice(&mut self) -> Option<Notice> {
        let (which, found, is_off, rest_steps) = self.mixer.notice()?;
        let objective = self.objectives[which].objective.name();
        Some(Notice { objective, found, is_off, rest_steps })
    }

    /// Whether an objective is to be switched off, or on again. Its guesses then leave surprise, or come back.
    pub fn turns(&self) -> bool {
        self.mixer.turns()
    }

    /// Asks the weights `all` about objectives that are to be switched off because they copy: those in training
    /// may have gone astray, which the guard will mend. Where `all` guess better than a copy, the objective goes
    /// on, and is watched anew. `grads` are lost.
    pub fn appeal(&mut self, all: &[f32], batch: Batch<'_, f32>, rng: &mut Rng, grads: &mut [f32]) {
        let z = &mut self.z[..batch.u.len()];
        let grad_z = &mut self.grad_z[..batch.u.len()];
        self.adapter.forward(all, batch.u, &mut self.adapter_space, z);
        let batch = Batch { z, ..batch };
        for (which, Weighted { objective, .. }) in self.objectives.iter_mut().enumerate() {
            if !self.mixer.seems_to_copy(which) {
                continue;
            }
            objective.draw(batch, rng);
            let to = Grads { params: &mut *grads, z: &mut *grad_z };
            let is_copying = objective.loss(&mut self.room, all, batch, 0.0, to).is_none()
                || objective.of_copying().is_none_or(|share| COPIES <= share);
            if !is_copying {
                self.mixer.acquit(which);
                objective.watches().iter_mut().for_each(Watch::restart);
            }
        }
    }

    /// Does so.
    pub fn turn(&mut self) {
        self.mixer.turn();
    }

    /// Keeps the adapter within its bound.
    pub fn cap(&self, all: &mut [f32], stretch: &mut Stretch<f32>, kappa: f32) {
        self.adapter.cap(all, stretch, kappa, 2);
    }

    /// The weighted loss of a batch of whitened tokens, whose `z` is not looked at; `grads` are cleared,
    /// then filled. `None` when there was nothing to learn from. Watches take the step in.
    pub fn loss(
        &mut self,
        all: &[f32],
        batch: Batch<'_, f32>,
        rng: &mut Rng,
        grads: &mut [f32],
    ) -> Option<f32> {
        let loss = if self.is_mixed {
            self.mixed_loss(all, batch, rng, grads)
        } else {
            self.plain_loss(all, batch, rng, grads)
        };
        for (which, Weighted { objective, .. }) in self.objectives.iter_mut().enumerate() {
            if !self.mixer.is_on(which) {
                if self.mixer.rest(which) {
                    objective.watches().iter_mut().for_each(Watch::restart);
                }
            } else if let Some(found) = objective.shortcut() {
                self.mixer.found(which, found);
            }
        }
        loss
    }

    /// Losses of one kind are added with their weights, and so are their gradients.
    fn plain_loss(
        &mut self,
        all: &[f32],
        batch: Batch<'_, f32>,
        rng: &mut Rng,
        grads: &mut [f32],
    ) -> Option<f32> {
        grads.fill(0.0);
        let z = &mut self.z[..batch.u.len()];
        let grad_z = &mut self.grad_z[..batch.u.len()];
        self.adapter.forward(all, batch.u, &mut self.adapter_space, z);
        grad_z.fill(0.0);
        let batch = Batch { z, ..batch };
        let mut sum = None;
        for (which, Weighted { weight, objective }) in self.objectives.iter_mut().enumerate() {
            if !self.mixer.is_on(which) {
                continue;
            }
            objective.draw(batch, rng);
            let to = Grads { params: &mut *grads, z: &mut *grad_z };
            if let Some(loss) = objective.loss(&mut self.room, all, batch, *weight, to) {
                objective.watch();
                sum = Some(sum.unwrap_or(0.0) + *weight * loss);
            }
        }
        self.adapter.backward(all, batch.u, &mut self.adapter_space, grads, grad_z);
        sum
    }

    /// Each gradient is brought to its usual length first, see [`crate::learn::objectives::mixer`].
    #[expect(clippy::cast_possible_truncation, reason = "computed in f64, used in f32")]
    fn mixed_loss(
        &mut self,
        all: &[f32],
        batch: Batch<'_, f32>,
        rng: &mut Rng,
        grads: &mut [f32],
    ) -> Option<f32> {
        grads.fill(0.0);
        let z = &mut self.z[..batch.u.len()];
        let grad_z = &mut self.grad_z[..batch.u.len()];
        self.adapter.forward(all, batch.u, &mut self.adapter_space, z);
        let batch = Batch { z, ..batch };
        let (mut sum, mut has_first) = (None, false);
        for (which, Weighted { weight, objective }) in self.objectives.iter_mut().enumerate() {
            if !self.mixer.is_on(which) {
                continue;
            }
            objective.draw(batch, rng);
            self.one.fill(0.0);
            grad_z.fill(0.0);
            let to = Grads { params: &mut self.one, z: &mut *grad_z };
            let Some(loss) = objective.loss(&mut self.room, all, batch, 1.0, to) else { continue };
            objective.watch();
            self.adapter.backward(all, batch.u, &mut self.adapter_space, &mut self.one, grad_z);
            let shared = product(&self.one, &self.one, &self.shared);
            let whole = 0..self.one.len();
            let squared = if 0.0 < shared {
                shared
            } else {
                product(&self.one, &self.one, std::slice::from_ref(&whole))
            };
            let scale = f64::from(*weight) * self.mixer.scale(which, squared.sqrt());
            add_scaled(grads, scale as f32, &self.one);
            if !has_first {
                self.first.copy_from_slice(&self.one);
                has_first = true;
            } else {
                let of_first = product(&self.first, &self.first, &self.shared);
                let lengths = (of_first * shared).sqrt();
                if 0.0 < lengths {
                    let cosine = product(&self.first, &self.one, &self.shared) / lengths;
                    self.mixer.compare(which, cosine);
                }
            }
            sum = Some(sum.unwrap_or(0.0) + *weight * loss);
        }
        sum
    }

    /// The weighted loss alone: changes nothing but scratch. For judging weights by objectives that
    /// guess no tokens.
    pub fn try_loss(&mut self, all: &[f32], batch: Batch<'_, f32>, rng: &mut Rng) -> Option<f32> {
        let z = &mut self.z[..batch.u.len()];
        let grad_z = &mut self.grad_z[..batch.u.len()];
        self.adapter.forward(all, batch.u, &mut self.adapter_space, z);
        let batch = Batch { z, ..batch };
        let mut sum = None;
        for (which, Weighted { weight, objective }) in self.objectives.iter_mut().enumerate() {
            if !self.mixer.is_on(which) {
                continue;
            }
            objective.draw(batch, rng);
            let to = Grads { params: &mut self.one, z: &mut *grad_z };
            if let Some(loss) = objective.loss(&mut self.room, all, batch, 1.0, to) {
                sum = Some(sum.unwrap_or(0.0) + *weight * loss);
            }
        }
        sum
    }

    /// What objective `which` of those that guess guesses of one window, and its weight; nothing when it
    /// is off.
    pub fn guess(
        &mut self,
        all: &[f32],
        u: &[f32],
        valid: usize,
        which: usize,
    ) -> (f32, &[HeadSpace<f32>]) {
        let Weighted { weight, objective } = &mut self.objectives[which];
        if !self.mixer.is_on(which) {
            return (*weight, &[]);
        }
        let z = &mut self.z[..u.len()];
        self.adapter.forward(all, u, &mut self.adapter_space, z);
        (*weight, objective.guess(&mut self.room, all, Batch::plain(u, z, &[valid])))
    }

    /// `out ← [mean hidden state | largest hidden state]` over the valid tokens; `out: [2 · width]`.
    pub fn embed(&mut self, all: &[f32], u: &[f32], valid: usize, out: &mut [f32]) {
        let z = &mut self.z[..u.len()];
        self.adapter.forward(all, u, &mut self.adapter_space, z);
        let (mean, most) = out.split_at_mut(self.width);
        mean.fill(0.0);
        most.fill(f32::NEG_INFINITY);
        self.context.forward(all, z, &[valid], &mut self.room.space);
        for row in self.room.space.hidden().chunks_exact(self.width).take(valid) {
            for ((mean, most), &x) in mean.iter_mut().zip(most.iter_mut()).zip(row) {
                *mean += x / valid as f32;
                *most = most.max(x);
            }
        }
    }

    /// Appends what was found out about the objectives.
    pub fn save(&self, to: &mut Writer) {
        self.mixer.save(to);
        self.objectives.iter().for_each(|weighted| weighted.objective.save(to));
    }

    /// Reads what [`Model::save`] wrote, for the same objectives.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        self.mixer.load(from)?;
        self.objectives.iter_mut().try_for_each(|weighted| weighted.objective.load(from))
    }
}

/// `Σ a ∘ b` over some ranges, in `f64` and in eight strands, which vectorise and whose order is fixed.
fn product(a: &[f32], b: &[f32], ranges: &[Range<usize>]) -> f64 {
    let mut sum = 0.0;
    for range in ranges {
        let (a, rest_a) = a[range.clone()].as_chunks::<8>();
        let (b, rest_b) = b[range.clone()].as_chunks::<8>();
        let mut strands = [0.0_f64; 8];
        for (a, b) in a.iter().zip(b) {
            for ((strand, &a), &b) in strands.iter_mut().zip(a).zip(b) {
                *strand += f64::from(a) * f64::from(b);
            }
        }
        sum += strands.iter().sum::<f64>();
        sum += rest_a.iter().zip(rest_b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    }
    sum
}
