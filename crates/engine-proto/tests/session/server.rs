//! What the accepting side does with packets and requests.

use sockeye_engine_proto::{
    CloseReason, Control, Goodbye, Message, Order, Packet, Pipe, Session, Transport, Tray,
};

use crate::bench::Bench;
use crate::pair::Pair;

const REFUSED: Order = Order::RefuseRequest(400);
const END: Order = Order::EndPoll(Control::Close);
const OVER: Order = Order::Finish(Goodbye::Nothing);
const GOODBYE: Order = Order::Finish(Goodbye::Flush);

#[test]
fn messages_travel_both_ways_over_either_transport() {
    for transport in [Transport::Polling, Transport::WebSocket] {
        let mut pair = Pair::connected(transport);
        pair.server_says("one");
        pair.client_says("two");
        pair.server_says("three");
        pair.settle();
        assert_eq!(pair.client_heard, ["one", "three"]);
        assert_eq!(pair.server_heard, ["two"]);
    }
}

#[test]
fn messages_on_an_open_session_give_no_orders() {
    let mut bench = Bench::streaming();
    let mut out = Tray::new();
    for _ in 0..1000 {
        let packet = Ok(Packet::Message(Message::Text("hello")));
        let message = bench.session.receive(Pipe::Current, packet, bench.now, &mut out);
        assert_eq!(message, Some(Message::Text("hello")));
    }
    assert!(out.is_empty() && !out.spilled());
}

#[test]
fn a_session_is_small() {
    assert!(size_of::<Session>() <= 120, "{} bytes", size_of::<Session>());
    assert!(size_of::<Tray>() <= 32, "{} bytes", size_of::<Tray>());
}

#[test]
fn a_ping_from_the_client_is_a_transport_error() {
    for ping in ["2", "2data", "2probe"] {
        let mut bench = Bench::streaming();
        assert_eq!(bench.packet(ping), [GOODBYE]);
        assert_eq!(bench.session.closed(), Some(CloseReason::TransportError));
        let mut bench = Bench::holding_a_get();
        assert_eq!(bench.packet(ping), [END, OVER]);
        assert_eq!(bench.session.closed(), Some(CloseReason::TransportError));
    }
}

#[test]
fn open_upgrade_and_noop_are_ignored_once_the_session_is_open() {
    for mut bench in [Bench::streaming(), Bench::polling(), Bench::probed()] {
        for packet in ["0", "0{}", "5", "6"] {
            assert_eq!(bench.packet(packet), []);
        }
        assert_eq!(bench.session.closed(), None);
    }
}

#[test]
fn what_is_no_packet_is_a_parse_error() {
    for packet in ["", "7", "abc", "b!", "\u{1}"] {
        let mut bench = Bench::streaming();
        assert_eq!(bench.packet(packet), [GOODBYE]);
        assert_eq!(bench.session.closed(), Some(CloseReason::ParseError));
        let mut bench = Bench::holding_a_get();
        assert_eq!(bench.packet(packet), [END, OVER]);
        assert_eq!(bench.session.closed(), Some(CloseReason::ParseError));
    }
}

#[test]
fn a_close_packet_over_polling_ends_the_held_get_with_a_noop() {
    let mut bench = Bench::holding_a_get();
    assert_eq!(bench.packet("1"), [Order::EndPoll(Control::Noop), OVER]);
    assert_eq!(bench.session.closed(), Some(CloseReason::TransportClose));
}

#[test]
fn a_close_packet_over_websocket_ends_the_session_too() {
    let mut bench = Bench::streaming();
    assert_eq!(bench.packet("1"), [GOODBYE]);
    assert_eq!(bench.session.closed(), Some(CloseReason::TransportClose));
}

#[test]
fn a_payload_is_not_read_past_its_close_packet() {
    let mut bench = Bench::polling();
    bench.packet("1");
    assert!(!bench.hears(Pipe::Current));
    assert_eq!(bench.packet("7"), []);
    assert_eq!(bench.session.closed(), Some(CloseReason::TransportClose));
}

#[test]
fn a_get_is_held_until_the_driver_answers_it() {
    let mut bench = Bench::holding_a_get();
    bench.session.poll_answered();
    assert_eq!(bench.get(), []);
}

