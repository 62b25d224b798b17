//! From samples to windows of log-mel frames.
//!
//! Time is counted in samples, from the moment that [`SoundFrontEnd::begin`] names. No window straddles
//! such a moment: what is held is given out first.
//!
//! The end of a stretch: after the last full window a further one, the last that the stretch has room for, is
//! given only if at least a quarter of it is new. Silence would not do there: where sound breaks off, a click
//! fills bands in which nothing ever was, and that is most unusual. A recording shorter than a window gives one all
//! the same, followed by silence, of which [`EncoderWindow::valid`] says how much is real; a stretch that is so short
//! because sound is missing gives none ([`SoundFrontEnd::begin`]).

use crate::config::manifest::{FrontEnd, Manifest, SoundSpec};
use crate::encode::EncoderWindow;
use crate::encode::error::EncodeError;
use crate::signal::logmel::LogMel;
use crate::signal::resample::RateConverter;

/// Loudest sample that is believed, far above anything that a converter or a file gives: the square
/// of the spectrum of louder ones would not fit an `f32`.
const LOUDEST: f32 = 1e6;

/// New frames, as a share of a window, that are worth a last window.
const WORTH_A_WINDOW: usize = 4;

/// The front end of one microphone.
#[derive(Debug)]
pub struct SoundFrontEnd {
    rate_hz: u32,
    log_mel: LogMel,
    converter: Option<RateConverter>,
    clean: Vec<f32>,
    resampled: Vec<f32>,
    replaced: u64,
    source_samples: u64,
    windows: Windows,
}

impl SoundFrontEnd {
    /// A front end as `manifest` describes it, at the beginning of a stretch at 0 s.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Modality`] for an encoder of pictures.
    pub fn new(manifest: &Manifest) -> Result<Self, EncodeError> {
        let FrontEnd::Sound(spec) = &manifest.input.front_end else {
            let (it_is_for, wanted) = ("pictures", "sound");
            return Err(EncodeError::Modality { name: manifest.name.clone(), it_is_for, wanted });
        };
        Ok(Self {
            rate_hz: spec.rate_hz,
            log_mel: LogMel::new(&spec.log_mel, spec.rate_hz),
            converter: None,
            clean: Vec::new(),
            resampled: Vec::new(),
            replaced: 0,
            source_samples: 0,
            windows: Windows::new(spec.clone()),
        })
    }

    /// Begins a stretch at `at_s`. Where one was going on, sound is missing between the two: one that was too short
    /// for a window gives none. Gives back how many samples that were, at the rate at which they came.
    pub fn begin(&mut self, at_s: f64, emit: &mut dyn FnMut(&EncoderWindow)) -> u64 {
        self.end_stretch(emit);
        let unheard = if self.windows.given == 0 { self.source_samples } else { 0 };
        self.log_mel.reset();
        self.source_samples = 0;
        self.windows.begin(at_s);
        unheard
    }

    /// Takes in samples that follow the last ones without a gap. Samples that are not finite, or absurdly
    /// loud, are replaced by silence and counted. A change of rate ends the stretch; the next one begins
    /// at that moment.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Rate`] for a rate that nothing records at; nothing is taken in then.
    pub fn push(
        &mut self,
        samples: &[f32],
        rate_hz: u32,
        emit: &mut dyn FnMut(&EncoderWindow),
    ) -> Result<(), EncodeError> {
        if self.converter.as_ref().is_none_or(|converter| converter.from_hz() != rate_hz) {
            let converter = RateConverter::new(rate_hz, self.rate_hz)?;
            self.finish(emit);
            self.converter = Some(converter);
        }
        self.clean.clear();
        let replaced = &mut self.replaced;
        self.clean.extend(samples.iter().map(|&sample| {
            if sample.abs() <= LOUDEST {
                sample
            } else {
                *replaced += 1;
                0.0
            }
        }));
        self.source_samples += samples.len() as u64;
        self.resampled.clear();
        if let Some(converter) = &mut self.converter {
            converter.push(&self.clean, &mut self.resampled);
        }
        self.analyse(emit);
        Ok(())
    }

    /// Ends the stretch: gives out what is held. A stretch that follows without a
    /// [`SoundFrontEnd::begin`] begins where this one ended.
    pub fn finish(&mut self, emit: &mut dyn FnMut(&EncoderWindow)) {
        self.end_stretch(emit);
        let from_hz = self.converter.as_ref().map_or(self.rate_hz, RateConverter::from_hz);
        let seconds = self.source_samples as f64 / f64::from(from_hz);
        let missing = self.windows.missing_samples();
        if 0 < missing {
            self.resampled.clear();
            self.resampled.resize(missing, 0.0);
            self.windows.hold(&self.resampled);
            let windows = &mut self.windows;
            self.log_mel.push(&self.resampled, &mut |frame| windows.add(frame, emit));
        }
        self.log_mel.reset();
        self.source_samples = 0;
        self.windows.begin(self.windows.stretch_s + seconds);
    }

    /// Whole windows alone.
    fn end_stretch(&mut self, emit: &mut dyn FnMut(&EncoderWindow)) {
        self.resampled.clear();
        if let Some(converter) = &mut self.converter {
            converter.finish(&mut self.resampled);
        }
        self.analyse(emit);
        self.windows.give_last(emit);
    }

