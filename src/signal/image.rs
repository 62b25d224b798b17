//! Pictures as devices deliver them, and as encoders want them.

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
