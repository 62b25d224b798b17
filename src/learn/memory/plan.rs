//! How much is remembered, and which of it is never learnt from.

use crate::base::rng::Rng;
use crate::learn::memory::Facts;

/// Shape and rules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemoryPlan {
    /// Numbers in the tokens of a window.
    pub tokens_len: usize,
    /// Numbers in an embedding.
    pub embedding_dim: usize,
    /// Numbers in a sketch, by which windows are put into clusters.
    pub sketch_dim: usize,
    /// Windows in the ring.
    pub recent: usize,
    /// Windows in the reservoir.
    pub reservoir: usize,
    /// Clusters, at most; 0 for none.
    pub clusters: usize,
    /// Windows kept of each cluster.
    pub members: usize,
    /// Length of a block of time.
    pub block_s: f64,
    /// One block out of so many is held out; 0 for none.
    pub every: u64,
    /// Bytes that are held elsewhere for each window, for distances.
    pub beside: usize,
    /// Chooses the blocks.
    pub seed: u64,
}

/// Blocks are this many times shorter at first ...
const SHORTER: f64 = 30.0;
/// ... for so many long blocks: a source that is an hour old must have something to judge by.
const SHORT_FOR: f64 = 10.0;

impl MemoryPlan {
    /// Windows that there is room for.
    pub const fn windows(&self) -> usize {
        self.recent + self.reservoir + self.clusters * self.members
    }

    /// Shrinks ring, reservoir and clusters alike until they and what is held beside them fit `bytes`; eight windows each are always
    /// kept, two of each cluster.
    pub fn within(mut self, bytes: usize) -> Self {
        let windows = bytes / self.window_bytes();
        let wanted = self.windows();
        if windows < wanted {
            self.recent = (self.recent * windows / wanted).max(8);
            self.reservoir = (self.reservoir * windows / wanted).max(8);
            // What is lost by rounding members down is lost.
            self.members = (self.members * windows / wanted).max(2);
        }
        self
    }

    const fn window_bytes(&self) -> usize {
        let numbers = self.tokens_len + size_of::<i16>() * self.embedding_dim;
        numbers + size_of::<Facts>() + self.beside
    }

    /// The block of that moment; blocks are short at first.
    pub fn block(&self, at_s: f64) -> i64 {
        let (long_from_s, short_s) = (SHORT_FOR * self.block_s, self.block_s / SHORTER);
        let short_blocks = SHORT_FOR * SHORTER;
        let block = if at_s < long_from_s {
            at_s / short_s
        } else {
            short_blocks + (at_s - long_from_s) / self.block_s
        };
        #[expect(clippy::cast_possible_truncation, reason = "saturates, after 10^11 years")]
        let block = block as i64;
        block
    }

    /// Whether the block of this moment is held out: one of each `every` blocks in a row, drawn anew
    /// for each such group, so that no period of the place falls in step with it.
    pub fn holds_out(&self, at_s: f64) -> bool {
        if self.every == 0 {
            return false;
        }
        let block = self.block(at_s).unsigned_abs();
        let mut draw = Rng::from_seed(self.seed ^ (block / self.every));
        draw.below(self.every) == block % self.every
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: MemoryPlan = MemoryPlan {
        tokens_len: 1,
        embedding_dim: 1,
        sketch_dim: 1,
        recent: 4,
        reservoir: 10,
        clusters: 0,
        members: 0,
        block_s: 10.0,
        every: 5,
        beside: 0,
        seed: 1,
    };

    /// Fails when a block's number is taken from the window's time alone, and when the same place of every group
    /// is drawn: a place that lives in step with the groups would then hold out one part of its day.
    #[test]
    fn one_block_in_each_group_is_held_out() {
        // From 100 s on, blocks of 10 s; number 300 is the first of them.
        let mut times = [0; 5];
        for group in 0..50 {
            let blocks = (0..5).map(|block| 100.0 + f64::from(group * 5 + block) * 10.0 + 3.0);
            let held_out: Vec<usize> =
                blocks.enumerate().filter(|one| PLAN.holds_out(one.1)).map(|one| one.0).collect();
            assert_eq!(held_out.len(), 1, "group {group}");
            times[held_out[0]] += 1;
        }
        // Fifty draws of five: ten each on average.
        assert!(times.iter().all(|times| (2..25).contains(times)), "{times:?}");
        let short = (0..300).map(|block| (f64::from(block) + 0.5) * 10.0 / SHORTER);
        assert_eq!(short.filter(|&at_s| PLAN.holds_out(at_s)).count(), 60);
        assert!(!MemoryPlan { every: 0, ..PLAN }.holds_out(5.0));
    }

    /// Failure 17: were windows held out one by one, nearly every one would have a neighbour, nearly
    /// its copy, that is learnt from. Fails when the block's number is taken from the window's time alone.
    #[test]
    fn neighbours_are_held_out_together() {
        let plan = MemoryPlan { block_s: 300.0, every: 10, ..PLAN };
        let held_out: Vec<bool> = (0..86_400).map(|s| plan.holds_out(f64::from(s))).collect();
        let edges = held_out.windows(2).filter(|pair| pair[0] != pair[1]).count();
        let share = held_out.iter().filter(|&&is| is).count() as f64 / 86_400.0;
        assert!((0.07..0.13).contains(&share), "{share}");
        assert!(edges <= 130, "{edges} edges in a day of 300 short and 278 long blocks");
    }

    /// Fails when nothing is shrunk.
    #[test]
    fn a_small_budget_makes_a_small_memory_of_every_kind() {
        let plan = MemoryPlan {
            tokens_len: 1000,
            recent: 256,
            reservoir: 768,
            clusters: 64,
            members: 16,
            ..PLAN
        };
        let small = plan.within(400_000);
        assert!(small.windows() * 1000 <= 400_000, "{small:?}");
        assert!(300 <= small.windows() && 2 <= small.members, "{small:?}");
        let smaller = MemoryPlan { beside: 1000, ..plan }.within(800_000);
        assert!(smaller.windows() * 2000 <= 800_000, "{smaller:?}");
        assert_eq!(plan.within(1 << 30), plan);
    }
}
