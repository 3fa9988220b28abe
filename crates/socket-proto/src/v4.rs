//! Revision 4 of the protocol: what clients of Socket.IO 1 and 2 speak.
//!
//! Events, answers, attachments and DISCONNECT are what they are in revision 5. Different is how a namespace is joined:
//!
//! | what                     | revision 5                   | revision 4                                        |
//! |--------------------------|------------------------------|---------------------------------------------------|
//! | the main namespace       | by CONNECT, like any other   | joined with the connection: [`JOIN_MAIN`]         |
//! | what comes with CONNECT  | an object                    | a query behind the name: [`read`]                 |
//! | the answer               | an object with the id        | CONNECT with nothing: [`connect_reply`]           |
//! | the socket's id          | its own                      | made from the connection's by both sides: [`id`]  |
//! | the refusal              | an object with the message   | `ERROR` with the data, or the message: [`error`]  |
//!
//! A packet that has come is [read](`read`) as one of revision 5, which is what everything behind it understands. What
//! the accepting side says and hears is here; for the connecting side see [`client`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::encode::{self, Encoded, Packet};
use crate::namespace;

pub mod client;

/// What a client would send, were it to join the main namespace by itself.
pub const JOIN_MAIN: &str = "0";

/// The packet as revision 5 has it. `0/chat?room=1,` becomes `0/chat,{"room":"1"}`: what stands in the query is what
/// came with the CONNECT, and a payload is none. Everything else is as it was.
///
/// ```
/// use sockeye_socket_proto::v4;
///
/// assert_eq!(v4::read("0/chat?a=1&b=x+y&b=%7A,"), r#"0/chat,{"a":"1","b":["x y","z"]}"#);
/// assert_eq!(v4::read("0/chat,"), "0/chat,");
/// assert_eq!(v4::read(r#"2["news"]"#), r#"2["news"]"#);
/// ```
pub fn read(packet: &str) -> Cow<'_, str> {
    let Some(rest) = packet.strip_prefix("0/") else {
        return Cow::Borrowed(packet);
    };
    let target = rest.split_once(',').map_or(rest, |(target, _)| target);
    match target.split_once('?') {
        Some((name, query)) => Cow::Owned(format!("0/{name},{}", object(query))),
        None => Cow::Owned(format!("0/{target},")),
    }
}

/// A query as a JSON object: texts, and lists of texts where a name comes more than once.
fn object(query: &str) -> String {
    let mut members: BTreeMap<String, Values> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()).take(MOST_PAIRS) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value);
        match members.entry(decode(name)) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(Values::One(value));
            }
            std::collections::btree_map::Entry::Occupied(mut place) => place.get_mut().push(value),
        }
    }
    serde_json::to_string(&members).unwrap_or_else(|_| "{}".to_owned())
}

/// As Node.js reads a query.
const MOST_PAIRS: usize = 1000;

#[derive(serde::Serialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Several(Vec<String>),
}

impl Values {
    fn push(&mut self, value: String) {
        match self {
            Values::One(first) => *self = Values::Several(vec![std::mem::take(first), value]),
            Values::Several(all) => all.push(value),
        }
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// The answer to a CONNECT that is accepted.
///
/// ```
/// use sockeye_socket_proto::v4;
///
/// assert_eq!(v4::connect_reply("/", 0).text(), "0");
/// assert_eq!(v4::connect_reply("/chat", 0).text(), "0/chat,");
/// ```
pub fn connect_reply(namespace: &str, room: usize) -> Encoded {
    encode::connect(namespace, None, room)
}

/// `ERROR`: the answer to a CONNECT that is refused. `data` is JSON text; where it says nothing (`null`, `false`, `0`,
/// an empty text) the message stands for it.
///
/// ```
/// use sockeye_socket_proto::v4;
///
/// assert_eq!(v4::error("/", "no entry", None, 0).text(), r#"4"no entry""#);
/// assert_eq!(v4::error("/a", "no entry", Some(r#"{"code":7}"#), 0).text(), r#"4/a,{"code":7}"#);
/// assert_eq!(v4::error("/", "no entry", Some("null"), 0).text(), r#"4"no entry""#);
/// ```
pub fn error(namespace: &str, message: &str, data: Option<&str>, room: usize) -> Encoded {
    let says_something = |data: &&str| !matches!(*data, "null" | "false" | "0" | "\"\"");
    let data = data.filter(says_something);
    let mut packet = Packet::new(namespace, None, room, data.unwrap_or(message).len() + 2);
    match data {
        Some(data) => packet.raw(data),
        None => packet.string(message),
    }
    packet.finish(b'4', Vec::new())
}

/// The id of a socket, which its client makes in the same way: that of the connection in the main namespace, and elsewhere
/// the namespace's name in front of it.
///
/// ```
/// use sockeye_socket_proto::v4;
///
/// assert_eq!(v4::id("/", "x1"), "x1");
/// assert_eq!(v4::id("/chat", "x1"), "/chat#x1");
/// ```
pub fn id(namespace: &str, connection: &str) -> String {
    if namespace == namespace::MAIN {
        return connection.to_owned();
    }
    format!("{namespace}#{connection}")
}
