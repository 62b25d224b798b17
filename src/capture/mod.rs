//! Where sound and pictures come from: microphones, cameras, commands, recordings, a synthetic place.
//!
//! Every source delivers [`Chunk`]s in time order through one trait, [`Source`]. Time is counted in
//! samples (sound) or stated per frame (pictures), in seconds since the stream began, never read
//! from the wall clock.

pub mod camera;
pub mod command;
pub mod devices;
pub mod error;
pub mod microphone;
pub mod own_thread;
pub mod recording;
pub mod supervised;
pub mod synthetic;

use std::time::Duration;

pub use crate::base::modality::Modality;

use crate::capture::error::CaptureError;
use crate::signal::image::RawImage;

/// What a source delivers.
#[derive(Debug, Clone, PartialEq)]
pub enum Chunk {
    /// A new recording begins (or a device was opened again). No window may straddle this point.
    Begin {
        /// File or device, for people.
        input: String,
        /// Seconds since the stream began; never runs backwards.
        at_s: f64,
    },
    /// Mono samples, −1 to 1, that follow each other without a gap.
    Sound {
        /// Samples per second.
        rate_hz: u32,
        /// Index of the first sample since the last [`Chunk::Begin`].
        at_sample: u64,
        /// Never empty.
        samples: Vec<f32>,
    },
    /// One picture.
    Picture {
        /// Seconds since the stream began.
        at_s: f64,
        /// How long it stands for: until the next frame is due.
        lasts_s: f64,
        /// Not yet decoded.
        image: RawImage,
    },
    /// Something is missing before the next chunk: no window may straddle this point.
    Gap(Loss),
    /// Nothing came within the waiting time. Not an error: an idle pipe, or a stalled device, which
    /// the supervisor notices by its own clock.
    Idle,
}

/// What was lost, and why. Counted by cause and shown in `status` and the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// Why.
    pub cause: LossCause,
    /// Samples or frames.
    pub count: u64,
}

/// Why samples or frames were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LossCause {
    /// The ring was full: we were late.
    Overrun,
    /// The device or its driver dropped data.
    Device,
    /// Bytes that could not be decoded.
    Damaged,
    /// A frame that came in a size or rate other than stated.
    ShortFrame,
    /// Sound between two losses, or before the first, that is too short to be judged.
    ShortStretch,
}

impl LossCause {
    /// The name in reports and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overrun => "overrun",
            Self::Device => "device",
            Self::Damaged => "damaged",
            Self::ShortFrame => "short_frame",
            Self::ShortStretch => "short_stretch",
        }
    }
}

/// Something that delivers chunks. An open source: making one opens the device or the first file.
pub trait Source: Send {
    /// Sound or pictures.
    fn modality(&self) -> Modality;

    /// The next chunk; `None` when the source has ended for good (recordings, commands that exit 0).
    /// Waits at most about `max_wait` and then says [`Chunk::Idle`].
    ///
    /// # Errors
    ///
    /// [`CaptureError`]; its `recovery()` says whether to open the source again.
    fn next(&mut self, max_wait: Duration) -> Result<Option<Chunk>, CaptureError>;

    /// Nothing of what it has delivered for so long could be used: a device is opened again, which may
    /// have changed what it delivers.
    ///
    /// # Errors
    ///
    /// As [`Source::next`].
    fn complain(&mut self, _useless_for: Duration) -> Result<(), CaptureError> {
        Ok(())
    }

    /// What it delivers is of use. Only a source that was complained of needs to hear that.
    fn vouch(&mut self) {}

    /// Seconds of input in all, where that is known beforehand (recordings): for progress bars.
    fn total_s(&self) -> Option<f64> {
        None
    }

    /// What was skipped or repaired since the last call, in words, for the log. Bounded: what is not
    /// fetched in time is counted in the last line.
    fn take_warnings(&mut self) -> Vec<String> {
        Vec::new()
    }
}
