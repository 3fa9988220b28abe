//! The sockets on a connection.
//!
//! ```text
//!             it has just left?    what is sent with it is known?      CONNECT           it is answered
//!  a wish ──▶ Pausing ───────────▶ Thinking ───────────────────────────────────▶ Asked ────────────────▶ Joined
//!                                   │    ▲           its user has left meanwhile   │                        │ its user leaves
//!                                   ▼    │ (the answer is awaited all the same)    ▼                        ▼
//!                                  Resting       DISCONNECT, as soon as it is answered                     DISCONNECT
//! ```
//!
//! A CONNECT that is under way cannot be taken back: the reference server closes the connection of whoever sends DISCONNECT for a
//! namespace that it has not let him into yet, and all others on it would suffer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use engine_client::{Engine, Queue, ROOM};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use handler::Door;
use smallvec::SmallVec;
use socket_proto::client::Connection as Protocol;
use socket_proto::{ProtocolError, Slot, encode};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::dialect::Dialect;
use super::door::send;
use super::early::Early;
use super::work::Work;
use crate::ConnectError;
use crate::config::{Auth, Config};
use crate::hub::Sockets;
use crate::reconnect::{Backoff, Next};
use crate::socket::Core;

/// The sockets that have a part in this connection, and what the protocol says about them.
pub(super) struct Members {
    pub(super) protocol: Protocol,
    pub(super) dialect: Dialect,
    /// How packets are written.
    pub(super) door: Door,
    pub(super) all: SmallVec<[Member; 1]>,
    /// The origin of the protocol's time.
    began: Instant,
    /// Only while something is due.
    alarm: Option<Pin<Box<Sleep>>>,
    /// When the first namespace was joined.
    joined: Option<Instant>,
    /// For those who could not be asked for or were not answered, while others are connected.
    rest: Backoff,
    /// Who has left a moment ago.
    farewells: SmallVec<[Farewell; 1]>,
}

/// A socket has left.
struct Farewell {
    core: Arc<Core>,
    /// When its DISCONNECT was on its way.
    written: Option<Instant>,
}

/// So long after a DISCONNECT there is no CONNECT for the same namespace. The reference server takes a CONNECT at once, and a
/// DISCONNECT a turn later: of both in one read it takes the second for the first, and closes the connection.
const PAUSE: Duration = Duration::from_millis(50);

impl Farewell {
    fn is_of(&self, core: &Arc<Core>) -> bool {
        Arc::ptr_eq(&self.core, core)
    }

    fn is_past(&self) -> bool {
        self.written.is_some_and(|written| written.elapsed() >= PAUSE)
    }
}

pub(super) struct Member {
    pub(super) core: Arc<Core>,
    /// The turn of its life to which this belongs.
    pub(super) turn: u64,
    pub(super) step: Step,
}

pub(super) enum Step {
    /// The application is asked for what is sent with CONNECT.
    Thinking(BoxFuture<'static, Result<Arc<str>, ConnectError>>),
    /// That has failed: again after a while.
    Resting(Pin<Box<Sleep>>),
    /// It has just left: until its goodbye is on its way, and a moment longer. A server that does not take it is not waited for
    /// without end.
    Pausing { until: Pin<Box<Sleep>>, is_written: bool },
    /// The CONNECT is not answered.
    Asked { slot: Slot, early: Early },
    /// The server has let it in.
    Joined { slot: Slot },
}

impl Member {
    /// Its user has ended what this was begun for.
    pub(super) fn has_left(&self) -> bool {
        self.core.life.turn() != self.turn
    }

    pub(super) fn slot(&self) -> Option<Slot> {
        match self.step {
            Step::Asked { slot, .. } | Step::Joined { slot } => Some(slot),
            Step::Thinking(_) | Step::Resting(_) | Step::Pausing { .. } => None,
        }
    }
}

impl Members {
    pub(super) fn new(config: &Config, dialect: Dialect) -> Self {
        Members {
            protocol: Protocol::new(&config.limits),
            dialect,
            door: config.parser.clone(),
            all: SmallVec::new(),
            began: Instant::now(),
            alarm: None,
            joined: None,
            rest: Backoff::new(rand::random()),
            farewells: SmallVec::new(),
        }
    }

    /// The protocol's time.
    pub(super) fn time_at(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.began)
    }

