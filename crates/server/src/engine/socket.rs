//! What the handler of a session holds.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use bytes::Bytes;
use engine_proto::{CloseReason, Transport};
use parking_lot::Mutex;
use transport::{Class, Connection, Encoded, Pushed};

use crate::handshake::Handshake;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

impl Message {
    pub(crate) fn encode(self) -> Arc<Encoded> {
        match self {
            Message::Text(text) => Encoded::message(&text),
            Message::Binary(data) => Encoded::binary(data),
        }
    }

    fn cost(&self) -> usize {
        const HOLDING: usize = 64;
        HOLDING
            + match self {
                Message::Text(text) => text.len(),
                Message::Binary(data) => data.len(),
            }
    }
}

/// One session. Cloning counts a reference.
#[derive(Clone)]
pub struct Socket(Arc<Inner>);

struct Inner {
    connection: Connection,
    handshake: Arc<transport::Handshake>,
    inbox_bytes: usize,
    /// Guards what waits to be received. Never held while awaiting.
    inbox: Mutex<Inbox>,
}

#[derive(Default)]
struct Inbox {
    messages: VecDeque<Message>,
    bytes: usize,
    ended: Option<CloseReason>,
    receiver: Option<Waker>,
}

impl Socket {
    pub(super) fn new(
        connection: Connection,
        handshake: Arc<transport::Handshake>,
        inbox_bytes: usize,
    ) -> Self {
        Socket(Arc::new(Inner { connection, handshake, inbox_bytes, inbox: Mutex::default() }))
    }

    /// The session's id: a secret between server and client.
    pub fn id(&self) -> String {
        self.0.connection.sid().as_str().to_owned()
    }

    /// The next message; `None` when the session is over and everything has been received.
    pub async fn recv(&self) -> Option<Message> {
        poll_fn(|cx| {
            let mut inbox = self.0.inbox.lock();
            if let Some(message) = inbox.messages.pop_front() {
                inbox.bytes -= message.cost();
                return Poll::Ready(Some(message));
            }
            if inbox.ended.is_some() {
                return Poll::Ready(None);
            }
            inbox.receiver = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Sends a message. `false` if the session is over, or its client reads too slowly and is being
    /// disconnected.
    pub fn send(&self, message: Message) -> bool {
        self.push(&message.encode())
    }

    /// Sends text; see [`send`](Self::send).
    pub fn send_text(&self, text: &str) -> bool {
        self.push(&Encoded::message(text))
    }

    /// Sends bytes; see [`send`](Self::send).
    pub fn send_binary(&self, data: impl Into<Bytes>) -> bool {
        self.push(&Encoded::binary(data.into()))
    }

    fn push(&self, packet: &Arc<Encoded>) -> bool {
        matches!(self.0.connection.push(packet, Class::Normal), Pushed::Queued)
    }

    /// Closes the session; what was sent before still goes out.
    pub fn close(&self) {
        self.0.connection.close(CloseReason::ForcedClose);
    }

    /// Why the session is over, once it is.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.0.inbox.lock().ended
    }

    /// The transport in use now.
    pub fn transport(&self) -> Transport {
        self.0.connection.transport()
    }

    /// The request that opened the session.
    pub fn handshake(&self) -> Handshake<'_> {
        Handshake::new(&self.0.handshake, None)
    }

    pub(super) fn wake(&self) {
        self.0.connection.wake();
    }

    /// `false` if the inbox is full; nothing has been copied then.
    pub(super) fn deliver(&self, message: engine_proto::Message<'_>) -> bool {
        let mut inbox = self.0.inbox.lock();
        let length = match message {
            engine_proto::Message::Text(text) => text.len(),
            engine_proto::Message::Binary(data) => data.len(),
        };
        if !inbox.messages.is_empty() && inbox.bytes + length > self.0.inbox_bytes {
            return false;
        }
        let message = match message {
            engine_proto::Message::Text(text) => Message::Text(text.to_owned()),
            engine_proto::Message::Binary(data) => Message::Binary(Bytes::copy_from_slice(data)),
        };
        inbox.bytes += message.cost();
        inbox.messages.push_back(message);
        let receiver = inbox.receiver.take();
        drop(inbox);
        receiver.into_iter().for_each(Waker::wake);
        true
    }

    pub(super) fn end(&self, reason: CloseReason) {
        let mut inbox = self.0.inbox.lock();
        inbox.ended.get_or_insert(reason);
        let receiver = inbox.receiver.take();
        drop(inbox);
        receiver.into_iter().for_each(Waker::wake);
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The id is a secret: logs name the connection by its number.
        f.debug_struct("Socket")
            .field("connection", &self.0.connection.id())
            .finish_non_exhaustive()
    }
}
