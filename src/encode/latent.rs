//! What an encoder makes of one window.

use ndarray::Array2;

use crate::nn::layout::Layout;

/// The shape of every latent of one encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatentShape {
    /// How tokens lie beside each other; its length is the number of tokens.
    pub layout: Layout,
    /// Numbers in a token.
    pub token_dim: usize,
    /// Numbers in the pooled embedding.
    pub embedding_dim: usize,
}

/// Tokens (local) and embedding (pooled) of one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Latent {
    /// `[tokens, token_dim]`.
    pub tokens: Array2<f32>,
    /// Tokens that describe real input, counted from the first; the rest of a window cut short by
    /// the end of a recording is padding, and takes no part in learning, scoring or pooling.
    pub valid_tokens: usize,
    /// `[embedding_dim]`.
    pub embedding: Vec<f32>,
}

impl Latent {
    /// All zeros, to be filled by an encoder; a caller keeps one and reuses it.
    pub fn zeros(shape: LatentShape) -> Self {
        Self {
            tokens: Array2::zeros((shape.layout.len(), shape.token_dim)),
            valid_tokens: shape.layout.len(),
            embedding: vec![0.0; shape.embedding_dim],
        }
    }

    /// Whether every number is finite. A latent that is not is refused and counted, never learnt.
    pub fn is_finite(&self) -> bool {
        self.tokens.iter().chain(&self.embedding).all(|x| x.is_finite())
    }
}
