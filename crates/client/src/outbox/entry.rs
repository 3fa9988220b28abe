//! Waiting for room.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::{AcquireError, OwnedSemaphorePermit};

use super::{EmitError, Event, Placed, Room};
use crate::Socket;

/// An event for which there was no room. Dropped, it is not sent.
pub(crate) struct Entry {
    socket: Socket,
    event: Option<Box<Event>>,
    turn: Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send + Sync>>,
}

impl Entry {
    pub(crate) fn new(socket: &Socket, room: &Room, event: Box<Event>) -> Self {
        let turn = Box::pin(room.wait(event.cost));
        Entry { socket: socket.clone(), event: Some(event), turn }
    }

    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Placed, EmitError>> {
        let turn = ready!(self.turn.as_mut().poll(cx));
        let event = self.event.take().expect("a future is not polled after its end");
        Poll::Ready(match turn {
            Ok(room) => {
                // It is given back when the event leaves.
                room.forget();
                self.socket.put(*event)
            }
            Err(_) => Err(EmitError::Closed),
        })
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("socket", &self.socket).finish_non_exhaustive()
    }
}
