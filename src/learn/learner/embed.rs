//! The adapted embedding: what `embed --space adapted` gives.

use crate::encode::density::Density;
use crate::encode::latent::Latent;
use crate::learn::joined::Joined;
use crate::learn::learner::Learner;

/// Remembered windows that middles and directions are taken from, at most.
const MOST_LOOKED_AT: usize = 256;

impl Learner {
    /// Width of [`Learner::embed_adapted`].
    pub const fn adapted_dim(&self) -> usize {
        2 * self.model.width() + self.shape.embedding_dim
    }

    /// The adapted embedding, of length 1: mean and maximum over valid tokens of the context net's hidden
    /// state and the encoder's own embedding, as [`Joined`] joins them. Zeros before anything was fitted,
    /// and for a latent that would be refused. Changes nothing but scratch.
    ///
    /// # Panics
    ///
    /// When `out` does not have [`Learner::adapted_dim`] numbers.
    pub fn embed_adapted(&mut self, latent: &Latent, out: &mut [f32]) {
        assert_eq!(out.len(), self.adapted_dim(), "numbers in an adapted embedding");
        out.fill(0.0);
        if !self.whitener.is_fitted() || !self.is_acceptable(latent) {
            return;
        }
        let joined = self.scratch.joined.take().unwrap_or_else(|| self.join());
        self.prepare(latent);
        self.describe(latent.valid_tokens, out);
        joined.apply(out);
        self.scratch.joined = Some(joined);
    }

    /// The parts of an adapted embedding as they are, of `scratch.u` and `scratch.embedding`.
    fn describe(&mut self, valid: usize, out: &mut [f32]) {
        let (hidden, frozen) = out.split_at_mut(2 * self.model.width());
        self.model.embed(&self.champion, &self.scratch.u, valid, hidden);
        frozen.copy_from_slice(&self.scratch.embedding);
    }

    /// How parts are joined, by remembered windows, evenly over all.
    fn join(&mut self) -> Joined {
        let every = self.memory.len().div_ceil(MOST_LOOKED_AT).max(1);
        let slots: Vec<usize> = self.memory.slots().step_by(every).collect();
        let dim = self.adapted_dim();
        let mut rows = vec![0.0; slots.len() * dim];
        for (slot, row) in slots.into_iter().zip(rows.chunks_exact_mut(dim)) {
            self.recall(slot);
            let (stored, scale) = self.memory.embedding(slot);
            self.embedding_codec.decode(stored, scale, &mut self.scratch.embedding);
            self.describe(self.memory.facts(slot).valid_tokens, row);
        }
        let shrinks_frozen = !matches!(self.distance.density(), Density::Cosine { root: true, .. });
        let (hidden, frozen) = (2 * self.model.width(), self.shape.embedding_dim);
        let mut joined = Joined::new(hidden, frozen, shrinks_frozen);
        joined.fit(&rows);
        joined
    }
}
