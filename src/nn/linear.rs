//! The affine map, `y = x Wᵀ + b`.

use ndarray::{Array2, ArrayView2, Axis, NdFloat};

use crate::base::rng::Rng;
use crate::nn::{Layer, Param};

/// `y = x Wᵀ + b`.
///
/// | name     | shape               |
/// |----------|---------------------|
/// | `x`      | `[batch, in_dim]`   |
/// | `y`      | `[batch, out_dim]`  |
/// | `weight` | `[out_dim, in_dim]` |
/// | `bias`   | `[1, out_dim]`      |
///
/// Weights are stored output-major, as PyTorch does, so golden files need no transposing.
#[derive(Debug, Clone)]
pub struct Linear<F> {
    weight: Param<F>,
    bias: Param<F>,
}

impl<F: NdFloat> Linear<F> {
    /// Uniform weights in ±1/√`in_dim`, which keeps the spread of `y` near that of `x`; zero bias.
    pub fn uniform(in_dim: usize, out_dim: usize, rng: &mut Rng) -> Self {
        let limit = 1.0 / (in_dim as f64).sqrt();
        let draw = || F::from((2.0 * rng.unit() - 1.0) * limit).unwrap_or_else(F::zero);
        Self {
            weight: Param::new(Array2::from_shape_simple_fn((out_dim, in_dim), draw)),
            bias: Param::new(Array2::zeros((1, out_dim))),
        }
    }

    /// All zeros: as the last step of a residual branch it makes the branch start as "no change".
    pub fn zeroed(in_dim: usize, out_dim: usize) -> Self {
        Self {
            weight: Param::new(Array2::zeros((out_dim, in_dim))),
            bias: Param::new(Array2::zeros((1, out_dim))),
        }
    }
}

/// The input, which the weight gradient needs.
#[derive(Debug)]
pub struct LinearCache<F> {
    x: Array2<F>,
}

impl<F: NdFloat> Layer<F> for Linear<F> {
    type Cache = LinearCache<F>;

    fn forward(&self, x: ArrayView2<'_, F>) -> (Array2<F>, LinearCache<F>) {
        let y = x.dot(&self.weight.value.t()) + &self.bias.value;
        (y, LinearCache { x: x.to_owned() })
    }

    fn backward(&mut self, cache: &LinearCache<F>, grad_y: ArrayView2<'_, F>) -> Array2<F> {
        // y[b,o] = Σ_i x[b,i] W[o,i] + bias[o], hence:
        //   ∂L/∂W[o,i]  = Σ_b grad_y[b,o] x[b,i]
        //   ∂L/∂bias[o] = Σ_b grad_y[b,o]
        //   ∂L/∂x[b,i]  = Σ_o grad_y[b,o] W[o,i]
        self.weight.grad += &grad_y.t().dot(&cache.x);
        self.bias.grad += &grad_y.sum_axis(Axis(0));
        grad_y.dot(&self.weight.value)
    }

    fn visit_params(&mut self, visit: &mut dyn FnMut(&'static str, &mut Param<F>)) {
        visit("weight", &mut self.weight);
        visit("bias", &mut self.bias);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;
    use crate::nn::gradcheck;

    #[test]
    fn forward_matches_pencil_and_paper() {
        let mut layer = Linear::zeroed(2, 1);
        layer.weight.value.assign(&array![[2.0, -3.0]]);
        layer.bias.value.assign(&array![[0.5]]);
        let (y, _) = layer.forward(array![[1.0, 1.0], [4.0, 2.0]].view());
        assert_eq!(y, array![[-0.5], [2.5]]);
    }

    #[test]
    fn gradients_match_finite_differences() {
        for (batch, in_dim, out_dim) in [(1, 1, 1), (1, 5, 3), (4, 3, 7)] {
            let mut rng = Rng::from_seed(7);
            let mut layer = Linear::<f64>::uniform(in_dim, out_dim, &mut rng);
            let x = Array2::from_shape_simple_fn((batch, in_dim), || rng.unit() - 0.5);
            gradcheck::check(&mut layer, &x, &mut rng)
                .unwrap_or_else(|wrong| panic!("batch={batch} {in_dim}->{out_dim}: {wrong}"));
        }
    }

    #[test]
    fn gradients_add_up_until_zeroed() {
        let mut layer = Linear::<f64>::uniform(2, 2, &mut Rng::from_seed(1));
        let (_, cache) = layer.forward(array![[1.0, 2.0]].view());
        layer.backward(&cache, array![[1.0, 1.0]].view());
        let mut once = Vec::new();
        layer.visit_params(&mut |_, param| once.push(param.grad.clone()));
        layer.backward(&cache, array![[1.0, 1.0]].view());
        let mut once = once.into_iter();
        layer.visit_params(&mut |name, param| {
            assert_eq!(param.grad, once.next().unwrap() * 2.0, "{name}");
            param.zero_grad();
            assert_eq!(param.grad.sum(), 0.0, "{name}");
        });
    }
}
