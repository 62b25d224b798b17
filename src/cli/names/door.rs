//! To whom a question goes: the daemon of a state directory, or, where none runs, the directory.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;

use crate::cli::args::EncoderArgs;
use crate::cli::encoders;
use crate::cli::exit::EXIT_INPUT;
use crate::cli::exit::EXIT_UNAVAILABLE;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::cli::names::args::WhomArgs;
use crate::cli::state;
use crate::config::daemon::Settings;
use crate::config::source::SourceSettings;
use crate::emit::status::Status;
use crate::encode::Encoder;
use crate::pipeline::resume;
use crate::pipeline::resume::Keeper;
use crate::pipeline::resume::OpenOptions;
use crate::pipeline::track::Track;
use crate::store::state_dir::StateDir;
use crate::web::api;
use crate::web::api::AnswerDoc;
use crate::web::api::AskDoc;
use crate::web::api::Route;
use crate::web::routes;
use crate::web::socket;
use crate::web::socket::Request;

/// Longer than a source takes at most.
const PATIENCE: Duration = Duration::from_secs(30);

/// An open way to one source.
pub(super) struct Door {
    root: PathBuf,
    settings: Settings,
    source: String,
    /// The encoder's name, as daemon or checkpoint tell it.
    encoder: String,
    typed: EncoderArgs,
    kind: Kind,
}

enum Kind {
    Daemon,
    /// What was learnt, and where it goes back; opened with the first question.
    Directory(Box<Option<(Track, Keeper)>>),
}

impl Door {
    /// Finds the source.
    pub(super) fn open(whom: &WhomArgs) -> Result<Self, Failure> {
        let settings = Settings::load(whom.config.as_deref())?;
        let root = state::directory_to_ask(whom.state.as_deref(), settings.state_dir.as_deref());
        let (kind, sources) = match routes::status(&root) {
            Ok(json) => {
                let status = Status::from_json(&json).ok_or_else(|| {
                    let error = anyhow!("the daemon of {} speaks another version", root.display());
                    Failure::new(EXIT_UNAVAILABLE, error)
                })?;
                let known = status.sources.into_iter().map(|s| (s.name, s.encoder)).collect();
                (Kind::Daemon, known)
            }
            Err(error) if is_absent(&error) => {
                (Kind::Directory(Box::new(None)), learnt_sources(&root)?)
            }
            Err(error) => {
                let context = format!("the daemon of {} does not answer", root.display());
                let error = anyhow::Error::new(error).context(context);
                return Err(Failure::new(EXIT_UNAVAILABLE, error));
            }
        };
        let (source, encoder) = pick(whom.source.as_deref(), sources, &root)?;
        Ok(Self { root, settings, source, encoder, typed: whom.encoder.clone(), kind })
    }

    /// Whether a daemon answers.
    pub(super) const fn is_daemon(&self) -> bool {
        matches!(self.kind, Kind::Daemon)
    }

    /// The encoder that the source listens with.
    pub(super) fn encoder(&self) -> Result<Box<dyn Encoder>, Failure> {
        let configured = self.settings.sources.iter().find(|s| s.name == self.source);
        let unsaid = SourceSettings::default();
        let mut typed = self.typed.clone();
        if typed.encoder.is_none() && configured.is_none_or(|source| source.encoder.is_none()) {
            typed.encoder = Some(self.encoder.clone());
        }
        let source = configured.unwrap_or(&unsaid);
        let runtime = typed.runtime.unwrap_or_else(|| source.runtime.into());
        encoders::open_stated(runtime, &typed, source).map_err(|error| {
            let context = format!(
                "{} listens with encoder {}; where it is no name that this program knows, give \
                 --encoder MANIFEST.toml",
                self.source, self.encoder
            );
            Failure::new(Failure::from(error).code, anyhow!(context))
        })
    }

    /// The settings it learns with.
    pub(super) const fn settings(&self) -> &Settings {
        &self.settings
    }

