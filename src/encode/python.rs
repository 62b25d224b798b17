//! ONNX Runtime as a Python package, for comparisons: a second opinion on a graph where the package is
//! installed, without anything built in. Far too slow and fragile for anything else.
//!
//! The process is ended where an answer takes longer than `ANSWER_WAIT`. What it complains about goes to a
//! file, not a pipe: nobody reads that before it fails, and a full pipe would stop it.

use std::fs;
use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::ChildStdin;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::Duration;

use crate::encode::error::EncodeError;
use crate::encode::network::Expected;
use crate::encode::network::Network;
use crate::encode::network::Runtime;
use crate::encode::outline::Outline;
use crate::encode::outline::with_outputs;

/// Longest wait for the process to begin, and for what it makes of one window: a slow board needs 10 s to load
/// the package.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// Bytes of the end of what it complained about that are looked at.
const LAST_WORDS_BYTES: u64 = 8 << 10;

/// Arguments: network, shape of the input, outputs. Standard input: one window after the other, floats.
/// Standard output: the shapes, a line each, then all outputs of each window.
const SCRIPT: &str = r"
import sys
import numpy as np
import onnxruntime
onnxruntime.set_default_logger_severity(4)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=['CPUExecutionProvider'])
shape = [int(n) for n in sys.argv[2].split(',')]
name, names = session.get_inputs()[0].name, sys.argv[3:]
for found in session.run(names, {name: np.zeros(shape, np.float32)}):
    print(*found.shape)
sys.stdout.flush()
while window := sys.stdin.buffer.read(4 * int(np.prod(shape))):
    for found in session.run(names, {name: np.frombuffer(window, '<f4').reshape(shape)}):
        sys.stdout.buffer.write(found.astype('<f4').tobytes())
    sys.stdout.flush()
";

/// A graph in a Python process; ends with it.
#[derive(Debug)]
pub struct Reference {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    shapes: Vec<Vec<usize>>,
    /// What it complains about.
    complaints: PathBuf,
}

/// `python3` with a script. It looks for modules in its working folder first, and ours may be anybody's: its own is
/// the root, where nobody leaves any.
fn python(script: &str) -> Command {
    let mut command = Command::new("python3");
    command.args(["-c", script]).current_dir("/");
    command
}

/// Whether `python3` has the package.
pub fn is_there() -> bool {
    let started = python("import numpy, onnxruntime")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = started else { return false };
    if let Some(mut output) = child.stdout.take() {
        // It says nothing; the end of that is the end of the process.
        drop(within(&mut child, ANSWER_WAIT, || io::copy(&mut output, &mut io::sink())));
    }
    child.wait().is_ok_and(|status| status.success())
}

/// Does `work`, which waits for `child`, and ends `child` where that takes longer than `limit`: `None` then.
fn within<T>(child: &mut Child, limit: Duration, work: impl FnOnce() -> T) -> Option<T> {
    let (done, waiting) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let watch = move || {
            let late = waiting.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
            if late {
                // One that has ended by itself cannot be ended again.
                drop(child.kill());
            }
            late
        };
        // Without a thread to spare there is no limit.
        let watch = thread::Builder::new().name("python-watch".into()).spawn_scoped(scope, watch);
        let result = work();
        drop(done);
        let late = watch.is_ok_and(|watch| watch.join().unwrap_or(false));
        (!late).then_some(result)
    })
}

/// The process has not answered in time.
fn too_slow() -> EncodeError {
    unusable(format!("python3 did not answer within {} s, and was ended", ANSWER_WAIT.as_secs()))
}

fn unusable(reason: String) -> EncodeError {
    EncodeError::Runtime { runtime: Runtime::OnnxRuntime.name(), reason }
}

impl Reference {
    /// Starts a process with the network `bytes`, whose input has `shape`. Files that it needs lie in
    /// `scratch`, a folder of the caller's.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Runtime`] where no process can be started or it does not answer in time,
    /// [`EncodeError::Graph`] where ONNX Runtime refuses the graph.
    pub fn start(
        bytes: &[u8],
        shape: &[usize],
        scratch: &Path,
        expected: Expected<'_>,
    ) -> Result<Self, EncodeError> {
        let failed = |error: io::Error| unusable(error.to_string());
        let outline = Outline::read(bytes, expected.file)?;
        let values: Vec<&str> =
            expected.outputs.iter().filter_map(|node| outline.value_named(node)).collect();
        let hidden: Vec<&str> = values
            .iter()
            .copied()
            .filter(|value| !outline.outputs.iter().any(|port| port.name == *value))
            .collect();
        let network = path::absolute(scratch).map_err(failed)?.join("network.onnx");
        fs::write(&network, with_outputs(bytes, &hidden)).map_err(failed)?;
        let complaints = scratch.join("complaints.txt");
        let told = File::create(&complaints).map_err(failed)?;
        let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
        let mut child = python(SCRIPT)
            .arg(&network)
            .arg(shape.join(","))
            .args(&values)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(told)
            .spawn()
            .map_err(failed)?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let Some(output) = output else {
            return Err(failed(io::Error::from(io::ErrorKind::BrokenPipe)));
        };
        let name = expected.name.to_owned();
        let output = BufReader::new(output);
        let shapes = Vec::new();
        let mut reference = Self { name, child, input, output, shapes, complaints };
        let output = &mut reference.output;
        let lines = within(&mut reference.child, ANSWER_WAIT, || read_lines(output, values.len()));
        for line in lines.ok_or_else(too_slow)?.map_err(failed)? {
            if line.is_empty() {
                let (name, reason) = (reference.name.clone(), reference.last_words());
                return Err(EncodeError::Graph { name, reason });
            }
            let shape = line.split_whitespace().filter_map(|n| n.parse().ok()).collect();
            reference.shapes.push(shape);
        }
        Ok(reference)
    }

