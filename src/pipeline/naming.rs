//! The part of a track that deals with names.

use crate::capture::Chunk;
use crate::encode::error::EncodeError;
use crate::encode::latent::Latent;
use crate::learn::classes::taught::MOST_BYTES;
use crate::learn::classes::taught::MOST_WINDOWS;
use crate::learn::classes::taught::MOST_WINDOWS_IN_ALL;
use crate::pipeline::control::Names;
use crate::pipeline::track::Track;

/// Windows of one recording, evenly spread, however long it is.
#[derive(Debug)]
pub struct Clip {
    windows: Vec<Latent>,
    /// One window out of so many is held.
    every: usize,
    seen: usize,
}

impl Default for Clip {
    fn default() -> Self {
        Self { windows: Vec::new(), every: 1, seen: 0 }
    }
}

impl Clip {
    fn push(&mut self, latent: &Latent) {
        if self.seen.is_multiple_of(self.every) {
            self.windows.push(latent.clone());
            if self.windows.len() == 2 * MOST_WINDOWS {
                let mut number = 0;
                self.windows.retain(|_| {
                    number += 1;
                    number % 2 == 1
                });
                self.every *= 2;
            }
        }
        self.seen += 1;
    }

    /// At most [`MOST_WINDOWS`] windows.
    pub fn into_windows(self) -> Vec<Latent> {
        let count = self.windows.len();
        let kept = count.min(MOST_WINDOWS);
        let chosen: Vec<usize> = (0..kept).map(|i| i * count / kept).collect();
        let mut number = 0..count;
        let mut windows = self.windows;
        windows.retain(|_| number.next().is_some_and(|number| chosen.contains(&number)));
        windows
    }
}

impl Track {
    /// Encodes the next chunk into `clip`; nothing is judged or learnt.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when the encoder fails.
    pub fn encode(&mut self, chunk: Chunk, clip: &mut Clip) -> Result<(), EncodeError> {
        self.each_window(chunk, &mut |core, piece| {
            core.encode(piece).map(|latent| clip.push(latent))
        })
    }

    /// The recording has ended: encodes what is held, and makes ready for another that begins at 0.
    ///
    /// # Errors
    ///
    /// As [`Track::encode`].
    pub fn finish_encode(&mut self, clip: &mut Clip) -> Result<(), EncodeError> {
        self.flush(&mut |core, piece| core.encode(piece).map(|latent| clip.push(latent)))?;
        self.begin_stream();
        Ok(())
    }

    /// All names, in the order of teaching.
    pub fn name_list(&self) -> Vec<String> {
        let taught = self.learner().classes().taught();
        taught.classes().iter().map(|class| class.name.clone()).collect()
    }

    /// All names, and how they are told.
    pub fn names(&self) -> Names {
        let classes = self.learner().classes();
        let taught = classes.taught();
        Names {
            names: taught.classes().iter().map(|c| (c.name.clone(), c.shots.len())).collect(),
            windows: (taught.windows(), MOST_WINDOWS_IN_ALL),
            bytes: (taught.bytes(), MOST_BYTES),
            method: classes.method().map(|method| {
                let (head, space) = (method.candidate.head, method.candidate.space);
                format!("{} on {} features", head.name(), space.name())
            }),
            accuracy: classes.method().and_then(|method| method.accuracy),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::latent::LatentShape;
    use crate::nn::layout::Layout;

    #[test]
    fn a_clip_of_any_length_keeps_few_windows_evenly_spread() {
        let shape =
            LatentShape { layout: Layout::Sequence { len: 1 }, token_dim: 1, embedding_dim: 1 };
        for length in [0_usize, 1, 7, 8, 9, 15, 16, 17, 100, 5000] {
            let mut clip = Clip::default();
            for number in 0..length {
                let mut latent = Latent::zeros(shape);
                latent.embedding[0] = number as f32;
                clip.push(&latent);
            }
            let kept: Vec<f32> = clip.into_windows().iter().map(|l| l.embedding[0]).collect();
            assert!(kept.len() <= MOST_WINDOWS && length.min(MOST_WINDOWS) <= 2 * kept.len());
            assert_eq!(length < 1, kept.is_empty(), "{length}");
            let widest = kept.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f32::max);
            assert!(widest <= (length as f32 / 3.0).max(1.0), "{length}: {kept:?}");
            assert!(kept.is_sorted());
        }
    }
}
