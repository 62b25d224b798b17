//! Which of a device's many formats to take.

use cpal::{SupportedBufferSize, SupportedStreamConfigRange};

use crate::capture::microphone::convert::READABLE;
use crate::capture::microphone::intake::Layout;

/// Sensible bounds: below, nothing is left of most sounds; above are plug-ins that claim 4 GHz.
const RATES_HZ: std::ops::RangeInclusive<u32> = 4_000..=384_000;

/// A choice, and how long a delivery of the device should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// What to ask the device for.
    pub layout: Layout,
    /// Frames a delivery; `None` leaves it to the device.
    pub period_frames: Option<u32>,
}

/// So many formats of one rate, and so many in all, are worth a try: some plug-ins offer what they
/// then refuse.
const TRIES_A_RATE: usize = 3;
const TRIES: usize = 9;

/// The best of `offers`, the very best first; none if none can be read.
///
/// The rate counts most: `prefer_rate_hz` itself, else its smallest multiple (cheap to resample),
/// else the lowest above it, else the highest. Then few channels, because all are averaged into one.
/// Then the order of [`READABLE`]. Deliveries of `period_ms` are asked for, or as near to that as the device
/// can.
pub fn choose(
    offers: impl IntoIterator<Item = SupportedStreamConfigRange>,
    prefer_rate_hz: u32,
    period_ms: u32,
) -> Vec<Chosen> {
    let mut ranked: Vec<_> = offers
        .into_iter()
        .filter_map(|offer| {
            let format = READABLE.iter().position(|format| *format == offer.sample_format())?;
            let (distance, rate_hz) = best_rate(&offer, prefer_rate_hz)?;
            let channels = offer.channels();
            (0 < channels).then_some(((distance, channels, format), offer, rate_hz))
        })
        .collect();
    ranked.sort_by_key(|(rank, ..)| *rank);
    let mut chosen: Vec<Chosen> = Vec::new();
    for ((_, channels, format), offer, rate_hz) in ranked {
        let wanted = rate_hz.saturating_mul(period_ms) / 1000;
        let period_frames = match *offer.buffer_size() {
            SupportedBufferSize::Range { min, max } if min <= max => Some(wanted.clamp(min, max)),
            _ => None,
        };
        let layout = Layout { rate_hz, channels: usize::from(channels), format: READABLE[format] };
        let of_rate = || chosen.iter().filter(|other| other.layout.rate_hz == rate_hz);
        if of_rate().count() < TRIES_A_RATE
            && of_rate().all(|other| other.layout.format != layout.format)
        {
            chosen.push(Chosen { layout, period_frames });
        }
    }
    chosen.truncate(TRIES);
    chosen
}

/// How far it is from what is preferred (smaller is better), and the rate itself.
fn best_rate(offer: &SupportedStreamConfigRange, prefer_hz: u32) -> Option<((u8, u32), u32)> {
    let low = offer.min_sample_rate().max(*RATES_HZ.start());
    let high = offer.max_sample_rate().min(*RATES_HZ.end());
    if high < low {
        return None;
    }
    let prefer_hz = prefer_hz.max(1);
    let multiple = low.div_ceil(prefer_hz).max(1).saturating_mul(prefer_hz);
    Some(if multiple == prefer_hz && multiple <= high {
        ((0, 0), prefer_hz)
    } else if multiple <= high {
        ((1, multiple), multiple)
    } else if prefer_hz < low {
        ((2, low), low)
    } else {
        ((3, u32::MAX - high), high)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cpal::SampleFormat;

    fn offer(
        channels: u16,
        rates_hz: (u32, u32),
        sample_format: SampleFormat,
    ) -> SupportedStreamConfigRange {
        let buffer = SupportedBufferSize::Range { min: 64, max: 4096 };
        SupportedStreamConfigRange::new(channels, rates_hz.0, rates_hz.1, buffer, sample_format)
    }

    fn chosen(offers: &[SupportedStreamConfigRange]) -> Option<(u32, usize, SampleFormat)> {
        choose(offers.iter().copied(), 16_000, 30)
            .first()
            .map(|chosen| chosen.layout)
            .map(|layout| (layout.rate_hz, layout.channels, layout.format))
    }

    #[test]
    fn the_encoders_own_rate_wins() {
        let offers = [
            offer(1, (48_000, 48_000), SampleFormat::F32),
            offer(2, (16_000, 16_000), SampleFormat::U8),
        ];
        assert_eq!(chosen(&offers), Some((16_000, 2, SampleFormat::U8)));
    }

    #[test]
    fn else_a_multiple_else_the_next_higher_else_the_highest() {
        let fixed = |hz| offer(1, (hz, hz), SampleFormat::I16);
        let rate_of = |offers: &[_]| chosen(offers).map(|chosen| chosen.0);
        assert_eq!(rate_of(&[fixed(44_100), fixed(96_000), fixed(48_000)]), Some(48_000));
        assert_eq!(rate_of(&[fixed(96_001), fixed(44_100), fixed(11_025)]), Some(44_100));
        assert_eq!(rate_of(&[fixed(8_000), fixed(11_025)]), Some(11_025));
        assert_eq!(rate_of(&[offer(1, (20_000, 40_000), SampleFormat::I16)]), Some(32_000));
        assert_eq!(rate_of(&[offer(1, (1, u32::MAX), SampleFormat::I16)]), Some(16_000));
    }

    #[test]
    fn then_few_channels_then_a_format_that_keeps_most() {
        let rate = (48_000, 48_000);
        let offers = [
            offer(8, rate, SampleFormat::F32),
            offer(2, rate, SampleFormat::U8),
            offer(2, rate, SampleFormat::I32),
            offer(2, rate, SampleFormat::I16),
        ];
        assert_eq!(chosen(&offers), Some((48_000, 2, SampleFormat::I16)));
    }

    #[test]
    fn what_cannot_be_read_is_not_chosen() {
        assert_eq!(chosen(&[]), None);
        assert_eq!(chosen(&[offer(1, (16_000, 16_000), SampleFormat::DsdU8)]), None);
        assert_eq!(chosen(&[offer(1, (100, 200), SampleFormat::I16)]), None);
    }

    #[test]
    fn a_refusal_leaves_other_formats_and_other_rates_to_try() {
        let mut offers = Vec::new();
        for format in READABLE {
            for (channels, hz) in [(1, 16_000), (2, 16_000), (1, 44_100), (1, 48_000)] {
                offers.push(offer(channels, (hz, hz), format));
            }
        }
        let tries: Vec<_> = choose(offers, 16_000, 30)
            .into_iter()
            .map(|Chosen { layout, .. }| (layout.rate_hz, layout.channels, layout.format))
            .collect();
        let formats = [SampleFormat::F32, SampleFormat::I16, SampleFormat::I32];
        let all = [16_000, 48_000, 44_100].into_iter().flat_map(|hz| formats.map(|f| (hz, 1, f)));
        assert_eq!(tries, all.collect::<Vec<_>>());
    }

    #[test]
    fn a_device_that_cannot_deliver_at_our_pace_comes_as_near_as_it_can() {
        let period = |period_ms| {
            choose([offer(1, (16_000, 16_000), SampleFormat::I16)], 16_000, period_ms)
                .first()
                .and_then(|chosen| chosen.period_frames)
        };
        assert_eq!(period(30), Some(480));
        assert_eq!(period(1), Some(64), "16 frames are below the device's 64");
        assert_eq!(period(1000), Some(4096));
    }
}
