//! What a batch gets besides windows from memory, and how weights are judged that guess no tokens.

use crate::base::rng::Rng;
use crate::encode::sides::{SideKind, Sides};
use crate::learn::learner::{Learner, Scratch};
use crate::learn::objectives::build::Wanted;
use crate::learn::objectives::mixer::Notice;
use crate::learn::objectives::{Batch, SideWindow};
use crate::learn::surprise::Reading;

/// Groups of held-out windows on which weights are judged that guess no tokens, before there are enough blocks of time.
const GROUPS: usize = 8;
/// Windows of a group at least.
pub(super) const LEAST_IN_A_GROUP: usize = 2;

impl Learner {
    /// What side windows consist of, in order; empty when no objective wants any.
    pub fn side_kinds(&self) -> &[SideKind] {
        self.album.kinds()
    }

    /// Whether side windows of a window that began at `at_s` would be taken now; only of windows that
    /// were just admitted.
    pub fn wants_sides(&self, at_s: f64) -> bool {
        !self.side_kinds().is_empty()
            && !self.is_frozen
            && self.whitener.is_fitted()
            && self.side_s.is_none_or(|last_s| last_s + self.settings.side_every_s <= at_s)
    }

    /// Takes side windows of the window that was just learnt, which began at `at_s`. `false`, and
    /// nothing changed, when a latent is not one of this encoder, or not finite.
    pub fn take_sides(&mut self, sides: &Sides, at_s: f64) -> bool {
        self.side_s = Some(at_s);
        let fits = sides.latents.len() == self.side_kinds().len()
            && sides.latents.iter().all(|latent| self.is_acceptable(latent));
        let Some(first) = sides.latents.first().filter(|_| fits) else { return false };
        let held_out = self.memory.plan().holds_out(at_s);
        let valid = sides.latents.iter().map(|latent| latent.valid_tokens).min();
        let valid = valid.unwrap_or(first.valid_tokens);
        self.album.begin(at_s, valid, held_out, (&sides.colours, &sides.pixels));
        let width = self.projection.out_dim();
        for (part, latent) in sides.latents.iter().enumerate() {
            if let Some(tokens) = latent.tokens.as_slice() {
                self.projection.apply(tokens, &mut self.scratch.x);
            }
            for row in self.scratch.x.chunks_exact_mut(width).skip(valid) {
                self.token_codec.blank(row);
            }
            self.album.put(part, &self.token_codec, &self.scratch.x);
        }
        true
    }

    /// Names of the objectives that learn.
    pub fn objectives(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.model.names()
    }

    /// Names of those that were asked for and have nothing to learn from here: of pictures where there is
    /// sound, or with horizons beyond the end of every window.
    pub fn idle_objectives(&self) -> impl Iterator<Item = &'static str> + '_ {
        let wanted = self.settings.objectives().into_iter().filter(|&(_, weight)| 0.0 < weight);
        wanted
            .map(|(name, _)| name)
            .filter(|&name| self.model.all_names().all(|other| other != name))
    }

    /// What was found out about an objective and not told yet; to be logged.
    pub fn notice(&mut self) -> Option<Notice> {
        self.model.notice()
    }

    /// Appends side windows and the trail to the batch's windows; gives the numbers of all of them.
    pub(super) fn fill_side(&mut self, held_out: bool) -> usize {
        let (dim, tokens) = (self.whitener.out_dim(), self.shape.layout.len());
        let scratch = &mut self.scratch;
        scratch.side.clear();
        scratch.labels.clear();
        scratch.trail_s.clear();
        let mut end = scratch.batch_valid.len() * tokens * dim;
        let (album, codec, whitener) = (&self.album, &self.token_codec, &mut self.whitener);
        album.draw(held_out, &mut self.rng, &mut |window, labels, place| {
            album.tokens(place, codec, &mut scratch.x);
            let u = &mut scratch.batch_u[end..end + tokens * dim];
            whitener.apply(&scratch.x, u);
            u[window.valid * dim..].fill(0.0);
            let labels_at = (scratch.labels.len(), labels.len());
            scratch.labels.extend_from_slice(labels);
            scratch.side.push(SideWindow { labels: labels_at, ..window });
            end += tokens * dim;
        });
        let Wanted { trail, .. } = self.model.wanted();
        for age in (0..trail).rev() {
            let Some(slot) = self.memory.recent(age) else { continue };
            let facts = self.memory.facts(slot);
            // Whoever was let in later by somebody's word is among the newest, and not in the order of time.
            let is_later = self.scratch.trail_s.last().is_none_or(|&last_s| last_s < facts.at_s);
            if facts.held_out != held_out || !is_later {
                continue;
            }
            self.recall(slot);
            let mean = &mut self.scratch.batch_u[end..end + dim];
            mean.fill(0.0);
            let share = 1.0 / facts.valid_tokens.max(1) as f32;
            for row in self.scratch.u.chunks_exact(dim).take(facts.valid_tokens) {
                mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += share * x);
            }
            self.scratch.trail_s.push(facts.at_s);
            end += dim;
        }
        end
    }

    /// Which held-out windows are read together, into `scratch.groups`: each alone, or, where no objective guesses
    /// tokens, those of a block of time, of a few blocks where one has too few, or a part of all. A window that would
    /// be alone is left out then.
    pub(super) fn group_held_out(&mut self, by_block: bool) {
        let Self { memory, scratch, .. } = self;
        let Scratch { held_out, groups, .. } = scratch;
        groups.clear();
        let count = held_out.len();
        if self.model.is_guessing() {
            return groups.extend((0..count).map(|place| (place, place + 1)));
        }
        let least = LEAST_IN_A_GROUP.min(self.batch_windows);
        if by_block {
            let block = |slot: usize| memory.plan().block(memory.facts(slot).at_s);
            let (mut from, mut to) = (0, 0);
            for of_block in held_out.chunk_by(|&a, &b| block(a) == block(b)) {
                to += of_block.len();
                if least <= to - from {
                    groups.push((from, to));
                    from = to;
                }
            }
        } else {
            let size = (count / GROUPS).max(least).min(self.batch_windows);
            groups.extend((0..count).step_by(size).map(|from| (from, (from + size).min(count))));
        }
        groups.retain(|&(from, to)| least <= to - from);
    }

    /// Where no objective guesses tokens: the loss of groups of held-out windows, into
    /// `scratch.readings[place]`; not a number where there was none. Chance is the same for both sets of
    /// weights.
    pub(super) fn read_groups(&mut self, place: usize, by_challenger: bool) {
        // The learner's own sequence goes on as if nothing had been drawn.
        let own = std::mem::replace(&mut self.rng, Rng::from_seed(self.seed));
        for group in 0..self.scratch.groups.len() {
            let (from, to) = self.scratch.groups[group];
            self.scratch.batch_valid.clear();
            self.scratch.batch_at_s.clear();
            for i in from..to {
                self.add_window(self.scratch.held_out[i]);
            }
            let len = self.fill_side(true);
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
            let weights = if by_challenger { &self.challenger } else { &self.champion };
            let error = self.model.try_loss(weights, batch, &mut self.rng).unwrap_or(f32::NAN);
            // There is no mean to guess.
            let reading = Reading { surprise: 0.0, error, mean_error: f32::INFINITY };
            scratch.readings[place].push(reading);
        }
        self.rng = own;
    }
}
