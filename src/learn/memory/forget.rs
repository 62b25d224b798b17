//! Windows that should not have been taken in are taken out again.

use crate::learn::memory::{Memory, embedding_of, tokens_of};

impl Memory {
    /// Takes out the windows in these slots; the rest move together, so no slot is what it was. A kind of which
    /// nothing is left is no kind any more: what is like it is far from all there is. How much was ever offered,
    /// and the middle of a kind of which something is left, stay as they are.
    pub fn forget(&mut self, slots: &[usize]) {
        let mut is_out = vec![false; self.facts.len()];
        let mut is_gone = vec![false; self.plan.clusters];
        for &slot in slots {
            is_out[slot] = true;
            if let Some(gone) = is_gone.get_mut(usize::from(self.facts[slot].cluster)) {
                *gone = true;
            }
        }
        let ring = self.recent_len();
        // Oldest first, as in a ring that was never full.
        let oldest =
            if ring < self.plan.recent { 0 } else { self.pushed % self.plan.recent as u64 };
        let oldest = usize::try_from(oldest).unwrap_or(0);
        is_out[..ring].rotate_left(oldest);
        self.rotate_ring(ring, oldest);
        self.pushed = self.keep(0, ring, &is_out) as u64;
        self.reservoir_len = self.keep(self.plan.recent, self.reservoir_len, &is_out);
        for which in 0..self.kept.len() {
            self.kept[which] = self.keep(self.cluster_slot(which), self.kept[which], &is_out);
        }
        self.changed.clear();
        for slot in self.slots() {
            if let Some(gone) = is_gone.get_mut(usize::from(self.facts[slot].cluster)) {
                *gone = false;
            }
        }
        for which in (0..is_gone.len()).filter(|&which| is_gone[which]) {
            self.clusters.drop(which);
            self.of_kind[which] = 0;
        }
    }

    fn rotate_ring(&mut self, ring: usize, by: usize) {
        let (len, dim) = (self.plan.tokens_len, self.plan.embedding_dim);
        self.tokens[..ring * len].rotate_left(by * len);
        self.embeddings[..ring * dim].rotate_left(by * dim);
        self.facts[..ring].rotate_left(by);
    }

    /// Moves those of `count` windows from slot `first` on together that are not out; gives how many they are.
    fn keep(&mut self, first: usize, count: usize, is_out: &[bool]) -> usize {
        let mut kept = 0;
        for slot in (first..first + count).filter(|&slot| !is_out[slot]) {
            self.copy(slot, first + kept);
            self.changed.clear();
            kept += 1;
        }
        // What was there is not to be found in the memory of the process either.
        for slot in first + kept..first + count {
            tokens_of(&mut self.tokens, self.plan, slot).fill(0);
            embedding_of(&mut self.embeddings, self.plan, slot).fill(0);
        }
        kept
    }
}
