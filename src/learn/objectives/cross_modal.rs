//! Cross-modal: which sound belongs to which picture of the same moment.
//!
//! `a = norm(x W_a + b_a)`, `v = norm(y W_v + b_v)`, and for all sounds `i` and pictures `j` of a batch
//!
//! `L = 1/n Σᵢⱼ Mᵢⱼ log(1 + exp(−yᵢⱼ (eᵗ aᵢ·vⱼ + b)))`, `y = 1` for one moment and −1 for two,
//!
//! with learnt `t` and `b` (the sigmoid loss of `SigLIP`, Zhai et al. 2023, arXiv 2303.15343). `M` is 0 for
//! two moments closer than a minute: what lasts makes them alike. The encoders' embeddings are constants, so
//! nothing in the two learners moves, and nothing can collapse but the two maps, which the −1 forbid.

use crate::learn::objectives::unit::{add_scaled, dot, unit_rows, unit_rows_back};
use crate::nn::linear::Linear;
use crate::nn::params::{Block, Params};
use crate::nn::real::Real;

/// Moments closer than this are not told apart, seconds.
pub const APART_S: f64 = 60.0;
/// Width of the space in which both meet.
const DIM: usize = 64;
/// `t` and `b` at first: ten times the cosine, and most pairs are none.
const FIRST_SCALE: f64 = std::f64::consts::LN_10;
const FIRST_BIAS: f64 = -3.0;

/// The two maps and the two numbers.
#[derive(Debug, Clone, Copy)]
pub struct CrossModal {
    maps: [Linear; 2],
    scale: Block,
    bias: Block,
}

/// Room for so many pairs.
#[derive(Debug)]
pub struct CrossSpace<F> {
    unit: [Vec<F>; 2],
    lengths: [Vec<F>; 2],
    grad: [Vec<F>; 2],
}

impl<F: Real> CrossSpace<F> {
    /// The cosine of a sound and a picture, by their rows when they were placed.
    pub fn cosine(&self, sound: usize, picture: usize) -> F {
        let width = self.unit[0].len() / self.lengths[0].len().max(1);
        let [a, v] = &self.unit;
        dot(&a[sound * width..(sound + 1) * width], &v[picture * width..(picture + 1) * width])
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        let rooms = [&self.unit, &self.lengths, &self.grad];
        size_of::<F>() * rooms.into_iter().flatten().map(Vec::len).sum::<usize>()
    }
}

impl CrossModal {
    /// From embeddings of so many numbers, sound and picture.
    pub fn new(params: &mut Params, dims: [usize; 2]) -> Self {
        let width = DIM.min(dims[0].min(dims[1]));
        let [sound, picture] = dims;
        Self {
            maps: [
                Linear::uniform(params, "cross_modal.sound", sound, width),
                Linear::uniform(params, "cross_modal.picture", picture, width),
            ],
            scale: params.constant("cross_modal.scale", 1, 1, FIRST_SCALE),
            bias: params.constant("cross_modal.bias", 1, 1, FIRST_BIAS),
        }
    }

    /// Room for `pairs` pairs.
    pub fn space<F: Real>(&self, pairs: usize) -> CrossSpace<F> {
        let width = self.maps[0].out_dim();
        let room = |numbers: usize| [vec![F::zero(); numbers], vec![F::zero(); numbers]];
        CrossSpace { unit: room(pairs * width), lengths: room(pairs), grad: room(pairs * width) }
    }

    /// Places embeddings of one sense, `[rows, dim]`, in the common space; 0 is sound, 1 pictures.
    pub fn place<F: Real>(&self, params: &[F], sense: usize, x: &[F], space: &mut CrossSpace<F>) {
        let (map, width) = (self.maps[sense], self.maps[sense].out_dim());
        let rows = x.len() / map.in_dim();
        let unit = &mut space.unit[sense][..rows * width];
        map.forward(params, x, unit);
        unit_rows(unit, width, &mut space.lengths[sense]);
    }

    /// The loss of pairs at `at_s`, sounds and pictures; adds its gradients to `grads`.
    pub fn loss<F: Real>(
        &self,
        params: &[F],
        x: [&[F]; 2],
        at_s: &[f64],
        space: &mut CrossSpace<F>,
        grads: &mut [F],
    ) -> F {
        let (width, n) = (self.maps[0].out_dim(), at_s.len());
        for (sense, x) in x.into_iter().enumerate() {
            self.place(params, sense, x, space);
        }
        let CrossSpace { unit: [a, v], grad: [grad_a, grad_v], .. } = space;
        grad_a.fill(F::zero());
        grad_v.fill(F::zero());
        let (one, each) = (F::one(), F::of(1.0 / n as f64));
        let sharpness = self.scale.slice(params)[0].exp();
        let bias = self.bias.slice(params)[0];
        let (mut loss, mut by_scale, mut by_bias) = (F::zero(), F::zero(), F::zero());
        for i in 0..n {
            for j in 0..n {
                if i != j && (at_s[i] - at_s[j]).abs() < APART_S {
                    continue;
                }
                let y = if i == j { one } else { -one };
                let (of_i, of_j) = (i * width..(i + 1) * width, j * width..(j + 1) * width);
                let cosine = dot(&a[of_i.clone()], &v[of_j.clone()]);
                // m = −y (eᵗ s + b); log(1 + eᵐ) without overflow, and its derivative σ(m).
                let m = -y * (sharpness * cosine + bias);
                loss += each * (m.max(F::zero()) + (one + (-m.abs()).exp()).ln());
                let by_x = -y * each / (one + (-m).exp());
                add_scaled(&mut grad_a[of_i.clone()], by_x * sharpness, &v[of_j.clone()]);
                add_scaled(&mut grad_v[of_j], by_x * sharpness, &a[of_i]);
                by_scale += by_x * sharpness * cosine;
                by_bias += by_x;
            }
        }
        self.scale.slice_mut(grads)[0] += by_scale;
        self.bias.slice_mut(grads)[0] += by_bias;
        for (sense, x) in x.into_iter().enumerate() {
            let grad = &mut space.grad[sense][..n * width];
            unit_rows_back(&space.unit[sense], width, &space.lengths[sense], grad);
            self.maps[sense].backward_params(x, grad, grads);
        }
        loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;
    use crate::nn::gradcheck::{self, Derivatives};

    /// Failure 19. Fails when `grad_v` is not added to in `loss`.
    #[test]
    fn gradients_match_finite_differences() {
        for (pairs, dims, gap_s) in [(1, [2, 3], 90.0), (4, [3, 5], 90.0), (5, [4, 2], 40.0)] {
            let mut rng = Rng::from_seed(7);
            let mut params = Params::default();
            let net = CrossModal::new(&mut params, dims);
            let all = gradcheck::random(params.len(), &mut rng);
            let [x, y] = dims.map(|dim| gradcheck::random(pairs * dim, &mut rng));
            let at_s: Vec<f64> = (0..pairs).map(|pair| gap_s * pair as f64).collect();
            gradcheck::check(&params, &all, &[], |all, _, wanted| {
                let mut grads = vec![0.0; all.len()];
                let mut space = net.space(pairs);
                let loss = net.loss(all, [&x, &y], &at_s, &mut space, &mut grads);
                if let Some(Derivatives { params, .. }) = wanted {
                    params.copy_from_slice(&grads);
                }
                loss
            })
            .unwrap_or_else(|wrong| panic!("{pairs} pairs of {dims:?}, {gap_s} s: {wrong}"));
        }
    }
}
