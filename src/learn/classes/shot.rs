//! One example of a class, as it is kept.
//!
//! Kept are what the encoder gave (tokens in 16 bits a number, embedding as it is), never what the
//! adapter made of it: when weights change, all that is known of a class is computed again from here,
//! and is what it would be had the class been taught just now.

use crate::base::bytes::{Malformed, Reader, Writer};

/// One window of an example.
#[derive(Debug, Clone, PartialEq)]
pub struct ShotWindow {
    /// Valid projected tokens, `[valid, width]`, in units of `scale`.
    tokens: Vec<i16>,
    scale: f32,
    /// The prepared embedding.
    embedding: Vec<f32>,
}

impl ShotWindow {
    /// Keeps valid tokens and the embedding.
    #[expect(clippy::cast_possible_truncation, reason = "within ±32767 by the choice of scale")]
    pub fn new(tokens: &[f32], embedding: &[f32]) -> Self {
        let largest = tokens.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let scale = if largest == 0.0 { 1.0 } else { largest / f32::from(i16::MAX) };
        let tokens = tokens.iter().map(|x| (x / scale).round() as i16).collect();
        Self { tokens, scale, embedding: embedding.to_vec() }
    }

    /// Writes the tokens to the front of `out` and gives how many numbers they are.
    pub fn tokens_into(&self, out: &mut [f32]) -> usize {
        for (out, &q) in out.iter_mut().zip(&self.tokens) {
            *out = f32::from(q) * self.scale;
        }
        self.tokens.len()
    }

    /// The prepared embedding.
    pub fn embedding(&self) -> &[f32] {
        &self.embedding
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        2 * self.tokens.len() + 4 * self.embedding.len() + size_of::<Self>()
    }
}

/// One example: the windows of one recording, or one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shot {
    /// Its windows, at least one.
    pub windows: Vec<ShotWindow>,
}

impl Shot {
    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.windows.iter().map(ShotWindow::bytes).sum()
    }

    pub(super) fn save(&self, to: &mut Writer) {
        to.len(self.windows.len());
        for window in &self.windows {
            to.i16s(&window.tokens);
            to.f32(window.scale);
            to.f32s(window.embedding.iter().copied());
        }
    }

    /// `width` numbers a token, at most `most_tokens` of them, and `dim` in an embedding.
    pub(super) fn load(
        from: &mut Reader<'_>,
        (width, most_tokens, dim): (usize, usize, usize),
    ) -> Result<Self, Malformed> {
        let mut windows = Vec::new();
        for _ in 0..from.len()? {
            let tokens = from.i16s()?;
            let scale = from.f32()?;
            let embedding = from.f32s()?;
            let fits = embedding.len() == dim
                && !tokens.is_empty()
                && tokens.len().is_multiple_of(width)
                && tokens.len() <= width * most_tokens;
            if !fits {
                return Err(Malformed::WrongValue {
                    what: "the size of an example",
                    found: format!("{} and {}", tokens.len(), embedding.len()),
                    expected: format!("up to {most_tokens} x {width} and {dim}"),
                });
            }
            windows.push(ShotWindow { tokens, scale, embedding });
        }
        Ok(Self { windows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_is_within_half_a_step() {
        let tokens = [1000.0, -0.01, 3.5, 0.0];
        let window = ShotWindow::new(&tokens, &[0.25]);
        let mut back = [9.0; 6];
        assert_eq!(window.tokens_into(&mut back), 4);
        for (x, back) in tokens.iter().zip(back) {
            assert!((x - back).abs() <= 0.5001 * 1000.0 / 32_767.0, "{x} became {back}");
        }
        assert_eq!(back[4], 9.0);
        assert_eq!(window.embedding(), [0.25]);
        assert_eq!(ShotWindow::new(&[0.0; 2], &[0.0]).tokens, [0, 0]);
    }
}
