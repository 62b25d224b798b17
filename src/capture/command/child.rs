//! A child process whose output we read: started in a group of its own, its words kept, always
//! ended and reaped.

use std::io;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::Child;
use std::process::ChildStderr;
use std::process::ChildStdout;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::WaitId;
use rustix::process::WaitIdOptions;

use crate::base::secrets;
use crate::base::stop::Stop;
use crate::capture::error::CaptureError;

/// How much of the end of standard error is kept.
const WORDS_MAX_BYTES: usize = 8 << 10;

/// Lines logged one by one; after these, one line for each doubling of their number.
const LINES_LOGGED: u64 = 20;

/// Between two looks at whether a child has ended.
const LOOK: Duration = Duration::from_millis(10);

/// How long a child may take to leave when asked, and again when forced.
const LEAVE_LOOKS: usize = 30;

/// A running command. Dropping it ends it and everything it started.
#[derive(Debug)]
pub(in crate::capture) struct Running {
    child: Child,
    /// For messages. Arguments are left out of them: they may hold a login.
    program: String,
    words: Arc<Mutex<Words>>,
    status: Option<ExitStatus>,
}

/// The end of what a child wrote to standard error.
#[derive(Debug, Default)]
struct Words {
    tail: Vec<u8>,
    ended: bool,
}

impl Running {
    /// Starts `argv` and hands out its standard output. Standard input is empty.
    ///
    /// # Errors
    ///
    /// [`CaptureError::NoCommand`] when it does not exist or may not run.
    pub(in crate::capture) fn start(argv: &[String]) -> Result<(Self, ChildStdout), CaptureError> {
        let program = argv.first().cloned().unwrap_or_default();
        let failed =
            |source: io::Error| CaptureError::NoCommand { program: program.clone(), source };
        let mut child = Command::new(&program)
            .args(argv.get(1..).unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // What a shell line starts gets the signals, too.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let words = Arc::<Mutex<Words>>::default();
        let running = Self { child, program: program.clone(), words, status: None };
        let missing = || io::Error::other("a pipe to it is missing");
        let stdout = stdout.ok_or_else(|| failed(missing()))?;
        let stderr = stderr.ok_or_else(|| failed(missing()))?;
        let (words, name) = (Arc::clone(&running.words), program.clone());
        thread::Builder::new()
            .name("command-words".into())
            .spawn(move || listen(stderr, &words, &name))
            .map_err(failed)?;
        Ok((running, stdout))
    }

    /// How it ended, waiting at most about 0.3 s for that; it is made to end if it has not.
    pub(in crate::capture) fn finish(&mut self) -> Option<ExitStatus> {
        if self.wait_a_little().is_none() {
            self.stop();
        }
        self.status
    }

    /// The last lines it wrote to standard error, on one line, without secrets: programs like to
    /// repeat the address that they could not open.
    pub(in crate::capture) fn last_words(&self) -> String {
        // The thread that listens may be a moment behind the end of the process.
        for _ in 0..LEAVE_LOOKS {
            if self.words.lock().unwrap_or_else(PoisonError::into_inner).ended {
                break;
            }
            pause();
        }
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&words.tail);
        let lines: Vec<&str> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let last = &lines[lines.len().saturating_sub(4)..];
        if last.is_empty() { "none".into() } else { secrets::struck_out(&last.join(" | ")) }
    }

    /// The error that says how it ended.
    pub(in crate::capture) fn ended(&self) -> CaptureError {
        let status = match self.status {
            Some(status) => status.to_string(),
            None => "no status".into(),
        };
        let last_words = self.last_words();
        CaptureError::CommandEnded { program: self.program.clone(), status, last_words }
    }

    /// Waits a little for the end. What the child has left behind ends with it.
    ///
    /// Invariant: signals are sent only while the child has not been reaped: until then its number,
    /// which is also the group's, cannot belong to anybody else.
    fn wait_a_little(&mut self) -> Option<ExitStatus> {
        for _ in 0..LEAVE_LOOKS {
            if self.status.is_some() || self.has_ended() {
                break;
            }
            pause();
        }
        if self.status.is_none() && self.has_ended() {
            self.signal(Signal::KILL);
            self.status = self.child.try_wait().ok().flatten();
        }
        self.status
    }

    /// Asks, then forces.
    fn stop(&mut self) {
        for signal in [Signal::TERM, Signal::KILL] {
            if self.status.is_none() {
                self.signal(signal);
                self.wait_a_little();
            }
        }
    }

    /// Looks without reaping.
    fn has_ended(&self) -> bool {
        let Some(pid) = self.pid() else { return true };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(rustix::process::waitid(WaitId::Pid(pid), options), Ok(None))
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.pid()
            && let Err(error) = rustix::process::kill_process_group(group, signal)
        {
            // The usual case: everybody in it has left already.
            log::trace!("signal to `{}`: {error}", self.program);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
        if self.status.is_none() {
            log::warn!("`{}` does not end even when killed; left behind", self.program);
        }
    }
}

fn pause() {
    // A stop nobody requests is a plain sleep.
    let _woke = Stop::default().sleep(LOOK);
}

/// Reads standard error until its end, so that the child never blocks on it.
fn listen(mut stderr: ChildStderr, words: &Mutex<Words>, program: &str) {
    let mut block = [0; 1024];
    let mut line = Vec::new();
    let mut line_count = 0_u64;
    loop {
        let read = match stderr.read(&mut block) {
            Ok(0) => break,
            Ok(read) => &block[..read],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        keep_tail(&mut words.lock().unwrap_or_else(PoisonError::into_inner).tail, read);
        for &byte in read {
            if byte == b'\n' || byte == b'\r' {
                log_line(&line, &mut line_count, program);
                line.clear();
            } else if line.len() < 400 {
                line.push(byte);
            }
        }
    }
    log_line(&line, &mut line_count, program);
    words.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
}

fn keep_tail(tail: &mut Vec<u8>, read: &[u8]) {
    tail.extend_from_slice(read);
    if WORDS_MAX_BYTES < tail.len() {
        tail.drain(..tail.len() - WORDS_MAX_BYTES);
    }
}

fn log_line(line: &[u8], line_count: &mut u64, program: &str) {
    let text = String::from_utf8_lossy(line);
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    *line_count += 1;
    if *line_count <= LINES_LOGGED {
        log::info!("`{program}` says: {}", secrets::struck_out(text));
    } else if line_count.is_power_of_two() {
        let text = secrets::struck_out(text);
        log::info!("`{program}` has said {line_count} lines, the last: {text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_newest_and_bounded() {
        let mut tail = Vec::new();
        for number in 0..5000_u32 {
            keep_tail(&mut tail, format!("{number}\n").as_bytes());
        }
        assert_eq!(tail.len(), WORDS_MAX_BYTES);
        assert!(tail.ends_with(b"4998\n4999\n"));
    }
}
