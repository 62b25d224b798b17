//! All that watches over a learner: the alarm budget, the first day's bank, strangers, and the clocks
//! for change. Everything here goes by sketches and scores; nothing here is trained.

use std::collections::VecDeque;

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::base::rng::Rng;
use crate::config::learn::LearnSettings;
use crate::learn::alarm::anchor::Anchor;
use crate::learn::alarm::{Budget, Seen};
use crate::learn::drift::Notice;
use crate::learn::drift::abrupt::Abrupt;
use crate::learn::drift::misfit::Misfit;
use crate::learn::drift::sensor::{Sensor, fingerprint};
use crate::learn::drift::slow::Slow;
use crate::learn::habituation::{Standing, Stranger, Strangers};
use crate::learn::memory::Memory;
use crate::learn::sketch::Sketch;

/// After a change of the scene, no novelty of a single window is told for so long, seconds: the change
/// itself was.
pub const QUIET_S: f64 = 600.0;
/// A change of the scene is told so long after it at most, seconds: who was met since then came with it.
const CHANGING_S: f64 = 900.0;
/// Notices that wait to be told, one with each window.
const MOST_PENDING: usize = 8;
/// A dull kind may be this share of what is admitted, over about so many admitted windows ...
const DULL_SHARE: f64 = 0.1;
const DULL_OVER: f64 = 1000.0;
/// ... but of each so many of its windows one is admitted in any case: silence changes, too.
const DULL_EVERY: u64 = 500;

/// What is thought of a window before anything adaptive sees it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Look {
    /// Above the threshold in force; `None` while the budget cannot say.
    pub fires: Option<bool>,
    /// It does so whatever the correction.
    pub is_extreme: bool,
    /// The chance that a minute's largest novelty is at least as large, by the last week.
    pub p_recent: Option<f32>,
    /// The chance of so strange an embedding on the first day.
    pub p_anchor: Option<f32>,
    /// The group of strangers that it belongs to.
    pub stranger: Option<usize>,
    /// It needs no alarm: the scene has just changed, or it belongs to a visit that was told, by one who is still
    /// kept out or was let in meanwhile.
    pub is_told: bool,
}

/// A window that was learnt from, or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lived {
    /// When it began, and the usual time between windows.
    pub at_s: f64,
    /// See `at_s`.
    pub interval_s: f64,
    /// Novelty and alarm.
    pub seen: Seen,
    /// It is kept out of learning.
    pub is_quarantined: bool,
    /// It raised an alarm, or would have, had that not just been told.
    pub is_rare: bool,
    /// The gate is open for a scene that has changed for good.
    pub is_new_scene: bool,
    /// Mean squared error of the champion's guesses.
    pub error: Option<f32>,
}

/// See the module.
#[derive(Debug)]
pub struct Watch {
    sketch: Sketch,
    /// Alarms.
    pub budget: Budget,
    /// The first day.
    pub anchor: Anchor,
    /// Who was kept out of learning.
    pub strangers: Strangers,
    abrupt: Abrupt,
    misfit: Misfit,
    slow: Slow,
    sensor: Sensor,
    rng: Rng,
    pending: VecDeque<Notice>,
    told: [u64; Notice::ALL.len()],
    quiet_until_s: f64,
    dull_share: f64,
    dull_passed: u64,
    /// Scratch: the sketch of the window at hand, and what is left without the middle of its kind.
    current: Vec<f32>,
    residual: Vec<f32>,
}

impl Watch {
    /// For prepared embeddings of `dim` numbers.
    pub fn new(dim: usize, settings: &LearnSettings, seed: u64) -> Self {
        let sketch = Sketch::new(dim, seed ^ 0x73_6b_65_74);
        let width = sketch.dim();
        Self {
            budget: Budget::new(settings.alarms_per_day, width),
            anchor: Anchor::new(width),
            strangers: Strangers::new(settings.habituation, width),
            abrupt: Abrupt::new(width),
            misfit: Misfit::default(),
            slow: Slow::new(width),
            sensor: Sensor::default(),
            rng: Rng::from_seed(seed ^ 0x77_61_74_63),
            pending: VecDeque::with_capacity(MOST_PENDING),
            told: [0; Notice::ALL.len()],
            quiet_until_s: f64::NEG_INFINITY,
            dull_share: 0.0,
            dull_passed: 0,
            current: vec![0.0; width],
            residual: vec![0.0; width],
            sketch,
        }
    }

