//! What ALSA would have printed.
//!
//! alsa-lib writes its troubles to standard error, a dozen lines for each device that cannot be
//! opened, over and over while it is retried. They are kept here instead, and the last of them goes
//! into our own error, because it says more than the error's number: "Connection refused".

use std::cell::RefCell;
use std::rc::Rc;

use alsa::Output;

/// Collects the messages of this thread until it is dropped and another is made.
pub(super) struct AlsaWords(Option<Rc<RefCell<Output>>>);

impl AlsaWords {
    /// Starts anew, for this thread only.
    pub(super) fn collect() -> Self {
        Self(Output::local_error_handler().ok())
    }

    /// `error`, and ALSA's last word on it.
    pub(super) fn explain(&self, error: &cpal::Error) -> String {
        let words = self.0.as_ref().map(|words| words.borrow().to_string()).unwrap_or_default();
        match words.lines().rfind(|line| !line.trim().is_empty()) {
            Some(line) => format!("{error} (ALSA: {})", line.trim()),
            None => error.to_string(),
        }
    }
}
