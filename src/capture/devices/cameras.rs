//! Video nodes, from sysfs and udev's links; what they can deliver, from V4L2.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use v4l::Device;
use v4l::capability::Flags;
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::video::Capture;

use crate::capture::Modality;
use crate::capture::devices::sensors::{is_bridge, is_processor};
use crate::capture::devices::sysfs::{Roots, Usb, driver, line, links, numbered};
use crate::capture::devices::{DeviceInfo, Offer, find, is_raw_sensor};
use crate::capture::error::CaptureError;

/// What a video node says when asked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CameraFacts {
    /// Whether frames come out of it; else it is for metadata, output or a codec.
    pub(super) captures: bool,
    /// The kernel's driver.
    pub(super) driver: String,
    /// All of them [`Offer::Picture`], raw sensor formats included.
    pub(super) offers: Vec<Offer>,
}

/// Sizes that are asked about where a driver takes any size within bounds.
const USUAL_SIZES: [(u32, u32); 5] =
    [(320, 240), (640, 480), (1280, 720), (1920, 1080), (160, 120)];

/// All nodes that deliver frames or cannot be asked, each with its formats.
pub(super) fn all(
    roots: &Roots,
    ask: &dyn Fn(&str) -> Result<CameraFacts, CaptureError>,
) -> Vec<DeviceInfo> {
    let mut devices = nodes(roots);
    devices.retain_mut(|device| match ask(&device.opens) {
        Ok(facts) => {
            device.driver = Some(facts.driver);
            device.offers = Ok(facts.offers);
            facts.captures && !is_processor(device)
        }
        Err(error) => {
            device.offers = Err(with_source(&error));
            true
        }
    });
    number_sensors(&mut devices, roots);
    devices
}

/// Says of bare sensors which they are, where there are several.
fn number_sensors(devices: &mut [DeviceInfo], roots: &Roots) {
    let sensors: Vec<Option<PathBuf>> = devices
        .iter()
        .map(|device| is_raw_sensor(device).then(|| sensor_of(device, roots)))
        .collect();
    let mut known: Vec<&PathBuf> = Vec::new();
    for sensor in sensors.iter().flatten() {
        if !known.contains(&sensor) {
            known.push(sensor);
        }
    }
    if known.len() < 2 {
        return;
    }
    for (device, sensor) in devices.iter_mut().zip(&sensors) {
        let its = |sensor: &PathBuf| known.iter().position(|known| *known == sensor);
        device.sensor = sensor.as_ref().and_then(its);
    }
}

/// A path that nodes of the same sensor share: a bridge has several, any other driver one.
fn sensor_of(camera: &DeviceInfo, roots: &Roots) -> PathBuf {
    let node = Path::new(&camera.opens);
    let bridge = node.file_name().filter(|_| is_bridge(camera)).and_then(|name| {
        roots.sys.join("class/video4linux").join(name).join("device").canonicalize().ok()
    });
    bridge.unwrap_or_else(|| node.into())
}

