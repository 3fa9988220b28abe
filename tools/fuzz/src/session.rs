//! Any life of an Engine.IO session, on both sides.

mod client;
mod server;

use std::time::Duration;

use engine_proto::{Answering, Beating, CloseReason, Message, Packet, PacketError};

use crate::input::Input;

/// Lives the life of a session that the bytes describe: what happens, in which order, and when. Panics if
/// an order breaks what its documentation says, or if the session does not end when its peer falls silent.
///
/// The same bytes are the life of an old client's session as well, and of ours with an old server.
///
/// The first byte chooses the side; then each byte is an event, some with another one as their detail.
pub fn session(bytes: &[u8]) {
    crate::v3::session(&mut Input(bytes));
    let mut input = Input(bytes);
    if input.flag() {
        let life = input.rest();
        client::live::<Answering>(&mut Input(life));
        client::live::<Beating>(&mut Input(life));
    } else {
        server::live(&mut input);
    }
}

/// A packet, or what was none, by number.
pub(crate) fn packet(number: u8) -> Result<Packet<'static>, PacketError> {
    match number % 14 {
        0 => Ok(Packet::Message(Message::Text("hello"))),
        1 => Ok(Packet::Message(Message::Binary(&[1, 2, 3]))),
        2 => Ok(Packet::Pong("")),
        3 => Ok(Packet::Pong("probe")),
        4 => Ok(Packet::Ping("")),
        5 => Ok(Packet::Ping("probe")),
        6 => Ok(Packet::Upgrade),
        7 => Ok(Packet::Noop),
        8 => Ok(Packet::Close),
        9 => Ok(Packet::Open(OPEN[0])),
        10 => Ok(Packet::Open(OPEN[1])),
        11 => Ok(Packet::Open(OPEN[2])),
        12 => Err(PacketError::Empty),
        _ => Err(PacketError::NotUtf8),
    }
}

fn reason(number: u8) -> CloseReason {
    [CloseReason::TransportError, CloseReason::TransportClose, CloseReason::ForcedClose]
        [usize::from(number) % 3]
}

/// How much time passes: from nothing to beyond every deadline.
pub(crate) fn span(number: u8) -> Duration {
    Duration::from_millis(u64::from(number) * u64::from(number) * 3)
}

/// Open packets: with an upgrade, without, and one that no server should send.
const OPEN: [&str; 3] = [
    r#"{"sid":"a","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}"#,
    r#"{"sid":"a","upgrades":[],"pingInterval":0,"pingTimeout":0,"maxPayload":1}"#,
    r#"{"sid":"a","upgrades":["websocket"],"pingInterval":18446744073709551615,"pingTimeout":18446744073709551615}"#,
];
