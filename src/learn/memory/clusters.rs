//! Kinds of windows: micro-clusters over sketches.
//!
//! A window belongs to the nearest centre; one that is more than [`FAR`] usual distances from all of
//! them founds a cluster, for which, when there are as many as there may be, the two nearest clusters
//! are made one, weighted by how many windows they stand for (as CLIMB's long-term memory does). So a
//! rare kind keeps its own place however common the others are. Centres are means over all their
//! windows, so the older one is, the slower it can be dragged.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::alarm::at_most;
use crate::learn::moments::fill;
use crate::learn::sketch::squared_distance;

/// A window this many usual distances from every centre is another kind.
const FAR: f32 = 3.0;
/// Windows before any other kind can stand out.
const LEAST: u64 = 32;
/// Share by which the usual distance follows a new one, at least.
const FOLLOW: f32 = 0.002;
/// A kind is dull when it is this share of at least [`DULL_LEAST`] windows, and so even that the other
/// kinds are this many of its usual distances away: silence.
const DULL_SHARE: f64 = 0.9;
const DULL_LEAST: f64 = 5000.0;
const DULL_FAR: f32 = 8.0;

/// A merge of two clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Merge {
    /// Stays.
    pub(super) into: usize,
    /// Its place is free now.
    pub(super) from: usize,
}

/// Centres of all clusters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Clusters {
    dim: usize,
    most: usize,
    /// `[most, dim]`.
    centres: Vec<f32>,
    /// Windows each stands for; 0 for a place not in use.
    mass: Vec<f64>,
    /// Mean distance of its windows to the centre.
    spread: Vec<f32>,
    /// Usual distance of a window to its centre: a running median.
    usual: f32,
    seen: u64,
}

impl Clusters {
    pub(super) fn new(most: usize, dim: usize) -> Self {
        Self {
            dim,
            most,
            centres: vec![0.0; most * dim],
            mass: vec![0.0; most],
            spread: vec![0.0; most],
            usual: 0.0,
            seen: 0,
        }
    }

    pub(super) fn centre(&self, which: usize) -> &[f32] {
        &self.centres[which * self.dim..(which + 1) * self.dim]
    }

    pub(super) fn used(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.most).filter(|&which| 0.0 < self.mass[which])
    }

    pub(super) const fn usual(&self) -> f32 {
        self.usual
    }

    /// Windows that a cluster stands for.
    pub(super) fn mass(&self, which: usize) -> f64 {
        self.mass[which]
    }

    /// The nearest cluster and the distance to its centre.
    pub(super) fn nearest(&self, sketch: &[f32]) -> Option<(usize, f32)> {
        self.used()
            .map(|which| (which, squared_distance(sketch, self.centre(which)).sqrt()))
            .min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The cluster of a window that is taken in, and two that were made one for it.
    pub(super) fn observe(&mut self, sketch: &[f32]) -> (usize, Option<Merge>) {
        self.seen += 1;
        if let Some((which, distance)) = self.nearest(sketch)
            && (self.seen <= LEAST || distance <= FAR * self.usual)
        {
            self.join(which, sketch, distance);
            return (which, None);
        }
        let free = (0..self.most).find(|&which| self.mass[which] <= 0.0);
        let merge = if free.is_none() { self.merge() } else { None };
        let which = free.or(merge.map(|merge| merge.from)).unwrap_or(0);
        self.centres[which * self.dim..(which + 1) * self.dim].copy_from_slice(sketch);
        self.mass[which] = 1.0;
        self.spread[which] = self.usual;
        (which, merge)
    }

    /// Counts a window that was not stored.
    pub(super) fn count(&mut self, which: usize) {
        self.mass[which] += 1.0;
    }

    fn join(&mut self, which: usize, sketch: &[f32], distance: f32) {
        self.mass[which] += 1.0;
        #[expect(clippy::cast_possible_truncation, reason = "f32 is what is used")]
        let share = (1.0 / self.mass[which]) as f32;
        let centre = &mut self.centres[which * self.dim..(which + 1) * self.dim];
        centre.iter_mut().zip(sketch).for_each(|(c, x)| *c += share * (x - *c));
        self.spread[which] += share.max(FOLLOW) * (distance - self.spread[which]);
        if self.seen <= LEAST {
            self.usual += (distance - self.usual) / self.seen as f32;
        } else {
            // A running median: half of all distances pull up, half pull down.
            let step = FOLLOW.max(4.0 / self.seen as f32) * self.usual.max(1e-3);
            self.usual += if self.usual < distance { step } else { -step };
        }
    }

    /// Forgets a kind; its place is free.
    pub(super) fn drop(&mut self, which: usize) {
        self.mass[which] = 0.0;
    }

    /// The one that stands for most windows.
    pub(super) fn largest(&self) -> Option<usize> {
        self.used().max_by(|&a, &b| self.mass[a].total_cmp(&self.mass[b]))
    }

    /// Makes the nearest two one; nothing to do with fewer than two.
    fn merge(&mut self) -> Option<Merge> {
        let mut best: Option<(f32, usize, usize)> = None;
        for a in 0..self.most {
            for b in a + 1..self.most {
                let distance = squared_distance(self.centre(a), self.centre(b));
                if best.is_none_or(|best| distance < best.0) {
                    best = Some((distance, a, b));
                }
            }
        }
        let (_, a, b) = best?;
        let (into, from) = if self.mass[a] < self.mass[b] { (b, a) } else { (a, b) };
        let all = self.mass[into] + self.mass[from];
        #[expect(clippy::cast_possible_truncation, reason = "f32 is what is used")]
        let share = (self.mass[from] / all) as f32;
        for i in 0..self.dim {
            let moved = self.centres[from * self.dim + i] - self.centres[into * self.dim + i];
            self.centres[into * self.dim + i] += share * moved;
        }
        self.spread[into] += share * (self.spread[from] - self.spread[into]);
        self.mass[into] = all;
        self.mass[from] = 0.0;
        Some(Merge { into, from })
    }

    /// Whether the kind is silence, or something as even and as common.
    pub(super) fn is_dull(&self, which: usize) -> bool {
        let all: f64 = self.mass.iter().sum();
        if all < DULL_LEAST || self.mass[which] < DULL_SHARE * all {
            return false;
        }
        let (mut others, mut far) = (0, 0);
        for other in self.used().filter(|&other| other != which) {
            let distance = squared_distance(self.centre(which), self.centre(other)).sqrt();
            others += 1;
            far += usize::from(DULL_FAR * self.spread[which] < distance);
        }
        0 < others && others <= 2 * far
    }

    pub(super) const fn bytes(&self) -> usize {
        self.most * (size_of::<f32>() * (self.dim + 1) + size_of::<f64>())
    }

    pub(super) fn save(&self, to: &mut Writer) {
        to.f32s(self.centres.iter().copied());
        to.f64s(self.mass.iter().copied());
        to.f32s(self.spread.iter().copied());
        to.f32(self.usual);
        to.u64(self.seen);
    }

    pub(super) fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        fill(&mut self.centres, "numbers in clusters", from.f32s()?)?;
        fill(&mut self.mass, "clusters", from.f64s()?)?;
        fill(&mut self.spread, "clusters", from.f32s()?)?;
        self.usual = from.f32()?;
        self.seen = from.u64()?;
        Ok(())
    }
}

