//! The accepting side.

use std::time::Duration;

use engine_proto::{CloseReason, Config, Control, Goodbye, Order, Pipe, Session, Transport, Tray};

use super::{packet, reason, span};
use crate::input::Input;

pub(super) fn live(input: &mut Input<'_>) {
    let transport = if input.flag() { Transport::WebSocket } else { Transport::Polling };
    let config = Config { allow_upgrades: input.byte() > 31, ..Config::default() };
    let mut life = Life::begin(transport, &config);
    while !input.is_empty() {
        life.happen(input);
    }
    life.fall_silent();
}

/// A session and what its driver knows. The driver believes the tray and nothing else.
struct Life {
    session: Session,
    now: Duration,
    tray: Tray,
    /// A GET is held.
    held: bool,
    candidate: Candidate,
    /// A ping went out and no pong has come.
    pinged: bool,
    end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Candidate {
    None,
    Here,
    /// It has been answered: from here on no GET may be held.
    Probed,
}

struct End {
    goodbye: Goodbye,
    reason: CloseReason,
    /// The one GET that takes the goodbye has come.
    taken: bool,
}

impl Life {
    fn begin(transport: Transport, config: &Config) -> Self {
        Self {
            session: Session::accept(transport, config, Duration::ZERO),
            now: Duration::ZERO,
            tray: Tray::new(),
            held: false,
            candidate: Candidate::None,
            pinged: false,
            end: None,
        }
    }

    fn happen(&mut self, input: &mut Input<'_>) {
        match input.byte() % 16 {
            0..=2 => self.receive(Pipe::Current, input.byte()),
            3 => self.receive(Pipe::Candidate, input.byte()),
            4 => return self.poll_arrives(),
            5 => self.poll_answered(),
            6 => self.poll_aborted(),
            7 => self.session.post_arrived(&mut self.tray),
            8 => self.session.post_finished(),
            9 => self.session.post_aborted(&mut self.tray),
            10 => self.session.post_invalid_content(&mut self.tray),
            11 => return self.candidate_arrives(),
            12 => {
                let pipe = if input.flag() { Pipe::Candidate } else { Pipe::Current };
                self.session.pipe_lost(pipe, reason(input.byte()), &mut self.tray);
            }
            13 => return self.wait(span(input.byte())),
            14 => self.session.close(reason(input.byte()), &mut self.tray),
            _ => return self.ping(),
        }
        self.obey();
    }

    fn receive(&mut self, from: Pipe, number: u8) {
        let was_closed = self.session.closed().is_some();
        let packet = packet(number);
        if from == Pipe::Current && matches!(packet, Ok(engine_proto::Packet::Pong(_))) {
            self.pinged = false;
        }
        let message = self.session.receive(from, packet, self.now, &mut self.tray);
        let is_message = packet.is_ok_and(|packet| packet.message().is_some());
        let expected = is_message && from == Pipe::Current && !was_closed;
        assert_eq!(message.is_some(), expected, "{packet:?} from {from:?}");
    }

    fn poll_arrives(&mut self) {
        self.session.poll_arrived(&mut self.tray);
        if self.tray.contains(&Order::RefuseRequest(400)) {
            // The GET before it, if there is one, is ended in the same tray.
            assert_eq!(self.held, self.tray.contains(&Order::EndPoll(Control::Close)));
        } else {
            self.held = true;
        }
        self.obey();
    }

    fn poll_answered(&mut self) {
        self.session.poll_answered();
        self.held = false;
    }

    fn poll_aborted(&mut self) {
        let was_held = std::mem::take(&mut self.held);
        self.session.poll_aborted(&mut self.tray);
        let ends = self.tray.contains(&Order::Finish(Goodbye::Nothing));
        assert_eq!(was_held, ends, "only a GET that was held can be aborted");
    }

    fn candidate_arrives(&mut self) {
        self.session.candidate_arrived(self.now, &mut self.tray);
        if !self.tray.contains(&Order::RefuseCandidate) {
            assert!(
                self.candidate == Candidate::None && self.end.is_none(),
                "one candidate at a time"
            );
            self.candidate = Candidate::Here;
        }
        self.obey();
    }

