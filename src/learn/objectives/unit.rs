//! Rows of length 1, and the way back through them.

use crate::nn::real::Real;

/// Added under the root, so that a row of zeros has a direction at all.
const LEAST_SQUARE: f64 = 1e-12;

/// `x ← x / √(‖x‖² + ε)` for each row of `dim`; `lengths ←` the divisors.
pub fn unit_rows<F: Real>(x: &mut [F], dim: usize, lengths: &mut [F]) {
    for (row, length) in x.chunks_exact_mut(dim).zip(lengths) {
        *length = (dot(row, row) + F::of(LEAST_SQUARE)).sqrt();
        row.iter_mut().for_each(|x| *x /= *length);
    }
}

/// Turns `grad` from the derivative by unit rows into that by the rows before.
pub fn unit_rows_back<F: Real>(unit: &[F], dim: usize, lengths: &[F], grad: &mut [F]) {
    // x̂ = x / n, n = √(x·x + ε), hence ∂L/∂x = (g − (g·x̂) x̂) / n.
    for ((unit, grad), &length) in
        unit.chunks_exact(dim).zip(grad.chunks_exact_mut(dim)).zip(lengths)
    {
        let along = dot(unit, grad);
        for (grad, &unit) in grad.iter_mut().zip(unit) {
            *grad = (*grad - along * unit) / length;
        }
    }
}

/// `Σ a ∘ b`.
pub fn dot<F: Real>(a: &[F], b: &[F]) -> F {
    a.iter().zip(b).map(|(&a, &b)| a * b).sum()
}

/// `‖a − b‖²`.
pub fn squared_distance<F: Real>(a: &[F], b: &[F]) -> F {
    a.iter().zip(b).map(|(&a, &b)| (a - b) * (a - b)).sum()
}

/// `to ← to + factor · from`.
pub fn add_scaled<F: Real>(to: &mut [F], factor: F, from: &[F]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to += factor * from);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;
    use crate::nn::gradcheck::{self, Derivatives};
    use crate::nn::params::Params;

    #[test]
    fn rows_have_length_one_and_gradients_match() {
        for (rows, dim) in [(1, 2), (3, 5)] {
            let mut rng = Rng::from_seed(3);
            let x = gradcheck::random(rows * dim, &mut rng);
            let weighting = gradcheck::random(rows * dim, &mut rng);
            gradcheck::check(&Params::default(), &[], &x, |_, x, wanted| {
                let (mut unit, mut lengths) = (x.to_vec(), vec![0.0; rows]);
                unit_rows(&mut unit, dim, &mut lengths);
                for row in unit.chunks_exact(dim) {
                    assert!((dot(row, row) - 1.0).abs() < 1e-9);
                }
                if let Some(Derivatives { x, .. }) = wanted {
                    x.copy_from_slice(&weighting);
                    unit_rows_back(&unit, dim, &lengths, x);
                }
                gradcheck::dot(&unit, &weighting)
            })
            .unwrap_or_else(|wrong| panic!("{rows} × {dim}: {wrong}"));
        }
    }

    #[test]
    fn a_row_of_zeros_stays_finite() {
        let (mut x, mut lengths) = ([0.0_f32; 2], [0.0]);
        unit_rows(&mut x, 2, &mut lengths);
        let mut grad = [1.0, -1.0];
        unit_rows_back(&x, 2, &lengths, &mut grad);
        assert!(x.iter().chain(&grad).all(|x| x.is_finite()));
    }
}
