//! The learner's state as bytes.

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::base::rng::Rng;
use crate::config::learn::LearnSettings;
use crate::encode::density::Density;
use crate::encode::latent::LatentShape;
use crate::learn::classes::Classes;
use crate::learn::density::Past;
use crate::learn::learner::{Counts, Learner, Skill, Times, Waiting};
use crate::learn::moments::fill;
use crate::learn::optimiser;

/// Format that knows weights in training beside their mean, the challenger.
const MEANS_SINCE: u64 = 9;

impl Learner {
    /// Appends everything that the future depends on.
    pub fn save(&self, to: &mut Writer) {
        to.section("learner");
        to.u64(self.seed);
        to.u64(self.rng.state());
        to.flag(self.is_frozen);
        self.moments.save(to);
        self.whitener.save(to);
        to.u64(self.fit_at);
        self.token_codec.save(to);
        self.embedding_codec.save(to);
        self.save_waiting(to);
        self.memory.save(to);
        to.u64(self.last_slot.map_or(u64::MAX, |slot| slot as u64));
        self.distance.save(to);
        self.surprise.save(to);
        self.novelty.save(to);
        self.gate.save(to);
        self.guard.save(to);
        self.save_weights(to);
        to.f32s(self.previous_u.iter().copied());
        to.flag(self.has_previous);
        self.skill.save(to);
        self.times.save(to);
        self.counts.save(to);
        self.aside.save(to);
        self.classes.save(to);
        self.predecessors.save(to);
        self.watch.save(to);
        self.model.save(to);
        self.album.save(to);
        to.f64(self.side_s.unwrap_or(f64::NAN));
    }

    /// A learner that goes on where [`Learner::save`] stopped, bit for bit.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when the bytes are damaged, or were written for another encoder or other sizes.
    pub fn load(
        shape: LatentShape,
        density: Density,
        settings: &LearnSettings,
        from: &mut Reader<'_>,
    ) -> Result<Self, Malformed> {
        from.section("learner")?;
        let mut learner = Self::new(shape, density, settings, from.u64()?);
        learner.rng = Rng::from_seed(from.u64()?);
        // Frozen was that run; whoever goes on says anew whether anything is learnt.
        from.flag()?;
        learner.moments.load(from)?;
        learner.whitener.load(from)?;
        learner.fit_at = from.u64()?;
        learner.token_codec.load(from)?;
        learner.embedding_codec.load(from)?;
        learner.load_waiting(from)?;
        learner.memory.load(from, shape.layout.len())?;
        let last = from.u64()?;
        learner.last_slot = learner.memory.slots().find(|&slot| slot as u64 == last);
        let past = Past {
            memory: &learner.memory,
            codec: &learner.embedding_codec,
            token_codec: &learner.token_codec,
        };
        learner.distance.load(from, past)?;
        learner.surprise.load(from)?;
        learner.novelty.load(from)?;
        learner.gate.load(from)?;
        learner.guard.load(from)?;
        learner.load_weights(from)?;
        learner.adam.use_share(learner.guard.rate());
        fill(&mut learner.previous_u, "numbers in a window", from.f32s()?)?;
        learner.has_previous = from.flag()?;
        learner.skill = Skill::load(from)?;
        learner.times = Times::load(from)?;
        learner.novelty.keep_pace(learner.times.interval_s);
        learner.counts = Counts::load(from)?;
        learner.aside.load(from, shape.layout.len())?;
        let shape = learner.names_shape();
        learner.classes = Classes::load(from, shape, |taught| learner.describe_taught(taught))?;
        learner.predecessors.load(from)?;
        learner.watch.load(from)?;
        learner.model.load(from)?;
        learner.album.load(from)?;
        let side_s = from.f64()?;
        learner.side_s = (!side_s.is_nan()).then_some(side_s);
        Ok(learner)
    }

    fn save_waiting(&self, to: &mut Writer) {
        to.section("waiting");
        to.len(self.waiting.len());
        for window in &self.waiting {
            to.f32s(window.tokens.iter().copied());
            to.f32s(window.embedding.iter().copied());
            to.len(window.valid_tokens);
            to.f64(window.at_s);
        }
    }

