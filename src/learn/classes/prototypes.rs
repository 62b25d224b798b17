//! The nearest class mean, by cosine (Snell et al. 2017, with whitened points): the least that can
//! work, and for a few examples seldom beaten.

use crate::learn::classes::examples::Examples;
use crate::learn::classes::head::Head;

/// One direction for each class.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Prototypes {
    dim: usize,
    /// `[classes, dim]`, each of length 1; zeros where a class has no example.
    directions: Vec<f64>,
    has: Vec<bool>,
}

impl Prototypes {
    /// The means of all classes.
    pub(super) fn fit(examples: &Examples) -> Self {
        let dim = examples.dim;
        let (mut directions, weights) = examples.means();
        for row in directions.chunks_exact_mut(dim.max(1)) {
            let length = norm(row).max(1e-12);
            row.iter_mut().for_each(|x| *x /= length);
        }
        Self { dim, directions, has: weights.iter().map(|&weight| 0.0 < weight).collect() }
    }

    /// `[classes, dim]`.
    pub(super) fn directions(&self) -> &[f64] {
        &self.directions
    }

    /// Which classes have an example.
    pub(super) fn has(&self) -> &[bool] {
        &self.has
    }
}

impl Head for Prototypes {
    fn scores(&self, x: &[f64], out: &mut [f64]) {
        let length = norm(x).max(1e-12);
        for ((out, direction), &has) in
            out.iter_mut().zip(self.directions.chunks_exact(self.dim)).zip(&self.has)
        {
            *out = if has { dot(direction, x) / length } else { f64::NEG_INFINITY };
        }
    }

    fn strangeness(&self, x: &[f64], out: &mut [f64]) {
        self.scores(x, out);
        out.iter_mut().for_each(|out| *out = (1.0 - *out).max(0.0));
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}
