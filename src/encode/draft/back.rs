//! Looking back along a graph: from a value to what it is computed from.

use crate::encode::outline::Node;
use crate::encode::outline::Outline;

/// Operators that leave every number on its axis: each by itself, its neighbours along the axes behind the channels,
/// or all the same but for axes of 1.
const KEEP_AXES: [&str; 31] = [
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Celu",
    "Clip",
    "Concat",
    "Div",
    "Dropout",
    "Elu",
    "Erf",
    "Exp",
    "Gelu",
    "GroupNormalization",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "InstanceNormalization",
    "LeakyRelu",
    "MaxPool",
    "Mish",
    "Mul",
    "PRelu",
    "Pad",
    "Relu",
    "Selu",
    "Sigmoid",
    "Softplus",
    "Sqrt",
    "Squeeze",
    "Tanh",
];

/// The node that writes `value`.
pub(super) fn producer<'a>(outline: &'a Outline, value: &str) -> Option<&'a Node> {
    outline.nodes.iter().find(|node| node.outputs.iter().any(|output| output == value))
}

/// The first of what `node` reads that follows from the input: weights and shapes do not.
pub(super) fn computed<'a>(outline: &'a Outline, node: &'a Node) -> Option<&'a str> {
    let is_computed = |value: &&String| {
        outline.inputs.iter().any(|port| port.name == **value)
            || producer(outline, value).is_some_and(|node| !node.operator.starts_with("Constant"))
    };
    node.inputs.iter().find(is_computed).map(String::as_str)
}

/// Whether `value` has the axes of a convolution, which puts channels right behind the batch.
pub(super) fn is_of_convolution(outline: &Outline, value: &str) -> bool {
    let mut at = producer(outline, value);
    // A graph has no circles, but a file may.
    for _ in 0..outline.nodes.len() {
        let Some(node) = at else { return false };
        match node.operator.as_str() {
            "Conv" | "ConvTranspose" => return true,
            operator if KEEP_AXES.contains(&operator) => {}
            _ => return false,
        }
        at = computed(outline, node).and_then(|value| producer(outline, value));
    }
    false
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::encode::outline::Port;

    /// A graph of `(operator, inputs, output)`.
    pub(in crate::encode::draft) fn graph(nodes: &[(&str, &[&str], &str)]) -> Outline {
        let node = |&(operator, inputs, output): &(&str, &[&str], &str)| Node {
            operator: operator.into(),
            inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
            outputs: vec![output.into()],
            ..Node::default()
        };
        let inputs = vec![Port { name: "input".into(), ..Port::default() }];
        Outline { inputs, nodes: nodes.iter().map(node).collect(), ..Outline::default() }
    }

    /// Fails where the walk stops at a nonlinearity, or goes on through what exchanges axes.
    #[test]
    fn a_convolution_is_found_through_what_keeps_its_axes() {
        let outline = graph(&[
            ("Conv", &["input", "w"], "conv"),
            ("BatchNormalization", &["conv", "mean"], "bn"),
            ("Clip", &["bn", "low", "high"], "clip"),
            ("Add", &["bias", "clip"], "sum"),
            ("Transpose", &["sum"], "turned"),
            ("Relu", &["turned"], "relu"),
            ("MatMul", &["input", "w"], "product"),
            ("Add", &["loop"], "loop"),
        ]);
        for (value, expected) in [
            ("sum", true),
            ("conv", true),
            ("relu", false),
            ("product", false),
            ("input", false),
            ("loop", false),
        ] {
            assert_eq!(is_of_convolution(&outline, value), expected, "{value}");
        }
    }
}