fn with_source(error: &CaptureError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// All video nodes but those known to be no cameras, not yet opened.
pub(super) fn nodes(roots: &Roots) -> Vec<DeviceInfo> {
    let mut devices = Vec::new();
    for (number, dir) in numbered(&roots.sys.join("class/video4linux"), "video") {
        let opens = roots.dev.join(format!("video{number}")).display().to_string();
        let mut names = links(&roots.dev.join("v4l"), ["by-id", "by-path"], Path::new(&opens));
        // The second and later nodes of a device: metadata, or another sensor.
        let part = line(&dir.join("index")).unwrap_or_default();
        let usb = Usb::above(&dir).map(|usb| usb.names()).unwrap_or_default();
        names.extend(usb.into_iter().map(|name| match part.as_str() {
            "" | "0" => name,
            part => format!("{name},INDEX={part}"),
        }));
        names.extend([opens.clone(), number.to_string()]);
        devices.push(DeviceInfo {
            modality: Modality::Picture,
            name: line(&dir.join("name")).unwrap_or_else(|| format!("video{number}")),
            opens,
            names,
            driver: driver(&dir),
            offers: Ok(Vec::new()),
            sensor: None,
        });
    }
    devices.retain(|device| !is_processor(device));
    devices
}

/// The node for `wanted`, or the first that delivers pictures.
pub(super) fn resolve(
    wanted: Option<&str>,
    roots: &Roots,
    ask: &dyn Fn(&str) -> Result<CameraFacts, CaptureError>,
) -> Result<DeviceInfo, CaptureError> {
    if let Some(wanted) = wanted {
        let mut device = find(Modality::Picture, wanted, &nodes(roots))?.clone();
        let facts = ask(&device.opens)?;
        device.driver = Some(facts.driver);
        device.offers = Ok(facts.offers);
        if is_raw_sensor(&device) {
            // Only beside the others can be said which it is.
            let same = all(roots, ask).into_iter().find(|other| other.opens == device.opens);
            device.sensor = same.and_then(|same| same.sensor);
        }
        return Ok(device);
    }
    let devices = all(roots, ask);
    let sees = |device: &&DeviceInfo| {
        device.offers.as_ref().is_ok_and(|offers| !offers.is_empty()) && !is_raw_sensor(device)
    };
    let first = devices.iter().find(sees).or(devices.first());
    match first {
        Some(device) if device.offers.is_ok() => Ok(device.clone()),
        // Asked again for the reason as an error rather than as text.
        Some(device) => ask(&device.opens).map(|_| device.clone()),
        None => find(Modality::Picture, "default", &devices).cloned(),
    }
}

/// Why a video node could not be opened or set.
pub(in crate::capture) fn refused(node: &str, error: io::Error) -> CaptureError {
    let device = node.to_owned();
    match error.kind() {
        ErrorKind::PermissionDenied => CaptureError::Permission { device, group: "video" },
        ErrorKind::ResourceBusy => CaptureError::Busy { device, source: error.into() },
        _ => CaptureError::Open { device, source: error.into() },
    }
}

/// Opens `node` for a moment.
pub(super) fn ask(node: &str) -> Result<CameraFacts, CaptureError> {
    let failed = |error| refused(node, error);
    let device = Device::with_path(node).map_err(failed)?;
    let caps = device.query_caps().map_err(failed)?;
    let captures = caps.capabilities.contains(Flags::VIDEO_CAPTURE)
        && !caps.capabilities.intersects(Flags::VIDEO_M2M | Flags::VIDEO_OUTPUT);
    let mut offers = Vec::new();
    if captures {
        for format in device.enum_formats().map_err(failed)? {
            for (width, height) in sizes(&device, format.fourcc) {
                offers.push(Offer::Picture {
                    format: format_name(format.fourcc.repr),
                    width,
                    height,
                    frames_per_s: rates(&device, format.fourcc, width, height),
                });
            }
        }
    }
    Ok(CameraFacts { captures, driver: caps.driver, offers })
}

/// A pixel format as V4L2 prints it: the last bit says that its words are big-endian.
fn format_name(mut repr: [u8; 4]) -> String {
    let big_endian = repr[3] & 0x80 != 0;
    repr[3] &= 0x7f;
    let name = String::from_utf8_lossy(&repr);
    format!("{}{}", name.trim_end(), if big_endian { "-BE" } else { "" })
}

fn sizes(device: &Device, fourcc: v4l::FourCC) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    for size in device.enum_framesizes(fourcc).unwrap_or_default() {
        match size.size {
            FrameSizeEnum::Discrete(size) => found.push((size.width, size.height)),
            FrameSizeEnum::Stepwise(any) => {
                let fits = |&&(width, height): &&(u32, u32)| {
                    any.min_width <= width
                        && width <= any.max_width
                        && any.min_height <= height
                        && height <= any.max_height
                        && (width - any.min_width).is_multiple_of(any.step_width.max(1))
                        && (height - any.min_height).is_multiple_of(any.step_height.max(1))
                };
                found.extend(USUAL_SIZES.iter().filter(fits));
                if found.is_empty() {
                    found.push((any.max_width, any.max_height));
                }
            }
        }
    }
    found
}

