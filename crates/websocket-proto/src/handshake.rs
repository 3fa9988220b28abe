//! The opening handshake (RFC 6455, 4), on header values: parsing HTTP is the caller's.
//!
//! A header that came more than once is joined with commas before it gets here, as HTTP allows.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// What an upgrade request says; the values of its headers, where it has them.
///
/// ```
/// use sockeye_websocket_proto::handshake::{UpgradeRequest, accept};
///
/// let request = UpgradeRequest {
///     method: "GET",
///     connection: Some("keep-alive, Upgrade"),
///     upgrade: Some("websocket"),
///     version: Some("13"),
///     key: Some("dGhlIHNhbXBsZSBub25jZQ=="),
/// };
/// assert_eq!(accept(&request).as_deref(), Ok("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct UpgradeRequest<'a> {
    /// The HTTP method, in the upper-case letters of HTTP.
    pub method: &'a str,
    /// `Connection`
    pub connection: Option<&'a str>,
    /// `Upgrade`
    pub upgrade: Option<&'a str>,
    /// `Sec-WebSocket-Version`
    pub version: Option<&'a str>,
    /// `Sec-WebSocket-Key`
    pub key: Option<&'a str>,
}

/// What a server answered to a client's upgrade request.
#[derive(Clone, Copy, Debug, Default)]
pub struct UpgradeResponse<'a> {
    /// The HTTP status code.
    pub status: u16,
    /// `Connection`
    pub connection: Option<&'a str>,
    /// `Upgrade`
    pub upgrade: Option<&'a str>,
    /// `Sec-WebSocket-Accept`
    pub accept: Option<&'a str>,
}

/// What is wrong with an upgrade request, or with the answer to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The method is not `GET` (4.2.1).
    Method,
    /// `Connection` does not list `Upgrade`.
    Connection,
    /// `Upgrade` does not list `websocket`.
    Upgrade,
    /// `Sec-WebSocket-Version` is neither 13 nor 8.
    Version,
    /// `Sec-WebSocket-Key` is not the Base64 form of 16 bytes.
    Key,
    /// The server's status is not 101 (4.1). Holds what it is.
    Status(u16),
    /// `Sec-WebSocket-Accept` does not belong to the key that was sent (4.1).
    Accept,
    /// `Sec-WebSocket-Extensions` is no answer to what was offered (4.1, 9.1; RFC 7692, 7.1).
    Extensions,
}

/// Judges an upgrade request (4.2.1). `Ok` holds the value for `Sec-WebSocket-Accept`.
///
/// Version 8 has the same frames and is taken as well, as the reference does.
///
/// # Errors
///
/// The first thing that is missing or wrong; see [`HandshakeError::status`] for what to answer.
pub fn accept(request: &UpgradeRequest<'_>) -> Result<String, HandshakeError> {
    if request.method != "GET" {
        return Err(HandshakeError::Method);
    }
    check_upgrade(request.connection, request.upgrade)?;
    if !matches!(request.version, Some("13" | "8")) {
        return Err(HandshakeError::Version);
    }
    let key = request.key.filter(|key| is_key(key)).ok_or(HandshakeError::Key)?;
    Ok(accept_key(key))
}

/// The value of `Sec-WebSocket-Accept` that belongs to a `Sec-WebSocket-Key` (4.2.2).
///
/// ```
/// use sockeye_websocket_proto::handshake::accept_key;
///
/// assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
pub fn accept_key(key: &str) -> String {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    STANDARD.encode(digest)
}

/// A client's `Sec-WebSocket-Key`, made of 16 random bytes (4.1).
///
/// ```
/// use sockeye_websocket_proto::handshake::request_key;
///
/// assert_eq!(request_key(*b"the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==");
/// ```
pub fn request_key(random: [u8; 16]) -> String {
    STANDARD.encode(random)
}

/// Checks the `Sec-WebSocket-Accept` that a server answered to `key` (4.1).
///
/// # Errors
///
/// [`HandshakeError::Accept`] if it is missing or belongs to another key.
pub fn verify(key: &str, accept: Option<&str>) -> Result<(), HandshakeError> {
    if accept == Some(accept_key(key).as_str()) { Ok(()) } else { Err(HandshakeError::Accept) }
}

/// Checks all that a client has to about a server's answer to `key` (4.1).
///
/// # Errors
///
/// The first thing that is missing or wrong.
pub fn verify_response(key: &str, response: &UpgradeResponse<'_>) -> Result<(), HandshakeError> {
    if response.status != 101 {
        return Err(HandshakeError::Status(response.status));
    }
    check_upgrade(response.connection, response.upgrade)?;
    verify(key, response.accept)
}

impl HandshakeError {
    /// The HTTP status that a server refuses the request with: 405 for the method, 400 for all else,
    /// as the reference does. A refused version is answered with `Sec-WebSocket-Version: 13` (4.4).
    pub fn status(&self) -> u16 {
        match self {
            HandshakeError::Method => 405,
            _ => 400,
        }
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HandshakeError::Method => "the method of a WebSocket handshake must be GET",
            HandshakeError::Connection => "the header Connection does not list `Upgrade`",
            HandshakeError::Upgrade => "the header Upgrade does not list `websocket`",
            HandshakeError::Version => "the header Sec-WebSocket-Version must be 13 (or 8)",
            HandshakeError::Key => "the header Sec-WebSocket-Key must be 16 bytes in Base64",
            HandshakeError::Status(status) => {
                return write!(f, "the server answered {status} instead of 101");
            }
            HandshakeError::Accept => {
                "the header Sec-WebSocket-Accept does not belong to the key that was sent"
            }
            HandshakeError::Extensions => {
                "the header Sec-WebSocket-Extensions is no answer to what was offered"
            }
        })
    }
}

impl std::error::Error for HandshakeError {}

fn check_upgrade(connection: Option<&str>, upgrade: Option<&str>) -> Result<(), HandshakeError> {
    if !lists(connection, "upgrade") {
        return Err(HandshakeError::Connection);
    }
    if !lists(upgrade, "websocket") {
        return Err(HandshakeError::Upgrade);
    }
    Ok(())
}

/// Whether a comma-separated header value has this element, in upper or lower case.
fn lists(value: Option<&str>, token: &str) -> bool {
    let mut elements = value.unwrap_or_default().split(',');
    elements.any(|element| element.trim().eq_ignore_ascii_case(token))
}

/// Whether this is what 16 bytes look like in Base64: 22 letters and `==`.
fn is_key(key: &str) -> bool {
    let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'+' | b'/');
    let letters = key.strip_suffix("==").unwrap_or_default().as_bytes();
    letters.len() == 22 && letters.iter().copied().all(is_letter)
}

/// What a server adds to the key before it hashes (1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
