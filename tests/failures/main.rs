//! What goes wrong with learners that run for weeks, each as a test on a made-up place: small numbers,
//! one window a minute, so that a fortnight is over in seconds. Numbers in the docs are those of the
//! list of failures in `design/learning.md`; failures of single parts are tested beside them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alarms;
mod change;
mod scene;
mod sections;
mod sensor;
mod sight;
mod strangers;
