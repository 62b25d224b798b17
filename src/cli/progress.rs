//! Progress of long commands: a line that moves on a terminal, nothing on a pipe.

use std::io::IsTerminal;

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;

/// Shows how far a run has come, in seconds of input.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// `total_s` where it is known. Draws on standard error, and only on a terminal.
    pub(crate) fn new(total_s: Option<f64>) -> Self {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(8)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(total_s.map(whole), target);
        let template = if total_s.is_some() {
            "{bar:28} {percent:>3}% {msg}  {eta} left"
        } else {
            "{spinner} {msg}"
        };
        // A template that does not parse is our bug; the default style then still shows progress.
        let style =
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        Self { bar }
    }

    /// Where we are.
    pub(crate) fn at(&self, stream_s: f64, message: impl Into<std::borrow::Cow<'static, str>>) {
        self.bar.set_position(whole(stream_s));
        self.bar.set_message(message);
    }

    /// A line above the moving one, which stays; on a pipe it goes to standard output.
    pub(crate) fn line(&self, text: &str) {
        if self.bar.is_hidden() {
            println!("{text}");
        } else {
            self.bar.println(text);
        }
    }

    /// Removes the moving line.
    pub(crate) fn done(self) {
        self.bar.finish_and_clear();
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds of input, clamped at 0 by the cast; 2^64 of them do not occur"
)]
fn whole(seconds: f64) -> u64 {
    seconds as u64
}
