//! One source's way from chunks to scores: front end, encoder, learner.

mod telling;

use crate::base::bytes::Writer;
use crate::base::modality::Modality;
use crate::capture::Chunk;
use crate::capture::Loss;
use crate::capture::LossCause;
use crate::config::learn::LearnSettings;
use crate::config::manifest;
use crate::encode::Encoder;
use crate::encode::EncoderWindow;
use crate::encode::density::Density;
use crate::encode::error::EncodeError;
use crate::encode::latent::Latent;
use crate::encode::picture::PictureFrontEnd;
use crate::encode::sound::SoundFrontEnd;
use crate::learn::learner::Learner;
use crate::pipeline::companion::Change;
use crate::pipeline::companion::Companion;
use crate::pipeline::companion::Sight;
use crate::pipeline::lived::Lived;
use crate::pipeline::losses::Losses;
use crate::pipeline::pace::Pace;
use crate::pipeline::window::Core;
use crate::pipeline::window::Embedded;
use crate::pipeline::window::Handle;
use crate::pipeline::window::Piece;
use crate::pipeline::window::Scored;
use crate::signal::image::RawImage;

/// A source's chain. Owns the weights; nobody else can reach them.
pub struct Track {
    front: FrontEnd,
    core: Core,
    /// The source beside it, and what is known between the two.
    companion: Option<Companion>,
    /// Seconds of input that have come, gaps included.
    stream_s: f64,
    stretch: Option<Stretch>,
    losses: Losses,
}

/// The stretch of sound since the last [`Chunk::Begin`], for exact times.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    begin_s: f64,
    /// The next sample that would follow without a gap.
    next_sample: Option<u64>,
}

enum FrontEnd {
    Sound(Box<SoundFrontEnd>),
    Picture(Box<PictureFrontEnd>),
}

impl std::fmt::Debug for Track {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Track")
            .field("encoder", &self.core.encoder.manifest().name)
            .field("stream_s", &self.stream_s)
            .field("losses", &self.losses)
            .finish_non_exhaustive()
    }
}

impl Track {
    /// A chain that has learnt nothing yet.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when the encoder's front end cannot be made.
    pub fn new(
        encoder: Box<dyn Encoder>,
        settings: &LearnSettings,
        seed: u64,
    ) -> Result<Self, EncodeError> {
        let learner =
            Learner::new(encoder.shape(), Density::of(encoder.manifest()), settings, seed);
        Self::with_learner(encoder, learner, 0.0)
    }

    /// A chain that goes on where a checkpoint stopped.
    ///
    /// # Errors
    ///
    /// As [`Track::new`].
    pub fn resume(encoder: Box<dyn Encoder>, lived: Lived) -> Result<Self, EncodeError> {
        let track = Self::with_learner(encoder, lived.learner, lived.seconds)?;
        Ok(Self { companion: lived.companion, ..track })
    }

    fn with_learner(
        encoder: Box<dyn Encoder>,
        learner: Learner,
        lived_s: f64,
    ) -> Result<Self, EncodeError> {
        let manifest = encoder.manifest();
        let front = match manifest.input.front_end {
            manifest::FrontEnd::Sound(_) => {
                FrontEnd::Sound(Box::new(SoundFrontEnd::new(manifest)?))
            }
            manifest::FrontEnd::Picture(_) => {
                FrontEnd::Picture(Box::new(PictureFrontEnd::new(manifest)?))
            }
        };
        if let Some(idle) = telling::idle(manifest, &learner) {
            log::warn!("{idle}");
        }
        let latent = Latent::zeros(encoder.shape());
        let has_sides = !learner.side_kinds().is_empty();
        let mut track = Self {
            front,
            core: Core {
                encoder,
                latent,
                learner,
                input: String::new(),
                lived_s,
                learn_until_s: None,
                pace: Pace::Full,
                judged: 0,
                adapted: Vec::new(),
                side_maker: None,
                notices: Vec::new(),
            },
            companion: None,
            stream_s: 0.0,
            stretch: None,
            losses: Losses::default(),
        };
        if has_sides {
            track.keep_signal();
        }
        Ok(track)
    }

