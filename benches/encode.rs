//! Encoders: one window each. `cargo bench --bench encode`; the larger ones need the development data
//! (`HABITUATE_DEV_DATA`).

#[path = "../tests/common/dev_data.rs"]
mod dev_data;

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use habituate::config::manifest::FrontEnd;
use habituate::encode::latent::Latent;
use habituate::encode::{Encoder, EncoderWindow, bundled, open};

fn encode(criterion: &mut Criterion, name: &str, mut encoder: Box<dyn Encoder>) {
    let numbers = match &encoder.manifest().input.front_end {
        FrontEnd::Sound(spec) => spec.window_frames * spec.log_mel.bands,
        FrontEnd::Picture(spec) => spec.width * spec.height * 3,
    };
    let input = (0..numbers).map(|n| (n as f32 * 0.37).sin()).collect();
    let window = EncoderWindow { start_s: 0.0, end_s: 1.0, valid: 1.0, input, signal: Vec::new() };
    let mut latent = Latent::zeros(encoder.shape());
    criterion.bench_function(&format!("encode a window: {name}"), |bencher| {
        bencher.iter(|| encoder.encode(black_box(&window), &mut latent));
    });
}

fn all(criterion: &mut Criterion) {
    for bundled in bundled::all() {
        if let Ok(encoder) = open(bundled.name, None) {
            encode(criterion, bundled.name, encoder);
        }
    }
    let Some(dev) = dev_data::dev_data() else { return };
    for (name, file) in [
        ("yamnet", "yamnet_spectra.encoder.onnx"),
        ("mobilenet_v1_025", "mobilenet_v1_0.25_128_quant.encoder.onnx"),
        ("mobilenet_v2", "mobilenet_v2_1.0_224_quant.encoder.onnx"),
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/encoders");
        let manifest = folder.join(format!("{name}.toml"));
        let file = dev.join("encoders").join(file);
        let opened = manifest.to_str().map(|manifest| open(manifest, Some(&file)));
        if let Some(Ok(encoder)) = opened {
            encode(criterion, name, encoder);
        }
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
