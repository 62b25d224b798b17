//! From a stream of bytes to samples and pictures. Knows no files, pipes or threads.

use crate::capture::Loss;
use crate::capture::LossCause;
use crate::capture::command::format;
use crate::capture::command::format::SampleFormat;
use crate::capture::command::format::StreamFormat;
use crate::capture::command::jpeg::Cut;
use crate::capture::command::jpeg::JpegCutter;
use crate::signal::image::PixelFormat;
use crate::signal::image::RawImage;

/// What a stream holds, in order.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::capture) enum Item {
    /// Mono; never empty.
    Samples(Vec<f32>),
    /// One picture.
    Frame(RawImage),
    /// Something is missing or was replaced at the next item.
    Lost(Loss),
}

/// Cuts the bytes of one stream. Holds at most one incomplete sample frame or picture.
#[derive(Debug)]
pub(in crate::capture) struct Cutter {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Pcm { channels: u16, sample: SampleFormat, rest: Vec<u8> },
    Raw { pixels: PixelFormat, width: usize, height: usize, frame_len: usize, rest: Vec<u8> },
    Jpeg(JpegCutter),
}

impl Cutter {
    /// `format` has passed [`StreamFormat::check`].
    pub(in crate::capture) fn new(format: StreamFormat) -> Self {
        let kind = match format {
            StreamFormat::Pcm { channels, sample, .. } => {
                Kind::Pcm { channels, sample, rest: Vec::new() }
            }
            StreamFormat::RawVideo { width, height, pixels, .. } => {
                let frame_len = format::frame_bytes(pixels, width, height).unwrap_or(1);
                Kind::Raw { pixels, width, height, frame_len, rest: Vec::new() }
            }
            StreamFormat::Mjpeg { .. } => Kind::Jpeg(JpegCutter::default()),
        };
        Self { kind }
    }

    /// Takes the next bytes and hands out what is complete with them.
    pub(in crate::capture) fn push(&mut self, bytes: &[u8], emit: &mut dyn FnMut(Item)) {
        match &mut self.kind {
            Kind::Pcm { channels, sample, rest } => {
                rest.extend_from_slice(bytes);
                let frame_len = sample.bytes() * usize::from(*channels);
                let whole = rest.len() / frame_len * frame_len;
                if 0 < whole {
                    emit_sound(format::mono(*sample, *channels, &rest[..whole]), emit);
                    rest.drain(..whole);
                }
            }
            Kind::Raw { pixels, width, height, frame_len, rest } => {
                let mut bytes = bytes;
                while *frame_len <= rest.len() + bytes.len() {
                    let (head, tail) = bytes.split_at(*frame_len - rest.len());
                    let mut frame = std::mem::take(rest);
                    frame.extend_from_slice(head);
                    bytes = tail;
                    let (format, width, height) = (*pixels, *width, *height);
                    emit(Item::Frame(RawImage { format, width, height, bytes: frame }));
                }
                rest.extend_from_slice(bytes);
            }
            Kind::Jpeg(cutter) => {
                cutter.push(bytes, |cut| emit(from_cut(cut)));
            }
        }
    }

    /// The stream is over; what was incomplete is counted.
    pub(in crate::capture) fn finish(&mut self, emit: &mut dyn FnMut(Item)) {
        match &mut self.kind {
            Kind::Pcm { rest, .. } | Kind::Raw { rest, .. } => {
                emit_lost(LossCause::ShortFrame, u64::from(!rest.is_empty()), emit);
                rest.clear();
            }
            Kind::Jpeg(cutter) => {
                cutter.finish().map(from_cut).into_iter().for_each(emit);
            }
        }
    }
}

fn from_cut(cut: Cut) -> Item {
    match cut {
        Cut::Picture(bytes) => {
            Item::Frame(RawImage { format: PixelFormat::Jpeg, width: 0, height: 0, bytes })
        }
        Cut::Broken => Item::Lost(Loss { cause: LossCause::Damaged, count: 1 }),
    }
}

/// Samples, preceded by how many of them had to be replaced.
pub(in crate::capture) fn emit_sound(
    (samples, replaced): (Vec<f32>, u64),
    emit: &mut dyn FnMut(Item),
) {
    emit_lost(LossCause::Damaged, replaced, emit);
    if !samples.is_empty() {
        emit(Item::Samples(samples));
    }
}

fn emit_lost(cause: LossCause, count: u64, emit: &mut dyn FnMut(Item)) {
    if 0 < count {
        emit(Item::Lost(Loss { cause, count }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(format: StreamFormat, bytes: &[u8], block_len: usize) -> Vec<Item> {
        let (mut cutter, mut items) = (Cutter::new(format), Vec::new());
        for block in bytes.chunks(block_len) {
            cutter.push(block, &mut |item| items.push(item));
        }
        cutter.finish(&mut |item| items.push(item));
        items
    }

    #[test]
    fn samples_survive_any_cutting_and_half_a_frame_is_told() {
        let format = StreamFormat::Pcm { rate_hz: 8000, channels: 2, sample: SampleFormat::S16le };
        let bytes = [0, 0x40, 0, 0x40, 0, 0x20, 0, 0, 1];
        for block_len in 1..=bytes.len() {
            let mut heard = Vec::new();
            let mut lost = Vec::new();
            for item in cut(format, &bytes, block_len) {
                match item {
                    Item::Samples(samples) => heard.extend(samples),
                    Item::Lost(loss) => lost.push(loss),
                    Item::Frame(_) => panic!("a picture in a stream of sound"),
                }
            }
            assert_eq!(heard, [0.5, 0.125]);
            assert_eq!(lost, [Loss { cause: LossCause::ShortFrame, count: 1 }]);
        }
    }

    #[test]
    fn raw_pictures_survive_any_cutting() {
        let format =
            StreamFormat::RawVideo { width: 3, height: 1, pixels: PixelFormat::Grey8, fps: 1.0 };
        for block_len in 1..=8 {
            let items = cut(format, &[1, 2, 3, 4, 5, 6, 7, 8], block_len);
            let frame = |bytes: &[u8]| {
                let bytes = bytes.to_vec();
                Item::Frame(RawImage { format: PixelFormat::Grey8, width: 3, height: 1, bytes })
            };
            let short = Item::Lost(Loss { cause: LossCause::ShortFrame, count: 1 });
            assert_eq!(items, [frame(&[1, 2, 3]), frame(&[4, 5, 6]), short]);
        }
    }
}
