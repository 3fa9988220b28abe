//! The machine that knows the rules of a session, of whichever revision it is.

use std::time::Duration;

use engine_proto::client::{Incoming, Session, Tray};
#[cfg(feature = "eio3")]
use engine_proto::v3;
use engine_proto::{CloseReason, Packet, PacketError, Pipe, Transport};

use crate::{Config, Revision};

/// A session's machine. Where there is but one revision this is that machine itself.
#[derive(Debug)]
pub(super) enum Machine {
    Four(Session),
    #[cfg(feature = "eio3")]
    Three(v3::client::Session),
}

/// The same for either machine.
macro_rules! either {
    ($machine:expr, $session:ident => $act:expr) => {
        match $machine {
            Machine::Four($session) => $act,
            #[cfg(feature = "eio3")]
            Machine::Three($session) => $act,
        }
    };
}

impl Machine {
    pub(super) fn new(transport: Transport, config: &Config, now: Duration) -> Self {
        let wishes = config.session();
        match config.revision {
            Revision::Four => Machine::Four(Session::begin(transport, &wishes, now)),
            #[cfg(feature = "eio3")]
            Revision::Three => Machine::Three(v3::client::Session::begin(transport, &wishes, now)),
        }
    }

    /// Whether it is ours to ping. Then the server shows in whatever it says that it lives.
    #[inline]
    pub(super) fn pings(&self) -> bool {
        match self {
            Machine::Four(_) => false,
            #[cfg(feature = "eio3")]
            Machine::Three(_) => true,
        }
    }

    pub(super) fn transport(&self) -> Transport {
        either!(self, session => session.transport())
    }

    pub(super) fn is_open(&self) -> bool {
        either!(self, session => session.is_open())
    }

    pub(super) fn is_expired(&self, now: Duration) -> bool {
        either!(self, session => session.is_expired(now))
    }

    pub(super) fn closed(&self) -> Option<CloseReason> {
        either!(self, session => session.closed())
    }

    pub(super) fn next_timeout(&self) -> Option<Duration> {
        either!(self, session => session.next_timeout())
    }

    #[inline]
    pub(super) fn receive<'p>(
        &mut self,
        from: Pipe,
        packet: Result<Packet<'p>, PacketError>,
        now: Duration,
        out: &mut Tray,
    ) -> Option<Incoming<'p>> {
        either!(self, session => session.receive(from, packet, now, out))
    }

    pub(super) fn candidate_opened(&mut self, out: &mut Tray) {
        either!(self, session => session.candidate_opened(out));
    }

    pub(super) fn polling_paused(&mut self, out: &mut Tray) {
        either!(self, session => session.polling_paused(out));
    }

    pub(super) fn pipe_lost(&mut self, pipe: Pipe, reason: CloseReason, out: &mut Tray) {
        either!(self, session => session.pipe_lost(pipe, reason, out));
    }

    pub(super) fn timeout(&mut self, now: Duration, out: &mut Tray) {
        either!(self, session => session.timeout(now, out));
    }

    pub(super) fn timeout_unheard(&mut self, now: Duration, out: &mut Tray) {
        either!(self, session => session.timeout_unheard(now, out));
    }

    pub(super) fn close(&mut self, reason: CloseReason, out: &mut Tray) {
        either!(self, session => session.close(reason, out));
    }
}
