//! What the axes of a value mean: cells in time or on a picture, and the numbers of each.

use crate::encode::draft::Wishes;
use crate::encode::draft::back;
use crate::encode::draft::window::Kind;
use crate::encode::encoder::without_ones;
use crate::encode::outline::Outline;

/// Tokens before those of the picture: none, a class, a class and a distilled one, a class and four registers.
const SKIPPED: [usize; 4] = [0, 1, 2, 5];

/// Rows that a list of tokens needs at least to be taken for those of a picture: squares of fewer lie too close.
const LEAST_ROWS: usize = 4;

/// A value of the graph, and how it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) node: String,
    /// As in the manifest.
    pub(super) axes: &'static str,
    /// Tokens in time; or rows and columns; nothing for a single vector.
    pub(super) cells: Vec<usize>,
    /// Tokens before these.
    pub(super) skip: usize,
    pub(super) dim: usize,
}

impl Reading {
    /// For the line that a person confirms.
    pub(super) fn words(&self) -> String {
        let skip = match self.skip {
            0 => String::new(),
            skip => format!(", after {skip} that belong to no place"),
        };
        match *self.cells.as_slice() {
            [rows, cols] => {
                format!("{rows} × {cols} tokens (rows, columns) of {} numbers{skip}", self.dim)
            }
            _ => {
                let len = self.cells.iter().product::<usize>();
                format!("{len} tokens (time) of {} numbers{skip}", self.dim)
            }
        }
    }
}

/// Reads axes of one graph.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) outline: &'a Outline,
    pub(super) wishes: &'a Wishes,
    pub(super) kind: Kind,
}

impl Reader<'_> {
    /// Reads `node` of `shape`, batch first, for `outputs.{role}`; `None` for more than three axes, and for none.
    pub(super) fn read(&self, role: &str, node: &str, shape: &[usize]) -> Option<Reading> {
        let bare = without_ones(shape);
        let first = self.channels_first(role, node, shape, &bare);
        let (cells, dim) = if first {
            bare.split_first().map(|(dim, cells)| (cells, *dim))?
        } else {
            bare.split_last().map(|(dim, cells)| (cells, *dim))?
        };
        let axes = match (cells.len(), first) {
            (0, _) => "d",
            (1, false) => "td",
            (1, true) => "dt",
            (2, false) => "hwd",
            (2, true) => "dhw",
            _ => return None,
        };
        let (cells, skip) = match (self.kind, cells) {
            (Kind::Picture { width, height, .. }, &[len]) => match grid(len, height, width) {
                Some((rows, cols)) => (vec![rows, cols], len - rows * cols),
                None => (vec![len], 0),
            },
            _ => (cells.to_vec(), 0),
        };
        Some(Reading { node: node.into(), axes, cells, skip, dim })
    }

    /// As stated, else as a convolution puts them. Else two axes are time and numbers; three are numbers and a grid
    /// unless the first two are more in proportion to the input than the last two.
    fn channels_first(&self, role: &str, node: &str, shape: &[usize], bare: &[usize]) -> bool {
        let key = format!("outputs.{role}.axes");
        let stated = self.wishes.settings.iter().rfind(|(stated, _)| *stated == key);
        match (stated.map(|(_, axes)| axes.trim_matches('"')), bare.len()) {
            (Some("dt"), 2) | (Some("dhw"), 3) => return true,
            (Some("td"), 2) | (Some("hwd"), 3) => return false,
            _ => {}
        }
        let has_channels = 3 <= shape.len() && shape[0] == 1 && shape[1] != 1;
        if 2 <= bare.len() && has_channels && back::is_of_convolution(self.outline, node) {
            return true;
        }
        let [a, b, c] = *bare else { return false };
        let (height, width) = self.kind.sides();
        let off =
            |rows: usize, cols: usize| ((rows * width) as f64 / (cols * height) as f64).ln().abs();
        off(b, c) <= off(a, b)
    }
}

