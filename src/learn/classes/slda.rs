//! Linear discriminants with one covariance for all classes, shrunk towards a multiple of the
//! identity (Hayes and Kanan 2020; shrinkage after Chen et al. 2010, "oracle approximating").
//!
//! `score(y) = −½ (x − μ_y)ᵀ S⁻¹ (x − μ_y)`, with `S = (1 − ε) C + ε (tr C / d) I` and `C` the
//! covariance within classes.

use crate::learn::classes::examples::Examples;
use crate::learn::classes::head::Head;
use crate::learn::mahalanobis::{cholesky, solve_lower};
use crate::nn::matmul::{matmul, view, view_mut};

/// Class means where the covariance within classes is the identity.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slda {
    dim: usize,
    /// Lower triangle `L` of `S = L Lᵀ`.
    factor: Vec<f64>,
    /// `L⁻¹ μ`, `[classes, dim]`.
    means: Vec<f64>,
    has: Vec<bool>,
}

impl Slda {
    /// Means and the shared covariance.
    pub(super) fn fit(examples: &Examples) -> Self {
        let dim = examples.dim;
        let (mut means, weights) = examples.means();
        let mut centred = Vec::with_capacity(examples.points.len());
        for window in 0..examples.len() {
            let mean = &means[examples.class_of[window] * dim..][..dim];
            let root = examples.weights[window].sqrt();
            centred.extend(examples.point(window).iter().zip(mean).map(|(x, m)| root * (x - m)));
        }
        let mut factor = vec![0.0; dim * dim];
        let rows = view(&centred, examples.len(), dim);
        matmul(1.0, rows.t(), rows, 0.0, view_mut(&mut factor, dim, dim));
        // Each mean took one example's worth of freedom.
        let shots: f64 = weights.iter().sum();
        let spent = weights.iter().filter(|&&weight| 0.0 < weight).count() as f64;
        let free = (shots - spent).max(1.0);
        factor.iter_mut().for_each(|x| *x /= free);
        shrink(&mut factor, dim, free);
        cholesky(&mut factor, dim);
        for mean in means.chunks_exact_mut(dim.max(1)) {
            solve_lower(&factor, mean);
        }
        Self { dim, factor, means, has: weights.iter().map(|&weight| 0.0 < weight).collect() }
    }
}

/// `S ← (1 − ε) S + ε (tr S / d) I`; without any variance, the identity.
fn shrink(covariance: &mut [f64], dim: usize, count: f64) {
    let p = dim as f64;
    let trace: f64 = (0..dim).map(|i| covariance[i * dim + i]).sum();
    let squares: f64 = covariance.iter().map(|x| x * x).sum();
    let above = (1.0 - 2.0 / p) * squares + trace * trace;
    let below = (count + 1.0 - 2.0 / p) * (squares - trace * trace / p);
    let share = if below <= 0.0 { 1.0 } else { (above / below).clamp(1e-3, 1.0) };
    let added = if 0.0 < trace { share * trace / p } else { 1.0 };
    covariance.iter_mut().for_each(|x| *x *= 1.0 - share);
    (0..dim).for_each(|i| covariance[i * dim + i] += added);
}

impl Head for Slda {
    fn scores(&self, x: &[f64], out: &mut [f64]) {
        self.strangeness(x, out);
        out.iter_mut().for_each(|out| *out *= -0.5);
    }

    fn strangeness(&self, x: &[f64], out: &mut [f64]) {
        let mut solved = x.to_vec();
        solve_lower(&self.factor, &mut solved);
        for ((out, mean), &has) in
            out.iter_mut().zip(self.means.chunks_exact(self.dim)).zip(&self.has)
        {
            *out = if has {
                mean.iter().zip(&solved).map(|(m, x)| (x - m) * (x - m)).sum()
            } else {
                f64::INFINITY
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;
    use crate::learn::classes::head::HeadKind;
    use crate::learn::classes::head::tests::{accuracy, clouds, normal};

    #[test]
    fn shrinkage_is_what_the_formula_says() {
        // n = 10, diagonal (3, 1): tr = 4, tr S² = 10; ε = 16 / (10 · 2) = 0.8.
        let mut covariance = [3.0, 0.0, 0.0, 1.0];
        shrink(&mut covariance, 2, 10.0);
        for (found, wanted) in covariance.iter().zip([2.2, 0.0, 0.0, 1.8]) {
            assert!((found - wanted).abs() < 1e-12, "{covariance:?}");
        }
    }

    #[test]
    fn a_direction_that_varies_within_classes_counts_less() {
        // Classes differ along the first axis; the second is wide and means nothing.
        let mut rng = Rng::from_seed(3);
        let mut cloud = |shots: usize| {
            let mut examples = Examples::of(2, 2);
            for i in 0..2 * shots {
                let class = i % 2;
                let x = [class as f64 * 4.0 + normal(&mut rng), 20.0 * normal(&mut rng)];
                examples.push(&x, class, i / 2, 1.0);
            }
            examples
        };
        let (examples, queries) = (cloud(30), cloud(100));
        let slda = accuracy(HeadKind::Slda.fit(&examples).as_ref(), &queries);
        let prototypes = accuracy(HeadKind::Prototypes.fit(&examples).as_ref(), &queries);
        assert!(0.93 < slda && prototypes < 0.8, "{slda} {prototypes}");
    }

    #[test]
    fn more_examples_shrink_less() {
        let share = |shots| {
            let slda = Slda::fit(&clouds(3, shots, 4, 3.0, 1));
            // Off the diagonal nothing is left of a covariance that was shrunk away.
            slda.factor[4].abs()
        };
        assert!(share(100).is_finite() && share(2).is_finite());
    }
}
