//! What can be wrong with an encoder.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::base::recovery::{EXIT_CONFIG, Recovery};
use crate::config::manifest::ManifestError;
use crate::signal::image::ImageError;
use crate::signal::resample::UnusableRate;

/// Each message names the encoder, what was found and what was expected. No message repeats its
/// source: the log prints the chain.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Neither a bundled name nor a file.
    #[error(
        "no encoder called {wanted:?}; bundled are {}, and any other is in {folder:?} or is the path \
         of a manifest, NAME.toml; `habituate models add` makes one", .bundled.join(", ")
    )]
    Unknown {
        /// As configured.
        wanted: String,
        /// Where encoders that were added lie.
        folder: PathBuf,
        /// What would be right.
        bundled: Vec<&'static str>,
    },
    /// A file that cannot be read.
    #[error("cannot read {path:?}")]
    Read {
        /// Manifest or network.
        path: PathBuf,
        /// The operating system's words.
        #[source]
        source: io::Error,
    },
    /// A manifest that is wrong.
    #[error("the manifest {path:?} is wrong")]
    Manifest {
        /// File, or name of a bundled one.
        path: PathBuf,
        /// All its problems.
        #[source]
        source: ManifestError,
    },
    /// Not the network that the manifest describes.
    #[error(
        "{file} is not the network that the manifest of {name} describes: its SHA-256 is {found}, \
         and {expected} was expected; get the right file, or correct sha256"
    )]
    Hash {
        /// The encoder.
        name: String,
        /// The network's file.
        file: String,
        /// Hexadecimal.
        found: String,
        /// Hexadecimal.
        expected: String,
    },
    /// A network that nobody would want to wait for.
    #[error(
        "{file} is a file of {bytes} bytes, and {} MiB is the most that is read of the network of {name}; \
         export it with fewer weights", .most >> 20
    )]
    TooLarge {
        /// The encoder.
        name: String,
        /// The network's file.
        file: String,
        /// Its size.
        bytes: u64,
        /// What would be right.
        most: u64,
    },
    /// Not an ONNX file, or not all of one.
    #[error("{file} is no ONNX file: {reason}")]
    NotOnnx {
        /// The file.
        file: String,
        /// What it is, or where it ends.
        reason: String,
    },
    /// A graph that decides while it runs.
    #[error(
        "the network of {name} has control flow: {}; only networks that do the same for every window \
         are supported; export it without, for a fixed shape", .operators.join(", ")
    )]
    ControlFlow {
        /// The encoder.
        name: String,
        /// Sorted, each once.
        operators: Vec<String>,
    },
    /// A graph whose input could have any size.
    #[error(
        "the network of {name} leaves the size of its input {input:?} open: {shape}; say it with \
         --shape, batch first, such as --shape {example}"
    )]
    OpenShape {
        /// The encoder.
        name: String,
        /// The input.
        input: String,
        /// As in the graph, `?` for what is open.
        shape: String,
        /// One that would be right.
        example: String,
    },
    /// Something that the graph does not say and nobody else has said.
    #[error("{what} of the network of {name} cannot be guessed: {why}; say it with {option}")]
    NoGuess {
        /// The encoder.
        name: String,
        /// What is wanted.
        what: &'static str,
        /// What was looked at.
        why: String,
        /// What to add to the command.
        option: &'static str,
    },
    /// An option for a drafted manifest whose value cannot be.
    #[error("{option}: {reason}")]
    Setting {
        /// As typed.
        option: String,
        /// Why, and what would be right.
        reason: String,
    },
    /// An input or a node whose numbers are no 32-bit floats.
    #[error("{}", element(name, kind, node, found))]
    Element {
        /// The encoder.
        name: String,
        /// `input` or `node`.
        kind: &'static str,
        /// Its name in the graph.
        node: String,
        /// What its numbers are.
        found: &'static str,
    },
    /// Weights that are 16-bit floats, where the runtime cannot compute with these.
    #[error(
        "the weights of the network of {name} are float16, and the runtime cannot use it so: convert it to \
         float32 ({reason})"
    )]
    Float16 {
        /// The encoder.
        name: String,
        /// The runtime's words.
        reason: String,
    },
    /// ONNX Runtime is not there, or not as it was asked for.
    #[error("the runtime {runtime} cannot be used: {reason}")]
    Runtime {
        /// As people write it.
        runtime: &'static str,
        /// Absent, too old, not built in, without a graphics card, and what to do about it.
        reason: String,
    },
    /// Not an ONNX graph, or one that the runtime cannot prepare.
    #[error("the network of {name} cannot be used: {reason}")]
    Graph {
        /// The encoder.
        name: String,
        /// The runtime's words.
        reason: String,
    },
    /// Operators that the built-in runtime does not have.
    #[error(
        "the network of {name} needs operators that in tract, the built-in runtime, are not supported: {}; \
         export it with simpler ones, or try another runtime, --runtime onnxruntime or \
         runtime = \"onnxruntime\" in a source (see guide/encoders.md)", .operators.join(", ")
    )]
    Operators {
        /// The encoder.
        name: String,
        /// Sorted, each once.
        operators: Vec<String>,
    },
    /// A graph that wants more than one window: a state from the window before, a sample rate.
    #[error(
        "the network of {name} wants {} besides {input}, and nothing gives it that; only networks \
         that see one window at a time and keep no state are supported", .further.join(", ")
    )]
    FurtherInputs {
        /// The encoder.
        name: String,
        /// The one that the front end fills.
        input: String,
        /// The others.
        further: Vec<String>,
    },
    /// A name in the manifest that is not in the graph.
    #[error("the network of {name} has no {kind} {node:?}; it has {}", .available.join(", "))]
    NoSuchNode {
        /// The encoder.
        name: String,
        /// `input` or `node`.
        kind: &'static str,
        /// As in the manifest.
        node: String,
        /// The nearest to it, a dozen at most.
        available: Vec<String>,
    },
    /// A node or an input of another shape than the manifest says.
    #[error(
        "{node:?} of the network of {name} has the shape {found}, and {expected} was expected by \
         the manifest"
    )]
    Shape {
        /// The encoder.
        name: String,
        /// The node.
        node: String,
        /// As in the graph.
        found: String,
        /// By the manifest.
        expected: String,
    },
    /// A window that is not for this encoder.
    #[error("a window of {found} numbers for {name}, which takes {expected}")]
    Window {
        /// The encoder.
        name: String,
        /// Numbers that came.
        found: usize,
        /// Numbers that it takes.
        expected: usize,
    },
    /// The runtime failed at a window.
    #[error("{name} failed at a window: {reason}")]
    Run {
        /// The encoder.
        name: String,
        /// The runtime's words.
        reason: String,
    },
    /// A manifest for sound was given pictures, or the other way round.
    #[error("{name} is an encoder for {it_is_for}, and {wanted} came")]
    Modality {
        /// The encoder.
        name: String,
        /// By its manifest.
        it_is_for: &'static str,
        /// What the source delivers.
        wanted: &'static str,
    },
    /// Sound at a rate that cannot be.
    #[error(transparent)]
    Rate(#[from] UnusableRate),
    /// A picture that cannot be decoded.
    #[error(transparent)]
    Image(#[from] ImageError),
}

/// What is wrong with the numbers of an input or a node, and what would be right.
fn element(name: &str, kind: &str, node: &str, found: &str) -> String {
    match (kind, found) {
        (_, "float16") => format!(
            "the network of {name} is float16 at its {kind} {node:?}; convert it to float32, or to float16 \
             with keep_io_types"
        ),
        ("input", _) => format!(
            "the input {node:?} of the network of {name} takes {found}; export it with float32 input"
        ),
        _ => format!(
            "the {kind} {node:?} of the network of {name} gives {found}; name one that gives float32"
        ),
    }
}

impl EncodeError {
    /// What the supervisor should do: a bad window is skipped, a bad encoder is a bad configuration.
    pub const fn recovery(&self) -> Recovery {
        match self {
            Self::Image(_) | Self::Run { .. } | Self::Window { .. } => Recovery::SkipItem,
            Self::Rate(_) | Self::Modality { .. } => Recovery::DisablePart,
            _ => Recovery::Exit(EXIT_CONFIG),
        }
    }
}
