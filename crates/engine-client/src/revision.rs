//! What differs between the revisions of Engine.IO, but for the heartbeat, which is the machine's.

use bytes::Bytes;
use engine_proto::{Packet, PacketError, payload};
#[cfg(feature = "eio3")]
use engine_proto::{payload::Content, v3};

/// A revision of Engine.IO.
///
/// ```
/// use sockeye_engine_client::{Config, Revision, Target};
///
/// let (target, _) = Target::parse("http://localhost:3000").unwrap();
/// assert_eq!(Config::new(target).revision, Revision::Four);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revision {
    /// The one of today: Socket.IO 3 and later.
    #[default]
    Four,
    /// Servers of Socket.IO 1 and 2.
    #[cfg(feature = "eio3")]
    Three,
}

impl Revision {
    /// Its number, as the query has it.
    pub(crate) fn number(self) -> &'static str {
        match self {
            Revision::Four => engine_proto::handshake::REVISION,
            #[cfg(feature = "eio3")]
            Revision::Three => v3::REVISION,
        }
    }

    /// A binary message as a WebSocket carries it.
    #[inline]
    pub(crate) fn typed(self, bytes: Bytes) -> Bytes {
        match self {
            Revision::Four => bytes,
            #[cfg(feature = "eio3")]
            Revision::Three => [&[v3::MESSAGE], &bytes[..]].concat().into(),
        }
    }

    /// What the server owes us while it has nothing to say.
    pub(crate) fn sign_of_life(self) -> &'static str {
        match self {
            Revision::Four => "the server's next ping",
            #[cfg(feature = "eio3")]
            Revision::Three => "the server's answer to a ping",
        }
    }

    /// What came where an open packet was expected. A server that speaks another revision does not say so, but its
    /// payloads begin with a length.
    pub(crate) fn not_opened(self, what: PacketError) -> String {
        match (self, what) {
            (Revision::Four, PacketError::UnknownType('7'..='9')) => format!(
                "{what}; so begins what a server of Socket.IO 2 says, which has to be asked in revision 3 (feature `eio3`)"
            ),
            _ => what.to_string(),
        }
    }

    /// A text message of a WebSocket.
    #[inline]
    pub(crate) fn text<'p>(
        self,
        text: &'p str,
        base64: &'p mut Vec<u8>,
    ) -> Result<Packet<'p>, PacketError> {
        match self {
            Revision::Four => Packet::parse(text, base64),
            #[cfg(feature = "eio3")]
            Revision::Three => v3::parse(text, base64),
        }
    }

    /// A binary message of a WebSocket.
    #[inline]
    #[cfg_attr(
        not(feature = "eio3"),
        expect(clippy::unnecessary_wraps, reason = "in revision 3 it may be none")
    )]
    pub(crate) fn binary(self, data: &[u8]) -> Result<Packet<'_>, PacketError> {
        match self {
            Revision::Four => Ok(Packet::Message(engine_proto::Message::Binary(data))),
            #[cfg(feature = "eio3")]
            Revision::Three => v3::parse_binary(data),
        }
    }

    /// What the answer to a GET has, or what is left of it.
    pub(crate) fn packets(self, body: &[u8]) -> Packets<'_> {
        match self {
            Revision::Four => Packets::Four(payload::decode(body)),
            #[cfg(feature = "eio3")]
            Revision::Three => Packets::Three(v3::payload::decode(content(body), body)),
        }
    }
}

/// Which of the two kinds of payload this is: a text begins with a digit, bytes with a byte of 0 or 1.
#[cfg(feature = "eio3")]
fn content(body: &[u8]) -> Content {
    match body {
        [0 | 1, ..] => Content::Binary,
        _ => Content::Text,
    }
}

/// The packets of one payload.
pub(crate) enum Packets<'a> {
    Four(payload::Packets<'a>),
    #[cfg(feature = "eio3")]
    Three(v3::payload::Packets<'a>),
}

impl<'a> Packets<'a> {
    /// The next packet; nothing comes after an error.
    pub(crate) fn next(&mut self) -> Option<Result<Packet<'_>, PacketError>> {
        match self {
            Packets::Four(packets) => packets.next(),
            #[cfg(feature = "eio3")]
            Packets::Three(packets) => packets.next(),
        }
    }

    /// What is still to be read.
    pub(crate) fn rest(&self) -> Option<&'a [u8]> {
        match self {
            Packets::Four(packets) => packets.rest(),
            #[cfg(feature = "eio3")]
            Packets::Three(packets) => packets.rest(),
        }
    }
}
