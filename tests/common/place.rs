//! The synthetic room as a WAV file.

use std::fs;
use std::path::Path;
use std::time::Duration;

use habituate::capture::{Chunk, Source, synthetic};

/// Writes `seconds` of the room, 16-bit mono.
pub(crate) fn write_room(path: &Path, seed: u64, seconds: f64) {
    let mut room = synthetic::room(seed, seconds);
    let (mut rate, mut bytes) = (16_000, Vec::new());
    while let Some(chunk) = room.next(Duration::from_secs(1)).unwrap() {
        if let Chunk::Sound { rate_hz, samples, .. } = chunk {
            rate = rate_hz;
            for sample in samples {
                #[expect(clippy::cast_possible_truncation, reason = "clamped to 16 bits")]
                let value = (sample * 32_767.0).clamp(-32_768.0, 32_767.0) as i16;
                bytes.extend(value.to_le_bytes());
            }
        }
    }
    let data_len = u32::try_from(bytes.len()).unwrap();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + data_len).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * 2).to_le_bytes());
    file.extend(2_u16.to_le_bytes());
    file.extend(16_u16.to_le_bytes());
    file.extend(b"data");
    file.extend(data_len.to_le_bytes());
    file.extend(bytes);
    fs::write(path, file).unwrap();
}
