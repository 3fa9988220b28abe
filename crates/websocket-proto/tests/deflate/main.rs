//! permessage-deflate, from outside.

#[path = "../common/mod.rs"]
mod common;
mod memory;
mod negotiate;
mod receive;
