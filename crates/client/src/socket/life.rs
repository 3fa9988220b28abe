//! Where a socket stands, and who waits for it: every change under one lock.
//!
//! Its user and the connection's task both change it. Each time the user ends something, a new *turn* begins; the task names the
//! turn for which it was doing something, and what belongs to an earlier one changes nothing any more. So `disconnect` is final,
//! whatever was under way.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{oneshot, watch};

use super::Socket;
use crate::reconnect::Next;
use crate::{ConnectError, DisconnectReason, SocketState};

pub(crate) struct Life {
    /// Changed under the lock of `wishes` only.
    state: watch::Sender<SocketState>,
    turn: AtomicU64,
    wishes: Mutex<Wishes>,
}

/// Who wants the socket to be connected.
#[derive(Default)]
struct Wishes {
    /// It is stayed at: somebody has started it, or it has been connected.
    stays: bool,
    /// Those who await one attempt.
    attempts: Vec<oneshot::Sender<Outcome>>,
    /// Why it was disconnected last, while it is tried again.
    reason: Option<DisconnectReason>,
    /// The client is closed.
    closed: bool,
}

type Outcome = Result<(), ConnectError>;

/// How an attempt, or a connection, has ended, for one socket.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    /// Why the connection is gone.
    pub(crate) reason: DisconnectReason,
    /// What those are told who were not connected yet.
    pub(crate) error: ConnectError,
    /// The next attempt, if there is one.
    pub(crate) next: Option<Next>,
}

impl Life {
    pub(crate) fn new(closed: bool) -> Self {
        let (state, _) = watch::channel(SocketState::Disconnected { reason: None });
        let wishes = Mutex::new(Wishes { closed, ..Wishes::default() });
        Life { state, turn: AtomicU64::new(0), wishes }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<SocketState> {
        self.state.subscribe()
    }

    pub(crate) fn state(&self) -> watch::Ref<'_, SocketState> {
        self.state.borrow()
    }

    pub(crate) fn is_active(&self) -> bool {
        self.state.borrow().is_active()
    }

    /// Whether it has had its time: it is not active any more. One that nobody has started yet has its time before it.
    pub(crate) fn is_over(&self) -> bool {
        !self.is_active() && self.turn() > 0
    }

    /// Whether it is to be connected, and is not.
    pub(crate) fn is_wanted(&self) -> bool {
        matches!(*self.state.borrow(), SocketState::Connecting | SocketState::Waiting { .. })
    }

    pub(crate) fn turn(&self) -> u64 {
        self.turn.load(Ordering::Acquire)
    }

    fn end_turn(&self) {
        self.turn.fetch_add(1, Ordering::AcqRel);
    }

    fn set(&self, state: SocketState) {
        self.state.send_if_modified(|before| {
            let changes = *before != state;
            *before = state;
            changes
        });
    }
}

// What the user does.
impl Life {
    /// It is stayed at from now on. Whether somebody has to be told.
    pub(crate) fn start(&self) -> bool {
        let mut wishes = self.wishes.lock();
        if wishes.closed {
            return false;
        }
        wishes.stays = true;
        self.want()
    }

    /// One attempt, to be awaited; `None` if it is connected already.
    pub(crate) fn attempt<'a>(
        &self,
        socket: &'a Socket,
    ) -> Result<Option<Attempt<'a>>, ConnectError> {
        let mut wishes = self.wishes.lock();
        if wishes.closed {
            return Err(ConnectError::Closed);
        }
        if self.state.borrow().is_connected() {
            return Ok(None);
        }
        let (tell, outcome) = oneshot::channel();
        wishes.attempts.push(tell);
        self.want();
        Ok(Some(Attempt { socket, outcome: Some(outcome) }))
    }

    fn want(&self) -> bool {
        let wants = !self.is_active();
        if wants {
            self.set(SocketState::Connecting);
        }
        wants
    }

    /// It leaves; `cut` is called before anybody hears of it, if there is anything to end. Whether there was.
    pub(crate) fn leave(&self, cut: impl FnOnce()) -> bool {
        let mut wishes = self.wishes.lock();
        let state = self.state.borrow().clone();
        if state.is_active() {
            cut();
            let error = ConnectError::Disconnected { reason: DisconnectReason::ClientDisconnect };
            self.end_turn();
            self.rest(&mut wishes, Some(DisconnectReason::ClientDisconnect), &error);
        }
        state.is_active()
    }

    /// It leaves, and is never connected again.
    pub(crate) fn close(&self, cut: impl FnOnce()) {
        self.wishes.lock().closed = true;
        self.leave(cut);
        // Also of one that never had a turn: whoever waits for it waits for nothing.
        self.end_turn();
    }

    /// Nobody awaits the attempt any more.
    fn give_up(&self) -> bool {
        let mut wishes = self.wishes.lock();
        wishes.attempts.retain(|attempt| !attempt.is_closed());
        let unwanted = !wishes.stays && wishes.attempts.is_empty() && self.is_wanted();
        if unwanted {
            self.end_turn();
            self.set(SocketState::Disconnected { reason: None });
        }
        unwanted
    }

    /// It is disconnected, and not connected again by itself.
    fn rest(
        &self,
        wishes: &mut MutexGuard<'_, Wishes>,
        reason: Option<DisconnectReason>,
        error: &ConnectError,
    ) {
        (wishes.stays, wishes.reason) = (false, None);
        wishes.tell(&Err(error.clone()));
        self.set(SocketState::Disconnected { reason });
    }
}

