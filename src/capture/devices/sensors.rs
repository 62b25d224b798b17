//! Sensors on the board's own connector: the kernel delivers only what their cells see, and a program
//! of the board's maker makes pictures of it.

use crate::capture::devices::DeviceInfo;
use crate::capture::devices::Offer;

/// Drivers that also list picture formats, which only say what the memory may hold; and that have
/// several nodes a sensor.
const BRIDGES: [&str; 2] = ["unicam", "rp1-cfe"];

/// Drivers whose nodes make pictures out of pictures in memory, and some of which say that they are
/// cameras.
const PROCESSORS: [&str; 4] = ["bcm2835-isp", "bcm2835-codec", "pispbe", "rpi-hevc-dec"];

/// Whether a camera delivers only what a bare sensor sees, before any image processing.
pub fn is_raw_sensor(camera: &DeviceInfo) -> bool {
    let offers = camera.offers.as_deref().unwrap_or_default();
    offers.iter().any(is_mosaic) && (is_bridge(camera) || offers.iter().all(is_mosaic))
}

/// Whether it is behind one of [`BRIDGES`].
pub(super) fn is_bridge(camera: &DeviceInfo) -> bool {
    camera.driver.as_deref().is_some_and(|driver| BRIDGES.contains(&driver))
}

/// Whether nothing is seen through it, whatever it says.
pub(super) fn is_processor(node: &DeviceInfo) -> bool {
    node.driver.as_deref().is_some_and(|driver| PROCESSORS.contains(&driver))
}

/// Whether it is what a bare sensor delivers: a mosaic of red, green and blue cells.
fn is_mosaic(offer: &Offer) -> bool {
    let Offer::Picture { format, .. } = offer else { return false };
    // The V4L2 codes of Bayer patterns in 8 to 16 bits, plain and packed.
    let plain = ["BA81", "GBRG", "GRBG", "RGGB", "BYR2", "GB16", "GR16", "RG16"];
    let order = |code: &str| ["BG", "GB", "BA", "RG"].iter().any(|order| code.starts_with(order));
    let bits = |code: &str| ["10", "12", "14"].iter().any(|bits| code.ends_with(bits));
    plain.contains(&format.as_str())
        || (order(format) && bits(format))
        || (format.starts_with('p')
            && ["BAA", "GAA", "gAA", "RAA", "BCC", "GCC", "gCC", "RCC", "BEE", "GEE", "gEE", "REE"]
                .contains(&&format[1..]))
}

/// Frames a second that a sensor is asked for where `frames_per_s` are wanted: it delivers no less
/// than one, and the commands take whole numbers.
pub fn sensor_rate(frames_per_s: f64) -> f64 {
    frames_per_s.ceil().max(1.0)
}

/// The command that gets pictures, as MJPEG, out of a sensor on the board's own connector, where
/// libcamera or NVIDIA's Argus does the image processing; [`sensor_rate`] of them a second.
pub fn sensor_command(
    camera: &DeviceInfo,
    (width, height): (u32, u32),
    frames_per_s: f64,
) -> Vec<String> {
    let rate = sensor_rate(frames_per_s);
    let which = |option: &str| match camera.sensor {
        Some(number) => format!(" {option}{number}"),
        None => String::new(),
    };
    let line = if camera.driver.as_deref().is_some_and(|driver| driver.contains("tegra")) {
        let which = which("sensor-id=");
        format!(
            "gst-launch-1.0 -q nvarguscamerasrc{which} ! nvvidconv ! \
             video/x-raw,width={width},height={height} ! videorate ! \
             video/x-raw,framerate={rate}/1 ! jpegenc ! fdsink"
        )
    } else {
        let which = which("--camera ");
        format!(
            "rpicam-vid{which} --nopreview --timeout 0 --codec mjpeg --width {width} \
             --height {height} --framerate {rate} --output -"
        )
    };
    line.split(' ').map(str::to_owned).collect()
}

