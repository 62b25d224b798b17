//! One residual step of the context net: depthwise taps, then a gate.
//!
//! `m = Σ_k D_k ⊙ x[tap k]`, `[a | s] = m W + b`, `y = x + tanh(a) ⊙ σ(s)`.

use crate::nn::linear::Linear;
use crate::nn::params::{Block, Params};
use crate::nn::real::Real;
use crate::nn::taps::Taps;

/// The layer; `x, y: [windows · tokens, width]`, windows one after the other.
#[derive(Debug, Clone)]
pub struct Gated {
    taps: Taps,
    /// `[taps, width]`.
    depthwise: Block,
    /// `width` to `2 · width`: the two halves are `a` and `s`.
    mix: Linear,
    width: usize,
}

/// What `backward` needs of `forward`.
#[derive(Debug, Clone)]
pub struct GatedCache<F> {
    /// `m`, `[rows, width]`.
    mixed: Vec<F>,
    /// `[tanh(a) | σ(s)]`, `[rows, 2 · width]`.
    gates: Vec<F>,
}

impl<F: Real> GatedCache<F> {
    /// Room for `rows` tokens.
    pub fn new(rows: usize, width: usize) -> Self {
        Self { mixed: vec![F::zero(); rows * width], gates: vec![F::zero(); rows * 2 * width] }
    }
}

/// Scratch of `backward`, shared by all layers of one width.
#[derive(Debug, Clone)]
pub struct GatedScratch<F> {
    grad_gates: Vec<F>,
    grad_mixed: Vec<F>,
    turned: Vec<F>,
}

impl<F: Real> GatedScratch<F> {
    /// Room for `rows` tokens.
    pub fn new(rows: usize, width: usize) -> Self {
        Self {
            grad_gates: vec![F::zero(); rows * 2 * width],
            grad_mixed: vec![F::zero(); rows * width],
            turned: vec![F::zero(); 2 * width * width],
        }
    }
}

impl Gated {
    /// Uniform weights.
    pub fn new(params: &mut Params, name: &str, width: usize, taps: Taps) -> Self {
        let per_token = taps.per_token();
        Self {
            depthwise: params.uniform(&format!("{name}.depthwise"), per_token, width, per_token),
            mix: Linear::uniform(params, &format!("{name}.mix"), width, 2 * width),
            taps,
            width,
        }
    }

    /// `y ← x + gate(taps of x)`; `valid[w]` tokens of window `w` are looked at by others.
    pub fn forward<F: Real>(
        &self,
        params: &[F],
        x: &[F],
        valid: &[usize],
        cache: &mut GatedCache<F>,
        y: &mut [F],
    ) {
        let width = self.width;
        let mixed = &mut cache.mixed[..x.len()];
        let gates = &mut cache.gates[..2 * x.len()];
        let depthwise = self.depthwise.slice(params);
        mixed.fill(F::zero());
        let window = self.taps.tokens() * width;
        for (w, (mixed, x)) in
            mixed.chunks_exact_mut(window).zip(x.chunks_exact(window)).enumerate()
        {
            for (token, out) in mixed.chunks_exact_mut(width).enumerate() {
                for (tap, from) in self.taps.of(token, valid[w]) {
                    let weight = &depthwise[tap * width..(tap + 1) * width];
                    let x = &x[from * width..(from + 1) * width];
                    for ((out, &x), &weight) in out.iter_mut().zip(x).zip(weight) {
                        *out += x * weight;
                    }
                }
            }
        }
        self.mix.forward(params, mixed, gates);
        for ((gates, y), x) in gates
            .chunks_exact_mut(2 * width)
            .zip(y.chunks_exact_mut(width))
            .zip(x.chunks_exact(width))
        {
            let (a, s) = gates.split_at_mut(width);
            F::tanh_all(a);
            F::sigmoid_all(s);
            for (((y, &x), &a), &s) in y.iter_mut().zip(x).zip(&*a).zip(&*s) {
                *y = x + a * s;
            }
        }
    }

