//! A model in training, on lessons made up for it.

use habituate::base::rng::Rng;
use habituate::config::learn::LearnToml;
use habituate::learn::model::Model;
use habituate::learn::objectives::mixer::Notice;
use habituate::learn::objectives::{Batch, SideWindow};
use habituate::nn::adam::{Adam, AdamSettings};
use habituate::nn::layout::Layout;

pub(crate) const TOKENS: usize = 6;
pub(crate) const DIM: usize = 4;
pub(crate) const WINDOWS: usize = 6;
pub(crate) const SOUND: Layout = Layout::Sequence { len: TOKENS };
pub(crate) const PICTURE: Layout = Layout::Grid { rows: 2, cols: 3 };

pub(crate) fn quiet() -> LearnToml {
    LearnToml {
        masked_prediction: 0.0,
        width: 8,
        adapter_rank: 2,
        dilations: vec![1],
        horizons: vec![1],
        mask_spans: vec![2],
        ..LearnToml::default()
    }
}

/// A model in training.
pub(crate) struct School {
    pub(crate) model: Model,
    pub(crate) all: Vec<f32>,
    pub(crate) grads: Vec<f32>,
    adam: Adam<f32>,
    pub(crate) rng: Rng,
}

impl School {
    pub(crate) fn new(layout: Layout, learn: LearnToml) -> Self {
        let model = Model::new(layout, DIM, WINDOWS, &learn.check().unwrap());
        let mut rng = Rng::from_seed(1);
        let all: Vec<f32> = model.params().start(&mut rng);
        let settings = AdamSettings {
            rate: 3e-3,
            warm_up: 20,
            beta1: 0.0,
            beta2: 0.99,
            clip: 1.0,
            decay: 0.0,
        };
        let adam = Adam::new(settings, all.len());
        Self { grads: vec![0.0; all.len()], model, all, adam, rng }
    }

    /// Up to `steps` steps on batches from `next`; the first thing that is noticed, and when.
    pub(crate) fn attend(
        &mut self,
        steps: usize,
        mut next: impl FnMut(&mut Rng) -> Lesson,
    ) -> Option<(usize, Notice)> {
        let mut rng = Rng::from_seed(2);
        for step in 0..steps {
            let Lesson { u, at_s, valid, side, labels, trail } = next(&mut rng);
            let batch = Batch {
                u: &u,
                z: &[],
                valid: &[valid; WINDOWS],
                at_s: &at_s,
                side: &side,
                labels: &labels,
                trail_s: &vec![0.0; trail],
            };
            let loss = self.model.loss(&self.all, batch, &mut self.rng, &mut self.grads);
            assert!(loss.is_none_or(f32::is_finite), "step {step}: {loss:?}");
            let anchor = self.all.clone();
            self.adam.step(&mut self.all, &self.grads, &anchor).unwrap();
            if self.model.turns() {
                self.model.turn();
            }
            if let Some(notice) = self.model.notice() {
                return Some((step, notice));
            }
        }
        None
    }
}

/// Whitened tokens of one batch: windows, side windows, trail.
pub(crate) struct Lesson {
    pub(crate) u: Vec<f32>,
    /// When each window began, seconds.
    pub(crate) at_s: [f64; WINDOWS],
    /// Valid tokens of each window.
    pub(crate) valid: usize,
    pub(crate) side: Vec<SideWindow>,
    /// Of the side windows' tokens.
    pub(crate) labels: Vec<i8>,
    pub(crate) trail: usize,
}

pub(crate) fn windows(u: Vec<f32>) -> Lesson {
    let at_s = std::array::from_fn(|window| 60.0 * window as f64);
    Lesson { u, at_s, valid: TOKENS, side: Vec::new(), labels: Vec::new(), trail: 0 }
}

pub(crate) fn normal(rng: &mut Rng) -> f32 {
    (0..12).map(|_| rng.unit_f32()).sum::<f32>() - 6.0
}

pub(crate) fn noise(rows: usize, rng: &mut Rng) -> Vec<f32> {
    (0..rows * DIM).map(|_| normal(rng)).collect()
}

/// Windows whose tokens change slowly: each is `keep` of the one before, the rest new.
pub(crate) fn slow(keep: f32, rng: &mut Rng) -> Vec<f32> {
    let fresh = (1.0 - keep * keep).sqrt();
    let mut u = Vec::new();
    for _ in 0..WINDOWS {
        let mut token = noise(1, rng);
        for _ in 0..TOKENS {
            token.iter_mut().for_each(|x| *x = keep * *x + fresh * normal(rng));
            u.extend_from_slice(&token);
        }
    }
    u
}

/// Windows of two waves that turn by a sixth from token to token: easy to guess, and never a copy.
pub(crate) fn waves(rng: &mut Rng) -> Vec<f32> {
    let mut u = Vec::new();
    for _ in 0..WINDOWS {
        let phase = std::f32::consts::TAU * rng.unit_f32();
        for token in 0..TOKENS {
            let angle = phase + std::f32::consts::TAU * token as f32 / 6.0;
            u.extend([angle.sin(), angle.cos(), -angle.cos(), angle.sin()].map(|x| 1.4 * x));
        }
    }
    u
}
