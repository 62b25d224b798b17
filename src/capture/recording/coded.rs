//! Compressed sound through symphonia: FLAC, MP3, Ogg Vorbis, AIFF, CAF, M4A, and ADPCM and G.711
//! in WAV.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error;
use symphonia::core::formats::FormatOptions;
use symphonia::core::formats::FormatReader;
use symphonia::core::formats::TrackType;
use symphonia::core::formats::probe::Hint;
use symphonia::core::io::MediaSource;
use symphonia::core::io::MediaSourceStream;
use symphonia::core::io::ReadOnlySource;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use crate::capture::Loss;
use crate::capture::LossCause;
use crate::capture::command::cutter;
use crate::capture::command::cutter::Item;
use crate::capture::command::format;
use crate::capture::recording::mp4;
use crate::capture::recording::reader::Piece;
use crate::capture::recording::reader::Reader;
use crate::capture::recording::reader::Trouble;
use crate::capture::recording::wav;
use crate::capture::recording::wav::Stream;

/// Packets in a row that may fail before the rest is given up.
const FAILURES_MAX: u32 = 1000;

/// Longest jump of a packet's time that is believed to be a loss, in seconds.
const JUMP_MAX_S: u64 = 60;

/// An open file.
pub(super) struct CodedSound {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track_id: u32,
    rate_hz: u32,
    /// Sample frames delivered or lost so far.
    position: u64,
    /// Where the file says the next packet begins, for formats that count in sample frames.
    expected: Option<i64>,
    /// Sample frames still to leave out at the beginning.
    skip: u64,
    /// Sample frames that count in all.
    total: Option<u64>,
    failures: u32,
    interleaved: Vec<f32>,
    pending: VecDeque<Piece>,
    warning: Option<String>,
    at_end: bool,
}

/// Opens a file of `extension` (a hint for symphonia where first bytes are ambiguous).
///
/// # Errors
///
/// [`Trouble`]; [`Trouble::NeedsFfmpeg`] for codecs symphonia does not have.
pub(super) fn open(path: &Path, extension: &str, what: &str) -> Result<CodedSound, Trouble> {
    let mut sound = open_source(Box::new(File::open(path)?), extension, what)?;
    if extension == "m4a"
        && let Some((start_s, len_s)) = mp4::contents(path)?.and_then(|contents| contents.edit_s)
    {
        let frames = |seconds: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "saturates"
            )]
            let frames = (seconds * f64::from(sound.rate_hz)).round() as u64;
            frames
        };
        let (skip, len) = (frames(start_s), frames(len_s));
        sound.skip = skip;
        // The file's own count covers the delay.
        sound.total = if 0 < len { Some(len) } else { sound.total.map(|n| n.saturating_sub(skip)) };
    }
    Ok(sound)
}

/// A WAV stream behind a header made anew; of its sound, `frames` sample frames count.
///
/// # Errors
///
/// As [`open`].
pub(super) fn open_stream(
    stream: Box<dyn Stream>,
    frames: Option<u64>,
) -> Result<CodedSound, Trouble> {
    let mut sound = open_source(Box::new(ReadOnlySource::new(stream)), "wav", "WAV sound")?;
    sound.total = match (sound.total, frames) {
        (Some(total), Some(frames)) => Some(total.min(frames)),
        (total, frames) => total.or(frames),
    };
    Ok(sound)
}

fn open_source(
    source: Box<dyn MediaSource>,
    extension: &str,
    what: &str,
) -> Result<CodedSound, Trouble> {
    let stream = MediaSourceStream::new(source, Default::default());
    let mut hint = Hint::new();
    hint.with_extension(extension);
    let format = symphonia::default::get_probe()
        .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(|error| trouble(error, what))?;
    let track = format
        .default_track(TrackType::Audio)
        .or_else(|| format.first_track(TrackType::Audio))
        .ok_or_else(|| Trouble::Damaged(format!("{what} without a track of sound")))?;
    let params = audio_params(track.codec_params.as_ref())
        .ok_or_else(|| Trouble::Damaged(format!("{what} without a track of sound")))?;
    let rate_hz = params.sample_rate.unwrap_or(0);
    let channels = params.channels.as_ref().map_or(0, |channels| channels.count() as u64);
    // Some containers leave the channels to the codec's own header: then the first packet tells.
    wav::check(rate_hz, if params.channels.is_some() { channels } else { 1 })?;
    let (track_id, total) = (track.id, track.num_frames);
    let decoder = make_decoder(params, what)?;
    let counts_frames = format.format_info().short_name == "flac";
    Ok(CodedSound {
        format,
        decoder,
        track_id,
        rate_hz,
        position: 0,
        expected: counts_frames.then_some(0),
        skip: 0,
        total,
        failures: 0,
        interleaved: Vec::new(),
        pending: VecDeque::new(),
        warning: None,
        at_end: false,
    })
}

fn audio_params(params: Option<&CodecParameters>) -> Option<&AudioCodecParameters> {
    params.and_then(CodecParameters::audio)
}

fn make_decoder(
    params: &AudioCodecParameters,
    what: &str,
) -> Result<Box<dyn AudioDecoder>, Trouble> {
    symphonia::default::get_codecs()
        .make_audio_decoder(params, &AudioDecoderOptions::default())
        .map_err(|error| trouble(error, what))
}

fn trouble(error: Error, what: &str) -> Trouble {
    match error {
        Error::Unsupported(_) => Trouble::NeedsFfmpeg(what.into()),
        Error::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Trouble::Damaged(format!("{what} that ends before any sound"))
        }
        Error::IoError(error) => Trouble::Io(error),
        other => Trouble::Damaged(other.to_string()),
    }
}

