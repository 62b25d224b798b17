//! The signal layer against numpy, librosa, scipy and Pillow; see `tests/golden/*/make.py`.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "common/dev_data.rs"]
mod dev_data;

use std::fs;
use std::path::{Path, PathBuf};

use habituate::config::manifest::{
    Channels, Fit, LogMelSpec, PictureSpec, PixelLayout, Slopes, Spectrum,
};
use habituate::signal::image::decode::{decode_file, decode_into};
use habituate::signal::image::fit::Fitter;
use habituate::signal::image::{PixelFormat, RawImage, RgbImage};
use habituate::signal::logmel::LogMel;
use habituate::signal::resample::RateConverter;

/// The same formula in f64, rounded to f32 at every step here.
const SAME_MATH: f32 = 2e-4;

/// Another filter with the same purpose: 0.1 % of full scale.
const OTHER_FILTER: f32 = 1e-3;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn floats(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap();
    bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

fn yamnet() -> LogMelSpec {
    LogMelSpec {
        frame_samples: 400,
        hop_samples: 160,
        fft_samples: 512,
        bands: 64,
        low_hz: 125.0,
        high_hz: 7500.0,
        log_offset: 0.001,
        spectrum: Spectrum::Magnitude,
        slopes: Slopes::Mel,
    }
}

fn frames(spec: &LogMelSpec, samples: &[f32]) -> Vec<f32> {
    let mut out = Vec::new();
    LogMel::new(spec, 16_000).push(samples, &mut |frame| out.extend_from_slice(frame));
    out
}

fn worst(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    off.fold(0.0, |worst, off| if off <= worst { worst } else { off })
}

#[test]
fn log_mel_is_numpys() {
    let found = frames(&yamnet(), &floats(&golden("logmel/samples.f32")));
    let off = worst(&found, &floats(&golden("logmel/yamnet.f32")));
    assert!(off < SAME_MATH, "off by {off}");
}

#[test]
fn log_mel_on_power_is_librosas() {
    let spec = LogMelSpec {
        frame_samples: 800,
        hop_samples: 256,
        fft_samples: 1024,
        bands: 40,
        low_hz: 50.0,
        high_hz: 8000.0,
        log_offset: 1e-6,
        spectrum: Spectrum::Power,
        slopes: Slopes::Hz,
    };
    let found = frames(&spec, &floats(&golden("logmel/samples.f32")));
    let off = worst(&found, &floats(&golden("logmel/librosa.f32")));
    // The square of a quiet bin is far below what f32 keeps of its loud neighbours.
    assert!(off < 1e-3, "off by {off}");
}

/// The vector that comes with YAMNet's ONNX was made of the sound at full scale, with 0.01 added
/// before the logarithm; all else is the front end of the encoders.
#[test]
fn log_mel_is_what_comes_with_yamnet() {
    let Some(dev) = dev_data::dev_data() else { return };
    let bytes = fs::read(dev.join("encoders/yamnet_test_audio.bin")).unwrap();
    let samples: Vec<f32> =
        bytes.as_chunks::<2>().0.iter().map(|b| f32::from(i16::from_le_bytes(*b))).collect();
    let peak = samples.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
    let samples: Vec<f32> = samples.iter().map(|x| x / peak).collect();
    let found = frames(&LogMelSpec { log_offset: 0.01, ..yamnet() }, &samples);
    let off = worst(&found, &floats(&dev.join("encoders/yamnet_test_spectra.bin")));
    assert!(off < 1e-4, "off by {off}");
}

#[test]
fn resampling_is_scipys() {
    for rate_hz in [8000, 44_100] {
        let samples = floats(&golden(&format!("resample/{rate_hz}.f32")));
        let mut converter = RateConverter::new(rate_hz, 16_000).unwrap();
        let mut found = Vec::new();
        for piece in samples.chunks(123) {
            converter.push(piece, &mut found);
        }
        converter.finish(&mut found);
        let off = worst(&found, &floats(&golden(&format!("resample/{rate_hz}_to_16000.f32"))));
        assert!(off < OTHER_FILTER, "{rate_hz} Hz is off by {off}");
    }
}

/// Mean and largest difference of two pictures.
fn differences(found: &[u8], expected: &[u8]) -> (f64, u8) {
    assert_eq!(found.len(), expected.len());
    let off = found.iter().zip(expected).map(|(&a, &b)| a.abs_diff(b));
    let sum: u64 = off.clone().map(u64::from).sum();
    (sum as f64 / found.len() as f64, off.max().unwrap_or(0))
}

#[test]
fn every_kind_of_picture_decodes_as_in_pillow() {
    // Whole-number transforms may round differently; half-resolution chroma is spread differently.
    for (name, mean, most) in [
        ("444.jpg", 0.5, 3),
        ("422.jpg", 1.5, 40),
        ("420.jpg", 2.0, 60),
        ("progressive.jpg", 2.0, 60),
        ("restarts.jpg", 2.0, 60),
        ("grey.jpg", 0.5, 2),
        ("cmyk.jpg", 1.0, 4),
        ("turned_3.jpg", 0.5, 3),
        ("turned_6.jpg", 0.5, 3),
        ("turned_8.jpg", 0.5, 3),
        ("rgb.png", 0.0, 0),
        ("palette.png", 0.0, 0),
        ("rgb.bmp", 0.0, 0),
        ("palette.gif", 0.0, 0),
        ("lossless.webp", 0.0, 0),
    ] {
        let picture = decode_file(&fs::read(golden(&format!("image/{name}"))).unwrap()).unwrap();
        let expected = fs::read(golden(&format!("image/{name}.rgb"))).unwrap();
        let sideways = ["turned_6.jpg", "turned_8.jpg"].contains(&name);
        let size = if sideways { (34, 45) } else { (45, 34) };
        assert_eq!((picture.width, picture.height), size, "{name}");
        let (found_mean, found_most) = differences(&picture.rgb, &expected);
        assert!(found_mean <= mean && found_most <= most, "{name}: {found_mean}, {found_most}");
    }
}

#[test]
fn resizing_is_pillows() {
    let rgb = fs::read(golden("image/rgb.png.rgb")).unwrap();
    let picture = RgbImage { width: 45, height: 34, rgb };
    for (name, width, height, fit) in [
        ("stretched_16x16", 16, 16, Fit::Stretch),
        ("stretched_60x20", 60, 20, Fit::Stretch),
        ("stretched_45x5", 45, 5, Fit::Stretch),
        ("cropped_16x16", 16, 16, Fit::Crop),
    ] {
        let layout = PixelLayout::Nhwc;
        let (mean, std) = ([0.0; 3], [1.0; 3]);
        let channels = Channels::Rgb;
        let spec = PictureSpec { width, height, layout, fit, channels, mean, std };
        let mut out = Vec::new();
        Fitter::new(&spec).fit(&picture, &mut out).unwrap();
        let expected = fs::read(golden(&format!("image/{name}.rgb"))).unwrap();
        let expected: Vec<f32> = expected.into_iter().map(f32::from).collect();
        let off = worst(&out, &expected);
        assert!(off <= 1.0, "{name} is off by {off}");
    }
}

#[test]
fn a_jpeg_without_its_tables_means_the_standards() {
    let whole = fs::read(golden("image/444.jpg")).unwrap();
    let expected = decode_file(&whole).unwrap();
    // Pillow writes the standard tables; without them the picture must be the same.
    let mut bare = whole[..2].to_vec();
    let mut at = 2;
    while whole[at + 1] != 0xDA {
        let next = at + 2 + usize::from(u16::from_be_bytes([whole[at + 2], whole[at + 3]]));
        if whole[at + 1] != 0xC4 {
            bare.extend_from_slice(&whole[at..next]);
        }
        at = next;
    }
    bare.extend_from_slice(&whole[at..]);
    assert!(bare.len() + 400 < whole.len());
    assert_eq!(decode_file(&bare).unwrap(), expected);
}

#[test]
fn a_picture_cut_short_is_an_error_at_every_cut() {
    for name in ["444.jpg", "420.jpg", "progressive.jpg", "restarts.jpg", "grey.jpg", "rgb.png"] {
        let whole = fs::read(golden(&format!("image/{name}"))).unwrap();
        let expected = decode_file(&whole).unwrap();
        for cut in 0..whole.len() {
            // Without its end marker, or its last few bits of padding, all of a picture is there.
            match decode_file(&whole[..cut]) {
                Ok(picture) => assert!(
                    picture == expected && whole.len() - cut <= 16,
                    "{name} cut at {cut} of {} passed as whole",
                    whole.len()
                ),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}

/// A camera that drops a packet still writes its end marker.
#[test]
fn an_end_marker_behind_half_a_picture_deceives_nobody() {
    for name in ["444.jpg", "420.jpg", "restarts.jpg", "grey.jpg"] {
        let whole = fs::read(golden(&format!("image/{name}"))).unwrap();
        let expected = decode_file(&whole).unwrap();
        let scan = whole.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap() + 14;
        let deceived: Vec<usize> = (scan..whole.len() - 2)
            .filter(|&cut| {
                let ended = [&whole[..cut], &[0xFF, 0xD9]].concat();
                decode_file(&ended).is_ok_and(|picture| picture != expected)
            })
            .collect();
        assert!(deceived.is_empty(), "{name} of {}: {deceived:?}", whole.len());
    }
}

#[test]
fn flipped_bits_never_panic_and_size_bombs_are_refused_at_once() {
    let whole = fs::read(golden("image/420.jpg")).unwrap();
    for at in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        if let Ok(picture) = decode_file(&flipped) {
            assert_eq!(picture.rgb.len(), picture.width * picture.height * 3);
        }
    }
    let frame = whole.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    let mut bomb = whole;
    bomb[frame + 5..frame + 9].fill(0xFF);
    let shown = decode_file(&bomb).unwrap_err().to_string();
    assert!(shown.contains("65535 × 65535") && shown.contains("64000000"), "{shown}");
}

/// `dev/robustness/image/expected.tsv`, row by row.
#[test]
fn the_odd_and_broken_pictures_give_what_is_expected() {
    let Some(dev) = dev_data::dev_data() else { return };
    let table = fs::read_to_string(dev.join("robustness/expected.tsv")).unwrap();
    let mut wrong = Vec::new();
    let mut into = RgbImage::empty();
    for line in table.lines().filter(|line| line.starts_with("image/")) {
        let fields: Vec<&str> = line.split('\t').collect();
        let bytes = fs::read(dev.join("robustness").join(fields[0])).unwrap();
        let found = decode_file(&bytes).map(|picture| (picture.width, picture.height));
        if bytes.starts_with(&[0xFF, 0xD8]) {
            let raw = RawImage { format: PixelFormat::Jpeg, width: 0, height: 0, bytes };
            let again = decode_into(&raw, &mut into).map(|()| (into.width, into.height));
            assert_eq!(found.is_ok(), again.is_ok(), "{}", fields[0]);
        }
        let expected = fields[2];
        let fine = match &found {
            Ok(_) => expected.contains("decode") || expected.contains("first frame"),
            Err(_) => expected.contains("error"),
        };
        if !fine {
            wrong.push(format!("{}: {expected:?}, but {found:?}", fields[0]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
