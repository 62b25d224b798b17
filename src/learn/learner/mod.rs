//! One source's learner: scores a window, then learns from it.
//!
//! Order, for every window: [`Learner::score`], report, [`Learner::learn`]. Nothing adaptive sees a
//! window before its score is told. All randomness comes from one seeded generator, and everything
//! that changes is in the checkpoint: stopping and resuming equals never having stopped.

mod embed;
mod gather;
mod names;
mod recall;
mod report;
mod start;
mod state;
mod train;

use crate::base::rng::Rng;
use crate::config::learn::LearnSettings;
use crate::encode::latent::{Latent, LatentShape};
use crate::learn::classes::Classes;
use crate::learn::classes::taught::MOST_BYTES;
use crate::learn::codec::Codec;
use crate::learn::density::{Distance, Past};
use crate::learn::gate::{Admission, Gate};
use crate::learn::guard::Guard;
use crate::learn::memory::Memory;
use crate::learn::model::Model;
use crate::learn::moments::Moments;
use crate::learn::novelty::Novelty;
use crate::learn::objectives::SideWindow;
use crate::learn::objectives::album::Album;
use crate::learn::surprise::{Reading, Surprise};
use crate::learn::whiten::{Projection, Whitener};
use crate::nn::adam::Adam;
use crate::nn::adapter::Stretch;
use crate::nn::layout::Layout;

pub use recall::{Found, Moment};
pub use report::LearnReport;
use report::Skill;

/// Seconds in a day.
const DAY_S: f64 = 86_400.0;

/// What the champion says of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Raw channel: how far the tokens are from what was expected; 0 before anything was fitted.
    pub surprise: f32,
    /// Raw channel: how far the embedding is from those met; 0 before anything was fitted.
    pub density: f32,
    /// Deviations above the usual. `None` during warm-up.
    pub novelty: Option<f32>,
    /// The chance of a novelty at least as large. `None` during warm-up.
    pub p_value: Option<f32>,
    /// This window raises an alarm.
    pub event: bool,
    state: Scored,
}

/// How far scoring came.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Scored {
    /// The latent has the wrong shape, no valid token, or a number that is not finite.
    Refused,
    /// Nothing is fitted yet.
    TooEarly,
    /// Done; what the model did, what guessing the token before would have done, whether so large a
    /// novelty is rarer than the wanted number of events, and the p-value that the gate goes by.
    Done { reading: Reading, persistence: Option<f32>, is_rare: bool, lasting_p: Option<f32> },
}

impl Score {
    const fn without(state: Scored) -> Self {
        Self { surprise: 0.0, density: 0.0, novelty: None, p_value: None, event: false, state }
    }

    /// Whether the two raw channels have been read; before, both are 0.
    pub fn is_read(&self) -> bool {
        matches!(self.state, Scored::Done { .. })
    }

    /// Whether the latent was refused: it has the wrong shape, or numbers that are not finite.
    pub fn is_refused(&self) -> bool {
        self.state == Scored::Refused
    }
}

/// What came of learning from a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Learnt {
    /// What the gate said; `None` when the window was refused or learning is frozen.
    pub admission: Option<Admission>,
    /// Optimiser steps done.
    pub updates: u32,
    /// Whether the champion changed.
    pub committed: bool,
}

/// Windows of the whole of warm-up, before there is a codec to store them with.
#[derive(Debug, Clone, PartialEq)]
struct Waiting {
    tokens: Vec<f32>,
    embedding: Vec<f32>,
    valid_tokens: usize,
    at_s: f64,
}

/// When things happened, in the time of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Times {
    last_s: Option<f64>,
    /// Usual time between windows; 0 while unknown.
    interval_s: f64,
    last_rare_s: Option<f64>,
}

/// What is counted here; the guard counts its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Counts {
    windows: u64,
    refused: u64,
    duplicates: u64,
    quarantined: u64,
    admitted: u64,
    events: u64,
    refused_updates: u64,
}

/// Reused from window to window; nothing in it outlives a call.
#[derive(Debug)]
struct Scratch {
    /// Projected tokens of one window, whitened ones, and its prepared embedding.
    x: Vec<f32>,
    u: Vec<f32>,
    embedding: Vec<f32>,
    batch_u: Vec<f32>,
    batch_valid: Vec<usize>,
    batch_at_s: Vec<f64>,
    side: Vec<SideWindow>,
    labels: Vec<i8>,
    trail_s: Vec<f64>,
    grads: Vec<f32>,
    held_out: Vec<usize>,
    readings: [Vec<Reading>; 2],
    errors: [Vec<f32>; 3],
    /// The mean of remembered windows, for adapted embeddings; empty while it must be found anew.
    middle: Vec<f32>,
}

