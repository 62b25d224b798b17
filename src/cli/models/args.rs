//! What may be typed after `habituate models`.

use std::path::PathBuf;

use clap::Subcommand;
use clap::ValueEnum;

use crate::encode::draft::Normalise;

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
    /// Writes a manifest for an ONNX file: what the graph says, and guesses that you confirm.
    Add(Box<AddArgs>),
    /// Checks encoders: the file's SHA-256, and the golden output.
    Verify(VerifyArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddArgs {
    /// The network.
    #[arg(value_name = "FILE.onnx")]
    pub(crate) file: PathBuf,
    /// What to call it. Default: the file's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// What it is for. Default: as the input's shape suggests.
    #[arg(long, value_enum)]
    pub(crate) modality: Option<ModalityArg>,
    /// Take the guesses without asking.
    #[arg(long)]
    pub(crate) yes: bool,
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
}

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// Names or manifests. Default: all bundled and all that were added.
    #[arg(value_name = "NAME|MANIFEST.toml")]
    pub(crate) encoders: Vec<String>,
}

/// Which sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModalityArg {
    Sound,
    Picture,
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

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("needs KEY=VALUE")?;
    Ok((key.trim().into(), value.trim().into()))
}
