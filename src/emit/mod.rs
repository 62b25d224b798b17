//! What leaves the program: scores, events, reports, embeddings, plots, metrics, health.

pub mod chart;
pub mod events;
pub mod findings;
pub mod health;
pub mod metrics;
pub mod npy;
pub mod plot;
pub mod report;
pub mod scores;
pub mod status;
pub mod table;
