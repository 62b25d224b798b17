//! Changes that leave what a moment means as it is: louder, noisier, another cut, other colours.
//!
//! Objectives that compare two views of a moment learn from them to look past such changes. What is
//! changed and by how much is drawn by whoever calls; each change by itself is exact and has no memory.

pub mod picture;
pub mod sound;
