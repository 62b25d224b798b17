//! What an encoder is: `NAME.toml` beside `NAME.onnx`.
//!
//! [`written::ManifestToml`] is what people wrote, [`Manifest`] has passed the checks. A user adds an
//! encoder with these two files and no code.

mod check;
mod sound;
pub mod written;

use thiserror::Error;

pub use crate::config::manifest::check::{is_plain_name, parse_sha256};
pub use crate::config::manifest::sound::{LogMelSpec, Slopes, SoundLayout, SoundSpec, Spectrum};

use crate::base::hex::hex;
use crate::base::modality::Modality;
use crate::config::problems::Problems;

/// An encoder's description. Made by [`Manifest::parse`], which has checked it.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Short name, as in `--encoder NAME`.
    pub name: String,
    /// One sentence for `models list`.
    pub about: String,
    /// SPDX expression.
    pub license: String,
    /// Where it comes from and how it was made.
    pub source: String,
    /// The ONNX file, beside the manifest.
    pub file: String,
    /// SHA-256 of the ONNX file.
    pub sha256: [u8; 32],
    /// The graph's input and the front end that fills it.
    pub input: InputSpec,
    /// Where the pooled embedding comes from.
    pub embedding: EmbeddingSpec,
    /// Where the local tokens come from.
    pub tokens: TokensSpec,
    /// How far apart two embeddings of this encoder are best said to be.
    pub density: Density,
    /// What `selftest` expects.
    pub golden: Option<Golden>,
}

/// The graph's input.
#[derive(Debug, Clone, PartialEq)]
pub struct InputSpec {
    /// Name of the input in the graph; `None` for a graph with a single one.
    pub node: Option<String>,
    /// Shape with a batch of 1; `None` to take it from the graph.
    pub shape: Option<Vec<usize>>,
    /// What fills it.
    pub front_end: FrontEnd,
}

/// Sound or pictures, and how they are prepared.
#[derive(Debug, Clone, PartialEq)]
pub enum FrontEnd {
    /// Log-mel frames.
    Sound(SoundSpec),
    /// One picture.
    Picture(PictureSpec),
}

/// One picture, `(pixel − mean) / std` per channel.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureSpec {
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// Order of the numbers.
    pub layout: PixelLayout,
    /// How another shape becomes this one.
    pub fit: Fit,
    /// Which numbers a pixel has, in which order.
    pub channels: Channels,
    /// Of red, green and blue, whatever their order, on the scale 0–255; of grey the first alone.
    pub mean: [f32; 3],
    /// Likewise.
    pub std: [f32; 3],
}

/// Which numbers a pixel has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red, as Caffe and many C++ programs have it.
    Bgr,
    /// `0.299 r + 0.587 g + 0.114 b`, as ITU-R BT.601 has it.
    Grey,
}

impl Channels {
    /// Numbers in a pixel.
    pub const fn count(self) -> usize {
        match self {
            Self::Rgb | Self::Bgr => 3,
            Self::Grey => 1,
        }
    }
}

/// Order of the numbers of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PixelLayout {
    /// A plane for each channel.
    Nchw,
    /// Pixel by pixel.
    Nhwc,
}

/// How a picture of another shape becomes the encoder's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// The largest centred cut of the encoder's shape: nothing is distorted, the margins are not seen.
    Crop,
    /// All of it, distorted: the margins are seen.
    Stretch,
}

/// Where the embedding comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum EmbeddingSpec {
    /// A node of the graph.
    Node {
        /// Name of a node, or of one of its outputs.
        node: String,
        /// What the numbers of the node mean.
        axes: Axes,
        /// Over all axes but `d`.
        pooling: Pooling,
        /// Numbers in the embedding, after pooling.
        dim: usize,
    },
    /// The tokens, pooled; padding takes no part.
    Tokens {
        /// Over all valid tokens.
        pooling: Pooling,
    },
}

/// Where the tokens come from.
#[derive(Debug, Clone, PartialEq)]
pub enum TokensSpec {
    /// A node of the graph.
    Node {
        /// Name of a node, or of one of its outputs.
        node: String,
        /// What the numbers of the node mean.
        axes: Axes,
        /// Tokens in time, or rows × columns of a picture.
        cells: Cells,
        /// Of the node's tokens, how many before these are left out: they belong to no place.
        skip: usize,
        /// Numbers in a token.
        dim: usize,
    },
    /// Log-mel patches of the encoder's own input, on the bundled orthonormal basis.
    InputPatches {
        /// Frames in a patch; divides the window.
        frames: usize,
        /// Numbers in a token.
        dim: usize,
    },
}

/// How tokens lie beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cells {
    /// In time.
    Sequence {
        /// Tokens in a window.
        len: usize,
    },
    /// On a picture.
    Grid {
        /// From top to bottom.
        rows: usize,
        /// From left to right.
        cols: usize,
    },
}

