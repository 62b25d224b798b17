//! The `habituate` program.

fn main() {}
