use super::*;
use crate::base::rng::Rng;
use crate::encode::bundled;

const SILENCE: f32 = -6.907_755_4;

fn front_end() -> SoundFrontEnd {
    let manifest = bundled::find(bundled::DEFAULT_SOUND).unwrap().manifest().unwrap();
    SoundFrontEnd::new(&manifest).unwrap()
}

fn noise(len: usize) -> Vec<f32> {
    let mut rng = Rng::from_seed(9);
    (0..len).map(|_| rng.unit_f32() - 0.5).collect()
}

/// Windows of one stretch at `at_s`, in pieces of `cut`.
fn windows(samples: &[f32], rate_hz: u32, at_s: f64, cut: usize) -> Vec<EncoderWindow> {
    let mut out = Vec::new();
    let mut front_end = front_end();
    let mut emit = |window: &EncoderWindow| out.push(window.clone());
    front_end.begin(at_s, &mut emit);
    for piece in samples.chunks(cut) {
        front_end.push(piece, rate_hz, &mut emit).unwrap();
    }
    front_end.finish(&mut emit);
    out
}

/// `(ln(…) + 4.5) / 5`, by hand on silence: (−6.9077554 + 4.5) / 5. Fails where the two are taken in the
/// other order, or before the logarithm.
#[test]
fn numbers_are_scaled_after_the_logarithm() {
    let mut manifest = bundled::find(bundled::DEFAULT_SOUND).unwrap().manifest().unwrap();
    if let FrontEnd::Sound(spec) = &mut manifest.input.front_end {
        (spec.scale, spec.offset) = (0.2, 0.9);
    }
    let mut seen = 0;
    let mut front_end = SoundFrontEnd::new(&manifest).unwrap();
    let mut emit = |window: &EncoderWindow| {
        seen += window.input.len();
        assert!(window.input.iter().all(|x| (x + 0.481_551).abs() < 1e-5), "{:?}", window.input);
    };
    front_end.push(&[0.0; 15_600], 16_000, &mut emit).unwrap();
    assert_eq!(seen, 96 * 64);
}

#[test]
fn windows_follow_each_other_by_a_hop_in_exact_time() {
    let out = windows(&noise(16_000 * 3), 16_000, 10.0, 1000);
    // 298 frames: full windows start at 0, 48, 96, 144 and 192, and 10 new frames are no window.
    assert_eq!(out.len(), 5);
    for (index, window) in out.iter().enumerate() {
        let start = 10.0 + 0.48 * index as f64;
        assert!((window.start_s - start).abs() < 1e-9, "{}", window.start_s);
        assert!((window.end_s - start - 0.975).abs() < 1e-9, "{}", window.end_s);
        assert_eq!((window.valid, window.input.len()), (1.0, 96 * 64));
    }
    let half = 48 * 64;
    assert_eq!(out[0].input[half..], out[1].input[..half], "windows share their frames");
}

#[test]
fn how_the_samples_were_cut_makes_no_difference() {
    for (rate_hz, len) in [(16_000, 40_000), (44_100, 100_000)] {
        let samples = noise(len);
        let whole = windows(&samples, rate_hz, 0.0, len);
        for cut in [160, 441, 999, 30_000] {
            assert_eq!(windows(&samples, rate_hz, 0.0, cut), whole, "pieces of {cut}");
        }
    }
}

#[test]
fn a_short_stretch_is_one_window_followed_by_silence() {
    for len in [1, 100, 1280, 4000, 15_599] {
        let out = windows(&noise(len), 16_000, 0.0, 100);
        assert_eq!(out.len(), 1, "{len} samples");
        assert_eq!(out[0].valid, (len as f64 / 15_360.0).min(1.0));
        assert!((out[0].end_s - len as f64 / 16_000.0).abs() < 1e-9);
        let first_silent = len.div_ceil(160).min(96);
        assert!(out[0].input[first_silent * 64..].iter().all(|&x| x == SILENCE));
    }
    assert!(windows(&[], 16_000, 0.0, 1).is_empty(), "no samples, no window");
}

#[test]
fn a_last_window_needs_a_quarter_of_new_frames() {
    // 144 frames fill two windows; 23 more are not worth a third, 24 are.
    let two = 143 * 160 + 400;
    assert_eq!(windows(&noise(two), 16_000, 0.0, 160).len(), 2);
    assert_eq!(windows(&noise(two + 23 * 160), 16_000, 0.0, 160).len(), 2);
    let out = windows(&noise(two + 24 * 160), 16_000, 0.0, 160);
    assert_eq!(out.len(), 3);
    let last = &out[2];
    assert_eq!(last.valid, 1.0);
    assert!((last.end_s - (two + 24 * 160) as f64 / 16_000.0).abs() < 1e-9);
    assert!((last.end_s - last.start_s - 0.975).abs() < 1e-9);
    let begin = (48 + 24) * 160;
    let alone = windows(&noise(two + 24 * 160)[begin..], 16_000, begin as f64 / 16_000.0, 160);
    assert!((last.start_s - alone[0].start_s).abs() < 1e-9);
    assert_eq!(last.input, alone[0].input, "the last 96 frames, and nothing else");
}

