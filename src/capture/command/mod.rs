//! A command on a pipe: `arecord`, `rpicam-vid`, `gst-launch-1.0`, `ffmpeg`, or anything that writes
//! samples or pictures to its standard output.
//!
//! A thread reads the pipe without pause into a bounded queue. Of sound the oldest two seconds are
//! kept and what comes after that is lost and counted; of pictures the latest is kept. Time is
//! counted in samples and pictures, so a command that stalls makes time stand still.

pub(in crate::capture) mod child;
pub(in crate::capture) mod cutter;
pub mod format;
mod jpeg;
mod queue;

use std::env;
use std::io;
use std::io::Read;
use std::path::Path;
use std::process::ChildStdout;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::fs::Access;
use rustix::fs::access;

use crate::base::secrets;
use crate::capture::Chunk;
use crate::capture::LossCause;
use crate::capture::Modality;
use crate::capture::Source;
use crate::capture::command::child::Running;
use crate::capture::command::cutter::Cutter;
use crate::capture::command::cutter::Item;
use crate::capture::command::format::StreamFormat;
use crate::capture::command::queue::Queue;
use crate::capture::command::queue::Taken;
use crate::capture::error::CaptureError;

/// As long as a Linux pipe can hold by default.
const BLOCK_LEN: usize = 64 << 10;

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// The program and its arguments, as they are.
    Argv(Vec<String>),
    /// A line for `sh -c`.
    Shell(String),
}

impl Program {
    fn argv(&self) -> Vec<String> {
        match self {
            Self::Argv(argv) => argv.clone(),
            Self::Shell(line) => vec!["sh".into(), "-c".into(), line.clone()],
        }
    }

    /// The whole command, without secrets: windows and their scores are named after it.
    fn shown(&self) -> String {
        match self {
            Self::Argv(argv) => secrets::struck_out(&argv.join(" ")),
            Self::Shell(line) => secrets::struck_out(line),
        }
    }
}

/// A command and what it writes.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandSpec {
    /// What to run.
    pub program: Program,
    /// What it writes to its standard output.
    pub format: StreamFormat,
    /// Whether it should go on for ever: then even a good end is an error, after which the
    /// supervisor starts it again.
    pub restart: bool,
}

/// A running command as a source. Dropping it ends the command and everything that it started.
#[derive(Debug)]
pub struct CommandSource {
    running: Running,
    queue: Arc<Queue>,
    modality: Modality,
    restart: bool,
}

/// Starts the command.
///
/// # Errors
///
/// [`CaptureError::Setting`] for an impossible format, [`CaptureError::NoCommand`] when it cannot be
/// started.
pub fn open(spec: &CommandSpec) -> Result<CommandSource, CaptureError> {
    spec.format.check()?;
    let shown = spec.program.shown();
    let (running, stdout) = Running::start(&spec.program.argv())?;
    let sound_limit = match spec.format {
        // Two seconds.
        StreamFormat::Pcm { rate_hz, .. } => usize::try_from(rate_hz).unwrap_or(usize::MAX / 2) * 2,
        StreamFormat::RawVideo { .. } | StreamFormat::Mjpeg { .. } => 0,
    };
    let queue = Arc::new(Queue::new(sound_limit));
    queue.push_mark(Chunk::Begin { input: shown.clone(), at_s: 0.0 });
    let (format, sink) = (spec.format, Arc::clone(&queue));
    thread::Builder::new()
        .name("command-pipe".into())
        .spawn(move || read_pipe(stdout, format, &sink))
        .map_err(|source| CaptureError::NoCommand { program: shown, source })?;
    Ok(CommandSource { running, queue, modality: format.modality(), restart: spec.restart })
}

/// Whether there is a program that `argv` could start: an executable file at the path it names, or
/// in one of the folders of `PATH`. Starts nothing.
///
/// # Errors
///
/// [`CaptureError::NoCommand`].
pub fn find_program(argv: &[String]) -> Result<(), CaptureError> {
    let program = argv.first().map_or("", String::as_str);
    let runs = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
    let found = if program.contains('/') {
        runs(Path::new(program))
    } else {
        let folders = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&folders).any(|folder| runs(&folder.join(program)))
    };
    if found {
        return Ok(());
    }
    let source = io::Error::new(io::ErrorKind::NotFound, "no executable file is called so");
    Err(CaptureError::NoCommand { program: program.into(), source })
}

impl CommandSource {
    /// Pictures that were replaced by later ones before anybody looked: the normal case when the
    /// command is faster than what is wanted, therefore no [`crate::capture::Loss`].
    pub fn replaced_count(&self) -> u64 {
        self.queue.replaced_count()
    }
}

impl Source for CommandSource {
    fn modality(&self) -> Modality {
        self.modality
    }

    fn next(&mut self, max_wait: Duration) -> Result<Option<Chunk>, CaptureError> {
        match self.queue.take(max_wait) {
            Taken::Chunk(chunk) => Ok(Some(chunk)),
            Taken::Nothing => Ok(Some(Chunk::Idle)),
            Taken::End => {
                let well = self.running.finish().is_some_and(|status| status.success());
                if well && !self.restart { Ok(None) } else { Err(self.running.ended()) }
            }
        }
    }
}

impl Drop for CommandSource {
    fn drop(&mut self) {
        self.queue.abandon();
    }
}

/// Reads until the pipe ends. Holds no lock and never waits for the other side, so that the command
/// is not slowed down by ours.
fn read_pipe(mut stdout: ChildStdout, format: StreamFormat, queue: &Queue) {
    let mut cutter = Cutter::new(format);
    let mut clock = Position { format, count: 0 };
    let mut block = vec![0; BLOCK_LEN];
    while !queue.is_abandoned() {
        match stdout.read(&mut block) {
            Ok(0) => break,
            Ok(read) => cutter.push(&block[..read], &mut |item| clock.deliver(item, queue)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    cutter.finish(&mut |item| clock.deliver(item, queue));
    queue.end();
}

/// Where in the stream we are: samples or pictures since its beginning.
struct Position {
    format: StreamFormat,
    count: u64,
}

impl Position {
    fn deliver(&mut self, item: Item, queue: &Queue) {
        match (item, self.format) {
            (Item::Samples(samples), StreamFormat::Pcm { rate_hz, .. }) => {
                let at_sample = self.count;
                self.count += samples.len() as u64;
                queue.push_sound(rate_hz, at_sample, samples);
            }
            (
                Item::Frame(image),
                StreamFormat::RawVideo { fps, .. } | StreamFormat::Mjpeg { fps },
            ) => {
                let at_s = self.count as f64 / fps;
                self.count += 1;
                queue.push_picture(Chunk::Picture { at_s, lasts_s: 1.0 / fps, image });
            }
            (Item::Lost(loss), format) => {
                // A broken picture took its time; replaced samples are still there.
                let is_picture = !matches!(format, StreamFormat::Pcm { .. });
                if is_picture && loss.cause == LossCause::Damaged {
                    self.count += loss.count;
                }
                queue.push_loss(loss);
            }
            // A cutter for sound makes no pictures, nor the other way round.
            (Item::Samples(_) | Item::Frame(_), _) => {}
        }
    }
}
