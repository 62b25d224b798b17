//! Commands on a pipe, with what every Linux has: `sh`, `printf`, `head`, `cat`, `sleep`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests stop at what is wrong, say why, and compare exactly made numbers"
)]

mod common {
    pub(crate) mod taken;
}

use std::fs;
use std::path::Path;
use std::time::Duration;

use common::taken;
use habituate::base::stop::Stop;
use habituate::capture::Chunk;
use habituate::capture::Loss;
use habituate::capture::LossCause;
use habituate::capture::Source;
use habituate::capture::command;
use habituate::capture::command::CommandSource;
use habituate::capture::command::CommandSpec;
use habituate::capture::command::Program;
use habituate::capture::command::format::SampleFormat;
use habituate::capture::command::format::StreamFormat;
use habituate::capture::error::CaptureError;
use habituate::signal::image::PixelFormat;

const SOUND: StreamFormat =
    StreamFormat::Pcm { rate_hz: 8000, channels: 1, sample: SampleFormat::S16le };

/// Long enough for a busy machine, short enough for a test that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

fn shell(line: &str, format: StreamFormat) -> CommandSource {
    let program = Program::Shell(line.into());
    command::open(&CommandSpec { program, format, restart: false }).unwrap()
}

/// Looks again and again, for a minute at most.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let stop = Stop::default();
    for _ in 0..6000 {
        if is_so() {
            return;
        }
        let _woke = stop.sleep(Duration::from_millis(10));
    }
    panic!("waited in vain for {what}");
}

/// Until `path` exists.
fn wait_for(path: &Path) {
    wait_until(&path.display().to_string(), || path.exists());
}

#[test]
fn sound_arrives_whole_and_a_good_end_is_an_end() {
    let taken =
        taken::take_all(&mut shell("printf '\\000\\100'; printf '\\000\\300'", SOUND)).unwrap();
    assert_eq!(taken.samples, [0.5, -0.5]);
    assert_eq!(taken.begins, [0.0]);
}

#[test]
fn a_bad_end_names_the_program_its_status_and_its_last_words_and_no_secret() {
    let line = "echo starting >&2; echo rtsp://me:hunter2@c/live: no such device >&2; exit 3";
    let error = taken::take_all(&mut shell(line, SOUND)).unwrap_err().to_string();
    for part in ["no such device", "exit status: 3", "\"sh\"", "@c/live"] {
        assert!(error.contains(part), "{part:?} missing in: {error}");
    }
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_login_in_a_command_does_not_come_into_what_is_named_after_it() {
    let mut source = shell("true rtsp://me:hunter2@c/live", SOUND);
    let Some(Chunk::Begin { input, .. }) = source.next(PATIENCE).unwrap() else {
        panic!("a stream begins with its name");
    };
    assert!(input.contains("@c/live") && !input.contains("hunter2"), "{input}");
}

#[test]
fn a_command_that_should_go_on_has_no_good_end() {
    let program = Program::Argv(vec!["true".into()]);
    let mut source = command::open(&CommandSpec { program, format: SOUND, restart: true }).unwrap();
    let error = taken::take_all(&mut source).unwrap_err();
    assert!(matches!(error, CaptureError::CommandEnded { .. }), "{error}");
}

#[test]
fn a_command_that_does_not_exist_is_named() {
    let program = Program::Argv(vec!["/nowhere/arecord".into(), "-q".into()]);
    let error = command::open(&CommandSpec { program, format: SOUND, restart: true }).unwrap_err();
    assert!(error.to_string().contains("\"/nowhere/arecord\""), "{error}");
}

#[test]
fn silence_is_idle_and_dropping_ends_everything_the_command_started() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    // The second process ignores being asked; both share the group.
    let line = format!(
        "sh -c 'trap \"\" TERM; echo $$ >> {0}; touch {0}.ready; sleep 1000' & echo $$ >> {0}; sleep 1000",
        pids.display()
    );
    let mut source = shell(&line, SOUND);
    assert!(matches!(source.next(PATIENCE).unwrap(), Some(Chunk::Begin { .. })));
    assert_eq!(source.next(Duration::from_millis(20)).unwrap(), Some(Chunk::Idle));
    wait_for(&folder.path().join("pids.ready"));
    drop(source);
    for pid in fs::read_to_string(&pids).unwrap().lines() {
        // Killed is not yet gone, and grandchildren are reaped by init in its own time.
        wait_until(&format!("the end of {pid}"), || {
            let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            state.is_empty() || state.contains(") Z ")
        });
    }
}

#[test]
fn sound_that_nobody_fetches_is_lost_after_two_seconds_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let done = folder.path().join("done");
    let mut source = shell(&format!("head -c 400000 /dev/zero; touch {}", done.display()), SOUND);
    wait_for(&done);
    let taken = taken::take_all(&mut source).unwrap();
    let lost: u64 = taken.losses.iter().map(|loss| loss.count).sum();
    assert_eq!(taken.samples.len() as u64 + lost, 200_000);
    assert!(taken.losses.iter().all(|loss| loss.cause == LossCause::Overrun));
    assert!(100_000 < lost, "two seconds are held, and what the pipe holds: {lost} lost");
}

#[test]
fn of_pictures_the_latest_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (file, done) = (folder.path().join("frames"), folder.path().join("done"));
    // More than a pipe holds, so that at the end nearly all have been replaced.
    let frames: Vec<u8> = (0..200_u8).flat_map(|value| vec![value; 4000]).collect();
    fs::write(&file, [frames, vec![7; 10]].concat()).unwrap();
    let format =
        StreamFormat::RawVideo { width: 80, height: 50, pixels: PixelFormat::Grey8, fps: 10.0 };
    let mut source = shell(&format!("cat {}; touch {}", file.display(), done.display()), format);
    wait_for(&done);
    let taken = taken::take_all(&mut source).unwrap();
    assert_eq!(taken.pictures.len() as u64 + source.replaced_count(), 200);
    let (at_s, _, last) = taken.pictures.last().unwrap();
    assert_eq!((*at_s, last.bytes[0]), (19.9, 199));
    assert_eq!(taken.losses, [Loss { cause: LossCause::ShortFrame, count: 1 }]);
}

#[test]
fn endless_words_neither_block_the_command_nor_fill_memory() {
    let line = "i=0; while [ $i -lt 20000 ]; do echo complaint $i >&2; i=$((i+1)); done; exit 1";
    let error = taken::take_all(&mut shell(line, SOUND)).unwrap_err().to_string();
    assert!(error.contains("complaint 19999") && error.len() < 500, "{error}");
}

#[test]
fn ffmpeg_delivers_jpegs_and_samples() {
    if !taken::has_ffmpeg() {
        return;
    }
    let line = "ffmpeg -v error -f lavfi -i testsrc=size=64x48:rate=5 -t 2 -f mjpeg -";
    let mut source = shell(line, StreamFormat::Mjpeg { fps: 5.0 });
    let taken = taken::take_all(&mut source).unwrap();
    assert_eq!(taken.pictures.len() as u64 + source.replaced_count(), 10);
    assert!(taken.pictures[0].2.bytes.starts_with(&[0xFF, 0xD8]));
    let line = "ffmpeg -v error -f lavfi -i sine=sample_rate=8000 -t 1 -f s16le -";
    assert_eq!(taken::take_all(&mut shell(line, SOUND)).unwrap().samples.len(), 8000);
}