/// A cluster's number, as it is stored.
pub(super) fn number(found: u64, most: usize) -> Result<u8, Malformed> {
    let found = usize::try_from(found).unwrap_or(usize::MAX);
    let number = at_most("a cluster's number", found, most.max(1))?;
    Ok(u8::try_from(number).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    fn around(rng: &mut Rng, centre: f32) -> [f32; 8] {
        std::array::from_fn(|_| centre + 2.0 * (rng.unit_f32() - 0.5))
    }

    #[test]
    fn kinds_that_are_far_apart_get_clusters_of_their_own() {
        let mut rng = Rng::from_seed(3);
        let mut clusters = Clusters::new(16, 8);
        for window in 0..2000 {
            let centre = if window % 50 < 48 { 0.0 } else { 10.0 };
            clusters.observe(&around(&mut rng, centre));
        }
        let used: Vec<usize> = clusters.used().collect();
        assert_eq!(used.len(), 2, "{:?}", clusters.mass);
        assert!((clusters.mass[used[1]] - 80.0).abs() < 3.0, "{:?}", clusters.mass);
    }

    #[test]
    fn there_are_never_more_than_there_may_be_and_the_nearest_become_one() {
        let mut rng = Rng::from_seed(4);
        let mut clusters = Clusters::new(4, 8);
        for _ in 0..100 {
            clusters.observe(&around(&mut rng, 0.0));
        }
        let mut merged = 0;
        for kind in 1..10_u8 {
            for _ in 0..5 {
                merged += usize::from(
                    clusters.observe(&around(&mut rng, 20.0 * f32::from(kind))).1.is_some(),
                );
            }
        }
        assert_eq!(clusters.used().count(), 4);
        assert_eq!(merged, 6);
        assert!((clusters.mass.iter().sum::<f64>() - 145.0).abs() < 1e-9, "{:?}", clusters.mass);
    }

    /// Failure 10. Fails when `is_dull` leaves out one of its three questions: how common a kind is, how even, and
    /// whether there is anything else.
    #[test]
    fn only_an_even_kind_that_is_nearly_everything_is_dull() {
        let mut rng = Rng::from_seed(5);
        let mut fed = |quiet: f32, loud_in: u32| {
            let mut clusters = Clusters::new(16, 8);
            for window in 0..8000 {
                let is_loud = window % 100 < loud_in;
                let sketch = if is_loud {
                    around(&mut rng, 3.0)
                } else {
                    around(&mut rng, 0.0).map(|x| quiet * x)
                };
                clusters.observe(&sketch);
            }
            let common =
                clusters.used().max_by(|&a, &b| clusters.mass[a].total_cmp(&clusters.mass[b]));
            common.is_some_and(|common| clusters.is_dull(common))
        };
        assert!(fed(0.05, 2), "98 % silence");
        assert!(!fed(0.05, 20), "four fifths silence");
        assert!(!fed(1.0, 2), "98 % of something that varies as much as the rest");
        assert!(!fed(0.05, 0), "nothing else to be learnt");
    }
}
