//! Close frames: a code and a reason (RFC 6455, 5.5.1 and 7.4).

use crate::Error;

/// What a close frame that is not empty says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseFrame<'a> {
    /// Why the connection ends; one for which [`is_valid_code`] holds.
    pub code: u16,
    /// An explanation for whoever reads logs; at most 123 bytes, often empty.
    pub reason: &'a str,
}

impl<'a> CloseFrame<'a> {
    /// Reads a close frame's payload; an empty one is `None`.
    pub(crate) fn parse(payload: &'a [u8]) -> Result<Option<Self>, Error> {
        let (code, reason) = match *payload {
            [] => return Ok(None),
            [_] => return Err(Error::TruncatedCloseCode),
            [high, low, ref reason @ ..] => (u16::from_be_bytes([high, low]), reason),
        };
        if !is_valid_code(code) {
            return Err(Error::InvalidCloseCode(code));
        }
        let reason = std::str::from_utf8(reason).map_err(|_| Error::InvalidReason)?;
        Ok(Some(CloseFrame { code, reason }))
    }
}

/// Whether a close frame may carry this code: those that RFC 6455 (7.4.1) and the IANA registry
/// define, less 1004, 1005, 1006 and 1015, which never stand on the wire; and 3000 to 4999 for
/// libraries and applications.
///
/// ```
/// use sockeye_websocket_proto::is_valid_code;
///
/// assert!(is_valid_code(1000) && is_valid_code(4000));
/// assert!(!is_valid_code(1005) && !is_valid_code(2000));
/// ```
pub fn is_valid_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// As much of `reason` as a close frame has room for, cut between two characters: a control frame
/// holds 125 bytes, two of which are the code.
pub(crate) fn fitting_reason(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(123)]
}
