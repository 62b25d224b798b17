//! Eigenvectors of a symmetric matrix, in `f64`.
//!
//! Method: Householder reflections to three diagonals, then QL steps with implicit shifts, rotating
//! the eigenvectors along. About `3 n³` multiplications: a tenth of a second for n = 256 on a small
//! board, where Jacobi rotations would take ten times that.

/// Eigenvalues, ascending, and eigenvectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Eigen {
    /// `[n]`.
    pub values: Vec<f64>,
    /// Row `k` is the eigenvector of value `k`, of length 1; `[n, n]`.
    pub vectors: Vec<f64>,
}

/// QL steps for one eigenvalue before it is taken as it is; three are usual.
const MOST_STEPS: usize = 60;

/// Decomposes `matrix: [n, n]`, of which the lower half is read.
///
/// # Panics
///
/// When `matrix` does not have `n²` numbers.
pub fn symmetric(matrix: &[f64], n: usize) -> Eigen {
    assert_eq!(matrix.len(), n * n, "a matrix that should be [{n}, {n}]");
    let (mut diagonal, mut beside, mut vectors) = tridiagonal(matrix, n);
    ql(&mut diagonal, &mut beside, &mut vectors, n);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| diagonal[i].total_cmp(&diagonal[j]));
    Eigen {
        values: order.iter().map(|&k| diagonal[k]).collect(),
        vectors: order.iter().flat_map(|&k| &vectors[k * n..(k + 1) * n]).copied().collect(),
    }
}

/// `A = Qᵀ T Q`: the diagonal of `T`, what lies beside it, and `Q` with a row for each of its rows.
fn tridiagonal(matrix: &[f64], n: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let mut a = matrix.to_vec();
    for i in 0..n {
        for j in i + 1..n {
            a[i * n + j] = a[j * n + i];
        }
    }
    let mut q = vec![0.0; n * n];
    (0..n).for_each(|i| q[i * n + i] = 1.0);
    let (mut v, mut w) = (vec![0.0; n], vec![0.0; n]);
    for k in 0..n.saturating_sub(2) {
        // H = I − 2 v vᵀ takes column k below the diagonal to one number.
        let below = k + 1..n;
        let norm = below.clone().map(|i| a[i * n + k].powi(2)).sum::<f64>().sqrt();
        if norm == 0.0 {
            continue;
        }
        v.fill(0.0);
        below.clone().for_each(|i| v[i] = a[i * n + k]);
        v[k + 1] += if v[k + 1] < 0.0 { -norm } else { norm };
        let length = v[below.clone()].iter().map(|x| x * x).sum::<f64>().sqrt();
        v[below.clone()].iter_mut().for_each(|x| *x /= length);
        // A ← H A H = A − 2 v pᵀ − 2 p vᵀ, with p = A v − (vᵀ A v) v.
        for i in 0..n {
            w[i] = dot(&a[i * n + k + 1..(i + 1) * n], &v[below.clone()]);
        }
        let along = dot(&w[below.clone()], &v[below.clone()]);
        (0..n).for_each(|i| w[i] -= along * v[i]);
        for i in k..n {
            let (vi, wi) = (2.0 * v[i], 2.0 * w[i]);
            for j in k..n {
                a[i * n + j] -= vi * w[j] + wi * v[j];
            }
        }
        // Q ← H Q: the rows of Q from k + 1 on are mixed.
        w.fill(0.0);
        for i in below.clone() {
            add(&mut w, v[i], &q[i * n..(i + 1) * n]);
        }
        for i in below {
            add(&mut q[i * n..(i + 1) * n], -2.0 * v[i], &w);
        }
    }
    let diagonal = (0..n).map(|i| a[i * n + i]).collect();
    let beside = (0..n).map(|i| if i + 1 < n { a[(i + 1) * n + i] } else { 0.0 }).collect();
    (diagonal, beside, q)
}

