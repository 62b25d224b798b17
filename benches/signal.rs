//! The signal layer: log-mel, resampling, JPEG to what a picture encoder eats.
//!
//! `cargo bench --bench signal`. Sound is given in hops of 0.48 s, as the encoders take it.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use habituate::base::rng::Rng;
use habituate::config::manifest::{Channels, Fit, FrontEnd, PictureSpec, PixelLayout};
use habituate::encode::bundled;
use habituate::encode::sound::SoundFrontEnd;
use habituate::signal::image::decode::decode_into;
use habituate::signal::image::fit::Fitter;
use habituate::signal::image::{PixelFormat, RawImage, RgbImage};
use habituate::signal::logmel::LogMel;
use habituate::signal::resample::RateConverter;

fn noise(len: usize) -> Vec<f32> {
    let mut rng = Rng::from_seed(1);
    (0..len).map(|_| rng.unit_f32() - 0.5).collect()
}

fn sound(criterion: &mut Criterion) {
    let Some(manifest) = bundled::find(bundled::DEFAULT_SOUND).and_then(|b| b.manifest().ok())
    else {
        return;
    };
    let FrontEnd::Sound(spec) = &manifest.input.front_end else { return };
    let mut group = criterion.benchmark_group("a hop of 0.48 s");
    let hop = noise(7680);
    let mut log_mel = LogMel::new(&spec.log_mel, spec.rate_hz);
    group.bench_function("log-mel", |bencher| {
        bencher.iter(|| {
            log_mel.push(black_box(&hop), &mut |frame| {
                black_box(frame);
            });
        });
    });
    for rate_hz in [44_100, 48_000] {
        let Ok(mut converter) = RateConverter::new(rate_hz, 16_000) else { return };
        let hop = noise(rate_hz as usize * 48 / 100);
        let mut out = Vec::new();
        group.bench_function(format!("resample {rate_hz} Hz to 16000 Hz"), |bencher| {
            bencher.iter(|| {
                out.clear();
                converter.push(black_box(&hop), &mut out);
            });
        });
    }
    for rate_hz in [16_000_u32, 48_000] {
        let Ok(mut front_end) = SoundFrontEnd::new(&manifest) else { return };
        let hop = noise(rate_hz as usize * 48 / 100);
        group.bench_function(format!("whole front end from {rate_hz} Hz"), |bencher| {
            bencher.iter(|| {
                front_end.push(black_box(&hop), rate_hz, &mut |window| {
                    black_box(window);
                })
            });
        });
    }
    group.finish();
}

fn picture(criterion: &mut Criterion) {
    let Ok(bytes) =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/fixtures/scene_640x480.jpg"))
    else {
        return;
    };
    let raw = RawImage { format: PixelFormat::Jpeg, width: 0, height: 0, bytes };
    let mut decoded = RgbImage::empty();
    let mut group = criterion.benchmark_group("a picture of 640 × 480");
    group.bench_function("decode JPEG", |bencher| {
        bencher.iter(|| decode_into(black_box(&raw), &mut decoded));
    });
    let spec = PictureSpec {
        width: 112,
        height: 112,
        layout: PixelLayout::Nchw,
        fit: Fit::Stretch,
        channels: Channels::Rgb,
        mean: [128.0; 3],
        std: [128.0; 3],
    };
    let (mut fitter, mut out) = (Fitter::new(&spec), Vec::new());
    group.bench_function("resize and normalise to 112 × 112", |bencher| {
        bencher.iter(|| fitter.fit(black_box(&decoded), &mut out));
    });
    let yuyv = RawImage {
        format: PixelFormat::Yuyv,
        width: 640,
        height: 480,
        bytes: vec![120; 640 * 480 * 2],
    };
    group.bench_function("YUYV to RGB", |bencher| {
        bencher.iter(|| decode_into(black_box(&yuyv), &mut decoded));
    });
    group.finish();
}

criterion_group!(benches, sound, picture);
criterion_main!(benches);
