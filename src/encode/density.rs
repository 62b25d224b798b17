//! Which distance tells, for one encoder, how far an embedding is from what was met.

/// An entry of the encoder's manifest, measured when the encoder was made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Density {
    /// One minus the mean cosine to the `nearest` remembered embeddings.
    Cosine {
        /// How many.
        nearest: usize,
        /// Whether every number is replaced by its square root, sign kept, before anything else: for
        /// embeddings of many zeros and a few large numbers.
        root: bool,
    },
    /// Mean squared distance to the `nearest` remembered embeddings, in whitened space.
    Whitened {
        /// How many.
        nearest: usize,
        /// Added to every variance, as a share of the mean variance.
        ridge: f32,
    },
    /// Mahalanobis distance from all embeddings met.
    Mahalanobis {
        /// Added to every variance, as a share of the mean variance.
        ridge: f32,
    },
}
