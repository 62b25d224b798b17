//! Every file of the robustness data gives what its table says, in bounded time and memory, and
//! without a panic. Needs the development data; skipped without.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests stop at what is wrong, say why, and compare exactly made numbers"
)]

mod common {
    pub(crate) mod dev_data;
    pub(crate) mod taken;
}

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use common::dev_data;
use common::taken;
use common::taken::Taken;
use habituate::capture::LossCause;
use habituate::capture::command::format::SampleFormat;
use habituate::capture::command::format::StreamFormat;
use habituate::capture::recording;
use habituate::capture::recording::Options;
use habituate::signal::image::PixelFormat;
use habituate::signal::image::decode::decode_file;

/// The largest file takes a tenth of a second; this is for a machine busy with other things.
const DEADLINE: Duration = Duration::from_secs(120);

/// Highest resident memory of the whole test, in KiB. The data that is kept for checking (3 s of raw
/// pictures, a 6-channel file) and the program itself take about a third of it.
const MEMORY_MAX_KIB: u64 = 160 << 10;

/// Better-argued answers: where we differ from the table, and why.
const OTHERWISE: &[(&str, Answer, &str)] = &[
    (
        "audio/wav_blockalign_wrong.wav",
        Answer::Whole,
        "channels and bits say how long a sample frame is; the block length only repeats it, and is \
         told in a warning when it does so wrongly",
    ),
    (
        "audio/wav_float_nan_inf.wav",
        Answer::Told,
        "what is no number becomes silence, and that is a loss to be told",
    ),
    (
        "audio/wav_datasz_0.wav",
        Answer::Whole,
        "what a recorder wrote before the power went is what its owner wants to hear",
    ),
];

/// What a file should give.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    /// Something, and nothing lost.
    Whole,
    /// So many pictures, and nothing lost.
    Pictures(usize),
    /// A good end without anything.
    Nothing,
    /// An error.
    Refused,
    /// Something, with a loss or a warning.
    Told,
    /// As [`Answer::Told`], or an error.
    PartOrRefused,
    /// Anything but a panic.
    Any,
}

fn answer(path: &str, expected: &str) -> Answer {
    if let Some((_, answer, _)) = OTHERWISE.iter().find(|(other, ..)| *other == path) {
        return *answer;
    }
    // Single pictures are delivered as they are; how they decode: `every_picture_decodes_as_told`.
    if path.starts_with("image/") {
        return if path.ends_with("empty.jpg") { Answer::Refused } else { Answer::Any };
    }
    let count = expected.split(' ').find_map(|word| word.parse().ok());
    match (expected, count) {
        ("0 frames", _) => Answer::Nothing,
        (_, Some(count)) if expected.starts_with("decode") => Answer::Pictures(count),
        ("error" | "error, bounded memory", _) => Answer::Refused,
        _ if expected.starts_with("error or") => Answer::PartOrRefused,
        ("decode or clear refusal", _) => Answer::Any,
        _ if expected.starts_with("decode") => Answer::Whole,
        _ if expected.starts_with("resync") || expected.ends_with("report") => {
            Answer::PartOrRefused
        }
        other => panic!("{path}: the table says {other:?}, which this test does not know"),
    }
}

/// What a file without a header is, from its name.
fn raw(path: &str) -> Option<StreamFormat> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let pixels = match name.split('_').nth(1)? {
        "s16le" => {
            let sample = SampleFormat::S16le;
            return Some(StreamFormat::Pcm { rate_hz: 16_000, channels: 1, sample });
        }
        "yuyv" => PixelFormat::Yuyv,
        "uyvy" => PixelFormat::Uyvy,
        "nv12" => PixelFormat::Nv12,
        "i420" => PixelFormat::I420,
        "grey" => PixelFormat::Grey8,
        "rgb565" => PixelFormat::Rgb565,
        _ => return None,
    };
    Some(StreamFormat::RawVideo { width: 320, height: 240, pixels, fps: 10.0 })
}

/// Reads on a thread of its own, so that a hang is a failure and not the end of all tests.
fn read(path: PathBuf, options: Options) -> Result<Taken, String> {
    let (sender, receiver) = mpsc::channel();
    let shown = path.display().to_string();
    let thread = std::thread::Builder::new().name("reading".into());
    let handle = thread
        .spawn(move || {
            let taken = recording::open(&[path], &options)
                .and_then(|mut source| taken::take_all(source.as_mut()));
            sender.send(taken.map_err(|error| error.to_string())).is_ok()
        })
        .unwrap();
    match receiver.recv_timeout(DEADLINE) {
        Ok(taken) => taken,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{shown} hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            panic!("{shown} panics: {:?}", handle.join().err())
        }
    }
}

