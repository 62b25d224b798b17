//! The cpal stream, on its own thread.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, Data, Device, DeviceId, ErrorKind, HostId, InputCallbackInfo, StreamConfig,
};

use crate::base::stop::{Stop, Woke};
use crate::capture::error::CaptureError;
use crate::capture::microphone::alsa_words::AlsaWords;
use crate::capture::microphone::choose::{Chosen, choose};
use crate::capture::microphone::intake::{Intake, Layout, Outlet, Tally, ring};
use crate::capture::own_thread::OwnThread;
use crate::capture::{Modality, devices};

/// How long a delivery should be. The driver's buffer holds two, so this is also how late we may be to take one before
/// sound is lost: a board that compiles, or writes to a slow card, easily holds a thread up for longer than 30 ms. A
/// window is told so much later, which nobody notices.
const PERIOD_MS: u32 = 120;

/// A sound server that does not answer within this is taken for dead.
const OPEN_PATIENCE: Duration = Duration::from_secs(10);

/// An open stream: what comes out of it, and the thread that holds it.
pub(super) struct Opened {
    pub(super) pcm: String,
    pub(super) layout: Layout,
    pub(super) tally: Arc<Tally>,
    pub(super) outlet: Outlet,
}

/// Opens the first of `pcms` that has a usable format. A hardware device comes before the same with
/// conversions by ALSA, whose resampler folds high sounds into low ones.
pub(super) fn open(
    pcms: Vec<String>,
    prefer_rate_hz: u32,
) -> Result<(Opened, OwnThread), CaptureError> {
    let device = pcms.join(" or ");
    let (tell, told) = channel();
    let thread =
        OwnThread::spawn("microphone", move |stop| hold(&pcms, prefer_rate_hz, &tell, stop))?;
    let opened = match told.recv_timeout(OPEN_PATIENCE) {
        Ok(outcome) => outcome?,
        Err(RecvTimeoutError::Timeout) => {
            return Err(CaptureError::Stalled { device, silent_for: OPEN_PATIENCE });
        }
        Err(RecvTimeoutError::Disconnected) => {
            return Err(CaptureError::Open { device, source: "its thread ended early".into() });
        }
    };
    Ok((opened, thread))
}

/// Why not: keep the stream in `Microphone`. cpal promises that it may be sent, but dropping it
/// joins cpal's thread, which may be inside a sound server's library that never returns.
fn hold(
    pcms: &[String],
    prefer_rate_hz: u32,
    tell: &Sender<Result<Opened, CaptureError>>,
    stop: &Stop,
) {
    let (stream, opened) = match start_first(pcms, prefer_rate_hz) {
        Ok(started) => started,
        Err(error) => {
            if tell.send(Err(error)).is_err() {
                log::debug!("nobody waits any more for the microphone that could not be opened");
            }
            return;
        }
    };
    if tell.send(Ok(opened)).is_ok() {
        while stop.sleep(Duration::from_secs(3600)) == Woke::TimeUp {}
    }
    drop(stream);
}

fn start_first(
    pcms: &[String],
    prefer_rate_hz: u32,
) -> Result<(cpal::Stream, Opened), CaptureError> {
    let mut outcome = Err(missing(""));
    for pcm in pcms {
        outcome = start(pcm, prefer_rate_hz);
        match &outcome {
            Ok(_) => break,
            Err(error) => log::debug!("{pcm}: {error}"),
        }
    }
    outcome
}

fn start(pcm: &str, prefer_rate_hz: u32) -> Result<(cpal::Stream, Opened), CaptureError> {
    let words = AlsaWords::collect();
    let device = find(pcm)?;
    let offers: Vec<_> =
        device.supported_input_configs().map_err(|error| failed(pcm, &error, &words))?.collect();
    let choices = choose(offers.iter().copied(), prefer_rate_hz, PERIOD_MS);
    let mut refusal = None;
    for chosen in choices {
        match build_and_play(&device, chosen) {
            Ok((stream, tally, outlet)) => {
                let Layout { rate_hz, channels, format } = chosen.layout;
                log::info!("microphone {pcm}: {rate_hz} Hz, {channels} channels, {format}");
                return Ok((
                    stream,
                    Opened { pcm: pcm.into(), layout: chosen.layout, tally, outlet },
                ));
            }
            Err(error) if error.kind() == ErrorKind::UnsupportedConfig => {
                log::debug!("{pcm} offers {chosen:?} and refuses it: {}", words.explain(&error));
                refusal = Some(error);
            }
            Err(error) => return Err(failed(pcm, &error, &words)),
        }
    }
    Err(match refusal {
        Some(error) => failed(pcm, &error, &words),
        None => CaptureError::NoUsableFormat {
            device: pcm.into(),
            offered: format!("{} formats, none of them linear samples", offers.len()),
            needed: "PCM in i8 to i64, u8 to u64, f32 or f64 at 4 to 384 kHz",
        },
    })
}

/// With the period that was chosen, or with the device's own where it refuses that: some plug-ins
/// state a range of periods and then take only one of them.
fn build_and_play(
    device: &Device,
    chosen: Chosen,
) -> Result<(cpal::Stream, Arc<Tally>, Outlet), cpal::Error> {
    let (stream, tally, outlet) =
        build(device, chosen).or_else(|error| match (error.kind(), chosen.period_frames) {
            (ErrorKind::UnsupportedConfig, Some(_)) => {
                build(device, Chosen { period_frames: None, ..chosen })
            }
            _ => Err(error),
        })?;
    stream.play()?;
    Ok((stream, tally, outlet))
}

fn build(
    device: &Device,
    chosen: Chosen,
) -> Result<(cpal::Stream, Arc<Tally>, Outlet), cpal::Error> {
    let Layout { rate_hz, channels, format } = chosen.layout;
    let config = StreamConfig {
        channels: u16::try_from(channels).unwrap_or(u16::MAX),
        sample_rate: rate_hz,
        buffer_size: chosen.period_frames.map_or(BufferSize::Default, BufferSize::Fixed),
    };
    let tally = Arc::new(Tally::default());
    let (mut intake, outlet) = ring(chosen.layout, &tally);
    let errors = Arc::clone(&tally);
    let stream = device.build_input_stream_raw(
        config,
        format,
        move |data, info| deliver(&mut intake, data, info),
        move |error| errors.on_error(error.kind()),
        None,
    )?;
    Ok((stream, tally, outlet))
}

/// Real-time: see [`Intake::on_samples`].
fn deliver(intake: &mut Intake, data: &Data, info: &InputCallbackInfo) {
    intake.on_samples(data.bytes(), info.timestamp().capture.as_nanos() as f64 * 1e-9);
}

fn find(pcm: &str) -> Result<Device, CaptureError> {
    let host = cpal::default_host();
    let device = if pcm == "default" {
        host.default_input_device()
    } else {
        host.device_by_id(&DeviceId::new(HostId::Alsa, pcm))
    };
    device.ok_or_else(|| missing(pcm))
}

/// ALSA finds only names with a description (`hint`) in its configuration.
fn missing(wanted: &str) -> CaptureError {
    CaptureError::no_such_device(Modality::Sound, wanted, devices::microphone_names())
}

fn failed(pcm: &str, error: &cpal::Error, words: &AlsaWords) -> CaptureError {
    let device = pcm.to_owned();
    let source = words.explain(error).into();
    match error.kind() {
        ErrorKind::PermissionDenied => CaptureError::Permission { device, group: "audio" },
        ErrorKind::DeviceBusy => CaptureError::Busy { device, source },
        ErrorKind::DeviceNotAvailable => missing(pcm),
        _ => CaptureError::Open { device, source },
    }
}
