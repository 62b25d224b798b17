//! `InfoNCE`: a query shall be nearer to its own key than to the others.
//!
//! `L = 1/n Σᵢ −log( exp(qᵢ·kᵢ/τ) / Σⱼ exp(qᵢ·kⱼ/τ) )` over the keys `j` that may be compared with `i`
//! (van den Oord et al. 2018, arXiv 1807.03748). Queries without any other key are left out.
//! Plain loops: `n` is a few dozen, and products this small would only be packed.

use crate::learn::objectives::unit::{add_scaled, dot};
use crate::nn::real::Real;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retrieval<F> {
    /// The mean loss.
    pub loss: F,
    /// Share of queries whose own key was the nearest.
    pub accuracy: f64,
}

/// Loss of `n` queries and keys, `[n, dim]`; adds `share` times the gradients to `grad_q` and, where
/// keys learn, `grad_k`. `apart(i, j)` says whether key `j` may be a wrong answer for query `i`.
/// `scores` is scratch for `n` numbers. `None` when no query has a wrong answer.
#[expect(clippy::too_many_arguments, reason = "two sides, each with its gradient, and the rule")]
pub fn info_nce<F: Real>(
    q: &[F],
    k: &[F],
    dim: usize,
    temperature: f64,
    apart: impl Fn(usize, usize) -> bool,
    share: F,
    scores: &mut [F],
    grad_q: &mut [F],
    mut grad_k: Option<&mut [F]>,
) -> Option<Retrieval<F>> {
    let n = q.len() / dim;
    let asked = (0..n).filter(|&i| (0..n).any(|j| j != i && apart(i, j))).count();
    if asked == 0 {
        return None;
    }
    let inverse = F::of(1.0 / temperature);
    let scale = share * inverse / F::of(asked as f64);
    let (mut sum, mut right) = (F::zero(), 0_usize);
    for i in 0..n {
        let allowed = |j: usize| j == i || apart(i, j);
        if !(0..n).any(|j| j != i && allowed(j)) {
            continue;
        }
        let query = &q[i * dim..(i + 1) * dim];
        let mut most = F::neg_infinity();
        for (j, score) in scores[..n].iter_mut().enumerate() {
            *score = dot(query, &k[j * dim..(j + 1) * dim]) * inverse;
            if allowed(j) {
                most = most.max(*score);
            }
        }
        let own = scores[i];
        let is_first = (0..n).all(|j| j == i || !allowed(j) || scores[j] < own);
        right += usize::from(is_first);
        let mut total = F::zero();
        for (j, score) in scores[..n].iter_mut().enumerate() {
            *score = if allowed(j) { (*score - most).exp() } else { F::zero() };
            total += *score;
        }
        sum += total.ln() + most - own;
        // ∂L/∂(qᵢ·kⱼ/τ) = (softmaxⱼ − [i = j]) / asked.
        for (j, &score) in scores[..n].iter().enumerate() {
            let hit = if j == i { F::one() } else { F::zero() };
            let by_score = scale * (score / total - hit);
            if by_score == F::zero() {
                continue;
            }
            let (of_i, of_j) = (i * dim..(i + 1) * dim, j * dim..(j + 1) * dim);
            add_scaled(&mut grad_q[of_i], by_score, &k[of_j.clone()]);
            if let Some(grad_k) = grad_k.as_deref_mut() {
                add_scaled(&mut grad_k[of_j], by_score, query);
            }
        }
    }
    let accuracy = right as f64 / asked as f64;
    Some(Retrieval { loss: sum / F::of(asked as f64), accuracy })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;
    use crate::nn::gradcheck::{self, Derivatives};
    use crate::nn::params::Params;

    /// Failure 19. Fails when keys get no gradient (`grad_k`).
    #[test]
    fn gradients_match_finite_differences() {
        for (n, dim, parted) in [(2, 2, false), (4, 3, false), (5, 3, true)] {
            let mut rng = Rng::from_seed(4);
            let both = gradcheck::random(2 * n * dim, &mut rng);
            gradcheck::check(&Params::default(), &[], &both, |_, both, wanted| {
                let (q, k) = both.split_at(n * dim);
                let (mut grad_q, mut grad_k) = (vec![0.0; n * dim], vec![0.0; n * dim]);
                let apart = |i: usize, j: usize| !parted || i.abs_diff(j) != 1;
                let mut scores = vec![0.0; n];
                let found = info_nce(
                    q,
                    k,
                    dim,
                    0.3,
                    apart,
                    1.0,
                    &mut scores,
                    &mut grad_q,
                    Some(&mut grad_k),
                );
                if let Some(Derivatives { x, .. }) = wanted {
                    x[..n * dim].copy_from_slice(&grad_q);
                    x[n * dim..].copy_from_slice(&grad_k);
                }
                found.unwrap().loss
            })
            .unwrap_or_else(|wrong| panic!("n={n} dim={dim}: {wrong}"));
        }
    }

    #[test]
    fn equal_keys_cost_the_logarithm_of_their_number_and_own_keys_nothing() {
        let mut grad = [0.0; 8];
        let mut scores = [0.0; 4];
        let same = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0];
        let found =
            info_nce(&same, &same, 2, 0.2, |_, _| true, 1.0, &mut scores, &mut grad, None).unwrap();
        assert!((found.loss - 4.0_f64.ln()).abs() < 1e-12 && found.accuracy == 0.0, "{found:?}");
        let apart = [9.0, 0.0, 0.0, 9.0, -9.0, 0.0, 0.0, -9.0];
        let found =
            info_nce(&apart, &apart, 2, 0.2, |_, _| true, 1.0, &mut scores, &mut grad, None);
        assert!(found.is_some_and(|found| found.loss < 1e-9 && found.accuracy == 1.0), "{found:?}");
    }

    #[test]
    fn without_a_wrong_answer_nothing_is_asked() {
        let mut grad = [0.0; 4];
        let found = info_nce(
            &[1.0; 4],
            &[1.0; 4],
            2,
            0.2,
            |_, _| false,
            1.0,
            &mut [0.0; 2],
            &mut grad,
            None,
        );
        assert_eq!((found, grad), (None, [0.0; 4]));
    }
}
