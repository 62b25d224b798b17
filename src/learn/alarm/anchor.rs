//! Against how the place was at first: a bank of sketches that is made once and never changes.
//!
//! Everything else here follows the place, and so a slow change hides from it. The bank is a fair
//! sample of the first [`COMMISSIONING_S`] seconds; of a second sample of the same time the distances
//! to the bank are kept, and [`Anchor::p_value`] is a rank among them (split conformal prediction): the
//! chance that a window of the first day would have been so far from the others of that day.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::base::rng::Rng;
use crate::learn::alarm::at_most;
use crate::learn::moments::fill;
use crate::learn::sketch::squared_distance;

/// How long the bank is collected, seconds of the source's life: a day, so that a night is in it.
pub const COMMISSIONING_S: f64 = 86_400.0;
/// Windows in the bank, and windows that its distances are ranked among.
const BANK: usize = 256;
const RANKED: usize = 128;

/// The bank. Immutable once it is complete.
#[derive(Debug, Clone, PartialEq)]
pub struct Anchor {
    dim: usize,
    /// A reservoir of [`BANK`] + [`RANKED`] sketches while it is collected; then the bank.
    sketches: Vec<f32>,
    offered: u64,
    /// Distances of the second sample, rising; empty while the bank is collected.
    distances: Vec<f32>,
}

impl Anchor {
    /// For sketches of `dim` numbers.
    pub fn new(dim: usize) -> Self {
        Self {
            dim,
            sketches: Vec::with_capacity((BANK + RANKED) * dim),
            offered: 0,
            distances: Vec::with_capacity(RANKED),
        }
    }

    /// Whether the bank is complete.
    pub fn is_complete(&self) -> bool {
        !self.distances.is_empty()
    }

    /// Takes in a usual window; after the commissioning nothing is taken in any more.
    pub fn observe(&mut self, at_s: f64, sketch: &[f32], rng: &mut Rng) {
        if self.is_complete() {
            return;
        }
        if COMMISSIONING_S <= at_s && BANK + RANKED <= self.len() {
            return self.complete();
        }
        self.offered += 1;
        if self.len() < BANK + RANKED {
            self.sketches.extend_from_slice(sketch);
            return;
        }
        // Vitter's algorithm R.
        let place = usize::try_from(rng.below(self.offered)).unwrap_or(usize::MAX);
        if place < BANK + RANKED {
            self.sketches[place * self.dim..(place + 1) * self.dim].copy_from_slice(sketch);
        }
    }

    fn len(&self) -> usize {
        self.sketches.len() / self.dim.max(1)
    }

    fn complete(&mut self) {
        // A reservoir's places are exchangeable except where it never overflowed; every third one is
        // as fair a second sample as any.
        let (mut bank, mut ranked) = (Vec::new(), Vec::new());
        for (place, sketch) in self.sketches.chunks_exact(self.dim).enumerate() {
            if place % 3 == 2 { &mut ranked } else { &mut bank }.extend_from_slice(sketch);
        }
        self.sketches.clear();
        self.sketches.extend_from_slice(&bank);
        let distances: Vec<f32> =
            ranked.chunks_exact(self.dim).map(|sketch| self.distance(sketch)).collect();
        self.distances.extend(distances);
        self.distances.sort_unstable_by(f32::total_cmp);
    }

    /// To the nearest in the bank, squared.
    fn distance(&self, sketch: &[f32]) -> f32 {
        self.sketches
            .chunks_exact(self.dim)
            .map(|banked| squared_distance(sketch, banked))
            .fold(f32::INFINITY, f32::min)
    }

    /// The chance that a window of the first day was as far from the others of that day; `None` before
    /// the day is over. Changes nothing.
    pub fn p_value(&self, sketch: &[f32]) -> Option<f32> {
        if !self.is_complete() {
            return None;
        }
        let distance = self.distance(sketch);
        let below = self.distances.partition_point(|&past| past < distance);
        let count = self.distances.len();
        Some((count - below + 1) as f32 / (count + 1) as f32)
    }

    /// Bytes held.
    pub const fn bytes(&self) -> usize {
        size_of::<f32>() * ((BANK + RANKED) * self.dim + RANKED)
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("anchor");
        to.f32s(self.sketches.iter().copied());
        to.u64(self.offered);
        to.f32s(self.distances.iter().copied());
    }

    /// Reads what [`Anchor::save`] wrote, for sketches of the same width.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("anchor")?;
        let sketches = from.f32s()?;
        at_most("numbers in the anchor", sketches.len(), (BANK + RANKED) * self.dim)?;
        self.sketches.clear();
        self.sketches.extend(sketches);
        self.offered = from.u64()?;
        let distances = from.f32s()?;
        let mut ranked = vec![0.0; distances.len().min(RANKED)];
        fill(&mut ranked, "distances in the anchor", distances)?;
        self.distances.clear();
        self.distances.extend(ranked);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(rng: &mut Rng, shift: f32) -> [f32; 6] {
        std::array::from_fn(|_| 2.0 * (rng.unit_f32() - 0.5) + shift)
    }

    #[test]
    fn what_was_usual_on_the_first_day_stays_the_measure() {
        let (mut place, mut rng) = (Rng::from_seed(3), Rng::from_seed(4));
        let mut anchor = Anchor::new(6);
        for window in 0..=1440 {
            assert_eq!(anchor.p_value(&noise(&mut place, 0.0)), None);
            anchor.observe(f64::from(window) * 60.0, &noise(&mut place, 0.0), &mut rng);
        }
        let mut mean = |anchor: &Anchor, shift: f32| {
            let p = |_| anchor.p_value(&noise(&mut place, shift)).expect("a day is over");
            (0..400).map(p).sum::<f32>() / 400.0
        };
        assert!((mean(&anchor, 0.0) - 0.5).abs() < 0.1, "{}", mean(&anchor, 0.0));
        assert!(mean(&anchor, 1.0) < 0.1);
        // However long the place is another one, the bank is that of the first day.
        let before = anchor.clone();
        for window in 1441..3000 {
            anchor.observe(f64::from(window) * 60.0, &[1.0; 6], &mut rng);
        }
        assert_eq!(anchor, before);
        let mut writer = Writer::default();
        anchor.save(&mut writer);
        let bytes = writer.into_bytes();
        let mut loaded = Anchor::new(6);
        loaded.load(&mut Reader::new(&bytes)).expect("just written");
        assert_eq!(loaded, anchor);
    }
}
