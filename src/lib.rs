//! `habituate` listens and watches, learns by itself what is normal in its place, and says how
//! unusual each moment is.
//!
//! The module order is the reading order, and also the dependency order: a module may use modules
//! above it, never its neighbours on the same line of `design/architecture.md` nor those below.
//! `tests/layers.rs` holds us to that.

#![cfg_attr(test, allow(clippy::float_cmp, reason = "tests compare exactly made numbers"))]

pub mod base;

pub mod config;

pub mod nn;
pub mod signal;

pub mod encode;

pub mod learn;

pub mod store;

pub mod capture;
pub mod emit;

pub mod pipeline;

pub mod web;

pub mod cli;
