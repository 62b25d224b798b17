//! ONNX graphs, run by `tract`. The only file that names it.
//!
//! Loading keeps memory low: the bytes are hashed while they are read, parsed once, and the parsed
//! file is dropped before the graph is optimised.

use std::fmt;
use std::io::{self, Read};

use sha2::{Digest, Sha256};
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid;
use tract_onnx::tract_hir::ops::unimpl::UnimplementedOp;

use crate::base::hex::hex;
use crate::encode::element::Element;
use crate::encode::error::EncodeError;
use crate::encode::network::Expected;
use crate::encode::network::MOST_BYTES;
use crate::encode::network::Network;

/// Node names shown where one was not found.
const SHOWN_NODES: usize = 12;

/// A graph, optimised by `tract`.
pub struct Graph {
    name: String,
    state: TypedSimpleState,
    input_shape: Vec<usize>,
    output_shapes: Vec<Vec<usize>>,
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph")
            .field("name", &self.name)
            .field("input_shape", &self.input_shape)
            .field("output_shapes", &self.output_shapes)
            .finish_non_exhaustive()
    }
}

impl Graph {
    /// Reads, checks, parses and optimises a graph.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] for a wrong hash (before anything is parsed), a graph that is none, further inputs,
    /// names, kinds of numbers or shapes that are not as expected, and unsupported operators on the way to
    /// what is expected; what else the graph gives does not matter.
    pub fn load(bytes: impl Read, expected: Expected<'_>) -> Result<Self, EncodeError> {
        let broken = |error: TractError| EncodeError::Graph {
            name: expected.name.into(),
            reason: chain(&error),
        };
        let mut model = parse(bytes, expected)?;
        let input = find_input(&model, expected)?;
        model.set_input_outlets(&[input]).map_err(broken)?;
        select_outputs(&mut model, expected)?;
        // Nodes that nothing leads to would still be analysed, and could fail.
        model.compact().map_err(broken)?;
        refuse_unknown_operators(&model, expected)?;
        let input = find_input(&model, expected)?;
        let input_shape = input_shape(&model, input, expected)?;
        model
            .set_input_fact(0, f32::fact(&input_shape).into())
            .map_err(|error| wrong_input(&model, input, &chain(&error), expected))?;
        let model = model.into_optimized().map_err(broken)?;
        let mut output_shapes = Vec::with_capacity(expected.outputs.len());
        for (index, node) in expected.outputs.iter().enumerate() {
            let fact = model.output_fact(index).map_err(broken)?;
            require_float32(fact.datum_type, expected, "node", node)?;
            let shape = fact.shape.as_concrete().ok_or_else(|| EncodeError::Shape {
                name: expected.name.into(),
                node: (*node).into(),
                found: format!("{fact:?}"),
                expected: "a known shape".into(),
            })?;
            output_shapes.push(shape.to_vec());
        }
        let state = model.into_runnable().and_then(|plan| plan.spawn()).map_err(broken)?;
        Ok(Self { name: expected.name.into(), state, input_shape, output_shapes })
    }
}

impl Network for Graph {
    fn output_shapes(&self) -> &[Vec<usize>] {
        &self.output_shapes
    }

    fn run(
        &mut self,
        input: &[f32],
        show: &mut dyn FnMut(usize, &[f32]),
    ) -> Result<(), EncodeError> {
        let expected: usize = self.input_shape.iter().product();
        if input.len() != expected {
            let (name, found) = (self.name.clone(), input.len());
            return Err(EncodeError::Window { name, found, expected });
        }
        let name = &self.name;
        let failed =
            |error: TractError| EncodeError::Run { name: name.clone(), reason: chain(&error) };
        let tensor = Tensor::from_shape(&self.input_shape, input).map_err(failed)?;
        let outputs = self.state.run(tvec!(tensor.into())).map_err(failed)?;
        for (index, output) in outputs.iter().enumerate() {
            let values = output.try_as_plain_ram().map_err(failed)?;
            show(index, values.as_slice::<f32>().map_err(failed)?);
        }
        Ok(())
    }
}

/// Hashes what passes, and turns the end of a wrong file into an error: nothing is parsed then.
struct Hashed<R> {
    inner: R,
    hash: Sha256,
    expected: [u8; 32],
    found: Option<[u8; 32]>,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        if count == 0 && !into.is_empty() {
            let found = std::mem::take(&mut self.hash).finalize().into();
            if self.found.is_none() && found != self.expected {
                self.found = Some(found);
                return Err(io::Error::new(io::ErrorKind::InvalidData, "another file"));
            }
            self.found = Some(self.expected);
        } else {
            self.hash.update(&into[..count]);
        }
        Ok(count)
    }
}

fn parse(bytes: impl Read, expected: Expected<'_>) -> Result<InferenceModel, EncodeError> {
    let hash = Sha256::new();
    let inner = bytes.take(MOST_BYTES);
    let mut hashed = Hashed { inner, hash, expected: expected.sha256, found: None };
    // Shapes noted in the file are for an open batch, and do not fit one that is set; tract finds its own.
    let framework = onnx().with_ignore_value_info(true);
    let proto = framework.proto_model_for_read(&mut hashed);
    if let Some(found) = hashed.found.filter(|found| *found != expected.sha256) {
        return Err(EncodeError::Hash {
            name: expected.name.into(),
            file: expected.file.into(),
            found: hex(&found),
            expected: hex(&expected.sha256),
        });
    }
    let model = proto.and_then(|proto| framework.model_for_proto_model(&proto));
    model.map_err(|error| EncodeError::Graph { name: expected.name.into(), reason: chain(&error) })
}

