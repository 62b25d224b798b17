//! Sound cards that record, from sysfs; what they can deliver, from ALSA.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cpal::{ErrorKind, SampleFormat, SupportedStreamConfigRange};

use crate::capture::Modality;
use crate::capture::devices::sysfs::{Roots, Usb, driver, line, links, numbered};
use crate::capture::devices::{DeviceInfo, Offer};
use crate::capture::error::CaptureError;
use crate::capture::microphone;

/// What ALSA calls the PCM that is meant where none is named.
pub(super) const DEFAULT: &str = "default";

/// PCMs of sound servers and of ALSA itself that stand for no card, and that people mean when they
/// say "the default".
pub(super) const SERVERS: [&str; 3] = [DEFAULT, "pulse", "pipewire"];

/// What ALSA is asked. A trait, so that tests answer.
pub(super) trait Pcms {
    /// PCMs described as inputs.
    fn names(&self) -> Vec<String>;
    /// What one can deliver.
    fn offers(&self, pcm: &str) -> Result<Vec<SupportedStreamConfigRange>, cpal::Error>;
}

pub(super) struct Alsa;

impl Pcms for Alsa {
    fn names(&self) -> Vec<String> {
        microphone::pcm_names()
    }

    fn offers(&self, pcm: &str) -> Result<Vec<SupportedStreamConfigRange>, cpal::Error> {
        microphone::pcm_offers(pcm)
    }
}

/// Cards, then sound servers that answer; each with its formats.
pub(super) fn all(roots: &Roots, pcms: &dyn Pcms) -> Vec<DeviceInfo> {
    let mut devices = cards(roots);
    for device in &mut devices {
        device.offers = pcms.offers(&device.opens).map(summary).map_err(|error| {
            if error.kind() == ErrorKind::PermissionDenied {
                CaptureError::Permission { device: device.opens.clone(), group: "audio" }
                    .to_string()
            } else {
                error.to_string()
            }
        });
    }
    for server in servers(pcms) {
        // A server that does not run is not worth a line.
        if let Ok(offers) = pcms.offers(server) {
            devices.push(DeviceInfo {
                modality: Modality::Sound,
                name: format!("whatever {server:?} is set to"),
                opens: server.into(),
                names: vec![server.into()],
                driver: None,
                offers: Ok(summary(offers)),
                sensor: None,
            });
        }
    }
    devices
}

/// The sound servers in ALSA's configuration, running or not.
pub(super) fn servers(pcms: &dyn Pcms) -> impl Iterator<Item = &'static str> {
    let known = pcms.names();
    SERVERS.into_iter().filter(move |server| known.iter().any(|name| name == server))
}

/// The cards that record, not yet asked for formats.
pub(super) fn cards(roots: &Roots) -> Vec<DeviceInfo> {
    let titles = titles(&roots.asound);
    let mut devices = Vec::new();
    for (card, dir) in numbered(&roots.sys.join("class/sound"), "card") {
        let Some(id) = line(&dir.join("id")) else { continue };
        let usb = Usb::above(&dir);
        let inputs = inputs(&dir, card);
        let snd = roots.dev.join("snd");
        let links = links(&snd, ["by-path", "by-id"], &snd.join(format!("controlC{card}")));
        let title = usb
            .as_ref()
            .and_then(|usb| usb.title.clone())
            .or_else(|| titles.get(&card).cloned())
            .unwrap_or_else(|| id.clone());
        for &input in &inputs {
            let mut names = links.clone();
            names.extend(usb.as_ref().map(Usb::names).unwrap_or_default());
            names.extend([id.clone(), card.to_string()]);
            if input != inputs[0] {
                // The plain names mean the first; the others say which they are.
                names.iter_mut().for_each(|name| *name = format!("{name},DEV={input}"));
            }
            for (prefix, card) in [
                ("plughw", &id),
                ("hw", &id),
                ("plughw", &card.to_string()),
                ("hw", &card.to_string()),
            ] {
                names.push(format!("{prefix}:CARD={card},DEV={input}"));
            }
            names.extend(["plughw", "hw"].map(|prefix| format!("{prefix}:{card},{input}")));
            let info = roots.asound.join(format!("card{card}/pcm{input}c/info"));
            let part = (1 < inputs.len()).then(|| field(&info, "name")).flatten();
            devices.push(DeviceInfo {
                modality: Modality::Sound,
                name: part.map_or_else(|| title.clone(), |part| format!("{title}, {part}")),
                opens: format!("hw:CARD={id},DEV={input}"),
                names,
                driver: driver(&dir),
                offers: Ok(Vec::new()),
                sensor: None,
            });
        }
    }
    devices
}

