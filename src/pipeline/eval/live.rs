//! A learner lives through a stream, as `replay` would let it. Side windows were made at fixed moments, and a
//! moment that the learner does not admit is none of theirs.

use crate::base::bytes::Malformed;
use crate::base::bytes::Reader;
use crate::base::bytes::Writer;
use crate::config::learn::LearnSettings;
use crate::config::learn::LearnToml;
use crate::encode::Encoder;
use crate::encode::density::Density;
use crate::encode::latent::LatentShape;
use crate::encode::sides::SideKind;
use crate::learn::gate::Admission;
use crate::learn::learner::Learner;
use crate::learn::learner::Score;
use crate::pipeline::eval::fusion::Channel;
use crate::pipeline::eval::fusion::Channels;
use crate::pipeline::eval::stream::Stream;
use crate::pipeline::eval::stream::Studio;

/// Seconds of a day.
pub const DAY_S: f64 = 86_400.0;

/// Makes learners for one encoder.
#[derive(Debug, Clone)]
pub struct Nursery {
    shape: LatentShape,
    density: Density,
    /// Of [`Window::sides`](crate::pipeline::eval::stream::Window::sides).
    side_kinds: Vec<SideKind>,
}

impl Nursery {
    /// For what the studio makes.
    pub fn of(studio: &Studio) -> Self {
        let side_kinds = studio.side_kinds().to_vec();
        Self { shape: studio.shape(), density: studio.density(), side_kinds }
    }

    /// For the encoder alone.
    pub fn without_sides(encoder: &dyn Encoder) -> Self {
        let density = Density::of(encoder.manifest());
        Self { shape: encoder.shape(), density, side_kinds: Vec::new() }
    }

    /// A learner that has met nothing.
    pub fn learner(&self, settings: &LearnSettings, seed: u64) -> Learner {
        Learner::new(self.shape, self.density, settings, seed)
    }

    /// The same learner once more.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when `settings` are not those that the learner was made with.
    pub fn twin(&self, learner: &Learner, settings: &LearnSettings) -> Result<Learner, Malformed> {
        let mut writer = Writer::default();
        learner.save(&mut writer);
        let bytes = writer.into_bytes();
        Learner::load(self.shape, self.density, settings, &mut Reader::new(&bytes))
    }
}

/// Those settings with weights that stay as they are.
pub fn untrained(settings: &LearnSettings) -> LearnSettings {
    let own: LearnToml = (**settings).clone();
    let still = LearnToml { first_updates_per_window: 0.0, updates_per_window: 0.0, ..own };
    // Both are allowed to be 0 whatever the rest is.
    still.check().unwrap_or_else(|_| settings.clone())
}

/// What was said of one window.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Read {
    /// `None` in warm-up.
    pub novelty: Option<f32>,
    /// `None` in warm-up.
    pub p_value: Option<f32>,
    /// Whether it raised an alarm.
    pub event: bool,
    /// Mean squared error of what was guessed, and of guessing the mean. `None` before there is a
    /// net.
    pub errors: Option<(f32, f32)>,
    /// The same of guessing the token before; `None` also where learning is over, because in
    /// pictures the one before is of the last window that was learnt.
    pub persistence: Option<f32>,
    /// Surprise and density, each against its own past; `None` in warm-up, and outside [`live`].
    pub channels: Option<[Channel; 2]>,
}

impl Read {
    /// Of a score.
    pub fn of(score: &Score) -> Self {
        let (novelty, p_value, event) = (score.novelty, score.p_value, score.event);
        let persistence = score.persistence_error();
        Self { novelty, p_value, event, errors: score.errors(), persistence, channels: None }
    }
}

/// `1 − error / error of the mean` over some windows; `None` where nothing was guessed.
pub fn skill(reads: &[Read]) -> Option<f64> {
    share_saved(reads.iter().filter_map(|read| read.errors))
}

/// `1 − error / error of the token before`, in the same way.
pub fn skill_vs_persistence(reads: &[Read]) -> Option<f64> {
    share_saved(reads.iter().filter_map(|read| Some((read.errors?.0, read.persistence?))))
}

fn share_saved(errors: impl Iterator<Item = (f32, f32)>) -> Option<f64> {
    let sums = errors.fold((0.0, 0.0), |sums, (own, other)| {
        (sums.0 + f64::from(own), sums.1 + f64::from(other))
    });
    (0.0 < sums.1).then(|| 1.0 - sums.0 / sums.1)
}

/// Until when it learns, and how often it begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Plan {
    /// Nothing is learnt or remembered of what ends later.
    pub learn_until_s: Option<f64>,
    /// A new learner takes over whenever so many seconds have passed.
    pub begin_anew_s: Option<f64>,
}

/// Lets `learner`, made of `settings` and the seed, live through `stream`, whose seconds are those
/// of its life.
pub fn live(
    nursery: &Nursery,
    learner: &mut Learner,
    (settings, seed): (&LearnSettings, u64),
    stream: &Stream,
    plan: Plan,
) -> Vec<Read> {
    let mut anew_s = plan.begin_anew_s;
    let mut reads = Vec::with_capacity(stream.windows.len());
    let mut channels = Channels::new(settings);
    for window in &stream.windows {
        if let (Some(every_s), Some(at_s)) = (plan.begin_anew_s, anew_s)
            && at_s <= window.start_s
        {
            *learner = nursery.learner(settings, seed);
            channels = Channels::new(settings);
            let passed = ((window.start_s - at_s) / every_s).floor();
            anew_s = Some(at_s + every_s * (1.0 + passed));
        }
        let score = learner.score(&window.latent);
        let mut read = Read { channels: channels.judge(&score), ..Read::of(&score) };
        if plan.learn_until_s.is_some_and(|until_s| until_s < window.end_s) {
            learner.freeze();
            read.persistence = None;
        }
        let learnt = learner.learn(&window.latent, &score, window.start_s);
        if learnt.admission == Some(Admission::Admitted)
            && learner.wants_sides(window.start_s)
            && let Some(sides) = &window.sides
        {
            let sides = sides.pick(&nursery.side_kinds, learner.side_kinds());
            learner.take_sides(&sides, window.start_s);
        }
        channels.observe(&score, learnt.admission, window.start_s);
        reads.push(read);
    }
    reads
}
