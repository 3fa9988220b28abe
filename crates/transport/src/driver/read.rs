//! Reading: the session's current pipe, and a candidate.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use engine_proto::{CloseReason, Pipe};
use websocket_proto::{CloseFrame, Event, Opcode};

use super::Driver;
use super::leave::{Stage, close_frame};
use crate::outbox::Entry;
use crate::revision::Revision;
use crate::websocket::{WebSocket, with_buffer};
use crate::{Application, Connection};

/// Full buffers taken from one socket before others get their turn.
pub(super) const READS: usize = 4;

/// Bytes taken at a time from a client that may compress: they can become a thousand times as many, and all of it is
/// dealt with before others get their turn.
const COMPRESSED: usize = 4 << 10;

/// Bytes taken at a time from this client.
pub(super) fn portion(socket: &WebSocket, buffer: &[u8]) -> usize {
    if socket.receiver.inflates() { COMPRESSED } else { buffer.len() }
}

/// Reads what came together with the handshake, then the stream.
fn read_once(
    socket: &mut WebSocket,
    early: &mut Box<[u8]>,
    buffer: &mut [u8],
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    if early.is_empty() {
        return socket.stream.poll_read(cx, buffer);
    }
    let (now, later) = early.split_at(early.len().min(buffer.len()));
    buffer[..now.len()].copy_from_slice(now);
    let length = now.len();
    *early = later.into();
    Poll::Ready(Ok(length))
}

/// Whether a pipe goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fed {
    Open,
    Ended,
}

impl<A: Application, R: Revision> Driver<A, R> {
    /// Reads what the pipes have.
    pub(super) fn read_pipes(&mut self, cx: &mut Context<'_>) {
        if self.stage != Stage::Open {
            return;
        }
        if let Some(mut socket) = self.link.take() {
            let mut early = std::mem::take(&mut self.early);
            let fed = self.read(&mut socket, &mut early, Pipe::Current, cx);
            self.early = early;
            // A pipe that ended is kept where a goodbye is still to be said.
            if fed == Fed::Open || self.stage != Stage::Gone {
                self.link = Some(socket);
            }
        }
        self.read_candidate(cx);
    }

    fn read_candidate(&mut self, cx: &mut Context<'_>) {
        if self.polling.as_ref().is_some_and(|polling| polling.has_body()) {
            // It was posted before the client moved, and this task comes back for it by itself.
            return;
        }
        let Some(candidate) = &mut self.candidate else {
            return;
        };
        let Some(mut socket) = candidate.socket.take() else {
            return;
        };
        let mut early = std::mem::take(&mut candidate.read);
        let fed = self.read(&mut socket, &mut early, Pipe::Candidate, cx);
        if std::mem::take(&mut self.switched) {
            (self.link, self.early) = (Some(socket), early);
        } else if let Some(candidate) = &mut self.candidate {
            (candidate.socket, candidate.read) = (Some(socket), early);
            if fed == Fed::Ended || !candidate.write_out(cx) {
                self.lose(Pipe::Candidate, CloseReason::TransportClose, cx);
            }
        }
    }

    fn read(
        &mut self,
        socket: &mut WebSocket,
        early: &mut Box<[u8]>,
        mut pipe: Pipe,
        cx: &mut Context<'_>,
    ) -> Fed {
        with_buffer(|buffer| {
            let most = portion(socket, buffer);
            for _ in 0..READS {
                let Some(room) = self.room(most) else {
                    return Fed::Open;
                };
                let length = match read_once(socket, early, &mut buffer[..room], cx) {
                    Poll::Pending => return Fed::Open,
                    Poll::Ready(Ok(0)) => return self.ended(pipe, CloseReason::TransportClose, cx),
                    Poll::Ready(Err(error)) => {
                        self.explain(pipe, &error);
                        return self.ended(pipe, CloseReason::TransportError, cx);
                    }
                    Poll::Ready(Ok(length)) => length,
                };
                self.charge(length);
                if self.feed(socket, &mut buffer[..length], &mut pipe, cx) == Fed::Ended {
                    return Fed::Ended;
                }
            }
            // There is more; others first.
            cx.waker().wake_by_ref();
            Fed::Open
        })
    }

    fn ended(&mut self, pipe: Pipe, reason: CloseReason, cx: &mut Context<'_>) -> Fed {
        // The write that failed took the error away; the read only finds an end.
        let broken = pipe == Pipe::Current && self.broken.is_some();
        self.lose(pipe, if broken { CloseReason::TransportError } else { reason }, cx);
        Fed::Ended
    }

    fn feed(
        &mut self,
        socket: &mut WebSocket,
        input: &mut [u8],
        pipe: &mut Pipe,
        cx: &mut Context<'_>,
    ) -> Fed {
        let (mut packets, bytes) = (0, input.len());
        let fed = self.feed_packets(socket, input, pipe, &mut packets, cx);
        self.shared.worker.counts.received(packets, bytes);
        fed
    }

