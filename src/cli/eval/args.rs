//! What may be typed after `eval`.

use std::path::PathBuf;

use clap::Subcommand;
use clap::ValueEnum;

use crate::cli::args::EncoderArgs;
use crate::cli::args::TableArgs;
use crate::cli::models::args::LabelsArg;
use crate::cli::outputs;
use crate::pipeline::eval::audit::By;

#[derive(Debug, clap::Args)]
pub(crate) struct EvalArgs {
    #[command(subcommand)]
    pub(crate) what: Eval,
}

/// What is asked.
#[derive(Debug, Subcommand)]
pub(crate) enum Eval {
    /// How well what is foreign is told from what is usual, beside frozen baselines and controls.
    Novelty(NoveltyArgs),
    /// How well a few examples name the rest, in the space that was learnt and in frozen ones.
    Fewshot(FewshotArgs),
    /// Two regimes take turns: how much of one is lost while the other lasts.
    Forgetting(ForgettingArgs),
    /// What was learnt in one place, taken to another.
    Transfer(TransferArgs),
    /// What is left when the microphone or the camera gets worse after learning.
    Robustness(RobustnessArgs),
    /// The figures for each place, hour of day and class, and which group is served worst.
    Audit(AuditArgs),
}

/// Options of all.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct CommonArgs {
    /// Configuration file; without one, built-in defaults.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) encoder: EncoderArgs,
    /// Learners, each with its own random sequence.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5,
        value_parser = clap::value_parser!(u64).range(1..=100)
    )]
    pub(crate) seeds: u64,
    /// Pictures without times of their own: how many make a second.
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    pub(crate) frames_per_s: f64,
    /// The figures as a picture.
    #[arg(long, value_name = "PLOT.svg", value_parser = outputs::plot)]
    pub(crate) plot: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

/// Recordings of places, and what is foreign in them.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PlaceArgs {
    /// Recordings, each a place of its own with its own learner.
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// What is foreign: a CSV file with the columns `start_s`, `end_s` and perhaps `kind`, or a folder with one for
    /// each recording, named like it. Default: the one beside each recording, where there is one.
    #[arg(long, value_name = "FOLDER|T.csv")]
    pub(crate) truth: Option<PathBuf>,
    /// Windows that begin before this are for learning only. Default: half of each recording.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) learn_until: Option<f64>,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct NoveltyArgs {
    #[command(flatten)]
    pub(crate) places: PlaceArgs,
    /// Also the area of each place.
    #[arg(long)]
    pub(crate) per_place: bool,
    /// Also a row for each objective, learning alone.
    #[arg(long)]
    pub(crate) objectives: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RobustnessArgs {
    #[command(flatten)]
    pub(crate) places: PlaceArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) places: PlaceArgs,
    /// What groups are made by.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_values_t = [ByArg::Place, ByArg::Hour, ByArg::Class]
    )]
    pub(crate) by: Vec<ByArg>,
    /// Hour of day at which recordings begin.
    #[arg(long, value_name = "0..24", default_value_t = 0.0)]
    pub(crate) begins_at: f64,
}

/// What groups are made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ByArg {
    /// The recording.
    Place,
    /// The hour of day.
    Hour,
    /// The kind of what is foreign.
    Class,
}

impl From<ByArg> for By {
    fn from(stated: ByArg) -> Self {
        match stated {
            ByArg::Place => Self::Place,
            ByArg::Hour => Self::Hour,
            ByArg::Class => Self::Class,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct FewshotArgs {
    /// Recordings whose class their path tells.
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Recordings to learn from without labels; none of those that are asked.
    #[arg(long, required = true, num_args = 1.., value_name = "INPUT")]
    pub(crate) learn: Vec<PathBuf>,
    /// The class is the first group of this regular expression in the path.
    #[arg(long, value_name = "REGEX", conflicts_with = "labels")]
    pub(crate) label: Option<String>,
    /// Without --label: the class is the name of a recording's folder, or the beginning of its own name, up
    /// to the first `-` or `_`.
    #[arg(long, value_enum, default_value_t = LabelsArg::Folders)]
    pub(crate) labels: LabelsArg,
    /// Classes in an episode; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) ways: usize,
    /// Examples of each class.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) shots: usize,
    /// Others of each class that are asked, at most.
    #[arg(long, value_name = "N", default_value_t = 15)]
    pub(crate) queries: usize,
    /// Times that examples are drawn.
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(crate) episodes: usize,
    /// Also a row for each objective, learning alone.
    #[arg(long)]
    pub(crate) objectives: bool,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ForgettingArgs {
    /// Recordings of one regime, such as days.
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Recordings of the other, such as nights.
    #[arg(long, required = true, num_args = 1.., value_name = "INPUT")]
    pub(crate) then: Vec<PathBuf>,
    /// Times that both are met; each meeting is another part of the recordings.
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub(crate) cycles: usize,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TransferArgs {
    /// Recordings of the old place.
    #[arg(long, required = true, num_args = 1.., value_name = "INPUT")]
    pub(crate) learn: Vec<PathBuf>,
    /// Recordings of the new place.
    #[arg(long, required = true, num_args = 1.., value_name = "INPUT")]
    pub(crate) on: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}
