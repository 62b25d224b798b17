//! What is done with a window: encoded, judged, learnt; or only embedded.

use crate::base::modality::Modality;
use crate::config::manifest::Manifest;
use crate::emit::events::Event;
use crate::emit::events::NOVELTY;
use crate::emit::plot::Point;
use crate::emit::scores::Row;
use crate::encode::Encoder;
use crate::encode::EncoderWindow;
use crate::encode::error::EncodeError;
use crate::encode::latent::Latent;
use crate::encode::sides::SideKind;
use crate::encode::sides::SideMaker;
use crate::encode::sides::Sides;
use crate::learn::classes::Named;
use crate::learn::classes::taught::UNKNOWN;
use crate::learn::gate::Admission;
use crate::learn::learner::Learner;
use crate::learn::learner::Learnt;
use crate::learn::learner::SURE_AFTER_DAYS;
use crate::learn::learner::Score;
use crate::learn::objectives::mixer::Notice;
use crate::pipeline::pace::Pace;
use crate::signal::image::RgbImage;

/// One window, judged and then learnt.
#[derive(Debug)]
pub struct Scored<'a> {
    /// The file or device.
    pub input: &'a str,
    /// Seconds into the stream.
    pub start_s: f64,
    /// Seconds into the stream.
    pub end_s: f64,
    /// The judgement, made before learning.
    pub score: &'a Score,
    /// What learning did with it.
    pub learnt: &'a Learnt,
    /// The encoder's embedding.
    pub embedding: &'a [f32],
    /// What it is, by what was taught; `None` where nothing was.
    pub named: Option<&'a Named>,
    /// When it began, in seconds of the source's life.
    pub lived_s: f64,
    /// Whether less than a day of minutes stands behind the threshold.
    pub is_learning: bool,
}

impl Scored<'_> {
    /// As a row of the scores file.
    pub fn row(&self, source: &str) -> Row {
        Row {
            source: source.into(),
            input: self.input.into(),
            start_s: self.start_s,
            end_s: self.end_s,
            novelty: self.score.novelty,
            p_value: self.score.p_value,
            surprise: self.score.is_read().then_some(self.score.surprise),
            density: self.score.is_read().then_some(self.score.density),
            event: self.score.event,
            name: self.name(),
            confidence: self.confidence(),
            lived_s: self.lived_s,
            threshold: self.score.threshold,
            p_recent: self.score.p_recent,
            p_anchor: self.score.p_anchor,
        }
    }

    /// What it is called: a name, "unknown", or nothing where nothing was taught.
    pub fn name(&self) -> Option<String> {
        self.named.map(|named| named.name.clone().unwrap_or_else(|| UNKNOWN.into()))
    }

    /// How sure the name is; `None` for unknown.
    pub fn confidence(&self) -> Option<f32> {
        self.named.filter(|named| named.name.is_some()).map(|named| named.confidence)
    }

    /// The event and the notice that it brought, for `source`; a live one at that time.
    pub fn events(
        &self,
        source: &str,
        time: Option<String>,
        clock_synced: Option<bool>,
    ) -> impl Iterator<Item = Event> {
        let event = Event {
            source: source.into(),
            start_s: self.start_s,
            end_s: self.end_s,
            novelty: self.score.novelty,
            p_value: self.score.p_value,
            lived_s: self.lived_s,
            name: self.name(),
            confidence: self.confidence(),
            kind: NOVELTY,
            detail: None,
            threshold: self.score.threshold,
            p_recent: self.score.p_recent,
            p_anchor: self.score.p_anchor,
            learning: self.is_learning,
            time,
            clock_synced,
        };
        let notice = self.learnt.notice.map(|notice| Event {
            kind: notice.kind(),
            detail: Some(notice.words()),
            ..event.clone()
        });
        self.score.event.then_some(event).into_iter().chain(notice)
    }

    /// As a point of the plot.
    pub fn point(&self) -> Point {
        Point {
            at_s: f64::midpoint(self.start_s, self.end_s),
            novelty: self.score.novelty,
            event: self.score.event,
        }
    }
}

/// One window's embedding.
#[derive(Debug)]
pub struct Embedded<'a> {
    /// Seconds into the stream.
    pub start_s: f64,
    /// Seconds into the stream.
    pub end_s: f64,
    /// How much of the window is real input.
    pub valid_tokens: usize,
    /// In the space asked for.
    pub vector: &'a [f32],
}

/// What happens to a window once the front end has made it.
pub(super) struct Core {
    pub(super) encoder: Box<dyn Encoder>,
    pub(super) latent: Latent,
    pub(super) learner: Learner,
    pub(super) input: String,
    /// Seconds the learner had lived through before this run.
    pub(super) lived_s: f64,
    pub(super) learn_until_s: Option<f64>,
    /// How much is learnt.
    pub(super) pace: Pace,
    /// Windows judged in this run.
    pub(super) judged: u64,
    /// Scratch of [`Track::embed`].
    pub(super) adapted: Vec<f32>,
    /// Made when an objective first wants side windows.
    pub(super) side_maker: Option<SideMaker>,
    /// What was found out about objectives, for the report.
    pub(super) notices: Vec<String>,
}

