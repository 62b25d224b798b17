//! From recordings and times, as typed, to what is asked.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;

use crate::base::stop::Stop;
use crate::cli::exit::EXIT_INPUT;
use crate::cli::exit::EXIT_USAGE;
use crate::cli::exit::Failure;
use crate::cli::names::door::Door;
use crate::config::source::SourceSettings;
use crate::pipeline::naming::Clip;
use crate::pipeline::open;
use crate::pipeline::open::OpenWith;
use crate::pipeline::track::Track;
use crate::web::api::AskDoc;
use crate::web::api::WindowDoc;

/// Encodes recordings as the source of a door does, beside its own track: an example is not lived
/// through.
pub(super) struct Windows {
    track: Track,
    sha256: String,
}

impl Windows {
    pub(super) fn of(door: &Door) -> Result<Self, Failure> {
        let encoder = door.encoder()?;
        let sha256 = encoder.manifest().sha256_hex();
        let track = Track::new(encoder, &door.settings().learn, door.settings().seed)?;
        Ok(Self { track, sha256 })
    }

    /// One recording's windows, at most as many as one example has.
    pub(super) fn read(&mut self, path: &Path) -> Result<AskDoc, Failure> {
        let settings = SourceSettings::recording("example", vec![path.into()], false, 1.0);
        let mut input = open::open(&settings, &OpenWith { stop: Stop::default(), seed: 0 })?;
        let mut clip = Clip::default();
        let failed = |error| {
            let error = anyhow::Error::new(error).context(format!("{}", path.display()));
            Failure::new(EXIT_INPUT, error)
        };
        while let Some(chunk) = input.next(Duration::from_secs(1))? {
            self.track.encode(chunk, &mut clip).map_err(failed)?;
        }
        self.track.finish_encode(&mut clip).map_err(failed)?;
        for warning in input.take_warnings() {
            eprintln!("warning: {warning}");
        }
        let windows: Vec<WindowDoc> = clip.into_windows().iter().map(WindowDoc::from).collect();
        if windows.is_empty() {
            let error =
                anyhow!("{} holds nothing: it is empty or shorter than a token", path.display());
            return Err(Failure::new(EXIT_INPUT, error));
        }
        Ok(AskDoc { windows, encoder_sha256: Some(self.sha256.clone()), ..AskDoc::default() })
    }
}

/// Files, and the files of folders in the order of their names; hidden ones are passed over.
pub(super) fn files(inputs: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for input in inputs {
        if input.is_dir() {
            files.extend(entries(input)?.into_iter().filter(|path| path.is_file()));
        } else {
            files.push(input.clone());
        }
    }
    Ok(files)
}

/// The folders in a folder, with their names.
pub(super) fn folders(root: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
    let folders: Vec<(String, PathBuf)> = entries(root)?
        .into_iter()
        .filter(|path| path.is_dir())
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (name, path)
        })
        .collect();
    if folders.is_empty() {
        let error = anyhow!(
            "{} holds no folders; it should hold one for each name, with examples in it",
            root.display()
        );
        return Err(Failure::new(EXIT_INPUT, error));
    }
    Ok(folders)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error| {
        let context = format!("cannot read {}", folder.display());
        Failure::new(EXIT_INPUT, anyhow::Error::new(error).context(context))
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// A moment as typed: seconds, seconds ago when negative, or a time of day.
pub(super) fn at(door: &Door, text: &str) -> Result<AskDoc, Failure> {
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.is_finite()
    {
        return Ok(if text.starts_with('-') {
            AskDoc { ago_s: Some(-seconds), ..AskDoc::default() }
        } else {
            AskDoc { at_s: Some(seconds), ..AskDoc::default() }
        });
    }
    let usage = |why: String| Failure::new(EXIT_USAGE, anyhow!(why));
    let Ok(time) = text.parse::<jiff::Timestamp>() else {
        return Err(usage(format!(
            "--at {text:?} is no time; it should be seconds such as 125.5, -20 for 20 s ago, or \
             2026-05-01T14:03:00Z"
        )));
    };
    if !door.is_daemon() {
        return Err(usage(
            "a time of day needs a running daemon; without one, give seconds as in column lived_s"
                .into(),
        ));
    }
    let now = jiff::Timestamp::now();
    let ago_s = now.duration_since(time).as_secs_f64();
    Ok(AskDoc { ago_s: Some(ago_s), ..AskDoc::default() })
}
