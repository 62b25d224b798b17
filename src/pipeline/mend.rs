//! What mends a source that does not work: a command or a setting, for people.

use std::env;
use std::path::Path;

use crate::base::secrets;
use crate::capture::devices;
use crate::capture::error::CaptureError;
use crate::config::source::SourceKind;

/// What mends an encoder that fails.
pub const OF_ENCODER: &str =
    "habituate selftest; another encoder: habituate models list; then set source.encoder";

/// What mends a missing device, or more of them than are meant.
const OF_NAME: &str = "habituate devices; plug it in, or set source.device";

/// Who met an error: a service has no login, and a sandbox around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// Somebody at a terminal.
    Person,
    /// A unit of systemd.
    Service,
}

impl User {
    /// Whoever runs this process. systemd tells a service both; a terminal has the one at most, a container the
    /// other.
    pub fn current() -> Self {
        Self::told(|name| env::var_os(name).is_some())
    }

    fn told(is_set: impl Fn(&str) -> bool) -> Self {
        if is_set("STATE_DIRECTORY") && is_set("INVOCATION_ID") {
            Self::Service
        } else {
            Self::Person
        }
    }

    /// What lets this user have the devices of `group`.
    pub fn admitted_to(self, group: &str) -> String {
        let (kind, nodes) = match group {
            "audio" => ("char-alsa", "/dev/snd"),
            _ => ("char-video4linux", "/dev/video*"),
        };
        match self {
            Self::Person => format!("sudo usermod -aG {group} $USER, then log in again"),
            Self::Service => format!(
                "sudo systemctl edit habituate: below [Service] SupplementaryGroups={group} (or the group that \
                 ls -l {nodes} shows) and DeviceAllow={kind} rw; then sudo systemctl restart habituate"
            ),
        }
    }
}

/// What mends an error of a source of this kind; never empty.
pub fn of(error: &CaptureError, kind: &SourceKind, user: User) -> String {
    match error {
        CaptureError::NoSuchDevice { .. } | CaptureError::AmbiguousDevice { .. } => OF_NAME.into(),
        CaptureError::Permission { group, .. } => user.admitted_to(group),
        CaptureError::Busy { .. } => {
            "stop the program that has it: sudo fuser -v /dev/snd/* /dev/video*".into()
        }
        CaptureError::RawSensor { command, frames_per_s, was_named, .. } => {
            let or = if *was_named { "" } else { "plug a USB camera in, or " };
            let source = devices::command_source(command, *frames_per_s);
            format!("{or}put this in place of its [[source]]:\n{source}")
        }
        CaptureError::NoUsableFormat { .. } => {
            "another device: habituate devices; or kind = \"command\" and a program that converts what it \
             offers"
                .into()
        }
        CaptureError::DriverHangs { .. } => {
            "plug the device in anew; where that does not help, sudo systemctl restart habituate".into()
        }
        CaptureError::Setting { what, expected, .. } => {
            format!("set {what} in [[source]] to {expected}")
        }
        CaptureError::NoCommand { program, .. } => {
            let place = if user == User::Service { " outside /home" } else { "" };
            format!("install the program {program:?}{place}, or write its whole path")
        }
        CaptureError::Disconnected { .. }
        | CaptureError::Stalled { .. }
        | CaptureError::Useless { .. }
        | CaptureError::Open { .. }
        | CaptureError::CommandEnded { .. } => match kind {
            SourceKind::Command { argv, .. } => by_hand(argv, user),
            _ => "plug it in anew, with another cable or in another port; what the kernel says of it: sudo \
                  dmesg | tail -n 30"
                .into(),
        },
        CaptureError::NeedsFfmpeg { .. } => {
            "sudo apt-get install ffmpeg, or convert the recording".into()
        }
        CaptureError::File { path, .. } | CaptureError::NotAFile { path } => readable(path, user),
        CaptureError::NotARecording { .. }
        | CaptureError::Damaged { .. }
        | CaptureError::MixedInputs { .. }
        | CaptureError::MixedFolder { .. }
        | CaptureError::NothingToRead { .. }
        | CaptureError::NoTimeInName { .. } => {
            "set source.paths to recordings of one kind that habituate replay can read".into()
        }
    }
}

