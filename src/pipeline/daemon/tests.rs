use super::*;
use crate::base::recovery::EXIT_INPUT;
use crate::capture::supervised::Supervised;
use crate::config::board::BoardToml;
use crate::config::daemon::CheckpointSettings;
use crate::config::learn::LearnSettings;
use crate::config::learn::LearnToml;
use crate::emit::status::SourceStatus;
use crate::encode;
use crate::encode::Encoder;
use crate::pipeline::control;
use crate::pipeline::resume;
use crate::pipeline::resume::OpenOptions;
use crate::store::state_dir::StateDir;

pub(in crate::pipeline) const CHECKPOINT: CheckpointSettings =
    CheckpointSettings { every_s: 3600.0, predecessors: 1 };

/// A part of the daemon with a fresh learner and that encoder, called as its source is.
pub(in crate::pipeline) fn part(
    dir: &Arc<StateDir>,
    encoder: Box<dyn Encoder>,
    learn: &LearnSettings,
    (name, source): (&str, Supervised),
    live: bool,
) -> Part {
    let options = OpenOptions { source: name, learn, checkpoint: CHECKPOINT, seed: 1 };
    let (track, keeper) = resume::open(dir, encoder, options).unwrap();
    Part {
        name: name.into(),
        device: source.status(),
        source: Box::new(source),
        track,
        keeper,
        unkept: None,
        asked: control::line().1,
        pairing: None,
        live,
        patience: Duration::from_secs(60),
    }
}

/// How the daemon's only source ends, and what it told last, where opening its device ends in `error`; `until` sees
/// to its end.
fn daemon_with(error: CaptureError, until: impl FnOnce(&Board, &Stop)) -> (Ended, SourceStatus) {
    let root = tempfile::tempdir().unwrap();
    let dir = Arc::new(StateDir::open(root.path()).unwrap());
    let learn = LearnToml::default().check().unwrap();
    let encoder = encode::open("logmel-patches", None).unwrap();
    let mut error = Some(error);
    let open = Box::new(move || Err(error.take().unwrap()));
    let (clock, stop) = (Arc::new(SystemClock), Stop::default());
    let source = Supervised::new("mic", Modality::Sound, open, clock, stop.clone(), 1)
        .mended_by(Box::new(|error| format!("mends: {error}")));
    let part = part(&dir, encoder, &learn, ("mic", source), true);
    let shared = Shared {
        stop: stop.clone(),
        sinks: crossbeam_channel::bounded(1).0,
        wants_rows: false,
        refusals: Arc::default(),
        allowance: Allowance::new(CHECKPOINT, BoardToml::default()),
    };
    let board = Board::default();
    let worker = start(vec![part], &shared, &board).unwrap().remove(0);
    until(&board, &stop);
    let ended = worker.join().unwrap();
    (ended, board.statuses().remove(0))
}

/// Fails when a source that no new start can mend ends as one that might work tomorrow, or says nothing of itself
/// when it has ended.
#[test]
fn a_source_that_its_configuration_ends_is_told_apart_and_says_what_mends_it() {
    let wrong = CaptureError::Setting { what: "the rate", found: "0".into(), expected: "1 to 9" };
    let (ended, status) = daemon_with(wrong, |_, _| {});
    assert_eq!(ended, Ended::Misconfigured);
    assert_eq!(status.state, "failed");
    assert_eq!(status.detail, "the rate is 0, expected 1 to 9");
    assert_eq!(status.mend, "mends: the rate is 0, expected 1 to 9");
    let unread = CaptureError::NotAFile { path: "/srv/pipe".into() };
    let (ended, status) = daemon_with(unread, |_, _| {});
    assert_eq!((ended, status.state.as_str()), (Ended::Failed, "failed"));
}

#[test]
fn a_source_that_waits_says_what_mends_it() {
    let mut waiting = SourceStatus::default();
    let (ended, _) = daemon_with(CaptureError::DriverHangs { hung: 3 }, |board, stop| {
        while waiting.state != "waiting" {
            thread::yield_now();
            waiting = board.statuses().remove(0);
        }
        stop.request();
    });
    assert_eq!(ended, Ended::Well, "it was asked to stop");
    assert!(waiting.detail.starts_with("3 earlier attempts"), "{waiting:?}");
    assert_eq!(waiting.mend, format!("mends: {}", waiting.detail));
}

#[test]
fn only_what_the_configuration_mends_is_a_wrong_configuration() {
    for (recovery, ended) in [
        (Recovery::DisablePart, Ended::Misconfigured),
        (Recovery::Exit(EXIT_CONFIG), Ended::Misconfigured),
        (Recovery::Exit(EXIT_INPUT), Ended::Failed),
        (Recovery::SkipItem, Ended::Failed),
        (Recovery::RetryAfter(Duration::ZERO), Ended::Failed),
    ] {
        assert_eq!(Ended::by(recovery), ended, "{recovery:?}");
    }
}
