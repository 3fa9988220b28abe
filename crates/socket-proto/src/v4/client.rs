//! The connecting side: how it joins namespaces, and what the server says about that.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::id;
use crate::connection::client::Connection;
use crate::encode::{self, Encoded, Packet};
use crate::{namespace, split};

/// Puts what a server says into the words of revision 5, for one connection. Beside it stands a
/// [`Connection`](crate::client::Connection), to which the client says the same as ever: it is told of a
/// [`connect`](crate::client::Connection::connect) and of a [`left`](crate::client::Connection::left) as well.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use sockeye_socket_proto::client::{Connection, Incoming};
/// use sockeye_socket_proto::v4::client::{Interpreter, Joining};
/// use sockeye_socket_proto::{Limits, Message};
///
/// let now = Duration::ZERO;
/// let mut connection = Connection::new(&Arc::new(Limits::default()));
/// let mut interpreter = Interpreter::new("x1"); // the id of the session below
///
/// let slot = connection.connect("/chat", now).unwrap();
/// let Joining::Ask(packet) = interpreter.connect("/chat", "room=1", 0) else { panic!() };
/// assert_eq!(packet.text(), "0/chat?room=1,"); // to be sent
///
/// let reply = interpreter.read("0/chat,", &connection).unwrap();
/// let joined = connection.receive(Message::Text(&reply), now).unwrap();
/// assert_eq!(joined, Some(Incoming::Connected { slot, sid: "/chat#x1".into(), pid: None }));
/// ```
#[derive(Debug)]
pub struct Interpreter {
    /// The id of the session that carries the connection.
    sid: Box<str>,
    main: Main,
}

/// Where we stand with the main namespace, on the server's side. Ours may not have asked for it.
///
/// ```text
///   Coming ── CONNECT ──▶ Joined
///    ▲  │                   │
///    │  └── ERROR, left ──▶ Gone ◀── left, DISCONNECT
///    └───── CONNECT is sent ─┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Main {
    Coming,
    Joined,
    Gone,
}

/// What there is to do to join a namespace.
#[derive(Debug)]
pub enum Joining {
    /// This is to be sent.
    Ask(Encoded),
    /// Nothing: the server lets us in by itself, and says so when it does.
    Wait,
    /// Nothing: it has let us in already, with this id. The connection is to be told at once; see
    /// [`accepted`](crate::client::Connection::accepted).
    Joined(String),
}

impl Interpreter {
    /// For a connection that is carried by the session with this id.
    pub fn new(sid: &str) -> Self {
        Self { sid: sid.into(), main: Main::Coming }
    }

    /// Our user wants to join a namespace. The query, as a URL has it, goes along to all but the main namespace, which
    /// has that of the session; see [`query`].
    pub fn connect(&mut self, namespace: &str, query: &str, room: usize) -> Joining {
        if namespace != namespace::MAIN {
            return Joining::Ask(ask(namespace, query, room));
        }
        match self.main {
            Main::Coming => Joining::Wait,
            Main::Joined => Joining::Joined(id(namespace, &self.sid)),
            Main::Gone => {
                self.main = Main::Coming;
                Joining::Ask(encode::connect(namespace, None, room))
            }
        }
    }

    /// Our user leaves a namespace, and DISCONNECT is being sent.
    pub fn left(&mut self, namespace: &str) {
        if namespace == namespace::MAIN {
            self.main = Main::Gone;
        }
    }

    /// A packet that has come, as revision 5 has it; to be handed to this connection. `None` if it says nothing new.
    ///
    /// An `ERROR` in a namespace that is joined is what a middleware of the server says about an event. It becomes an
    /// event of the name `error`.
    pub fn read<'p>(&mut self, packet: &'p str, connection: &Connection) -> Option<Cow<'p, str>> {
        match packet.bytes().next() {
            Some(b'0') => self.connected(packet, connection).map(Cow::Owned),
            Some(b'1') => {
                self.left(target(packet).0);
                Some(Cow::Borrowed(packet))
            }
            Some(b'4') => Some(self.error(packet, connection)),
            _ => Some(Cow::Borrowed(packet)),
        }
    }

    fn connected(&mut self, packet: &str, connection: &Connection) -> Option<String> {
        let (namespace, _) = target(packet);
        if namespace == namespace::MAIN {
            if self.main == Main::Gone {
                return None; // sent before it heard that we have left
            }
            self.main = Main::Joined;
        }
        (!connection.has_joined(namespace)).then(|| self.joined(namespace))
    }

    /// The answer of revision 5 to a CONNECT.
    fn joined(&self, namespace: &str) -> String {
        encode::connect_reply(namespace, &id(namespace, &self.sid), 0).text().to_owned()
    }

    fn error<'p>(&mut self, packet: &'p str, connection: &Connection) -> Cow<'p, str> {
        let (namespace, data) = target(packet);
        // What is no JSON is left for the connection to find.
        if !data.is_empty() && split::whole(data).is_err() {
            return Cow::Borrowed(packet);
        }
        let data = if data.is_empty() { "null" } else { data };
        if connection.has_joined(namespace) {
            return Cow::Owned(error_event(namespace, data));
        }
        if namespace == namespace::MAIN && self.main == Main::Coming {
            self.main = Main::Gone;
        }
        Cow::Owned(refusal(namespace, data))
    }
}

