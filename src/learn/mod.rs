//! The learner: everything that changes with what it meets. Pure: no I/O, threads, clock, logging.
//!
//! [`learner`] ties the parts together; each of them is small and has its own tests. Frozen parts
//! remember embeddings ([`memory`], [`density`]); trained parts learn without labels, and guess tokens
//! ([`model`], [`objectives`], [`surprise`]); [`novelty`] judges both, [`gate`] and [`guard`] keep learning
//! from doing harm, [`watch`] keeps to the alarm budget and tells what changes.

pub mod alarm;
pub mod association;
pub mod classes;
pub mod codec;
pub mod contract;
pub mod density;
pub mod drift;
pub mod eigen;
pub mod gate;
pub mod guard;
pub mod habituation;
pub mod history;
pub mod joined;
pub mod learner;
pub mod mahalanobis;
pub mod memory;
pub mod model;
pub mod moments;
pub mod novelty;
pub mod objectives;
pub mod optimiser;
pub mod search;
pub mod sketch;
pub mod surprise;
pub mod tail;
pub mod watch;
pub mod whiten;
