//! What is said of a window before it is learnt.

use crate::learn::surprise::Reading;

/// What the champion says of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Raw channel: how far the tokens are from what was expected; 0 before anything was fitted.
    pub surprise: f32,
    /// Raw channel: how far the embedding, or the farthest patches, are from those met; 0 before anything was fitted.
    pub density: f32,
    /// Deviations above the usual. `None` during warm-up.
    pub novelty: Option<f32>,
    /// The chance of a novelty at least as large. `None` during warm-up.
    pub p_value: Option<f32>,
    /// This window raises an alarm.
    pub event: bool,
    /// The chance that a minute's largest novelty is at least as large, by the last week. `None` before
    /// there are enough minutes.
    pub p_recent: Option<f32>,
    /// The chance of so strange an embedding on the first day of the source's life. `None` until that
    /// day is over.
    pub p_anchor: Option<f32>,
    /// Novelty above which it would raise an alarm. `None` during warm-up, and before there are enough minutes of
    /// windows that raise none.
    pub threshold: Option<f32>,
    pub(super) state: Scored,
}

/// How far scoring came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scored {
    /// The latent has the wrong shape, no valid token, or a number that is not finite.
    Refused,
    /// Nothing is fitted yet.
    TooEarly,
    /// Done; what the model did, what guessing the token before would have done, whether so large a
    /// novelty is above the threshold in force, whether that was told already, whether it is extreme, the p-value that the gate goes
    /// by, and the group of strangers that it belongs to.
    Done {
        reading: Reading,
        persistence: Option<f32>,
        is_rare: bool,
        is_told: bool,
        is_extreme: bool,
        lasting_p: Option<f32>,
        stranger: Option<usize>,
    },
}

impl Score {
    pub(super) const fn without(state: Scored) -> Self {
        Self {
            surprise: 0.0,
            density: 0.0,
            novelty: None,
            p_value: None,
            event: false,
            p_recent: None,
            p_anchor: None,
            threshold: None,
            state,
        }
    }

    /// Whether the two raw channels have been read; before, both are 0.
    pub fn is_read(&self) -> bool {
        matches!(self.state, Scored::Done { .. })
    }

    /// Mean squared error of what was guessed of the window, and of guessing the mean, in whitened space;
    /// `None` before anything was fitted.
    pub const fn errors(&self) -> Option<(f32, f32)> {
        match self.state {
            Scored::Done { reading, .. } => Some((reading.error, reading.mean_error)),
            Scored::Refused | Scored::TooEarly => None,
        }
    }

    /// Mean squared error of guessing the token before (in a picture: the same patch of the last window
    /// that was learnt), in whitened space; `None` before anything was fitted.
    pub const fn persistence_error(&self) -> Option<f32> {
        match self.state {
            Scored::Done { persistence, .. } => persistence,
            Scored::Refused | Scored::TooEarly => None,
        }
    }

    /// Whether the latent was refused: it has the wrong shape, or numbers that are not finite.
    pub fn is_refused(&self) -> bool {
        self.state == Scored::Refused
    }
}
