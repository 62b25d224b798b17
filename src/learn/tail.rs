//! What lies beyond the largest values met: a generalised Pareto tail, fitted by probability-weighted
//! moments (Hosking and Wallis, *Parameter and quantile estimation for the generalized Pareto
//! distribution*, Technometrics 29, 1987).

/// Generalised Pareto distribution of excesses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tail {
    /// Above 0 the tail is heavy, below 0 it has an end.
    pub shape: f64,
    /// Size of a usual excess.
    pub scale: f64,
}

impl Tail {
    /// `largest` in falling order, all at least `from`.
    pub fn fit(largest: &[f32], from: f32) -> Self {
        let n = largest.len() as f64;
        let (mut a0, mut a1) = (0.0, 0.0);
        for (i, &value) in largest.iter().enumerate() {
            let excess = f64::from(value - from);
            a0 += excess / n;
            // The share of excesses above this one.
            a1 += excess * (i as f64 + 0.35) / n / n;
        }
        let gap = a0 - 2.0 * a1;
        if a0 <= 0.0 || gap <= 0.0 {
            return Self { shape: 0.0, scale: a0.max(1e-9) };
        }
        // Above 0 the tail has an end, beyond which nothing is thought possible; not too soon.
        let k = (a0 / gap - 2.0).clamp(-0.5, 0.25);
        Self { shape: -k, scale: a0 * (1.0 + k) }
    }

    /// The excess that a share `p` of excesses exceeds.
    pub fn excess(&self, p: f64) -> f64 {
        if self.shape.abs() < 1e-6 {
            return -self.scale * p.ln();
        }
        self.scale / self.shape * (p.powf(-self.shape) - 1.0)
    }

    /// The share of excesses above this one.
    pub fn above(&self, excess: f64) -> f64 {
        if self.shape.abs() < 1e-6 {
            return (-excess / self.scale).exp();
        }
        (1.0 + self.shape * excess / self.scale).max(0.0).powf(-1.0 / self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    #[test]
    fn an_exponential_tail_is_found_and_its_quantile_is_right() {
        let mut rng = Rng::from_seed(3);
        #[expect(clippy::cast_possible_truncation, reason = "f32 is what is used")]
        let mut drawn: Vec<f32> =
            (0..4000).map(|_| (-2.0 * (1.0 - rng.unit()).ln()) as f32).collect();
        drawn.sort_unstable_by(|a, b| b.total_cmp(a));
        let tail = Tail::fit(&drawn, 0.0);
        assert!(tail.shape.abs() < 0.1 && (tail.scale - 2.0).abs() < 0.2, "{tail:?}");
        // P(X > x) = exp(−x / 2), so one in a thousand exceeds 13.8.
        assert!((tail.excess(1e-3) - 13.8).abs() < 2.5, "{}", tail.excess(1e-3));
        assert!((tail.above(tail.excess(1e-4)) / 1e-4 - 1.0).abs() < 1e-6);
    }
}
