//! Which tokens a token looks at: one table, so that one layer serves sequences and pictures.

use crate::nn::layout::Layout;

/// What a net may see of the other tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Everything around: for guessing what is hidden.
    Around,
    /// Only what came before (sequences) or lies in this row and above (pictures): for guessing what
    /// comes next.
    Past,
}

/// Stands for "no such token".
const NONE: u32 = u32::MAX;

/// For every token, the tokens its taps look at; the same tap has the same relative place for all.
#[derive(Debug, Clone)]
pub struct Taps {
    per_token: usize,
    from: Vec<u32>,
}

impl Taps {
    /// Taps at `dilation` tokens from each other.
    ///
    /// * `Sequence`, `Around`: `t−d, t, t+d`; `Past`: `t−2d, t−d, t`.
    /// * `Grid`, `Around`: 3 × 3; `Past`: the row itself and the one `d` above, 2 × 3.
    pub fn new(layout: Layout, view: View, dilation: usize) -> Self {
        let (rows, cols) = match layout {
            Layout::Sequence { len } => (1, len),
            Layout::Grid { rows, cols } => (rows, cols),
        };
        let d = i64::try_from(dilation).unwrap_or(i64::MAX / 4);
        let around = [-d, 0, d];
        let (down, right): (&[i64], &[i64]) = match (layout, view) {
            (Layout::Sequence { .. }, View::Around) => (&[0], &around),
            (Layout::Sequence { .. }, View::Past) => (&[0], &[-2 * d, -d, 0]),
            (Layout::Grid { .. }, View::Around) => (&around, &around),
            (Layout::Grid { .. }, View::Past) => (&[-d, 0], &around),
        };
        let place = |at: usize, by: i64, bound: usize| {
            usize::try_from(i64::try_from(at).ok()? + by).ok().filter(|&to| to < bound)
        };
        let mut from = Vec::with_capacity(rows * cols * down.len() * right.len());
        for token in 0..rows * cols {
            for &by_row in down {
                for &by_col in right {
                    let there = place(token / cols, by_row, rows)
                        .zip(place(token % cols, by_col, cols))
                        .and_then(|(row, col)| u32::try_from(row * cols + col).ok());
                    from.push(there.unwrap_or(NONE));
                }
            }
        }
        Self { per_token: down.len() * right.len(), from }
    }

    /// Taps of each token.
    pub const fn per_token(&self) -> usize {
        self.per_token
    }

    /// Tokens in a window.
    pub fn tokens(&self) -> usize {
        self.from.len() / self.per_token
    }

    /// `(tap, token looked at)` for `token`, without those outside the window or beyond `valid`.
    pub fn of(&self, token: usize, valid: usize) -> impl Iterator<Item = (usize, usize)> {
        self.from[token * self.per_token..(token + 1) * self.per_token]
            .iter()
            .enumerate()
            .map(|(tap, &from)| (tap, from as usize))
            .filter(move |&(_, from)| from < valid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(layout: Layout, view: View, dilation: usize, token: usize) -> Vec<usize> {
        let valid = layout.len();
        Taps::new(layout, view, dilation).of(token, valid).map(|(_, from)| from).collect()
    }

    #[test]
    fn sequences_look_around_or_back() {
        let layout = Layout::Sequence { len: 6 };
        assert_eq!(seen(layout, View::Around, 1, 0), [0, 1]);
        assert_eq!(seen(layout, View::Around, 2, 3), [1, 3, 5]);
        assert_eq!(seen(layout, View::Past, 2, 5), [1, 3, 5]);
        assert_eq!(seen(layout, View::Past, 4, 5), [1, 5]);
    }

    #[test]
    fn pictures_look_around_or_up() {
        let layout = Layout::Grid { rows: 3, cols: 4 };
        assert_eq!(seen(layout, View::Around, 1, 0), [0, 1, 4, 5]);
        assert_eq!(seen(layout, View::Around, 1, 5), [0, 1, 2, 4, 5, 6, 8, 9, 10]);
        assert_eq!(seen(layout, View::Past, 1, 5), [0, 1, 2, 4, 5, 6]);
    }

    #[test]
    fn padding_is_not_looked_at() {
        let taps = Taps::new(Layout::Sequence { len: 6 }, View::Around, 1);
        assert_eq!(taps.of(2, 3).collect::<Vec<_>>(), [(0, 1), (1, 2)]);
    }
}
