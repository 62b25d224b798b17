//! Ridge regression on random features (`RanPAC`, 2023): for many examples, where
//! classes are no round clouds.
//!
//! `h = max(0, x R)` with a fixed random `R: [d, M]`; `W = Hᵀ (H Hᵀ + λ I)⁻¹ Y`, the same as
//! `(Hᵀ H + λ I)⁻¹ Hᵀ Y` and smaller while there are fewer windows than features. `Y` is one for a
//! window's class and zero otherwise; a row of `H` and `Y` is scaled by the root of its weight.

use crate::base::rng::Rng;
use crate::learn::classes::examples::Examples;
use crate::learn::classes::head::Head;
use crate::learn::classes::prototypes::Prototypes;
use crate::learn::mahalanobis::{cholesky, solve_lower, solve_upper};
use crate::nn::matmul::{matmul, view, view_mut};

/// Random features. The paper has 10 000 for a thousand classes; here are at most 64.
const FEATURES: usize = 1024;
/// Seed of `R`: part of the method, the same everywhere.
const SEED: u64 = 0x72_61_6e_70_61_63;

/// Random features and their weights.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RanPac {
    /// `[dim, FEATURES]`.
    random: Vec<f64>,
    /// `[FEATURES, classes]`.
    weight: Vec<f64>,
    prototypes: Prototypes,
}

impl RanPac {
    /// `ridge` is relative to the mean square of a window's features.
    pub(super) fn fit(examples: &Examples, ridge: f64) -> Self {
        let (dim, classes, n) = (examples.dim, examples.classes, examples.len());
        let mut rng = Rng::from_seed(SEED);
        // Of variance 1 / dim, so that features are as large as points are.
        let scale = (12.0 / dim as f64).sqrt();
        let random: Vec<f64> = (0..dim * FEATURES).map(|_| scale * (rng.unit() - 0.5)).collect();
        let mut hidden = features(&random, &examples.points, n, dim);
        let mut targets = vec![0.0; n * classes];
        for window in 0..n {
            let root = examples.weights[window].sqrt();
            hidden[window * FEATURES..][..FEATURES].iter_mut().for_each(|h| *h *= root);
            targets[window * classes + examples.class_of[window]] = root;
        }
        let rows = view(&hidden, n, FEATURES);
        let mut gram = vec![0.0; n * n];
        matmul(1.0, rows, rows.t(), 0.0, view_mut(&mut gram, n, n));
        let trace: f64 = (0..n).map(|i| gram[i * n + i]).sum();
        let added = (ridge * trace / n.max(1) as f64).max(1e-9);
        (0..n).for_each(|i| gram[i * n + i] += added);
        cholesky(&mut gram, n);
        let mut column = vec![0.0; n];
        for class in 0..classes {
            (0..n).for_each(|i| column[i] = targets[i * classes + class]);
            solve_lower(&gram, &mut column);
            solve_upper(&gram, &mut column);
            (0..n).for_each(|i| targets[i * classes + class] = column[i]);
        }
        let mut weight = vec![0.0; FEATURES * classes];
        let solved = view(&targets, n, classes);
        matmul(1.0, rows.t(), solved, 0.0, view_mut(&mut weight, FEATURES, classes));
        Self { random, weight, prototypes: Prototypes::fit(examples) }
    }
}

/// `[rows, FEATURES]` of `x: [rows, dim]`.
fn features(random: &[f64], x: &[f64], rows: usize, dim: usize) -> Vec<f64> {
    let mut hidden = vec![0.0; rows * FEATURES];
    let random = view(random, dim, FEATURES);
    matmul(1.0, view(x, rows, dim), random, 0.0, view_mut(&mut hidden, rows, FEATURES));
    hidden.iter_mut().for_each(|h| *h = h.max(0.0));
    hidden
}

impl Head for RanPac {
    fn scores(&self, x: &[f64], out: &mut [f64]) {
        let hidden = features(&self.random, x, 1, x.len());
        let classes = out.len();
        let weight = view(&self.weight, FEATURES, classes);
        matmul(1.0, view(&hidden, 1, FEATURES), weight, 0.0, view_mut(out, 1, classes));
        for (out, &has) in out.iter_mut().zip(self.prototypes.has()) {
            if !has {
                *out = f64::NEG_INFINITY;
            }
        }
    }

    fn strangeness(&self, x: &[f64], out: &mut [f64]) {
        self.prototypes.strangeness(x, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::classes::head::HeadKind;
    use crate::learn::classes::head::tests::{accuracy, normal};

    #[test]
    fn classes_on_both_sides_of_another_are_told_apart() {
        // One class left and right, the other above and below: every mean is in the middle.
        let mut rng = Rng::from_seed(3);
        let mut cross = |shots: usize| {
            let mut examples = Examples::of(2, 2);
            for i in 0..2 * shots {
                let class = i % 2;
                let side = if i % 4 < 2 { 5.0 } else { -5.0 };
                let mut x = [normal(&mut rng), normal(&mut rng)];
                x[class] += side;
                examples.push(&x, class, i / 2, 1.0);
            }
            examples
        };
        let (examples, queries) = (cross(40), cross(200));
        let found = accuracy(HeadKind::RanPac { ridge: 0.01 }.fit(&examples).as_ref(), &queries);
        let plain = accuracy(HeadKind::Prototypes.fit(&examples).as_ref(), &queries);
        assert!(0.95 < found && plain < 0.8, "{found} {plain}");
    }
}
