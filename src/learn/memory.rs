//! What is kept of the past: latents, tokens with one byte a number, embeddings with two.
//!
//! The newest windows lie in a ring; a window that leaves the ring is offered to a reservoir, which
//! is a fair sample of everything before (Vitter's algorithm R). Ring alone would forget the quiet
//! night every morning; reservoir alone would know nothing of today.
//!
//! Stored are raw latents, never what the adapter makes of them, so nothing goes stale when weights
//! change. Why not one byte for embeddings too: a distance to a near one is a small difference of
//! large numbers, and two processors whose sums differ in the last bit would round a byte differently.
//!
//! One block of time out of so many is marked as held out and never learnt from: whole
//! blocks, because a window's neighbour is nearly its copy.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::base::rng::Rng;
use crate::learn::codec::Codec;
use crate::learn::moments::fill;

/// Shape and rules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemoryPlan {
    /// Numbers in the tokens of a window.
    pub tokens_len: usize,
    /// Numbers in an embedding.
    pub embedding_dim: usize,
    /// Windows in the ring.
    pub recent: usize,
    /// Windows in the reservoir.
    pub reservoir: usize,
    /// Length of a block of time.
    pub block_s: f64,
    /// One block out of so many is held out; 0 for none.
    pub every: u64,
    /// Chooses the blocks.
    pub seed: u64,
}

impl MemoryPlan {
    /// Shrinks ring and reservoir alike until they fit `bytes`; eight windows each are always kept.
    pub fn within(mut self, bytes: usize) -> Self {
        let windows = bytes / self.window_bytes();
        let wanted = self.recent + self.reservoir;
        if windows < wanted {
            self.recent = (self.recent * windows / wanted).max(8);
            self.reservoir = (self.reservoir * windows / wanted).max(8);
        }
        self
    }

    const fn window_bytes(&self) -> usize {
        self.tokens_len + size_of::<i16>() * self.embedding_dim + size_of::<Facts>()
    }

    /// Whether the block of this moment is held out: one of each `every` blocks in a row, drawn anew
    /// for each such group, so that no period of the place falls in step with it.
    pub fn holds_out(&self, at_s: f64) -> bool {
        if self.every == 0 {
            return false;
        }
        #[expect(clippy::cast_possible_truncation, reason = "saturates, after 10^11 years")]
        let block = (at_s / self.block_s) as i64;
        let block = block.unsigned_abs();
        let mut draw = Rng::from_seed(self.seed ^ (block / self.every));
        draw.below(self.every) == block % self.every
    }
}

/// What is known of a stored window besides its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Facts {
    /// When it was met, seconds into the stream.
    pub at_s: f64,
    /// Its valid tokens.
    pub valid_tokens: usize,
    /// Never to be learnt from.
    pub held_out: bool,
    token_scale: f32,
    embedding_scale: f32,
}

/// Ring and reservoir.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory {
    plan: MemoryPlan,
    /// Slots of the ring first, then those of the reservoir.
    tokens: Vec<i8>,
    embeddings: Vec<i16>,
    facts: Vec<Facts>,
    /// Windows ever pushed into the ring, and ever offered to the reservoir.
    pushed: u64,
    offered: u64,
}

impl Memory {
    /// Takes all its memory now.
    pub fn new(plan: MemoryPlan) -> Self {
        let slots = plan.recent + plan.reservoir;
        Self {
            plan,
            tokens: vec![0; slots * plan.tokens_len],
            embeddings: vec![0; slots * plan.embedding_dim],
            facts: vec![Facts::default(); slots],
            pushed: 0,
            offered: 0,
        }
    }

    /// See [`MemoryPlan::holds_out`].
    pub fn holds_out(&self, at_s: f64) -> bool {
        self.plan.holds_out(at_s)
    }

    /// Bytes held, exactly.
    pub fn bytes(&self) -> usize {
        self.tokens.len() + size_of_val(&*self.embeddings) + size_of_val(&*self.facts)
    }

    /// Windows kept.
    pub fn len(&self) -> usize {
        self.recent_len() + self.reservoir_len()
    }

