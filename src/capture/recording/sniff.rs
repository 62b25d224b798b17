//! What a file is: by its first bytes, and only where these say nothing, by its name.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::capture::Modality;
use crate::capture::recording::mp4;
use crate::capture::recording::reader::Trouble;

/// How much of a file is looked at. Matroska names its codecs somewhat behind the beginning.
const HEAD_LEN: u64 = 4096;

/// Extensions of sound that is read here, then of sound for `ffmpeg`.
const SOUND: &[&str] = &[
    "wav", "wave", "rf64", "w64", "bwf", "flac", "mp3", "ogg", "oga", "aif", "aiff", "aifc", "caf",
    "m4a", "m4b", "aac", "mka",
];
const FOREIGN_SOUND: &[&str] = &[
    "opus", "spx", "wma", "ac3", "amr", "ape", "wv", "tta", "mp2", "au", "snd", "gsm", "dts", "ra",
];
/// Extensions of single pictures.
const PICTURE: &[&str] = &["jpg", "jpeg", "jpe", "png", "webp", "bmp", "gif"];
/// Extensions of moving pictures that are read here, then for `ffmpeg`.
const VIDEO: &[&str] = &["avi", "y4m", "mjpeg", "mjpg", "mpjpeg"];
const FOREIGN_VIDEO: &[&str] = &[
    "mp4", "m4v", "mov", "mkv", "webm", "mpg", "mpeg", "ts", "mts", "m2ts", "wmv", "asf", "flv",
    "3gp", "ogv", "h264", "264", "h265", "hevc", "ivf", "vob", "mxf",
];

/// What names in a folder promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Promise {
    Sound,
    Picture,
    Video,
}

impl Promise {
    /// By extension; `None` for what is no recording.
    pub(super) fn of(name: &Path) -> Option<Self> {
        let extension = extension(name);
        let among = |lists: [&[&str]; 2]| lists.concat().contains(&extension.as_str());
        if among([SOUND, FOREIGN_SOUND]) {
            Some(Self::Sound)
        } else if among([PICTURE, &[]]) {
            Some(Self::Picture)
        } else if among([VIDEO, FOREIGN_VIDEO]) {
            Some(Self::Video)
        } else {
            None
        }
    }
}

/// How a file is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Wav,
    /// By symphonia; with the extension that it knows the format by, and words for people.
    Coded(&'static str, &'static str),
    Avi,
    Y4m,
    Mjpeg,
    /// One picture.
    Picture,
    /// By `ffmpeg`: what it is.
    Foreign(Modality, String),
    /// As the user says.
    Raw,
}

impl Kind {
    /// Sound or pictures; `raw`: of what the user says.
    pub(super) fn modality(&self, raw: Option<Modality>) -> Modality {
        match self {
            Self::Wav | Self::Coded(..) => Modality::Sound,
            Self::Avi | Self::Y4m | Self::Mjpeg | Self::Picture => Modality::Picture,
            Self::Foreign(modality, _) => *modality,
            Self::Raw => raw.unwrap_or(Modality::Sound),
        }
    }
}

/// The extension in small letters.
pub(super) fn extension(path: &Path) -> String {
    path.extension()
        .map(|extension| extension.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default()
}

/// Looks into the file. `raw`: the user has said what a file without a known beginning is;
/// `wanted`: what to take from files that hold both sound and pictures.
///
/// # Errors
///
/// [`Trouble`] for what is no recording.
pub(super) fn kind(path: &Path, raw: bool, wanted: Option<Modality>) -> Result<Kind, Trouble> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD_LEN).read_to_end(&mut head)?;
    if head.is_empty() {
        return Err(Trouble::Damaged("it is empty".into()));
    }
    let extension = extension(path);
    let found = match by_bytes(&head, &extension) {
        Some(kind) => Some(kind),
        None if is_mp4(&head) => Some(mp4_kind(path, &extension, wanted)?),
        None => None,
    };
    match found {
        Some(kind) if contradicts(Promise::of(path), &kind) => {
            Err(Trouble::Unknown(format!("{}, although it is named .{extension}", shown(&kind))))
        }
        Some(kind) => Ok(kind),
        None if raw => Ok(Kind::Raw),
        None => by_name(&extension).ok_or_else(|| Trouble::Unknown(first_bytes(&head))),
    }
}