/// Turns `diagonal` into eigenvalues, and the rows of `vectors` into their eigenvectors.
fn ql(diagonal: &mut [f64], beside: &mut [f64], vectors: &mut [f64], n: usize) {
    for first in 0..n {
        for _ in 0..MOST_STEPS {
            // The block that starts at `first` ends where the number beside the diagonal vanishes.
            let last = (first..n - 1)
                .find(|&m| {
                    let scale = diagonal[m].abs() + diagonal[m + 1].abs();
                    beside[m].abs() <= f64::EPSILON * scale
                })
                .unwrap_or(n - 1);
            if last == first {
                break;
            }
            // Wilkinson's shift, from the upper corner of the block.
            let ratio = (diagonal[first + 1] - diagonal[first]) / (2.0 * beside[first]);
            let root = ratio.hypot(1.0);
            let shift = diagonal[first] - beside[first] / (ratio + root.copysign(ratio));
            let (mut sine, mut cosine, mut carried) = (1.0, 1.0, 0.0);
            let mut bulge = diagonal[last] - shift;
            let mut early = false;
            for i in (first..last).rev() {
                let above = sine * beside[i];
                let next = cosine * beside[i];
                let length = above.hypot(bulge);
                beside[i + 1] = length;
                if length == 0.0 {
                    // The block fell apart; what was carried is put back and the search starts again.
                    diagonal[i + 1] -= carried;
                    beside[last] = 0.0;
                    early = true;
                    break;
                }
                sine = above / length;
                cosine = bulge / length;
                let kept = diagonal[i + 1] - carried;
                let mixed = (diagonal[i] - kept) * sine + 2.0 * cosine * next;
                carried = sine * mixed;
                diagonal[i + 1] = kept + carried;
                bulge = cosine * mixed - next;
                let (upper, lower) = vectors.split_at_mut((i + 1) * n);
                for (x, y) in upper[i * n..].iter_mut().zip(&mut lower[..n]) {
                    (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
                }
            }
            if !early {
                diagonal[first] -= carried;
                beside[first] = bulge;
                beside[last] = 0.0;
            }
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], factor: f64, from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += factor * from);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    fn check(matrix: &[f64], n: usize) {
        let eigen = symmetric(matrix, n);
        assert!(eigen.values.is_sorted());
        let size = matrix.iter().map(|x| x.abs()).fold(1e-30, f64::max);
        let row = |k: usize| &eigen.vectors[k * n..(k + 1) * n];
        for i in 0..n {
            for j in 0..n {
                let rebuilt: f64 = (0..n).map(|k| eigen.values[k] * row(k)[i] * row(k)[j]).sum();
                let wrong = (rebuilt - matrix[i * n + j]).abs() / size;
                assert!(wrong < 1e-11 * n as f64, "n={n} [{i},{j}] is off by {wrong:e}");
                let wanted = f64::from(u8::from(i == j));
                assert!((dot(row(i), row(j)) - wanted).abs() < 1e-11, "rows {i} and {j}");
            }
        }
    }

    #[test]
    fn rebuilds_random_matrices() {
        let mut rng = Rng::from_seed(1);
        for n in [1, 2, 3, 5, 16, 65] {
            let x: Vec<f64> = (0..n * n).map(|_| rng.unit() - 0.5).collect();
            let matrix: Vec<f64> = (0..n * n).map(|c| x[c] + x[(c % n) * n + c / n]).collect();
            check(&matrix, n);
        }
    }

    #[test]
    fn rebuilds_degenerate_matrices() {
        let n = 6;
        check(&vec![0.0; n * n], n);
        check(&vec![1.0; n * n], n); // rank 1
        let mut identity = vec![0.0; n * n];
        (0..n).for_each(|i| identity[i * n + i] = 3.0);
        check(&identity, n);
        let mut spread: Vec<f64> = vec![0.0; n * n];
        (0..n).for_each(|i| spread[i * n + i] = 10.0_f64.powi(-3 * i32::try_from(i).unwrap()));
        spread[n] = 1e-4; // the lower half is read
        spread[1] = 1e-4;
        check(&spread, n);
    }
}
