//! What may be typed after `habituate models`.

use std::path::PathBuf;

use clap::Subcommand;
use clap::ValueEnum;

use crate::base::modality::Modality;
use crate::cli::args::TableArgs;
use crate::cli::encoder_at::EncoderAt;
use crate::config::manifest::is_plain_name;
use crate::config::manifest::parse_sha256;
use crate::encode::draft::Normalise;
use crate::encode::network::Runtime;
use crate::pipeline::compare::data::Labels;

#[derive(Debug, clap::Args)]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    pub(crate) command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// Bundled encoders, those that were added, and any manifests named.
    List {
        /// Further manifests.
        #[arg(value_name = "MANIFEST.toml")]
        manifests: Vec<PathBuf>,
    },
    /// Writes a manifest for an ONNX file: what the graph says, and guesses that you confirm. Fetches
    /// the file first, where you agree.
    Add(Box<AddArgs>),
    /// Well-known encoders of other people that `models add NAME` can fetch.
    Catalogue(CatalogueArgs),
    /// Checks encoders: the file's SHA-256, and the golden output.
    Verify(VerifyArgs),
    /// Tries encoders on your own recordings and says which to use, and why.
    Compare(CompareArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddArgs {
    /// The network: a file, an https address, or a name that `models catalogue` lists.
    #[arg(value_name = "FILE.onnx|URL|NAME")]
    pub(crate) given: String,
    /// What to call it. Default: the file's name, or the catalogue's.
    #[arg(long, value_name = "NAME", value_parser = plain_name)]
    pub(crate) name: Option<String>,
    /// What it is for. Default: as the input's shape suggests.
    #[arg(long, value_enum)]
    pub(crate) modality: Option<ModalityArg>,
    /// Download, and take the guesses, without asking.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Write over an encoder that was added by this name.
    #[arg(long)]
    pub(crate) replace: bool,
    /// SHA-256 that the network must have, wherever it comes from.
    #[arg(long, value_name = "HEX", value_parser = sha256)]
    pub(crate) sha256: Option<[u8; 32]>,
    /// Another catalogue than the built-in one.
    #[arg(long, value_name = "CATALOGUE.toml")]
    pub(crate) catalogue: Option<PathBuf>,
    /// Where manifest and network go. Default: `$HABITUATE_ENCODERS`, or habituate/encoders in
    /// this user's data folder; encoders there are known by name.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Node of the graph that gives the tokens; a middle layer is often better than the last.
    #[arg(long, value_name = "NODE")]
    pub(crate) tokens: Option<String>,
    /// Node of the graph that gives the embedding.
    #[arg(long, value_name = "NODE")]
    pub(crate) embedding: Option<String>,
    /// Shape of the input, where the graph leaves it open.
    #[arg(long, value_name = "1,3,H,W", value_delimiter = ',')]
    pub(crate) shape: Option<Vec<usize>>,
    /// Scale of the pixels that the network was trained with.
    #[arg(long, value_enum)]
    pub(crate) normalise: Option<NormaliseArg>,
    /// Its licence, as an SPDX expression.
    #[arg(long, value_name = "SPDX")]
    pub(crate) license: Option<String>,
    /// Any key of the manifest, such as `input.sound.rate_hz=32000`; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) set: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) runs: RuntimeArgs,
}

/// What encoders run in.
#[derive(Debug, clap::Args)]
pub(crate) struct RuntimeArgs {
    /// What runs the encoder: tract, inside the program, or onnxruntime, a shared library; with -cuda or
    /// -tensorrt after it on a graphics card.
    #[arg(long, value_name = "tract|onnxruntime", default_value_t)]
    pub(crate) runtime: Runtime,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CatalogueArgs {
    /// Another catalogue than the built-in one.
    #[arg(long, value_name = "CATALOGUE.toml")]
    pub(crate) catalogue: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// Names or manifests. Default: all bundled and all that were added.
    #[arg(value_name = "NAME|MANIFEST.toml")]
    pub(crate) encoders: Vec<String>,
    #[command(flatten)]
    pub(crate) runs: RuntimeArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompareArgs {
    /// Folder of recordings: sounds, videos, or pictures in the order of their names. Or one recording.
    #[arg(long, value_name = "FOLDER|FILE")]
    pub(crate) data: PathBuf,
    /// Encoder to try; may be repeated. `=FILE.onnx` says where its network is, if not beside the manifest.
    /// Default: all that `models list` shows for this kind of data.
    #[arg(long, value_name = "NAME|MANIFEST.toml[=FILE.onnx]")]
    pub(crate) encoder: Vec<EncoderAt>,
    /// What to take of a folder with sounds and pictures. Default: what --encoder is for, else what there are
    /// more files of.
    #[arg(long, value_enum)]
    pub(crate) modality: Option<ModalityArg>,
    /// Also measure how well five examples of each class tell the rest. A class is a folder inside
    /// FOLDER, or with `--labels=names` the beginning of a file's name, up to the first `-` or `_` and
    /// without digits at its end: `pump003-a.wav` is a `pump`.
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "folders")]
    pub(crate) labels: Option<LabelsArg>,
    /// Look at most at so much of the recordings, an equal share of each.
    #[arg(long, value_name = "N", default_value_t = 1200.0)]
    pub(crate) seconds: f64,
    /// Pictures: how many make a second.
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    pub(crate) frames_per_s: f64,
    #[command(flatten)]
    pub(crate) runs: RuntimeArgs,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

/// Where classes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LabelsArg {
    /// Folders inside the folder.
    Folders,
    /// Beginnings of file names.
    Names,
}

impl From<LabelsArg> for Labels {
    fn from(stated: LabelsArg) -> Self {
        match stated {
            LabelsArg::Folders => Self::Folders,
            LabelsArg::Names => Self::Names,
        }
    }
}

/// Which sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModalityArg {
    Sound,
    Picture,
}

