//! Heartbeats, seen from both sides.

use std::time::Duration;

use sockeye_engine_proto::{CloseReason, Control, Goodbye, Order, Pipe, Session, Transport};

use crate::bench::{Bench, secs};
use crate::pair::Pair;

const PING: Order = Order::Send(Pipe::Current, Control::Ping);
const BOTH: [Transport; 2] = [Transport::Polling, Transport::WebSocket];

#[test]
fn a_quiet_day_keeps_the_session_open() {
    for transport in BOTH {
        let mut pair = Pair::connected(transport);
        pair.advance(secs(24 * 60 * 60));
        assert_eq!(pair.closed(), (None, None));
        assert_eq!(pair.pings, 24 * 60 * 60 / 25);
    }
}

#[test]
fn server_closes_when_the_pong_is_late() {
    for transport in BOTH {
        let mut pair = Pair::connected(transport);
        pair.lose_pongs = true;
        pair.advance(Duration::from_millis(44_999));
        assert_eq!(pair.server.closed(), None);
        pair.advance(Duration::from_millis(1));
        assert_eq!(pair.server.closed(), Some(CloseReason::PingTimeout));
        assert!(pair.client.closed().is_some(), "the client is told");
    }
}

#[test]
fn client_closes_when_the_ping_is_late() {
    for transport in BOTH {
        let mut pair = Pair::connected(transport);
        pair.cut = true;
        pair.advance(Duration::from_millis(44_999));
        assert_eq!(pair.client.closed(), None);
        pair.advance(Duration::from_millis(1));
        assert_eq!(pair.closed(), (Some(CloseReason::PingTimeout), Some(CloseReason::PingTimeout)));
    }
}

#[test]
fn server_pings_an_interval_after_the_opening_and_after_each_pong() {
    let mut bench = Bench::streaming();
    assert_eq!(bench.after(secs(24)), []);
    assert_eq!(bench.after(secs(1)), [PING]);
    assert_eq!(bench.after(secs(10)), []);
    assert_eq!(bench.packet("3"), []);
    assert_eq!(bench.session.next_timeout(), Some(bench.now + secs(25)));
    assert_eq!(bench.after(secs(25)), [PING]);
}

#[test]
fn server_ends_a_websocket_whose_pong_is_late_without_flushing() {
    let mut bench = Bench::streaming();
    bench.after(secs(25));
    assert_eq!(bench.after(secs(20)), [Order::Finish(Goodbye::CloseFrame)]);
}

#[test]
fn server_gives_a_pong_once_more_time_when_something_else_comes_first() {
    let mut bench = Bench::streaming();
    bench.after(secs(25));
    bench.after(secs(19));
    assert!(bench.hears(Pipe::Current));
    assert_eq!(bench.session.next_timeout(), Some(bench.now + secs(20)), "once");
    bench.after(secs(10));
    assert!(bench.hears(Pipe::Current));
    assert_eq!(bench.session.next_timeout(), Some(bench.now + secs(10)), "and not again");
    bench.after(secs(10));
    assert_eq!(bench.session.closed(), Some(CloseReason::PingTimeout));
}

#[test]
fn any_packet_gives_the_pong_more_time() {
    for packet in ["6", "5", "0{}", "bAQI="] {
        let mut bench = Bench::polling();
        bench.after(secs(25));
        bench.after(secs(5));
        assert_eq!(bench.packet(packet), []);
        assert_eq!(bench.session.next_timeout(), Some(bench.now + secs(20)), "{packet}");
    }
}

#[test]
fn each_ping_has_an_extension_of_its_own() {
    let mut bench = Bench::streaming();
    for _ in 0..3 {
        assert_eq!(bench.after(secs(25)), [PING]);
        bench.after(secs(15));
        assert!(bench.hears(Pipe::Current));
        assert_eq!(bench.after(secs(19)), []);
        assert_eq!(bench.packet("3"), []);
    }
}

#[test]
fn packets_between_pings_do_not_put_the_next_ping_off() {
    let mut bench = Bench::streaming();
    bench.after(secs(20));
    assert!(bench.hears(Pipe::Current));
    assert_eq!(bench.after(secs(5)), [PING]);
}

#[test]
fn a_pong_that_nobody_asked_for_changes_nothing() {
    let mut bench = Bench::streaming();
    let due = bench.session.next_timeout();
    bench.after(secs(10));
    for pong in ["3", "3data", "3probe"] {
        assert_eq!(bench.packet(pong), []);
    }
    assert_eq!(bench.session.next_timeout(), due);
}

#[test]
fn a_pong_with_data_is_a_pong() {
    let mut bench = Bench::streaming();
    bench.after(secs(25));
    assert_eq!(bench.packet("3data"), []);
    assert_eq!(bench.session.next_timeout(), Some(bench.now + secs(25)));
}

#[test]
fn a_ping_on_demand_waits_for_its_pong_like_any_other() {
    let mut bench = Bench::streaming();
    bench.after(secs(5));
    assert_eq!(bench.pings(), [PING]);
    assert_eq!(bench.session.next_timeout(), Some(bench.now + secs(20)));
    assert_eq!(bench.after(secs(20)), [Order::Finish(Goodbye::CloseFrame)]);
}

#[test]
fn only_one_ping_is_outstanding() {
    let mut bench = Bench::streaming();
    assert_eq!(bench.pings(), [PING]);
    assert_eq!(bench.pings(), []);
    bench.packet("3");
    assert_eq!(bench.pings(), [PING]);
}

#[test]
fn a_closed_session_pings_nobody() {
    for mut bench in [Bench::closed(), Bench::lingering()] {
        assert_eq!(bench.pings(), []);
        assert_eq!(bench.after(secs(1000)), []);
        assert_eq!(bench.session.next_timeout(), None);
    }
}

#[test]
fn a_timeout_that_comes_too_early_does_nothing() {
    for (phase, mut bench) in Bench::in_each_phase() {
        let due = bench.session.next_timeout();
        assert_eq!(bench.after(secs(1)), [], "{phase}");
        assert_eq!(bench.session.next_timeout(), due, "{phase}");
    }
}

#[test]
fn a_clock_at_its_end_does_no_harm() {
    let mut bench = Bench::probing();
    bench.now = Duration::MAX;
    assert!(bench.after(Duration::ZERO).contains(&PING));
    assert!(bench.hears(Pipe::Current));
}

#[test]
fn a_peer_that_is_not_listened_to_is_pinged_and_not_blamed_for_its_silence() {
    for mut bench in [Bench::streaming(), Bench::probing()] {
        let unheard = |bench: &mut Bench, time| {
            bench.now += time;
            bench.does(Session::timeout_unheard)
        };
        assert_eq!(unheard(&mut bench, secs(24)), []);
        assert_eq!(unheard(&mut bench, secs(1)), [PING]);
        for _ in 0..100 {
            assert_eq!(unheard(&mut bench, secs(20)), []);
            assert!(bench.session.next_timeout().is_some_and(|at| at > bench.now), "no spinning");
        }
        assert_eq!(bench.after(secs(9)), [], "it has its time once more");
        assert_eq!(bench.packet("3"), []);
        assert!(!bench.session.awaits_pong());
    }
}

#[test]
fn a_ping_waits_in_the_queue_of_a_client_that_does_not_poll() {
    let mut bench = Bench::polling();
    assert_eq!(bench.after(secs(25)), [PING]);
    assert_eq!(bench.after(secs(20)), [Order::Finish(Goodbye::Nothing)]);
    assert_eq!(bench.session.closed(), Some(CloseReason::PingTimeout));
}
