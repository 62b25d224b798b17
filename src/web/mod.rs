//! What the daemon answers: today the status document on a Unix socket in the state directory.

pub mod socket;
