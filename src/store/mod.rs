//! What survives: checkpoints on disk.

pub mod checkpoint;
pub mod error;
mod files;
pub mod spent;
pub mod state_dir;
