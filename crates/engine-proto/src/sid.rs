//! Session ids: twenty characters, made from fifteen random bytes.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A session's id. It is the key to the session: secret to its client.
///
/// ```
/// use sockeye_engine_proto::Sid;
///
/// let sid = Sid::from_random([0; 15]);
/// assert_eq!(sid.as_str(), "AAAAAAAAAAAAAAAAAAAA");
/// assert_eq!(Sid::parse("AAAAAAAAAAAAAAAAAAAA"), Some(sid));
/// assert_eq!(Sid::parse("too short"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sid([u8; 20]);

impl Sid {
    /// The id these random bytes stand for: url-safe base64, no padding. The bytes have to come from
    /// a generator nobody can predict.
    pub fn from_random(random: [u8; 15]) -> Self {
        let mut characters = [0; 20];
        let written = URL_SAFE_NO_PAD.encode_slice(random, &mut characters);
        debug_assert_eq!(written, Ok(20), "fifteen bytes are twenty characters");
        Sid(characters)
    }

    /// The id that a request names; `None` if the text cannot be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let characters: [u8; 20] = text.as_bytes().try_into().ok()?;
        let is_ours = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
        characters.iter().all(is_ours).then_some(Sid(characters))
    }

    /// The twenty characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII gets in")
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Shows the first four characters only: whoever reads a whole id in a log can take the session over.
impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid({}…)", &self.as_str()[..4])
    }
}
