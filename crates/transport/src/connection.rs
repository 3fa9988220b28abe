//! The handle to one session, and what its task shares with everybody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;
use engine_proto::handshake::Revision;
use engine_proto::{CloseReason, Sid, Transport};
use parking_lot::Mutex;

use crate::encoded::Deflate;
use crate::flusher::{self, Writer};
use crate::mailbox::Mailbox;
use crate::outbox::{Drained, Entry, Next, Outbox, Way};
use crate::stats::Stats;
use crate::worker::{Key, Worker};
use crate::{Class, Encoded, Pushed, Recipients, v3};

/// One engine session, from any thread. Cloning counts a reference; holding one keeps no session alive.
#[derive(Clone)]
pub struct Connection(pub(crate) Arc<Shared>);

impl Connection {
    /// Queues a packet for this client alone. Never blocks, nor wakes the connection's task: what a turn has
    /// pushed is written together at its end, or when the outbox is full.
    pub fn push(&self, packet: &Arc<Encoded>, class: Class) -> Pushed {
        self.push_to(packet, class, Recipients::One)
    }

    /// As [`push`](Self::push), and says whether others get the packet as well.
    pub fn push_to(&self, packet: &Arc<Encoded>, class: Class, recipients: Recipients) -> Pushed {
        let (packet, limit) = (self.form(packet), self.0.worker.outbox_bytes);
        let pushed = self.try_push(|outbox| outbox.push(packet, class, recipients, limit));
        if pushed == Pushed::Overflow {
            self.close(CloseReason::SlowConsumer);
        }
        pushed
    }

    /// As [`push_to`](Self::push_to), but an outbox that is full is no reason to close: whoever offers has
    /// another way to bring the packet later. See [`poll_drained`](Self::poll_drained). A quarter of the outbox
    /// is left to what is pushed, which has no other way.
    pub fn offer(&self, packet: &Arc<Encoded>, class: Class, recipients: Recipients) -> Pushed {
        let (packet, limit) = (self.form(packet), self.0.worker.outbox_bytes / 4 * 3);
        self.try_push(|outbox| outbox.push(packet, class, recipients, limit))
    }

    /// As [`offer`](Self::offer), two packets that belong together: both are queued, or none.
    pub fn offer_pair(&self, pair: [&Arc<Encoded>; 2], recipients: Recipients) -> Pushed {
        let (pair, limit) =
            (pair.map(|packet| self.form(packet)), self.0.worker.outbox_bytes / 4 * 3);
        self.try_push(|outbox| outbox.push_pair(pair, recipients, limit))
    }

    /// The packet as this client reads it.
    fn form<'p>(&self, packet: &'p Arc<Encoded>) -> &'p Arc<Encoded> {
        v3::form(self.0.revision, packet)
    }

    fn try_push(&self, push: impl Fn(&mut Outbox) -> (Pushed, Next)) -> Pushed {
        let (mut pushed, mut next) = push(&mut self.0.outbox.lock());
        // A turn may say more than an outbox holds: only a client that does not take it is slow. Each round
        // writes a part of what waits.
        while pushed == Pushed::Overflow && flusher::make_room(&self.0) {
            (pushed, next) = push(&mut self.0.outbox.lock());
        }
        if pushed == Pushed::Dropped {
            self.0.worker.counts.dropped();
        }
        self.0.follow(next);
        pushed
    }

    /// Ready when at most `bytes` wait to be written, or the session is over. One waits at a time: the last
    /// that asked is woken.
    pub fn poll_drained(&self, bytes: usize, cx: &Context<'_>) -> Poll<()> {
        let mut outbox = self.0.outbox.lock();
        if outbox.bytes <= bytes || outbox.closed || outbox.wish.is_some() {
            return Poll::Ready(());
        }
        outbox.drained = Some(Box::new(Drained { bytes, waker: cx.waker().clone() }));
        Poll::Pending
    }

    /// Asks the connection's task to close the session. What was pushed before still goes out.
    pub fn close(&self, reason: CloseReason) {
        let mut outbox = self.0.outbox.lock();
        if !outbox.closed {
            outbox.wish.get_or_insert(reason);
            let drained = outbox.drained.take();
            drop(outbox);
            if let Some(drained) = drained {
                drained.waker.wake();
            }
            self.0.raise(flag::CLOSE);
        }
    }

    /// Has the task call [`Upper::poll`](crate::Upper::poll).
    pub fn wake(&self) {
        self.0.waker.wake();
    }

    /// The id of the session: a secret between server and client.
    pub fn sid(&self) -> Sid {
        self.0.sid
    }

    /// A number that no other connection of this process has at the same time.
    pub fn id(&self) -> u64 {
        self.0.worker.number_of(self.0.key)
    }

    /// Which of the server's workers has it.
    pub fn worker(&self) -> usize {
        self.0.worker.number()
    }

    /// Does what was sent to its worker before: to be called before something is done with the connection
    /// that must not come ahead of it. Never from a job that was [sent](crate::Server::send).
    pub fn catch_up(&self) {
        self.0.worker.inbox.catch_up();
    }

    /// The transport in use now.
    pub fn transport(&self) -> Transport {
        if self.0.transport.load(Ordering::Relaxed) == 0 {
            Transport::Polling
        } else {
            Transport::WebSocket
        }
    }

    /// The revision of Engine.IO that the client speaks.
    pub fn revision(&self) -> Revision {
        self.0.revision
    }

    /// Whether the session is over, or about to be.
    pub fn is_closed(&self) -> bool {
        let outbox = self.0.outbox.lock();
        outbox.closed || outbox.wish.is_some()
    }

    /// Bytes that wait to be written, and what holding them costs.
    pub fn queued_bytes(&self) -> usize {
        self.0.outbox.lock().bytes
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The sid is a secret: logs name the connection by its number.
        f.debug_struct("Connection").field("id", &self.id()).finish_non_exhaustive()
    }
}

