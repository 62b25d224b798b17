//! Uncompressed pixels to RGB.
//!
//! YUV is taken as BT.601 with limited range (16–235), which UVC cameras and V4L2 mean where they say
//! nothing else. Rows are tightly packed. In whole numbers with 8 fractional bits:
//! `R = 1.164 (Y − 16) + 1.596 V'`, `G = 1.164 (Y − 16) − 0.392 U' − 0.813 V'`,
//! `B = 1.164 (Y − 16) + 2.017 U'`, with `U' = U − 128`, `V' = V − 128` (ITU-R BT.601).

use crate::signal::image::{ImageError, PixelFormat, RawImage, RgbImage, check_size};

/// Converts `raw`, whose format is not [`PixelFormat::Jpeg`], into `into`.
pub(super) fn convert(raw: &RawImage, into: &mut RgbImage) -> Result<(), ImageError> {
    let (width, height) = (raw.width, raw.height);
    check_size(width, height)?;
    let expected = byte_len(raw.format, width, height);
    let found = raw.bytes.len();
    let Some(bytes) = raw.bytes.get(..expected) else {
        return Err(ImageError::Short { format: raw.format, width, height, found, expected });
    };
    into.resize(width, height)?;
    let rows = into.rgb.chunks_exact_mut(width * 3);
    match raw.format {
        PixelFormat::Rgb8 | PixelFormat::Jpeg | PixelFormat::Encoded => {
            into.rgb.copy_from_slice(bytes);
        }
        PixelFormat::Bgr8 => {
            for (out, pixel) in pixels(&mut into.rgb).zip(bytes.as_chunks::<3>().0) {
                *out = [pixel[2], pixel[1], pixel[0]];
            }
        }
        PixelFormat::Grey8 => {
            for (out, &grey) in pixels(&mut into.rgb).zip(bytes) {
                *out = [grey; 3];
            }
        }
        PixelFormat::Rgb565 => {
            for (out, &pixel) in pixels(&mut into.rgb).zip(bytes.as_chunks::<2>().0) {
                *out = rgb565(u16::from_le_bytes(pixel));
            }
        }
        PixelFormat::Yuyv => {
            for (row, line) in rows.zip(bytes.chunks_exact(4 * width.div_ceil(2))) {
                packed(row, line, |[y0, u, y1, v]| ([y0, y1], u, v));
            }
        }
        PixelFormat::Uyvy => {
            for (row, line) in rows.zip(bytes.chunks_exact(4 * width.div_ceil(2))) {
                packed(row, line, |[u, y0, v, y1]| ([y0, y1], u, v));
            }
        }
        PixelFormat::Nv12 | PixelFormat::Nv21 => {
            let swapped = raw.format == PixelFormat::Nv21;
            let (luma, chroma) = bytes.split_at(width * height);
            let chroma_len = 2 * width.div_ceil(2);
            for (y, (row, line)) in rows.zip(luma.chunks_exact(width)).enumerate() {
                let chroma = &chroma[y / 2 * chroma_len..][..chroma_len];
                planar(row, line, |pair| {
                    let (a, b) = (chroma[2 * pair], chroma[2 * pair + 1]);
                    if swapped { (b, a) } else { (a, b) }
                });
            }
        }
        PixelFormat::I420 => {
            let (luma, chroma) = bytes.split_at(width * height);
            let chroma_len = width.div_ceil(2);
            let (blue, red) = chroma.split_at(chroma_len * height.div_ceil(2));
            for (y, (row, line)) in rows.zip(luma.chunks_exact(width)).enumerate() {
                let at = y / 2 * chroma_len;
                planar(row, line, |pair| (blue[at + pair], red[at + pair]));
            }
        }
    }
    Ok(())
}

/// Bytes of a whole picture. Odd sizes keep a whole pair of chroma at the margin.
const fn byte_len(format: PixelFormat, width: usize, height: usize) -> usize {
    let pixels = width * height;
    match format {
        PixelFormat::Rgb8 | PixelFormat::Bgr8 | PixelFormat::Jpeg | PixelFormat::Encoded => {
            3 * pixels
        }
        PixelFormat::Grey8 => pixels,
        PixelFormat::Rgb565 => 2 * pixels,
        PixelFormat::Yuyv | PixelFormat::Uyvy => 4 * width.div_ceil(2) * height,
        PixelFormat::Nv12 | PixelFormat::Nv21 | PixelFormat::I420 => {
            pixels + 2 * width.div_ceil(2) * height.div_ceil(2)
        }
    }
}

fn pixels(rgb: &mut [u8]) -> impl Iterator<Item = &mut [u8; 3]> {
    rgb.as_chunks_mut::<3>().0.iter_mut()
}

fn packed(row: &mut [u8], line: &[u8], split: impl Fn([u8; 4]) -> ([u8; 2], u8, u8)) {
    for (pair, &bytes) in row.chunks_mut(6).zip(line.as_chunks::<4>().0) {
        let (luma, u, v) = split(bytes);
        for (out, y) in pixels(pair).zip(luma) {
            *out = to_rgb(y, u, v);
        }
    }
}

fn planar(row: &mut [u8], luma: &[u8], chroma: impl Fn(usize) -> (u8, u8)) {
    for (index, (pair, luma)) in row.chunks_mut(6).zip(luma.chunks(2)).enumerate() {
        let (u, v) = chroma(index);
        for (out, &y) in pixels(pair).zip(luma) {
            *out = to_rgb(y, u, v);
        }
    }
}

