//! The front end of an encoder of sound.

/// Windows of log-mel frames.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundSpec {
    /// Samples per second the front end works at.
    pub rate_hz: u32,
    /// Frames in a window.
    pub window_frames: usize,
    /// Frames from one window's start to the next; at most `window_frames`.
    pub hop_frames: usize,
    /// How a frame is made.
    pub log_mel: LogMelSpec,
    /// Order of the numbers as the graph wants them.
    pub layout: SoundLayout,
    /// Each number of a frame is multiplied by it, at the end.
    pub scale: f32,
    /// Added after that.
    pub offset: f32,
}

impl SoundSpec {
    /// Samples that a window looks at.
    pub const fn window_samples(&self) -> usize {
        (self.window_frames - 1) * self.log_mel.hop_samples + self.log_mel.frame_samples
    }

    /// Seconds from one window's start to the next.
    pub fn hop_s(&self) -> f64 {
        (self.hop_frames * self.log_mel.hop_samples) as f64 / f64::from(self.rate_hz)
    }
}

/// Order of the numbers of a window of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoundLayout {
    /// Frame by frame.
    FramesBands,
    /// Band by band, each over all frames.
    BandsFrames,
}

/// `ln(weights · |rfft(hann · samples)| + log_offset)`; or, with [`Spectrum::Samples`], the samples
/// themselves, and `bands` is their number.
#[derive(Debug, Clone, PartialEq)]
pub struct LogMelSpec {
    /// Samples in a frame, under a periodic Hann window.
    pub frame_samples: usize,
    /// Samples from one frame to the next.
    pub hop_samples: usize,
    /// Length of the transform; the frame is followed by zeros.
    pub fft_samples: usize,
    /// Mel bands.
    pub bands: usize,
    /// Lower edge of the lowest band.
    pub low_hz: f64,
    /// Upper edge of the highest band.
    pub high_hz: f64,
    /// Added before the logarithm.
    pub log_offset: f64,
    /// What the bands add up.
    pub spectrum: Spectrum,
    /// Along which axis a band's flanks are straight.
    pub slopes: Slopes,
}

/// What the mel bands add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spectrum {
    /// `|X|`.
    Magnitude,
    /// `|X|²`.
    Power,
    /// No spectrum: frames are samples, one after the other, for networks that make their own.
    Samples,
}

/// Along which axis the triangles of the mel bands are straight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slopes {
    /// In mel, as TensorFlow does.
    Mel,
    /// In hertz, as librosa and torchaudio do (without area normalisation).
    Hz,
}
