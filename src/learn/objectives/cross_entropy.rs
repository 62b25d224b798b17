//! Choosing one of a few classes: a linear map to so many numbers, and softmax cross-entropy.

use crate::learn::objectives::unit::{add_scaled, dot};
use crate::nn::linear::Linear;
use crate::nn::params::Params;
use crate::nn::real::Real;

/// `logits = x W + b`, as [`Linear`].
///
/// Plain loops: a few columns are too narrow for the product of `nn`, which would take a buffer.
#[derive(Debug, Clone, Copy)]
pub struct Chooser(Linear);

impl Chooser {
    /// Small weights: all classes are nearly alike at first.
    pub fn new(params: &mut Params, name: &str, in_dim: usize, classes: usize) -> Self {
        Self(Linear::small(params, name, in_dim, classes))
    }

    /// `logits ← x W + b`; `x: [rows, in_dim]`, `logits: [rows, classes]`.
    pub fn forward<F: Real>(&self, params: &[F], x: &[F], logits: &mut [F]) {
        let (in_dim, classes) = (self.0.in_dim(), self.0.out_dim());
        let (weight, bias) = (self.0.weight().slice(params), self.0.bias().slice(params));
        for (x, logits) in x.chunks_exact(in_dim).zip(logits.chunks_exact_mut(classes)) {
            logits.copy_from_slice(bias);
            for (&x, weight) in x.iter().zip(weight.chunks_exact(classes)) {
                add_scaled(logits, x, weight);
            }
        }
    }

    /// Adds the gradients by weights to `grads`, and puts those by `x` into `grad_x`.
    pub fn backward<F: Real>(
        &self,
        params: &[F],
        x: &[F],
        grad: &[F],
        grads: &mut [F],
        grad_x: &mut [F],
    ) {
        // ∂L/∂W[i,o] = Σ_r x[r,i] g[r,o],  ∂L/∂b[o] = Σ_r g[r,o],  ∂L/∂x[r,i] = Σ_o g[r,o] W[i,o].
        let (in_dim, classes) = (self.0.in_dim(), self.0.out_dim());
        for (x, grad) in x.chunks_exact(in_dim).zip(grad.chunks_exact(classes)) {
            let weight = self.0.weight().slice_mut(grads).chunks_exact_mut(classes);
            x.iter().zip(weight).for_each(|(&x, weight)| add_scaled(weight, x, grad));
            add_scaled(self.0.bias().slice_mut(grads), F::one(), grad);
        }
        let weight = self.0.weight().slice(params);
        for (grad, grad_x) in grad.chunks_exact(classes).zip(grad_x.chunks_exact_mut(in_dim)) {
            for (grad_x, weight) in grad_x.iter_mut().zip(weight.chunks_exact(classes)) {
                *grad_x = dot(weight, grad);
            }
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice<F> {
    /// The weighted mean loss.
    pub loss: F,
    /// Share of rows, by weight, whose class was the likeliest.
    pub accuracy: f64,
}

/// `L = Σ wᵢ (−log softmax(xᵢ)[classᵢ]) / Σ wᵢ`; turns `logits: [rows, classes]` into `share` times
/// the gradient. `answer(row)` gives class and weight. `None` when all weights are 0.
pub fn cross_entropy<F: Real>(
    logits: &mut [F],
    classes: usize,
    answer: impl Fn(usize) -> (usize, f64),
    share: F,
) -> Option<Choice<F>> {
    let rows = logits.len() / classes;
    let total: f64 = (0..rows).map(|row| answer(row).1).sum();
    if total <= 0.0 {
        return None;
    }
    let (mut loss, mut right) = (F::zero(), 0.0);
    for (row, logits) in logits.chunks_exact_mut(classes).enumerate() {
        let (class, weight) = answer(row);
        let part = F::of(weight / total);
        let own = logits[class];
        let most = logits.iter().copied().fold(F::neg_infinity(), F::max);
        let is_first = logits.iter().enumerate().all(|(c, &x)| c == class || x < own);
        right += if is_first { weight } else { 0.0 };
        let mut sum = F::zero();
        for x in logits.iter_mut() {
            *x = (*x - most).exp();
            sum += *x;
        }
        loss += part * (sum.ln() + most - own);
        // ∂L/∂x = w (softmax − one-hot) / Σ w.
        for (c, x) in logits.iter_mut().enumerate() {
            let hit = if c == class { F::one() } else { F::zero() };
            *x = share * part * (*x / sum - hit);
        }
    }
    Some(Choice { loss, accuracy: right / total })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;
    use crate::nn::gradcheck::{self, Derivatives};
    use crate::nn::params::Params;

    /// Failure 19. Fails when the weight of a row is left out of its gradient.
    #[test]
    fn gradients_match_finite_differences() {
        for (rows, classes) in [(1, 2), (4, 3), (3, 25)] {
            let mut rng = Rng::from_seed(6);
            let x = gradcheck::random(rows * classes, &mut rng);
            let answer = |row: usize| ((row * 7) % classes, 0.5 + row as f64);
            gradcheck::check(&Params::default(), &[], &x, |_, x, wanted| {
                let mut logits = x.to_vec();
                let loss = cross_entropy(&mut logits, classes, answer, 1.0).unwrap().loss;
                if let Some(Derivatives { x, .. }) = wanted {
                    x.copy_from_slice(&logits);
                }
                loss
            })
            .unwrap_or_else(|wrong| panic!("{rows} × {classes}: {wrong}"));
        }
    }

    #[test]
    fn knowing_nothing_costs_the_logarithm_of_the_classes() {
        let found = cross_entropy(&mut [0.0_f64; 8], 4, |_| (1, 1.0), 1.0).unwrap();
        assert!((found.loss - 4.0_f64.ln()).abs() < 1e-12 && found.accuracy == 0.0, "{found:?}");
        assert!(cross_entropy(&mut [0.0_f64; 8], 4, |_| (1, 0.0), 1.0).is_none());
    }
}
