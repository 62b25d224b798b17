//! The few boxes of an MP4 file that say what is in it and which samples count.
//!
//! symphonia delivers the encoder's delay of AAC as sound; the edit list says how much that is.

use std::fs::File;
use std::io;
use std::io::BufReader;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::path::Path;

/// Boxes looked at in all; real files have some hundreds.
const BOXES_MAX: usize = 10_000;

/// What the tracks are.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct Contents {
    /// There is a picture track.
    pub(super) has_video: bool,
    /// There is a sound track.
    pub(super) has_sound: bool,
    /// First sound track: seconds to leave out at the beginning, and seconds that count (0: all).
    pub(super) edit_s: Option<(f64, f64)>,
}

/// One track while its boxes are read.
#[derive(Debug, Default)]
struct Track {
    handler: [u8; 4],
    timescale: u32,
    /// Start in the track's units; length in the movie's.
    edit: Option<(i64, u64)>,
}

struct Walk {
    reader: BufReader<File>,
    movie_timescale: u32,
    tracks: Vec<Track>,
    boxes: usize,
}

/// Reads the boxes; `None` where there is no description of the tracks (a recording cut off).
pub(super) fn contents(path: &Path) -> io::Result<Option<Contents>> {
    let file = File::open(path)?;
    let end = file.metadata()?.len();
    let reader = BufReader::new(file);
    let mut walk = Walk { reader, movie_timescale: 0, tracks: Vec::new(), boxes: 0 };
    walk.boxes(0, end, 0)?;
    if walk.tracks.is_empty() {
        return Ok(None);
    }
    let sound = walk.tracks.iter().find(|track| &track.handler == b"soun");
    let edit_s = sound.and_then(|track| {
        let (start, len) = track.edit?;
        let known = 0 <= start && 0 < track.timescale && 0 < walk.movie_timescale;
        known.then(|| {
            let start_s = start as f64 / f64::from(track.timescale);
            (start_s, len as f64 / f64::from(walk.movie_timescale))
        })
    });
    let has_video = walk.tracks.iter().any(|track| &track.handler == b"vide");
    Ok(Some(Contents { has_video, has_sound: sound.is_some(), edit_s }))
}

impl Walk {
    fn boxes(&mut self, from: u64, end: u64, depth: usize) -> io::Result<()> {
        let mut at = from;
        while at + 8 <= end && self.boxes < BOXES_MAX {
            self.boxes += 1;
            self.reader.seek(SeekFrom::Start(at))?;
            let short = u64::from(self.u32()?);
            let name: [u8; 4] = self.array()?;
            let (head, len) = match short {
                0 => (8, end - at),
                1 => (16, u64::from_be_bytes(self.array()?)),
                len => (8, len),
            };
            let Some(next) = at.checked_add(len).filter(|next| head <= len && *next <= end) else {
                return Ok(());
            };
            if let Err(error) = self.one(name, at + head, next, depth)
                && error.kind() != io::ErrorKind::UnexpectedEof
            {
                return Err(error);
            }
            at = next;
        }
        Ok(())
    }

    fn one(&mut self, name: [u8; 4], body: u64, end: u64, depth: usize) -> io::Result<()> {
        match &name {
            b"moov" | b"mdia" | b"edts" if depth < 6 => self.boxes(body, end, depth + 1)?,
            b"trak" if depth < 6 => {
                self.tracks.push(Track::default());
                self.boxes(body, end, depth + 1)?;
            }
            b"mvhd" => self.movie_timescale = self.timescale()?,
            b"mdhd" => {
                let timescale = self.timescale()?;
                if let Some(track) = self.tracks.last_mut() {
                    track.timescale = timescale;
                }
            }
            b"hdlr" => {
                self.reader.seek_relative(8)?;
                let handler = self.array()?;
                // `meta` boxes have handlers, too; a track's comes first.
                if let Some(track) = self.tracks.last_mut()
                    && track.handler == [0; 4]
                {
                    track.handler = handler;
                }
            }
            b"elst" => self.edit_list()?,
            _ => {}
        }
        Ok(())
    }

    /// The first edit that shows something; an empty one before it only delays.
    fn edit_list(&mut self) -> io::Result<()> {
        let [version, ..] = self.array::<4>()?;
        let count = self.u32()?;
        for _ in 0..count.min(16) {
            let (len, start) = if version == 1 {
                (u64::from_be_bytes(self.array()?), i64::from_be_bytes(self.array()?))
            } else {
                (u64::from(self.u32()?), i64::from(i32::from_be_bytes(self.array()?)))
            };
            self.reader.seek_relative(4)?;
            if 0 <= start {
                if let Some(track) = self.tracks.last_mut() {
                    // Several edits are a cut film; then only its beginning is taken from here.
                    track.edit = Some((start, if count == 1 { len } else { 0 }));
                }
                return Ok(());
            }
        }
        Ok(())
    }

    /// `mvhd` and `mdhd` begin alike.
    fn timescale(&mut self) -> io::Result<u32> {
        let [version, ..] = self.array::<4>()?;
        self.reader.seek_relative(if version == 1 { 16 } else { 8 })?;
        self.u32()
    }

    fn u32(&mut self) -> io::Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}
