//! `habituate models list`.

use std::path::PathBuf;

use crate::cli::encoders;
use crate::cli::exit::Failure;
use crate::config::manifest::Manifest;
use crate::encode;
use crate::encode::bundled;
use crate::encode::folder;
use crate::encode::latent::LatentShape;

pub(super) fn main(manifests: &[PathBuf]) -> Result<(), Failure> {
    println!("{:<20} {:<8} {:<26} {:<18} use", "name", "for", "tokens", "embedding");
    for bundled in bundled::all() {
        let encoder = encode::open(bundled.name, None)?;
        let default = encoders::default_name(encoder.manifest().modality()) == bundled.name;
        print(encoder.manifest(), encoder.shape(), if default { "default" } else { "bundled" });
    }
    for name in folder::names() {
        match encode::open(&name, None) {
            Ok(encoder) => print(encoder.manifest(), encoder.shape(), "added"),
            // One broken encoder must not hide the others.
            Err(error) => eprintln!("warning: {name}: {:#}", anyhow::Error::new(error)),
        }
    }
    for path in manifests {
        let encoder = encode::open(&path.display().to_string(), None)?;
        print(encoder.manifest(), encoder.shape(), "--encoder this manifest");
    }
    Ok(())
}

fn print(manifest: &Manifest, shape: LatentShape, used: &str) {
    let modality = manifest.modality().name();
    println!(
        "{:<20} {modality:<8} {:<26} {:<18} {used}; {}",
        manifest.name,
        format!("{} of {}", shape.layout.len(), shape.token_dim),
        shape.embedding_dim,
        manifest.license,
    );
}
