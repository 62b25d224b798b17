//! A recurrent step of the context net: a gated recurrent unit (Cho et al. 2014, in the form of `PyTorch`'s
//! `GRU`) along the tokens of a window, added to what goes in.
//!
//! With `[a_r | a_z | a_n] = x W + b` and `[c_r | c_z | c_n] = h W' + b'`, `h` the state before, 0 at first:
//!
//! `r = σ(a_r + c_r)`, `z = σ(a_z + c_z)`, `n = tanh(a_n + r ∘ c_n)`, `h ← (1 − z) ∘ n + z ∘ h`, `y = x + h`.
//!
//! What may see only the past goes through its tokens once, forwards; what may see everything around has a
//! unit of half the width in each direction. Patches of a picture come row by row: a patch sees all before it.

use crate::nn::layout::Layout;
use crate::nn::linear::Linear;
use crate::nn::params::Params;
use crate::nn::real::Real;
use crate::nn::taps::View;

/// The layer; `x, y: [windows · tokens, width]`, windows one after the other.
#[derive(Debug, Clone)]
pub struct Recurrent {
    tokens: usize,
    width: usize,
    units: Vec<Unit>,
}

/// One direction.
#[derive(Debug, Clone)]
struct Unit {
    /// `width` to `3 · own`.
    input: Linear,
    /// `own` to `3 · own`.
    state: Linear,
    /// Where its numbers lie in `y`.
    from: usize,
    is_backwards: bool,
}

/// What `backward` needs of `forward`.
#[derive(Debug, Clone)]
pub struct RecurrentCache<F> {
    units: Vec<UnitCache<F>>,
}

#[derive(Debug, Clone)]
struct UnitCache<F> {
    /// `[r | z | n]`, `[rows, 3 · own]`.
    gates: Vec<F>,
    /// `c_n`, `[rows, own]`.
    recalled: Vec<F>,
    /// `h` after each token, `[rows, own]`.
    states: Vec<F>,
    /// Scratch: `h` and `[c_r | c_z | c_n]` of one token of each window.
    now: Vec<F>,
    mapped: Vec<F>,
}

/// Scratch of `backward`.
#[derive(Debug, Clone)]
pub struct RecurrentScratch<F> {
    units: Vec<UnitScratch<F>>,
    turned: Vec<F>,
}

#[derive(Debug, Clone)]
struct UnitScratch<F> {
    /// By `[a_r | a_z | a_n]` and `[c_r | c_z | c_n]`, `[rows, 3 · own]`.
    grad_input: Vec<F>,
    grad_state: Vec<F>,
    /// `h` before each token, `[rows, own]`.
    before: Vec<F>,
    /// By `h` and by `[c_r | c_z | c_n]`, of one token of each window.
    grad_now: Vec<F>,
    grad_mapped: Vec<F>,
}

impl Unit {
    fn new(
        params: &mut Params,
        name: &str,
        width: usize,
        (from, to): (usize, usize),
        is_backwards: bool,
    ) -> Self {
        let own = to - from;
        Self {
            input: Linear::uniform(params, &format!("{name}.input"), width, 3 * own),
            state: Linear::uniform(params, &format!("{name}.state"), own, 3 * own),
            from,
            is_backwards,
        }
    }

    const fn own(&self) -> usize {
        self.state.in_dim()
    }

    /// The tokens of a window in this unit's order.
    fn order(&self, tokens: usize) -> impl DoubleEndedIterator<Item = usize> + use<> {
        let is_backwards = self.is_backwards;
        (0..tokens).map(move |step| if is_backwards { tokens - 1 - step } else { step })
    }

    /// The token whose state is the one before `token`'s, in a window of `valid` tokens.
    fn before(&self, token: usize, valid: usize) -> Option<usize> {
        if self.is_backwards {
            Some(token + 1).filter(|&token| token < valid)
        } else {
            token.checked_sub(1)
        }
    }

