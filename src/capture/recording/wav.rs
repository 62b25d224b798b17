//! WAV and its large relatives RF64, BW64 and Sony Wave64: the header is read here, and so are plain
//! samples; compressed ones go on to symphonia behind a header made anew.
//!
//! Why not symphonia for all of it: it has neither RF64 nor Wave64, refuses headers that recorders
//! really write (sizes of 0 after a power cut, `fmt ` chunks of odd length), and computes with
//! unchecked channel counts.

use std::fs::File;
use std::io;
use std::io::BufReader;
use std::io::Cursor;
use std::io::Read;
use std::path::Path;

use crate::capture::command::format::CHANNELS_MAX;
use crate::capture::command::format::RATE_MAX_HZ;
use crate::capture::command::format::SampleFormat;
use crate::capture::command::format::StreamFormat;
use crate::capture::recording::raw::RawStream;
use crate::capture::recording::reader::Trouble;

/// Samples as they are, whole numbers.
const TAG_PCM: u16 = 1;
const TAG_MS_ADPCM: u16 = 2;
const TAG_FLOAT: u16 = 3;
const TAG_ALAW: u16 = 6;
const TAG_MULAW: u16 = 7;
const TAG_IMA_ADPCM: u16 = 0x11;
const TAG_EXTENSIBLE: u16 = 0xFFFE;

/// The 16 bytes that name a Wave64 chunk: four letters, then always these.
const W64_TAIL: [u8; 12] = [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A];

/// Longest `fmt ` chunk read; the extensible one has 40 bytes, ADPCM tables some more.
const FMT_MAX_BYTES: u64 = 4096;

/// What the header says, as far as it can be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    tag: u16,
    channels: u16,
    rate_hz: u32,
    bits: u16,
    block_len: u16,
    fmt: Vec<u8>,
    /// Sample frames as the `fact` chunk counts them.
    fact_count: Option<u64>,
    /// Bytes of samples; `None`: to the end of the file.
    data_len: Option<u64>,
    /// Where the samples begin.
    data_at: u64,
}

/// What reads on behind the header.
pub(super) enum Body {
    /// Plain samples.
    Plain(Box<RawStream>),
    /// For symphonia: a stream with a header made anew, and the sample frames that count.
    Compressed { stream: Box<dyn Stream>, frames: Option<u64> },
    /// Needs `ffmpeg`: what it is.
    Foreign(String),
}

/// What symphonia wants of a stream.
pub(super) trait Stream: Read + Send + Sync {}
impl<T: Read + Send + Sync> Stream for T {}

/// Opens a WAV file behind its first bytes.
///
/// # Errors
///
/// [`Trouble`] with what the header says and what would be right.
pub(super) fn open(path: &Path) -> Result<Body, Trouble> {
    let file = File::open(path)?;
    let file_len = file.metadata()?.len();
    let mut reader = BufReader::new(file);
    let header = Header::read(&mut reader, Some(file_len))?;
    let available = file_len.saturating_sub(header.data_at);
    let data_len = header.data_len.unwrap_or(available);
    let missing = data_len.saturating_sub(available);
    let warning = (0 < missing)
        .then(|| format!("{missing} of {data_len} bytes of sound are missing at its end"));
    let data_len = data_len.min(available);
    if let Some(sample) = header.plain_format() {
        let sound = header.plain(Box::new(reader), sample, Some(data_len));
        return Ok(Body::Plain(Box::new(sound.warn(warning).warn(header.oddity(sample)))));
    }
    let Some(head) = header.remade(data_len) else {
        return Ok(Body::Foreign(format!("WAV sound of codec {:#06x}", header.tag)));
    };
    let stream = Box::new(Cursor::new(head).chain(reader.take(data_len)));
    Ok(Body::Compressed { stream, frames: header.fact_count })
}

/// Plain samples from a pipe, whose header states no sizes.
///
/// # Errors
///
/// [`Trouble`] when it is no WAV stream of plain samples.
pub(super) fn open_pipe(mut pipe: Box<dyn Read + Send>) -> Result<RawStream, Trouble> {
    let header = Header::read(&mut pipe, None)?;
    let sample = header
        .plain_format()
        .ok_or_else(|| Trouble::Damaged(format!("a pipe with WAV codec {:#06x}", header.tag)))?;
    Ok(header.plain(pipe, sample, header.data_len))
}

