//! From samples and pixels to what an encoder eats. Pure: no I/O, threads, clock or logging.

pub mod augment;
pub mod image;
pub mod logmel;
pub mod resample;
