//! What the encoder alone can say: distances to the embeddings of a learning part, by the ways that
//! people usually take. Nothing is learnt but a mean, a covariance and a list of examples.

use ndarray::Array2;
use ndarray::ArrayView1;
use ndarray::Axis;

use crate::learn::density::mean_of_farthest;
use crate::learn::mahalanobis::Mahalanobis;
use crate::learn::moments::Moments;
use crate::learn::whiten::MOST_DIM;
use crate::learn::whiten::Projection;
use crate::learn::whiten::Whitener;
use crate::pipeline::eval::pooled::of_length_one;
use crate::pipeline::eval::stream::Window;

/// Neighbours whose mean cosine counts.
const NEAREST: usize = 3;
/// Examples remembered, evenly over the learning part, at most.
const MOST_REMEMBERED: usize = 4096;
/// Examples whose tokens are remembered, at most.
const MOST_TOKENS_OF: usize = 1024;
/// Numbers kept by whitening.
const WHITENED: usize = 64;
/// Added to every variance, as a share of their mean.
const RIDGE: f64 = 0.05;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frozen {
    /// One minus the mean cosine to the three nearest.
    Raw,
    /// The same, the mean of the learning part taken off.
    Centred,
    /// The same after PCA whitening to 64 numbers by the learning part.
    Whitened,
    /// Root of the mean squared distance to the three nearest, whitened: unlike a cosine it sees how
    /// far from everything a window is.
    WhitenedDistance,
    /// Mahalanobis distance with a shrunk covariance.
    Mahalanobis,
    /// Mean squared distance of the farthest fortieth of the tokens to the nearest at their places, whitened.
    Tokens,
}

impl Frozen {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Raw,
        Self::Centred,
        Self::Whitened,
        Self::WhitenedDistance,
        Self::Mahalanobis,
        Self::Tokens,
    ];

    /// In words, for a table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "frozen, raw",
            Self::Centred => "frozen, centred",
            Self::Whitened => "frozen, whitened",
            Self::WhitenedDistance => "frozen, whitened distance",
            Self::Mahalanobis => "frozen, Mahalanobis",
            Self::Tokens => "frozen, tokens",
        }
    }

    /// How unusual each of `judged` is after `learnt`.
    pub fn scores(self, learnt: &[&Window], judged: &[&Window]) -> Vec<f64> {
        let Some(first) = learnt.first().or(judged.first()) else { return Vec::new() };
        let dim = first.latent.embedding.len();
        if learnt.is_empty() {
            return vec![0.0; judged.len()];
        }
        let every = learnt.len().div_ceil(MOST_REMEMBERED).max(1);
        let bank: Vec<&[f32]> =
            learnt.iter().step_by(every).map(|window| window.latent.embedding.as_slice()).collect();
        let asked: Vec<&[f32]> =
            judged.iter().map(|window| window.latent.embedding.as_slice()).collect();
        match self {
            Self::Mahalanobis => mahalanobis(dim, &bank, &asked),
            Self::Tokens => tokens(learnt, judged),
            Self::Raw => nearest(
                &rows_of_length_one(&bank, <[f32]>::to_vec),
                &rows_of_length_one(&asked, <[f32]>::to_vec),
            ),
            Self::Centred => {
                let space = Centre::of(dim, &bank);
                nearest(
                    &rows_of_length_one(&bank, |x| space.from(x)),
                    &rows_of_length_one(&asked, |x| space.from(x)),
                )
            }
            Self::Whitened => {
                let mut space = Whitened::of(dim, &bank);
                let known = rows_of_length_one(&bank, |x| space.of_row(x));
                nearest(&known, &rows_of_length_one(&asked, |x| space.of_row(x)))
            }
            Self::WhitenedDistance => {
                let mut space = Whitened::of(dim, &bank);
                let known: Vec<Vec<f32>> = bank.iter().map(|x| space.of_row(x)).collect();
                asked.iter().map(|x| distance_to_nearest(&known, &space.of_row(x))).collect()
            }
        }
    }
}

/// The mean of a learning part.
#[derive(Debug, Clone)]
pub struct Centre(Vec<f32>);

impl Centre {
    /// Of `rows`.
    pub fn of(dim: usize, rows: &[&[f32]]) -> Self {
        let mut mean = vec![0.0; dim];
        for row in rows {
            mean.iter_mut().zip(*row).for_each(|(mean, x)| *mean += x / rows.len() as f32);
        }
        Self(mean)
    }

    /// `x` told from the mean.
    pub fn from(&self, x: &[f32]) -> Vec<f32> {
        x.iter().zip(&self.0).map(|(x, mean)| x - mean).collect()
    }
}

/// PCA whitening by a learning part, to at most 64 numbers.
#[derive(Debug)]
pub struct Whitened {
    projection: Projection,
    whitener: Whitener,
}

impl Whitened {
    /// By `rows`; embeddings wider than [`MOST_DIM`] are projected at random first, as the learner
    /// does.
    pub fn of(dim: usize, rows: &[&[f32]]) -> Self {
        let projection = Projection::new(dim, MOST_DIM, 1);
        let width = projection.out_dim();
        let mut moments = Moments::new(width, 1);
        let mut narrow = vec![0.0; width];
        for row in rows {
            projection.apply(row, &mut narrow);
            moments.add(&narrow);
        }
        let mut whitener = Whitener::new(width, WHITENED, RIDGE, f32::INFINITY, 1);
        whitener.fit(&moments);
        Self { projection, whitener }
    }

