//! What was learnt and what the encoder gives, joined into one description of a window.
//!
//! Three parts: the mean of the context net's hidden state over tokens, its maximum, and the encoder's
//! own embedding. Of each part the middle is taken off, loud directions are shrunk, and what is left is
//! brought to a fixed length, so that no part and no single direction decides what is alike:
//!
//! `y = w · x̂ / |x̂|`, `x̂ = (C + ρ v I)^(-1/2) (x − m)`, with `m` and `C` the mean and covariance of
//! remembered windows, `v` their mean variance and `ρ` = `RIDGE`. A ridge above the mean variance shrinks the
//! loudest directions and leaves the others as they are: whitening in full would make noise as loud as
//! everything else where few windows are remembered.
//!
//! Of an embedding of many zeros and a few large numbers, of which roots are taken (`root_cosine_nearest` in the
//! encoder's manifest), only the middle is taken off: each number stands for something by itself, and with
//! `YAMNet` shrinking the loudest directions lost more than learning gave.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::eigen;
use crate::learn::moments::fill;
use crate::nn::matmul::{matmul, view, view_mut};

/// Added to every variance, in mean variances.
const RIDGE: f64 = 3.0;
/// Directions of a part that are shrunk, the loudest ones, at most.
const MOST_DIRECTIONS: usize = 64;
/// Lengths of the three parts; all together have length 1. The encoder's own embedding weighs most: it is
/// right from the first minute, and with encoders that were trained it is the better one.
const LENGTHS: [f64; 3] = [1.0, 1.0, 3.0];

/// The three parts, each with its map.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    parts: [Shrunk; 3],
    /// Whether loud directions of the embedding are shrunk as well.
    shrinks_frozen: bool,
}

impl Joined {
    /// Knows of nothing yet: parts are only brought to their lengths. `hidden_dim` is the width of mean and
    /// maximum together; `shrinks_frozen` is whether loud directions of the embedding are shrunk, too.
    pub fn new(hidden_dim: usize, frozen_dim: usize, shrinks_frozen: bool) -> Self {
        let dims = [hidden_dim / 2, hidden_dim - hidden_dim / 2, frozen_dim];
        Self { parts: dims.map(Shrunk::new), shrinks_frozen }
    }

    /// Width of a description.
    pub fn dim(&self) -> usize {
        self.parts.iter().map(Shrunk::dim).sum()
    }

    /// Follows what is remembered: `rows: [n, dim]`, each the three parts one after the other.
    pub fn fit(&mut self, rows: &[f32]) {
        let dim = self.dim();
        let mut from = 0;
        for (number, part) in self.parts.iter_mut().enumerate() {
            let to = from + part.dim();
            let own = rows.chunks_exact(dim.max(1)).map(|row| &row[from..to]);
            part.fit(own, number < 2 || self.shrinks_frozen);
            from = to;
        }
    }

    /// `x ← y` of the three parts one after the other.
    #[expect(clippy::cast_possible_truncation, reason = "computed in f64, used in f32")]
    pub fn apply(&self, x: &mut [f32]) {
        let all = self.parts.iter().zip(LENGTHS).filter(|(part, _)| 0 < part.dim());
        let whole = all.map(|(_, length)| length * length).sum::<f64>().sqrt();
        let mut rest = x;
        for (part, length) in self.parts.iter().zip(LENGTHS) {
            let (own, others) = rest.split_at_mut(part.dim());
            part.apply(own);
            let found = own.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
            let scale = (length / whole / found.max(1e-12)) as f32;
            own.iter_mut().for_each(|x| *x *= scale);
            rest = others;
        }
    }

    /// Appends the maps.
    pub fn save(&self, to: &mut Writer) {
        to.section("joined");
        for part in &self.parts {
            to.f32s(part.mean.iter().copied());
            to.f32s(part.directions.iter().copied());
        }
    }

    /// Reads what [`Joined::save`] wrote, for the same widths.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("joined")?;
        for part in &mut self.parts {
            fill(&mut part.mean, "numbers in a middle", from.f32s()?)?;
            let directions: Vec<f32> = from.f32s()?;
            let dim = part.dim();
            let is_whole =
                if dim == 0 { directions.is_empty() } else { directions.len().is_multiple_of(dim) };
            if !is_whole || MOST_DIRECTIONS * dim < directions.len() {
                return Err(Malformed::WrongValue {
                    what: "numbers in directions",
                    found: directions.len().to_string(),
                    expected: format!("{dim} a direction, {MOST_DIRECTIONS} directions at most"),
                });
            }
            part.directions = directions;
        }
        Ok(())
    }
}

