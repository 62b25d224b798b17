//! How recordings are read.

use crate::capture::Modality;
use crate::capture::command::format;
use crate::capture::command::format::StreamFormat;
use crate::capture::error::CaptureError;

/// In which order, and how far apart, the pictures of a folder are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FolderOrder {
    /// By the times in their names where every name has one, else by name.
    #[default]
    Auto,
    /// By name, numbers as people count, at [`Options::frame_interval_s`].
    Name,
    /// By the times in their names; a name without one is an error.
    Time,
}

/// How recordings are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Order of pictures.
    pub order: FolderOrder,
    /// Seconds from one picture to the next where names tell no times.
    pub frame_interval_s: f64,
    /// Pictures per second taken from videos: of each such span the first. `None` takes all.
    pub max_fps: Option<f64>,
    /// Pictures per second of MJPEG streams, which do not say.
    pub mjpeg_fps: f64,
    /// What files are whose first bytes are unknown.
    pub raw: Option<StreamFormat>,
    /// What to take from files that hold both; pictures where nothing is said.
    pub modality: Option<Modality>,
    /// The program that reads what we do not.
    pub ffmpeg: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            order: FolderOrder::Auto,
            frame_interval_s: 1.0,
            max_fps: Some(2.0),
            mjpeg_fps: 10.0,
            raw: None,
            modality: None,
            ffmpeg: "ffmpeg".into(),
        }
    }
}

impl Options {
    pub(super) fn check(&self) -> Result<(), CaptureError> {
        format::check_fps(1.0 / self.frame_interval_s)?;
        format::check_fps(self.mjpeg_fps)?;
        self.max_fps.map_or(Ok(()), format::check_fps)?;
        self.raw.map_or(Ok(()), |raw| raw.check())
    }
}
