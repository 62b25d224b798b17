//! An encoder made of a manifest and an ONNX graph.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::config::manifest::{
    Axes, Cells, EmbeddingSpec, FrontEnd, Manifest, ManifestError, Pooling, SoundLayout, TokensSpec,
};
use crate::encode::bundled::{self, Bundled};
use crate::encode::error::EncodeError;
use crate::encode::folder;
use crate::encode::latent::{Latent, LatentShape};
use crate::encode::network::{Expected, Network, Runtime, load, refuse_too_large};
use crate::encode::patches::PatchBasis;
use crate::encode::pooling::pool;
use crate::encode::{Encoder, EncoderWindow};
use crate::nn::layout::Layout;

/// Runs the graph, and puts what it gives in the order that learning wants.
#[derive(Debug)]
pub struct OnnxEncoder {
    manifest: Manifest,
    shape: LatentShape,
    graph: Box<dyn Network>,
    tokens: Tokens,
    embedding: Embedding,
    scratch: Vec<f32>,
    /// Frames of a window, where the graph wants bands before frames.
    turned_frames: Option<usize>,
    turned: Vec<f32>,
}

#[derive(Debug)]
enum Tokens {
    Output { index: usize, channels_first: bool, skip: usize },
    Patches(PatchBasis),
}

#[derive(Debug)]
enum Embedding {
    Output { index: usize, axes: Axes, pooling: Pooling },
    Tokens(Pooling),
}

impl OnnxEncoder {
    /// See [`crate::encode::open_in`].
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn open(
        reference: &str,
        onnx_file: Option<&Path>,
        runtime: Runtime,
    ) -> Result<Self, EncodeError> {
        if let Some(bundled) = bundled::find(reference) {
            let manifest = bundled.manifest()?;
            return match onnx_file {
                Some(file) => Self::from_file(manifest, file, runtime),
                None => Self::from_bytes(manifest, bundled.onnx, runtime),
            };
        }
        let path = folder::path_of(reference);
        let manifest = read_manifest(reference, &path)?;
        let beside = path.with_file_name(&manifest.file);
        Self::from_file(manifest, onnx_file.unwrap_or(&beside), runtime)
    }

    fn from_file(manifest: Manifest, file: &Path, runtime: Runtime) -> Result<Self, EncodeError> {
        let mut opened = File::open(file)
            .map_err(|source| EncodeError::Read { path: file.to_path_buf(), source })?;
        let shown = file.display().to_string();
        // Nothing is known of the size of what is no file, such as a pipe.
        let bytes = opened.metadata().map_or(0, |metadata| metadata.len());
        refuse_too_large(&manifest.name, &shown, bytes)?;
        Self::build(manifest, &shown, |expected| load(runtime, &mut opened, expected))
    }

    fn from_bytes(
        manifest: Manifest,
        mut bytes: &[u8],
        runtime: Runtime,
    ) -> Result<Self, EncodeError> {
        let shown = format!("the bundled {}", manifest.file);
        Self::build(manifest, &shown, |expected| load(runtime, &mut bytes, expected))
    }

    /// Loads the graph that `manifest` describes from `bytes` into the built-in runtime; `file` is
    /// for messages.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn new(
        manifest: Manifest,
        mut bytes: impl std::io::Read,
        file: &str,
    ) -> Result<Self, EncodeError> {
        Self::build(manifest, file, |expected| load(Runtime::Tract, &mut bytes, expected))
    }

    /// Puts `manifest` and the network that `load` makes together; `file` is for messages.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn build(
        manifest: Manifest,
        file: &str,
        load: impl FnOnce(Expected<'_>) -> Result<Box<dyn Network>, EncodeError>,
    ) -> Result<Self, EncodeError> {
        let mut outputs: Vec<&str> = Vec::new();
        if let TokensSpec::Node { node, .. } = &manifest.tokens {
            outputs.push(node);
        }
        let tokens_outputs = outputs.len();
        if let EmbeddingSpec::Node { node, .. } = &manifest.embedding
            && !outputs.contains(&node.as_str())
        {
            outputs.push(node);
        }
        let graph = load(Expected {
            name: &manifest.name,
            file,
            sha256: manifest.sha256,
            input: manifest.input.node.as_deref(),
            shape: manifest.input.shape.as_deref(),
            input_len: input_len(&manifest),
            outputs: &outputs,
        })?;
        let tokens = match &manifest.tokens {
            TokensSpec::Node { node, axes, skip, .. } => {
                check_tokens(&manifest, node, &graph.output_shapes()[0])?;
                Tokens::Output { index: 0, channels_first: axes.channels_first(), skip: *skip }
            }
            TokensSpec::InputPatches { frames, dim } => {
                Tokens::Patches(PatchBasis::new(*frames, bands(&manifest), *dim))
            }
        };
        let embedding = match &manifest.embedding {
            EmbeddingSpec::Node { node, axes, pooling, dim } => {
                let index = if outputs.len() == tokens_outputs { 0 } else { tokens_outputs };
                let found = &graph.output_shapes()[index];
                check_embedding(&manifest, node, found, *axes, *dim / pooling.parts())?;
                Embedding::Output { index, axes: *axes, pooling: *pooling }
            }
            EmbeddingSpec::Tokens { pooling } => Embedding::Tokens(*pooling),
        };
        let shape = LatentShape {
            layout: match manifest.cells() {
                Cells::Sequence { len } => Layout::Sequence { len },
                Cells::Grid { rows, cols } => Layout::Grid { rows, cols },
            },
            token_dim: manifest.token_dim(),
            embedding_dim: manifest.embedding_dim(),
        };
        let turned_frames = match &manifest.input.front_end {
            FrontEnd::Sound(sound) if sound.layout == SoundLayout::BandsFrames => {
                Some(sound.window_frames)
            }
            _ => None,
        };
        let (scratch, turned) = (Vec::new(), Vec::new());
        Ok(Self { manifest, shape, graph, tokens, embedding, scratch, turned_frames, turned })
    }
}

