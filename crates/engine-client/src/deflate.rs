//! Messages on a WebSocket that are made smaller before they leave (RFC 7692).

use std::cell::Cell;

use engine_proto::MESSAGE;
use websocket_proto::Opcode;
use websocket_proto::deflate::{Agreement, Deflater, Offer};

use crate::EngineError;
use crate::queue::Outgoing;

/// Compression of messages on a WebSocket (permessage-deflate, RFC 7692).
///
/// We compress each message by itself, so a connection has no compressor of its own: a thread has one for all.
///
/// ```
/// use sockeye_engine_client::{Config, PerMessageDeflate, Target};
///
/// let (target, _) = Target::parse("wss://example.com").unwrap();
/// let mut config = Config::new(target);
/// config.deflate = Some(PerMessageDeflate::default().threshold(512));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerMessageDeflate {
    threshold: usize,
    level: u32,
    server_context_takeover: bool,
}

impl Default for PerMessageDeflate {
    fn default() -> Self {
        PerMessageDeflate { threshold: 1024, level: 1, server_context_takeover: false }
    }
}

impl PerMessageDeflate {
    /// Messages of so many bytes and more are compressed, each attachment for itself; what does not become smaller is
    /// sent as it is. Default 1024.
    ///
    /// ```
    /// let deflate = sockeye_engine_client::PerMessageDeflate::default().threshold(4096);
    /// ```
    #[must_use]
    pub fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// How hard to try: 1 is the fastest, 9 the smallest; others count as the nearest of these. Default 1.
    ///
    /// ```
    /// let deflate = sockeye_engine_client::PerMessageDeflate::default().level(6);
    /// ```
    #[must_use]
    pub fn level(mut self, level: u32) -> Self {
        self.level = level;
        self
    }

    /// Whether the server may refer to its earlier messages: its messages become smaller, and the connection 48 KiB
    /// larger. Default: no.
    ///
    /// ```
    /// let deflate = sockeye_engine_client::PerMessageDeflate::default().server_context_takeover(false);
    /// ```
    #[must_use]
    pub fn server_context_takeover(mut self, taken_over: bool) -> Self {
        self.server_context_takeover = taken_over;
        self
    }

    /// What the server is offered. It cannot ask for a smaller window of ours: the compressor is not this connection's.
    pub(crate) fn offer(&self) -> Offer {
        Offer {
            server_no_context_takeover: !self.server_context_takeover,
            client_no_context_takeover: true,
            server_max_window_bits: None,
            client_max_window_bits: false,
        }
    }

    /// What the server has agreed to.
    pub(crate) fn agreed(&self, answer: Option<&str>) -> Result<Option<Agreement>, EngineError> {
        let wrong =
            |error| EngineError::protocol(format!("the handshake of the WebSocket: {error}"));
        self.offer().verify(answer).map_err(wrong)
    }

    /// Whether it is worth trying.
    pub(crate) fn wants(&self, message: &Outgoing) -> bool {
        let (Outgoing::Text { compress, .. } | Outgoing::Binary { compress, .. }) = message;
        *compress && message.len() >= self.threshold
    }

    /// The frame of a compressed message, if it has become smaller.
    pub(crate) fn frame(&self, message: &mut Outgoing, key: [u8; 4]) -> Option<Vec<u8>> {
        let (opcode, payload) = match message {
            Outgoing::Text { buffer, start, .. } => {
                buffer[*start - 1] = MESSAGE;
                (Opcode::Text, &buffer[*start - 1..])
            }
            Outgoing::Binary { bytes, .. } => (Opcode::Binary, &bytes[..]),
        };
        let level = self.level.clamp(1, 9);
        let mut deflater = match DEFLATER.take() {
            Some((its, deflater)) if its == level => deflater,
            _ => Deflater::alone(level),
        };
        let mut frame = Vec::new();
        deflater.push_message(&mut frame, opcode, Some(key), payload);
        DEFLATER.set(Some((level, deflater)));
        (frame.len() < payload.len()).then_some(frame)
    }
}

thread_local! {
    /// Weighs a quarter of a megabyte, so each thread has one for all that it sends, of this level.
    static DEFLATER: Cell<Option<(u32, Deflater)>> = const { Cell::new(None) };
}
