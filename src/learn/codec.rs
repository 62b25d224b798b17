//! Numbers as one byte or two.
//!
//! `q = round((x − offset) / (unit · s))` with one `s` for each stored item, chosen so that its
//! largest number becomes ±127, or ±32 767: nothing is ever cut off, and a quiet item keeps its detail.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::moments::fill;

/// What a number is stored as.
pub trait Stored: Copy + Into<f32> {
    /// What the largest number of an item becomes.
    const MOST: f32;

    /// The nearest one; beyond ±[`Stored::MOST`] the last.
    fn nearest(x: f32) -> Self;
}

impl Stored for i8 {
    const MOST: f32 = 127.0;

    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    fn nearest(x: f32) -> Self {
        x.round() as Self
    }
}

impl Stored for i16 {
    const MOST: f32 = 32_767.0;

    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    fn nearest(x: f32) -> Self {
        x.round() as Self
    }
}

/// Offset and unit of each feature; fixed once chosen, or what is stored would change its meaning.
#[derive(Debug, Clone, PartialEq)]
pub struct Codec {
    offset: Vec<f32>,
    unit: Vec<f32>,
}

impl Codec {
    /// No offset, unit 1.
    pub fn plain(dim: usize) -> Self {
        Self { offset: vec![0.0; dim], unit: vec![1.0; dim] }
    }

    /// Centred and in units of each feature's spread, so that features of small spread are stored as
    /// finely as those of large spread. `rows` are rows of `dim` features.
    #[expect(clippy::cast_possible_truncation, reason = "computed in f64, used in f32")]
    pub fn fit<'a>(dim: usize, rows: impl Iterator<Item = &'a [f32]> + Clone) -> Self {
        let count = rows.clone().count().max(1) as f64;
        let mut mean = vec![0.0; dim];
        for row in rows.clone() {
            mean.iter_mut().zip(row).for_each(|(mean, &x)| *mean += f64::from(x) / count);
        }
        let mut variance = vec![0.0; dim];
        for row in rows {
            for ((variance, &x), &mean) in variance.iter_mut().zip(row).zip(&mean) {
                *variance += (f64::from(x) - mean).powi(2) / count;
            }
        }
        // A feature that never moved in warm-up may move later, but finely enough.
        let widest = variance.iter().copied().fold(0.0, f64::max).sqrt();
        let least = (1e-3 * widest).max(1e-6);
        Self {
            offset: mean.iter().map(|&x| x as f32).collect(),
            unit: variance.iter().map(|x| x.sqrt().max(least) as f32).collect(),
        }
    }

    /// The unit of each feature.
    pub fn unit(&self) -> &[f32] {
        &self.unit
    }

    /// Rows of features without their offset.
    pub fn centre(&self, x: &[f32], out: &mut [f64]) {
        let dim = self.offset.len();
        for (x, out) in x.chunks_exact(dim).zip(out.chunks_exact_mut(dim)) {
            for ((out, &x), &offset) in out.iter_mut().zip(x).zip(&self.offset) {
                *out = f64::from(x) - f64::from(offset);
            }
        }
    }

    /// The row that is stored as zeros.
    pub fn blank(&self, row: &mut [f32]) {
        row.copy_from_slice(&self.offset);
    }

    /// Stores rows of features; gives the scale of the item.
    pub fn encode<S: Stored>(&self, x: &[f32], to: &mut [S]) -> f32 {
        let dim = self.offset.len();
        let mut largest = 0.0_f32;
        for row in x.chunks_exact(dim) {
            for ((&x, &offset), &unit) in row.iter().zip(&self.offset).zip(&self.unit) {
                largest = largest.max(((x - offset) / unit).abs());
            }
        }
        let scale = largest / S::MOST;
        let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        for (row, to) in x.chunks_exact(dim).zip(to.chunks_exact_mut(dim)) {
            for (((to, &x), &offset), &unit) in
                to.iter_mut().zip(row).zip(&self.offset).zip(&self.unit)
            {
                *to = S::nearest((x - offset) / unit * inverse);
            }
        }
        scale
    }

    /// The stored item again.
    pub fn decode<S: Stored>(&self, stored: &[S], scale: f32, out: &mut [f32]) {
        let dim = self.offset.len();
        for (stored, out) in stored.chunks_exact(dim).zip(out.chunks_exact_mut(dim)) {
            for (((out, &q), &offset), &unit) in
                out.iter_mut().zip(stored).zip(&self.offset).zip(&self.unit)
            {
                let q: f32 = q.into();
                *out = offset + unit * scale * q;
            }
        }
    }

    /// One stored row, without its offset.
    pub fn decode_centred<S: Stored>(&self, stored: &[S], scale: f32, out: &mut [f64]) {
        for ((out, &q), &unit) in out.iter_mut().zip(stored).zip(&self.unit) {
            let q: f32 = q.into();
            *out = f64::from(unit) * f64::from(scale) * f64::from(q);
        }
    }

    /// Appends it.
    pub fn save(&self, to: &mut Writer) {
        to.section("codec");
        to.f32s(self.offset.iter().copied());
        to.f32s(self.unit.iter().copied());
    }

    /// Reads what [`Codec::save`] wrote, for the same width.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("codec")?;
        fill(&mut self.offset, "numbers in an offset", from.f32s()?)?;
        fill(&mut self.unit, "numbers in a unit", from.f32s()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_is_within_half_a_step_of_each_feature() {
        let rows = [1000.0, 0.01, 3000.0, 0.03, 2000.0, 0.02];
        let codec = Codec::fit(2, rows.chunks(2));
        let x = [1500.0, 0.01, 2600.0, 0.025];
        let mut bytes = [0_i8; 4];
        let scale = codec.encode(&x, &mut bytes);
        assert!(bytes.contains(&127) || bytes.contains(&-127));
        close(&codec, &x, &bytes, scale);
        let mut words = [0_i16; 4];
        let scale = codec.encode(&x, &mut words);
        assert!(words.contains(&32_767) || words.contains(&-32_767));
        close(&codec, &x, &words, scale);
    }

    fn close<S: Stored>(codec: &Codec, x: &[f32], stored: &[S], scale: f32) {
        let mut back = [0.0; 4];
        codec.decode(stored, scale, &mut back);
        for (i, (x, back)) in x.iter().zip(back).enumerate() {
            let step = codec.unit[i % 2] * scale + 1e-6 * x.abs();
            assert!((x - back).abs() <= 0.501 * step, "{i}: {x} became {back}");
        }
    }

    #[test]
    fn an_item_at_the_offset_is_all_zeros() {
        let mut stored = [1_i8; 3];
        assert_eq!(Codec::plain(3).encode(&[0.0; 3], &mut stored), 0.0);
        assert_eq!(stored, [0; 3]);
    }
}
