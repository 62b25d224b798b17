//! A graph that runs, whatever runs it.

use std::fmt;
use std::str::FromStr;

use crate::encode::error::EncodeError;
use crate::encode::onnx;
#[cfg(feature = "onnxruntime")]
use crate::encode::onnxruntime;

/// What a manifest says of a graph.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The encoder, for messages.
    pub name: &'a str,
    /// The file, for messages.
    pub file: &'a str,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// The graph's input; `None` for the only one.
    pub input: Option<&'a str>,
    /// Its shape, batch first and 1; `None` for the graph's own.
    pub shape: Option<&'a [usize]>,
    /// Numbers that the front end gives.
    pub input_len: usize,
    /// Nodes whose values are wanted.
    pub outputs: &'a [&'a str],
}

/// A graph ready to run, with a batch of 1.
pub trait Network: fmt::Debug + Send {
    /// The shape of each wanted output, in the order asked for.
    fn output_shapes(&self) -> &[Vec<usize>];

    /// Runs the graph once and shows each wanted output, `show(index, values)`.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Window`] for an input of the wrong length, [`EncodeError::Run`] where the runtime
    /// fails.
    fn run(
        &mut self,
        input: &[f32],
        show: &mut dyn FnMut(usize, &[f32]),
    ) -> Result<(), EncodeError>;
}

/// What runs a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Runtime {
    /// Inside the program; needs nothing.
    #[default]
    Tract,
    /// ONNX Runtime's shared library, found when it is first needed.
    OnnxRuntime,
}

impl Runtime {
    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tract => "tract",
            Self::OnnxRuntime => "onnxruntime",
        }
    }
}

impl FromStr for Runtime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Tract, Self::OnnxRuntime]
            .into_iter()
            .find(|runtime| runtime.name() == text)
            .ok_or_else(|| format!("{text:?} is no runtime; there are tract and onnxruntime"))
    }
}

/// Reads, checks and prepares a graph for `runtime`.
///
/// # Errors
///
/// [`EncodeError`]: another file, no graph, or one that the runtime cannot run; or no such runtime.
pub fn load(
    runtime: Runtime,
    bytes: &mut dyn std::io::Read,
    expected: Expected<'_>,
) -> Result<Box<dyn Network>, EncodeError> {
    match runtime {
        Runtime::Tract => Ok(Box::new(onnx::Graph::load(bytes, expected)?)),
        #[cfg(feature = "onnxruntime")]
        Runtime::OnnxRuntime => Ok(Box::new(onnxruntime::Session::load(bytes, expected)?)),
        #[cfg(not(feature = "onnxruntime"))]
        Runtime::OnnxRuntime => Err(EncodeError::Runtime {
            reason: "this program was built without it; build it with --features onnxruntime"
                .into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_named_as_it_is_written() {
        for runtime in [Runtime::Tract, Runtime::OnnxRuntime] {
            assert_eq!(runtime.name().parse(), Ok(runtime));
        }
        assert!("ort".parse::<Runtime>().unwrap_err().contains("onnxruntime"));
    }
}
