//! What comes out: which node gives tokens, which the embedding, and what their axes mean.

use std::ops::RangeInclusive;

use crate::encode::draft::Wishes;
use crate::encode::draft::axes::Reader;
use crate::encode::draft::axes::Reading;
use crate::encode::draft::classes;
use crate::encode::draft::window::Kind;
use crate::encode::draft::window::Window;
use crate::encode::encoder::without_ones;
use crate::encode::error::EncodeError;
use crate::encode::outline::Outline;

/// Layers whose output may serve as tokens.
const LAYERS: [&str; 9] = [
    "Add",
    "BatchNormalization",
    "Clip",
    "Concat",
    "Conv",
    "HardSwish",
    "LayerNormalization",
    "Mul",
    "Relu",
];

/// Rows and columns that a grid of tokens needs at least, and tokens in time: fewer say little about where.
const LEAST_CELLS: usize = 8;

/// Most tokens in time of a layer that is chosen unasked: the first layers over raw samples have thousands.
const MOST_CELLS: usize = 1024;

/// How wide a token is that is chosen unasked: learning costs the square of its numbers, and two are the place of a
/// box, not what is there.
const WIDTHS: RangeInclusive<usize> = 3..=512;

/// Most layers that are looked at.
const MOST_LAYERS: usize = 1000;

/// The graph is read so often at most to find layers that cannot be shown: each search for one takes ten.
const MOST_READS: usize = 60;

/// Both outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outputs {
    pub(super) tokens: Tokens,
    /// `None` for the mean of the tokens.
    pub(super) embedding: Option<Reading>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tokens {
    /// Of two or three axes.
    Node(Reading),
    Patches {
        frames: usize,
        dim: usize,
    },
}

type ShapesOf<'a> = dyn Fn(&[&str]) -> Result<Vec<Vec<usize>>, EncodeError> + 'a;

/// What was stated, else what the graph gives, else what can be made of its input or a middle layer. An
/// output that is neither stated nor of 32-bit floats is not even computed.
pub(super) fn choose(
    outline: &Outline,
    window: &Window,
    wishes: &Wishes,
    shapes_of: &ShapesOf<'_>,
    guesses: &mut Vec<String>,
) -> Result<Outputs, EncodeError> {
    let shown = Shown::of(outline, wishes, shapes_of, guesses)?;
    let reader = Reader { outline, wishes, kind: window.kind };
    let embedding = match &wishes.embedding {
        Some(node) => shown.stated(node).map(|(node, shape)| (node, shape.to_vec())),
        None => shown.vector().map(|(node, shape)| {
            let (before, words) = without_classes(outline, node, &without_ones(shape), shapes_of);
            guesses.push(words);
            before.unwrap_or((node, shape.to_vec()))
        }),
    };
    let embedding = embedding.and_then(|(node, shape)| reader.read("embedding", node, &shape));
    let (found, what) = match wishes.tokens.as_ref().and_then(|node| shown.stated(node)) {
        Some(stated) => (Some(stated), "the tokens of"),
        None => (shown.tokens(&reader), "its output"),
    };
    let tokens = match found {
        Some((node, shape)) => {
            let bare = without_ones(shape);
            let reading =
                reader.read("tokens", node, shape).filter(|_| (2..=3).contains(&bare.len()));
            let Some(reading) = reading else {
                return Err(EncodeError::Shape {
                    name: wishes.name.clone(),
                    node: node.into(),
                    found: format!("{bare:?}"),
                    expected: "tokens, [time, numbers] or [rows, columns, numbers], in any order,"
                        .into(),
                });
            };
            let words = reading.words();
            guesses.push(format!("{what} {node:?} of {bare:?} are the tokens: {words}"));
            Tokens::Node(reading)
        }
        None if embedding.is_none() && matches!(window.kind, Kind::Sound { .. }) => {
            return Err(EncodeError::NoGuess {
                name: wishes.name.clone(),
                what: "the embedding",
                why: "none of its outputs is a list or a grid of float32".into(),
                option: "--embedding NODE",
            });
        }
        None => unasked_tokens(outline, window, wishes, shapes_of, guesses)?,
    };
    if embedding.is_none() {
        guesses.push("its embedding is the mean of its tokens".into());
    }
    Ok(Outputs { tokens, embedding })
}

