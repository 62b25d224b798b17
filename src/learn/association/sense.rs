//! One of the two senses: what is usual in its embeddings, its moments that wait, and its side of pairs.

use crate::learn::association::BATCH;
use crate::learn::association::DISTRACTORS;
use crate::learn::association::PAIRS;
use crate::learn::association::TOGETHER_S;
use crate::learn::association::WAITING;

/// Embeddings after which those of before count half: six days at two windows a second. Sums in `f32` lose
/// what is added to them long after that.
const HALVED_AFTER: f32 = 1_048_576.0;

/// A moment that waits for one of the other sense.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Waiting {
    pub(super) at_s: f64,
    pub(super) is_lively: bool,
    /// Where in `held` its embedding lies; no other waiting moment has the same.
    pub(super) place: usize,
}

#[derive(Debug)]
pub(super) struct Sense {
    pub(super) dim: usize,
    /// Running mean and sum of squared deviations of each number.
    pub(super) mean: Vec<f32>,
    pub(super) squares: Vec<f32>,
    pub(super) met: f32,
    /// Moments that wait, newest last.
    pub(super) waiting: Vec<Waiting>,
    pub(super) held: Vec<f32>,
    /// The embeddings of the pairs, `[PAIRS, dim]`, and those of a batch, in deviations.
    pub(super) paired: Vec<f32>,
    pub(super) batch: Vec<f32>,
}

impl Sense {
    pub(super) fn new(dim: usize) -> Self {
        Self {
            dim,
            mean: vec![0.0; dim],
            squares: vec![0.0; dim],
            met: 0.0,
            waiting: Vec::with_capacity(WAITING),
            held: vec![0.0; WAITING * dim],
            paired: vec![0.0; PAIRS * dim],
            batch: vec![0.0; BATCH.max(DISTRACTORS + 1) * dim],
        }
    }

    /// Takes in a moment, which waits from now on; where its embedding lies.
    pub(super) fn meet(&mut self, at_s: f64, is_lively: bool, embedding: &[f32]) -> usize {
        self.met += 1.0;
        for ((mean, squares), &x) in self.mean.iter_mut().zip(&mut self.squares).zip(embedding) {
            let off = x - *mean;
            *mean += off / self.met;
            *squares += off * (x - *mean);
        }
        if HALVED_AFTER <= self.met {
            self.met *= 0.5;
            self.squares.iter_mut().for_each(|sum| *sum *= 0.5);
        }
        self.wait(at_s, is_lively, embedding)
    }

    /// Lets a moment wait; the one that has waited longest makes room.
    pub(super) fn wait(&mut self, at_s: f64, is_lively: bool, embedding: &[f32]) -> usize {
        if self.waiting.len() == WAITING {
            self.waiting.remove(0);
        }
        let is_free = |place: &usize| self.waiting.iter().all(|moment| moment.place != *place);
        // Invariant: fewer than `WAITING` moments wait here, so a place is free.
        let place = (0..WAITING).find(is_free).unwrap_or(0);
        self.held[place * self.dim..(place + 1) * self.dim].copy_from_slice(embedding);
        self.waiting.push(Waiting { at_s, is_lively, place });
        place
    }

    /// The waiting moment nearest to `at_s`, if it is near enough for a pair. It waits no longer; its
    /// embedding lies where it is until the next moment.
    pub(super) fn take_nearest(&mut self, at_s: f64) -> Option<Waiting> {
        let off = |moment: &Waiting| (moment.at_s - at_s).abs();
        let waiting = self.waiting.iter().enumerate();
        let (at, nearest) = waiting.min_by(|a, b| off(a.1).total_cmp(&off(b.1)))?;
        (off(nearest) <= TOGETHER_S).then(|| self.waiting.remove(at))
    }

    /// The newest moment waits no longer.
    pub(super) fn take_newest(&mut self) {
        self.waiting.pop();
    }

    /// What lies at `place` is this sense's side of a pair.
    pub(super) fn keep(&mut self, pair: usize, place: usize) {
        let from = &self.held[place * self.dim..(place + 1) * self.dim];
        self.paired[pair * self.dim..(pair + 1) * self.dim].copy_from_slice(from);
    }

    /// `batch[row] ←` the embedding of a pair, in deviations from the mean.
    pub(super) fn show(&mut self, row: usize, pair: usize) {
        let from = &self.paired[pair * self.dim..(pair + 1) * self.dim];
        let to = &mut self.batch[row * self.dim..(row + 1) * self.dim];
        for (i, (to, &x)) in to.iter_mut().zip(from).enumerate() {
            let spread = (self.squares[i] / self.met.max(1.0)).sqrt().max(1e-6);
            *to = ((x - self.mean[i]) / spread).clamp(-8.0, 8.0);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let numbers = self.mean.len()
            + self.squares.len()
            + self.held.len()
            + self.paired.len()
            + self.batch.len();
        size_of::<f32>() * numbers + size_of::<Waiting>() * self.waiting.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails when sums grow for ever: the spread of before would stay, and in the end nothing would be added.
    #[test]
    fn what_is_usual_follows_a_place_that_has_changed_for_weeks() {
        let mut sense = Sense::new(1);
        let spread = |sense: &Sense| (sense.squares[0] / sense.met).sqrt();
        for (size, windows) in [(1.0, 2_000_000), (0.1, 10_000_000)] {
            for window in 0..windows {
                let x = if window % 2 == 0 { size } else { -size };
                sense.meet(f64::from(window), false, &[x]);
                sense.take_newest();
            }
            assert!((spread(&sense) / size - 1.0).abs() < 0.1, "{size}: {}", spread(&sense));
            assert!(sense.mean[0].abs() < 0.01 * size, "{size}: {}", sense.mean[0]);
        }
    }

    #[test]
    fn a_moment_that_waits_keeps_its_embedding_whatever_is_paired_meanwhile() {
        let mut sense = Sense::new(1);
        let first = sense.meet(0.0, true, &[-1.0]);
        for moment in 1..100_u8 {
            let place = sense.meet(f64::from(moment), true, &[f32::from(moment)]);
            assert_ne!(place, first, "moment {moment}");
            sense.take_newest();
        }
        assert_eq!(sense.take_nearest(0.3).map(|moment| sense.held[moment.place]), Some(-1.0));
        assert_eq!(sense.take_nearest(0.3), None);
    }
}
