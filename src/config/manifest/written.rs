//! A manifest as people write it.

use serde::Deserialize;

use crate::config::manifest::{
    Axes, Channels, Density, Fit, PixelLayout, Pooling, Slopes, SoundLayout, Spectrum,
};

/// The whole file. Unknown keys are refused everywhere: a misspelt key would do nothing in silence.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestToml {
    /// Short name.
    pub name: String,
    /// One sentence.
    #[serde(default)]
    pub about: String,
    /// SPDX expression.
    pub license: String,
    /// Where it comes from.
    pub source: String,
    /// The ONNX file, beside this one.
    pub file: String,
    /// 64 hexadecimal digits.
    pub sha256: String,
    /// `"sound"` or `"picture"`.
    pub modality: ModalityToml,
    /// Which distance suits the embeddings.
    #[serde(default = "default_density")]
    pub density: Density,
    /// What goes in.
    pub input: InputToml,
    /// What comes out.
    pub outputs: OutputsToml,
    /// What `selftest` expects.
    pub golden: Option<GoldenToml>,
}

const fn default_density() -> Density {
    Density::CosineNearest
}

/// What the encoder is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModalityToml {
    /// Needs `[input.sound]`.
    Sound,
    /// Needs `[input.picture]`.
    Picture,
}

/// `[input]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputToml {
    /// Name of the graph's input; may be left out where there is one.
    pub node: Option<String>,
    /// Shape, batch first and 1; may be left out where the graph says it.
    pub shape: Option<Vec<usize>>,
    /// For sound.
    pub sound: Option<SoundToml>,
    /// For pictures.
    pub picture: Option<PictureToml>,
}

/// `[input.sound]`. Every default is YAMNet's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SoundToml {
    /// Samples per second.
    pub rate_hz: u32,
    /// Frames in a window.
    pub window_frames: usize,
    /// Frames from one window to the next.
    pub hop_frames: usize,
    /// Samples in a frame.
    pub frame_samples: usize,
    /// Samples from one frame to the next.
    pub hop_samples: usize,
    /// Length of the transform.
    pub fft_samples: usize,
    /// Mel bands (HTK's mel).
    pub mel_bands: usize,
    /// Lower edge of the lowest band.
    pub low_hz: f64,
    /// Upper edge of the highest band.
    pub high_hz: f64,
    /// Added before the natural logarithm.
    pub log_offset: f64,
    /// `"magnitude"`, `"power"` or `"samples"`.
    pub spectrum: Spectrum,
    /// `"mel"` or `"hz"`.
    pub slopes: Slopes,
    /// `"frames_bands"` or `"bands_frames"`.
    pub layout: SoundLayout,
    /// Multiplies each number of a frame.
    pub scale: f32,
    /// Added after that.
    pub offset: f32,
}

impl Default for SoundToml {
    fn default() -> Self {
        Self {
            rate_hz: 16_000,
            window_frames: 96,
            hop_frames: 48,
            frame_samples: 400,
            hop_samples: 160,
            fft_samples: 512,
            mel_bands: 64,
            low_hz: 125.0,
            high_hz: 7500.0,
            log_offset: 0.001,
            spectrum: Spectrum::Magnitude,
            slopes: Slopes::Mel,
            layout: SoundLayout::FramesBands,
            scale: 1.0,
            offset: 0.0,
        }
    }
}

/// `[input.picture]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PictureToml {
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// `"nchw"` or `"nhwc"`.
    pub layout: PixelLayout,
    /// `"crop"` or `"stretch"`.
    pub fit: Fit,
    /// `"rgb"`, `"bgr"` or `"grey"`.
    #[serde(default = "default_channels")]
    pub channels: Channels,
    /// Of red, green and blue, or of grey, 0–255.
    pub mean: Vec<f32>,
    /// Likewise.
    pub std: Vec<f32>,
}

const fn default_channels() -> Channels {
    Channels::Rgb
}

/// `[outputs]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputsToml {
    /// The pooled vector.
    pub embedding: EmbeddingToml,
    /// The local vectors.
    pub tokens: TokensToml,
}

/// `[outputs.embedding]`: `node` and `dim`, or `from = "tokens"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingToml {
    /// Name of a node of the graph.
    pub node: Option<String>,
    /// Only `"tokens"`.
    pub from: Option<EmbeddingFrom>,
    /// Order of the node's axes.
    #[serde(default = "only_d")]
    pub axes: Axes,
    /// Over all axes but `d`.
    #[serde(default = "no_pooling")]
    pub pooling: Pooling,
    /// Numbers in the embedding.
    pub dim: Option<usize>,
}

const fn only_d() -> Axes {
    Axes::D
}

const fn no_pooling() -> Pooling {
    Pooling::None
}

/// Sources of an embedding other than a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingFrom {
    /// The tokens, pooled.
    Tokens,
}

/// `[outputs.tokens]`: `node`, `axes`, `dim` and `len` or `rows` and `cols`; or
/// `from = "input_patches"`, `frames` and `dim`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokensToml {
    /// Name of a node of the graph.
    pub node: Option<String>,
    /// Only `"input_patches"`.
    pub from: Option<TokensFrom>,
    /// Order of the node's axes.
    pub axes: Option<Axes>,
    /// Tokens in time.
    pub len: Option<usize>,
    /// Rows of a grid.
    pub rows: Option<usize>,
    /// Columns of a grid.
    pub cols: Option<usize>,
    /// Tokens of the node before these.
    pub skip: Option<usize>,
    /// Frames in a patch.
    pub frames: Option<usize>,
    /// Numbers in a token.
    pub dim: usize,
}

/// Sources of tokens other than a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokensFrom {
    /// Patches of the encoder's own input.
    InputPatches,
}

/// `[golden]`: what the built-in signal must give.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenToml {
    /// Values of the embedding at evenly spaced places.
    pub embedding: Vec<f32>,
    /// Values of the tokens at evenly spaced places.
    pub tokens: Vec<f32>,
    /// Share of the largest expected magnitude.
    pub tolerance: f32,
}
