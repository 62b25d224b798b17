//! What a source makes of a recording.

use std::time::Duration;

use habituate::capture::Chunk;
use habituate::capture::Loss;
use habituate::capture::Source;
use habituate::capture::error::CaptureError;
use habituate::signal::image::RawImage;

/// All that a source delivered.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Taken {
    /// Where each part begins, in seconds.
    pub(crate) begins: Vec<f64>,
    /// All samples, of all parts.
    pub(crate) samples: Vec<f32>,
    /// Position of the first sample of each chunk, and the chunk's rate.
    pub(crate) positions: Vec<(u64, u32)>,
    /// Time, duration and picture.
    pub(crate) pictures: Vec<(f64, f64, RawImage)>,
    pub(crate) losses: Vec<Loss>,
    pub(crate) warnings: Vec<String>,
}

/// Takes everything until the end.
pub(crate) fn take_all(source: &mut dyn Source) -> Result<Taken, CaptureError> {
    let mut taken = Taken::default();
    while let Some(chunk) = source.next(Duration::from_secs(30))? {
        match chunk {
            Chunk::Begin { at_s, .. } => taken.begins.push(at_s),
            Chunk::Sound { rate_hz, at_sample, samples } => {
                assert!(!samples.is_empty(), "a chunk of sound is never empty");
                taken.positions.push((at_sample, rate_hz));
                taken.samples.extend(samples);
            }
            Chunk::Picture { at_s, lasts_s, image } => taken.pictures.push((at_s, lasts_s, image)),
            Chunk::Gap(loss) => taken.losses.push(loss),
            Chunk::Idle => {}
        }
    }
    taken.warnings = source.take_warnings();
    Ok(taken)
}

/// Whether `ffmpeg` is here; says so if not.
pub(crate) fn has_ffmpeg() -> bool {
    let found = std::process::Command::new("ffmpeg").arg("-version").output().is_ok();
    if !found {
        eprintln!("no ffmpeg on this machine: skipped");
    }
    found
}