    fn forward<F: Real>(
        &self,
        params: &[F],
        x: &[F],
        tokens: usize,
        valid: &[usize],
        cache: &mut UnitCache<F>,
    ) {
        let own = self.own();
        let UnitCache { gates, recalled, states, now, mapped } = cache;
        let rows = x.len() / self.input.in_dim();
        let (now, mapped) = (&mut now[..valid.len() * own], &mut mapped[..valid.len() * 3 * own]);
        self.input.forward(params, x, &mut gates[..rows * 3 * own]);
        now.fill(F::zero());
        for token in self.order(tokens) {
            self.state.forward(params, now, mapped);
            for (w, (h, mapped)) in
                now.chunks_exact_mut(own).zip(mapped.chunks_exact(3 * own)).enumerate()
            {
                let row = w * tokens + token;
                let states = &mut states[row * own..(row + 1) * own];
                if valid[w] <= token {
                    h.fill(F::zero());
                    states.fill(F::zero());
                    continue;
                }
                let gates = &mut gates[row * 3 * own..(row + 1) * 3 * own];
                let recalled = &mut recalled[row * own..(row + 1) * own];
                let (mapped, of_new) = mapped.split_at(2 * own);
                recalled.copy_from_slice(of_new);
                let (both, new) = gates.split_at_mut(2 * own);
                both.iter_mut().zip(mapped).for_each(|(a, &c)| *a += c);
                F::sigmoid_all(both);
                let (reset, keep) = both.split_at(own);
                for ((n, &r), &c) in new.iter_mut().zip(reset).zip(&*recalled) {
                    *n += r * c;
                }
                F::tanh_all(new);
                for (((h, state), &z), &n) in h.iter_mut().zip(states).zip(keep).zip(&*new) {
                    *h = (F::one() - z) * n + z * *h;
                    *state = *h;
                }
            }
        }
    }

    /// Derivatives by the two affine maps, of `grad_y: [rows, width]`.
    #[expect(clippy::too_many_arguments, reason = "parameters, sizes, what is known, and scratch")]
    fn back<F: Real>(
        &self,
        params: &[F],
        grad_y: &[F],
        width: usize,
        tokens: usize,
        valid: &[usize],
        cache: &UnitCache<F>,
        scratch: &mut UnitScratch<F>,
        turned: &mut [F],
    ) {
        // With g = ∂L/∂h, of y and of the next token's state:
        //   ∂L/∂a_n = g (1 − z)(1 − n²)      ∂L/∂c_n = r ∂L/∂a_n      ∂L/∂r = c_n ∂L/∂a_n
        //   ∂L/∂a_z = ∂L/∂c_z = g (h − n) z (1 − z)      ∂L/∂a_r = ∂L/∂c_r = ∂L/∂r · r (1 − r)
        //   ∂L/∂h = g z + ∂L/∂c W'ᵀ
        let (own, one) = (self.own(), F::one());
        let UnitScratch { grad_input, grad_state, before, grad_now, grad_mapped } = scratch;
        let grad_now = &mut grad_now[..valid.len() * own];
        let grad_mapped = &mut grad_mapped[..valid.len() * 3 * own];
        grad_now.fill(F::zero());
        for token in self.order(tokens).rev() {
            for (w, (grad_h, grad_mapped)) in grad_now
                .chunks_exact_mut(own)
                .zip(grad_mapped.chunks_exact_mut(3 * own))
                .enumerate()
            {
                let row = w * tokens + token;
                let at = row * own..(row + 1) * own;
                let wide = 3 * at.start..3 * at.end;
                let (grad_input, before) = (&mut grad_input[wide.clone()], &mut before[at.clone()]);
                let previous = if token < valid[w] { self.before(token, valid[w]) } else { None };
                match previous.map(|token| (w * tokens + token) * own) {
                    Some(from) => before.copy_from_slice(&cache.states[from..from + own]),
                    None => before.fill(F::zero()),
                }
                if valid[w] <= token {
                    grad_h.fill(F::zero());
                    grad_mapped.fill(F::zero());
                    grad_input.fill(F::zero());
                } else {
                    let grad_y = &grad_y[row * width + self.from..][..own];
                    let (gates, recalled) = (&cache.gates[wide.clone()], &cache.recalled[at]);
                    for i in 0..own {
                        let (r, z, n) = (gates[i], gates[own + i], gates[2 * own + i]);
                        let g = grad_h[i] + grad_y[i];
                        let by_new = g * (one - z) * (one - n * n);
                        let by_reset = by_new * recalled[i] * r * (one - r);
                        let by_keep = g * (before[i] - n) * z * (one - z);
                        grad_input[i] = by_reset;
                        grad_input[own + i] = by_keep;
                        grad_input[2 * own + i] = by_new;
                        grad_mapped[i] = by_reset;
                        grad_mapped[own + i] = by_keep;
                        grad_mapped[2 * own + i] = by_new * r;
                        grad_h[i] = g * z;
                    }
                }
                grad_state[wide].copy_from_slice(grad_mapped);
            }
            self.state.backward_input(params, grad_mapped, turned, one, grad_now);
        }
    }
}

