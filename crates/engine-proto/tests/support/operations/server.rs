//! The driver of a server session.

use std::time::Duration;

use sockeye_engine_proto::{
    CloseReason, Config, Control, Goodbye, Order, Packet, Pipe, Session, Transport, Tray,
};

use super::{packet, reason};

/// What is being reported to the session, until an order has dealt with it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Arriving {
    Nothing,
    Get,
    Post,
    Candidate,
}

/// A server's driver as far as a session can tell.
#[expect(clippy::struct_excessive_bools, reason = "a wire is many small facts")]
pub(super) struct Driver {
    session: Session,
    now: Duration,
    streaming: bool,
    candidate: bool,
    get_held: bool,
    post_open: bool,
    arriving: Arriving,
    finished: Option<(Goodbye, CloseReason)>,
    /// The goodbye that waits for a GET has been fetched.
    goodbye_taken: bool,
}

impl Driver {
    pub(super) fn new(how: u8) -> Self {
        let streaming = how % 4 == 3;
        let transport = if streaming { Transport::WebSocket } else { Transport::Polling };
        let config = Config {
            ping_interval: Duration::from_secs(4),
            ping_timeout: Duration::from_secs(2),
            upgrade_timeout: Duration::from_secs(3),
            allow_upgrades: how % 8 != 4,
            ..Config::default()
        };
        Driver {
            session: Session::accept(transport, &config, Duration::ZERO),
            now: Duration::ZERO,
            streaming,
            candidate: false,
            get_held: false,
            post_open: false,
            arriving: Arriving::Nothing,
            finished: None,
            goodbye_taken: false,
        }
    }

    pub(super) fn happen(&mut self, what: u8, how: u8) {
        let mut out = Tray::new();
        let out = &mut out;
        match what % 18 {
            0 => self.now += Duration::from_millis(u64::from(how) * 20),
            1 => self.pass_time(out),
            2 | 3 => self.receive(Pipe::Current, how, out),
            4..=6 => self.receive(Pipe::Candidate, how, out),
            7 | 8 => {
                self.arriving = Arriving::Get;
                self.session.poll_arrived(out);
            }
            9 => {
                self.get_held = false;
                self.session.poll_answered();
            }
            10 => {
                self.get_held = false;
                self.session.poll_aborted(out);
            }
            11 => {
                self.arriving = Arriving::Post;
                self.session.post_arrived(out);
            }
            12 => {
                self.post_open = false;
                self.session.post_finished();
            }
            13 => {
                if how.is_multiple_of(4) {
                    self.arriving = Arriving::Post;
                    self.session.post_invalid_content(out);
                    assert!(out.contains(&Order::RefuseRequest(400)));
                } else {
                    self.post_open = false;
                    self.session.post_aborted(out);
                }
            }
            14 | 15 => {
                self.arriving = Arriving::Candidate;
                self.session.candidate_arrived(self.now, out);
            }
            16 => match how % 4 {
                0 => self.session.pipe_lost(Pipe::Current, reason(how), out),
                _ => self.session.pipe_lost(Pipe::Candidate, reason(how), out),
            },
            _ => {
                if how.is_multiple_of(4) {
                    self.session.close(reason(how), out);
                } else {
                    let sent = self.session.ping(self.now, out);
                    assert_eq!(sent, !out.is_empty());
                }
            }
        }
        assert!(!out.spilled(), "more than four orders: {out:?}");
        out.drain(..).for_each(|order| self.obey(order));
        self.settle_arrival();
    }

    fn pass_time(&mut self, out: &mut Tray) {
        let Some(next) = self.session.next_timeout() else {
            return;
        };
        self.now = self.now.max(next);
        self.session.timeout(self.now, out);
        let later = self.session.next_timeout().is_none_or(|next| next > self.now);
        assert!(later, "a timeout that has been dealt with does not come again");
    }

