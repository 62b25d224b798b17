//! When a stranger becomes normal.
//!
//! Quarantined windows are put into groups by their sketches, so that one who comes back is known. A
//! group is unfamiliar, and nothing is learnt from it, until somebody says that it is normal, or until
//! it was there in several episodes, days apart, for long enough in all. Who stays without a break is
//! one episode, however long: that is a changed scene, which the gate judges.

mod law;
mod scene;

use crate::base::bytes::{Malformed, Reader, Writer};
use crate::config::learn::Habituation;
use crate::learn::moments::fill;
use crate::learn::sketch::squared_distance;

pub use law::Law;

/// Strangers that are told apart; the one that was away longest makes room.
pub const MOST_STRANGERS: usize = 16;
/// A stranger away for so long comes back in another episode, seconds.
pub const EPISODE_GAP_S: f64 = 1800.0;
/// A window belongs to a group when it is within so many of the group's own usual distances, and between
/// this and that share of the usual distance of all windows.
const NEAR: f32 = 1.5;
const NEAR_AT_LEAST: f32 = 0.5;
const NEAR_AT_MOST: f32 = 1.5;
/// A changed scene is as wide as it is, and what lies at its rim is no stranger.
const NEAR_SCENE: f32 = 2.5;
/// Far away from everything usual, as a loud click is, groups are wider: this share of the distance.
const NEAR_WHEN_FAR: f32 = 0.5;
/// Share of the usual distance of all windows that a group's own is thought to be at first, and share by
/// which it follows.
const FIRST_SPREAD: f32 = 0.6;
const FOLLOW: f32 = 0.05;
/// A visitor so many times as novel as when it raised its alarm raises another.
const LOUDER: f32 = 1.5;
/// Format that knows which stranger is a changed scene.
const SCENES_SINCE: u64 = 7;
/// Time around a group's episodes that a mark may name, seconds.
pub const MARK_SLACK_S: f64 = 60.0;

/// What is thought of a stranger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is learnt from it.
    Unfamiliar,
    /// It may be learnt from.
    Normal,
    /// Somebody said that it is not normal: it will never be learnt from.
    Never,
}

/// A group of quarantined windows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stranger {
    /// Counts up from 1.
    pub id: u64,
    /// When it was first and last there.
    pub first_s: f64,
    /// See `first_s`.
    pub last_s: f64,
    /// Times it came.
    pub episodes: u32,
    /// Seconds of presence in all.
    pub dwell_s: f64,
    /// Its windows.
    pub windows: u64,
    /// What is thought of it.
    pub standing: Standing,
    /// Whether an alarm has told of this episode, and the largest novelty of what it told of.
    pub has_alarmed: bool,
    /// See `has_alarmed`.
    pub loudest: f32,
    /// Usual distance of its windows to their mean.
    pub spread: f32,
    /// All that came with a change of the scene, see [`Strangers::unite`].
    pub is_scene: bool,
}

/// All groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Strangers {
    law: Option<Law>,
    dim: usize,
    known: Vec<Stranger>,
    /// `[MOST_STRANGERS, dim]`.
    means: Vec<f32>,
    met: u64,
}

impl Strangers {
    /// For sketches of `dim` numbers.
    pub fn new(preset: Habituation, dim: usize) -> Self {
        Self {
            law: Law::of(preset),
            dim,
            known: Vec::with_capacity(MOST_STRANGERS),
            means: vec![0.0; MOST_STRANGERS * dim],
            met: 0,
        }
    }

    /// All groups, in no order.
    pub fn known(&self) -> &[Stranger] {
        &self.known
    }