impl Recurrent {
    /// Uniform weights. `width` must be even where everything around is seen.
    pub fn new(params: &mut Params, name: &str, layout: Layout, view: View, width: usize) -> Self {
        let units = match view {
            View::Past => {
                vec![Unit::new(params, &format!("{name}.past"), width, (0, width), false)]
            }
            View::Around => {
                let half = width / 2;
                vec![
                    Unit::new(params, &format!("{name}.past"), width, (0, half), false),
                    Unit::new(params, &format!("{name}.coming"), width, (half, width), true),
                ]
            }
        };
        Self { tokens: layout.len(), width, units }
    }

    /// Widths that there is room for: one unit as wide as the layer, or two of half of it. Nets of both
    /// views share a space.
    const fn room(&self) -> [usize; 2] {
        [self.width, self.width / 2]
    }

    /// Room for `rows` tokens, seen either way.
    pub fn cache<F: Real>(&self, rows: usize) -> RecurrentCache<F> {
        let windows = rows.div_ceil(self.tokens.max(1));
        let zeros = |len: usize| vec![F::zero(); len];
        let unit = |own: usize| UnitCache {
            gates: zeros(rows * 3 * own),
            recalled: zeros(rows * own),
            states: zeros(rows * own),
            now: zeros(windows * own),
            mapped: zeros(windows * 3 * own),
        };
        RecurrentCache { units: self.room().map(unit).into() }
    }

    /// Scratch for `rows` tokens, seen either way.
    pub fn scratch<F: Real>(&self, rows: usize) -> RecurrentScratch<F> {
        let windows = rows.div_ceil(self.tokens.max(1));
        let zeros = |len: usize| vec![F::zero(); len];
        let unit = |own: usize| UnitScratch {
            grad_input: zeros(rows * 3 * own),
            grad_state: zeros(rows * 3 * own),
            before: zeros(rows * own),
            grad_now: zeros(windows * own),
            grad_mapped: zeros(windows * 3 * own),
        };
        RecurrentScratch {
            units: self.room().map(unit).into(),
            turned: zeros(3 * self.width * self.width),
        }
    }

