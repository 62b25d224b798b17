//! Recordings through the public door: files, folders and lists of them as one stream.
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
    pub(crate) mod media;
    pub(crate) mod taken;
}

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use common::dev_data;
use common::media;
use common::taken;
use common::taken::Taken;
use habituate::base::recovery::Recovery;
use habituate::capture::Loss;
use habituate::capture::LossCause;
use habituate::capture::error::CaptureError;
use habituate::capture::recording;
use habituate::capture::recording::FolderOrder;
use habituate::capture::recording::Options;
use habituate::signal::image::PixelFormat;

/// A folder with these files.
fn folder(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn all() -> Options {
    Options { max_fps: None, ..Options::default() }
}

fn read(inputs: &[PathBuf], options: &Options) -> Result<Taken, CaptureError> {
    taken::take_all(recording::open(inputs, options)?.as_mut())
}

fn read_in(folder: &Path, names: &[&str]) -> Result<Taken, CaptureError> {
    let inputs: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
    read(&inputs, &all())
}

fn error_of(folder: &Path, names: &[&str]) -> String {
    let error = read_in(folder, names).unwrap_err();
    assert_eq!(error.recovery(), Recovery::Exit(66), "{error}");
    error.to_string()
}

fn damaged(count: u64) -> Loss {
    Loss { cause: LossCause::Damaged, count }
}

fn grey(taken: &Taken) -> Vec<u8> {
    taken.pictures.iter().map(|(_, _, image)| image.bytes[0]).collect()
}

#[test]
fn several_files_are_one_stream_whose_time_goes_on() {
    let folder = folder(&[
        ("a.wav", media::wav(8000, 2, &[16384, 0].repeat(8000))),
        ("b.wav", media::wav(4000, 1, &[-16384; 2000])),
    ]);
    let inputs = [folder.path().join("a.wav"), folder.path().join("b.wav")];
    let mut source = recording::open(&inputs, &all()).unwrap();
    assert_eq!(source.total_s(), Some(1.5));
    let taken = taken::take_all(source.as_mut()).unwrap();
    assert_eq!(taken.begins, [0.0, 1.0]);
    assert_eq!(taken.samples.len(), 10_000);
    assert!(taken.samples[..8000].iter().all(|&x| x == 0.25), "the mean of both channels");
    assert!(taken.samples[8000..].iter().all(|&x| x == -0.5));
    assert_eq!(taken.positions.first(), Some(&(0, 8000)));
    assert!(taken.positions.contains(&(0, 4000)), "positions begin again with each file");
}

#[test]
fn wav_sizes_that_a_recorder_never_wrote_do_not_matter() {
    let values: Vec<i16> = (0..1000).collect();
    let folder = folder(&[
        ("zero.wav", media::wav_with_sizes(8000, 1, &values, 36, 0)),
        ("max.wav", media::wav_with_sizes(8000, 1, &values, u32::MAX, u32::MAX)),
        ("long.wav", media::wav_with_sizes(8000, 1, &values, 9036, 9000)),
        ("none.wav", media::wav(8000, 1, &[])),
    ]);
    let expected: Vec<f32> = values.iter().map(|&value| f32::from(value) / 32_768.0).collect();
    for name in ["zero.wav", "max.wav", "long.wav"] {
        let taken = read_in(folder.path(), &[name]).unwrap();
        assert_eq!(taken.samples, expected, "{name}");
        assert_eq!(taken.warnings.len(), usize::from(name == "long.wav"), "{name}");
    }
    assert_eq!(read_in(folder.path(), &["none.wav"]).unwrap().begins, [0.0]);
}

#[test]
fn a_damaged_file_is_an_error_in_front_and_a_counted_loss_later() {
    let mut no_channels = media::wav(8000, 1, &[1; 800]);
    no_channels[22] = 0;
    let folder = folder(&[
        ("bad.wav", no_channels),
        ("good.wav", media::wav(8000, 1, &[1; 800])),
        ("note.txt", b"not a recording".to_vec()),
    ]);
    let error = error_of(folder.path(), &["bad.wav", "good.wav"]);
    assert!(error.contains("bad.wav") && error.contains("0 channels, expected 1 to 64"), "{error}");
    for bad in ["bad.wav", "note.txt"] {
        let taken = read_in(folder.path(), &["good.wav", bad, "good.wav"]).unwrap();
        assert_eq!((taken.samples.len(), taken.losses), (1600, vec![damaged(1)]));
        assert!(taken.warnings[0].contains(bad), "{:?}", taken.warnings);
    }
    let missing = error_of(folder.path(), &["good.wav", "missing.wav"]);
    assert!(missing.contains("missing.wav"), "a name mistyped is told at once: {missing}");
}

#[test]
fn a_folder_of_sound_is_read_as_people_count_and_survives_a_bad_first_file() {
    let tone = |value| media::wav(8000, 1, &[value; 8]);
    let folder = folder(&[("10.wav", tone(3)), ("9.wav", tone(2)), ("1.wav", Vec::new())]);
    let taken = read(&[folder.path().to_owned()], &all()).unwrap();
    let order: Vec<f32> = taken.samples.chunks(8).map(|part| part[0] * 32_768.0).collect();
    assert_eq!(order, [2.0, 3.0]);
    assert_eq!(taken.losses, [damaged(1)]);
}

#[test]
fn folders_with_nothing_or_everything_say_what_they_hold() {
    let nothing = folder(&[("note.txt", b"x".to_vec())]);
    let error = error_of(nothing.path(), &["."]);
    assert!(error.contains("0 folders and 1 other files"), "{error}");
    let both = folder(&[("a.jpg", media::jpeg(1)), ("a.wav", media::wav(8000, 1, &[0]))]);
    let error = error_of(both.path(), &["."]);
    assert!(error.contains("1 sound files, 1 pictures"), "{error}");
    let error = error_of(both.path(), &["a.wav", "a.jpg"]);
    assert!(error.contains("is sound") && error.contains("is pictures"), "{error}");
    let error = read(&[], &all()).unwrap_err().to_string();
    assert!(error.contains("list of inputs"), "{error}");
}

#[test]
fn a_folder_of_pictures_tells_its_times_by_name() {
    let folder = folder(&[
        ("2023-06-13T03_11_46.jpg", media::jpeg(1)),
        ("2023-06-13T03_12_46.jpg", media::jpeg(2)),
        ("2023-06-13T03_11_56.png", Vec::new()),
    ]);
    let inputs = [folder.path().to_owned()];
    let taken = read(&inputs, &Options::default()).unwrap();
    let times: Vec<(f64, f64)> = taken.pictures.iter().map(|one| (one.0, one.1)).collect();
    assert_eq!(times, [(0.0, 10.0), (60.0, 50.0)]);
    assert_eq!(taken.losses, [damaged(1)], "the empty file");
    assert!(taken.warnings[0].contains("03_11_56.png"), "{:?}", taken.warnings);
    let by_name = Options { order: FolderOrder::Name, frame_interval_s: 5.0, ..all() };
    let taken = read(&inputs, &by_name).unwrap();
    assert_eq!(taken.pictures[1].0, 10.0);
}

#[test]
fn pictures_named_one_by_one_are_one_album_in_the_order_given() {
    let folder = folder(&[("b.jpg", media::jpeg(2)), ("a.jpg", media::jpeg(1))]);
    let taken = read_in(folder.path(), &["b.jpg", "a.jpg"]).unwrap();
    assert_eq!(taken.begins, [0.0]);
    let seen: Vec<(f64, &[u8])> =
        taken.pictures.iter().map(|(at_s, _, image)| (*at_s, image.bytes.as_slice())).collect();
    assert_eq!(seen, [(0.0, media::jpeg(2).as_slice()), (1.0, media::jpeg(1).as_slice())]);
}

#[test]
fn streams_of_jpegs_are_cut_and_resynchronised() {
    let mut broken = media::jpeg(2);
    broken.truncate(20);
    let plain = [media::jpeg(1), broken, media::jpeg(3)].concat();
    let multipart: Vec<u8> = [1, 3]
        .into_iter()
        .flat_map(|fill| {
            [b"--x\r\nContent-Type: image/jpeg\r\n\r\n".to_vec(), media::jpeg(fill)].concat()
        })
        .collect();
    let folder = folder(&[("a.mjpeg", plain), ("b.bin", multipart)]);
    let taken = read_in(folder.path(), &["a.mjpeg"]).unwrap();
    assert_eq!((taken.pictures.len(), taken.losses), (2, vec![damaged(1)]));
    assert_eq!(taken.pictures[1].0, 0.2, "the broken one took its time");
    let taken = read_in(folder.path(), &["b.bin"]).unwrap();
    assert_eq!(taken.pictures[1].2.bytes, media::jpeg(3));
}

#[test]
fn avi_gives_jpegs_and_raw_pictures_even_when_cut_off() {
    let jpegs = [media::jpeg(1), media::jpeg(2), media::jpeg(3)];
    let whole = media::avi(b"MJPG", 24, (4, 2), 10, &jpegs);
    let mut cut = whole.clone();
    cut.truncate(whole.len() - 10);
    // Two lines of one pixel, padded to 4 bytes; the lower one comes first.
    let bitmap = media::avi(&[0; 4], 24, (1, 2), 1, &[vec![4, 5, 6, 0, 1, 2, 3, 0]]);
    let yv12 = media::avi(b"YV12", 12, (2, 2), 1, &[vec![1, 1, 1, 1, 200, 100]]);
    let other = media::avi(b"XVID", 24, (4, 2), 10, &[vec![0; 8]]);
    let folder = folder(&[
        ("a.avi", whole),
        ("cut.avi", cut),
        ("bitmap.avi", bitmap),
        ("yv12.avi", yv12),
        ("xvid.avi", other),
    ]);
    let taken = read_in(folder.path(), &["a.avi"]).unwrap();
    assert_eq!(taken.pictures.len(), 3);
    assert_eq!((taken.pictures[2].0, &taken.pictures[2].2.bytes), (0.2, &jpegs[2]));
    let taken = read_in(folder.path(), &["cut.avi"]).unwrap();
    assert_eq!(taken.pictures.len(), 2);
    assert_eq!(taken.losses, [Loss { cause: LossCause::ShortFrame, count: 1 }]);
    let taken = read_in(folder.path(), &["bitmap.avi"]).unwrap();
    assert_eq!(taken.pictures[0].2.format, PixelFormat::Bgr8);
    assert_eq!(taken.pictures[0].2.bytes, [1, 2, 3, 4, 5, 6]);
    let taken = read_in(folder.path(), &["yv12.avi"]).unwrap();
    assert_eq!(taken.pictures[0].2.bytes, [1, 1, 1, 1, 100, 200]);
    let nowhere = Options { ffmpeg: "/nowhere/ffmpeg".into(), ..all() };
    let error = read(&[folder.path().join("xvid.avi")], &nowhere).unwrap_err().to_string();
    assert!(error.contains("XVID") && error.contains("install ffmpeg"), "{error}");
}

#[test]
fn y4m_is_thinned_to_the_wanted_rate() {
    let frames: Vec<Vec<u8>> = (0..20).map(|value| vec![value; 6]).collect();
    let mut bytes = media::y4m("W3 H2 F10:1 Cmono", &frames);
    bytes.truncate(bytes.len() - 1);
    let folder = folder(&[("a.y4m", bytes)]);
    let input = [folder.path().join("a.y4m")];
    let taken = read(&input, &all()).unwrap();
    assert_eq!(grey(&taken), (0..19).collect::<Vec<u8>>());
    assert_eq!(taken.losses, [Loss { cause: LossCause::ShortFrame, count: 1 }]);
    let taken = read(&input, &Options { max_fps: Some(2.0), ..all() }).unwrap();
    assert_eq!(grey(&taken), [0, 5, 10, 15]);
    assert!(taken.pictures.iter().all(|(_, lasts_s, _)| *lasts_s == 0.5));
}

#[test]
fn what_only_ffmpeg_reads_goes_through_it_or_is_refused() {
    let values: Vec<i16> = (0..4000).map(|value| value * 7).collect();
    let folder =
        folder(&[("a.au", media::au(8000, &values)), ("bad.au", b".snd nonsense".to_vec())]);
    let nowhere = Options { ffmpeg: "/nowhere/ffmpeg".into(), ..all() };
    let input = [folder.path().join("a.au")];
    let error = read(&input, &nowhere).unwrap_err().to_string();
    for part in ["a.au", "AU sound", "/nowhere/ffmpeg", "install ffmpeg"] {
        assert!(error.contains(part), "{part:?} missing in: {error}");
    }
    if taken::has_ffmpeg() {
        let taken = read(&input, &all()).unwrap();
        let expected: Vec<f32> = values.iter().map(|&value| f32::from(value) / 32_768.0).collect();
        assert_eq!(taken.samples, expected);
        assert_eq!(taken.positions[0], (0, 8000));
        let error = error_of(folder.path(), &["bad.au"]);
        assert!(error.contains("ffmpeg says"), "{error}");
    }
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let folder = folder(&[("a.jpg", media::jpeg(1))]);
    for options in [
        Options { frame_interval_s: 0.0, ..all() },
        Options { max_fps: Some(f64::NAN), ..all() },
        Options { mjpeg_fps: -1.0, ..all() },
    ] {
        let error = read(&[folder.path().join("a.jpg")], &options).unwrap_err();
        assert!(error.to_string().contains("picture rate"), "{error}");
    }
}

#[test]
fn real_clips_and_a_real_webcam_are_read_at_the_wanted_rate() {
    let Some(folder) = dev_data::dev_data().map(|dev| dev.join("video")) else { return };
    let options = Options { max_fps: Some(1.0), ..Options::default() };
    let taken = read(&[folder.join("webcam")], &options).unwrap();
    let last = taken.pictures.last().unwrap();
    assert!(taken.losses.is_empty() && taken.pictures.iter().all(|one| 0.0 < one.1));
    assert!(3600.0 < last.0, "hours by their names, not seconds by their number: {}", last.0);
    if !taken::has_ffmpeg() {
        return;
    }
    for name in ["bottle-detection.mp4", "car-detection.mp4", "video02.avi"] {
        let taken = read(&[folder.join("clips").join(name)], &options).unwrap();
        assert!(10 < taken.pictures.len(), "{name}: {} pictures", taken.pictures.len());
        assert!(taken.losses.is_empty(), "{name}: {:?}", taken.losses);
        for (number, (at_s, lasts_s, image)) in taken.pictures.iter().enumerate() {
            assert!((at_s - number as f64).abs() < 0.1 && (lasts_s - 1.0).abs() < 0.1, "{name}");
            assert!(!image.bytes.is_empty());
        }
    }
}
