//! A short vector that stands for an embedding where only rough distances matter: which cluster it
//! belongs to, whether a stranger has come back, whether the place drifts.
//!
//! `s = (P e − centre) / scale`. `P` is a fixed seeded projection onto [`SKETCH_DIM`] numbers, which
//! keeps distances up to about a fifth (Johnson and Lindenstrauss 1984); centre and scale come from
//! the windows of warm-up and never move again, so that nothing made of sketches goes stale.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::moments::fill;
use crate::learn::whiten::Projection;

/// Numbers in a sketch, at most.
pub const SKETCH_DIM: usize = 48;

/// The map from prepared embeddings to sketches.
#[derive(Debug)]
pub struct Sketch {
    projection: Projection,
    centre: Vec<f32>,
    scale: f32,
}

impl Sketch {
    /// For embeddings of `dim` numbers.
    pub fn new(dim: usize, seed: u64) -> Self {
        let projection = Projection::new(dim, SKETCH_DIM, seed);
        Self { centre: vec![0.0; projection.out_dim()], scale: 1.0, projection }
    }

    /// Numbers in a sketch.
    pub const fn dim(&self) -> usize {
        self.projection.out_dim()
    }

    /// Takes centre and scale from the first windows: afterwards a usual number is about ± 1.
    pub fn fit<'a>(&mut self, embeddings: impl Iterator<Item = &'a [f32]> + Clone) {
        let mut projected = vec![0.0; self.dim()];
        let count = embeddings.clone().count().max(1) as f32;
        self.centre.fill(0.0);
        for embedding in embeddings.clone() {
            self.projection.apply(embedding, &mut projected);
            self.centre.iter_mut().zip(&projected).for_each(|(c, x)| *c += x / count);
        }
        let mut squares = 0.0;
        for embedding in embeddings {
            self.projection.apply(embedding, &mut projected);
            squares += squared_distance(&projected, &self.centre) / count;
        }
        self.scale = (squares / self.dim().max(1) as f32).sqrt().max(1e-6);
    }

    /// `out ← s` of a prepared embedding.
    pub fn apply(&self, embedding: &[f32], out: &mut [f32]) {
        self.projection.apply(embedding, out);
        for (x, centre) in out.iter_mut().zip(&self.centre) {
            *x = (*x - centre) / self.scale;
        }
    }

    /// Bytes held.
    pub const fn bytes(&self) -> usize {
        size_of::<f32>() * (self.projection.len() + self.projection.out_dim())
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("sketch");
        to.f32s(self.centre.iter().copied());
        to.f32(self.scale);
    }

    /// Reads what [`Sketch::save`] wrote, for the same width.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("sketch")?;
        fill(&mut self.centre, "numbers in a sketch", from.f32s()?)?;
        self.scale = from.f32()?;
        Ok(())
    }
}

/// `Σ (a − b)²`.
pub fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    #[test]
    fn distances_survive_and_usual_numbers_are_about_one() {
        let mut rng = Rng::from_seed(2);
        let windows: Vec<Vec<f32>> =
            (0..40).map(|_| (0..300).map(|_| 5.0 + 3.0 * rng.unit_f32()).collect()).collect();
        let mut sketch = Sketch::new(300, 7);
        sketch.fit(windows.iter().map(Vec::as_slice));
        let mut sketched: Vec<Vec<f32>> = vec![vec![0.0; sketch.dim()]; windows.len()];
        for (window, out) in windows.iter().zip(&mut sketched) {
            sketch.apply(window, out);
        }
        let squares: f32 = sketched.iter().flatten().map(|x| x * x).sum();
        assert!((squares / (40.0 * sketch.dim() as f32) - 1.0).abs() < 0.01);
        let mean = |of: &dyn Fn(usize, usize) -> f32| (1..40).map(|i| of(0, i)).sum::<f32>() / 39.0;
        let before = mean(&|a, b| squared_distance(&windows[a], &windows[b]));
        let after = mean(&|a, b| squared_distance(&sketched[a], &sketched[b]));
        let unit = after / before;
        for i in 1..40 {
            let (was, is) = (
                squared_distance(&windows[0], &windows[i]).sqrt(),
                (squared_distance(&sketched[0], &sketched[i]) / unit).sqrt(),
            );
            assert!((is / was - 1.0).abs() < 0.4, "{was} became {is}");
        }
    }
}
