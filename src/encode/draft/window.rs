//! What goes in: the shape of the input, and the front end that may fill it.

use std::ops::RangeInclusive;

use crate::encode::draft::Normalise;
use crate::encode::draft::Wishes;
use crate::encode::draft::shape;
use crate::encode::error::EncodeError;
use crate::encode::outline::Outline;

/// Mel bands of the only front end that a shape alone suggests: YAMNet's.
const YAMNET_BANDS: usize = 64;

/// Numbers of mel bands that are in use; where one comes before the frames, bands come first.
const USUAL_BANDS: [usize; 6] = [32, 40, 64, 80, 128, 256];

/// Smallest side of a picture that is believed.
const LEAST_SIDE: usize = 16;

/// Fewest numbers in a row that are taken for raw sound.
const LEAST_SAMPLES: usize = 4000;

/// Largest number in front of two axes that is taken for a batch.
const MOST_BATCH: usize = 64;

/// What samples of 16 bits are divided by: 32768, or a little less.
const LOUDEST: RangeInclusive<f32> = 32_000.0..=32_800.0;

/// Samples that are handed on at a time: long enough to cost nothing, short enough for windows to
/// begin nearly anywhere.
const LEAST_BLOCK: usize = 32;
const MOST_BLOCK: usize = 400;

/// The input of a graph.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Window {
    /// Batch first and 1.
    pub(super) shape: Vec<usize>,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sound {
        frames: usize,
        bands: usize,
        bands_first: bool,
    },
    /// Raw samples, `frames` blocks of `block`, from −1 to 1 or, `whole`, from −32768 to 32767.
    Samples {
        frames: usize,
        block: usize,
        whole: bool,
    },
    Picture {
        width: usize,
        height: usize,
        channels_first: bool,
        /// Of one channel.
        grey: bool,
        normalise: Normalise,
    },
}

impl Kind {
    /// The axes of the graph's input that a grid may follow: from top to bottom and from left to right;
    /// frames and bands of sound, in the graph's order.
    pub(super) const fn sides(self) -> (usize, usize) {
        match self {
            Self::Sound { frames, bands, bands_first: false } => (frames, bands),
            Self::Sound { frames, bands, bands_first: true } => (bands, frames),
            Self::Samples { frames, block, .. } => (frames * block, 1),
            Self::Picture { width, height, .. } => (height, width),
        }
    }
}

impl Window {
    pub(super) fn of(
        outline: &Outline,
        wishes: &Wishes,
        guesses: &mut Vec<String>,
    ) -> Result<Self, EncodeError> {
        let name = wishes.name.clone();
        let Some(input) = outline.inputs.first() else {
            return Err(EncodeError::Graph { name, reason: "it has no input".into() });
        };
        let shape = match &wishes.shape {
            Some(shape) => shape::said(shape, input, &name)?,
            None => shape::of_graph(input, &name)?,
        };
        let unusable = |reason: String| EncodeError::Graph { name: name.clone(), reason };
        let is_grey = |width, height| wishes.sound == Some(false) && is_picture(width, height);
        let kind = match *shape {
            [1, 3, height, width] if is_picture(width, height) => (width, height, true, false),
            [1, height, width, 3] if is_picture(width, height) => (width, height, false, false),
            [1, 1, height, width] if is_grey(width, height) => (width, height, true, true),
            [1, height, width, 1] if is_grey(width, height) => (width, height, false, true),
            [1, samples] | [samples] | [1, 1, samples] if LEAST_SAMPLES <= samples => {
                refuse_other_sense(wishes, true, &shape)?;
                let whole = takes_whole_numbers(outline, &input.name);
                let kind = raw(samples, whole, wishes, guesses).map_err(unusable)?;
                return Ok(Self { shape, kind });
            }
            [1, 1, frames, bands] | [1, frames, bands] | [1, frames, bands, 1] => {
                refuse_other_sense(wishes, true, &shape)?;
                let kind = sound(frames, bands, wishes, guesses)?;
                return Ok(Self { shape, kind });
            }
            [batch, ..] if is_batch(&shape) => {
                return Err(unusable(format!(
                    "its input {:?} of {shape:?} takes {batch} windows at a time; export it with a batch \
                     of 1",
                    input.name
                )));
            }
            _ => {
                return Err(unusable(format!(
                    "its input {:?} has the shape {shape:?}; that is neither a picture, [1, 3, \
                     height, width] or [1, height, width, 3], nor log-mel frames, [1, 1, frames, \
                     bands] or [1, 1, bands, frames], nor raw samples, [1, samples]",
                    input.name
                )));
            }
        };
        refuse_other_sense(wishes, false, &shape)?;
        let (width, height, channels_first, grey) = kind;
        let order = if channels_first { "nchw, three planes" } else { "nhwc, pixel by pixel" };
        let order = if grey { "grey, one plane" } else { order };
        guesses.push(format!("its input {shape:?} is a picture of {width} × {height}, {order}"));
        let normalise = normalise(outline, &input.name, wishes, guesses)?;
        Ok(Self { shape, kind: Kind::Picture { width, height, channels_first, grey, normalise } })
    }
}

