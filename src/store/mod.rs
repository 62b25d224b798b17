//! What survives: checkpoints on disk.

pub mod checkpoint;
pub mod state_dir;