/// Reasons for which a task is woken.
pub(crate) mod flag {
    pub(crate) const MAIL: u8 = 1;
    pub(crate) const TIMER: u8 = 2;
    pub(crate) const CLOSE: u8 = 4;
    /// The server's deadline is over: drop everything.
    pub(crate) const KILL: u8 = 8;
    /// The socket has failed while somebody else wrote to it.
    pub(crate) const BROKEN: u8 = 16;
}

/// What the connection's task shares with users, the flusher, the wheel and HTTP requests.
pub(crate) struct Shared {
    pub(crate) sid: Sid,
    pub(crate) key: Key,
    pub(crate) worker: Arc<Worker>,
    pub(crate) outbox: Mutex<Outbox>,
    /// Guards the socket's write side and what is half written. Taken by whoever has the outbox's claim,
    /// so it is never waited for.
    pub(crate) writer: Mutex<Writer>,
    pub(crate) mailbox: Mutex<Mailbox>,
    pub(crate) waker: AtomicWaker,
    pub(crate) flags: AtomicU8,
    transport: AtomicU8,
    pub(crate) revision: Revision,
    /// The earliest time, in milliseconds, for which the wheel holds this connection.
    pub(crate) armed: AtomicU64,
    pub(crate) posts: AtomicU32,
}

impl Shared {
    pub(crate) fn new(
        sid: Sid,
        key: Key,
        worker: Arc<Worker>,
        (revision, transport): (Revision, Transport),
    ) -> Self {
        Shared {
            sid,
            key,
            worker,
            outbox: Mutex::new(Outbox::new(Way::Task)),
            writer: Mutex::new(Writer::default()),
            mailbox: Mutex::new(Mailbox::default()),
            waker: AtomicWaker::new(),
            flags: AtomicU8::new(0),
            transport: AtomicU8::new(number_of(transport)),
            revision,
            armed: AtomicU64::new(u64::MAX),
            posts: AtomicU32::new(0),
        }
    }

    /// Wakes the task with a reason.
    pub(crate) fn raise(&self, flag: u8) {
        self.flags.fetch_or(flag, Ordering::Release);
        self.waker.wake();
    }

    /// Queues what the protocol has to say.
    pub(crate) fn add(self: &Arc<Self>, entry: Entry) {
        let next = self.outbox.lock().add(entry);
        self.follow(next);
    }

    /// Puts the connection on the dirty list unless it stands there. Also while its own task is in its turn:
    /// that looks at the queue alone, and what is left may be half written.
    pub(crate) fn mark_again(self: &Arc<Self>) {
        let next = self.outbox.lock().mark();
        self.follow(next);
    }

    /// Does what the outbox has asked for, now that its lock is free.
    pub(crate) fn follow(self: &Arc<Self>, next: Next) {
        if next == Next::Mark {
            self.worker.mark(Arc::clone(self));
        }
    }

    /// Nothing goes in or out any more.
    pub(crate) fn shut(&self) {
        self.outbox.lock().shut();
        self.close_mailbox();
        // Held by others for the time of a write that does not wait; the socket is not theirs to keep.
        self.writer.lock().clear();
    }

    /// Adds it to what is seen, while it is open.
    pub(crate) fn add_to(self: &Arc<Self>, stats: &mut Stats) {
        let outbox = self.outbox.lock();
        let (open, queued) = (!outbox.closed, outbox.bytes);
        drop(outbox);
        if open {
            stats.see(Connection(Arc::clone(self)).transport(), queued);
        }
    }

    /// What is queued goes to a WebSocket from now on, and whether to one that negotiated compression.
    pub(crate) fn set_websocket(&self, deflates: bool) {
        let number = if deflates { DEFLATING } else { number_of(Transport::WebSocket) };
        self.transport.store(number, Ordering::Relaxed);
    }

    /// How messages are compressed for its client, if they are.
    pub(crate) fn deflate(&self) -> Deflate<'_> {
        if self.transport.load(Ordering::Relaxed) == DEFLATING {
            self.worker.deflate.as_ref()
        } else {
            None
        }
    }
}

/// A WebSocket for which compression was negotiated: a transport that others need not know of.
const DEFLATING: u8 = 2;

fn number_of(transport: Transport) -> u8 {
    match transport {
        Transport::Polling => 0,
        Transport::WebSocket => 1,
    }
}
