//! The `[[source]]` tables: where sound and pictures come from.

use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::config::name::check_name;
use crate::config::problems::Problems;
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
    /// Recording: at the pace of the recording.
    pub realtime: Option<bool>,
    /// Synthetic: which place.
    pub place: Option<PlaceToml>,
    /// Synthetic: how long.
    pub seconds: Option<f64>,
    /// Microphone, camera, command: a silence this long on the line counts as a stall.
    pub stall_s: Option<f64>,
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

impl SourceToml {
    /// Checks one table; `index` names it in complaints until it has a name of its own.
    pub(crate) fn check(self, index: usize, problems: &mut Problems) -> Option<SourceSettings> {
        let key = |name: &str| format!("source[{index}].{name}");
        let before = problems.len();
        self.refuse_foreign_keys(&key, problems);
        let name = self.name.clone().unwrap_or_else(|| self.default_name().into());
        if let Err(why) = check_name(&name) {
            problems.require(false, &key("name"), || why);
        }
        let positive = |problems: &mut Problems, value: f64, what: &str| {
            problems.require(value.is_finite() && 0.0 < value, &key(what), || {
                format!("{value} must be above 0")
            });
            value
        };
        let stall_s = positive(problems, self.stall_s.unwrap_or(DEFAULT_STALL_S), "stall_s");
        let frames_per_s = positive(problems, self.frames_per_s.unwrap_or(1.0), "frames_per_s");
        problems.require(
            self.encoder_file.is_none() || self.encoder.is_some(),
            &key("encoder_file"),
            || "needs encoder, the manifest that describes this file".into(),
        );
        let kind = match self.kind {
            KindToml::Microphone => {
                SourceKind::Microphone { device: self.device.unwrap_or_else(|| "default".into()) }
            }
            KindToml::Camera => {
                problems.require(
                    self.width.is_some() == self.height.is_some(),
                    &key("width"),
                    || {
                        "width and height go together; leave both out for the camera's choice"
                            .into()
                    },
                );
                SourceKind::Camera {
                    device: self.device,
                    frames_per_s,
                    size: self.width.zip(self.height),
                }
            }
            KindToml::Command => {
                let argv = self.command.clone().unwrap_or_default();
                problems.require(!argv.is_empty(), &key("command"), || {
                    "is missing: a list, the program and its arguments, \
                     such as [\"arecord\", \"-t\", \"raw\", \"-f\", \"S16_LE\", \"-r\", \"16000\"]"
                        .into()
                });
                let format = self.command_format(&key, frames_per_s, problems)?;
                SourceKind::Command { argv, format, restart: self.restart.unwrap_or(true) }
            }
            KindToml::Recording => {
                let paths = self.paths.unwrap_or_default();
                problems.require(!paths.is_empty(), &key("paths"), || {
                    "is missing: a list of files or folders, in order".into()
                });
                SourceKind::Recording {
                    paths,
                    realtime: self.realtime.unwrap_or(true),
                    frames_per_s,
                }
            }
            KindToml::Synthetic => SourceKind::Synthetic {
                place: self.place.unwrap_or(PlaceToml::Room),
                seconds: positive(problems, self.seconds.unwrap_or(86_400.0), "seconds"),
            },
        };
        (problems.len() == before).then_some(SourceSettings {
            name,
            kind,
            encoder: self.encoder,
            encoder_file: self.encoder_file,
            runtime: self.runtime.unwrap_or_default(),
            stall_s,
        })
    }

    const fn default_name(&self) -> &'static str {
        match self.kind {
            KindToml::Microphone => "microphone",
            KindToml::Camera => "camera",
            KindToml::Command => "command",
            KindToml::Recording => "recording",
            KindToml::Synthetic => "synthetic",
        }
    }

    fn refuse_foreign_keys(&self, key: &dyn Fn(&str) -> String, problems: &mut Problems) {
        use KindToml::{Camera, Command, Microphone, Recording, Synthetic};
        let rows: [(&str, bool, &[KindToml]); 13] = [
            ("device", self.device.is_some(), &[Microphone, Camera]),
            ("frames_per_s", self.frames_per_s.is_some(), &[Camera, Command, Recording]),
            ("width", self.width.is_some(), &[Camera, Command]),
            ("height", self.height.is_some(), &[Camera, Command]),
            ("command", self.command.is_some(), &[Command]),
            ("format", self.format.is_some(), &[Command]),
            ("rate_hz", self.rate_hz.is_some(), &[Command]),
            ("channels", self.channels.is_some(), &[Command]),
            ("restart", self.restart.is_some(), &[Command]),
            ("paths", self.paths.is_some(), &[Recording]),
            ("realtime", self.realtime.is_some(), &[Recording]),
            ("place", self.place.is_some(), &[Synthetic]),
            ("seconds", self.seconds.is_some(), &[Synthetic]),
        ];
        for (name, present, kinds) in rows {
            problems.require(!present || kinds.contains(&self.kind), &key(name), || {
                format!("means nothing for kind = {:?}; remove it", self.default_name())
            });
        }
    }

    fn command_format(
        &self,
        key: &dyn Fn(&str) -> String,
        frames_per_s: f64,
        problems: &mut Problems,
    ) -> Option<CommandFormat> {
        let Some(format) = self.format else {
            problems.require(false, &key("format"), || {
                "is missing: one of u8, s16le, s32le, f32le (sound), \
                 rgb24, gray, yuyv422, yuv420p, nv12, mjpeg (pictures)"
                    .into()
            });
            return None;
        };
        if format.is_sound() {
            let rate_hz = self.rate_hz.unwrap_or(16_000);
            let channels = self.channels.unwrap_or(1);
            problems.require((4_000..=384_000).contains(&rate_hz), &key("rate_hz"), || {
                format!("{rate_hz} is outside 4000 to 384000")
            });
            problems.require((1..=64).contains(&channels), &key("channels"), || {
                format!("{channels} is outside 1 to 64")
            });
            return Some(CommandFormat::Sound { sample: format, rate_hz, channels });
        }
        if format == FormatToml::Mjpeg {
            return Some(CommandFormat::Mjpeg { frames_per_s });
        }
        let (width, height) = (self.width.unwrap_or(0), self.height.unwrap_or(0));
        for (name, value) in [("width", width), ("height", height)] {
            problems.require((1..=8_192).contains(&value), &key(name), || {
                format!("{value} is outside 1 to 8192; raw frames need their size stated")
            });
        }
        Some(CommandFormat::Frames { pixels: format, width, height, frames_per_s })
    }
}
