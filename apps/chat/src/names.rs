//! What people may call themselves, their rooms and their messages. Whatever holds one of these types has been
//! checked; serde checks too, so that a handler's `Data` refuses the rest and says why.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

/// The name of a person: 1 to 40 characters, on one line.
///
/// ```
/// use sockeye_chat::PersonName;
///
/// assert_eq!(PersonName::new("  Ada   Lovelace ").unwrap().as_str(), "Ada Lovelace");
/// assert!(PersonName::new(" ").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct PersonName(String);

impl PersonName {
    /// Most characters of a name.
    pub const LONGEST: usize = 40;

    /// Checks a name. Runs of white space become one space; invisible signs that turn the direction of text are
    /// taken out, since they would turn what stands around the name as well.
    ///
    /// # Errors
    ///
    /// Says what a name must be like.
    pub fn new(typed: &str) -> Result<Self, BadName> {
        let seen: String = typed.chars().filter(|&c| !turns_direction(c)).collect();
        let name = seen.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() {
            return Err(BadName("a name has at least one character"));
        }
        if name.chars().count() > Self::LONGEST {
            return Err(BadName("a name has at most 40 characters"));
        }
        if name.chars().any(char::is_control) {
            return Err(BadName("a name has no control characters"));
        }
        Ok(PersonName(name))
    }

    /// The name as text; never markup.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PersonName {
    type Error = BadName;

    fn try_from(typed: String) -> Result<Self, BadName> {
        Self::new(&typed)
    }
}

/// The name of a room: 1 to 32 letters, digits, `-` or `_`, in lower case.
///
/// Two pages that mean one room must write one name, so the page brings what was typed into this form, and
/// anything else is refused here.
///
/// ```
/// use sockeye_chat::RoomName;
///
/// assert!(RoomName::new("früh-am-morgen").is_ok());
/// assert!(RoomName::new("Früh am Morgen").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct RoomName(String);

impl RoomName {
    /// Most characters of a room's name.
    pub const LONGEST: usize = 32;

    /// Checks a room's name.
    ///
    /// # Errors
    ///
    /// Says what a room's name must be like.
    pub fn new(name: &str) -> Result<Self, BadName> {
        let length = name.chars().count();
        if length == 0 || length > Self::LONGEST {
            return Err(BadName("a room's name has 1 to 32 characters"));
        }
        if !name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
            || name != name.to_lowercase()
        {
            return Err(BadName("a room's name is made of lower-case letters, digits, - and _"));
        }
        Ok(RoomName(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The Socket.IO room in which messages are said; its past is what was said. The prefix keeps it apart from the rooms
    /// that every socket has under its own id: without it, a room named like somebody's id would hear what is meant
    /// for them alone.
    pub(crate) fn channel(&self) -> String {
        format!("{TALK}{}", self.0)
    }

    /// The Socket.IO room in which it is told who comes and goes: apart, so that pages of the past have messages only.
    pub(crate) fn door(&self) -> String {
        format!("{DOOR}{}", self.0)
    }

    /// Both: whoever is in the room is in these.
    pub(crate) fn places(&self) -> [String; 2] {
        [self.channel(), self.door()]
    }

    /// The room of a Socket.IO room in which messages are said.
    pub(crate) fn of_channel(channel: &str) -> Option<Self> {
        Self::new(channel.strip_prefix(TALK)?).ok()
    }
}

const TALK: &str = "room:";
const DOOR: &str = "door:";

impl TryFrom<String> for RoomName {
    type Error = BadName;

    fn try_from(name: String) -> Result<Self, BadName> {
        Self::new(&name)
    }
}

/// What somebody says: 1 to 4000 characters, not only white space. Newline and tab are the only control characters:
/// the others show nothing, and JSON writes most of them with six.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Text(String);

impl Text {
    /// Most characters of a message.
    pub const LONGEST: usize = 4000;

    /// Checks a text.
    ///
    /// # Errors
    ///
    /// Says what a text must be like.
    pub fn new(text: String) -> Result<Self, BadName> {
        if text.trim().is_empty() {
            return Err(BadName("a message says something"));
        }
        if text.chars().count() > Self::LONGEST {
            return Err(BadName("a message has at most 4000 characters"));
        }
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return Err(BadName("a message has no control characters but newline and tab"));
        }
        Ok(Text(text))
    }

    /// The text; never markup.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Text {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        Self::new(text)
    }
}

/// A message's id: a UUID in lower case, made by the sender's page. However often a message is sent, it keeps its
/// id, and the log keeps one message of each.
///
/// ```
/// use sockeye_chat::MessageId;
///
/// let id = "0b9c4ad2-9a0e-4f6e-8d5b-3f8a5a7f1c11";
/// assert_eq!(MessageId::new(id).unwrap().to_string(), id);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct MessageId(u128);

impl MessageId {
    /// Reads an id.
    ///
    /// # Errors
    ///
    /// Says what an id must be like.
    pub fn new(text: &str) -> Result<Self, BadName> {
        const BAD: BadName = BadName("a message's id is a UUID in lower case");
        let digits = text.replace('-', "");
        let id = u128::from_str_radix(&digits, 16).map(MessageId).map_err(|_| BAD)?;
        // Written out again it must be the same: a page looks for its message under the id it has made.
        if id.to_string() == text { Ok(id) } else { Err(BAD) }
    }
}

impl TryFrom<String> for MessageId {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        Self::new(&text)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        f.write_str(&parts.join("-"))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for MessageId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a page proves with that it is the same person after a reconnect: 16 to 64 characters that only it knows.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Key(String);

impl Key {
    /// Checks a key.
    ///
    /// # Errors
    ///
    /// Says what a key must be like.
    pub fn new(text: String) -> Result<Self, BadName> {
        if (16..=64).contains(&text.len()) {
            Ok(Key(text))
        } else {
            Err(BadName("a key has 16 to 64 characters"))
        }
    }

    /// The id that stands for this key among people. From it nobody finds the key, and it is the same after a
    /// restart of the server.
    pub fn person(&self) -> PersonId {
        let digest =
            Sha1::new().chain_update(b"sockeye chat person ").chain_update(&self.0).finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        PersonId(u64::from_be_bytes(first))
    }
}

impl TryFrom<String> for Key {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        Self::new(text)
    }
}

/// The key is a secret: it appears in no log.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// A person's public id: one for each window of a browser.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(u64);

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Reads back what [`Display`](fmt::Display) writes.
impl FromStr for PersonId {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        const BAD: BadName = BadName("a person's id is a number of 16 digits");
        u64::from_str_radix(text, 16).map(PersonId).map_err(|_| BAD)
    }
}

impl fmt::Debug for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PersonId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why a name, a text or an id is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadName(&'static str);

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BadName {}

/// The marks, embeddings, overrides and isolates of the Unicode bidirectional algorithm (UAX 9, section 2).
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
