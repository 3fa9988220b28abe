//! The last value of a room, for who joins it.
//!
//! The newest event that the store has is read first. Then, under the order's lock, so that nobody says anything
//! meanwhile: is a newer one at hand? The socket joins, and what was found is said again, to it alone. Both stand next
//! to each other in the log, so whoever joins hears the value of that moment and then everything after; and since it
//! is an event like others, it is not missed either.

use std::sync::Arc;

use log::{Position, StoredEvent};
use socket_proto::Encoded;

use super::deliver::{Members, Outgoing};
use super::replay::encoded;
use super::rooms::{Change, Changed};
use super::{Address, Durable, Session};
use crate::Socket;
use crate::emit::Recorded;
use crate::error::{EmitError, HistoryError, JoinError};

/// So many of the newest events are looked at: questions are no values.
const LOOKED_AT: usize = 16;

impl Durable {
    /// Joins a room, and hears what was said to it last.
    pub(crate) async fn join_with_last(
        self: &Arc<Self>,
        socket: &Socket,
        session: &Arc<Session>,
        room: &str,
    ) -> Result<Recorded, JoinError> {
        loop {
            let seen = self.log.progress().written;
            let past = self.past(room.to_owned(), None, LOOKED_AT).await;
            let past = past.map_err(|error| unreadable(socket, &error))?;
            if let Some(joined) = self.join_and_say(socket, session, room, (seen, past)) {
                return joined.map(|changed| self.record(&changed));
            }
            // More was said while it was read than is kept at hand.
        }
    }

    /// `None` if something may have been said since `seen` that is neither at hand nor in what was read.
    fn join_and_say(
        self: &Arc<Self>,
        socket: &Socket,
        session: &Arc<Session>,
        room: &str,
        (seen, past): (Position, Vec<StoredEvent>),
    ) -> Option<Result<Changed, JoinError>> {
        let order = self.order.lock();
        let last = match order.last_to(room) {
            Some(packet) => Some(encoded(packet.message_text(), packet.attachments().collect())),
            None if order.forgotten > seen => return None,
            None => newest(past),
        };
        let mut joined = match self.change_in(&order, Change::Join, socket, session, room) {
            Ok(joined) => joined,
            Err(error) => return Some(Err(error)),
        };
        let Some(last) = last else { return Some(Ok(joined)) };
        let said = self.emit_in(
            order,
            Outgoing {
                namespace: socket.namespace(),
                // Its token gives way to the new one.
                encoded: last,
                address: Address::one(socket.id()),
                members: Members::One(session),
                durability: None,
                key: None,
                asks: false,
            },
        );
        Some(said.map_err(|error| untold(socket, &error)).map(|said| {
            joined.stored = joined.stored.max(said.position().unwrap_or_default());
            joined
        }))
    }
}

/// The newest that is no question.
fn newest(past: Vec<StoredEvent>) -> Option<Encoded> {
    let last = past.into_iter().map(|stored| stored.event).rfind(|event| !event.asks)?;
    Some(encoded(&last.text, last.attachments))
}

fn unreadable(socket: &Socket, error: &HistoryError) -> JoinError {
    JoinError::Log { socket: socket.id().to_owned(), problem: error.to_string() }
}

fn untold(socket: &Socket, error: &EmitError) -> JoinError {
    match error {
        EmitError::Busy => JoinError::Busy,
        error => JoinError::Log { socket: socket.id().to_owned(), problem: error.to_string() },
    }
}
