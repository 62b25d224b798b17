//! What can go wrong between a device, a file or a command and us.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::base::recovery::Recovery;
use crate::capture::Modality;

/// What a library said; kept as the source of our own error.
pub type Cause = Box<dyn Error + Send + Sync>;

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
    #[error(
        "no {} called {wanted:?}; {}; set source.device to one of these names, or leave it out for \
         the default",
        device_word(*modality), what_exists(available)
    )]
    NoSuchDevice {
        /// What was looked for.
        modality: Modality,
        /// `source.device`.
        wanted: String,
        /// Names that would have been found, one a device.
        available: Vec<String>,
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
         {group} USER, then log in again), or the service with SupplementaryGroups={group}"
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
    #[error(
        "{device:?} delivers raw sensor data ({offered}), not pictures; set source.kind = \
         \"command\" and source.command = {command:?} instead"
    )]
    RawSensor {
        /// As it was opened.
        device: String,
        /// Its formats.
        offered: String,
        /// A command that delivers pictures from it.
        command: String,
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
}

impl CaptureError {
    /// What the supervisor should do.
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::File { .. } | Self::Busy { .. } | Self::Open { .. } => {
                Recovery::RetryAfter(Duration::from_secs(5))
            }
            Self::NoSuchDevice { .. }
            | Self::AmbiguousDevice { .. }
            | Self::Disconnected { .. }
            | Self::Stalled { .. } => Recovery::RetryAfter(Duration::from_secs(1)),
            // These need a hand, on the device or on the machine, and then heal without a restart.
            Self::Permission { .. } | Self::NoUsableFormat { .. } | Self::DriverHangs { .. } => {
                Recovery::RetryAfter(Duration::from_secs(30))
            }
            Self::RawSensor { .. } => Recovery::DisablePart,
        }
    }
}

const fn device_word(modality: Modality) -> &'static str {
    match modality {
        Modality::Sound => "microphone",
        Modality::Picture => "camera",
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
mod tests {
    use super::*;

    #[test]
    fn a_missing_device_says_what_there_is_and_what_to_set() {
        let error = CaptureError::NoSuchDevice {
            modality: Modality::Sound,
            wanted: "Yeti".into(),
            available: vec!["usb-path:1-1.2 (USB PnP Sound Device)".into()],
        };
        assert_eq!(
            error.to_string(),
            "no microphone called \"Yeti\"; this machine has usb-path:1-1.2 (USB PnP Sound \
             Device); set source.device to one of these names, or leave it out for the default"
        );
        assert!(matches!(error.recovery(), Recovery::RetryAfter(_)), "it may be plugged in later");
    }

    #[test]
    fn a_refusal_names_the_group() {
        let error = CaptureError::Permission { device: "/dev/video0".into(), group: "video" };
        let text = error.to_string();
        assert!(text.contains("usermod -aG video"), "{text}");
        assert!(text.contains("SupplementaryGroups=video"), "{text}");
    }
}
