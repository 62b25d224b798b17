//! Recordings as a source: files, folders and lists of them, read as one stream, as fast as they are
//! asked for.
//!
//! Sound is averaged over its channels and keeps its rate. Pictures are delivered undecoded. Nothing
//! is held in memory but the piece at hand and the names of files. Several inputs are one stream:
//! each begins with [`Chunk::Begin`] where the one before has ended.

mod album;
mod avi;
mod coded;
mod ffmpeg;
mod mp4;
mod names;
mod opening;
mod options;
pub mod paced;
mod plan;
mod raw;
mod reader;
mod sniff;
mod wav;
mod y4m;
mod yuv;

use std::collections::VecDeque;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::vec;

pub use crate::capture::recording::options::FolderOrder;
pub use crate::capture::recording::options::Options;
pub use crate::capture::recording::plan::is_taken;

use crate::capture::Chunk;
use crate::capture::Loss;
use crate::capture::LossCause;
use crate::capture::Modality;
use crate::capture::Source;
use crate::capture::error::CaptureError;
use crate::capture::recording::opening::Foreign;
use crate::capture::recording::plan::Part;
use crate::capture::recording::reader::Piece;
use crate::capture::recording::reader::Reader;

/// Warnings held for [`Source::take_warnings`].
const WARNINGS_MAX: usize = 64;

/// Sound or pictures, by the beginning of the file; `None` for what is no recording. Whether all of it
/// can be decoded is for [`open`].
pub fn sense(path: &Path) -> Option<Modality> {
    // A pipe would be waited for.
    path.is_file().then(|| sniff::kind(path, false, None).ok()).flatten().map(|k| k.modality(None))
}

/// Opens `inputs` as one stream: files, folders of pictures, folders of sound or video files.
///
/// A later file that cannot be decoded is a loss ([`LossCause::Damaged`]) and a warning, and the
/// stream goes on. The first input must be good, or of a folder, some file.
///
/// # Errors
///
/// [`CaptureError`] names the file, what was found, and what is readable.
pub fn open(inputs: &[PathBuf], options: &Options) -> Result<Box<dyn Source>, CaptureError> {
    options.check()?;
    let (parts, modality) = plan::plan(inputs, options)?;
    let total_s = opening::total_s(&parts, options);
    let mut recording = Recording {
        parts: parts.into_iter(),
        options: options.clone(),
        modality,
        total_s,
        current: None,
        any: false,
        offset_s: 0.0,
        pending: VecDeque::new(),
        warnings: Vec::new(),
        unheard: 0,
    };
    recording.open_next()?;
    Ok(Box::new(recording))
}

/// The stream of all parts.
struct Recording {
    parts: vec::IntoIter<Part>,
    options: Options,
    modality: Modality,
    total_s: Option<f64>,
    current: Option<Current>,
    /// Whether anything has been delivered.
    any: bool,
    /// Where the current part begins.
    offset_s: f64,
    pending: VecDeque<Chunk>,
    warnings: Vec<String>,
    /// Warnings that found no room.
    unheard: u64,
}

/// The part being read.
struct Current {
    reader: Box<dyn Reader>,
    path: PathBuf,
    /// The user's own choice, whose failure is an error as long as nothing else has come.
    is_named: bool,
    thin: Option<Thinning>,
    /// Where its last piece ends, from its beginning.
    end_s: f64,
}

/// Takes the first picture of each span of time.
#[derive(Debug, Clone, Copy)]
struct Thinning {
    fps: f64,
    span: Option<f64>,
}

impl Thinning {
    fn wants(&mut self, at_s: f64) -> bool {
        // A picture due at the border of a span may lie a rounding error before it.
        let span = (at_s * self.fps + 1e-6).floor();
        let is_new = self.span != Some(span);
        self.span = Some(span);
        is_new
    }
}

