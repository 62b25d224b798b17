//! Where embeddings of different encoders can be measured with one yardstick.

use ndarray::Array2;
use ndarray::ArrayView1;
use ndarray::Axis;

/// Embeddings `[windows, dim]`, each number as its deviation from the mean over all windows in
/// standard deviations, each row of length 1, so that a product of rows is a cosine.
///
/// The same for every encoder: neither the scale of single numbers nor what all windows share counts.
#[derive(Debug, Clone)]
pub struct Space {
    rows: Array2<f32>,
}

impl Space {
    /// Of `vectors`, all of one length. `root` takes the square root of each number first, sign kept,
    /// as the manifest's density says for embeddings after a ReLU.
    pub fn new(vectors: &[Vec<f32>], root: bool) -> Self {
        let dim = vectors.first().map_or(0, Vec::len);
        let mut rows = Array2::zeros((vectors.len(), dim));
        for (mut row, vector) in rows.rows_mut().into_iter().zip(vectors) {
            for (to, &x) in row.iter_mut().zip(vector) {
                *to = if root { x.abs().sqrt().copysign(x) } else { x };
            }
        }
        for mut column in rows.columns_mut() {
            let mean = column.mean().unwrap_or(0.0);
            column -= mean;
            let deviation = (column.dot(&column) / column.len().max(1) as f32).sqrt();
            column.mapv_inplace(|x| if deviation > f32::EPSILON { x / deviation } else { 0.0 });
        }
        Self { rows: of_length_one(rows) }
    }

    /// `[windows, dim]`.
    pub const fn rows(&self) -> &Array2<f32> {
        &self.rows
    }

    /// One row.
    pub fn row(&self, index: usize) -> ArrayView1<'_, f32> {
        self.rows.index_axis(Axis(0), index)
    }

    /// The mean of the rows of each group, again of length 1; `groups` has one number a row, below
    /// `count`. A group without rows is all zeros.
    pub fn means(&self, groups: &[usize], count: usize) -> Self {
        let mut rows = Array2::zeros((count, self.rows.ncols()));
        for (row, &group) in self.rows.rows().into_iter().zip(groups) {
            rows.row_mut(group).scaled_add(1.0, &row);
        }
        Self { rows: of_length_one(rows) }
    }
}

/// Rows that are all zeros stay so.
fn of_length_one(mut rows: Array2<f32>) -> Array2<f32> {
    for mut row in rows.rows_mut() {
        let length = row.dot(&row).sqrt();
        if length > f32::EPSILON {
            row /= length;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_offset_nor_scale_of_a_number_counts() {
        let vectors = [vec![1.0, 100.0], vec![3.0, 300.0], vec![1.0, 300.0], vec![3.0, 100.0]];
        let space = Space::new(&vectors, false);
        let half = 0.5_f32.sqrt();
        for (row, expected) in space.rows().rows().into_iter().zip([
            [-half, -half],
            [half, half],
            [-half, half],
            [half, -half],
        ]) {
            assert!(row.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{row}");
        }
    }

    #[test]
    fn a_constant_number_and_an_empty_group_are_zero() {
        let space = Space::new(&[vec![5.0, 1.0], vec![5.0, 2.0]], true);
        assert!(space.rows().column(0).iter().all(|&x| x == 0.0));
        let means = space.means(&[0, 0], 2);
        assert!(means.row(1).iter().all(|&x| x == 0.0));
    }
}
