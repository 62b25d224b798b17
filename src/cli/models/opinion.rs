//! What ONNX Runtime makes of a network that tract runs: the library if it is built in and there, else the
//! Python package.

use std::env;

use anyhow::Context;
use anyhow::anyhow;

use crate::cli::exit::EXIT_UNAVAILABLE;
use crate::cli::exit::Failure;
use crate::cli::exit::OrExit;
use crate::encode::draft;
use crate::encode::draft::Draft;
use crate::encode::encoder::OnnxEncoder;
use crate::encode::error::EncodeError;
use crate::encode::latent::Latent;
use crate::encode::network;
use crate::encode::network::Runtime;
use crate::encode::python;
use crate::encode::selftest;

/// Compares `ours`, the answer to the built-in input, with that of the other runtime.
pub(super) fn compare(draft: &Draft, bytes: &[u8], ours: &Latent) -> Result<(), Failure> {
    if draft.runtime == Runtime::Tract {
        return with_onnxruntime(draft, bytes, ours);
    }
    let name = draft.runtime.name();
    if let Some(words) = not_finite(name, ours, None) {
        return Err(Failure::new(EXIT_UNAVAILABLE, anyhow!("{words}; nothing was written")));
    }
    warn_of_nothing(ours);
    let built_in = OnnxEncoder::new(draft.manifest.clone(), bytes, &draft.manifest.file)
        .and_then(|mut encoder| selftest::encode_builtin(&mut encoder));
    match built_in {
        Ok(theirs) => println!(
            "tract can run it, too; largest difference {:.1e} of the largest value",
            draft::difference(&theirs, ours)
        ),
        Err(EncodeError::Operators { operators, .. }) => {
            println!("for {name} alone: tract lacks {}", operators.join(", "));
        }
        Err(error) => println!("for {name} alone: {:#}", anyhow::Error::new(error)),
    }
    Ok(())
}

/// Compares `ours`, tract's answer to the built-in input. Without ONNX Runtime that is only told; where it
/// refuses the network or answers otherwise, or where an answer is not finite, nothing may be written.
fn with_onnxruntime(draft: &Draft, bytes: &[u8], ours: &Latent) -> Result<(), Failure> {
    let theirs = match opinion(draft, bytes) {
        // Absent, too old to be loaded, or no room for its files: none of that is the network's fault.
        Err(EncodeError::Runtime { reason, .. }) => {
            println!("not compared with ONNX Runtime: {reason}");
            None
        }
        Err(error) => {
            return Err(error)
                .context(
                    "ONNX Runtime cannot run this network, although tract can; nothing was written: \
                     export it again, or update ONNX Runtime where it is older than the export",
                )
                .or_exit(EXIT_UNAVAILABLE);
        }
        Ok(None) => {
            println!("not compared with ONNX Runtime: neither the library nor the Python package");
            None
        }
        Ok(theirs) => theirs,
    };
    if let Some(words) = not_finite("tract", ours, theirs.as_ref()) {
        return Err(Failure::new(EXIT_UNAVAILABLE, anyhow!("{words}; nothing was written")));
    }
    warn_of_nothing(ours);
    let Some((who, theirs)) = theirs else { return Ok(()) };
    if is_nothing(ours) && is_nothing(&theirs) {
        println!("not compared: {who} answers the same");
        return Ok(());
    }
    let difference = draft::difference(ours, &theirs);
    if difference <= draft::GOLDEN_TOLERANCE {
        println!("agrees with {who}: largest difference {difference:.1e} of the largest value");
        return Ok(());
    }
    let error = anyhow!(
        "tract and {who} differ by {difference:.1e} of the largest value, and {:.0e} is allowed: \
         this network cannot be trusted here; export it with simpler operators",
        draft::GOLDEN_TOLERANCE
    );
    Err(Failure::new(EXIT_UNAVAILABLE, error))
}

fn warn_of_nothing(ours: &Latent) {
    if is_nothing(ours) {
        println!(
            "warning: it answers the built-in input with nothing but 0; look whether its input has the right \
             scale (--normalise, --set), and whether that is the right layer (--tokens, --embedding)"
        );
    }
}