/// The whole chain of an error on one line, without the dumps that follow a blank line.
fn chain(error: &TractError) -> String {
    let parts: Vec<String> = error
        .chain()
        .map(|part| part.to_string().lines().next().unwrap_or_default().trim().to_owned())
        .collect();
    parts.join(": ")
}

fn refuse_unknown_operators(
    model: &InferenceModel,
    expected: Expected<'_>,
) -> Result<(), EncodeError> {
    let mut operators: Vec<String> = model
        .nodes()
        .iter()
        .filter(|node| node.op_is::<UnimplementedOp>())
        .map(|node| {
            let name = node.op.name();
            let inner = name.strip_prefix("Unimplemented(").and_then(|n| n.strip_suffix(')'));
            inner.unwrap_or(&name).to_owned()
        })
        .collect();
    operators.sort_unstable();
    operators.dedup();
    if operators.is_empty() {
        Ok(())
    } else {
        Err(EncodeError::Operators { name: expected.name.into(), operators })
    }
}

fn find_input(model: &InferenceModel, expected: Expected<'_>) -> Result<OutletId, EncodeError> {
    let name_of = |outlet: &OutletId| model.node(outlet.node).name.clone();
    let inputs = model.input_outlets().unwrap_or_default();
    let found = match expected.input {
        Some(node) => inputs.iter().find(|outlet| name_of(outlet) == node),
        None => Some(inputs).filter(|inputs| inputs.len() == 1).and_then(|one| one.first()),
    };
    let Some(&found) = found else {
        return Err(EncodeError::NoSuchNode {
            name: expected.name.into(),
            kind: "input",
            node: expected.input.unwrap_or("(the only one)").into(),
            available: inputs.iter().map(name_of).collect(),
        });
    };
    if 1 < inputs.len() {
        return Err(EncodeError::FurtherInputs {
            name: expected.name.into(),
            input: name_of(&found),
            further: inputs.iter().filter(|other| **other != found).map(name_of).collect(),
        });
    }
    let said = model.outlet_fact(found).ok().and_then(|fact| fact.datum_type.concretize());
    require_float32(said.unwrap_or(DatumType::F32), expected, "input", &name_of(&found))?;
    Ok(found)
}

/// Numbers of another kind would be taken for 32-bit floats.
fn require_float32(
    found: DatumType,
    expected: Expected<'_>,
    kind: &'static str,
    node: &str,
) -> Result<(), EncodeError> {
    let element = match found {
        DatumType::F32 => return Ok(()),
        DatumType::F16 => Element::Float16,
        DatumType::F64 => Element::Other("float64"),
        DatumType::U8 => Element::Other("uint8"),
        DatumType::I8 => Element::Other("int8"),
        DatumType::I32 => Element::Other("int32"),
        // Sizes are of 64 bits in ONNX.
        DatumType::I64 | DatumType::TDim => Element::Other("int64"),
        DatumType::Bool => Element::Other("bool"),
        DatumType::String => Element::Other("text"),
        _ => Element::Other("numbers of another kind"),
    };
    let (name, node) = (expected.name.into(), node.into());
    Err(EncodeError::Element { name, kind, node, found: element.name() })
}

/// The shape as the graph says it, with a batch of 1.
fn input_shape(
    model: &InferenceModel,
    input: OutletId,
    expected: Expected<'_>,
) -> Result<Vec<usize>, EncodeError> {
    let stated = |dim: Option<TDim>| dim?.as_i64().and_then(|n| usize::try_from(n).ok());
    let from_graph = || -> Option<Vec<usize>> {
        let fact = model.outlet_fact(input).ok()?;
        let dims = fact.shape.dims();
        let rest = dims.skip(1).map(|dim| stated(dim.concretize())).collect::<Option<Vec<_>>>()?;
        Some(std::iter::once(1).chain(rest).collect())
    };
    let shape = expected.shape.map(<[usize]>::to_vec).or_else(from_graph);
    match shape {
        Some(shape) if shape.iter().product::<usize>() == expected.input_len => Ok(shape),
        Some(shape) => Err(wrong_input(model, input, &format!("{shape:?}"), expected)),
        None => Err(wrong_input(model, input, "not said by the graph", expected)),
    }
}

fn wrong_input(
    model: &InferenceModel,
    input: OutletId,
    found: &str,
    expected: Expected<'_>,
) -> EncodeError {
    let shape = expected.shape.map(|shape| format!("{shape:?}, ")).unwrap_or_default();
    EncodeError::Shape {
        name: expected.name.into(),
        node: model.node(input.node).name.clone(),
        found: found.into(),
        expected: format!("{shape}{} numbers in a batch of 1", expected.input_len),
    }
}

fn select_outputs(model: &mut InferenceModel, expected: Expected<'_>) -> Result<(), EncodeError> {
    for node in expected.outputs {
        if model.select_outputs_by_name([node]).is_err() {
            let mut names: Vec<String> = model.nodes().iter().map(|n| n.name.clone()).collect();
            names.sort_by_key(|name| (distance(name, node), name.clone()));
            names.truncate(SHOWN_NODES);
            return Err(EncodeError::NoSuchNode {
                name: expected.name.into(),
                kind: "node",
                node: (*node).into(),
                available: names,
            });
        }
    }
    model
        .select_outputs_by_name(expected.outputs)
        .map_err(|error| EncodeError::Graph { name: expected.name.into(), reason: chain(&error) })
}

/// Letters at the same place that differ, and the difference in length: enough to put `a86` beside
/// `a85`.
fn distance(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).filter(|(a, b)| a != b).count() + a.len().abs_diff(b.len())
}
