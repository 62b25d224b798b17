//! From a device's or a file's bytes to RGB.

use crate::signal::image::{ImageError, PixelFormat, RawImage, RgbImage, jpeg, still, yuv};

/// Decodes one picture into `into`, whose memory is reused.
///
/// # Errors
///
/// [`ImageError`]; what `into` holds afterwards is not said.
pub fn decode_into(raw: &RawImage, into: &mut RgbImage) -> Result<(), ImageError> {
    match raw.format {
        PixelFormat::Jpeg | PixelFormat::Encoded => encoded_into(&raw.bytes, into),
        _ => yuv::convert(raw, into),
    }
}

/// Decodes the bytes of a picture file – JPEG, PNG, WebP, BMP or GIF (its first frame), told apart by
/// their first bytes, never by a name. Orientation notes are followed; transparency is dropped.
///
/// # Errors
///
/// [`ImageError`].
pub fn decode_file(bytes: &[u8]) -> Result<RgbImage, ImageError> {
    let mut image = RgbImage::empty();
    encoded_into(bytes, &mut image)?;
    Ok(image)
}

fn encoded_into(bytes: &[u8], into: &mut RgbImage) -> Result<(), ImageError> {
    if bytes.starts_with(&[0xFF, 0xD8]) {
        jpeg::decode(bytes, into)
    } else {
        still::decode(bytes, into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_picture_say_so() {
        for bytes in [&b""[..], b"\0\0\0\0\0\0\0\0\0", b"RIFF....WAVE", b"hello, this is text"] {
            let shown = decode_file(bytes).unwrap_err().to_string();
            assert!(shown.contains("no JPEG, PNG, WebP, BMP or GIF"), "{shown}");
        }
    }
}