    pub(super) fn position(&self, slot: Slot) -> Option<usize> {
        self.all.iter().position(|member| member.slot() == Some(slot))
    }

    /// A socket was let in: attempts are counted anew.
    pub(super) fn note_joined(&mut self) {
        self.joined.get_or_insert_with(Instant::now);
        self.rest.reset();
    }

    /// Those whom the server has let in.
    pub(super) fn into_joined(self) -> Sockets {
        let all = self.all.into_iter();
        let joined = all.filter(|member| matches!(member.step, Step::Joined { .. }));
        joined.map(|member| member.core).collect()
    }

    /// How long it has held.
    pub(super) fn held(&self) -> Duration {
        self.joined.map(|joined| joined.elapsed()).unwrap_or_default()
    }
}

// Wishes.
impl Members {
    /// What the sockets want has changed. False if the last of those who had been let in has left: who wants to be connected now
    /// takes another connection, as with the reference.
    pub(super) fn look(&mut self, work: &mut Work, queue: &mut Queue) -> bool {
        if self.let_go(work, queue) && self.all.is_empty() {
            return false;
        }
        self.farewells.retain(|farewell| !farewell.is_past());
        for core in work.hub.sockets() {
            let is_new = !self.all.iter().any(|member| Arc::ptr_eq(&member.core, &core));
            if is_new && core.life.is_wanted() {
                self.begin_in_time(work, core, queue);
            }
        }
        true
    }

    /// Those who have left say goodbye, if they have been let in. Whether somebody has.
    fn let_go(&mut self, work: &mut Work, queue: &mut Queue) -> bool {
        let mut farewell = false;
        let mut at = 0;
        while let Some(member) = self.all.get(at) {
            if !member.has_left() || matches!(member.step, Step::Asked { .. }) {
                at += 1;
                continue;
            }
            let member = self.all.remove(at);
            if let Step::Joined { slot } = member.step {
                self.say_goodbye(work, &member.core, slot, queue);
                work.left(&member.core);
                farewell = true;
            }
        }
        farewell
    }

    pub(super) fn say_goodbye(
        &mut self,
        work: &Work,
        core: &Arc<Core>,
        slot: Slot,
        queue: &mut Queue,
    ) {
        self.farewells.push(Farewell { core: Arc::clone(core), written: None });
        for packet in core.take_last_words() {
            send(&self.door, packet, queue);
        }
        if self.protocol.left(slot) && !work.hub.is_detached() {
            self.dialect.left(core.namespace());
            send(&self.door, encode::disconnect(core.namespace(), ROOM), queue);
        }
    }

    /// At once, unless it has just left, or was turned away too often.
    fn begin_in_time(&mut self, work: &mut Work, core: Arc<Core>, queue: &mut Queue) {
        let has_left = self.farewells.iter().any(|farewell| farewell.is_of(&core));
        let pause = match work.turned_away.rest(&core) {
            _ if has_left => work.hub.config.connect_timeout,
            Some(rest) => rest,
            None => return self.begin(work, core, queue),
        };
        let turn = core.life.turn();
        let step = Step::Pausing { until: Box::pin(sleep(pause)), is_written: !has_left };
        self.all.push(Member { core, turn, step });
        work.hub.note_change();
    }

    fn begin(&mut self, work: &mut Work, core: Arc<Core>, queue: &mut Queue) {
        let turn = core.life.turn();
        core.life.attempt_begins();
        let auth = core.auth().unwrap_or_else(|| work.hub.config.auth.clone());
        match auth {
            Auth::None => self.ask(work, core, turn, None, queue),
            Auth::Fixed(auth) => self.ask(work, core, turn, Some(&auth), queue),
            Auth::Asked(ask) => {
                let auth = ask.ask("auth_with", work.hub.config.connect_timeout).boxed();
                self.all.push(Member { core, turn, step: Step::Thinking(auth) });
                work.hub.note_change();
            }
        }
    }

    fn ask(
        &mut self,
        work: &mut Work,
        core: Arc<Core>,
        turn: u64,
        auth: Option<&str>,
        queue: &mut Queue,
    ) {
        match self.protocol.connect(core.namespace(), self.began.elapsed()) {
            Ok(slot) => {
                let payload = core.payload(auth);
                let connect = self.dialect.connect(core.namespace(), slot, payload.as_deref());
                if let Some(packet) = connect {
                    send(&self.door, packet, queue);
                }
                let step = Step::Asked { slot, early: Early::default() };
                self.all.push(Member { core, turn, step });
            }
            Err(problem) => {
                let error = cannot_be_asked_for(core.namespace(), &problem);
                work.refused(&core, turn, &error);
            }
        }
    }
}

