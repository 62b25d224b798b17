//! Champions that gave way, so that a commit can be undone.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::alarm::at_most;
use crate::learn::moments::fill;

/// How many are kept.
pub const MOST: usize = 5;
/// All but the newest are this far apart, seconds: commits come every few seconds at first.
const APART_S: f64 = 3600.0;

/// The newest champions that gave way; all room is taken at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Predecessors {
    /// `[MOST, weights]`, oldest first.
    weights: Vec<f32>,
    len: usize,
    gave_way_s: [f64; MOST],
    kept: usize,
}

impl Predecessors {
    /// For `len` weights.
    pub fn new(len: usize) -> Self {
        Self { weights: vec![0.0; MOST * len], len, gave_way_s: [0.0; MOST], kept: 0 }
    }

    /// Takes in a champion that gives way at `at_s`.
    pub fn offer(&mut self, champion: &[f32], at_s: f64) {
        // The newest is always the one that gave way last; it gives its place up unless it is far from the
        // one before it.
        if let [.., before, last] = self.gave_way_s[..self.kept]
            && last < before + APART_S
        {
            self.kept -= 1;
        } else if self.kept == MOST {
            self.weights.copy_within(self.len.., 0);
            self.gave_way_s.rotate_left(1);
            self.kept -= 1;
        }
        self.weights[self.kept * self.len..(self.kept + 1) * self.len].copy_from_slice(champion);
        self.gave_way_s[self.kept] = at_s;
        self.kept += 1;
    }

    /// When each of them gave way, oldest first, seconds of the source's life.
    pub fn gave_way_s(&self) -> &[f64] {
        &self.gave_way_s[..self.kept]
    }

    /// The newest but `younger`, and when it gave way.
    pub fn newest_but(&self, younger: usize) -> Option<(f64, &[f32])> {
        let at = self.kept.checked_sub(1 + younger)?;
        Some((self.gave_way_s[at], &self.weights[at * self.len..(at + 1) * self.len]))
    }

    /// Forgets the newest ones.
    pub const fn drop_newest(&mut self, count: usize) {
        self.kept = self.kept.saturating_sub(count);
    }

    /// Moves the newest into `champion`; `false` when there is none.
    pub fn take(&mut self, champion: &mut [f32]) -> bool {
        let Some((_, newest)) = self.newest_but(0) else { return false };
        champion.copy_from_slice(newest);
        self.kept -= 1;
        true
    }

    /// Bytes held.
    pub const fn bytes(&self) -> usize {
        size_of::<f32>() * MOST * self.len
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("predecessors");
        to.len(self.kept);
        to.f64s(self.gave_way_s.iter().copied());
        to.f32s(self.weights[..self.kept * self.len].iter().copied());
    }

    /// Reads what [`Predecessors::save`] wrote, for as many weights.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("predecessors")?;
        self.kept = at_most("champions", from.len()?, MOST)?;
        fill(&mut self.gave_way_s, "times of champions", from.f64s()?)?;
        fill(&mut self.weights[..self.kept * self.len], "weights", from.f32s()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_and_four_an_hour_apart_come_back_in_turn() {
        let mut kept = Predecessors::new(2);
        for commit in 0..200_u8 {
            kept.offer(&[f32::from(commit); 2], 600.0 * f64::from(commit));
        }
        assert_eq!(kept.gave_way_s().len(), MOST);
        let older = &kept.gave_way_s()[..MOST - 1];
        assert!(older.windows(2).all(|pair| APART_S <= pair[1] - pair[0]));
        let mut writer = Writer::default();
        kept.save(&mut writer);
        let bytes = writer.into_bytes();
        let mut loaded = Predecessors::new(2);
        loaded.load(&mut Reader::new(&bytes)).expect("just written");
        let mut back = Vec::new();
        let mut champion = [0.0; 2];
        while loaded.take(&mut champion) {
            back.push(champion[0]);
        }
        assert_eq!(back, [199.0, 198.0, 192.0, 186.0, 180.0]);
    }
}
