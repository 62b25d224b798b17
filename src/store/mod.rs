//! What survives: checkpoints on disk.

pub mod checkpoint;
pub mod error;
pub mod state_dir;
