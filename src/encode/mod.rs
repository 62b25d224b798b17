//! The frozen encoder: what it is (manifest), what it eats (front ends), what it gives (latents).

pub mod density;
pub mod latent;
