//! From raw tokens to whitened ones.
//!
//! `u = clamp((P x − mean) W, ±8)`. `P` is the identity, or, for tokens wider than
//! [`MOST_DIM`], a fixed seeded projection onto that many orthonormal directions. The first
//! [`Whitener::fit`] chooses the directions of largest variance; later fits keep that subspace and
//! use the *symmetric* inverse root of the covariance in it. That root changes continuously with the
//! covariance, whereas eigenvectors may swap or change sign from one fit to the next, and every swap
//! would make nonsense of what the nets above have learnt.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::base::rng::Rng;
use crate::learn::eigen;
use crate::learn::moments::{Moments, fill};
use crate::nn::matmul::{matmul, view, view_mut};

/// Widest input whose covariance is kept: 256² `f64` are half a megabyte.
pub const MOST_DIM: usize = 256;

/// A fixed map of wide vectors onto narrower ones; made again from the seed, never saved.
#[derive(Debug, Clone)]
pub struct Projection {
    in_dim: usize,
    out_dim: usize,
    /// `[in_dim, out_dim]` with orthonormal columns; empty when both widths are the same.
    map: Vec<f32>,
}

impl Projection {
    /// The identity up to `most` numbers, otherwise a random subspace of that many.
    pub fn new(in_dim: usize, most: usize, seed: u64) -> Self {
        let out_dim = in_dim.min(most);
        let mut map = Vec::new();
        if out_dim < in_dim {
            let columns = orthonormal(in_dim, out_dim, &mut Rng::from_seed(seed));
            map = vec![0.0; in_dim * out_dim];
            for (j, column) in columns.chunks_exact(in_dim).enumerate() {
                for (i, &x) in column.iter().enumerate() {
                    #[expect(clippy::cast_possible_truncation, reason = "f32 is what is used")]
                    let x = x as f32;
                    map[i * out_dim + j] = x;
                }
            }
        }
        Self { in_dim, out_dim, map }
    }

    /// Width after the projection.
    pub const fn out_dim(&self) -> usize {
        self.out_dim
    }

    /// Numbers in the map.
    pub const fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether it is the identity, for which nothing is kept.
    pub const fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// `out ← P x`; `x: [rows, in_dim]`, `out: [rows, out_dim]`.
    pub fn apply(&self, x: &[f32], out: &mut [f32]) {
        if self.map.is_empty() {
            out.copy_from_slice(x);
        } else {
            let rows = x.len() / self.in_dim;
            matmul(
                1.0,
                view(x, rows, self.in_dim),
                view(&self.map, self.in_dim, self.out_dim),
                0.0,
                view_mut(out, rows, self.out_dim),
            );
        }
    }
}

/// `count` random orthonormal vectors of `dim` numbers, one after the other (Gram–Schmidt, twice).
fn orthonormal(dim: usize, count: usize, rng: &mut Rng) -> Vec<f64> {
    let mut all: Vec<f64> = Vec::with_capacity(dim * count);
    for _ in 0..count {
        let mut new: Vec<f64> = (0..dim).map(|_| 2.0 * rng.unit() - 1.0).collect();
        for _ in 0..2 {
            for old in all.chunks_exact(dim) {
                let along: f64 = old.iter().zip(&new).map(|(a, b)| a * b).sum();
                new.iter_mut().zip(old).for_each(|(x, old)| *x -= along * old);
            }
        }
        let length = new.iter().map(|x| x * x).sum::<f64>().sqrt();
        all.extend(new.iter().map(|x| x / length));
    }
    all
}

/// The map, once fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Whitener {
    in_dim: usize,
    out_dim: usize,
    ridge: f64,
    clamp: f32,
    fits: u64,
    /// The subspace: `out_dim` orthonormal rows of `in_dim`.
    basis: Vec<f64>,
    mean: Vec<f32>,
    /// `[in_dim, out_dim]`.
    weight: Vec<f32>,
    /// Scratch: centred rows.
    centred: Vec<f32>,
}

impl Whitener {
    /// Not fitted yet; for `most_rows` rows at a time.
    pub fn new(in_dim: usize, out_dim: usize, ridge: f64, clamp: f32, most_rows: usize) -> Self {
        Self {
            in_dim,
            out_dim: out_dim.min(in_dim),
            ridge,
            clamp,
            fits: 0,
            basis: vec![0.0; in_dim * out_dim.min(in_dim)],
            mean: vec![0.0; in_dim],
            weight: vec![0.0; in_dim * out_dim.min(in_dim)],
            centred: vec![0.0; in_dim * most_rows],
        }
    }

    /// Width of what comes out.
    pub const fn out_dim(&self) -> usize {
        self.out_dim
    }

