//! Words on standard output and standard error, for readers that may have gone.
//!
//! The macros of the standard library panic where they cannot write. Those of `cli` have the same
//! names and forms, and end the program in order instead.

use std::fmt::Arguments;
use std::io;
use std::io::ErrorKind;
use std::io::Write;
use std::process;

use crate::cli::exit::EXIT_DISK;

/// As `std::print`.
macro_rules! print {
    ($($words:tt)*) => { $crate::cli::print::out(format_args!($($words)*)) };
}

/// As `std::println`.
macro_rules! println {
    () => { $crate::cli::print::out(format_args!("\n")) };
    ($($words:tt)*) => {
        $crate::cli::print::out(format_args!("{}\n", format_args!($($words)*)))
    };
}

/// As `std::eprint`.
macro_rules! eprint {
    ($($words:tt)*) => { $crate::cli::print::err(format_args!($($words)*)) };
}

/// As `std::eprintln`.
macro_rules! eprintln {
    ($($words:tt)*) => {
        $crate::cli::print::err(format_args!("{}\n", format_args!($($words)*)))
    };
}

/// Writes to standard output; ends the program where that cannot be.
pub(crate) fn out(words: Arguments<'_>) {
    if let Err(error) = io::stdout().write_fmt(words) {
        end(&error);
    }
}

/// Writes to standard error. Nobody can be told that nobody listens.
pub(crate) fn err(words: Arguments<'_>) {
    drop(io::stderr().write_fmt(words));
}

/// Writes what is still held; ends the program where that cannot be.
pub(crate) fn flush() {
    if let Err(error) = io::stdout().flush() {
        end(&error);
    }
}

/// Whoever closed the pipe, as `head` does, has what they wanted. Anything else, such as a full disk, is
/// an error.
#[expect(
    clippy::disallowed_methods,
    reason = "the place that prints may be in the depths of a command"
)]
pub(crate) fn end(error: &io::Error) {
    if error.kind() == ErrorKind::BrokenPipe {
        process::exit(0);
    }
    err(format_args!("habituate: cannot write to standard output: {error}\n"));
    process::exit(i32::from(EXIT_DISK));
}