    /// Windows of sound keep their samples from now on: side windows are made of them.
    pub(super) fn keep_signal(&mut self) {
        if let FrontEnd::Sound(front) = &mut self.front {
            front.keep_signal();
        }
    }

    /// What [`Lived::read`] reads back.
    pub fn save(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.section("track");
        writer.f64(self.lived_s());
        self.core.learner.save(&mut writer);
        writer.section("beside");
        writer.flag(self.companion.is_some());
        if let Some(companion) = &self.companion {
            companion.save(&mut writer);
        }
        writer.into_bytes()
    }
}

impl Track {
    /// Learning stops after this moment of the stream; scoring goes on.
    pub fn learn_until(&mut self, seconds: f64) {
        self.core.learn_until_s = Some(seconds);
    }

    /// How much is learnt from now on; scores are told of every window.
    pub const fn set_pace(&mut self, pace: Pace) {
        self.core.pace = pace;
    }

    /// `other` is beside this source from now on, or nobody. What is known between the two goes on where it is
    /// of this other; else it begins anew, as `seed` has it, or ends, and the log should say what is given back.
    #[must_use]
    pub fn stand_beside(&mut self, other: Option<&Sight>, seed: u64) -> Option<Change> {
        let (kept, own_dim) = (self.companion.take(), self.embedding_dim());
        let change;
        (self.companion, change) = Companion::go_on(kept, own_dim, other, seed);
        change
    }

    /// The source beside it; `None` where nobody is.
    pub const fn companion(&self) -> Option<&Companion> {
        self.companion.as_ref()
    }

    pub(super) const fn companion_mut(&mut self) -> Option<&mut Companion> {
        self.companion.as_mut()
    }

    /// The encoder's name.
    pub fn encoder_name(&self) -> &str {
        &self.core.encoder.manifest().name
    }

    /// Numbers in the encoder's embedding.
    pub fn embedding_dim(&self) -> usize {
        self.core.encoder.shape().embedding_dim
    }

    /// Novelty above which a window raises an alarm; `None` in warm-up.
    pub fn threshold(&self) -> Option<f32> {
        self.core.learner.threshold()
    }

    pub(super) const fn learner(&self) -> &Learner {
        &self.core.learner
    }

    pub(super) const fn learner_mut(&mut self) -> &mut Learner {
        &mut self.core.learner
    }

    /// Another stream begins, at its own 0 s, after the one before.
    pub fn begin_stream(&mut self) {
        self.core.lived_s += self.stream_s;
        self.stream_s = 0.0;
        self.stretch = None;
    }

    /// Seconds of input that the learner has lived through, earlier runs included.
    pub fn lived_s(&self) -> f64 {
        self.core.lived_s + self.stream_s
    }

    /// Seconds of input of this stream so far.
    pub fn stream_s(&self) -> f64 {
        self.stream_s
    }

