//! What an ONNX file says of itself, read without any runtime: inputs, outputs, nodes.
//!
//! Shapes of middle layers are not in the file; a runtime works them out.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::encode::element::Element;
use crate::encode::error::EncodeError;
use crate::encode::protobuf::Broken;
use crate::encode::protobuf::Fields;
use crate::encode::protobuf::Value;
use crate::encode::protobuf::put_bytes;

/// Operators that run a graph inside the graph.
const CONTROL_FLOW: [&str; 3] = ["If", "Loop", "Scan"];

/// Operators that draw random numbers.
const RANDOM: [&str; 6] = [
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
];

/// `GraphProto` in `ModelProto`, `output` in `GraphProto`, `name` in `ValueInfoProto`.
const GRAPH: u8 = 7;
const OUTPUT: u8 = 12;
const NAME: u8 = 1;

/// A graph's own description.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outline {
    /// The program that wrote the file.
    pub producer: String,
    /// What is to be filled; weights that are listed as inputs are left out.
    pub inputs: Vec<Port>,
    /// What the graph gives.
    pub outputs: Vec<Port>,
    /// In the order of the file, which is an order of computation.
    pub nodes: Vec<Node>,
    /// Whether weights lie in another file.
    pub external_weights: bool,
    /// Whether some weights are 16-bit floats.
    pub float16_weights: bool,
    /// Weights and constants that are a single 32-bit float.
    pub scalars: HashMap<String, f32>,
}

/// An input or output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its axes, `None` where the file gives only a letter; no axes where it says nothing.
    pub dims: Vec<Option<usize>>,
    /// What its numbers are.
    pub element: Element,
}

impl Port {
    /// The only kind of numbers that goes in: what a front end gives.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Element`] where the file says that this input of the network `name` takes another.
    pub(super) fn require_float32(&self, name: &str) -> Result<(), EncodeError> {
        if self.element.may_be_float32() {
            return Ok(());
        }
        Err(EncodeError::Element {
            name: name.into(),
            kind: "input",
            node: self.name.clone(),
            found: self.element.name(),
        })
    }
}

/// One step of the computation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// May be empty.
    pub name: String,
    /// Such as `Conv`.
    pub operator: String,
    /// What it reads.
    pub inputs: Vec<String>,
    /// What it writes.
    pub outputs: Vec<String>,
}

impl Outline {
    /// Reads the outline of `file`, whose content is `bytes`.
    ///
    /// # Errors
    ///
    /// [`EncodeError::NotOnnx`], with what it looks like, or that it was cut short.
    pub fn read(bytes: &[u8], file: &str) -> Result<Self, EncodeError> {
        let not = |reason: String| EncodeError::NotOnnx { file: file.into(), reason };
        if let Some(what) = looks_like(bytes) {
            return Err(not(format!("it is {what}")));
        }
        let mut outline = Self::default();
        let mut weights = HashSet::new();
        let mut fields_found = 0;
        let read = Fields::of(bytes).try_for_each(|field| {
            fields_found += 1;
            match field? {
                (2, name) => outline.producer = name.text(),
                (7, graph) => outline.read_graph(graph.bytes(), &mut weights)?,
                _ => {}
            }
            Ok(())
        });
        match read {
            // A text file may begin like a message; a network begins with a few whole fields.
            Err(Broken::Cut) if 1 < fields_found => {
                let reason = format!("it ends in the middle, after {} bytes", bytes.len());
                return Err(not(format!("{reason}; fetch it again")));
            }
            Err(_) => return Err(not("its first bytes are no ONNX".into())),
            Ok(()) if outline.nodes.is_empty() => return Err(not("it holds no graph".into())),
            Ok(()) => {}
        }
        outline.inputs.retain(|port| !weights.contains(&port.name));
        Ok(outline)
    }

    fn read_graph(&mut self, bytes: &[u8], weights: &mut HashSet<String>) -> Result<(), Broken> {
        for field in Fields::of(bytes) {
            match field? {
                (1, node) => {
                    let (node, scalar) = read_node(node)?;
                    let output = node.outputs.first().cloned();
                    self.scalars.extend(output.zip(scalar));
                    self.nodes.push(node);
                }
                (5, tensor) => {
                    self.scalars.extend(read_scalar(tensor.bytes())?);
                    for field in Fields::of(tensor.bytes()) {
                        match field? {
                            (2, Value::Number(kind)) => {
                                self.float16_weights |= Element::numbered(kind) == Element::Float16;
                            }
                            (8, name) => drop(weights.insert(name.text())),
                            (14, Value::Number(1)) => self.external_weights = true,
                            _ => {}
                        }
                    }
                }
                (11, port) => self.inputs.push(read_port(port)?),
                (12, port) => self.outputs.push(read_port(port)?),
                _ => {}
            }
        }
        Ok(())
    }

