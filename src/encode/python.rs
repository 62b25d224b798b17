//! ONNX Runtime as a Python package, for comparisons: a second opinion on a graph where the package is
//! installed, without anything built in. Far too slow and fragile for anything else.

use std::fs;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::process::Child;
use std::process::ChildStdin;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;

use crate::encode::error::EncodeError;
use crate::encode::network::Expected;
use crate::encode::network::Network;
use crate::encode::outline::Outline;
use crate::encode::outline::with_outputs;

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
}

/// Whether `python3` has the package.
pub fn is_there() -> bool {
    Command::new("python3")
        .args(["-c", "import numpy, onnxruntime"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

impl Reference {
    /// Starts a process with the network `bytes`, whose input has `shape`. Files that it needs lie in
    /// `scratch`, a folder of the caller's.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Runtime`] where no process can be started, [`EncodeError::Graph`] where ONNX Runtime
    /// refuses the graph.
    pub fn start(
        bytes: &[u8],
        shape: &[usize],
        scratch: &Path,
        expected: Expected<'_>,
    ) -> Result<Self, EncodeError> {
        let failed = |error: io::Error| EncodeError::Runtime { reason: error.to_string() };
        let outline = Outline::read(bytes, expected.file)?;
        let values: Vec<&str> =
            expected.outputs.iter().filter_map(|node| outline.value_named(node)).collect();
        let hidden: Vec<&str> = values
            .iter()
            .copied()
            .filter(|value| !outline.outputs.iter().any(|port| port.name == *value))
            .collect();
        let network = scratch.join("network.onnx");
        fs::write(&network, with_outputs(bytes, &hidden)).map_err(failed)?;
        let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
        let mut child = Command::new("python3")
            .args(["-c", SCRIPT])
            .arg(&network)
            .arg(shape.join(","))
            .args(&values)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let Some(output) = output else {
            return Err(failed(io::Error::from(io::ErrorKind::BrokenPipe)));
        };
        let name = expected.name.to_owned();
        let output = BufReader::new(output);
        let mut reference = Self { name, child, input, output, shapes: Vec::new() };
        for _ in &values {
            let mut line = String::new();
            reference.output.read_line(&mut line).map_err(failed)?;
            if line.is_empty() {
                let (name, reason) = (reference.name.clone(), reference.last_words());
                return Err(EncodeError::Graph { name, reason });
            }
            let shape = line.split_whitespace().filter_map(|n| n.parse().ok()).collect();
            reference.shapes.push(shape);
        }
        Ok(reference)
    }

    /// The last line of what the process complained about. Ends it.
    fn last_words(&mut self) -> String {
        drop(self.input.take());
        let mut words = String::new();
        if let Some(stderr) = &mut self.child.stderr {
            // What cannot be read cannot be told.
            drop(stderr.read_to_string(&mut words));
        }
        let last = words.lines().map(str::trim).rfind(|line| !line.is_empty());
        last.unwrap_or("the Python process ended without a word").to_owned()
    }

    fn exchange(&mut self, input: &[f32], show: &mut dyn FnMut(usize, &[f32])) -> io::Result<()> {
        let bytes: Vec<u8> = input.iter().flat_map(|x| x.to_le_bytes()).collect();
        let pipe = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        pipe.write_all(&bytes)?;
        pipe.flush()?;
        for (index, shape) in self.shapes.iter().enumerate() {
            let mut bytes = vec![0; 4 * shape.iter().product::<usize>()];
            self.output.read_exact(&mut bytes)?;
            let values: Vec<f32> =
                bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
            show(index, &values);
        }
        Ok(())
    }
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
        self.exchange(input, show)
            .map_err(|_| EncodeError::Run { name: self.name.clone(), reason: self.last_words() })
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // A closed pipe ends the script; waiting leaves no zombie.
        drop(self.input.take());
        drop(self.child.wait());
    }
}