    /// The group that a window with that sketch belongs to. `usual` is the usual distance of a window
    /// from the middle of its kind.
    pub fn find(&self, sketch: &[f32], usual: f32) -> Option<usize> {
        let distance = |which: usize| {
            squared_distance(sketch, &self.means[which * self.dim..(which + 1) * self.dim]).sqrt()
        };
        let is_near = |&(which, distance): &(usize, f32)| {
            let known = &self.known[which];
            let near = match known.is_scene {
                true => NEAR_SCENE * known.spread,
                false => (NEAR * known.spread).min(NEAR_AT_MOST * usual),
            };
            let near = near.max(NEAR_AT_LEAST * usual);
            distance <= near.max(NEAR_WHEN_FAR * self.length(which))
        };
        let all = || (0..self.known.len()).map(|which| (which, distance(which)));
        let nearest = all().min_by(|a, b| a.1.total_cmp(&b.1)).filter(is_near);
        let scene = all().filter(|&(which, _)| self.known[which].is_scene).find(is_near);
        // Whoever was first met in a changed scene, and lies within it, is a part of it.
        let is_older = |nearest: usize, scene: usize| {
            let (nearest, scene) = (&self.known[nearest], &self.known[scene]);
            nearest.standing != Standing::Unfamiliar || nearest.first_s < scene.first_s
        };
        match (nearest, scene) {
            (Some((nearest, _)), Some((scene, _))) if is_older(nearest, scene) => Some(nearest),
            (_, Some((scene, _))) => Some(scene),
            (nearest, None) => nearest.map(|(which, _)| which),
        }
    }

    /// Distance of a group from the middle of warm-up, where sketches begin.
    fn length(&self, which: usize) -> f32 {
        let mean = &self.means[which * self.dim..(which + 1) * self.dim];
        mean.iter().map(|x| x * x).sum::<f32>().sqrt()
    }

    /// Whether a window of that group needs no alarm: it is normal, or its episode has raised one.
    pub fn is_told(&self, which: usize, now_s: f64, novelty: f32) -> bool {
        let stranger = &self.known[which];
        stranger.standing == Standing::Normal
            || stranger.has_alarmed
                && now_s < stranger.last_s + EPISODE_GAP_S
                && novelty <= LOUDER * stranger.loudest
    }

    /// What is thought of a group.
    pub fn standing(&self, which: usize) -> Standing {
        self.known[which].standing
    }

    /// Takes in a quarantined window of `interval_s` seconds; gives its group. `alarm` is its novelty where an
    /// alarm tells of it, its own or one just before.
    pub fn observe(
        &mut self,
        sketch: &[f32],
        usual: f32,
        times: (f64, f64),
        alarm: Option<f32>,
    ) -> usize {
        let (at_s, interval_s) = times;
        let found = self.find(sketch, usual);
        let which = found.unwrap_or_else(|| self.meet(sketch, usual, at_s, Standing::Unfamiliar));
        let stranger = &mut self.known[which];
        if stranger.windows == 0 || stranger.last_s + EPISODE_GAP_S <= at_s {
            stranger.episodes += 1;
            stranger.has_alarmed = false;
            stranger.loudest = 0.0;
        }
        stranger.windows += 1;
        stranger.dwell_s += interval_s;
        stranger.last_s = at_s;
        if let Some(novelty) = alarm {
            stranger.has_alarmed = true;
            stranger.loudest = stranger.loudest.max(novelty);
        }
        if stranger.standing == Standing::Unfamiliar
            && self.law.is_some_and(|law| {
                law.episodes <= stranger.episodes
                    && law.span_s <= stranger.last_s - stranger.first_s
                    && law.dwell_s <= stranger.dwell_s
            })
        {
            stranger.standing = Standing::Normal;
        }
        let share = 1.0 / stranger.windows.min(1000) as f32;
        let mean = &mut self.means[which * self.dim..(which + 1) * self.dim];
        if 1 < stranger.windows {
            let distance = squared_distance(sketch, mean).sqrt();
            stranger.spread += FOLLOW * (distance - stranger.spread);
        }
        mean.iter_mut().zip(sketch).for_each(|(m, x)| *m += share * (x - *m));
        which
    }