/// Rows and columns of square patches that make `len` tokens, a few before them.
fn grid(len: usize, height: usize, width: usize) -> Option<(usize, usize)> {
    SKIPPED.into_iter().find_map(|skip| {
        let cells = len.checked_sub(skip)?;
        let fits = |rows: &usize| {
            let side = height / rows;
            height.is_multiple_of(*rows)
                && width.is_multiple_of(side)
                && rows * (width / side) == cells
        };
        let rows = (LEAST_ROWS..=height.min(256)).find(fits)?;
        Some((rows, cells / rows)).filter(|&(_, cols)| (LEAST_ROWS..=256).contains(&cols))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::draft::Normalise;
    use crate::encode::draft::back::tests::graph;

    const SOUND: Kind = Kind::Sound { frames: 96, bands: 64, bands_first: false };

    fn read(kind: Kind, shape: &[usize]) -> (Vec<usize>, usize) {
        let (outline, wishes) = (Outline::default(), Wishes::default());
        let reader = Reader { outline: &outline, wishes: &wishes, kind };
        let reading = reader.read("tokens", "x", shape).unwrap();
        (reading.cells, reading.dim)
    }

    fn picture(height: usize, width: usize) -> Kind {
        let normalise = Normalise::Unit;
        Kind::Picture { width, height, channels_first: true, grey: false, normalise }
    }

    #[test]
    fn the_grid_is_told_from_the_numbers() {
        let square = Kind::Sound { frames: 224, bands: 224, bands_first: false };
        assert_eq!(read(square, &[1, 128, 8, 8]), (vec![8, 8], 128));
        assert_eq!(read(square, &[1, 14, 14, 64]), (vec![14, 14], 64));
        assert_eq!(read(square, &[1, 12, 192]), (vec![12], 192));
        assert_eq!(read(SOUND, &[1, 512, 6, 4]), (vec![6, 4], 512));
        assert_eq!(read(SOUND, &[1, 6, 4, 512]), (vec![6, 4], 512));
        assert_eq!(read(SOUND, &[1, 3, 96, 64]), (vec![96, 64], 3));
        // Valid convolutions cut their borders off, so proportions are not kept to the cell.
        let wide = Kind::Sound { frames: 96, bands: 128, bands_first: false };
        assert_eq!(read(wide, &[1, 43, 59, 2]), (vec![43, 59], 2));
    }

    /// Fails where two axes are time and numbers, whoever wrote them, or where what a person says is not heard.
    #[test]
    fn two_axes_of_a_convolution_are_numbers_and_time() {
        let outline = graph(&[
            ("Conv", &["input", "w"], "conv"),
            ("Relu", &["conv"], "relu"),
            ("Transpose", &["relu"], "turned"),
        ]);
        let mut wishes = Wishes::default();
        let reading = |wishes: &Wishes, node: &str, shape: &[usize]| {
            let reader = Reader { outline: &outline, wishes, kind: SOUND };
            reader.read("tokens", node, shape).unwrap()
        };
        let found = reading(&wishes, "relu", &[1, 48, 24]);
        assert_eq!((found.axes, found.words()), ("dt", "24 tokens (time) of 48 numbers".into()));
        assert_eq!(reading(&wishes, "relu", &[1, 48, 1, 24]).axes, "dt");
        assert_eq!(reading(&wishes, "turned", &[1, 24, 48]).axes, "td");
        // A map of one number for each place has no channels.
        assert_eq!(reading(&wishes, "relu", &[1, 1, 24, 48]).axes, "td");
        for (axes, dim) in [("td", 24), ("\"dt\"", 48)] {
            wishes.settings = vec![("outputs.tokens.axes".into(), axes.into())];
            assert_eq!(reading(&wishes, "relu", &[1, 48, 24]).dim, dim, "{axes}");
        }
    }

    /// Fails where the tokens of a transformer lie in time, or a class is taken for a place.
    #[test]
    fn tokens_of_a_picture_lie_on_it_and_a_class_before_them_does_not() {
        for (len, skip, cells) in [
            (64, 0, vec![8, 8]),
            (65, 1, vec![8, 8]),
            (66, 2, vec![8, 8]),
            (69, 5, vec![8, 8]),
            (67, 0, vec![67]),
            (5, 0, vec![5]),
        ] {
            let (outline, wishes) = (Outline::default(), Wishes::default());
            let reader = Reader { outline: &outline, wishes: &wishes, kind: picture(112, 112) };
            let found = reader.read("tokens", "x", &[1, len, 384]).unwrap();
            assert_eq!((found.skip, found.cells.clone()), (skip, cells), "{len}");
            assert_eq!((found.axes, found.dim), ("td", 384));
        }
        assert_eq!(grid(6 * 8 + 1, 96, 128), Some((6, 8)));
        assert_eq!(grid(257, 224, 224), Some((16, 16)));
    }
}