#[test]
fn a_second_get_is_refused_and_ends_the_session() {
    let mut bench = Bench::holding_a_get();
    assert_eq!(bench.get(), [REFUSED, END, OVER]);
    assert_eq!(bench.session.closed(), Some(CloseReason::TransportError));
}

#[test]
fn a_second_post_is_refused_and_ends_the_session() {
    let mut bench = Bench::polling();
    assert_eq!(bench.post(), []);
    assert_eq!(bench.post(), [REFUSED, OVER]);
    assert_eq!(bench.session.closed(), Some(CloseReason::TransportError));
}

#[test]
fn posts_one_after_the_other_and_beside_a_get_are_fine() {
    let mut bench = Bench::holding_a_get();
    for _ in 0..3 {
        assert_eq!(bench.post(), []);
        assert!(bench.hears(Pipe::Current));
        bench.session.post_finished();
    }
    assert_eq!(bench.session.closed(), None);
}

#[test]
fn a_post_of_the_wrong_content_type_is_refused_and_ends_the_session() {
    let mut bench = Bench::holding_a_get();
    let orders = bench.does(|session, _, out| session.post_invalid_content(out));
    assert_eq!(orders, [REFUSED, END, OVER]);
    assert_eq!(bench.session.closed(), Some(CloseReason::TransportError));
}

#[test]
fn an_aborted_get_ends_the_session() {
    let mut bench = Bench::holding_a_get();
    let orders = bench.does(|session, _, out| session.poll_aborted(out));
    assert_eq!(orders, [OVER]);
    assert_eq!(bench.session.closed(), Some(CloseReason::TransportError));
}

#[test]
fn an_aborted_post_ends_the_session() {
    let mut bench = Bench::holding_a_get();
    bench.post();
    let orders = bench.does(|session, _, out| session.post_aborted(out));
    assert_eq!(orders, [END, OVER]);
    assert_eq!(bench.session.closed(), Some(CloseReason::TransportError));
}

#[test]
fn an_abort_that_comes_after_the_answer_harms_nobody() {
    let mut bench = Bench::holding_a_get();
    bench.session.poll_answered();
    assert_eq!(bench.does(|session, _, out| session.poll_aborted(out)), []);
    bench.post();
    bench.session.post_finished();
    assert_eq!(bench.does(|session, _, out| session.post_aborted(out)), []);
    assert_eq!(bench.session.closed(), None);
}

#[test]
fn polling_requests_of_a_streaming_session_are_refused_and_change_nothing() {
    let mut bench = Bench::streaming();
    assert_eq!(bench.get(), [REFUSED]);
    assert_eq!(bench.post(), [REFUSED]);
    assert_eq!(bench.does(|session, _, out| session.post_invalid_content(out)), [REFUSED]);
    assert_eq!(bench.session.closed(), None);
}

#[test]
fn a_lost_websocket_ends_the_session_for_the_reason_given() {
    for reason in [CloseReason::TransportClose, CloseReason::TransportError] {
        let mut bench = Bench::streaming();
        assert_eq!(bench.loses(Pipe::Current, reason), [OVER]);
        assert_eq!(bench.session.closed(), Some(reason));
    }
}

#[test]
fn a_client_that_hangs_up_is_heard_over_either_transport() {
    for transport in [Transport::Polling, Transport::WebSocket] {
        let mut pair = Pair::connected(transport);
        pair.client_says("last words");
        pair.client_closes();
        pair.settle();
        assert_eq!(pair.server_heard, ["last words"]);
        let ours = Some(CloseReason::ForcedClose);
        assert_eq!(pair.closed(), (Some(CloseReason::TransportClose), ours));
    }
}

#[test]
fn a_server_that_hangs_up_flushes_first() {
    for transport in [Transport::Polling, Transport::WebSocket] {
        let mut pair = Pair::connected(transport);
        pair.server_says("last words");
        pair.server_closes(CloseReason::ServerShuttingDown);
        pair.settle();
        assert_eq!(pair.client_heard, ["last words"]);
        let ours = Some(CloseReason::ServerShuttingDown);
        assert_eq!(pair.closed(), (ours, Some(CloseReason::TransportClose)));
    }
}
