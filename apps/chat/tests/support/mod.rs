//! Names and messages by the dozen.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use sockeye_chat::{Key, MessageId, Person, PersonName, RoomName, Text};

pub(crate) fn id(n: u64) -> MessageId {
    MessageId::new(&format!("00000000-0000-4000-8000-{n:012x}")).unwrap()
}

pub(crate) fn person(name: &str) -> Person {
    // Long names are longer than a key may be.
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    let key = Key::new(format!("{:016x}", hasher.finish())).unwrap();
    Person { id: key.person(), name: PersonName::new(name).unwrap() }
}

pub(crate) fn text(words: &str) -> Text {
    Text::new(words.to_owned()).unwrap()
}

#[allow(dead_code, reason = "each test file takes what it needs")]
pub(crate) fn room(name: &str) -> RoomName {
    RoomName::new(name).unwrap()
}
