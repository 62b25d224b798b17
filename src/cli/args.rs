//! What may be typed.

use std::path::PathBuf;

use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;

use crate::cli::bench::args::BenchArgs;
use crate::cli::doctor::args::DoctorArgs;
use crate::cli::doctor::args::SupportArgs;
use crate::cli::eval::args::EvalArgs;
use crate::cli::models::args::ModelsArgs;
use crate::cli::names::args::MarkArgs;
use crate::cli::names::args::NamesArgs;
use crate::cli::names::args::SearchArgs;
use crate::cli::names::args::StateArgs;
use crate::cli::names::args::TeachArgs;
use crate::cli::outputs;
use crate::config::name;
use crate::encode::network::Runtime;

/// Listens and watches, learns by itself what is normal in its place, and says how unusual each
/// moment is.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Args {
    /// Say more: -v for information, -vv for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The daemon: microphones, cameras and commands as configured, until it is stopped.
    Run(RunArgs),
    /// The same on a built-in synthetic place: no device, no download.
    Demo(DemoArgs),
    /// Recordings through the same pipeline, as fast as they can be read.
    Replay(ReplayArgs),
    /// Embeddings of recordings for other tools; nothing is learnt.
    Embed(EmbedArgs),
    /// Is learning worth it on these recordings? Beside frozen baselines, with intervals.
    Eval(EvalArgs),
    /// Microphones and cameras, with the names to use in the configuration.
    Devices,
    /// Checks a configuration: problems, effective settings, cost in memory and disk.
    Check(CheckArgs),
    /// Checks every encoder against its golden output on this processor.
    Selftest(SelftestArgs),
    /// How fast this machine is, stage by stage, and each encoder.
    Bench(BenchArgs),
    /// Looks whether all that is needed works here, and says what mends what does not.
    Doctor(DoctorArgs),
    /// Writes all that helps to find a fault into one text file, without secrets and recordings.
    Support(SupportArgs),
    /// What a running daemon, or the last one, knows.
    Status(StatusArgs),
    /// Gives a name to examples: files, folders, or a remembered moment.
    Teach(TeachArgs),
    /// What was taught: list, forget, rename, undo.
    Names(NamesArgs),
    /// Remembered moments like a recording, another moment, or a name.
    Search(SearchArgs),
    /// "This is normal": what was there at a moment may be learnt from.
    Normal(MarkArgs),
    /// "This is not normal": a true event, never to be learnt from, off the alarm budget.
    Unusual(MarkArgs),
    /// What was learnt: look at it, or take a step back.
    State(StateArgs),
    /// Encoders and their manifests.
    Models(ModelsArgs),
    /// Writes manual pages and completions for packages.
    #[command(hide = true)]
    Pages(PagesArgs),
}

/// Options of everything that learns.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct LearnArgs {
    /// Configuration file; without one, built-in defaults.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where what is learnt is kept and continued from.
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Start of every random sequence.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) encoder: EncoderArgs,
}

/// The name of a source.
fn source_name(typed: &str) -> Result<String, String> {
    name::check_name(typed).map(|()| typed.into())
}

/// Pictures per second.
fn rate(typed: &str) -> Result<f64, String> {
    match typed.parse() {
        Ok(rate) if (1e-5..=1e3).contains(&rate) => Ok(rate),
        _ => Err("it must be 0.00001 to 1000 pictures per second".into()),
    }
}

