//! The task of a client: from what its sockets want to what the server says.
//!
//! ```text
//!          a socket wants to be connected              open: CONNECTs, events, acks
//!  Idle ─────────────────────▶ Preparing ──▶ Running ───────────────────────────────┐
//!   ▲ ▲                        url, headers    │   │ no socket is active            │ lost, failed
//!   │ │                             ▲          │   ▼                                ▼
//!   │ └── said goodbye ─────────────┼──────────┼─ Leaving              any socket that stays at it?
//!   │                               └──────────┼───────── Waiting ◀── yes, so long ─┤
//!   └──────────────────────────────────────────┴──── no, or attempts used up ◀──────┘
//! ```
//!
//! Each state owns what only it needs. [`Connection::poll`] is the one place that waits, and looks first at what the sockets want: a wish
//! that has changed (`disconnect`, `close`, the last handle gone) ends whatever state it finds.

mod dialect;
mod door;
mod early;
mod incoming;
mod leaving;
mod members;
mod opening;
mod retrying;
mod running;
mod session;
mod starting;
mod turned_away;
mod work;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use engine_client::Engine;
use futures_util::future::BoxFuture;
use tokio::time::{Sleep, sleep};

use crate::hub::{Hub, Sockets};
use crate::reconnect::{Backoff, Next};
use crate::{ClientState, ConnectError};
use leaving::{Loss, Silent};
use retrying::Alarm;
use session::{End, Session};
use work::Work;

/// The task.
pub(crate) struct Connection {
    work: Work,
    backoff: Backoff,
    life: Life,
    retries: Alarm,
}

enum Life {
    /// There is no connection, and nobody wants one.
    Idle,
    /// The application is asked for what it says anew before each attempt.
    Preparing(BoxFuture<'static, Result<Arc<engine_client::Config>, ConnectError>>),
    /// There is a connection, or it is being opened.
    Running(Box<Session>),
    /// Nobody wants it any more: what is queued leaves, and the goodbye.
    Leaving(Box<Engine>),
    /// Until the next attempt.
    Waiting(Pin<Box<Sleep>>),
}

/// What follows from a look at the state.
enum Then {
    /// It goes on so, and will wake us.
    Wait,
    /// It goes on with another state.
    Go(Life),
    /// The client is closed.
    End,
}

impl Connection {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Connection {
            work: Work::new(hub),
            backoff: Backoff::new(rand::random()),
            life: Life::Idle,
            retries: Alarm::default(),
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Then {
        match &mut self.life {
            Life::Idle => self.idle(),
            Life::Preparing(_) | Life::Waiting(_) if !self.work.hub.anybody() => self.rest(),
            Life::Preparing(answer) => match answer.as_mut().poll(cx) {
                Poll::Ready(Ok(config)) => self.open(config),
                Poll::Ready(Err(error)) => self.over(&Loss::not_begun(error)),
                Poll::Pending => Then::Wait,
            },
            Life::Waiting(sleep) => match sleep.as_mut().poll(cx) {
                Poll::Ready(()) => self.attempt(),
                Poll::Pending => Then::Wait,
            },
            Life::Running(session) => match session.poll(&mut self.work, &mut self.backoff, cx) {
                Poll::Ready(End::Lost(loss)) => self.over(&loss),
                Poll::Ready(End::Unwanted) => self.leave(),
                Poll::Pending => Then::Wait,
            },
            Life::Leaving(engine) => match engine.poll(&mut Silent, cx) {
                Poll::Ready(_) => self.rest(),
                Poll::Pending => Then::Wait,
            },
        }
    }

    fn idle(&mut self) -> Then {
        if self.work.hub.anybody() {
            self.backoff.reset();
            return self.attempt();
        }
        if self.work.hub.is_over() { Then::End } else { Then::Wait }
    }

    /// Nobody wants a connection any more.
    fn rest(&mut self) -> Then {
        self.work.hub.tell(ClientState::Idle);
        Then::Go(Life::Idle)
    }

    fn attempt(&mut self) -> Then {
        self.work.hub.tell(ClientState::Opening { attempt: self.backoff.attempt() });
        for core in self.work.hub.sockets() {
            core.life.attempt_begins();
        }
        match opening::prepare(&self.work.hub.config) {
            Some(answer) => Then::Go(Life::Preparing(answer)),
            None => self.open(Arc::clone(&self.work.hub.config.engine)),
        }
    }

    fn open(&mut self, config: Arc<engine_client::Config>) -> Then {
        let session = Session::new(config, &self.work.hub.config);
        Then::Go(Life::Running(Box::new(session)))
    }

    /// No socket is active on this connection.
    fn leave(&mut self) -> Then {
        let Life::Running(session) = std::mem::replace(&mut self.life, Life::Idle) else {
            return Then::Wait;
        };
        Then::Go(Life::Leaving(session.close()))
    }

    /// The connection is lost, or could not be had.
    fn over(&mut self, loss: &Loss) -> Then {
        let sockets = self.work.hub.sockets();
        let stays = sockets.iter().any(|core| core.life.stays());
        let options = &self.work.hub.config.reconnection;
        let is_on = options.is_on();
        let next = stays.then(|| self.backoff.next(options, loss.retry_after));
        let ending = loss.ending(next.flatten());
        let joined = match std::mem::replace(&mut self.life, Life::Idle) {
            Life::Running(session) => session.into_joined(),
            _ => Sockets::new(),
        };
        for core in &sockets {
            let was_joined = joined.iter().any(|one| Arc::ptr_eq(one, core));
            loss.tell(&mut self.work, core, &ending, was_joined);
        }
        match ending.next {
            Some(Next { attempt, delay }) => {
                self.work.hub.tell(ClientState::Waiting { attempt, delay });
                Then::Go(Life::Waiting(Box::pin(sleep(delay))))
            }
            None if stays && is_on => {
                self.work.hub.tell(ClientState::GivenUp);
                Then::Go(Life::Idle)
            }
            None => self.rest(),
        }
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.work.begin_turn(cx.waker());
        loop {
            this.work.hub.will_look();
            this.work.poll(cx);
            match this.turn(cx) {
                Then::Wait | Then::End if this.work.hands.are_fresh() => {}
                Then::Wait => {
                    this.work.hub.look();
                    ready!(this.retries.poll(&this.work.hub, cx));
                }
                Then::Go(life) => this.life = life,
                Then::End if this.work.hands.are_empty() => return Poll::Ready(()),
                // Nobody has to wait for what handlers still do.
                Then::End => {
                    this.work.hub.ended();
                    return Poll::Pending;
                }
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Also if the runtime ends in the middle of something: nobody may wait for a task that is gone.
        self.work.hub.ended();
        for core in self.work.hub.sockets() {
            core.hearing.forget();
        }
    }
}
