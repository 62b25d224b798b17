//! What each step of a window's way costs on this machine.

use std::hint::black_box;
use std::time::Duration;

use crate::base::bytes::Writer;
use crate::base::clock::Clock;
use crate::base::modality::Modality;
use crate::capture::Chunk;
use crate::capture::Source;
use crate::capture::synthetic;
use crate::config::learn::LearnSettings;
use crate::config::manifest::FrontEnd;
use crate::encode::Encoder;
use crate::encode::EncoderWindow;
use crate::encode::density::Density;
use crate::encode::error::EncodeError;
use crate::encode::latent::Latent;
use crate::encode::picture::PictureFrontEnd;
use crate::encode::sound::SoundFrontEnd;
use crate::learn::learner::Learner;
use crate::pipeline::speed;

/// Length of the synthetic recording.
const RECORDING_S: f64 = 60.0;

/// Windows that the learner meets before it is timed, so that it is past its warm-up.
const LIVED_WINDOWS: usize = 400;

/// A slow board is timed sooner: after this long, but not before it has met [`LEAST_WINDOWS`].
const LIVED_AT_MOST: Duration = Duration::from_secs(20);

/// Enough for everything to be fitted.
const LEAST_WINDOWS: usize = 64;

/// Seconds from one picture to the next.
const PICTURE_S: f64 = 1.0;

/// Share of a core above which a source falls behind: capture, sinks and a hot day need the rest.
pub const MOST_SHARE: f64 = 0.9;

/// Milliseconds a window, unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stages {
    /// Log-mel frames, or the size and scale of a picture.
    pub front_ms: f64,
    /// The encoder.
    pub encode_ms: f64,
    /// Novelty.
    pub score_ms: f64,
    /// Learning, the steps that come only now and then spread over all windows.
    pub learn_ms: f64,
    /// A checkpoint, without writing it to disk.
    pub checkpoint_ms: f64,
    /// Size of that.
    pub checkpoint_bytes: usize,
    /// Seconds from one window to the next.
    pub hop_s: f64,
    /// What a learner holds at most.
    pub learner_bytes: usize,
}

impl Stages {
    /// Windows a second at most: a source has one thread, so one core.
    pub fn windows_per_s(&self) -> f64 {
        1e3 / (self.front_ms + self.encode_ms + self.score_ms + self.learn_ms)
    }

    /// Frames a second that a camera may give without falling behind, each a window.
    pub fn frames_per_s(&self) -> f64 {
        MOST_SHARE * self.windows_per_s()
    }

    /// Sources of this kind that one core carries: each has a thread of its own.
    pub fn sources_a_core(&self) -> f64 {
        MOST_SHARE * self.hop_s * self.windows_per_s()
    }

    /// Sources that a machine carries with so many cores and so much memory for their learners.
    pub fn sources(&self, cores: usize, memory_bytes: Option<u64>) -> f64 {
        let by_time = cores as f64 * self.sources_a_core();
        let by_memory = memory_bytes.map(|bytes| bytes as f64 / self.learner_bytes.max(1) as f64);
        by_time.min(by_memory.unwrap_or(f64::INFINITY)).floor()
    }
}

