//! The association as bytes.

use crate::base::bytes::Malformed;
use crate::base::bytes::Reader;
use crate::base::bytes::Writer;
use crate::base::rng::Rng;
use crate::learn::association::Association;
use crate::learn::association::PAIRS;
use crate::learn::association::QUESTIONS;
use crate::learn::association::WAITING;
use crate::learn::association::sense::Sense;
use crate::learn::moments::fill;
use crate::learn::optimiser;

/// Widest embedding that is believed.
const MOST_DIM: usize = 65_536;

impl Association {
    /// Appends everything that the future depends on.
    pub fn save(&self, to: &mut Writer) {
        to.section("association");
        self.dims().into_iter().for_each(|dim| to.len(dim));
        to.u64(self.pairs);
        to.f64s(self.at_s.iter().copied());
        to.f64(self.reached_s);
        self.senses.iter().for_each(|sense| sense.save(self.at_s.len(), to));
        to.f32s(self.all.iter().copied());
        optimiser::save(&self.adam, to);
        to.u64(self.rng.state());
        for count in [self.asked, self.right, self.asked_lately, self.right_lately] {
            to.u64(count);
        }
        to.flag(self.is_off);
    }

    /// One that goes on where [`Association::save`] stopped, bit for bit.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when the bytes are damaged.
    pub fn load(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        from.section("association")?;
        let dims = [dim(from)?, dim(from)?];
        let mut association = Self::new(dims, 0);
        association.pairs = from.u64()?;
        association.at_s.extend(from.f64s()?.into_iter().take(PAIRS));
        let kept = usize::try_from(association.pairs).unwrap_or(PAIRS).min(PAIRS);
        if association.at_s.len() != kept {
            return Err(Malformed::WrongValue {
                what: "the times of pairs",
                found: association.at_s.len().to_string(),
                expected: kept.to_string(),
            });
        }
        association.reached_s = from.f64()?;
        for sense in &mut association.senses {
            sense.load(kept, from)?;
        }
        fill(&mut association.all, "weights", from.f32s()?)?;
        optimiser::load(&mut association.adam, from)?;
        association.rng = Rng::from_seed(from.u64()?);
        association.asked = from.u64()?;
        association.right = from.u64()?;
        // Judged when it is reached: beyond it nothing ever would be.
        association.asked_lately = from.u64()?.min(QUESTIONS - 1);
        association.right_lately = from.u64()?;
        association.is_off = from.flag()?;
        Ok(association)
    }
}

fn dim(from: &mut Reader<'_>) -> Result<usize, Malformed> {
    let found = from.len()?;
    if (1..=MOST_DIM).contains(&found) {
        return Ok(found);
    }
    Err(Malformed::WrongValue {
        what: "the numbers in an embedding",
        found: found.to_string(),
        expected: format!("1 to {MOST_DIM}"),
    })
}

impl Sense {
    /// `pairs` of them are kept.
    fn save(&self, pairs: usize, to: &mut Writer) {
        to.f32(self.met);
        to.f32s(self.mean.iter().copied());
        to.f32s(self.squares.iter().copied());
        to.len(self.waiting.len());
        for moment in &self.waiting {
            to.f64(moment.at_s);
            to.flag(moment.is_lively);
            let held = &self.held[moment.place * self.dim..(moment.place + 1) * self.dim];
            to.f32s(held.iter().copied());
        }
        to.f32s(self.paired[..pairs * self.dim].iter().copied());
    }

    fn load(&mut self, pairs: usize, from: &mut Reader<'_>) -> Result<(), Malformed> {
        self.met = from.f32()?;
        fill(&mut self.mean, "means", from.f32s()?)?;
        fill(&mut self.squares, "squared deviations", from.f32s()?)?;
        let waiting = from.len()?;
        if WAITING < waiting {
            return Err(Malformed::WrongValue {
                what: "the moments that wait",
                found: waiting.to_string(),
                expected: format!("at most {WAITING}"),
            });
        }
        let mut embedding = vec![0.0; self.dim];
        for _ in 0..waiting {
            let (at_s, is_lively) = (from.f64()?, from.flag()?);
            fill(&mut embedding, "numbers in an embedding", from.f32s()?)?;
            self.wait(at_s, is_lively, &embedding);
        }
        fill(&mut self.paired[..pairs * self.dim], "embeddings of pairs", from.f32s()?)
    }
}
