//! JPEG: stills, and the frames of MJPEG streams.

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage as Turned};
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::signal::image::{ImageError, RgbImage, check_size};

/// Longest side that a JPEG header can state.
const LONGEST_SIDE: usize = 65_535;

/// Decodes one picture, turned as its EXIF orientation asks.
///
/// Frames of MJPEG cameras may leave out their Huffman tables; the standard's own are meant then.
///
/// Method: the decoder takes an end marker that comes too early for a reason to invent the rest, so
/// one-bits are put in front of it. Behind a whole picture nobody reads them; behind a part of one, they
/// are no Huffman code of any JPEG (ITU-T T.81, Annex C, keeps codes of all ones free), hence an error.
/// A missing end marker is put there likewise, except on progressive pictures: theirs could end
/// between two scans, with all of the picture coarse.
pub(super) fn decode(bytes: &[u8], into: &mut RgbImage) -> Result<(), ImageError> {
    let header = scan_header(bytes);
    let Some(scan_at) = header.scan_at else { return decode_guarded(bytes, into) };
    let (head, scan) = bytes.split_at(scan_at);
    let end = scan.windows(2).position(|pair| pair == END);
    if end.is_none() && header.progressive {
        return decode_guarded(bytes, into);
    }
    let scan = &scan[..end.unwrap_or(scan.len())];
    let tables: &[u8] = if header.has_tables { &[] } else { &STANDARD_TABLES };
    decode_guarded(&[head, tables, scan, &[0xFF, 0x00].repeat(GUARD), &END].concat(), into)
}

/// The end marker.
const END: [u8; 2] = [0xFF, 0xD9];

/// Bytes of one-bits in front of the end: more than the decoder reads ahead.
const GUARD: usize = 32;

fn damaged(error: &DecodeErrors) -> ImageError {
    ImageError::Damaged { format: "JPEG", reason: error.to_string() }
}

fn decode_guarded(bytes: &[u8], into: &mut RgbImage) -> Result<(), ImageError> {
    let options = DecoderOptions::new_fast()
        .set_strict_mode(true)
        .set_max_width(LONGEST_SIDE)
        .set_max_height(LONGEST_SIDE)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| damaged(&error))?;
    let (width, height) =
        decoder.info().map_or((0, 0), |info| (info.width.into(), info.height.into()));
    check_size(width, height)?;
    into.resize(width, height)?;
    decoder.decode_into(&mut into.rgb).map_err(|error| damaged(&error))?;
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    turn(orientation.unwrap_or(Orientation::NoTransforms), into);
    Ok(())
}

fn turn(orientation: Orientation, picture: &mut RgbImage) {
    if orientation == Orientation::NoTransforms {
        return;
    }
    let (Ok(width), Ok(height)) = (u32::try_from(picture.width), u32::try_from(picture.height))
    else {
        return;
    };
    let rgb = std::mem::take(&mut picture.rgb);
    if let Some(buffer) = Turned::from_raw(width, height, rgb) {
        let mut turned = DynamicImage::ImageRgb8(buffer);
        turned.apply_orientation(orientation);
        let turned = turned.into_rgb8();
        picture.width = turned.width() as usize;
        picture.height = turned.height() as usize;
        picture.rgb = turned.into_raw();
    }
}

/// What stands in front of the first scan.
struct Header {
    /// Where the first scan begins; `None` where the segments are damaged, which the decoder then names.
    scan_at: Option<usize>,
    has_tables: bool,
    progressive: bool,
}

fn scan_header(bytes: &[u8]) -> Header {
    const PROGRESSIVE: u8 = 0xC2;
    const TABLES: u8 = 0xC4;
    const SCAN: u8 = 0xDA;
    let mut header = Header { scan_at: None, has_tables: false, progressive: false };
    let mut at = 2;
    while let Some(&[0xFF, marker, high, low]) = bytes.get(at..).and_then(|b| b.first_chunk()) {
        header.has_tables |= marker == TABLES;
        header.progressive |= marker == PROGRESSIVE;
        if marker == SCAN {
            header.scan_at = Some(at);
            break;
        }
        // 0xFF is a fill byte in front of a marker.
        at += if marker == 0xFF { 1 } else { 2 + usize::from(u16::from_be_bytes([high, low])) };
    }
    header
}

/// The segment of typical Huffman tables of ITU-T T.81, Annex K.3.
static STANDARD_TABLES: [u8; 420] = standard_tables();

const fn standard_tables() -> [u8; 420] {
    let mut out = [0; 420];
    let head = [0xFF, 0xC4, 0x01, 0xA2];
    let mut at = copy(&mut out, 0, &head);
    at = copy(&mut out, at, &[0x00]);
    at = copy(&mut out, at, &DC_LUMA_COUNTS);
    at = copy(&mut out, at, &DC_VALUES);
    at = copy(&mut out, at, &[0x10]);
    at = copy(&mut out, at, &AC_LUMA_COUNTS);
    at = copy(&mut out, at, &AC_LUMA_VALUES);
    at = copy(&mut out, at, &[0x01]);
    at = copy(&mut out, at, &DC_CHROMA_COUNTS);
    at = copy(&mut out, at, &DC_VALUES);
    at = copy(&mut out, at, &[0x11]);
    at = copy(&mut out, at, &AC_CHROMA_COUNTS);
    at = copy(&mut out, at, &AC_CHROMA_VALUES);
    assert!(at == 420, "the segment's length is in its head");
    out
}

const fn copy(out: &mut [u8; 420], at: usize, from: &[u8]) -> usize {
    let mut index = 0;
    while index < from.len() {
        out[at + index] = from[index];
        index += 1;
    }
    at + from.len()
}

const DC_VALUES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const DC_LUMA_COUNTS: [u8; 16] = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
const DC_CHROMA_COUNTS: [u8; 16] = [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
const AC_LUMA_COUNTS: [u8; 16] = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D];
const AC_CHROMA_COUNTS: [u8; 16] = [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77];
#[rustfmt::skip]
const AC_LUMA_VALUES: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
    0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0,
    0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0A, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2A, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
    0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
    0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7,
    0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3, 0xC4, 0xC5,
    0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xE1, 0xE2,
    0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8,
    0xF9, 0xFA,
];
#[rustfmt::skip]
const AC_CHROMA_VALUES: [u8; 162] = [
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
    0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0,
    0x15, 0x62, 0x72, 0xD1, 0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25, 0xF1, 0x17, 0x18, 0x19, 0x1A, 0x26,
    0x27, 0x28, 0x29, 0x2A, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
    0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
    0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
    0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5,
    0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3,
    0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA,
    0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8,
    0xF9, 0xFA,
];
