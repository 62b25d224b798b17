//! The one matrix product, `C ← α A B + β C`.
//!
//! Single-threaded and in a fixed order, so equal inputs give equal bits on one machine.
//!
//! Layout: with `A` and `B` row-major and the width of `C` a multiple of 16, the kernels on x86-64
//! read the operands where they lie and touch no allocator. That is why weights are stored
//! `[in, out]`, why backward passes copy weights into a transposed scratch first ([`transpose`]),
//! and why a product with a transposed `A` is cut into stripes of `STRIPE_BYTES`, which is as wide as
//! the kernels go without packing `A`. Other shapes and processors give the same numbers, by
//! way of a packing buffer that lives as long as the call. On 32-bit ARM the kernel is ours (`neon.rs`).

use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use crate::nn::real::Real;

/// Twice the height of the AVX2 kernels, which are the smallest: 2 · 16 `f32`, 2 · 8 `f64`.
const STRIPE_BYTES: usize = 128;

/// `C ← α A B + β C`, of shapes that fit.
#[derive(Debug)]
pub struct Product<'a, F> {
    /// Of `A B`.
    pub alpha: F,
    /// `[m, k]`.
    pub a: ArrayView2<'a, F>,
    /// `[k, n]`.
    pub b: ArrayView2<'a, F>,
    /// Of what `C` held, which is forgotten where this is 0 (NaN as well).
    pub beta: F,
    /// `[m, n]`.
    pub c: ArrayViewMut2<'a, F>,
}

/// `C ← α A B + β C`; with `β = 0`, whatever `C` held (NaN as well) is forgotten.
///
/// # Panics
///
/// When the shapes do not fit: `A: [m, k]`, `B: [k, n]`, `C: [m, n]`.
pub fn matmul<F: Real>(
    alpha: F,
    a: ArrayView2<'_, F>,
    b: ArrayView2<'_, F>,
    beta: F,
    c: ArrayViewMut2<'_, F>,
) {
    assert_eq!(a.ncols(), b.nrows(), "A is {:?}, B is {:?}", a.dim(), b.dim());
    assert_eq!((a.nrows(), b.ncols()), c.dim(), "A is {:?}, B is {:?}", a.dim(), b.dim());
    let mut whole = Product { alpha, a, b, beta, c };
    if F::by_our_kernel(&mut whole) {
        return;
    }
    let stripe = STRIPE_BYTES / size_of::<F>();
    if a.strides()[1] == 1 || whole.c.ncols() <= stripe {
        return by_gemm(whole);
    }
    let columns = whole.c.axis_chunks_iter_mut(Axis(1), stripe);
    for (b, c) in b.axis_chunks_iter(Axis(1), stripe).zip(columns) {
        by_gemm(Product { alpha, a, b, beta, c });
    }
}

#[expect(unsafe_code, reason = "gemm takes pointers and strides")]
fn by_gemm<F: Real>(product: Product<'_, F>) {
    let Product { alpha, a, b, beta, mut c } = product;
    let (m, n) = c.dim();
    let (c_rows, c_cols) = (c.strides()[0], c.strides()[1]);
    // SAFETY: pointers and strides come from live views whose shapes the caller has checked; `c` is
    // borrowed mutably, so it does not overlap `a` or `b`; `Real` is only ever `f32` or `f64`.
    unsafe {
        gemm::gemm(
            m,
            n,
            a.ncols(),
            c.as_mut_ptr(),
            c_cols,
            c_rows,
            beta != F::zero(),
            a.as_ptr(),
            a.strides()[1],
            a.strides()[0],
            b.as_ptr(),
            b.strides()[1],
            b.strides()[0],
            beta,
            alpha,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// A row-major matrix over a slice.
///
/// # Panics
///
/// When the slice does not have `rows * cols` numbers.
pub fn view<F>(slice: &[F], rows: usize, cols: usize) -> ArrayView2<'_, F> {
    assert_eq!(slice.len(), rows * cols, "a slice that should be [{rows}, {cols}]");
    ArrayView2::from_shape((rows, cols), slice).expect("the length was just checked")
}

/// A row-major matrix over a slice.
///
/// # Panics
///
/// When the slice does not have `rows * cols` numbers.
pub fn view_mut<F>(slice: &mut [F], rows: usize, cols: usize) -> ArrayViewMut2<'_, F> {
    assert_eq!(slice.len(), rows * cols, "a slice that should be [{rows}, {cols}]");
    ArrayViewMut2::from_shape((rows, cols), slice).expect("the length was just checked")
}

/// `out[j, i] = x[i, j]`, both row-major; `x: [rows, cols]`.
///
/// # Panics
///
/// When a slice is shorter than `rows * cols`.
pub fn transpose<F: Copy>(x: &[F], rows: usize, cols: usize, out: &mut [F]) {
    for i in 0..rows {
        for (j, &value) in x[i * cols..(i + 1) * cols].iter().enumerate() {
            out[j * rows + i] = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::base::rng::Rng;

    fn random(rows: usize, cols: usize, rng: &mut Rng) -> Array2<f32> {
        Array2::from_shape_simple_fn((rows, cols), || rng.unit_f32() - 0.5)
    }

    #[test]
    fn agrees_with_the_plain_triple_loop_for_every_layout() {
        let mut rng = Rng::from_seed(4);
        let sizes = [(1, 1, 1), (3, 5, 2), (7, 1, 9), (16, 96, 64), (33, 49, 50), (96, 384, 100)];
        for (m, k, n) in sizes {
            for (a_turned, b_turned) in [(false, false), (true, false), (false, true)] {
                for (alpha, beta) in [(1.0, 0.0), (0.5, 1.0), (2.0, -0.25)] {
                    let a = if a_turned { random(k, m, &mut rng) } else { random(m, k, &mut rng) };
                    let b = if b_turned { random(n, k, &mut rng) } else { random(k, n, &mut rng) };
                    let (a, b) = (
                        if a_turned { a.t() } else { a.view() },
                        if b_turned { b.t() } else { b.view() },
                    );
                    let before = random(m, n, &mut rng);
                    let mut c = before.clone();
                    matmul(alpha, a, b, beta, c.view_mut());
                    for ((i, j), &found) in c.indexed_iter() {
                        let sum: f64 =
                            (0..k).map(|l| f64::from(a[[i, l]]) * f64::from(b[[l, j]])).sum();
                        let wanted =
                            f64::from(alpha) * sum + f64::from(beta) * f64::from(before[[i, j]]);
                        assert!(
                            (f64::from(found) - wanted).abs() < 1e-4,
                            "[{m},{k}]·[{k},{n}] at {i},{j}: {found} for {wanted}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn beta_zero_forgets_even_nan() {
        let mut c = Array2::from_elem((2, 64), f32::NAN);
        matmul(1.0, Array2::ones((2, 3)).view(), Array2::ones((3, 64)).view(), 0.0, c.view_mut());
        assert!(c.iter().all(|&x| x == 3.0));
    }
}