    /// The last line of what the process complained about.
    fn last_words(&self) -> String {
        // What cannot be read cannot be told.
        let words = end_of(&self.complaints).unwrap_or_default();
        let last = words.lines().map(str::trim).rfind(|line| !line.is_empty());
        last.unwrap_or("the Python process ended without a word").to_owned()
    }
}

/// `count` lines; empty where the process ended before.
fn read_lines(output: &mut impl BufRead, count: usize) -> io::Result<Vec<String>> {
    let mut lines = vec![String::new(); count];
    for line in &mut lines {
        output.read_line(line)?;
    }
    Ok(lines)
}

fn end_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let from = file.metadata()?.len().saturating_sub(LAST_WORDS_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(LAST_WORDS_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Gives the process a window, and takes what it makes of it: the outputs of these shapes.
fn exchange(
    window: &[f32],
    input: Option<&mut ChildStdin>,
    output: &mut impl Read,
    shapes: &[Vec<usize>],
) -> io::Result<Vec<Vec<f32>>> {
    let bytes: Vec<u8> = window.iter().flat_map(|x| x.to_le_bytes()).collect();
    let pipe = input.ok_or(io::ErrorKind::BrokenPipe)?;
    pipe.write_all(&bytes)?;
    pipe.flush()?;
    let mut outputs = Vec::with_capacity(shapes.len());
    for shape in shapes {
        let mut bytes = vec![0; 4 * shape.iter().product::<usize>()];
        output.read_exact(&mut bytes)?;
        outputs.push(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect());
    }
    Ok(outputs)
}

impl Network for Reference {
    fn output_shapes(&self) -> &[Vec<usize>] {
        &self.shapes
    }

    fn run(
        &mut self,
        input: &[f32],
        show: &mut dyn FnMut(usize, &[f32]),
    ) -> Result<(), EncodeError> {
        let (pipe, output, shapes) = (self.input.as_mut(), &mut self.output, &self.shapes);
        let work = || exchange(input, pipe, output, shapes);
        let answer = within(&mut self.child, ANSWER_WAIT, work).ok_or_else(too_slow)?;
        let outputs = answer
            .map_err(|_| EncodeError::Run { name: self.name.clone(), reason: self.last_words() })?;
        for (index, values) in outputs.iter().enumerate() {
            show(index, values);
        }
        Ok(())
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // Nothing is wanted of it any more; waiting leaves no zombie.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Fails, after a minute, where nothing ends the process.
    #[test]
    fn a_process_that_does_not_answer_is_ended() {
        let mut child = shell("exec sleep 60");
        let mut output = child.stdout.take().unwrap();
        let mut all = Vec::new();
        let limit = Duration::from_millis(20);
        assert!(within(&mut child, limit, || output.read_to_end(&mut all)).is_none());
        assert!(!child.wait().unwrap().success());
        let words = too_slow().to_string();
        assert!(words.contains("python3 did not answer within 60 s"), "{words}");
    }

    #[test]
    fn a_process_that_answers_is_left_alone() {
        let mut child = shell("echo 3 4; read -r all && echo \"$all\"");
        let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut output = BufReader::new(output);
        let lines = within(&mut child, ANSWER_WAIT, || read_lines(&mut output, 1));
        assert_eq!(lines.unwrap().unwrap(), ["3 4\n"]);
        input.write_all(b"on\n").unwrap();
        let lines = within(&mut child, ANSWER_WAIT, || read_lines(&mut output, 2));
        assert_eq!(lines.unwrap().unwrap(), ["on\n", ""], "it ends by itself");
        assert!(child.wait().unwrap().success());
    }

    #[test]
    fn only_the_end_of_many_complaints_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("complaints.txt");
        fs::write(&path, "x".repeat(100_000) + "\nlast").unwrap();
        let end = end_of(&path).unwrap();
        assert!(end.ends_with("x\nlast") && end.len() == 8192, "{}", end.len());
    }
}
