//! What can go wrong between a device, a file or a command and us.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::base::recovery::EXIT_INPUT;
use crate::base::recovery::Recovery;
use crate::capture::Modality;
use crate::capture::devices;

/// What a library said; kept as the source of our own error.
pub type Cause = Box<dyn Error + Send + Sync>;

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
    /// The configured device is not plugged in, or goes by another name.
    #[error("{}", no_such_device(*modality, wanted, available, tried))]
    NoSuchDevice {
        /// What was looked for.
        modality: Modality,
        /// `source.device`.
        wanted: String,
        /// Names that would have been found, one a device.
        available: Vec<String>,
        /// Where none was named: what was opened in vain; of these nothing is in `available`.
        tried: Vec<String>,
        /// Why the last of these could not be opened, where that is known.
        #[source]
        source: Option<Cause>,
    },
    /// More than one device answers to the configured name.
    #[error(
        "{} {}s are called {wanted:?}; set source.device to exactly one of {}",
        matching.len(), device_word(*modality), matching.join(", ")
    )]
    AmbiguousDevice {
        /// What was looked for.
        modality: Modality,
        /// `source.device`.
        wanted: String,
        /// A name for each that nothing else answers to.
        matching: Vec<String>,
    },
    /// Unplugged, or the bus or the sound server was reset.
    #[error("{device:?} went away")]
    Disconnected {
        /// As it was opened.
        device: String,
        /// The library's words.
        #[source]
        source: Cause,
    },
    /// Open, no error, and yet nothing comes.
    #[error("{device:?} has delivered nothing for {} s", silent_for.as_secs_f32())]
    Stalled {
        /// As it was opened.
        device: String,
        /// How long we waited.
        silent_for: Duration,
    },
    /// It delivers, and nothing of it can be used.
    #[error(
        "nothing that {device:?} has delivered for {} s could be used; it may deliver another format or \
         size than it said, or than the source's settings say", useless_for.as_secs_f32().round()
    )]
    Useless {
        /// The source's name.
        device: String,
        /// How long that has lasted.
        useless_for: Duration,
    },
    /// It cannot be had twice.
    #[error(
        "{device:?} is in use, by another program or by an attempt of ours that hangs in the driver; \
         stop that program, or plug the device in anew"
    )]
    Busy {
        /// As it was opened.
        device: String,
        /// The library's words.
        #[source]
        source: Cause,
    },
    /// The operating system refuses.
    #[error(
        "no permission to use {device:?}; add the user to the group {group:?} (sudo usermod -aG \
         {group} USER, then log in again), or the service with SupplementaryGroups={group} and \
         DeviceAllow=, which is settled when it starts"
    )]
    Permission {
        /// As it was opened.
        device: String,
        /// Who may use it.
        group: &'static str,
    },
    /// The device has no format that we can read, or refused the one it had offered.
    #[error("{device:?} offers {offered}; {needed} is needed")]
    NoUsableFormat {
        /// As it was opened.
        device: String,
        /// What it has.
        offered: String,
        /// What we can read.
        needed: &'static str,
    },
    /// A camera sensor without its image processor: what comes out is not yet a picture.
    /// The message ends in lines for the configuration file.
    #[error(
        "{device:?} delivers raw sensor data ({offered}), not pictures; {}:\n{}",
        instead_of_raw(*was_named), devices::command_source(command, *frames_per_s)
    )]
    RawSensor {
        /// As it was opened.
        device: String,
        /// Its formats.
        offered: String,
        /// A command that delivers pictures from it, word by word.
        command: Vec<String>,
        /// So many, whatever was wanted.
        frames_per_s: f64,
        /// Whether `source.device` asks for it, rather than for any camera.
        was_named: bool,
    },
    /// The device could not be opened, for a reason we have no better word for.
    #[error("cannot open {device:?}")]
    Open {
        /// As it was opened.
        device: String,
        /// The library's words.
        #[source]
        source: Cause,
    },
    /// Earlier threads still hang in the drivers of devices that do not answer.
    #[error(
        "{hung} earlier attempts still hang in a driver, and no further one is made before one of \
         them returns; unplug the device, or restart"
    )]
    DriverHangs {
        /// Threads left behind.
        hung: usize,
    },

    /// A pipe, a device or a socket where a recording should be.
    #[error(
        "{path:?} is not a file; give a file or a folder: a pipe belongs to a source of kind \
         \"command\" in the configuration"
    )]
    NotAFile {
        /// As given.
        path: PathBuf,
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

    /// The program does not exist or may not be run. Of a command only the program is told, here
    /// and below: arguments may hold a login, and the log repeats them; `check` shows them.
    #[error("cannot start the command {program:?}")]
    NoCommand {
        /// The command's first word.
        program: String,
        /// The operating system's words.
        #[source]
        source: io::Error,
    },

    /// The command ended although it should go on.
    #[error("the command {program:?} ended with {status}; its last words: {last_words}")]
    CommandEnded {
        /// The command's first word.
        program: String,
        /// As the operating system says it.
        status: String,
        /// The end of what it wrote to standard error, without secrets.
        last_words: String,
    },
}

