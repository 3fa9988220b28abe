//! Bytes as a life of a session: each byte is something that happens, the next one says how.
//!
//! The driver in here carries out every order and checks that it could be carried out: no GET is
//! released that is not held, no candidate dropped that is not there, nothing follows the end. The property
//! test `fuzz.rs` and the fuzz target for session operations both come in through these two functions.

mod client;
mod server;

use sockeye_engine_proto::{CloseReason, Heartbeat, Message, Packet, PacketError};

/// Plays `life` to a server session, and checks every order.
pub(crate) fn server_survives(life: &[u8]) {
    let mut life = life.iter().copied();
    let mut driver = server::Driver::new(life.next().unwrap_or_default());
    while let Some(what) = life.next() {
        driver.happen(what, life.next().unwrap_or_default());
        driver.check();
    }
}

/// Plays `life` to a client session with this heartbeat, and checks every order.
pub(crate) fn client_survives<H: Heartbeat>(life: &[u8]) {
    let mut life = life.iter().copied();
    let mut driver = client::Driver::<H>::new(life.next().unwrap_or_default());
    while let Some(what) = life.next() {
        driver.happen(what, life.next().unwrap_or_default());
        driver.check();
    }
}

fn packet(how: u8) -> Result<Packet<'static>, PacketError> {
    Ok(match how % 16 {
        0 | 1 => Packet::Message(Message::Text("text")),
        2 => Packet::Message(Message::Binary(b"bytes")),
        3 | 4 => Packet::Pong(""),
        5 | 6 => Packet::Pong("probe"),
        7 | 8 => Packet::Ping("probe"),
        9 => Packet::Ping(""),
        10 => Packet::Open("nonsense"),
        11 | 12 => Packet::Upgrade,
        13 => Packet::Noop,
        14 => return Err(PacketError::UnknownType('7')),
        _ => Packet::Close,
    })
}

fn reason(how: u8) -> CloseReason {
    CloseReason::ALL[usize::from(how) % CloseReason::ALL.len()]
}
