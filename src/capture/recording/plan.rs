//! From what was named on the command line to the list of what is read, in order.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::capture::Modality;
use crate::capture::error::CaptureError;
use crate::capture::recording::Options;
use crate::capture::recording::names;
use crate::capture::recording::reader::Trouble;
use crate::capture::recording::sniff;
use crate::capture::recording::sniff::Kind;
use crate::capture::recording::sniff::Promise;

/// One part of the stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// A file that the user named.
    Named(PathBuf, Kind),
    /// A file found in a folder; not looked into yet.
    Found(PathBuf, Modality),
    /// Pictures, relative to a folder; `as_given`: in the user's order.
    Album { folder: PathBuf, files: Vec<PathBuf>, as_given: bool },
}

impl Part {
    /// For people.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Named(path, _) | Self::Found(path, _) => path.display().to_string(),
            Self::Album { folder, files, as_given: false } => {
                format!("{} ({} pictures)", folder.display(), files.len())
            }
            Self::Album { files, .. } => {
                let first = files.first().map(|file| file.display().to_string());
                format!("{} ({} pictures)", first.unwrap_or_default(), files.len())
            }
        }
    }

    /// For errors.
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::Named(path, _) | Self::Found(path, _) => path.clone(),
            Self::Album { folder, as_given: false, .. } => folder.clone(),
            Self::Album { files, .. } => files.first().cloned().unwrap_or_default(),
        }
    }

    fn modality(&self, options: &Options) -> Modality {
        match self {
            Self::Named(_, kind) => kind.modality(options.raw.map(|raw| raw.modality())),
            Self::Found(_, modality) => *modality,
            Self::Album { .. } => Modality::Picture,
        }
    }
}

/// Whether a folder's file of this name is read; hidden ones are not.
pub fn is_taken(name: &Path) -> bool {
    !name.to_string_lossy().starts_with('.') && Promise::of(name).is_some()
}

/// The error for a file with that trouble.
pub(super) fn error(path: &Path, trouble: Trouble, options: &Options) -> CaptureError {
    let path = path.to_owned();
    match trouble {
        Trouble::Io(source) => CaptureError::File { path, source },
        Trouble::Unknown(found) => CaptureError::NotARecording { path, found },
        Trouble::Damaged(detail) => CaptureError::Damaged { path, detail },
        Trouble::NeedsFfmpeg(what) => {
            CaptureError::NeedsFfmpeg { path, what, program: options.ffmpeg.clone() }
        }
    }
}

/// All parts, and whether they are sound or pictures.
///
/// A file that makes no sense is an error where it decides what the stream is: in the first place.
/// Later ones are left to reading, which counts them as lost.
///
/// # Errors
///
/// [`CaptureError`] for what cannot be opened, for nothing at all, and for a mixture.
pub(super) fn plan(
    inputs: &[PathBuf],
    options: &Options,
) -> Result<(Vec<Part>, Modality), CaptureError> {
    let mut parts: Vec<Part> = Vec::new();
    for input in inputs {
        let metadata = fs::metadata(input)
            .map_err(|source| CaptureError::File { path: input.clone(), source })?;
        if metadata.is_dir() {
            folder(input, &mut parts)?;
            continue;
        }
        if !metadata.is_file() {
            return Err(CaptureError::NotAFile { path: input.clone() });
        }
        let decided = parts.first().map(|first| first.modality(options));
        match sniff::kind(input, options.raw.is_some(), options.modality) {
            Ok(Kind::Picture) => add_picture(input, &mut parts),
            Ok(kind) => parts.push(Part::Named(input.clone(), kind)),
            Err(trouble @ Trouble::Io(_)) => return Err(error(input, trouble, options)),
            Err(trouble) => match decided {
                None => return Err(error(input, trouble, options)),
                Some(modality) => parts.push(Part::Found(input.clone(), modality)),
            },
        }
    }
    let Some(first) = parts.first() else {
        let (place, found) = ("the list of inputs".into(), "it is empty".into());
        return Err(CaptureError::NothingToRead { place, found });
    };
    let modality = first.modality(options);
    match parts.iter().find(|part| part.modality(options) != modality) {
        None => Ok((parts, modality)),
        Some(other) => Err(CaptureError::MixedInputs {
            first: first.path(),
            first_kind: words(modality),
            other: other.path(),
            other_kind: words(other.modality(options)),
        }),
    }
}

fn words(modality: Modality) -> &'static str {
    match modality {
        Modality::Sound => "sound",
        Modality::Picture => "pictures",
    }
}

/// Pictures named one after the other (`*.jpg` in a shell) are one album.
fn add_picture(input: &Path, parts: &mut Vec<Part>) {
    match parts.last_mut() {
        Some(Part::Album { files, as_given: true, .. }) => files.push(input.into()),
        _ => parts.push(Part::Album {
            folder: PathBuf::new(),
            files: vec![input.into()],
            as_given: true,
        }),
    }
}

fn folder(path: &Path, parts: &mut Vec<Part>) -> Result<(), CaptureError> {
    let failed = |source| CaptureError::File { path: path.to_owned(), source };
    let mut by_promise: BTreeMap<Promise, Vec<PathBuf>> = BTreeMap::new();
    let (mut folder_count, mut other_count) = (0, 0);
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = PathBuf::from(entry.file_name());
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        // Follows links. One that leads nowhere is told when it is read.
        let metadata = fs::metadata(entry.path());
        if metadata.as_ref().is_ok_and(fs::Metadata::is_dir) {
            folder_count += 1;
        } else if metadata.is_ok_and(|metadata| !metadata.is_file()) {
            // Opening a pipe would wait for ever.
            other_count += 1;
        } else if let Some(promise) = Promise::of(&name) {
            by_promise.entry(promise).or_default().push(name);
        } else {
            other_count += 1;
        }
    }
    let counts: Vec<String> = by_promise
        .iter()
        .map(|(promise, files)| format!("{} {}", files.len(), promise.words()))
        .collect();
    let mut kinds = by_promise.into_iter();
    match (kinds.next(), kinds.next()) {
        (None, _) => Err(CaptureError::NothingToRead {
            place: format!("the folder {path:?}"),
            found: format!("{folder_count} folders and {other_count} other files are in it"),
        }),
        (Some(_), Some(_)) => {
            Err(CaptureError::MixedFolder { folder: path.to_owned(), found: counts.join(", ") })
        }
        (Some((Promise::Picture, files)), None) => {
            parts.push(Part::Album { folder: path.into(), files, as_given: false });
            Ok(())
        }
        (Some((promise, mut files)), None) => {
            files.sort_by(|a, b| names::natural(&a.to_string_lossy(), &b.to_string_lossy()));
            let modality = promise.modality();
            parts.extend(files.into_iter().map(|file| Part::Found(path.join(file), modality)));
            Ok(())
        }
    }
}

impl Promise {
    fn words(self) -> &'static str {
        match self {
            Self::Sound => "sound files",
            Self::Picture => "pictures",
            Self::Video => "videos",
        }
    }

    fn modality(self) -> Modality {
        match self {
            Self::Sound => Modality::Sound,
            Self::Picture | Self::Video => Modality::Picture,
        }
    }
}