/// The whole source for such a command, as text for the configuration file. `frames_per_s` is what the
/// command delivers: the source's time is counted by it.
pub fn command_source(command: &[String], frames_per_s: f64) -> String {
    // libcamera's own order may differ from that of the nodes.
    let several = command.iter().any(|word| word == "--camera");
    let which = if several { "# Which is which: rpicam-hello --list-cameras\n" } else { "" };
    format!(
        "[[source]]\nkind = \"command\"\nname = \"camera\"  # or its own name\n{which}\
         command = {command:?}\nformat = \"mjpeg\"\nframes_per_s = {frames_per_s:?}\n"
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::capture::Modality;
    use crate::config::daemon::Settings;
    use crate::config::source::CommandFormat;
    use crate::config::source::SourceKind;

    fn offer(format: &str) -> Offer {
        Offer::Picture { format: format.into(), width: 640, height: 480, frames_per_s: vec![30.0] }
    }

    fn camera(driver: &str, formats: &[&str]) -> DeviceInfo {
        DeviceInfo {
            modality: Modality::Picture,
            name: "imx708".into(),
            opens: "/dev/video0".into(),
            names: vec!["/dev/video0".into()],
            driver: Some(driver.into()),
            offers: Ok(formats.iter().map(|format| offer(format)).collect()),
            sensor: None,
        }
    }

    #[test]
    fn mosaics_are_told_from_pictures() {
        for raw in ["BA81", "RGGB", "RG10", "BG12", "pRAA", "pgAA", "pBCC", "BYR2"] {
            assert!(is_mosaic(&offer(raw)), "{raw}");
        }
        for picture in ["YUYV", "MJPG", "NV12", "GREY", "RGB3", "BGR3", "RGBP", "H264", ""] {
            assert!(!is_mosaic(&offer(picture)), "{picture}");
        }
    }

    #[test]
    fn what_a_bridge_lists_beside_its_mosaic_is_no_picture() {
        for bridge in ["unicam", "rp1-cfe"] {
            assert!(is_raw_sensor(&camera(bridge, &["YUYV", "RGB3", "pBAA"])), "{bridge}");
            assert!(!is_raw_sensor(&camera(bridge, &["YUYV"])), "a converter chip behind {bridge}");
        }
        assert!(is_raw_sensor(&camera("tegra-video", &["RG10"])));
        for processed in [camera("uvcvideo", &["YUYV", "BA81"]), camera("uvcvideo", &[])] {
            assert!(!is_raw_sensor(&processed), "{processed:?}");
        }
    }

    #[test]
    fn a_sensor_has_the_line_that_works() {
        let line = |driver: &str, sensor, frames_per_s| {
            let camera = DeviceInfo { sensor, ..camera(driver, &["pBAA"]) };
            sensor_command(&camera, (640, 480), frames_per_s).join(" ")
        };
        assert_eq!(
            line("unicam", None, 0.5),
            "rpicam-vid --nopreview --timeout 0 --codec mjpeg --width 640 --height 480 \
             --framerate 1 --output -"
        );
        assert!(line("rp1-cfe", Some(1), 2.0).starts_with("rpicam-vid --camera 1 --nopreview"));
        assert!(line("rp1-cfe", Some(1), 2.0).contains("--framerate 2 "));
        let jetson = line("tegra-video", None, 1.0);
        assert!(jetson.starts_with("gst-launch-1.0 -q nvarguscamerasrc ! nvvidconv"), "{jetson}");
        let second = line("tegra-video", Some(1), 1.0);
        assert!(second.contains("nvarguscamerasrc sensor-id=1 ! nvvidconv"), "{second}");
    }

    /// Fails when the file would be refused, and when the source's time would run at another pace than
    /// the command's pictures.
    #[test]
    fn a_sensor_has_a_source_that_the_configuration_takes() {
        for driver in ["unicam", "rp1-cfe", "tegra-video"] {
            for (sensor, wanted, delivered) in
                [(None, 0.2, 1.0), (Some(0), 5.0, 5.0), (Some(1), 2.5, 3.0)]
            {
                let camera = DeviceInfo { sensor, ..camera(driver, &["RG10"]) };
                let command = sensor_command(&camera, (640, 480), wanted);
                let text = command_source(&command, sensor_rate(wanted));
                let settings = Settings::parse(&text, Path::new("h.toml"))
                    .unwrap_or_else(|wrong| panic!("{wrong} in:\n{text}"));
                let [source] = &settings.sources[..] else { panic!("one source in:\n{text}") };
                assert_eq!(source.name, "camera");
                assert_eq!(
                    source.kind,
                    SourceKind::Command {
                        argv: command.clone(),
                        format: CommandFormat::Mjpeg { frames_per_s: delivered },
                        restart: true
                    }
                );
                let rate =
                    [format!("--framerate {delivered} "), format!("framerate={delivered}/1")];
                let line = command.join(" ");
                assert!(rate.iter().any(|rate| line.contains(rate)), "{line}");
                let is_told = text.contains("rpicam-hello --list-cameras");
                assert_eq!(is_told, sensor.is_some() && driver != "tegra-video", "{text}");
            }
        }
    }
}
