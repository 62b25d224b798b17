//! Adapter and objectives together: all that is trained, over one list of weights.

use crate::base::rng::Rng;
use crate::config::learn::LearnSettings;
use crate::learn::head::HeadSpace;
use crate::learn::masked::MaskedPrediction;
use crate::learn::objective::{Batch, Objective};
use crate::learn::predictive::PredictiveCoding;
use crate::nn::adapter::{Adapter, AdapterSpace, Stretch};
use crate::nn::layout::Layout;
use crate::nn::params::Params;

/// An objective and its weight, above 0.
#[derive(Debug)]
struct Weighted {
    weight: f32,
    objective: Box<dyn Objective<f32>>,
}

/// The trained part; weights are handed in, so champion and challenger share one model.
#[derive(Debug)]
pub struct Model {
    params: Params,
    adapter: Adapter,
    objectives: Vec<Weighted>,
    width: usize,
    adapter_space: AdapterSpace<f32>,
    z: Vec<f32>,
    grad_z: Vec<f32>,
}

impl Model {
    /// For whitened tokens of `dim` numbers and batches of `windows` windows.
    pub fn new(layout: Layout, dim: usize, windows: usize, settings: &LearnSettings) -> Self {
        let mut params = Params::default();
        let adapter = Adapter::identity(&mut params, "adapter", dim, settings.adapter_rank);
        let mut objectives = Vec::new();
        if 0.0 < settings.masked_prediction {
            let objective: Box<dyn Objective<f32>> =
                Box::new(MaskedPrediction::new(&mut params, layout, dim, windows, settings));
            objectives.push(Weighted { weight: settings.masked_prediction, objective });
        }
        if 0.0 < settings.predictive_coding
            && let Some(predictive) =
                PredictiveCoding::new(&mut params, layout, dim, windows, settings)
        {
            let weight = settings.predictive_coding;
            objectives.push(Weighted { weight, objective: Box::new(predictive) });
        }
        let rows = layout.len() * windows;
        Self {
            adapter_space: AdapterSpace::new(rows, &adapter),
            params,
            adapter,
            objectives,
            width: settings.width,
            z: vec![0.0; rows * dim],
            grad_z: vec![0.0; rows * dim],
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

    /// How many objectives there are.
    pub fn objectives(&self) -> usize {
        self.objectives.len()
    }

    /// Keeps the adapter within its bound.
    pub fn cap(&self, all: &mut [f32], stretch: &mut Stretch<f32>, kappa: f32) {
        self.adapter.cap(all, stretch, kappa, 2);
    }

    /// The weighted loss of a batch of whitened tokens; `grads` are cleared, then filled. `None` when
    /// there was nothing to guess.
    pub fn loss(
        &mut self,
        all: &[f32],
        u: &[f32],
        valid: &[usize],
        rng: &mut Rng,
        grads: &mut [f32],
    ) -> Option<f32> {
        grads.fill(0.0);
        let z = &mut self.z[..u.len()];
        let grad_z = &mut self.grad_z[..u.len()];
        self.adapter.forward(all, u, &mut self.adapter_space, z);
        grad_z.fill(0.0);
        let mut sum = None;
        for Weighted { weight, objective } in &mut self.objectives {
            objective.draw(valid, rng);
            let batch = Batch { u, z, valid };
            if let Some(loss) = objective.loss(all, batch, *weight, grads, grad_z) {
                sum = Some(sum.unwrap_or(0.0) + *weight * loss);
            }
        }
        self.adapter.backward(all, u, &mut self.adapter_space, grads, grad_z);
        sum
    }

    /// What objective `which` guesses of one window, and its weight.
    pub fn guess(
        &mut self,
        all: &[f32],
        u: &[f32],
        valid: usize,
        which: usize,
    ) -> (f32, &[HeadSpace<f32>]) {
        let z = &mut self.z[..u.len()];
        self.adapter.forward(all, u, &mut self.adapter_space, z);
        let Weighted { weight, objective } = &mut self.objectives[which];
        (*weight, objective.guess(all, Batch { u, z, valid: &[valid] }))
    }

    /// `out ← [mean hidden state | largest hidden state]` over the valid tokens; `out: [2 · width]`.
    pub fn embed(&mut self, all: &[f32], u: &[f32], valid: usize, out: &mut [f32]) {
        let z = &mut self.z[..u.len()];
        self.adapter.forward(all, u, &mut self.adapter_space, z);
        let (mean, most) = out.split_at_mut(self.width);
        mean.fill(0.0);
        most.fill(f32::NEG_INFINITY);
        if let Some(Weighted { objective, .. }) = self.objectives.first_mut() {
            let hidden = objective.hidden(all, Batch { u, z, valid: &[valid] });
            for row in hidden.chunks_exact(self.width).take(valid) {
                for ((mean, most), &x) in mean.iter_mut().zip(most.iter_mut()).zip(row) {
                    *mean += x / valid as f32;
                    *most = most.max(x);
                }
            }
        }
    }
}
