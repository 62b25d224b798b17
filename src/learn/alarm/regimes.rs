//! What kind of time it is: day, night, the pump runs.
//!
//! A few slow centres over the mean sketch of a block of time. Several blocks in a row that are far from
//! all of them found a new one while there is room. Regimes only choose by which past a minute's loudest novelty is
//! measured, so a wrong one costs sensitivity, nothing else.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::moments::fill;
use crate::learn::sketch::squared_distance;

/// Regimes at most.
pub const MOST_REGIMES: usize = 8;

/// A block this many usual distances from every centre is another regime.
const FAR: f32 = 3.0;
/// Share by which the usual distance follows a new one, and a centre its newest block, at least.
const FOLLOW: f32 = 0.01;

/// The centres.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Regimes {
    dim: usize,
    /// `[MOST_REGIMES, dim]`.
    centres: Vec<f32>,
    /// Blocks of each; 0 for a centre that is not in use.
    blocks: [u64; MOST_REGIMES],
    /// Usual distance of a block to its centre.
    usual: f32,
    /// Blocks in a row that were far from all.
    far_in_a_row: u64,
}

impl Regimes {
    pub(super) fn new(dim: usize) -> Self {
        let centres = vec![0.0; MOST_REGIMES * dim];
        Self { dim, centres, blocks: [0; MOST_REGIMES], usual: 0.0, far_in_a_row: 0 }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.blocks.iter().filter(|&&blocks| 0 < blocks).count()
    }

    fn centre(&self, which: usize) -> &[f32] {
        &self.centres[which * self.dim..(which + 1) * self.dim]
    }

    fn nearest(&self, mean: &[f32]) -> Option<(usize, f32)> {
        (0..self.count())
            .map(|which| (which, squared_distance(mean, self.centre(which)).sqrt()))
            .min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The regime of a block with that mean sketch; it may be a new one.
    pub(super) fn observe(&mut self, mean: &[f32]) -> u8 {
        let count = self.count();
        let which = match self.nearest(mean) {
            Some((which, distance))
                if count == MOST_REGIMES
                    || self.blocks[which] < LEAST_FOR_ANOTHER
                    || distance <= FAR * self.usual =>
            {
                let share = (1.0 / self.blocks.iter().sum::<u64>() as f32).max(FOLLOW);
                self.usual += share * (distance - self.usual);
                self.far_in_a_row = 0;
                which
            }
            Some((which, _)) if self.far_in_a_row + 1 < FAR_IN_A_ROW => {
                self.far_in_a_row += 1;
                return u8::try_from(which).unwrap_or(0);
            }
            _ => {
                self.far_in_a_row = 0;
                count
            }
        };
        self.blocks[which] += 1;
        let share = (1.0 / self.blocks[which] as f32).max(FOLLOW);
        let centre = &mut self.centres[which * self.dim..(which + 1) * self.dim];
        centre.iter_mut().zip(mean).for_each(|(c, x)| *c += share * (x - *c));
        u8::try_from(which).unwrap_or(0)
    }

    pub(super) fn save(&self, to: &mut Writer) {
        to.f32s(self.centres.iter().copied());
        self.blocks.iter().for_each(|&blocks| to.u64(blocks));
        to.f32(self.usual);
        to.u64(self.far_in_a_row);
    }

    pub(super) fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        fill(&mut self.centres, "numbers in regimes", from.f32s()?)?;
        for blocks in &mut self.blocks {
            *blocks = from.u64()?;
        }
        self.usual = from.f32()?;
        self.far_in_a_row = from.u64()?;
        Ok(())
    }
}

/// Blocks in a row that are far from all regimes and so are one.
const FAR_IN_A_ROW: u64 = 5;
/// Blocks of a regime before another one can stand out from it.
const LEAST_FOR_ANOTHER: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    #[test]
    fn day_and_night_are_two_and_noise_is_none() {
        let mut rng = Rng::from_seed(5);
        let mut regimes = Regimes::new(12);
        let mut wrong = 0;
        for block in 0..4000 {
            let is_night = (block / 240) % 2 == 1;
            let mean: Vec<f32> = (0..12)
                .map(|_| 0.3 * (rng.unit_f32() - 0.5) + f32::from(u8::from(is_night)))
                .collect();
            let found = regimes.observe(&mean);
            // The first blocks of the first night are still taken for day.
            wrong += u32::from(250 <= block && found != u8::from(is_night));
        }
        assert_eq!((regimes.count(), wrong), (2, 0));
    }
}
