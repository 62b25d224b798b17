//! ONNX graphs, run by ONNX Runtime. The only file that names `ort`.
//!
//! Its shared library is looked for when the first graph is loaded: at `$ORT_DYLIB_PATH`, else where
//! the system looks for libraries. One thread a graph, as with tract. On a graphics card only where that
//! is asked for, and then never on the processor instead: that would be slow, and nobody would know why.

use std::env;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::sync::OnceLock;

use ort::ep::CUDA;
use ort::ep::ExecutionProvider;
use ort::ep::ExecutionProviderDispatch;
use ort::ep::TensorRT;
use ort::session::Session as Inner;
use ort::session::builder::SessionBuilder;
use ort::value::TensorRef;
use sha2::Digest;
use sha2::Sha256;

use crate::base::hex::hex;
use crate::encode::error::EncodeError;
use crate::encode::network::Expected;
use crate::encode::network::MOST_BYTES;
use crate::encode::network::Network;
use crate::encode::network::Runtime;
use crate::encode::outline::Outline;
use crate::encode::outline::with_outputs;

/// Names of the library, the exact one first: packages of distributions have only the second.
const LIBRARIES: [&str; 2] = ["libonnxruntime.so", "libonnxruntime.so.1"];

/// Hears the number, shape and values of each output.
type Show<'a> = dyn FnMut(usize, &[i64], &[f32]) + 'a;

/// A graph, prepared by ONNX Runtime.
#[derive(Debug)]
pub struct Session {
    name: String,
    inner: Inner,
    input: String,
    input_shape: Vec<usize>,
    /// Names of the values, in the order asked for.
    values: Vec<String>,
    output_shapes: Vec<Vec<usize>>,
}

impl Session {
    /// Reads, checks and prepares a graph for `runtime`, which is one of ONNX Runtime's.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Runtime`] without a library, or with one that cannot use the graphics card that was
    /// asked for; else as for the built-in runtime.
    pub fn load(
        runtime: Runtime,
        bytes: &mut dyn Read,
        expected: Expected<'_>,
    ) -> Result<Self, EncodeError> {
        let unusable = |reason| EncodeError::Runtime { runtime: runtime.name(), reason };
        let place = library().map_err(unusable)?;
        let broken = |error: ort::Error| EncodeError::Graph {
            name: expected.name.into(),
            reason: error.to_string(),
        };
        let bytes = read_checked(bytes, expected)?;
        let outline = Outline::read(&bytes, expected.file)?;
        let (input, input_shape) = input_of(&outline, expected)?;
        let values = values_of(&outline, expected)?;
        let hidden: Vec<&str> = values
            .iter()
            .map(String::as_str)
            .filter(|value| !outline.outputs.iter().any(|port| port.name == *value))
            .collect();
        let builder = on_one_thread().map_err(broken)?;
        let mut builder = on_card(runtime, builder, &place).map_err(unusable)?;
        let inner = builder.commit_from_memory(&with_outputs(&bytes, &hidden)).map_err(broken)?;
        let name = expected.name.to_owned();
        let output_shapes = vec![Vec::new(); values.len()];
        let mut session = Self { name, inner, input, input_shape, values, output_shapes };
        // Shapes are known once it has run.
        let nothing = vec![0.0; expected.input_len];
        let mut shapes = Vec::new();
        session.run_with(&nothing, &mut |_, shape, _| {
            shapes.push(shape.iter().filter_map(|&n| usize::try_from(n).ok()).collect());
        })?;
        session.output_shapes = shapes;
        Ok(session)
    }

    fn run_with(&mut self, input: &[f32], show: &mut Show<'_>) -> Result<(), EncodeError> {
        let expected: usize = self.input_shape.iter().product();
        if input.len() != expected {
            let (name, found) = (self.name.clone(), input.len());
            return Err(EncodeError::Window { name, found, expected });
        }
        let name = &self.name;
        let failed =
            |error: ort::Error| EncodeError::Run { name: name.clone(), reason: error.to_string() };
        let tensor =
            TensorRef::from_array_view((self.input_shape.as_slice(), input)).map_err(failed)?;
        let outputs =
            self.inner.run(ort::inputs![self.input.as_str() => tensor]).map_err(failed)?;
        for (index, value) in self.values.iter().enumerate() {
            let (shape, values) =
                outputs[value.as_str()].try_extract_tensor::<f32>().map_err(failed)?;
            show(index, shape, values);
        }
        Ok(())
    }
}

impl Network for Session {
    fn output_shapes(&self) -> &[Vec<usize>] {
        &self.output_shapes
    }

    fn run(
        &mut self,
        input: &[f32],
        show: &mut dyn FnMut(usize, &[f32]),
    ) -> Result<(), EncodeError> {
        self.run_with(input, &mut |index, _, values| show(index, values))
    }
}

/// Loads the library, once a process; what came of it stays. Where it lies, or why there is none.
fn library() -> Result<PathBuf, String> {
    static LOADED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    LOADED.get_or_init(look_for_library).clone()
}

fn look_for_library() -> Result<PathBuf, String> {
    let stated = env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(PathBuf::from);
    // Why not try one after the other: after a failure the crate believes that it has a library.
    let place = stated.or_else(installed).unwrap_or_else(|| LIBRARIES[0].into());
    let error = match ort::init_from(&place) {
        Ok(environment) => {
            // `false` where another part of the process was first, which is as good.
            let _first = environment.with_telemetry(false).commit();
            return Ok(place);
        }
        Err(error) => error,
    };
    Err(format!(
        "{error}; install ONNX Runtime 1.17 or newer and say with ORT_DYLIB_PATH where its \
         libonnxruntime.so is (the Python package has one in onnxruntime/capi)"
    ))
}

