//! Compares a layer's `backward` with finite differences of its `forward`.
//!
//! Method: the loss is a fixed random weighting of the outputs, `L = Σ w ∘ y`, so its exact
//! `grad_y` is `w` and every output takes part. Each number is then nudged up and down by `STEP`.
//! Central differences in `f64` leave an error near `STEP²`, far below `TOLERANCE`; a wrong formula
//! is off by a factor, far above it. That gap is why layers are generic and the check is not `f32`.

use ndarray::Array2;
use thiserror::Error;

use crate::base::rng::Rng;
use crate::nn::Layer;

const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 1e-7;

/// The first number whose two derivatives disagree.
#[derive(Debug, Error)]
#[error(
    "d(loss)/d({of}[{index}]): backward says {analytic:.9e}, finite differences say {numeric:.9e}"
)]
pub struct Mismatch {
    of: &'static str,
    index: usize,
    analytic: f64,
    numeric: f64,
}

/// Checks `grad_x` and every parameter gradient of `layer` at the point `x`.
///
/// # Errors
///
/// [`Mismatch`] names the first wrong derivative: the input, then parameters in visiting order.
pub fn check<L: Layer<f64>>(layer: &mut L, x: &Array2<f64>, rng: &mut Rng) -> Result<(), Mismatch> {
    let (y, cache) = layer.forward(x.view());
    let weighting = Array2::from_shape_simple_fn(y.raw_dim(), || 2.0 * rng.unit() - 1.0);
    layer.visit_params(&mut |_, param| param.zero_grad());
    let grad_x = layer.backward(&cache, weighting.view());
    let mut params: Vec<(&'static str, Array2<f64>)> = Vec::new();
    layer.visit_params(&mut |name, param| params.push((name, param.grad.clone())));

    let loss = |layer: &L, x: &Array2<f64>| (layer.forward(x.view()).0 * &weighting).sum();

    let mut nudged = x.clone();
    for (index, &analytic) in grad_x.iter().enumerate() {
        let numeric = central_difference(|by| {
            add_at(&mut nudged, index, by);
            let value = loss(layer, &nudged);
            add_at(&mut nudged, index, -by);
            value
        });
        compare("x", index, analytic, numeric)?;
    }
    for (which, (name, grad)) in params.iter().enumerate() {
        for (index, &analytic) in grad.iter().enumerate() {
            let numeric = central_difference(|by| {
                nudge_param(layer, which, index, by);
                let value = loss(layer, x);
                nudge_param(layer, which, index, -by);
                value
            });
            compare(name, index, analytic, numeric)?;
        }
    }
    Ok(())
}

fn central_difference(mut loss_when_moved_by: impl FnMut(f64) -> f64) -> f64 {
    (loss_when_moved_by(STEP) - loss_when_moved_by(-STEP)) / (2.0 * STEP)
}

fn add_at(array: &mut Array2<f64>, index: usize, by: f64) {
    if let Some(cell) = array.iter_mut().nth(index) {
        *cell += by;
    }
}

fn nudge_param<L: Layer<f64>>(layer: &mut L, which: usize, index: usize, by: f64) {
    let mut position = 0;
    layer.visit_params(&mut |_, param| {
        if position == which {
            add_at(&mut param.value, index, by);
        }
        position += 1;
    });
}

fn compare(of: &'static str, index: usize, analytic: f64, numeric: f64) -> Result<(), Mismatch> {
    let scale = 1.0_f64.max(analytic.abs()).max(numeric.abs());
    // Written so that NaN fails.
    if (analytic - numeric).abs() <= TOLERANCE * scale {
        Ok(())
    } else {
        Err(Mismatch { of, index, analytic, numeric })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayView2;

    use super::*;
    use crate::nn::Param;

    /// Squares its input but claims the derivative is `x`: off by a factor of two.
    struct WrongSquare;

    impl Layer<f64> for WrongSquare {
        type Cache = Array2<f64>;

        fn forward(&self, x: ArrayView2<'_, f64>) -> (Array2<f64>, Array2<f64>) {
            (&x * &x, x.to_owned())
        }

        fn backward(&mut self, x: &Array2<f64>, grad_y: ArrayView2<'_, f64>) -> Array2<f64> {
            x * &grad_y
        }

        fn visit_params(&mut self, _: &mut dyn FnMut(&'static str, &mut Param<f64>)) {}
    }

    #[test]
    fn a_wrong_backward_is_caught() {
        let x = ndarray::array![[0.3, -0.8]];
        let wrong = check(&mut WrongSquare, &x, &mut Rng::from_seed(3)).unwrap_err();
        assert!(wrong.to_string().starts_with("d(loss)/d(x[0])"), "{wrong}");
    }
}
