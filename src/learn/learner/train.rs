//! The learner's other half: what it takes in, and how it gets better.

use crate::encode::latent::Latent;
use crate::learn::codec::Codec;
use crate::learn::density::{Item, Past};
use crate::learn::learner::{Learner, Waiting};
use crate::learn::novelty::enough;
use crate::learn::objectives::Batch;

/// An eighth of each batch comes from so many newest windows.
const NEWEST: usize = 64;
/// Share of a batch that windows of a dull kind, such as silence, may be.
const MOST_DULL: f32 = 0.15;
/// A challenger is the mean over this share of all updates so far, until `learn.averaging` says fewer.
const MEAN_OVER: f32 = 0.1;
/// Draws of a window that is not held out, before a batch goes without.
const MOST_DRAWS: usize = 16;

impl Learner {
    /// Warm-up: keeps windows as they are until there are enough to fit everything.
    pub(super) fn wait(&mut self, latent: &Latent, at_s: f64) {
        let (mut tokens, mut embedding) = (self.scratch.x.clone(), self.scratch.embedding.clone());
        if let Some(raw) = latent.tokens.as_slice() {
            self.projection.apply(raw, &mut tokens);
        }
        self.distance.prepare(&latent.embedding, &mut embedding);
        let valid_tokens = latent.valid_tokens;
        self.waiting.push(Waiting { tokens, embedding, valid_tokens, at_s });
        let (windows, within_s) = (self.settings.warm_up_windows, self.settings.warm_up_s);
        if self.waiting.len() < enough(windows, within_s, self.times.interval_s) {
            return;
        }
        self.fit_at = self.waiting.len() as u64;
        let waiting = std::mem::take(&mut self.waiting);
        let width = self.projection.out_dim();
        let rows = waiting
            .iter()
            .flat_map(|window| window.tokens.chunks_exact(width).take(window.valid_tokens));
        self.token_codec = Codec::fit(width, rows);
        self.embedding_codec = self.distance.codec(
            self.shape.embedding_dim,
            waiting.iter().map(|window| window.embedding.as_slice()),
        );
        self.watch.fit(waiting.iter().map(|window| window.embedding.as_slice()));
        for window in waiting {
            self.scratch.x.copy_from_slice(&window.tokens);
            self.scratch.embedding.copy_from_slice(&window.embedding);
            self.admit(window.valid_tokens, window.at_s);
        }
        let past = Past {
            memory: &self.memory,
            codec: &self.embedding_codec,
            token_codec: &self.token_codec,
        };
        self.distance.settle(past);
    }

    /// Takes `scratch.x` and `scratch.embedding` into moments and memory.
    pub(super) fn admit(&mut self, valid_tokens: usize, at_s: f64) {
        let width = self.projection.out_dim();
        self.moments.add(&self.scratch.x[..valid_tokens * width]);
        // Padding must not stretch the scale of what is stored.
        for row in self.scratch.x.chunks_exact_mut(width).skip(valid_tokens) {
            self.token_codec.blank(row);
        }
        let slot = self.memory.push(
            (&self.token_codec, &self.scratch.x),
            (&self.embedding_codec, &self.scratch.embedding),
            (valid_tokens, at_s),
            self.watch.see(&self.scratch.embedding),
            &mut self.rng,
        );
        self.last_slot = Some(slot);
        let past = Past {
            memory: &self.memory,
            codec: &self.embedding_codec,
            token_codec: &self.token_codec,
        };
        let item = Item { embedding: &self.scratch.embedding, tokens: &self.scratch.x };
        self.distance.admit(item, past);
        self.counts.admitted += 1;
        if self.counts.admitted == self.fit_at {
            self.fit_at *= 2;
            self.fit_whitener();
        }
    }

    /// Whitened space moves, and with it all errors; the past is moved along.
    fn fit_whitener(&mut self) {
        self.classes.mark_stale();
        if !self.whitener.is_fitted() {
            return self.whitener.fit(&self.moments);
        }
        self.choose_held_out();
        self.read_held_out(0, false);
        self.whitener.fit(&self.moments);
        self.read_held_out(1, false);
        self.shift_surprise();
    }

    /// Spends the credit that a window brings. Gives the steps done, and whether the champion changed.
    pub(super) fn train(&mut self) -> (u32, bool) {
        let is_early = self.counts.admitted <= self.settings.first_windows;
        self.credit += f64::from(if is_early {
            self.settings.first_updates_per_window
        } else {
            self.settings.updates_per_window
        });
        let (mut updates, mut committed) = (0, false);
        while 1.0 <= self.credit {
            self.credit -= 1.0;
            if self.step() {
                updates += 1;
                if self.adam.steps().is_multiple_of(self.compare_every()) && self.compare() {
                    committed = true;
                    self.classes.mark_stale();
                }
            }
        }
        (updates, committed)
    }