    /// Whether it can be applied.
    pub const fn is_fitted(&self) -> bool {
        0 < self.fits
    }

    /// Follows `moments`.
    #[expect(clippy::cast_possible_truncation, reason = "computed in f64, used in f32")]
    pub fn fit(&mut self, moments: &Moments) {
        let (n, p) = (self.in_dim, self.out_dim);
        let covariance = moments.covariance(self.ridge);
        if !self.is_fitted() {
            let eigen = eigen::symmetric(&covariance, n);
            for (k, row) in self.basis.chunks_exact_mut(n).enumerate() {
                row.copy_from_slice(&eigen.vectors[(n - 1 - k) * n..(n - k) * n]);
            }
        }
        // Inside the subspace: B C Bᵀ, and its symmetric inverse root R; then W = Bᵀ R. When the
        // subspace is everything, that is C^(-1/2) turned by B, so B is turned back: W = C^(-1/2).
        let basis = view(&self.basis, p, n);
        let mut half = vec![0.0; p * n];
        let mut inside = vec![0.0; p * p];
        matmul(1.0, basis, view(&covariance, n, n), 0.0, view_mut(&mut half, p, n));
        matmul(1.0, view(&half, p, n), basis.t(), 0.0, view_mut(&mut inside, p, p));
        let eigen = eigen::symmetric(&inside, p);
        let least = eigen.values.last().copied().unwrap_or(0.0).max(1e-12) * 1e-12;
        let scaled: Vec<f64> = eigen
            .vectors
            .chunks_exact(p)
            .zip(&eigen.values)
            .flat_map(|(row, value)| {
                let root = 1.0 / value.max(least).sqrt();
                row.iter().map(move |x| x * root)
            })
            .collect();
        let mut root = vec![0.0; p * p];
        matmul(
            1.0,
            view(&eigen.vectors, p, p).t(),
            view(&scaled, p, p),
            0.0,
            view_mut(&mut root, p, p),
        );
        let mut weight = vec![0.0; n * p];
        matmul(1.0, basis.t(), view(&root, p, p), 0.0, view_mut(&mut weight, n, p));
        if p == n {
            let turned = weight.clone();
            matmul(1.0, view(&turned, n, p), basis, 0.0, view_mut(&mut weight, n, p));
        }
        self.weight.iter_mut().zip(&weight).for_each(|(to, &x)| *to = x as f32);
        self.mean.iter_mut().zip(moments.mean()).for_each(|(to, &x)| *to = x as f32);
        self.fits += 1;
    }

    /// The same map of what is not projected yet, for `most_rows` rows at a time: `P W`, and the mean `m Pᵀ`, which is
    /// projected onto `m`. It cannot be fitted again.
    pub fn behind(&self, projection: &Projection, most_rows: usize) -> Self {
        let (in_dim, inner, out_dim) = (projection.in_dim, self.in_dim, self.out_dim);
        let (mut weight, mut mean) = (self.weight.clone(), self.mean.clone());
        if !projection.is_empty() {
            let map = view(&projection.map, in_dim, inner);
            weight = vec![0.0; in_dim * out_dim];
            let narrow = view(&self.weight, inner, out_dim);
            matmul(1.0, map, narrow, 0.0, view_mut(&mut weight, in_dim, out_dim));
            mean = vec![0.0; in_dim];
            matmul(1.0, map, view(&self.mean, inner, 1), 0.0, view_mut(&mut mean, in_dim, 1));
        }
        let (ridge, clamp, fits) = (self.ridge, self.clamp, self.fits);
        let (basis, centred) = (Vec::new(), vec![0.0; in_dim * most_rows]);
        Self { in_dim, out_dim, ridge, clamp, fits, basis, mean, weight, centred }
    }

    /// `u: [rows, out_dim]` of projected `x: [rows, in_dim]`.
    pub fn apply(&mut self, x: &[f32], u: &mut [f32]) {
        let rows = x.len() / self.in_dim;
        let centred = &mut self.centred[..x.len()];
        for (out, row) in centred.chunks_exact_mut(self.in_dim).zip(x.chunks_exact(self.in_dim)) {
            for ((out, &x), &mean) in out.iter_mut().zip(row).zip(&self.mean) {
                *out = x - mean;
            }
        }
        matmul(
            1.0,
            view(centred, rows, self.in_dim),
            view(&self.weight, self.in_dim, self.out_dim),
            0.0,
            view_mut(u, rows, self.out_dim),
        );
        u.iter_mut().for_each(|x| *x = x.clamp(-self.clamp, self.clamp));
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("whitener");
        to.u64(self.fits);
        to.f64s(self.basis.iter().copied());
        to.f32s(self.mean.iter().copied());
        to.f32s(self.weight.iter().copied());
    }

