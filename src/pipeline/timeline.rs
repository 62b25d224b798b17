//! One stream's seconds on a clock that two sources share.
//!
//! A stream's time has a zero of its own and is counted by the device's crystal, which nobody corrects
//! (`design/time.md`). What two live streams have in common is the monotonic clock when their chunks
//! arrive. A chunk never arrives before it was recorded, and late by whatever held it up: a period of the
//! sound card, the ring while an encoder was at work. So the chunk of the last minute or two that arrived
//! soonest after its own time tells where the stream's zero lies, to some hundredths of a second; 50 ppm of a
//! crystal are 6 ms in two minutes.
//!
//! Why not the time at which a window was judged: that is late by the encoder, by up to a second on a small
//! board, and by two when it catches up, while moments of a pair may be half a second apart.

use std::time::Duration;

use crate::capture::Chunk;
use crate::capture::LossCause;

/// What a chunk has told of the zero is forgotten after one to two of these.
const SPAN: Duration = Duration::from_secs(60);

/// See the module's page.
#[derive(Debug)]
pub struct Timeline {
    is_live: bool,
    /// Stream's seconds of sample 0 since the last beginning.
    begin_s: f64,
    /// When the stream was at 0, by the soonest chunk of this span and of the one before; of a recording the
    /// first alone is used, and is −1 times the stream's seconds when it began.
    zero_s: [f64; 2],
    span_began: Duration,
}

impl Timeline {
    /// Of a live source: its seconds are of the clock that [`Timeline::note`] is handed.
    pub const fn live() -> Self {
        Self::new(true)
    }

    /// Of a recording: its seconds are those since it began.
    pub const fn recorded() -> Self {
        Self::new(false)
    }

    const fn new(is_live: bool) -> Self {
        Self { is_live, begin_s: 0.0, zero_s: [f64::INFINITY; 2], span_began: Duration::ZERO }
    }

    /// Takes in a chunk that has arrived `now`.
    pub fn note(&mut self, chunk: &Chunk, now: Duration) {
        let reaches_s = match chunk {
            Chunk::Begin { at_s, .. } => {
                self.begin_s = *at_s;
                if self.is_live {
                    // A device that was opened again keeps its times anew.
                    self.zero_s = [f64::INFINITY; 2];
                } else if self.zero_s[0].is_infinite() {
                    self.zero_s[0] = -at_s;
                }
                return;
            }
            Chunk::Sound { rate_hz, at_sample, samples } => {
                let end = *at_sample + samples.len() as u64;
                self.begin_s + end as f64 / f64::from((*rate_hz).max(1))
            }
            Chunk::Picture { at_s, .. } => *at_s,
            Chunk::Gap(loss) => {
                // How much a device has dropped is its own guess; what we drop is counted.
                if self.is_live && loss.cause == LossCause::Device {
                    self.zero_s = [f64::INFINITY; 2];
                }
                return;
            }
            Chunk::Idle => return,
        };
        if !self.is_live {
            return;
        }
        if SPAN <= now.saturating_sub(self.span_began) {
            self.zero_s = [f64::INFINITY, self.zero_s[0]];
            self.span_began = now;
        }
        self.zero_s[0] = self.zero_s[0].min(now.as_secs_f64() - reaches_s);
    }

    /// Where `stream_s` lies on the shared clock, seconds; `None` before anything has come.
    pub fn at(&self, stream_s: f64) -> Option<f64> {
        let zero_s = self.zero_s[0].min(self.zero_s[1]);
        zero_s.is_finite().then_some(zero_s + stream_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Loss;
    use crate::signal::image::PixelFormat;
    use crate::signal::image::RawImage;

    const RATE_HZ: u32 = 1000;

    fn begin(at_s: f64) -> Chunk {
        Chunk::Begin { input: "x".into(), at_s }
    }

    fn sound(at_sample: u64, count: usize) -> Chunk {
        Chunk::Sound { rate_hz: RATE_HZ, at_sample, samples: vec![0.0; count] }
    }

    fn picture(at_s: f64) -> Chunk {
        let image = RawImage { format: PixelFormat::Grey8, width: 1, height: 1, bytes: vec![0] };
        Chunk::Picture { at_s, lasts_s: 1.0, image }
    }

    /// Two hours. The microphone is 100 ppm slow, which is 0.7 s in that time; its chunks are held up now and
    /// then by up to two seconds. Fails when the zero is that of the first chunk, or of the newest.
    #[test]
    fn a_slow_crystal_and_a_late_thread_do_not_move_moments() {
        let (mut ears, mut eyes) = (Timeline::live(), Timeline::live());
        ears.note(&begin(0.4), Duration::from_secs(10));
        eyes.note(&begin(0.0), Duration::from_secs(12));
        assert_eq!(ears.at(3.0), None, "nothing has come yet");
        for second in 1..7200_u64 {
            let true_s = 10.0 + second as f64;
            let late_s = (second % 7) as f64 / 3.0 + 0.05;
            let samples = 1000 * second - second / 10;
            ears.note(&sound(samples - 100, 100), Duration::from_secs_f64(true_s + late_s));
            let seen_s = true_s - 12.0;
            if seen_s < 0.0 {
                continue;
            }
            eyes.note(&picture(seen_s), Duration::from_secs_f64(true_s + 0.08));
            if 20 < second {
                let heard_at_s = ears.at(0.4 + samples as f64 / 1000.0).unwrap();
                assert!((heard_at_s - true_s).abs() < 0.1, "{heard_at_s} instead of {true_s}");
                let apart_s = (heard_at_s - eyes.at(seen_s).unwrap()).abs();
                assert!(apart_s < 0.1, "{apart_s} s apart after {second} s");
            }
        }
    }

    /// Fails when a beginning, or a hole of unknown length, leaves the zero where it was.
    #[test]
    fn a_device_that_comes_back_and_one_that_dropped_something_begin_anew() {
        let mut ears = Timeline::live();
        let at = |ms| Duration::from_millis(ms);
        ears.note(&begin(0.0), at(0));
        ears.note(&sound(0, 1000), at(1000));
        assert_eq!(ears.at(1.0), Some(1.0));
        ears.note(&Chunk::Gap(Loss { cause: LossCause::Overrun, count: 500 }), at(1500));
        ears.note(&sound(1500, 500), at(3500));
        assert_eq!(ears.at(2.0), Some(2.0), "late, and counted");
        ears.note(&Chunk::Gap(Loss { cause: LossCause::Device, count: 0 }), at(9000));
        ears.note(&sound(2000, 500), at(9500));
        assert_eq!(ears.at(2.5), Some(9.5));
        ears.note(&begin(20.0), at(21_000));
        assert_eq!(ears.at(20.0), None);
        ears.note(&sound(0, 1000), at(22_000));
        assert_eq!(ears.at(20.5), Some(21.5));
    }

    #[test]
    fn a_recording_goes_by_its_own_seconds_from_its_first_beginning() {
        let mut file = Timeline::recorded();
        for (chunk, now_s) in [(begin(3.0), 1), (sound(0, 1000), 9), (begin(4.0), 20)] {
            file.note(&chunk, Duration::from_secs(now_s));
        }
        assert_eq!(file.at(3.0), Some(0.0));
        assert_eq!(file.at(5.5), Some(2.5));
    }
}