    /// One optimiser step, and the challenger follows; `false` when there was nothing to learn from or the
    /// gradient was not finite.
    fn step(&mut self) -> bool {
        self.fill_batch();
        let len = self.fill_side(false);
        let scratch = &mut self.scratch;
        let batch = Batch {
            u: &scratch.batch_u[..len],
            z: &[],
            valid: &scratch.batch_valid,
            at_s: &scratch.batch_at_s,
            side: &scratch.side,
            labels: &scratch.labels,
            trail_s: &scratch.trail_s,
        };
        let loss = self.model.loss(&self.trainee, batch, &mut self.rng, &mut scratch.grads);
        let mut has_stepped = loss.is_some();
        if has_stepped {
            let stepped = self.adam.step(&mut self.trainee, &scratch.grads, &self.champion);
            has_stepped = stepped.is_ok();
            self.counts.refused_updates += u64::from(!has_stepped);
        }
        if has_stepped {
            self.model.cap(&mut self.trainee, &mut self.stretch, self.settings.adapter_kappa);
            let kept = kept(self.settings.averaging, self.adam.steps());
            for (mean, &x) in self.challenger.iter_mut().zip(&self.trainee) {
                *mean += (1.0 - kept) * (x - *mean);
            }
        }
        if self.model.turns() {
            self.model.appeal(&self.champion, batch, &mut self.rng, &mut scratch.grads);
            if self.model.turns() {
                self.turn_objectives();
            }
        }
        has_stepped
    }

    /// An eighth the very newest windows, an eighth drawn from the last [`NEWEST`], a quarter drawn from
    /// all common kinds of windows alike, the rest drawn from all.
    pub(super) fn fill_batch(&mut self) {
        self.scratch.batch_valid.clear();
        self.scratch.batch_at_s.clear();
        self.dull_in_batch = 0;
        let eighth = self.batch_windows.div_ceil(8);
        let mut age = 0;
        while self.scratch.batch_valid.len() < eighth
            && let Some(slot) = self.memory.recent(age)
        {
            self.add_to_batch(slot);
            age += 1;
        }
        for place in self.scratch.batch_valid.len()..self.batch_windows {
            for _ in 0..MOST_DRAWS {
                let slot = if place < 2 * eighth {
                    self.memory.draw_recent(NEWEST, &mut self.rng)
                } else if place % 3 == 0 {
                    self.memory.draw_kind(&mut self.rng)
                } else {
                    self.memory.draw(&mut self.rng)
                };
                if self.add_to_batch(slot) {
                    break;
                }
            }
        }
    }

    /// `false`, and nothing added, when the window is held out, or one too many of a dull kind.
    fn add_to_batch(&mut self, slot: usize) -> bool {
        if self.memory.facts(slot).held_out {
            return false;
        }
        let cluster = self.memory.facts(slot).cluster;
        if self.memory.is_dull(cluster.into()) {
            if MOST_DULL * self.batch_windows as f32 <= self.dull_in_batch as f32 + 1.0 {
                return false;
            }
            self.dull_in_batch += 1;
        }
        self.add_window(slot);
        let now_s = self.times.last_s.unwrap_or(self.memory.facts(slot).at_s);
        self.memory.rehearsed(slot, now_s, &mut self.rng);
        let past = Past {
            memory: &self.memory,
            codec: &self.embedding_codec,
            token_codec: &self.token_codec,
        };
        self.distance.follow(past);
        true
    }

    /// Adds a stored window to the batch.
    pub(super) fn add_window(&mut self, slot: usize) {
        let facts = self.memory.facts(slot);
        let place = self.scratch.batch_valid.len();
        let len = self.shape.layout.len() * self.whitener.out_dim();
        self.recall(slot);
        self.scratch.batch_u[place * len..(place + 1) * len].copy_from_slice(&self.scratch.u);
        self.scratch.batch_valid.push(facts.valid_tokens);
        self.scratch.batch_at_s.push(facts.at_s);
    }

    /// The whitened tokens of a stored window, into `scratch.u`.
    pub(super) fn recall(&mut self, slot: usize) {
        self.memory.tokens(slot, &self.token_codec, &mut self.scratch.x);
        self.whitener.apply(&self.scratch.x, &mut self.scratch.u);
        let valid = self.memory.facts(slot).valid_tokens;
        self.scratch.u[valid * self.whitener.out_dim()..].fill(0.0);
    }
}

/// What an update leaves of the mean of weights, `min(averaging, n / (n + 10))` after `n` updates: what one batch says
/// is noise, and a mean over many forgets less (Polyak and Juditsky 1992).
#[expect(clippy::cast_precision_loss, reason = "a share")]
fn kept(averaging: f32, updates: u64) -> f32 {
    averaging.min(updates as f32 / (updates as f32 + 1.0 / MEAN_OVER))
}
