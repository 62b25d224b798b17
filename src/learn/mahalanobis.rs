//! Distance in units of how things usually vary.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::moments::{Moments, fill};

/// `(x − mean)ᵀ (C + ridge)⁻¹ (x − mean)`, with mean and covariance of what was observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Mahalanobis {
    dim: usize,
    ridge: f64,
    moments: Moments,
    /// Rows seen, never forgotten.
    seen: f64,
    is_fitted: bool,
    mean: Vec<f64>,
    /// Lower triangle `L` of `C + ridge = L Lᵀ`, `[dim, dim]`.
    factor: Vec<f64>,
    /// Scratch: `L⁻¹ (x − mean)`.
    solved: Vec<f64>,
}

impl Mahalanobis {
    /// `ridge` is a share of the mean variance; at most `most_rows` rows at a time.
    pub fn new(dim: usize, ridge: f64, most_rows: usize) -> Self {
        Self {
            dim,
            ridge,
            moments: Moments::new(dim, most_rows),
            seen: 0.0,
            is_fitted: false,
            mean: vec![0.0; dim],
            factor: vec![0.0; dim * dim],
            solved: vec![0.0; dim],
        }
    }

    /// Takes in `rows: [n, dim]`; felt from the next [`Mahalanobis::fit`] on.
    pub fn observe(&mut self, rows: &[f32]) {
        self.moments.add(rows);
        self.seen += (rows.len() / self.dim) as f64;
    }

    /// Gives the older half of what was seen less weight, so that early errors fade.
    pub fn fade(&mut self, least_rows: f64) {
        self.moments.forget_to(least_rows.max(0.5 * self.seen));
    }

    /// Follows what was observed.
    pub fn fit(&mut self) {
        self.moments.covariance_into(self.ridge, &mut self.factor);
        cholesky(&mut self.factor, self.dim);
        self.mean.copy_from_slice(self.moments.mean());
        self.is_fitted = true;
    }

    /// The squared distance of `x: [dim]`; `None` before the first fit. Changes only scratch.
    pub fn squared_distance(&mut self, x: &[f32]) -> Option<f64> {
        if !self.is_fitted {
            return None;
        }
        let n = self.dim;
        let mut sum = 0.0;
        for i in 0..n {
            let row = &self.factor[i * n..i * n + i + 1];
            let known: f64 = row[..i].iter().zip(&self.solved).map(|(l, y)| l * y).sum();
            let y = (f64::from(x[i]) - self.mean[i] - known) / row[i];
            self.solved[i] = y;
            sum += y * y;
        }
        Some(sum)
    }

    /// The lower triangle `L` of `C + ridge = L Lᵀ`, row by row; `None` before the first fit.
    pub fn factor(&self) -> Option<&[f64]> {
        self.is_fitted.then_some(&*self.factor)
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        (2 * self.dim * self.dim + 4 * self.dim) * size_of::<f64>()
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("mahalanobis");
        self.moments.save(to);
        to.f64(self.seen);
        to.flag(self.is_fitted);
        to.f64s(self.mean.iter().copied());
        to.f64s(self.factor.iter().copied());
    }

    /// Reads what [`Mahalanobis::save`] wrote, for the same shape.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("mahalanobis")?;
        self.moments.load(from)?;
        self.seen = from.f64()?;
        self.is_fitted = from.flag()?;
        fill(&mut self.mean, "numbers in a mean", from.f64s()?)?;
        fill(&mut self.factor, "numbers in a covariance", from.f64s()?)
    }
}

/// Replaces the lower half of a symmetric positive matrix by `L` with `A = L Lᵀ`.
pub(crate) fn cholesky(a: &mut [f64], n: usize) {
    for i in 0..n {
        for j in 0..=i {
            let (above, row) = a.split_at_mut(i * n);
            let other = if j < i { &above[j * n..j * n + j + 1] } else { &[] };
            if j < i {
                let sum: f64 = other[..j].iter().zip(&*row).map(|(x, y)| x * y).sum();
                row[j] = (row[j] - sum) / other[j];
            } else {
                let sum: f64 = row[..i].iter().map(|x| x * x).sum();
                // The ridge keeps this positive but for rounding.
                row[i] = (row[i] - sum).max(1e-300).sqrt();
            }
        }
    }
}

/// `x ← L⁻¹ x`, with `L` the lower half of `factor`.
pub(crate) fn solve_lower(factor: &[f64], x: &mut [f64]) {
    let n = x.len();
    for i in 0..n {
        let row = &factor[i * n..i * n + i + 1];
        let known: f64 = row[..i].iter().zip(&*x).map(|(l, y)| l * y).sum();
        x[i] = (x[i] - known) / row[i];
    }
}

/// `x ← L⁻ᵀ x`, with `L` the lower half of `factor`.
pub(crate) fn solve_upper(factor: &[f64], x: &mut [f64]) {
    let n = x.len();
    for i in (0..n).rev() {
        let row = &factor[i * n..i * n + i + 1];
        x[i] /= row[i];
        let found = x[i];
        x[..i].iter_mut().zip(row).for_each(|(x, l)| *x -= l * found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    #[test]
    fn both_solutions_together_undo_the_product() {
        let mut a = vec![4.0, 0.0, 0.0, 2.0, 5.0, 0.0, -1.0, 0.5, 3.0];
        let full = |i: usize, j: usize| [4.0, 2.0, -1.0, 2.0, 5.0, 0.5, -1.0, 0.5, 3.0][i * 3 + j];
        let x = [1.0, -2.0, 0.5];
        let mut b: Vec<f64> = (0..3).map(|i| (0..3).map(|j| full(i, j) * x[j]).sum()).collect();
        cholesky(&mut a, 3);
        solve_lower(&a, &mut b);
        solve_upper(&a, &mut b);
        for (found, wanted) in b.iter().zip(x) {
            assert!((found - wanted).abs() < 1e-12, "{b:?}");
        }
    }

    #[test]
    fn usual_things_are_about_dim_away_and_odd_directions_far() {
        let mut rng = Rng::from_seed(4);
        let mut distance = Mahalanobis::new(2, 1e-6, 1000);
        assert_eq!(distance.squared_distance(&[0.0, 0.0]), None);
        // Wide along (1, 1), narrow along (1, −1).
        let rows: Vec<f32> = (0..1000)
            .flat_map(|_| {
                let (wide, narrow) = (10.0 * (rng.unit_f32() - 0.5), 0.1 * (rng.unit_f32() - 0.5));
                [5.0 + wide + narrow, wide - narrow]
            })
            .collect();
        distance.observe(&rows);
        distance.fit();
        let mean: f64 =
            rows.chunks(2).map(|x| distance.squared_distance(x).unwrap()).sum::<f64>() / 1000.0;
        assert!((mean - 2.0).abs() < 0.02, "{mean}");
        let along = distance.squared_distance(&[7.0, 2.0]).unwrap();
        let across = distance.squared_distance(&[7.0, -2.0]).unwrap();
        assert!(along < 2.0 && 1000.0 < across, "{along} {across}");
    }
}