/// Devices of a card that record: folders like `pcmC0D1c`.
fn inputs(dir: &Path, card: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let prefix = format!("pcmC{card}D");
    let mut found: Vec<u32> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            name.to_str()?.strip_prefix(&prefix)?.strip_suffix('c')?.parse().ok()
        })
        .collect();
    found.sort_unstable();
    found
}

/// `cards` of `/proc/asound`: ` 0 [Loopback       ]: Loopback - Loopback`.
fn titles(asound: &Path) -> BTreeMap<u32, String> {
    let text = fs::read_to_string(asound.join("cards")).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let (number, rest) = line.trim_start().split_once(" [")?;
            let (_, title) = rest.split_once("]: ")?.1.split_once(" - ")?;
            Some((number.parse().ok()?, title.trim().to_owned()))
        })
        .collect()
}

/// A line `key: value` of a file.
fn field(path: &Path, key: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))?;
    Some(value.trim().to_owned())
}

/// One line a format.
fn summary(offers: Vec<SupportedStreamConfigRange>) -> Vec<Offer> {
    let mut by_format: BTreeMap<SampleFormat, Vec<SupportedStreamConfigRange>> = BTreeMap::new();
    for offer in offers {
        by_format.entry(offer.sample_format()).or_default().push(offer);
    }
    by_format
        .into_iter()
        .map(|(format, offers)| {
            let channels = || offers.iter().map(SupportedStreamConfigRange::channels);
            let low = offers.iter().map(SupportedStreamConfigRange::min_sample_rate).min();
            let high = offers.iter().map(SupportedStreamConfigRange::max_sample_rate).max();
            Offer::Sound {
                format: format.to_string(),
                channels: (channels().min().unwrap_or(0), channels().max().unwrap_or(0)),
                rates_hz: (low.unwrap_or(0), high.unwrap_or(0)),
            }
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::capture::devices::pcms;
    use crate::capture::devices::sysfs::tree::{file, link, roots, usb};
    use cpal::SupportedBufferSize;
    use tempfile::TempDir;

    /// Two USB microphones of a kind, one of which also has a second input, and a card that only
    /// plays.
    pub(in crate::capture::devices) fn machine() -> TempDir {
        let dir = TempDir::new().unwrap();
        let root = dir.path();
        for (card, port, id, inputs) in [(1, "1-1.2", "Device", 1), (2, "1-1.3", "Device_1", 2)] {
            usb(root, port, ("0d8c", "013c"), ("USB PnP Sound Device", ""));
            let at = format!("sys/devices/pci0/usb1/{port}/{port}:1.0/sound/card{card}");
            file(root, &format!("{at}/id"), id);
            for input in 0..inputs {
                file(root, &format!("{at}/pcmC{card}D{input}c/dev"), "116:1");
            }
            link(root, &format!("sys/class/sound/card{card}"), &at);
        }
        file(root, "sys/devices/platform/hdmi/sound/card0/id", "vc4hdmi");
        file(root, "sys/devices/platform/hdmi/sound/card0/pcmC0D0p/dev", "116:2");
        link(root, "sys/class/sound/card0", "sys/devices/platform/hdmi/sound/card0");
        file(root, "sys/class/sound/controlC0", "");
        file(
            root,
            "asound/cards",
            " 0 [vc4hdmi        ]: vc4-hdmi - vc4-hdmi\n                      vc4-hdmi\n \
             1 [Device         ]: USB-Audio - USB PnP Sound Device\n",
        );
        file(root, "asound/card2/pcm1c/info", "card: 2\nname: USB Audio #1\n");
        dir
    }

    #[test]
    fn one_row_an_input_with_names_that_stay() {
        let dir = machine();
        let cards = cards(&roots(&dir));
        let opens: Vec<_> = cards.iter().map(|card| card.opens.as_str()).collect();
        assert_eq!(
            opens,
            ["hw:CARD=Device,DEV=0", "hw:CARD=Device_1,DEV=0", "hw:CARD=Device_1,DEV=1"]
        );
        assert_eq!(cards[0].name, "USB PnP Sound Device");
        assert_eq!(cards[2].name, "USB PnP Sound Device, USB Audio #1");
        assert_eq!(cards[0].names[..3], ["usb-path:1-1.2", "usb-id:0d8c:013c", "Device"]);
        assert_eq!(cards[2].names[0], "usb-path:1-1.3,DEV=1");
    }

    #[test]
    fn udevs_links_are_names_and_the_port_comes_first() {
        let dir = machine();
        let root = dir.path();
        file(root, "dev/snd/controlC1", "");
        file(root, "dev/snd/controlC2", "");
        let by_id = "dev/snd/by-id/usb-C-Media_USB_PnP_Sound_Device-00";
        let first = "dev/snd/by-path/platform-xhci-hcd.0-usb-0:1.2:1.0";
        let second = "dev/snd/by-path/platform-xhci-hcd.0-usb-0:1.3:1.0";
        link(root, by_id, "dev/snd/controlC2");
        link(root, first, "dev/snd/controlC1");
        link(root, second, "dev/snd/controlC2");
        let at = |path: &str| root.join(path).display().to_string();
        let cards = cards(&roots(&dir));
        assert_eq!(cards[0].names[..2], [at(first), "usb-path:1-1.2".into()]);
        assert_eq!(cards[1].names[..3], [at(second), at(by_id), "usb-path:1-1.3".into()]);
        assert_eq!(cards[2].names[0], at(second) + ",DEV=1");
        for name in [at(second), at(by_id)] {
            let both = pcms::resolve(Some(&name), &cards).unwrap();
            assert_eq!(both, ["hw:CARD=Device_1,DEV=0", "plughw:CARD=Device_1,DEV=0"], "{name}");
        }
        let unplugged = at("dev/snd/by-path/platform-xhci-hcd.0-usb-0:1.4:1.0");
        let error = pcms::resolve(Some(&unplugged), &cards).unwrap_err();
        assert!(matches!(error, CaptureError::NoSuchDevice { .. }), "no PCM is called so: {error}");
    }

    #[test]
    fn a_card_without_usb_takes_its_title_from_alsa() {
        let dir = TempDir::new().unwrap();
        file(dir.path(), "sys/class/sound/card0/id", "Loopback");
        file(dir.path(), "sys/class/sound/card0/pcmC0D0c/dev", "116:1");
        let asound = " 0 [Loopback       ]: Loopback - Loopback device\n   Loopback 1\n";
        file(dir.path(), "asound/cards", asound);
        let cards = cards(&roots(&dir));
        assert_eq!(cards[0].name, "Loopback device");
        assert_eq!(cards[0].names[..2], ["Loopback", "0"]);
    }

    #[test]
    fn no_sysfs_means_no_cards_and_no_panic() {
        let dir = TempDir::new().unwrap();
        assert!(cards(&roots(&dir)).is_empty());
    }

    struct Answers;

    impl Pcms for Answers {
        fn names(&self) -> Vec<String> {
            ["default", "pulse", "hw:CARD=Device,DEV=0"].map(str::to_owned).into()
        }

        fn offers(&self, pcm: &str) -> Result<Vec<SupportedStreamConfigRange>, cpal::Error> {
            let offer = |channels, hz| {
                let any = SupportedBufferSize::Unknown;
                SupportedStreamConfigRange::new(channels, hz, hz, any, SampleFormat::I16)
            };
            match pcm {
                "hw:CARD=Device,DEV=0" => Ok(vec![offer(1, 44_100), offer(2, 48_000)]),
                "default" => Ok(vec![offer(1, 16_000)]),
                "pulse" => Err(ErrorKind::DeviceNotAvailable.into()),
                _ => Err(ErrorKind::PermissionDenied.into()),
            }
        }
    }

    #[test]
    fn formats_are_summed_up_and_refusals_name_the_group() {
        let dir = machine();
        let devices = all(&roots(&dir), &Answers);
        let sound = |channels, rates_hz| Offer::Sound { format: "i16".into(), channels, rates_hz };
        assert_eq!(devices[0].offers, Ok(vec![sound((1, 2), (44_100, 48_000))]));
        let refusal = devices[1].offers.as_ref().unwrap_err();
        assert!(refusal.contains("group \"audio\""), "{refusal}");
        let last = &devices[devices.len() - 1];
        assert_eq!(last.opens, "default");
        assert_eq!(devices.len(), 4, "a sound server that does not answer has no row");
    }
}
