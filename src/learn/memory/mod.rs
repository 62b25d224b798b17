//! What is kept of the past: latents, tokens with one byte a number, embeddings with two.
//!
//! The newest windows lie in a ring. A window that leaves the ring is offered to its cluster, which
//! keeps a fair sample of its kind, and, where it finds no place, to a reservoir, which is a fair
//! sample of all the rest (both by Vitter's algorithm R). Ring alone would forget the quiet night
//! every morning; ring and reservoir would forget what happens once a week; clusters alone would not
//! know how often anything is. No window is kept twice: a distance to the nearest two would count it
//! so.
//!
//! What was rehearsed [`MOST_REPLAYS`] times or is older than [`OLDEST_S`] may be retired, so that a
//! sample that never changes is not learnt by heart; the last few of a rare kind stay.
//!
//! Stored are raw latents, never what the adapter makes of them, so nothing goes stale when weights
//! change. Why not one byte for embeddings too: a distance to a near one is a small difference of
//! large numbers, and two processors whose sums differ in the last bit would round a byte differently.
//!
//! One block of time out of so many is marked as held out and never learnt from: whole
//! blocks, because a window's neighbour is nearly its copy.

mod clusters;
mod forget;
mod plan;
mod rehearsal;
mod state;

use crate::base::rng::Rng;
use crate::learn::codec::Codec;
use crate::learn::memory::clusters::{Clusters, Merge};

pub use crate::learn::memory::plan::MemoryPlan;
pub use crate::learn::memory::rehearsal::{MOST_REPLAYS, OLDEST_S, RARE};

/// Share of the reservoir that a dull kind, such as silence, may have.
const MOST_DULL: f64 = 0.1;
/// Slots that one change can touch: a push, a place given up, and two clusters made one.
const MOST_CHANGED: usize = 64;

/// What is known of a stored window besides its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Facts {
    /// When it was met, seconds into the stream.
    pub at_s: f64,
    /// Its valid tokens.
    pub valid_tokens: usize,
    /// Never to be learnt from.
    pub held_out: bool,
    /// Its kind, by [`Memory::kind`]; 0 where there are no clusters.
    pub cluster: u8,
    /// Times it was rehearsed.
    pub replays: u16,
    token_scale: f32,
    embedding_scale: f32,
}

/// Ring, reservoir and clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory {
    plan: MemoryPlan,
    /// Slots of the ring first, then those of the reservoir, then those of each cluster.
    tokens: Vec<i8>,
    embeddings: Vec<i16>,
    facts: Vec<Facts>,
    /// Windows pushed into the ring, without those taken out again; and ever offered to the reservoir.
    pushed: u64,
    offered: u64,
    /// Windows in the reservoir, and of each cluster kept and ever offered.
    reservoir_len: usize,
    kept: Vec<usize>,
    of_kind: Vec<u64>,
    clusters: Clusters,
    /// Scratch: slots whose content the last change has changed.
    changed: Vec<usize>,
}

impl Memory {
    /// Takes all its memory now.
    pub fn new(plan: MemoryPlan) -> Self {
        let slots = plan.windows();
        Self {
            plan,
            tokens: vec![0; slots * plan.tokens_len],
            embeddings: vec![0; slots * plan.embedding_dim],
            facts: vec![Facts::default(); slots],
            pushed: 0,
            offered: 0,
            reservoir_len: 0,
            kept: vec![0; plan.clusters],
            of_kind: vec![0; plan.clusters],
            clusters: Clusters::new(plan.clusters, plan.sketch_dim),
            changed: Vec::with_capacity(MOST_CHANGED),
        }
    }

    /// Shape and rules.
    pub const fn plan(&self) -> &MemoryPlan {
        &self.plan
    }

    /// Bytes held, exactly.
    pub fn bytes(&self) -> usize {
        self.tokens.len()
            + size_of_val(&*self.embeddings)
            + size_of_val(&*self.facts)
            + self.clusters.bytes()
            + self.plan.clusters * (size_of::<usize>() + size_of::<u64>())
            + MOST_CHANGED * size_of::<usize>()
    }

    /// Windows kept.
    pub fn len(&self) -> usize {
        self.recent_len() + self.reservoir_len + self.kept.iter().sum::<usize>()
    }

    /// Windows in the ring, in the reservoir, in clusters, and clusters.
    pub fn shares(&self) -> [usize; 4] {
        let in_clusters = self.kept.iter().sum();
        [self.recent_len(), self.reservoir_len, in_clusters, self.clusters.used().count()]
    }

