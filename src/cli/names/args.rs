//! What may be typed after `habituate teach`, `names`, `search`, `normal`, `unusual` and `state`.

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::args::EncoderArgs;

/// Whom to ask.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct WhomArgs {
    /// Configuration file that the daemon runs with, to find its state directory.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// State directory: its daemon is asked; where none runs, what it has learnt.
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Which source; may be left out where there is one.
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
    /// The answer as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) encoder: EncoderArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TeachArgs {
    /// What it is.
    #[arg(value_name = "NAME", required_unless_present = "folders", conflicts_with = "folders")]
    pub(crate) name: Option<String>,
    /// Examples: sound files, pictures, videos, or folders of them; each file is one example.
    #[arg(value_name = "INPUT", conflicts_with = "folders")]
    pub(crate) inputs: Vec<PathBuf>,
    /// A moment that is still remembered: seconds (column `lived_s`), -20 for 20 s ago, or a time
    /// such as 2026-05-01T14:03:00Z.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, conflicts_with = "inputs")]
    pub(crate) at: Option<String>,
    /// A folder with one folder of examples for each name.
    #[arg(long, value_name = "DIR", conflicts_with = "at")]
    pub(crate) folders: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) whom: WhomArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SearchArgs {
    /// A recording: one query, however long.
    #[arg(value_name = "INPUT", conflicts_with_all = ["at", "name"])]
    pub(crate) input: Option<PathBuf>,
    /// A moment that is still remembered, as for `teach`.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, conflicts_with = "name")]
    pub(crate) at: Option<String>,
    /// Something that was taught.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// How many moments, at most 100.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) nearest: usize,
    #[command(flatten)]
    pub(crate) whom: WhomArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct MarkArgs {
    /// The moment, which must still be remembered: seconds (`lived_s` of an event), -20 for 20 s ago, or
    /// a time such as 2026-05-01T14:03:00Z.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) at: String,
    #[command(flatten)]
    pub(crate) whom: WhomArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StateArgs {
    #[command(subcommand)]
    pub(crate) command: StateCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// Memory, threshold, guard, strangers, drift, the source beside it.
    Inspect {
        #[command(flatten)]
        whom: WhomArgs,
    },
    /// Brings back the champion that gave way last; five are kept, all but the newest an hour or more apart.
    Rollback {
        #[command(flatten)]
        whom: WhomArgs,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct NamesArgs {
    #[command(subcommand)]
    pub(crate) command: NamesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NamesCommand {
    /// All names, their examples, and how they are told.
    List {
        #[command(flatten)]
        whom: WhomArgs,
    },
    /// Forgets a name and its examples.
    Forget {
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        whom: WhomArgs,
    },
    /// Calls it something else.
    Rename {
        #[arg(value_name = "NAME")]
        name: String,
        #[arg(value_name = "NEW")]
        to: String,
        #[command(flatten)]
        whom: WhomArgs,
    },
    /// Takes back the last teaching, forgetting or renaming; a second time brings it back.
    Undo {
        #[command(flatten)]
        whom: WhomArgs,
    },
}
