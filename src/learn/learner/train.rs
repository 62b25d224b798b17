//! The learner's other half: what it takes in, and how it gets better.

use crate::encode::latent::Latent;
use crate::learn::codec::Codec;
use crate::learn::density::Past;
use crate::learn::guard::Verdict;
use crate::learn::learner::{Learner, SURPRISE, Waiting};
use crate::learn::objectives::Batch;

/// Held-out windows on which champion and challenger are compared, at most.
pub(super) const MOST_COMPARED: usize = 32;
/// An eighth of each batch comes from so many newest windows.
const NEWEST: usize = 64;
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
        if self.waiting.len() < self.settings.warm_up_windows {
            return;
        }
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
        for window in waiting {
            self.scratch.x.copy_from_slice(&window.tokens);
            self.scratch.embedding.copy_from_slice(&window.embedding);
            self.admit(window.valid_tokens, window.at_s);
        }
    }

    /// Takes `scratch.x` and `scratch.embedding` into moments and memory.
    pub(super) fn admit(&mut self, valid_tokens: usize, at_s: f64) {
        let width = self.projection.out_dim();
        self.moments.add(&self.scratch.x[..valid_tokens * width]);
        // Padding must not stretch the scale of what is stored.
        for row in self.scratch.x.chunks_exact_mut(width).skip(valid_tokens) {
            self.token_codec.blank(row);
        }
        let slots = self.memory.push(
            (&self.token_codec, &self.scratch.x),
            (&self.embedding_codec, &self.scratch.embedding),
            valid_tokens,
            at_s,
            &mut self.rng,
        );
        self.last_slot = Some(slots.0);
        let past = Past { memory: &self.memory, codec: &self.embedding_codec };
        self.distance.admit(&self.scratch.embedding, slots, past);
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
                if self.adam.steps().is_multiple_of(self.settings.guard_every) && self.compare() {
                    committed = true;
                    self.classes.mark_stale();
                }
            }
        }
        (updates, committed)
    }

    /// One optimiser step of the challenger; `false` when there was nothing to learn from or the
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
        let loss = self.model.loss(&self.challenger, batch, &mut self.rng, &mut scratch.grads);
        if loss.is_none() {
            return false;
        }
        let stepped = self.adam.step(&mut self.challenger, &self.scratch.grads, &self.champion);
        if stepped.is_err() {
            self.counts.refused_updates += 1;
            return false;
        }
        self.model.cap(&mut self.challenger, &mut self.stretch, self.settings.adapter_kappa);
        true
    }

    /// An eighth the very newest windows, an eighth drawn from the last [`NEWEST`], the rest drawn from
    /// all.
    fn fill_batch(&mut self) {
        self.scratch.batch_valid.clear();
        self.scratch.batch_at_s.clear();
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
                } else {
                    self.memory.draw(&mut self.rng)
                };
                if self.add_to_batch(slot) {
                    break;
                }
            }
        }
    }

    /// `false`, and nothing added, when the window is held out.
    fn add_to_batch(&mut self, slot: usize) -> bool {
        if self.memory.facts(slot).held_out {
            return false;
        }
        self.add_window(slot);
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

    /// Champion against challenger. Gives whether the champion changed.
    fn compare(&mut self) -> bool {
        self.choose_held_out();
        self.read_held_out(0, false);
        self.read_held_out(1, true);
        let [before, after] = &self.scratch.readings;
        for (errors, (readings, of)) in
            self.scratch.errors.iter_mut().zip([(before, 0), (after, 0), (before, 1)])
        {
            errors.clear();
            errors.extend(readings.iter().map(|r| if of == 0 { r.error } else { r.mean_error }));
        }
        let [champion, challenger, mean] = &self.scratch.errors;
        match self.guard.judge(champion, challenger, mean) {
            Verdict::Commit => {
                self.champion.copy_from_slice(&self.challenger);
                self.shift_surprise();
                return true;
            }
            Verdict::Reject => {}
            Verdict::RollBack => self.challenger.copy_from_slice(&self.champion),
            Verdict::Reset => {
                self.champion = self.model.params().start(&mut self.rng);
                self.challenger.copy_from_slice(&self.champion);
                self.read_held_out(1, true);
                self.shift_surprise();
                return true;
            }
        }
        false
    }

    /// Held-out windows, evenly over all slots in use.
    fn choose_held_out(&mut self) {
        let held_out = || self.memory.slots().filter(|&slot| self.memory.facts(slot).held_out);
        let every = held_out().count().div_ceil(MOST_COMPARED).max(1);
        self.scratch.held_out.clear();
        self.scratch.held_out.extend(held_out().step_by(every));
    }

    /// What champion or challenger makes of the held-out windows, into `scratch.readings[place]`.
    fn read_held_out(&mut self, place: usize, by_challenger: bool) {
        self.scratch.readings[place].clear();
        self.last_read = None;
        if self.model.guessing() == 0 {
            return self.read_groups(place, by_challenger);
        }
        for i in 0..self.scratch.held_out.len() {
            let slot = self.scratch.held_out[i];
            self.recall(slot);
            let weights = if by_challenger { &self.challenger } else { &self.champion };
            let valid = self.memory.facts(slot).valid_tokens;
            let reading = self.surprise.read(&mut self.model, weights, &self.scratch.u, valid);
            self.scratch.readings[place].push(reading);
        }
    }

    /// Moves the history of surprise by what the held-out windows say it has moved, so that a better
    /// model does not make everything look more usual than it is.
    fn shift_surprise(&mut self) {
        let [before, after] = &self.scratch.readings;
        let moves = &mut self.scratch.errors[0];
        moves.clear();
        moves.extend(before.iter().zip(after).map(|(b, a)| a.surprise - b.surprise));
        if moves.is_empty() {
            return;
        }
        let middle = moves.len() / 2;
        let (_, median, _) = moves.select_nth_unstable_by(middle, f32::total_cmp);
        self.novelty.shift(SURPRISE, *median);
    }
}