    /// Reads what [`Whitener::save`] wrote, for the same shape.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("whitener")?;
        self.fits = from.u64()?;
        fill(&mut self.basis, "numbers in a basis", from.f64s()?)?;
        fill(&mut self.mean, "numbers in a mean", from.f32s()?)?;
        fill(&mut self.weight, "numbers in a whitening map", from.f32s()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows with correlated numbers of very different spread.
    fn rows(count: usize, dim: usize, rng: &mut Rng) -> Vec<f32> {
        let mut rows = Vec::new();
        for _ in 0..count {
            let shared = rng.unit_f32();
            rows.extend((0..dim).map(|i| {
                10.0_f32.powi(2 - i32::try_from(i).unwrap()) * (shared + rng.unit_f32()) + 3.0
            }));
        }
        rows
    }

    #[test]
    fn whitened_tokens_have_unit_covariance() {
        for (dim, out_dim) in [(4, 4), (5, 2)] {
            let mut rng = Rng::from_seed(2);
            let rows = rows(4000, dim, &mut rng);
            let mut moments = Moments::new(dim, 4000);
            moments.add(&rows);
            let mut whitener = Whitener::new(dim, out_dim, 1e-9, 1e3, 4000);
            for _ in 0..2 {
                whitener.fit(&moments);
                let mut u = vec![0.0; 4000 * out_dim];
                whitener.apply(&rows, &mut u);
                let mut after = Moments::new(out_dim, 4000);
                after.add(&u);
                for (cell, &found) in after.covariance(0.0).iter().enumerate() {
                    let wanted = f64::from(u8::from(cell % (out_dim + 1) == 0));
                    assert!((found - wanted).abs() < 0.01, "{dim}->{out_dim} {cell}: {found}");
                }
            }
        }
    }

    #[test]
    fn a_small_change_of_the_input_changes_the_map_little() {
        let mut rng = Rng::from_seed(2);
        let mut moments = Moments::new(4, 4000);
        moments.add(&rows(4000, 4, &mut rng));
        let mut whitener = Whitener::new(4, 2, 0.01, 8.0, 1);
        whitener.fit(&moments);
        let before = whitener.weight.clone();
        moments.add(&rows(40, 4, &mut rng));
        whitener.fit(&moments);
        let size: f32 = before.iter().map(|x| x * x).sum();
        let moved: f32 = before.iter().zip(&whitener.weight).map(|(a, b)| (a - b).powi(2)).sum();
        assert!(moved < 1e-3 * size, "{moved} of {size}");
    }

    /// Fails when the mean is not taken back to what is not projected yet.
    #[test]
    fn one_map_does_what_projection_and_whitening_do() {
        let mut rng = Rng::from_seed(2);
        let x: Vec<f32> = (0..40 * 30).map(|i| rng.unit_f32() + (i % 30) as f32).collect();
        for most in [30, 12] {
            let projection = Projection::new(30, most, 5);
            let mut projected = vec![0.0; 40 * most];
            projection.apply(&x, &mut projected);
            let mut moments = Moments::new(most, 40);
            moments.add(&projected);
            let mut whitener = Whitener::new(most, 6, 0.05, 8.0, 40);
            whitener.fit(&moments);
            let (mut steps, mut at_once) = (vec![0.0; 40 * 6], vec![0.0; 40 * 6]);
            whitener.apply(&projected, &mut steps);
            whitener.behind(&projection, 40).apply(&x, &mut at_once);
            let apart = steps.iter().zip(&at_once).map(|(a, b)| (a - b).abs());
            let worst = apart.fold(0.0, f32::max);
            assert!(worst < 1e-3 && steps.iter().any(|x| 0.5 < x.abs()), "{most}: {worst}");
        }
    }

    #[test]
    fn wide_tokens_are_projected_onto_orthonormal_directions() {
        let projection = Projection::new(300, 8, 5);
        let mut x = vec![0.0; 300];
        let mut out = vec![0.0; 8];
        let mut kept = 0.0;
        for i in 0..300 {
            x.fill(0.0);
            x[i] = 1.0;
            projection.apply(&x, &mut out);
            kept += out.iter().map(|x| x * x).sum::<f32>();
        }
        assert!((kept - 8.0).abs() < 1e-3, "the map's rows have length 1: {kept}");
        assert_eq!(Projection::new(300, 8, 5).map, projection.map);
        assert_eq!(Projection::new(8, 8, 5).out_dim(), 8);
    }
}
