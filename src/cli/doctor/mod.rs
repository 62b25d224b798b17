//! `habituate doctor`: does everything that is needed work here, and if not, what mends it?

pub(crate) mod args;
mod as_service;
mod board;
mod devices;
mod encoders;
mod learnt;
mod unit;

use std::path::Path;
use std::path::PathBuf;

use anyhow::anyhow;

use crate::base::machine::Machine;
use crate::cli::doctor::args::DoctorArgs;
use crate::cli::exit::EXIT_UNAVAILABLE;
use crate::cli::exit::Failure;
use crate::cli::state;
use crate::config::daemon::Settings;
use crate::emit::findings::Findings;
use crate::emit::findings::Verdict;
use crate::emit::status::Status;
use crate::web::routes;

/// Where the package puts the service's configuration.
const SERVICE_CONFIG: &str = "/etc/habituate/habituate.toml";

pub(crate) fn main(args: &DoctorArgs) -> Result<(), Failure> {
    if args.as_service {
        return as_service::main(args);
    }
    let found = examine(args.config.as_deref(), args.state.as_deref(), args.quick);
    print!("{}", if args.json { found.to_json() } else { found.to_text() });
    match found.count(Verdict::Problem) {
        0 => Ok(()),
        1 => Err(Failure::new(EXIT_UNAVAILABLE, anyhow!("1 problem; see above"))),
        count => Err(Failure::new(EXIT_UNAVAILABLE, anyhow!("{count} problems; see above"))),
    }
}

/// All checks; `quick` leaves out test recordings and speed.
pub(crate) fn examine(config: Option<&Path>, state_dir: Option<&Path>, quick: bool) -> Findings {
    let mut found = Findings {
        version: env!("CARGO_PKG_VERSION").into(),
        board: Machine::default().model(),
        findings: Vec::new(),
    };
    let config = configuration(config);
    let settings = match Settings::load(config.as_deref()) {
        Ok(settings) => {
            let name = config.as_ref().map_or_else(
                || "none given, built-in defaults".into(),
                |path| path.display().to_string(),
            );
            let sources: Vec<&str> = settings.sources.iter().map(|s| s.name.as_str()).collect();
            found.ok("configuration", format!("{name}; sources: {}", sources.join(", ")));
            settings
        }
        Err(error) => {
            let mend = config.map_or_else(
                || "a fault of this program: habituate support makes a bundle to send".into(),
                |path| format!("sudo editor {0}; habituate check {0}", path.display()),
            );
            found.problem("configuration", error.to_string(), mend);
            // The rest can still be looked at, with what would be the defaults.
            match Settings::load(None) {
                Ok(settings) => settings,
                Err(_) => return found,
            }
        }
    };
    let root = state::directory_to_ask(state_dir, settings.state_dir.as_deref());
    let running = routes::status(&root).ok().and_then(|json| Status::from_json(&json));
    unit::look(&mut found, running.as_ref(), &root);
    board::look(&mut found, &settings, &root);
    devices::look(&mut found, &settings, running.as_ref(), quick);
    encoders::look(&mut found, &settings, &root, quick);
    found
}

/// The one that was typed, else that of the installed service.
pub(crate) fn configuration(typed: Option<&Path>) -> Option<PathBuf> {
    typed
        .map(Path::to_path_buf)
        .or_else(|| Path::new(SERVICE_CONFIG).exists().then(|| SERVICE_CONFIG.into()))
}
