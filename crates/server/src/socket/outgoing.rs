//! Hearing what is sent to one socket.
//!
//! A listener is run by the task of the connection, like every handler: whoever sends stands under locks, and must not
//! wait for it. What is sent is noted where it is queued for the client, which costs a look at one flag where nobody
//! listens.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use socket_proto::{Args, event};
use transport::Encoded as Packet;

use super::Socket;
use crate::Handler;
use crate::connection::Event;
use crate::extract::OnEvent;
use crate::handler::{Entry, ON_ANY_OUTGOING};
use crate::listeners::{Chain, Place, insert};
use crate::parser;
use crate::stats::count;

/// Who hears what is sent to a socket, and what they have not heard yet.
#[derive(Default)]
pub(crate) struct Outgoing {
    listeners: Option<Chain>,
    sent: VecDeque<Arc<Packet>>,
    /// What `sent` costs.
    bytes: usize,
}

impl Socket {
    /// Adds what hears every event that is sent to this socket, whoever sends it: broadcasts too, acknowledgements not,
    /// nor what was volatile and dropped. [`Event`](crate::Event) is the name; the arguments are read as those of an event that
    /// comes. It cannot change them, and what it returns means nothing.
    ///
    /// It runs in the task of the connection, in the order of the events, soon after they were queued for the client.
    /// So much may wait to be heard as may wait to be [handled](crate::Builder::parked_bytes); what is sent beyond
    /// that is not heard, and counted in [`Stats::events_dropped`](crate::Stats::events_dropped).
    ///
    /// ```
    /// use sockeye::{Args, Event, Io, Result, Socket};
    ///
    /// let io = Io::builder().build()?;
    /// io.of("/").on_connect(async |socket: Socket| -> Result<()> {
    ///     socket.on_any_outgoing(async |Event(name): Event, args: Args| println!("-> {name} {args:?}"));
    ///     Ok(())
    /// });
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn on_any_outgoing<M: 'static>(&self, handler: impl Handler<OnEvent, M>) -> &Self {
        self.hear_outgoing(Entry::new(ON_ANY_OUTGOING.into(), handler), Place::Last)
    }

    /// As [`on_any_outgoing`](Self::on_any_outgoing), in front of those that were added before.
    pub fn prepend_any_outgoing<M: 'static>(&self, handler: impl Handler<OnEvent, M>) -> &Self {
        self.hear_outgoing(Entry::new(ON_ANY_OUTGOING.into(), handler), Place::First)
    }

    /// Takes back all that hears what is sent to this socket.
    pub fn off_any_outgoing(&self) -> &Self {
        let old = self.0.extra.lock().as_mut().and_then(|extra| {
            self.0.overheard.store(false, Ordering::Relaxed);
            extra.outgoing.take()
        });
        // Outside of the lock: what it captures is the user's code, and may come back here.
        drop(old);
        self
    }

    fn hear_outgoing(&self, entry: Arc<Entry>, place: Place) -> &Self {
        let mut guard = self.0.extra.lock();
        // Under the lock: a socket that has ended forgets its handlers after this, or has done so.
        if self.disconnect_reason().is_some() {
            drop((guard, entry));
            return self;
        }
        let outgoing = guard.get_or_insert_default().outgoing.get_or_insert_default();
        insert(&mut outgoing.listeners, entry, place);
        self.0.overheard.store(true, Ordering::Relaxed);
        drop(guard);
        self
    }

    /// Whether somebody wants to hear what is sent to it.
    #[inline]
    pub(crate) fn is_overheard(&self) -> bool {
        self.0.overheard.load(Ordering::Relaxed)
    }

    /// An event has been queued for its client.
    #[inline]
    pub(crate) fn overhear(&self, packet: &Arc<Packet>) {
        if self.is_overheard() {
            self.note_outgoing(packet);
        }
    }

    #[cold]
    fn note_outgoing(&self, packet: &Arc<Packet>) {
        let core = self.namespace().core();
        let cost = HOLDING + packet.len();
        let mut guard = self.0.extra.lock();
        let Some(outgoing) = guard.as_mut().and_then(|extra| extra.outgoing.as_mut()) else {
            return;
        };
        if outgoing.bytes > 0 && outgoing.bytes + cost > core.parked_bytes {
            drop(guard);
            return count(&core.counters(self.worker()).events_dropped, 1);
        }
        outgoing.bytes += cost;
        outgoing.sent.push_back(Arc::clone(packet));
        drop(guard);
        self.wake();
    }

    /// The next event that was sent and has not been heard, and who hears it.
    pub(crate) fn take_outgoing(&self) -> Option<(Chain, Overheard)> {
        let mut guard = self.0.extra.lock();
        let outgoing = guard.as_mut()?.outgoing.as_mut()?;
        let packet = outgoing.sent.pop_front()?;
        outgoing.bytes -= HOLDING + packet.len();
        let listeners = outgoing.listeners.clone()?;
        drop(guard);
        let of_log = self.session().is_some();
        let (text, attachments) = parser::open(&self.namespace().core().parser, &packet)?;
        Some((listeners, Overheard { text, attachments, of_log }))
    }
}

/// What holding a packet costs beside its bytes.
const HOLDING: usize = 64;

/// An event that was sent.
pub(crate) struct Overheard {
    text: String,
    attachments: Vec<Bytes>,
    /// Its last argument is its position in the log, or nothing, unless it asks for an answer.
    of_log: bool,
}

impl Overheard {
    /// The event, as if it had come.
    pub(crate) fn with(&self, act: impl FnOnce(Event<'_>)) {
        let Some(sent) = event::read(&self.text) else {
            return;
        };
        let json = if self.of_log && !sent.asks { without_last(sent.json) } else { sent.json };
        let args = Args { json, attachments: &self.attachments };
        act(Event { name: &sent.name, args, ack: None });
    }
}

fn without_last(json: &str) -> &str {
    let last = Args { json, attachments: &[] }.iter().last().map_or(0, str::len);
    json[..json.len() - last].trim_end_matches(',')
}

#[cfg(test)]
mod tests {
    use super::without_last;

    #[test]
    fn the_position_is_taken_off_and_nothing_else() {
        for (all, rest) in
            [("1,\"t\"", "1"), ("\"t\"", ""), ("\"a,b\",[1,2],null", "\"a,b\",[1,2]"), ("", "")]
        {
            assert_eq!(without_last(all), rest);
        }
    }
}
