//! What can go wrong between a device, a file or a command and us.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::base::recovery::EXIT_INPUT;
use crate::base::recovery::Recovery;

/// What a recording may be, for messages.
pub const READABLE: &str = "sound: WAV, RF64, W64, FLAC, MP3, Ogg Vorbis, AIFF, CAF, M4A; pictures: \
    JPEG, PNG, WebP, BMP, GIF, MJPEG, AVI (MJPEG or raw), Y4M; and, with ffmpeg installed, what \
    ffmpeg reads";

/// Each message names the thing, the value found, the values allowed and, where there is one, the
/// setting to change. No message repeats its source: the log prints the chain.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// A recording that cannot be opened or read.
    #[error("cannot read {path:?}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's words.
        #[source]
        source: io::Error,
    },

    /// A file that is none of the kinds we know.
    #[error("{path:?} holds {found}; readable are {READABLE}")]
    NotARecording {
        /// The file.
        path: PathBuf,
        /// What was found in it.
        found: String,
    },

    /// A file of a kind we know, whose contents make no sense.
    #[error("{path:?} cannot be decoded: {detail}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what would be right.
        detail: String,
    },

    /// Only `ffmpeg` reads this, and it is not there.
    #[error(
        "{path:?} holds {what}, which needs ffmpeg, and there is no program {program:?}; install \
         ffmpeg, or convert the file to one of {READABLE}"
    )]
    NeedsFfmpeg {
        /// The file.
        path: PathBuf,
        /// What was found in it.
        what: String,
        /// The program looked for.
        program: String,
    },

    /// One stream is either sound or pictures.
    #[error(
        "{first:?} is {first_kind} and {other:?} is {other_kind}; give recordings of one kind, and \
         the others to a second run"
    )]
    MixedInputs {
        /// The input that decided.
        first: PathBuf,
        /// `sound` or `pictures`.
        first_kind: &'static str,
        /// The input that differs.
        other: PathBuf,
        /// `sound` or `pictures`.
        other_kind: &'static str,
    },

    /// A folder that holds several kinds of recordings.
    #[error(
        "the folder {folder:?} holds {found}; give each kind a folder of its own, or name files"
    )]
    MixedFolder {
        /// The folder.
        folder: PathBuf,
        /// How many of each kind.
        found: String,
    },

    /// A folder or a list without a recording in it.
    #[error("{place} holds no recording ({found}); readable are {READABLE}")]
    NothingToRead {
        /// The folder, or the list of inputs.
        place: String,
        /// What is there instead.
        found: String,
    },

    /// Order by time was asked for, and a name tells none.
    #[error(
        "no time in the name {name:?} in {folder:?}; expected names such as \
         2023-06-13T03_11_46.jpg, 20230613_031146.jpg or 1686626906.jpg, or order by name"
    )]
    NoTimeInName {
        /// The folder.
        folder: PathBuf,
        /// The first name without a time.
        name: String,
    },

    /// A value for reading that cannot be.
    #[error("{what} is {found}, expected {expected}")]
    Setting {
        /// Which value.
        what: &'static str,
        /// As given.
        found: String,
        /// What would be right.
        expected: &'static str,
    },

    /// The program does not exist or may not be run.
    #[error("cannot start {program:?} of the command `{command}`")]
    NoCommand {
        /// The whole command.
        command: String,
        /// Its first word.
        program: String,
        /// The operating system's words.
        #[source]
        source: io::Error,
    },

    /// The command ended although it should go on.
    #[error("the command `{command}` ended with {status}; its last words: {last_words}")]
    CommandEnded {
        /// The whole command.
        command: String,
        /// As the operating system says it.
        status: String,
        /// The end of what it wrote to standard error.
        last_words: String,
    },
}

impl CaptureError {
    /// What the supervisor should do.
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::File { .. }
            | Self::NotARecording { .. }
            | Self::Damaged { .. }
            | Self::NeedsFfmpeg { .. }
            | Self::MixedInputs { .. }
            | Self::MixedFolder { .. }
            | Self::NothingToRead { .. }
            | Self::NoTimeInName { .. } => Recovery::Exit(EXIT_INPUT),
            Self::Setting { .. } => Recovery::DisablePart,
            Self::NoCommand { .. } => Recovery::RetryAfter(Duration::from_secs(60)),
            Self::CommandEnded { .. } => Recovery::RetryAfter(Duration::from_secs(5)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_file_what_was_found_and_what_is_readable() {
        let error = CaptureError::NeedsFfmpeg {
            path: "a.opus".into(),
            what: "Opus sound".into(),
            program: "ffmpeg".into(),
        };
        for part in ["a.opus", "Opus sound", "install ffmpeg", "FLAC"] {
            assert!(error.to_string().contains(part), "{part:?} missing in: {error}");
        }
        assert_eq!(error.recovery(), Recovery::Exit(66));
    }

    #[test]
    fn a_command_that_ended_is_started_again() {
        let error = CaptureError::CommandEnded {
            command: "arecord".into(),
            status: "exit status: 1".into(),
            last_words: "no such device".into(),
        };
        assert!(matches!(error.recovery(), Recovery::RetryAfter(_)));
    }
}