    /// From now on windows carry the samples that they were made of.
    pub const fn keep_signal(&mut self) {
        self.windows.keeps_signal = true;
    }

    /// Samples so far that were not finite, or absurdly loud.
    pub const fn replaced_samples(&self) -> u64 {
        self.replaced
    }

    fn analyse(&mut self, emit: &mut dyn FnMut(&EncoderWindow)) {
        let windows = &mut self.windows;
        // Counted first: a window must know how much of it is real when it is given.
        windows.samples += self.resampled.len() as u64;
        windows.hold(&self.resampled);
        self.log_mel.push(&self.resampled, &mut |frame| windows.add(frame, emit));
    }
}

/// Frames of the present stretch that a later window still needs.
#[derive(Debug)]
struct Windows {
    spec: SoundSpec,
    /// Seconds at which the stretch began.
    stretch_s: f64,
    /// Real samples of the stretch, at the encoder's rate.
    samples: u64,
    /// Number of the first frame held: the start of the next window.
    first_frame: u64,
    /// Windows given in this stretch.
    given: u64,
    /// The frames held, and the window that they become.
    window: EncoderWindow,
    keeps_signal: bool,
    /// Samples from the first frame held on, where they are kept.
    signal: Vec<f32>,
    /// Frames and samples between the start of the window before and that of the next.
    before: (Vec<f32>, Vec<f32>),
}

impl Windows {
    fn new(spec: SoundSpec) -> Self {
        let mut window = EncoderWindow::empty();
        window.input.reserve_exact(spec.window_frames * spec.log_mel.bands);
        Self {
            spec,
            stretch_s: 0.0,
            samples: 0,
            first_frame: 0,
            given: 0,
            window,
            keeps_signal: false,
            signal: Vec::new(),
            before: (Vec::new(), Vec::new()),
        }
    }

    fn begin(&mut self, at_s: f64) {
        self.stretch_s = at_s;
        self.samples = 0;
        self.first_frame = 0;
        self.given = 0;
        self.window.input.clear();
        self.signal.clear();
    }

    fn hold(&mut self, samples: &[f32]) {
        if self.keeps_signal {
            self.signal.extend_from_slice(samples);
        }
    }

    fn add(&mut self, frame: &[f32], emit: &mut dyn FnMut(&EncoderWindow)) {
        let bands = self.spec.log_mel.bands;
        let (scale, offset) = (self.spec.scale, self.spec.offset);
        self.window.input.extend(frame.iter().map(|x| x * scale + offset));
        if self.window.input.len() < self.spec.window_frames * bands {
            return;
        }
        self.give(emit);
        let (frames, samples) = &mut self.before;
        let gone = self.spec.hop_frames * self.spec.log_mel.hop_samples;
        samples.clear();
        samples.extend(self.signal.drain(..gone.min(self.signal.len())));
        self.given += 1;
        self.first_frame += self.spec.hop_frames as u64;
        let kept = self.spec.hop_frames * bands;
        frames.clear();
        frames.extend(self.window.input.drain(..kept));
    }

    /// Gives the window that begins with the first frame held.
    fn give(&mut self, emit: &mut dyn FnMut(&EncoderWindow)) {
        let rate_hz = f64::from(self.spec.rate_hz);
        let first_sample = self.first_sample();
        let real = self.samples.saturating_sub(first_sample);
        let end_sample = first_sample + real.min(self.spec.window_samples() as u64);
        self.window.start_s = self.stretch_s + first_sample as f64 / rate_hz;
        self.window.end_s = self.stretch_s + end_sample as f64 / rate_hz;
        let whole = self.spec.window_frames * self.spec.log_mel.hop_samples;
        self.window.valid = (real as f64 / whole as f64).min(1.0);
        let whole = self.spec.window_samples().min(self.signal.len());
        self.window.signal.clear();
        self.window.signal.extend_from_slice(&self.signal[..whole]);
        emit(&self.window);
    }

    /// The last window that the stretch has room for, if enough of it is new.
    fn give_last(&mut self, emit: &mut dyn FnMut(&EncoderWindow)) {
        let (spec, bands) = (&self.spec, self.spec.log_mel.bands);
        let held = self.window.input.len() / bands;
        let new = held.saturating_sub(spec.window_frames - spec.hop_frames);
        if self.given == 0 || new * WORTH_A_WINDOW < spec.window_frames {
            return;
        }
        // As many frames of the window before as are missing.
        let again = spec.window_frames - held;
        let (frames, samples) = &self.before;
        self.window.input.splice(..0, frames[frames.len() - again * bands..].iter().copied());
        let again_samples = (again * spec.log_mel.hop_samples).min(samples.len());
        self.signal.splice(..0, samples[samples.len() - again_samples..].iter().copied());
        self.first_frame -= again as u64;
        self.give(emit);
    }

    const fn first_sample(&self) -> u64 {
        self.first_frame * self.spec.log_mel.hop_samples as u64
    }

    /// Silence to add so that a stretch that had no window becomes one.
    fn missing_samples(&self) -> usize {
        if 0 < self.given || self.samples == 0 {
            return 0;
        }
        let needed = self.first_sample() + self.spec.window_samples() as u64;
        usize::try_from(needed.saturating_sub(self.samples)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
