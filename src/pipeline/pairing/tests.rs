use std::sync::Condvar;
use std::sync::Mutex;

use super::*;
use crate::base::clock::SystemClock;
use crate::base::modality::Modality;
use crate::base::stop::Stop;
use crate::capture::Source;
use crate::capture::error::CaptureError;
use crate::capture::supervised::Supervised;
use crate::capture::synthetic;
use crate::config::board::BoardToml;
use crate::config::learn::LearnToml;
use crate::emit::status::BesideStatus;
use crate::emit::status::SourceStatus;
use crate::encode;
use crate::pipeline::companion::Sight;
use crate::pipeline::daemon;
use crate::pipeline::daemon::Ended;
use crate::pipeline::daemon::Part;
use crate::pipeline::daemon::Shared;
use crate::pipeline::daemon::tests::CHECKPOINT;
use crate::pipeline::limits::Allowance;
use crate::pipeline::statuses::Board;
use crate::store::checkpoint::Origin;
use crate::store::state_dir::StateDir;

fn companion() -> Companion {
    let origin =
        Origin { source: "cam".into(), encoder: "x".into(), encoder_sha256: String::new() };
    let sight = Sight { origin, sense: Modality::Picture, dim: 1 };
    Companion::go_on(None, 1, Some(&sight), 1).0.unwrap()
}

/// Fails when the queue is unbounded, or when whoever tells waits for room.
#[test]
fn what_the_owner_has_no_time_for_is_counted_and_lost() {
    let [mut owner, mut other] = ends(Timeline::recorded);
    for number in 0..100 {
        other.send(f64::from(number), Some(1.0), &[0.5]);
    }
    assert_eq!((owner.refused(), other.refused()), (84, 84));
    let mut companion = companion();
    owner.send(3.1, Some(1.0), &[0.5]);
    owner.meet(&mut companion, "mic");
    assert_eq!((companion.report().windows, companion.report().pairs), ([1, 16], 1));
    other.send(100.0, Some(1.0), &[0.5]);
    assert_eq!(other.refused(), 84, "there is room again");
    drop(owner);
    for number in 0..100 {
        other.send(f64::from(number), Some(1.0), &[0.5]);
    }
    assert_eq!(other.refused(), 84, "nobody is there to lose anything");
}

/// How far two sources have come, in seconds.
type Reached = Arc<(Mutex<[f64; 2]>, Condvar)>;

/// A source that is never more than a second ahead of the other: live, as fast as both can.
struct InStep {
    inner: Box<dyn Source>,
    which: usize,
    reached: Reached,
    held: Option<Chunk>,
}

impl InStep {
    fn reach(&self, at_s: f64, max_wait: Duration) -> bool {
        let (reached, moved) = &*self.reached;
        let mut now = reached.lock().unwrap();
        now[self.which] = at_s;
        moved.notify_all();
        let is_ahead = |now: &mut [f64; 2]| now[1 - self.which] + 1.0 < at_s;
        !moved.wait_timeout_while(now, max_wait, is_ahead).unwrap().1.timed_out()
    }
}

impl Drop for InStep {
    fn drop(&mut self) {
        self.reach(f64::INFINITY, Duration::ZERO);
    }
}

impl Source for InStep {
    fn modality(&self) -> Modality {
        self.inner.modality()
    }

    fn next(&mut self, max_wait: Duration) -> Result<Option<Chunk>, CaptureError> {
        let chunk = match self.held.take() {
            Some(chunk) => chunk,
            None => match self.inner.next(max_wait)? {
                Some(chunk) => chunk,
                None => return Ok(None),
            },
        };
        let at_s = match &chunk {
            Chunk::Sound { rate_hz, at_sample, .. } => *at_sample as f64 / f64::from(*rate_hz),
            Chunk::Picture { at_s, .. } | Chunk::Begin { at_s, .. } => *at_s,
            Chunk::Gap(_) | Chunk::Idle => 0.0,
        };
        if self.reach(at_s, max_wait) {
            return Ok(Some(chunk));
        }
        self.held = Some(chunk);
        Ok(Some(Chunk::Idle))
    }
}

/// A driver that does not return before it is let go, and then has nothing.
struct Stuck(Receiver<()>);

impl Source for Stuck {
    fn modality(&self) -> Modality {
        Modality::Picture
    }

    fn next(&mut self, _max_wait: Duration) -> Result<Option<Chunk>, CaptureError> {
        assert!(self.0.recv().is_err(), "nothing is ever sent");
        Ok(None)
    }
}

