//! Whether an output is what a classifier thinks of its classes, and which layer that is computed from.

use crate::encode::draft::back::computed;
use crate::encode::draft::back::producer;
use crate::encode::outline::Outline;

/// Numbers of classes of the usual data sets: `ImageNet` without and with a background, all of it,
/// `AudioSet`, and the part of that which YAMNet knows.
const USUAL_CLASSES: [usize; 6] = [1000, 1001, 21_841, 21_843, 527, 521];

/// Parts of names that people give such outputs.
const USUAL_NAMES: [&str; 4] = ["class", "logit", "prob", "softmax"];

/// Operators that make chances of numbers.
const CHANCES: [&str; 3] = ["LogSoftmax", "Sigmoid", "Softmax"];

/// Operators between a layer of weights and the output that change no number, or each by itself.
const PASSED: [&str; 7] = ["Add", "Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"];

/// Layers of weights that give a number a class.
const LAYERS: [&str; 3] = ["Conv", "Gemm", "MatMul"];

/// What a classifier's output is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Before<'a> {
    /// The value that the layer of classes reads; `None` where that layer was not recognised.
    pub(super) value: Option<&'a str>,
}

/// Looks back from `output` of `width` numbers; `None` where it does not look like classes.
pub(super) fn before<'a>(outline: &'a Outline, output: &str, width: usize) -> Option<Before<'a>> {
    let name = output.to_lowercase();
    let mut is_one =
        USUAL_CLASSES.contains(&width) || USUAL_NAMES.iter().any(|part| name.contains(part));
    let mut at = producer(outline, output);
    let mut value = None;
    // A graph has no circles, but a file may.
    for _ in 0..outline.nodes.len() {
        let Some(node) = at else { break };
        let operator = node.operator.as_str();
        is_one |= CHANCES.contains(&operator);
        if LAYERS.contains(&operator) {
            value = computed(outline, node);
            break;
        }
        if !CHANCES.contains(&operator) && !PASSED.contains(&operator) {
            break;
        }
        at = computed(outline, node).and_then(|value| producer(outline, value));
    }
    is_one.then_some(Before { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::draft::back::tests::graph;

    #[test]
    fn the_layer_before_the_classes_is_found() {
        let gemm = graph(&[
            ("GlobalAveragePool", &["input"], "pooled"),
            ("Flatten", &["pooled"], "flat"),
            ("Gemm", &["flat", "weights", "bias"], "out"),
        ]);
        assert_eq!(before(&gemm, "out", 1000), Some(Before { value: Some("flat") }));
        // The same layer may be a projection: nothing speaks of classes.
        assert_eq!(before(&gemm, "out", 512), None);
        let chances = graph(&[
            ("Constant", &[], "weights"),
            ("MatMul", &["weights", "input"], "product"),
            ("Add", &["bias", "product"], "sum"),
            ("Softmax", &["sum"], "out"),
        ]);
        assert_eq!(before(&chances, "out", 12), Some(Before { value: Some("input") }));
        let conv = graph(&[
            ("Relu", &["input"], "relu"),
            ("Conv", &["relu", "weights"], "wide"),
            ("Reshape", &["wide", "shape"], "logits"),
        ]);
        assert_eq!(before(&conv, "logits", 7), Some(Before { value: Some("relu") }));
        let mean = graph(&[("ReduceMean", &["input"], "logits")]);
        assert_eq!(before(&mean, "logits", 1000), Some(Before { value: None }));
    }

    #[test]
    fn a_file_that_goes_in_circles_ends() {
        let circle = graph(&[("Add", &["b"], "a"), ("Add", &["a"], "b")]);
        assert_eq!(before(&circle, "a", 1000), Some(Before { value: None }));
    }
}
