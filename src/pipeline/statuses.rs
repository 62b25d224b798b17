//! What sources' threads tell of themselves, for whoever asks.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::emit::status::SourceStatus;

/// The statuses of all sources, as their threads last told them.
#[derive(Debug, Clone, Default)]
pub struct Board {
    statuses: Arc<Mutex<Vec<SourceStatus>>>,
    bytes_written: Arc<AtomicU64>,
}

impl Board {
    /// A copy of all statuses.
    pub fn statuses(&self) -> Vec<SourceStatus> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Bytes of checkpoints written by all sources since start.
    pub fn bytes_written(&self) -> u64 {
        self.bytes_written.load(Ordering::Relaxed)
    }

    /// How it stands with the source of that place.
    pub(super) fn post(&self, index: usize, status: SourceStatus) {
        let mut statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = statuses.get_mut(index) {
            *place = status;
        }
    }

    /// One status for each source, before any has said something.
    pub(super) fn begin(&self, statuses: Vec<SourceStatus>) {
        *self.statuses.lock().unwrap_or_else(PoisonError::into_inner) = statuses;
    }

    /// Another checkpoint.
    pub(super) fn count_written(&self, bytes: u64) {
        self.bytes_written.fetch_add(bytes, Ordering::Relaxed);
    }
}
