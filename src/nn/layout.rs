//! How the tokens of one window lie beside each other.

/// Neighbourhood of tokens: in time, or on a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Tokens in time order, `len` of them.
    Sequence {
        /// Tokens in a window.
        len: usize,
    },
    /// Patches of a picture, row by row.
    Grid {
        /// Patches from top to bottom.
        rows: usize,
        /// Patches from left to right.
        cols: usize,
    },
}

impl Layout {
    /// Tokens in a window.
    pub const fn len(self) -> usize {
        match self {
            Self::Sequence { len } => len,
            Self::Grid { rows, cols } => rows * cols,
        }
    }

    /// Whether a window has no tokens at all; such an encoder is refused at loading.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}
