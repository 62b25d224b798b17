//! A microphone, by cpal and ALSA.
//!
//! Three threads: cpal's own real-time one, which only fills a ring ([`intake`]); one that opens and
//! holds the stream and may be left behind in a driver that hangs; and the caller's, which takes
//! from the ring and tells what is missing where.

mod alsa_words;
pub mod choose;
pub mod convert;
pub mod intake;
mod stream;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::park_timeout;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{DeviceId, Error, ErrorKind, HostId, SupportedStreamConfigRange};

use crate::base::clock::Clock;
use crate::capture::error::CaptureError;
use crate::capture::microphone::alsa_words::AlsaWords;
use crate::capture::microphone::intake::{Layout, Outlet, Piece, Tally};
use crate::capture::own_thread::OwnThread;
use crate::capture::{Chunk, Modality, Source, devices};

/// How often we look for samples. Why not wait to be woken: waking another thread is a system call,
/// which the real-time callback must not make.
const POLL: Duration = Duration::from_millis(10);

/// No chunk is longer, in parts of a second.
const CHUNKS_PER_S: u32 = 4;

/// Which microphone, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MicrophoneSettings {
    /// Any name that [`devices::microphones`] shows, or the name of an ALSA PCM. `None` is ALSA's
    /// `default`, or where that cannot be opened, the only card that records.
    pub device: Option<String>,
    /// The encoder's rate: taken where the device has it, so that nothing need be resampled.
    pub prefer_rate_hz: u32,
    /// So long may an open device say nothing. 5 s is far above any sound server's hiccup.
    pub stall_after: Duration,
}

/// An open microphone.
#[derive(Debug)]
pub struct Microphone {
    device: String,
    layout: Layout,
    tally: Arc<Tally>,
    outlet: Outlet,
    clock: Arc<dyn Clock>,
    stall_after: Duration,
    opened_at: Duration,
    begun: bool,
    /// The first piece, while its beginning is announced.
    held: Option<Piece>,
    /// Samples since the beginning, lost ones included.
    at_sample: u64,
    /// Deliveries seen, and since when no more have come.
    quiet_since: (u64, Duration),
    _thread: Option<OwnThread>,
}

impl Microphone {
    /// Finds the device and starts recording. Takes up to 10 s where a sound server does not answer.
    ///
    /// # Errors
    ///
    /// [`CaptureError`], for a device that is missing, ambiguous, busy, forbidden or silent.
    pub fn open(
        settings: &MicrophoneSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CaptureError> {
        let wanted = settings.device.as_deref();
        let pcms = devices::resolve_microphone(wanted)?;
        let (opened, thread) = stream::open(pcms.clone(), settings.prefer_rate_hz)
            .map_err(|error| devices::in_vain(wanted, &pcms, error))?;
        if let Some(told) = devices::stand_in(wanted, &opened.pcm) {
            log::warn!("microphone: {told}");
        }
        let now = clock.now();
        Ok(Self {
            device: opened.pcm,
            layout: opened.layout,
            tally: opened.tally,
            outlet: opened.outlet,
            clock,
            stall_after: settings.stall_after,
            opened_at: now,
            quiet_since: (0, now),
            begun: false,
            held: None,
            at_sample: 0,
            _thread: Some(thread),
        })
    }

    /// How the device delivers.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Counters that go on after the microphone itself is dropped.
    pub fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.tally)
    }

    fn chunk(&mut self, piece: Piece) -> Chunk {
        let at_sample = self.at_sample;
        match piece {
            Piece::Samples(samples) => {
                self.at_sample += samples.len() as u64;
                Chunk::Sound { rate_hz: self.layout.rate_hz, at_sample, samples }
            }
            Piece::Missing(loss) => {
                self.at_sample += loss.count;
                Chunk::Gap(loss)
            }
        }
    }

    /// Announces the time of the first sample, which is later than the opening: a sound server
    /// may keep silent for 1.7 s at first.
    fn begin(&mut self, piece: Piece) -> Chunk {
        let held = match &piece {
            Piece::Samples(samples) => samples.len() as f64 / f64::from(self.layout.rate_hz),
            Piece::Missing(_) => 0.0,
        };
        let since_opening = self.clock.now().saturating_sub(self.opened_at).as_secs_f64();
        self.begun = true;
        self.held = Some(piece);
        Chunk::Begin { input: self.device.clone(), at_s: (since_opening - held).max(0.0) }
    }

    /// Why nothing more will come, if so.
    fn end(&mut self, failure: Option<ErrorKind>) -> Option<CaptureError> {
        let device = || self.device.clone();
        if let Some(kind) = failure {
            return Some(CaptureError::Disconnected {
                device: device(),
                source: Error::new(kind).into(),
            });
        }
        let now = self.clock.now();
        let deliveries = self.tally.deliveries.load(Ordering::Relaxed);
        if deliveries != self.quiet_since.0 {
            self.quiet_since = (deliveries, now);
        }
        let silent_for = now.saturating_sub(self.quiet_since.1);
        (self.stall_after <= silent_for)
            .then(|| CaptureError::Stalled { device: device(), silent_for })
    }
}

impl Source for Microphone {
    fn modality(&self) -> Modality {
        Modality::Sound
    }

