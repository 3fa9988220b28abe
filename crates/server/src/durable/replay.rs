//! Reading the log for one session, at the pace of its client, until it meets the live events.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;

use log::{Chunk, Interval, Position, ReadError, StoredEvent};
use parking_lot::MutexGuard;
use transport::{Encoded as Packet, Pushed, ROOM, Recipients};

use super::session::{State, offer_all};
use super::{Address, Durable, Missed, Session};
use crate::Socket;

/// Read at once.
const CHUNK: usize = 64 * 1024;
/// More is read when so little waits to be written.
const DRAINED: usize = 64 * 1024;

/// Decides whether somebody who has come back may hear a room again.
pub(crate) type Rejoin =
    Arc<dyn Fn(Socket, String) -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

impl Durable {
    pub(crate) fn on_rejoin(&self, rejoin: Rejoin) {
        *self.family.rejoin.write() = Some(rejoin);
    }

    /// Asks for each room whether it may still be heard.
    pub(super) async fn ask_rooms(&self, session: &Session, socket: &Socket) {
        let Some(rejoin) = self.family.rejoin.read().clone() else {
            return;
        };
        let mut rooms: Vec<Box<str>> =
            session.state().rooms.iter().map(|one| one.room.clone()).collect();
        rooms.sort_unstable();
        rooms.dedup();
        for room in rooms {
            if !rejoin(socket.clone(), room.to_string()).await {
                self.revoke(session, &room);
                socket.add_refused(&room);
            }
        }
    }

    fn revoke(&self, session: &Session, room: &str) {
        let _order = self.order.lock();
        for old in session.state().revoke(room) {
            let _ = self.shard.forget_interval(session.id, &old.room, old.joined, self.class);
        }
    }

    /// A socket that has fallen behind reads the log until what is left is at hand.
    pub(crate) async fn follow(self: Arc<Self>, socket: Socket) {
        let Some(session) = socket.session().cloned() else {
            return;
        };
        match self.replay(&session, &socket).await {
            Ok(()) | Err(Missed::Fenced | Missed::Held) => {}
            Err(missed) => {
                tracing::warn!(
                    socket = socket.id(),
                    ?missed,
                    "the log has not all that is for a client"
                );
                self.lose(&session);
                // Its client comes back as somebody new, and is told then.
                socket.close_transport();
            }
        }
    }

    /// Whether all that is for a session is there, as far as that is known before it is read.
    pub(super) fn look(&self, session: &Session) -> Result<(), Missed> {
        let order = self.order.lock();
        let state = session.state();
        let wanted = session.intervals(&state);
        let looked = self.shard.look(&wanted, state.cursor, order.head());
        looked.map_err(|_| Missed::Gap)
    }

    /// Pushes what the log has for a session, until the rest is at hand.
    async fn replay(&self, session: &Arc<Session>, socket: &Socket) -> Result<(), Missed> {
        // What is at hand is pushed in one go when this returns, and at least one event has to fit.
        drained(socket, 0).await;
        while let Some((wanted, after, up_to)) = self.missing(session, socket)? {
            let Chunk { events, read_to } = self.read(wanted, after, up_to).await?;
            for event in events {
                self.push(session, socket, event).await?;
            }
            let mut state = reading(session, socket)?;
            state.cursor = state.cursor.max(read_to);
        }
        Ok(())
    }

    /// What has to be read; `None` if all of it is at hand.
    fn missing(
        &self,
        session: &Session,
        socket: &Socket,
    ) -> Result<Option<(Vec<Interval>, Position, Position)>, Missed> {
        let order = self.order.lock();
        let state = reading(session, socket)?;
        if order.since(state.cursor).is_some() {
            return Ok(None);
        }
        Ok(Some((session.intervals(&state), state.cursor, order.delivered)))
    }

    /// The log is read where waiting harms nobody.
    async fn read(
        &self,
        wanted: Vec<Interval>,
        after: Position,
        up_to: Position,
    ) -> Result<Chunk, Missed> {
        let shard = self.shard.clone();
        let read = move || shard.read(&wanted, after, up_to, CHUNK);
        match tokio::task::spawn_blocking(read).await {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(ReadError::Gap { .. })) => Err(Missed::Gap),
            Ok(Err(error)) => {
                tracing::error!(%error, "the log cannot be read");
                Err(Missed::Unreadable)
            }
            Err(_) => Err(Missed::Unreadable),
        }
    }

    /// Pushes one event of the log, as soon as the client has taken what came before.
    async fn push(
        &self,
        session: &Session,
        socket: &Socket,
        stored: StoredEvent,
    ) -> Result<(), Missed> {
        let StoredEvent { position, event } = stored;
        let address = Address { to: event.to, except: event.except };
        if !session.wants(&session.state(), &address, position) {
            return Ok(());
        }
        let asks = event.asks.then_some(position);
        let packets =
            self.packets(socket.namespace(), encoded(&event.text, event.attachments), asks);
        let mut room = DRAINED;
        loop {
            drained(socket, room).await;
            match push_held(session, socket, position, &packets)? {
                // An empty outbox takes any event, whatever its size.
                Pushed::Overflow => room = 0,
                Pushed::Queued => return Ok(()),
                Pushed::Closed | Pushed::Dropped => return Err(Missed::Fenced),
            }
        }
    }
}

/// Waits until at most so many bytes wait to be written.
async fn drained(socket: &Socket, bytes: usize) {
    poll_fn(|cx| socket.connection().poll_drained(bytes, cx)).await;
}

/// Where a session stands whose socket reads the log for it, and may go on.
fn reading<'a>(session: &'a Session, socket: &Socket) -> Result<MutexGuard<'a, State>, Missed> {
    match session.held_by(socket) {
        None => Err(Missed::Fenced),
        Some(state) if state.holds > 0 => Err(Missed::Held),
        Some(state) => Ok(state),
    }
}

fn push_held(
    session: &Session,
    socket: &Socket,
    position: Position,
    packets: &[Arc<Packet>],
) -> Result<Pushed, Missed> {
    let mut state = reading(session, socket)?;
    if socket.disconnect_reason().is_some() {
        return Err(Missed::Fenced);
    }
    if position <= state.cursor {
        return Ok(Pushed::Queued);
    }
    let pushed = offer_all(socket, packets, Recipients::One);
    if pushed == Pushed::Queued {
        state.has_pushed(position);
    }
    Ok(pushed)
}

/// A packet as it was logged.
pub(super) fn encoded(text: &[u8], attachments: Vec<bytes::Bytes>) -> socket_proto::Encoded {
    let mut buffer = Vec::with_capacity(ROOM + text.len());
    buffer.resize(ROOM, 0);
    buffer.extend_from_slice(text);
    socket_proto::Encoded { buffer, start: ROOM, attachments, compress: true }
}
