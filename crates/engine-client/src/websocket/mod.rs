//! The bytes of a WebSocket. An idle one owns no buffer: reads go into one of the thread, and what is written is made where
//! it lies, or in another one of the thread.

mod read;
mod write;

use websocket_proto::{Limits, Receiver, Role};

use crate::http::Upgraded;
use crate::{Config, EngineError, PerMessageDeflate, Revision, Stream};
pub(crate) use read::{Listener, Lost};
use write::Out;

/// An open WebSocket.
pub(crate) struct WebSocket {
    stream: Stream,
    receiver: Receiver,
    /// What came together with the answer to the handshake.
    early: Vec<u8>,
    out: Out,
    /// How messages are compressed, if the server has agreed.
    deflate: Option<PerMessageDeflate>,
    revision: Revision,
}

impl WebSocket {
    /// On a stream whose handshake is done.
    ///
    /// # Errors
    ///
    /// If the server agrees to what it was not offered.
    pub(crate) fn new(upgraded: Upgraded, config: &Config) -> Result<Self, EngineError> {
        let Upgraded { stream, leftover: early, extensions } = upgraded;
        let agreed = match &config.deflate {
            Some(deflate) => deflate.agreed(extensions.as_deref())?,
            None => None,
        };
        let most = config.max_payload;
        let limits = Limits { frame: most, message: most, ..Limits::default() };
        let receiver = Receiver::new(Role::Client, limits);
        let receiver = match agreed {
            Some(agreed) => receiver.inflating(agreed.inflater(Role::Client)),
            None => receiver,
        };
        let deflate = agreed.and(config.deflate);
        Ok(WebSocket {
            stream,
            receiver,
            early,
            out: Out::default(),
            deflate,
            revision: config.revision,
        })
    }
}

/// A key that cannot be foreseen (RFC 6455, 10.3).
fn key() -> [u8; 4] {
    rand::random()
}
