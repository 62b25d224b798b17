//! Choosing one of a few classes: softmax cross-entropy.

use crate::nn::real::Real;

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
