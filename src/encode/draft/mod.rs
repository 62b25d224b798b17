//! A first manifest for a network that nobody has described: what the graph says, and guesses for what
//! it does not say, each told so that a person can confirm it.

mod axes;
mod back;
mod classes;
mod outputs;
mod settings;
mod shape;
mod window;
mod words;

use sha2::Digest;
use sha2::Sha256;

use crate::base::hex::hex;
use crate::config::manifest::FrontEnd;
use crate::config::manifest::Golden;
use crate::config::manifest::Manifest;
use crate::config::manifest::SoundLayout;
use crate::config::manifest::Spectrum;
use crate::encode::Encoder;
use crate::encode::draft::outputs::Outputs;
use crate::encode::draft::outputs::Tokens;
use crate::encode::draft::window::Kind;
use crate::encode::draft::window::Window;
use crate::encode::encoder::OnnxEncoder;
use crate::encode::error::EncodeError;
use crate::encode::latent::Latent;
use crate::encode::network::Expected;
use crate::encode::network::Runtime;
use crate::encode::network::load;
use crate::encode::outline::Outline;
use crate::encode::selftest::builtin_window;
use crate::encode::selftest::encode_builtin;

/// Values in each list of a golden table.
const GOLDEN_VALUES: usize = 24;

/// Largest difference that a golden table allows, as a share of the largest magnitude: what two
/// runtimes differ by at most in 32-bit arithmetic of some hundred layers.
pub const GOLDEN_TOLERANCE: f32 = 1e-3;

/// What a person has said, and what is therefore no guess.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// As in `--encoder NAME`.
    pub name: String,
    /// For sound rather than pictures; `None` to look at the input.
    pub sound: Option<bool>,
    /// Shape of the input, batch first.
    pub shape: Option<Vec<usize>>,
    /// Node of the tokens.
    pub tokens: Option<String>,
    /// Node of the embedding.
    pub embedding: Option<String>,
    /// What pixels become.
    pub normalise: Option<Normalise>,
    /// SPDX expression.
    pub license: Option<String>,
    /// Where the network comes from.
    pub source: Option<String>,
    /// Any key of the manifest, dotted, and its value as TOML.
    pub settings: Vec<(String, String)>,
    /// What the network shall run in.
    pub runtime: Runtime,
}

/// What pixels from 0 to 255 become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normalise {
    /// Mean and deviation of `ImageNet`'s channels, as torchvision and timm have it.
    Imagenet,
    /// −1 to 1, as TensorFlow's mobile networks have it.
    Symmetric,
    /// 0 to 1.
    Unit,
    /// As they are.
    None,
}

/// A manifest to be confirmed.
#[derive(Debug, Clone)]
pub struct Draft {
    /// As it will be written.
    pub text: String,
    /// The same, checked.
    pub manifest: Manifest,
    /// The shape of the input.
    pub shape: Vec<usize>,
    /// What the network was run in.
    pub runtime: Runtime,
    /// What was guessed, a sentence each.
    pub guesses: Vec<String>,
}

/// Describes the network `bytes`, the content of `file`.
///
/// # Errors
///
/// [`EncodeError`]: no ONNX file, a graph that cannot be used, or something that cannot be guessed.
pub fn draft(bytes: &[u8], file: &str, wishes: &Wishes) -> Result<Draft, EncodeError> {
    let outline = Outline::read(bytes, file)?;
    refuse_what_never_works(&outline, wishes)?;
    describe(&outline, bytes, file, wishes).map_err(|error| match error {
        EncodeError::Graph { name, reason } if outline.float16_weights => {
            EncodeError::Float16 { name, reason }
        }
        // No answer to the question would help.
        EncodeError::NoGuess { .. } => lacking(&outline, bytes, file, wishes).unwrap_or(error),
        other => other,
    })
}

/// Operators that the runtime does not have, if any.
fn lacking(outline: &Outline, bytes: &[u8], file: &str, wishes: &Wishes) -> Option<EncodeError> {
    let outputs: Vec<&str> = outline.outputs.iter().map(|port| port.name.as_str()).collect();
    let expected = Expected {
        name: &wishes.name,
        file,
        sha256: Sha256::digest(bytes).into(),
        input: None,
        shape: wishes.shape.as_deref(),
        input_len: 0,
        outputs: &outputs,
    };
    load(wishes.runtime, &mut &*bytes, expected)
        .err()
        .filter(|error| matches!(error, EncodeError::Operators { .. }))
}

/// What the built-in runtime cannot read may run elsewhere, unless it draws random numbers.
fn with_advice(error: EncodeError, outline: &Outline, runtime: Runtime) -> EncodeError {
    let EncodeError::Graph { name, reason } = error else { return error };
    let given: Vec<&str> = outline.outputs.iter().map(|port| port.name.as_str()).collect();
    let random = outline.random(&given);
    let advice = if !random.is_empty() {
        format!("it draws random numbers ({}); export it without", random.join(", "))
    } else if runtime == Runtime::Tract {
        "try another --shape, or another runtime, --runtime onnxruntime (see guide/encoders.md)"
            .into()
    } else {
        "try another --shape".into()
    };
    EncodeError::Graph { name, reason: format!("{reason}; {advice}") }
}