    fn next(&mut self, max_wait: Duration) -> Result<Option<Chunk>, CaptureError> {
        if let Some(piece) = self.held.take() {
            return Ok(Some(self.chunk(piece)));
        }
        let until = self.clock.now().saturating_add(max_wait);
        loop {
            // Asked before the ring, so that whatever came before a failure is delivered before it.
            let failure = self.tally.failure();
            if let Some(piece) = self.outlet.next((self.layout.rate_hz / CHUNKS_PER_S) as usize) {
                return Ok(Some(if self.begun { self.chunk(piece) } else { self.begin(piece) }));
            }
            if let Some(error) = self.end(failure) {
                return match self.outlet.last_losses() {
                    Some(piece) => Ok(Some(self.chunk(piece))),
                    None => Err(error),
                };
            }
            let left = until.saturating_sub(self.clock.now());
            if left.is_zero() {
                return Ok(Some(Chunk::Idle));
            }
            park_timeout(left.min(POLL));
        }
    }
}

/// The PCMs by which ALSA's configuration describes inputs, without opening any.
pub(crate) fn pcm_names() -> Vec<String> {
    let _quiet = AlsaWords::collect();
    let Ok(inputs) = cpal::default_host().input_devices() else { return Vec::new() };
    let mut names: Vec<String> =
        inputs.filter_map(|input| input.id().ok()).map(|id| id.id().to_owned()).collect();
    names.sort();
    names.dedup();
    names
}

/// What a PCM can deliver. Opens it for a moment.
pub(crate) fn pcm_offers(pcm: &str) -> Result<Vec<SupportedStreamConfigRange>, Error> {
    let _quiet = AlsaWords::collect();
    let host = cpal::default_host();
    let device = if pcm == "default" {
        host.default_input_device()
    } else {
        host.device_by_id(&DeviceId::new(HostId::Alsa, pcm))
    };
    let device = device.ok_or(ErrorKind::DeviceNotAvailable)?;
    Ok(device.supported_input_configs()?.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SimulatedClock;
    use crate::capture::microphone::intake::{Intake, ring};
    use crate::capture::{Loss, LossCause};
    use cpal::SampleFormat;

    fn microphone() -> (Microphone, Intake, Arc<SimulatedClock>) {
        let layout = Layout { rate_hz: 8, channels: 2, format: SampleFormat::I16 };
        let tally = Arc::default();
        let (intake, outlet) = ring(layout, &tally);
        let clock = Arc::new(SimulatedClock::default());
        let microphone = Microphone {
            device: "hw:CARD=Test,DEV=0".into(),
            layout,
            tally,
            outlet,
            clock: clock.clone(),
            stall_after: Duration::from_secs(5),
            opened_at: Duration::ZERO,
            begun: false,
            held: None,
            at_sample: 0,
            quiet_since: (0, Duration::ZERO),
            _thread: None,
        };
        (microphone, intake, clock)
    }

    fn next(microphone: &mut Microphone) -> Chunk {
        microphone.next(Duration::ZERO).unwrap().expect("a microphone never ends by itself")
    }

    fn sound(at_sample: u64, count: usize) -> Chunk {
        Chunk::Sound { rate_hz: 8, at_sample, samples: vec![0.0; count] }
    }

    #[test]
    fn lost_samples_keep_their_place_in_the_count() {
        let (mut microphone, mut intake, clock) = microphone();
        assert_eq!(next(&mut microphone), Chunk::Idle, "not begun before the first sample");
        clock.advance(Duration::from_millis(1500));
        intake.on_samples(&[0; 4 * 18], 0.0); // 16 of these 18 frames fit into 2 s
        // The first chunk is a quarter of a second long.
        assert!(matches!(next(&mut microphone), Chunk::Begin { at_s: 1.25, .. }));
        for part in 0..8 {
            assert_eq!(next(&mut microphone), sound(part * 2, 2), "a quarter of a second each");
        }
        intake.on_samples(&[0; 4], 18.0 / 8.0);
        let gap = Chunk::Gap(Loss { cause: LossCause::Overrun, count: 2 });
        assert_eq!(next(&mut microphone), gap);
        assert_eq!(next(&mut microphone), sound(18, 1));
        assert_eq!(next(&mut microphone), Chunk::Idle);
    }

    #[test]
    fn what_came_before_the_unplugging_is_still_delivered() {
        let (mut microphone, mut intake, _clock) = microphone();
        intake.on_samples(&[0; 8], 0.0);
        microphone.tally().on_error(ErrorKind::DeviceNotAvailable);
        assert!(matches!(next(&mut microphone), Chunk::Begin { .. }));
        assert_eq!(next(&mut microphone), sound(0, 2));
        let error = microphone.next(Duration::ZERO).unwrap_err();
        assert!(matches!(error, CaptureError::Disconnected { .. }), "{error}");
    }

    #[test]
    fn silence_of_the_driver_is_a_stall_and_silence_in_the_room_is_not() {
        let (mut microphone, mut intake, clock) = microphone();
        intake.on_samples(&[0; 4], 0.0);
        assert!(matches!(next(&mut microphone), Chunk::Begin { .. }));
        assert_eq!(next(&mut microphone), sound(0, 1));
        for _ in 0..10 {
            clock.advance(Duration::from_secs(4));
            intake.on_samples(&[0; 4], 0.0);
            assert!(matches!(next(&mut microphone), Chunk::Sound { .. }));
            assert_eq!(next(&mut microphone), Chunk::Idle);
        }
        clock.advance(Duration::from_secs(5));
        let error = microphone.next(Duration::ZERO).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("delivered nothing for 5 s"), "{text}");
    }
}
