//! AVI with MJPEG or raw pictures, read from front to back. The index is not used, so that files
//! without one (a recorder that was cut off) give what they hold.

use std::io;
use std::io::BufReader;
use std::io::Read;

use crate::capture::Loss;
use crate::capture::LossCause;
use crate::capture::command::format;
use crate::capture::command::format::SIDE_MAX;
use crate::capture::recording::reader::Piece;
use crate::capture::recording::reader::Reader;
use crate::capture::recording::reader::Trouble;
use crate::signal::image::PixelFormat;
use crate::signal::image::RawImage;

/// Largest picture taken: 4096 × 4096 with 3 bytes a pixel is 50 MB.
const PICTURE_MAX_BYTES: u32 = 64 << 20;

/// How pictures are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Jpeg,
    /// As cameras deliver them.
    Raw(PixelFormat),
    /// Planes of Y, V, U.
    Yv12,
    /// Blue, green, red; lines padded to 4 bytes; bytes a pixel; the last line comes first.
    Bitmap {
        pixel_len: usize,
        upside_down: bool,
    },
}

/// An open file.
pub(super) struct Avi {
    reader: BufReader<Box<dyn Read + Send>>,
    stream: Option<Stream>,
    count: u64,
    at_end: bool,
}

/// The first stream of pictures.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stream {
    number: u32,
    coding: Coding,
    width: usize,
    height: usize,
    fps: f64,
    frame_count: u64,
}

/// What a stream header says before its format is read.
#[derive(Debug, Clone, Copy)]
struct Head {
    is_video: bool,
    fps: f64,
    frame_count: u64,
}

impl Avi {
    /// Reads up to the first picture.
    ///
    /// # Errors
    ///
    /// [`Trouble`]; [`Trouble::NeedsFfmpeg`] for codecs that are not read here.
    pub(super) fn open(reader: Box<dyn Read + Send>) -> Result<Self, Trouble> {
        let mut avi = Self {
            reader: BufReader::with_capacity(64 << 10, reader),
            stream: None,
            count: 0,
            at_end: false,
        };
        avi.skip(12)?;
        avi.read_header()?;
        if avi.stream.is_none() {
            return Err(Trouble::Damaged("an AVI file without pictures".into()));
        }
        Ok(avi)
    }

    /// Up to the beginning of `movi`.
    fn read_header(&mut self) -> Result<(), Trouble> {
        let mut stream_count = 0;
        let mut head: Option<Head> = None;
        loop {
            let (name, len) = self.chunk()?;
            match &name {
                b"LIST" => {
                    let kind: [u8; 4] = self.array()?;
                    match &kind {
                        b"movi" => return Ok(()),
                        // Their chunks follow one by one.
                        b"hdrl" | b"strl" => {}
                        _ => self.skip(padded(len).saturating_sub(4))?,
                    }
                }
                b"strh" => {
                    head = Some(parse_head(&self.body(len)?));
                    stream_count += 1;
                }
                b"strf" => {
                    let body = self.body(len)?;
                    if let Some(head) = head.filter(|head| head.is_video && self.stream.is_none()) {
                        self.stream = Some(parse_format(&body, head, stream_count - 1)?);
                    }
                }
                _ => self.skip(padded(len))?,
            }
        }
    }

    fn chunk(&mut self) -> io::Result<([u8; 4], u32)> {
        let name = self.array()?;
        Ok((name, u32::from_le_bytes(self.array()?)))
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// At most `len` bytes and the padding behind them; fewer at the end of the file.
    fn body(&mut self, len: u32) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        self.reader.by_ref().take(u64::from(len)).read_to_end(&mut body)?;
        self.skip(u64::from(len % 2))?;
        Ok(body)
    }

    fn skip(&mut self, len: u64) -> io::Result<()> {
        io::copy(&mut self.reader.by_ref().take(len), &mut io::sink()).map(|_| ())
    }

    /// The next chunk of our stream.
    fn next_body(&mut self, number: u32) -> Result<Option<(Vec<u8>, u32)>, String> {
        let words = |error: io::Error| error.to_string();
        loop {
            let (name, len) = match self.chunk() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                Err(error) => return Err(error.to_string()),
            };
            match &name {
                // Groups of chunks, and the further parts of files over 1 GB.
                b"LIST" | b"RIFF" => self.skip(4).map_err(words)?,
                [tens, ones, b'd', b'c' | b'b'] if stream_number(*tens, *ones) == Some(number) => {
                    if PICTURE_MAX_BYTES < len {
                        return Err(format!("a picture of {len} bytes"));
                    }
                    return Ok(Some((self.body(len).map_err(words)?, len)));
                }
                _ if name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') => {
                    self.skip(padded(len)).map_err(words)?;
                }
                _ => return Err("something that is no AVI chunk".into()),
            }
        }
    }
}

impl Reader for Avi {
    fn next(&mut self) -> Result<Option<Piece>, String> {
        let Some(stream) = self.stream.filter(|_| !self.at_end) else { return Ok(None) };
        loop {
            let Some((body, len)) = self.next_body(stream.number)? else { return Ok(None) };
            let at_s = self.count as f64 / stream.fps;
            self.count += 1;
            if len == 0 {
                // A picture like the one before.
                continue;
            }
            if (body.len() as u64) < u64::from(len) {
                self.at_end = true;
                return Ok(Some(lost(LossCause::ShortFrame)));
            }
            return Ok(Some(match stream.image(body) {
                Some(image) => Piece::Picture { at_s, lasts_s: 1.0 / stream.fps, image },
                None => lost(LossCause::ShortFrame),
            }));
        }
    }