impl Header {
    fn read(reader: &mut dyn Read, file_len: Option<u64>) -> Result<Self, Trouble> {
        let mut reader = Counted { reader, at: 0 };
        let magic: [u8; 4] = reader.array()?;
        let chunks = match &magic {
            b"riff" => Chunks::Wave64,
            b"RIFF" | b"RF64" | b"BW64" => Chunks::Riff,
            _ => return Err(Trouble::Unknown("no WAV header".into())),
        };
        let mut riff_len = None;
        match chunks {
            Chunks::Wave64 => reader.skip(12 + 8 + 16)?,
            Chunks::Riff => {
                riff_len = Some(u64::from(u32::from_le_bytes(reader.array()?)));
                reader.skip(4)?;
            }
        }
        let mut header: Option<Self> = None;
        let (mut large_data_len, mut fact_count) = (None, None);
        loop {
            let (name, len) = chunks.next(&mut reader)?;
            let body_at = reader.at;
            match &name {
                b"ds64" => {
                    reader.skip(8)?;
                    large_data_len = Some(u64::from_le_bytes(reader.array()?));
                }
                b"fmt " => header = Some(Self::parse(&reader.bytes(len.min(FMT_MAX_BYTES))?)?),
                b"fact" if 4 <= len => {
                    fact_count = Some(u64::from(u32::from_le_bytes(reader.array()?)));
                }
                b"data" => {
                    let mut header =
                        header.ok_or_else(|| Trouble::Damaged("sound before its format".into()))?;
                    header.fact_count = fact_count.filter(|&count| 0 < count);
                    header.data_at = reader.at;
                    // Recorders that stream, or that were cut off, leave 0 or the largest number.
                    // A 0 is true only where the whole header agrees with the size of the file.
                    let true_zero = file_len.is_some() && riff_len.map(|len| len + 8) == file_len;
                    header.data_len = match len {
                        0 if chunks == Chunks::Riff && !true_zero => None,
                        0xFFFF_FF00..=0xFFFF_FFFF if chunks == Chunks::Riff => large_data_len,
                        len => Some(len),
                    };
                    return Ok(header);
                }
                _ => {}
            }
            let read = reader.at - body_at;
            reader.skip(chunks.padded(len).saturating_sub(read))?;
        }
    }

    /// The `fmt ` chunk.
    fn parse(fmt: &[u8]) -> Result<Self, Trouble> {
        let short = || Trouble::Damaged(format!("a format of {} bytes, at least 16", fmt.len()));
        let word = |at: usize| {
            let bytes = fmt.get(at..at + 2).and_then(|bytes| <[u8; 2]>::try_from(bytes).ok());
            bytes.map(u16::from_le_bytes).ok_or_else(short)
        };
        let rate = fmt.get(4..8).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
        let rate_hz = rate.map(u32::from_le_bytes).ok_or_else(short)?;
        let (mut tag, channels, block_len, bits) = (word(0)?, word(2)?, word(12)?, word(14)?);
        if tag == TAG_EXTENSIBLE {
            // The first two bytes of the sub-format's GUID are the tag proper.
            tag = word(24)?;
        }
        check(rate_hz, u64::from(channels))?;
        let fmt = fmt.to_vec();
        let (fact_count, data_len, data_at) = (None, None, 0);
        Ok(Self { tag, channels, rate_hz, bits, block_len, fmt, fact_count, data_len, data_at })
    }

    /// How plain samples are written; `None` for compressed ones.
    fn plain_format(&self) -> Option<SampleFormat> {
        match (self.tag, self.bits) {
            (TAG_PCM, 1..=8) => Some(SampleFormat::U8),
            (TAG_PCM, 9..=16) => Some(SampleFormat::S16le),
            (TAG_PCM, 17..=24) => Some(SampleFormat::S24le),
            (TAG_PCM, 25..=32) => Some(SampleFormat::S32le),
            (TAG_FLOAT, 32) => Some(SampleFormat::F32le),
            (TAG_FLOAT, 64) => Some(SampleFormat::F64le),
            _ => None,
        }
    }

