//! One source's learner: scores a window, then learns from it.
//!
//! Order, for every window: [`Learner::score`], report, [`Learner::learn`]. Nothing adaptive sees a
//! window before its score is told. All randomness comes from one seeded generator, and everything
//! that changes is in the checkpoint: stopping and resuming equals never having stopped.

mod alarms;
mod compare;
mod embed;
mod gather;
mod inspect;
mod marks;
mod names;
mod recall;
mod report;
mod score;
mod start;
mod state;
mod train;
mod window;

use crate::base::rng::Rng;
use crate::config::learn::LearnSettings;
use crate::encode::latent::{Latent, LatentShape};
use crate::learn::classes::Classes;
use crate::learn::classes::taught::MOST_BYTES;
use crate::learn::codec::Codec;
use crate::learn::density::{Distance, Item, Past};
use crate::learn::drift::Notice;
use crate::learn::gate::{Admission, Gate};
use crate::learn::guard::Guard;
use crate::learn::guard::bootstrap::Case;
use crate::learn::guard::predecessors::Predecessors;
use crate::learn::joined::Joined;
use crate::learn::memory::Memory;
use crate::learn::model::Model;
use crate::learn::moments::Moments;
use crate::learn::novelty::Novelty;
use crate::learn::objectives::SideWindow;
use crate::learn::objectives::album::Album;
use crate::learn::surprise::{Reading, Surprise};
use crate::learn::watch::Watch;
use crate::learn::whiten::{Projection, Whitener};
use crate::nn::adam::Adam;
use crate::nn::adapter::Stretch;

pub use alarms::SURE_AFTER_DAYS;
pub use compare::NoPredecessor;
pub use inspect::Inspection;
pub use marks::Marked;
use recall::Whitened;
pub use recall::{Found, Moment};
pub use report::LearnReport;
use report::Skill;
pub use score::Score;
use score::Scored;

/// Seconds in a day.
const DAY_S: f64 = 86_400.0;

/// What came of learning from a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Learnt {
    /// What the gate said; `None` when the window was refused or learning is frozen.
    pub admission: Option<Admission>,
    /// Optimiser steps done.
    pub updates: u32,
    /// Whether the champion changed.
    pub committed: bool,
    /// Something worth telling that is no novelty of a single window.
    pub notice: Option<Notice>,
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
    /// The last commit that was sure, unless it was undone.
    last_commit_s: Option<f64>,
}