/// Which encoder, instead of the configured one.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct EncoderArgs {
    /// Encoder: a name from `models list`, or the path of a manifest.
    #[arg(long, value_name = "NAME|MANIFEST.toml")]
    pub(crate) encoder: Option<String>,
    /// The encoder's ONNX file, where the manifest's own lies elsewhere.
    #[arg(long, value_name = "FILE.onnx", requires = "encoder")]
    pub(crate) encoder_file: Option<PathBuf>,
    /// What runs the encoder: tract, inside the program, or onnxruntime, a shared library; with -cuda or
    /// -tensorrt after it on a graphics card.
    #[arg(long, value_name = "tract|onnxruntime")]
    pub(crate) runtime: Option<Runtime>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) learn: LearnArgs,
    /// Stop by itself after this long.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) seconds: Option<f64>,
    /// Also write every scored window to this CSV file.
    #[arg(long, value_name = "S.csv")]
    pub(crate) scores: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Keep what was learnt here; without it nothing stays on disk but the plot.
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Length of the built-in recording.
    #[arg(long, value_name = "N", default_value_t = 1_200.0)]
    pub(crate) seconds: f64,
    /// Where the plot goes.
    #[arg(
        long, value_name = "PLOT.svg", default_value = "habituate-demo.svg", value_parser = outputs::plot
    )]
    pub(crate) plot: PathBuf,
    /// Watch the synthetic view instead of listening to the room.
    #[arg(long)]
    pub(crate) view: bool,
    /// Go on after the built-in recording has ended, with another one.
    #[arg(long)]
    pub(crate) keep_running: bool,
    /// Start of every random sequence.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// Recordings, in order, as one stream: sound files, folders of images, videos.
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) learn: LearnArgs,
    /// One CSV row per scored window.
    #[arg(long, value_name = "S.csv")]
    pub(crate) scores: Option<PathBuf>,
    /// What happened and what it cost, as JSON.
    #[arg(long, value_name = "R.json")]
    pub(crate) report: Option<PathBuf>,
    /// Novelty over time.
    #[arg(long, value_name = "PLOT.svg", value_parser = outputs::plot)]
    pub(crate) plot: Option<PathBuf>,
    /// Learn only until this moment; scores go on.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub(crate) learn_until: Option<f64>,
    /// At the pace of the recording.
    #[arg(long)]
    pub(crate) realtime: bool,
    /// Pictures without times of their own: how many make a second.
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = rate)]
    pub(crate) frames_per_s: f64,
    /// A recording of the other sense from the same time and place, pictures beside sound: what belongs
    /// together is learnt, and the report says what that is worth.
    #[arg(long, value_name = "INPUT", conflicts_with_all = ["state", "learn_until"])]
    pub(crate) beside: Option<PathBuf>,
    /// Name of the source in scores and state.
    #[arg(long, value_name = "NAME", default_value = "replay", value_parser = source_name)]
    pub(crate) source: String,
}

/// Which vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Space {
    /// The encoder's own embedding.
    Frozen,
    /// What was learnt in the state directory made of it.
    Adapted,
}

/// One row per what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pool {
    /// One row per input.
    File,
    /// One row per window.
    Window,
}

#[derive(Debug, clap::Args)]
pub(crate) struct EmbedArgs {
    /// Recordings: sound files, folders of images, videos, single pictures.
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// `NumPy` array, float32 [n, dim].
    #[arg(long, value_name = "E.npy")]
    pub(crate) out: PathBuf,
    /// Which row is which (columns `row,input,start_s,end_s`). Default: beside --out.
    #[arg(long, value_name = "E.csv")]
    pub(crate) index: Option<PathBuf>,
    /// Frozen, or as learnt in --state.
    #[arg(long, value_enum, default_value_t = Space::Frozen)]
    pub(crate) space: Space,
    /// One row per file (mean over its windows) or per window.
    #[arg(long, value_enum, default_value_t = Pool::Window)]
    pub(crate) pool: Pool,
    /// Pictures without times of their own: how many make a second.
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = rate)]
    pub(crate) frames_per_s: f64,
    #[command(flatten)]
    pub(crate) learn: LearnArgs,
    /// Name of the source in the state directory.
    #[arg(long, value_name = "NAME", default_value = "replay", value_parser = source_name)]
    pub(crate) source: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// Configuration file; without one, built-in defaults.
    #[arg(value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SelftestArgs {
    #[command(flatten)]
    pub(crate) encoder: EncoderArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PagesArgs {
    /// The folder to write to.
    #[arg(value_name = "DIR")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    /// Configuration file that the daemon runs with, to find its state directory.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// State directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// For health checks: one line, and exit code 0 only when a daemon answers and each of its sources
    /// works, or still learns what is usual.
    #[arg(long, conflicts_with = "json")]
    pub(crate) healthy: bool,
}

/// How figures are printed.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct TableArgs {
    /// As CSV.
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