impl Encoder for OnnxEncoder {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn shape(&self) -> LatentShape {
        self.shape
    }

    fn encode(&mut self, window: &EncoderWindow, out: &mut Latent) -> Result<(), EncodeError> {
        let count = self.shape.layout.len();
        debug_assert_eq!(out.tokens.dim(), (count, self.shape.token_dim), "made by Latent::zeros");
        out.valid_tokens = valid_tokens(window.valid, count);
        let (tokens, embedding, scratch) = (&self.tokens, &self.embedding, &mut self.scratch);
        let Latent { tokens: tokens_out, embedding: embedding_out, valid_tokens } = out;
        let dim = self.shape.token_dim;
        let input = match self.turned_frames {
            Some(frames) => {
                self.turned.resize(window.input.len(), 0.0);
                put_in_order(&window.input, frames, 0, true, &mut self.turned);
                &self.turned
            }
            None => &window.input,
        };
        self.graph.run(input, &mut |index, values| {
            match tokens {
                Tokens::Output { index: wanted, channels_first, skip } if *wanted == index => {
                    let flat = tokens_out.as_slice_mut().unwrap_or_default();
                    put_in_order(values, dim, *skip, *channels_first, flat);
                }
                _ => {}
            }
            match embedding {
                Embedding::Output { index: wanted, axes, pooling } if *wanted == index => {
                    let raw_dim = embedding_out.len() / pooling.parts();
                    scratch.resize(values.len(), 0.0);
                    put_in_order(values, raw_dim, 0, axes.channels_first(), scratch);
                    pool(*pooling, raw_dim, scratch.chunks_exact(raw_dim), embedding_out);
                }
                _ => {}
            }
        })?;
        if let Tokens::Patches(basis) = tokens {
            basis.project(&window.input, tokens_out.as_slice_mut().unwrap_or_default());
        }
        if let Embedding::Tokens(pooling) = embedding {
            let flat = tokens_out.as_slice().unwrap_or_default();
            pool(*pooling, dim, flat.chunks_exact(dim).take(*valid_tokens), embedding_out);
        }
        Ok(())
    }
}

/// Tokens that begin before the real input ends: at least one.
fn valid_tokens(valid: f64, count: usize) -> usize {
    // A share made of whole samples may come out a rounding error above a whole token.
    let tokens = (valid * count as f64 - 1e-9).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and the number of tokens"
    )]
    let tokens = tokens.clamp(1.0, count as f64) as usize;
    tokens
}

/// `[cells, dim]` or, where channels come first, `[dim, cells]`, to `[cells, dim]` without the first `skip` cells.
fn put_in_order(values: &[f32], dim: usize, skip: usize, channels_first: bool, out: &mut [f32]) {
    if !channels_first {
        out.copy_from_slice(&values[skip * dim..]);
        return;
    }
    let cells = values.len() / dim;
    for (channel, plane) in values.chunks_exact(cells).enumerate() {
        for (cell, &x) in plane[skip..].iter().enumerate() {
            out[cell * dim + channel] = x;
        }
    }
}

fn read_manifest(reference: &str, path: &Path) -> Result<Manifest, EncodeError> {
    let looks_like_a_path = Path::new(reference).extension().is_some_and(|e| e == "toml");
    if !looks_like_a_path && !path.is_file() {
        return Err(EncodeError::Unknown {
            wanted: reference.into(),
            folder: folder::folder(),
            bundled: bundled::all().iter().map(|bundled| bundled.name).collect(),
        });
    }
    let text = std::fs::read_to_string(path)
        .map_err(|source| EncodeError::Read { path: path.to_path_buf(), source })?;
    parse_manifest(&text, path.to_path_buf())
}