/// The same window must give the same.
fn refuse_random(outline: &Outline, outputs: &Outputs, name: &str) -> Result<(), EncodeError> {
    let tokens = match &outputs.tokens {
        Tokens::Node(reading) => Some(reading),
        Tokens::Patches { .. } => None,
    };
    let used: Vec<&str> = [tokens, outputs.embedding.as_ref()]
        .into_iter()
        .flatten()
        .filter_map(|reading| outline.value_named(&reading.node))
        .collect();
    let random = outline.random(&used);
    if random.is_empty() {
        return Ok(());
    }
    let reason = format!(
        "it draws random numbers ({}), so that one window gives other numbers each time; export it without, \
         or name layers before them with --tokens and --embedding",
        random.join(", ")
    );
    Err(EncodeError::Graph { name: name.into(), reason })
}

fn describe(
    outline: &Outline,
    bytes: &[u8],
    file: &str,
    wishes: &Wishes,
) -> Result<Draft, EncodeError> {
    let sha256: [u8; 32] = Sha256::digest(bytes).into();
    let mut guesses = Vec::new();
    let window = Window::of(outline, wishes, &mut guesses)?;
    let shapes_of = |nodes: &[&str]| {
        let expected = Expected {
            name: &wishes.name,
            file,
            sha256,
            input: None,
            shape: Some(&window.shape),
            input_len: window.shape.iter().product(),
            outputs: nodes,
        };
        let network = load(wishes.runtime, &mut &*bytes, expected)
            .map_err(|error| with_advice(error, outline, wishes.runtime))?;
        Ok(network.output_shapes().to_vec())
    };
    let outputs = outputs::choose(outline, &window, wishes, &shapes_of, &mut guesses)?;
    refuse_random(outline, &outputs, &wishes.name)?;
    let mut text = words::manifest(wishes, &hex(&sha256), &window, &outputs);
    text = settings::with_settings(text, &wishes.settings)?;
    let drafted = parse(&text)?;
    refuse_other_layout(&drafted, window.kind)?;
    let mut encoder = open(wishes.runtime, drafted, bytes, file)
        .map_err(|error| with_advice(error, outline, wishes.runtime))?;
    let latent = encode_builtin(&mut encoder)?;
    if !wishes.settings.iter().any(|(key, _)| key == "density") {
        text = text.replace(words::DENSITY_HOLDER, density_for(&latent, &mut guesses));
    }
    let manifest = parse(&text)?;
    Ok(Draft { text, manifest, shape: window.shape, runtime: wishes.runtime, guesses })
}

fn open(
    runtime: Runtime,
    manifest: Manifest,
    bytes: &[u8],
    file: &str,
) -> Result<OnnxEncoder, EncodeError> {
    OnnxEncoder::build(manifest, file, |expected| load(runtime, &mut &*bytes, expected))
}

/// What the drafted encoder makes of the built-in input, and of the same backwards.
///
/// # Errors
///
/// [`EncodeError`] where the network cannot run. Numbers that are not finite are no error here.
pub fn answers(draft: &Draft, bytes: &[u8], file: &str) -> Result<[Latent; 2], EncodeError> {
    let mut encoder = open(draft.runtime, draft.manifest.clone(), bytes, file)?;
    let first = encode_builtin(&mut encoder)?;
    let mut second = first.clone();
    if let Some(mut window) = builtin_window(&draft.manifest)? {
        window.input.reverse();
        encoder.encode(&window, &mut second)?;
    }
    Ok([first, second])
}

/// Which of two answers to different inputs are the same: an output that is, tells nothing.
pub fn unmoved([first, second]: &[Latent; 2]) -> Vec<&'static str> {
    let tokens = first.tokens == second.tokens;
    let embedding = first.embedding == second.embedding;
    let named = [(tokens, "tokens"), (embedding, "embedding")];
    named.into_iter().filter_map(|(same, name)| same.then_some(name)).collect()
}

/// Adds `latent`, one of the [`answers`], as the golden table.
///
/// # Errors
///
/// [`EncodeError::Manifest`] where it holds numbers that are not finite.
pub fn fill_golden(draft: &mut Draft, latent: &Latent) -> Result<(), EncodeError> {
    let golden = Golden {
        embedding: spread(&latent.embedding),
        tokens: spread(latent.tokens.as_slice().unwrap_or_default()),
        tolerance: GOLDEN_TOLERANCE,
    };
    draft.text += &words::golden(&golden);
    draft.manifest = parse(&draft.text)?;
    Ok(())
}

/// Largest difference of two latents, as a share of the largest magnitude; NaN where one is.
pub fn difference(found: &Latent, expected: &Latent) -> f32 {
    let of = |a: &[f32], b: &[f32]| {
        let most = b.iter().fold(f32::MIN_POSITIVE, |most, x| most.max(x.abs()));
        let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs() / most);
        // `f32::max` would drop a NaN.
        differences.fold(0.0_f32, |worst, d| if d <= worst { worst } else { d })
    };
    let tokens = of(
        found.tokens.as_slice().unwrap_or_default(),
        expected.tokens.as_slice().unwrap_or_default(),
    );
    let embedding = of(&found.embedding, &expected.embedding);
    if tokens <= embedding { embedding } else { tokens }
}