/// A picture in a sound file is a mistake that should not become a stream of one picture.
fn contradicts(promise: Option<Promise>, kind: &Kind) -> bool {
    let sound = match kind {
        Kind::Raw => return false,
        kind => kind.modality(None) == Modality::Sound,
    };
    match promise {
        Some(Promise::Sound) => !sound,
        Some(Promise::Picture) => sound,
        // Films may have sound alone, and may be read for it.
        Some(Promise::Video) | None => false,
    }
}

fn shown(kind: &Kind) -> &str {
    match kind {
        Kind::Wav => "WAV sound",
        Kind::Coded(_, what) => what,
        Kind::Avi => "AVI pictures",
        Kind::Y4m => "Y4M pictures",
        Kind::Mjpeg => "a stream of JPEG pictures",
        Kind::Picture => "a picture",
        Kind::Foreign(_, what) => what,
        Kind::Raw => "raw data",
    }
}

fn first_bytes(head: &[u8]) -> String {
    let bytes: Vec<String> = head.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("something unknown that begins with {}", bytes.join(" "))
}

fn by_bytes(head: &[u8], extension: &str) -> Option<Kind> {
    let at = |from: usize, what: &[u8]| head.get(from..).is_some_and(|rest| rest.starts_with(what));
    let foreign = |modality, what: &str| Some(Kind::Foreign(modality, what.into()));
    match head {
        [b'R', b'I', b'F', b'F', ..] if at(8, b"WAVE") => Some(Kind::Wav),
        [b'R', b'I', b'F', b'F', ..] if at(8, b"AVI ") => Some(Kind::Avi),
        [b'R', b'I', b'F', b'F', ..] if at(8, b"WEBP") => Some(Kind::Picture),
        [b'R', b'F', b'6', b'4', ..] | [b'B', b'W', b'6', b'4', ..] => Some(Kind::Wav),
        [b'r', b'i', b'f', b'f', 0x2E, 0x91, 0xCF, 0x11, ..] => Some(Kind::Wav),
        [b'F', b'O', b'R', b'M', ..] if at(8, b"AIFF") || at(8, b"AIFC") => {
            Some(Kind::Coded("aiff", "AIFF sound"))
        }
        [b'c', b'a', b'f', b'f', ..] => Some(Kind::Coded("caf", "CAF sound")),
        [b'f', b'L', b'a', b'C', ..] => Some(Kind::Coded("flac", "FLAC sound")),
        [b'O', b'g', b'g', b'S', ..] => Some(ogg(head)),
        [b'I', b'D', b'3', ..] => Some(Kind::Coded("mp3", "MP3 sound")),
        [0xFF, 0xD8, ..] if matches!(extension, "mjpeg" | "mjpg" | "mpjpeg") => Some(Kind::Mjpeg),
        [0xFF, 0xD8, ..] | [0x89, b'P', b'N', b'G', ..] | [b'G', b'I', b'F', b'8', ..] => {
            Some(Kind::Picture)
        }
        [b'B', b'M', ..] if extension == "bmp" => Some(Kind::Picture),
        [0xFF, 0xF1 | 0xF9, ..] => Some(Kind::Coded("aac", "AAC sound")),
        [0xFF, second, third, ..] if is_mpeg_audio(*second, *third) => {
            Some(Kind::Coded("mp3", "MP3 sound"))
        }
        [b'Y', b'U', b'V', b'4', b'M', b'P', b'E', b'G', b'2', ..] => Some(Kind::Y4m),
        [0x1A, 0x45, 0xDF, 0xA3, ..] => Some(matroska(head)),
        [0x30, 0x26, 0xB2, 0x75, ..] if FOREIGN_SOUND.contains(&extension) => {
            foreign(Modality::Sound, "Windows Media sound")
        }
        [0x30, 0x26, 0xB2, 0x75, ..] => foreign(Modality::Picture, "Windows Media"),
        [b'F', b'L', b'V', 1, ..] => foreign(Modality::Picture, "Flash video"),
        [0, 0, 1, 0xBA | 0xB3, ..] => foreign(Modality::Picture, "MPEG video"),
        [b'.', b's', b'n', b'd', ..] => foreign(Modality::Sound, "AU sound"),
        [b'#', b'!', b'A', b'M', b'R', ..] => foreign(Modality::Sound, "AMR sound"),
        [b'w', b'v', b'p', b'k', ..] => foreign(Modality::Sound, "WavPack sound"),
        [0x47, ..] if at(188, &[0x47]) && at(376, &[0x47]) => {
            foreign(Modality::Picture, "an MPEG transport stream")
        }
        _ if is_multipart(head) => Some(Kind::Mjpeg),
        _ => None,
    }
}

