//! What the connecting side does.

use std::time::Duration;

use sockeye_engine_proto::client::{Config, Goodbye, Incoming, Order, Session, Tray};
use sockeye_engine_proto::{CloseReason, Control, Message, Packet, Pipe, Transport};

use crate::bench::secs;

const OPEN: &str =
    r#"0{"sid":"x","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}"#;
const PROBE: Order = Order::Send(Pipe::Candidate, Control::Probe);

/// A client session, the time, and a short way to say what happens.
struct Bench {
    session: Session,
    now: Duration,
}

impl Bench {
    fn opening(transport: Transport) -> Self {
        let now = secs(100);
        Bench { session: Session::connect(transport, &Config::default(), now), now }
    }

    fn streaming() -> Self {
        let mut bench = Bench::opening(Transport::WebSocket);
        assert_eq!(bench.packet(OPEN), []);
        bench
    }

    /// Polling, and the upgrade has failed.
    fn polling() -> Self {
        let mut bench = Bench::connecting();
        assert_eq!(bench.loses(Pipe::Candidate), [Order::DropCandidate]);
        bench
    }

    /// Polling, and a WebSocket is being opened.
    fn connecting() -> Self {
        let mut bench = Bench::opening(Transport::Polling);
        assert_eq!(bench.packet(OPEN), [Order::OpenCandidate]);
        bench
    }

    /// Polling, and the WebSocket has been asked.
    fn probing() -> Self {
        let mut bench = Bench::connecting();
        assert_eq!(bench.does(sockeye_engine_proto::client::Session::candidate_opened), [PROBE]);
        bench
    }

    /// Polling, and the last requests are coming back.
    fn pausing() -> Self {
        let mut bench = Bench::probing();
        assert_eq!(bench.on_candidate("3probe"), [Order::PausePolling]);
        bench
    }

    fn closed() -> Self {
        let mut bench = Bench::streaming();
        bench.does(|session, out| session.close(CloseReason::ForcedClose, out));
        bench
    }

    fn does(&mut self, what: impl FnOnce(&mut Session, &mut Tray)) -> Vec<Order> {
        let mut out = Tray::new();
        what(&mut self.session, &mut out);
        out.to_vec()
    }

    fn packet(&mut self, text: &str) -> Vec<Order> {
        self.receive(Pipe::Current, text)
    }

    fn on_candidate(&mut self, text: &str) -> Vec<Order> {
        self.receive(Pipe::Candidate, text)
    }

    fn receive(&mut self, pipe: Pipe, text: &str) -> Vec<Order> {
        let now = self.now;
        let mut base64 = Vec::new();
        let packet = Packet::parse(text, &mut base64);
        self.does(|session, out| drop(session.receive(pipe, packet, now, out)))
    }

    fn hears(&mut self, pipe: Pipe) -> bool {
        let packet = Ok(Packet::Message(Message::Text("hello")));
        let heard = self.session.receive(pipe, packet, self.now, &mut Tray::new());
        heard == Some(Incoming::Message(Message::Text("hello")))
    }

    fn after(&mut self, duration: Duration) -> Vec<Order> {
        self.now += duration;
        let now = self.now;
        self.does(|session, out| session.timeout(now, out))
    }

    fn loses(&mut self, pipe: Pipe) -> Vec<Order> {
        self.does(|session, out| session.pipe_lost(pipe, CloseReason::TransportError, out))
    }

    fn paused(&mut self) -> Vec<Order> {
        self.does(sockeye_engine_proto::client::Session::polling_paused)
    }

    fn closes(&mut self) -> Vec<Order> {
        self.does(|session, out| session.close(CloseReason::ForcedClose, out))
    }
}

#[test]
fn the_open_packet_opens_the_session() {
    let mut bench = Bench::opening(Transport::WebSocket);
    assert!(!bench.session.is_open());
    let packet = Ok(Packet::Open(&OPEN[1..]));
    let opened = bench.session.receive(Pipe::Current, packet, bench.now, &mut Tray::new());
    let Some(Incoming::Open(open)) = opened else { panic!("{opened:?}") };
    assert_eq!((open.sid.as_str(), open.max_payload), ("x", None));
    assert!(bench.session.is_open());
}

#[test]
fn a_message_before_the_open_packet_is_a_parse_error() {
    for packet in ["4hello", "2", "6", "1", "7", "", "0", "0{}", "0[]"] {
        let mut bench = Bench::opening(Transport::WebSocket);
        assert_eq!(bench.packet(packet), [Order::Finish(Goodbye::Hurry)], "{packet}");
        assert_eq!(bench.session.closed(), Some(CloseReason::ParseError));
    }
}

