//! Pictures as devices deliver them, and as encoders want them.
//!
//! A picture that is cut short is an error, never a picture with a grey lower half: what is learnt must
//! have been seen.

pub mod decode;
pub mod fit;
mod jpeg;
mod still;
mod yuv;

use thiserror::Error;

/// How `bytes` of a [`RawImage`] are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelFormat {
    /// 3 bytes a pixel.
    Rgb8,
    /// 3 bytes a pixel, blue first.
    Bgr8,
    /// 1 byte a pixel.
    Grey8,
    /// 4:2:2 packed, Y0 U Y1 V.
    Yuyv,
    /// 4:2:2 packed, U Y0 V Y1.
    Uyvy,
    /// 4:2:0, a plane of Y, then U and V interleaved.
    Nv12,
    /// 4:2:0, a plane of Y, then V and U interleaved.
    Nv21,
    /// 4:2:0, planes of Y, U, V.
    I420,
    /// 16 bits a pixel, little-endian, 5-6-5.
    Rgb565,
    /// One JPEG picture; width and height come from its header.
    Jpeg,
    /// One picture file (JPEG, PNG, WebP, BMP, GIF), to be told by its first bytes.
    Encoded,
}

/// One picture as it came, not yet decoded: a frame that is never looked at costs no decoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawImage {
    /// How to read `bytes`.
    pub format: PixelFormat,
    /// Pixels from left to right; 0 where the bytes carry their own size.
    pub width: usize,
    /// Pixels from top to bottom; 0 where the bytes carry their own size.
    pub height: usize,
    /// As the device or file delivered them.
    pub bytes: Vec<u8>,
}

/// A decoded picture, `rgb[(y * width + x) * 3 + channel]`, sRGB, 0–255.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RgbImage {
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// `width * height * 3` bytes.
    pub rgb: Vec<u8>,
}

/// Pixels of the largest picture that is decoded; a header that promises more is refused before
/// anything is reserved for it.
pub const MOST_PIXELS: usize = 64_000_000;

/// Why a picture is not one. The next one may be fine: count it and go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImageError {
    /// Fewer bytes than a picture of this size has: a dropped transfer, or the wrong format.
    #[error(
        "{found} bytes are not a {width} × {height} picture in {format:?}, which has {expected}"
    )]
    Short {
        /// As configured or announced.
        format: PixelFormat,
        /// As configured or announced.
        width: usize,
        /// As configured or announced.
        height: usize,
        /// Bytes that came.
        found: usize,
        /// Bytes that a whole picture has.
        expected: usize,
    },
    /// A header that promises too much, or nothing.
    #[error("a picture of {width} × {height} pixels; 1 to {MOST_PIXELS} pixels are possible")]
    Size {
        /// From the header.
        width: usize,
        /// From the header.
        height: usize,
    },
    /// Damaged or cut short.
    #[error("not a whole {format} picture: {reason}")]
    Damaged {
        /// What it claims to be.
        format: &'static str,
        /// The decoder's words.
        reason: String,
    },
    /// None of the formats that are known by their first bytes.
    #[error("bytes that begin with {first:02x?} are no JPEG, PNG, WebP, BMP or GIF")]
    Unknown {
        /// At most eight.
        first: Vec<u8>,
    },
}

impl RgbImage {
    /// No pixels yet; a place to decode into, kept and reused.
    pub const fn empty() -> Self {
        Self { width: 0, height: 0, rgb: Vec::new() }
    }

    /// Takes on a size; what the pixels are is not said.
    fn resize(&mut self, width: usize, height: usize) -> Result<(), ImageError> {
        check_size(width, height)?;
        self.width = width;
        self.height = height;
        self.rgb.resize(width * height * 3, 0);
        Ok(())
    }
}

fn check_size(width: usize, height: usize) -> Result<(), ImageError> {
    let pixels = width.saturating_mul(height);
    if (1..=MOST_PIXELS).contains(&pixels) {
        Ok(())
    } else {
        Err(ImageError::Size { width, height })
    }
}
