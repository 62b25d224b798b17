//! What comes out: which node gives tokens, which the embedding, and what their axes mean.

use crate::encode::draft::Wishes;
use crate::encode::draft::window::Kind;
use crate::encode::draft::window::Window;
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

/// Widest token that is chosen unasked: learning costs its square.
const WIDEST: usize = 512;

/// Most layers that are looked at.
const MOST_LAYERS: usize = 1000;

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

pub(super) fn choose(
    outline: &Outline,
    window: &Window,
    wishes: &Wishes,
    shapes_of: &ShapesOf<'_>,
    guesses: &mut Vec<String>,
) -> Result<Outputs, EncodeError> {
    let mut nodes: Vec<&str> = outline.outputs.iter().map(|port| port.name.as_str()).collect();
    for stated in [&wishes.tokens, &wishes.embedding].into_iter().flatten() {
        if !nodes.contains(&stated.as_str()) {
            nodes.push(stated);
        }
    }
    let shapes: Vec<Vec<usize>> = shapes_of(&nodes)?.iter().map(|s| without_ones(s)).collect();
    let shape_of = |node: &str| {
        let at = nodes.iter().position(|other| *other == node).unwrap_or(0);
        (node.to_owned(), shapes[at].clone())
    };
    let of_rank = |ranks: &[usize]| {
        let fits = |node: &&&str| ranks.contains(&shape_of(node).1.len());
        outline
            .outputs
            .iter()
            .map(|p| p.name.as_str())
            .collect::<Vec<_>>()
            .iter()
            .rfind(fits)
            .map(|node| shape_of(node))
    };
    let embedding = match &wishes.embedding {
        Some(node) => Some(shape_of(node)),
        None => of_rank(&[1]).inspect(|(node, shape)| {
            guesses.push(format!("its output {node:?} of {shape:?} is the embedding"));
        }),
    };
    let stated = wishes.tokens.as_ref().map(|node| shape_of(node));
    let tokens = match stated.or_else(|| {
        of_rank(&[2, 3]).inspect(|(node, shape)| {
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
        None => unasked_tokens(outline, window, wishes, shapes_of, guesses)?,
    };
    if embedding.is_none() {
        guesses.push("its embedding is the mean of its tokens".into());
    }
    Ok(Outputs { tokens, embedding })
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
    // Where not every layer can be shown at once, a person must choose.
    let shapes = shapes_of(&layers).unwrap_or_default();
    let grids = layers.iter().zip(&shapes).filter_map(|(node, shape)| {
        let shape = without_ones(shape);
        let (cells, dim) = cells_and_dim(&shape, window.kind)?;
        let fits = 2 == cells.len() && cells.iter().all(|&n| LEAST_CELLS <= n) && dim <= WIDEST;
        fits.then(|| (cells.iter().product::<usize>(), *node, shape.clone()))
    });
    // Of the coarsest grids, the last.
    let chosen = grids.reduce(|best, next| if next.0 <= best.0 { next } else { best });
    let Some((_, node, shape)) = chosen else {
        return Err(EncodeError::NoGuess {
            name: wishes.name.clone(),
            what: "the layer that gives tokens",
            why: format!("none of {} layers has a grid of at least 8 × 8 cells", layers.len()),
            option: "--tokens NODE",
        });
    };
    guesses.push(format!(
        "its tokens are the layer {node:?} of {shape:?}, the last with a grid of at least 8 × 8"
    ));
    Ok(Tokens::Node(node.to_owned(), shape))
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
/// unless only the first two are in proportion to the input.
pub(super) fn channels_first(shape: &[usize], input: Kind) -> bool {
    let [a, b, c] = *shape else { return false };
    let (height, width) = input.sides();
    let in_proportion =
        |rows: usize, cols: usize| (rows * width).abs_diff(cols * height) < height.max(width);
    in_proportion(b, c) || !in_proportion(a, b)
}

fn without_ones(shape: &[usize]) -> Vec<usize> {
    shape.iter().copied().filter(|&n| n != 1).collect()
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
    }
}