/// `(C + ρ v I)^(-1/2) (x − m)` up to a factor: `x − m − Σ dₖ (dₖ · (x − m))`.
#[derive(Debug, Clone, PartialEq)]
struct Shrunk {
    mean: Vec<f32>,
    /// `dₖ`, one after the other: eigenvectors, the square of each one's length the share that is taken off.
    directions: Vec<f32>,
}

impl Shrunk {
    fn new(dim: usize) -> Self {
        Self { mean: vec![0.0; dim], directions: Vec::new() }
    }

    const fn dim(&self) -> usize {
        self.mean.len()
    }

    #[expect(clippy::cast_possible_truncation, reason = "computed in f64, used in f32")]
    fn fit<'a>(&mut self, rows: impl Iterator<Item = &'a [f32]>, shrinks: bool) {
        let dim = self.dim();
        self.directions.clear();
        let mut x: Vec<f64> = rows.flat_map(|row| row.iter().map(|&x| f64::from(x))).collect();
        let n = x.len().checked_div(dim).unwrap_or(0);
        if n == 0 {
            return;
        }
        let mut mean = vec![0.0; dim];
        for row in x.chunks_exact(dim) {
            mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += x / n as f64);
        }
        for row in x.chunks_exact_mut(dim) {
            row.iter_mut().zip(&mean).for_each(|(x, mean)| *x -= mean);
        }
        self.mean.iter_mut().zip(&mean).for_each(|(to, &x)| *to = x as f32);
        if !shrinks {
            return;
        }
        let ridge = RIDGE * x.iter().map(|x| x * x).sum::<f64>() / (n * dim) as f64;
        for (variance, direction) in principal(&x, n, dim) {
            let share = 1.0 - (ridge / (ridge + variance)).sqrt();
            self.directions.extend(direction.iter().map(|x| (share.sqrt() * x) as f32));
        }
    }

    fn apply(&self, x: &mut [f32]) {
        x.iter_mut().zip(&self.mean).for_each(|(x, mean)| *x -= mean);
        // Orthogonal to one another, so one after the other is all at once.
        for direction in self.directions.chunks_exact(self.dim().max(1)) {
            let along: f32 = x.iter().zip(direction).map(|(x, d)| x * d).sum();
            x.iter_mut().zip(direction).for_each(|(x, d)| *x -= along * d);
        }
    }
}

