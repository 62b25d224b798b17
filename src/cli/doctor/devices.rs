//! The configured devices: there, allowed, and delivering something that is not silence or darkness.

use std::fmt::Display;
use std::path::Path;

use rustix::fs::Access;
use rustix::fs::access;

use crate::base::causes::with_causes;
use crate::base::clock::SystemClock;
use crate::base::secrets;
use crate::base::stop::Stop;
use crate::capture::command;
use crate::capture::devices;
use crate::capture::devices::DeviceInfo;
use crate::capture::devices::Offer;
use crate::capture::error::CaptureError;
use crate::config::daemon::Settings;
use crate::config::source::SourceKind;
use crate::config::source::SourceSettings;
use crate::emit::findings::Findings;
use crate::emit::status::SourceStatus;
use crate::emit::status::Status;
use crate::pipeline::mend;
use crate::pipeline::mend::User;
use crate::pipeline::open;
use crate::pipeline::open::OpenWith;
use crate::pipeline::sample;
use crate::pipeline::sample::Sample;

/// Length of a test recording.
const SAMPLE_S: f64 = 3.0;

/// Below this a microphone hears nothing: even a quiet room and a cheap converter are louder.
const SILENT_DB: f32 = -90.0;

/// Share of samples at full scale that can be heard as distortion.
const CLIPPED: f64 = 0.001;

/// A picture darker, or plainer, than this shows nothing.
const DARK: f32 = 0.02;
const PLAIN: f32 = 0.01;

/// What mends a source that the daemon says nothing more of.
const ITS_LOG: &str =
    "journalctl -u habituate -n 50 says what it lacks; all devices: habituate devices";

/// What mends a live source that has come to its end: only a command can.
const BEGIN_AGAIN: &str =
    "sudo systemctl restart habituate; with source.restart = true a command that ends begins again";

pub(super) fn look(
    found: &mut Findings,
    settings: &Settings,
    running: Option<&Status>,
    quick: bool,
) {
    let microphones = devices::microphones();
    let cameras = devices::cameras();
    found.ok("microphones", summary(&microphones));
    found.ok("cameras", summary(&cameras));
    for camera in cameras.iter().filter(|camera| devices::is_raw_sensor(camera)) {
        let line = format!("{} ({}) is a bare sensor", camera.opens, camera.name);
        let command = devices::sensor_command(camera, (640, 480), 1.0);
        let source = devices::command_source(&command, devices::sensor_rate(1.0));
        found.warning("camera sensor", line, format!("to use it, as a source:\n{source}"));
    }
    let user = User::current();
    nodes(found, user);
    for source in settings.sources.iter().filter(|source| open::is_live(source)) {
        let check = format!("source {}", source.name);
        // A device that the daemon holds cannot be had twice; the daemon knows how it is.
        if let Some(status) = running.and_then(|daemon| its_status(daemon, &source.name)) {
            told_by_daemon(found, &check, status);
        } else if quick {
            resolved(found, &check, source, user);
        } else {
            tried(found, &check, source, settings.seed, user);
        }
    }
}

fn summary(found: &[DeviceInfo]) -> String {
    if found.is_empty() {
        return "none".into();
    }
    let names: Vec<String> = found
        .iter()
        .map(|device| {
            let name = device.names.first().unwrap_or(&device.opens);
            match &device.offers {
                Ok(offers) if offers.is_empty() => format!("{} ({name})", device.name),
                Ok(offers) => format!("{} ({name}): {}", device.name, kinds(offers)),
                Err(why) => format!("{} ({name}): {why}", device.name),
            }
        })
        .collect();
    names.join("; ")
}

/// Formats of a device that are named one by one; a virtual camera has eighty.
const FORMATS_NAMED: usize = 4;

