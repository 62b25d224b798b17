//! The spaces in which windows are compared.
//!
//! A window is described by the context net's hidden state (its mean and its maximum over tokens) and
//! by the encoder's own embedding. Middle and spread of both come from what is remembered of the
//! place, never from taught examples: those say what is alike, these what is usual.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::learn::joined::Joined;
use crate::learn::moments::Moments;
use crate::learn::whiten::{MOST_DIM, Projection, Whitener};

/// Directions kept of the hidden state, and as many of the embedding, where they are whitened.
pub const KEPT_DIM: usize = 64;
/// Added to every variance, as a share of the mean variance.
const RIDGE: f64 = 0.05;
/// Whitened numbers are cut to ± this.
const CLAMP: f32 = 8.0;

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// The whitened embedding. Learning never moves it.
    Frozen,
    /// The hidden state beside the embedding, both whitened, each of length 1.
    Whitened,
    /// Both joined as `embed --space adapted` does, see [`Joined`]; loud directions are shrunk in both.
    Joined,
}

impl Space {
    /// In words, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::Whitened => "frozen and learnt, whitened",
            Self::Joined => "frozen and learnt",
        }
    }
}

/// A window before any middle is taken off.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Mean and maximal hidden state, `[2 · width]`.
    pub hidden: Vec<f32>,
    /// The prepared embedding.
    pub frozen: Vec<f32>,
}

/// What narrows embeddings that are wider than [`MOST_DIM`].
pub fn projection(frozen_dim: usize, seed: u64) -> Projection {
    Projection::new(frozen_dim, MOST_DIM, seed ^ 0x6e_61_6d_65)
}

/// What whitens them, or hidden states, for comparison; `most_rows` at a time.
pub fn whitener(in_dim: usize, most_rows: usize) -> Whitener {
    Whitener::new(in_dim, KEPT_DIM, RIDGE, CLAMP, most_rows)
}

/// Whitening maps, and how the parts of an adapted embedding are joined.
#[derive(Debug)]
pub struct Map {
    projection: Projection,
    hidden: Whitener,
    frozen: Whitener,
    joined: Joined,
    projected: Vec<f32>,
    whitened: Vec<f32>,
}

impl Map {
    /// Of what is remembered. `seed` chooses the subspace of an embedding wider than [`MOST_DIM`].
    pub fn fit(hidden_dim: usize, frozen_dim: usize, seed: u64, past: &[Description]) -> Self {
        let mut map = Self::empty(hidden_dim, frozen_dim, seed);
        let mut hidden = Moments::new(hidden_dim, 1);
        let mut frozen = Moments::new(map.projection.out_dim(), 1);
        let mut rows = Vec::with_capacity(past.len() * map.joined.dim());
        for window in past {
            if 0 < hidden_dim {
                hidden.add(&window.hidden);
            }
            map.projection.apply(&window.frozen, &mut map.projected);
            frozen.add(&map.projected);
            rows.extend_from_slice(&window.hidden);
            rows.extend_from_slice(&map.projected);
        }
        if 0 < hidden_dim {
            map.hidden.fit(&hidden);
        }
        map.frozen.fit(&frozen);
        map.joined.fit(&rows);
        map
    }

    fn empty(hidden_dim: usize, frozen_dim: usize, seed: u64) -> Self {
        let projection = projection(frozen_dim, seed);
        let projected = projection.out_dim();
        Self {
            projection,
            hidden: whitener(hidden_dim, 1),
            frozen: whitener(projected, 1),
            joined: Joined::new(hidden_dim, projected, true),
            projected: vec![0.0; projected],
            whitened: vec![0.0; KEPT_DIM],
        }
    }

    /// The window as a point of length 1. Changes only scratch.
    pub fn point(&mut self, space: Space, window: &Description) -> Vec<f64> {
        let Self { projection, hidden, frozen, joined, projected, whitened } = self;
        projection.apply(&window.frozen, projected);
        let mut parts: Vec<Vec<f64>> = Vec::new();
        let mut whiten = |whitener: &mut Whitener, x: &[f32]| {
            let out = &mut whitened[..whitener.out_dim()];
            whitener.apply(x, out);
            parts.push(out.iter().map(|&x| f64::from(x)).collect());
        };
        match space {
            Space::Frozen => whiten(frozen, projected),
            Space::Whitened => {
                whiten(hidden, &window.hidden);
                whiten(frozen, projected);
            }
            Space::Joined => {
                let mut point: Vec<f32> = [window.hidden.as_slice(), projected].concat();
                joined.apply(&mut point);
                parts.push(point.iter().map(|&x| f64::from(x)).collect());
            }
        }
        let share = 1.0 / (parts.len() as f64).sqrt();
        parts
            .iter()
            .flat_map(|part| {
                let length = part.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-12);
                part.iter().map(move |x| share * x / length)
            })
            .collect()
    }

    pub(super) fn save(&self, to: &mut Writer) {
        to.section("space");
        self.hidden.save(to);
        self.frozen.save(to);
        self.joined.save(to);
    }

    pub(super) fn load(
        hidden_dim: usize,
        frozen_dim: usize,
        seed: u64,
        from: &mut Reader<'_>,
    ) -> Result<Self, Malformed> {
        from.section("space")?;
        let mut map = Self::empty(hidden_dim, frozen_dim, seed);
        map.hidden.load(from)?;
        map.frozen.load(from)?;
        map.joined.load(from)?;
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    fn past(count: usize, frozen_dim: usize) -> Vec<Description> {
        let mut rng = Rng::from_seed(3);
        let mut row = |dim: usize| -> Vec<f32> {
            let shared = rng.unit_f32();
            (0..dim).map(|i| 5.0 + 100.0 * shared + i as f32 * rng.unit_f32()).collect()
        };
        (0..count).map(|_| Description { hidden: row(8), frozen: row(frozen_dim) }).collect()
    }

    #[test]
    fn points_have_length_one_in_every_space_and_survive_saving() {
        for frozen_dim in [12, 300] {
            let past = past(60, frozen_dim);
            let mut map = Map::fit(8, frozen_dim, 1, &past);
            let mut writer = Writer::default();
            map.save(&mut writer);
            let bytes = writer.into_bytes();
            let mut reader = Reader::new(&bytes);
            let mut loaded = Map::load(8, frozen_dim, 1, &mut reader).unwrap();
            reader.end().unwrap();
            for space in [Space::Frozen, Space::Whitened, Space::Joined] {
                for window in &past {
                    let point = map.point(space, window);
                    let length: f64 = point.iter().map(|x| x * x).sum();
                    assert!((length - 1.0).abs() < 1e-9, "{space:?} {length}");
                    assert_eq!(point, loaded.point(space, window));
                }
            }
        }
    }

    #[test]
    fn a_loud_common_direction_does_not_make_all_alike() {
        let past = past(200, 12);
        let mut map = Map::fit(8, 12, 1, &past);
        let points: Vec<Vec<f64>> = past.iter().map(|w| map.point(Space::Frozen, w)).collect();
        let mut sum = 0.0;
        for pair in points.chunks_exact(2) {
            sum += pair[0].iter().zip(&pair[1]).map(|(a, b)| a * b).sum::<f64>();
        }
        assert!((sum / 100.0).abs() < 0.15, "mean cosine {}", sum / 100.0);
    }
}
