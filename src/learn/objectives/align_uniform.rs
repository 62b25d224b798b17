//! Alignment and uniformity: two views of one window near each other, all windows spread over the
//! sphere.
//!
//! `L = 1/n Σ ‖aᵢ − bᵢ‖² + ½ U(a) + ½ U(b)`, `U(v) = log mean exp(−2 ‖vᵢ − vⱼ‖²)` over pairs of
//! windows that are apart in time, `a` and `b` of length 1 (Wang and Isola 2020, arXiv 2005.10242,
//! α = t = 2). Alignment alone would describe all windows alike; uniformity forbids it, and whether it
//! does is watched.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::base::rng::Rng;
use crate::learn::objectives::build::{Nets, Plan};
use crate::learn::objectives::contrastive_views::BY_ONE_FEATURE;
use crate::learn::objectives::twins::{Of, Twins};
use crate::learn::objectives::unit::{
    add_scaled, dot, squared_distance, unit_rows, unit_rows_back,
};
use crate::learn::objectives::watch::{Shortcut, Watch};
use crate::learn::objectives::{Batch, Grads, Objective, Room};
use crate::nn::params::Params;
use crate::nn::real::Real;

/// How sharply near pairs are told from far ones.
const T: f64 = 2.0;
/// Share of all length that descriptions have in common, from which on they are alike.
const ALIKE: f64 = 0.99;

/// The objective.
#[derive(Debug)]
pub struct AlignUniform<F> {
    twins: Twins<F>,
    lengths: Vec<F>,
    /// Scratch: the mean description.
    mean: Vec<F>,
    by_one_feature: Option<f64>,
    in_common: f64,
    watches: [Watch; 2],
}

impl<F: Real> AlignUniform<F> {
    /// See [`Plan`].
    pub fn new(params: &mut Params, nets: &mut Nets, plan: &Plan<'_>) -> Self {
        let windows = plan.windows + plan.side / 2;
        let twins = Twins::new(params, nets, plan, "align_uniform", Of::Windows);
        Self {
            lengths: vec![F::zero(); 2 * windows],
            mean: vec![F::zero(); twins.dim()],
            twins,
            by_one_feature: None,
            in_common: 0.0,
            watches: [Watch::at(BY_ONE_FEATURE), Watch::at(ALIKE)],
        }
    }
}

/// `log mean exp(−t ‖vᵢ − vⱼ‖²)` over pairs that are apart; adds `share` times its gradient. `None`
/// without such a pair.
fn uniformity<F: Real>(
    v: &[F],
    dim: usize,
    apart: impl Fn(usize, usize) -> bool,
    share: F,
    grad: &mut [F],
) -> Option<F> {
    let n = v.len() / dim;
    let row = |i: usize| &v[i * dim..(i + 1) * dim];
    let t = F::of(T);
    let near = |i: usize, j: usize| (-t * squared_distance(row(i), row(j))).exp();
    let pairs = || (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).filter(|&(i, j)| apart(i, j));
    let count = pairs().count();
    if count == 0 {
        return None;
    }
    let total: F = pairs().map(|(i, j)| near(i, j)).sum();
    // ∂U/∂vᵢ = Σⱼ −2t e⁻ᵗᴰ (vᵢ − vⱼ) / Σ e⁻ᵗᴰ.
    for (i, j) in pairs() {
        let pull = -F::of(2.0) * t * share * near(i, j) / total;
        for k in 0..dim {
            let by = pull * (v[i * dim + k] - v[j * dim + k]);
            grad[i * dim + k] += by;
            grad[j * dim + k] -= by;
        }
    }
    Some((total / F::of(count as f64)).ln())
}

impl<F: Real> Objective<F> for AlignUniform<F> {
    fn name(&self) -> &'static str {
        "align_uniform"
    }

    fn draw(&mut self, batch: Batch<'_, F>, rng: &mut Rng) {
        self.twins.draw(batch, rng);
    }

    fn loss(
        &mut self,
        room: &mut Room<F>,
        params: &[F],
        batch: Batch<'_, F>,
        share: F,
        grads: Grads<'_, F>,
    ) -> Option<F> {
        let Self { twins, lengths, mean, .. } = self;
        twins.describe(room, params, batch.z);
        self.by_one_feature = twins.views().by_one_feature(&room.x);
        let (count, dim) = (twins.count(), twins.dim());
        let (views, unit, grad) = twins.parts();
        unit_rows(unit, dim, lengths);
        mean.fill(F::zero());
        let part = F::of(1.0 / (2 * count).max(1) as f64);
        unit.chunks_exact(dim).for_each(|row| add_scaled(mean, part, row));
        self.in_common = dot(mean, mean).f64();
        let (a, b) = unit.split_at(count * dim);
        let (grad_a, grad_b) = grad.split_at_mut(count * dim);
        let half = F::of(0.5);
        let apart = |i: usize, j: usize| views.apart(i, j);
        let spread = half * uniformity(a, dim, apart, half * share, grad_a)?
            + half * uniformity(b, dim, apart, half * share, grad_b)?;
        let each = F::of(1.0 / count as f64);
        let pull = F::of(2.0) * share * each;
        for (k, (&a, &b)) in a.iter().zip(b).enumerate() {
            grad_a[k] += pull * (a - b);
            grad_b[k] -= pull * (a - b);
        }
        let loss = squared_distance(a, b) * each + spread;
        unit_rows_back(unit, dim, lengths, grad);
        twins.back(room, params, grads);
        Some(loss)
    }

    fn watch(&mut self) {
        if let Some(by_one_feature) = self.by_one_feature {
            self.watches[0].observe(by_one_feature);
            self.watches[1].observe(self.in_common);
        }
    }

    fn watches(&mut self) -> &mut [Watch] {
        &mut self.watches
    }

    fn shortcut(&self) -> Option<Shortcut> {
        let [one_feature, alike] = &self.watches;
        if alike.has_tripped() {
            return Some(Shortcut::Collapse);
        }
        one_feature.has_tripped().then_some(Shortcut::OneFeature)
    }

    fn save(&self, to: &mut Writer) {
        self.watches.iter().for_each(|watch| watch.save(to));
    }

    fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        self.watches.iter_mut().try_for_each(|watch| watch.load(from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::objectives::testing;

    /// Failure 19. Fails when `uniformity` pulls at one of its two windows only.
    #[test]
    fn gradients_match_finite_differences() {
        for scene in testing::scenes() {
            testing::check_gradients(&scene, AlignUniform::new);
        }
    }

    #[test]
    fn spread_descriptions_cost_less_than_equal_ones() {
        let mut grad = [0.0; 6];
        let equal = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0];
        let spread = [1.0, 0.0, -0.5, 0.866, -0.5, -0.866];
        let of = |v: &[f64], grad: &mut [f64]| uniformity(v, 2, |_, _| true, 1.0, grad).unwrap();
        assert_eq!(of(&equal, &mut grad), 0.0);
        assert!(of(&spread, &mut grad) < -5.9, "three points at distance √3: −2 · 3");
    }
}
