//! Names and messages by the dozen.
#![allow(dead_code, reason = "each test file takes what it needs")]

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::json;
use sockeye::Token;
use sockeye_chat::{Key, PastMessage, Person, PersonName, RoomName};

pub(crate) fn person(name: &str) -> Person {
    // Long names are longer than a key may be.
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    let key = Key::new(format!("{:016x}", hasher.finish())).unwrap();
    Person { id: key.person(), name: PersonName::new(name).unwrap() }
}

pub(crate) fn room(name: &str) -> RoomName {
    RoomName::new(name).unwrap()
}

/// A message as the log gives it.
pub(crate) fn said(n: u64, name: &str, text: &str) -> PastMessage {
    let id = format!("00000000-0000-4000-8000-{n:012x}");
    let message = json!({"id": id, "at": u64::MAX, "person": person(name), "text": text});
    let message = serde_json::value::to_raw_value(&message).unwrap();
    PastMessage { token: Token::from("x".repeat(22)), message }
}
