//! Reading: bytes to frames to packets, all of one read in one pass.

use std::cell::Cell;
use std::io;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use engine_proto::{CloseReason, Packet, PacketError};
use tokio::io::{AsyncRead, ReadBuf};
use websocket_proto::{CloseFrame, Event};

use super::WebSocket;
use crate::{EngineError, Stream};

/// Bytes taken from a stream at a time.
const READ: usize = 64 << 10;

/// The same where the server may compress: they can become a thousand times as many.
const COMPRESSED: usize = 4 << 10;

/// Reads of one turn; then others get theirs.
const READS: usize = 4;

thread_local! {
    /// Every connection of a thread reads into the same buffer: an idle one owns none.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends the thread's read buffer. A nested call gets a new one.
fn with_buffer<R>(use_it: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let mut buffer = BUFFER.take();
    buffer.resize(READ, 0);
    let result = use_it(&mut buffer);
    BUFFER.set(buffer);
    result
}

/// Who hears what comes.
pub(crate) trait Listener {
    /// Whether more may be read.
    fn wants_more(&self) -> bool;

    /// Takes one packet. `Break`: it has had enough for good.
    fn hear(&mut self, packet: Result<Packet<'_>, PacketError>) -> ControlFlow<()>;
}

/// Nothing more comes from the server: why, in the word for it, and in a sentence.
pub(crate) struct Lost {
    pub(crate) reason: CloseReason,
    pub(crate) error: EngineError,
}

impl WebSocket {
    /// Hands over the packets that are there, until nobody wants more; what was read at once is handed over at once.
    /// `Ready` is the end.
    pub(crate) fn poll_packets(
        &mut self,
        listener: &mut impl Listener,
        cx: &mut Context<'_>,
    ) -> Poll<Lost> {
        with_buffer(|buffer| {
            let most = if self.receiver.inflates() { COMPRESSED } else { READ };
            for _ in 0..READS {
                if !listener.wants_more() {
                    return Poll::Pending;
                }
                let length = match ready!(self.poll_read(cx, &mut buffer[..most])) {
                    Ok(0) => return Poll::Ready(Lost::hung_up()),
                    Ok(length) => length,
                    Err(error) => return Poll::Ready(Lost::broken(error)),
                };
                match self.feed(&mut buffer[..length], listener) {
                    Ok(ControlFlow::Continue(())) => {}
                    Ok(ControlFlow::Break(())) => return Poll::Pending,
                    Err(lost) => return Poll::Ready(lost),
                }
            }
            // There is more; others first.
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }

    /// Reads on without looking, until the server hangs up.
    pub(crate) fn poll_hung_up(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.early = Vec::new();
        with_buffer(|buffer| {
            for _ in 0..READS {
                match ready!(self.poll_read(cx, buffer)) {
                    Ok(0) | Err(_) => return Poll::Ready(()),
                    Ok(_) => {}
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }

    /// Reads what came together with the handshake, then the stream.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.early.is_empty() {
            return poll_read(&mut self.stream, cx, buffer);
        }
        let length = self.early.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.early[..length]);
        self.early = self.early.split_off(length);
        Poll::Ready(Ok(length))
    }

    fn feed(
        &mut self,
        input: &mut [u8],
        listener: &mut impl Listener,
    ) -> Result<ControlFlow<()>, Lost> {
        let mut base64 = Vec::new();
        let mut incoming = self.receiver.receive(input);
        loop {
            let packet = match incoming.next() {
                Ok(None) => return Ok(ControlFlow::Continue(())),
                Ok(Some(Event::Text(text))) => self.revision.text(text, &mut base64),
                Ok(Some(Event::Binary(data))) => self.revision.binary(data),
                Ok(Some(Event::Ping(data))) => {
                    self.out.owe_pong(data);
                    continue;
                }
                Ok(Some(Event::Pong(_))) => continue,
                Ok(Some(Event::Close(frame))) => {
                    // Answered with the same code (RFC 6455, 5.5.1).
                    self.out.owe_farewell(frame.map(|frame| frame.code));
                    return Err(Lost::closed(frame));
                }
                Err(error) => {
                    self.out.owe_farewell(Some(error.close_code()));
                    return Err(Lost::violated(error));
                }
            };
            if listener.hear(packet).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
}

fn poll_read(
    stream: &mut Stream,
    cx: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(buffer);
    ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().len()))
}

impl Lost {
    fn hung_up() -> Self {
        let error = EngineError::closed(None, "");
        Lost { reason: CloseReason::TransportClose, error }
    }

    pub(crate) fn broken(error: io::Error) -> Self {
        Lost { reason: CloseReason::TransportError, error: EngineError::stream(error) }
    }

    fn closed(frame: Option<CloseFrame<'_>>) -> Self {
        let code = frame.map(|frame| frame.code);
        let error = EngineError::closed(code, frame.map_or("", |frame| frame.reason));
        Lost { reason: CloseReason::TransportClose, error }
    }

    fn violated(error: websocket_proto::Error) -> Self {
        let error = EngineError::protocol(error.to_string());
        Lost { reason: CloseReason::TransportError, error }
    }
}
