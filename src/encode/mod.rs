//! The frozen encoder: what it is (manifest), what it eats (front ends), what it gives (latents).
//!
//! An encoder is two files, `NAME.toml` and `NAME.onnx`; [`open`] takes the name of a bundled one or
//! the path of a manifest. What runs the graph stands behind [`network::Network`]: `tract` in [`onnx`],
//! which needs nothing, or ONNX Runtime where the program was built with it.

pub mod bundled;
pub mod density;
pub mod draft;
pub mod element;
pub mod encoder;
pub mod error;
pub mod folder;
pub mod latent;
pub mod network;
pub mod onnx;
#[cfg(feature = "onnxruntime")]
pub mod onnxruntime;
pub mod outline;
pub mod patches;
pub mod picture;
mod pooling;
mod protobuf;
pub mod python;
pub mod selftest;
pub mod sides;
pub mod sound;

use std::path::Path;

use crate::config::manifest::Manifest;
use crate::encode::error::EncodeError;
use crate::encode::latent::{Latent, LatentShape};
use crate::encode::network::Runtime;

/// What an encoder eats: one window of sound, or one picture, prepared by a front end.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderWindow {
    /// Seconds since the stream began.
    pub start_s: f64,
    /// Seconds since the stream began; never beyond the real input.
    pub end_s: f64,
    /// Share of the window that real input fills, above 0 and at most 1; the rest is silence after
    /// the end of a recording.
    pub valid: f64,
    /// The numbers, as the graph wants them.
    pub input: Vec<f32>,
    /// The samples behind them, at the encoder's rate; empty unless they were asked for.
    pub signal: Vec<f32>,
}

impl EncoderWindow {
    /// Nothing yet; a place for a front end to write to.
    const fn empty() -> Self {
        Self { start_s: 0.0, end_s: 0.0, valid: 1.0, input: Vec::new(), signal: Vec::new() }
    }
}

/// A frozen network: windows in, latents out, the same for the same.
pub trait Encoder: Send {
    /// What it is.
    fn manifest(&self) -> &Manifest;

    /// The shape of every latent it gives.
    fn shape(&self) -> LatentShape;

    /// Encodes one window into `out`, which has this encoder's shape (see [`Latent::zeros`]).
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when the window has the wrong size or the graph fails; `out` is then undefined.
    /// Numbers that are not finite are no error here: see [`Latent::is_finite`].
    fn encode(&mut self, window: &EncoderWindow, out: &mut Latent) -> Result<(), EncodeError>;
}

/// Opens an encoder in the built-in runtime: `reference` is a bundled name, the path of a manifest or
/// the name of one in [`folder::folder`], and `onnx_file` says where the network lies if not beside
/// the manifest.
///
/// # Errors
///
/// [`EncodeError`]: no such encoder, an unreadable or wrong file, a graph that is not as described.
pub fn open(reference: &str, onnx_file: Option<&Path>) -> Result<Box<dyn Encoder>, EncodeError> {
    open_in(Runtime::Tract, reference, onnx_file)
}

/// Opens an encoder in `runtime`; otherwise as [`open`].
///
/// # Errors
///
/// As [`open`], and [`EncodeError::Runtime`] where the runtime itself is not there.
pub fn open_in(
    runtime: Runtime,
    reference: &str,
    onnx_file: Option<&Path>,
) -> Result<Box<dyn Encoder>, EncodeError> {
    Ok(Box::new(encoder::OnnxEncoder::open(reference, onnx_file, runtime)?))
}
