//! What comes out: which node gives tokens, which the embedding, and what their axes mean.

use std::ops::RangeInclusive;

use crate::encode::draft::Wishes;
use crate::encode::draft::classes;
use crate::encode::draft::window::Kind;
use crate::encode::draft::window::Window;
use crate::encode::encoder::without_ones;
use crate::encode::error::EncodeError;
use crate::encode::outline::Outline;

/// Layers whose output may serve as tokens of a picture.
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

/// Rows and columns that a grid of tokens needs at least: fewer say little about where.
const LEAST_CELLS: usize = 8;

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
    pub(super) embedding: Option<(String, Vec<usize>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tokens {
    /// A node and its shape without axes of 1: two or three axes.
    Node(String, Vec<usize>),
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
    let embedding = match &wishes.embedding {
        Some(node) => shown.stated(node),
        None => shown.given(&[1]).inspect(|(node, shape)| {
            guesses.push(format!("its output {node:?} of {shape:?} is the embedding"));
            guesses.extend(warn_of_classes(outline, node, shape, shapes_of));
        }),
    };
    let stated = wishes.tokens.as_ref().and_then(|node| shown.stated(node));
    let tokens = match stated.or_else(|| {
        shown.tokens(window.kind).inspect(|(node, shape)| {
            guesses.push(format!("its output {node:?} of {shape:?} are the tokens"));
        })
    }) {
        Some((node, shape)) if (2..=3).contains(&shape.len()) => Tokens::Node(node, shape),
        Some((node, shape)) => {
            return Err(EncodeError::Shape {
                name: wishes.name.clone(),
                node,
                found: format!("{shape:?}"),
                expected: "tokens, [time, numbers] or [rows, columns, numbers], in any order,"
                    .into(),
            });
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

/// Nodes and their shapes without axes of 1.
struct Shown<'a> {
    stated: Vec<(&'a str, Vec<usize>)>,
    /// Outputs of the graph that may be guessed.
    given: Vec<(&'a str, Vec<usize>)>,
    /// Of these, maps of a single number for each place: an axis of 1 where channels would be.
    maps: Vec<&'a str>,
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
        let squeezed = |shapes: Vec<(&'a str, Vec<usize>)>| -> Vec<(&'a str, Vec<usize>)> {
            shapes.into_iter().map(|(node, shape)| (node, without_ones(&shape))).collect()
        };
        let stated = squeezed(shapes(&stated)?);
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
        let is_map = |shape: &[usize]| 4 == shape.len() && 2 == without_ones(shape).len();
        let maps = given.iter().filter(|(_, shape)| is_map(shape)).map(|(node, _)| *node).collect();
        Ok(Self { stated, given: squeezed(given), maps })
    }

    fn stated(&self, node: &str) -> Option<(String, Vec<usize>)> {
        let found = self.stated.iter().find(|(name, _)| *name == node);
        found.map(|(name, shape)| ((*name).to_owned(), shape.clone()))
    }

    /// The last output that may serve as tokens. Of a picture a map, a list of boxes or of chances does not: a middle
    /// layer says more.
    fn tokens(&self, input: Kind) -> Option<(String, Vec<usize>)> {
        let found = self.given.iter().rfind(|(node, shape)| {
            let is_sensible = || {
                let dim = cells_and_dim(shape, input).map(|(_, dim)| dim);
                !self.maps.contains(node) && dim.is_some_and(|dim| WIDTHS.contains(&dim))
            };
            [2, 3].contains(&shape.len())
                && (!matches!(input, Kind::Picture { .. }) || is_sensible())
        });
        found.map(|(name, shape)| ((*name).to_owned(), shape.clone()))
    }

    /// The last output of so many axes.
    fn given(&self, ranks: &[usize]) -> Option<(String, Vec<usize>)> {
        let found = self.given.iter().rfind(|(_, shape)| ranks.contains(&shape.len()));
        found.map(|(name, shape)| ((*name).to_owned(), shape.clone()))
    }
}

/// A classifier's opinion is a poor embedding: what it does not tell apart is gone.
fn warn_of_classes(
    outline: &Outline,
    node: &str,
    shape: &[usize],
    shapes_of: &ShapesOf<'_>,
) -> Option<String> {
    let [width] = *shape else { return None };
    let before = classes::before(outline, node, width)?;
    let better = before.value.and_then(|value| {
        let shape = without_ones(shapes_of(&[value]).ok()?.first()?);
        Some(format!("the layer before it, {value:?} of {shape:?}, is better: --embedding {value}"))
    });
    let better = better.unwrap_or_else(|| "name a layer before it with --embedding NODE".into());
    Some(format!("warning: {node:?} looks like a classifier's {width} classes; {better}"))
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
    let grids = layers.iter().zip(&shapes).filter_map(|(node, shape)| {
        let shape = without_ones(shape.as_ref()?);
        let (cells, dim) = cells_and_dim(&shape, window.kind)?;
        let fits =
            2 == cells.len() && cells.iter().all(|&n| LEAST_CELLS <= n) && WIDTHS.contains(&dim);
        fits.then(|| (cells.iter().product::<usize>(), *node, shape.clone()))
    });
    // Of the coarsest grids, the last.
    let chosen = grids.reduce(|best, next| if next.0 <= best.0 { next } else { best });
    let Some((_, node, shape)) = chosen else {
        return Err(EncodeError::NoGuess {
            name: wishes.name.clone(),
            what: "the layer that gives tokens",
            why: match shapes.iter().flatten().count() {
                0 => format!("none of its {} layers can be shown", layers.len()),
                shown => format!("none of {shown} layers has a grid of at least 8 × 8 cells"),
            },
            option: "--tokens NODE",
        });
    };
    guesses.push(format!(
        "its tokens are the layer {node:?} of {shape:?}, the last with a grid of at least 8 × 8"
    ));
    Ok(Tokens::Node(node.to_owned(), shape))
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

/// Cells, and the numbers of each.
pub(super) fn cells_and_dim(shape: &[usize], input: Kind) -> Option<(&[usize], usize)> {
    if channels_first(shape, input) {
        shape.split_first().map(|(dim, cells)| (cells, *dim))
    } else {
        shape.split_last().map(|(dim, cells)| (cells, *dim))
    }
}

/// Two axes are time and numbers. Three are numbers and a grid, as convolutions give them in ONNX,
/// unless the first two are more in proportion to the input than the last two.
pub(super) fn channels_first(shape: &[usize], input: Kind) -> bool {
    let [a, b, c] = *shape else { return false };
    let (height, width) = input.sides();
    let off =
        |rows: usize, cols: usize| ((rows * width) as f64 / (cols * height) as f64).ln().abs();
    off(b, c) <= off(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_told_from_the_numbers() {
        let square = Kind::Sound { frames: 224, bands: 224, bands_first: false };
        assert_eq!(cells_and_dim(&[128, 8, 8], square), Some((&[8, 8][..], 128)));
        assert_eq!(cells_and_dim(&[14, 14, 64], square), Some((&[14, 14][..], 64)));
        assert_eq!(cells_and_dim(&[12, 192], square), Some((&[12][..], 192)));
        let sound = Kind::Sound { frames: 96, bands: 64, bands_first: false };
        assert_eq!(cells_and_dim(&[512, 6, 4], sound), Some((&[6, 4][..], 512)));
        assert_eq!(cells_and_dim(&[6, 4, 512], sound), Some((&[6, 4][..], 512)));
        assert_eq!(cells_and_dim(&[3, 96, 64], sound), Some((&[96, 64][..], 3)));
        // Valid convolutions cut their borders off, so proportions are not kept to the cell.
        let wide = Kind::Sound { frames: 96, bands: 128, bands_first: false };
        assert_eq!(cells_and_dim(&[43, 59, 2], wide), Some((&[43, 59][..], 2)));
    }

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