    fn total_s(&self) -> Option<f64> {
        let stream = self.stream?;
        (0 < stream.frame_count).then(|| stream.frame_count as f64 / stream.fps)
    }
}

impl Stream {
    /// `None` when there are not as many bytes as pixels need.
    fn image(&self, body: Vec<u8>) -> Option<RawImage> {
        let Self { coding, width, height, .. } = *self;
        let exact = |mut body: Vec<u8>, format: PixelFormat| {
            let wanted = format::frame_bytes(format, width, height)?;
            (wanted <= body.len()).then(|| {
                body.truncate(wanted);
                RawImage { format, width, height, bytes: body }
            })
        };
        match coding {
            Coding::Jpeg => {
                Some(RawImage { format: PixelFormat::Jpeg, width: 0, height: 0, bytes: body })
            }
            Coding::Raw(format) => exact(body, format),
            Coding::Yv12 => {
                let mut image = exact(body, PixelFormat::I420)?;
                let chroma = &mut image.bytes[width * height..];
                let half = chroma.len() / 2;
                let (red, blue) = chroma.split_at_mut(half);
                red.swap_with_slice(blue);
                Some(image)
            }
            Coding::Bitmap { pixel_len, upside_down } => {
                let line_len = (width * pixel_len).next_multiple_of(4);
                let mut bytes = Vec::with_capacity(width * height * 3);
                for row in 0..height {
                    let line = if upside_down { height - 1 - row } else { row };
                    let line = body.get(line * line_len..)?.get(..width * pixel_len)?;
                    bytes.extend(line.chunks_exact(pixel_len).flat_map(|pixel| &pixel[..3]));
                }
                Some(RawImage { format: PixelFormat::Bgr8, width, height, bytes })
            }
        }
    }
}

fn lost(cause: LossCause) -> Piece {
    Piece::Lost(Loss { cause, count: 1 })
}

fn padded(len: u32) -> u64 {
    u64::from(len) + u64::from(len % 2)
}

fn stream_number(tens: u8, ones: u8) -> Option<u32> {
    Some(char::from(tens).to_digit(10)? * 10 + char::from(ones).to_digit(10)?)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..at + 4).and_then(|word| <[u8; 4]>::try_from(word).ok());
    word.map_or(0, u32::from_le_bytes)
}

/// `AVISTREAMHEADER`: type, codec, …, scale at 20, rate at 24, …, length at 32.
fn parse_head(body: &[u8]) -> Head {
    let fps = f64::from(word(body, 24)) / f64::from(word(body, 20));
    // A rate that cannot be is replaced by what most cameras have.
    let fps = if (1e-5..=1000.0).contains(&fps) { fps } else { 25.0 };
    let frame_count = u64::from(word(body, 32));
    Head { is_video: body.starts_with(b"vids"), fps, frame_count }
}

/// `BITMAPINFOHEADER`: …, width at 4, height at 8 (below 0: first line first), bits at 14,
/// compression at 16.
fn parse_format(body: &[u8], head: Head, number: u32) -> Result<Stream, Trouble> {
    let size = |at| word(body, at).cast_signed().unsigned_abs() as usize;
    let (width, height) = (size(4), size(8));
    if !(1..=SIDE_MAX).contains(&width) || !(1..=SIDE_MAX).contains(&height) {
        let right = format!("1 to {SIDE_MAX} pixels a side");
        return Err(Trouble::Damaged(format!("a picture of {width}×{height}, expected {right}")));
    }
    let bits = word(body, 14) & 0xFFFF;
    let codec = word(body, 16).to_le_bytes();
    let upside_down = 0 < word(body, 8).cast_signed();
    let coding = match (&codec.map(|letter| letter.to_ascii_uppercase()), bits) {
        (b"MJPG" | b"JPEG" | b"AVRN" | b"LJPG", _) => Coding::Jpeg,
        (b"YUY2" | b"YUYV" | b"YUNV", _) => Coding::Raw(PixelFormat::Yuyv),
        (b"UYVY" | b"UYNV" | b"Y422", _) => Coding::Raw(PixelFormat::Uyvy),
        (b"I420" | b"IYUV", _) => Coding::Raw(PixelFormat::I420),
        (b"NV12", _) => Coding::Raw(PixelFormat::Nv12),
        (b"NV21", _) => Coding::Raw(PixelFormat::Nv21),
        (b"Y800" | b"GREY" | b"Y8  ", _) => Coding::Raw(PixelFormat::Grey8),
        (b"YV12", _) => Coding::Yv12,
        ([0, 0, 0, 0], 24) => Coding::Bitmap { pixel_len: 3, upside_down },
        ([0, 0, 0, 0], 32) => Coding::Bitmap { pixel_len: 4, upside_down },
        _ => {
            let codec = String::from_utf8_lossy(&codec).into_owned();
            return Err(Trouble::NeedsFfmpeg(format!(
                "AVI pictures of codec {codec:?}, {bits} bits"
            )));
        }
    };
    let Head { fps, frame_count, .. } = head;
    Ok(Stream { number, coding, width, height, fps, frame_count })
}
