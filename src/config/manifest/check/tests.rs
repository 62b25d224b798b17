use crate::config::manifest::{Cells, EmbeddingSpec, FrontEnd, Manifest, TokensSpec};

const SOUND: &str = r#"
name = "patches"
license = "MIT"
source = "made here"
file = "patches.onnx"
sha256 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
modality = "sound"

[input.sound]

[outputs]
embedding = { node = "embedding", dim = 8 }
tokens = { from = "input_patches", frames = 8, dim = 64 }
"#;

const PICTURE: &str = r#"
name = "grid"
license = "MIT"
source = "made here"
file = "grid.onnx"
sha256 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
modality = "picture"
density = "mahalanobis"

[input.picture]
width = 112
height = 96
layout = "nchw"
fit = "crop"
mean = [128, 128, 128]
std = [128, 128, 128]

[outputs]
embedding = { from = "tokens", pooling = "mean_max" }
tokens = { node = "middle", axes = "dhw", rows = 12, cols = 14, dim = 32 }
"#;

fn problems(text: &str) -> String {
    Manifest::parse(text).expect_err("a wrong manifest").to_string()
}

#[test]
fn an_empty_sound_table_is_the_front_end_of_yamnet() {
    let manifest = Manifest::parse(SOUND).unwrap();
    let FrontEnd::Sound(sound) = &manifest.input.front_end else { panic!("it listens") };
    assert_eq!((sound.rate_hz, sound.window_frames, sound.hop_frames), (16_000, 96, 48));
    assert_eq!(sound.window_samples(), 15_600);
    assert_eq!(manifest.cells(), Cells::Sequence { len: 12 });
    assert_eq!((manifest.token_dim(), manifest.embedding_dim()), (64, 8));
    assert_eq!(manifest.sha256[..4], [0x00, 0x11, 0x22, 0x33]);
}

#[test]
fn a_grid_and_a_pooled_embedding_are_understood() {
    let manifest = Manifest::parse(PICTURE).unwrap();
    assert!(!manifest.is_sound());
    assert_eq!(manifest.cells(), Cells::Grid { rows: 12, cols: 14 });
    assert!(matches!(manifest.embedding, EmbeddingSpec::Tokens { .. }));
    assert!(matches!(manifest.tokens, TokensSpec::Node { dim: 32, .. }));
    assert_eq!(manifest.embedding_dim(), 64);
}

/// Fails where the tokens of a transformer can only lie in time.
#[test]
fn a_grid_may_be_written_row_by_row_after_a_class() {
    let text = PICTURE.replace("axes = \"dhw\"", "axes = \"td\", skip = 1");
    let manifest = Manifest::parse(&text).unwrap();
    assert_eq!(manifest.cells(), Cells::Grid { rows: 12, cols: 14 });
    assert!(matches!(manifest.tokens, TokensSpec::Node { skip: 1, dim: 32, .. }));
}

/// Fails where blue takes three numbers of grey, or a mean is made of too few.
#[test]
fn channels_have_as_many_numbers_as_there_are() {
    let with = |channels: &str, numbers: &str| {
        let keys = format!("channels = {channels:?}\nmean = {numbers}");
        let text = PICTURE.replace("mean = [128, 128, 128]", &keys);
        Manifest::parse(&text.replace("std = [128, 128, 128]", &format!("std = {numbers}")))
    };
    for (channels, numbers, count) in [("bgr", "[1, 2, 3]", 3), ("grey", "[128]", 1)] {
        let FrontEnd::Picture(found) = with(channels, numbers).unwrap().input.front_end else {
            panic!("it sees")
        };
        assert_eq!(found.channels.count(), count);
        assert_eq!(found.mean[0], if count == 1 { 128.0 } else { 1.0 });
    }
    for (channels, numbers, expected) in
        [("grey", "[1, 2, 3]", "must be one finite number"), ("rgb", "[1]", "three finite numbers")]
    {
        let shown = with(channels, numbers).unwrap_err().to_string();
        assert!(shown.contains("input.picture.mean: ") && shown.contains(expected), "{shown}");
    }
    let shown = problems(&SOUND.replace("[input.sound]", "[input.sound]\nscale = 0.0"));
    assert!(shown.contains("input.sound.scale: 0 must be finite, and not 0"), "{shown}");
}

#[test]
fn patches_are_those_of_a_picture() {
    for density in ["patches_nearest", "whitened_patches_nearest"] {
        let picture = PICTURE.replace("mahalanobis", density);
        assert!(Manifest::parse(&picture).unwrap().density.is_of_patches());
        let key = format!("modality = \"sound\"\ndensity = \"{density}\"");
        let told = problems(&SOUND.replace("modality = \"sound\"", &key));
        assert!(told.contains("density") && told.contains("\"cosine_nearest\""), "{told}");
    }
}

#[test]
fn all_problems_are_shown_at_once() {
    let text = SOUND
        .replace("name = \"patches\"", "name = \"a b\"")
        .replace("eeff\"", "eef\"")
        .replace("\"patches.onnx\"", "\"../patches.onnx\"")
        .replace("[input.sound]", "[input.sound]\nhop_frames = 97\nlow_hz = 9000")
        .replace("frames = 8", "frames = 7")
        .replace("dim = 8 }", "dim = 0 }");
    let shown = problems(&text);
    assert_eq!(shown.lines().count(), 7, "{shown}");
    for key in [
        "name: \"a b\"",
        "sha256: ",
        "file: \"../patches.onnx\"",
        "input.sound.hop_frames: 97",
        "input.sound.high_hz: ",
        "outputs.tokens.frames: 7 must divide window_frames, 96",
        "outputs.embedding.dim: 0",
    ] {
        assert!(shown.contains(key), "{key:?} missing in:\n{shown}");
    }
}