    /// Numbers in a sketch.
    pub const fn dim(&self) -> usize {
        self.sketch.dim()
    }

    /// Takes the measure of sketches from the windows of warm-up.
    pub fn fit<'a>(&mut self, embeddings: impl Iterator<Item = &'a [f32]> + Clone) {
        self.sketch.fit(embeddings);
    }

    /// Makes the sketch of a prepared embedding, which the next calls are about. Scratch.
    pub fn see(&mut self, embedding: &[f32]) -> &[f32] {
        self.sketch.apply(embedding, &mut self.current);
        &self.current
    }

    /// What is thought of the window that was seen last. `now_s` is about when it begins. Changes
    /// nothing.
    pub fn look(&self, novelty: Option<f32>, now_s: f64, usual: f32) -> Look {
        let alarm = novelty.and_then(|novelty| self.budget.judge(novelty, now_s));
        let stranger = self.strangers.find(&self.current, usual);
        let is_known = stranger
            .is_some_and(|which| self.strangers.is_told(which, now_s, novelty.unwrap_or(0.0)));
        Look {
            fires: alarm.map(|alarm| alarm.fires),
            is_extreme: alarm.is_some_and(|alarm| alarm.is_extreme),
            p_recent: alarm.map(|alarm| alarm.p_recent),
            p_anchor: self.anchor.p_value(&self.current),
            stranger,
            is_told: is_known || now_s < self.quiet_until_s,
        }
    }

    /// The group of strangers that the window that was seen last belongs to.
    pub fn find(&self, usual: f32) -> Option<usize> {
        self.strangers.find(&self.current, usual)
    }

    /// Somebody's word about the window that was seen last, which began at `at_s`; see [`Strangers::mark`].
    pub fn mark(&mut self, usual: f32, at_s: f64, standing: Standing) -> (Stranger, bool) {
        self.strangers.mark(&self.current, usual, at_s, standing)
    }

    /// Whether a strange window of that group may be learnt from all the same; `None` leaves it to the
    /// gate.
    pub fn word(&self, stranger: Option<usize>) -> Option<bool> {
        match self.strangers.standing(stranger?) {
            Standing::Normal => Some(true),
            Standing::Never => Some(false),
            Standing::Unfamiliar => None,
        }
    }

    /// Seconds that the group of strangers has been there, in all.
    pub fn stayed_s(&self, stranger: Option<usize>) -> f64 {
        stranger.map_or(0.0, |which| self.strangers.known()[which].dwell_s)
    }

    /// Looks at the sensor, before anything else is made of a window. `None` for one that was refused.
    /// `true` when nothing may be learnt from it, because nothing moves.
    pub fn feel(&mut self, numbers: Option<&[f32]>, passed_s: f64, interval_s: f64) -> bool {
        let notice = self.sensor.observe(numbers.map(fingerprint), passed_s, interval_s);
        self.tell(notice);
        self.sensor.is_stuck()
    }

    /// Whether a usual window of that kind is one of a dull kind that was admitted often enough.
    pub fn is_enough(&mut self, is_dull: bool) -> bool {
        if is_dull && DULL_SHARE <= self.dull_share {
            self.dull_passed += 1;
            if !self.dull_passed.is_multiple_of(DULL_EVERY) {
                return true;
            }
        }
        self.dull_share += (f64::from(u8::from(is_dull)) - self.dull_share) / DULL_OVER;
        false
    }

    /// Takes in the window that was seen last. `true` when the model no longer fits.
    pub fn observe(&mut self, lived: Lived, memory: &Memory) -> bool {
        let Lived { at_s, interval_s, seen, is_quarantined, is_rare, is_new_scene, error } = lived;
        let Self { budget, current, residual, .. } = self;
        budget.observe(at_s, interval_s, current, seen);
        if is_quarantined {
            let usual = memory.usual_distance();
            // The alarm that it belongs to may have been raised by another group: the first window of a
            // visit is half of what was there before.
            let told = seen.novelty.filter(|_| is_rare);
            self.strangers.observe(current, usual, (at_s, interval_s), told);
        } else if is_rare {
            self.strangers.stay(current, memory.usual_distance(), at_s);
        }
        if at_s < self.quiet_until_s {
            self.strangers.unite(self.quiet_until_s - QUIET_S - CHANGING_S);
        }
        if is_new_scene {
            self.abrupt.restart();
        } else if let Some((kind, _)) = memory.kind(&self.current) {
            let middle = memory.middle(kind);
            for ((out, x), middle) in residual.iter_mut().zip(&self.current).zip(middle) {
                *out = x - middle;
            }
            if self.abrupt.observe(at_s, interval_s, &self.residual, memory.usual_distance()) {
                self.quiet_until_s = at_s + QUIET_S;
                self.strangers.unite(at_s - CHANGING_S);
                self.tell(Some(Notice::SceneChanged));
            }
        }
        if is_quarantined {
            return false;
        }
        self.anchor.observe(at_s, &self.current, &mut self.rng);
        let notice = self.slow.observe(at_s, &self.current);
        self.tell(notice);
        let regime = usize::from(self.budget.regime());
        let is_misfit = error.is_some_and(|error| self.misfit.observe(at_s, regime, error));
        if is_misfit {
            self.tell(Some(Notice::ModelMisfit));
        }
        is_misfit
    }

    /// Fresh weights, or an earlier champion's, score from now on.
    pub fn rebase(&mut self) {
        self.misfit.rebase();
    }

    /// Puts a notice in line; what finds no place is only counted.
    pub fn tell(&mut self, notice: Option<Notice>) {
        let Some(notice) = notice else { return };
        if let Some(place) = Notice::ALL.iter().position(|&known| known == notice) {
            self.told[place] += 1;
        }
        if self.pending.len() < MOST_PENDING {
            self.pending.push_back(notice);
        }
    }

    /// The next notice to be told.
    pub fn next_notice(&mut self) -> Option<Notice> {
        self.pending.pop_front()
    }

    /// How often each notice was given, in the order of [`Notice::ALL`].
    pub const fn told(&self) -> [u64; Notice::ALL.len()] {
        self.told
    }

    /// How much the days have changed; see [`Slow::measured`].
    pub fn slow_drift(&self) -> [Option<f64>; 3] {
        self.slow.measured()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.sketch.bytes()
            + self.budget.bytes()
            + self.anchor.bytes()
            + self.strangers.bytes()
            + self.abrupt.bytes()
            + self.slow.bytes()
            + size_of::<Self>()
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        self.sketch.save(to);
        self.budget.save(to);
        self.anchor.save(to);
        self.strangers.save(to);
        self.abrupt.save(to);
        self.misfit.save(to);
        self.slow.save(to);
        self.sensor.save(to);
        to.section("watch");
        to.u64(self.rng.state());
        let place = |notice| Notice::ALL.iter().position(|&known| known == notice).unwrap_or(0);
        to.len(self.pending.len());
        self.pending.iter().for_each(|&notice| to.len(place(notice)));
        self.told.iter().for_each(|&count| to.u64(count));
        to.f64(self.quiet_until_s);
        to.f64(self.dull_share);
        to.u64(self.dull_passed);
    }

    /// Reads what [`Watch::save`] wrote, for the same settings.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        self.sketch.load(from)?;
        self.budget.load(from)?;
        self.anchor.load(from)?;
        self.strangers.load(from)?;
        self.abrupt.load(from)?;
        self.misfit.load(from)?;
        self.slow.load(from)?;
        self.sensor.load(from)?;
        from.section("watch")?;
        self.rng = Rng::from_seed(from.u64()?);
        self.pending.clear();
        for _ in 0..from.len()? {
            let place = from.len()?;
            let notice = Notice::ALL.get(place).ok_or_else(|| Malformed::WrongValue {
                what: "a notice",
                found: place.to_string(),
                expected: format!("less than {}", Notice::ALL.len()),
            })?;
            self.pending.push_back(*notice);
        }
        for count in &mut self.told {
            *count = from.u64()?;
        }
        self.quiet_until_s = from.f64()?;
        self.dull_share = from.f64()?;
        self.dull_passed = from.u64()?;
        Ok(())
    }
}