    fn receive(&mut self, from: Pipe, how: u8, out: &mut Tray) {
        let message = packet(how).ok().and_then(Packet::message);
        let passes = from == Pipe::Current && self.finished.is_none();
        let got = self.session.receive(from, packet(how), self.now, out);
        assert_eq!(got, message.filter(|_| passes));
        assert!(got.is_none() || out.is_empty(), "a message costs nothing");
    }

    fn obey(&mut self, order: Order) {
        let over = self.finished.is_some();
        match order {
            Order::Send(Pipe::Current, packet) => {
                assert!(!over);
                assert!(matches!(packet, Control::Ping | Control::Noop | Control::Close));
                assert!(packet == Control::Ping || !self.streaming);
            }
            Order::Send(Pipe::Candidate, packet) => {
                assert!(self.candidate && packet == Control::ProbeAnswer);
            }
            Order::ReleasePoll => self.release(),
            Order::EndPoll(packet) => {
                assert!(self.get_held && matches!(packet, Control::Close | Control::Noop));
                self.get_held = false;
            }
            Order::RefuseRequest(status) => {
                assert!(matches!(self.arriving, Arriving::Get | Arriving::Post));
                assert_eq!(status, 400);
                self.arriving = Arriving::Nothing;
            }
            Order::Switch => {
                assert!(self.candidate && !self.streaming && !self.get_held);
                (self.streaming, self.candidate) = (true, false);
            }
            Order::RefuseCandidate => {
                assert_eq!(self.arriving, Arriving::Candidate);
                self.arriving = Arriving::Nothing;
            }
            Order::DropCandidate => {
                assert!(self.candidate, "there is one to drop, once");
                self.candidate = false;
            }
            Order::EndCandidate => {
                assert!(self.candidate && self.session.closed().is_some());
                self.candidate = false;
            }
            Order::Finish(goodbye) => self.finish(goodbye),
        }
    }

    fn release(&mut self) {
        if let Some((goodbye, _)) = self.finished {
            assert_eq!((goodbye, self.arriving), (Goodbye::NextPoll, Arriving::Get));
            assert!(!self.goodbye_taken, "the goodbye is said once");
            self.goodbye_taken = true;
            self.arriving = Arriving::Nothing;
        } else if self.get_held {
            self.get_held = false;
        } else {
            assert_eq!(self.arriving, Arriving::Get, "there is a GET to release");
            self.arriving = Arriving::Nothing;
        }
    }

    fn finish(&mut self, goodbye: Goodbye) {
        assert_eq!(self.finished, None, "a session ends once");
        assert!(!self.candidate && !self.get_held, "nobody is left waiting");
        match goodbye {
            Goodbye::Nothing => {}
            Goodbye::CloseFrame | Goodbye::Flush => assert!(self.streaming),
            Goodbye::NextPoll => assert!(!self.streaming),
        }
        let reason = self.session.closed().expect("Finish is for closed sessions");
        self.finished = Some((goodbye, reason));
    }

    /// What was reported and not refused is there now.
    fn settle_arrival(&mut self) {
        match std::mem::replace(&mut self.arriving, Arriving::Nothing) {
            Arriving::Nothing => {}
            Arriving::Get => {
                assert!(self.finished.is_none() && !self.streaming && !self.get_held);
                self.get_held = true;
            }
            Arriving::Post if self.finished.is_some() => {}
            Arriving::Post => {
                assert!(!self.streaming && !self.post_open, "one POST at a time");
                self.post_open = true;
            }
            Arriving::Candidate => {
                assert!(self.finished.is_none() && !self.streaming && !self.candidate);
                self.candidate = true;
            }
        }
    }

    pub(super) fn check(&self) {
        let session = &self.session;
        assert_eq!(session.closed(), self.finished.map(|(_, reason)| reason));
        assert_eq!(session.next_timeout().is_none(), self.finished.is_some());
        assert_eq!(session.is_upgrading(), self.candidate);
        assert_eq!(session.transport() == Transport::WebSocket, self.streaming);
    }
}
