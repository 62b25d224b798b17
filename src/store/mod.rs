//! What survives: checkpoints on disk.