    /// Whether nothing is kept yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn recent_len(&self) -> usize {
        usize::try_from(self.pushed).unwrap_or(usize::MAX).min(self.plan.recent)
    }

    fn reservoir_len(&self) -> usize {
        usize::try_from(self.offered).unwrap_or(usize::MAX).min(self.plan.reservoir)
    }

    /// The slots in use, in order of place.
    pub fn slots(&self) -> impl Iterator<Item = usize> + use<> {
        let reservoir = self.plan.recent..self.plan.recent + self.reservoir_len();
        (0..self.recent_len()).chain(reservoir)
    }

    /// The slot of the window pushed `age` windows ago, 0 for the newest.
    pub fn recent(&self, age: usize) -> Option<usize> {
        let back = self.pushed.checked_sub(age as u64 + 1)?;
        (age < self.plan.recent)
            .then(|| usize::try_from(back % self.plan.recent as u64).unwrap_or(0))
    }

    /// The slot of one of the `newest` windows, all alike.
    pub fn draw_recent(&self, newest: usize, rng: &mut Rng) -> usize {
        let age = rng.below(self.recent_len().min(newest).max(1) as u64);
        usize::try_from(age).ok().and_then(|age| self.recent(age)).unwrap_or(0)
    }

    /// Any slot in use, all alike.
    pub fn draw(&self, rng: &mut Rng) -> usize {
        let drawn = usize::try_from(rng.below(self.len().max(1) as u64)).unwrap_or(0);
        let recent = self.recent_len();
        if drawn < recent { drawn } else { self.plan.recent + drawn - recent }
    }

    /// Stores a window; gives its slot and, when the oldest of the ring moved, that one's new slot.
    pub fn push(
        &mut self,
        tokens: (&Codec, &[f32]),
        embedding: (&Codec, &[f32]),
        valid_tokens: usize,
        at_s: f64,
        rng: &mut Rng,
    ) -> (usize, Option<usize>) {
        let ring = self.plan.recent as u64;
        let slot = usize::try_from(self.pushed % ring).unwrap_or(0);
        let moved = if ring <= self.pushed { self.offer(slot, rng) } else { None };
        self.pushed += 1;
        let held_out = self.plan.holds_out(at_s);
        let token_scale = tokens.0.encode(tokens.1, tokens_of(&mut self.tokens, self.plan, slot));
        let embedding_scale =
            embedding.0.encode(embedding.1, embedding_of(&mut self.embeddings, self.plan, slot));
        self.facts[slot] = Facts { at_s, valid_tokens, held_out, token_scale, embedding_scale };
        (slot, moved)
    }

    fn offer(&mut self, from: usize, rng: &mut Rng) -> Option<usize> {
        self.offered += 1;
        let place = if self.offered <= self.plan.reservoir as u64 {
            self.offered - 1
        } else {
            rng.below(self.offered)
        };
        let place = usize::try_from(place).ok().filter(|&place| place < self.plan.reservoir)?;
        let to = self.plan.recent + place;
        let (len, dim) = (self.plan.tokens_len, self.plan.embedding_dim);
        self.tokens.copy_within(from * len..(from + 1) * len, to * len);
        self.embeddings.copy_within(from * dim..(from + 1) * dim, to * dim);
        self.facts[to] = self.facts[from];
        Some(to)
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

    /// The embedding in `slot` as stored, and the scale of its numbers.
    pub fn embedding(&self, slot: usize) -> (&[i16], f32) {
        let dim = self.plan.embedding_dim;
        (&self.embeddings[slot * dim..(slot + 1) * dim], self.facts[slot].embedding_scale)
    }

    /// Appends everything that changes. Only slots in use are written.
    pub fn save(&self, to: &mut Writer) {
        to.section("memory");
        to.u64(self.pushed);
        to.u64(self.offered);
        let (len, dim) = (self.plan.tokens_len, self.plan.embedding_dim);
        for slot in self.slots() {
            let facts = self.facts[slot];
            to.f64(facts.at_s);
            to.len(facts.valid_tokens);
            to.flag(facts.held_out);
            to.f32(facts.token_scale);
            to.f32(facts.embedding_scale);
            to.i8s(&self.tokens[slot * len..(slot + 1) * len]);
            to.i16s(&self.embeddings[slot * dim..(slot + 1) * dim]);
        }
    }

    /// Reads what [`Memory::save`] wrote, for the same plan.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>, most_tokens: usize) -> Result<(), Malformed> {
        from.section("memory")?;
        self.pushed = from.u64()?;
        self.offered = from.u64()?;
        for slot in self.slots() {
            let facts = Facts {
                at_s: from.f64()?,
                valid_tokens: from.len()?,
                held_out: from.flag()?,
                token_scale: from.f32()?,
                embedding_scale: from.f32()?,
            };
            if most_tokens < facts.valid_tokens {
                return Err(Malformed::WrongValue {
                    what: "valid tokens",
                    found: facts.valid_tokens.to_string(),
                    expected: format!("at most {most_tokens}"),
                });
            }
            self.facts[slot] = facts;
            let plan = self.plan;
            fill(tokens_of(&mut self.tokens, plan, slot), "numbers in tokens", from.i8s()?)?;
            fill(
                embedding_of(&mut self.embeddings, plan, slot),
                "numbers in an embedding",
                from.i16s()?,
            )?;
        }
        Ok(())
    }
}

