//! The `[[source]]` tables: where sound and pictures come from.

mod check;

use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::config::runtime::RuntimeToml;

/// As written. One flat table: which keys mean anything depends on `kind`, and a key that means
/// nothing for its kind is a problem, not a silent no-op.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SourceToml {
    /// Unique; names the source in events, scores and the state directory.
    pub name: Option<String>,
    /// What delivers.
    pub kind: KindToml,
    /// Encoder: a bundled name or the path of a manifest.
    pub encoder: Option<String>,
    /// The ONNX file, where the manifest's own lies elsewhere.
    pub encoder_file: Option<PathBuf>,
    /// What runs the encoder.
    pub runtime: Option<RuntimeToml>,
    /// Microphone, camera: which one.
    pub device: Option<String>,
    /// Camera: frames looked at per second; recordings of pictures by name: frames per second.
    pub frames_per_s: Option<f64>,
    /// Camera, raw video command: picture width.
    pub width: Option<usize>,
    /// Camera, raw video command: picture height.
    pub height: Option<usize>,
    /// Command: the program and its arguments.
    pub command: Option<Vec<String>>,
    /// Command: what comes out of the pipe.
    pub format: Option<FormatToml>,
    /// Command with sound: samples per second.
    pub rate_hz: Option<u32>,
    /// Command with sound: channels, interleaved.
    pub channels: Option<u16>,
    /// Command: start it again after it ended well.
    pub restart: Option<bool>,
    /// Recording: files or folders, in order.
    pub paths: Option<Vec<PathBuf>>,
    /// Recording, synthetic: at its own pace.
    pub realtime: Option<bool>,
    /// Synthetic: which place.
    pub place: Option<PlaceToml>,
    /// Synthetic: how long.
    pub seconds: Option<f64>,
    /// Microphone, camera, command: a silence this long on the line counts as a stall.
    pub stall_s: Option<f64>,
    /// Name of a source of the other sense and of the same place: what belongs together is learnt.
    pub beside: Option<String>,
}

/// What delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KindToml {
    /// An ALSA device.
    Microphone,
    /// A V4L2 device.
    Camera,
    /// A program that writes to a pipe.
    Command,
    /// Files.
    Recording,
    /// Made by this program.
    Synthetic,
}

/// What a command writes to its pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FormatToml {
    /// Interleaved unsigned bytes.
    U8,
    /// Interleaved 16-bit little-endian samples.
    S16le,
    /// Interleaved 32-bit little-endian samples.
    S32le,
    /// Interleaved 32-bit little-endian floats.
    F32le,
    /// Frames of `width * height * 3` bytes.
    Rgb24,
    /// Frames of `width * height` bytes.
    Gray,
    /// Packed 4:2:2 frames.
    Yuyv422,
    /// Frames of 4:2:0 planes.
    Yuv420p,
    /// Frames of a plane of luma and one of chroma.
    Nv12,
    /// JPEG after JPEG.
    Mjpeg,
}

impl FormatToml {
    /// Whether samples come out rather than frames.
    pub const fn is_sound(self) -> bool {
        matches!(self, Self::U8 | Self::S16le | Self::S32le | Self::F32le)
    }
}

/// A synthetic place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceToml {
    /// A room that hums and ticks.
    Room,
    /// A fixed view with day and night.
    View,
}

/// As used.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceSettings {
    /// Unique among sources; letters, digits, `-` and `_`.
    pub name: String,
    /// What delivers, with all it needs.
    pub kind: SourceKind,
    /// A bundled name or the path of a manifest; `None` for the bundled default.
    pub encoder: Option<String>,
    /// The ONNX file, where the manifest's own lies elsewhere.
    pub encoder_file: Option<PathBuf>,
    /// What runs the encoder.
    pub runtime: RuntimeToml,
    /// Seconds without data after which the source counts as stalled.
    pub stall_s: f64,
    /// Another source, of the other sense; no source is in two pairs.
    pub beside: Option<String>,
}

/// What delivers, with all it needs.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceKind {
    /// An ALSA device.
    Microphone {
        /// A stable name, a card id, a PCM name or `default`.
        device: String,
    },
    /// A V4L2 device.
    Camera {
        /// A path, a stable name or part of the device's name; `None` for the first there is.
        device: Option<String>,
        /// Frames looked at per second.
        frames_per_s: f64,
        /// Preferred size, or the device's choice.
        size: Option<(usize, usize)>,
    },
    /// A program that writes to a pipe.
    Command {
        /// The program and its arguments; never empty.
        argv: Vec<String>,
        /// What it writes.
        format: CommandFormat,
        /// Start it again after it ended well.
        restart: bool,
    },
    /// Files.
    Recording {
        /// In order; never empty.
        paths: Vec<PathBuf>,
        /// At the pace of the recording.
        realtime: bool,
        /// For pictures without times of their own.
        frames_per_s: f64,
    },
    /// Made by this program.
    Synthetic {
        /// Which place.
        place: PlaceToml,
        /// How long.
        seconds: f64,
        /// At its own pace, rather than as fast as it is dealt with.
        realtime: bool,
    },
}

/// What a command writes to its pipe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CommandFormat {
    /// Interleaved samples; `sample` is one of the sound formats.
    Sound {
        /// How a sample is written.
        sample: FormatToml,
        /// Samples per second.
        rate_hz: u32,
        /// Interleaved channels.
        channels: u16,
    },
    /// Frames of one size; `pixels` is one of the raw picture formats.
    Frames {
        /// How a pixel is written.
        pixels: FormatToml,
        /// From left to right.
        width: usize,
        /// From top to bottom.
        height: usize,
        /// Frames per second.
        frames_per_s: f64,
    },
    /// JPEG after JPEG.
    Mjpeg {
        /// Frames per second.
        frames_per_s: f64,
    },
}

impl CommandFormat {
    /// Whether samples come out rather than frames.
    pub const fn is_sound(self) -> bool {
        matches!(self, Self::Sound { .. })
    }
}

/// Seconds without data after which a source counts as stalled, unless the configuration says else.
pub const DEFAULT_STALL_S: f64 = 10.0;

impl Default for SourceSettings {
    /// What an empty configuration listens to: the default microphone.
    fn default() -> Self {
        Self {
            name: "microphone".into(),
            kind: SourceKind::Microphone { device: "default".into() },
            encoder: None,
            encoder_file: None,
            runtime: RuntimeToml::Tract,
            stall_s: DEFAULT_STALL_S,
            beside: None,
        }
    }
}

impl SourceSettings {
    /// One run over recordings, as `replay` makes it from its arguments.
    pub fn recording(name: &str, paths: Vec<PathBuf>, realtime: bool, frames_per_s: f64) -> Self {
        Self {
            name: name.into(),
            kind: SourceKind::Recording { paths, realtime, frames_per_s },
            ..Self::default()
        }
    }
}
