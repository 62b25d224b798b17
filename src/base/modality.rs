//! Sound or pictures.

/// Which sense a source feeds, and an encoder is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Modality {
    /// Samples.
    Sound,
    /// Frames.
    Picture,
}
