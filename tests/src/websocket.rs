//! A raw WebSocket client (RFC 6455): it can also say what no client should.

use crate::http::{Response, Wire};

/// What came.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A control frame that asks.
    Ping(Vec<u8>),
    /// A control frame that answers.
    Pong(Vec<u8>),
    /// A close frame, with its code if it has one.
    Close(Option<u16>),
    /// The server has hung up.
    End,
}

/// An open WebSocket.
pub struct WebSocket {
    wire: Wire,
}

/// The key of every handshake here, from RFC 6455, and the answer it must get.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Lengths that say how long the length is that follows.
const TWO_BYTES: u8 = 0x7e;
const EIGHT_BYTES: u8 = 0x7f;

const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

impl WebSocket {
    /// Opens a WebSocket on this path.
    ///
    /// # Errors
    ///
    /// The server's answer if it is not `101`, read whole.
    ///
    /// # Panics
    ///
    /// If the answer is `101` without what belongs to it.
    pub fn open(port: u16, path: &str) -> Result<Self, Response> {
        Self::open_with(port, path, &[("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", KEY)])
    }

    /// As [`open`](Self::open), with these headers instead of the usual version and key.
    ///
    /// # Errors
    ///
    /// The server's answer if it is not `101`, read whole.
    ///
    /// # Panics
    ///
    /// If the answer is `101` without what belongs to it.
    pub fn open_with(port: u16, path: &str, headers: &[(&str, &str)]) -> Result<Self, Response> {
        let mut wire = Wire::open(port);
        let mut all = vec![("Connection", "Upgrade"), ("Upgrade", "websocket")];
        all.extend_from_slice(headers);
        wire.request("GET", path, &all, "");
        let response = wire.response();
        if response.status != 101 {
            return Err(response);
        }
        assert_eq!(response.header("sec-websocket-accept"), Some(ACCEPT));
        Ok(WebSocket { wire })
    }

    /// Sends a text message.
    pub fn text(&mut self, text: &str) {
        self.frame(0x81, text.as_bytes());
    }

    /// Sends a binary message.
    pub fn binary(&mut self, bytes: &[u8]) {
        self.frame(0x82, bytes);
    }

    /// Sends a frame with this first byte (final flag, reserved bits, opcode), masked.
    pub fn frame(&mut self, first: u8, payload: &[u8]) {
        let mut frame = head(first, 0x80, payload.len());
        frame.extend_from_slice(&MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.wire.send(frame);
    }

    /// The head of a masked frame that promises `length` bytes, and the mask.
    pub fn promise(&mut self, first: u8, length: usize) {
        let mut frame = head(first, 0x80, length);
        frame.extend_from_slice(&MASK);
        self.wire.send(frame);
    }

    /// Sends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.wire.send(bytes);
    }

    /// The next frame.
    ///
    /// # Panics
    ///
    /// If the server breaks the rules for its frames, or is silent.
    #[allow(clippy::should_implement_trait)] // frames do not end with a `None`
    pub fn next(&mut self) -> Frame {
        if self.wire.is_over() {
            return Frame::End;
        }
        let start = self.wire.exactly(2);
        assert_eq!(start[0] & 0xf0, 0x80, "a final frame without reserved bits");
        assert_eq!(start[1] & 0x80, 0, "servers do not mask");
        let length = match start[1] {
            TWO_BYTES => number(&self.wire.exactly(2)),
            EIGHT_BYTES => number(&self.wire.exactly(8)),
            length => usize::from(length),
        };
        let payload = self.wire.exactly(length);
        match start[0] & 0x0f {
            1 => Frame::Text(String::from_utf8(payload).expect("text is UTF-8")),
            2 => Frame::Binary(payload),
            8 => Frame::Close(payload.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]]))),
            9 => Frame::Ping(payload),
            10 => Frame::Pong(payload),
            opcode => panic!("no such opcode: {opcode}"),
        }
    }

    /// Reads on until the server closes, and returns the code of its close frame.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn closed(&mut self) -> Option<u16> {
        let mut code = None;
        loop {
            match self.next() {
                Frame::Close(with) => {
                    code = with;
                    self.frame(0x88, &[]);
                }
                Frame::End => return code,
                _ => {}
            }
        }
    }

    /// Hangs up without a word.
    pub fn hang_up(self) {
        self.wire.hang_up();
    }
}

fn head(first: u8, mask: u8, length: usize) -> Vec<u8> {
    let mut head = vec![first];
    if let Ok(length) = u8::try_from(length)
        && length < TWO_BYTES
    {
        head.push(mask | length);
    } else if let Ok(length) = u16::try_from(length) {
        head.push(mask | TWO_BYTES);
        head.extend_from_slice(&length.to_be_bytes());
    } else {
        head.push(mask | EIGHT_BYTES);
        head.extend_from_slice(&(length as u64).to_be_bytes());
    }
    head
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}