/// The loudest directions of centred `x: [n, dim]`, each with its variance; directions of next to none are
/// left out. Of the two matrices with the same eigenvalues, `xᵀx` and `x xᵀ`, the smaller one is taken.
fn principal(x: &[f64], n: usize, dim: usize) -> Vec<(f64, Vec<f64>)> {
    let rows = view(x, n, dim);
    let side = n.min(dim);
    let mut products = vec![0.0; side * side];
    let scale = 1.0 / n as f64;
    if dim <= n {
        matmul(scale, rows.t(), rows, 0.0, view_mut(&mut products, side, side));
    } else {
        matmul(scale, rows, rows.t(), 0.0, view_mut(&mut products, side, side));
    }
    let eigen = eigen::symmetric(&products, side);
    let least = 1e-9 * eigen.values.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let loudest = eigen.values.iter().zip(eigen.vectors.chunks_exact(side)).rev();
    loudest
        .take(MOST_DIRECTIONS)
        .filter(|&(&variance, _)| least < variance)
        .map(|(&variance, vector)| {
            if dim <= n {
                return (variance, vector.to_vec());
            }
            let mut direction = vec![0.0; dim];
            for (row, weight) in x.chunks_exact(dim).zip(vector) {
                direction.iter_mut().zip(row).for_each(|(d, x)| *d += weight * x);
            }
            let length = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
            direction.iter_mut().for_each(|d| *d /= length);
            (variance, direction)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    /// Rows whose first number varies ten times as much as the others.
    fn rows(n: usize, dim: usize) -> Vec<f32> {
        let mut rng = Rng::from_seed(4);
        (0..n * dim)
            .map(|i| 5.0 + (if i % dim == 0 { 10.0 } else { 1.0 }) * (rng.unit_f32() - 0.5))
            .collect()
    }

    #[test]
    fn both_ways_to_the_directions_are_the_inverse_root() {
        for (n, dim) in [(400, 6), (5, 6)] {
            let rows = rows(n, dim);
            let mut part = Shrunk::new(dim);
            part.fit(rows.chunks_exact(dim), true);
            let mean: Vec<f64> = part.mean.iter().map(|&x| f64::from(x)).collect();
            let mut covariance = vec![0.0; dim * dim];
            for row in rows.chunks_exact(dim) {
                for i in 0..dim {
                    for j in 0..dim {
                        let (a, b) = (f64::from(row[i]) - mean[i], f64::from(row[j]) - mean[j]);
                        covariance[i * dim + j] += a * b / n as f64;
                    }
                }
            }
            let ridge = RIDGE * (0..dim).map(|i| covariance[i * dim + i]).sum::<f64>() / dim as f64;
            (0..dim).for_each(|i| covariance[i * dim + i] += ridge);
            let root = eigen::symmetric(&covariance, dim);
            let mut x: Vec<f32> = rows[..dim].to_vec();
            let expected: Vec<f64> = (0..dim)
                .map(|i| {
                    let of = |vector: &[f64], value: f64| {
                        let along: f64 =
                            (0..dim).map(|j| vector[j] * (f64::from(x[j]) - mean[j])).sum();
                        vector[i] * along * (ridge / value).sqrt()
                    };
                    let all = root.vectors.chunks_exact(dim).zip(&root.values);
                    all.map(|(vector, &value)| of(vector, value)).sum()
                })
                .collect();
            part.apply(&mut x);
            for (found, expected) in x.iter().zip(expected) {
                assert!((f64::from(*found) - expected).abs() < 1e-4, "{found} {expected}");
            }
        }
    }

    #[test]
    fn parts_have_their_lengths_and_survive_saving() {
        for (hidden, frozen) in [(8, 5), (0, 5)] {
            let mut joined = Joined::new(hidden, frozen, true);
            joined.fit(&rows(40, joined.dim()));
            let mut writer = Writer::default();
            joined.save(&mut writer);
            let bytes = writer.into_bytes();
            let mut loaded = Joined::new(hidden, frozen, true);
            let mut reader = Reader::new(&bytes);
            loaded.load(&mut reader).unwrap();
            reader.end().unwrap();
            assert_eq!(loaded, joined);
            let mut x = rows(1, joined.dim());
            joined.apply(&mut x);
            let squared = |x: &[f32]| x.iter().map(|x| x * x).sum::<f32>();
            assert!((squared(&x) - 1.0).abs() < 1e-5);
            let share = if hidden == 0 { 1.0 } else { 9.0 / 11.0 };
            assert!((squared(&x[hidden..]) - share).abs() < 1e-5);
        }
    }

    /// Fails when the embedding is shrunk whatever its encoder is.
    #[test]
    fn an_embedding_that_is_not_shrunk_keeps_its_directions() {
        let mut rows = rows(40, 14);
        // The loud number is the first one of the embedding.
        rows.chunks_exact_mut(14).for_each(|row| row.swap(0, 8));
        let cosine = |shrinks_frozen: bool| {
            let mut joined = Joined::new(8, 6, shrinks_frozen);
            joined.fit(&rows);
            let centred = [5.0, 0.5, 0.5, 0.5, 0.5, 0.5];
            let mut x = rows[..14].to_vec();
            for (i, by) in centred.iter().enumerate() {
                x[8 + i] = joined.parts[2].mean[i] + by;
            }
            joined.apply(&mut x);
            let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            let own = &x[8..];
            product(own, &centred) / (product(own, own) * product(&centred, &centred)).sqrt()
        };
        assert!((cosine(false) - 1.0).abs() < 1e-5, "{}", cosine(false));
        assert!(cosine(true) < 0.99, "{}", cosine(true));
    }

    #[test]
    fn a_loud_direction_is_shrunk_and_a_quiet_one_is_not() {
        let mut part = Shrunk::new(6);
        let rows = rows(400, 6);
        part.fit(rows.chunks_exact(6), true);
        let length_of = |axis: usize| {
            let mut x = part.mean.clone();
            x[axis] += 1.0;
            part.apply(&mut x);
            x.iter().map(|x| x * x).sum::<f32>().sqrt()
        };
        assert!(length_of(0) < 0.6, "{}", length_of(0));
        assert!(0.95 < length_of(3), "{}", length_of(3));
    }
}