    fn load_waiting(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("waiting")?;
        let tokens = self.shape.layout.len();
        for _ in 0..from.len()? {
            let mut window = Waiting {
                tokens: vec![0.0; self.scratch.x.len()],
                embedding: vec![0.0; self.shape.embedding_dim],
                valid_tokens: 0,
                at_s: 0.0,
            };
            fill(&mut window.tokens, "numbers in tokens", from.f32s()?)?;
            fill(&mut window.embedding, "numbers in an embedding", from.f32s()?)?;
            window.valid_tokens = from.len()?.min(tokens);
            window.at_s = from.f64()?;
            self.waiting.push(window);
        }
        Ok(())
    }

    fn save_weights(&self, to: &mut Writer) {
        to.section("weights");
        // Names first: weights of another architecture must not be taken for these.
        to.text(&self.architecture());
        to.f32s(self.champion.iter().copied());
        to.f32s(self.challenger.iter().copied());
        to.f32s(self.trainee.iter().copied());
        optimiser::save(&self.adam, to);
        let mut stretch = self.stretch.clone();
        stretch.parts_mut().into_iter().for_each(|part| to.f32s(part.iter().copied()));
        to.f64(self.credit);
    }

    fn load_weights(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("weights")?;
        let found = from.text()?;
        let expected = self.architecture();
        if found != expected {
            return Err(Malformed::WrongValue { what: "the weights' shapes", found, expected });
        }
        fill(&mut self.champion, "weights", from.f32s()?)?;
        fill(&mut self.challenger, "weights", from.f32s()?)?;
        if from.is_since(MEANS_SINCE) {
            fill(&mut self.trainee, "weights", from.f32s()?)?;
        } else {
            self.trainee.copy_from_slice(&self.challenger);
        }
        optimiser::load(&mut self.adam, from)?;
        for part in self.stretch.parts_mut() {
            fill(part, "numbers in a direction", from.f32s()?)?;
        }
        self.credit = from.f64()?;
        Ok(())
    }

    fn architecture(&self) -> String {
        let blocks: Vec<String> = self
            .model
            .params()
            .blocks()
            .map(|(name, block)| format!("{name} {}x{}", block.rows, block.cols))
            .collect();
        blocks.join(", ")
    }
}

impl Skill {
    fn save(&self, to: &mut Writer) {
        to.section("skill");
        for sum in [self.error, self.mean, self.error_beside_persistence, self.persistence] {
            to.f64(sum);
        }
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        from.section("skill")?;
        Ok(Self {
            error: from.f64()?,
            mean: from.f64()?,
            error_beside_persistence: from.f64()?,
            persistence: from.f64()?,
        })
    }
}

impl Times {
    fn save(&self, to: &mut Writer) {
        to.section("times");
        // "Not yet" is written as NaN, which no time ever is.
        to.f64(self.last_s.unwrap_or(f64::NAN));
        to.f64(self.interval_s);
        to.f64(self.last_rare_s.unwrap_or(f64::NAN));
        to.f64(self.last_commit_s.unwrap_or(f64::NAN));
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        from.section("times")?;
        let known = |time: f64| (!time.is_nan()).then_some(time);
        Ok(Self {
            last_s: known(from.f64()?),
            interval_s: from.f64()?,
            last_rare_s: known(from.f64()?),
            last_commit_s: known(from.f64()?),
        })
    }
}

impl Counts {
    fn save(&self, to: &mut Writer) {
        to.section("counts");
        for count in [
            self.windows,
            self.refused,
            self.duplicates,
            self.plenty,
            self.quarantined,
            self.admitted,
            self.events,
            self.refused_updates,
        ] {
            to.u64(count);
        }
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        from.section("counts")?;
        Ok(Self {
            windows: from.u64()?,
            refused: from.u64()?,
            duplicates: from.u64()?,
            plenty: from.u64()?,
            quarantined: from.u64()?,
            admitted: from.u64()?,
            events: from.u64()?,
            refused_updates: from.u64()?,
        })
    }
}
