//! A graph that runs, whatever runs it.

use std::fmt;
use std::str::FromStr;

use crate::config::runtime::RuntimeToml;
use crate::encode::error::EncodeError;
use crate::encode::onnx;
#[cfg(feature = "onnxruntime")]
use crate::encode::onnxruntime;

/// Largest network that is read, in bytes.
pub const MOST_BYTES: u64 = 512 << 20;

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
    /// The same on a graphics card.
    OnnxRuntimeCuda,
    /// The same, its network made anew by TensorRT where that can.
    OnnxRuntimeTensorRt,
}

impl Runtime {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Tract, Self::OnnxRuntime, Self::OnnxRuntimeCuda, Self::OnnxRuntimeTensorRt];

    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tract => "tract",
            Self::OnnxRuntime => "onnxruntime",
            Self::OnnxRuntimeCuda => "onnxruntime-cuda",
            Self::OnnxRuntimeTensorRt => "onnxruntime-tensorrt",
        }
    }
}

impl From<RuntimeToml> for Runtime {
    fn from(written: RuntimeToml) -> Self {
        match written {
            RuntimeToml::Tract => Self::Tract,
            RuntimeToml::Onnxruntime => Self::OnnxRuntime,
            RuntimeToml::OnnxruntimeCuda => Self::OnnxRuntimeCuda,
            RuntimeToml::OnnxruntimeTensorrt => Self::OnnxRuntimeTensorRt,
        }
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Runtime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|runtime| runtime.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("{text:?} is no runtime; there are {names}")
        })
    }
}

/// Refuses `file` of `bytes`, for the encoder `name`, where that is more than [`MOST_BYTES`]. Known before
/// anything is read: what is cut off has another hash, and that would be blamed.
///
/// # Errors
///
/// [`EncodeError::TooLarge`].
pub fn refuse_too_large(name: &str, file: &str, bytes: u64) -> Result<(), EncodeError> {
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    Err(EncodeError::TooLarge { name: name.into(), file: file.into(), bytes, most: MOST_BYTES })
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
        _ => Ok(Box::new(onnxruntime::Session::load(runtime, bytes, expected)?)),
        #[cfg(not(feature = "onnxruntime"))]
        _ => Err(EncodeError::Runtime {
            runtime: runtime.name(),
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
        for runtime in Runtime::ALL {
            assert_eq!(runtime.name().parse(), Ok(runtime));
        }
        let words = "ort".parse::<Runtime>().unwrap_err();
        assert!(words.contains("tract, onnxruntime, onnxruntime-cuda, onnxruntime-tensorrt"));
    }

    #[test]
    fn a_configuration_names_the_same_runtimes() {
        for written in [
            RuntimeToml::Tract,
            RuntimeToml::Onnxruntime,
            RuntimeToml::OnnxruntimeCuda,
            RuntimeToml::OnnxruntimeTensorrt,
        ] {
            let text = toml::Value::try_from(written).unwrap();
            assert_eq!(text.as_str(), Some(Runtime::from(written).name()));
        }
    }

    #[test]
    fn a_network_of_the_largest_size_is_read_and_a_larger_one_is_not() {
        assert!(refuse_too_large("x", "x.onnx", MOST_BYTES).is_ok());
        let words = refuse_too_large("x", "x.onnx", MOST_BYTES + 1).unwrap_err().to_string();
        assert!(words.contains("536870913 bytes") && words.contains("512 MiB"), "{words}");
    }
}
