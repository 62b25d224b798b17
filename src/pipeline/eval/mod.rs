//! Measured on a user's own recordings: is learning worth it here, by how much, and how sure is
//! that?
//!
//! Every recording is encoded once ([`stream`]); then frozen baselines ([`frozen`]), controls and
//! learners ([`rows`], [`live`]) go through the same windows, with several seeds. Differences come
//! with intervals of paired draws ([`statistics`]), and rows that lose are told like those that
//! win.

pub mod audit;
pub mod disturb;
pub mod episodes;
pub mod fewshot;
pub mod forgetting;
pub mod frozen;
pub mod fusion;
pub mod live;
pub mod novelty;
pub mod paired;
mod pooled;
pub mod robustness;
pub mod rows;
pub mod statistics;
pub mod stream;
pub mod transfer;
pub mod truth;
