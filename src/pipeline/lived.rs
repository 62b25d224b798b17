//! What a checkpoint's payload holds of a track.

use crate::base::bytes::Malformed;
use crate::base::bytes::Reader;
use crate::config::learn::LearnSettings;
use crate::config::shaping;
use crate::encode::Encoder;
use crate::encode::density::Density;
use crate::learn::learner::Learner;
use crate::pipeline::companion::Companion;
use crate::store::checkpoint::Checkpoint;

/// Format in which a track may have a companion; before, none has.
const COMPANIONS_SINCE: u64 = 8;

/// A learner and its age, and what is known of the source beside it.
#[derive(Debug)]
pub struct Lived {
    pub(super) learner: Learner,
    /// Seconds of input it had lived through.
    pub(super) seconds: f64,
    pub(super) companion: Option<Companion>,
}

impl Lived {
    /// Windows that it has met.
    pub fn windows(&self) -> u64 {
        self.learner.report().windows
    }

    /// Seconds of input that it has lived through.
    pub const fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Reads what [`Track::save`](crate::pipeline::track::Track::save) wrote.
    ///
    /// # Errors
    ///
    /// In words, why these settings and the checkpoint do not go together.
    pub fn read(
        encoder: &dyn Encoder,
        settings: &LearnSettings,
        checkpoint: &Checkpoint,
    ) -> Result<Self, String> {
        Self::parse(encoder, settings, checkpoint).map_err(|wrong| {
            match shaping::differing(&checkpoint.settings, settings) {
                Some(keys) if keys.is_empty() => format!(
                    "[learn] is the same, but the encoder's manifest or this program is another one ({wrong})"
                ),
                Some(keys) => keys.join("; "),
                // An older format does not say.
                None => format!("some of [learn] is not as it was ({wrong})"),
            }
        })
    }

    fn parse(
        encoder: &dyn Encoder,
        settings: &LearnSettings,
        checkpoint: &Checkpoint,
    ) -> Result<Self, Malformed> {
        let mut reader = checkpoint.reader();
        reader.section("track")?;
        let seconds = reader.f64()?;
        let density = Density::of(encoder.manifest());
        let learner = Learner::load(encoder.shape(), density, settings, &mut reader)?;
        let companion = match reader.is_since(COMPANIONS_SINCE) {
            true => companion(encoder, &mut reader)?,
            false => None,
        };
        reader.end()?;
        Ok(Self { learner, seconds, companion })
    }
}

fn companion(
    encoder: &dyn Encoder,
    reader: &mut Reader<'_>,
) -> Result<Option<Companion>, Malformed> {
    reader.section("beside")?;
    if !reader.flag()? {
        return Ok(None);
    }
    let (sense, dim) = (encoder.manifest().modality(), encoder.shape().embedding_dim);
    Companion::load(reader, sense, dim).map(Some)
}
