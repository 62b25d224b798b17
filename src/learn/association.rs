//! What is heard and what is seen at once: pairs of two sources, learnt from, and whether that says
//! anything.
//!
//! Two moments make a pair when they are within half a second of each other and both are livelier than
//! usual: a fan that always hums says nothing about a picture that never changes. Before a pair is
//! learnt it is a question: is its picture nearer to its sound than those of fifteen other moments? Right
//! answers beyond chance are what the association is worth. Where they are not, after so many
//! questions, it is switched off for good.

mod sense;
mod state;

use crate::base::rng::Rng;
use crate::learn::association::sense::Sense;
use crate::learn::objectives::cross_modal::{APART_S, CrossModal, CrossSpace};
use crate::nn::adam::{Adam, AdamSettings};
use crate::nn::params::Params;

/// Moments of a pair are no further apart than this, seconds.
const TOGETHER_S: f64 = 0.5;
/// Moments of each source that wait for one of the other.
const WAITING: usize = 16;
/// Pairs kept.
const PAIRS: usize = 256;
/// Pairs in a step.
const BATCH: usize = 32;
/// Wrong answers beside the right one.
const DISTRACTORS: usize = 15;
/// Questions after which it must have said something, again and again.
const QUESTIONS: u64 = 200;
/// Standard errors above chance.
const MARGIN: f64 = 4.0;

/// See the module.
#[derive(Debug)]
pub struct Association {
    senses: [Sense; 2],
    /// The latest moment met, seconds.
    reached_s: f64,
    /// When each pair was; the oldest is overwritten.
    at_s: Vec<f64>,
    pairs: u64,
    net: CrossModal,
    all: Vec<f32>,
    grads: Vec<f32>,
    /// What the optimiser would decay towards: the beginning.
    anchor: Vec<f32>,
    adam: Adam<f32>,
    space: CrossSpace<f32>,
    batch_s: Vec<f64>,
    rng: Rng,
    asked: u64,
    right: u64,
    /// The same since the last judgement.
    asked_lately: u64,
    right_lately: u64,
    is_off: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AssociationReport {
    /// Pairs met.
    pub pairs: u64,
    /// Questions asked, each before its pair was learnt.
    pub asked: u64,
    /// Of these, answered right.
    pub right: u64,
    /// The share that guessing answers right.
    pub chance: f64,
    /// Whether it was no better than chance and has been switched off.
    pub is_off: bool,
}

impl Association {
    /// Between embeddings of so many numbers, sound and picture. Equal arguments give equal ones.
    pub fn new(dims: [usize; 2], seed: u64) -> Self {
        let mut params = Params::default();
        let net = CrossModal::new(&mut params, dims);
        let mut rng = Rng::from_seed(seed);
        let all: Vec<f32> = params.start(&mut rng);
        let adam = AdamSettings {
            rate: 2e-3,
            warm_up: 20,
            beta1: 0.0,
            beta2: 0.99,
            clip: 1.0,
            decay: 0.0,
        };
        Self {
            senses: dims.map(Sense::new),
            reached_s: 0.0,
            at_s: Vec::with_capacity(PAIRS),
            pairs: 0,
            space: net.space(BATCH.max(DISTRACTORS + 1)),
            net,
            grads: vec![0.0; all.len()],
            anchor: all.clone(),
            adam: Adam::new(adam, all.len()),
            all,
            batch_s: Vec::with_capacity(BATCH),
            rng,
            asked: 0,
            right: 0,
            asked_lately: 0,
            right_lately: 0,
            is_off: false,
        }
    }

    /// Takes in a moment of one sense, 0 for sound and 1 for pictures: when it was, whether it was
    /// livelier than usual, and its embedding. Embeddings of another width, or with numbers that are
    /// not finite, are passed over.
    pub fn meet(&mut self, sense: usize, at_s: f64, is_lively: bool, embedding: &[f32]) {
        let fits = embedding.len() == self.senses[sense].dim;
        if self.is_off || !fits || !embedding.iter().all(|x| x.is_finite()) {
            return;
        }
        self.reached_s = self.reached_s.max(at_s);
        let place = self.senses[sense].meet(at_s, is_lively, embedding);
        let Some(other) = self.senses[1 - sense].take_nearest(at_s) else { return };
        self.senses[sense].take_newest();
        if is_lively && other.is_lively {
            let places = if sense == 0 { [place, other.place] } else { [other.place, place] };
            self.take(places, at_s);
        }
    }

