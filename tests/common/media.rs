//! Small recordings written byte by byte.

/// 16-bit WAV with the sizes as given, right or wrong.
pub(crate) fn wav_with_sizes(
    rate_hz: u32,
    channels: u16,
    values: &[i16],
    riff_len: u32,
    data_len: u32,
) -> Vec<u8> {
    let mut bytes = b"RIFF".to_vec();
    bytes.extend(riff_len.to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate_hz.to_le_bytes());
    bytes.extend((rate_hz * 2 * u32::from(channels)).to_le_bytes());
    bytes.extend((2 * channels).to_le_bytes());
    bytes.extend(b"\x10\0data");
    bytes.extend(data_len.to_le_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// 16-bit WAV.
pub(crate) fn wav(rate_hz: u32, channels: u16, values: &[i16]) -> Vec<u8> {
    let data_len = u32::try_from(values.len() * 2).unwrap();
    wav_with_sizes(rate_hz, channels, values, 36 + data_len, data_len)
}

/// Something with the markers of a JPEG and a thumbnail in its header; nobody decodes it.
pub(crate) fn jpeg(fill: u8) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xE1, 0, 8, 0xFF, 0xD8, 0xFF, 0xD9, 1, 2];
    bytes.extend([0xFF, 0xDA, 0, 4, 9, 9, fill, 0xFF, 0, fill, 0xFF, 0xD9]);
    bytes
}

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = name.to_vec();
    bytes.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    bytes.extend(body);
    bytes.extend(vec![0; body.len() % 2]);
    bytes
}

/// AVI of `frames`, preceded by a stream of sound that has to be skipped.
pub(crate) fn avi(
    codec: &[u8; 4],
    bits: u16,
    (width, height): (i32, i32),
    fps: u32,
    frames: &[Vec<u8>],
) -> Vec<u8> {
    let mut head = b"vids".to_vec();
    head.extend(codec);
    head.extend([0; 12]);
    head.extend(1_u32.to_le_bytes());
    head.extend(fps.to_le_bytes());
    head.extend([0; 4]);
    head.extend(u32::try_from(frames.len()).unwrap().to_le_bytes());
    head.extend([0; 20]);
    let mut format = 40_u32.to_le_bytes().to_vec();
    format.extend(width.to_le_bytes());
    format.extend(height.to_le_bytes());
    format.extend(1_u16.to_le_bytes());
    format.extend(bits.to_le_bytes());
    format.extend(codec);
    format.extend([0; 20]);
    let sound = [chunk(b"strh", b"auds0000"), chunk(b"strf", &[0; 16])].concat();
    let pictures = [chunk(b"strh", &head), chunk(b"strf", &format)].concat();
    let mut header = b"hdrl".to_vec();
    header.extend(chunk(b"avih", &[0; 56]));
    header.extend(chunk(b"LIST", &[b"strl".as_slice(), &sound].concat()));
    header.extend(chunk(b"LIST", &[b"strl".as_slice(), &pictures].concat()));
    let mut movie = b"movi".to_vec();
    for frame in frames {
        movie.extend(chunk(b"00wb", b"sound"));
        movie.extend(chunk(b"01dc", frame));
    }
    let body = [b"AVI ".to_vec(), chunk(b"LIST", &header), chunk(b"LIST", &movie)].concat();
    chunk(b"RIFF", &body)
}

/// Y4M of `frames`.
pub(crate) fn y4m(header: &str, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = format!("YUV4MPEG2 {header}\n").into_bytes();
    for frame in frames {
        bytes.extend(b"FRAME\n");
        bytes.extend(frame);
    }
    bytes
}

/// AU, which only ffmpeg reads for us: big-endian 16-bit samples.
pub(crate) fn au(rate_hz: u32, values: &[i16]) -> Vec<u8> {
    let mut bytes = b".snd".to_vec();
    for word in [24, u32::try_from(values.len() * 2).unwrap(), 3, rate_hz, 1] {
        bytes.extend(word.to_be_bytes());
    }
    bytes.extend(values.iter().flat_map(|value| value.to_be_bytes()));
    bytes
}
