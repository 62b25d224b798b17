//! The text of a drafted manifest.

use crate::config::manifest::Golden;
use crate::encode::draft::Normalise;
use crate::encode::draft::Wishes;
use crate::encode::draft::axes::Reading;
use crate::encode::draft::outputs::Outputs;
use crate::encode::draft::outputs::Tokens;
use crate::encode::draft::window::Kind;
use crate::encode::draft::window::Window;

/// Valid, and replaced once the network has run.
pub(super) const DENSITY_HOLDER: &str = "whitened_nearest";

/// Per channel, on the scale 0 to 255: torchvision's constants times 255. Of grey, timm's: 0.449 and 0.226.
const IMAGENET_MEAN: &str = "[123.675, 116.28, 103.53]";
const IMAGENET_STD: &str = "[58.395, 57.12, 57.375]";

pub(super) fn manifest(
    wishes: &Wishes,
    sha256: &str,
    window: &Window,
    outputs: &Outputs,
) -> String {
    let modality = match window.kind {
        Kind::Sound { .. } | Kind::Samples { .. } => "sound",
        Kind::Picture { .. } => "picture",
    };
    let license = wishes.license.as_deref().unwrap_or("LicenseRef-unknown");
    let source = wishes.source.as_deref().unwrap_or("added by hand");
    let name = &wishes.name;
    format!(
        "name = {name:?}\nlicense = {license:?}\nsource = {source:?}\nfile = {:?}\n\
         sha256 = {sha256:?}\nmodality = {modality:?}\ndensity = {DENSITY_HOLDER:?}\n\n\
         [input]\nshape = {:?}\n\n{}\n[outputs]\n{}{}",
        format!("{name}.onnx"),
        window.shape,
        front_end(window.kind),
        embedding(outputs),
        tokens(&outputs.tokens),
    )
}

fn front_end(kind: Kind) -> String {
    match kind {
        Kind::Sound { frames, bands, bands_first } => format!(
            "[input.sound]\nrate_hz = 16000\nwindow_frames = {frames}\nhop_frames = {}\n\
             frame_samples = 400\nhop_samples = 160\nfft_samples = 512\nmel_bands = {bands}\n\
             low_hz = 125.0\nhigh_hz = 7500.0\nlog_offset = 0.001\nspectrum = \"magnitude\"\n\
             slopes = \"mel\"\n{}",
            frames.div_ceil(2),
            if bands_first { "layout = \"bands_frames\"\n" } else { "" },
        ),
        Kind::Samples { frames, block, whole } => format!(
            "[input.sound]\nrate_hz = 16000\nspectrum = \"samples\"\nwindow_frames = {frames}\n\
             hop_frames = {}\nframe_samples = {block}\nhop_samples = {block}\n\
             fft_samples = {block}\nmel_bands = {block}\n{}",
            frames.div_ceil(2),
            if whole { "scale = 32768.0\n" } else { "" },
        ),
        Kind::Picture { width, height, channels_first, grey, normalise } => {
            let layout = if channels_first { "nchw" } else { "nhwc" };
            let (mean, std) = match (normalise, grey) {
                (Normalise::Imagenet, false) => (IMAGENET_MEAN.into(), IMAGENET_STD.into()),
                (Normalise::Imagenet, true) => ("[114.495]".into(), "[57.63]".into()),
                (Normalise::Symmetric, _) => (each("128.0", grey), each("128.0", grey)),
                (Normalise::Unit, _) => (each("0.0", grey), each("255.0", grey)),
                (Normalise::None, _) => (each("0.0", grey), each("1.0", grey)),
            };
            let channels = if grey { "channels = \"grey\"\n" } else { "" };
            format!(
                "[input.picture]\nwidth = {width}\nheight = {height}\nlayout = {layout:?}\n\
                 fit = \"crop\"\n{channels}mean = {mean}\nstd = {std}\n"
            )
        }
    }
}

/// The same number for each channel.
fn each(number: &str, grey: bool) -> String {
    format!("[{}]", vec![number; if grey { 1 } else { 3 }].join(", "))
}

fn embedding(outputs: &Outputs) -> String {
    let Some(Reading { node, axes, dim, .. }) = &outputs.embedding else {
        return "embedding = { from = \"tokens\", pooling = \"mean\" }\n".into();
    };
    if *axes == "d" {
        return format!("embedding = {{ node = {node:?}, dim = {dim} }}\n");
    }
    format!("embedding = {{ node = {node:?}, axes = {axes:?}, pooling = \"mean\", dim = {dim} }}\n")
}

fn tokens(tokens: &Tokens) -> String {
    match tokens {
        Tokens::Patches { frames, dim } => {
            format!("tokens = {{ from = \"input_patches\", frames = {frames}, dim = {dim} }}\n")
        }
        Tokens::Node(Reading { node, axes, cells, skip, dim }) => {
            let cells = match *cells.as_slice() {
                [rows, cols] => format!("rows = {rows}, cols = {cols}"),
                _ => format!("len = {}", cells.iter().product::<usize>()),
            };
            let skip = if *skip == 0 { String::new() } else { format!("skip = {skip}, ") };
            format!("tokens = {{ node = {node:?}, axes = {axes:?}, {skip}{cells}, dim = {dim} }}\n")
        }
    }
}

pub(super) fn golden(golden: &Golden) -> String {
    let mut text = String::from("\n[golden]\n");
    for (key, values) in [("embedding", &golden.embedding), ("tokens", &golden.tokens)] {
        text += &format!("{key} = [\n");
        for line in values.chunks(6) {
            let line: Vec<String> = line.iter().map(|&value| six_digits(value)).collect();
            text += &format!("    {},\n", line.join(", "));
        }
        text += "]\n";
    }
    text + &format!("tolerance = {:?}\n", golden.tolerance)
}

/// As TOML wants it, rounded to six digits.
fn six_digits(value: f32) -> String {
    let rounded: f32 = format!("{value:.5e}").parse().unwrap_or(value);
    format!("{rounded:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_values_have_six_digits() {
        assert_eq!(six_digits(0.123_456_79), "0.123457");
        assert_eq!(six_digits(-112.956_04), "-112.956");
        assert_eq!(six_digits(0.0), "0.0");
    }
}
