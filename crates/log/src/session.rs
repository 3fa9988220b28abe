//! Who may come back: the record of a session.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::codec::{Fields, put_bytes, put_optional, seal, unseal};
use crate::{Interval, Position};

/// The secret with which a client comes back to its session: 128 random bits, written as 22
/// characters of base64url.
///
/// ```
/// use sockeye_log::SessionId;
///
/// let id = SessionId::random();
/// assert_eq!(id.to_string().parse(), Ok(id));
/// assert!("not one of ours".parse::<SessionId>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId([u8; 16]);

impl SessionId {
    /// An id that nobody can guess.
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl From<[u8; 16]> for SessionId {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// Does not show it: whoever reads a log file must not be able to take over a session.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

/// A text that is no [`SessionId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session id is 22 characters of base64url")]
pub struct NoSessionId;

impl FromStr for SessionId {
    type Err = NoSessionId;

    fn from_str(text: &str) -> Result<Self, NoSessionId> {
        // The decoder wants room for whole groups of three bytes.
        let mut bytes = [0; 18];
        let written = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).map_err(|_| NoSessionId)?;
        bytes[..written].try_into().map(Self).map_err(|_| NoSessionId)
    }
}

/// What has to be known to let somebody come back.
///
/// ```
/// use sockeye_log::{Durability, Log, Options, Position, Session, SessionId};
///
/// let chat = Log::memory(Options::default()).namespace("/chat");
/// let session = Session {
///     id: SessionId::random(),
///     socket: "x1".into(),
///     principal: Some("alice".into()),
///     data: None,
///     start: Position::ZERO,
/// };
/// chat.save_session(&session, Durability::Async)?;
/// assert_eq!(chat.sessions()?[0].session, session);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The secret with which it is found.
    pub id: SessionId,
    /// The public id of its socket.
    pub socket: Box<str>,
    /// Whom it belongs to: nobody else gets it.
    pub principal: Option<Box<str>>,
    /// What the application keeps with it, as it wants to.
    pub data: Option<Box<str>>,
    /// Where a client that has seen nothing yet reads from.
    /// At least what was [written](crate::Progress::written) when it began: when the log fails, it forgets the
    /// sessions that began before.
    pub start: Position,
}

/// A session with the rooms it was in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedSession {
    /// The record.
    pub session: Session,
    /// From when to when it was in which room; those that were forgotten are not here.
    pub intervals: Vec<Interval>,
}

impl Session {
    /// Its record, under [`session_key`].
    pub(crate) fn encode(&self, key: &[u8]) -> Vec<u8> {
        let mut record = Vec::with_capacity(64);
        record.extend_from_slice(&self.start.get().to_be_bytes());
        put_bytes(&mut record, self.socket.as_bytes());
        put_optional(&mut record, self.principal.as_deref());
        put_optional(&mut record, self.data.as_deref());
        seal(key, record)
    }

    pub(crate) fn decode(key: &[u8], value: &[u8]) -> Option<Self> {
        let mut fields = Fields(unseal(key, value)?);
        let mut session = Self {
            id: SessionId(key.get(4..)?.try_into().ok()?),
            start: fields.u64()?.into(),
            socket: fields.text()?,
            principal: None,
            data: None,
        };
        fields.optional_text(&mut session.principal)?;
        fields.optional_text(&mut session.data)?;
        Some(session)
    }
}

/// Namespace, id. With it begin the keys of the session's intervals too.
pub(crate) fn session_key(shard: u32, id: SessionId) -> Vec<u8> {
    [&shard.to_be_bytes()[..], &id.0].concat()
}