    /// Room for another group.
    fn meet(&mut self, sketch: &[f32], usual: f32, at_s: f64, standing: Standing) -> usize {
        self.met += 1;
        let stranger = Stranger {
            id: self.met,
            first_s: at_s,
            last_s: at_s,
            episodes: 0,
            dwell_s: 0.0,
            windows: 0,
            standing,
            has_alarmed: false,
            loudest: 0.0,
            spread: FIRST_SPREAD * usual,
            is_scene: false,
        };
        let which = if self.known.len() < MOST_STRANGERS {
            self.known.push(stranger);
            self.known.len() - 1
        } else {
            // A word is kept longer than what was only met.
            let age = |which: &usize| {
                let known = &self.known[*which];
                (known.standing != Standing::Unfamiliar, known.last_s)
            };
            let oldest = (0..MOST_STRANGERS).min_by(|a, b| {
                let (a, b) = (age(a), age(b));
                a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
            });
            let oldest = oldest.unwrap_or(0);
            self.known[oldest] = stranger;
            oldest
        };
        self.means[which * self.dim..(which + 1) * self.dim].copy_from_slice(sketch);
        which
    }

    /// Somebody's word about a moment with that sketch. Founds a group where there is none. Gives the group, and
    /// whether the same was said of it before.
    pub fn mark(
        &mut self,
        sketch: &[f32],
        usual: f32,
        at_s: f64,
        standing: Standing,
    ) -> (Stranger, bool) {
        let was_there = |stranger: &Stranger| {
            (stranger.first_s - MARK_SLACK_S..=stranger.last_s + MARK_SLACK_S).contains(&at_s)
        };
        let found = self
            .find(sketch, usual)
            .or_else(|| self.find(sketch, 2.0 * usual).filter(|&w| was_there(&self.known[w])));
        let was_said = found.is_some_and(|which| self.known[which].standing == standing);
        let which = found.unwrap_or_else(|| self.meet(sketch, usual, at_s, standing));
        self.known[which].standing = standing;
        (self.known[which], was_said)
    }

    /// Bytes held.
    pub const fn bytes(&self) -> usize {
        MOST_STRANGERS * (size_of::<Stranger>() + size_of::<f32>() * self.dim)
    }

    /// Appends everything that changes.
    pub fn save(&self, to: &mut Writer) {
        to.section("strangers");
        to.u64(self.met);
        to.len(self.known.len());
        for stranger in &self.known {
            to.u64(stranger.id);
            to.f64(stranger.first_s);
            to.f64(stranger.last_s);
            to.u64(stranger.episodes.into());
            to.f64(stranger.dwell_s);
            to.u64(stranger.windows);
            to.flag(stranger.standing == Standing::Normal);
            to.flag(stranger.standing == Standing::Never);
            to.flag(stranger.has_alarmed);
            to.f32(stranger.loudest);
            to.f32(stranger.spread);
            to.flag(stranger.is_scene);
        }
        to.f32s(self.means[..self.known.len() * self.dim].iter().copied());
    }

    /// Reads what [`Strangers::save`] wrote, for sketches of the same width.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is something else.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.section("strangers")?;
        self.met = from.u64()?;
        let count = crate::learn::alarm::at_most("strangers", from.len()?, MOST_STRANGERS)?;
        self.known.clear();
        for _ in 0..count {
            let (id, first_s, last_s) = (from.u64()?, from.f64()?, from.f64()?);
            let episodes = u32::try_from(from.u64()?).unwrap_or(u32::MAX);
            let (dwell_s, windows) = (from.f64()?, from.u64()?);
            let standing = match (from.flag()?, from.flag()?) {
                (true, _) => Standing::Normal,
                (_, true) => Standing::Never,
                _ => Standing::Unfamiliar,
            };
            let (has_alarmed, loudest) = (from.flag()?, from.f32()?);
            let spread = from.f32()?;
            let is_scene = from.is_since(SCENES_SINCE) && from.flag()?;
            self.known.push(Stranger {
                id,
                first_s,
                last_s,
                episodes,
                dwell_s,
                windows,
                standing,
                has_alarmed,
                loudest,
                spread,
                is_scene,
            });
        }
        fill(&mut self.means[..count * self.dim], "numbers in strangers", from.f32s()?)
    }
}

#[cfg(test)]
mod tests;