fn readable(path: &Path, user: User) -> String {
    let place = match user {
        User::Person => "",
        User::Service => ", outside /home and /tmp, which the service does not see",
    };
    format!("ls -l {}; set source.paths to recordings that can be read{place}", path.display())
}

/// A command that delivers nothing, or ends, says best itself what it lacks.
fn by_hand(argv: &[String], user: User) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,+@%".contains(c);
    let quoted = |word: &String| {
        if !word.is_empty() && word.chars().all(is_plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    let line = argv.iter().map(quoted).collect::<Vec<_>>().join(" ");
    let line = secrets::struck_out(&line);
    let by_hand = format!("run it by hand, and see what it says: timeout 5 {line} | wc -c");
    match user {
        User::Person => by_hand,
        User::Service => format!(
            "{by_hand}; what works so and fails as the service needs more DeviceAllow= or \
             MemoryDenyWriteExecute=no: sudo systemctl edit habituate"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn microphone() -> SourceKind {
        SourceKind::Microphone { device: "hw:0".into() }
    }

    #[test]
    fn each_refusal_comes_with_what_mends_it() {
        for (error, mend) in [
            (CaptureError::Busy { device: "hw:0".into(), source: "busy".into() }, "fuser"),
            (
                CaptureError::RawSensor {
                    device: "/dev/video0".into(),
                    offered: "RG10".into(),
                    command: vec!["rpicam-vid".into(), "--output".into(), "-".into()],
                    frames_per_s: 1.0,
                    was_named: true,
                },
                "in place of its [[source]]:\n[[source]]\nkind = \"command\"",
            ),
            (
                CaptureError::Setting {
                    what: "the picture rate",
                    found: "0".into(),
                    expected: "1 to 9",
                },
                "set the picture rate in [[source]] to 1 to 9",
            ),
            (CaptureError::DriverHangs { hung: 3 }, "plug the device in anew"),
            (
                CaptureError::Stalled { device: "hw:0".into(), silent_for: Duration::ZERO },
                "another cable",
            ),
            (CaptureError::NotAFile { path: "/srv/pipe".into() }, "ls -l /srv/pipe"),
        ] {
            let mended = of(&error, &microphone(), User::Person);
            assert!(mended.contains(mend), "{error}: {mended}");
        }
    }

    #[test]
    fn only_what_systemd_started_with_a_state_directory_is_the_service() {
        for (set, user) in [
            (&["HOME"][..], User::Person),
            (&["INVOCATION_ID"], User::Person),
            (&["STATE_DIRECTORY"], User::Person),
            (&["STATE_DIRECTORY", "INVOCATION_ID"], User::Service),
        ] {
            assert_eq!(User::told(|name| set.contains(&name)), user, "{set:?}");
        }
    }

    /// The user of a service is made when it starts: no command can add it to a group.
    #[test]
    fn a_service_is_let_in_by_its_unit_and_a_person_by_a_group() {
        let error = CaptureError::Permission { device: "/dev/video0".into(), group: "video" };
        let [person, service] =
            [User::Person, User::Service].map(|user| of(&error, &microphone(), user));
        assert_eq!(person, "sudo usermod -aG video $USER, then log in again");
        assert!(!service.contains("usermod"), "{service}");
        for part in [
            "systemctl edit habituate",
            "SupplementaryGroups=video",
            "DeviceAllow=char-video4linux rw",
        ] {
            assert!(service.contains(part), "{part:?} is missing in {service}");
        }
        assert!(User::Service.admitted_to("audio").contains("DeviceAllow=char-alsa rw"));
    }

    #[test]
    fn a_command_that_fails_as_the_service_alone_is_told_of_its_sandbox() {
        let argv = vec!["arecord".to_owned(), "-q".into()];
        let by_person = by_hand(&argv, User::Person);
        assert!(by_person.ends_with("timeout 5 arecord -q | wc -c"), "{by_person}");
        let by_service = by_hand(&argv, User::Service);
        assert!(by_service.starts_with(&by_person), "{by_service}");
        assert!(by_service.contains("DeviceAllow="), "{by_service}");
    }
}