/// What a device offers, one phrase for all formats that come in the same sizes and rates: a camera has dozens.
fn kinds(offers: &[Offer]) -> String {
    let mut by_format: Vec<(&str, Vec<&Offer>)> = Vec::new();
    for offer in offers {
        let (Offer::Sound { format, .. } | Offer::Picture { format, .. }) = offer;
        match by_format.iter_mut().find(|(name, _)| name == format) {
            Some((_, same)) => same.push(offer),
            None => by_format.push((format, vec![offer])),
        }
    }
    let mut by_range: Vec<(String, Vec<&str>)> = Vec::new();
    for (format, offers) in by_format {
        let range = range(&offers);
        match by_range.iter_mut().find(|(known, _)| *known == range) {
            Some((_, formats)) => formats.push(format),
            None => by_range.push((range, vec![format])),
        }
    }
    let kinds = by_range.iter().map(|(range, formats)| {
        let named = formats.iter().take(FORMATS_NAMED).copied().collect::<Vec<_>>().join("/");
        match formats.len().saturating_sub(FORMATS_NAMED) {
            0 => format!("{named} {range}"),
            more => format!("{named} and {more} more formats {range}"),
        }
    });
    kinds.collect::<Vec<_>>().join(", ")
}

/// Fewest to most of offers of one format.
fn range(offers: &[&Offer]) -> String {
    let (mut channels, mut rates) = ((u16::MAX, 0), (u32::MAX, 0));
    let (mut sizes, mut fastest) = (((u32::MAX, u32::MAX), (0, 0)), 0.0_f64);
    for offer in offers {
        match offer {
            Offer::Sound { channels: has, rates_hz, .. } => {
                channels = (channels.0.min(has.0), channels.1.max(has.1));
                rates = (rates.0.min(rates_hz.0), rates.1.max(rates_hz.1));
            }
            Offer::Picture { width, height, frames_per_s, .. } => {
                let (size, (least, most)) = ((*width, *height), sizes);
                let area = |(width, height): (u32, u32)| u64::from(width) * u64::from(height);
                let smaller = if area(size) < area(least) { size } else { least };
                let larger = if area(most) < area(size) { size } else { most };
                sizes = (smaller, larger);
                fastest = frames_per_s.iter().copied().fold(fastest, f64::max);
            }
        }
    }
    if let Some(Offer::Sound { .. }) = offers.first() {
        let (channels, rates) = (from_to(channels.0, channels.1), from_to(rates.0, rates.1));
        return format!("{channels} channels {rates} Hz");
    }
    let size = |(width, height): (u32, u32)| format!("{width}x{height}");
    format!("{} up to {fastest:.0} frames/s", from_to(size(sizes.0), size(sizes.1)))
}

fn from_to<T: Display + PartialEq>(least: T, most: T) -> String {
    if least == most { least.to_string() } else { format!("{least} to {most}") }
}

/// Devices that are there and that this user may not open.
fn nodes(found: &mut Findings, user: User) {
    for (folder, prefix, group) in [("/dev/snd", "pcm", "audio"), ("/dev", "video", "video")] {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        let all: Vec<_> = entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
            .map(|entry| entry.path())
            .collect();
        let may = |path: &Path| access(path, Access::READ_OK | Access::WRITE_OK).is_ok();
        let refused: Vec<String> =
            all.iter().filter(|path| !may(path)).map(|path| path.display().to_string()).collect();
        let check = format!("group {group}");
        if !refused.is_empty() {
            let line = format!("no permission for {}", refused.join(", "));
            found.problem(&check, line, user.admitted_to(group));
        } else if !all.is_empty() {
            found.ok(&check, format!("{} devices in {folder} may be used", all.len()));
        }
    }
}

fn its_status<'a>(daemon: &'a Status, name: &str) -> Option<&'a SourceStatus> {
    daemon.sources.iter().find(|source| source.name == name)
}