    /// Whether nothing is kept yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn recent_len(&self) -> usize {
        usize::try_from(self.pushed).unwrap_or(usize::MAX).min(self.plan.recent)
    }

    /// First slot of a cluster.
    const fn cluster_slot(&self, which: usize) -> usize {
        self.plan.recent + self.plan.reservoir + which * self.plan.members
    }

    /// The slots in use, in order of place.
    pub fn slots(&self) -> impl Iterator<Item = usize> + '_ {
        let reservoir = self.plan.recent..self.plan.recent + self.reservoir_len;
        let clusters = self.kept.iter().enumerate().flat_map(|(which, &kept)| {
            let first = self.cluster_slot(which);
            first..first + kept
        });
        (0..self.recent_len()).chain(reservoir).chain(clusters)
    }

    /// Slots whose content the last push or retirement has changed, in the order of changing.
    pub fn changed(&self) -> &[usize] {
        &self.changed
    }

    /// The slot of the window pushed `age` windows ago, 0 for the newest.
    pub fn recent(&self, age: usize) -> Option<usize> {
        let back = self.pushed.checked_sub(age as u64 + 1)?;
        (age < self.plan.recent)
            .then(|| usize::try_from(back % self.plan.recent as u64).unwrap_or(0))
    }

    /// Stores a window whose sketch is `sketch`; see [`Memory::changed`]. Gives its slot.
    pub fn push(
        &mut self,
        tokens: (&Codec, &[f32]),
        embedding: (&Codec, &[f32]),
        facts: (usize, f64),
        sketch: &[f32],
        rng: &mut Rng,
    ) -> usize {
        self.changed.clear();
        let mut cluster = 0;
        if 0 < self.plan.clusters {
            let (which, merge) = self.clusters.observe(sketch);
            if let Some(merge) = merge {
                self.merge(merge, rng);
            }
            cluster = u8::try_from(which).unwrap_or(0);
        }
        let ring = self.plan.recent as u64;
        let slot = usize::try_from(self.pushed % ring).unwrap_or(0);
        if ring <= self.pushed {
            self.leave_ring(slot, rng);
        }
        self.pushed += 1;
        let (valid_tokens, at_s) = facts;
        let held_out = self.plan.holds_out(at_s);
        let token_scale = tokens.0.encode(tokens.1, tokens_of(&mut self.tokens, self.plan, slot));
        let embedding_scale =
            embedding.0.encode(embedding.1, embedding_of(&mut self.embeddings, self.plan, slot));
        self.facts[slot] = Facts {
            at_s,
            valid_tokens,
            held_out,
            cluster,
            replays: 0,
            token_scale,
            embedding_scale,
        };
        self.changed.push(slot);
        slot
    }

    /// The window in `slot` finds another place, or none. One that gives way to it in its cluster is
    /// offered to the reservoir as well: nothing is lost while there is room.
    fn leave_ring(&mut self, slot: usize, rng: &mut Rng) {
        if 0 < self.plan.clusters {
            let which = usize::from(self.facts[slot].cluster);
            self.of_kind[which] += 1;
            let place = drawn(self.of_kind[which], self.kept[which], self.plan.members, rng);
            if let Some(place) = place {
                let to = self.cluster_slot(which) + place;
                if place < self.kept[which] {
                    self.offer(to, rng);
                }
                self.kept[which] = self.kept[which].max(place + 1);
                return self.copy(slot, to);
            }
        }
        self.offer(slot, rng);
    }

    /// Offers the window in `slot` to the reservoir.
    fn offer(&mut self, slot: usize, rng: &mut Rng) {
        self.offered += 1;
        if let Some(to) = self.dull_place(rng) {
            return self.copy(slot, to);
        }
        if let Some(place) = drawn(self.offered, self.reservoir_len, self.plan.reservoir, rng) {
            self.reservoir_len = self.reservoir_len.max(place + 1);
            self.copy(slot, self.plan.recent + place);
        }
    }

    /// A place of the reservoir whose window is of a dull kind that has all it may have: the next
    /// window of any kind goes there, so that such a kind never grows beyond its share.
    fn dull_place(&self, rng: &mut Rng) -> Option<usize> {
        let dull = self.clusters.largest().filter(|&largest| self.clusters.is_dull(largest))?;
        let is_dull = |slot: usize| usize::from(self.facts[slot].cluster) == dull;
        let reservoir = self.plan.recent..self.plan.recent + self.reservoir_len;
        let dull_len = reservoir.filter(|&slot| is_dull(slot)).count();
        if (dull_len as f64) < MOST_DULL * self.plan.reservoir as f64 {
            return None;
        }
        let drawn = usize::try_from(rng.below(self.reservoir_len.max(1) as u64)).unwrap_or(0);
        let after = (drawn..self.reservoir_len).chain(0..drawn);
        after.map(|place| self.plan.recent + place).find(|&slot| is_dull(slot))
    }

    fn copy(&mut self, from: usize, to: usize) {
        if from == to {
            return;
        }
        let (len, dim) = (self.plan.tokens_len, self.plan.embedding_dim);
        self.tokens.copy_within(from * len..(from + 1) * len, to * len);
        self.embeddings.copy_within(from * dim..(from + 1) * dim, to * dim);
        self.facts[to] = self.facts[from];
        self.changed.push(to);
    }

    /// Windows of two clusters become windows of one, each side by its share of all it stands for.
    fn merge(&mut self, merge: Merge, rng: &mut Rng) {
        let Merge { into, from } = merge;
        let share =
            self.of_kind[from] as f64 / (self.of_kind[into] + self.of_kind[from]).max(1) as f64;
        for member in 0..self.kept[from] {
            let slot = self.cluster_slot(from) + member;
            let place = if self.kept[into] < self.plan.members {
                self.kept[into] += 1;
                Some(self.kept[into] - 1)
            } else if rng.unit() < share {
                usize::try_from(rng.below(self.plan.members as u64)).ok()
            } else {
                None
            };
            if let Some(place) = place {
                self.copy(slot, self.cluster_slot(into) + place);
            }
        }
        self.kept[from] = 0;
        self.of_kind[into] += self.of_kind[from];
        self.of_kind[from] = 0;
        let (into, from) = (u8::try_from(into).unwrap_or(0), u8::try_from(from).unwrap_or(0));
        self.facts.iter_mut().filter(|facts| facts.cluster == from).for_each(|facts| {
            facts.cluster = into;
        });
    }

    /// The kind of a window with that sketch, and its distance to the middle of that kind; `None` before
    /// there is any.
    pub fn kind(&self, sketch: &[f32]) -> Option<(usize, f32)> {
        self.clusters.nearest(sketch)
    }

    /// The middle of a kind.
    pub fn middle(&self, kind: usize) -> &[f32] {
        self.clusters.centre(kind)
    }

    /// Usual distance of a window to the middle of its kind.
    pub const fn usual_distance(&self) -> f32 {
        self.clusters.usual()
    }

    /// Whether a kind is silence, or something as common and as even.
    pub fn is_dull(&self, kind: usize) -> bool {
        kind < self.plan.clusters && self.clusters.is_dull(kind)
    }

    /// Share of what is kept that is of the kind most windows ever met were of; 0 without clusters.
    pub fn share_of_largest_kind(&self) -> f64 {
        let Some(largest) = self.clusters.largest() else { return 0.0 };
        let of_it = self.slots().filter(|&slot| usize::from(self.facts[slot].cluster) == largest);
        of_it.count() as f64 / self.len().max(1) as f64
    }

    /// Counts a window of a kind that is not stored.
    pub fn pass_over(&mut self, kind: usize) {
        if kind < self.plan.clusters {
            self.clusters.count(kind);
        }
    }

    /// What is known of the window in `slot`.
    pub fn facts(&self, slot: usize) -> Facts {
        self.facts[slot]
    }

    /// The tokens in `slot`, `[tokens, dim]`, as near as one byte a number allows.
    pub fn tokens(&self, slot: usize, codec: &Codec, out: &mut [f32]) {
        let len = self.plan.tokens_len;
        codec.decode(&self.tokens[slot * len..(slot + 1) * len], self.facts[slot].token_scale, out);
    }

    /// The tokens in `slot` as stored, and the scale of their numbers.
    pub fn stored_tokens(&self, slot: usize) -> (&[i8], f32) {
        let len = self.plan.tokens_len;
        (&self.tokens[slot * len..(slot + 1) * len], self.facts[slot].token_scale)
    }

    /// The embedding in `slot` as stored, and the scale of its numbers.
    pub fn embedding(&self, slot: usize) -> (&[i16], f32) {
        let dim = self.plan.embedding_dim;
        (&self.embeddings[slot * dim..(slot + 1) * dim], self.facts[slot].embedding_scale)
    }
}

/// Vitter's algorithm R: where the latest of `offered` windows goes among `most` places of which the
/// first `kept` are filled.
fn drawn(offered: u64, kept: usize, most: usize, rng: &mut Rng) -> Option<usize> {
    if kept < most {
        return Some(kept);
    }
    usize::try_from(rng.below(offered.max(1))).ok().filter(|&place| place < most)
}

fn tokens_of(all: &mut [i8], plan: MemoryPlan, slot: usize) -> &mut [i8] {
    &mut all[slot * plan.tokens_len..(slot + 1) * plan.tokens_len]
}

fn embedding_of(all: &mut [i16], plan: MemoryPlan, slot: usize) -> &mut [i16] {
    &mut all[slot * plan.embedding_dim..(slot + 1) * plan.embedding_dim]
}

#[cfg(test)]
mod tests;
