//! Encoders: ours against ONNX's reference, the development encoders against ONNX Runtime, and every
//! way in which a manifest and a network can disagree. See `tests/golden/encoders/make.py`.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "common/dev_data.rs"]
mod dev_data;

use std::fs;
use std::path::{Path, PathBuf};

use habituate::config::manifest::{FrontEnd, Manifest};
use habituate::encode::bundled;
use habituate::encode::encoder::OnnxEncoder;
use habituate::encode::error::EncodeError;
use habituate::encode::latent::Latent;
use habituate::encode::picture::PictureFrontEnd;
use habituate::encode::selftest::{encode_builtin, selftest};
use habituate::encode::sound::SoundFrontEnd;
use habituate::encode::{Encoder, EncoderWindow, open};
use habituate::nn::layout::Layout;
use habituate::signal::image::decode::decode_file;
use habituate::signal::image::{PixelFormat, RawImage};
use sha2::{Digest, Sha256};

/// Agreement with another runtime on the same graph, as a share of the largest magnitude.
const OTHER_RUNTIME: f32 = 1e-3;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

fn floats(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap();
    bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let most = expected.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    for (at, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= OTHER_RUNTIME * most, "{what}[{at}]: {a}, not {b} (of {most})");
    }
}

#[test]
fn bundled_encoders_give_what_they_gave_where_they_were_made() {
    for bundled in bundled::all() {
        assert!(bundled.onnx.len() <= 4_000_000, "{} is too large to ship", bundled.name);
        let mut encoder = open(bundled.name, None).unwrap();
        assert_eq!(encoder.manifest().name, bundled.name);
        let outcome = selftest(encoder.as_mut()).unwrap();
        assert!(outcome.passed && outcome.max_error.is_some(), "{}: {outcome:?}", bundled.name);
    }
    for (name, sound) in [(bundled::DEFAULT_SOUND, true), (bundled::DEFAULT_PICTURE, false)] {
        let manifest = bundled::find(name).unwrap().manifest().unwrap();
        assert_eq!(manifest.is_sound(), sound, "{name}");
    }
}

#[test]
fn a_wrong_golden_value_fails_the_selftest() {
    let bundled = bundled::find(bundled::DEFAULT_SOUND).unwrap();
    let mut manifest = bundled.manifest().unwrap();
    let golden = manifest.golden.as_mut().unwrap();
    golden.embedding[3] += 0.01;
    let mut encoder = OnnxEncoder::new(manifest, bundled.onnx, "changed").unwrap();
    let outcome = selftest(&mut encoder).unwrap();
    assert!(!outcome.passed, "{outcome:?}");
}

#[test]
fn an_encoder_gives_the_same_bits_every_time() {
    for bundled in bundled::all() {
        let mut encoder = open(bundled.name, None).unwrap();
        let first = encode_builtin(encoder.as_mut()).unwrap();
        let again = encode_builtin(encoder.as_mut()).unwrap();
        let fresh = encode_builtin(open(bundled.name, None).unwrap().as_mut()).unwrap();
        assert_eq!(first, again, "{}", bundled.name);
        assert_eq!(first, fresh, "{}", bundled.name);
    }
}

#[test]
fn the_development_encoders_agree_with_onnx_runtime() {
    let Some(dev) = dev_data::dev_data() else { return };
    for name in ["yamnet", "mobilenet_v2", "mobilenet_v1_025", "prototype_sound"] {
        let reference = here(&format!("encoders/{name}.toml"));
        let text = fs::read_to_string(&reference).unwrap();
        let file = dev.join("encoders").join(&Manifest::parse(&text).unwrap().file);
        if !file.is_file() {
            eprintln!("skipped: no {}", file.display());
            continue;
        }
        let mut encoder = open(reference.to_str().unwrap(), Some(&file)).unwrap();
        let outcome = selftest(encoder.as_mut()).unwrap();
        assert!(outcome.passed && outcome.max_error.is_some(), "{name}: {outcome:?}");

        let mut latent = Latent::zeros(encoder.shape());
        let window = real_window(encoder.manifest(), &dev);
        encoder.encode(&window, &mut latent).unwrap();
        let golden = |what: &str| floats(&here(&format!("golden/encoders/{name}_{what}.f32")));
        assert_close(&latent.embedding, &golden("embedding"), name);
        let tokens: Vec<f32> = latent.tokens.iter().copied().step_by(13).collect();
        assert_close(&tokens, &golden("tokens"), name);
    }
}

