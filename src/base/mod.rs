//! Things every layer may use: time, randomness, what a disk says, stopping, recovery, bytes of a state, hashes,
//! numbers of things and lengths of time in words, striking out secrets.

pub mod bytes;
pub mod causes;
pub mod clock;
pub mod counted;
pub mod disk;
pub mod duration;
pub mod hex;
pub mod machine;
pub mod modality;
pub mod recovery;
pub mod rng;
pub mod secrets;
pub mod stop;