fn tokens_of(all: &mut [i8], plan: MemoryPlan, slot: usize) -> &mut [i8] {
    &mut all[slot * plan.tokens_len..(slot + 1) * plan.tokens_len]
}

fn embedding_of(all: &mut [i16], plan: MemoryPlan, slot: usize) -> &mut [i16] {
    &mut all[slot * plan.embedding_dim..(slot + 1) * plan.embedding_dim]
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: MemoryPlan = MemoryPlan {
        tokens_len: 1,
        embedding_dim: 1,
        recent: 4,
        reservoir: 10,
        block_s: 10.0,
        every: 5,
        seed: 1,
    };

    fn met(windows: usize, seed: u64) -> Memory {
        let (codec, mut rng) = (Codec::plain(1), Rng::from_seed(seed));
        let mut memory = Memory::new(PLAN);
        for window in 0..windows {
            let x = [1.0];
            memory.push((&codec, &x), (&codec, &x), 1, window as f64, &mut rng);
        }
        memory
    }

    #[test]
    fn early_and_late_windows_survive_alike_and_the_newest_always() {
        const TRIALS: u64 = 4000;
        let mut survived = [0_usize; 104];
        for seed in 0..TRIALS {
            let memory = met(104, seed);
            assert_eq!(memory.len(), 14);
            for slot in memory.slots() {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "small"
                )]
                let window = memory.facts(slot).at_s as usize;
                survived[window] += 1;
            }
            assert_eq!(memory.facts(memory.recent(0).unwrap()).at_s, 103.0);
            assert_eq!(memory.recent(4), None);
        }
        assert_eq!(&survived[100..], [4000; 4]);
        // Binomial(4000, 0.1): mean 400, standard deviation 19. Six of those is 114.
        for (window, &count) in survived[..100].iter().enumerate() {
            assert!(count.abs_diff(400) < 114, "window {window} survived {count} times");
        }
    }

    #[test]
    fn one_block_in_each_group_is_held_out() {
        for group in 0..50 {
            let blocks = (0..5).map(|block| f64::from(group * 5 + block) * 10.0 + 3.0);
            assert_eq!(blocks.filter(|&at_s| PLAN.holds_out(at_s)).count(), 1, "group {group}");
        }
        assert!(!MemoryPlan { every: 0, ..PLAN }.holds_out(5.0));
    }

    #[test]
    fn saved_and_loaded_is_the_same() {
        for windows in [0, 3, 9, 60] {
            let memory = met(windows, 3);
            let mut writer = Writer::default();
            memory.save(&mut writer);
            let bytes = writer.into_bytes();
            let mut loaded = Memory::new(PLAN);
            loaded.load(&mut Reader::new(&bytes), 1).unwrap();
            assert_eq!(loaded.pushed, memory.pushed);
            for slot in memory.slots() {
                assert_eq!(loaded.facts(slot), memory.facts(slot));
                assert_eq!(loaded.embedding(slot), memory.embedding(slot));
            }
        }
    }

    #[test]
    fn a_small_budget_makes_a_small_memory() {
        let plan = MemoryPlan { tokens_len: 1000, recent: 256, reservoir: 768, ..PLAN };
        let memory = Memory::new(plan.within(200_000));
        assert!((150_000..=200_000).contains(&memory.bytes()), "{}", memory.bytes());
    }
}
