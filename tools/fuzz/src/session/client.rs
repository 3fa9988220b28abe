//! The connecting side.

use std::time::Duration;

use engine_proto::client::{Config, Goodbye, Incoming, Order, Session, Tray};
use engine_proto::{CloseReason, Control, Heartbeat, Packet, Pipe, Transport};

use super::{packet, reason, span};
use crate::input::Input;

pub(super) fn live<H: Heartbeat>(input: &mut Input<'_>) {
    let transport = if input.flag() { Transport::WebSocket } else { Transport::Polling };
    let config = Config { upgrade: input.byte() > 31, ..Config::default() };
    let mut life = Life::<H>::begin(transport, &config);
    while !input.is_empty() {
        life.happen(input);
    }
    life.fall_silent();
}

/// What became of the WebSocket that was ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Candidate {
    None,
    Ordered,
    Open,
}

/// A session and what its driver knows. The driver believes the tray and nothing else.
struct Life<H> {
    session: Session<H>,
    now: Duration,
    tray: Tray,
    opened: bool,
    candidate: Candidate,
    paused: bool,
    finished: Option<CloseReason>,
}

impl<H: Heartbeat> Life<H> {
    fn begin(transport: Transport, config: &Config) -> Self {
        Self {
            session: Session::begin(transport, config, Duration::ZERO),
            now: Duration::ZERO,
            tray: Tray::new(),
            opened: false,
            candidate: Candidate::None,
            paused: false,
            finished: None,
        }
    }

    fn happen(&mut self, input: &mut Input<'_>) {
        match input.byte() % 9 {
            0..=2 => self.receive(Pipe::Current, input.byte()),
            3 => self.receive(Pipe::Candidate, input.byte()),
            4 => return self.candidate_opened(),
            5 => self.session.polling_paused(&mut self.tray),
            6 => {
                let pipe = if input.flag() { Pipe::Candidate } else { Pipe::Current };
                self.session.pipe_lost(pipe, reason(input.byte()), &mut self.tray);
            }
            7 => return self.wait(span(input.byte())),
            _ => self.session.close(reason(input.byte()), &mut self.tray),
        }
        self.obey();
    }

    fn receive(&mut self, from: Pipe, number: u8) {
        let packet = packet(number);
        let counts = from == Pipe::Current && self.finished.is_none();
        match self.session.receive(from, packet, self.now, &mut self.tray) {
            None => {
                let is_message = packet.is_ok_and(|packet| packet.message().is_some());
                assert!(!(is_message && counts && self.opened), "a message is handed on");
            }
            Some(Incoming::Open(_)) => {
                assert!(counts && !self.opened, "a session opens once");
                assert!(matches!(packet, Ok(Packet::Open(_))));
                self.opened = true;
            }
            Some(Incoming::Message(message)) => {
                assert!(counts && self.opened, "messages come to an open session");
                assert_eq!(packet.map(Packet::message), Ok(Some(message)));
            }
        }
    }

    fn candidate_opened(&mut self) {
        self.session.candidate_opened(&mut self.tray);
        match self.candidate {
            // Nobody waits for it (any more): it goes, and nothing else changes.
            Candidate::None => assert_eq!(self.tray.pop(), Some(Order::DropCandidate)),
            Candidate::Ordered => {
                self.candidate = Candidate::Open;
                let probe = Order::Send(Pipe::Candidate, Control::Probe);
                assert_eq!(self.tray.as_slice(), [probe]);
            }
            Candidate::Open => assert!(self.tray.is_empty()),
        }
        self.obey();
    }

    /// Time passes as a driver lets it pass: with a call at each deadline on the way.
    fn wait(&mut self, span: Duration) {
        let until = self.now.saturating_add(span);
        while let Some(due) = self.session.next_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.session.timeout(self.now, &mut self.tray);
            let next = self.session.next_timeout();
            assert!(next.is_none_or(|next| next > self.now), "a deadline passes once");
            self.obey();
        }
        self.now = until;
    }

    /// Carries out the tray, and checks that each order makes sense.
    fn obey(&mut self) {
        assert!(self.tray.len() <= 4, "four orders are the most: {:?}", self.tray);
        for order in std::mem::take(&mut self.tray) {
            assert!(self.finished.is_none(), "{order:?} after the end");
            self.carry_out(order);
        }
        assert_eq!(
            self.session.closed(),
            self.finished,
            "the reason comes with the end, and stays"
        );
        assert_eq!(self.session.next_timeout().is_none(), self.finished.is_some());
        assert_eq!(self.session.is_open(), self.opened && self.finished.is_none());
        assert_eq!(self.session.is_upgrading(), self.candidate != Candidate::None);
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Send(Pipe::Current, control) => {
                assert!(matches!(control, Control::Ping | Control::Pong | Control::Close));
            }
            Order::Send(Pipe::Candidate, control) => {
                assert!(matches!(control, Control::Probe | Control::Upgrade));
                assert_eq!(self.candidate, Candidate::Open);
            }
            Order::OpenCandidate => {
                assert_eq!(self.candidate, Candidate::None, "one candidate at a time");
                self.candidate = Candidate::Ordered;
            }
            Order::PausePolling => assert!(!std::mem::replace(&mut self.paused, true)),
            Order::ResumePolling => assert!(std::mem::take(&mut self.paused)),
            Order::Switch => {
                assert!(self.paused, "no request is under way");
                assert_eq!(self.candidate, Candidate::Open);
                self.candidate = Candidate::None;
                assert_eq!(self.session.transport(), Transport::WebSocket);
            }
            Order::DropCandidate => {
                assert_ne!(self.candidate, Candidate::None, "only a candidate can be dropped");
                self.candidate = Candidate::None;
            }
            Order::Finish(goodbye) => self.finish(goodbye),
        }
    }

    fn finish(&mut self, goodbye: Goodbye) {
        assert_eq!(self.candidate, Candidate::None, "no candidate is left behind");
        assert!(self.opened || goodbye != Goodbye::Flush, "nothing is queued before the opening");
        self.finished = self.session.closed();
        assert!(self.finished.is_some(), "a finished session says why");
    }

    /// Without a sign of life the session is over after the upgrade's deadline, the ping's and the pong's.
    fn fall_silent(&mut self) {
        for _ in 0..3 {
            let due = self.session.next_timeout().unwrap_or(self.now);
            self.wait(due.saturating_sub(self.now));
        }
        assert!(self.finished.is_some(), "a silent server is given up");
    }
}
