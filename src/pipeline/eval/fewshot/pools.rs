//! What the encoder alone makes of a recording: one vector.

use crate::pipeline::eval::frozen::Centre;
use crate::pipeline::eval::frozen::Whitened;
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

/// What is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    Raw,
    Centred,
    Whitened,
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

/// Recordings of as many windows as those that are asked usually have, cut from `known`: a mean and
/// a covariance of vectors pooled over an hour would be of no use for vectors pooled over seconds.
pub(super) fn pieces(known: &[Stream], asked: &[&Stream]) -> Vec<Stream> {
    let mut lengths: Vec<usize> = asked.iter().map(|stream| stream.windows.len()).collect();
    lengths.sort_unstable();
    let usual = lengths.get(lengths.len() / 2).copied().unwrap_or(1).max(1);
    let cut = |stream: &Stream| {
        let (name, windows) = (stream.name.clone(), stream.windows.clone());
        let piece =
            move |windows: &[Window]| Stream { name: name.clone(), windows: windows.into() };
        windows.chunks(usual).map(piece).collect::<Vec<Stream>>()
    };
    known.iter().flat_map(cut).collect()
}

/// One vector for each of `asked`, brought into `frame` by what is `known`.
pub(super) fn framed(
    pool: Pool,
    frame: Frame,
    known: &[Stream],
    asked: &[&Stream],
) -> Vec<Vec<f32>> {
    let vectors: Vec<Vec<f32>> = asked.iter().map(|stream| pooled(stream, pool)).collect();
    if frame == Frame::Raw {
        return vectors;
    }
    let known: Vec<Vec<f32>> = known.iter().map(|stream| pooled(stream, pool)).collect();
    let rows: Vec<&[f32]> = known.iter().map(Vec::as_slice).collect();
    let dim = vectors.first().map_or(0, Vec::len);
    if frame == Frame::Centred {
        let centre = Centre::of(dim, &rows);
        return vectors.iter().map(|x| centre.from(x)).collect();
    }
    let mut whitened = Whitened::of(dim, &rows);
    vectors.iter().map(|x| whitened.of_row(x)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::encode::latent::Latent;
    use crate::encode::latent::LatentShape;
    use crate::nn::layout::Layout;

    fn stream(windows: usize) -> Stream {
        let shape =
            LatentShape { layout: Layout::Sequence { len: 2 }, token_dim: 1, embedding_dim: 1 };
        let window = |at: usize| {
            let mut latent = Latent::zeros(shape);
            latent.tokens.fill(at as f32);
            latent.embedding.fill(at as f32);
            let (start_s, end_s) = (at as f64, at as f64 + 1.0);
            Window { start_s, end_s, input: 0, latent: Arc::new(latent) }
        };
        Stream { name: String::new(), windows: (0..windows).map(window).collect() }
    }

    #[test]
    fn one_long_recording_is_cut_to_what_is_asked() {
        let asked = [stream(3), stream(4), stream(3)];
        let asked: Vec<&Stream> = asked.iter().collect();
        let found = pieces(&[stream(7)], &asked);
        let lengths: Vec<usize> = found.iter().map(|piece| piece.windows.len()).collect();
        assert_eq!(lengths, [3, 3, 1]);
        let vectors = framed(Pool::Embedding, Frame::Centred, &found, &asked);
        // Means of the pieces are 1, 4 and 6; those asked have 1, 1.5 and 1.
        assert!((vectors[0][0] - (1.0 - 11.0 / 3.0)).abs() < 1e-5, "{vectors:?}");
    }
}