impl Cells {
    /// Tokens in a window.
    pub const fn len(self) -> usize {
        match self {
            Self::Sequence { len } => len,
            Self::Grid { rows, cols } => rows * cols,
        }
    }

    /// Whether there are none, which the checks refuse.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// Order of a node's axes after the batch: `d` the numbers of a token, `t` time, `h` and `w` a grid.
/// Axes of length 1 may stand anywhere in the graph and are not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axes {
    /// Nothing to pool.
    D,
    /// Tokens one after the other, in time or row by row.
    Td,
    /// Channels first.
    Dt,
    /// Cells row by row, one after the other.
    Hwd,
    /// Channels first, as convolutions give.
    Dhw,
}

impl Axes {
    /// Whether the numbers of one token lie apart, a whole plane between them.
    pub const fn channels_first(self) -> bool {
        matches!(self, Self::Dt | Self::Dhw)
    }
}

/// How cells become one embedding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// There is one cell.
    None,
    /// The mean.
    Mean,
    /// The mean, then the maximum.
    MeanMax,
    /// The mean, then the standard deviation, then the maximum.
    MeanStdMax,
}

impl Pooling {
    /// Numbers in the pooled vector for each number in a cell.
    pub const fn parts(self) -> usize {
        match self {
            Self::None | Self::Mean => 1,
            Self::MeanMax => 2,
            Self::MeanStdMax => 3,
        }
    }
}

/// Which distance suits the embeddings or the tokens, measured when the encoder was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Density {
    /// One minus the cosine to the nearest remembered one, as they are, without centring.
    CosineNearest,
    /// The same of their square roots: for embeddings that are never negative, after a ReLU.
    RootCosineNearest,
    /// Euclidean distance to the nearest remembered one, after whitening.
    WhitenedNearest,
    /// Mahalanobis distance from their mean, with a shrunk covariance.
    Mahalanobis,
    /// Pictures: Euclidean distance of each patch to the nearest remembered one at its place; the farthest
    /// few tell.
    PatchesNearest,
    /// The same after whitening.
    WhitenedPatchesNearest,
}

impl Density {
    /// Whether tokens must lie on a picture.
    pub const fn is_of_patches(self) -> bool {
        matches!(self, Self::PatchesNearest | Self::WhitenedPatchesNearest)
    }
}

/// A built-in signal and what the encoder must make of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Golden {
    /// Values of the embedding at `len` places, the i-th at `i · dim / len`.
    pub embedding: Vec<f32>,
    /// Likewise of all tokens, one after the other.
    pub tokens: Vec<f32>,
    /// Largest difference, as a share of the largest expected magnitude.
    pub tolerance: f32,
}

/// Why a manifest is not one.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// Not TOML, an unknown key, a missing key, or a value of the wrong type.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// Readable, but wrong.
    #[error(transparent)]
    Problems(#[from] Problems),
}

impl Manifest {
    /// Reads and checks the text of a manifest.
    ///
    /// # Errors
    ///
    /// [`ManifestError`]; after reading, all problems at once.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let written: written::ManifestToml = toml::from_str(text)?;
        Ok(written.check()?)
    }

    /// Whether it listens; otherwise it watches.
    pub const fn is_sound(&self) -> bool {
        matches!(self.input.front_end, FrontEnd::Sound(_))
    }

    /// How the tokens lie beside each other.
    pub const fn cells(&self) -> Cells {
        match (&self.tokens, &self.input.front_end) {
            (TokensSpec::Node { cells, .. }, _) => *cells,
            (TokensSpec::InputPatches { frames, .. }, FrontEnd::Sound(sound)) => {
                Cells::Sequence { len: sound.window_frames / *frames }
            }
            // Refused by the checks: a picture has no frames.
            (TokensSpec::InputPatches { .. }, FrontEnd::Picture(_)) => Cells::Sequence { len: 0 },
        }
    }

    /// Numbers in a token.
    pub const fn token_dim(&self) -> usize {
        match self.tokens {
            TokensSpec::Node { dim, .. } | TokensSpec::InputPatches { dim, .. } => dim,
        }
    }

    /// Numbers in the embedding.
    pub const fn embedding_dim(&self) -> usize {
        match &self.embedding {
            EmbeddingSpec::Node { dim, .. } => *dim,
            EmbeddingSpec::Tokens { pooling } => self.token_dim() * pooling.parts(),
        }
    }
}

impl Manifest {
    /// Which sense it is made for.
    pub const fn modality(&self) -> Modality {
        match self.input.front_end {
            FrontEnd::Sound(_) => Modality::Sound,
            FrontEnd::Picture(_) => Modality::Picture,
        }
    }

    /// SHA-256 of the ONNX file in hexadecimal.
    pub fn sha256_hex(&self) -> String {
        hex(&self.sha256)
    }
}
