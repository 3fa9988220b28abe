//! The negotiation (RFC 7692, 5 and 7.1), on values of `Sec-WebSocket-Extensions`.

use std::fmt;

use super::{LARGEST, SMALLEST};
use crate::handshake::HandshakeError;

/// What a client offers; the default is what browsers offer.
///
/// ```
/// use sockeye_websocket_proto::deflate::Offer;
///
/// assert_eq!(Offer::default().to_string(), "permessage-deflate; client_max_window_bits");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Asks that the server compresses each message by itself (7.1.1.1). Default: no.
    pub server_no_context_takeover: bool,
    /// Says that the client will compress each message by itself (7.1.1.2). Default: no.
    pub client_no_context_takeover: bool,
    /// Asks for a smaller window of the server: 8 to 15 bits (7.1.2.1). Default: does not ask.
    pub server_max_window_bits: Option<u8>,
    /// Says that the server may ask for a smaller window of the client (7.1.2.2). Default: yes.
    pub client_max_window_bits: bool,
}

/// What both sides have agreed on, which is what the server answers (7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// The server compresses each message by itself.
    pub server_no_context_takeover: bool,
    /// The client compresses each message by itself.
    pub client_no_context_takeover: bool,
    /// The server's window, in bits; 15 where nothing is said.
    pub server_max_window_bits: Option<u8>,
    /// The client's window, in bits; 15 where nothing is said.
    pub client_max_window_bits: Option<u8>,
}

/// A server's answer to what a client offers: to the first offer of permessage-deflate that it can take. `None`
/// if there is none: then the connection goes on without compression (RFC 6455, 9.1).
///
/// A server may set [`Agreement::client_no_context_takeover`] before it answers, whatever was offered (7.1.1.2).
///
/// An offer is not taken that asks for a window of the server of less than 32 KiB, or in which a parameter is
/// unknown, comes twice, or has a value that it cannot have (7.1).
///
/// ```
/// use sockeye_websocket_proto::deflate::accept;
///
/// let offers = "permessage-deflate; server_max_window_bits=10, permessage-deflate";
/// let answer = accept(offers).unwrap().to_string();
/// assert_eq!(answer, "permessage-deflate; server_no_context_takeover");
/// assert_eq!(accept("permessage-deflate; server_max_window_bits=10"), None);
/// ```
pub fn accept(offers: &str) -> Option<Agreement> {
    let mut offered = offers.split(',').filter_map(Parameters::read);
    let taken = offered.find(|offer| offer.server_max.is_none_or(|bits| bits == LARGEST))?;
    Some(Agreement {
        server_no_context_takeover: true,
        client_no_context_takeover: taken.client_alone,
        server_max_window_bits: taken.server_max,
        client_max_window_bits: None,
    })
}

impl Offer {
    /// Checks what a server has answered: `None` if it has not taken the offer.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Extensions`] if it answers what was not offered, less than was asked for, or nonsense: the
    /// connection has to be failed (RFC 7692, 5.1 and 7.1).
    pub fn verify(&self, answer: Option<&str>) -> Result<Option<Agreement>, HandshakeError> {
        let Some(answer) = answer.map(str::trim).filter(|answer| !answer.is_empty()) else {
            return Ok(None);
        };
        let answered = Parameters::read(answer).ok_or(HandshakeError::Extensions)?;
        let agreed = answered.agreement().filter(|agreed| self.covers(*agreed));
        agreed.map(Some).ok_or(HandshakeError::Extensions)
    }

    fn covers(self, agreed: Agreement) -> bool {
        let asked_for = !self.server_no_context_takeover || agreed.server_no_context_takeover;
        let window = match (self.server_max_window_bits, agreed.server_max_window_bits) {
            (Some(most), Some(bits)) => bits <= most,
            (Some(_), None) => false,
            (None, _) => true,
        };
        let offered = self.client_max_window_bits || agreed.client_max_window_bits.is_none();
        asked_for && window && offered
    }
}

impl Default for Offer {
    fn default() -> Self {
        Offer {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: None,
            client_max_window_bits: true,
        }
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let agreement = Agreement {
            server_no_context_takeover: self.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover,
            server_max_window_bits: self.server_max_window_bits,
            client_max_window_bits: None,
        };
        agreement.fmt(f)?;
        if self.client_max_window_bits { write!(f, "; {CLIENT_MAX}") } else { Ok(()) }
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)?;
        if self.server_no_context_takeover {
            write!(f, "; {SERVER_ALONE}")?;
        }
        if self.client_no_context_takeover {
            write!(f, "; {CLIENT_ALONE}")?;
        }
        if let Some(bits) = self.server_max_window_bits {
            write!(f, "; {SERVER_MAX}={bits}")?;
        }
        if let Some(bits) = self.client_max_window_bits {
            write!(f, "; {CLIENT_MAX}={bits}")?;
        }
        Ok(())
    }
}

const NAME: &str = "permessage-deflate";
const SERVER_ALONE: &str = "server_no_context_takeover";
const CLIENT_ALONE: &str = "client_no_context_takeover";
const SERVER_MAX: &str = "server_max_window_bits";
const CLIENT_MAX: &str = "client_max_window_bits";

/// One element of the header, as it came.
#[derive(Debug, Default)]
struct Parameters {
    server_alone: bool,
    client_alone: bool,
    server_max: Option<u8>,
    /// An offer may leave out the bits, an answer may not.
    client_max: bool,
    client_bits: Option<u8>,
}

impl Parameters {
    /// `None` if it is another extension, or breaks a rule of this one.
    fn read(element: &str) -> Option<Parameters> {
        let mut pieces = element.split(';').map(str::trim);
        if pieces.next() != Some(NAME) {
            return None;
        }
        pieces.try_fold(Parameters::default(), Parameters::with)
    }

    fn with(mut self, parameter: &str) -> Option<Parameters> {
        let (name, value) = match parameter.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(unquoted(value.trim_start()))),
            None => (parameter, None),
        };
        match (name, value) {
            (SERVER_ALONE, None) if !self.server_alone => self.server_alone = true,
            (CLIENT_ALONE, None) if !self.client_alone => self.client_alone = true,
            (SERVER_MAX, Some(value)) if self.server_max.is_none() => {
                self.server_max = Some(bits(value)?);
            }
            (CLIENT_MAX, value) if !self.client_max => {
                self.client_max = true;
                self.client_bits = match value {
                    Some(value) => Some(bits(value)?),
                    None => None,
                };
            }
            _ => return None,
        }
        Some(self)
    }

    fn agreement(&self) -> Option<Agreement> {
        let complete = self.client_max == self.client_bits.is_some();
        complete.then_some(Agreement {
            server_no_context_takeover: self.server_alone,
            client_no_context_takeover: self.client_alone,
            server_max_window_bits: self.server_max,
            client_max_window_bits: self.client_bits,
        })
    }
}

/// A value may stand in quotes (RFC 6455, 9.1).
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

/// 8 to 15, in decimal and without a zero in front (7.1.2).
fn bits(value: &str) -> Option<u8> {
    (SMALLEST..=LARGEST).find(|bits| value == bits.to_string())
}
