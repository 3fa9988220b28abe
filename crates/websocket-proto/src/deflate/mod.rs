//! permessage-deflate (RFC 7692): messages that travel compressed, for both sides of a connection.
//!
//! | RFC 7692 says                       | here                                        |
//! |-------------------------------------|---------------------------------------------|
//! | 5, 7.1 Negotiation                  | [`accept`], [`Offer`], [`Agreement`]        |
//! | 6 The bit RSV1                      | [`mark`], and `frame` where it comes in     |
//! | 7.2.1 Compression                   | [`Deflater`]                                |
//! | 7.2.2 Decompression                 | [`Inflater`]                                |
//! | (how many contexts may be kept)     | [`Contexts`]                                |
//!
//! A server compresses each message by itself: only so one compressed frame can serve everybody it is for.
//! Hence [`accept`] always answers `server_no_context_takeover`, and takes no offer that wants a smaller
//! window of the server than another client would.
//!
//! ```
//! use sockeye_websocket_proto::deflate::{self, Offer};
//! use sockeye_websocket_proto::{Event, Limits, Opcode, Receiver, Role};
//!
//! let offer = Offer::default();
//! let agreed = deflate::accept(&offer.to_string()).unwrap();
//! assert_eq!(offer.verify(Some(&agreed.to_string())), Ok(Some(agreed)));
//!
//! // The server compresses, …
//! let mut wire = Vec::new();
//! let mut deflater = agreed.deflater(Role::Server, 1).unwrap();
//! deflater.push_message(&mut wire, Opcode::Text, None, b"hello hello hello");
//!
//! // … and the client reads.
//! let inflater = agreed.inflater(Role::Client);
//! let mut client = Receiver::new(Role::Client, Limits::default()).inflating(inflater);
//! assert_eq!(client.receive(&mut wire).next(), Ok(Some(Event::Text("hello hello hello"))));
//! ```

mod compress;
mod contexts;
mod inflate;
mod negotiate;

pub use compress::Deflater;
pub use contexts::{CONTEXT, Context, Contexts};
pub use inflate::Inflater;
pub use negotiate::{Agreement, Offer, accept};

use crate::Role;
use crate::frame::RSV1;

/// Marks a finished frame as the first of a compressed message (6): a text or binary frame, not a
/// continuation.
///
/// # Panics
///
/// If there is no frame.
pub fn mark(frame: &mut [u8]) {
    frame[0] |= RSV1;
}

impl Agreement {
    /// What `role` reads the other side's messages with.
    pub fn inflater(&self, role: Role) -> Inflater {
        Inflater::new(!match role {
            Role::Server => self.client_no_context_takeover,
            Role::Client => self.server_no_context_takeover,
        })
    }

    /// What `role` compresses its messages with; `level` is 1, the fastest, to 9, the smallest.
    ///
    /// `None` where the other side wants a window of 256 bytes: there is no compressor for it, and an
    /// uncompressed message is always right.
    ///
    /// # Panics
    ///
    /// If the level is none.
    pub fn deflater(&self, role: Role, level: u32) -> Option<Deflater> {
        let (bits, alone) = match role {
            Role::Server => (self.server_max_window_bits, self.server_no_context_takeover),
            Role::Client => (self.client_max_window_bits, self.client_no_context_takeover),
        };
        let bits = bits.unwrap_or(LARGEST);
        (bits > SMALLEST).then(|| Deflater::new(level, bits, !alone))
    }
}

/// What the window's size may be: so many bits (7.1.2).
const SMALLEST: u8 = 8;
const LARGEST: u8 = 15;

/// What a compressed message ends with before it is cut off, and has to be added again (7.2.1, 7.2.2).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
