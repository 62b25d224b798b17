//! One checkpoint file: what was learnt by one source, framed so that damage cannot go unnoticed.
//!
//! ```text
//! magic "HABITUAT" | format u64 | origin: source, encoder, its hash | settings | payload | SHA-256 of all before
//! ```
//!
//! Numbers are little-endian, texts and the payload carry their lengths. No wall-clock time is
//! inside: equal learning gives equal bytes, and equal hashes.

use sha2::Digest;
use sha2::Sha256;
use thiserror::Error;

use crate::base::bytes::Malformed;
use crate::base::bytes::Reader;
use crate::base::bytes::Writer;
use crate::base::hex::hex;

const MAGIC: &[u8; 8] = b"HABITUAT";
const HASH_BYTES: usize = 32;

/// Format of the frame and of everything inside. Raised when older programs could not read a new
/// state, or newer ones not an old one.
pub const FORMAT_VERSION: u64 = 9;

/// The oldest format that is still read: each part knows what stands in for what it did not have yet.
pub const OLDEST_VERSION: u64 = 5;

/// Format that says with which settings it was learnt.
const SETTINGS_SINCE: u64 = 9;

/// Where a checkpoint comes from; a learner only continues one of its own origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The source's name.
    pub source: String,
    /// The encoder's name.
    pub encoder: String,
    /// SHA-256 of the encoder's ONNX file, in hexadecimal.
    pub encoder_sha256: String,
}

/// A checkpoint's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The format of its bytes, from [`OLDEST_VERSION`] to [`FORMAT_VERSION`].
    pub format: u64,
    /// Where it comes from.
    pub origin: Origin,
    /// The settings that shape the payload, in words of the configuration; empty in older formats.
    pub settings: String,
    /// The learner's and the pipeline's own bytes.
    pub payload: Vec<u8>,
}

/// Why bytes are not a checkpoint.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Some other file.
    #[error("not a habituate checkpoint")]
    Foreign,
    /// Cut short or changed on disk.
    #[error("damaged: its checksum does not match its content")]
    Damaged,
    /// Written by a program from long before this format.
    #[error(
        "written in format {found}, and this program goes on from {OLDEST_VERSION} to {FORMAT_VERSION}; \
         the program that wrote it still reads it"
    )]
    Older {
        /// The file's format.
        found: u64,
    },
    /// Written by a newer program.
    #[error(
        "written in format {found}, this program reads up to {FORMAT_VERSION}; use the program that \
         wrote it, or another state directory"
    )]
    Newer {
        /// The file's format.
        found: u64,
    },
    /// The checksum is right but the content is not: our bug.
    #[error("malformed although its checksum is right")]
    Malformed(#[from] Malformed),
}

impl Checkpoint {
    /// One in the newest format, which says nothing of settings yet.
    pub const fn new(origin: Origin, payload: Vec<u8>) -> Self {
        Self { format: FORMAT_VERSION, origin, settings: String::new(), payload }
    }

    /// A reader of the payload.
    pub fn reader(&self) -> Reader<'_> {
        Reader::of_format(&self.payload, self.format)
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u64(self.format);
        writer.section("origin");
        writer.text(&self.origin.source);
        writer.text(&self.origin.encoder);
        writer.text(&self.origin.encoder_sha256);
        if SETTINGS_SINCE <= self.format {
            writer.section("settings");
            writer.text(&self.settings);
        }
        writer.section("payload");
        writer.len(self.payload.len());
        let mut bytes = MAGIC.to_vec();
        bytes.extend(writer.into_bytes());
        bytes.extend_from_slice(&self.payload);
        let hash = Sha256::digest(&bytes);
        bytes.extend_from_slice(&hash);
        bytes
    }

    /// Reads a file's bytes back.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`]; a newer format is told apart from damage, because it must never be set
    /// aside.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let Some(after_magic) = bytes.strip_prefix(MAGIC) else {
            return Err(CheckpointError::Foreign);
        };
        let Some((content, hash)) = bytes.split_last_chunk::<HASH_BYTES>() else {
            return Err(CheckpointError::Damaged);
        };
        if Sha256::digest(content).as_slice() != hash.as_slice() {
            return Err(CheckpointError::Damaged);
        }
        let body = &after_magic[..after_magic.len() - HASH_BYTES];
        let mut reader = Reader::new(body);
        let format = reader.u64()?;
        if FORMAT_VERSION < format {
            return Err(CheckpointError::Newer { found: format });
        }
        if format < OLDEST_VERSION {
            return Err(CheckpointError::Older { found: format });
        }
        reader.section("origin")?;
        let origin = Origin {
            source: reader.text()?,
            encoder: reader.text()?,
            encoder_sha256: reader.text()?,
        };
        let settings = if SETTINGS_SINCE <= format {
            reader.section("settings")?;
            reader.text()?
        } else {
            String::new()
        };
        reader.section("payload")?;
        let payload = reader.bytes()?;
        reader.end()?;
        Ok(Self { format, origin, settings, payload })
    }
}

/// The format that a file's first bytes name; `None` where it is no checkpoint.
pub fn format_of(head: &[u8]) -> Option<u64> {
    Reader::new(head.strip_prefix(MAGIC)?).u64().ok()
}

/// Bytes that [`format_of`] needs.
pub const HEAD_BYTES: usize = MAGIC.len() + 8;

/// SHA-256 of a file's bytes in hexadecimal: the checkpoint hash of reports.
pub fn hash_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Checkpoint {
        let origin = Origin {
            source: "mic".into(),
            encoder: "logmel-patches".into(),
            encoder_sha256: "ab".repeat(32),
        };
        let settings = "width = 64\n".into();
        Checkpoint { settings, ..Checkpoint::new(origin, (0..200).collect()) }
    }

    #[test]
    fn what_was_written_is_read() {
        assert_eq!(Checkpoint::from_bytes(&sample().to_bytes()), Ok(sample()));
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_noticed() {
        let bytes = sample().to_bytes();
        for cut in 0..bytes.len() {
            assert!(Checkpoint::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            assert!(Checkpoint::from_bytes(&flipped).is_err(), "flipped byte {at}");
        }
    }

    #[test]
    fn what_can_be_gone_on_from_is_read_and_all_else_named() {
        let of = |format| match format < SETTINGS_SINCE {
            true => Checkpoint { format, settings: String::new(), ..sample() },
            false => Checkpoint { format, ..sample() },
        };
        for format in OLDEST_VERSION..=FORMAT_VERSION {
            assert_eq!(Checkpoint::from_bytes(&of(format).to_bytes()), Ok(of(format)));
            assert_eq!(format_of(&of(format).to_bytes()[..HEAD_BYTES]), Some(format));
        }
        let (newer, older) = (of(FORMAT_VERSION + 1), of(OLDEST_VERSION - 1));
        let found = FORMAT_VERSION + 1;
        assert_eq!(
            Checkpoint::from_bytes(&newer.to_bytes()),
            Err(CheckpointError::Newer { found })
        );
        let found = OLDEST_VERSION - 1;
        assert_eq!(
            Checkpoint::from_bytes(&older.to_bytes()),
            Err(CheckpointError::Older { found })
        );
        assert_eq!(format_of(b"HABITUAT"), None);
        assert_eq!(format_of(b"a shopping list of sixteen"), None);
    }
}
