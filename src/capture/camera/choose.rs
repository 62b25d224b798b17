//! Which of a camera's many formats to take, and how long a frame of it is.

use nokhwa::utils::FrameFormat;

use crate::capture::devices::Offer;
use crate::signal::image::PixelFormat;

/// How a frame lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// How to read the bytes.
    pub format: PixelFormat,
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
}

impl Shape {
    /// Bytes of a frame; `None` where they differ from frame to frame.
    pub const fn frame_len(self) -> Option<usize> {
        let pixels = self.width * self.height;
        match self.format {
            PixelFormat::Grey8 => Some(pixels),
            PixelFormat::Nv12 | PixelFormat::Nv21 | PixelFormat::I420 => {
                Some(pixels + 2 * self.width.div_ceil(2) * self.height.div_ceil(2))
            }
            PixelFormat::Yuyv | PixelFormat::Uyvy | PixelFormat::Rgb565 => Some(2 * pixels),
            PixelFormat::Rgb8 | PixelFormat::Bgr8 => Some(3 * pixels),
            PixelFormat::Jpeg | PixelFormat::Encoded => None,
        }
    }

    /// The frame at the start of `bytes`, which may be a longer buffer with an older frame's rest;
    /// `None` when it is cut short.
    pub fn whole(self, bytes: &[u8]) -> Option<&[u8]> {
        let length = self.frame_len().or_else(|| jpeg_len(bytes))?;
        bytes.get(..length)
    }
}

/// Bytes of the JPEG picture that `bytes` begins with, its end marker included.
fn jpeg_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 2;
    if !bytes.starts_with(&[0xFF, 0xD8]) {
        return None;
    }
    // Segments with a stated length, up to the start of scan.
    loop {
        let &[0xFF, marker, high, low] = bytes.get(at..at + 4)? else { return None };
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
        if marker == 0xDA {
            break;
        }
    }
    // In the scans every FF is followed by 00 or a restart, or begins a segment of a later scan.
    let end = bytes.get(at..)?.windows(2).position(|pair| pair == [0xFF, 0xD9])?;
    Some(at + end + 2)
}

/// Formats that we read, the preferred first: 4:2:0 and 4:2:2 need the fewest bytes, and JPEG costs
/// a decoder. Beside each is nokhwa's name; it has none for the last six, which go to V4L2 directly.
const READABLE: [(&str, PixelFormat, Option<FrameFormat>); 11] = [
    ("NV12", PixelFormat::Nv12, Some(FrameFormat::NV12)),
    ("YUYV", PixelFormat::Yuyv, Some(FrameFormat::YUYV)),
    ("MJPG", PixelFormat::Jpeg, Some(FrameFormat::MJPEG)),
    ("RGB3", PixelFormat::Rgb8, Some(FrameFormat::RAWRGB)),
    ("BGR3", PixelFormat::Bgr8, Some(FrameFormat::RAWBGR)),
    ("GREY", PixelFormat::Grey8, None),
    ("YU12", PixelFormat::I420, None),
    ("UYVY", PixelFormat::Uyvy, None),
    ("NV21", PixelFormat::Nv21, None),
    ("RGBP", PixelFormat::Rgb565, None),
    ("JPEG", PixelFormat::Jpeg, None),
];

/// Above this many bytes a second of uncompressed frames JPEG is taken first: USB 2 carries about
/// 24 MB/s of video, and a hub shares it.
const BUSY_BUS_BYTES_PER_S: f64 = 12e6;

/// A choice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chosen {
    /// How frames will come.
    pub shape: Shape,
    /// V4L2's code.
    pub fourcc: [u8; 4],
    /// nokhwa's name for it, if it has one.
    pub nokhwa: Option<FrameFormat>,
    /// The device's own rate.
    pub frames_per_s: u32,
}

/// The best of `offers`: the smallest size that is not below `size`, else the largest; of that size
/// the slowest whole rate not below `frames_per_s`, else the fastest; of these the format first in
/// `READABLE`. `None` if none can be read.
pub fn choose(offers: &[Offer], size: (u32, u32), frames_per_s: f64) -> Option<Chosen> {
    offers
        .iter()
        .filter_map(|offer| {
            let Offer::Picture { format, width, height, frames_per_s: rates } = offer else {
                return None;
            };
            let order = READABLE.iter().position(|known| known.0 == format)?;
            let (fourcc, pixels, nokhwa) = READABLE[order];
            let (rate, is_listed) = best_rate(rates, frames_per_s);
            let shape = Shape { format: pixels, width: *width as usize, height: *height as usize };
            let area = u64::from(*width) * u64::from(*height);
            let big_enough = size.0 <= *width && size.1 <= *height;
            let size_rank = if big_enough { (0, area) } else { (1, u64::MAX - area) };
            let slow = f64::from(rate) < frames_per_s;
            let rate_rank = if slow { (1, u32::MAX - rate) } else { (0, rate) };
            let bytes_per_s = shape.frame_len().unwrap_or(0) as f64 * f64::from(rate);
            let crowded = BUSY_BUS_BYTES_PER_S < bytes_per_s;
            let chosen = Chosen {
                shape,
                fourcc: fourcc.as_bytes().try_into().ok()?,
                // nokhwa takes listed whole rates alone; V4L2 itself is content with what the driver then does.
                nokhwa: nokhwa.filter(|_| is_listed),
                frames_per_s: rate,
            };
            Some(((size_rank, slow, crowded, order, rate_rank), chosen))
        })
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, chosen)| chosen)
}

