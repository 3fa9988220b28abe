//! Servers as processes, seen from outside.
//!
//! | file       | what                                                       |
//! |------------|-------------------------------------------------------------|
//! | `affinity` | which core a process runs on                                |
//! | `limits`   | how many files may be open                                  |
//! | `server`   | starting a server, waiting until it is ready, ending it     |
//! | `observer` | processor time and memory, from `/proc`                     |
//! | `calls`    | system calls, from `perf stat`                              |
//! | `machine`  | what this machine is                                        |

pub mod affinity;
pub mod calls;
pub mod limits;
pub mod machine;
pub mod observer;
pub mod server;