/// The sound that comes with YAMNet, or a cut of a photograph.
fn real_window(manifest: &Manifest, dev: &Path) -> EncoderWindow {
    match &manifest.input.front_end {
        FrontEnd::Sound(spec) => {
            let bytes = fs::read(dev.join("encoders/yamnet_test_audio.bin")).unwrap();
            let samples: Vec<f32> = bytes
                .as_chunks::<2>()
                .0
                .iter()
                .map(|b| f32::from(i16::from_le_bytes(*b)) / 32_768.0)
                .collect();
            let mut windows = Vec::new();
            SoundFrontEnd::new(manifest)
                .unwrap()
                .push(&samples, spec.rate_hz, &mut |window| windows.push(window.clone()))
                .unwrap();
            assert_eq!(windows.len(), 1);
            windows.remove(0)
        }
        FrontEnd::Picture(spec) => {
            let photo =
                decode_file(&fs::read(dev.join("robustness/image/a.bmp")).unwrap()).unwrap();
            let mut bytes = Vec::new();
            for y in 100..100 + spec.height {
                let at = (y * photo.width + 200) * 3;
                bytes.extend_from_slice(&photo.rgb[at..at + spec.width * 3]);
            }
            let (format, width, height) = (PixelFormat::Rgb8, spec.width, spec.height);
            let image = RawImage { format, width, height, bytes };
            PictureFrontEnd::new(manifest).unwrap().window(&image, 1.0, 0.5).unwrap().0.clone()
        }
    }
}

const YAMNET_MIDDLE: &str = r#"
name = "yamnet-middle"
license = "Apache-2.0"
source = "a test"
file = "yamnet_spectra.encoder.onnx"
sha256 = "329f25148921cfaa24cca98c5f491564b8b815591713111fd8b4ce829dd7077c"
modality = "sound"
[input.sound]
[outputs]
embedding = { node = "a89", axes = "dhw", pooling = "mean", dim = 1024 }
tokens = { node = "a85", axes = "dhw", rows = 6, cols = 4, dim = 512 }
"#;

#[test]
fn any_node_can_be_tokens_and_our_pooling_is_the_graphs() {
    let Some(dev) = dev_data::dev_data() else { return };
    let bytes = fs::read(dev.join("encoders/yamnet_spectra.encoder.onnx")).unwrap();
    let manifest = Manifest::parse(YAMNET_MIDDLE).unwrap();
    let mut encoder = OnnxEncoder::new(manifest, &bytes[..], "yamnet").unwrap();
    assert_eq!(encoder.shape().layout, Layout::Grid { rows: 6, cols: 4 });
    let mut latent = Latent::zeros(encoder.shape());
    encoder.encode(&real_window(encoder.manifest(), &dev), &mut latent).unwrap();
    assert!(latent.is_finite() && latent.tokens.iter().any(|&x| 0.0 < x));
    assert_close(&latent.embedding, &floats(&here("golden/encoders/yamnet_embedding.f32")), "mean");
}

const ODD: &str = r#"
name = "odd"
license = "MIT"
source = "a test"
file = "odd.onnx"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
modality = "sound"
[input.sound]
[outputs]
embedding = { from = "tokens", pooling = "mean_max" }
tokens = { node = "tokens", axes = "td", len = 96, dim = 64 }
"#;

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Loads `bytes` with a manifest that is `text` with their own hash.
fn load(text: &str, bytes: &[u8]) -> Result<OnnxEncoder, EncodeError> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = lines.iter().position(|line| line.starts_with("sha256")).unwrap();
    lines[at] = format!("sha256 = {:?}", hex(bytes));
    let manifest = Manifest::parse(&lines.join("\n")).unwrap();
    OnnxEncoder::new(manifest, bytes, "given.onnx")
}

#[test]
fn another_file_is_refused_before_it_is_parsed() {
    let manifest = Manifest::parse(ODD).unwrap();
    let bytes = b"this would not even parse";
    let shown = OnnxEncoder::new(manifest, &bytes[..], "given.onnx").unwrap_err().to_string();
    for part in ["given.onnx", "odd", &hex(bytes), &"0".repeat(64), "sha256"] {
        assert!(shown.contains(part), "{part:?} missing in: {shown}");
    }
    let shown = load(ODD, bytes).unwrap_err().to_string();
    assert!(shown.contains("the network of odd cannot be used"), "{shown}");
    let shown = load(ODD, b"").unwrap_err().to_string();
    assert!(shown.contains("the network of odd cannot be used"), "{shown}");
}

#[test]
fn unknown_operators_are_named() {
    let bytes = fs::read(here("golden/encoders/odd.onnx")).unwrap();
    let shown = load(ODD, &bytes).unwrap_err().to_string();
    assert!(shown.contains("odd") && shown.contains("not supported: Wishful;"), "{shown}");
}

/// A network for speech, which wants the sample rate and its own state of the window before.
#[test]
fn a_network_with_a_state_is_refused_with_what_it_wants() {
    let Some(dev) = dev_data::dev_data() else { return };
    let bytes = fs::read(dev.join("encoders/silero_vad.onnx")).unwrap();
    let text = ODD.replace("[input.sound]", "[input]\nnode = \"input\"\n[input.sound]");
    let shown = load(&text, &bytes).unwrap_err().to_string();
    assert!(shown.contains("wants sr, h, c besides input"), "{shown}");
}