#[test]
fn raw_samples_come_in_blocks() {
    let raw = "[input.sound]\nspectrum = \"samples\"\nframe_samples = 390\nhop_samples = 390\n";
    let blocks =
        format!("{raw}fft_samples = 390\nmel_bands = 390\nwindow_frames = 40\nhop_frames = 20");
    let node = "tokens = { node = \"t\", axes = \"td\", len = 40, dim = 64 }";
    let line = SOUND.lines().find(|line| line.starts_with("tokens = ")).unwrap();
    let text = SOUND.replace("[input.sound]", &blocks).replace(line, node);
    let manifest = Manifest::parse(&text).unwrap();
    let FrontEnd::Sound(sound) = &manifest.input.front_end else { panic!("it listens") };
    assert_eq!(sound.window_samples(), 15_600);
    let shown = problems(&text.replace("mel_bands = 390", "mel_bands = 64"));
    assert!(shown.contains("hop_samples = mel_bands, not 390, 390 and 64"), "{shown}");
    let shown = problems(&text.replace(node, line));
    assert!(shown.contains("needs a spectrum; name a node"), "{shown}");
    let turned = blocks.clone() + "\nlayout = \"bands_frames\"";
    let shown = problems(&text.replace(&blocks, &turned));
    assert!(shown.contains("only one order"), "{shown}");
}

#[test]
fn a_misspelt_key_is_refused_wherever_it_stands() {
    for (at, wrong) in [
        ("modality = \"sound\"", "modalit = \"sound\""),
        ("[input.sound]", "[input.sound]\nmelbands = 64"),
        ("[input.sound]", "[input.sond]"),
        ("frames = 8, dim = 64", "frames = 8, dims = 64"),
        ("dim = 8 }", "dim = 8, pool = \"mean\" }"),
    ] {
        assert!(SOUND.contains(at), "{at}");
        let shown = problems(&SOUND.replace(at, wrong));
        assert!(shown.contains("unknown field"), "{wrong}: {shown}");
    }
}

#[test]
fn sources_of_outputs_must_fit_their_keys() {
    for (wrong, expected) in [
        ("embedding = { dim = 8 }", "outputs.embedding: needs either node"),
        ("embedding = { node = \"e\", from = \"tokens\", dim = 8 }", "and not both"),
        ("embedding = { from = \"tokens\" }", "needs pooling"),
        ("embedding = { node = \"e\", dim = 8, axes = \"dt\" }", "need a pooling"),
        (
            "embedding = { node = \"e\", dim = 9, axes = \"dt\", pooling = \"mean_max\" }",
            "multiple",
        ),
    ] {
        let text = SOUND.replace("embedding = { node = \"embedding\", dim = 8 }", wrong);
        let shown = problems(&text);
        assert!(shown.contains(expected), "{wrong}: {shown}");
    }
    for (wrong, expected) in [
        ("tokens = { node = \"t\", axes = \"td\", dim = 4 }", "needs len"),
        ("tokens = { node = \"t\", axes = \"hwd\", len = 12, dim = 4 }", "\"td\" or \"dt\""),
        ("tokens = { node = \"t\", axes = \"d\", rows = 3, cols = 4, dim = 4 }", "for a grid"),
        ("tokens = { node = \"t\", axes = \"td\", rows = 3, dim = 4 }", "found rows = 3"),
        ("tokens = { node = \"t\", axes = \"td\", dim = 4 }", "found none of them"),
        (
            "tokens = { node = \"t\", axes = \"hwd\", rows = 3, cols = 4, skip = 1, dim = 4 }",
            "outputs.tokens.skip: leaves out the first of a list",
        ),
        ("tokens = { from = \"input_patches\", frames = 8, dim = 130 }", "twice mel_bands, 128"),
        ("tokens = { dim = 4 }", "outputs.tokens: needs either node"),
    ] {
        let text =
            SOUND.replace("tokens = { from = \"input_patches\", frames = 8, dim = 64 }", wrong);
        let shown = problems(&text);
        assert!(shown.contains(expected), "{wrong}: {shown}");
    }
}

#[test]
fn the_front_end_must_be_the_modalitys() {
    let shown = problems(&SOUND.replace("modality = \"sound\"", "modality = \"picture\""));
    assert!(shown.contains("needs [input.picture]"), "{shown}");
    let shown = problems(&PICTURE.replace("std = [128, 128, 128]", "std = [0, 128, 128]"));
    assert!(shown.contains("input.picture.std"), "{shown}");
    let patches = "tokens = { from = \"input_patches\", frames = 8, dim = 64 }";
    let grid = "tokens = { node = \"middle\", axes = \"dhw\", rows = 12, cols = 14, dim = 32 }";
    let shown = problems(&PICTURE.replace(grid, patches));
    assert!(shown.contains("is for sound"), "{shown}");
}
