//! The adapted embedding: what names and search compare.

use crate::encode::latent::Latent;
use crate::learn::learner::Learner;

/// Remembered windows whose mean is the middle of adapted embeddings, at most.
const MOST_IN_THE_MIDDLE: usize = 256;

impl Learner {
    /// Width of [`Learner::embed_adapted`].
    pub const fn adapted_dim(&self) -> usize {
        2 * self.model.width() + self.shape.embedding_dim
    }

    /// The adapted embedding: mean and maximum over valid tokens of the context net's hidden state,
    /// joined with the encoder's own embedding. Each of the three parts is told from the middle of
    /// what is remembered, and has length 1. Zeros before anything was fitted, and for a latent that
    /// would be refused. Changes nothing but scratch.
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
        if self.scratch.middle.is_empty() {
            self.find_middle();
        }
        self.prepare(latent);
        self.describe(latent.valid_tokens, out);
        for (x, middle) in out.iter_mut().zip(&self.scratch.middle) {
            *x -= middle;
        }
        let (hidden, frozen) = out.split_at_mut(2 * self.model.width());
        let (mean, most) = hidden.split_at_mut(self.model.width());
        for part in [mean, most, frozen] {
            let length = part.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
            part.iter_mut().for_each(|x| *x /= length);
        }
    }

    /// The parts of an adapted embedding as they are, of `scratch.u` and `scratch.embedding`.
    fn describe(&mut self, valid: usize, out: &mut [f32]) {
        let (hidden, frozen) = out.split_at_mut(2 * self.model.width());
        self.model.embed(&self.champion, &self.scratch.u, valid, hidden);
        frozen.copy_from_slice(&self.scratch.embedding);
    }

    /// `scratch.middle ←` the mean description of remembered windows, evenly over all.
    fn find_middle(&mut self) {
        let every = self.memory.len().div_ceil(MOST_IN_THE_MIDDLE).max(1);
        let slots: Vec<usize> = self.memory.slots().step_by(every).collect();
        let mut described = vec![0.0; self.adapted_dim()];
        let mut middle = vec![0.0; self.adapted_dim()];
        let mut count = 0.0;
        for slot in slots {
            self.recall(slot);
            let (stored, scale) = self.memory.embedding(slot);
            self.embedding_codec.decode(stored, scale, &mut self.scratch.embedding);
            self.describe(self.memory.facts(slot).valid_tokens, &mut described);
            count += 1.0;
            for (middle, x) in middle.iter_mut().zip(&described) {
                *middle += (x - *middle) / count;
            }
        }
        self.scratch.middle = middle;
    }
}