/// See the module.
#[derive(Debug)]
pub struct Learner {
    shape: LatentShape,
    settings: LearnSettings,
    seed: u64,
    rng: Rng,
    is_frozen: bool,

    projection: Projection,
    moments: Moments,
    whitener: Whitener,
    /// Admitted windows at which the whitener is fitted again.
    fit_at: u64,
    token_codec: Codec,
    embedding_codec: Codec,
    waiting: Vec<Waiting>,

    memory: Memory,
    /// Quarantined windows: never learnt from, but somebody may want to name them.
    aside: Memory,
    classes: Classes,
    /// Where the window before lies, if it was stored. It overlaps the next one, so it does not count
    /// as a memory of it.
    last_slot: Option<usize>,
    distance: Distance,
    surprise: Surprise,
    novelty: Novelty<2>,
    gate: Gate,
    guard: Guard,

    model: Model,
    album: Album,
    /// When the album last got a moment.
    side_s: Option<f64>,
    champion: Vec<f32>,
    challenger: Vec<f32>,
    adam: Adam<f32>,
    stretch: Stretch<f32>,
    credit: f64,
    batch_windows: usize,

    /// Whitened tokens of the last window, for persistence in pictures.
    previous_u: Vec<f32>,
    has_previous: bool,
    skill: Skill,
    times: Times,
    counts: Counts,
    /// Scratch: what was read last, while [`Surprise`] still holds its errors.
    last_read: Option<Reading>,
    scratch: Scratch,
}

/// The channel of [`Novelty`] that moves when weights do.
const SURPRISE: usize = 0;

impl Learner {
    /// Judges a window with the champion, against the past only. Changes nothing but scratch.
    pub fn score(&mut self, latent: &Latent) -> Score {
        if !self.is_acceptable(latent) {
            return Score::without(Scored::Refused);
        }
        if !self.whitener.is_fitted() {
            return Score::without(Scored::TooEarly);
        }
        self.prepare(latent);
        let valid = latent.valid_tokens;
        let reading = self.surprise.read(&mut self.model, &self.champion, &self.scratch.u, valid);
        let past = Past { memory: &self.memory, codec: &self.embedding_codec };
        let density =
            self.distance.of(&self.scratch.embedding, past, self.last_slot).unwrap_or(0.0);
        let judged = self.novelty.judge([reading.surprise, density]);
        let is_rare = judged.is_some_and(|judged| self.is_rare(judged.p_value));
        self.last_read = Some(reading);
        Score {
            surprise: reading.surprise,
            density,
            novelty: judged.map(|judged| judged.novelty),
            p_value: judged.map(|judged| judged.p_value),
            event: is_rare && !self.is_soon(),
            state: Scored::Done {
                reading,
                persistence: self.persistence_error(valid),
                is_rare,
                lasting_p: judged.map(|judged| judged.lasting_p_value),
            },
        }
    }

    fn is_acceptable(&self, latent: &Latent) -> bool {
        latent.tokens.dim() == (self.shape.layout.len(), self.shape.token_dim)
            && latent.embedding.len() == self.shape.embedding_dim
            && (1..=self.shape.layout.len()).contains(&latent.valid_tokens)
            && latent.is_finite()
    }

    /// Rarer than the wanted number a day.
    fn is_rare(&self, p_value: f32) -> bool {
        let interval_s = self.times.interval_s;
        0.0 < interval_s && f64::from(p_value) * DAY_S <= self.settings.events_per_day * interval_s
    }

    /// Whether something rare was there less than the cooldown ago: then what is rare now belongs to
    /// the same event, however long it lasts.
    fn is_soon(&self) -> bool {
        let Times { last_s, interval_s, last_rare_s } = self.times;
        let now_s = last_s.map(|last_s| last_s + interval_s);
        last_rare_s
            .zip(now_s)
            .is_some_and(|(rare_s, now_s)| now_s < rare_s + self.settings.cooldown_s)
    }

    /// Fills `scratch.x`, `scratch.u` and `scratch.embedding`; tokens that are not valid become zero.
    fn prepare(&mut self, latent: &Latent) {
        let Scratch { x, u, embedding, .. } = &mut self.scratch;
        self.distance.prepare(&latent.embedding, embedding);
        if let Some(tokens) = latent.tokens.as_slice() {
            self.projection.apply(tokens, x);
        }
        self.whitener.apply(x, u);
        u[latent.valid_tokens * self.whitener.out_dim()..].fill(0.0);
    }

