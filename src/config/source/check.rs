//! Which `[[source]]` tables make sense, each by itself.

use crate::config::beside::Stated;
use crate::config::name::check_name;
use crate::config::problems::Problems;
use crate::config::source::CommandFormat;
use crate::config::source::DEFAULT_STALL_S;
use crate::config::source::FormatToml;
use crate::config::source::KindToml;
use crate::config::source::PlaceToml;
use crate::config::source::SourceKind;
use crate::config::source::SourceSettings;
use crate::config::source::SourceToml;

impl SourceToml {
    /// Checks one table; `index` names it in complaints until it has a name of its own.
    pub(crate) fn check(self, index: usize, problems: &mut Problems) -> Option<SourceSettings> {
        let key = |name: &str| format!("source[{index}].{name}");
        let before = problems.len();
        self.refuse_foreign_keys(&key, problems);
        let Stated { name, beside } = self.stated();
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
        let frames_per_s = self.frames_per_s.unwrap_or(1.0);
        problems.require((1e-5..=1000.0).contains(&frames_per_s), &key("frames_per_s"), || {
            format!("{frames_per_s} is outside 0.00001 to 1000 pictures per second")
        });
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
                realtime: self.realtime.unwrap_or(false),
            },
        };
        (problems.len() == before).then_some(SourceSettings {
            name,
            kind,
            encoder: self.encoder,
            encoder_file: self.encoder_file,
            runtime: self.runtime.unwrap_or_default(),
            stall_s,
            beside,
        })
    }

    /// What it says of itself, whether or not the rest is right.
    pub(crate) fn stated(&self) -> Stated {
        Stated {
            name: self.name.clone().unwrap_or_else(|| self.default_name().into()),
            beside: self.beside.clone(),
        }
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
            ("realtime", self.realtime.is_some(), &[Recording, Synthetic]),
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