fn part(dir: &Arc<StateDir>, source: Box<dyn Source>) -> (Part, Sight) {
    let (name, encoder, sense) = match source.modality() {
        Modality::Sound => ("mic", "logmel-patches", Modality::Sound),
        Modality::Picture => ("cam", "picture-patches", Modality::Picture),
    };
    let learn = LearnToml {
        warm_up_windows: 8,
        history_min: 16,
        first_windows: 0,
        updates_per_window: 0.1,
        ..LearnToml::default()
    };
    let learn = learn.check().unwrap();
    let encoder = encode::open(encoder, None).unwrap();
    let sight = Sight::of(name, encoder.as_ref());
    let mut source = Some(source);
    let open = Box::new(move || Ok(source.take().unwrap()));
    let (clock, stop) = (Arc::new(SystemClock), Stop::default());
    let source = Supervised::new(name, sense, open, clock, stop, 1);
    let part = daemon::tests::part(dir, encoder, &learn, (name, source), false);
    (part, sight)
}

/// The daemon with two sources, of which the first has the other beside it; `until` sees to their end.
fn daemon_with(
    dir: &Arc<StateDir>,
    sources: [Box<dyn Source>; 2],
    until: impl FnOnce(&Board),
) -> Vec<SourceStatus> {
    let [(mut first, _), (mut second, sight)] = sources.map(|source| part(dir, source));
    drop(first.track.stand_beside(Some(&sight), 1));
    let [owns, tells] = ends(Timeline::recorded);
    (first.pairing, second.pairing) = (Some(owns), Some(tells));
    let shared = Shared {
        stop: Stop::default(),
        sinks: crossbeam_channel::bounded(1).0,
        wants_rows: false,
        refusals: Arc::default(),
        allowance: Allowance::new(CHECKPOINT, BoardToml::default()),
    };
    let board = Board::default();
    let threads = daemon::start(vec![first, second], &shared, &board).unwrap();
    until(&board);
    for thread in threads {
        assert_eq!(thread.join().unwrap(), Ended::Well);
    }
    board.statuses()
}

/// Fails when the other source's windows do not reach the owner, or when what came of them is not kept.
#[test]
fn two_sources_of_the_daemon_meet_and_go_on_after_a_restart() {
    const SECONDS: f64 = 60.0;
    let root = tempfile::tempdir().unwrap();
    let run = || {
        let dir = Arc::new(StateDir::open(root.path()).unwrap());
        let reached = Reached::default();
        let in_step = |inner: Box<dyn Source>, which| -> Box<dyn Source> {
            Box::new(InStep { inner, which, reached: Arc::clone(&reached), held: None })
        };
        let ears = in_step(Box::new(synthetic::room(1, SECONDS)), 0);
        let eyes = in_step(Box::new(synthetic::view(2, SECONDS, 1.0)), 1);
        let mut statuses = daemon_with(&dir, [ears, eyes], |_| {});
        assert_eq!(statuses.remove(1).beside, None, "one of the two tells of both");
        let BesideStatus { source, refused, counts } = statuses.remove(0).beside.unwrap();
        assert_eq!((source.as_str(), refused), ("cam", 0));
        counts
    };
    let first = run();
    assert!(0 < first.pairs && !first.is_off, "{first:?}");
    assert!(110 < first.windows[0] && 55 < first.windows[1], "{first:?}");
    // The same again is hardly ever livelier than usual.
    let second = run();
    assert_eq!(second.windows[0], 2 * first.windows[0], "{second:?}");
    // What the other tells after the owner's last chunk is nobody's.
    assert!(first.windows[1] + 55 < second.windows[1], "{first:?}, {second:?}");
    assert!(first.pairs <= second.pairs, "{first:?}, {second:?}");
}

/// Fails when telling waits for the owner: nothing would come of the source that works.
#[test]
fn an_owner_that_is_stuck_holds_up_nobody() {
    let root = tempfile::tempdir().unwrap();
    let dir = Arc::new(StateDir::open(root.path()).unwrap());
    let (release, stuck) = crossbeam_channel::bounded(0);
    let sources: [Box<dyn Source>; 2] =
        [Box::new(Stuck(stuck)), Box::new(synthetic::room(1, 60.0))];
    let statuses = daemon_with(&dir, sources, |board| {
        while board.statuses()[1].state != "ended" {
            std::thread::yield_now();
        }
        drop(release);
    });
    assert!(100 < statuses[1].windows, "{statuses:?}");
    let beside = statuses[0].beside.as_ref().unwrap();
    // What it has room for, and what it may have taken before it was stuck.
    let [told, own] = beside.counts.windows;
    assert!((16..100).contains(&told) && own == 0, "{beside:?}");
    assert_eq!(beside.refused + told, statuses[1].windows, "{beside:?}");
}
