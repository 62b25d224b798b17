//! A camera, by nokhwa and V4L2.
//!
//! A thread of its own waits for frames ([`device::Frames`]), copies those that are wanted into a
//! slot for one ([`slot`]), and may be left behind when the driver never returns. Frames are handed
//! on as they came; whoever wants to see one decodes it.

pub mod choose;
pub mod device;
pub mod slot;

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::base::clock::Clock;
use crate::base::stop::Stop;
use crate::capture::camera::choose::{Shape, choose};
use crate::capture::camera::device::Frames;
use crate::capture::camera::slot::{Pace, Slot};
use crate::capture::devices::{self, Offer};
use crate::capture::error::CaptureError;
use crate::capture::own_thread::OwnThread;
use crate::capture::{Chunk, Modality, Source};
use crate::signal::image::RawImage;

/// Some cameras reset themselves when opened and take seconds.
const OPEN_PATIENCE: Duration = Duration::from_secs(10);

/// A camera that is set to fewer frames a second answers a request to stop only with its next frame,
/// and exposes for longer than its pictures deserve. What is not wanted is passed over uncopied.
const SLOWEST_DEVICE_RATE: f64 = 5.0;

/// Which camera, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraSettings {
    /// Any name that [`devices::cameras`] shows. `None` is the first that delivers pictures.
    pub device: Option<String>,
    /// The smallest size that is not below this is taken.
    pub size: (u32, u32),
    /// So many are delivered, evenly spaced, even if the camera has more. Above 0.
    pub frames_per_s: f64,
    /// So long may an open camera deliver nothing.
    pub stall_after: Duration,
}

/// What the camera's thread reports once it is open.
struct Opened {
    device: String,
    shape: Shape,
    frames_per_s: f64,
}

type OpenFrames = Box<dyn FnOnce() -> Result<(Opened, Box<dyn Frames>), CaptureError> + Send>;

/// An open camera.
#[derive(Debug)]
pub struct Camera {
    device: String,
    shape: Shape,
    /// What each picture stands for.
    lasts_s: f64,
    slot: Arc<Slot>,
    clock: Arc<dyn Clock>,
    stall_after: Duration,
    begun: bool,
    /// Frames seen, and since when no more have come.
    quiet_since: (u64, Duration),
    _thread: OwnThread,
}

impl Camera {
    /// Finds the camera and starts it. Takes up to 10 s.
    ///
    /// # Errors
    ///
    /// [`CaptureError`], for a camera that is missing, ambiguous, busy, forbidden, silent, or a bare
    /// sensor.
    pub fn open(settings: &CameraSettings, clock: Arc<dyn Clock>) -> Result<Self, CaptureError> {
        let wanted = settings.clone();
        Self::open_with(settings, clock, Box::new(move || open_device(&wanted)))
    }

    fn open_with(
        settings: &CameraSettings,
        clock: Arc<dyn Clock>,
        open: OpenFrames,
    ) -> Result<Self, CaptureError> {
        let slot = Arc::new(Slot::default());
        let (tell, told) = channel();
        let thread = {
            let (slot, clock, wanted) =
                (Arc::clone(&slot), Arc::clone(&clock), settings.frames_per_s);
            OwnThread::spawn("camera", move |stop| match open() {
                Ok((opened, mut frames)) => {
                    let pace = Pace::new(wanted, opened.frames_per_s);
                    if tell.send(Ok(opened)).is_ok() {
                        watch(frames.as_mut(), pace, &slot, clock.as_ref(), stop);
                    }
                }
                Err(error) => drop(tell.send(Err(error))),
            })?
        };
        let device = || settings.device.clone().unwrap_or_else(|| "default".into());
        let opened = match told.recv_timeout(OPEN_PATIENCE) {
            Ok(outcome) => outcome?,
            Err(RecvTimeoutError::Timeout) => {
                return Err(CaptureError::Stalled { device: device(), silent_for: OPEN_PATIENCE });
            }
            Err(RecvTimeoutError::Disconnected) => {
                let source = "its thread ended early".into();
                return Err(CaptureError::Open { device: device(), source });
            }
        };
        Ok(Self {
            device: opened.device,
            shape: opened.shape,
            lasts_s: 1.0 / settings.frames_per_s.min(opened.frames_per_s),
            slot,
            quiet_since: (0, clock.now()),
            clock,
            stall_after: settings.stall_after,
            begun: false,
            _thread: thread,
        })
    }
}