/// What a front end has made: a window, and the picture that it is of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) window: &'a EncoderWindow,
    /// `None` for sound.
    pub(super) picture: Option<&'a RgbImage>,
}

/// What is done with a window once the front end has made it.
pub(super) type Handle<'a> = &'a mut dyn FnMut(&mut Core, Piece<'_>) -> Result<(), EncodeError>;

impl Core {
    /// Score before learn: the judgement knows the past only.
    pub(super) fn judge(
        &mut self,
        piece: Piece<'_>,
        emit: &mut dyn FnMut(&Scored<'_>),
    ) -> Result<(), EncodeError> {
        let window = piece.window;
        self.encoder.encode(window, &mut self.latent)?;
        let score = self.learner.score(&self.latent);
        let named = self.learner.name(&self.latent);
        let lived_s = self.lived_s + window.start_s;
        if self.learn_until_s.is_some_and(|until| until < window.end_s) {
            self.learner.freeze();
        }
        let learnt = if self.pace.trains_after(self.judged) {
            self.learner.learn(&self.latent, &score, lived_s)
        } else {
            self.learner.pass(&self.latent, &score, lived_s)
        };
        self.judged += 1;
        self.tell_notices();
        let is_admitted = learnt.admission == Some(Admission::Admitted);
        if is_admitted && self.learner.wants_sides(lived_s) {
            let Self { encoder, side_maker, latent, learner, .. } = self;
            let kinds = learner.side_kinds();
            let sides = sides(side_maker, encoder.as_mut(), (kinds, piece, latent), lived_s)?;
            learner.take_sides(sides, lived_s);
        }
        emit(&Scored {
            input: &self.input,
            start_s: window.start_s,
            end_s: window.end_s,
            score: &score,
            learnt: &learnt,
            embedding: &self.latent.embedding,
            named: named.as_ref(),
            lived_s,
            is_learning: self.learner.calibrated_days() < SURE_AFTER_DAYS,
        });
        Ok(())
    }

    /// Side windows of what was just encoded.
    pub(super) fn sides(
        &mut self,
        kinds: &[SideKind],
        piece: Piece<'_>,
        at_s: f64,
    ) -> Result<&Sides, EncodeError> {
        let Self { encoder, side_maker, latent, .. } = self;
        sides(side_maker, encoder.as_mut(), (kinds, piece, latent), at_s)
    }

    /// Says once what was found out about an objective: in the log, and in the report.
    fn tell_notices(&mut self) {
        while let Some(Notice { objective, found, is_off, rest_steps }) = self.learner.notice() {
            let words = found.in_words();
            let line = if is_off {
                format!(
                    "learn.{objective} is switched off for {rest_steps} steps, then tried again: it {words}"
                )
            } else {
                format!(
                    "learn.{objective} is tried again, after {rest_steps} steps without it: it {words}, last time"
                )
            };
            log::warn!("{}: {line}", self.input);
            self.notices.push(line);
        }
    }

    pub(super) fn embed(
        &mut self,
        Piece { window, .. }: Piece<'_>,
        adapted: bool,
        emit: &mut dyn FnMut(&Embedded<'_>),
    ) -> Result<(), EncodeError> {
        self.encoder.encode(window, &mut self.latent)?;
        let vector: &[f32] = if adapted {
            self.adapted.resize(self.learner.adapted_dim(), 0.0);
            self.learner.embed_adapted(&self.latent, &mut self.adapted);
            &self.adapted
        } else {
            &self.latent.embedding
        };
        emit(&Embedded {
            start_s: window.start_s,
            end_s: window.end_s,
            valid_tokens: self.latent.valid_tokens,
            vector,
        });
        Ok(())
    }

    pub(super) fn encode(&mut self, piece: Piece<'_>) -> Result<&Latent, EncodeError> {
        self.encoder.encode(piece.window, &mut self.latent)?;
        Ok(&self.latent)
    }

    pub(super) fn wrong_modality(&self, wanted: Modality) -> EncodeError {
        wrong_modality(self.encoder.manifest(), wanted)
    }
}

/// Side windows of the moment `at_s`, which has been encoded: changes its sound or picture, and lets the encoder
/// have that.
fn sides<'a>(
    maker: &'a mut Option<SideMaker>,
    encoder: &mut dyn Encoder,
    (kinds, piece, own): (&[SideKind], Piece<'_>, &Latent),
    at_s: f64,
) -> Result<&'a Sides, EncodeError> {
    let maker = maker.get_or_insert_with(|| SideMaker::new(encoder.manifest()));
    match piece.picture {
        Some(picture) => maker.picture(kinds, picture, own, encoder, at_s.to_bits()),
        None => maker.sound(kinds, piece.window, encoder, at_s.to_bits()),
    }
}

/// An encoder of the other sense.
pub fn wrong_modality(manifest: &Manifest, wanted: Modality) -> EncodeError {
    EncodeError::Modality {
        name: manifest.name.clone(),
        it_is_for: manifest.modality().content(),
        wanted: wanted.content(),
    }
}