impl Recording {
    /// Opens the next part that can be opened.
    fn open_next(&mut self) -> Result<(), CaptureError> {
        self.current = None;
        while let Some(part) = self.parts.next() {
            let (shown, path) = (part.shown(), part.path());
            let is_named = !matches!(part, Part::Found(..));
            let thins = !matches!(part, Part::Album { .. });
            match opening::open_part(part, &self.options, Foreign::Read) {
                Ok(reader) => {
                    let fps = self.options.max_fps.filter(|_| thins);
                    let thin = fps.map(|fps| Thinning { fps, span: None });
                    self.current = Some(Current { reader, path, is_named, thin, end_s: 0.0 });
                    self.pending.push_back(Chunk::Begin { input: shown, at_s: self.offset_s });
                    return Ok(());
                }
                Err(error) if !self.any && (is_named || self.parts.as_slice().is_empty()) => {
                    self.parts = Vec::new().into_iter();
                    return Err(error);
                }
                Err(error) => self.lose_part(error.to_string()),
            }
        }
        Ok(())
    }

    fn lose_part(&mut self, words: String) {
        self.warn(words);
        self.pending.push_back(Chunk::Gap(Loss { cause: LossCause::Damaged, count: 1 }));
    }

    fn warn(&mut self, words: String) {
        if self.warnings.len() < WARNINGS_MAX {
            self.warnings.push(words);
        } else {
            self.unheard += 1;
        }
    }

    /// One step of the current part.
    fn advance(&mut self) -> Result<(), CaptureError> {
        let Some(current) = &mut self.current else { return Ok(()) };
        let piece = current.reader.next();
        let warning = current.reader.take_warning();
        let path = current.path.clone();
        match piece {
            Ok(Some(piece)) => {
                let chunk = current.chunk(piece, self.offset_s);
                self.any |= chunk.is_some();
                self.pending.extend(chunk);
            }
            Ok(None) => {
                self.offset_s += current.end_s;
                self.open_next()?;
            }
            Err(detail) => {
                let error = CaptureError::Damaged { path: path.clone(), detail };
                if current.is_named && !self.any {
                    self.current = None;
                    self.parts = Vec::new().into_iter();
                    return Err(error);
                }
                self.offset_s += current.end_s;
                self.lose_part(error.to_string());
                self.open_next()?;
            }
        }
        if let Some(warning) = warning {
            self.warn(format!("{path:?}: {warning}"));
        }
        Ok(())
    }
}

impl Current {
    /// The piece at its place in the stream; `None` for a picture too many.
    fn chunk(&mut self, piece: Piece, offset_s: f64) -> Option<Chunk> {
        match piece {
            Piece::Sound { rate_hz, at_sample, samples } => {
                let end = at_sample + samples.len() as u64;
                self.end_s = end as f64 / f64::from(rate_hz);
                Some(Chunk::Sound { rate_hz, at_sample, samples })
            }
            Piece::Picture { at_s, lasts_s, image } => {
                self.end_s = at_s + lasts_s;
                let wanted = self.thin.as_mut().is_none_or(|thin| thin.wants(at_s));
                let lasts_s = self.thin.map_or(lasts_s, |thin| lasts_s.max(1.0 / thin.fps));
                wanted.then_some(Chunk::Picture { at_s: offset_s + at_s, lasts_s, image })
            }
            Piece::Lost(loss) => Some(Chunk::Gap(loss)),
        }
    }
}

impl Source for Recording {
    fn modality(&self) -> Modality {
        self.modality
    }

    /// Reads what is next at once; `max_wait` plays no part.
    fn next(&mut self, _max_wait: Duration) -> Result<Option<Chunk>, CaptureError> {
        while self.pending.is_empty() && self.current.is_some() {
            self.advance()?;
        }
        Ok(self.pending.pop_front())
    }

    fn total_s(&self) -> Option<f64> {
        self.total_s
    }

    fn take_warnings(&mut self) -> Vec<String> {
        let mut warnings = std::mem::take(&mut self.warnings);
        if 0 < self.unheard {
            warnings.push(format!("and {} more warnings", self.unheard));
            self.unheard = 0;
        }
        warnings
    }
}
