//! Reading: the current pipe, and a candidate.

use std::ops::ControlFlow;
use std::task::{Context, Poll};

use engine_proto::{CloseReason, Packet, PacketError, Pipe};

use super::talk::Talk;
use super::{Candidate, Carrier, Engine};
use crate::polling::Polling;
use crate::websocket::{Listener, Lost, WebSocket};
use crate::{Queue, Upper};

/// Packets of an answer that are read in one turn; then others get theirs.
const PACKETS: usize = 512;

impl Engine {
    pub(super) fn read(&mut self, upper: &mut impl Upper, cx: &mut Context<'_>) {
        self.open_current(cx);
        if self.talk.session.closed().is_some() {
            return;
        }
        match &mut self.current {
            Carrier::Polling(polling) => read_polling(polling, &mut self.talk, upper, cx),
            Carrier::WebSocket(socket) => read_websocket(socket, &mut self.talk, upper, cx),
            Carrier::None | Carrier::Dialling(_) => {}
        }
        self.held = !self.talk.listens(upper);
        self.read_candidate(upper, cx);
    }

    /// Tells the machine when nothing is under way any more, if it waits for that.
    pub(super) fn report_pause(&mut self) {
        if let Carrier::Polling(polling) = &self.current
            && polling.paused
            && polling.is_idle()
        {
            self.talk.session.polling_paused(&mut self.talk.orders);
        }
    }

    /// Waits for the WebSocket on which the session is to open.
    fn open_current(&mut self, cx: &mut Context<'_>) {
        let Carrier::Dialling(dialling) = &mut self.current else { return };
        match dialling.as_mut().poll(cx) {
            Poll::Pending => {}
            Poll::Ready(Ok(socket)) => {
                self.current = Carrier::WebSocket(socket);
                self.remember(true);
            }
            Poll::Ready(Err(error)) => {
                self.talk.lose(Pipe::Current, CloseReason::TransportError, error);
            }
        }
    }

    fn read_candidate(&mut self, upper: &mut impl Upper, cx: &mut Context<'_>) {
        let Some(candidate) = self.candidate.as_mut() else { return };
        match candidate {
            Candidate::Dialling(dialling) => match dialling.as_mut().poll(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(socket)) => {
                    *candidate = Candidate::Open(socket);
                    self.talk.session.candidate_opened(&mut self.talk.orders);
                }
                Poll::Ready(Err(error)) => {
                    self.talk.lose(Pipe::Candidate, CloseReason::TransportError, error);
                }
            },
            Candidate::Open(socket) => ask_candidate(socket, &mut self.talk, upper, cx),
        }
    }
}

/// What comes on a WebSocket is heard by the machine, and by the floor above.
struct Ear<'a, U> {
    talk: &'a mut Talk,
    upper: &'a mut U,
    pipe: Pipe,
}

impl<U: Upper> Listener for Ear<'_, U> {
    fn wants_more(&self) -> bool {
        self.pipe == Pipe::Candidate || self.talk.listens(self.upper)
    }

    fn hear(&mut self, packet: Result<Packet<'_>, PacketError>) -> ControlFlow<()> {
        self.talk.packet(self.pipe, packet, self.upper)
    }
}

/// Hears whether the candidate answers, and writes what was said to it.
fn ask_candidate(
    socket: &mut WebSocket,
    talk: &mut Talk,
    upper: &mut impl Upper,
    cx: &mut Context<'_>,
) {
    if let Poll::Ready(Err(error)) = socket.poll_write(&mut Queue::default(), cx) {
        let Lost { reason, error } = Lost::broken(error);
        return talk.lose(Pipe::Candidate, reason, error);
    }
    let lost = socket.poll_packets(&mut Ear { talk, upper, pipe: Pipe::Candidate }, cx);
    if let Poll::Ready(Lost { reason, error }) = lost {
        talk.lose(Pipe::Candidate, reason, error);
    }
}

fn read_websocket(
    socket: &mut WebSocket,
    talk: &mut Talk,
    upper: &mut impl Upper,
    cx: &mut Context<'_>,
) {
    let lost = socket.poll_packets(&mut Ear { talk, upper, pipe: Pipe::Current }, cx);
    if let Poll::Ready(Lost { reason, error }) = lost {
        talk.lose(Pipe::Current, reason, error);
    }
}

fn read_polling(
    polling: &mut Polling,
    talk: &mut Talk,
    upper: &mut impl Upper,
    cx: &mut Context<'_>,
) {
    while talk.listens(upper) {
        if polling.body.is_empty() {
            if !polling.paused {
                polling.ask(talk.now);
            }
            match polling.poll_get(talk.now, cx) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => {
                    return talk.lose(Pipe::Current, CloseReason::TransportError, error);
                }
            }
        }
        if read_payload(polling, talk, upper).is_break() {
            return;
        }
        if !polling.body.is_empty() {
            // Others first, or the floor above.
            return cx.waker().wake_by_ref();
        }
    }
}

/// Reads on in what the last GET has brought. `Break`: the session is over.
fn read_payload(polling: &mut Polling, talk: &mut Talk, upper: &mut impl Upper) -> ControlFlow<()> {
    let body = std::mem::take(&mut polling.body);
    let mut packets = talk.revision.packets(&body);
    for _ in 0..PACKETS {
        let was_open = talk.open.is_some();
        let Some(packet) = packets.next() else { break };
        if let Ok(packet) = &packet {
            polling.heard(packet);
        }
        talk.packet(Pipe::Current, packet, upper)?;
        if let (false, Some(open)) = (was_open, &talk.open) {
            polling.opened(open);
        }
        if !talk.listens(upper) {
            break;
        }
    }
    if let Some(rest) = packets.rest() {
        polling.body = body.slice(body.len() - rest.len()..);
    }
    ControlFlow::Continue(())
}