impl From<ModalityArg> for Modality {
    fn from(stated: ModalityArg) -> Self {
        match stated {
            ModalityArg::Sound => Self::Sound,
            ModalityArg::Picture => Self::Picture,
        }
    }
}

/// What pixels become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NormaliseArg {
    /// `ImageNet`'s mean and deviation taken off.
    Imagenet,
    /// −1 to 1.
    Symmetric,
    /// 0 to 1.
    Unit,
    /// 0 to 255.
    None,
}

impl From<NormaliseArg> for Normalise {
    fn from(stated: NormaliseArg) -> Self {
        match stated {
            NormaliseArg::Imagenet => Self::Imagenet,
            NormaliseArg::Symmetric => Self::Symmetric,
            NormaliseArg::Unit => Self::Unit,
            NormaliseArg::None => Self::None,
        }
    }
}

fn sha256(text: &str) -> Result<[u8; 32], String> {
    parse_sha256(text).ok_or_else(|| "must be 64 hexadecimal digits, as sha256sum prints".into())
}

/// What an encoder that is added may be called: its name is that of two files, and is told from a path.
pub(super) fn plain_name(text: &str) -> Result<String, String> {
    let small = text.to_ascii_lowercase();
    if !is_plain_name(text) {
        return Err("must be letters, digits, '-', '_' or '.'".into());
    }
    if text.starts_with('.') {
        return Err("must not begin with '.': its files would be hidden".into());
    }
    if let Some(end) = [".toml", ".onnx"].iter().find(|end| small.ends_with(**end)) {
        return Err(format!("must not end in {end}: it would be taken for a file"));
    }
    Ok(text.to_owned())
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("needs KEY=VALUE")?;
    Ok((key.trim().into(), value.trim().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_two_visible_files_and_of_no_third() {
        for (name, expected) in [
            ("", "letters, digits"),
            ("x/y", "letters, digits"),
            (".hidden", "must not begin with '.'"),
            ("..", "must not begin with '.'"),
            ("net.toml", "must not end in .toml"),
            ("net.ONNX", "must not end in .onnx"),
        ] {
            let words = plain_name(name).unwrap_err();
            assert!(words.contains(expected), "{name}: {words}");
        }
        assert_eq!(plain_name("mobile-net_v2.1").as_deref(), Ok("mobile-net_v2.1"));
    }
}
