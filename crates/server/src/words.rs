//! What clients of the two revisions are told in different words. Whose they are is looked up here and nowhere else.

use engine_proto::Sid;
use engine_proto::handshake::Revision;
use socket_proto::{Encoded, encode, v4};
use transport::{Connection, ROOM};

use crate::socket::SocketId;

/// The words for the clients of one revision.
pub(crate) struct Words {
    /// The answer to a CONNECT: namespace, id, and the secret of a client that may come back.
    pub(crate) reply: fn(&str, &str, Option<&str>) -> Encoded,
    /// The refusal: namespace, message, data.
    pub(crate) refusal: fn(&str, &str, Option<&str>) -> Encoded,
    /// The public id of a new socket: namespace, and the session's id.
    pub(crate) id: fn(&str, Sid) -> SocketId,
    /// Whether a client knows how to come back.
    pub(crate) returns: bool,
}

impl Words {
    /// Those for the client of this connection.
    pub(crate) fn to(connection: &Connection) -> &'static Words {
        match connection.revision() {
            Revision::Four => &TODAY,
            Revision::Three => &OLD,
        }
    }
}

static TODAY: Words = Words {
    reply: |namespace, id, pid| match pid {
        None => encode::connect_reply(namespace, id, ROOM),
        Some(pid) => encode::connect_reply_with_pid(namespace, id, pid, ROOM),
    },
    refusal: |namespace, message, data| encode::connect_error(namespace, message, data, ROOM),
    id: |_, _| SocketId::fresh(),
    returns: true,
};

/// Revision 4 of Socket.IO, on revision 3 of Engine.IO.
static OLD: Words = Words {
    reply: |namespace, _, _| v4::connect_reply(namespace, ROOM),
    refusal: |namespace, message, data| v4::error(namespace, message, data, ROOM),
    id: |namespace, sid| match namespace {
        "/" => SocketId::Own(sid),
        _ => SocketId::Made(v4::id(namespace, sid.as_str()).into()),
    },
    returns: false,
};
