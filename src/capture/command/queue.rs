//! Between the thread that reads a pipe and the one that wants chunks: bounded, and losses are told.

use std::collections::VecDeque;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use crate::capture::Chunk;
use crate::capture::Loss;
use crate::capture::LossCause;

/// Small blocks are joined up to this many samples, so that a command that writes single samples
/// does not cost a list for each.
const JOIN_SAMPLES: usize = 4096;

/// Sound: everything until the limit, then the newest is lost and counted. Pictures: the latest.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    sound_limit: usize,
}

#[derive(Debug, Default)]
struct State {
    chunks: VecDeque<Chunk>,
    sound_held: usize,
    replaced_count: u64,
    ended: bool,
    abandoned: bool,
}

/// What a waiting reader gets.
#[derive(Debug, PartialEq)]
pub(super) enum Taken {
    Chunk(Chunk),
    /// Nothing came in time.
    Nothing,
    /// Nothing will come any more.
    End,
}

impl Queue {
    /// Holds at most `sound_limit` samples.
    pub(super) fn new(sound_limit: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), sound_limit }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change below is complete before anything can panic, so a poisoned state is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds samples, or counts them as lost. The position goes on in both cases.
    pub(super) fn push_sound(&self, rate_hz: u32, at_sample: u64, samples: Vec<f32>) {
        let mut state = self.lock();
        if self.sound_limit < state.sound_held + samples.len() {
            drop(state);
            let count = samples.len() as u64;
            return self.push_loss(Loss { cause: LossCause::Overrun, count });
        }
        state.sound_held += samples.len();
        match state.chunks.back_mut() {
            Some(Chunk::Sound { samples: last, .. }) if last.len() < JOIN_SAMPLES => {
                last.extend(samples);
            }
            _ => state.chunks.push_back(Chunk::Sound { rate_hz, at_sample, samples }),
        }
        self.changed.notify_all();
    }

    /// Puts the latest picture where the one before was.
    pub(super) fn push_picture(&self, picture: Chunk) {
        let mut state = self.lock();
        let before = state.chunks.len();
        state.chunks.retain(|chunk| !matches!(chunk, Chunk::Picture { .. }));
        state.replaced_count += (before - state.chunks.len()) as u64;
        // With the picture between them gone, losses of one cause are one loss.
        for chunk in std::mem::take(&mut state.chunks) {
            match chunk {
                Chunk::Gap(loss) => add_loss(&mut state.chunks, loss),
                other => state.chunks.push_back(other),
            }
        }
        state.chunks.push_back(picture);
        self.changed.notify_all();
    }

    /// Adds a loss. Losses of one cause that nobody has fetched yet are one loss.
    ///
    /// Invariant: between two chunks of sound at most one gap per cause waits, and with pictures,
    /// of which one waits, at most two: the queue stays bounded however often something is lost.
    pub(super) fn push_loss(&self, loss: Loss) {
        add_loss(&mut self.lock().chunks, loss);
        self.changed.notify_all();
    }

    /// Adds something that is neither data nor loss.
    pub(super) fn push_mark(&self, mark: Chunk) {
        self.lock().chunks.push_back(mark);
        self.changed.notify_all();
    }

    /// Nothing more will be added.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// Nobody will take anything any more.
    pub(super) fn abandon(&self) {
        self.lock().abandoned = true;
    }

    /// Whether adding is of no use any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.lock().abandoned
    }

    /// Pictures that were replaced by later ones before anybody looked.
    pub(super) fn replaced_count(&self) -> u64 {
        self.lock().replaced_count
    }

    /// The oldest chunk; waits at most `max_wait` for one.
    pub(super) fn take(&self, max_wait: Duration) -> Taken {
        let nothing_yet = |state: &mut State| state.chunks.is_empty() && !state.ended;
        let (mut state, _) = self
            .changed
            .wait_timeout_while(self.lock(), max_wait, nothing_yet)
            .unwrap_or_else(PoisonError::into_inner);
        match state.chunks.pop_front() {
            Some(chunk) => {
                if let Chunk::Sound { samples, .. } = &chunk {
                    state.sound_held -= samples.len();
                }
                Taken::Chunk(chunk)
            }
            None if state.ended => Taken::End,
            None => Taken::Nothing,
        }
    }
}

fn add_loss(chunks: &mut VecDeque<Chunk>, loss: Loss) {
    let since_data =
        chunks.iter_mut().rev().take_while(|chunk| matches!(chunk, Chunk::Gap(_))).find_map(
            |chunk| match chunk {
                Chunk::Gap(waiting) if waiting.cause == loss.cause => Some(waiting),
                _ => None,
            },
        );
    match since_data {
        Some(waiting) => waiting.count += loss.count,
        None => chunks.push_back(Chunk::Gap(loss)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::image::PixelFormat;
    use crate::signal::image::RawImage;

    fn picture(at_s: f64) -> Chunk {
        let image = RawImage { format: PixelFormat::Grey8, width: 1, height: 1, bytes: vec![0] };
        Chunk::Picture { at_s, lasts_s: 1.0, image }
    }

    fn drain(queue: &Queue) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        while let Taken::Chunk(chunk) = queue.take(Duration::ZERO) {
            chunks.push(chunk);
        }
        chunks
    }

    #[test]
    fn sound_over_the_limit_is_lost_at_its_end_and_counted() {
        let queue = Queue::new(4);
        for at_sample in [0, 2, 4, 6] {
            queue.push_sound(8000, at_sample, vec![0.0; 2]);
        }
        let gap = Chunk::Gap(Loss { cause: LossCause::Overrun, count: 4 });
        let first = Chunk::Sound { rate_hz: 8000, at_sample: 0, samples: vec![0.0; 4] };
        assert_eq!(drain(&queue), [first, gap]);
        queue.push_sound(8000, 8, vec![1.0; 2]);
        let next = Chunk::Sound { rate_hz: 8000, at_sample: 8, samples: vec![1.0; 2] };
        assert_eq!(drain(&queue), [next]);
    }

    #[test]
    fn the_latest_picture_wins_and_the_queue_stays_short() {
        let queue = Queue::new(0);
        for at in 0..1000 {
            queue.push_picture(picture(f64::from(at)));
            queue.push_loss(Loss { cause: LossCause::ShortFrame, count: 1 });
        }
        let chunks = drain(&queue);
        assert_eq!(queue.replaced_count(), 999);
        assert!(chunks.len() <= 3, "{chunks:?}");
        let lost: u64 = chunks
            .iter()
            .map(|chunk| if let Chunk::Gap(loss) = chunk { loss.count } else { 0 })
            .sum();
        assert_eq!(lost, 1000);
        assert!(chunks.contains(&picture(999.0)));
    }

    #[test]
    fn what_is_queued_is_delivered_before_the_end() {
        let queue = Queue::new(8);
        queue.push_sound(8000, 0, vec![0.0; 2]);
        queue.end();
        assert!(matches!(queue.take(Duration::ZERO), Taken::Chunk(_)));
        assert_eq!(queue.take(Duration::from_secs(600)), Taken::End);
    }
}
