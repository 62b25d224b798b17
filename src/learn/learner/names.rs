//! Between the learner and the names that were taught to it.

use crate::base::rng::Rng;
use crate::encode::latent::Latent;
use crate::learn::classes::space::Description;
use crate::learn::classes::state::Shape;
use crate::learn::classes::taught::{MOST_WINDOWS, NamesError, Taught};
use crate::learn::classes::{Classes, Named, Past, Shot, ShotWindow, TaughtWindow};
use crate::learn::learner::Learner;
use crate::learn::memory::MemoryPlan;

/// Remembered windows from which middles and whitening are taken, at most.
const MOST_DESCRIBED: usize = 256;
/// Quarantined windows laid aside: the newest, and a fair sample of those before.
const ASIDE_RECENT: usize = 192;
const ASIDE_SAMPLE: usize = 64;
/// Bytes for them at most.
const ASIDE_BYTES: usize = 1 << 19;

/// Room for quarantined windows, beside a memory of that plan.
pub(super) fn aside(plan: MemoryPlan) -> MemoryPlan {
    MemoryPlan {
        recent: ASIDE_RECENT,
        reservoir: ASIDE_SAMPLE,
        clusters: 0,
        every: 0,
        beside: 0,
        ..plan
    }
    .within(ASIDE_BYTES)
}

impl Learner {
    /// The names and how they are told.
    pub const fn classes(&self) -> &Classes {
        &self.classes
    }

    /// What a window is, by what was taught. `None` while nothing was taught or fitted, and for a
    /// latent that would be refused. Scores and learning are not touched.
    pub fn name(&mut self, latent: &Latent) -> Option<Named> {
        self.name_all(std::slice::from_ref(latent))
    }

    /// What a moment of several windows is.
    pub fn name_all(&mut self, latents: &[Latent]) -> Option<Named> {
        if self.classes.is_empty() || !self.whitener.is_fitted() {
            return None;
        }
        if self.classes.must_fit(self.counts.admitted) {
            self.fit_classes();
        }
        let described: Vec<Description> =
            latents.iter().filter_map(|latent| self.describe_latent(latent)).collect();
        self.classes.name(&described)
    }

    /// Another example of `name`: up to [`MOST_WINDOWS`] of its windows, evenly spread. With
    /// `continues`, it is undone together with the one before.
    ///
    /// # Errors
    ///
    /// [`NamesError`]; nothing has changed then.
    pub fn teach(
        &mut self,
        name: &str,
        latents: &[Latent],
        continues: bool,
    ) -> Result<(), NamesError> {
        let usable: Vec<&Latent> = latents.iter().filter(|l| self.is_acceptable(l)).collect();
        let kept = usable.len().min(MOST_WINDOWS);
        let mut shot = Shot::default();
        for i in 0..kept {
            let latent = usable[i * usable.len() / kept];
            self.prepare(latent);
            shot.windows.push(self.keep(latent.valid_tokens));
        }
        self.classes.teach(name, shot, continues)
    }

    /// A remembered moment as an example of `name`; gives when exactly it was.
    ///
    /// # Errors
    ///
    /// [`NamesError`]; nothing has changed then.
    pub fn teach_moment(
        &mut self,
        name: &str,
        at_s: f64,
        continues: bool,
    ) -> Result<f64, NamesError> {
        let moment = self.moment(at_s)?;
        self.load_moment(moment.place);
        let window = self.keep(moment.valid_tokens);
        self.classes.teach(name, Shot { windows: vec![window] }, continues)?;
        Ok(moment.at_s)
    }

    /// Forgets a name; gives how many examples it had.
    ///
    /// # Errors
    ///
    /// [`NamesError::NoSuchName`].
    pub fn forget(&mut self, name: &str) -> Result<usize, NamesError> {
        self.classes.forget(name)
    }

    /// Another name for the same.
    ///
    /// # Errors
    ///
    /// [`NamesError`].
    pub fn rename(&mut self, name: &str, to: &str) -> Result<(), NamesError> {
        self.classes.rename(name, to)
    }