    /// Turns `grad` from the derivative by `y` into that by `x`, and adds parameter gradients.
    #[expect(
        clippy::too_many_arguments,
        reason = "a layer's parameters, inputs and gradients, each once"
    )]
    pub fn backward<F: Real>(
        &self,
        params: &[F],
        x: &[F],
        valid: &[usize],
        cache: &GatedCache<F>,
        scratch: &mut GatedScratch<F>,
        grads: &mut [F],
        grad: &mut [F],
    ) {
        // With A = tanh(a), S = σ(s), g = ∂L/∂y:
        //   ∂L/∂a = g S (1 − A²)      ∂L/∂s = g A S (1 − S)
        //   ∂L/∂m = [∂L/∂a | ∂L/∂s] Wᵀ
        //   ∂L/∂D_k = Σ_t x[tap(t,k)] ∘ ∂L/∂m[t]      ∂L/∂x[u] = g[u] + Σ_{tap(t,k)=u} D_k ∘ ∂L/∂m[t]
        let width = self.width;
        let one = F::one();
        let grad_gates = &mut scratch.grad_gates[..2 * x.len()];
        let grad_mixed = &mut scratch.grad_mixed[..x.len()];
        for ((out, gates), grad) in grad_gates
            .chunks_exact_mut(2 * width)
            .zip(cache.gates.chunks_exact(2 * width))
            .zip(grad.chunks_exact(width))
        {
            let (out_a, out_s) = out.split_at_mut(width);
            let (a, s) = gates.split_at(width);
            for ((((out_a, out_s), &a), &s), &g) in
                out_a.iter_mut().zip(out_s).zip(a).zip(s).zip(grad)
            {
                *out_a = g * s * (one - a * a);
                *out_s = g * a * s * (one - s);
            }
        }
        self.mix.backward_params(&cache.mixed[..x.len()], grad_gates, grads);
        self.mix.backward_input(params, grad_gates, &mut scratch.turned, F::zero(), grad_mixed);
        let depthwise = self.depthwise.slice(params);
        let grad_depthwise = self.depthwise.slice_mut(grads);
        let window = self.taps.tokens() * width;
        for (w, ((grad, grad_mixed), x)) in grad
            .chunks_exact_mut(window)
            .zip(grad_mixed.chunks_exact(window))
            .zip(x.chunks_exact(window))
            .enumerate()
        {
            for (token, g) in grad_mixed.chunks_exact(width).enumerate() {
                for (tap, from) in self.taps.of(token, valid[w]) {
                    let weight = &depthwise[tap * width..(tap + 1) * width];
                    let x = &x[from * width..(from + 1) * width];
                    let grad = &mut grad[from * width..(from + 1) * width];
                    for ((grad, &g), &weight) in grad.iter_mut().zip(g).zip(weight) {
                        *grad += g * weight;
                    }
                    let sums = &mut grad_depthwise[tap * width..(tap + 1) * width];
                    for ((sum, &g), &x) in sums.iter_mut().zip(g).zip(x) {
                        *sum += g * x;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;
    use crate::nn::gradcheck::{self, Derivatives};
    use crate::nn::layout::Layout;
    use crate::nn::taps::View;

    /// Fails when the slope of the gate, `s (1 − s)`, is left out of `backward`.
    #[test]
    fn gradients_match_finite_differences() {
        let cases = [
            (Layout::Sequence { len: 1 }, View::Around, 1, 1, vec![1]),
            (Layout::Sequence { len: 5 }, View::Around, 2, 3, vec![5, 3]),
            (Layout::Sequence { len: 6 }, View::Past, 1, 4, vec![6]),
            (Layout::Grid { rows: 3, cols: 2 }, View::Around, 1, 2, vec![6, 4]),
            (Layout::Grid { rows: 3, cols: 3 }, View::Past, 2, 3, vec![9]),
        ];
        for (layout, view, dilation, width, valid) in cases {
            let mut rng = Rng::from_seed(3);
            let mut params = Params::default();
            let layer = Gated::new(&mut params, "g", width, Taps::new(layout, view, dilation));
            let all: Vec<f64> = params.start(&mut rng);
            let rows = layout.len() * valid.len();
            let x = gradcheck::random(rows * width, &mut rng);
            let weighting = gradcheck::random(rows * width, &mut rng);
            gradcheck::check(&params, &all, &x, |all, x, wanted| {
                let mut cache = GatedCache::new(rows, width);
                let mut y = vec![0.0; x.len()];
                layer.forward(all, x, &valid, &mut cache, &mut y);
                if let Some(Derivatives { params, x: grad_x }) = wanted {
                    let mut scratch = GatedScratch::new(rows, width);
                    grad_x.copy_from_slice(&weighting);
                    layer.backward(all, x, &valid, &cache, &mut scratch, params, grad_x);
                }
                gradcheck::dot(&y, &weighting)
            })
            .unwrap_or_else(|wrong| panic!("{layout:?} {view:?} d={dilation}: {wrong}"));
        }
    }

    #[test]
    fn padding_changes_nothing_that_is_valid() {
        let mut rng = Rng::from_seed(9);
        let mut params = Params::default();
        let taps = Taps::new(Layout::Sequence { len: 4 }, View::Around, 1);
        let layer = Gated::new(&mut params, "g", 2, taps);
        let all: Vec<f64> = params.start(&mut rng);
        let mut x = gradcheck::random(8, &mut rng);
        let run = |x: &[f64]| {
            let mut y = vec![0.0; 8];
            layer.forward(&all, x, &[2], &mut GatedCache::new(4, 2), &mut y);
            y[..4].to_vec()
        };
        let before = run(&x);
        x[4..].fill(f64::NAN);
        assert_eq!(run(&x), before);
    }
}
