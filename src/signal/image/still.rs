//! PNG, WebP, BMP and GIF, by the `image` crate, within limits.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::signal::image::{ImageError, RgbImage, check_size};

/// Bytes that a decoder may reserve: a 64-megapixel RGBA picture.
const MOST_BYTES: u64 = 4 * super::MOST_PIXELS as u64;

/// Decodes a file known by its first bytes.
pub(super) fn decode(bytes: &[u8], into: &mut RgbImage) -> Result<(), ImageError> {
    let known = [
        (&b"\x89PNG\r\n\x1a\n"[..], ImageFormat::Png, "PNG"),
        (b"GIF87a", ImageFormat::Gif, "GIF"),
        (b"GIF89a", ImageFormat::Gif, "GIF"),
        (b"BM", ImageFormat::Bmp, "BMP"),
    ];
    let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    let found = known.into_iter().find(|(magic, ..)| bytes.starts_with(magic));
    let (format, name) = match found {
        Some((_, format, name)) => (format, name),
        None if webp => (ImageFormat::WebP, "WebP"),
        None => return Err(ImageError::Unknown { first: bytes.iter().copied().take(8).collect() }),
    };
    let damaged =
        |error: image::ImageError| ImageError::Damaged { format: name, reason: error.to_string() };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    check_size(width as usize, height as usize)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    picture.apply_orientation(orientation);
    let rgb = picture.into_rgb8();
    into.width = rgb.width() as usize;
    into.height = rgb.height() as usize;
    into.rgb = rgb.into_raw();
    Ok(())
}