#[test]
fn names_and_shapes_that_are_not_in_the_graph_are_told_with_those_that_are() {
    let ours = bundled::find(bundled::DEFAULT_SOUND).unwrap();
    let load = |from: &str, to: &str| {
        assert!(ours.manifest.contains(from), "{from:?} is not in the manifest");
        load(&ours.manifest.replace(from, to), ours.onnx).unwrap_err().to_string()
    };
    let shown = load("node = \"tokens\"", "node = \"token\"");
    assert!(shown.contains("has no node \"token\"; it has tokens, "), "{shown}");
    let shown = load("len = 12, dim = 64", "len = 24, dim = 32");
    assert!(shown.contains("has the shape [12, 64]") && shown.contains("[24, 32]"), "{shown}");
    let shown = load("\"embedding\", dim = 192", "\"embedding\", dim = 200");
    assert!(shown.contains("has the shape [192]") && shown.contains("[200]"), "{shown}");
    let shown = load("mel_bands = 64", "mel_bands = 40");
    assert!(shown.contains("\"input\"") && shown.contains("3840 numbers"), "{shown}");
    let shown = load("[input.sound]", "[input]\nnode = \"audio\"\n[input.sound]");
    assert!(shown.contains("has no input \"audio\"; it has input"), "{shown}");
}

#[test]
fn pooling_leaves_out_what_is_not_real() {
    let ours = bundled::find(bundled::DEFAULT_SOUND).unwrap();
    let text = ours.manifest.replace(
        "{ node = \"embedding\", dim = 192 }",
        "{ from = \"tokens\", pooling = \"mean\" }",
    );
    let text = text.split("\n[golden]").next().unwrap();
    let mut encoder = load(text, ours.onnx).unwrap();
    let mut latent = Latent::zeros(encoder.shape());
    let mut front_end = SoundFrontEnd::new(encoder.manifest()).unwrap();
    let mut windows = Vec::new();
    let mut emit = |window: &EncoderWindow| windows.push(window.clone());
    let hum: Vec<f32> = (0..4000).map(|n| (n as f32 * 0.3).sin()).collect();
    front_end.push(&hum, 16_000, &mut emit).unwrap();
    front_end.finish(&mut emit);
    encoder.encode(&windows[0], &mut latent).unwrap();
    assert_eq!(latent.valid_tokens, 4, "4000 samples reach into the fourth token of 1280");
    for dim in 0..64 {
        let mean = (0..4).map(|token| latent.tokens[[token, dim]]).sum::<f32>() / 4.0;
        assert!((latent.embedding[dim] - mean).abs() <= 1e-4 * mean.abs().max(1.0));
    }
}

#[test]
fn a_window_for_another_encoder_is_refused() {
    let mut encoder = open(bundled::DEFAULT_SOUND, None).unwrap();
    let mut latent = Latent::zeros(encoder.shape());
    let window = EncoderWindow {
        start_s: 0.0,
        end_s: 1.0,
        valid: 1.0,
        input: vec![0.0; 7],
        signal: Vec::new(),
    };
    let shown = encoder.encode(&window, &mut latent).unwrap_err().to_string();
    assert!(shown.contains("7 numbers") && shown.contains("6144"), "{shown}");
    assert!(PictureFrontEnd::new(encoder.manifest()).is_err());
}

#[test]
fn what_cannot_be_opened_says_why() {
    let shown = open("yamnett", None).err().unwrap().to_string();
    assert!(shown.contains("\"yamnett\"") && shown.contains("logmel-patches"), "{shown}");
    let shown = open("nowhere/x.toml", None).err().unwrap().to_string();
    assert!(shown.contains("nowhere/x.toml"), "{shown}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bad.toml");
    fs::write(&path, "name = 3").unwrap();
    let error = open(path.to_str().unwrap(), None).err().unwrap();
    assert!(error.to_string().contains("bad.toml"), "{error}");
    fs::write(&path, ODD).unwrap();
    let error = open(path.to_str().unwrap(), None).err().unwrap();
    assert!(error.to_string().contains("odd.onnx"), "{error}");
}

#[test]
fn a_network_beside_its_manifest_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let ours = bundled::find("picture-patches").unwrap();
    let path = dir.path().join("mine.toml");
    fs::write(&path, ours.manifest).unwrap();
    fs::write(dir.path().join("picture-patches.onnx"), ours.onnx).unwrap();
    let mut encoder = open(path.to_str().unwrap(), None).unwrap();
    assert!(selftest(encoder.as_mut()).unwrap().passed);
}