/// A packet's namespace, without a query, and what stands behind it.
fn target(packet: &str) -> (&str, &str) {
    let rest = &packet[1..];
    if !rest.starts_with('/') {
        return (namespace::MAIN, rest);
    }
    let (target, data) = rest.split_once(',').unwrap_or((rest, ""));
    (target.split_once('?').map_or(target, |(name, _)| name), data)
}

/// CONNECT with a query. A comma in it would end the name.
fn ask(namespace: &str, query: &str, room: usize) -> Encoded {
    if query.is_empty() {
        return encode::connect(namespace, None, room);
    }
    let target = format!("{namespace}?{}", query.replace(',', "%2C"));
    encode::connect(&target, None, room)
}

fn error_event(namespace: &str, data: &str) -> String {
    let mut packet = Packet::new(namespace, None, 0, data.len() + 10);
    packet.raw("[\"error\",");
    packet.raw(data);
    packet.raw("]");
    packet.finish(b'2', Vec::new()).text().to_owned()
}

/// `CONNECT_ERROR` with a message, if the data is one or has one, and with the data, if it is more.
fn refusal(namespace: &str, data: &str) -> String {
    let mut packet = Packet::new(namespace, None, 0, data.len() + 40);
    if data.starts_with('"') {
        packet.raw(data);
    } else {
        let message = data.starts_with('{').then(|| split::member(data, "message"));
        let message = message.and_then(|member| member.ok().flatten());
        packet.raw("{\"message\":");
        match message.filter(|message| message.starts_with('"')) {
            Some(message) => packet.raw(message),
            None => packet.string(data),
        }
        packet.raw(",\"data\":");
        packet.raw(data);
        packet.raw("}");
    }
    packet.finish(b'4', Vec::new()).text().to_owned()
}

/// What would come with a CONNECT in revision 5, as a query: a pair for each member of the object, several for a list.
/// Texts stand as they are, anything else as JSON. Empty for what is no object.
///
/// ```
/// use sockeye_socket_proto::v4::client::query;
///
/// assert_eq!(query(r#"{"token":"a b","room":[1,2],"x":{"y":true}}"#), "room=1&room=2&token=a%20b&x=%7B%22y%22%3Atrue%7D");
/// ```
pub fn query(object: &str) -> String {
    let Ok(Value::Object(members)) = serde_json::from_str(object) else {
        return String::new();
    };
    let mut query = String::new();
    for (name, value) in &members {
        match value {
            Value::Array(values) => {
                for value in values {
                    push_member(&mut query, name, value);
                }
            }
            value => push_member(&mut query, name, value),
        }
    }
    query
}

/// Names and values as a query.
///
/// ```
/// use sockeye_socket_proto::v4::client::pairs;
///
/// assert_eq!(pairs(&[("room".to_owned(), "a b".to_owned()), ("x".to_owned(), String::new())]), "room=a%20b&x=");
/// ```
pub fn pairs(pairs: &[(String, String)]) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        push_pair(&mut query, name, value);
    }
    query
}

fn push_member(query: &mut String, name: &str, value: &Value) {
    match value {
        Value::String(text) => push_pair(query, name, text),
        value => push_pair(query, name, &value.to_string()),
    }
}

fn push_pair(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.extend(utf8_percent_encode(name, ESCAPED));
    query.push('=');
    query.extend(utf8_percent_encode(value, ESCAPED));
}

/// All but what no query has to escape.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
