//! A position as a client sees it: opaque, and nobody else can make one.

use std::fmt;
use std::hash::Hasher;
use std::ops::Deref;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use siphasher::sip::SipHasher24;
use siphasher::sip128::{self, Hasher128};

use crate::Position;
use crate::codec::Fields;

/// What a client gives back to say where it stands: 22 characters of base64url. It says neither how
/// many events there are nor which one comes next, and only the namespace that made it can read it.
///
/// ```
/// use sockeye_log::{Log, Options, Position};
///
/// let chat = Log::memory(Options::default()).namespace("/chat");
/// let token = chat.token(Position::from(7));
/// assert_eq!(token.len(), 22); // it is a `str` wherever one is wanted
/// assert_eq!(chat.position(&token), Some(Position::from(7)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token([u8; 22]);

impl Token {
    /// The characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base64 is ASCII")
    }
}

impl Deref for Token {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Token {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// The secret of a log. Whoever has it can read and make tokens, and choose keys that collide.
#[derive(Clone)]
pub(crate) struct Secret {
    proof: [u8; 16],
    cover: [u8; 16],
    keys: [u8; 16],
}

impl Secret {
    pub(crate) const LEN: usize = 48;

    pub(crate) fn random() -> Self {
        Self { proof: rand::random(), cover: rand::random(), keys: rand::random() }
    }

    pub(crate) fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..16].copy_from_slice(&self.proof);
        bytes[16..32].copy_from_slice(&self.cover);
        bytes[32..].copy_from_slice(&self.keys);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LEN] = bytes.try_into().ok()?;
        let part = |at: usize| std::array::from_fn(|i| bytes[at + i]);
        Some(Self { proof: part(0), cover: part(16), keys: part(32) })
    }

    /// First the proof, a hash over what the token says; then the position, hidden under a hash of
    /// the proof. So equal positions of two namespaces have nothing in common.
    pub(crate) fn token(&self, namespace: &str, at: Position) -> Token {
        let proof = self.proof(namespace, at);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&proof.to_be_bytes());
        bytes[8..].copy_from_slice(&(at.get() ^ self.cover(proof)).to_be_bytes());
        let mut token = [0; 22];
        let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut token);
        debug_assert_eq!(written.ok(), Some(22));
        Token(token)
    }

    pub(crate) fn position(&self, namespace: &str, token: &str) -> Option<Position> {
        // The decoder wants room for whole groups of three bytes.
        let mut bytes = [0; 18];
        let written = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).ok()?;
        let mut fields = Fields(bytes.get(..written).filter(|_| written == 16)?);
        let (proof, covered) = (fields.u64()?, fields.u64()?);
        let at = Position::from(covered ^ self.cover(proof));
        (self.proof(namespace, at) == proof).then_some(at)
    }

    /// 128 bits of an idempotency key. They come from clients, who cannot make two of them meet.
    pub(crate) fn hash_key(&self, key: &str) -> u128 {
        let mut hasher = sip128::SipHasher24::new_with_key(&self.keys);
        hasher.write(key.as_bytes());
        hasher.finish128().as_u128()
    }

    fn proof(&self, namespace: &str, at: Position) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.proof);
        hasher.write(&at.get().to_be_bytes());
        hasher.write(namespace.as_bytes());
        hasher.finish()
    }

    fn cover(&self, proof: u64) -> u64 {
        SipHasher24::new_with_key(&self.cover).hash(&proof.to_be_bytes())
    }
}