/// The library where systems keep theirs.
fn installed() -> Option<PathBuf> {
    let folders = [
        PathBuf::from("/usr/local/lib"),
        format!("/usr/lib/{}-linux-gnu", env::consts::ARCH).into(),
        "/usr/lib".into(),
    ];
    let places = folders.iter().flat_map(|folder| LIBRARIES.map(|name| folder.join(name)));
    places.into_iter().find(|place| place.is_file())
}

fn read_checked(bytes: &mut dyn Read, expected: Expected<'_>) -> Result<Vec<u8>, EncodeError> {
    let mut all = Vec::new();
    bytes
        .take(MOST_BYTES)
        .read_to_end(&mut all)
        .map_err(|source| EncodeError::Read { path: expected.file.into(), source })?;
    let found: [u8; 32] = Sha256::digest(&all).into();
    if found == expected.sha256 {
        return Ok(all);
    }
    Err(EncodeError::Hash {
        name: expected.name.into(),
        file: expected.file.into(),
        found: hex(&found),
        expected: hex(&expected.sha256),
    })
}

fn input_of(
    outline: &Outline,
    expected: Expected<'_>,
) -> Result<(String, Vec<usize>), EncodeError> {
    let name = || expected.name.to_owned();
    let inputs: Vec<&str> = outline.inputs.iter().map(|port| port.name.as_str()).collect();
    let found = match expected.input {
        Some(node) => outline.inputs.iter().find(|port| port.name == node),
        None => outline.inputs.first().filter(|_| inputs.len() == 1),
    };
    let Some(found) = found else {
        return Err(EncodeError::NoSuchNode {
            name: name(),
            kind: "input",
            node: expected.input.unwrap_or("(the only one)").into(),
            available: inputs.iter().map(|&input| input.to_owned()).collect(),
        });
    };
    if 1 < inputs.len() {
        let input = found.name.clone();
        let further = inputs.iter().filter(|other| **other != input).map(|&i| i.to_owned());
        return Err(EncodeError::FurtherInputs { name: name(), further: further.collect(), input });
    }
    found.require_float32(expected.name)?;
    let stated = || -> Option<Vec<usize>> {
        let rest = found.dims.get(1..)?.iter().copied().collect::<Option<Vec<_>>>()?;
        Some(std::iter::once(1).chain(rest).collect())
    };
    let shape = expected.shape.map(<[usize]>::to_vec).or_else(stated).unwrap_or_default();
    if !shape.is_empty() && shape.iter().product::<usize>() == expected.input_len {
        return Ok((found.name.clone(), shape));
    }
    Err(EncodeError::Shape {
        name: name(),
        node: found.name.clone(),
        found: format!("{shape:?}"),
        expected: format!("{} numbers in a batch of 1", expected.input_len),
    })
}

fn values_of(outline: &Outline, expected: Expected<'_>) -> Result<Vec<String>, EncodeError> {
    let value = |node: &&str| {
        outline.value_named(node).map(str::to_owned).ok_or_else(|| EncodeError::NoSuchNode {
            name: expected.name.into(),
            kind: "node",
            node: (*node).into(),
            available: outline.outputs.iter().map(|port| port.name.clone()).collect(),
        })
    };
    expected.outputs.iter().map(value).collect()
}

fn on_one_thread() -> Result<SessionBuilder, ort::Error> {
    let builder = Inner::builder()?.with_intra_threads(1)?;
    Ok(builder.with_inter_threads(1)?)
}

/// Puts the graph on a graphics card, where `runtime` is for one. Operators that the card's part of the library,
/// at `place`, does not have run on the processor.
fn on_card(
    runtime: Runtime,
    builder: SessionBuilder,
    place: &Path,
) -> Result<SessionBuilder, String> {
    // Without TF32, which keeps 10 bits of a number's fraction: golden outputs are those of 32-bit floats.
    let cuda = CUDA::default().with_tf32(false);
    let tensorrt = TensorRT::default();
    let (what, offered) = match runtime {
        Runtime::Tract | Runtime::OnnxRuntime => return Ok(builder),
        Runtime::OnnxRuntimeCuda => ("CUDA", cuda.is_available()),
        Runtime::OnnxRuntimeTensorRt => ("TensorRT", tensorrt.is_available()),
    };
    let place = place.display();
    if !offered.map_err(|error| error.to_string())? {
        return Err(format!(
            "the library at {place} offers no {what}; it is ONNX Runtime's GPU build that does (the Python \
             package onnxruntime-gpu has it in onnxruntime/capi): say with ORT_DYLIB_PATH where that is; or \
             runtime = \"onnxruntime\""
        ));
    }
    let mut providers = vec![cuda.build()];
    if runtime == Runtime::OnnxRuntimeTensorRt {
        // The first has the choice, and CUDA does what TensorRT cannot.
        providers.insert(0, tensorrt.build());
    }
    // Otherwise the crate goes on without, and says so to nobody.
    let providers: Vec<_> =
        providers.into_iter().map(ExecutionProviderDispatch::error_on_failure).collect();
    builder.with_execution_providers(providers).map_err(|error| {
        format!(
            "the library at {place} cannot use {what} here: {error}; install what it asks for, or \
             runtime = \"onnxruntime\""
        )
    })
}