/// What is counted here; the guard counts its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Counts {
    windows: u64,
    refused: u64,
    duplicates: u64,
    /// Of a kind of which enough is remembered.
    plenty: u64,
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
    /// Runs of them that are read together: from, to.
    groups: Vec<(usize, usize)>,
    readings: [Vec<Reading>; 2],
    moves: Vec<f32>,
    cases: Vec<Case>,
    /// How the parts of adapted embeddings are joined; `None` while it must be found anew.
    joined: Option<Joined>,
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
    predecessors: Predecessors,
    watch: Watch,

    model: Model,
    album: Album,
    /// When the album last got a moment.
    side_s: Option<f64>,
    champion: Vec<f32>,
    /// A running mean of the weights in training.
    challenger: Vec<f32>,
    /// What the optimiser moves.
    trainee: Vec<f32>,
    adam: Adam<f32>,
    stretch: Stretch<f32>,
    credit: f64,
    batch_windows: usize,
    /// Scratch: windows of a dull kind in the batch at hand.
    dull_in_batch: usize,

    /// Whitened tokens of the last window, for persistence in pictures.
    previous_u: Vec<f32>,
    has_previous: bool,
    skill: Skill,
    times: Times,
    counts: Counts,
    /// Scratch: what was read last, while [`Surprise`] still holds its errors.
    last_read: Option<Reading>,
    scratch: Scratch,
    /// Where moments are compared; made by the first question.
    recall: Option<Box<Whitened>>,
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
        let past = Past {
            memory: &self.memory,
            codec: &self.embedding_codec,
            token_codec: &self.token_codec,
        };
        let item = Item { embedding: &self.scratch.embedding, tokens: &self.scratch.x };
        let density = self.distance.of(item, past, self.last_slot).unwrap_or(0.0);
        let judged = self.novelty.judge([reading.surprise, density]);
        let raised = self.raise(judged);
        self.last_read = Some(reading);
        let event = raised.is_rare && !raised.is_told && !self.is_soon();
        let threshold = match event {
            true => self.threshold(),
            // By rank, as long as there is no other, it takes a sort: too much for every window.
            false => self.watch.budget.threshold(),
        };
        Score {
            surprise: reading.surprise,
            density,
            novelty: judged.map(|judged| judged.novelty),
            p_value: judged.map(|judged| judged.p_value),
            event,
            p_recent: raised.p_recent,
            p_anchor: raised.p_anchor,
            threshold,
            state: Scored::Done {
                reading,
                persistence: self.persistence_error(valid),
                is_rare: raised.is_rare,
                is_told: raised.is_told,
                is_extreme: raised.is_extreme,
                lasting_p: judged.map(|judged| judged.lasting_p_value),
                stranger: raised.stranger,
            },
        }
    }

    fn is_acceptable(&self, latent: &Latent) -> bool {
        latent.tokens.dim() == (self.shape.layout.len(), self.shape.token_dim)
            && latent.embedding.len() == self.shape.embedding_dim
            && (1..=self.shape.layout.len()).contains(&latent.valid_tokens)
            && latent.is_finite()
    }

    /// Takes a window that was just scored into the past, and learns from it as far as it may.
    /// `at_s` is when the window began, in seconds of the stream.
    pub fn learn(&mut self, latent: &Latent, score: &Score, at_s: f64) -> Learnt {
        self.take_in(latent, score, at_s, true)
    }

    /// As [`Learner::learn`], but without steps of training and the guard's comparisons, which are nearly all
    /// that learning costs: for a board that must rest. Memory and histories go on, or a board that is always
    /// late would never know what is usual.
    pub fn pass(&mut self, latent: &Latent, score: &Score, at_s: f64) -> Learnt {
        self.take_in(latent, score, at_s, false)
    }

    fn take_in(&mut self, latent: &Latent, score: &Score, at_s: f64, trains: bool) -> Learnt {
        self.counts.windows += 1;
        if !self.is_acceptable(latent) || !at_s.is_finite() || score.is_refused() {
            self.counts.refused += 1;
            if !self.is_frozen {
                self.watch.feel(None, 0.0, 0.0);
            }
            return Learnt { notice: self.watch.next_notice(), ..Learnt::default() };
        }
        let passed_s = self.times.last_s.map_or(0.0, |last_s| (at_s - last_s).max(0.0));
        let interval_s = self.advance(at_s);
        self.counts.events += u64::from(score.event);
        // A visit that was told may last for hours: meanwhile somebody else may come.
        if matches!(score.state, Scored::Done { is_rare: true, is_told: false, .. }) {
            self.times.last_rare_s = Some(at_s);
        }
        if self.is_frozen {
            return Learnt::default();
        }
        let usual_s = self.times.interval_s;
        if self.watch.feel(Some(&latent.embedding), passed_s, usual_s) {
            self.counts.duplicates += 1;
            return self.passed_over(Admission::Duplicate);
        }
        if !self.whitener.is_fitted() {
            self.wait(latent, at_s);
            return self.passed_over(Admission::Admitted);
        }
        self.scratch.joined = None;
        self.prepare(latent);
        let admission = self.decide(score, interval_s);
        self.remember_score(latent, score, admission);
        if self.watch_over(score, admission, at_s, interval_s) {
            self.prepare(latent);
        }
        match admission {
            Admission::Admitted => self.admit(latent.valid_tokens, at_s),
            Admission::Duplicate => self.counts.duplicates += 1,
            Admission::Plenty => self.counts.plenty += 1,
            Admission::Quarantined => {
                self.counts.quarantined += 1;
                self.lay_aside(latent.valid_tokens, at_s);
            }
        }
        if admission != Admission::Admitted {
            self.last_slot = None;
        }
        if admission == Admission::Quarantined {
            return self.passed_over(admission);
        }
        let (updates, committed) = if trains { self.train() } else { (0, false) };
        Learnt { updates, committed, ..self.passed_over(admission) }
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

    /// Bytes that grow with sizes in the configuration: memory, histories, weights and covariances.
    /// Scratch for a batch comes on top.
    pub fn state_bytes(&self) -> usize {
        // Champion, challenger, trainee and gradients.
        let weights = 4 * size_of::<f32>() * self.champion.len() + self.adam.bytes();
        let covariance = size_of::<f64>() * self.projection.out_dim().pow(2);
        self.memory.bytes()
            + self.album.bytes()
            + self.aside.bytes()
            + MOST_BYTES
            + Whitened::bytes(self.shape.embedding_dim)
            + self.distance.bytes()
            + self.surprise.bytes()
            + self.novelty.bytes()
            + self.predecessors.bytes()
            + self.watch.bytes()
            + weights
            + covariance
            + size_of::<f32>() * self.projection.len()
    }
}

#[cfg(test)]
mod tests;