fn parse(text: &str) -> Result<Manifest, EncodeError> {
    Manifest::parse(text).map_err(|source| {
        let option = "the manifest that these guesses and options make is wrong".into();
        EncodeError::Setting { option, reason: source.to_string() }
    })
}

/// Frames and bands in the other order than the graph has them fit its input as well, and scramble it.
fn refuse_other_layout(manifest: &Manifest, found: Kind) -> Result<(), EncodeError> {
    let FrontEnd::Sound(spec) = &manifest.input.front_end else { return Ok(()) };
    if !matches!(found, Kind::Sound { .. }) || spec.log_mel.spectrum == Spectrum::Samples {
        return Ok(());
    }
    let (frames, bands) = (spec.window_frames, spec.log_mel.bands);
    let (stated, words) = match spec.layout {
        SoundLayout::FramesBands => ((frames, bands), format!("{frames} frames of {bands} bands")),
        SoundLayout::BandsFrames => ((bands, frames), format!("{bands} bands of {frames} frames")),
    };
    let (first, second) = found.sides();
    if stated == (first, second) {
        return Ok(());
    }
    let reason = format!("{words} were said, and the network's input has {first} times {second}");
    Err(EncodeError::Setting { option: "--set input.sound.…".into(), reason })
}

fn refuse_what_never_works(outline: &Outline, wishes: &Wishes) -> Result<(), EncodeError> {
    let name = wishes.name.clone();
    if let Some((input, further)) = outline.inputs.split_first()
        && !further.is_empty()
    {
        let (input, further) = (input.name.clone(), further.iter().map(|p| p.name.clone()));
        return Err(EncodeError::FurtherInputs { name, input, further: further.collect() });
    }
    if let Some(input) = outline.inputs.first() {
        input.require_float32(&name)?;
    }
    let operators = outline.control_flow();
    if !operators.is_empty() {
        return Err(EncodeError::ControlFlow { name, operators });
    }
    if outline.external_weights {
        let reason = "its weights lie in another file; put them inside with \
                      onnx.save_model(onnx.load(\"FROM.onnx\"), \"TO.onnx\") in Python, and add TO.onnx"
            .into();
        return Err(EncodeError::Graph { name, reason });
    }
    Ok(())
}

/// What came of the built-in input tells whether there is a ReLU at the end.
fn density_for(latent: &Latent, guesses: &mut Vec<String>) -> &'static str {
    if latent.embedding.iter().all(|&x| 0.0 <= x) {
        guesses.push("its embedding is never negative: compared by root_cosine_nearest".into());
        "root_cosine_nearest"
    } else {
        "cosine_nearest"
    }
}

/// Evenly spaced values, as [`Golden`] has them.
fn spread(values: &[f32]) -> Vec<f32> {
    let len = GOLDEN_VALUES.min(values.len());
    (0..len).filter_map(|index| values.get(index * values.len() / len).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::latent::LatentShape;
    use crate::encode::outline::Node;
    use crate::encode::outline::Port;
    use crate::nn::layout::Layout;

    /// Fails where an output that tells nothing of its input passes for one that does.
    #[test]
    fn an_output_that_is_the_same_for_two_inputs_is_named() {
        let layout = Layout::Sequence { len: 2 };
        let one = Latent::zeros(LatentShape { layout, token_dim: 2, embedding_dim: 2 });
        let other = Latent { embedding: vec![0.0, 1.0], ..one.clone() };
        assert_eq!(unmoved(&[one.clone(), other.clone()]), ["tokens"]);
        assert_eq!(unmoved(&[one.clone(), one]), ["tokens", "embedding"]);
    }

    /// Fails where a runtime's words stand alone, or a network of random numbers is sent to another runtime.
    #[test]
    fn what_cannot_be_read_ends_with_what_to_try() {
        let words = |operator: &str, runtime: Runtime| {
            let node =
                Node { operator: operator.into(), outputs: vec!["out".into()], ..Node::default() };
            let outputs = vec![Port { name: "out".into(), ..Port::default() }];
            let outline = Outline { nodes: vec![node], outputs, ..Outline::default() };
            let error = EncodeError::Graph { name: "net".into(), reason: "inner words".into() };
            with_advice(error, &outline, runtime).to_string()
        };
        let shown = words("DFT", Runtime::Tract);
        assert!(shown.contains("inner words; try another --shape"), "{shown}");
        assert!(shown.contains("--runtime onnxruntime"), "{shown}");
        let shown = words("DFT", Runtime::OnnxRuntime);
        assert!(shown.ends_with("try another --shape"), "{shown}");
        let shown = words("RandomNormal", Runtime::Tract);
        assert!(shown.contains("draws random numbers (RandomNormal); export it"), "{shown}");
        assert!(!shown.contains("onnxruntime"), "{shown}");
    }
}