/// Whether an answer says nothing: runtimes differ about what is as good as 0.
fn is_nothing(latent: &Latent) -> bool {
    let is_small = |x: &f32| x.abs() < 1e-5;
    latent.embedding.iter().all(is_small) && latent.tokens.iter().all(is_small)
}

/// Which answer to the built-in input is not finite, and what that means; `None` where all are.
fn not_finite(
    runs: &str,
    ours: &Latent,
    theirs: Option<&(&'static str, Latent)>,
) -> Option<String> {
    let input = "for the built-in input";
    Some(match (ours.is_finite(), theirs.map(|(who, latent)| (who, latent.is_finite()))) {
        (true, None | Some((_, true))) => return None,
        (true, Some((who, false))) => {
            format!("{who} gives numbers that are not finite {input}, and {runs} finite ones")
        }
        (false, Some((who, true))) => {
            format!("{runs} gives numbers that are not finite {input}, and {who} finite ones")
        }
        (false, Some((who, false))) => format!(
            "{runs} and {who} both give numbers that are not finite {input}: look whether its input has \
             the right scale (--normalise, --set)"
        ),
        (false, None) => format!(
            "{runs} gives numbers that are not finite {input}: look whether its input has the right scale \
             (--normalise, --set)"
        ),
    })
}

/// Who, and its answer; `None` where nobody is there.
fn opinion(draft: &Draft, bytes: &[u8]) -> Result<Option<(&'static str, Latent)>, EncodeError> {
    let manifest = draft.manifest.clone();
    let file = manifest.file.clone();
    let library = OnnxEncoder::build(manifest.clone(), &file, |expected| {
        network::load(Runtime::OnnxRuntime, &mut &*bytes, expected)
    });
    match library {
        Ok(mut encoder) => {
            return Ok(Some(("onnxruntime", selftest::encode_builtin(&mut encoder)?)));
        }
        Err(EncodeError::Runtime { .. }) => {}
        Err(error) => return Err(error),
    }
    if !python::is_there() {
        return Ok(None);
    }
    let scratch = tempfile::Builder::new().prefix("habituate-add-").tempdir().map_err(|error| {
        let folder = env::temp_dir().display().to_string();
        let reason = format!("cannot write to {folder}: {error}");
        EncodeError::Runtime { runtime: Runtime::OnnxRuntime.name(), reason }
    })?;
    let mut encoder = OnnxEncoder::build(manifest, &file, |expected| {
        let started = python::Reference::start(bytes, &draft.shape, scratch.path(), expected)?;
        Ok(Box::new(started))
    })?;
    Ok(Some(("Python's onnxruntime", selftest::encode_builtin(&mut encoder)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::latent::LatentShape;
    use crate::nn::layout::Layout;

    /// Fails where a share of what is as good as 0 is taken for a difference.
    #[test]
    fn two_answers_of_nothing_are_not_told_apart() {
        let layout = Layout::Sequence { len: 2 };
        let nothing = Latent::zeros(LatentShape { layout, token_dim: 2, embedding_dim: 2 });
        let hardly = Latent { embedding: vec![4e-7, 0.0], ..nothing.clone() };
        let something = Latent { embedding: vec![4e-3, 0.0], ..nothing.clone() };
        assert!(is_nothing(&nothing) && is_nothing(&hardly) && !is_nothing(&something));
    }

    #[test]
    fn the_answer_that_is_not_finite_is_named() {
        let layout = Layout::Sequence { len: 2 };
        let good = Latent::zeros(LatentShape { layout, token_dim: 2, embedding_dim: 2 });
        let bad = Latent { embedding: vec![0.0, f32::NAN], ..good.clone() };
        let with = |latent: &Latent| ("Python", latent.clone());
        assert_eq!(not_finite("tract", &good, None), None);
        assert_eq!(not_finite("tract", &good, Some(&with(&good))), None);
        for (ours, theirs, expected) in [
            (&good, Some(with(&bad)), "Python gives numbers that are not finite"),
            (&bad, Some(with(&good)), "tract gives numbers that are not finite"),
            (&bad, Some(with(&bad)), "tract and Python both give"),
            (&bad, None, "tract gives numbers that are not finite"),
        ] {
            let words = not_finite("tract", ours, theirs.as_ref()).unwrap();
            assert!(words.starts_with(expected), "{words}");
        }
    }
}
