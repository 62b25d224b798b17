use super::*;
use crate::base::clock::SimulatedClock;
use crate::capture::{Loss, LossCause};
use std::collections::VecDeque;

type Step = Result<Option<Chunk>, CaptureError>;

struct Script(VecDeque<Step>);

impl Source for Script {
    fn modality(&self) -> Modality {
        Modality::Sound
    }

    fn next(&mut self, _: Duration) -> Step {
        self.0.pop_front().unwrap_or(Ok(Some(Chunk::Idle)))
    }
}

fn gone() -> CaptureError {
    CaptureError::Disconnected { device: "mic".into(), source: "unplugged".into() }
}

fn begin() -> Step {
    Ok(Some(Chunk::Begin { input: "mic".into(), at_s: 0.0 }))
}

fn sound(at_sample: u64, count: usize) -> Step {
    Ok(Some(Chunk::Sound { rate_hz: 10, at_sample, samples: vec![0.0; count] }))
}

struct Bench {
    supervised: Supervised,
    clock: Arc<SimulatedClock>,
    stop: Stop,
}

/// `opens`: what each try to open gives, in turn; after that it fails for ever.
fn bench(opens: Vec<Result<Vec<Step>, CaptureError>>) -> Bench {
    let clock = Arc::new(SimulatedClock::default());
    let stop = Stop::default();
    let mut opens = VecDeque::from(opens);
    let open: Open = Box::new(move || match opens.pop_front() {
        Some(Ok(steps)) => Ok(Box::new(Script(steps.into())) as Box<dyn Source>),
        Some(Err(error)) => Err(error),
        None => Err(gone()),
    });
    let supervised = Supervised::new("mic", Modality::Sound, open, clock.clone(), stop.clone(), 7);
    Bench { supervised, clock, stop }
}

impl Bench {
    fn next(&mut self) -> Option<Chunk> {
        self.supervised.next(Duration::ZERO).unwrap()
    }

    /// Lets a tenth of a second pass again and again until something comes.
    fn wait_for_chunk(&mut self) -> Chunk {
        for _ in 0..100_000 {
            match self.next().expect("not ended") {
                Chunk::Idle => self.clock.advance(Duration::from_millis(100)),
                chunk => return chunk,
            }
        }
        panic!("nothing came in 10000 s");
    }

    fn status(&self) -> SourceStatus {
        self.supervised.status().get()
    }
}

fn begin_s(chunk: Chunk) -> f64 {
    match chunk {
        Chunk::Begin { at_s, .. } => at_s,
        other => panic!("a beginning expected, {other:?} came"),
    }
}

#[test]
fn missing_three_times_then_works_then_vanishes_then_returns() {
    let mut bench = bench(vec![
        Err(gone()),
        Err(gone()),
        Err(gone()),
        Ok(vec![begin(), sound(0, 20), Err(gone())]),
        Ok(vec![begin(), sound(0, 5)]),
    ]);
    assert_eq!(bench.status().state, SourceState::Opening);
    let first_s = begin_s(bench.wait_for_chunk());
    // Waits of at most 1, 2 and 4 s, each shortened by at most a quarter.
    assert!((5.2..=7.5).contains(&first_s), "{first_s}");
    assert!(matches!(bench.status().state, SourceState::Waiting { .. }), "it is open, no more");
    assert_eq!(bench.next(), sound(0, 20).unwrap());
    assert_eq!(bench.status().state, SourceState::Running);
    assert_eq!(bench.next(), Some(Chunk::Idle), "it vanishes");
    assert!(matches!(bench.status().state, SourceState::Waiting { .. }));

    let again_s = begin_s(bench.wait_for_chunk());
    // 2 s of sound came in no time; the next wait is of at most 8 s.
    assert!(first_s + 6.0 <= again_s && again_s <= first_s + 8.2, "{first_s} {again_s}");
    assert_eq!(bench.next(), sound(0, 5).unwrap(), "samples count from the new beginning");
    assert_eq!(bench.status().restart_count, 2);
}

#[test]
fn waits_double_up_to_a_minute_and_go_on_for_ever() {
    let mut bench = bench(Vec::new());
    let mut waits = Vec::new();
    while waits.len() < 100 {
        assert_eq!(bench.next(), Some(Chunk::Idle));
        let SourceState::Waiting { since, reason, next_try } = bench.status().state else {
            panic!("it must wait")
        };
        assert_eq!((since, reason.as_str()), (Duration::ZERO, "\"mic\" went away: unplugged"));
        let wait = next_try - bench.clock.now();
        waits.push(wait.as_secs_f64());
        bench.clock.advance(wait);
    }
    for (tries, wait) in waits.into_iter().enumerate() {
        let full = 2_f64.powi(i32::try_from(tries).unwrap()).min(60.0);
        assert!((0.75 * full..=full).contains(&wait), "try {tries}: {wait} s");
    }
}