fn parse_manifest(text: &str, path: PathBuf) -> Result<Manifest, EncodeError> {
    Manifest::parse(text).map_err(|source: ManifestError| EncodeError::Manifest { path, source })
}

impl Bundled {
    /// Its description.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Manifest`], which a test rules out for those that we ship.
    pub fn manifest(&self) -> Result<Manifest, EncodeError> {
        parse_manifest(self.manifest, PathBuf::from(self.name))
    }
}

const fn input_len(manifest: &Manifest) -> usize {
    match &manifest.input.front_end {
        FrontEnd::Sound(sound) => sound.window_frames * sound.log_mel.bands,
        FrontEnd::Picture(picture) => picture.width * picture.height * picture.channels.count(),
    }
}

const fn bands(manifest: &Manifest) -> usize {
    match &manifest.input.front_end {
        FrontEnd::Sound(sound) => sound.log_mel.bands,
        // Refused by the manifest's checks: pictures have no bands.
        FrontEnd::Picture(_) => 0,
    }
}

/// The axes that say something: axes of length 1 may stand anywhere.
pub(super) fn without_ones(shape: &[usize]) -> Vec<usize> {
    shape.iter().copied().filter(|&n| n != 1).collect()
}

fn check_tokens(manifest: &Manifest, node: &str, found: &[usize]) -> Result<(), EncodeError> {
    let TokensSpec::Node { axes, cells, skip, dim, .. } = &manifest.tokens else { return Ok(()) };
    let (axes, dim) = (*axes, *dim);
    let cells = match (cells, axes) {
        (Cells::Grid { rows, cols }, Axes::Hwd | Axes::Dhw) => vec![*rows, *cols],
        (cells, _) => vec![skip + cells.len()],
    };
    let expected = if axes.channels_first() {
        [vec![dim], cells].concat()
    } else {
        [cells, vec![dim]].concat()
    };
    if without_ones(found) == without_ones(&expected) {
        return Ok(());
    }
    Err(EncodeError::Shape {
        name: manifest.name.clone(),
        node: node.into(),
        found: format!("{found:?}"),
        expected: format!("{expected:?} after the batch"),
    })
}

fn check_embedding(
    manifest: &Manifest,
    node: &str,
    found: &[usize],
    axes: Axes,
    dim: usize,
) -> Result<(), EncodeError> {
    let axes_left = without_ones(found);
    let (first, last) = (axes_left.first(), axes_left.last());
    let (fits, expected) = match axes {
        Axes::D => (axes_left == without_ones(&[dim]), format!("[{dim}] after the batch")),
        Axes::Dt | Axes::Dhw => (first == Some(&dim), format!("[{dim}, …] after the batch")),
        Axes::Td | Axes::Hwd => (last == Some(&dim), format!("[…, {dim}] after the batch")),
    };
    if fits {
        return Ok(());
    }
    let (name, node) = (manifest.name.clone(), node.into());
    Err(EncodeError::Shape { name, node, found: format!("{found:?}"), expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_count_as_real_from_their_first_real_sample() {
        for (real, of, expected) in
            [(1, 1, 12), (1, 15_360, 1), (1280, 15_360, 1), (1281, 15_360, 2), (7680, 15_360, 6)]
        {
            let valid = f64::from(real) / f64::from(of);
            assert_eq!(valid_tokens(valid, 12), expected, "{real} of {of}");
        }
    }

    #[test]
    fn a_network_that_is_too_large_is_told_from_a_wrong_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large.onnx");
        // Nothing is written: such a file has a length alone.
        File::create(&path).unwrap().set_len(513 << 20).unwrap();
        for runtime in Runtime::ALL {
            let opened = OnnxEncoder::open(bundled::DEFAULT_SOUND, Some(&path), runtime);
            let words = opened.unwrap_err().to_string();
            assert!(words.contains("large.onnx is a file of 537919488 bytes"), "{words}");
            assert!(words.contains("512 MiB is the most") && !words.contains("SHA"), "{words}");
        }
    }

    #[test]
    fn planes_become_tokens() {
        let mut out = [0.0; 6];
        let (planes, cells) =
            ([1.0, 2.0, 3.0, 10.0, 20.0, 30.0], [1.0, 10.0, 2.0, 20.0, 3.0, 30.0]);
        for (values, channels_first) in [(planes, true), (cells, false)] {
            put_in_order(&values, 2, 0, channels_first, &mut out);
            assert_eq!(out, cells);
            // Without the first cell, and never without the last.
            put_in_order(&values, 2, 1, channels_first, &mut out[..4]);
            assert_eq!(out[..4], cells[2..]);
        }
    }
}
