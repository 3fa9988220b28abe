//! The rules a peer can break, and the close code that tells it so.

use std::fmt;

use crate::Opcode;

/// The peer broke the protocol, or asked for more than the [`Limits`](crate::Limits) allow.
///
/// It is always the peer's doing. The connection cannot go on: send a close frame with
/// [`close_code`](Error::close_code) and end it (RFC 6455, 7.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A reserved bit is set that means nothing here (5.2): no extension was negotiated, or it is none of the first
    /// frame of a message (RFC 7692, 6). Holds the frame's first byte.
    ReservedBits(u8),
    /// An opcode that RFC 6455 leaves undefined (5.2): 3 to 7, 11 to 15.
    UnknownOpcode(u8),
    /// A control frame without the FIN bit (5.5).
    FragmentedControl(Opcode),
    /// A control frame whose payload is longer than 125 bytes (5.5).
    LongControl(Opcode),
    /// A continuation frame although no message is unfinished (5.4).
    UnexpectedContinuation,
    /// A new message although the one before it is unfinished (5.4). Holds the new frame's opcode.
    ExpectedContinuation(Opcode),
    /// A client's frame without a mask (5.1).
    Unmasked,
    /// A server's frame with a mask (5.1).
    Masked,
    /// A payload length that was not written in the fewest bytes (5.2). Holds the length.
    LengthNotMinimal(u64),
    /// A payload length whose most significant bit is set (5.2). Holds the length.
    LengthOverflow(u64),
    /// A close frame whose payload is a single byte, half a code (5.5.1).
    TruncatedCloseCode,
    /// A close code that must not appear on the wire (7.4).
    InvalidCloseCode(u16),
    /// The reason in a close frame is not UTF-8 (5.5.1).
    InvalidReason,
    /// A text message is not UTF-8 (8.1).
    InvalidText,
    /// A compressed message is none (RFC 7692, 7.2.2).
    InvalidDeflate,
    /// A frame announces `length` bytes; `limit` is [`Limits::frame`](crate::Limits::frame).
    FrameTooLarge {
        /// The payload length in the frame's head, in bytes.
        length: u64,
        /// The most that is allowed, in bytes.
        limit: usize,
    },
    /// With this frame a message would have `length` bytes; `limit` is
    /// [`Limits::message`](crate::Limits::message).
    MessageTooLarge {
        /// The bytes of the message's frames so far, this one included.
        length: u64,
        /// The most that is allowed, in bytes.
        limit: usize,
    },
    /// A message has more frames than `limit`, which is
    /// [`Limits::fragments`](crate::Limits::fragments).
    TooManyFragments {
        /// The most that is allowed, in frames.
        limit: usize,
    },
}

impl Error {
    /// The code to close the connection with (7.4.1): 1007 for what is not what it says, UTF-8 or compressed, 1009 for
    /// anything over a limit, 1002 for every other broken rule.
    ///
    /// ```
    /// use sockeye_websocket_proto::Error;
    ///
    /// assert_eq!(Error::Unmasked.close_code(), 1002);
    /// assert_eq!(Error::InvalidText.close_code(), 1007);
    /// assert_eq!(Error::TooManyFragments { limit: 10 }.close_code(), 1009);
    /// ```
    pub fn close_code(&self) -> u16 {
        match self {
            Error::InvalidText | Error::InvalidReason | Error::InvalidDeflate => 1007,
            Error::FrameTooLarge { .. }
            | Error::MessageTooLarge { .. }
            | Error::TooManyFragments { .. } => 1009,
            _ => 1002,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::ReservedBits(byte) => {
                write!(
                    f,
                    "peer set a reserved bit (first byte {byte:#04x}) that means nothing here"
                )
            }
            Error::UnknownOpcode(opcode) => write!(f, "peer sent the undefined opcode {opcode:#x}"),
            Error::FragmentedControl(opcode) => {
                write!(f, "peer sent a fragmented {opcode} frame; control frames are whole")
            }
            Error::LongControl(opcode) => {
                write!(f, "peer sent a {opcode} frame of more than 125 bytes")
            }
            Error::UnexpectedContinuation => {
                f.write_str("peer sent a continuation frame; expected the start of a message")
            }
            Error::ExpectedContinuation(opcode) => {
                write!(f, "peer sent a {opcode} frame; expected a continuation frame")
            }
            Error::Unmasked => f.write_str("client sent a frame without a mask"),
            Error::Masked => f.write_str("server sent a frame with a mask"),
            Error::LengthNotMinimal(length) => {
                write!(f, "peer wrote the payload length {length} in more bytes than it needs")
            }
            Error::LengthOverflow(length) => {
                write!(f, "peer announced a payload of {length} bytes; at most 2^63 - 1 is allowed")
            }
            Error::TruncatedCloseCode => {
                f.write_str("peer sent a close frame of one byte; a close code has two")
            }
            Error::InvalidCloseCode(code) => write!(f, "peer sent the invalid close code {code}"),
            Error::InvalidReason => f.write_str("peer sent a close reason that is not UTF-8"),
            Error::InvalidText => f.write_str("peer sent a text message that is not UTF-8"),
            Error::InvalidDeflate => {
                f.write_str("peer sent a compressed message that cannot be decompressed")
            }
            Error::FrameTooLarge { length, limit } => write!(
                f,
                "peer announced a frame of {length} bytes; the limit is {limit} (see `Limits::frame`)"
            ),
            Error::MessageTooLarge { length, limit } => write!(
                f,
                "peer sent a message of {length} bytes or more; the limit is {limit} (see `Limits::message`)"
            ),
            Error::TooManyFragments { limit } => write!(
                f,
                "peer sent a message in more than {limit} frames (see `Limits::fragments`)"
            ),
        }
    }
}

impl std::error::Error for Error {}
