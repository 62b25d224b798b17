//! What every kind of file looks like from outside.

use crate::capture::Loss;
use crate::signal::image::RawImage;

/// One step of a file. Times and positions count from the beginning of the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    /// Mono; never empty.
    Sound { rate_hz: u32, at_sample: u64, samples: Vec<f32> },
    /// One picture.
    Picture { at_s: f64, lasts_s: f64, image: RawImage },
    /// Something is missing or was replaced at the next piece.
    Lost(Loss),
}

/// An opened file.
pub(super) trait Reader: Send {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    ///
    /// In words, when nothing further can be read from this file. What came before stays good.
    fn next(&mut self) -> Result<Option<Piece>, String>;

    /// How long the file lasts, where its header or size tells.
    fn total_s(&self) -> Option<f64> {
        None
    }

    /// Something to tell people, once.
    fn take_warning(&mut self) -> Option<String> {
        None
    }
}

/// Why a file could not be opened.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The operating system refuses.
    Io(std::io::Error),
    /// Not a kind that we know: what it is instead.
    Unknown(String),
    /// A kind we know, with contents that make no sense.
    Damaged(String),
    /// A kind that only `ffmpeg` reads, and it is not there.
    NeedsFfmpeg(String),
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        // A file that ends too early is the file's fault, not the disk's.
        if error.kind() == std::io::ErrorKind::UnexpectedEof {
            Self::Damaged("it ends in the middle of its header".into())
        } else {
            Self::Io(error)
        }
    }
}