fn told_by_daemon(found: &mut Findings, check: &str, status: &SourceStatus) {
    let line = format!(
        "the daemon has it: {}, {} windows, {} restarts",
        status.state, status.windows, status.restarts
    );
    match status.state.as_str() {
        "running" => found.ok(check, line),
        "waiting" | "failed" => {
            // A daemon of an earlier version does not say.
            let mend = if status.mend.is_empty() { ITS_LOG } else { status.mend.as_str() };
            let line = format!("{line}; {}", without_lines(&status.detail));
            found.problem(check, line, mend);
        }
        "opening" => found.warning(check, line, "look again in a minute: habituate status"),
        _ => found.warning(check, line, BEGIN_AGAIN),
    }
}

/// Whether it is there, without opening a stream.
fn resolved(found: &mut Findings, check: &str, source: &SourceSettings, user: User) {
    let line = match &source.kind {
        SourceKind::Microphone { device } => {
            devices::resolve_microphone(Some(device)).map(|pcms| pcms.join(", "))
        }
        SourceKind::Camera { device, .. } => {
            devices::resolve_camera(device.as_deref()).map(|camera| camera.opens)
        }
        SourceKind::Command { argv, .. } => {
            command::find_program(argv).map(|()| secrets::struck_out(&argv.join(" ")))
        }
        SourceKind::Recording { .. } | SourceKind::Synthetic { .. } => return,
    };
    match line {
        Ok(line) => found.ok(check, line),
        Err(error) => refused(found, check, source, user, &error),
    }
}

fn refused(
    found: &mut Findings,
    check: &str,
    source: &SourceSettings,
    user: User,
    error: &CaptureError,
) {
    let mend = mend::of(error, &source.kind, user);
    found.problem(check, without_lines(&with_causes(error)), mend);
}

/// A message without its lines for the configuration file: they are in what mends it.
fn without_lines(message: &str) -> &str {
    message.split_once("\n[[source]]").map_or(message, |(words, _)| words)
}

fn tried(found: &mut Findings, check: &str, source: &SourceSettings, seed: u64, user: User) {
    let with = OpenWith { stop: Stop::default(), seed };
    let sample = open::open(source, &with)
        .and_then(|mut open| sample::take(open.as_mut(), &SystemClock, &source.name, SAMPLE_S));
    match sample {
        Ok(sample) => judge(found, check, &sample),
        Err(error) => refused(found, check, source, user, &error),
    }
}

fn judge(found: &mut Findings, check: &str, sample: &Sample) {
    if 0 < sample.pictures {
        let (width, height) = sample.size;
        let line = format!(
            "{} pictures of {width}x{height} in {:.1} s, brightness {:.0} %, contrast {:.0} %",
            sample.pictures,
            sample.passed_s,
            100.0 * sample.brightness,
            100.0 * sample.contrast
        );
        if sample.brightness < DARK || sample.contrast < PLAIN {
            let mend = "look at the lens cap and the light";
            found.warning(check, format!("nothing to be seen: {line}"), mend);
        } else {
            found.ok(check, line);
        }
    } else if 0.0 < sample.sound_s {
        let (peak, rms) = (Sample::decibels(sample.peak), Sample::decibels(sample.rms));
        let line = format!(
            "{:.1} s at {} Hz in {:.1} s, mean level {rms:.0} dB, peak {peak:.0} dB",
            sample.sound_s, sample.rate_hz, sample.passed_s
        );
        if rms < SILENT_DB {
            let mend = "alsamixer, F4: raise Capture and Mic; is the right card configured?";
            found.warning(check, format!("silence: {line}"), mend);
        } else if CLIPPED < sample.clipped {
            let share = 100.0 * sample.clipped;
            let mend = "alsamixer, F4: lower Capture and Mic";
            found.warning(check, format!("{share:.1} % of samples at full scale: {line}"), mend);
        } else {
            found.ok(check, line);
        }
    } else {
        let line = format!("nothing could be read of it; {} items were lost", sample.lost);
        found.problem(check, line, "another cable, port or format; habituate devices");
    }
}

#[cfg(test)]
mod tests;