/// Judges; `Err` says what is wrong.
fn judge(path: &str, answer: Answer, taken: &Result<Taken, String>) -> Result<(), String> {
    let (count, whole) = match taken {
        Ok(taken) => (taken.samples.len() + taken.pictures.len(), taken.losses.is_empty()),
        Err(error) if error.contains(path) => (0, false),
        Err(error) => return Err(format!("the error does not name the file: {error}")),
    };
    let told =
        taken.as_ref().is_ok_and(|taken| !taken.losses.is_empty() || !taken.warnings.is_empty());
    let right = match answer {
        Answer::Any => true,
        Answer::Whole => whole && 0 < count,
        Answer::Pictures(wanted) => {
            whole && taken.as_ref().is_ok_and(|taken| taken.pictures.len() == wanted)
        }
        Answer::Nothing => whole && count == 0,
        Answer::Refused => taken.is_err(),
        Answer::Told => told && 0 < count,
        Answer::PartOrRefused => taken.is_err() || told,
    };
    if right { Ok(()) } else { Err(format!("{answer:?} wanted")) }
}

fn shown(taken: &Result<Taken, String>) -> String {
    match taken {
        Err(error) => format!("refused: {error}"),
        Ok(taken) => format!(
            "{} samples, {} pictures, lost {:?}, warnings {:?}",
            taken.samples.len(),
            taken.pictures.len(),
            taken.losses,
            taken.warnings
        ),
    }
}

#[test]
fn every_file_gives_what_the_table_says() {
    let Some(folder) = dev_data::dev_data().map(|dev| dev.join("robustness")) else { return };
    let table = fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let mut wrong = Vec::new();
    let mut rows = 0;
    for row in table.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let (path, expected, note) = (columns[0], columns[2], columns.get(3).copied());
        let needs_ffmpeg = matches!(path, "audio/wav_gsm610.wav" | "audio/a_opus.ogg");
        if needs_ffmpeg && !taken::has_ffmpeg() {
            continue;
        }
        rows += 1;
        let options = Options { max_fps: None, raw: raw(path), ..Options::default() };
        let taken = read(folder.join(path), options);
        let shown = shown(&taken);
        println!("{path}: {shown}");
        if let Err(why) = judge(path, answer(path, expected), &taken) {
            wrong.push(format!("{path}: {why}; {shown}"));
        }
        if let Ok(taken) = &taken {
            let finite = taken.samples.iter().all(|sample| sample.is_finite());
            let rate = note.and_then(|note| note.split(" Hz").next()?.parse::<u32>().ok());
            let rates = taken.positions.iter().all(|(_, found)| rate.is_none_or(|r| r == *found));
            if !finite || !rates {
                wrong.push(format!("{path}: finite: {finite}, rates right: {rates}"));
            }
        }
    }
    assert!(100 < rows, "only {rows} files in the table");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let peak_kib = peak_kib();
    assert!(peak_kib < MEMORY_MAX_KIB, "{peak_kib} KiB at the peak");
}

/// What decoding a picture file should give.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Decoded {
    /// A picture.
    Picture,
    /// An error; a part of a picture is never passed off as one.
    Refused,
    /// Either.
    Either,
}

fn decoded(expected: &str) -> Decoded {
    match expected {
        "decode" | "first frame" | "decode, bounded memory" => Decoded::Picture,
        "decode; orientation rule documented" => Decoded::Picture,
        "error" | "error, bounded memory" => Decoded::Refused,
        "error, or partial frame flagged - never silently learned" => Decoded::Refused,
        "decode or clear refusal" | "error or resync" => Decoded::Either,
        "decode or error, no panic" | "error, or MJPEG default tables" => Decoded::Either,
        other => panic!("the table says {other:?}, which this test does not know"),
    }
}

