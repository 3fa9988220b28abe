//! The driver of a client session.

use std::time::Duration;

use sockeye_engine_proto::client::{Config, Incoming, Order, Session, Tray};
use sockeye_engine_proto::{CloseReason, Control, Heartbeat, Packet, PacketError, Pipe, Transport};

use super::{packet, reason};

const OPEN: &str = r#"{"sid":"x","upgrades":["websocket"],"pingInterval":4000,"pingTimeout":2000}"#;

/// What has become of a client's WebSocket beside its polling.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Attempt {
    None,
    Opening,
    Open,
}

/// A client's driver as far as a session can tell.
#[expect(clippy::struct_excessive_bools, reason = "a wire is many small facts")]
pub(super) struct Driver<H> {
    session: Session<H>,
    now: Duration,
    streaming: bool,
    opened: bool,
    attempt: Attempt,
    paused: bool,
    upgrade_sent: bool,
    finished: Option<CloseReason>,
}

impl<H: Heartbeat> Driver<H> {
    pub(super) fn new(how: u8) -> Self {
        let streaming = how % 4 == 3;
        let transport = if streaming { Transport::WebSocket } else { Transport::Polling };
        let config = Config {
            upgrade: how % 8 != 4,
            open_timeout: Duration::from_secs(3),
            upgrade_timeout: Duration::from_secs(3),
        };
        Driver {
            session: Session::begin(transport, &config, Duration::ZERO),
            now: Duration::ZERO,
            streaming,
            opened: false,
            attempt: Attempt::None,
            paused: false,
            upgrade_sent: false,
            finished: None,
        }
    }

    pub(super) fn happen(&mut self, what: u8, how: u8) {
        let mut out = Tray::new();
        let out = &mut out;
        match what % 12 {
            0 => self.now += Duration::from_millis(u64::from(how) * 20),
            1 => self.pass_time(out),
            2 | 3 => self.receive(Pipe::Current, packet(how), out),
            4 => self.receive(Pipe::Current, Ok(Packet::Open(OPEN)), out),
            5 | 6 => self.receive(Pipe::Candidate, packet(how), out),
            7 if self.attempt == Attempt::Opening => {
                self.attempt = Attempt::Open;
                self.session.candidate_opened(out);
            }
            7 if how.is_multiple_of(4) => self.open_unwanted(),
            7 | 8 => self.session.polling_paused(out),
            9 => self.session.pipe_lost(Pipe::Candidate, reason(how), out),
            10 if how.is_multiple_of(8) => self.session.pipe_lost(Pipe::Current, reason(how), out),
            11 if how.is_multiple_of(8) => self.session.close(reason(how), out),
            _ => {}
        }
        assert!(!out.spilled(), "more than four orders: {out:?}");
        out.drain(..).for_each(|order| self.obey(order));
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

    fn receive(
        &mut self,
        from: Pipe,
        packet: Result<Packet<'static>, PacketError>,
        out: &mut Tray,
    ) {
        let passes = from == Pipe::Current && self.finished.is_none();
        match self.session.receive(from, packet, self.now, out) {
            Some(Incoming::Open(open)) => {
                assert!(passes && !self.opened, "a session opens once");
                assert_eq!(packet, Ok(Packet::Open(OPEN)));
                assert_eq!(open.sid, "x");
                self.opened = true;
            }
            Some(Incoming::Message(message)) => {
                assert!(passes && self.opened, "no message comes before the opening");
                assert_eq!(packet, Ok(Packet::Message(message)));
                assert!(out.is_empty(), "a message costs nothing");
            }
            None => {
                let message = packet.ok().and_then(Packet::message);
                assert!(message.is_none() || !passes || !self.opened, "no message is lost");
            }
        }
    }

    /// A WebSocket that nobody waits for is reported.
    fn open_unwanted(&mut self) {
        let mut out = Tray::new();
        self.session.candidate_opened(&mut out);
        let expected: &[Order] = match self.attempt {
            Attempt::None => &[Order::DropCandidate],
            Attempt::Opening | Attempt::Open => &[],
        };
        assert_eq!(out.as_slice(), expected);
    }

    fn obey(&mut self, order: Order) {
        assert_eq!(self.finished, None, "nothing follows the end");
        match order {
            Order::Send(Pipe::Current, packet) => {
                assert!(
                    matches!(packet, Control::Ping | Control::Pong | Control::Close) && self.opened
                );
            }
            Order::Send(Pipe::Candidate, packet) => {
                assert_eq!(self.attempt, Attempt::Open);
                match packet {
                    Control::Probe => assert!(!self.paused),
                    Control::Upgrade => {
                        assert!(self.paused && !self.upgrade_sent);
                        self.upgrade_sent = true;
                    }
                    other => panic!("a client does not send {other:?} there"),
                }
            }
            Order::OpenCandidate => {
                assert_eq!(self.attempt, Attempt::None);
                self.attempt = Attempt::Opening;
            }
            Order::PausePolling => {
                assert!(!self.paused && self.attempt == Attempt::Open);
                self.paused = true;
            }
            Order::ResumePolling => {
                assert!(self.paused && self.attempt == Attempt::None);
                self.paused = false;
            }
            Order::Switch => {
                assert!(self.upgrade_sent && self.paused);
                (self.streaming, self.attempt) = (true, Attempt::None);
            }
            Order::DropCandidate => {
                assert_ne!(self.attempt, Attempt::None, "there is one to drop, once");
                self.attempt = Attempt::None;
            }
            Order::Finish(_) => {
                assert_eq!(self.attempt, Attempt::None, "no WebSocket is left open");
                self.finished = self.session.closed();
                assert!(self.finished.is_some());
            }
        }
    }

    pub(super) fn check(&self) {
        let session = &self.session;
        assert_eq!(session.closed(), self.finished);
        assert_eq!(session.next_timeout().is_none(), self.finished.is_some());
        assert_eq!(session.is_open(), self.opened && self.finished.is_none());
        assert_eq!(session.is_upgrading(), self.attempt != Attempt::None);
        assert_eq!(session.transport() == Transport::WebSocket, self.streaming);
    }
}
