//! Which distance tells, for one encoder, how far an embedding is from what was met.

use crate::config::manifest;
use crate::config::manifest::Manifest;

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
    /// Mean squared distance of the patches of a picture that are farthest from the nearest remembered
    /// ones at their places.
    Patches {
        /// Where distances are whitened, what is added to every variance, as a share of the mean variance.
        ridge: Option<f32>,
    },
    /// Mahalanobis distance from all embeddings met.
    Mahalanobis {
        /// Added to every variance, as a share of the mean variance.
        ridge: f32,
    },
}

impl Density {
    /// What a manifest asks for. One neighbour: what was met once is no longer new.
    pub const fn of(manifest: &Manifest) -> Self {
        match manifest.density {
            manifest::Density::CosineNearest => Self::Cosine { nearest: 1, root: false },
            manifest::Density::RootCosineNearest => Self::Cosine { nearest: 1, root: true },
            manifest::Density::WhitenedNearest => Self::Whitened { nearest: 1, ridge: 0.01 },
            manifest::Density::PatchesNearest => Self::Patches { ridge: None },
            manifest::Density::WhitenedPatchesNearest => Self::Patches { ridge: Some(0.05) },
            manifest::Density::Mahalanobis => Self::Mahalanobis { ridge: 0.05 },
        }
    }
}
