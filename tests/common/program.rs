//! The program, and recordings to give it.

use std::f32::consts::TAU;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

/// Exit code, standard output and standard error.
pub(crate) fn habituate(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_habituate"))
        .args(args)
        .env("HABITUATE_ENCODERS", "/nowhere")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A mono WAV file of 16-bit samples at 16 kHz.
pub(crate) fn write_wav(path: &Path, samples: &[f32]) {
    let len = u32::try_from(2 * samples.len()).unwrap();
    let mut bytes = Vec::new();
    bytes.extend(b"RIFF");
    bytes.extend((36 + len).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data");
    bytes.extend(len.to_le_bytes());
    #[expect(clippy::cast_possible_truncation, reason = "samples from −1 to 1")]
    bytes.extend(samples.iter().flat_map(|s| ((s * 32_000.0) as i16).to_le_bytes()));
    fs::write(path, bytes).unwrap();
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
