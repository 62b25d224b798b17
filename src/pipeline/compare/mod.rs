//! Which encoder suits a place: each is tried on the user's own recordings.
//!
//! Without labels: how often the nearest of other moments is close in time ([`neighbours`]), and the
//! learner's skill on windows before it learnt them. With labels: how well five examples of each class
//! tell the rest ([`shots`]). What they give is weighed in [`advice`].

pub mod advice;
pub mod data;
pub mod neighbours;
pub mod shots;
pub mod space;
pub mod tally;

use std::time::Duration;

use crate::base::modality::Modality;
use crate::base::stop::Stop;
use crate::capture::Chunk;
use crate::capture::Source;
use crate::capture::error::CaptureError;
use crate::config::learn::LearnSettings;
use crate::config::manifest::Density;
use crate::config::source::SourceSettings;
use crate::encode::Encoder;
use crate::encode::error::EncodeError;
use crate::pipeline::compare::data::Part;
use crate::pipeline::compare::neighbours::Moment;
use crate::pipeline::compare::neighbours::Neighbours;
use crate::pipeline::compare::shots::FewShots;
use crate::pipeline::compare::space::Space;
use crate::pipeline::open;
use crate::pipeline::open::OpenWith;
use crate::pipeline::track::Track;
use crate::pipeline::window::Scored;

/// How long a recording may take to give its next chunk.
const PATIENCE: Duration = Duration::from_secs(1);

/// All that one encoder made of the recordings.
#[derive(Debug, Clone, PartialEq)]
pub struct Lived {
    /// An embedding a window.
    vectors: Vec<Vec<f32>>,
    /// When each was.
    moments: Vec<Moment>,
    /// The number of the part that each is of.
    parts: Vec<usize>,
    root: bool,
    /// `1 − error / error of the running mean`, of masked prediction; `None` in warm-up.
    pub skill: Option<f64>,
    /// What could not be read, a sentence each.
    pub warnings: Vec<String>,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Windows made.
    pub windows: usize,
    /// Skill of the learner.
    pub skill: Option<f64>,
    /// Neighbours in time.
    pub neighbours: Option<Neighbours>,
    /// Few-shot accuracy, where there are labels.
    pub few_shots: Option<FewShots>,
}

impl Lived {
    /// Seconds of the longest window.
    pub fn window_s(&self) -> f64 {
        self.moments.iter().fold(0.0, |most: f64, m| most.max(m.end_s - m.start_s))
    }

    /// Windows made.
    pub fn windows(&self) -> usize {
        self.vectors.len()
    }

    /// Recordings that gave a window.
    pub fn recordings(&self) -> usize {
        let mut all: Vec<usize> = self.moments.iter().map(|moment| moment.recording).collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    }

    /// The class of each part that gave a window, of `labels`, a class a part; `None` for the others.
    pub fn heard(&self, labels: &[Option<usize>]) -> Vec<Option<usize>> {
        let mut heard = vec![None; labels.len()];
        for &part in &self.parts {
            heard[part] = labels[part];
        }
        heard
    }

    /// The figures. `apart_s` as in [`neighbours::neighbours`], the same for all encoders; `labels` has
    /// a class a part.
    pub fn figures(&self, apart_s: f64, labels: &[Option<usize>]) -> Figures {
        let space = Space::new(&self.vectors, self.root);
        let few_shots = labels.iter().any(Option::is_some).then(|| {
            shots::few_shots(&space.means(&self.parts, labels.len()), &self.heard(labels))
        });
        Figures {
            windows: self.vectors.len(),
            skill: self.skill,
            neighbours: neighbours::neighbours(&space, &self.moments, apart_s),
            few_shots: few_shots.flatten(),
        }
    }
}

/// Lets a fresh learner with `encoder` live through `parts`, and keeps every embedding. `told` hears
/// how many parts are done, and ends it by `false`.
///
/// # Errors
///
/// [`EncodeError`] where the encoder fails; recordings that cannot be read are warnings.
pub fn live(
    encoder: Box<dyn Encoder>,
    parts: &[Part],
    learn: &LearnSettings,
    told: &mut dyn FnMut(usize) -> bool,
) -> Result<Lived, EncodeError> {
    let root = encoder.manifest().density == Density::RootCosineNearest;
    let mut lived = Lived {
        vectors: Vec::new(),
        moments: Vec::new(),
        parts: Vec::new(),
        root,
        skill: None,
        warnings: Vec::new(),
    };
    let modality = encoder.manifest().modality();
    let mut track = Track::new(encoder, learn, 0)?;
    for (number, part) in parts.iter().enumerate() {
        let follows = 0 < number && parts[number - 1].recording == part.recording;
        if 0 < number && !follows {
            track.begin_stream();
        }
        let mut keep = |scored: &Scored<'_>| {
            if scored.embedding.iter().all(|x| x.is_finite()) {
                lived.vectors.push(scored.embedding.to_vec());
                let (start_s, end_s) = (scored.start_s, scored.end_s);
                lived.moments.push(Moment { recording: part.recording, start_s, end_s });
                lived.parts.push(number);
            }
        };
        if let Err(warning) = read(part, modality, &mut track, &mut keep)? {
            lived.warnings.push(warning);
        }
        if !told(number + 1) {
            break;
        }
    }
    lived.skill = track.report().skill_vs_mean;
    Ok(lived)
}

/// One part through the track; the inner error says what is wrong with the recording.
fn read(
    part: &Part,
    modality: Modality,
    track: &mut Track,
    keep: &mut dyn FnMut(&Scored<'_>),
) -> Result<Result<(), String>, EncodeError> {
    let mut source = match open_part(part) {
        Ok(source) if source.modality() == modality => source,
        Ok(_) => return Ok(Err(format!("{} is for the other sense", part.path.display()))),
        Err(error) => return Ok(Err(error.to_string())),
    };
    let mut heard_s = 0.0;
    while heard_s < part.most_s {
        let chunk = match source.next(PATIENCE) {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let chunk = match chunk {
            // Pictures of a folder are opened one by one, and are one recording.
            Chunk::Picture { lasts_s, image, .. } if part.is_picture => {
                Chunk::Picture { at_s: part.at_s, lasts_s, image }
            }
            Chunk::Picture { at_s, lasts_s, image } => {
                heard_s = at_s + lasts_s;
                Chunk::Picture { at_s, lasts_s, image }
            }
            Chunk::Begin { input, at_s } => Chunk::Begin { input, at_s: at_s + part.at_s },
            Chunk::Sound { rate_hz, at_sample, samples } => {
                heard_s += samples.len() as f64 / f64::from(rate_hz);
                Chunk::Sound { rate_hz, at_sample, samples }
            }
            other => other,
        };
        track.take(chunk, keep)?;
    }
    track.finish(keep)?;
    Ok(Ok(()))
}

fn open_part(part: &Part) -> Result<Box<dyn Source>, CaptureError> {
    let settings =
        SourceSettings::recording("compare", vec![part.path.clone()], false, part.frames_per_s);
    open::open(&settings, &OpenWith { stop: Stop::default(), seed: 0 })
}