const fn is_picture(width: usize, height: usize) -> bool {
    LEAST_SIDE <= width && LEAST_SIDE <= height
}

/// Whether all but the first number would do: four axes have a batch, fewer may begin with a side.
const fn is_batch(shape: &[usize]) -> bool {
    match *shape {
        [1, ..] | [] => false,
        [_, 3, height, width] | [_, height, width, 3] => is_picture(width, height),
        [_, 1, _, _] | [_, _, _, 1] => true,
        [batch, _, _] => batch <= MOST_BATCH,
        [_, samples] => LEAST_SAMPLES <= samples,
        _ => false,
    }
}

fn refuse_other_sense(wishes: &Wishes, sound: bool, shape: &[usize]) -> Result<(), EncodeError> {
    if wishes.sound.is_none_or(|wanted| wanted == sound) {
        return Ok(());
    }
    let (is, wanted) = if sound { ("sound", "pictures") } else { ("pictures", "sound") };
    Err(EncodeError::Graph {
        name: wishes.name.clone(),
        reason: format!("its input {shape:?} is for {is}, and --modality asks for {wanted}"),
    })
}

fn sound(
    frames: usize,
    bands: usize,
    wishes: &Wishes,
    guesses: &mut Vec<String>,
) -> Result<Kind, EncodeError> {
    let bands_first = USUAL_BANDS.contains(&frames) && !USUAL_BANDS.contains(&bands);
    let (frames, bands) = if bands_first { (bands, frames) } else { (frames, bands) };
    guesses.push(if bands_first {
        format!("its input is {bands} mel bands, each over {frames} frames")
    } else {
        format!("its input is {frames} frames of {bands} mel bands")
    });
    let stated = wishes.settings.iter().any(|(key, _)| key.starts_with("input.sound."));
    // Spectra are hardly ever square, and pictures of one channel mostly are.
    let may_be_grey = frames == bands && wishes.sound.is_none();
    if may_be_grey {
        guesses.push(
            "warning: its sides are equal; if it takes grey pictures, of one channel, say --modality picture"
                .into(),
        );
    }
    if bands == YAMNET_BANDS && !stated {
        guesses.push(
            "its front end is YAMNet's: 16 kHz, 25 ms every 10 ms, 125 to 7500 Hz, \
             ln(magnitude + 0.001)"
                .into(),
        );
    } else if !stated {
        return Err(EncodeError::NoGuess {
            name: wishes.name.clone(),
            what: "the log-mel front end",
            why: format!(
                "{bands} mel bands are not YAMNet's {YAMNET_BANDS}{}",
                if may_be_grey {
                    "; if it takes grey pictures, of one channel, say --modality picture"
                } else {
                    ""
                }
            ),
            option: "--set input.sound.rate_hz=…, and so on for what differs from YAMNet's",
        });
    }
    Ok(Kind::Sound { frames, bands, bands_first })
}

