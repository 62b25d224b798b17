//! One source to its end, on the calling thread: same input, settings and seed, same bytes.

use std::time::Duration;

use thiserror::Error;

use crate::base::stop::Stop;
use crate::capture::Source;
use crate::capture::error::CaptureError;
use crate::encode::error::EncodeError;
use crate::pipeline::resume::Keeper;
use crate::pipeline::track::Track;
use crate::pipeline::window::Scored;
use crate::store::error::StoreError;

/// How long a source may keep us waiting before we look whether to stop.
const LOOK_UP: Duration = Duration::from_millis(200);

/// Why a run ended early.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The input.
    #[error(transparent)]
    Input(#[from] CaptureError),
    /// The encoder.
    #[error(transparent)]
    Encoder(#[from] EncodeError),
    /// The state.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Runs `source` through `track` until it ends or `stop` is requested, writing checkpoints as they
/// fall due and one at the end. `on_window` sees every scored window, and the seconds of input so far.
///
/// # Errors
///
/// [`ReplayError`]. What was learnt until then is written first, unless writing is what failed.
pub fn run(
    source: &mut dyn Source,
    track: &mut Track,
    mut keeper: Option<&mut Keeper>,
    stop: &Stop,
    on_window: &mut dyn FnMut(&Scored<'_>),
) -> Result<(), ReplayError> {
    let mut outcome = Ok(());
    while !stop.is_requested() {
        match source.next(LOOK_UP) {
            Ok(Some(chunk)) => track.take(chunk, on_window)?,
            Ok(None) => break,
            Err(error) => {
                outcome = Err(error.into());
                break;
            }
        }
        if let Some(keeper) = keeper.as_deref_mut()
            && keeper.is_due(track)
        {
            keeper.write(track)?;
        }
    }
    track.finish(on_window)?;
    if let Some(keeper) = keeper {
        keeper.write(track)?;
    }
    outcome
}