    fn learnt(&mut self) -> Result<&mut (Track, Keeper), Failure> {
        let is_open = matches!(&self.kind, Kind::Directory(open) if open.is_some());
        if !is_open {
            let encoder = self.encoder()?;
            let dir = Arc::new(StateDir::open(&self.root)?);
            let options = OpenOptions {
                source: &self.source,
                learn: &self.settings.learn,
                checkpoint: self.settings.checkpoint,
                seed: self.settings.seed,
            };
            let opened = resume::open(&dir, encoder, options)?;
            self.kind = Kind::Directory(Box::new(Some(opened)));
        }
        match &mut self.kind {
            Kind::Directory(open) => open.as_mut().as_mut().ok_or_else(|| {
                Failure::new(EXIT_UNAVAILABLE, anyhow!("the state directory was not opened"))
            }),
            Kind::Daemon => {
                Err(Failure::new(EXIT_UNAVAILABLE, anyhow!("the daemon keeps what it has learnt")))
            }
        }
    }

    /// Asks.
    pub(super) fn ask(&mut self, route: Route, mut doc: AskDoc) -> Result<AnswerDoc, Failure> {
        let (status, answer) = match self.kind {
            Kind::Daemon => {
                doc.source = Some(self.source.clone());
                let (method, path) = route.line();
                let mut request =
                    Request { method: method.into(), path: path.into(), body: doc.to_json() };
                if method == "GET" {
                    request.path += &format!("?source={}", self.source);
                    request.body.clear();
                }
                let reply = socket::call(&self.root, &request, PATIENCE)
                    .map_err(|e| anyhow::Error::new(e).context("the daemon does not answer"))
                    .or_exit(EXIT_UNAVAILABLE)?;
                let answer = AnswerDoc::from_json(&reply.body).ok_or_else(|| {
                    let error = anyhow!("the daemon's answer is none: {:?}", reply.body);
                    Failure::new(EXIT_UNAVAILABLE, error)
                })?;
                (reply.status, answer)
            }
            Kind::Directory(_) => {
                let ask = doc.into_ask(route).map_err(|w| Failure::new(EXIT_USAGE, anyhow!(w)))?;
                let source = self.source.clone();
                api::answer(&source, self.learnt()?.0.answer(ask))
            }
        };
        match answer.error {
            None => Ok(answer),
            Some(error) => {
                let code = match status {
                    404 | 409 | 507 => EXIT_INPUT,
                    400 | 405 | 413 => EXIT_USAGE,
                    _ => EXIT_UNAVAILABLE,
                };
                Err(Failure::new(code, anyhow!(error)))
            }
        }
    }

    /// Writes what was ordered; a daemon does that by itself.
    pub(super) fn close(&mut self) -> Result<(), Failure> {
        if let Kind::Directory(open) = &mut self.kind
            && let Some((track, keeper)) = open.as_mut()
        {
            keeper.write(track)?;
        }
        Ok(())
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory
    )
}

/// Sources with checkpoints, and their encoders.
fn learnt_sources(root: &Path) -> Result<Vec<(String, String)>, Failure> {
    let dir = state::open_to_read(root)?;
    let mut sources = Vec::new();
    for source in dir.sources()? {
        if let Some(checkpoint) = dir.peek(&source)? {
            sources.push((source, checkpoint.origin.encoder));
        }
    }
    Ok(sources)
}

fn pick(
    wanted: Option<&str>,
    mut sources: Vec<(String, String)>,
    root: &Path,
) -> Result<(String, String), Failure> {
    let names: Vec<&str> = sources.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(", ");
    let place = match wanted {
        Some(wanted) => sources.iter().position(|(name, _)| name == wanted),
        None if sources.len() == 1 => Some(0),
        None => None,
    };
    if let Some(place) = place {
        return Ok(sources.swap_remove(place));
    }
    let (code, why) = match wanted {
        _ if sources.is_empty() => (
            EXIT_INPUT,
            format!(
                "nothing was learnt in {} yet; run `habituate run` or `replay` with it first",
                root.display()
            ),
        ),
        Some(wanted) => (EXIT_INPUT, format!("no source {wanted:?}; there is {names}")),
        None => (EXIT_USAGE, format!("say which source with --source: {names}")),
    };
    Err(Failure::new(code, anyhow!(why)))
}