#[test]
fn a_server_that_does_not_open_is_given_up() {
    let mut bench = Bench::opening(Transport::Polling);
    assert_eq!(bench.session.next_timeout(), Some(bench.now + secs(20)));
    assert_eq!(bench.after(secs(19)), []);
    assert_eq!(bench.after(secs(1)), [Order::Finish(Goodbye::Hurry)]);
    assert_eq!(bench.session.closed(), Some(CloseReason::TransportError));
}

#[test]
fn client_answers_a_ping_and_waits_for_the_next() {
    for mut bench in [Bench::streaming(), Bench::polling(), Bench::probing(), Bench::pausing()] {
        bench.now += secs(25);
        assert_eq!(bench.packet("2"), [Order::Send(Pipe::Current, Control::Pong)]);
        bench.after(secs(45).checked_sub(Duration::from_millis(1)).unwrap());
        assert_eq!(bench.session.closed(), None);
        bench.after(Duration::from_millis(1));
        assert_eq!(bench.session.closed(), Some(CloseReason::PingTimeout));
    }
}

#[test]
fn messages_do_not_stand_for_pings() {
    let mut bench = Bench::streaming();
    bench.after(secs(44));
    assert!(bench.hears(Pipe::Current));
    assert_eq!(bench.after(secs(1)), [Order::Finish(Goodbye::Hurry)]);
}