impl Source for Camera {
    fn modality(&self) -> Modality {
        Modality::Picture
    }

    fn next(&mut self, max_wait: Duration) -> Result<Option<Chunk>, CaptureError> {
        if !self.begun {
            self.begun = true;
            return Ok(Some(Chunk::Begin { input: self.device.clone(), at_s: 0.0 }));
        }
        let until = self.clock.now().saturating_add(max_wait);
        let mut content = self.slot.lock();
        loop {
            let now = self.clock.now();
            if content.delivered != self.quiet_since.0 {
                self.quiet_since = (content.delivered, now);
            }
            if let Some(loss) = content.take_loss() {
                return Ok(Some(Chunk::Gap(loss)));
            }
            if let Some((at_s, bytes)) = content.frame.take() {
                let Shape { format, width, height } = self.shape;
                let image = RawImage { format, width, height, bytes };
                return Ok(Some(Chunk::Picture { at_s, lasts_s: self.lasts_s, image }));
            }
            if let Some(source) = content.failure.take() {
                return Err(CaptureError::Disconnected { device: self.device.clone(), source });
            }
            let silent_for = now.saturating_sub(self.quiet_since.1);
            if self.stall_after <= silent_for {
                return Err(CaptureError::Stalled { device: self.device.clone(), silent_for });
            }
            let left = until.saturating_sub(now).min(self.stall_after.saturating_sub(silent_for));
            if until <= now {
                return Ok(Some(Chunk::Idle));
            }
            content = self.slot.wait(content, left);
        }
    }
}

/// Fills the slot until asked to stop or until the camera is gone.
fn watch(frames: &mut dyn Frames, mut pace: Pace, slot: &Slot, clock: &dyn Clock, stop: &Stop) {
    let shape = frames.shape();
    let opened_at = clock.now();
    while !stop.is_requested() {
        match frames.next() {
            Ok(bytes) => match shape.whole(bytes) {
                Some(frame) => {
                    let at_s = (clock.now() - opened_at).as_secs_f64();
                    if pace.wants(at_s) {
                        slot.put(at_s, frame.to_vec());
                    } else {
                        slot.pass_over();
                    }
                }
                None => slot.cut_short(),
            },
            Err(cause) => {
                slot.fail(cause);
                return;
            }
        }
    }
}

fn open_device(settings: &CameraSettings) -> Result<(Opened, Box<dyn Frames>), CaptureError> {
    let info = devices::resolve_camera(settings.device.as_deref())?;
    let offers = info.offers.as_deref().unwrap_or_default();
    if devices::is_raw_sensor(&info) {
        return Err(CaptureError::RawSensor {
            command: devices::sensor_command(&info, settings.size, settings.frames_per_s),
            frames_per_s: devices::sensor_rate(settings.frames_per_s),
            was_named: settings.device.is_some(),
            offered: formats(offers),
            device: info.opens,
        });
    }
    let device_rate = settings.frames_per_s.max(SLOWEST_DEVICE_RATE);
    let Some(chosen) = choose(offers, settings.size, device_rate) else {
        return Err(CaptureError::NoUsableFormat {
            offered: formats(offers),
            device: info.opens,
            needed: "YUYV, MJPG, NV12, RGB3, BGR3, GREY, YU12, UYVY, NV21, RGBP or JPEG at a whole \
                     number of frames a second",
        });
    };
    let frames = device::open(&info.opens, chosen, settings.stall_after)?;
    let shape = frames.shape();
    log::info!(
        "camera {} ({}): {}x{} {} at {} frames a second",
        info.opens,
        info.name,
        shape.width,
        shape.height,
        String::from_utf8_lossy(&chosen.fourcc),
        chosen.frames_per_s
    );
    let frames_per_s = f64::from(chosen.frames_per_s);
    Ok((Opened { device: info.opens, shape, frames_per_s }, frames))
}

/// The formats once each, for a message.
fn formats(offers: &[Offer]) -> String {
    let mut codes: Vec<&str> = offers
        .iter()
        .filter_map(|offer| match offer {
            Offer::Picture { format, .. } => Some(format.as_str()),
            Offer::Sound { .. } => None,
        })
        .collect();
    codes.sort_unstable();
    codes.dedup();
    if codes.is_empty() { "no format".into() } else { codes.join(", ") }
}

#[cfg(test)]
mod tests;