    /// `x` in whitened space.
    pub fn of_row(&mut self, x: &[f32]) -> Vec<f32> {
        let mut narrow = vec![0.0; self.projection.out_dim()];
        let mut out = vec![0.0; self.whitener.out_dim()];
        self.projection.apply(x, &mut narrow);
        self.whitener.apply(&narrow, &mut out);
        out
    }
}

fn mahalanobis(dim: usize, bank: &[&[f32]], asked: &[&[f32]]) -> Vec<f64> {
    let projection = Projection::new(dim, MOST_DIM, 1);
    let mut narrow = vec![0.0; projection.out_dim()];
    let mut distance = Mahalanobis::new(projection.out_dim(), RIDGE, 1);
    for row in bank {
        projection.apply(row, &mut narrow);
        distance.observe(&narrow);
    }
    distance.fit();
    asked
        .iter()
        .map(|row| {
            projection.apply(row, &mut narrow);
            distance.squared_distance(&narrow).unwrap_or(0.0).sqrt()
        })
        .collect()
}

/// Each token beside those of the learning part at its place.
fn tokens(learnt: &[&Window], judged: &[&Window]) -> Vec<f64> {
    let every = learnt.len().div_ceil(MOST_TOKENS_OF).max(1);
    let learnt: Vec<&Window> = learnt.iter().step_by(every).copied().collect();
    let rows: Vec<&[f32]> = learnt.iter().flat_map(|window| valid_tokens(window)).collect();
    let Some(first) = rows.first() else { return vec![0.0; judged.len()] };
    let mut space = Whitened::of(first.len(), &rows);
    let mut whitened =
        |window: &Window| valid_tokens(window).map(|token| space.of_row(token)).collect::<Vec<_>>();
    let bank: Vec<Vec<Vec<f32>>> = learnt.iter().map(|window| whitened(window)).collect();
    let mut one = |window: &&Window| {
        let asked = whitened(window);
        let mut nearest = vec![f32::INFINITY; asked.len()];
        for known in &bank {
            for (nearest, (a, b)) in nearest.iter_mut().zip(asked.iter().zip(known)) {
                let squared: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
                *nearest = nearest.min(squared);
            }
        }
        let known = nearest.iter().filter(|x| x.is_finite());
        mean_of_farthest(&mut known.map(|&x| f64::from(x)).collect::<Vec<f64>>())
    };
    judged.iter().map(&mut one).collect()
}

/// Tokens that are not valid are left out, not zero.
fn valid_tokens(window: &Window) -> impl Iterator<Item = &[f32]> {
    let rows = window.latent.tokens.rows().into_iter();
    rows.take(window.latent.valid_tokens).filter_map(|row| row.to_slice())
}

/// A row each, of length 1.
fn rows_of_length_one(rows: &[&[f32]], mut space: impl FnMut(&[f32]) -> Vec<f32>) -> Array2<f32> {
    let mut all = Vec::new();
    let mut width = 0;
    for row in rows {
        let row = of_length_one(space(row));
        width = row.len();
        all.extend(row);
    }
    Array2::from_shape_vec((rows.len(), width), all).unwrap_or_default()
}

fn nearest(bank: &Array2<f32>, asked: &Array2<f32>) -> Vec<f64> {
    let one = |row: ArrayView1<'_, f32>| {
        let mut cosines = bank.dot(&row).to_vec();
        let count = NEAREST.min(cosines.len()).max(1);
        cosines.sort_unstable_by(|a, b| b.total_cmp(a));
        1.0 - cosines.iter().take(count).map(|&x| f64::from(x)).sum::<f64>() / count as f64
    };
    asked.axis_iter(Axis(0)).map(one).collect()
}

fn distance_to_nearest(bank: &[Vec<f32>], asked: &[f32]) -> f64 {
    let squared =
        |known: &Vec<f32>| -> f32 { known.iter().zip(asked).map(|(a, b)| (a - b) * (a - b)).sum() };
    let mut all: Vec<f32> = bank.iter().map(squared).collect();
    let count = NEAREST.min(all.len()).max(1);
    all.sort_unstable_by(f32::total_cmp);
    let sum: f64 = all.iter().take(count).map(|&x| f64::from(x)).sum();
    (sum / count as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::rng::Rng;
    use crate::encode::latent::Latent;
    use crate::encode::latent::LatentShape;
    use crate::nn::layout::Layout;

    /// With more noise, whitening by few rows makes it as loud as what differs, and cosines see no more.
    #[test]
    fn all_ways_find_what_was_never_there() {
        let shape =
            LatentShape { layout: Layout::Sequence { len: 1 }, token_dim: 1, embedding_dim: 300 };
        let mut rng = Rng::from_seed(3);
        let mut window = |kind: usize| {
            let mut latent = Latent::zeros(shape);
            latent.valid_tokens = 1;
            latent.tokens.fill([0.0, 1.0, 2.0, 6.0][kind] + 0.02 * rng.unit_f32());
            latent.embedding.iter_mut().for_each(|x| *x = 1.0 + 0.02 * rng.unit_f32());
            latent.embedding[kind] += 6.0;
            Window { start_s: 0.0, end_s: 1.0, input: 0, latent: Arc::new(latent), sides: None }
        };
        let learnt: Vec<Window> = (0..80).map(|i| window(i % 3)).collect();
        let judged: Vec<Window> = (0..8).map(|i| window(i % 4)).collect();
        let (learnt, judged): (Vec<_>, Vec<_>) = (learnt.iter().collect(), judged.iter().collect());
        for way in Frozen::ALL {
            let scores = way.scores(&learnt, &judged);
            let usual = [0, 1, 2, 4, 5, 6].map(|i| scores[i]).into_iter().fold(0.0, f64::max);
            assert!(usual < scores[3].min(scores[7]), "{}: {scores:?}", way.name());
        }
    }
}
