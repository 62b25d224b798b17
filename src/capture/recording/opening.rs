//! From a part of the plan to what reads it.

use std::fs::File;
use std::path::Path;

use crate::capture::command::format::StreamFormat;
use crate::capture::error::CaptureError;
use crate::capture::recording::FolderOrder;
use crate::capture::recording::Options;
use crate::capture::recording::album::Album;
use crate::capture::recording::avi::Avi;
use crate::capture::recording::coded;
use crate::capture::recording::ffmpeg;
use crate::capture::recording::plan;
use crate::capture::recording::plan::Part;
use crate::capture::recording::raw::RawStream;
use crate::capture::recording::reader::Reader;
use crate::capture::recording::reader::Trouble;
use crate::capture::recording::sniff;
use crate::capture::recording::sniff::Kind;
use crate::capture::recording::wav;
use crate::capture::recording::wav::Body;
use crate::capture::recording::y4m::Y4m;

/// Files whose headers are read beforehand to know how long all of it lasts.
const MEASURED_MAX: usize = 2000;

/// Whether `ffmpeg` may be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    Read,
    /// For measuring: too dear.
    LeaveOut,
}

/// Opens what a part names.
///
/// # Errors
///
/// [`CaptureError`] with the file.
pub(super) fn open_part(
    part: Part,
    options: &Options,
    foreign: Foreign,
) -> Result<Box<dyn Reader>, CaptureError> {
    let (path, kind) = match part {
        Part::Album { folder, files, as_given } => {
            let (order, interval_s) = (options.order, options.frame_interval_s);
            return Ok(Box::new(Album::new(&folder, files, as_given, order, interval_s)?));
        }
        Part::Named(path, kind) => (path, Ok(kind)),
        Part::Found(path, modality) => {
            let kind = sniff::kind(&path, options.raw.is_some(), Some(modality));
            let raw = options.raw.map(|raw| raw.modality());
            let kind = kind.and_then(|kind| match kind.modality(raw) == modality {
                true => Ok(kind),
                false => Err(Trouble::Damaged("it is not of the same kind as the others".into())),
            });
            (path, kind)
        }
    };
    kind.and_then(|kind| open_file(&path, &kind, options, foreign))
        .map_err(|trouble| plan::error(&path, trouble, options))
}

fn open_file(
    path: &Path,
    kind: &Kind,
    options: &Options,
    foreign: Foreign,
) -> Result<Box<dyn Reader>, Trouble> {
    let by_ffmpeg = |what: &str, modality| match foreign {
        Foreign::Read => ffmpeg::open(path, what, modality, options),
        Foreign::LeaveOut => Err(Trouble::NeedsFfmpeg(what.into())),
    };
    let opened: Result<Box<dyn Reader>, Trouble> = match kind {
        Kind::Wav => match wav::open(path)? {
            Body::Plain(reader) => Ok(reader),
            Body::Compressed { stream, frames } => {
                coded::open_stream(stream, frames).map(|reader| Box::new(reader) as _)
            }
            Body::Foreign(what) => Err(Trouble::NeedsFfmpeg(what)),
        },
        Kind::Coded(extension, what) => {
            coded::open(path, extension, what).map(|reader| Box::new(reader) as _)
        }
        Kind::Avi => Avi::open(Box::new(File::open(path)?)).map(|reader| Box::new(reader) as _),
        Kind::Y4m => {
            let file = File::open(path)?;
            let len = file.metadata()?.len();
            Y4m::open(Box::new(file), Some(len)).map(|reader| Box::new(reader) as _)
        }
        Kind::Mjpeg => {
            let format = StreamFormat::Mjpeg { fps: options.mjpeg_fps };
            Ok(Box::new(RawStream::new(Box::new(File::open(path)?), format, None)))
        }
        Kind::Picture => {
            let (files, interval_s) = (vec![path.to_owned()], options.frame_interval_s);
            Album::new(Path::new(""), files, true, FolderOrder::Name, interval_s)
                .map(|reader| Box::new(reader) as _)
                .map_err(|error| Trouble::Damaged(error.to_string()))
        }
        Kind::Foreign(_, what) => Err(Trouble::NeedsFfmpeg(what.clone())),
        Kind::Raw => {
            let format = options.raw.ok_or_else(|| Trouble::Unknown("raw data".into()))?;
            let file = File::open(path)?;
            let len = file.metadata()?.len();
            Ok(Box::new(RawStream::new(Box::new(file), format, Some(len))))
        }
    };
    match opened {
        Err(Trouble::NeedsFfmpeg(what)) => {
            by_ffmpeg(&what, kind.modality(options.raw.map(|raw| raw.modality())))
        }
        opened => opened,
    }
}

/// The length of all parts, where every one tells.
pub(super) fn total_s(parts: &[Part], options: &Options) -> Option<f64> {
    if MEASURED_MAX < parts.len() {
        return None;
    }
    let mut total_s = 0.0;
    for part in parts {
        match open_part(part.clone(), options, Foreign::LeaveOut) {
            Ok(reader) => total_s += reader.total_s()?,
            Err(CaptureError::NeedsFfmpeg { .. }) => return None,
            // What cannot be read takes no time.
            Err(_) => {}
        }
    }
    Some(total_s)
}
