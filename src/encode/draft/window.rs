//! What goes in: the shape of the input, and the front end that may fill it.

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
    /// Raw samples, `frames` blocks of `block`.
    Samples {
        frames: usize,
        block: usize,
    },
    Picture {
        width: usize,
        height: usize,
        channels_first: bool,
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
            Self::Samples { frames, block } => (frames * block, 1),
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
        let kind = match *shape {
            [1, 3, height, width] if is_picture(width, height) => (width, height, true),
            [1, height, width, 3] if is_picture(width, height) => (width, height, false),
            [1, samples] | [samples] | [1, 1, samples] if LEAST_SAMPLES <= samples => {
                refuse_other_sense(wishes, true, &shape)?;
                let kind = raw(samples, wishes, guesses).map_err(unusable)?;
                return Ok(Self { shape, kind });
            }
            [1, 1, _, _] | [1, _, _, 1] if wishes.sound == Some(false) => {
                return Err(unusable(format!(
                    "its input {:?} of {shape:?} takes grey pictures, of one channel, which are not \
                     supported; export it for three: red, green and blue",
                    input.name
                )));
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
        let (width, height, channels_first) = kind;
        let order = if channels_first { "nchw, three planes" } else { "nhwc, pixel by pixel" };
        guesses.push(format!("its input {shape:?} is a picture of {width} × {height}, {order}"));
        let normalise = normalise(outline, &input.name, wishes, guesses)?;
        Ok(Self { shape, kind: Kind::Picture { width, height, channels_first, normalise } })
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
                // Spectra are hardly ever square, and pictures of one channel mostly are.
                if frames == bands {
                    "; if it takes grey pictures, of one channel, it is not supported: export it for three"
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
fn raw(samples: usize, wishes: &Wishes, guesses: &mut Vec<String>) -> Result<Kind, String> {
    let block = (LEAST_BLOCK..=MOST_BLOCK).rev().find(|&n| samples.is_multiple_of(n));
    let Some(block) = block else {
        return Err(format!(
            "it takes {samples} raw samples, which is no multiple of a number from {LEAST_BLOCK} to \
             {MOST_BLOCK}; export it for another length, such as 16000"
        ));
    };
    let stated = wishes.settings.iter().any(|(key, _)| key == "input.sound.rate_hz");
    let rate = if stated { "" } else { ", at 16 kHz (else --set input.sound.rate_hz=…)" };
    guesses.push(format!("its input is {samples} raw samples from −1 to 1{rate}"));
    Ok(Kind::Samples { frames: samples / block, block })
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
mod tests {
    use super::*;
    use crate::encode::outline::Node;
    use crate::encode::outline::Port;

    fn graph(dims: &[Option<usize>], producer: &str, operator: &str) -> Outline {
        let inputs = vec![Port { name: "x".into(), dims: dims.to_vec(), ..Port::default() }];
        let node = Node { inputs: vec!["x".into()], operator: operator.into(), ..Node::default() };
        Outline { producer: producer.into(), inputs, nodes: vec![node], ..Outline::default() }
    }

    fn of(dims: &[usize], producer: &str, operator: &str) -> Result<Kind, String> {
        let dims: Vec<_> = dims.iter().copied().map(Some).collect();
        let graph = graph(&dims, producer, operator);
        Window::of(&graph, &Wishes::default(), &mut Vec::new())
            .map(|window| window.kind)
            .map_err(|error| error.to_string())
    }

    fn picture(dims: &[usize], producer: &str, operator: &str) -> (usize, usize, bool, Normalise) {
        match of(dims, producer, operator) {
            Ok(Kind::Picture { width, height, channels_first, normalise }) => {
                (width, height, channels_first, normalise)
            }
            other => panic!("{dims:?}: {other:?}"),
        }
    }

    #[test]
    fn layout_and_scale_follow_from_shape_and_maker() {
        let (imagenet, symmetric) = (Normalise::Imagenet, Normalise::Symmetric);
        assert_eq!(picture(&[1, 3, 96, 128], "pytorch", "Conv"), (128, 96, true, imagenet));
        assert_eq!(picture(&[1, 96, 128, 3], "tf2onnx", "Conv"), (128, 96, false, symmetric));
        assert_eq!(picture(&[1, 3, 64, 64], "x", "Sub"), (64, 64, true, Normalise::None));
        let shown = of(&[1, 3, 64, 64], "x", "Conv").unwrap_err();
        assert!(shown.contains("--normalise") && shown.contains("\"x\""), "{shown}");
    }

    #[test]
    fn sound_is_frames_or_bands_or_samples() {
        let frames_first = Kind::Sound { frames: 96, bands: 64, bands_first: false };
        for dims in [&[1, 1, 96, 64][..], &[1, 96, 64], &[1, 96, 64, 1]] {
            assert_eq!(of(dims, "", ""), Ok(frames_first), "{dims:?}");
        }
        for dims in [&[1, 1, 64, 96][..], &[1, 64, 96], &[1, 64, 96, 1]] {
            let bands_first = Kind::Sound { frames: 96, bands: 64, bands_first: true };
            assert_eq!(of(dims, "", ""), Ok(bands_first), "{dims:?}");
        }
        for dims in [&[15_600][..], &[1, 15_600], &[1, 1, 15_600]] {
            assert_eq!(of(dims, "", ""), Ok(Kind::Samples { frames: 39, block: 400 }), "{dims:?}");
        }
        for (dims, expected) in [
            (&[1, 1, 128, 998][..], "--set input.sound"),
            (&[1, 1, 300, 80], "--set input.sound"),
            (&[1, 16_001], "16001 raw samples"),
            (&[1, 7, 7, 7, 7], "[1, 7, 7, 7, 7]"),
            (&[1, 1, 28, 28], "grey pictures, of one channel"),
            (&[4, 3, 96, 96], "takes 4 windows at a time; export it with a batch of 1"),
            (&[4, 1, 96, 64], "a batch of 1"),
            (&[4, 96, 64], "a batch of 1"),
            (&[4, 16_000], "a batch of 1"),
            (&[224, 224, 3], "neither a picture"),
        ] {
            let shown = of(dims, "", "").unwrap_err();
            assert!(shown.contains(expected), "{expected:?} missing in: {shown}");
        }
    }

    #[test]
    fn an_open_size_is_asked_for_and_an_open_batch_is_one() {
        let open = graph(&[None, Some(3), None, None], "pytorch", "Conv");
        let mut wishes = Wishes::default();
        let shown = Window::of(&open, &wishes, &mut Vec::new()).unwrap_err().to_string();
        assert!(shown.contains("[?, 3, ?, ?]") && shown.contains("--shape 1,3,224,224"), "{shown}");
        wishes.shape = Some(vec![1, 3, 64, 64]);
        assert_eq!(Window::of(&open, &wishes, &mut Vec::new()).unwrap().shape, [1, 3, 64, 64]);
        wishes.sound = Some(true);
        let shown = Window::of(&open, &wishes, &mut Vec::new()).unwrap_err().to_string();
        assert!(shown.contains("--modality asks for sound"), "{shown}");
        wishes.sound = Some(false);
        wishes.shape = None;
        let grey = graph(&[Some(1), Some(1), Some(96), Some(64)], "", "");
        let shown = Window::of(&grey, &wishes, &mut Vec::new()).unwrap_err().to_string();
        assert!(shown.contains("grey pictures, of one channel"), "{shown}");
        let batch = graph(&[None, Some(3), Some(64), Some(64)], "pytorch", "Conv");
        let window = Window::of(&batch, &Wishes::default(), &mut Vec::new()).unwrap();
        assert_eq!(window.shape, [1, 3, 64, 64]);
    }
}