impl Wishes {
    fn tell(&mut self, outcome: &Outcome) {
        for attempt in std::mem::take(&mut self.attempts) {
            // Whoever does not wait any more does not need to know.
            let _ = attempt.send(outcome.clone());
        }
    }
}

// What the task does.
impl Life {
    /// An attempt begins.
    pub(crate) fn attempt_begins(&self) {
        let _wishes = self.wishes.lock();
        if self.is_wanted() {
            self.set(SocketState::Connecting);
        }
    }

    /// The server has let it in; `then` is called before anybody hears of it. False if it has left meanwhile.
    pub(crate) fn joined(&self, turn: u64, id: &str, recovered: bool, then: impl FnOnce()) -> bool {
        let mut wishes = self.wishes.lock();
        let still = self.turn() == turn && self.is_wanted();
        if still {
            then();
            wishes.stays = true;
            self.set(SocketState::Connected { id: id.to_owned(), recovered });
            wishes.tell(&Ok(()));
        }
        still
    }

    /// The server, or something that cannot be mended by trying again, has ended it. False if it has left meanwhile.
    pub(crate) fn dismissed(
        &self,
        turn: u64,
        reason: Option<DisconnectReason>,
        error: &ConnectError,
        cut: impl FnOnce(),
    ) -> bool {
        let mut wishes = self.wishes.lock();
        let still = self.turn() == turn && self.is_active();
        if still {
            cut();
            self.end_turn();
            self.rest(&mut wishes, reason, error);
        }
        still
    }

    /// Whether it would be connected again if the connection were lost now: otherwise nobody has to try.
    pub(crate) fn stays(&self) -> bool {
        self.wishes.lock().stays && self.is_active()
    }

    /// One attempt has failed, on a connection that is there. Whether there is another one; `None` if it has left meanwhile.
    pub(crate) fn failed(
        &self,
        turn: u64,
        error: &ConnectError,
        next: Option<Next>,
    ) -> Option<bool> {
        let mut wishes = self.wishes.lock();
        if self.turn() != turn || !self.is_wanted() {
            return None;
        }
        let next = next.filter(|_| wishes.stays);
        self.fall_back(&mut wishes, None, error, next);
        Some(next.is_some())
    }

    /// The connection is lost, or could not be had. `cut` is called if it was connected. What it was before; `None` if it was nothing
    /// to this socket.
    pub(crate) fn lost(&self, ending: &Ending, cut: impl FnOnce()) -> Option<SocketState> {
        let mut wishes = self.wishes.lock();
        let before = self.state.borrow().clone();
        if !before.is_active() {
            return None;
        }
        if before.is_connected() {
            wishes.reason = Some(ending.reason);
            cut();
        }
        let reason = wishes.reason;
        let next = ending.next.filter(|_| wishes.stays);
        self.fall_back(&mut wishes, reason, &ending.error, next);
        Some(before)
    }

    /// To the next attempt, or to rest.
    fn fall_back(
        &self,
        wishes: &mut MutexGuard<'_, Wishes>,
        reason: Option<DisconnectReason>,
        error: &ConnectError,
        next: Option<Next>,
    ) {
        let Some(Next { attempt, delay }) = next else {
            self.end_turn();
            return self.rest(wishes, reason, error);
        };
        wishes.tell(&Err(error.clone()));
        self.set(if delay.is_zero() {
            SocketState::Connecting
        } else {
            SocketState::Waiting { attempt, delay }
        });
    }
}

/// One attempt to connect a socket, while somebody awaits it.
pub(crate) struct Attempt<'a> {
    socket: &'a Socket,
    outcome: Option<oneshot::Receiver<Outcome>>,
}

impl Attempt<'_> {
    pub(crate) async fn outcome(mut self) -> Outcome {
        let outcome = poll_fn(|cx| match self.outcome.as_mut() {
            Some(outcome) => Pin::new(outcome).poll(cx),
            None => Poll::Pending,
        });
        let outcome = outcome.await.unwrap_or(Err(ConnectError::Closed));
        self.outcome = None;
        outcome
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        // An attempt that nobody awaits any more is told so by its own end.
        drop(self.outcome.take());
        if self.socket.core.life.give_up() {
            self.socket.handle.hub.ring();
        }
    }
}
