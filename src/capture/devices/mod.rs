//! Which microphones and cameras this machine has, and by which names each can be asked for.
//!
//! The numbers that Linux gives to cards and nodes change with the order in which devices wake up.
//! The names here stay: udev's links under `/dev/snd` and `/dev/v4l`, the USB product and serial number
//! (`usb-id:0d8c:013c:ABC`), the ALSA card's own name. They come from sysfs, so that no device is
//! opened to find another.
//!
//! The USB port (`usb-path:1-1.2`) begins with the number of a bus, which changes where USB controllers
//! wake up in another order. `by-path` names the same port by its controller's address, and stays.

mod cameras;
mod microphones;
mod pcms;
mod sensors;
mod sysfs;

use crate::capture::Modality;
use crate::capture::devices::sysfs::Roots;
use crate::capture::error::CaptureError;

pub(super) use cameras::refused;
pub use sensors::command_source;
pub use sensors::is_raw_sensor;
pub use sensors::sensor_command;
pub use sensors::sensor_rate;

/// One physical device, or one that the sound system makes up.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceInfo {
    /// Microphone or camera.
    pub modality: Modality,
    /// For people.
    pub name: String,
    /// The ALSA PCM or the node in `/dev` that it is now.
    pub opens: String,
    /// Everything it answers to in `source.device`, the steadiest first.
    pub names: Vec<String>,
    /// The kernel's driver, where known.
    pub driver: Option<String>,
    /// What it can deliver, or why that cannot be said: busy, forbidden.
    pub offers: Result<Vec<Offer>, String>,
    /// A bare sensor where the board has several: which, from 0 in the order of nodes.
    pub sensor: Option<usize>,
}

/// One format of a device.
#[derive(Debug, Clone, PartialEq)]
pub enum Offer {
    /// Samples.
    Sound {
        /// As cpal calls it: `i16`, `f32`, …
        format: String,
        /// Fewest and most.
        channels: (u16, u16),
        /// Lowest and highest.
        rates_hz: (u32, u32),
    },
    /// Frames.
    Picture {
        /// The V4L2 four-character code: `YUYV`, `MJPG`, …
        format: String,
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
        /// Highest first.
        frames_per_s: Vec<f64>,
    },
}

/// All microphones. Opens each for a moment to ask what it can deliver.
pub fn microphones() -> Vec<DeviceInfo> {
    microphones::all(&Roots::default(), &microphones::Alsa)
}

/// All cameras. Opens each for a moment to ask what it can deliver.
pub fn cameras() -> Vec<DeviceInfo> {
    cameras::all(&Roots::default(), &cameras::ask)
}

/// The PCMs to try in turn for `source.device`; nothing is opened. `None` is `default`, and where that
/// cannot be opened, the only card that records.
///
/// # Errors
///
/// [`CaptureError::NoSuchDevice`] or [`CaptureError::AmbiguousDevice`].
pub fn resolve_microphone(wanted: Option<&str>) -> Result<Vec<String>, CaptureError> {
    let cards = microphones::cards(&Roots::default());
    pcms::resolve(wanted, &cards).map_err(|error| match error {
        CaptureError::NoSuchDevice { modality, wanted, .. } => {
            CaptureError::no_such_device(modality, &wanted, microphone_names())
        }
        other => other,
    })
}

/// What to tell where `pcm` is in use and is not what `wanted` stands for. Opens nothing.
pub(crate) fn stand_in(wanted: Option<&str>, pcm: &str) -> Option<String> {
    pcms::stand_in(wanted, pcm, &microphones::cards(&Roots::default()))
}

/// `error` where none of `tried` could be opened for `wanted`; where that names no device, with what
/// else there is. Opens nothing.
pub(crate) fn in_vain(wanted: Option<&str>, tried: &[String], error: CaptureError) -> CaptureError {
    let cards = microphones::cards(&Roots::default());
    let servers: Vec<&str> = microphones::servers(&microphones::Alsa).collect();
    pcms::in_vain(wanted, tried, (&cards, &servers), error)
}

