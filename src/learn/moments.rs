//! Running mean and covariance, with `f64` sums.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::nn::matmul::{matmul, view, view_mut};

/// Beyond this many rows the old ones are given half their weight, so that a place that changes for
/// good changes these numbers too, within months.
const MOST_ROWS: f64 = 5e6;

/// Mean and scatter of the rows seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    dim: usize,
    count: f64,
    mean: Vec<f64>,
    /// `Σ (x − mean)(x − mean)ᵀ`, `[dim, dim]`.
    scatter: Vec<f64>,
    /// Scratch: centred rows, and the mean of the newest.
    centred: Vec<f64>,
    newest: Vec<f64>,
}

impl Moments {
    /// For rows of `dim` numbers, at most `most_rows` at a time.
    pub fn new(dim: usize, most_rows: usize) -> Self {
        Self {
            dim,
            count: 0.0,
            mean: vec![0.0; dim],
            scatter: vec![0.0; dim * dim],
            centred: vec![0.0; dim * most_rows],
            newest: vec![0.0; dim],
        }
    }

    /// Rows seen, old ones weighted.
    pub const fn count(&self) -> f64 {
        self.count
    }

    /// Their mean.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Takes in `rows: [n, dim]` at once (Chan's update of Welford's sums).
    pub fn add(&mut self, rows: &[f32]) {
        let n = rows.len() / self.dim;
        if n == 0 {
            return;
        }
        if MOST_ROWS < self.count {
            self.count *= 0.5;
            self.scatter.iter_mut().for_each(|x| *x *= 0.5);
        }
        let newest = &mut self.newest;
        newest.fill(0.0);
        for row in rows.chunks_exact(self.dim) {
            newest.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
        }
        newest.iter_mut().for_each(|sum| *sum /= n as f64);
        let centred = &mut self.centred[..rows.len()];
        for (out, row) in centred.chunks_exact_mut(self.dim).zip(rows.chunks_exact(self.dim)) {
            for ((out, &x), &mean) in out.iter_mut().zip(row).zip(&*newest) {
                *out = f64::from(x) - mean;
            }
        }
        let centred = view(centred, n, self.dim);
        let scatter = view_mut(&mut self.scatter, self.dim, self.dim);
        matmul(1.0, centred.t(), centred, 1.0, scatter);
        // The distance between the means, spread over both groups.
        let n = n as f64;
        let total = self.count + n;
        newest.iter_mut().zip(&self.mean).for_each(|(x, mean)| *x -= mean);
        let share = self.count * n / total;
        for (row, &by_row) in self.scatter.chunks_exact_mut(self.dim).zip(&*newest) {
            for (cell, &by_col) in row.iter_mut().zip(&*newest) {
                *cell += share * by_row * by_col;
            }
        }
        self.mean.iter_mut().zip(&*newest).for_each(|(mean, &x)| *mean += x * n / total);
        self.count = total;
    }

    /// Gives all rows so far the weight of `rows` rows, when they have more.
    pub fn forget_to(&mut self, rows: f64) {
        if rows < self.count {
            let keep = rows / self.count;
            self.scatter.iter_mut().for_each(|x| *x *= keep);
            self.count = rows;
        }
    }

    /// `covariance[i, j]`, with `ridge` times the mean variance added on the diagonal.
    pub fn covariance(&self, ridge: f64) -> Vec<f64> {
        let mut covariance = vec![0.0; self.scatter.len()];
        self.covariance_into(ridge, &mut covariance);
        covariance
    }

    /// [`Moments::covariance`] into `covariance: [dim, dim]`.
    pub fn covariance_into(&self, ridge: f64, covariance: &mut [f64]) {
        for (to, x) in covariance.iter_mut().zip(&self.scatter) {
            *to = x / self.count.max(2.0);
        }
        let trace: f64 = (0..self.dim).map(|i| covariance[i * self.dim + i]).sum();
        // A constant input has no variance at all; it must not become a division by zero.
        let added = (ridge * trace / self.dim as f64).max(1e-12);
        (0..self.dim).for_each(|i| covariance[i * self.dim + i] += added);
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("moments");
        to.f64(self.count);
        to.f64s(self.mean.iter().copied());
        to.f64s(self.scatter.iter().copied());
    }

    /// Reads what [`Moments::save`] wrote, for the same shape.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("moments")?;
        self.count = from.f64()?;
        fill(&mut self.mean, "numbers in a mean", from.f64s()?)?;
        fill(&mut self.scatter, "numbers in a scatter", from.f64s()?)
    }
}

/// Copies a list that was read into its place, whose length it must have.
pub(crate) fn fill<T: Copy>(
    place: &mut [T],
    what: &'static str,
    read: Vec<T>,
) -> Result<(), Malformed> {
    if place.len() != read.len() {
        return Err(Malformed::WrongValue {
            what,
            found: read.len().to_string(),
            expected: place.len().to_string(),
        });
    }
    place.copy_from_slice(&read);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    #[test]
    fn batches_give_what_all_at_once_gives() {
        let mut rng = Rng::from_seed(3);
        let rows: Vec<f32> = (0..3 * 50).map(|_| 1000.0 + rng.unit_f32()).collect();
        let mut moments = Moments::new(3, 50);
        moments.add(&rows[..3]);
        moments.add(&rows[3..30]);
        moments.add(&rows[30..]);
        for i in 0..3 {
            let column: Vec<f64> = rows.iter().skip(i).step_by(3).map(|&x| f64::from(x)).collect();
            let mean = column.iter().sum::<f64>() / 50.0;
            assert!((moments.mean()[i] - mean).abs() < 1e-9);
            let variance = column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 50.0;
            assert!((moments.covariance(0.0)[i * 4] - variance).abs() < 1e-9);
        }
    }

    #[test]
    fn a_constant_input_has_a_positive_variance() {
        let mut moments = Moments::new(2, 4);
        moments.add(&[5.0; 8]);
        let covariance = moments.covariance(0.01);
        assert!(covariance[0] > 0.0 && covariance[3] > 0.0 && covariance[1] == 0.0);
    }
}