/// Nodes and their shapes.
struct Shown<'a> {
    stated: Vec<(&'a str, Vec<usize>)>,
    /// Outputs of the graph that may be guessed.
    given: Vec<(&'a str, Vec<usize>)>,
}

impl<'a> Shown<'a> {
    fn of(
        outline: &'a Outline,
        wishes: &'a Wishes,
        shapes_of: &ShapesOf<'_>,
        guesses: &mut Vec<String>,
    ) -> Result<Self, EncodeError> {
        let mut stated: Vec<&str> =
            [&wishes.tokens, &wishes.embedding].into_iter().flatten().map(String::as_str).collect();
        let all_stated = stated.len() == 2;
        stated.dedup();
        let mut given = Vec::new();
        for port in outline.outputs.iter().filter(|_| !all_stated) {
            if port.element.may_be_float32() {
                given.push(port.name.as_str());
            } else if !stated.contains(&port.name.as_str()) {
                let (name, found) = (&port.name, port.element.name());
                guesses.push(format!("its output {name:?} is {found}, and passed over"));
            }
        }
        let shapes = |nodes: &[&'a str]| -> Result<Vec<(&'a str, Vec<usize>)>, EncodeError> {
            if nodes.is_empty() {
                return Ok(Vec::new());
            }
            Ok(nodes.iter().copied().zip(shapes_of(nodes)?).collect())
        };
        let stated = shapes(&stated)?;
        let given = match shapes(&given) {
            Ok(shapes) => shapes,
            Err(error) => {
                // One of them cannot be computed; the others may be all that is needed.
                let alone: Vec<_> =
                    given.iter().filter_map(|&node| shapes(&[node]).ok()).flatten().collect();
                if alone.is_empty() && stated.is_empty() {
                    return Err(error);
                }
                alone
            }
        };
        Ok(Self { stated, given })
    }

    fn stated(&self, node: &str) -> Option<(&'a str, &[usize])> {
        let found = self.stated.iter().find(|(name, _)| *name == node);
        found.map(|(name, shape)| (*name, shape.as_slice()))
    }

    /// The last output that may serve as tokens. Of a picture a map of a single number for each place, a list of boxes
    /// or of chances does not: a middle layer says more.
    fn tokens(&self, reader: &Reader<'_>) -> Option<(&'a str, &[usize])> {
        let found = self.given.iter().rfind(|(node, shape)| {
            let axes = without_ones(shape).len();
            let is_map = 4 == shape.len() && 2 == axes;
            let is_sensible = || {
                let reading = reader.read("tokens", node, shape);
                !is_map && reading.is_some_and(|reading| WIDTHS.contains(&reading.dim))
            };
            [2, 3].contains(&axes)
                && (!matches!(reader.kind, Kind::Picture { .. }) || is_sensible())
        });
        found.map(|(name, shape)| (*name, shape.as_slice()))
    }

    /// The last output that is one vector.
    fn vector(&self) -> Option<(&'a str, &[usize])> {
        let found = self.given.iter().rfind(|(_, shape)| 1 == without_ones(shape).len());
        found.map(|(name, shape)| (*name, shape.as_slice()))
    }
}

/// The layer that a classifier's opinion is computed from, where that is a vector, and what to say of `node`: an
/// opinion is a poor embedding, since what it does not tell apart is gone.
fn without_classes<'a>(
    outline: &'a Outline,
    node: &str,
    shape: &[usize],
    shapes_of: &ShapesOf<'_>,
) -> (Option<(&'a str, Vec<usize>)>, String) {
    let width = shape.iter().product();
    let is_it = format!("its output {node:?} of {shape:?} is the embedding");
    let Some(before) = classes::before(outline, node, width) else { return (None, is_it) };
    let found = before.value.and_then(|value| Some((value, shapes_of(&[value]).ok()?.pop()?)));
    let looks = format!("{node:?} looks like a classifier's {width} classes");
    match found {
        Some((value, shape)) => {
            let bare = without_ones(&shape);
            if bare.len() == 1 {
                let words = format!(
                    "its output {looks}: the layer before it, {value:?} of {bare:?}, is the embedding (the \
                     classes with --embedding {node})"
                );
                return (Some((value, shape)), words);
            }
            let better = format!("the layer before it, {value:?} of {bare:?}, is better");
            (None, format!("{is_it}; warning: {looks}; {better}: --embedding {value}"))
        }
        None => {
            let better = "name a layer before it with --embedding NODE";
            (None, format!("{is_it}; warning: {looks}; {better}"))
        }
    }
}

/// The graph gives only an embedding: patches of sound, or a middle layer.
fn unasked_tokens(
    outline: &Outline,
    window: &Window,
    wishes: &Wishes,
    shapes_of: &ShapesOf<'_>,
    guesses: &mut Vec<String>,
) -> Result<Tokens, EncodeError> {
    if let Kind::Sound { frames, bands, .. } = window.kind
        && let Some(frames) = [8, 10, 6, 5, 4, 3, 2].into_iter().find(|n| frames % n == 0)
    {
        guesses.push(format!("it gives no tokens: {frames} frames of its input make one"));
        return Ok(Tokens::Patches { frames, dim: (2 * bands).min(64) });
    }
    let layers: Vec<&str> = outline
        .nodes
        .iter()
        .filter(|node| LAYERS.contains(&node.operator.as_str()))
        .filter_map(|node| node.outputs.first().map(String::as_str))
        .take(MOST_LAYERS)
        .collect();
    let mut reads = MOST_READS;
    let mut shapes = Vec::with_capacity(layers.len());
    show(&layers, shapes_of, &mut reads, &mut shapes);
    let in_time = matches!(window.kind, Kind::Samples { .. });
    let reader = Reader { outline, wishes, kind: window.kind };
    let fits = |reading: &Reading| {
        let sizes = if in_time { LEAST_CELLS..=MOST_CELLS } else { LEAST_CELLS..=usize::MAX };
        reading.cells.len() == if in_time { 1 } else { 2 }
            && reading.cells.iter().all(|n| sizes.contains(n))
            && WIDTHS.contains(&reading.dim)
    };
    let grids = layers.iter().zip(&shapes).filter_map(|(node, shape)| {
        let shape = shape.as_ref()?;
        let reading = reader.read("tokens", node, shape).filter(fits)?;
        Some((reading.cells.iter().product::<usize>(), without_ones(shape), reading))
    });
    // Of the coarsest grids, the last.
    let chosen = grids.reduce(|best, next| if next.0 <= best.0 { next } else { best });
    let least =
        if in_time { "at least 8 tokens in time" } else { "a grid of at least 8 × 8 cells" };
    let Some((_, shape, reading)) = chosen else {
        return Err(EncodeError::NoGuess {
            name: wishes.name.clone(),
            what: "the layer that gives tokens",
            why: match shapes.iter().flatten().count() {
                0 => format!("none of its {} layers can be shown", layers.len()),
                shown => format!("none of {shown} layers has {least}"),
            },
            option: "--tokens NODE",
        });
    };
    guesses.push(format!(
        "its tokens are the layer {:?} of {shape:?}, the last with {least}: {}",
        reading.node,
        reading.words()
    ));
    Ok(Tokens::Node(reading))
}

/// Appends the shape of each layer; `None` for those that cannot be shown, as whole numbers cannot. They are found by
/// halves, as long as `reads` are left.
fn show(
    layers: &[&str],
    shapes_of: &ShapesOf<'_>,
    reads: &mut usize,
    to: &mut Vec<Option<Vec<usize>>>,
) {
    if layers.is_empty() {
        return;
    }
    if 0 < *reads {
        *reads -= 1;
        if let Ok(shapes) = shapes_of(layers) {
            return to.extend(shapes.into_iter().map(Some));
        }
    }
    if layers.len() == 1 || *reads == 0 {
        return to.extend(layers.iter().map(|_| None));
    }
    let (first, second) = layers.split_at(layers.len() / 2);
    // The last layers are the ones wanted most, so they are looked at first.
    let mut after = Vec::new();
    show(second, shapes_of, reads, &mut after);
    show(first, shapes_of, reads, to);
    to.append(&mut after);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails where one layer of whole numbers hides all others, and where the graph is read without end.
    #[test]
    fn layers_that_cannot_be_shown_are_left_out_and_looked_for_only_so_often() {
        let layers: Vec<String> = (0..100).map(|i| format!("l{i}")).collect();
        let layers: Vec<&str> = layers.iter().map(String::as_str).collect();
        let reads = std::cell::Cell::new(0);
        let shapes_of = |bad: &'static [&'static str]| {
            let reads = &reads;
            move |nodes: &[&str]| {
                reads.set(reads.get() + 1);
                if nodes.iter().any(|node| bad.contains(node)) {
                    let (name, reason) = ("net".to_owned(), "whole numbers".to_owned());
                    return Err(EncodeError::Graph { name, reason });
                }
                Ok(nodes.iter().map(|node| vec![node.len()]).collect())
            }
        };
        let mut shown = Vec::new();
        show(&layers, &shapes_of(&["l7", "l55"]), &mut MOST_READS.clone(), &mut shown);
        let hidden: Vec<usize> = (0..100).filter(|&i| shown[i].is_none()).collect();
        assert_eq!((hidden, shown.len(), shown[12].clone()), (vec![7, 55], 100, Some(vec![3])));
        reads.set(0);
        shown.clear();
        let (mut few, all_bad): (usize, _) = (5, shapes_of(&["l0", "l50", "l99", "l98", "l97"]));
        show(&layers, &all_bad, &mut few, &mut shown);
        assert_eq!((shown.len(), reads.get()), (100, 5));
    }
}
