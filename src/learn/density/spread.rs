//! Mahalanobis distance from all embeddings admitted.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::density::refits::Refits;
use crate::learn::mahalanobis::Mahalanobis;
use crate::learn::whiten::{MOST_DIM, Projection};

/// No distance can be told from nothing below this.
const LEAST_SQUARE: f64 = 1e-3;

/// Running covariance of projected embeddings.
#[derive(Debug)]
pub(super) struct Spread {
    projection: Projection,
    distance: Mahalanobis,
    refits: Refits,
    projected: Vec<f32>,
}

impl Spread {
    pub(super) fn new(dim: usize, ridge: f32, seed: u64) -> Self {
        let projection = Projection::new(dim, MOST_DIM, seed);
        let width = projection.out_dim();
        Self {
            distance: Mahalanobis::new(width, f64::from(ridge), 1),
            projected: vec![0.0; width],
            projection,
            refits: Refits::new(|at| at + at.div_ceil(10).max(16)),
        }
    }

    pub(super) fn of(&mut self, embedding: &[f32]) -> Option<f32> {
        self.projection.apply(embedding, &mut self.projected);
        let squared = self.distance.squared_distance(&self.projected)?;
        #[expect(clippy::cast_possible_truncation, reason = "f32 is what is used")]
        let logarithm = (squared + LEAST_SQUARE).ln() as f32;
        Some(logarithm)
    }

    pub(super) fn admit(&mut self, embedding: &[f32]) {
        self.projection.apply(embedding, &mut self.projected);
        self.distance.observe(&self.projected);
        if self.refits.admit() {
            self.distance.fit();
        }
    }

    /// Fits what has not been fitted yet.
    pub(super) fn settle(&mut self) {
        if self.distance.factor().is_none() {
            self.distance.fit();
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.distance.bytes() + size_of::<f32>() * self.projection.len()
    }

    pub(super) fn save(&self, to: &mut Writer) {
        self.distance.save(to);
        self.refits.save(to);
    }

    pub(super) fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        self.distance.load(from)?;
        self.refits.load(from)
    }
}
