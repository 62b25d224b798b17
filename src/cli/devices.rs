//! `habituate devices`: microphones and cameras, with the names to use.

use crate::capture::devices;
use crate::capture::devices::DeviceInfo;
use crate::capture::devices::Offer;
use crate::cli::exit::Failure;

pub(crate) fn main() -> Result<(), Failure> {
    section("Microphones", "microphone", &devices::microphones());
    section("Cameras", "camera", &devices::cameras());
    Ok(())
}

fn section(title: &str, kind: &str, found: &[DeviceInfo]) {
    println!("{title}:");
    if found.is_empty() {
        println!("  none\n");
        return;
    }
    for device in found {
        let driver = device.driver.as_deref().map_or(String::new(), |d| format!(" ({d})"));
        println!("  {}{driver}", device.name);
        let stable = device.names.first().unwrap_or(&device.opens);
        println!("    [[source]] kind = \"{kind}\", device = \"{stable}\"");
        for name in device.names.iter().skip(1) {
            println!("      also \"{name}\"");
        }
        match &device.offers {
            Ok(offers) => offers.iter().for_each(|offer| println!("    {}", shown(offer))),
            Err(why) => println!("    cannot be asked: {why}"),
        }
        if devices::is_raw_sensor(device) {
            let command = devices::sensor_command(device, (640, 480), 1.0);
            println!("    a bare sensor; use this instead:");
            for line in devices::command_source(&command, 1.0).lines() {
                println!("    {line}");
            }
        }
    }
    println!();
}

fn shown(offer: &Offer) -> String {
    match offer {
        Offer::Sound { format, channels: (from, to), rates_hz: (low, high) } => {
            let channels = if from == to { format!("{from}") } else { format!("{from} to {to}") };
            let rates = if low == high { format!("{low}") } else { format!("{low} to {high}") };
            format!("{format}, {channels} channels, {rates} Hz")
        }
        Offer::Picture { format, width, height, frames_per_s } => {
            let rates: Vec<String> = frames_per_s.iter().map(|r| format!("{r:.0}")).collect();
            format!("{format} {width}x{height} at {} frames/s", rates.join(", "))
        }
    }
}