    fn ping(&mut self) {
        let sent = self.session.ping(self.now, &mut self.tray);
        let order = Order::Send(Pipe::Current, Control::Ping);
        assert_eq!(sent, self.tray.as_slice() == [order]);
        self.obey();
    }

    /// Time passes as a driver lets it pass: with a call at each deadline on the way.
    fn wait(&mut self, span: Duration) {
        let until = self.now + span;
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
            self.carry_out(order);
        }
        self.compare();
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::RefuseRequest(status) => return assert_eq!(status, 400),
            Order::RefuseCandidate => return,
            Order::ReleasePoll if self.end.is_some() => return self.take_goodbye(),
            _ => assert!(self.end.is_none(), "{order:?} after the end"),
        }
        match order {
            Order::Send(Pipe::Current, control) => self.sent(control),
            Order::Send(Pipe::Candidate, control) => {
                assert_eq!((self.candidate, control), (Candidate::Here, Control::ProbeAnswer));
                self.candidate = Candidate::Probed;
            }
            Order::ReleasePoll | Order::EndPoll(_) => {
                assert!(self.held, "only a held GET can be answered");
                self.held = false;
            }
            Order::Switch => {
                assert_ne!(self.candidate, Candidate::None, "only a candidate can be switched to");
                assert!(!self.held, "nobody polls any more");
                self.candidate = Candidate::None;
                assert_eq!(self.session.transport(), Transport::WebSocket);
            }
            Order::DropCandidate => {
                assert_ne!(self.candidate, Candidate::None, "only a candidate can be dropped");
                self.candidate = Candidate::None;
            }
            Order::EndCandidate => {
                assert_eq!(self.candidate, Candidate::Probed, "nobody else is on its way");
                self.candidate = Candidate::None;
            }
            Order::Finish(goodbye) => self.finish(goodbye),
            Order::RefuseRequest(_) | Order::RefuseCandidate => unreachable!("dealt with above"),
        }
    }

    fn take_goodbye(&mut self) {
        let end = self.end.as_mut().expect("asked after the end");
        assert!(end.goodbye == Goodbye::NextPoll && !end.taken, "a goodbye is taken once");
        end.taken = true;
        self.held = false;
    }

    fn sent(&mut self, control: Control) {
        match control {
            Control::Ping => {
                assert!(!self.pinged, "one ping is outstanding at a time");
                self.pinged = true;
            }
            Control::Noop | Control::Close => {}
            other => panic!("a server does not send {other:?} on the current pipe"),
        }
    }

    fn finish(&mut self, goodbye: Goodbye) {
        let reason = self.session.closed().expect("a finished session says why");
        assert!(!self.held, "no GET is left hanging");
        assert_eq!(self.candidate, Candidate::None, "no candidate is left behind");
        let polling = self.session.transport() == Transport::Polling;
        match goodbye {
            Goodbye::Nothing => {}
            Goodbye::CloseFrame | Goodbye::Flush => assert!(!polling),
            Goodbye::NextPoll => assert!(polling),
        }
        self.end = Some(End { goodbye, reason, taken: false });
    }

    /// The session's own view is the driver's.
    fn compare(&self) {
        let reason = self.end.as_ref().map(|end| end.reason);
        assert_eq!(self.session.closed(), reason, "the reason comes with the end, and stays");
        assert_eq!(self.session.next_timeout().is_none(), reason.is_some());
        assert_eq!(self.session.is_upgrading(), self.candidate != Candidate::None);
        let polls = self.held && self.candidate == Candidate::Probed;
        assert!(!polls, "a probed client's GET is released, or its upgrade waits for nothing");
    }

    /// Without a sign of life the session is over after the upgrade's deadline, a ping and a pong.
    fn fall_silent(&mut self) {
        for _ in 0..3 {
            let due = self.session.next_timeout().unwrap_or(self.now);
            self.wait(due.saturating_sub(self.now));
        }
        assert!(self.end.is_some(), "a silent peer is given up");
    }
}
