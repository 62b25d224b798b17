//! Samples as devices deliver them, made into mono `f32`.

use cpal::SampleFormat;
use ringbuf::traits::Producer;

/// Formats that [`push_mono`] reads, the preferred first: `f32` needs no conversion, `i16` is what
/// nearly every microphone delivers, the others follow by how much they keep.
pub const READABLE: [SampleFormat; 12] = [
    SampleFormat::F32,
    SampleFormat::I16,
    SampleFormat::I32,
    SampleFormat::I24,
    SampleFormat::F64,
    SampleFormat::U16,
    SampleFormat::U32,
    SampleFormat::U24,
    SampleFormat::I64,
    SampleFormat::U64,
    SampleFormat::I8,
    SampleFormat::U8,
];

/// What became of one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pushed {
    /// Mono samples that are in the ring now; the rest found it full.
    pub taken: usize,
    /// Of these, how many were not a number and became 0.
    pub damaged: u64,
}

/// Puts the mean over the channels of each interleaved frame into `ring`, until it is full.
///
/// `bytes` are whole frames of `channels` samples in the machine's byte order; a format outside
/// [`READABLE`] gives nothing. Values are held to −1…1.
///
/// Real-time: no allocation, no lock, no wait; the cost grows with `bytes` only.
pub fn push_mono<P>(ring: &mut P, format: SampleFormat, channels: usize, bytes: &[u8]) -> Pushed
where
    P: Producer<Item = f32>,
{
    match format {
        SampleFormat::F32 => push(ring, channels, bytes, f32::from_ne_bytes),
        SampleFormat::F64 => push(ring, channels, bytes, |b| narrow(f64::from_ne_bytes(b))),
        SampleFormat::I8 => push(ring, channels, bytes, |b| from_i32(widen8(i8::from_ne_bytes(b)))),
        SampleFormat::U8 => {
            push(ring, channels, bytes, |[b]| from_i32(widen8((b ^ 0x80).cast_signed())))
        }
        SampleFormat::I16 => {
            push(ring, channels, bytes, |b| from_i32(widen16(i16::from_ne_bytes(b))))
        }
        SampleFormat::U16 => push(ring, channels, bytes, |b| {
            from_i32(widen16((u16::from_ne_bytes(b) ^ 0x8000).cast_signed()))
        }),
        // 24 bits in 4 bytes; what the highest byte holds is up to the driver, so it is shifted out.
        SampleFormat::I24 => push(ring, channels, bytes, |b| from_i32(i32::from_ne_bytes(b) << 8)),
        SampleFormat::U24 => push(ring, channels, bytes, |b| {
            from_i32(((u32::from_ne_bytes(b) << 8) ^ 0x8000_0000).cast_signed())
        }),
        SampleFormat::I32 => push(ring, channels, bytes, |b| from_i32(i32::from_ne_bytes(b))),
        SampleFormat::U32 => push(ring, channels, bytes, |b| {
            from_i32((u32::from_ne_bytes(b) ^ 0x8000_0000).cast_signed())
        }),
        SampleFormat::I64 => push(ring, channels, bytes, |b| from_i64(i64::from_ne_bytes(b))),
        SampleFormat::U64 => push(ring, channels, bytes, |b| {
            from_i64((u64::from_ne_bytes(b) ^ (1 << 63)).cast_signed())
        }),
        _ => Pushed::default(),
    }
}

fn push<const N: usize, P>(
    ring: &mut P,
    channels: usize,
    bytes: &[u8],
    sample: impl Fn([u8; N]) -> f32,
) -> Pushed
where
    P: Producer<Item = f32>,
{
    let share = 1.0 / channels.max(1) as f32;
    let mut damaged = 0;
    let frames = bytes.as_chunks::<N>().0.chunks_exact(channels.max(1)).map(|frame| {
        let mean = frame.iter().map(|bytes| sample(*bytes)).sum::<f32>() * share;
        if mean.is_finite() {
            mean.clamp(-1.0, 1.0)
        } else {
            damaged += 1;
            0.0
        }
    });
    let taken = ring.push_iter(frames);
    Pushed { taken, damaged }
}

const fn widen8(value: i8) -> i32 {
    (value as i32) << 24
}

