//! From polling to a WebSocket: how it goes well, and every way in which it does not.

use std::time::Duration;

use sockeye_engine_proto::{CloseReason, Config, Control, Order, Pipe, Transport, client};

use crate::bench::{Bench, secs};
use crate::pair::Pair;

const ANSWER: Order = Order::Send(Pipe::Candidate, Control::ProbeAnswer);
const STREAMING: (Transport, Transport) = (Transport::WebSocket, Transport::WebSocket);
const POLLING: (Transport, Transport) = (Transport::Polling, Transport::Polling);

#[test]
fn an_upgrade_takes_no_time_and_loses_nothing() {
    let mut pair = Pair::upgrading();
    pair.server_says("one");
    pair.client_says("eins");
    pair.settle();
    assert_eq!(pair.transports(), STREAMING);
    pair.server_says("two");
    pair.client_says("zwei");
    pair.settle();
    assert_eq!(pair.client_heard, ["one", "two"]);
    assert_eq!(pair.server_heard, ["eins", "zwei"]);
    assert_eq!(pair.server_orders, [ANSWER, Order::ReleasePoll, Order::Switch]);
}

#[test]
fn client_pauses_polling_before_it_moves() {
    let mut pair = Pair::upgrading();
    pair.settle();
    assert_eq!(
        pair.client_orders,
        [
            client::Order::OpenCandidate,
            client::Order::Send(Pipe::Candidate, Control::Probe),
            client::Order::PausePolling,
            client::Order::Send(Pipe::Candidate, Control::Upgrade),
            client::Order::Switch,
        ]
    );
}

#[test]
fn heartbeats_go_on_through_an_upgrade() {
    let mut pair = Pair::upgrading();
    pair.advance(secs(24 * 60 * 60));
    assert_eq!(pair.closed(), (None, None));
    assert_eq!(pair.pings, 24 * 60 * 60 / 25);
}

#[test]
fn a_websocket_that_cannot_be_opened_leaves_both_sides_polling() {
    let mut pair = Pair::upgrading();
    pair.no_websockets = true;
    pair.advance(secs(60 * 60));
    assert_eq!((pair.transports(), pair.closed()), (POLLING, (None, None)));
    assert_eq!(pair.client_orders, [client::Order::OpenCandidate, client::Order::DropCandidate]);
}

#[test]
fn a_websocket_that_hangs_leaves_both_sides_polling() {
    let mut pair = Pair::upgrading();
    pair.hold_frames = true;
    pair.settle();
    assert!(pair.server.is_upgrading() && pair.client.is_upgrading());
    pair.advance(secs(10));
    assert!(!pair.server.is_upgrading() && !pair.client.is_upgrading());
    pair.server_says("still here");
    pair.client_says("me too");
    pair.advance(secs(60 * 60));
    assert_eq!((pair.transports(), pair.closed()), (POLLING, (None, None)));
    assert_eq!((pair.client_heard.len(), pair.server_heard.len()), (1, 1));
}

#[test]
fn a_websocket_that_breaks_leaves_both_sides_polling() {
    let mut pair = Pair::upgrading();
    pair.hold_frames = true;
    pair.settle();
    pair.candidate_breaks();
    pair.server_says("still here");
    pair.advance(secs(60 * 60));
    assert_eq!((pair.transports(), pair.closed()), (POLLING, (None, None)));
    assert_eq!(pair.client_heard, ["still here"]);
}

#[test]
fn either_side_may_close_during_an_upgrade() {
    let mut pair = Pair::upgrading();
    pair.hold_frames = true;
    pair.settle();
    pair.server_says("bye");
    pair.server_closes(CloseReason::ForcedClose);
    pair.settle();
    assert_eq!(pair.client_heard, ["bye"]);
    assert_eq!(pair.closed().1, Some(CloseReason::TransportClose));

    let mut pair = Pair::upgrading();
    pair.hold_frames = true;
    pair.settle();
    pair.client_says("bye");
    pair.client_closes();
    pair.settle();
    assert_eq!(pair.server_heard, ["bye"]);
    assert_eq!(pair.closed().0, Some(CloseReason::TransportClose));
}

#[test]
fn a_client_that_may_have_stopped_polling_is_waited_for_when_the_session_ends() {
    let mut bench = Bench::probed();
    assert_eq!(bench.closes(CloseReason::ForcedClose)[0], Order::EndCandidate);
    assert_eq!(bench.on_candidate("5"), [], "there is no session to move any more");

    let mut bench = Bench::probing();
    assert_eq!(bench.closes(CloseReason::ForcedClose)[0], Order::DropCandidate, "it still polls");
}

#[test]
fn the_probe_releases_a_held_get_at_once() {
    let mut bench = Bench::holding_a_get();
    assert_eq!(bench.candidate(), []);
    assert_eq!(bench.on_candidate("2probe"), [ANSWER, Order::ReleasePoll]);
}