/// A frame header of layer 1 to 3 whose rates are real ones.
fn is_mpeg_audio(second: u8, third: u8) -> bool {
    second & 0xE0 == 0xE0
        && second & 0x18 != 0x08
        && second & 0x06 != 0
        && third & 0xF0 != 0xF0
        && third & 0x0C != 0x0C
}

fn is_multipart(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&head[..head.len().min(512)]).to_ascii_lowercase();
    text.trim_start().starts_with("--") && text.contains("content-type: image/jpeg")
}

/// The first packet names the codec.
fn ogg(head: &[u8]) -> Kind {
    let holds = |what: &[u8]| head.windows(what.len()).take(256).any(|window| window == what);
    if holds(b"\x80theora") {
        Kind::Foreign(Modality::Picture, "Theora video".into())
    } else if holds(b"OpusHead") {
        Kind::Foreign(Modality::Sound, "Opus sound".into())
    } else if holds(b"Speex   ") {
        Kind::Foreign(Modality::Sound, "Speex sound".into())
    } else {
        Kind::Coded("ogg", "Ogg sound")
    }
}

/// Codec names begin with `V_` and `A_`.
fn matroska(head: &[u8]) -> Kind {
    let names = |prefix: u8| {
        head.windows(3).any(|w| w[0] == prefix && w[1] == b'_' && w[2].is_ascii_uppercase())
    };
    if names(b'A') && !names(b'V') {
        Kind::Coded("mkv", "Matroska sound")
    } else {
        Kind::Foreign(Modality::Picture, "Matroska video".into())
    }
}

fn is_mp4(head: &[u8]) -> bool {
    head.get(4..8).is_some_and(|name| {
        [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"].iter().any(|known| name == *known)
    })
}

fn mp4_kind(path: &Path, extension: &str, wanted: Option<Modality>) -> Result<Kind, Trouble> {
    let contents = mp4::contents(path)?.ok_or_else(|| {
        let words =
            "an MP4 file without the description of its tracks (moov): recording it was cut off";
        Trouble::Damaged(words.into())
    })?;
    let sound_file = matches!(extension, "m4a" | "m4b");
    let as_sound = wanted == Some(Modality::Sound) || sound_file || !contents.has_video;
    match contents {
        mp4::Contents { has_sound: true, .. } if as_sound => Ok(Kind::Coded("m4a", "MP4 sound")),
        mp4::Contents { has_video: true, .. } if !as_sound => {
            Ok(Kind::Foreign(Modality::Picture, "MP4 video".into()))
        }
        _ => Err(Trouble::Damaged("an MP4 file without sound or pictures".into())),
    }
}

/// For streams that may begin in the middle of something.
fn by_name(extension: &str) -> Option<Kind> {
    let foreign = |modality| Some(Kind::Foreign(modality, format!("a .{extension} file")));
    match extension {
        "mjpeg" | "mjpg" | "mpjpeg" => Some(Kind::Mjpeg),
        _ if FOREIGN_SOUND.contains(&extension) => foreign(Modality::Sound),
        // What MP4 and its like begin with is known.
        "mp4" | "m4v" | "mov" | "3gp" | "mkv" | "webm" => None,
        _ if FOREIGN_VIDEO.contains(&extension) => foreign(Modality::Picture),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_decide() {
        let cases: [(&[u8], &str, Option<Kind>); 9] = [
            (b"RIFF\0\0\0\0WAVEfmt ", "", Some(Kind::Wav)),
            (b"RIFF\0\0\0\0AVI LIST", "", Some(Kind::Avi)),
            (b"RIFF\0\0\0\0WEBPVP8 ", "", Some(Kind::Picture)),
            (b"\xFF\xFB\x90\x64", "", Some(Kind::Coded("mp3", "MP3 sound"))),
            (b"\xFF\xD8\xFF\xE0", "jpg", Some(Kind::Picture)),
            (b"\xFF\xD8\xFF\xE0", "mjpeg", Some(Kind::Mjpeg)),
            (b"\r\n--frame\r\nContent-Type: image/jpeg\r\n", "", Some(Kind::Mjpeg)),
            (b"BM is how this text begins", "txt", None),
            (b"\xFF\xFF\xFF\xFF", "", None),
        ];
        for (head, extension, kind) in cases {
            assert_eq!(by_bytes(head, extension), kind, "{head:?}");
        }
    }
}
