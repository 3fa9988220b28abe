//! A client of Socket.IO 2: what it says is put into the words of today, and then it is a client like any other.

use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use engine_proto::CloseReason;
use socket_proto::{Message, v4};
use transport::Upper;

use super::Client;
use super::running::begin_turn;

/// What sits on an engine session of revision 3.
pub(crate) struct OldClient {
    client: Client,
    /// It has been seen to that the client is in the main namespace, which it never asks for.
    joined: bool,
}

impl OldClient {
    pub(crate) fn new(client: Client) -> Self {
        OldClient { client, joined: false }
    }

    /// Joins the main namespace, before anything else happens.
    fn join_main(&mut self, cx: &mut Context<'_>) -> Result<(), CloseReason> {
        if std::mem::replace(&mut self.joined, true) {
            return Ok(());
        }
        begin_turn();
        let now = self.client.now()?;
        self.client.follow_up(Message::Text(v4::JOIN_MAIN), now, cx)
    }
}

impl Upper for OldClient {
    fn message(
        &mut self,
        message: engine_proto::Message<'_>,
        now: Duration,
        cx: &mut Context<'_>,
    ) -> Result<(), CloseReason> {
        self.join_main(cx)?;
        self.client.arrive(cx);
        if let Some(core) = self.client.translator() {
            let (text, attachments) = self.client.unpack(&core, message)?;
            return self.client.follow_all(&v4::read(&text), &attachments, now, cx);
        }
        match message {
            engine_proto::Message::Text(text) => {
                self.client.follow_up(Message::Text(&v4::read(text)), now, cx)
            }
            engine_proto::Message::Binary(data) => {
                self.client.follow_up(Message::Binary(data), now, cx)
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Err(reason) = self.join_main(cx) {
            self.client.connection.close(reason);
        }
        self.client.poll(cx)
    }

    fn next_timeout(&self) -> Option<Duration> {
        self.client.next_timeout()
    }

    fn timeout(&mut self, now: Duration) -> Result<(), CloseReason> {
        self.client.timeout(now)
    }

    fn ending(&mut self, why: &dyn fmt::Display) {
        self.client.ending(why);
    }

    fn closed(&mut self, reason: CloseReason, cx: &mut Context<'_>) {
        self.joined = true;
        self.client.closed(reason, cx);
    }
}
