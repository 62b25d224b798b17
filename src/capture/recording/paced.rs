//! A recording at the speed at which it was made.

use std::time::Duration;
use std::time::Instant;

use crate::base::stop::Stop;
use crate::base::stop::Woke;
use crate::capture::Chunk;
use crate::capture::Modality;
use crate::capture::Source;
use crate::capture::error::CaptureError;

/// Time as a paced source needs it.
pub trait Pace: Send {
    /// Since the source was made.
    fn elapsed(&mut self) -> Duration;

    /// Waits, or until somebody asks us to stop.
    fn wait(&mut self, duration: Duration) -> Woke;
}

/// Real time.
#[derive(Debug)]
pub struct RealTime {
    begin: Instant,
    stop: Stop,
}

impl Pace for RealTime {
    fn elapsed(&mut self) -> Duration {
        self.begin.elapsed()
    }

    fn wait(&mut self, duration: Duration) -> Woke {
        self.stop.sleep(duration)
    }
}

/// Delivers each chunk of `source` when its last sample, or its picture, would have been recorded.
/// Ends at once when `stop` is requested.
pub fn paced(source: Box<dyn Source>, stop: Stop) -> Box<dyn Source> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one clock of this source; tests bring another"
    )]
    let begin = Instant::now();
    Box::new(with_pace(source, RealTime { begin, stop }))
}

/// As [`paced`], with a time of the caller's own.
pub fn with_pace<P: Pace>(source: Box<dyn Source>, pace: P) -> Paced<P> {
    Paced { source, pace, base_s: 0.0, held: None }
}

/// See [`paced`].
pub struct Paced<P> {
    source: Box<dyn Source>,
    pace: P,
    /// Where the current part begins.
    base_s: f64,
    /// A chunk whose time has not come.
    held: Option<(Chunk, f64)>,
}

impl<P> std::fmt::Debug for Paced<P> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Paced").field("base_s", &self.base_s).finish_non_exhaustive()
    }
}

impl<P: Pace> Paced<P> {
    /// When the chunk is due, in seconds since the stream began.
    fn due_s(&mut self, chunk: &Chunk) -> f64 {
        match chunk {
            Chunk::Begin { at_s, .. } => {
                self.base_s = *at_s;
                *at_s
            }
            Chunk::Sound { rate_hz, at_sample, samples } => {
                let end = *at_sample + samples.len() as u64;
                self.base_s + end as f64 / f64::from(*rate_hz)
            }
            Chunk::Picture { at_s, .. } => *at_s,
            Chunk::Gap(_) | Chunk::Idle => 0.0,
        }
    }
}

impl<P: Pace> Source for Paced<P> {
    fn modality(&self) -> Modality {
        self.source.modality()
    }

    fn next(&mut self, max_wait: Duration) -> Result<Option<Chunk>, CaptureError> {
        let (chunk, due_s) = match self.held.take() {
            Some(held) => held,
            None => {
                let Some(chunk) = self.source.next(max_wait)? else { return Ok(None) };
                let due_s = self.due_s(&chunk);
                (chunk, due_s)
            }
        };
        // A time too far away for a `Duration` never comes.
        let due = Duration::try_from_secs_f64(due_s).unwrap_or(Duration::MAX);
        let early = due.saturating_sub(self.pace.elapsed());
        match self.pace.wait(early.min(max_wait)) {
            Woke::StopRequested => Ok(None),
            Woke::TimeUp if max_wait < early => {
                self.held = Some((chunk, due_s));
                Ok(Some(Chunk::Idle))
            }
            Woke::TimeUp => Ok(Some(chunk)),
        }
    }

    fn total_s(&self) -> Option<f64> {
        self.source.total_s()
    }

    fn take_warnings(&mut self) -> Vec<String> {
        self.source.take_warnings()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    struct Script(VecDeque<Chunk>);

    impl Source for Script {
        fn modality(&self) -> Modality {
            Modality::Sound
        }

        fn next(&mut self, _: Duration) -> Result<Option<Chunk>, CaptureError> {
            Ok(self.0.pop_front())
        }
    }

    /// Time that passes only by waiting.
    struct Simulated {
        now: Duration,
        stop_at: Duration,
    }

    impl Pace for Simulated {
        fn elapsed(&mut self) -> Duration {
            self.now
        }

        fn wait(&mut self, duration: Duration) -> Woke {
            self.now += duration;
            if self.stop_at <= self.now { Woke::StopRequested } else { Woke::TimeUp }
        }
    }

    fn script() -> Box<Script> {
        let sound = |at_sample| Chunk::Sound { rate_hz: 10, at_sample, samples: vec![0.0; 10] };
        let begin = |at_s| Chunk::Begin { input: "x".into(), at_s };
        Box::new(Script([begin(0.0), sound(0), begin(1.0), sound(0)].into()))
    }

    #[test]
    fn chunks_come_when_they_end_and_waiting_is_idle() {
        let pace = Simulated { now: Duration::ZERO, stop_at: Duration::MAX };
        let mut paced = with_pace(script(), pace);
        let mut seen = Vec::new();
        while let Some(chunk) = paced.next(Duration::from_millis(400)).unwrap() {
            let now_ms = paced.pace.now.as_millis();
            seen.push(match chunk {
                Chunk::Begin { .. } => ("begin", now_ms),
                Chunk::Sound { .. } => ("sound", now_ms),
                Chunk::Idle => ("idle", now_ms),
                other => panic!("unexpected {other:?}"),
            });
        }
        let expected = [
            ("begin", 0),
            ("idle", 400),
            ("idle", 800),
            ("sound", 1000),
            ("begin", 1000),
            ("idle", 1400),
            ("idle", 1800),
            ("sound", 2000),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_stop_ends_it_in_the_middle() {
        let pace = Simulated { now: Duration::ZERO, stop_at: Duration::from_millis(1200) };
        let mut paced = with_pace(script(), pace);
        let mut count = 0;
        while paced.next(Duration::from_secs(10)).unwrap().is_some() {
            count += 1;
        }
        assert_eq!(count, 3, "begin, sound, begin");
    }
}
