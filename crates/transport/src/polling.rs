//! The session's half of HTTP long-polling: a held GET, a POST on its way, and the letters they come in.

use std::task::Context;

use bytes::Bytes;
use engine_proto::payload::Content;
use engine_proto::{Control, Pipe, Session, Tray};
use websocket_proto::Receiver;

use crate::driver::Driver;
use crate::mailbox::{Answer, Letter, PostId, Reply};
use crate::outbox::Entry;
use crate::revision::Revision;
use crate::upgrade::Taken;
use crate::websocket::Candidate;
use crate::{Application, SessionStep};

/// The requests of a polling client that wait for their answers.
#[derive(Default)]
pub(crate) struct Polling {
    held: Option<Reply>,
    post: Option<(PostId, Content, Reply)>,
    /// What is left of that POST's body once it has come.
    body: Option<(Content, Bytes)>,
}

impl Polling {
    /// Whether a part of a POST is still to be taken in.
    pub(crate) fn has_body(&self) -> bool {
        self.body.is_some()
    }

    pub(crate) fn holds_poll(&self) -> bool {
        self.held.is_some()
    }
}

const POLL_LOST: &str = "poll connection closed prematurely";
const POST_LOST: &str = "data request connection closed prematurely";
const POSTS_OVERLAP: &str = "data request overlap from client";

/// Packets of a POST taken in one turn.
const PACKETS: usize = 512;

impl<A: Application, R: Revision> Driver<A, R> {
    /// Takes in what HTTP requests have put into the mailbox.
    pub(crate) fn read_letters(&mut self, cx: &mut Context<'_>) {
        for letter in self.shared().letters() {
            match letter {
                Letter::Poll(reply) => self.poll_arrived(reply, cx),
                Letter::Post(id, content, reply) => self.post_arrived(id, content, reply, cx),
                Letter::Body(id, body) => self.body_arrived(id, body),
                Letter::TooLarge(id) => {
                    if self.take_post(id).is_some() {
                        self.session().post_finished();
                    }
                }
                Letter::Aborted(id) => {
                    if self.take_post(id).is_some() {
                        self.report(None, POST_LOST, cx, Session::post_aborted);
                    }
                }
                Letter::Candidate(newcomer) => {
                    let (taken, receiver) = *newcomer;
                    self.candidate_arrived(taken, receiver, cx);
                }
            }
        }
    }

    /// Reports something to the session, and does what it orders. `fault` is what was wrong with it if that ends the
    /// session, in the reference's words.
    fn report(
        &mut self,
        asked: Option<Reply>,
        fault: &str,
        cx: &mut Context<'_>,
        what: impl FnOnce(&mut Session<R::Heartbeat>, &mut Tray),
    ) -> Option<Reply> {
        let mut orders = Tray::new();
        what(self.session(), &mut orders);
        self.explain_end(fault);
        self.perform(orders, asked, cx)
    }

    fn poll_arrived(&mut self, reply: Reply, cx: &mut Context<'_>) {
        let held = self.report(Some(reply), "overlap from client", cx, Session::poll_arrived);
        if let (Some(reply), Some(polling)) = (held, &mut self.polling) {
            polling.held = Some(reply);
            self.shared().outbox.lock().ready = true;
        }
    }

    fn post_arrived(&mut self, id: PostId, content: Content, reply: Reply, cx: &mut Context<'_>) {
        if !R::takes(content) {
            self.report(Some(reply), "invalid content", cx, Session::post_invalid_content);
            return;
        }
        let taken = self.report(Some(reply), POSTS_OVERLAP, cx, Session::post_arrived);
        if let (Some(reply), Some(polling)) = (taken, &mut self.polling) {
            polling.post = Some((id, content, reply));
        }
    }

    fn take_post(&mut self, id: PostId) -> Option<Reply> {
        let polling = self.polling.as_mut()?;
        polling.post.take_if(|(expected, ..)| *expected == id).map(|(.., reply)| reply)
    }

    fn body_arrived(&mut self, id: PostId, body: Bytes) {
        if let Some(polling) = &mut self.polling
            && let Some((expected, content, _)) = polling.post
            && expected == id
        {
            polling.body = Some((content, body));
        }
    }