/// Names for a message: of each card, and of the sound servers that ALSA knows. Opens nothing.
pub(crate) fn microphone_names() -> Vec<String> {
    let cards = microphones::cards(&Roots::default());
    let mut names: Vec<String> = cards.iter().map(|card| shown(card, &cards)).collect();
    names.extend(microphones::servers(&microphones::Alsa).map(|server| format!("{server:?}")));
    names
}

/// The camera for `source.device`, with what it can deliver; `None` is the first that delivers
/// pictures.
///
/// # Errors
///
/// [`CaptureError::NoSuchDevice`] or [`CaptureError::AmbiguousDevice`], and what keeps the one found
/// from being opened.
pub fn resolve_camera(wanted: Option<&str>) -> Result<DeviceInfo, CaptureError> {
    cameras::resolve(wanted, &Roots::default(), &cameras::ask)
}

/// The one device that answers to `wanted`: by any of its names, else by a part of what people call
/// it, in capitals or not.
fn find<'a>(
    modality: Modality,
    wanted: &str,
    devices: &'a [DeviceInfo],
) -> Result<&'a DeviceInfo, CaptureError> {
    let exact = devices.iter().filter(|device| device.names.iter().any(|name| name == wanted));
    let mut found: Vec<_> = exact.collect();
    if found.is_empty() && !wanted.is_empty() {
        let part = wanted.to_lowercase();
        found.extend(devices.iter().filter(|device| device.name.to_lowercase().contains(&part)));
    }
    match found[..] {
        [device] => Ok(device),
        [] => {
            let available = devices.iter().map(|device| shown(device, devices)).collect();
            Err(CaptureError::no_such_device(modality, wanted, available))
        }
        _ => Err(CaptureError::AmbiguousDevice {
            modality,
            wanted: wanted.into(),
            matching: found.iter().map(|device| shown(device, devices)).collect(),
        }),
    }
}

/// The steadiest name that no other device has, and what people call it.
fn shown(device: &DeviceInfo, all: &[DeviceInfo]) -> String {
    let own = |name: &&String| all.iter().filter(|other| other.names.contains(name)).count() == 1;
    let name = device.names.iter().find(own).unwrap_or(&device.opens);
    format!("{name:?} ({})", device.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str, names: &[&str]) -> DeviceInfo {
        DeviceInfo {
            modality: Modality::Sound,
            name: name.into(),
            opens: names[names.len() - 1].into(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            driver: None,
            offers: Ok(Vec::new()),
            sensor: None,
        }
    }

    fn twins() -> [DeviceInfo; 3] {
        [
            device("USB Audio", &["usb-id:1:2", "usb-path:1-1", "hw:CARD=Device,DEV=0"]),
            device("USB Audio", &["usb-id:1:2", "usb-path:1-2", "hw:CARD=Device_1,DEV=0"]),
            device("Blue Yeti", &["usb-id:3:4:S", "usb-path:1-3", "hw:CARD=Yeti,DEV=0"]),
        ]
    }

    #[test]
    fn a_name_or_a_part_of_the_title_finds_the_one() {
        let all = twins();
        for wanted in ["usb-id:3:4:S", "usb-path:1-3", "yeti", "BLUE", "hw:CARD=Yeti,DEV=0"] {
            let found = find(Modality::Sound, wanted, &all).unwrap();
            assert_eq!(found.name, "Blue Yeti", "{wanted}");
        }
    }

    #[test]
    fn twins_are_told_apart_by_a_name_that_is_their_own() {
        let error = find(Modality::Sound, "usb-id:1:2", &twins()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "2 microphones are called \"usb-id:1:2\"; set source.device to exactly one of \
             \"usb-path:1-1\" (USB Audio), \"usb-path:1-2\" (USB Audio)"
        );
    }

    #[test]
    fn a_missing_one_lists_the_others() {
        let text = find(Modality::Sound, "Snowball", &twins()).unwrap_err().to_string();
        assert!(text.contains("\"usb-path:1-1\"") && text.contains("Blue Yeti"), "{text}");
        let text = find(Modality::Picture, "", &[]).unwrap_err().to_string();
        assert!(text.contains("no camera that works here") && text.contains("has none"), "{text}");
    }
}
