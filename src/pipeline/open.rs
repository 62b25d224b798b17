//! From a configured source to an open one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::Clock;
use crate::base::clock::SystemClock;
use crate::base::stop::Stop;
use crate::capture::Modality;
use crate::capture::Source;
use crate::capture::camera::Camera;
use crate::capture::camera::CameraSettings;
use crate::capture::command;
use crate::capture::command::CommandSpec;
use crate::capture::command::Program;
use crate::capture::command::format::SampleFormat;
use crate::capture::command::format::StreamFormat;
use crate::capture::error::CaptureError;
use crate::capture::microphone::Microphone;
use crate::capture::microphone::MicrophoneSettings;
use crate::capture::recording;
use crate::capture::recording::paced;
use crate::capture::supervised::StatusHandle;
use crate::capture::supervised::Supervised;
use crate::capture::synthetic;
use crate::config::beside;
use crate::config::source::CommandFormat;
use crate::config::source::FormatToml;
use crate::config::source::PlaceToml;
use crate::config::source::SourceKind;
use crate::config::source::SourceSettings;
use crate::pipeline::mend;
use crate::pipeline::mend::User;
use crate::signal::image::PixelFormat;

/// Smallest picture asked of a camera that may choose: encoders see less than this.
const CAMERA_SIZE: (u32, u32) = (320, 240);

/// Rate asked of a microphone that offers several: that of the bundled encoders.
const PREFERRED_RATE_HZ: u32 = 16_000;

/// A silence of a day is one, whatever the configuration says.
const LONGEST_STALL_S: f64 = 86_400.0;

/// What opening needs besides the source's own settings.
#[derive(Debug, Clone)]
pub struct OpenWith {
    /// Interrupts every wait.
    pub stop: Stop,
    /// Start of the random sequences of synthetic places and of retry times.
    pub seed: u64,
}

/// Sound or pictures. Looks into recordings, touches no device.
///
/// # Errors
///
/// [`CaptureError`] for recordings that cannot be read.
pub fn modality(source: &SourceSettings, with: &OpenWith) -> Result<Modality, CaptureError> {
    match beside::modality(&source.kind) {
        Some(modality) => Ok(modality),
        None => Ok(open(source, with)?.modality()),
    }
}

/// Whether the source is heard or seen now, rather than recorded or made up.
pub const fn is_live(source: &SourceSettings) -> bool {
    match source.kind {
        SourceKind::Microphone { .. } | SourceKind::Camera { .. } | SourceKind::Command { .. } => {
            true
        }
        SourceKind::Recording { .. } | SourceKind::Synthetic { .. } => false,
    }
}

/// Opens the device, file, command or place.
///
/// # Errors
///
/// [`CaptureError`]; its `recovery()` says whether another try makes sense.
pub fn open(source: &SourceSettings, with: &OpenWith) -> Result<Box<dyn Source>, CaptureError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let stall_after = Duration::from_secs_f64(source.stall_s);
    Ok(match &source.kind {
        SourceKind::Microphone { device } => {
            let settings = MicrophoneSettings {
                device: Some(device.clone()),
                prefer_rate_hz: PREFERRED_RATE_HZ,
                stall_after,
            };
            Box::new(Microphone::open(&settings, clock)?)
        }
        SourceKind::Camera { device, frames_per_s, size } => {
            let settings = CameraSettings {
                device: device.clone(),
                size: size.map_or(CAMERA_SIZE, |(width, height)| (narrow(width), narrow(height))),
                frames_per_s: *frames_per_s,
                stall_after,
            };
            Box::new(Camera::open(&settings, clock)?)
        }
        SourceKind::Command { argv, format, restart } => {
            let spec = CommandSpec {
                program: Program::Argv(argv.clone()),
                format: stream_format(format),
                restart: *restart,
            };
            Box::new(command::open(&spec)?)
        }
        SourceKind::Recording { paths, realtime, frames_per_s } => {
            at_pace(recording(paths, *frames_per_s)?, *realtime, with)
        }
        SourceKind::Synthetic { place, seconds, realtime } => {
            let made: Box<dyn Source> = match place {
                PlaceToml::Room => Box::new(synthetic::room(with.seed, *seconds)),
                PlaceToml::View => Box::new(synthetic::view(with.seed, *seconds, 1.0)),
            };
            at_pace(made, *realtime, with)
        }
    })
}

fn at_pace(source: Box<dyn Source>, realtime: bool, with: &OpenWith) -> Box<dyn Source> {
    if realtime { paced::paced(source, with.stop.clone()) } else { source }
}

fn recording(paths: &[PathBuf], frames_per_s: f64) -> Result<Box<dyn Source>, CaptureError> {
    let options = recording::Options {
        frame_interval_s: 1.0 / frames_per_s,
        max_fps: Some(frames_per_s),
        ..recording::Options::default()
    };
    recording::open(paths, &options)
}

/// The source as the daemon runs it: opened on its first use, and again for as long as it takes.
pub fn supervised(
    source: &SourceSettings,
    modality: Modality,
    with: &OpenWith,
) -> (Box<dyn Source>, StatusHandle) {
    let (settings, inner) = (source.clone(), with.clone());
    let mut supervised = Supervised::new(
        &source.name,
        modality,
        Box::new(move || open(&settings, &inner)),
        Arc::new(SystemClock),
        with.stop.clone(),
        with.seed,
    );
    let (kind, user) = (source.kind.clone(), User::current());
    supervised = supervised.mended_by(Box::new(move |error| mend::of(error, &kind, user)));
    if let SourceKind::Command { format, .. } = &source.kind {
        // Microphones and cameras keep such a clock themselves.
        supervised = supervised.stalls_after(command_stall(format, source.stall_s));
    }
    let status = supervised.status();
    (Box::new(supervised), status)
}

/// A time-lapse may be slower than the silence that counts as a stall.
fn command_stall(format: &CommandFormat, stall_s: f64) -> Duration {
    let slow_s = match format {
        CommandFormat::Sound { .. } => 0.0,
        CommandFormat::Frames { frames_per_s, .. } | CommandFormat::Mjpeg { frames_per_s } => {
            3.0 / frames_per_s
        }
    };
    Duration::from_secs_f64(stall_s.max(slow_s).min(LONGEST_STALL_S))
}

const fn stream_format(format: &CommandFormat) -> StreamFormat {
    match *format {
        CommandFormat::Sound { sample, rate_hz, channels } => {
            let sample = match sample {
                FormatToml::U8 => SampleFormat::U8,
                FormatToml::S32le => SampleFormat::S32le,
                FormatToml::F32le => SampleFormat::F32le,
                // The configuration has checked that only sound formats come here.
                _ => SampleFormat::S16le,
            };
            StreamFormat::Pcm { rate_hz, channels, sample }
        }
        CommandFormat::Frames { pixels, width, height, frames_per_s } => {
            let pixels = match pixels {
                FormatToml::Gray => PixelFormat::Grey8,
                FormatToml::Yuyv422 => PixelFormat::Yuyv,
                FormatToml::Yuv420p => PixelFormat::I420,
                FormatToml::Nv12 => PixelFormat::Nv12,
                // The configuration has checked that only raw picture formats come here.
                _ => PixelFormat::Rgb8,
            };
            StreamFormat::RawVideo { width, height, pixels, fps: frames_per_s }
        }
        CommandFormat::Mjpeg { frames_per_s } => StreamFormat::Mjpeg { fps: frames_per_s },
    }
}

/// The configuration bounds sizes far below `u32::MAX`.
fn narrow(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
