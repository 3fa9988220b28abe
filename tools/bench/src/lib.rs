//! The bench: how much of a processor one message costs in a server.
//!
//! | file         | what                                                                         |
//! |--------------|------------------------------------------------------------------------------|
//! | `rounds`     | every scenario against every server, interleaved                              |
//! | `delivery`   | what it costs that no event is missed                                        |
//! | `growth`     | the same cost for more and more of something: curves and their pictures      |
//! | `scenario`   | what is asked, and how answers are judged                                    |
//! | `client`     | thousands of connections on one thread                                       |
//! | `clients`    | the same made by `sockeye-client`: what a message costs whoever uses it      |
//! | `floor`      | the server that makes only the needed system calls                           |
//! | `peers`      | the servers side by side, and how they are built                             |
//! | `process`    | starting them on their core, processor time, memory, system calls            |
//! | `report`     | the tables                                                                   |
//! | `frame`, `http`, `link`, `outbox`, `poller` | what client and floor share                   |
//! | `histogram`, `statistics`                   | figures                                       |
//!
//! The first figure is the server's processor time per unit: wall-clock rates follow from it, and it holds still on a noisy
//! machine. Figures are compared inside one run only. The load stays on 127.0.0.1, is bounded in count and time, and ends
//! with this process.
//!
//! What a feature costs is told by switches: a switch ([`peers::Switch`]) is our contract server once more with the feature
//! on, and one more column.

#![forbid(unsafe_code)]

pub mod client;
pub mod clients;
pub mod delivery;
pub mod floor;
pub mod frame;
pub mod growth;
pub mod histogram;
pub mod http;
pub mod link;
pub mod outbox;
pub mod peers;
pub mod poller;
pub mod process;
pub mod report;
pub mod rounds;
pub mod scenario;
pub mod statistics;
