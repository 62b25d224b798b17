//! Files that are one long stream: plain samples, raw pictures, or JPEG after JPEG.

use std::collections::VecDeque;
use std::io;
use std::io::Read;

use crate::capture::LossCause;
use crate::capture::command::cutter::Cutter;
use crate::capture::command::cutter::Item;
use crate::capture::command::format;
use crate::capture::command::format::StreamFormat;
use crate::capture::recording::reader::Piece;
use crate::capture::recording::reader::Reader;

/// Bytes read at a time: a fraction of a second of sound, so that progress is even.
const BLOCK_LEN: usize = 16 << 10;

/// A stream whose format is known.
pub(super) struct RawStream {
    reader: io::Take<Box<dyn Read + Send>>,
    format: StreamFormat,
    cutter: Cutter,
    block: Vec<u8>,
    /// Samples or pictures so far.
    count: u64,
    pending: VecDeque<Piece>,
    at_end: bool,
    total_s: Option<f64>,
    warnings: Vec<String>,
}

impl RawStream {
    /// `len`: bytes to read; `None` for all there are. `format` has passed [`StreamFormat::check`].
    pub(super) fn new(
        reader: Box<dyn Read + Send>,
        format: StreamFormat,
        len: Option<u64>,
    ) -> Self {
        Self {
            reader: reader.take(len.unwrap_or(u64::MAX)),
            format,
            cutter: Cutter::new(format),
            block: vec![0; BLOCK_LEN],
            count: 0,
            pending: VecDeque::new(),
            at_end: false,
            total_s: len.and_then(|len| total_s(format, len)),
            warnings: Vec::new(),
        }
    }

    /// With something to tell people.
    pub(super) fn warn(mut self, warning: Option<String>) -> Self {
        self.warnings.extend(warning);
        self
    }

    fn take_in(&mut self, item: Item) {
        match (item, self.format) {
            (Item::Samples(samples), StreamFormat::Pcm { rate_hz, .. }) => {
                let at_sample = self.count;
                self.count += samples.len() as u64;
                self.pending.push_back(Piece::Sound { rate_hz, at_sample, samples });
            }
            (
                Item::Frame(image),
                StreamFormat::RawVideo { fps, .. } | StreamFormat::Mjpeg { fps },
            ) => {
                let at_s = self.count as f64 / fps;
                self.count += 1;
                self.pending.push_back(Piece::Picture { at_s, lasts_s: 1.0 / fps, image });
            }
            (Item::Lost(loss), format) => {
                // A broken picture took its time; replaced samples are still there.
                let is_picture = !matches!(format, StreamFormat::Pcm { .. });
                if is_picture && loss.cause == LossCause::Damaged {
                    self.count += loss.count;
                }
                self.pending.push_back(Piece::Lost(loss));
            }
            // A cutter for sound makes no pictures, nor the other way round.
            (Item::Samples(_) | Item::Frame(_), _) => {}
        }
    }
}

impl Reader for RawStream {
    fn next(&mut self) -> Result<Option<Piece>, String> {
        while self.pending.is_empty() && !self.at_end {
            let mut items = Vec::new();
            match self.reader.read(&mut self.block) {
                Ok(0) => {
                    self.at_end = true;
                    self.cutter.finish(&mut |item| items.push(item));
                }
                Ok(read) => self.cutter.push(&self.block[..read], &mut |item| items.push(item)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.to_string()),
            }
            items.into_iter().for_each(|item| self.take_in(item));
        }
        Ok(self.pending.pop_front())
    }

    fn total_s(&self) -> Option<f64> {
        self.total_s
    }

    fn take_warning(&mut self) -> Option<String> {
        self.warnings.pop()
    }
}

fn total_s(format: StreamFormat, len: u64) -> Option<f64> {
    match format {
        StreamFormat::Pcm { rate_hz, channels, sample } => {
            let frame_len = sample.bytes() as u64 * u64::from(channels);
            Some((len / frame_len) as f64 / f64::from(rate_hz))
        }
        StreamFormat::RawVideo { width, height, pixels, fps } => {
            let frame_len = format::frame_bytes(pixels, width, height)?;
            Some((len / frame_len as u64) as f64 / fps)
        }
        StreamFormat::Mjpeg { .. } => None,
    }
}