/// Raw samples come in blocks, of which a window holds a whole number.
fn raw(
    samples: usize,
    whole: bool,
    wishes: &Wishes,
    guesses: &mut Vec<String>,
) -> Result<Kind, String> {
    let block = (LEAST_BLOCK..=MOST_BLOCK).rev().find(|&n| samples.is_multiple_of(n));
    let Some(block) = block else {
        return Err(format!(
            "it takes {samples} raw samples, which is no multiple of a number from {LEAST_BLOCK} to \
             {MOST_BLOCK}; export it for another length, such as 16000"
        ));
    };
    let stated = wishes.settings.iter().any(|(key, _)| key == "input.sound.rate_hz");
    let rate = if stated { "" } else { ", at 16 kHz (else --set input.sound.rate_hz=…)" };
    let range = if whole {
        "from −32768 to 32767, since its first step brings them to −1 to 1"
    } else {
        "from −1 to 1"
    };
    guesses.push(format!("its input is {samples} raw samples {range}{rate}"));
    Ok(Kind::Samples { frames: samples / block, block, whole })
}

/// Whether the first step of the graph makes whole numbers of 16 bits a share of the loudest.
fn takes_whole_numbers(outline: &Outline, input: &str) -> bool {
    let mut at = input;
    // A graph has no circles, but a file may.
    for _ in 0..outline.nodes.len() {
        let reader = outline.nodes.iter().find(|node| node.inputs.first().is_some_and(|i| i == at));
        let Some(node) = reader else { return false };
        let Some(output) = node.outputs.first() else { return false };
        let by = node.inputs.get(1).and_then(|by| outline.scalars.get(by));
        match (node.operator.as_str(), by) {
            ("Div", Some(by)) => return LOUDEST.contains(by),
            ("Mul", Some(by)) => return LOUDEST.contains(&by.recip()),
            ("Cast" | "Identity" | "Reshape" | "Squeeze" | "Unsqueeze", _) => at = output,
            _ => return false,
        }
    }
    false
}

fn normalise(
    outline: &Outline,
    input: &str,
    wishes: &Wishes,
    guesses: &mut Vec<String>,
) -> Result<Normalise, EncodeError> {
    if let Some(stated) = wishes.normalise {
        return Ok(stated);
    }
    let mut readers = outline.nodes.iter().filter(|node| node.inputs.iter().any(|i| i == input));
    let first = readers.next().map_or("", |node| node.operator.as_str());
    let producer = outline.producer.to_lowercase();
    let (normalise, why) = if ["Sub", "Div", "Mul", "BatchNormalization"].contains(&first) {
        (Normalise::None, format!("its first step, {first}, normalises"))
    } else if ["tf", "keras", "tensorflow"].iter().any(|maker| producer.contains(maker)) {
        (Normalise::Symmetric, format!("{:?} wrote it, from TensorFlow", outline.producer))
    } else if producer.contains("torch") {
        (Normalise::Imagenet, format!("{:?} wrote it", outline.producer))
    } else {
        return Err(EncodeError::NoGuess {
            name: wishes.name.clone(),
            what: "the scale of pixels",
            why: match outline.producer.as_str() {
                "" => format!("it does not say what wrote it, and its first step is {first}"),
                producer => format!("{producer:?} wrote it, and its first step is {first}"),
            },
            option: "--normalise imagenet, symmetric (−1 to 1), unit (0 to 1) or none (0 to 255)",
        });
    };
    let scale = match normalise {
        Normalise::Imagenet => "ImageNet's mean and deviation taken off",
        Normalise::Symmetric => "−1 to 1",
        Normalise::Unit => "0 to 1",
        Normalise::None => "0 to 255",
    };
    guesses.push(format!("its pixels are {scale}, since {why}"));
    Ok(normalise)
}

#[cfg(test)]
mod tests;
