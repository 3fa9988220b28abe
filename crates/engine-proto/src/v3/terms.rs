//! What a client of this revision says in its first request besides what every client does.

use crate::handshake::pairs;
use crate::refusal::Refusal;

/// How a client wants to be spoken to.
///
/// ```
/// use sockeye_engine_proto::Refusal;
/// use sockeye_engine_proto::v3::Terms;
///
/// assert_eq!(Terms::read("EIO=3&transport=polling&b64=1"), Ok(Terms { base64: true }));
/// assert_eq!(Terms::read("EIO=3&transport=polling&j=0"), Err(Refusal::TransportUnknown));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// It takes no bytes in payloads: binary messages come as base64 (`b64` in the query, whatever its value).
    pub base64: bool,
}

impl Terms {
    /// Reads the query of the request that opens a session.
    ///
    /// # Errors
    ///
    /// It asks for JSONP (`j`), which is not offered: scripts of a foreign page would be the answers.
    pub fn read(query: &str) -> Result<Self, Refusal> {
        if pairs(query).any(|(name, _)| name == "j") {
            return Err(Refusal::TransportUnknown);
        }
        let base64 = pairs(query).any(|(name, value)| name == "b64" && !value.is_empty());
        Ok(Terms { base64 })
    }
}
