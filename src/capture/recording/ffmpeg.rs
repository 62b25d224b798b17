//! What only `ffmpeg` reads, through a pipe: sound as 32-bit WAV at its own rate, pictures as Y4M,
//! made smaller and fewer on its side of the pipe.

use std::ffi::OsString;
use std::io;
use std::io::Read;
use std::path::Path;
use std::process::ChildStdout;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use crate::capture::Modality;
use crate::capture::command::child::Running;
use crate::capture::error::CaptureError;
use crate::capture::recording::Options;
use crate::capture::recording::reader::Piece;
use crate::capture::recording::reader::Reader;
use crate::capture::recording::reader::Trouble;
use crate::capture::recording::wav;
use crate::capture::recording::y4m::Y4m;

/// Silence of `ffmpeg` after which it is taken to hang. Seeking in a large file on a slow card takes
/// seconds, not this long.
const STALL: Duration = Duration::from_secs(60);

const BLOCK_LEN: usize = 64 << 10;

/// Widest picture taken from `ffmpeg`; encoders look at a quarter of that.
const WIDTH_MAX: u32 = 640;

/// Opens `path`, which holds `what`, for its sound or its pictures.
///
/// # Errors
///
/// [`Trouble::NeedsFfmpeg`] without `ffmpeg`; [`Trouble::Damaged`] with its words when it fails.
pub(super) fn open(
    path: &Path,
    what: &str,
    modality: Modality,
    options: &Options,
) -> Result<Box<dyn Reader>, Trouble> {
    let argv = argv(path, modality, options);
    let (running, stdout) = match Running::start(&argv) {
        Ok(started) => started,
        Err(CaptureError::NoCommand { .. }) => return Err(Trouble::NeedsFfmpeg(what.into())),
        Err(error) => return Err(Trouble::Damaged(error.to_string())),
    };
    let verdict = Arc::<Mutex<Option<String>>>::default();
    let pipe = Box::new(Pipe::new(running, stdout, Arc::clone(&verdict))?);
    let opened: Result<Box<dyn Reader>, Trouble> = match modality {
        Modality::Sound => wav::open_pipe(pipe).map(|reader| Box::new(reader) as _),
        Modality::Picture => Y4m::open(pipe, None).map(|reader| Box::new(reader) as _),
    };
    match opened {
        Ok(reader) => Ok(Box::new(Watched { reader, verdict, warning: None, any: false })),
        Err(trouble) => {
            let named = |words| Trouble::Damaged(format!("{what}, of which {words}"));
            Err(words(&verdict).map_or(trouble, named))
        }
    }
}

fn argv(path: &Path, modality: Modality, options: &Options) -> Vec<String> {
    // The prefix keeps names such as `-y` or `http:` from meaning something else.
    let mut name = OsString::from("file:");
    name.push(path);
    let name = name.to_string_lossy().into_owned();
    let head = ["-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe", "-i", &name];
    let mut argv = vec![options.ffmpeg.clone()];
    argv.extend(head.map(String::from));
    let tail = match modality {
        Modality::Sound => "-map 0:a:0 -vn -sn -dn -c:a pcm_f32le -f wav pipe:1".to_owned(),
        Modality::Picture => {
            let rate = options.max_fps.map_or(String::new(), |fps| format!("fps={fps},"));
            let scale = format!("scale=trunc(min({WIDTH_MAX}\\,iw)/2)*2:-2");
            format!(
                "-map 0:v:0 -an -sn -dn -vf {rate}{scale} -pix_fmt yuv420p -f yuv4mpegpipe pipe:1"
            )
        }
    };
    argv.extend(tail.split(' ').map(String::from));
    argv
}

fn words(verdict: &Mutex<Option<String>>) -> Option<String> {
    verdict.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// The reading end. Dropping it ends `ffmpeg`.
struct Pipe {
    running: Running,
    blocks: Receiver<Vec<u8>>,
    block: Vec<u8>,
    at: usize,
    verdict: Arc<Mutex<Option<String>>>,
}

impl Pipe {
    fn new(
        running: Running,
        stdout: ChildStdout,
        verdict: Arc<Mutex<Option<String>>>,
    ) -> io::Result<Self> {
        let (sender, blocks) = mpsc::sync_channel(8);
        thread::Builder::new()
            .name("ffmpeg-pipe".into())
            .spawn(move || pass_on(stdout, &sender))?;
        Ok(Self { running, blocks, block: Vec::new(), at: 0, verdict })
    }

    /// At the end of the pipe: was it the end of the file, too?
    fn judge(&mut self) {
        if !self.running.finish().is_some_and(|status| status.success()) {
            let words = format!("ffmpeg says: {}", self.running.last_words());
            *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
        }
    }
}

fn pass_on(mut stdout: ChildStdout, sender: &SyncSender<Vec<u8>>) {
    loop {
        let mut block = vec![0; BLOCK_LEN];
        match stdout.read(&mut block) {
            Ok(0) => break,
            Ok(read) => {
                block.truncate(read);
                if sender.send(block).is_err() {
                    break;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.at == self.block.len() {
            match self.blocks.recv_timeout(STALL) {
                Ok(block) => (self.block, self.at) = (block, 0),
                Err(RecvTimeoutError::Disconnected) => {
                    self.judge();
                    return Ok(0);
                }
                Err(RecvTimeoutError::Timeout) => {
                    let words = format!("ffmpeg has delivered nothing for {} s", STALL.as_secs());
                    return Err(io::Error::new(io::ErrorKind::TimedOut, words));
                }
            }
        }
        let rest = &self.block[self.at..];
        let count = rest.len().min(target.len());
        target[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

/// A reader at whose end `ffmpeg`'s opinion is heard.
struct Watched {
    reader: Box<dyn Reader>,
    verdict: Arc<Mutex<Option<String>>>,
    warning: Option<String>,
    any: bool,
}

impl Reader for Watched {
    fn next(&mut self) -> Result<Option<Piece>, String> {
        match self.reader.next() {
            Ok(Some(piece)) => {
                self.any = true;
                Ok(Some(piece))
            }
            Ok(None) => match words(&self.verdict) {
                Some(words) if !self.any => Err(words),
                words => {
                    self.warning = words;
                    Ok(None)
                }
            },
            Err(detail) => Err(words(&self.verdict).unwrap_or(detail)),
        }
    }

    fn take_warning(&mut self) -> Option<String> {
        self.warning.take().or_else(|| self.reader.take_warning())
    }
}
