//! The calls that may never return: nokhwa's, and V4L2's own where nokhwa does not know the format.

use std::io;
use std::time::Duration;

use nokhwa::Camera;
use nokhwa::utils::{
    CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution,
};
use v4l::buffer::Type;
use v4l::io::traits::CaptureStream;
use v4l::prelude::MmapStream;
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC};

use crate::capture::camera::choose::{Chosen, Shape};
use crate::capture::devices::refused;
use crate::capture::error::{CaptureError, Cause};

/// An open camera. Not `Send`: it lives and dies on one thread.
pub trait Frames {
    /// What frames look like; the driver may have chosen another size than it was asked for.
    fn shape(&self) -> Shape;

    /// Waits for the next frame, perhaps for ever, and lends its bytes.
    ///
    /// # Errors
    ///
    /// When no more will come.
    fn next(&mut self) -> Result<&[u8], Cause>;
}

/// Opens `node` (`/dev/videoN`) as `chosen`.
pub(super) fn open(
    node: &str,
    chosen: Chosen,
    patience: Duration,
) -> Result<Box<dyn Frames>, CaptureError> {
    let failed = |error| refused(node, error);
    // nokhwa gives up on a camera whose present format or rate it cannot name, before it sets
    // another. So the format is set beforehand, for both ways.
    let device = Device::with_path(node).map_err(failed)?;
    // Sizes came from V4L2 as u32.
    let [width, height] = [chosen.shape.width, chosen.shape.height]
        .map(|pixels| u32::try_from(pixels).unwrap_or(u32::MAX));
    let wanted = Format::new(width, height, FourCC::new(&chosen.fourcc));
    let set = device.set_format(&wanted).map_err(failed)?;
    // Some drivers have one fixed rate and refuse to set it; the frames come all the same.
    if let Err(error) = device.set_params(&Parameters::with_fps(chosen.frames_per_s)) {
        log::debug!("{node} keeps its own rate: {error}");
    }
    if set.fourcc != wanted.fourcc {
        return Err(CaptureError::NoUsableFormat {
            device: node.into(),
            offered: format!("{}, after it had offered {}", set.fourcc, wanted.fourcc),
            needed: "a format that the driver keeps to",
        });
    }
    let shape = Shape { width: set.width as usize, height: set.height as usize, ..chosen.shape };
    match (chosen.nokhwa, node.strip_prefix("/dev/video").and_then(|number| number.parse().ok())) {
        (Some(format), Some(index)) => {
            drop(device);
            let size = Resolution::new(set.width, set.height);
            let wanted = CameraFormat::new(size, format, chosen.frames_per_s);
            ByNokhwa::open(index, wanted, shape).or_else(|error| {
                // It insists on the exact rate, which some drivers round.
                log::info!("nokhwa: {error}; {node} is opened by V4L2 itself");
                let device = Device::with_path(node).map_err(failed)?;
                ByV4l::open(&device, shape, patience).map_err(failed)
            })
        }
        _ => ByV4l::open(&device, shape, patience).map_err(failed),
    }
}

struct ByNokhwa {
    camera: Camera,
    shape: Shape,
    frame: Vec<u8>,
}

impl ByNokhwa {
    fn open(index: u32, wanted: CameraFormat, shape: Shape) -> Result<Box<dyn Frames>, Cause> {
        let formats: [FrameFormat; 1] = [wanted.format()];
        let request = RequestedFormat::with_formats(RequestedFormatType::Exact(wanted), &formats);
        let mut camera = Camera::new(CameraIndex::Index(index), request)?;
        camera.open_stream()?;
        Ok(Box::new(Self { camera, shape, frame: Vec::new() }))
    }
}

impl Frames for ByNokhwa {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn next(&mut self) -> Result<&[u8], Cause> {
        // The whole mapped buffer, whose end may be an older frame's: see `Shape::whole`.
        match self.camera.frame_raw()? {
            std::borrow::Cow::Borrowed(bytes) => Ok(bytes),
            std::borrow::Cow::Owned(bytes) => {
                self.frame = bytes;
                Ok(&self.frame)
            }
        }
    }
}

struct ByV4l {
    stream: MmapStream<'static>,
    shape: Shape,
}

impl ByV4l {
    fn open(device: &Device, shape: Shape, patience: Duration) -> io::Result<Box<dyn Frames>> {
        let mut stream = MmapStream::with_buffers(device, Type::VideoCapture, 4)?;
        stream.set_timeout(patience);
        Ok(Box::new(Self { stream, shape }))
    }
}

impl Frames for ByV4l {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn next(&mut self) -> Result<&[u8], Cause> {
        let (bytes, meta) = CaptureStream::next(&mut self.stream)?;
        Ok(&bytes[..bytes.len().min(meta.bytesused as usize)])
    }
}
