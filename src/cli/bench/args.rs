//! What may be typed after `habituate bench`.

use crate::cli::args::TableArgs;
use crate::cli::encoder_at::EncoderAt;
use crate::encode::network::Runtime;

#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    /// Time all encoders instead, in each runtime that is there.
    #[arg(long)]
    pub(crate) encoders: bool,
    /// Only this one; may be repeated. `=FILE.onnx` says where its network is, if not beside the manifest.
    /// Default: all encoders with --encoders, else the two default ones.
    #[arg(long, value_name = "NAME|MANIFEST.toml[=FILE.onnx]")]
    pub(crate) encoder: Vec<EncoderAt>,
    /// How long each figure is measured.
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    pub(crate) seconds: f64,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// Time one encoder in this process, and print two numbers: milliseconds and bytes.
    #[arg(long, hide = true, requires = "encoder")]
    pub(crate) alone: Option<Runtime>,
}