/// Times every step for at least `span` each, on a synthetic recording.
///
/// # Errors
///
/// [`EncodeError`] where the encoder cannot run.
pub fn time(
    mut encoder: Box<dyn Encoder>,
    settings: &LearnSettings,
    clock: &dyn Clock,
    span: Duration,
) -> Result<Stages, EncodeError> {
    let (front_ms, windows) = front_end(encoder.as_ref(), clock)?;
    let encode_ms = speed::encode_ms(encoder.as_mut(), clock, span)?;
    let mut latents = Vec::with_capacity(windows.len());
    for window in &windows {
        let mut latent = Latent::zeros(encoder.shape());
        encoder.encode(window, &mut latent)?;
        latents.push(latent);
    }
    let hop_s = match &encoder.manifest().input.front_end {
        FrontEnd::Sound(sound) => sound.hop_s(),
        FrontEnd::Picture(_) => PICTURE_S,
    };
    let density = Density::of(encoder.manifest());
    let mut learner = Learner::new(encoder.shape(), density, settings, 1);
    let mut met = 0;
    let mut next = |learner: &mut Learner| {
        if let Some(latent) = latents.get(met % latents.len().max(1)) {
            let score = learner.score(latent);
            learner.learn(latent, &score, met as f64 * hop_s);
        }
        met += 1;
    };
    let born = clock.now();
    for lived in 0..LIVED_WINDOWS {
        if LEAST_WINDOWS <= lived && born + LIVED_AT_MOST <= clock.now() {
            break;
        }
        next(&mut learner);
    }
    let began = clock.now();
    let mut count = 0.0;
    while count < 1.0 || clock.now() - began < span {
        next(&mut learner);
        count += 1.0;
    }
    let both_ms = (clock.now() - began).as_secs_f64() * 1e3 / count;
    let fine = |work: &mut dyn FnMut()| {
        let mut work = || {
            work();
            Ok::<(), EncodeError>(())
        };
        speed::median_ms(clock, span, &mut work)
    };
    let score_ms = match latents.first() {
        Some(latent) => fine(&mut || {
            black_box(learner.score(latent));
        })?,
        None => 0.0,
    };
    let mut checkpoint_bytes = 0;
    let checkpoint_ms = fine(&mut || {
        let mut writer = Writer::default();
        learner.save(&mut writer);
        checkpoint_bytes = writer.into_bytes().len();
    })?;
    let learn_ms = (both_ms - score_ms).max(0.0);
    let learner_bytes = learner.state_bytes();
    Ok(Stages {
        front_ms,
        encode_ms,
        score_ms,
        learn_ms,
        checkpoint_ms,
        checkpoint_bytes,
        hop_s,
        learner_bytes,
    })
}

/// The windows of a synthetic recording, and what making each cost. Making up the recording is not
/// counted.
fn front_end(
    encoder: &dyn Encoder,
    clock: &dyn Clock,
) -> Result<(f64, Vec<EncoderWindow>), EncodeError> {
    let manifest = encoder.manifest();
    let mut windows = Vec::new();
    let mut spent = Duration::ZERO;
    match manifest.modality() {
        Modality::Sound => {
            let mut front = SoundFrontEnd::new(manifest)?;
            for chunk in chunks(&mut synthetic::room(1, RECORDING_S)) {
                let Chunk::Sound { rate_hz, samples, .. } = chunk else { continue };
                let before = clock.now();
                front.push(&samples, rate_hz, &mut |window| windows.push(window.clone()))?;
                spent += clock.now() - before;
            }
        }
        Modality::Picture => {
            let mut front = PictureFrontEnd::new(manifest)?;
            for chunk in chunks(&mut synthetic::view(1, RECORDING_S, 1.0 / PICTURE_S)) {
                let Chunk::Picture { at_s, lasts_s, image } = chunk else { continue };
                let before = clock.now();
                windows.push(front.window(&image, at_s, lasts_s)?.0.clone());
                spent += clock.now() - before;
            }
        }
    }
    let count = windows.len().max(1) as f64;
    Ok((spent.as_secs_f64() * 1e3 / count, windows))
}

/// Synthetic places neither wait nor fail.
fn chunks(source: &mut dyn Source) -> impl Iterator<Item = Chunk> {
    std::iter::from_fn(|| source.next(Duration::ZERO).ok().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_may_fill_nine_tenths_of_a_core_and_no_checkpoint_counts() {
        let stages = Stages {
            front_ms: 1.0,
            encode_ms: 5.0,
            score_ms: 1.5,
            learn_ms: 2.5,
            checkpoint_ms: 1e3,
            checkpoint_bytes: 0,
            hop_s: 0.5,
            learner_bytes: 10_000_000,
        };
        assert!((stages.windows_per_s() - 100.0).abs() < 1e-9);
        assert!((stages.frames_per_s() - 90.0).abs() < 1e-9);
        assert!((stages.sources_a_core() - 45.0).abs() < 1e-9);
        assert!((stages.sources(2, None) - 90.0).abs() < 1e-9);
        assert!((stages.sources(2, Some(345_000_000)) - 34.0).abs() < 1e-9, "no memory for more");
    }
}
