//! What is sent to sockets, for those who want to hear it.

use std::task::Context;

use super::Client;
use super::starting::{Turn, span_of};
use crate::Socket;

impl Client {
    /// Has what was sent be heard, as far as the limit of unfinished events allows.
    pub(super) fn hear_outgoing(&mut self, cx: &mut Context<'_>) {
        for index in 0..self.members.len() {
            let socket = self.members[index].as_ref().map(|member| &member.socket);
            if let Some(socket) = socket.filter(|socket| socket.is_overheard()).cloned() {
                self.hear_sent_to(&socket, cx);
            }
        }
    }

    /// The same for one socket.
    pub(super) fn hear_sent_to(&mut self, socket: &Socket, cx: &mut Context<'_>) {
        let limit = socket.namespace().core().unfinished;
        for _ in 0..HEARD_PER_TURN {
            if self.work.as_ref().is_some_and(|work| work.unfinished >= limit) {
                // Goes on when one of them has finished.
                return;
            }
            let Some((listeners, sent)) = socket.take_outgoing() else {
                return;
            };
            let now = self.now().unwrap_or_default();
            sent.with(|event| {
                let span = span_of(socket, event.name);
                Turn { socket, work: &mut self.work, now, cx, span }.hear(&listeners, event);
            });
        }
        cx.waker().wake_by_ref();
    }
}

/// Events that are heard before others have their turn.
const HEARD_PER_TURN: usize = 64;
