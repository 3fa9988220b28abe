//! Whom an event was for, by name: what the log keeps of an audience.

use adapter::Audience;
use log::Names;
use smallvec::smallvec;

/// Rooms that an event was sent to, and those that were left out. Ids of sockets are rooms too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Address {
    /// None means everybody.
    pub(crate) to: Names,
    pub(crate) except: Vec<Box<str>>,
}

impl Address {
    pub(crate) fn one(socket: &str) -> Self {
        Address { to: smallvec![socket.into()], except: Vec::new() }
    }

    /// That of an audience, without these sockets.
    pub(crate) fn of<'a>(
        audience: &'a Audience,
        except_sockets: impl Iterator<Item = &'a str>,
    ) -> Self {
        let excluded = audience.excluded_rooms().iter().map(|room| &**room);
        Address {
            to: audience.rooms().iter().map(|room| (&**room).into()).collect(),
            except: excluded.chain(except_sockets).map(Box::from).collect(),
        }
    }
}