    /// Takes the next chunk; every window that it completes is judged, then learnt, then told.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when the encoder itself fails; damaged pictures are counted, not errors.
    pub fn take(
        &mut self,
        chunk: Chunk,
        emit: &mut dyn FnMut(&Scored<'_>),
    ) -> Result<(), EncodeError> {
        self.each_window(chunk, &mut |core, piece| core.judge(piece, emit))
    }

    /// The input has ended: judges what is held.
    ///
    /// # Errors
    ///
    /// As [`Track::take`].
    pub fn finish(&mut self, emit: &mut dyn FnMut(&Scored<'_>)) -> Result<(), EncodeError> {
        self.flush(&mut |core, piece| core.judge(piece, emit))
    }

    /// Takes the next chunk and tells the embedding of every window that it completes; nothing is
    /// judged or learnt.
    ///
    /// # Errors
    ///
    /// As [`Track::take`].
    pub fn embed(
        &mut self,
        chunk: Chunk,
        adapted: bool,
        emit: &mut dyn FnMut(&Embedded<'_>),
    ) -> Result<(), EncodeError> {
        self.each_window(chunk, &mut |core, piece| core.embed(piece, adapted, emit))
    }

    /// The input has ended: embeds what is held, and makes ready for a stream that begins at 0.
    ///
    /// # Errors
    ///
    /// As [`Track::take`].
    pub fn finish_embed(
        &mut self,
        adapted: bool,
        emit: &mut dyn FnMut(&Embedded<'_>),
    ) -> Result<(), EncodeError> {
        self.flush(&mut |core, piece| core.embed(piece, adapted, emit))?;
        self.begin_stream();
        Ok(())
    }

    /// What was lost since the last call.
    pub fn take_losses(&mut self) -> Losses {
        std::mem::take(&mut self.losses)
    }

    pub(super) fn each_window(
        &mut self,
        chunk: Chunk,
        handle: Handle<'_>,
    ) -> Result<(), EncodeError> {
        match chunk {
            Chunk::Begin { input, at_s } => {
                self.flush(handle)?;
                self.core.input = input;
                self.stream_s = self.stream_s.max(at_s);
                self.stretch = Some(Stretch { begin_s: at_s, next_sample: None });
                Ok(())
            }
            Chunk::Sound { rate_hz, at_sample, samples } => {
                self.sound(rate_hz, at_sample, &samples, handle)
            }
            Chunk::Picture { at_s, lasts_s, image } => {
                self.stream_s = self.stream_s.max(at_s + lasts_s);
                self.picture(at_s, lasts_s, &image, handle)
            }
            Chunk::Gap(loss) => {
                self.losses.add(loss);
                Ok(())
            }
            Chunk::Idle => Ok(()),
        }
    }

    fn sound(
        &mut self,
        rate_hz: u32,
        at_sample: u64,
        samples: &[f32],
        handle: Handle<'_>,
    ) -> Result<(), EncodeError> {
        let FrontEnd::Sound(front) = &mut self.front else {
            return Err(self.core.wrong_modality(Modality::Sound));
        };
        let stretch = self.stretch.get_or_insert(Stretch { begin_s: 0.0, next_sample: None });
        let seconds = |sample: u64| sample as f64 / f64::from(rate_hz);
        let follows = stretch.next_sample == Some(at_sample);
        let at_s = stretch.begin_s + seconds(at_sample);
        let next_sample = at_sample + samples.len() as u64;
        stretch.next_sample = Some(next_sample);
        self.stream_s = self.stream_s.max(stretch.begin_s + seconds(next_sample));
        let core = &mut self.core;
        let mut result = Ok(());
        let mut window = |window: &EncoderWindow| {
            if result.is_ok() {
                result = handle(core, Piece { window, picture: None });
            }
        };
        if !follows {
            let count = front.begin(at_s, &mut window);
            if 0 < count {
                self.losses.add(Loss { cause: LossCause::ShortStretch, count });
            }
        }
        let pushed = front.push(samples, rate_hz, &mut window);
        result.and(pushed)
    }

    fn picture(
        &mut self,
        at_s: f64,
        lasts_s: f64,
        image: &RawImage,
        handle: Handle<'_>,
    ) -> Result<(), EncodeError> {
        let FrontEnd::Picture(front) = &mut self.front else {
            return Err(self.core.wrong_modality(Modality::Picture));
        };
        match front.window(image, at_s, lasts_s) {
            Ok((window, picture)) => {
                handle(&mut self.core, Piece { window, picture: Some(picture) })
            }
            Err(damaged) => {
                let input = &self.core.input;
                let reason = format!("{input}: picture at {at_s:.3} s passed over: {damaged}");
                log::debug!("{reason}");
                self.losses.pass_over(reason);
                Ok(())
            }
        }
    }

    pub(super) fn flush(&mut self, handle: Handle<'_>) -> Result<(), EncodeError> {
        let core = &mut self.core;
        let mut result = Ok(());
        if let FrontEnd::Sound(front) = &mut self.front {
            front.finish(&mut |window| {
                if result.is_ok() {
                    result = handle(core, Piece { window, picture: None });
                }
            });
        }
        result
    }
}

#[cfg(test)]
mod tests;
