//! A linear head that starts as the prototypes and is fine-tuned on the examples.
//!
//! Softmax regression by gradient descent: `L = −Σ w log softmax(W x̂)_y / Σ w + ½ λ ‖W − W₀‖²`, with
//! `W₀` the prototypes and `x̂ = x / ‖x‖`. The decay pulls towards where it started, not to zero (Li et
//! al. 2018), and training stops after a number of steps that was chosen on examples left out.

use crate::learn::classes::examples::Examples;
use crate::learn::classes::head::Head;
use crate::learn::classes::prototypes::{Prototypes, dot};
use crate::nn::matmul::{matmul, view, view_mut};

/// Length of the rows of `W₀`: a cosine of 1 against 0 is then nearly certain.
const SHARPNESS: f64 = 10.0;
/// Step size: `x̂` has length 1, so the curvature of the loss is at most ½ and steps below 4 descend.
const RATE: f64 = 2.0;
/// Pull towards the prototypes.
const DECAY: f64 = 1e-3;

/// Weights and the prototypes they came from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Linear {
    /// `[classes, dim]`.
    weight: Vec<f64>,
    dim: usize,
    prototypes: Prototypes,
}

impl Linear {
    /// Trains for `steps`.
    pub(super) fn fit(examples: &Examples, steps: usize) -> Self {
        let (n, dim, classes) = (examples.len(), examples.dim, examples.classes);
        let prototypes = Prototypes::fit(examples);
        let start: Vec<f64> = prototypes.directions().iter().map(|x| SHARPNESS * x).collect();
        let mut weight = start.clone();
        let x: Vec<f64> = examples
            .points
            .chunks_exact(dim.max(1))
            .flat_map(|row| {
                let length = dot(row, row).sqrt().max(1e-12);
                row.iter().map(move |x| x / length)
            })
            .collect();
        let total: f64 = examples.weights.iter().sum::<f64>().max(1e-12);
        let mut logits = vec![0.0; n * classes];
        let mut grads = vec![0.0; classes * dim];
        for _ in 0..steps {
            let rows = view(&x, n, dim);
            let now = view(&weight, classes, dim);
            matmul(1.0, rows, now.t(), 0.0, view_mut(&mut logits, n, classes));
            for (window, row) in logits.chunks_exact_mut(classes).enumerate() {
                softmax(row, prototypes.has());
                row[examples.class_of[window]] -= 1.0;
                row.iter_mut().for_each(|g| *g *= examples.weights[window] / total);
            }
            // ∂L/∂W[c, i] = Σ_n (softmax − one)[n, c] x̂[n, i] + λ (W − W₀)[c, i]
            let errors = view(&logits, n, classes);
            matmul(1.0, errors.t(), rows, 0.0, view_mut(&mut grads, classes, dim));
            for ((weight, grad), start) in weight.iter_mut().zip(&grads).zip(&start) {
                *weight -= RATE * (grad + DECAY * (*weight - start));
            }
        }
        Self { weight, dim, prototypes }
    }
}

/// Over those classes that have an example; 0 for the others.
fn softmax(row: &mut [f64], has: &[bool]) {
    let most = row
        .iter()
        .zip(has)
        .filter(|(_, has)| **has)
        .fold(f64::NEG_INFINITY, |most, (x, _)| most.max(*x));
    let mut sum = 0.0;
    for (x, &has) in row.iter_mut().zip(has) {
        *x = if has { (*x - most).exp() } else { 0.0 };
        sum += *x;
    }
    row.iter_mut().for_each(|x| *x /= sum.max(1e-300));
}

impl Head for Linear {
    fn scores(&self, x: &[f64], out: &mut [f64]) {
        let length = dot(x, x).sqrt().max(1e-12);
        for ((out, row), &has) in
            out.iter_mut().zip(self.weight.chunks_exact(self.dim)).zip(self.prototypes.has())
        {
            *out = if has { dot(row, x) / length } else { f64::NEG_INFINITY };
        }
    }

    fn strangeness(&self, x: &[f64], out: &mut [f64]) {
        self.prototypes.strangeness(x, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::classes::head::tests::clouds;

    fn loss(examples: &Examples, weight: &[f64], start: &[f64]) -> f64 {
        let (classes, dim) = (examples.classes, examples.dim);
        let total: f64 = examples.weights.iter().sum();
        let mut sum = 0.0;
        for window in 0..examples.len() {
            let x = examples.point(window);
            let length = dot(x, x).sqrt();
            let mut row: Vec<f64> =
                (0..classes).map(|c| dot(&weight[c * dim..][..dim], x) / length).collect();
            softmax(&mut row, &vec![true; classes]);
            sum -= examples.weights[window] / total * row[examples.class_of[window]].ln();
        }
        let pull: f64 = weight.iter().zip(start).map(|(w, s)| (w - s) * (w - s)).sum();
        sum + 0.5 * DECAY * pull
    }

    /// Fails when the decay is left out of the step.
    #[test]
    fn one_step_goes_along_the_gradient_by_finite_differences() {
        let mut examples = clouds(3, 4, 5, 1.0, 1);
        examples.weights[2] = 0.25;
        let start = Linear::fit(&examples, 0).weight;
        let second = Linear::fit(&examples, 1).weight;
        for i in 0..start.len() {
            let mut moved = start.clone();
            let h = 1e-5;
            moved[i] += h;
            let above = loss(&examples, &moved, &start);
            moved[i] -= 2.0 * h;
            let below = loss(&examples, &moved, &start);
            let wanted = (above - below) / (2.0 * h);
            let found = (start[i] - second[i]) / RATE;
            assert!((found - wanted).abs() < 1e-8, "{i}: {found} for {wanted}");
        }
    }

    #[test]
    fn training_lowers_the_loss() {
        let examples = clouds(4, 6, 8, 1.0, 1);
        let start = Linear::fit(&examples, 0).weight;
        let mut before = f64::INFINITY;
        for steps in [0, 10, 50, 200] {
            let now = loss(&examples, &Linear::fit(&examples, steps).weight, &start);
            assert!(now < before, "{steps} steps: {now}");
            before = now;
        }
    }
}