#[test]
fn a_minute_of_health_starts_the_waits_anew() {
    let mut bench = bench(vec![
        Err(gone()),
        Err(gone()),
        Err(gone()),
        Ok(vec![begin(), sound(0, 10), Err(gone())]),
    ]);
    bench.wait_for_chunk();
    assert_eq!(bench.next(), sound(0, 10).unwrap());
    bench.clock.advance(Duration::from_secs(61));
    assert_eq!(bench.next(), Some(Chunk::Idle));
    let SourceState::Waiting { since, next_try, .. } = bench.status().state else {
        panic!("it must wait")
    };
    assert_eq!(since, bench.clock.now());
    assert!(next_try - since <= FIRST_WAIT);
}

#[test]
fn the_streams_time_never_runs_backwards() {
    // The device's clock is fast: 30 s of sound in no time.
    let mut bench = bench(vec![
        Ok(vec![begin(), sound(0, 300), Err(gone())]),
        Ok(vec![begin(), Ok(Some(Chunk::Gap(Loss { cause: LossCause::Device, count: 1 })))]),
    ]);
    assert_eq!(begin_s(bench.wait_for_chunk()), 0.0);
    assert_eq!(bench.next(), sound(0, 300).unwrap());
    assert_eq!(begin_s(bench.wait_for_chunk()), 30.0);
    assert!(matches!(bench.next(), Some(Chunk::Gap(_))));
}

#[test]
fn pictures_keep_their_distance_to_the_beginning() {
    let image = crate::signal::image::RawImage {
        format: crate::signal::image::PixelFormat::Grey8,
        width: 1,
        height: 1,
        bytes: vec![0],
    };
    let picture = |at_s| Chunk::Picture { at_s, lasts_s: 1.0, image: image.clone() };
    let mut bench = bench(vec![Err(gone()), Ok(vec![begin(), Ok(Some(picture(0.25)))])]);
    let begin_s = begin_s(bench.wait_for_chunk());
    assert!(0.0 < begin_s);
    assert_eq!(bench.next(), Some(picture(begin_s + 0.25)));
}

#[test]
fn a_stop_interrupts_the_longest_wait() {
    let mut bench = bench(Vec::new());
    assert_eq!(bench.next(), Some(Chunk::Idle));
    let stop = bench.stop.clone();
    std::thread::scope(|scope| {
        let (ready, is_ready) = std::sync::mpsc::channel();
        let supervised = &mut bench.supervised;
        let waiter = scope.spawn(move || {
            ready.send(()).unwrap();
            loop {
                // The simulated clock stands still: only the stop can end this.
                if supervised.next(Duration::from_secs(600)).unwrap().is_none() {
                    return;
                }
            }
        });
        is_ready.recv().unwrap();
        stop.request();
        waiter.join().unwrap();
    });
    assert_eq!(bench.status().state, SourceState::Ended);
}

#[test]
fn an_end_is_an_end_and_a_hopeless_error_is_handed_on() {
    let mut ends = bench(vec![Ok(vec![begin(), Ok(None)])]);
    begin_s(ends.wait_for_chunk());
    assert_eq!(ends.next(), None);
    assert_eq!(ends.next(), None, "and stays one");

    let hopeless = CaptureError::RawSensor {
        device: "/dev/video0".into(),
        offered: "pBAA".into(),
        command: vec!["rpicam-vid".into()],
        frames_per_s: 1.0,
        was_named: true,
    };
    let mut hopeless = bench(vec![Err(hopeless)]);
    let error = hopeless.supervised.next(Duration::ZERO).unwrap_err();
    assert_eq!(error.recovery(), Recovery::DisablePart);
    assert_eq!(hopeless.status().state, SourceState::Ended);
}

#[test]
fn a_command_that_hangs_is_started_again_and_one_that_is_slow_is_not() {
    let steps = || vec![begin(), sound(0, 10)];
    let mut bench = bench(vec![Ok(steps()), Ok(steps())]);
    bench.supervised = bench.supervised.stalls_after(Duration::from_secs(10));
    for _ in 0..3 {
        bench.next();
    }
    bench.clock.advance(Duration::from_secs(9));
    bench.next();
    assert_eq!(bench.supervised.status().get().state, SourceState::Running);
    bench.clock.advance(Duration::from_secs(1));
    bench.next();
    let SourceState::Waiting { reason, .. } = bench.supervised.status().get().state else {
        panic!("{:?}", bench.supervised);
    };
    assert_eq!(reason, "\"mic\" has delivered nothing for 10 s");
    bench.wait_for_chunk();
    let status = bench.status();
    assert_eq!((status.open_count, status.restart_count), (2, 0), "nothing has come yet");
    bench.wait_for_chunk();
    assert_eq!(bench.status().restart_count, 1);
}

/// Fails when every attempt counts: the watchdog would go by attempts that cannot succeed.
#[test]
fn while_our_own_threads_hang_in_drivers_there_is_no_try() {
    let mut bench = bench(vec![Err(gone()), Err(CaptureError::DriverHangs { hung: 6 })]);
    bench.next();
    assert_eq!(bench.status().open_count, 1);
    bench.clock.advance(Duration::from_secs(60));
    bench.next();
    assert_eq!(bench.status().open_count, 1);
    bench.clock.advance(Duration::from_secs(60));
    bench.next();
    assert_eq!(bench.status().open_count, 2);
}