#[test]
fn an_interval_beyond_all_measure_does_no_harm() {
    let mut bench = Bench::opening(Transport::WebSocket);
    let packet =
        format!(r#"0{{"sid":"x","upgrades":[],"pingInterval":{0},"pingTimeout":{0}}}"#, u64::MAX);
    assert_eq!(bench.packet(&packet), []);
    assert!(bench.session.is_open());
    assert_eq!(bench.after(secs(90 * 24 * 60 * 60)), []);
}

#[test]
fn an_interval_of_nothing_does_no_harm() {
    let mut bench = Bench::opening(Transport::WebSocket);
    assert_eq!(bench.packet(r#"0{"sid":"x","upgrades":[],"pingInterval":0,"pingTimeout":0}"#), []);
    assert!(bench.session.next_timeout() > Some(bench.now));
}

#[test]
fn a_session_without_a_ping_in_time_is_known_to_be_expired() {
    let mut bench = Bench::streaming();
    assert!(!bench.session.is_expired(bench.now + secs(44)));
    assert!(bench.session.is_expired(bench.now + secs(45)));
    assert_eq!(bench.session.closed(), None, "looking ends nothing");
    assert!(!Bench::opening(Transport::Polling).session.is_expired(secs(1000)));
    bench.after(secs(45));
    assert!(!bench.session.is_expired(bench.now), "it is over");
}

#[test]
fn a_server_that_is_not_listened_to_is_not_blamed_for_its_silence() {
    let mut bench = Bench::streaming();
    bench.now += secs(45);
    let now = bench.now;
    assert_eq!(bench.does(|session, out| session.timeout_unheard(now, out)), []);
    assert_eq!(bench.session.next_timeout(), Some(now + secs(45)));
}

#[test]
fn no_candidate_is_opened_unless_both_sides_want_it() {
    let mut bench = Bench::opening(Transport::Polling);
    let packet = OPEN.replace(r#""websocket""#, r#""webtransport""#);
    assert_eq!(bench.packet(&packet), []);

    let config = Config { upgrade: false, ..Config::default() };
    let mut bench = Bench::opening(Transport::Polling);
    bench.session = Session::connect(Transport::Polling, &config, bench.now);
    assert_eq!(bench.packet(OPEN), []);
    assert_eq!(bench.session.transport(), Transport::Polling);
}

#[test]
fn client_moves_once_its_requests_have_come_back() {
    let mut bench = Bench::pausing();
    assert!(bench.hears(Pipe::Current), "the last poll brings what it brings");
    assert_eq!(bench.session.transport(), Transport::Polling);
    assert_eq!(bench.paused(), [Order::Send(Pipe::Candidate, Control::Upgrade), Order::Switch]);
    assert_eq!(bench.session.transport(), Transport::WebSocket);
}

#[test]
fn a_candidate_that_answers_anything_else_is_dropped() {
    for packet in ["3", "2probe", "4hello", "6", "1", "7", ""] {
        let mut bench = Bench::probing();
        assert_eq!(bench.on_candidate(packet), [Order::DropCandidate], "{packet}");
        assert!(bench.session.is_open());
    }
}

#[test]
fn a_candidate_that_answers_before_it_was_asked_is_dropped() {
    let mut bench = Bench::connecting();
    assert_eq!(bench.on_candidate("3probe"), [Order::DropCandidate]);
}

#[test]
fn polling_resumes_when_the_candidate_fails_at_the_last_moment() {
    let resumed = [Order::DropCandidate, Order::ResumePolling];
    assert_eq!(Bench::pausing().loses(Pipe::Candidate), resumed);
    assert_eq!(Bench::pausing().on_candidate("4hello"), resumed);
    assert_eq!(Bench::pausing().after(secs(10)), resumed);
}

#[test]
fn an_upgrade_that_takes_too_long_is_given_up() {
    for mut bench in [Bench::connecting(), Bench::probing()] {
        assert_eq!(bench.session.next_timeout(), Some(bench.now + secs(10)));
        assert_eq!(bench.after(secs(10)), [Order::DropCandidate]);
        assert!(bench.session.is_open() && !bench.session.is_upgrading());
    }
}

#[test]
fn a_websocket_that_opens_too_late_is_dropped() {
    for mut bench in [Bench::polling(), Bench::streaming(), Bench::closed()] {
        let orders = bench.does(sockeye_engine_proto::client::Session::candidate_opened);
        assert_eq!(orders, [Order::DropCandidate]);
    }
}

#[test]
fn a_pause_that_nobody_asked_for_changes_nothing() {
    for mut bench in [Bench::polling(), Bench::probing(), Bench::streaming(), Bench::closed()] {
        let before = bench.session.transport();
        assert_eq!(bench.paused(), []);
        assert_eq!(bench.session.transport(), before);
    }
}

#[test]
fn client_closes_in_every_phase() {
    let queue_close = Order::Send(Pipe::Current, Control::Close);
    let flush = Order::Finish(Goodbye::Flush);
    let hurry = Order::Finish(Goodbye::Hurry);
    let drop = Order::DropCandidate;
    let table = [
        (Bench::opening(Transport::Polling), vec![hurry]),
        (Bench::opening(Transport::WebSocket), vec![hurry]),
        (Bench::polling(), vec![queue_close, flush]),
        (Bench::connecting(), vec![queue_close, drop, flush]),
        (Bench::probing(), vec![queue_close, drop, flush]),
        (Bench::pausing(), vec![queue_close, drop, flush]),
        (Bench::streaming(), vec![flush]),
        (Bench::closed(), vec![]),
    ];
    for (mut bench, orders) in table {
        assert_eq!(bench.closes(), orders);
        assert_eq!(bench.session.closed(), Some(CloseReason::ForcedClose));
        assert_eq!(bench.session.next_timeout(), None);
    }
}

#[test]
fn a_close_packet_from_the_server_ends_the_session() {
    for mut bench in [Bench::streaming(), Bench::polling()] {
        assert_eq!(bench.packet("1"), [Order::Finish(Goodbye::Hurry)]);
        assert_eq!(bench.session.closed(), Some(CloseReason::TransportClose));
    }
}

#[test]
fn what_is_no_packet_is_a_parse_error_to_the_client_too() {
    for mut bench in [Bench::streaming(), Bench::polling()] {
        assert_eq!(bench.packet("x"), [Order::Finish(Goodbye::Hurry)]);
        assert_eq!(bench.session.closed(), Some(CloseReason::ParseError));
    }
}

#[test]
fn noops_and_strays_are_ignored() {
    let mut bench = Bench::streaming();
    for packet in ["6", "5", "3", "3probe", "0{}"] {
        assert_eq!(bench.packet(packet), []);
    }
    assert!(bench.hears(Pipe::Current));
    assert!(!bench.hears(Pipe::Candidate));
}

#[test]
fn a_lost_pipe_ends_the_session_and_is_lost_once() {
    for mut bench in [Bench::opening(Transport::Polling), Bench::polling(), Bench::streaming()] {
        assert_eq!(bench.loses(Pipe::Current), [Order::Finish(Goodbye::Nothing)]);
        assert_eq!(bench.loses(Pipe::Current), []);
        assert_eq!(bench.session.closed(), Some(CloseReason::TransportError));
    }
    let mut bench = Bench::pausing();
    let orders = bench.loses(Pipe::Current);
    assert_eq!(orders, [Order::DropCandidate, Order::Finish(Goodbye::Nothing)]);
}