    /// `y ← x + h`. Tokens from `valid[w]` on do not touch the others, and have no state.
    pub fn forward<F: Real>(
        &self,
        params: &[F],
        x: &[F],
        valid: &[usize],
        cache: &mut RecurrentCache<F>,
        y: &mut [F],
    ) {
        let valid = &valid[..x.len() / (self.width * self.tokens)];
        y.copy_from_slice(x);
        for (unit, cache) in self.units.iter().zip(&mut cache.units) {
            unit.forward(params, x, self.tokens, valid, cache);
            let own = unit.own();
            for (y, h) in y.chunks_exact_mut(self.width).zip(cache.states.chunks_exact(own)) {
                y[unit.from..unit.from + own].iter_mut().zip(h).for_each(|(y, &h)| *y += h);
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
        cache: &RecurrentCache<F>,
        scratch: &mut RecurrentScratch<F>,
        grads: &mut [F],
        grad: &mut [F],
    ) {
        let rows = x.len() / self.width;
        let valid = &valid[..rows / self.tokens];
        let RecurrentScratch { units, turned } = scratch;
        let with_caches = self.units.iter().zip(&cache.units);
        for ((unit, cache), scratch) in with_caches.zip(&mut *units) {
            unit.back(params, grad, self.width, self.tokens, valid, cache, scratch, turned);
            let wide = rows * 3 * unit.own();
            let before = &scratch.before[..rows * unit.own()];
            unit.state.backward_params(before, &scratch.grad_state[..wide], grads);
            unit.input.backward_params(x, &scratch.grad_input[..wide], grads);
        }
        // Only now: every unit had to see what `y` was worth.
        for (unit, scratch) in self.units.iter().zip(&*units) {
            let grad_input = &scratch.grad_input[..rows * 3 * unit.own()];
            unit.input.backward_input(params, grad_input, turned, F::one(), grad);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;
    use crate::nn::gradcheck::{self, Derivatives};

    /// Fails when the share that a state keeps, `g z`, is left out of what goes back.
    #[test]
    fn gradients_match_finite_differences() {
        let cases = [
            (Layout::Sequence { len: 1 }, View::Around, 2, vec![1]),
            (Layout::Sequence { len: 5 }, View::Around, 4, vec![5, 3]),
            (Layout::Sequence { len: 6 }, View::Past, 3, vec![6, 2]),
            (Layout::Grid { rows: 3, cols: 2 }, View::Around, 2, vec![6, 4]),
            (Layout::Grid { rows: 2, cols: 3 }, View::Past, 3, vec![6]),
        ];
        for (layout, view, width, valid) in cases {
            let mut rng = Rng::from_seed(3);
            let mut params = Params::default();
            let layer = Recurrent::new(&mut params, "r", layout, view, width);
            // Zero biases would hide a gradient that belongs to the other map.
            let all = gradcheck::random(params.len(), &mut rng);
            let rows = layout.len() * valid.len();
            let x = gradcheck::random(rows * width, &mut rng);
            let weighting = gradcheck::random(rows * width, &mut rng);
            gradcheck::check(&params, &all, &x, |all, x, wanted| {
                // Larger than needed: a batch need not be full.
                let mut cache = layer.cache(2 * rows);
                let mut y = vec![0.0; x.len()];
                layer.forward(all, x, &valid, &mut cache, &mut y);
                if let Some(Derivatives { params, x: grad_x }) = wanted {
                    grad_x.copy_from_slice(&weighting);
                    let mut scratch = layer.scratch(2 * rows);
                    layer.backward(all, x, &valid, &cache, &mut scratch, params, grad_x);
                }
                gradcheck::dot(&y, &weighting)
            })
            .unwrap_or_else(|wrong| panic!("{layout:?} {view:?} {width}: {wrong}"));
        }
    }

    /// What comes later, or is padding, does not touch what came before.
    #[test]
    fn only_the_past_is_seen_and_padding_by_nobody() {
        let mut rng = Rng::from_seed(9);
        for (view, valid, touched) in [(View::Past, 4, 2), (View::Around, 2, 2)] {
            let mut params = Params::default();
            let layout = Layout::Sequence { len: 4 };
            let layer = Recurrent::new(&mut params, "r", layout, view, 2);
            let all: Vec<f64> = params.start(&mut rng);
            let mut x = gradcheck::random(8, &mut rng);
            let run = |x: &[f64]| {
                let mut y = vec![0.0; 8];
                layer.forward(&all, x, &[valid], &mut layer.cache(4), &mut y);
                y
            };
            let before = run(&x);
            x[2 * touched..].fill(f64::NAN);
            let after = run(&x);
            assert_eq!(after[..2 * touched], before[..2 * touched], "{view:?}");
            x[0] += 1.0;
            assert!(run(&x)[2] != after[2], "{view:?}: the first token is seen by the second");
        }
    }
}
