//! What the benchmarks in `benches/instructions` are given: made here, outside of what is counted.
//!
//! The counts that are expected stand in `recorded.txt`; `cargo xtask instructions` compares.
//!
//! An input is the same in every run, and each case is long enough for what may differ: the seeds of
//! hash tables, which move a lookup by a few instructions.

#![forbid(unsafe_code)]

pub mod audience;
pub mod events;
pub mod frames;
pub mod session;
