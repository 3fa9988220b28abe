//! What the server speaks: protocol 5 of Socket.IO, or protocol 4, which is that of version 2.
//!
//! Sockets know nothing of it: they ask to be let in, are let in, refused or sent away in either.

use std::borrow::Cow;

use engine_client::{Config, Open, ROOM};
use socket_proto::client::Connection as Protocol;
#[cfg(feature = "eio3")]
use socket_proto::v4::client::{Interpreter, Joining};
use socket_proto::{Encoded, Slot, encode};

/// The language of one connection.
pub(super) enum Dialect {
    Five,
    #[cfg(feature = "eio3")]
    Four(Box<Old>),
}

/// What it takes to speak protocol 4.
#[cfg(feature = "eio3")]
pub(super) struct Old {
    /// There from the opening on.
    interpreter: Option<Interpreter>,
    /// That of the URL, encoded: the CONNECT for a namespace has it too.
    query: String,
    /// The server had let us into the main namespace before anybody wanted to be there: the id, and for whom.
    given: Option<(Slot, String)>,
}

#[cfg_attr(
    not(feature = "eio3"),
    expect(unused_variables, clippy::unnecessary_wraps, reason = "there is one dialect then")
)]
impl Dialect {
    /// For a connection with these settings.
    pub(super) fn new(config: &Config) -> Self {
        #[cfg(feature = "eio3")]
        if config.revision == engine_client::Revision::Three {
            let query = socket_proto::v4::client::pairs(&config.target.query);
            return Dialect::Four(Box::new(Old { interpreter: None, query, given: None }));
        }
        Dialect::Five
    }

    /// The connection is open.
    pub(super) fn opened(&mut self, open: &Open) {
        match self {
            Dialect::Five => {}
            #[cfg(feature = "eio3")]
            Dialect::Four(old) => old.interpreter = Some(Interpreter::new(&open.sid)),
        }
    }

    /// What is to be sent so that the server lets us into a namespace. `None`: it does so without being asked.
    pub(super) fn connect(
        &mut self,
        namespace: &str,
        slot: Slot,
        auth: Option<&str>,
    ) -> Option<Encoded> {
        match self {
            Dialect::Five => Some(encode::connect(namespace, auth, ROOM)),
            #[cfg(feature = "eio3")]
            Dialect::Four(old) => old.connect(namespace, slot, auth),
        }
    }

    /// Who is in the main namespace without having asked, and has not been told yet.
    pub(super) fn take_given(&mut self) -> Option<(Slot, String)> {
        match self {
            Dialect::Five => None,
            #[cfg(feature = "eio3")]
            Dialect::Four(old) => old.given.take(),
        }
    }

    /// We leave a namespace.
    pub(super) fn left(&mut self, namespace: &str) {
        match self {
            Dialect::Five => {}
            #[cfg(feature = "eio3")]
            Dialect::Four(old) => {
                if let Some(interpreter) = &mut old.interpreter {
                    interpreter.left(namespace);
                }
            }
        }
    }

    /// A packet as protocol 5 has it; `None` if it says nothing new.
    #[inline]
    pub(super) fn read<'p>(
        &mut self,
        packet: &'p str,
        protocol: &Protocol,
    ) -> Option<Cow<'p, str>> {
        match self {
            Dialect::Five => Some(Cow::Borrowed(packet)),
            #[cfg(feature = "eio3")]
            Dialect::Four(old) => match &mut old.interpreter {
                Some(interpreter) => interpreter.read(packet, protocol),
                None => Some(Cow::Borrowed(packet)),
            },
        }
    }
}

#[cfg(feature = "eio3")]
impl Old {
    fn connect(&mut self, namespace: &str, slot: Slot, auth: Option<&str>) -> Option<Encoded> {
        let mut query = socket_proto::v4::client::query(auth.unwrap_or_default());
        if !query.is_empty() && !self.query.is_empty() {
            query.push('&');
        }
        query.push_str(&self.query);
        match self.interpreter.as_mut()?.connect(namespace, &query, ROOM) {
            Joining::Ask(packet) => Some(packet),
            Joining::Wait => None,
            Joining::Joined(id) => {
                self.given = Some((slot, id));
                None
            }
        }
    }
}
