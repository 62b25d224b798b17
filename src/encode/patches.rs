//! Tokens made of the encoder's own log-mel input, for networks that only give a pooled embedding.
//!
//! A patch of `frames × bands` is projected on waves of a two-dimensional cosine transform (DCT-II,
//! orthonormal): half of the numbers say how the patch lies in pitch, the other half how that tilts in
//! time. More waves in time made novelty worse, not better.

use std::f64::consts::PI;

/// Waves in time: level and tilt.
const IN_TIME: usize = 2;

/// An orthonormal basis for patches.
#[derive(Debug, Clone)]
pub struct PatchBasis {
    dim: usize,
    patch_len: usize,
    /// `[patch_len, dim]`.
    basis: Vec<f32>,
}

impl PatchBasis {
    /// The slowest `dim / 2` waves in pitch, times the slowest two in time, on patches of
    /// `frames × bands`; `dim` is even and at most `2 bands`, and there are at least two frames.
    pub fn new(frames: usize, bands: usize, dim: usize) -> Self {
        let in_pitch = dim / IN_TIME;
        let order: Vec<(usize, usize)> =
            (0..IN_TIME).flat_map(|t| (0..in_pitch).map(move |p| (t, p))).collect();
        let patch_len = frames * bands;
        let mut basis = Vec::with_capacity(patch_len * dim);
        for frame in 0..frames {
            for band in 0..bands {
                #[expect(clippy::cast_possible_truncation, reason = "rounded to the device's f32")]
                basis.extend(order.iter().map(|&(in_time, in_pitch)| {
                    (cosine(in_time, frame, frames) * cosine(in_pitch, band, bands)) as f32
                }));
            }
        }
        Self { dim, patch_len, basis }
    }

    /// `input: [patches, frames · bands]` to `out: [patches, dim]`.
    pub fn project(&self, input: &[f32], out: &mut [f32]) {
        let patches = input.chunks_exact(self.patch_len);
        for (patch, token) in patches.zip(out.chunks_exact_mut(self.dim)) {
            token.fill(0.0);
            for (x, row) in patch.iter().zip(self.basis.chunks_exact(self.dim)) {
                for (sum, weight) in token.iter_mut().zip(row) {
                    *sum += x * weight;
                }
            }
        }
    }
}

/// Wave `k` of the orthonormal DCT-II of length `len`, at place `n`.
fn cosine(k: usize, n: usize, len: usize) -> f64 {
    let scale = if k == 0 { 1.0 } else { 2.0 };
    let angle = PI * (2 * n + 1) as f64 * k as f64 / (2 * len) as f64;
    (scale / len as f64).sqrt() * angle.cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_basis_is_orthonormal() {
        let (frames, bands, dim) = (8, 64, 64);
        let basis = PatchBasis::new(frames, bands, dim);
        for a in 0..dim {
            for b in 0..=a {
                let product: f64 = basis
                    .basis
                    .chunks_exact(dim)
                    .map(|row| f64::from(row[a]) * f64::from(row[b]))
                    .sum();
                let expected = if a == b { 1.0 } else { 0.0 };
                assert!((product - expected).abs() < 1e-6, "{a} · {b} = {product}");
            }
        }
    }

    #[test]
    fn a_full_basis_keeps_all_of_a_patch() {
        let basis = PatchBasis::new(2, 3, 6);
        let patch = [1.0, -2.0, 3.0, 0.5, 4.0, -1.0];
        let mut token = [0.0; 6];
        basis.project(&patch, &mut token);
        let energy = |x: &[f32]| x.iter().map(|x| x * x).sum::<f32>();
        assert!((energy(&patch) - energy(&token)).abs() < 1e-4);
    }

    #[test]
    fn a_flat_patch_is_all_loudness() {
        let basis = PatchBasis::new(8, 64, 16);
        let mut tokens = [9.0; 32];
        basis.project(&[2.0; 1024], &mut tokens);
        for token in tokens.chunks(16) {
            assert!((token[0] - 2.0 * 512.0_f32.sqrt()).abs() < 1e-3, "{}", token[0]);
            assert!(token[1..].iter().all(|x| x.abs() < 1e-4));
        }
    }
}
