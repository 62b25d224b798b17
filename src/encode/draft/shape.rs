//! The shape of the input: as the graph says it, or as a person does where the graph leaves it open.

use crate::encode::error::EncodeError;
use crate::encode::outline::Port;

/// The shape as the graph says it, for a batch of 1.
pub(super) fn of_graph(input: &Port, name: &str) -> Result<Vec<usize>, EncodeError> {
    let (batch, rest) = match input.dims.split_first() {
        Some((batch, rest)) => (batch.unwrap_or(1), rest),
        None => (0, &[][..]),
    };
    let sizes: Option<Vec<usize>> = rest.iter().copied().collect();
    if let Some(sizes) = sizes.filter(|_| 0 < batch) {
        return Ok([vec![batch], sizes].concat());
    }
    let usual: &[usize] = match *input.dims.as_slice() {
        [_, Some(3), _, _] => &[1, 3, 224, 224],
        [_, _, _, Some(3)] => &[1, 224, 224, 3],
        [_, _] => &[1, 16_000],
        [_, _, _] => &[1, 96, 64],
        _ => &[1, 1, 96, 64],
    };
    // What the graph says stays as it is, but for the batch.
    let known = input.dims.iter().copied().chain(std::iter::repeat(None)).enumerate();
    let sizes = usual.iter().zip(known);
    let example: Vec<String> = sizes
        .map(|(&usual, (axis, known))| known.filter(|_| 0 < axis).unwrap_or(usual).to_string())
        .collect();
    Err(EncodeError::OpenShape {
        name: name.into(),
        input: input.name.clone(),
        shape: shown(&input.dims),
        example: example.join(","),
    })
}

/// The shape that a person has said, where the graph does not say another.
pub(super) fn said(shape: &[usize], input: &Port, name: &str) -> Result<Vec<usize>, EncodeError> {
    let wrong = |what: String| {
        let typed: Vec<String> = shape.iter().map(usize::to_string).collect();
        let (option, graph) = (format!("--shape {}", typed.join(",")), shown(&input.dims));
        let reason =
            format!("{what}; the input {:?} of the network of {name} is {graph}", input.name);
        Err(EncodeError::Setting { option, reason })
    };
    let graph = &input.dims;
    if !graph.is_empty() && graph.len() != shape.len() {
        return wrong(format!("{} axes, and {} are needed, batch first", shape.len(), graph.len()));
    }
    let has_batch = 1 < shape.len();
    if has_batch && shape.first() != Some(&1) {
        return wrong("the first axis is the batch, and must be 1".into());
    }
    let axes = graph.iter().zip(shape).enumerate().skip(usize::from(has_batch));
    for (at, (graph, &typed)) in axes {
        if typed == 0 || graph.is_some_and(|graph| graph != typed) {
            let needed = graph.map_or("at least 1".into(), |graph| graph.to_string());
            return wrong(format!("axis {} is {typed}, and {needed} is needed", at + 1));
        }
    }
    Ok(shape.to_vec())
}

/// As in the graph, `?` for what is open.
fn shown(dims: &[Option<usize>]) -> String {
    if dims.is_empty() {
        return "not said".into();
    }
    let shown: Vec<String> =
        dims.iter().map(|dim| dim.map_or("?".into(), |n| n.to_string())).collect();
    format!("[{}]", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails where the example is refused when it is followed.
    #[test]
    fn the_example_for_an_open_shape_fits_the_graph() {
        for dims in [
            vec![None, Some(3), None, None],
            vec![None, None],
            vec![None, None, Some(40)],
            vec![None, Some(1), Some(64), None],
            vec![],
        ] {
            let input = Port { name: "x".into(), dims: dims.clone(), ..Port::default() };
            let Err(EncodeError::OpenShape { example, .. }) = of_graph(&input, "net") else {
                panic!("{dims:?} is open")
            };
            let typed: Vec<usize> = example.split(',').map(|n| n.parse().unwrap()).collect();
            assert_eq!(said(&typed, &input, "net").unwrap(), typed, "{dims:?}: {example}");
        }
    }

    #[test]
    fn a_stated_shape_must_fit_the_graph() {
        let dims = vec![None, Some(3), None, None];
        let input = Port { name: "x".into(), dims, ..Port::default() };
        assert_eq!(said(&[1, 3, 64, 48], &input, "net").unwrap(), [1, 3, 64, 48]);
        for (shape, expected) in [
            (&[1, 64, 64][..], "--shape 1,64,64: 3 axes, and 4 are needed"),
            (&[1, 1, 64, 64], "axis 2 is 1, and 3 is needed"),
            (&[4, 3, 64, 64], "must be 1"),
            (&[1, 3, 0, 64], "axis 3 is 0, and at least 1 is needed"),
        ] {
            let shown = said(shape, &input, "net").unwrap_err().to_string();
            assert!(shown.contains(expected) && shown.contains("[?, 3, ?, ?]"), "{shown}");
        }
    }
}
