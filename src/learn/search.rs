//! The nearest among many points, one byte a number.
//!
//! A plain scan: 10 000 points of 64 numbers are 640 kB, which is read faster than any tree could be
//! kept up to date. Points are stored as `round(127 x / max |x|)` with their lengths; products are of
//! whole numbers, so every machine finds the same.

/// One answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Counted from 0 in the order of pushing.
    pub row: usize,
    /// As it was pushed.
    pub at_s: f64,
    /// 1 − cosine, 0 to 2.
    pub distance: f32,
}

/// Points with their times.
#[derive(Debug, Clone, PartialEq)]
pub struct Index {
    dim: usize,
    /// `[rows, dim]`.
    points: Vec<i8>,
    /// `[rows]`: one over the length of the stored point; 0 for a point at the origin.
    inverse_lengths: Vec<f32>,
    times: Vec<f64>,
}

impl Index {
    /// For about `rows` points of `dim` numbers.
    pub fn with_capacity(dim: usize, rows: usize) -> Self {
        Self {
            dim,
            points: Vec::with_capacity(dim * rows),
            inverse_lengths: Vec::with_capacity(rows),
            times: Vec::with_capacity(rows),
        }
    }

    /// Points held.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.points.len() + self.len() * (size_of::<f32>() + size_of::<f64>())
    }

    /// Another point, met at `at_s`.
    ///
    /// # Panics
    ///
    /// When it has another width.
    pub fn push(&mut self, point: &[f32], at_s: f64) {
        assert_eq!(point.len(), self.dim, "numbers in a point");
        let from = self.points.len();
        #[expect(clippy::cast_possible_truncation, reason = "within ±127 by the choice of scale")]
        self.points.extend(quantised(point, 127.0).map(|q| q as i8));
        let squares: i64 = self.points[from..].iter().map(|&q| i64::from(q).pow(2)).sum();
        self.inverse_lengths.push(if squares == 0 { 0.0 } else { (squares as f32).sqrt().recip() });
        self.times.push(at_s);
    }

    /// The `count` nearest by cosine, the nearest first. Of points less than `apart_s` seconds from a
    /// nearer one, none is told, nor of those so close to `skip_s`.
    ///
    /// # Panics
    ///
    /// When `query` has another width.
    pub fn nearest(
        &self,
        query: &[f32],
        count: usize,
        apart_s: f64,
        skip_s: Option<f64>,
    ) -> Vec<Hit> {
        assert_eq!(query.len(), self.dim, "numbers in a query");
        #[expect(clippy::cast_possible_truncation, reason = "within ±1023 by the choice of scale")]
        let query: Vec<i16> = quantised(query, 1023.0).map(|q| q as i16).collect();
        let squares: i64 = query.iter().map(|&q| i64::from(q).pow(2)).sum();
        let inverse = if squares == 0 { 0.0 } else { (squares as f32).sqrt().recip() };
        let rows = self.points.chunks_exact(self.dim.max(1)).zip(&self.inverse_lengths);
        let mut all: Vec<(f32, usize)> = rows
            .map(|(point, &length)| {
                (1.0 - product(point, &query) as f32 * length * inverse).max(0.0)
            })
            .zip(0..self.len())
            .collect();
        all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let is_close = |a: f64, b: f64| (a - b).abs() < apart_s;
        let mut found: Vec<Hit> = Vec::new();
        for (distance, row) in all {
            if found.len() == count {
                break;
            }
            let at_s = self.times[row];
            let is_told = found.iter().any(|hit| is_close(hit.at_s, at_s));
            if !is_told && !skip_s.is_some_and(|skip_s| is_close(skip_s, at_s)) {
                found.push(Hit { row, at_s, distance });
            }
        }
        found
    }
}

/// `x` in whole numbers up to `most`.
fn quantised(x: &[f32], most: f32) -> impl Iterator<Item = f32> + '_ {
    let largest = x.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    let scale = if largest == 0.0 { 0.0 } else { most / largest };
    x.iter().map(move |x| (x * scale).round())
}

/// Sum of products: at most 127 · 1023 a term, so 16 000 terms fit 32 bits.
fn product(point: &[i8], query: &[i16]) -> i32 {
    point.iter().zip(query).map(|(&a, &b)| i32::from(i16::from(a)) * i32::from(b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    fn point(dim: usize, rng: &mut Rng) -> Vec<f32> {
        (0..dim).map(|_| rng.unit_f32() - 0.5).collect()
    }

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }

    #[test]
    fn finds_what_a_scan_in_floating_point_finds() {
        for dim in [1, 7, 64, 300] {
            let mut rng = Rng::from_seed(4);
            let points: Vec<Vec<f32>> = (0..500).map(|_| point(dim, &mut rng)).collect();
            let mut index = Index::with_capacity(dim, 500);
            for (row, point) in points.iter().enumerate() {
                index.push(point, row as f64);
            }
            for _ in 0..20 {
                let query = point(dim, &mut rng);
                let mut wanted: Vec<f32> =
                    points.iter().map(|point| 1.0 - cosine(point, &query)).collect();
                let hits = index.nearest(&query, 5, 0.0, None);
                for hit in &hits {
                    assert!((hit.distance - wanted[hit.row]).abs() < 0.01, "{dim} {hit:?}");
                }
                wanted.sort_by(f32::total_cmp);
                for (hit, wanted) in hits.iter().zip(&wanted) {
                    assert!((hit.distance - wanted).abs() < 0.01, "{dim} {hit:?} for {wanted}");
                }
                assert!(hits.is_sorted_by(|a, b| a.distance <= b.distance));
                assert_eq!(hits.len(), 5);
            }
        }
    }

    #[test]
    fn of_moments_close_to_each_other_the_nearest_is_told() {
        let mut index = Index::with_capacity(2, 4);
        for (at_s, angle) in [(0.0, 0.3_f32), (1.0, 0.1), (2.0, 0.2), (50.0, 0.15), (51.0, 0.05)] {
            index.push(&[angle.cos(), angle.sin()], at_s);
        }
        let times = |count, apart_s, skip_s| -> Vec<f64> {
            let hits = index.nearest(&[1.0, 0.0], count, apart_s, skip_s);
            hits.iter().map(|hit| hit.at_s).collect()
        };
        assert_eq!(times(9, 5.0, None), [51.0, 1.0]);
        assert_eq!(times(9, 0.0, None), [51.0, 1.0, 50.0, 2.0, 0.0]);
        assert_eq!(times(9, 5.0, Some(49.0)), [1.0]);
        assert_eq!(times(1, 5.0, None), [51.0]);
        assert_eq!(times(0, 5.0, None), Vec::<f64>::new());
    }

    #[test]
    fn a_point_at_the_origin_is_no_nearer_than_a_right_angle() {
        let mut index = Index::with_capacity(2, 2);
        index.push(&[0.0, 0.0], 0.0);
        assert_eq!(index.nearest(&[1.0, 0.0], 1, 1.0, None)[0].distance, 1.0);
        index.push(&[-1.0, 0.0], 9.0);
        assert_eq!(index.nearest(&[1.0, 0.0], 2, 1.0, None)[1].distance, 2.0);
        assert_eq!(index.bytes(), 4 + 2 * 12);
    }
}