impl CodedSound {
    /// One packet further: decodes it, or counts it as lost.
    fn advance(&mut self) -> Result<(), String> {
        match self.format.next_packet() {
            Ok(Some(packet)) if packet.track_id != self.track_id => Ok(()),
            Ok(Some(packet)) => self.take_packet(&packet),
            Ok(None) => {
                self.end();
                Ok(())
            }
            Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.end();
                Ok(())
            }
            Err(Error::ResetRequired) => self.next_link(),
            Err(error) => Err(error.to_string()),
        }
    }

    fn end(&mut self) {
        self.at_end = true;
        if let Some(total) = self.total
            && self.position < total
        {
            let missing_s = (total - self.position) as f64 / f64::from(self.rate_hz);
            self.warning = Some(format!("{missing_s:.3} s of sound are missing at its end"));
        }
    }

    /// A chained Ogg file goes on with another stream.
    fn next_link(&mut self) -> Result<(), String> {
        let track = self.format.default_track(TrackType::Audio);
        let params = track.and_then(|track| audio_params(track.codec_params.as_ref()));
        let (Some(track), Some(params)) = (track, params) else {
            return Err("it goes on with something that is no sound".into());
        };
        if params.sample_rate != Some(self.rate_hz) {
            return Err(format!(
                "it goes on at {:?} instead of {} Hz",
                params.sample_rate, self.rate_hz
            ));
        }
        self.track_id = track.id;
        self.decoder =
            make_decoder(params, "its next part").map_err(|trouble| format!("{trouble:?}"))?;
        self.total = None;
        Ok(())
    }

    fn take_packet(&mut self, packet: &Packet) -> Result<(), String> {
        self.note_jump(packet);
        match self.decoder.decode(packet) {
            Ok(decoded) => {
                let channels = decoded.spec().channels().count();
                if decoded.frames() == 0 {
                    return Ok(());
                }
                if decoded.spec().rate() != self.rate_hz {
                    return Err(format!("its rate changes to {} Hz", decoded.spec().rate()));
                }
                if !(1..=usize::from(format::CHANNELS_MAX)).contains(&channels) {
                    return Err(format!("it has {channels} channels"));
                }
                self.failures = 0;
                let mono = downmix(&decoded, channels, &mut self.interleaved);
                self.deliver(mono);
                Ok(())
            }
            Err(Error::DecodeError(detail)) => self.lose(packet.dur.get(), detail),
            Err(Error::IoError(error)) => self.lose(packet.dur.get(), &error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// FLAC packets say where they belong: where one is missing, so is its time.
    fn note_jump(&mut self, packet: &Packet) {
        let Some(expected) = self.expected else { return };
        let limit = i64::from(self.rate_hz) * JUMP_MAX_S.cast_signed();
        let jump = packet.pts.get().saturating_sub(expected);
        if (1..=limit).contains(&jump) {
            self.lost(jump.unsigned_abs());
        }
        let next = packet.pts.get().saturating_add_unsigned(packet.dur.get());
        // A time that cannot be believed is not counted on, either.
        let believable = (0..=limit).contains(&jump);
        self.expected = Some(if believable {
            next
        } else {
            expected.saturating_add_unsigned(packet.dur.get())
        });
    }

    fn lose(&mut self, frames: u64, detail: &str) -> Result<(), String> {
        self.failures += 1;
        self.lost(frames.max(1));
        if self.failures == FAILURES_MAX { Err(detail.into()) } else { Ok(()) }
    }

    fn lost(&mut self, count: u64) {
        self.position += count;
        match self.pending.back_mut() {
            Some(Piece::Lost(loss)) => loss.count += count,
            _ => {
                let loss = Loss { cause: LossCause::Damaged, count };
                self.pending.push_back(Piece::Lost(loss));
            }
        }
    }

    /// Leaves out the encoder's delay and what lies behind the stated end.
    fn deliver(&mut self, (mut samples, replaced): (Vec<f32>, u64)) {
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(samples.len());
        samples.drain(..skipped);
        self.skip -= skipped as u64;
        if let Some(total) = self.total {
            let left = total.saturating_sub(self.position);
            samples.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
        let (rate_hz, mut at_sample) = (self.rate_hz, self.position);
        self.position += samples.len() as u64;
        let pending = &mut self.pending;
        cutter::emit_sound((samples, replaced), &mut |item| match item {
            Item::Samples(samples) => {
                let next = at_sample + samples.len() as u64;
                pending.push_back(Piece::Sound { rate_hz, at_sample, samples });
                at_sample = next;
            }
            Item::Lost(loss) => pending.push_back(Piece::Lost(loss)),
            Item::Frame(_) => {}
        });
    }
}

fn downmix(
    decoded: &GenericAudioBufferRef<'_>,
    channels: usize,
    interleaved: &mut Vec<f32>,
) -> (Vec<f32>, u64) {
    decoded.copy_to_vec_interleaved(interleaved);
    format::finite(interleaved.chunks_exact(channels).map(|frame| {
        let sum: f64 = frame.iter().map(|&sample| f64::from(sample)).sum();
        sum / channels as f64
    }))
}

impl Reader for CodedSound {
    fn next(&mut self) -> Result<Option<Piece>, String> {
        loop {
            let only_losses = self.pending.iter().all(|piece| matches!(piece, Piece::Lost(_)));
            // Losses wait for the sound behind them, so that a run of them is one.
            if !only_losses || self.at_end {
                return Ok(self.pending.pop_front());
            }
            self.advance()?;
        }
    }

    fn total_s(&self) -> Option<f64> {
        self.total.map(|total| total as f64 / f64::from(self.rate_hz))
    }

    fn take_warning(&mut self) -> Option<String> {
        self.warning.take()
    }
}
