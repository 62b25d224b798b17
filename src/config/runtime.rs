//! Which runtime runs an encoder.

use serde::Deserialize;
use serde::Serialize;

/// What runs an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuntimeToml {
    /// Inside the program.
    #[default]
    Tract,
    /// ONNX Runtime's shared library.
    Onnxruntime,
    /// The same on a graphics card.
    #[serde(rename = "onnxruntime-cuda")]
    OnnxruntimeCuda,
    /// The same, its network made anew by TensorRT where that can.
    #[serde(rename = "onnxruntime-tensorrt")]
    OnnxruntimeTensorrt,
}
