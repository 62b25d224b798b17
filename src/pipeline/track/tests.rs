use super::*;
use crate::encode;

const RATE_HZ: u32 = 16_000;

fn sound(at_sample: u64, len: usize) -> Chunk {
    let sample = |i: usize| if i % 40 < 20 { 0.1 } else { -0.1 };
    Chunk::Sound { rate_hz: RATE_HZ, at_sample, samples: (0..len).map(sample).collect() }
}

/// Fails where what lies between two gaps is judged though no window fits, and where nobody is told of it.
#[test]
fn sound_between_two_gaps_that_is_too_short_is_a_loss_and_no_window() {
    let encoder = encode::open("logmel-patches", None).unwrap();
    let mut track = Track::new(encoder, &LearnSettings::default(), 1).unwrap();
    let mut spans = Vec::new();
    let mut emit = |scored: &Scored<'_>| spans.push((scored.start_s, scored.end_s));
    let begin = Chunk::Begin { input: "mic".into(), at_s: 0.0 };
    let chunks = [begin, sound(0, 16_000), sound(20_000, 8000), sound(32_000, 16_000)];
    for chunk in chunks {
        track.take(chunk, &mut emit).unwrap();
    }
    track.finish(&mut emit).unwrap();
    assert_eq!(spans, [(0.0, 0.975), (2.0, 2.975)]);
    let losses = track.take_losses().counts();
    assert_eq!(losses.get("short_stretch"), Some(&8000), "{losses:?}");
}
