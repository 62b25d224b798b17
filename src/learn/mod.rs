//! The learner: everything that changes with what it meets. Pure: no I/O, threads, clock, logging.

pub mod eigen;
pub mod head;
pub mod masked;
pub mod moments;
pub mod objective;
pub mod predictive;
pub mod whiten;