    /// Operators that run a graph inside the graph, each once.
    pub fn control_flow(&self) -> Vec<String> {
        let mut found: Vec<String> = self
            .nodes
            .iter()
            .map(|node| node.operator.clone())
            .filter(|operator| CONTROL_FLOW.contains(&operator.as_str()))
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Operators that draw random numbers and that `value` is computed with, each once.
    pub fn random(&self, values: &[&str]) -> Vec<String> {
        let mut wanted: HashSet<&str> = values.iter().copied().collect();
        let mut found = Vec::new();
        // In the order of computation, so that what a node reads is written before it.
        for node in self.nodes.iter().rev() {
            if !node.outputs.iter().any(|output| wanted.contains(output.as_str())) {
                continue;
            }
            wanted.extend(node.inputs.iter().map(String::as_str));
            if RANDOM.contains(&node.operator.as_str()) && !found.contains(&node.operator) {
                found.push(node.operator.clone());
            }
        }
        found
    }

    /// The value that `node` of a manifest means: an output of a node, or the first output of the
    /// node of that name.
    pub fn value_named(&self, node: &str) -> Option<&str> {
        let written = self.nodes.iter().flat_map(|n| &n.outputs).find(|output| *output == node);
        written
            .or_else(|| self.nodes.iter().find(|n| n.name == node)?.outputs.first())
            .map(String::as_str)
    }
}

/// The node, and what it writes where it is a constant of a single 32-bit float.
fn read_node(value: Value<'_>) -> Result<(Node, Option<f32>), Broken> {
    let mut node = Node::default();
    let mut scalar = None;
    for field in Fields::of(value.bytes()) {
        match field? {
            (1, input) => node.inputs.push(input.text()),
            (2, output) => node.outputs.push(output.text()),
            (3, name) => node.name = name.text(),
            (4, operator) => node.operator = operator.text(),
            // A tensor among the attributes.
            (5, attribute) => {
                let tensor = inside(attribute.bytes(), 5)?;
                scalar = scalar.or(read_scalar(tensor)?.map(|(_, value)| value));
            }
            _ => {}
        }
    }
    let is_constant = node.operator == "Constant";
    Ok((node, scalar.filter(|_| is_constant)))
}

/// `TensorProto`: its name, and its number where it is a single 32-bit float.
fn read_scalar(tensor: &[u8]) -> Result<Option<(String, f32)>, Broken> {
    let (mut name, mut element, mut bytes) = (String::new(), 0, &[][..]);
    for field in Fields::of(tensor) {
        match field? {
            (2, Value::Number(kind)) => element = kind,
            (4 | 9, numbers) => bytes = numbers.bytes(),
            (8, text) => name = text.text(),
            _ => {}
        }
    }
    let number = <[u8; 4]>::try_from(bytes).ok().map(f32::from_le_bytes);
    Ok(number.filter(|_| Element::numbered(element) == Element::Float32).map(|x| (name, x)))
}

/// `ValueInfoProto`: a name, and in its type a tensor's numbers and shape.
fn read_port(value: Value<'_>) -> Result<Port, Broken> {
    let mut port = Port::default();
    for field in Fields::of(value.bytes()) {
        match field? {
            (1, name) => port.name = name.text(),
            (2, of_type) => {
                let tensor = inside(of_type.bytes(), 1)?;
                for field in Fields::of(tensor) {
                    if let (1, Value::Number(kind)) = field? {
                        port.element = Element::numbered(kind);
                    }
                }
                if tensor.is_empty() && !of_type.bytes().is_empty() {
                    port.element = Element::Other("no tensor");
                }
                for dim in Fields::of(inside(tensor, 2)?) {
                    if let (1, dim) = dim? {
                        port.dims.push(read_dim(dim)?);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(port)
}

fn read_dim(value: Value<'_>) -> Result<Option<usize>, Broken> {
    let mut dim = None;
    for field in Fields::of(value.bytes()) {
        if let (1, Value::Number(n)) = field? {
            // What is left open is sometimes written as −1.
            dim = i64::try_from(n).ok().and_then(|n| usize::try_from(n).ok()).filter(|&n| 0 < n);
        }
    }
    Ok(dim)
}

/// The last field `number` of `message`, empty where there is none.
fn inside(message: &[u8], number: u64) -> Result<&[u8], Broken> {
    let mut found: &[u8] = &[];
    for field in Fields::of(message) {
        let (at, value) = field?;
        if at == number {
            found = value.bytes();
        }
    }
    Ok(found)
}

/// What a file is that people take for an ONNX file.
fn looks_like(bytes: &[u8]) -> Option<&'static str> {
    let begins = |with: &[u8]| bytes.starts_with(with);
    if bytes.is_empty() {
        return Some("empty");
    }
    if bytes.get(4..8) == Some(b"TFL3") {
        return Some("a TensorFlow Lite file; convert it, with tf2onnx for example");
    }
    if begins(b"PK\x03\x04") {
        return Some("a ZIP archive, such as PyTorch writes; export it with torch.onnx.export");
    }
    if begins(b"\x89HDF") {
        return Some("a Keras file (HDF5); convert it, with tf2onnx for example");
    }
    if begins(b"version https://git-lfs") {
        return Some("a pointer of Git LFS and not the file itself; fetch it with git lfs pull");
    }
    if begins(b"<") {
        return Some("a web page; what was downloaded is not the file itself");
    }
    None
}

/// The same file with further values among the graph's outputs: a repeated message field in Protocol
/// Buffers is merged, so that it is enough to add at the end.
pub fn with_outputs(bytes: &[u8], values: &[&str]) -> Vec<u8> {
    let mut graph = Vec::new();
    for value in values {
        let mut port = Vec::new();
        put_bytes(NAME, value.as_bytes(), &mut port);
        put_bytes(OUTPUT, &port, &mut graph);
    }
    let mut out = bytes.to_vec();
    put_bytes(GRAPH, &graph, &mut out);
    out
}

#[cfg(test)]
mod tests;