    /// Takes in the next packets of a POST: so many in a turn, since a body may hold a hundred thousand and
    /// others wait. After a violation the rest is dropped, and the answer is `ok` all the same.
    pub(crate) fn read_body(&mut self, cx: &mut Context<'_>) {
        let waits = self.polling.as_ref().is_some_and(|polling| polling.has_body());
        if !waits || self.room(1).is_none() {
            return;
        }
        let body = self.polling.as_mut().and_then(|polling| polling.body.take());
        let Some((content, body)) = body else {
            return;
        };
        let mut taken = 0;
        let rest = R::read(content, &body, |packet| {
            taken += 1;
            self.packet(Pipe::Current, packet, cx);
            taken < PACKETS && self.is_open()
        });
        let left = rest.map_or(0, <[u8]>::len);
        self.shared().worker.counts.received(taken, body.len() - left);
        self.charge(body.len() - left);
        let rest = rest.filter(|_| self.is_open()).map(|rest| body.slice_ref(rest));
        match rest {
            Some(rest) => {
                if let Some(polling) = &mut self.polling {
                    polling.body = Some((content, rest));
                }
                cx.waker().wake_by_ref();
            }
            None => self.body_ended(),
        }
    }

    fn body_ended(&mut self) {
        self.session().post_finished();
        let post = self.polling.as_mut().and_then(|polling| polling.post.take());
        if let Some((.., reply)) = post {
            let _ = reply.send(Answer::Taken);
        }
    }

    fn candidate_arrived(&mut self, taken: Taken, receiver: Receiver, cx: &mut Context<'_>) {
        let Ok(taken) = taken.take_over() else {
            return; // the system does not let this thread listen to it
        };
        let mut candidate = Box::new(Candidate::new(taken, receiver));
        let mut orders = Tray::new();
        let now = self.now();
        self.session().candidate_arrived(now, &mut orders);
        if orders.contains(&engine_proto::Order::RefuseCandidate) {
            websocket_proto::push_close(&mut candidate.out, None, "", None);
            let _ = candidate.write_out(cx);
            return;
        }
        self.set_candidate(candidate);
        self.tell(SessionStep::Upgrading);
        self.perform(orders, None, cx);
    }

    /// Notices a client that gave its held GET up.
    pub(crate) fn watch_requests(&mut self, cx: &mut Context<'_>) {
        let Some(held) = self.polling.as_mut().and_then(|polling| polling.held.as_mut()) else {
            return;
        };
        if held.poll_closed(cx).is_ready() {
            self.take_held();
            self.report(None, POLL_LOST, cx, Session::poll_aborted);
        }
    }

    fn take_held(&mut self) -> Option<Reply> {
        let held = self.polling.as_mut()?.held.take();
        self.shared().outbox.lock().ready = false;
        held
    }

    /// Answers the held GET if there is one and something to say.
    pub(crate) fn answer_poll(&mut self) {
        let holds = self.polling.as_ref().is_some_and(|polling| polling.holds_poll());
        if holds && !self.shared().outbox.lock().queue.is_empty() {
            self.release_poll(None);
            self.session().poll_answered();
        }
    }

    /// Answers a GET, the held one or the one just reported, with everything that is queued.
    pub(crate) fn release_poll(&mut self, asked: Option<Reply>) {
        let Some(reply) = asked.or_else(|| self.take_held()) else {
            return;
        };
        let mut outbox = self.shared().outbox.lock();
        let queue = std::mem::take(&mut outbox.queue);
        let all = outbox.bytes;
        outbox.give_back(all);
        drop(outbox);
        let (content, payload) = self.revision().payload(&queue);
        let packets = queue.iter().count().max(1); // a noop, where there was nothing
        self.shared().worker.counts.sent(packets, payload.len());
        // As the reference: one packet that may be compressed is enough.
        let compress = queue.iter().any(Entry::is_compressible);
        let answer = if compress { Answer::Payload } else { Answer::Plain };
        let _ = reply.send(answer(content, payload));
    }

    /// Answers the held GET with one packet.
    pub(crate) fn end_poll(&mut self, control: Control) {
        if let Some(reply) = self.take_held() {
            let packet = self.revision().lone_payload(control);
            self.shared().worker.counts.sent(1, packet.len());
            let _ = reply.send(Answer::Payload(Content::Text, packet));
        }
    }
}
