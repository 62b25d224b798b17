//! The configuration file: what people write (`…Toml`), and what the program may rely on
//! (`…Settings`). Knows no other layer; every other layer is handed its own settings.

pub mod beside;
pub mod board;
pub mod catalogue;
pub mod daemon;
pub mod learn;
pub mod manifest;
pub mod name;
pub mod problems;
mod reading;
pub mod runtime;
pub mod shaping;
pub mod source;
