//! Numbers as bytes.
//!
//! `q = round((x − offset) / (unit · s))` with one `s` for each stored item, chosen so that its
//! largest number becomes ±127: nothing is ever cut off, and a quiet item keeps its detail.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::moments::fill;

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

    /// The row that is stored as zeros.
    pub fn blank(&self, row: &mut [f32]) {
        row.copy_from_slice(&self.offset);
    }

    /// Stores rows of features; gives the scale of the item.
    #[expect(clippy::cast_possible_truncation, reason = "within ±127 by the choice of scale")]
    pub fn encode(&self, x: &[f32], to: &mut [i8]) -> f32 {
        let dim = self.offset.len();
        let mut largest = 0.0_f32;
        for row in x.chunks_exact(dim) {
            for ((&x, &offset), &unit) in row.iter().zip(&self.offset).zip(&self.unit) {
                largest = largest.max(((x - offset) / unit).abs());
            }
        }
        let scale = largest / 127.0;
        let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        for (row, to) in x.chunks_exact(dim).zip(to.chunks_exact_mut(dim)) {
            for (((to, &x), &offset), &unit) in
                to.iter_mut().zip(row).zip(&self.offset).zip(&self.unit)
            {
                *to = ((x - offset) / unit * inverse).round() as i8;
            }
        }
        scale
    }

    /// The stored item again.
    pub fn decode(&self, stored: &[i8], scale: f32, out: &mut [f32]) {
        let dim = self.offset.len();
        for (stored, out) in stored.chunks_exact(dim).zip(out.chunks_exact_mut(dim)) {
            for (((out, &q), &offset), &unit) in
                out.iter_mut().zip(stored).zip(&self.offset).zip(&self.unit)
            {
                *out = offset + unit * scale * f32::from(q);
            }
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
        let mut stored = [0; 4];
        let scale = codec.encode(&x, &mut stored);
        assert!(stored.contains(&127) || stored.contains(&-127));
        let mut back = [0.0; 4];
        codec.decode(&stored, scale, &mut back);
        for (i, (x, back)) in x.iter().zip(back).enumerate() {
            let step = codec.unit[i % 2] * scale;
            assert!((x - back).abs() <= 0.501 * step, "{i}: {x} became {back}");
        }
    }

    #[test]
    fn an_item_at_the_offset_is_all_zeros() {
        let mut stored = [1; 3];
        assert_eq!(Codec::plain(3).encode(&[0.0; 3], &mut stored), 0.0);
        assert_eq!(stored, [0; 3]);
    }
}
