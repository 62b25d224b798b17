//! Threads, bounded queues and wiring: from a source to scores, checkpoints and events.

pub mod beside;
pub mod compare;
pub mod control;
pub mod daemon;
pub mod eval;
pub mod lateness;
pub mod limits;
pub mod lived;
pub mod losses;
pub mod naming;
pub mod open;
pub mod pace;
pub mod replay;
pub mod resume;
pub mod sample;
pub mod speed;
pub mod stages;
pub mod statuses;
pub mod timeline;
pub mod together;
pub mod track;
pub mod usage;
pub mod usefulness;
pub mod watchdog;
pub mod window;
