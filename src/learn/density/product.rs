//! Products of numbers with stored ones.

use crate::learn::codec::Stored;

/// Sums of every eighth product side by side: one order of adding, whatever the processor.
const LANES: usize = 8;

/// `Σ a b`.
pub(super) fn product<S: Stored>(a: &[f32], b: &[S]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (a_whole, a_rest) = a.as_chunks::<LANES>();
    let (b_whole, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_whole.iter().zip(b_whole) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane].into();
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(&a, &b)| a * b.into()).sum();
    lanes.iter().sum::<f32>() + rest
}