    /// Mean squared error of guessing, for `scratch.u`, the token before; in a picture, the patch one
    /// frame earlier.
    fn persistence_error(&self, valid: usize) -> Option<f32> {
        let dim = self.whitener.out_dim();
        let now = &self.scratch.u[..valid * dim];
        let (now, before) = match self.shape.layout {
            Layout::Sequence { .. } => (&now[dim..], &now[..now.len() - dim]),
            Layout::Grid { .. } if self.has_previous => (now, &self.previous_u[..valid * dim]),
            Layout::Grid { .. } => return None,
        };
        let sum: f32 = now.iter().zip(before).map(|(a, b)| (a - b) * (a - b)).sum();
        (!now.is_empty()).then(|| sum / now.len() as f32)
    }

    /// Takes a window that was just scored into the past, and learns from it as far as it may.
    /// `at_s` is when the window began, in seconds of the stream.
    pub fn learn(&mut self, latent: &Latent, score: &Score, at_s: f64) -> Learnt {
        self.counts.windows += 1;
        if !self.is_acceptable(latent) || !at_s.is_finite() || score.is_refused() {
            self.counts.refused += 1;
            return Learnt::default();
        }
        let interval_s = self.advance(at_s);
        self.counts.events += u64::from(score.event);
        if matches!(score.state, Scored::Done { is_rare: true, .. }) {
            self.times.last_rare_s = Some(at_s);
        }
        if self.is_frozen {
            return Learnt::default();
        }
        if !self.whitener.is_fitted() {
            self.wait(latent, at_s);
            return Learnt { admission: Some(Admission::Admitted), ..Learnt::default() };
        }
        self.scratch.middle.clear();
        self.prepare(latent);
        let is_settled = self.settings.quarantine_after_windows <= self.counts.admitted;
        let lasting_p = match score.state {
            Scored::Done { lasting_p, .. } if is_settled => lasting_p,
            _ => None,
        };
        let admission = self.gate.decide(&self.scratch.embedding, lasting_p, interval_s);
        self.remember_score(latent, score, admission);
        match admission {
            Admission::Admitted => self.admit(latent.valid_tokens, at_s),
            Admission::Duplicate => self.counts.duplicates += 1,
            Admission::Quarantined => {
                self.counts.quarantined += 1;
                self.lay_aside(latent.valid_tokens, at_s);
            }
        }
        if admission != Admission::Admitted {
            self.last_slot = None;
        }
        if admission == Admission::Quarantined {
            return Learnt { admission: Some(admission), ..Learnt::default() };
        }
        let (updates, committed) = self.train();
        Learnt { admission: Some(admission), updates, committed }
    }

    /// Moves the stream's time on; gives the time since the last window, as far as it is usual.
    fn advance(&mut self, at_s: f64) -> f64 {
        let times = &mut self.times;
        let passed = times.last_s.map_or(0.0, |last_s| (at_s - last_s).max(0.0));
        times.last_s = Some(at_s);
        if times.interval_s <= 0.0 {
            times.interval_s = passed;
            return passed;
        }
        // A gap is not an interval: it counts as four.
        let usual = passed.min(4.0 * times.interval_s);
        times.interval_s += 0.05 * (usual - times.interval_s);
        usual
    }

    /// Histories and skills; `scratch.u` holds the window.
    fn remember_score(&mut self, latent: &Latent, score: &Score, admission: Admission) {
        let Scored::Done { reading, persistence, .. } = score.state else { return };
        let is_strange = admission == Admission::Quarantined;
        if self.gate.enters_histories(admission)
            && !self.novelty.observe([score.surprise, score.density], is_strange)
        {
            self.counts.refused += 1;
        }
        self.skill.observe(reading, persistence);
        if admission == Admission::Admitted {
            if self.last_read != Some(reading) {
                let valid = latent.valid_tokens;
                self.surprise.read(&mut self.model, &self.champion, &self.scratch.u, valid);
            }
            self.surprise.observe_last();
        }
        self.previous_u.copy_from_slice(&self.scratch.u);
        self.has_previous = true;
    }

    /// No more learning from now on; scores go on, against what is known now.
    pub const fn freeze(&mut self) {
        self.is_frozen = true;
    }

    /// Novelty above which a window raises an alarm; `None` during warm-up.
    pub fn threshold(&self) -> Option<f32> {
        let p = self.settings.events_per_day * self.times.interval_s / DAY_S;
        self.novelty.at(p)
    }

    /// Bytes that grow with sizes in the configuration: memory, histories, weights and covariances.
    /// Scratch for a batch comes on top.
    pub fn state_bytes(&self) -> usize {
        let weights = 5 * size_of::<f32>() * self.champion.len();
        let covariance = size_of::<f64>() * self.projection.out_dim().pow(2);
        self.memory.bytes()
            + self.album.bytes()
            + self.aside.bytes()
            + 2 * MOST_BYTES
            + self.distance.bytes()
            + self.surprise.bytes()
            + self.novelty.bytes()
            + weights
            + covariance
            + size_of::<f32>() * self.projection.len()
    }
}
