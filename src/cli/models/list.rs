//! `habituate models list`.

use std::fs;
use std::path::PathBuf;

use crate::cli::encoders;
use crate::cli::exit::Failure;
use crate::config::manifest::Manifest;
use crate::encode;
use crate::encode::Encoder;
use crate::encode::bundled;
use crate::encode::error::EncodeError;
use crate::encode::folder;
use crate::encode::latent::LatentShape;

/// What is told of one.
struct Line {
    manifest: Manifest,
    shape: Option<LatentShape>,
    used: String,
}

pub(super) fn main(manifests: &[PathBuf]) -> Result<(), Failure> {
    let mut lines = Vec::new();
    let line = |encoder: &dyn Encoder, used: &str| Line {
        manifest: encoder.manifest().clone(),
        shape: Some(encoder.shape()),
        used: used.into(),
    };
    for bundled in bundled::all() {
        let encoder = encode::open(bundled.name, None)?;
        let default = encoders::default_name(encoder.manifest().modality()) == bundled.name;
        lines.push(line(encoder.as_ref(), if default { "default" } else { "bundled" }));
    }
    for name in folder::names() {
        match encode::open(&name, None) {
            Ok(encoder) => lines.push(line(encoder.as_ref(), "added")),
            Err(error) => match for_another_runtime(&name, &error) {
                Some(line) => lines.push(line),
                // One broken encoder must not hide the others.
                None => eprintln!("warning: {name}: {:#}", anyhow::Error::new(error)),
            },
        }
    }
    for path in manifests {
        let encoder = encode::open(&path.display().to_string(), None)?;
        lines.push(line(encoder.as_ref(), "--encoder this manifest"));
    }
    print(&lines);
    Ok(())
}

/// What its manifest says, where only the built-in runtime cannot run it.
fn for_another_runtime(name: &str, error: &EncodeError) -> Option<Line> {
    let EncodeError::Operators { operators, .. } = error else { return None };
    let text = fs::read_to_string(folder::path_of(name)).ok()?;
    let manifest = Manifest::parse(&text).ok()?;
    let used = format!("added, for --runtime onnxruntime (tract lacks {})", operators.join(", "));
    Some(Line { manifest, shape: None, used })
}

fn print(lines: &[Line]) {
    let widest = lines.iter().map(|line| line.manifest.name.chars().count()).max().unwrap_or(0);
    let row = |name: &str, sense: &str, tokens: &str, embedding: &str, used: &str| {
        println!("{name:<widest$}  {sense:<8} {tokens:<11} {embedding:<10} {used}");
    };
    row("name", "for", "tokens", "embedding", "use");
    for Line { manifest, shape, used } in lines {
        let tokens = shape.map(|shape| format!("{} of {}", shape.layout.len(), shape.token_dim));
        let embedding = shape.map(|shape| shape.embedding_dim.to_string());
        row(
            &manifest.name,
            manifest.modality().name(),
            tokens.as_deref().unwrap_or("-"),
            embedding.as_deref().unwrap_or("-"),
            &format!("{used}; {}", manifest.license),
        );
    }
}