/// The slowest of `rates` that is not below `wanted`, else the fastest, and whether it is one of them. Only whole ones
/// count; where there are none they are rounded, and a grabber that lists nothing is asked for what is wanted.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole and between 1 and 1000 when it is cast"
)]
fn best_rate(rates: &[f64], wanted: f64) -> (u32, bool) {
    let is_whole = |rate: &f64| rate.fract() == 0.0 && (1.0..=1000.0).contains(rate);
    let has_whole = rates.iter().any(is_whole);
    let whole = |rate: f64| rate.round().clamp(1.0, 1000.0) as u32;
    let usable =
        || rates.iter().filter(|rate| !has_whole || is_whole(rate)).map(|rate| whole(*rate));
    let enough = usable().filter(|rate| wanted <= f64::from(*rate)).min();
    (enough.or(usable().max()).unwrap_or(whole(wanted.ceil())), has_whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(format: &str, (width, height): (u32, u32), rates: &[f64]) -> Offer {
        Offer::Picture { format: format.into(), width, height, frames_per_s: rates.into() }
    }

    fn chosen(offers: &[Offer], size: (u32, u32), rate: f64) -> Option<(String, usize, u32)> {
        choose(offers, size, rate).map(|chosen| {
            let fourcc = String::from_utf8_lossy(&chosen.fourcc).into_owned();
            (fourcc, chosen.shape.width, chosen.frames_per_s)
        })
    }

    #[test]
    fn a_usual_webcam_gives_its_slowest_sufficient_rate() {
        let webcam = [
            offer("MJPG", (640, 480), &[30.0, 15.0, 5.0]),
            offer("YUYV", (640, 480), &[30.0, 15.0, 7.5, 5.0]),
            offer("YUYV", (320, 240), &[30.0, 5.0]),
            offer("YUYV", (1280, 720), &[10.0, 5.0]),
        ];
        let took = |size, rate| chosen(&webcam, size, rate).unwrap();
        assert_eq!(took((640, 480), 1.0), ("YUYV".into(), 640, 5));
        assert_eq!(took((640, 480), 30.0), ("MJPG".into(), 640, 30), "18 MB/s would crowd the bus");
        assert_eq!(took((224, 224), 1.0), ("YUYV".into(), 320, 5));
        assert_eq!(took((4000, 3000), 1.0), ("YUYV".into(), 1280, 5), "the largest there is");
        assert_eq!(took((640, 480), 60.0), ("MJPG".into(), 640, 30), "the fastest there is");
    }

    #[test]
    fn what_cannot_be_read_is_not_chosen() {
        assert_eq!(chosen(&[], (640, 480), 1.0), None);
        assert_eq!(chosen(&[offer("H264", (640, 480), &[30.0])], (640, 480), 1.0), None);
    }

    #[test]
    fn rates_that_are_not_whole_or_not_listed_go_past_nokhwa() {
        for (rates, wanted, rate) in
            [(&[][..], 0.2, 1), (&[], 25.0, 25), (&[59.94, 29.97], 1.0, 30), (&[0.5], 0.2, 1)]
        {
            let grabber = [offer("YUYV", (640, 480), rates)];
            let chosen = choose(&grabber, (640, 480), wanted).unwrap();
            assert_eq!((chosen.frames_per_s, chosen.nokhwa), (rate, None), "{rates:?}");
        }
        let webcam = choose(&[offer("YUYV", (640, 480), &[29.97, 5.0])], (640, 480), 10.0).unwrap();
        assert_eq!((webcam.frames_per_s, webcam.nokhwa), (5, Some(FrameFormat::YUYV)));
    }

    #[test]
    fn lengths_of_frames_with_odd_sizes() {
        let shape = |format| Shape { format, width: 5, height: 3 };
        assert_eq!(shape(PixelFormat::Grey8).frame_len(), Some(15));
        assert_eq!(shape(PixelFormat::I420).frame_len(), Some(15 + 2 * 6));
        assert_eq!(shape(PixelFormat::Yuyv).frame_len(), Some(30));
        assert_eq!(shape(PixelFormat::Rgb8).frame_len(), Some(45));
        assert_eq!(shape(PixelFormat::Grey8).whole(&[0; 14]), None);
        assert_eq!(shape(PixelFormat::Grey8).whole(&[0; 99]).map(<[u8]>::len), Some(15));
    }

    #[test]
    fn a_jpeg_ends_at_its_own_end_not_at_its_thumbnails() {
        let shape = Shape { format: PixelFormat::Jpeg, width: 0, height: 0 };
        let thumbnail = [0xFF, 0xE1, 0, 6, 0xFF, 0xD8, 0xFF, 0xD9];
        let scan = [0xFF, 0xDA, 0, 2, 1, 0xFF, 0x00, 2, 0xFF, 0xD0, 3, 0xFF, 0xD9];
        let jpeg = [&[0xFF, 0xD8][..], &thumbnail, &scan].concat();
        let buffer = [&jpeg[..], &[9, 9, 0xFF, 0xD9]].concat();
        assert_eq!(shape.whole(&buffer), Some(&jpeg[..]));
        for cut in 0..jpeg.len() {
            assert_eq!(shape.whole(&jpeg[..cut]), None, "cut at {cut}");
        }
    }
}
