//! One vector a recording, of what the encoder made of its windows.

use crate::pipeline::eval::stream::Stream;
use crate::pipeline::eval::stream::Window;

/// What is pooled over windows and tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pool {
    /// The encoder's embedding, mean over windows.
    Embedding,
    /// Tokens, mean.
    Mean,
    /// Tokens, mean beside maximum.
    MeanMost,
}

/// One vector a recording.
pub(super) fn pooled(stream: &Stream, pool: Pool) -> Vec<f32> {
    match pool {
        Pool::Embedding => weighted_mean(stream, |window| window.latent.embedding.clone()),
        Pool::Mean => tokens(stream).0,
        Pool::MeanMost => {
            let (mean, most) = tokens(stream);
            [mean, most].concat()
        }
    }
}

/// Mean over windows, each weighted by how much of it is real input.
pub(super) fn weighted_mean(stream: &Stream, mut of: impl FnMut(&Window) -> Vec<f32>) -> Vec<f32> {
    let mut mean: Vec<f32> = Vec::new();
    for window in &stream.windows {
        let vector = of(window);
        mean.resize(vector.len(), 0.0);
        let weight = window.latent.valid_tokens as f32;
        mean.iter_mut().zip(&vector).for_each(|(sum, x)| *sum += weight * x);
    }
    let all: usize = stream.windows.iter().map(|window| window.latent.valid_tokens).sum();
    mean.iter_mut().for_each(|x| *x /= all.max(1) as f32);
    mean
}

/// Mean and maximum over all valid tokens.
fn tokens(stream: &Stream) -> (Vec<f32>, Vec<f32>) {
    let rows = stream.windows.iter().flat_map(|window| {
        window.latent.tokens.rows().into_iter().take(window.latent.valid_tokens)
    });
    let (mut mean, mut most, mut count) = (Vec::new(), Vec::new(), 0.0);
    for row in rows {
        mean.resize(row.len(), 0.0_f32);
        most.resize(row.len(), f32::NEG_INFINITY);
        for ((mean, most), &x) in mean.iter_mut().zip(&mut most).zip(row) {
            *mean += x;
            *most = most.max(x);
        }
        count += 1.0;
    }
    mean.iter_mut().for_each(|x| *x /= count);
    (mean, most)
}

/// `x` with length 1; zeros stay zeros.
pub(super) fn of_length_one(mut x: Vec<f32>) -> Vec<f32> {
    let length = x.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    x.iter_mut().for_each(|x| *x /= length);
    x
}