    fn plain(
        &self,
        reader: Box<dyn Read + Send>,
        sample: SampleFormat,
        data_len: Option<u64>,
    ) -> RawStream {
        let (rate_hz, channels) = (self.rate_hz, self.channels);
        RawStream::new(reader, StreamFormat::Pcm { rate_hz, channels, sample }, data_len)
    }

    /// The block length says the same as channels and bits, or it is wrong: then it is not used.
    fn oddity(&self, sample: SampleFormat) -> Option<String> {
        let right = sample.bytes() * usize::from(self.channels);
        (usize::from(self.block_len) != right).then(|| {
            let found = self.block_len;
            format!("its header says {found} bytes for a sample frame of {right}; {right} is used")
        })
    }

    /// A header that symphonia takes, for the codecs it has.
    fn remade(&self, data_len: u64) -> Option<Vec<u8>> {
        let fmt = match self.tag {
            TAG_MS_ADPCM | TAG_IMA_ADPCM => self.fmt.clone(),
            TAG_ALAW | TAG_MULAW => {
                let mut fmt = self.tag.to_le_bytes().to_vec();
                fmt.extend(self.channels.to_le_bytes());
                fmt.extend(self.rate_hz.to_le_bytes());
                fmt.extend((self.rate_hz * u32::from(self.channels)).to_le_bytes());
                fmt.extend(self.channels.to_le_bytes());
                fmt.extend([8, 0, 0, 0]);
                fmt
            }
            _ => return None,
        };
        let data_len = u32::try_from(data_len).ok()?;
        let riff_len = u32::try_from(4 + 8 + fmt.len() + 8).ok()?.checked_add(data_len)?;
        let mut head = b"RIFF".to_vec();
        head.extend(riff_len.to_le_bytes());
        head.extend(b"WAVEfmt ");
        head.extend(u32::try_from(fmt.len()).ok()?.to_le_bytes());
        head.extend(fmt);
        head.extend(b"data");
        head.extend(data_len.to_le_bytes());
        Some(head)
    }
}

/// Refuses what would make time stand still or memory large.
///
/// # Errors
///
/// [`Trouble::Damaged`] with the value.
pub(super) fn check(rate_hz: u32, channels: u64) -> Result<(), Trouble> {
    if !(1..=RATE_MAX_HZ).contains(&rate_hz) {
        let right = format!("1 to {RATE_MAX_HZ}");
        return Err(Trouble::Damaged(format!("{rate_hz} samples per second, expected {right}")));
    }
    if !(1..=u64::from(CHANNELS_MAX)).contains(&channels) {
        let right = format!("1 to {CHANNELS_MAX}");
        return Err(Trouble::Damaged(format!("{channels} channels, expected {right}")));
    }
    Ok(())
}

/// How chunks are named and measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chunks {
    /// Four letters, 32 bits for the length of the body, padded to 2.
    Riff,
    /// 16 bytes, 64 bits for the length of all, padded to 8.
    Wave64,
}

impl Chunks {
    /// The next chunk's name and the length of its body.
    fn next(self, reader: &mut Counted<'_>) -> io::Result<([u8; 4], u64)> {
        let name = reader.array()?;
        match self {
            Self::Riff => Ok((name, u64::from(u32::from_le_bytes(reader.array()?)))),
            Self::Wave64 => {
                let tail: [u8; 12] = reader.array()?;
                let len = u64::from_le_bytes(reader.array()?);
                let known = if tail == W64_TAIL { name } else { *b"    " };
                Ok((known, len.saturating_sub(24)))
            }
        }
    }

    fn padded(self, len: u64) -> u64 {
        match self {
            Self::Riff => len.saturating_add(len % 2),
            Self::Wave64 => len.checked_next_multiple_of(8).unwrap_or(u64::MAX),
        }
    }
}

/// Knows how far it has read.
struct Counted<'a> {
    reader: &'a mut dyn Read,
    at: u64,
}

impl Counted<'_> {
    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn bytes(&mut self, len: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = (&mut *self.reader).take(len).read_to_end(&mut bytes)?;
        self.at += read as u64;
        Ok(bytes)
    }

    /// Reads over `len` bytes, or to the end.
    fn skip(&mut self, len: u64) -> io::Result<()> {
        self.at += io::copy(&mut (&mut *self.reader).take(len), &mut io::sink())?;
        Ok(())
    }
}