impl CaptureError {
    /// Where no microphone or camera answers to `wanted`, and nothing was opened.
    pub(super) fn no_such_device(modality: Modality, wanted: &str, available: Vec<String>) -> Self {
        let (wanted, tried) = (wanted.into(), Vec::new());
        Self::NoSuchDevice { modality, wanted, available, tried, source: None }
    }

    /// What the supervisor should do.
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::Busy { .. } | Self::Open { .. } => Recovery::RetryAfter(Duration::from_secs(5)),
            Self::NoSuchDevice { .. }
            | Self::AmbiguousDevice { .. }
            | Self::Disconnected { .. }
            | Self::Stalled { .. }
            | Self::Useless { .. } => Recovery::RetryAfter(Duration::from_secs(1)),
            // These need a hand, on the device or on the machine, and then heal without a restart.
            Self::Permission { .. } | Self::NoUsableFormat { .. } | Self::DriverHangs { .. } => {
                Recovery::RetryAfter(Duration::from_secs(30))
            }
            // A camera that delivers pictures may be plugged in beside it.
            Self::RawSensor { was_named: false, .. } => {
                Recovery::RetryAfter(Duration::from_secs(30))
            }
            Self::RawSensor { was_named: true, .. } => Recovery::DisablePart,
            Self::File { .. }
            | Self::NotAFile { .. }
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

const fn device_word(modality: Modality) -> &'static str {
    match modality {
        Modality::Sound => "microphone",
        Modality::Picture => "camera",
    }
}

fn no_such_device(
    modality: Modality,
    wanted: &str,
    available: &[String],
    tried: &[String],
) -> String {
    let device = device_word(modality);
    // Where nothing was asked for, nobody has heard of that name.
    if matches!(wanted, "" | "default") {
        let found = if tried.is_empty() {
            what_exists(available)
        } else {
            let names: Vec<String> = tried.iter().map(|name| format!("{name:?}")).collect();
            let others = if available.is_empty() { "" } else { "; there are also " };
            format!("tried was {}{others}{}", names.join(", "), available.join(", "))
        };
        let mend = if available.is_empty() {
            "plug one in, or set source.device to a name that `habituate devices` shows"
        } else {
            "set source.device to one of these names, or plug another in"
        };
        return format!("no {device} that works here; {found}; {mend}");
    }
    format!(
        "no {device} called {wanted:?}; {}; set source.device to one of these names, or leave it out for \
         the default",
        what_exists(available)
    )
}

const fn instead_of_raw(was_named: bool) -> &'static str {
    if was_named {
        "put this in place of its [[source]], without a device"
    } else {
        "plug a USB camera in, or put this in place of its [[source]]"
    }
}

fn what_exists(available: &[String]) -> String {
    if available.is_empty() {
        "this machine has none".into()
    } else {
        format!("this machine has {}", available.join(", "))
    }
}

#[cfg(test)]
mod tests;
