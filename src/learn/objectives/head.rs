//! Guesses of whitened tokens from hidden states, and what they cost.
//!
//! `o = h W + b`; with learnt variance also `v = clip(h · w + c, ±6)`. With `e = ‖o − u‖² / dim`,
//! the mean over all guesses of
//!
//! * `e` (fixed variance), or
//! * `s (e⁻ᵛ e + v)`, `s = eᵝᵛ` without gradient (β-NLL: β = 0 is the likelihood, which gives up on
//!   what is hard to guess; β = 1 weighs all guesses alike).
//!
//! The targets `u` are constants: no gradient flows into them, so nothing is gained by dull targets.

use crate::nn::linear::Linear;
use crate::nn::params::Params;
use crate::nn::real::Real;

/// Log-variances are cut to ± this.
const MOST_LOG_VARIANCE: f64 = 6.0;

/// The head's weights.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    out: Linear,
    /// Present when the variance is learnt, with β.
    variance: Option<(Linear, f64)>,
}

/// Which rows of `h` guess which rows of `u`, and all that is computed for them.
#[derive(Debug, Clone)]
pub struct HeadSpace<F> {
    pairs: Vec<(usize, usize)>,
    hidden: Vec<F>,
    /// The guesses, then their errors `o − u`, `[pairs, dim]`.
    errors: Vec<F>,
    log_variances: Vec<F>,
    grad_hidden: Vec<F>,
    turned: Vec<F>,
}

impl<F: Real> HeadSpace<F> {
    /// Room for `rows` questions.
    pub fn new(head: &Head, rows: usize) -> Self {
        let (width, dim) = (head.out.in_dim(), head.out.out_dim());
        Self {
            pairs: Vec::with_capacity(rows),
            hidden: vec![F::zero(); rows * width],
            errors: vec![F::zero(); rows * dim],
            log_variances: vec![F::zero(); rows],
            grad_hidden: vec![F::zero(); rows * width],
            turned: vec![F::zero(); width * dim],
        }
    }

    /// Forgets all pairs.
    pub fn clear(&mut self) {
        self.pairs.clear();
    }

    /// Row `from` of the hidden states shall guess row `target` of the whitened tokens.
    pub fn ask(&mut self, from: usize, target: usize) {
        self.pairs.push((from, target));
    }

    /// Which row guesses which, in the order of asking.
    pub fn pairs(&self) -> &[(usize, usize)] {
        &self.pairs
    }

    /// `(target row, error o − u, log-variance)` of every guess, in the order of asking.
    pub fn guesses(&self) -> impl Iterator<Item = (usize, &[F], F)> {
        let dim = self.turned.len() / self.width();
        self.pairs
            .iter()
            .zip(self.errors.chunks_exact(dim))
            .zip(&self.log_variances)
            .map(|((&(_, target), error), &v)| (target, error, v))
    }

    fn width(&self) -> usize {
        self.hidden.len() / self.log_variances.len().max(1)
    }
}

impl Head {
    /// From hidden states of `width` numbers to tokens of `dim`; the variance is learnt when β is given.
    pub fn new(
        params: &mut Params,
        name: &str,
        width: usize,
        dim: usize,
        beta: Option<f64>,
    ) -> Self {
        let out = Linear::small(params, &format!("{name}.out"), width, dim);
        let variance = beta
            .map(|beta| (Linear::zeroed(params, &format!("{name}.log_variance"), width, 1), beta));
        Self { out, variance }
    }

    /// Fills [`HeadSpace::guesses`]; `hidden: [rows, width]`, `u: [rows, dim]`.
    pub fn guess<F: Real>(&self, params: &[F], hidden: &[F], u: &[F], space: &mut HeadSpace<F>) {
        let (width, dim) = (self.out.in_dim(), self.out.out_dim());
        let count = space.pairs.len();
        let gathered = &mut space.hidden[..count * width];
        for (row, &(from, _)) in gathered.chunks_exact_mut(width).zip(&space.pairs) {
            row.copy_from_slice(&hidden[from * width..(from + 1) * width]);
        }
        let errors = &mut space.errors[..count * dim];
        self.out.forward(params, gathered, errors);
        for (error, &(_, target)) in errors.chunks_exact_mut(dim).zip(&space.pairs) {
            for (o, &u) in error.iter_mut().zip(&u[target * dim..(target + 1) * dim]) {
                *o -= u;
            }
        }
        let log_variances = &mut space.log_variances[..count];
        match self.variance {
            None => log_variances.fill(F::zero()),
            Some((layer, _)) => {
                layer.forward(params, gathered, log_variances);
                let most = F::of(MOST_LOG_VARIANCE);
                log_variances.iter_mut().for_each(|v| *v = v.max(-most).min(most));
            }
        }
    }

    /// After [`Head::guess`]: the loss, `share` times its gradients; `grad_hidden: [rows, width]` is
    /// added to. `None` when nothing was asked.
    pub fn loss<F: Real>(
        &self,
        params: &[F],
        share: F,
        space: &mut HeadSpace<F>,
        grads: &mut [F],
        grad_hidden: &mut [F],
    ) -> Option<F> {
        let (width, dim) = (self.out.in_dim(), self.out.out_dim());
        let count = space.pairs.len();
        if count == 0 {
            return None;
        }
        let (one, size) = (F::one(), F::of(count as f64));
        let most = F::of(MOST_LOG_VARIANCE);
        let scale = share / size;
        let mut sum = F::zero();
        let errors = &mut space.errors[..count * dim];
        let log_variances = &mut space.log_variances[..count];
        for (error, v) in errors.chunks_exact_mut(dim).zip(log_variances.iter_mut()) {
            let mut e = F::zero();
            error.iter().for_each(|&x| e += x * x);
            e /= F::of(dim as f64);
            // ∂/∂o = 2 s e⁻ᵛ (o − u) / dim,  ∂/∂v = s (1 − e⁻ᵛ e), and 0 where v was cut.
            let (s, precision) = self
                .variance
                .map_or((one, one), |(_, beta)| ((F::of(beta) * *v).exp(), (-*v).exp()));
            sum += s * (precision * e + *v);
            let by_o = scale * (one + one) * s * precision / F::of(dim as f64);
            error.iter_mut().for_each(|x| *x *= by_o);
            let cut = v.abs() >= most;
            *v = if cut { F::zero() } else { scale * s * (one - precision * e) };
        }
        let gathered = &space.hidden[..count * width];
        let grad = &mut space.grad_hidden[..count * width];
        self.out.backward_params(gathered, errors, grads);
        self.out.backward_input(params, errors, &mut space.turned, F::zero(), grad);
        if let Some((layer, _)) = self.variance {
            layer.backward_params(gathered, log_variances, grads);
            layer.backward_input(params, log_variances, &mut space.turned, one, grad);
        }
        for (grad, &(from, _)) in grad.chunks_exact(width).zip(&space.pairs) {
            for (sum, &g) in grad_hidden[from * width..(from + 1) * width].iter_mut().zip(grad) {
                *sum += g;
            }
        }
        Some(sum / size)
    }
}
