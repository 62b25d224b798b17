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

    /// As a manifest and `--modality` say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Picture => "picture",
        }
    }

    /// What there is to hear or to see, in a sentence.
    pub const fn content(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Picture => "pictures",
        }
    }
}
