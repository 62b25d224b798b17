//! The program, and recordings to give it.

use std::f32::consts::TAU;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use super::media;

/// Exit code, standard output and standard error.
pub(crate) fn habituate(args: &[&str]) -> (i32, String, String) {
    habituate_in(Path::new("."), args)
}

/// The same, run in `folder`.
pub(crate) fn habituate_in(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_habituate"))
        .args(args)
        .current_dir(folder)
        .env("HABITUATE_ENCODERS", "/nowhere")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A mono WAV file of 16-bit samples at 16 kHz.
pub(crate) fn write_wav(path: &Path, samples: &[f32]) {
    #[expect(clippy::cast_possible_truncation, reason = "samples from −1 to 1")]
    let values: Vec<i16> = samples.iter().map(|s| (s * 32_000.0) as i16).collect();
    fs::write(path, media::wav(16_000, 1, &values)).unwrap();
}

/// Two machines, seven recordings of three seconds each: a low hum and a high whine, a little
/// different every time.
pub(crate) fn two_machines(folder: &Path) {
    for (class, hz) in [("hum", 150.0), ("whine", 2500.0)] {
        fs::create_dir_all(folder.join(class)).unwrap();
        for take in 0..7_u8 {
            let hz = hz * (1.0 + 0.02 * f32::from(take));
            let sample = |n: u16| {
                let t = f32::from(n) / 16_000.0;
                0.4 * (TAU * hz * t).sin() * (1.0 + 0.3 * (TAU * (2.0 + t) * t).sin())
            };
            let samples: Vec<f32> = (0..48_000).map(sample).collect();
            write_wav(&folder.join(class).join(format!("{class}{take}.wav")), &samples);
        }
    }
}
