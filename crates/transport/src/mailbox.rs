//! How an HTTP request reaches its session: it puts a letter into the mailbox, wakes the task, and waits for
//! the answer.
//!
//! The box is bounded by the HTTP connections that one client keeps open: each has one letter in it at most,
//! and a second poll or POST at a time ends the session.

use std::sync::Arc;

use bytes::Bytes;
use engine_proto::payload::Content;
use tokio::sync::oneshot;
use websocket_proto::Receiver;

use crate::connection::{Shared, flag};
use crate::upgrade::Taken;

/// Where the answer to a request goes.
pub(crate) type Reply = oneshot::Sender<Answer>;

/// Names one POST, so that a body finds its own beginning.
pub(crate) type PostId = u32;

/// What a session is asked over HTTP.
pub(crate) enum Letter {
    /// A GET that waits for packets.
    Poll(Reply),
    /// A POST whose body is on its way, and of what kind that is.
    Post(PostId, Content, Reply),
    /// The body of a POST is complete.
    Body(PostId, Bytes),
    /// The body was larger than a payload may be: the request has been answered, the session goes on.
    TooLarge(PostId),
    /// The client went away, or took too long, in the middle of a body.
    Aborted(PostId),
    /// A WebSocket that wants to become this session's pipe.
    Candidate(Box<(Taken, Receiver)>),
}

/// What the session answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Packets for a poll.
    Payload(Content, Vec<u8>),
    /// The same, not to be compressed.
    Plain(Content, Vec<u8>),
    /// A POST was taken in.
    Taken,
    /// A status without a body.
    Refused(u16),
}

#[derive(Default)]
pub(crate) struct Mailbox {
    letters: Letters,
    closed: bool,
}

/// What has been put in, in order. Without memory of its own while there is nothing: a WebSocket never gets
/// any.
#[derive(Default)]
pub(crate) struct Letters(Option<Box<Several>>);

#[derive(Default)]
struct Several(Vec<Letter>);

impl Letters {
    fn push(&mut self, letter: Letter) {
        self.0.get_or_insert_default().0.push(letter);
    }
}

impl IntoIterator for Letters {
    type Item = Letter;
    type IntoIter = std::vec::IntoIter<Letter>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.map_or_else(Vec::new, |several| several.0).into_iter()
    }
}

impl Shared {
    /// Puts a letter in; false if nobody reads any more.
    pub(crate) fn post(&self, letter: Letter) -> bool {
        let mut mailbox = self.mailbox.lock();
        if mailbox.closed {
            return false;
        }
        mailbox.letters.push(letter);
        drop(mailbox);
        self.raise(flag::MAIL);
        true
    }

    /// Takes everything out.
    pub(crate) fn letters(&self) -> Letters {
        std::mem::take(&mut self.mailbox.lock().letters)
    }

    /// Nobody will read any more: waiting requests find their answer's sender gone.
    pub(crate) fn close_mailbox(&self) {
        let mut mailbox = self.mailbox.lock();
        mailbox.closed = true;
        let letters = std::mem::take(&mut mailbox.letters);
        drop(mailbox);
        drop(letters);
    }
}

/// Tells the session when a POST's request is dropped before its body was complete.
pub(crate) struct PostGuard {
    session: Arc<Shared>,
    id: PostId,
    armed: bool,
}

impl PostGuard {
    pub(crate) fn new(session: Arc<Shared>, id: PostId) -> Self {
        PostGuard { session, id, armed: true }
    }

    pub(crate) fn id(&self) -> PostId {
        self.id
    }

    pub(crate) fn disarm(&mut self) {
        self.armed = false;
    }
}

impl Drop for PostGuard {
    fn drop(&mut self) {
        if self.armed {
            self.session.post(Letter::Aborted(self.id));
        }
    }
}