const fn widen16(value: i16) -> i32 {
    (value as i32) << 16
}

const fn from_i32(value: i32) -> f32 {
    value as f32 * (1.0 / 2_147_483_648.0)
}

const fn from_i64(value: i64) -> f32 {
    value as f32 * (1.0 / 9_223_372_036_854_775_808.0)
}

#[expect(clippy::cast_possible_truncation, reason = "our samples are f32; this is the rounding")]
const fn narrow(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringbuf::HeapRb;
    use ringbuf::traits::{Consumer, Split};

    fn mono(format: SampleFormat, channels: usize, bytes: &[u8]) -> Vec<f32> {
        let (mut into, mut out) = HeapRb::<f32>::new(16).split();
        push_mono(&mut into, format, channels, bytes);
        out.pop_iter().collect()
    }

    /// Lowest, middle, three quarters: exact in every format.
    #[test]
    fn every_format_has_the_same_scale_and_zero() {
        let expected = [-1.0, 0.0, 0.5];
        let low_mid_high: [(SampleFormat, Vec<u8>); 12] = [
            (SampleFormat::F32, [-1.0_f32, 0.0, 0.5].map(f32::to_ne_bytes).concat()),
            (SampleFormat::F64, [-1.0_f64, 0.0, 0.5].map(f64::to_ne_bytes).concat()),
            (SampleFormat::I8, [i8::MIN, 0, 1 << 6].map(i8::to_ne_bytes).concat()),
            (SampleFormat::U8, vec![0, 128, 192]),
            (SampleFormat::I16, [i16::MIN, 0, 1 << 14].map(i16::to_ne_bytes).concat()),
            (SampleFormat::U16, [0, 1 << 15, 3 << 14].map(u16::to_ne_bytes).concat()),
            (SampleFormat::I24, [-(1 << 23), 0, 1 << 22].map(i32::to_ne_bytes).concat()),
            (SampleFormat::U24, [0, 1 << 23, 3 << 22].map(u32::to_ne_bytes).concat()),
            (SampleFormat::I32, [i32::MIN, 0, 1 << 30].map(i32::to_ne_bytes).concat()),
            (SampleFormat::U32, [0, 1 << 31, 3 << 30].map(u32::to_ne_bytes).concat()),
            (SampleFormat::I64, [i64::MIN, 0, 1 << 62].map(i64::to_ne_bytes).concat()),
            (SampleFormat::U64, [0, 1 << 63, 3 << 62].map(u64::to_ne_bytes).concat()),
        ];
        for (format, bytes) in low_mid_high {
            assert!(READABLE.contains(&format));
            assert_eq!(mono(format, 1, &bytes), expected, "{format}");
        }
    }

    #[test]
    fn the_unused_byte_of_24_bits_does_not_matter() {
        let minus_one = [(-1_i32).to_ne_bytes(), 0x00FF_FFFF_i32.to_ne_bytes()].concat();
        let made = mono(SampleFormat::I24, 1, &minus_one);
        assert_eq!(made[0], -1.0 / 8_388_608.0);
        assert_eq!(made[0], made[1], "sign-extended or not, it is the same sample");
    }

    #[test]
    fn channels_are_averaged_and_a_torn_frame_is_dropped() {
        let bytes = [0.5_f32, -0.25, 1.0, 0.0, 0.75].map(f32::to_ne_bytes).concat();
        assert_eq!(mono(SampleFormat::F32, 2, &bytes), [0.125, 0.5]);
    }

    #[test]
    fn what_is_no_number_becomes_silence_and_is_counted() {
        let (mut into, mut out) = HeapRb::<f32>::new(4).split();
        let bytes = [f32::NAN, f32::INFINITY, 7.0].map(f32::to_ne_bytes).concat();
        let pushed = push_mono(&mut into, SampleFormat::F32, 1, &bytes);
        assert_eq!(pushed, Pushed { taken: 3, damaged: 2 });
        assert_eq!(out.pop_iter().collect::<Vec<_>>(), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn what_does_not_fit_is_not_taken() {
        let (mut into, _out) = HeapRb::<f32>::new(2).split();
        let pushed = push_mono(&mut into, SampleFormat::U8, 1, &[0; 5]);
        assert_eq!(pushed.taken, 2);
    }
}