fn rates(device: &Device, fourcc: v4l::FourCC, width: u32, height: u32) -> Vec<f64> {
    let per_s = |interval: v4l::Fraction| {
        f64::from(interval.denominator) / f64::from(interval.numerator.max(1))
    };
    let mut found: Vec<f64> = device
        .enum_frameintervals(fourcc, width, height)
        .unwrap_or_default()
        .into_iter()
        .flat_map(|interval| match interval.interval {
            FrameIntervalEnum::Discrete(interval) => vec![per_s(interval)],
            FrameIntervalEnum::Stepwise(any) => vec![per_s(any.min), per_s(any.max)],
        })
        .collect();
    found.sort_by(|a, b| b.total_cmp(a));
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::devices::sysfs::tree::{file, link, roots, usb};
    use std::fs;
    use tempfile::TempDir;

    fn offer(format: &str) -> Offer {
        Offer::Picture { format: format.into(), width: 640, height: 480, frames_per_s: vec![30.0] }
    }

    /// A bare sensor on the board, a USB camera with its metadata node, and the board's own image
    /// processor and decoder.
    fn machine() -> TempDir {
        let dir = TempDir::new().unwrap();
        let root = dir.path();
        usb(root, "1-1.4", ("046d", "0825"), ("Webcam C270", "A1B2"));
        for index in 0..2 {
            let at =
                format!("sys/devices/pci0/usb1/1-1.4/1-1.4:1.0/video4linux/video{}", 1 + index);
            file(root, &format!("{at}/name"), "UVC Camera (046d:0825)\n");
            file(root, &format!("{at}/index"), &format!("{index}\n"));
            link(root, &format!("sys/class/video4linux/video{}", 1 + index), &at);
        }
        node(root, "fe801000.csi", 0, "unicam-image");
        node(root, "bcm2835-isp", 3, "bcm2835-isp-capture0");
        node(root, "hevc", 4, "rpi-hevc-dec");
        link(root, "sys/devices/platform/hevc/driver", "sys/bus/platform/drivers/rpi-hevc-dec");
        file(root, "sys/bus/platform/drivers/rpi-hevc-dec/uevent", "");
        for node in 0..5 {
            file(root, &format!("dev/video{node}"), "");
        }
        link(root, "dev/v4l/by-id/usb-046d_0825_A1B2-video-index0", "dev/video1");
        link(root, "dev/v4l/by-path/platform-xhci-usb-0:1.4:1.0-video-index0", "dev/video1");
        dir
    }

    /// A node of a device that is not on a USB bus.
    fn node(root: &Path, device: &str, number: u32, name: &str) {
        let device = format!("sys/devices/platform/{device}");
        let at = format!("{device}/video4linux/video{number}");
        file(root, &format!("{at}/name"), &format!("{name}\n"));
        link(root, &format!("{at}/device"), &device);
        link(root, &format!("sys/class/video4linux/video{number}"), &at);
    }

    fn facts(captures: bool, driver: &str, formats: &[&str]) -> CameraFacts {
        let offers = formats.iter().map(|format| offer(format)).collect();
        CameraFacts { captures, driver: driver.into(), offers }
    }

    fn answer(node: &str) -> Result<CameraFacts, CaptureError> {
        match &node[node.len() - 1..] {
            "0" => Ok(facts(true, "unicam", &["YUYV", "RGB3", "pRAA"])),
            "1" => Ok(facts(true, "uvcvideo", &["YUYV", "MJPG"])),
            "2" => Ok(facts(false, "uvcvideo", &[])),
            "3" => Ok(facts(true, "bcm2835-isp", &["YUYV", "RGB3", "pRAA"])),
            other => unreachable!("/dev/video{other} is known to be a decoder, unopened"),
        }
    }

    #[test]
    fn a_row_a_camera_with_all_its_names() {
        let dir = machine();
        let cameras = all(&roots(&dir), &answer);
        assert_eq!(cameras.len(), 2, "metadata and processors are no cameras: {cameras:?}");
        let webcam = &cameras[1];
        assert_eq!(webcam.name, "UVC Camera (046d:0825)");
        let ends: Vec<_> =
            webcam.names.iter().map(|name| name.rsplit('/').next().unwrap()).collect();
        assert_eq!(
            ends,
            [
                "usb-046d_0825_A1B2-video-index0",
                "platform-xhci-usb-0:1.4:1.0-video-index0",
                "usb-path:1-1.4",
                "usb-id:046d:0825:A1B2",
                "usb-id:046d:0825",
                "video1",
                "1"
            ]
        );
    }

    #[test]
    fn without_a_wish_the_first_that_delivers_pictures() {
        let dir = machine();
        let opens = |wanted| resolve(wanted, &roots(&dir), &answer).map(|device| device.opens);
        assert!(opens(None).unwrap().ends_with("video1"));
        assert!(opens(Some("usb-id:046d:0825")).unwrap().ends_with("video1"));
        assert!(opens(Some("unicam")).unwrap().ends_with("video0"));
        assert!(matches!(opens(Some("046d")), Err(CaptureError::AmbiguousDevice { .. })));
        for missing in ["7", "rpi-hevc-dec"] {
            let outcome = opens(Some(missing));
            assert!(matches!(outcome, Err(CaptureError::NoSuchDevice { .. })), "{missing}");
        }
    }

    #[test]
    fn where_nothing_delivers_pictures_it_is_the_sensor_and_not_its_processor() {
        let dir = machine();
        for node in 1..3 {
            fs::remove_file(dir.path().join(format!("sys/class/video4linux/video{node}"))).unwrap();
        }
        let camera = resolve(None, &roots(&dir), &answer).unwrap();
        assert!(camera.opens.ends_with("video0"), "{camera:?}");
        assert!(is_raw_sensor(&camera));
        assert_eq!(camera.sensor, None, "the only one needs no number");
    }

    #[test]
    fn one_of_several_sensors_says_which_it_is() {
        let dir = TempDir::new().unwrap();
        let root = dir.path();
        for (number, device) in [(0, "a.csi"), (1, "a.csi"), (2, "b.csi"), (3, "vi"), (4, "vi")] {
            node(root, device, number, &format!("node {number}"));
        }
        let bridges = |_: &str| Ok(facts(true, "rp1-cfe", &["YUYV", "pBAA"]));
        let numbers = |ask: &dyn Fn(&str) -> Result<CameraFacts, CaptureError>| -> Vec<_> {
            all(&roots(&dir), ask).into_iter().map(|camera| camera.sensor).collect()
        };
        // Each device behind a bridge has one sensor, with one node or more.
        assert_eq!(numbers(&bridges), [Some(0), Some(0), Some(1), Some(2), Some(2)]);
        let jetson = |node: &str| match &node[node.len() - 1..] {
            "3" | "4" => Ok(facts(true, "tegra-video", &["RG10"])),
            _ => Ok(facts(true, "uvcvideo", &["YUYV"])),
        };
        assert_eq!(numbers(&jetson), [None, None, None, Some(0), Some(1)]);
        let second = resolve(Some("node 4"), &roots(&dir), &jetson).unwrap();
        assert_eq!(second.sensor, Some(1));
    }

    #[test]
    fn a_forbidden_camera_is_listed_with_the_reason() {
        let dir = machine();
        let refuse =
            |node: &str| Err(CaptureError::Permission { device: node.into(), group: "video" });
        let cameras = all(&roots(&dir), &refuse);
        let reason = cameras[0].offers.as_ref().unwrap_err();
        assert!(reason.contains("group \"video\""), "{reason}");
        let error = resolve(None, &roots(&dir), &refuse).unwrap_err();
        assert!(matches!(error, CaptureError::Permission { .. }));
    }

    #[test]
    fn pixel_formats_are_named_as_v4l2_names_them() {
        assert_eq!(format_name(*b"YUYV"), "YUYV");
        assert_eq!(format_name(*b"Y10 "), "Y10");
        assert_eq!(format_name([b'Y', b'1', b'6', b' ' | 0x80]), "Y16-BE");
    }
}
