//! What the daemon answers on a Unix socket in its state directory: HTTP with JSON, and metrics.

pub mod api;
pub mod learnt;
mod place;
pub mod routes;
pub mod socket;
