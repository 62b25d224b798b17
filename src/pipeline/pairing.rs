//! How the moments of two sources of the daemon come together.
//!
//! Each source has a thread that owns its learner. The one that says `beside` owns what is known between
//! the two as well; the other sends it its moments and waits for nothing: what the owner has no time for is
//! counted and lost.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::Receiver;
use crossbeam_channel::Sender;
use crossbeam_channel::TrySendError;

use crate::capture::Chunk;
use crate::pipeline::companion::Companion;
use crate::pipeline::companion::Whose;
use crate::pipeline::timeline::Timeline;
use crate::pipeline::together::middle_s;
use crate::pipeline::window::Scored;

/// Moments on their way to the owner: eight seconds of sound, as many as wait there for one of the other.
pub const QUEUE: usize = 16;

/// What a scored window says to the other sense.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// Its middle, in seconds on the clock that both sources share.
    pub at_s: f64,
    /// Its novelty; `None` in warm-up.
    pub novelty: Option<f32>,
    /// The encoder's embedding.
    pub embedding: Vec<f32>,
}

/// One source's end of a pair.
#[derive(Debug)]
pub struct End {
    timeline: Timeline,
    role: Role,
    /// Moments that found the queue full, since start.
    refused: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Role {
    /// `None` once the owner is gone.
    Tells(Option<Sender<Moment>>),
    /// Its own moments lie here until the chunk that made them has been dealt with.
    Owns(Receiver<Moment>, Vec<Moment>),
}

/// The two ends of a pair: the owner's, and that of the source which tells it. `timeline` makes one for each.
pub fn ends(timeline: fn() -> Timeline) -> [End; 2] {
    let (tell, told) = crossbeam_channel::bounded(QUEUE);
    let refused = Arc::<AtomicU64>::default();
    let end = |role, refused| End { timeline: timeline(), role, refused };
    [end(Role::Owns(told, Vec::new()), Arc::clone(&refused)), end(Role::Tells(Some(tell)), refused)]
}

impl End {
    /// Takes in a chunk that has arrived `now`; call it before the chunk's windows are told.
    pub fn note(&mut self, chunk: &Chunk, now: Duration) {
        self.timeline.note(chunk, now);
    }

    /// Takes in a scored window. Never waits.
    pub fn tell(&mut self, window: &Scored<'_>) {
        let Some(at_s) = self.timeline.at(middle_s(window)) else { return };
        self.send(at_s, window.score.novelty, window.embedding);
    }

    fn send(&mut self, at_s: f64, novelty: Option<f32>, embedding: &[f32]) {
        let moment = || Moment { at_s, novelty, embedding: embedding.to_vec() };
        match &mut self.role {
            Role::Owns(_, own) => own.push(moment()),
            Role::Tells(None) => {}
            Role::Tells(Some(tell)) if tell.is_full() => {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
            Role::Tells(Some(tell)) => {
                // Nobody else fills it: it is full no sooner than its owner is gone.
                if let Err(TrySendError::Disconnected(_)) = tell.try_send(moment()) {
                    self.role = Role::Tells(None);
                }
            }
        }
    }

    /// Lets the owner's companion take in what has come of both; of the other source no more than the queue
    /// holds, so that the owner gets on. Does nothing at the other end.
    pub fn meet(&mut self, companion: &mut Companion, source: &str) {
        let Role::Owns(told, own) = &mut self.role else { return };
        let own = own.drain(..).map(|moment| (Whose::Own, moment));
        let others = told.try_iter().take(QUEUE).map(|moment| (Whose::Other, moment));
        for (whose, moment) in own.chain(others) {
            if companion.meet(whose, &moment) {
                log::warn!(
                    source = source;
                    "{source}, beside {}: {}", companion.name(), companion.why_off()
                );
            }
        }
    }

    /// Moments of the other source that the owner had no time for, since start.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
