//! Sound or pictures.

/// Which sense a source feeds, and an encoder is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Modality {
    /// Samples.
    Sound,
    /// Frames.
    Picture,
}

impl Modality {
    /// The other of the two.
    pub const fn other(self) -> Self {
        match self {
            Self::Sound => Self::Picture,
            Self::Picture => Self::Sound,
        }
    }
}
