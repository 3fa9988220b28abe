//! Parsers: how packets are written on the wire. Inside the house a packet is what the default parser makes of it, a
//! text with attachments; another parser translates at the door, both ways.

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use socket_proto::{ProtocolError, msgpack};

/// One message of Engine.IO.
///
/// ```
/// use sockeye_handler::WireMessage;
///
/// let message = WireMessage::Text("2[\"hello\"]".into());
/// assert!(matches!(message, WireMessage::Text(_)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireMessage<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// Bytes.
    Binary(Cow<'a, [u8]>),
}

/// A packet as the default parser writes it, such as `2/admin,12["event",1]`, and its attachments.
///
/// ```
/// let packet: sockeye_handler::ParsedPacket = (r#"2["hello"]"#.to_owned(), Vec::new());
/// ```
pub type ParsedPacket = (String, Vec<Bytes>);

/// Why a message is no packet.
///
/// ```
/// let error: sockeye_handler::ParserError = "a packet is a text".into();
/// ```
pub type ParserError = Box<dyn std::error::Error + Send + Sync>;

/// Another way to write packets than the default one: to be given to
/// `Builder::parser`. Clients have to be given the same one (the option `parser` of the
/// JavaScript client); a client with another one is disconnected.
///
/// A parser translates between its own messages, one for each packet, and packets as
/// [the protocol](https://socket.io/docs/v4/socket-io-protocol/#packet-encoding) writes them as texts.
///
/// ```
/// use sockeye::{Bytes, Io, ParsedPacket, Parser, ParserError, WireMessage};
///
/// /// As the default one, but upside down, and without attachments.
/// struct Reversed;
///
/// fn reversed(text: &str) -> String {
///     text.chars().rev().collect()
/// }
///
/// impl Parser for Reversed {
///     fn encode(&self, packet: &str, _: &[Bytes]) -> WireMessage<'static> {
///         WireMessage::Text(reversed(packet).into())
///     }
///
///     fn decode(&self, message: WireMessage<'_>, _: usize) -> Result<ParsedPacket, ParserError> {
///         match message {
///             WireMessage::Text(text) => Ok((reversed(&text), Vec::new())),
///             WireMessage::Binary(_) => Err("a packet is a text".into()),
///         }
///     }
/// }
///
/// let io = Io::builder().parser(Reversed).build()?;
/// # Ok::<(), sockeye::BuildError>(())
/// ```
pub trait Parser: Send + Sync + 'static {
    /// What goes out for a packet. Called once for each, however many clients it is for.
    fn encode(&self, packet: &str, attachments: &[Bytes]) -> WireMessage<'static>;

    /// The packet that has come, with at most `attachments` of them. What it says is checked like any other.
    ///
    /// # Errors
    ///
    /// If it is no packet: its client is disconnected.
    fn decode(
        &self,
        message: WireMessage<'_>,
        attachments: usize,
    ) -> Result<ParsedPacket, ParserError>;
}

/// The parser of npm `socket.io-msgpack-parser`: smaller where there are many numbers or bytes.
///
/// Dates arrive as their ISO texts, `undefined` as nothing, as they do with the default parser.
///
/// ```
/// let io = sockeye::Io::builder().parser(sockeye::Msgpack).build()?;
/// # Ok::<(), sockeye::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Msgpack;

impl Parser for Msgpack {
    fn encode(&self, packet: &str, attachments: &[Bytes]) -> WireMessage<'static> {
        WireMessage::Binary(msgpack::encode(packet, attachments).into())
    }

    fn decode(
        &self,
        message: WireMessage<'_>,
        attachments: usize,
    ) -> Result<ParsedPacket, ParserError> {
        match message {
            WireMessage::Binary(data) => Ok(msgpack::decode(&data, attachments)?),
            WireMessage::Text(_) => Err(Box::new(ProtocolError::MessagePack { what: "a text" })),
        }
    }
}

/// The parser of a server or a client: the default one, unless another was given.
#[derive(Clone, Default)]
pub struct Door(Option<Arc<dyn Parser>>);

impl Door {
    /// Another parser than the default one.
    pub fn of(parser: impl Parser) -> Self {
        Door(Some(Arc::new(parser)))
    }

    /// Whether messages are packets as they come.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.0.is_none()
    }

    /// What goes out for a packet; `None` where that is the packet itself.
    #[inline]
    pub fn encode(&self, packet: &str, attachments: &[Bytes]) -> Option<WireMessage<'static>> {
        self.0.as_ref().map(|parser| parser.encode(packet, attachments))
    }

    /// What has come, as the default parser would have written it. A parser that panics takes it for no packet.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn unpack(
        &self,
        message: engine_proto::Message<'_>,
        attachments: usize,
    ) -> Result<ParsedPacket, ParserError> {
        let message = match message {
            engine_proto::Message::Text(text) => WireMessage::Text(text.into()),
            engine_proto::Message::Binary(data) => WireMessage::Binary(data.into()),
        };
        let Some(parser) = &self.0 else {
            return Err("the default parser translates nothing".into());
        };
        let decode = AssertUnwindSafe(|| parser.decode(message, attachments));
        catch_unwind(decode).unwrap_or_else(|_| Err("the parser panicked".into()))
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_open() { "the default parser" } else { "a parser of its own" })
    }
}
