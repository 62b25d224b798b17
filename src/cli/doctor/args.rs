//! What may be typed after `habituate doctor` and `habituate support`.

use std::path::PathBuf;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DoctorArgs {
    /// Configuration file. Default: that of the installed service, where there is one.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// State directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// As the service's own user, in its sandbox: needs root and systemd.
    #[arg(long)]
    pub(crate) as_service: bool,
    /// Leave out what takes seconds: test recordings and the speed of this board.
    #[arg(long)]
    pub(crate) quick: bool,
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SupportArgs {
    /// Configuration file. Default: that of the installed service, where there is one.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// State directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// The bundle: one text file, to be read before it is sent.
    #[arg(long, value_name = "FILE.txt", default_value = "habituate-support.txt")]
    pub(crate) out: PathBuf,
}
