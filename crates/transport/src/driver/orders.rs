//! What the session's machine orders, done.

use std::task::Context;

use engine_proto::{Control, Order, Pipe, Tray};
use websocket_proto::Opcode;

use super::Driver;
use crate::mailbox::{Answer, Reply};
use crate::outbox::Entry;
use crate::revision::Revision;
use crate::{Application, SessionStep, Upper, threads};

impl<A: Application, R: Revision> Driver<A, R> {
    /// Does what the machine orders. `asked` is the request that was just reported to it; it comes back
    /// unless it was refused.
    pub(crate) fn perform(
        &mut self,
        orders: Tray,
        mut asked: Option<Reply>,
        cx: &mut Context<'_>,
    ) -> Option<Reply> {
        for order in orders {
            match order {
                Order::Send(Pipe::Current, control) => self.send(control),
                Order::Send(Pipe::Candidate, control) => self.send_on_candidate(control),
                Order::ReleasePoll => self.release_poll(asked.take()),
                Order::RefuseRequest(status) => {
                    if let Some(reply) = asked.take() {
                        let _ = reply.send(Answer::Refused(status));
                    }
                }
                Order::EndPoll(control) => self.end_poll(control),
                Order::Switch => self.switch(),
                Order::DropCandidate => self.drop_candidate(cx),
                Order::EndCandidate => self.end_candidate(),
                // Done by whoever reported it.
                Order::RefuseCandidate => {}
                Order::Finish(goodbye) => self.finish(goodbye, cx),
            }
        }
        asked
    }

    fn send(&mut self, control: Control) {
        if control == Control::Ping {
            // First: what others push in between stands behind the ping for us, wherever it is.
            self.upper.pinging();
        }
        if control == Control::Pong {
            // As often as its client likes (Engine.IO 3).
            return self.say_back(Entry::Control(control));
        }
        self.shared.add(Entry::Control(control));
    }

    fn send_on_candidate(&mut self, control: Control) {
        if let Some(candidate) = &mut self.candidate {
            let text = control.as_str().as_bytes();
            websocket_proto::push_frame(&mut candidate.out, Opcode::Text, true, None, text);
        }
    }

    /// The candidate becomes the current pipe; what waits goes out there.
    fn switch(&mut self) {
        let Some(mut candidate) = self.candidate.take() else {
            return;
        };
        self.shared.worker.counts.upgraded();
        self.polling = None;
        // A client that did not wait for the answer to its probe gets it all the same.
        let unsaid = std::mem::take(&mut candidate.out);
        if !unsaid.is_empty() {
            self.say_first(Entry::Frame(unsaid.into_boxed_slice()));
        }
        self.give_to_flusher(candidate.write.take(), candidate.deflates);
        // It is in the hands of the reader, who puts it in its new place.
        self.switched = true;
        self.tell(SessionStep::Upgraded);
    }

    /// The session does not wait for its candidate, so a task of its own does.
    fn end_candidate(&mut self) {
        if let Some(candidate) = self.candidate.take() {
            let patience = self.server.config.linger;
            threads::begin(tokio::time::timeout(patience, candidate.see_off()));
        }
    }

    fn drop_candidate(&mut self, cx: &mut Context<'_>) {
        if let Some(mut candidate) = self.candidate.take() {
            websocket_proto::push_close(&mut candidate.out, None, "", None);
            let _ = candidate.write_out(cx);
        }
    }
}