    /// Takes back the last teaching, forgetting or renaming; a second time brings it back.
    ///
    /// # Errors
    ///
    /// [`NamesError::NothingToUndo`].
    pub fn undo_names(&mut self) -> Result<(), NamesError> {
        self.classes.undo()
    }

    /// `scratch.x` and `scratch.embedding` as they are kept of an example.
    fn keep(&self, valid_tokens: usize) -> ShotWindow {
        let width = self.projection.out_dim();
        ShotWindow::new(&self.scratch.x[..valid_tokens * width], &self.scratch.embedding)
    }

    /// Puts a quarantined window, which `scratch` holds, aside.
    pub(super) fn lay_aside(&mut self, valid_tokens: usize, at_s: f64) {
        let width = self.projection.out_dim();
        let mut x = self.scratch.x.clone();
        x.chunks_exact_mut(width).skip(valid_tokens).for_each(|row| self.token_codec.blank(row));
        // Its own draws: whether somebody may want a name must not change what is learnt.
        let mut rng = Rng::from_seed(self.seed ^ self.counts.quarantined);
        self.aside.push(
            (&self.token_codec, &x),
            (&self.embedding_codec, &self.scratch.embedding),
            (valid_tokens, at_s),
            &[],
            &mut rng,
        );
    }

    fn fit_classes(&mut self) {
        let every = self.memory.len().div_ceil(MOST_DESCRIBED).max(1);
        let slots: Vec<usize> = self.memory.slots().step_by(every).collect();
        let mut remembered = Vec::with_capacity(slots.len());
        for slot in slots {
            self.recall(slot);
            let (stored, scale) = self.memory.embedding(slot);
            self.embedding_codec.decode(stored, scale, &mut self.scratch.embedding);
            remembered.push(self.description(self.memory.facts(slot).valid_tokens));
        }
        let mut classes = std::mem::take(&mut self.classes);
        let taught = self.describe_taught(classes.taught());
        let (admitted, seed) = (self.counts.admitted, self.seed);
        classes.fit(&Past { remembered, taught, admitted, seed });
        self.classes = classes;
    }

    /// Every window of every example, as the champion sees it now.
    pub(super) fn describe_taught(&mut self, taught: &Taught) -> Vec<TaughtWindow> {
        let width = self.projection.out_dim();
        let mut described = Vec::new();
        for (number, class) in taught.classes().iter().enumerate() {
            for (shot, example) in class.shots.iter().enumerate() {
                let weight = 1.0 / example.windows.len() as f64;
                for window in &example.windows {
                    let len = window.tokens_into(&mut self.scratch.x);
                    self.scratch.embedding.copy_from_slice(window.embedding());
                    let valid = len / width;
                    self.whiten_scratch(valid);
                    described.push((number, shot, weight, self.description(valid)));
                }
            }
        }
        described
    }

    /// `None` for a latent that would be refused.
    pub(super) fn describe_latent(&mut self, latent: &Latent) -> Option<Description> {
        if !self.is_acceptable(latent) {
            return None;
        }
        self.prepare(latent);
        Some(self.description(latent.valid_tokens))
    }

    /// Of `scratch.u` and `scratch.embedding`.
    pub(super) fn description(&mut self, valid: usize) -> Description {
        let mut hidden = vec![0.0; 2 * self.model.width()];
        self.model.embed(&self.champion, &self.scratch.u, valid, &mut hidden);
        Description { hidden, frozen: self.scratch.embedding.clone() }
    }

    /// `scratch.u` of `scratch.x`.
    fn whiten_scratch(&mut self, valid: usize) {
        self.whitener.apply(&self.scratch.x, &mut self.scratch.u);
        self.scratch.u[valid * self.whitener.out_dim()..].fill(0.0);
    }

    /// Sizes that a state of names must have.
    pub(super) const fn names_shape(&self) -> Shape {
        Shape {
            token_dim: self.projection.out_dim(),
            tokens: self.shape.layout.len(),
            frozen_dim: self.shape.embedding_dim,
            hidden_dim: 2 * self.model.width(),
            seed: self.seed,
        }
    }
}