    fn take(&mut self, places: [usize; 2], at_s: f64) {
        let pair = usize::try_from(self.pairs % PAIRS as u64).unwrap_or(0);
        self.pairs += 1;
        for (sense, place) in self.senses.iter_mut().zip(places) {
            sense.keep(pair, place);
        }
        if self.at_s.len() <= pair {
            self.at_s.push(at_s);
        } else {
            self.at_s[pair] = at_s;
        }
        self.ask(pair);
        self.learn();
    }

    /// Is the picture of this pair nearer to its sound than those of the newest moments that are far
    /// enough away?
    fn ask(&mut self, pair: usize) {
        let now_s = self.at_s[pair];
        let count = self.at_s.len();
        let mut found = 0;
        for age in 1..count {
            let other = (pair + count - age) % count;
            if APART_S <= (self.at_s[other] - now_s).abs() && found < DISTRACTORS {
                found += 1;
                self.senses[1].show(found, other);
            }
        }
        if found < DISTRACTORS {
            return;
        }
        self.senses[0].show(0, pair);
        self.senses[1].show(0, pair);
        let [sound, picture] = &self.senses;
        let rows = (DISTRACTORS + 1) * picture.dim;
        self.net.place(&self.all, 0, &sound.batch[..sound.dim], &mut self.space);
        self.net.place(&self.all, 1, &picture.batch[..rows], &mut self.space);
        let near = |row: usize| self.space.cosine(0, row);
        let is_right = (1..=DISTRACTORS).all(|row| near(row) < near(0));
        for (asked, right) in
            [(&mut self.asked, &mut self.right), (&mut self.asked_lately, &mut self.right_lately)]
        {
            *asked += 1;
            *right += u64::from(is_right);
        }
        if self.asked_lately == QUESTIONS {
            let chance = 1.0 / (DISTRACTORS + 1) as f64;
            let usual = QUESTIONS as f64 * chance;
            let deviation = (usual * (1.0 - chance)).sqrt();
            self.is_off = (self.right_lately as f64) < usual + MARGIN * deviation;
            self.asked_lately = 0;
            self.right_lately = 0;
        }
    }

    /// One step on pairs drawn from those kept.
    fn learn(&mut self) {
        let count = self.at_s.len();
        if self.is_off || count < BATCH {
            return;
        }
        self.batch_s.clear();
        for row in 0..BATCH {
            let pair = usize::try_from(self.rng.below(count as u64)).unwrap_or(0);
            self.batch_s.push(self.at_s[pair]);
            self.senses.iter_mut().for_each(|sense| sense.show(row, pair));
        }
        self.grads.fill(0.0);
        let [sound, picture] = &self.senses;
        let x = [&sound.batch[..BATCH * sound.dim], &picture.batch[..BATCH * picture.dim]];
        self.net.loss(&self.all, x, &self.batch_s, &mut self.space, &mut self.grads);
        // Without decay the anchor is not looked at; a gradient that is not finite changes nothing.
        let stepped = self.adam.step(&mut self.all, &self.grads, &self.anchor);
        debug_assert!(stepped.is_ok(), "unit rows and cut deviations give finite gradients");
    }

    /// Numbers in an embedding of sound, and in one of pictures.
    pub const fn dims(&self) -> [usize; 2] {
        let [sound, picture] = &self.senses;
        [sound.dim, picture.dim]
    }

    /// From here on, in seconds, a moment is far enough from all that was met to be none of them: where a
    /// clock that begins anew goes on.
    pub fn next_beginning_s(&self) -> f64 {
        self.reached_s + APART_S
    }

    /// Bytes that it takes, from the first moment to the last.
    pub fn bytes(&self) -> usize {
        let [sound, picture] = &self.senses;
        let weights = self.all.len() + self.grads.len() + self.anchor.len();
        let times = self.at_s.capacity() + self.batch_s.capacity();
        sound.bytes()
            + picture.bytes()
            + size_of::<f32>() * weights
            + size_of::<f64>() * times
            + self.adam.bytes()
            + self.space.bytes()
    }

    /// What came of it so far.
    pub const fn report(&self) -> AssociationReport {
        AssociationReport {
            pairs: self.pairs,
            asked: self.asked,
            right: self.right,
            chance: 1.0 / (DISTRACTORS + 1) as f64,
            is_off: self.is_off,
        }
    }
}

#[cfg(test)]
mod tests;