// Time.
impl Members {
    /// Goes on with those for whom the application is being asked, and those who rest.
    pub(super) fn think(&mut self, work: &mut Work, engine: &mut Engine, cx: &mut Context<'_>) {
        let mut at = 0;
        while let Some(member) = self.all.get_mut(at) {
            match &mut member.step {
                Step::Thinking(auth) => {
                    if let Poll::Ready(auth) = auth.as_mut().poll(cx) {
                        let member = self.all.remove(at);
                        self.thought(work, member, auth, engine.queue());
                        continue;
                    }
                }
                Step::Resting(sleep) | Step::Pausing { until: sleep, .. } => {
                    if sleep.as_mut().poll(cx).is_ready() {
                        let member = self.all.remove(at);
                        self.begin(work, member.core, engine.queue());
                        continue;
                    }
                }
                Step::Asked { .. } | Step::Joined { .. } => {}
            }
            at += 1;
        }
    }

    /// All that was to be sent is on its way.
    pub(super) fn note_written(&mut self, work: &mut Work) {
        for farewell in self.farewells.iter_mut().filter(|farewell| farewell.written.is_none()) {
            farewell.written = Some(Instant::now());
        }
        for member in &mut self.all {
            if let Step::Pausing { until, is_written: is_written @ false } = &mut member.step {
                *is_written = true;
                until.as_mut().reset(Instant::now() + PAUSE);
                work.hub.note_change();
            }
        }
    }

    fn thought(
        &mut self,
        work: &mut Work,
        member: Member,
        auth: Result<Arc<str>, ConnectError>,
        queue: &mut Queue,
    ) {
        let Member { core, turn, .. } = member;
        match auth {
            _ if core.life.turn() != turn => {}
            Ok(auth) => self.ask(work, core, turn, Some(&auth), queue),
            Err(error) => self.put_off(work, core, turn, &error),
        }
    }

    /// The attempt of one socket has failed, on a connection that is there.
    fn put_off(&mut self, work: &mut Work, core: Arc<Core>, turn: u64, error: &ConnectError) {
        let options = &work.hub.config.reconnection;
        let next = self.rest.next(options, None);
        if work.failed(&core, turn, error, next)
            && let Some(next) = next
        {
            let step = Step::Resting(Box::pin(sleep(next.delay)));
            self.all.push(Member { core, turn, step });
            work.hub.note_change();
        }
    }

    /// What is due by the protocol's clock.
    pub(super) fn look_at_the_time(
        &mut self,
        work: &mut Work,
        cx: &mut Context<'_>,
    ) -> Result<(), ProtocolError> {
        while let Some(due) = self.protocol.next_timeout() {
            // Too far away to be told in numbers is never.
            let Some(at) = self.began.checked_add(due) else { break };
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(at)));
            if alarm.deadline() != at {
                alarm.as_mut().reset(at);
            }
            if alarm.as_mut().poll(cx).is_pending() {
                return Ok(());
            }
            while let Some(slot) = self.protocol.timeout(self.began.elapsed())? {
                self.unanswered(work, slot);
            }
        }
        self.alarm = None;
        Ok(())
    }

    /// The server has not answered a CONNECT. Who stays at it asks again at once: the wait was the pause.
    fn unanswered(&mut self, work: &mut Work, slot: Slot) {
        let Some(at) = self.position(slot) else { return };
        let Member { core, turn, .. } = self.all.remove(at);
        let after = work.hub.config.connect_timeout;
        let error = ConnectError::TimedOut { what: "the answer to CONNECT", after };
        let next = self.rest.next(&work.hub.config.reconnection, None);
        let next = next.map(|next| Next { delay: Duration::ZERO, ..next });
        work.failed(&core, turn, &error, next);
    }
}

fn cannot_be_asked_for(namespace: &str, problem: &socket_proto::ConnectError) -> ConnectError {
    match *problem {
        socket_proto::ConnectError::TooManyNamespaces { limit } => {
            ConnectError::TooManyNamespaces { limit }
        }
        _ => ConnectError::InvalidNamespace { namespace: namespace.to_owned() },
    }
}
