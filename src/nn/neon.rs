//! `C ← α A B + β C` in `f32` by NEON with 32 bits, where `gemm` has no kernel.
//!
//! Method: Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008), without their outer
//! blocks, because ours fit the caches: `A` is packed by `ROWS` rows and `B` by `COLS` columns, and a
//! kernel adds up one tile of `C` in eight registers of four numbers. It multiplies and adds with two roundings
//! (`vmla`): a fused form came with later cores. Numbers below 1e-38 count as zero (NEON with 32 bits knows no others).
//!
//! The kernel is assembly: Rust's own intrinsics of this processor are not stable.

use std::arch::global_asm;
use std::cell::RefCell;
use std::iter::repeat_n;
use std::sync::OnceLock;

use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use crate::nn::matmul::Product;

const ROWS: usize = 4;
const COLS: usize = 8;

// r0: k; r1: A, packed [k][4]; r2: B, packed [k][8]; r3: the tile, [4][8]. Only registers that a caller keeps itself.
global_asm!(
    ".syntax unified",
    ".arm",
    ".fpu neon",
    ".pushsection .text.habituate_neon_tile, \"ax\", %progbits",
    ".balign 16",
    ".type habituate_neon_tile, %function",
    "habituate_neon_tile:",
    "vmov.i32 q8, #0",
    "vmov.i32 q9, #0",
    "vmov.i32 q10, #0",
    "vmov.i32 q11, #0",
    "vmov.i32 q12, #0",
    "vmov.i32 q13, #0",
    "vmov.i32 q14, #0",
    "vmov.i32 q15, #0",
    "cmp r0, #0",
    "beq 2f",
    "1:",
    "vld1.32 {{d4, d5}}, [r1]!",
    "vld1.32 {{d0, d1, d2, d3}}, [r2]!",
    "vmla.f32 q8, q0, d4[0]",
    "vmla.f32 q9, q1, d4[0]",
    "vmla.f32 q10, q0, d4[1]",
    "vmla.f32 q11, q1, d4[1]",
    "vmla.f32 q12, q0, d5[0]",
    "vmla.f32 q13, q1, d5[0]",
    "vmla.f32 q14, q0, d5[1]",
    "vmla.f32 q15, q1, d5[1]",
    "subs r0, r0, #1",
    "bne 1b",
    "2:",
    "vst1.32 {{d16, d17, d18, d19}}, [r3]!",
    "vst1.32 {{d20, d21, d22, d23}}, [r3]!",
    "vst1.32 {{d24, d25, d26, d27}}, [r3]!",
    "vst1.32 {{d28, d29, d30, d31}}, [r3]!",
    "bx lr",
    ".size habituate_neon_tile, . - habituate_neon_tile",
    ".popsection",
);

unsafe extern "C" {
    /// `tile ← A B` of packed factors; `tile` need not hold anything.
    fn habituate_neon_tile(k: usize, a: *const f32, b: *const f32, tile: *mut f32);
}

/// What the kernel calls NEON in `AT_HWCAP` (`arch/arm/include/uapi/asm/hwcap.h`).
const HWCAP_NEON: usize = 1 << 12;

/// Whether this processor has NEON: not every ARMv7 does.
fn is_there() -> bool {
    static THERE: OnceLock<bool> = OnceLock::new();
    *THERE.get_or_init(|| rustix::param::linux_hwcap().0 & HWCAP_NEON != 0)
}

thread_local! {
    /// Packed factors, kept because a step asks for hundreds of products.
    static PACKED: RefCell<(Vec<f32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// Does the product where this processor has NEON and the shapes are worth a packing; else `false`, and nothing has
/// changed.
pub(super) fn multiply(product: &mut Product<'_, f32>) -> bool {
    let Product { alpha, a, b, beta, c } = product;
    let (m, k, n) = (a.nrows(), a.ncols(), b.ncols());
    if m < 2 || k == 0 || n < COLS / 2 || !is_there() {
        return false;
    }
    PACKED.with_borrow_mut(|(left, right)| {
        pack(*a, ROWS, left);
        pack(b.t(), COLS, right);
        for (right, mut columns) in
            right.chunks_exact(k * COLS).zip(c.axis_chunks_iter_mut(Axis(1), COLS))
        {
            for (left, tile) in
                left.chunks_exact(k * ROWS).zip(columns.axis_chunks_iter_mut(Axis(0), ROWS))
            {
                add_tile(*alpha, &tile_of(k, left, right), *beta, tile);
            }
        }
    });
    true
}

/// Rows of `x` in groups of `width`, each group column by column; what the last one lacks is 0.
fn pack(x: ArrayView2<'_, f32>, width: usize, out: &mut Vec<f32>) {
    out.clear();
    for group in x.axis_chunks_iter(Axis(0), width) {
        for column in group.columns() {
            match column.as_slice() {
                Some(column) => out.extend_from_slice(column),
                None => out.extend(column.iter().copied()),
            }
            out.extend(repeat_n(0.0, width - column.len()));
        }
    }
}

fn tile_of(k: usize, left: &[f32], right: &[f32]) -> [f32; ROWS * COLS] {
    assert!(left.len() == k * ROWS && right.len() == k * COLS, "factors that are not packed");
    let mut tile = [0.0; ROWS * COLS];
    // SAFETY: the kernel reads as many numbers as was just checked, and writes 32; `multiply` has asked for NEON.
    unsafe { habituate_neon_tile(k, left.as_ptr(), right.as_ptr(), tile.as_mut_ptr()) };
    tile
}

fn add_tile(alpha: f32, sums: &[f32; ROWS * COLS], beta: f32, mut c: ArrayViewMut2<'_, f32>) {
    for (mut row, sums) in c.rows_mut().into_iter().zip(sums.chunks_exact(COLS)) {
        for (x, sum) in row.iter_mut().zip(sums) {
            let before = if beta == 0.0 { 0.0 } else { beta * *x };
            *x = alpha * sum + before;
        }
    }
}
