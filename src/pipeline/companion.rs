//! The source that stands beside a track's own, and what is known between the two. It is kept in the
//! track's checkpoint.

use log::Level;

use crate::base::bytes::Malformed;
use crate::base::bytes::Reader;
use crate::base::bytes::Writer;
use crate::base::modality::Modality;
use crate::emit::report::Beside;
use crate::encode::Encoder;
use crate::pipeline::pairing::Moment;
use crate::pipeline::pairing::QUEUE;
use crate::pipeline::resume;
use crate::pipeline::together::Together;
use crate::pipeline::together::place_of;
use crate::store::checkpoint::Origin;

/// A source as another one needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Its name and encoder.
    pub origin: Origin,
    /// Its sense.
    pub sense: Modality,
    /// Numbers in its encoder's embedding.
    pub dim: usize,
}

impl Sight {
    /// Of the source of that name, which is encoded so.
    pub fn of(source: &str, encoder: &dyn Encoder) -> Self {
        Self {
            origin: resume::origin(source, encoder),
            sense: encoder.manifest().modality(),
            dim: encoder.shape().embedding_dim,
        }
    }
}

/// What has become of what was known, and how loudly it should be told.
pub type Change = (Level, String);

/// Which of the two a moment is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The track's own.
    Own,
    /// The one beside it.
    Other,
}

/// See the module's page.
#[derive(Debug)]
pub struct Companion {
    other: Origin,
    /// The other's sense.
    sense: Modality,
    together: Together,
}

impl Companion {
    /// `other` beside a source of `own_dim` numbers: what is kept, where that is of it, or a fresh one.
    /// And what the log should say of that, where it is not simply the one that is kept.
    pub fn go_on(
        kept: Option<Self>,
        own_dim: usize,
        other: Option<&Sight>,
        seed: u64,
    ) -> (Option<Self>, Option<Change>) {
        let Some(Sight { origin, sense, dim }) = other else {
            let change = kept.map(|kept| {
                let was = kept.other.source;
                (
                    Level::Warn,
                    format!("what was learnt beside {was} is let go, as no source.beside names it"),
                )
            });
            return (None, change);
        };
        let mut dims = [own_dim; 2];
        dims[place_of(*sense)] = *dim;
        let change = match kept {
            Some(kept) if kept.other == *origin && kept.together.dims() == dims => {
                return (Some(kept), None);
            }
            Some(Self { other: was, .. }) => (
                Level::Warn,
                format!(
                    "begins anew beside {} with {}; what was learnt was beside {} with {}",
                    origin.source, origin.encoder, was.source, was.encoder
                ),
            ),
            None => (Level::Info, format!("begins to learn beside {}", origin.source)),
        };
        let together = Together::new(dims, seed);
        (Some(Self { other: origin.clone(), sense: *sense, together }), Some(change))
    }

    /// The other's name.
    pub fn name(&self) -> &str {
        &self.other.source
    }

    /// Takes in a moment of one of the two. Whether the association has just been switched off.
    #[must_use]
    pub fn meet(&mut self, whose: Whose, moment: &Moment) -> bool {
        let sense = match whose {
            Whose::Own => self.sense.other(),
            Whose::Other => self.sense,
        };
        self.together.meet(sense, moment.at_s, moment.novelty, &moment.embedding)
    }

    /// What came of it so far.
    pub const fn report(&self) -> Beside {
        self.together.report()
    }

    /// Why it was switched off, for the log.
    pub fn why_off(&self) -> String {
        self.together.why_off()
    }

    /// Bytes that it takes at most, moments on their way included.
    pub fn bytes(&self) -> usize {
        let on_their_way = QUEUE * size_of::<f32>() * self.together.dims()[place_of(self.sense)];
        self.together.bytes() + on_their_way
    }

    /// Appends everything that the future depends on.
    pub fn save(&self, to: &mut Writer) {
        to.text(&self.other.source);
        to.text(&self.other.encoder);
        to.text(&self.other.encoder_sha256);
        self.together.save(to);
    }

    /// Goes on where [`Companion::save`] stopped, beside a source of that sense and of `own_dim` numbers.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when the bytes are damaged, or of another source.
    pub fn load(
        from: &mut Reader<'_>,
        own_sense: Modality,
        own_dim: usize,
    ) -> Result<Self, Malformed> {
        let other =
            Origin { source: from.text()?, encoder: from.text()?, encoder_sha256: from.text()? };
        let together = Together::load(from)?;
        let found = together.dims()[place_of(own_sense)];
        if found != own_dim {
            return Err(Malformed::WrongValue {
                what: "the numbers in an embedding",
                found: found.to_string(),
                expected: own_dim.to_string(),
            });
        }
        Ok(Self { other, sense: own_sense.other(), together })
    }
}

#[cfg(test)]
mod tests;
