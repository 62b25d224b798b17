//! Which windows are rehearsed, and for how long.

use crate::base::rng::Rng;
use crate::learn::memory::Memory;

/// Rehearsals after which a window is retired with each further one, by the toss of a coin: a week or more
/// where a window comes each half second and half an update with it.
pub const MOST_REPLAYS: u16 = 10_000;
/// The same for its age, seconds: 90 days.
pub const OLDEST_S: f64 = 90.0 * 86_400.0;
/// Windows of a kind from which on it is rehearsed as much as any other.
const COMMON: f64 = 100.0;
/// So many of a kind are never retired.
pub const RARE: usize = 4;

impl Memory {
    /// The slot of one of the `newest` windows, all alike.
    pub fn draw_recent(&self, newest: usize, rng: &mut Rng) -> usize {
        let age = rng.below(self.recent_len().min(newest).max(1) as u64);
        usize::try_from(age).ok().and_then(|age| self.recent(age)).unwrap_or(0)
    }

    /// Any slot in use, all alike.
    pub fn draw(&self, rng: &mut Rng) -> usize {
        let drawn = usize::try_from(rng.below(self.len().max(1) as u64)).unwrap_or(0);
        let (recent, reservoir) = (self.recent_len(), self.reservoir_len);
        if drawn < recent {
            return drawn;
        }
        if drawn < recent + reservoir {
            return self.plan.recent + drawn - recent;
        }
        let mut place = drawn - recent - reservoir;
        for (which, &kept) in self.kept.iter().enumerate() {
            if place < kept {
                return self.cluster_slot(which) + place;
            }
            place -= kept;
        }
        0
    }

    /// Any slot of any kind that was met `COMMON` times, all such kinds alike; any slot at all while
    /// there are not two of them, and while the reservoir has lost nothing yet.
    ///
    /// Why not of every kind, and not from the beginning: what happened a few times is what should stay
    /// surprising. Rehearsed as much as everything else, foreign sounds in a steady place were guessed
    /// well, and novelty stood out less. Kinds need help once they begin to be forgotten.
    pub fn draw_kind(&self, rng: &mut Rng) -> usize {
        let is_common =
            |which: &usize| 0 < self.kept[*which] && COMMON <= self.clusters.mass(*which);
        let filled = (0..self.kept.len()).filter(is_common).count();
        if filled < 2 || self.offered <= self.plan.reservoir as u64 {
            return self.draw(rng);
        }
        let drawn = usize::try_from(rng.below(filled as u64)).unwrap_or(0);
        let which = (0..self.kept.len()).filter(is_common).nth(drawn);
        let which = which.unwrap_or(0);
        let member = usize::try_from(rng.below(self.kept[which].max(1) as u64)).unwrap_or(0);
        self.cluster_slot(which) + member
    }

    /// Counts a rehearsal at `now_s`, which may be the window's last.
    pub fn rehearsed(&mut self, slot: usize, now_s: f64, rng: &mut Rng) {
        self.changed.clear();
        let facts = &mut self.facts[slot];
        facts.replays = facts.replays.saturating_add(1);
        let is_old = MOST_REPLAYS <= facts.replays || facts.at_s + OLDEST_S < now_s;
        if slot < self.plan.recent || !is_old || rng.unit() < 0.5 {
            return;
        }
        let first = self.plan.recent + self.plan.reservoir;
        if slot < first {
            self.reservoir_len -= 1;
            self.copy(self.plan.recent + self.reservoir_len, slot);
        } else if let Some(which) = (slot - first).checked_div(self.plan.members)
            && RARE < self.kept[which]
        {
            self.kept[which] -= 1;
            self.copy(self.cluster_slot(which) + self.kept[which], slot);
        }
    }
}
