//! Things every layer may use: randomness, stopping, recovery, bytes of a state.

pub mod bytes;
pub mod recovery;
pub mod rng;
pub mod stop;