#[test]
fn every_picture_decodes_as_told() {
    let Some(folder) = dev_data::dev_data().map(|dev| dev.join("robustness")) else { return };
    let table = fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|row| row.split('\t').collect()).collect();
    let mut wrong = Vec::new();
    let mut pictures = 0;
    for row in rows.iter().filter(|row| row[0].starts_with("image/")) {
        pictures += 1;
        let bytes = fs::read(folder.join(row[0])).unwrap();
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::Builder::new().name("decoding".into());
        let handle = thread.spawn(move || sender.send(decode_file(&bytes)).is_ok()).unwrap();
        let found = receiver.recv_timeout(DEADLINE).unwrap_or_else(|_| {
            panic!("{} hangs or panics: {}", row[0], handle.is_finished());
        });
        let found = found.map(|image| (image.width, image.height));
        println!("{}: {found:?}", row[0]);
        let right = match decoded(row[2]) {
            Decoded::Picture => found.is_ok_and(|(width, height)| 0 < width * height),
            Decoded::Refused => found.is_err(),
            Decoded::Either => true,
        };
        if !right {
            wrong.push(format!("{}: {:?} wanted", row[0], decoded(row[2])));
        }
    }
    assert!(30 < pictures, "only {pictures} pictures in the table");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let peak_kib = peak_kib();
    assert!(peak_kib < MEMORY_MAX_KIB, "{peak_kib} KiB at the peak");
}

/// Highest resident memory of this process so far.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn samples_of(folder: &Path, name: &str) -> Vec<f32> {
    read(folder.join(name), Options::default()).unwrap().samples
}

/// One recording in many containers. Those that one program wrote agree to the bit; where two rounded
/// to 16 bits in their own ways, to one step; others to the step of their coding.
#[test]
fn the_same_sound_is_the_same_in_every_container() {
    let Some(folder) = dev_data::dev_data().map(|dev| dev.join("robustness/audio")) else { return };
    let reference = samples_of(&folder, "wav_pcm_16.wav");
    assert_eq!(reference.len(), 80_001);
    // The step of the coarser of the two codings; A-law and µ-law have 13 and 14 bits at low levels
    // and 8 relative to the level at high ones.
    let exact = 0.0;
    let bits_16 = 1.0 / 32_768.0;
    for (name, tolerance) in [
        ("wav_pcm_24.wav", bits_16),
        ("wav_pcm_32.wav", bits_16),
        ("wav_float.wav", bits_16),
        ("wav_double.wav", bits_16),
        ("wav_pcm_u8.wav", 1.0 / 128.0),
        ("wav_ulaw.wav", 1.0 / 32.0),
        ("wav_alaw.wav", 1.0 / 32.0),
        ("rf64.wav", exact),
        ("a.w64", exact),
        ("a.aiff", exact),
        ("a.caf", exact),
        ("raw_s16le_16k.pcm", bits_16),
        ("wav_list_odd_pad.wav", bits_16),
        ("wav_junk_1k.wav", bits_16),
        ("wav_datasz_ffffffff.wav", bits_16),
        ("wav_datasz_0.wav", bits_16),
        ("wav_blockalign_wrong.wav", bits_16),
    ] {
        let options = Options { raw: raw(name), ..Options::default() };
        let found = read(folder.join(name), options).unwrap().samples;
        assert_eq!(found.len(), reference.len(), "{name}");
        let worst = found.iter().zip(&reference).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= tolerance, "{name} differs by {worst}, at most {tolerance}");
    }
}

/// Encoder delay and padding are left out: `ffprobe` tells the true lengths.
#[test]
fn compressed_sound_has_the_length_it_had_before() {
    let Some(folder) = dev_data::dev_data().map(|dev| dev.join("robustness/audio")) else { return };
    for (name, len) in [
        ("a.mp3", 192_000),
        ("a_vorbis.ogg", 192_000),
        ("a.m4a", 88_200),
        ("a_24.flac", 192_000),
        ("a_16.flac", 80_001),
        ("wav_ima_adpcm.wav", 80_343),
        ("wav_ms_adpcm.wav", 80_001),
    ] {
        assert_eq!(samples_of(&folder, name).len(), len, "{name}");
    }
}

#[test]
fn numbers_that_are_none_are_silenced_and_counted() {
    let Some(folder) = dev_data::dev_data().map(|dev| dev.join("robustness/audio")) else { return };
    let taken = read(folder.join("wav_float_nan_inf.wav"), Options::default()).unwrap();
    assert!(taken.samples.iter().all(|sample| sample.is_finite()));
    assert!(taken.samples.contains(&-1e30), "what is finite is delivered as it is");
    let lost: u64 = taken.losses.iter().map(|loss| loss.count).sum();
    assert!(0 < lost && taken.losses.iter().all(|loss| loss.cause == LossCause::Damaged));
}
