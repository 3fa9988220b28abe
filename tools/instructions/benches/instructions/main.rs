//! Counts the instructions of what happens to every byte; `cargo xtask instructions` runs it.
//!
//! A benchmark is handed its input ready-made and returns what it used, so that neither making nor
//! dropping it is counted.

#![allow(missing_docs, reason = "what is missing is made by macros")]

mod audience;
mod events;
mod frames;
mod session;

use audience::rooms;
use events::socket;
use frames::websocket;
use gungraun::{Callgrind, LibraryBenchmarkConfig, main};
use session::engine;

/// Keeps the C library from choosing its routines by the processor: those for SSE2 run everywhere.
/// The names are those of glibc 2.33 and later.
const ROUTINES: &str =
    "glibc.cpu.hwcaps=-AVX_Fast_Unaligned_Load,-AVX,-AVX2,-ERMS,-FSRM,-SSSE3,-SSE4_1,-SSE4_2,-BMI2";

main!(
    config = LibraryBenchmarkConfig::default()
        .env("GLIBC_TUNABLES", ROUTINES)
        .tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = [websocket, engine, socket, rooms]
);