fn to_rgb(y: u8, u: u8, v: u8) -> [u8; 3] {
    let (c, d, e) = (i32::from(y) - 16, i32::from(u) - 128, i32::from(v) - 128);
    let scale = |sum: i32| u8::try_from(((sum + 128) >> 8).clamp(0, 255)).unwrap_or(0);
    [scale(298 * c + 409 * e), scale(298 * c - 100 * d - 208 * e), scale(298 * c + 516 * d)]
}

/// 5 and 6 bits to 8, so that the brightest is 255.
fn rgb565(pixel: u16) -> [u8; 3] {
    let part = |shift: u16, most: u16| {
        let value = (pixel >> shift) & most;
        u8::try_from((u32::from(value) * 255 + u32::from(most) / 2) / u32::from(most)).unwrap_or(0)
    };
    [part(11, 31), part(5, 63), part(0, 31)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(format: PixelFormat, width: usize, height: usize, bytes: &[u8]) -> Vec<u8> {
        let raw = RawImage { format, width, height, bytes: bytes.to_vec() };
        let mut into = RgbImage::empty();
        convert(&raw, &mut into).unwrap();
        assert_eq!((into.width, into.height), (width, height));
        into.rgb
    }

    #[test]
    fn black_white_and_the_primaries_come_out_as_such() {
        // BT.601 limited range, rounded: the 75 % bars are not used, these are full.
        for (yuv, rgb) in [
            ([16, 128, 128], [0, 0, 0]),
            ([235, 128, 128], [255, 255, 255]),
            ([81, 90, 240], [255, 0, 0]),
            ([145, 54, 34], [0, 255, 0]),
            ([41, 240, 110], [0, 0, 255]),
        ] {
            let [y, u, v] = yuv;
            let found = to_rgb(y, u, v);
            let off = found.iter().zip(rgb).map(|(&a, b)| a.abs_diff(b)).max().unwrap();
            // Whole-number YUV cannot say the primaries exactly.
            assert!(off <= 2, "{yuv:?} became {found:?}, not {rgb:?}");
        }
    }

    #[test]
    fn every_order_of_the_same_pixels_gives_the_same_picture() {
        // 3 × 3, so that the margins have half a pair of chroma.
        let luma = [20, 60, 100, 140, 180, 220, 50, 90, 130];
        let (u, v) = ([100, 110, 120, 140], [90, 100, 150, 160]);
        let mut expected = Vec::new();
        for y in 0..3 {
            for x in 0..3 {
                let at = y / 2 * 2 + x / 2;
                expected.extend(to_rgb(luma[y * 3 + x], u[at], v[at]));
            }
        }
        let i420 = [&luma[..], &u, &v].concat();
        assert_eq!(converted(PixelFormat::I420, 3, 3, &i420), expected);
        let pairs = |a: [u8; 4], b: [u8; 4]| a.into_iter().zip(b).flat_map(|(a, b)| [a, b]);
        let nv12: Vec<u8> = luma.into_iter().chain(pairs(u, v)).collect();
        assert_eq!(converted(PixelFormat::Nv12, 3, 3, &nv12), expected);
        let nv21: Vec<u8> = luma.into_iter().chain(pairs(v, u)).collect();
        assert_eq!(converted(PixelFormat::Nv21, 3, 3, &nv21), expected);
        let mut yuyv = Vec::new();
        let mut uyvy = Vec::new();
        for y in 0..3 {
            for pair in 0..2 {
                let (y0, y1) = (luma[y * 3 + 2 * pair], luma.get(y * 3 + 2 * pair + 1));
                let (y1, at) = (*y1.unwrap_or(&0), y / 2 * 2 + pair);
                yuyv.extend([y0, u[at], y1, v[at]]);
                uyvy.extend([u[at], y0, v[at], y1]);
            }
        }
        assert_eq!(converted(PixelFormat::Yuyv, 3, 3, &yuyv), expected);
        assert_eq!(converted(PixelFormat::Uyvy, 3, 3, &uyvy), expected);
    }

    #[test]
    fn plain_orders_are_put_right() {
        assert_eq!(converted(PixelFormat::Bgr8, 1, 1, &[1, 2, 3]), [3, 2, 1]);
        assert_eq!(converted(PixelFormat::Rgb8, 1, 1, &[1, 2, 3]), [1, 2, 3]);
        assert_eq!(converted(PixelFormat::Grey8, 2, 1, &[7, 9]), [7, 7, 7, 9, 9, 9]);
        let pure = [0x00, 0xF8, 0xE0, 0x07, 0x1F, 0x00];
        let primaries = [255, 0, 0, 0, 255, 0, 0, 0, 255];
        assert_eq!(converted(PixelFormat::Rgb565, 3, 1, &pure), primaries);
    }

    #[test]
    fn a_short_or_impossible_picture_is_refused_in_every_format() {
        use PixelFormat::{Bgr8, Grey8, I420, Nv12, Nv21, Rgb8, Rgb565, Uyvy, Yuyv};
        for format in [Rgb8, Bgr8, Grey8, Yuyv, Uyvy, Nv12, Nv21, I420, Rgb565] {
            let mut bytes = vec![0; byte_len(format, 17, 9) - 1];
            let mut into = RgbImage::empty();
            let raw = RawImage { format, width: 17, height: 9, bytes: bytes.clone() };
            let shown = convert(&raw, &mut into).unwrap_err().to_string();
            assert!(
                shown.contains("17 × 9") && shown.contains(&bytes.len().to_string()),
                "{shown}"
            );
            bytes.push(0);
            convert(&RawImage { format, width: 17, height: 9, bytes }, &mut into).unwrap();
            for (width, height) in [(0, 9), (usize::MAX, 2), (65_535, 65_535)] {
                let raw = RawImage { format, width, height, bytes: Vec::new() };
                assert!(matches!(convert(&raw, &mut into), Err(ImageError::Size { .. })));
            }
        }
    }
}