#[test]
fn a_get_before_the_probe_is_held_and_one_after_it_is_not() {
    let mut bench = Bench::probing();
    assert_eq!(bench.get(), []);
    assert_eq!(bench.on_candidate("2probe"), [ANSWER, Order::ReleasePoll]);
    for _ in 0..3 {
        assert_eq!(bench.get(), [Order::ReleasePoll]);
    }
    assert_eq!(bench.on_candidate("5"), [Order::Switch]);
}

#[test]
fn posts_are_taken_during_an_upgrade() {
    let mut bench = Bench::probed();
    assert_eq!(bench.post(), []);
    assert!(bench.hears(Pipe::Current));
    bench.session.post_finished();
    assert_eq!(bench.on_candidate("5"), [Order::Switch]);
}

#[test]
fn overlap_during_an_upgrade_ends_the_session_and_the_candidate() {
    let mut bench = Bench::probing();
    bench.get();
    let orders = bench.get();
    assert_eq!(orders[0], Order::RefuseRequest(400));
    assert!(orders.contains(&Order::DropCandidate));
    assert!(orders.contains(&Order::EndPoll(Control::Close)));
    assert_eq!(bench.session.closed(), Some(CloseReason::TransportError));
}

#[test]
fn an_upgrade_without_a_probe_is_taken_and_leaves_no_get_behind() {
    let mut bench = Bench::holding_a_get();
    bench.candidate();
    assert_eq!(bench.on_candidate("5"), [Order::ReleasePoll, Order::Switch]);
    assert_eq!(bench.session.transport(), Transport::WebSocket);
}

#[test]
fn anything_else_on_the_candidate_drops_it_and_the_session_stays() {
    for packet in ["2", "2probe!", "3probe", "3", "4hello", "bAQI=", "0{}", "1", "6", "7", ""] {
        for mut bench in [Bench::probing(), Bench::probed()] {
            assert_eq!(bench.on_candidate(packet), [Order::DropCandidate], "{packet}");
            assert_eq!(bench.session.transport(), Transport::Polling);
            assert_eq!(bench.session.closed(), None);
            assert_eq!(bench.get(), [], "GETs are held again");
        }
    }
}

#[test]
fn a_second_probe_drops_the_candidate() {
    let mut bench = Bench::probed();
    assert_eq!(bench.on_candidate("2probe"), [Order::DropCandidate]);
}

#[test]
fn a_candidate_that_is_too_slow_is_dropped() {
    for mut bench in [Bench::probing(), Bench::probed()] {
        assert_eq!(bench.session.next_timeout(), Some(bench.now + secs(10)));
        assert_eq!(bench.after(Duration::from_millis(9_999)), []);
        assert_eq!(bench.after(Duration::from_millis(1)), [Order::DropCandidate]);
        assert_eq!(bench.session.closed(), None);
    }
}

#[test]
fn a_candidate_that_is_lost_is_dropped_once() {
    let mut bench = Bench::probed();
    let lost = bench.loses(Pipe::Candidate, CloseReason::TransportError);
    assert_eq!(lost, [Order::DropCandidate]);
    assert_eq!(bench.loses(Pipe::Candidate, CloseReason::TransportError), []);
    assert_eq!(bench.after(secs(10)), []);
}

#[test]
fn a_new_candidate_may_come_after_one_was_dropped() {
    let mut bench = Bench::probing();
    bench.on_candidate("7");
    assert_eq!(bench.candidate(), []);
    bench.on_candidate("2probe");
    assert_eq!(bench.on_candidate("5"), [Order::Switch]);
}

#[test]
fn a_second_candidate_is_refused_and_the_first_one_stays() {
    let mut bench = Bench::probing();
    assert_eq!(bench.candidate(), [Order::RefuseCandidate]);
    assert_eq!(bench.on_candidate("2probe"), [ANSWER]);
    assert_eq!(bench.on_candidate("5"), [Order::Switch]);
    assert_eq!(bench.candidate(), [Order::RefuseCandidate], "nor is one wanted afterwards");
}

#[test]
fn a_candidate_is_refused_where_upgrades_are_not_allowed() {
    let config = Config { allow_upgrades: false, ..Config::default() };
    let mut bench = Bench::with(Transport::Polling, &config);
    assert_eq!(bench.candidate(), [Order::RefuseCandidate]);
    assert!(!bench.session.is_upgrading());
}

#[test]
fn a_ping_during_an_upgrade_goes_through_the_queue() {
    let mut bench = Bench::polling();
    bench.after(secs(20));
    bench.candidate();
    bench.on_candidate("2probe");
    assert_eq!(bench.after(secs(5)), [Order::Send(Pipe::Current, Control::Ping)]);
    assert_eq!(bench.on_candidate("5"), [Order::Switch]);
    assert_eq!(bench.packet("3"), []);
    assert_eq!(bench.session.next_timeout(), Some(bench.now + secs(25)));
}
