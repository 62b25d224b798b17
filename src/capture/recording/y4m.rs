//! YUV4MPEG2: uncompressed pictures with a line of text before each; also what we take from
//! `ffmpeg`, because it carries its own size and rate.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;

use crate::capture::Loss;
use crate::capture::LossCause;
use crate::capture::command::format::SIDE_MAX;
use crate::capture::recording::reader::Piece;
use crate::capture::recording::reader::Reader;
use crate::capture::recording::reader::Trouble;
use crate::capture::recording::yuv::Planes;

/// Longest line of text; real ones have about 80 bytes.
const LINE_MAX_BYTES: u64 = 1024;

/// An open stream.
pub(super) struct Y4m {
    reader: Box<dyn BufRead + Send>,
    planes: Planes,
    fps: f64,
    frame_len: usize,
    count: u64,
    at_end: bool,
    total_s: Option<f64>,
}

impl Y4m {
    /// Reads the header. `len`: bytes in all, where known.
    ///
    /// # Errors
    ///
    /// [`Trouble`] with what the header says and what would be right.
    pub(super) fn open(reader: Box<dyn Read + Send>, len: Option<u64>) -> Result<Self, Trouble> {
        let mut reader = BufReader::with_capacity(64 << 10, reader);
        let line = read_line(&mut reader)?.unwrap_or_default();
        let mut words = line.split(' ');
        if words.next() != Some("YUV4MPEG2") {
            return Err(Trouble::Unknown("no YUV4MPEG2 header".into()));
        }
        let (mut width, mut height, mut fps) = (0, 0, None);
        let (mut colour, mut full_range) = ("420", false);
        for word in words {
            let (key, value) = word.split_at_checked(1).unwrap_or_default();
            match key {
                "W" => width = value.parse().unwrap_or(0),
                "H" => height = value.parse().unwrap_or(0),
                "F" => fps = ratio(value),
                "C" => colour = value,
                "X" => full_range |= value == "COLORRANGE=FULL",
                _ => {}
            }
        }
        if !(1..=SIDE_MAX).contains(&width) || !(1..=SIDE_MAX).contains(&height) {
            let right = format!("1 to {SIDE_MAX} pixels a side");
            return Err(Trouble::Damaged(format!(
                "a picture of {width}×{height}, expected {right}"
            )));
        }
        // Streams without a rate exist; the format leaves it open.
        let fps = fps.filter(|fps| (1e-5..=1000.0).contains(fps)).unwrap_or(25.0);
        let planes = Planes::new(colour, width, height, full_range).ok_or_else(|| {
            Trouble::NeedsFfmpeg(format!("Y4M pictures in colour space {colour:?}"))
        })?;
        let frame_len = planes.bytes();
        let frames = len.map(|len| len.saturating_sub(line.len() as u64) / (frame_len as u64 + 6));
        let total_s = frames.map(|frames| frames as f64 / fps);
        let reader = Box::new(reader);
        Ok(Self { reader, planes, fps, frame_len, count: 0, at_end: false, total_s })
    }

    fn short(&mut self) -> Piece {
        self.at_end = true;
        Piece::Lost(Loss { cause: LossCause::ShortFrame, count: 1 })
    }
}

impl Reader for Y4m {
    fn next(&mut self) -> Result<Option<Piece>, String> {
        if self.at_end {
            return Ok(None);
        }
        let words = |error: io::Error| error.to_string();
        let Some(line) = read_line(&mut self.reader).map_err(words)? else { return Ok(None) };
        if !line.starts_with("FRAME") {
            return Err(format!("picture {} does not begin with FRAME", self.count));
        }
        let mut frame = Vec::new();
        let wanted = self.frame_len as u64;
        self.reader.by_ref().take(wanted).read_to_end(&mut frame).map_err(words)?;
        if frame.len() < self.frame_len {
            return Ok(Some(self.short()));
        }
        let at_s = self.count as f64 / self.fps;
        self.count += 1;
        Ok(Some(Piece::Picture { at_s, lasts_s: 1.0 / self.fps, image: self.planes.image(frame) }))
    }

    fn total_s(&self) -> Option<f64> {
        self.total_s
    }
}

/// A line without its end; `None` at the end of the stream.
fn read_line(reader: &mut dyn BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    reader.take(LINE_MAX_BYTES).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}

/// `30000:1001`.
fn ratio(text: &str) -> Option<f64> {
    let (above, below) = text.split_once(':')?;
    Some(above.parse::<f64>().ok()? / below.parse::<f64>().ok()?)
}