    /// Bytes → frames → packets, all of one read in one pass.
    fn feed_packets(
        &mut self,
        socket: &mut WebSocket,
        input: &mut [u8],
        pipe: &mut Pipe,
        packets: &mut usize,
        cx: &mut Context<'_>,
    ) -> Fed {
        let mut base64 = Vec::new();
        let mut incoming = socket.receiver.receive(input);
        loop {
            match incoming.next() {
                Ok(None) => return Fed::Open,
                Ok(Some(Event::Text(text))) => {
                    *packets += 1;
                    self.packet(*pipe, R::text(text, &mut base64), cx);
                }
                Ok(Some(Event::Binary(data))) => {
                    *packets += 1;
                    self.packet(*pipe, R::binary(data), cx);
                }
                Ok(Some(Event::Ping(data))) => self.answer_ping(*pipe, data),
                Ok(Some(Event::Pong(_))) => {}
                Ok(Some(Event::Close(frame))) => {
                    return self.closed_by_peer(*pipe, frame.as_ref(), cx);
                }
                Err(error) => return self.violated(*pipe, error, cx),
            }
            if self.switched {
                *pipe = Pipe::Current;
            }
            if !self.still_reads(*pipe) {
                return Fed::Ended;
            }
        }
    }

    fn still_reads(&self, pipe: Pipe) -> bool {
        match pipe {
            Pipe::Current => self.stage == Stage::Open,
            Pipe::Candidate => self.candidate.is_some(),
        }
    }

    /// A ping of the WebSocket layer (RFC 6455, 5.5.2). Counted in the outbox like everything else, so a
    /// flood of pings by a client that does not read ends like any other overflow.
    fn answer_ping(&mut self, pipe: Pipe, data: &[u8]) {
        let mut frame = Vec::with_capacity(2 + data.len());
        websocket_proto::push_frame(&mut frame, Opcode::Pong, true, None, data);
        match (pipe, &mut self.candidate) {
            (Pipe::Candidate, Some(candidate)) => candidate.out.extend_from_slice(&frame),
            (Pipe::Candidate, None) => {}
            (Pipe::Current, _) => self.say_back(Entry::Frame(frame.into_boxed_slice())),
        }
    }

    /// What the protocol has to say for each that a client says: within the limit of its outbox.
    pub(super) fn say_back(&self, entry: Entry) {
        if self.shared.outbox.lock().counted() > self.server.config.outbox_bytes {
            Connection(Arc::clone(&self.shared)).close(CloseReason::SlowConsumer);
        } else {
            self.shared.add(entry);
        }
    }

    /// The peer's close frame is answered with the same code (RFC 6455, 5.5.1).
    fn closed_by_peer(
        &mut self,
        pipe: Pipe,
        frame: Option<&CloseFrame<'_>>,
        cx: &mut Context<'_>,
    ) -> Fed {
        if pipe == Pipe::Candidate {
            return self.ended(pipe, CloseReason::TransportClose, cx);
        }
        let code = frame.map(|frame| frame.code);
        if let Some(code) = code {
            self.explain(pipe, &format_args!("peer sent a close frame with code {code}"));
        }
        self.shared.add(close_frame(code));
        self.peer_closed = true;
        self.lose(Pipe::Current, CloseReason::TransportClose, cx);
        self.stage = self.linger();
        Fed::Ended
    }

    /// The frame layer was violated.
    fn violated(&mut self, pipe: Pipe, error: websocket_proto::Error, cx: &mut Context<'_>) -> Fed {
        self.explain(pipe, &error);
        match pipe {
            Pipe::Candidate => {
                self.lose(pipe, CloseReason::TransportError, cx);
            }
            Pipe::Current => self.part(error.close_code(), cx),
        }
        Fed::Ended
    }
}

// The rate of its bytes.
impl<A: Application, R: Revision> Driver<A, R> {
    /// How much may be read of the client now; `None` if it has to wait, since it has sent more than it may.
    pub(crate) fn room(&mut self, most: usize) -> Option<usize> {
        let Some(meter) = &mut self.meter else {
            return Some(most);
        };
        let (room, begins) = meter.room(most, self.now);
        if begins {
            self.shared.worker.counts.slowed();
        }
        room
    }

    /// So many bytes of the client have been read.
    pub(crate) fn charge(&mut self, bytes: usize) {
        if let Some(meter) = &mut self.meter {
            meter.charge(bytes, self.now);
        }
    }

    /// Whether the client is not read for now.
    pub(super) fn is_slowed(&self) -> bool {
        self.slowed_until().is_some()
    }

    pub(super) fn slowed_until(&self) -> Option<Duration> {
        self.meter.as_ref()?.until().filter(|_| self.stage == Stage::Open)
    }
}
