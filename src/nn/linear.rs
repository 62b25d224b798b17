//! The affine map, `y = x W + b`.

use crate::nn::matmul::{matmul, transpose, view, view_mut};
use crate::nn::params::{Block, Params};
use crate::nn::real::Real;

/// `y = x W + b`.
///
/// | name     | shape               |
/// |----------|---------------------|
/// | `x`      | `[rows, in_dim]`    |
/// | `y`      | `[rows, out_dim]`   |
/// | `weight` | `[in_dim, out_dim]` |
/// | `bias`   | `[1, out_dim]`      |
///
/// PyTorch stores the transpose of `weight`; `nn::matmul` says why we do not.
#[derive(Debug, Clone, Copy)]
pub struct Linear {
    weight: Block,
    bias: Block,
}

impl Linear {
    /// Uniform weights of variance 1 / `in_dim`; zero bias.
    pub fn uniform(params: &mut Params, name: &str, in_dim: usize, out_dim: usize) -> Self {
        Self {
            weight: params.uniform(&format!("{name}.weight"), in_dim, out_dim, in_dim),
            bias: params.zeroed(&format!("{name}.bias"), 1, out_dim),
        }
    }

    /// A tenth of [`Linear::uniform`], for heads: the first predictions are near the mean.
    pub fn small(params: &mut Params, name: &str, in_dim: usize, out_dim: usize) -> Self {
        Self {
            weight: params.uniform(&format!("{name}.weight"), in_dim, out_dim, 100 * in_dim),
            bias: params.zeroed(&format!("{name}.bias"), 1, out_dim),
        }
    }

    /// All zeros: as the last step of a residual branch it makes the branch start as "no change".
    pub fn zeroed(params: &mut Params, name: &str, in_dim: usize, out_dim: usize) -> Self {
        Self {
            weight: params.zeroed(&format!("{name}.weight"), in_dim, out_dim),
            bias: params.zeroed(&format!("{name}.bias"), 1, out_dim),
        }
    }

    /// Width of `x`.
    pub const fn in_dim(&self) -> usize {
        self.weight.rows
    }

    /// Width of `y`.
    pub const fn out_dim(&self) -> usize {
        self.weight.cols
    }

    /// Where the weight lies.
    pub const fn weight(&self) -> Block {
        self.weight
    }

    /// Where the bias lies.
    pub const fn bias(&self) -> Block {
        self.bias
    }

    /// `y ← x W + b`.
    pub fn forward<F: Real>(&self, params: &[F], x: &[F], y: &mut [F]) {
        let bias = self.bias.slice(params);
        for row in y.chunks_exact_mut(self.out_dim()) {
            row.copy_from_slice(bias);
        }
        let rows = y.len() / self.out_dim();
        matmul(
            F::one(),
            view(x, rows, self.in_dim()),
            self.weight.of(params),
            F::one(),
            view_mut(y, rows, self.out_dim()),
        );
    }

    /// Adds this layer's gradients.
    pub fn backward_params<F: Real>(&self, x: &[F], grad_y: &[F], grads: &mut [F]) {
        // y[r,o] = Σ_i x[r,i] W[i,o] + b[o], hence:
        //   ∂L/∂W[i,o] = Σ_r x[r,i] grad_y[r,o]
        //   ∂L/∂b[o]   = Σ_r grad_y[r,o]
        let rows = grad_y.len() / self.out_dim();
        matmul(
            F::one(),
            view(x, rows, self.in_dim()).t(),
            view(grad_y, rows, self.out_dim()),
            F::one(),
            self.weight.of_mut(grads),
        );
        let bias = self.bias.slice_mut(grads);
        for row in grad_y.chunks_exact(self.out_dim()) {
            for (sum, &g) in bias.iter_mut().zip(row) {
                *sum += g;
            }
        }
    }

    /// `grad_x ← keep · grad_x + grad_y Wᵀ`. `turned` is scratch, as long as the weight at least.
    pub fn backward_input<F: Real>(
        &self,
        params: &[F],
        grad_y: &[F],
        turned: &mut [F],
        keep: F,
        grad_x: &mut [F],
    ) {
        // ∂L/∂x[r,i] = Σ_o grad_y[r,o] W[i,o]
        let rows = grad_y.len() / self.out_dim();
        let turned = &mut turned[..self.weight.len()];
        transpose(self.weight.slice(params), self.in_dim(), self.out_dim(), turned);
        matmul(
            F::one(),
            view(grad_y, rows, self.out_dim()),
            view(turned, self.out_dim(), self.in_dim()),
            keep,
            view_mut(grad_x, rows, self.in_dim()),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;
    use crate::nn::gradcheck::{self, Derivatives};

    #[test]
    fn forward_matches_pencil_and_paper() {
        let mut params = Params::default();
        let layer = Linear::zeroed(&mut params, "l", 2, 1);
        let mut y = [0.0; 2];
        layer.forward(&[2.0, -3.0, 0.5], &[1.0, 1.0, 4.0, 2.0], &mut y);
        assert_eq!(y, [-0.5, 2.5]);
    }

    /// Fails when `backward_params` leaves out the bias.
    #[test]
    fn gradients_match_finite_differences() {
        for (rows, in_dim, out_dim) in [(1, 1, 1), (1, 5, 3), (4, 3, 7), (6, 16, 50)] {
            let mut rng = Rng::from_seed(7);
            let mut params = Params::default();
            let layer = Linear::uniform(&mut params, "l", in_dim, out_dim);
            let all: Vec<f64> = params.start(&mut rng);
            let x = gradcheck::random(rows * in_dim, &mut rng);
            let weighting = gradcheck::random(rows * out_dim, &mut rng);
            gradcheck::check(&params, &all, &x, |all, x, wanted| {
                let mut y = vec![0.0; rows * out_dim];
                layer.forward(all, x, &mut y);
                if let Some(Derivatives { params, x: grad_x }) = wanted {
                    layer.backward_params(x, &weighting, params);
                    let mut turned = vec![0.0; in_dim * out_dim];
                    layer.backward_input(all, &weighting, &mut turned, 1.0, grad_x);
                }
                gradcheck::dot(&y, &weighting)
            })
            .unwrap_or_else(|wrong| panic!("rows={rows} {in_dim}->{out_dim}: {wrong}"));
        }
    }
}