/// Fails when the last window is filled up with silence: at the edge, a sound without treble has some.
#[test]
fn the_end_of_a_stretch_is_no_click() {
    for len in [8 * 8000 - 400, 8 * 8000 - 1200, 8 * 8000 - 2000] {
        let out = windows(&noise(len), 8000, 0.0, 160);
        let (last, before) = out.split_last().unwrap();
        let loudest = |window: &EncoderWindow| {
            let treble = window.input.chunks_exact(64).flat_map(|frame| &frame[58..]);
            treble.copied().fold(f32::NEG_INFINITY, f32::max)
        };
        // The first window has the edge at which the sound began.
        let usual = before[1..].iter().map(loudest).fold(f32::NEG_INFINITY, f32::max);
        assert!(loudest(last) < usual + 0.5, "{len}: {} after {usual}", loudest(last));
    }
}

#[test]
fn nothing_straddles_a_begin() {
    let mut front_end = front_end();
    let mut out = Vec::new();
    let mut emit = |window: &EncoderWindow| out.push(window.clone());
    let samples = noise(20_000);
    front_end.push(&samples[..8000], 16_000, &mut emit).unwrap();
    front_end.finish(&mut emit);
    front_end.begin(5.0, &mut emit);
    front_end.push(&samples[8000..], 16_000, &mut emit).unwrap();
    front_end.finish(&mut emit);
    assert_eq!(out.len(), 2);
    assert_eq!((out[0].start_s, out[0].end_s), (0.0, 0.5));
    assert_eq!((out[1].start_s, out[1].end_s), (5.0, 5.75));
    let alone = windows(&samples[8000..], 16_000, 5.0, 20_000);
    assert_eq!(out[1], alone[0], "the first stretch leaves no trace in the second");
}

/// Fails where a stretch between two losses is filled up with silence, which is more unusual than whatever it holds.
#[test]
fn what_is_broken_off_before_its_first_window_gives_none_and_is_told() {
    let mut front_end = front_end();
    let mut out = Vec::new();
    let mut emit = |window: &EncoderWindow| out.push(window.clone());
    let samples = noise(48_000);
    front_end.push(&samples[..24_000], 48_000, &mut emit).unwrap();
    assert_eq!(front_end.begin(1.0, &mut emit), 24_000, "half a second");
    front_end.push(&samples, 48_000, &mut emit).unwrap();
    assert_eq!(front_end.begin(3.0, &mut emit), 0, "a second has one");
    assert_eq!(front_end.begin(4.0, &mut emit), 0, "nothing came");
    let times: Vec<(f64, f64)> = out.iter().map(|w| (w.start_s, w.valid)).collect();
    assert_eq!(times, [(1.0, 1.0)]);
}

#[test]
fn a_change_of_rate_begins_a_new_stretch_at_that_moment() {
    let mut front_end = front_end();
    let mut out = Vec::new();
    let mut emit = |window: &EncoderWindow| out.push(window.clone());
    front_end.push(&noise(8000), 16_000, &mut emit).unwrap();
    front_end.push(&noise(24_000), 48_000, &mut emit).unwrap();
    front_end.finish(&mut emit);
    let times: Vec<(f64, f64)> = out.iter().map(|w| (w.start_s, w.end_s)).collect();
    assert_eq!(times, [(0.0, 0.5), (0.5, 1.0)]);
    assert!(front_end.push(&[0.0], 3, &mut |_| {}).is_err());
}

#[test]
fn samples_that_are_no_sound_are_silenced_and_counted() {
    let mut broken = noise(16_000);
    for (at, wrong) in [(5, f32::NAN), (6, f32::INFINITY), (7, f32::NEG_INFINITY), (8, 1e30)] {
        broken[at] = wrong;
    }
    let mut front_end = front_end();
    let mut count = 0;
    front_end
        .push(&broken, 16_000, &mut |window| {
            count += 1;
            assert!(window.input.iter().all(|x| x.is_finite()));
        })
        .unwrap();
    assert_eq!((count, front_end.replaced_samples()), (1, 4));
}
