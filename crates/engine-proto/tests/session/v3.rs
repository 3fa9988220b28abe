//! Revision 3, both sides: the client pings, and the rest is as ever.

use std::time::Duration;

use proptest::prelude::*;
use sockeye_engine_proto::client::{Config, Goodbye, Order, Tray};
use sockeye_engine_proto::v3::client::Session;
use sockeye_engine_proto::{CloseReason, Control, Message, Packet, Pipe, Transport};

use crate::bench::secs;
use crate::pair::{Pair, Three};

const BOTH: [Transport; 2] = [Transport::Polling, Transport::WebSocket];
const PING: Order = Order::Send(Pipe::Current, Control::Ping);
const OPEN: &str = r#"{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":5000}"#;
const START: Duration = secs(100);

fn connected(transport: Transport) -> Pair<Three> {
    Pair::connected_in(transport)
}

/// A client alone, open over a WebSocket.
fn alone() -> Session {
    let mut session = Session::begin(Transport::WebSocket, &Config::default(), START);
    assert_eq!(receive(&mut session, Packet::Open(OPEN), START), []);
    session
}

fn receive(session: &mut Session, packet: Packet<'_>, now: Duration) -> Vec<Order> {
    orders(|out| drop(session.receive(Pipe::Current, Ok(packet), now, out)))
}

fn timeout(session: &mut Session, now: Duration) -> Vec<Order> {
    orders(|out| session.timeout(now, out))
}

fn orders(act: impl FnOnce(&mut Tray)) -> Vec<Order> {
    let mut tray = Tray::new();
    act(&mut tray);
    tray.to_vec()
}

#[test]
fn a_quiet_day_keeps_the_session_open_while_the_client_pings() {
    for transport in BOTH {
        let mut pair = connected(transport);
        pair.advance(secs(24 * 60 * 60));
        assert_eq!(pair.closed(), (None, None));
        assert_eq!(pair.pings, 24 * 60 * 60 / 25);
    }
}

#[test]
fn a_server_that_does_not_answer_a_ping_is_given_up() {
    for transport in BOTH {
        let mut pair = connected(transport);
        pair.lose_pongs = true;
        pair.advance(Duration::from_millis(44_999));
        assert_eq!(pair.client.closed(), None);
        pair.advance(Duration::from_millis(1));
        assert_eq!(pair.client.closed(), Some(CloseReason::PingTimeout));
    }
}

#[test]
fn both_sides_find_out_by_themselves_that_the_wire_is_cut() {
    for transport in BOTH {
        let mut pair = connected(transport);
        pair.cut = true;
        pair.advance(secs(45));
        assert_eq!(pair.closed(), (Some(CloseReason::PingTimeout), Some(CloseReason::PingTimeout)));
    }
}

#[test]
fn an_upgrade_loses_nothing_in_this_revision_either() {
    let mut pair = Pair::<Three>::upgrading_in();
    pair.client_says("one");
    pair.server_says("two");
    pair.settle();
    assert_eq!(pair.transports(), (Transport::WebSocket, Transport::WebSocket));
    pair.client_says("three");
    pair.advance(secs(60));
    assert_eq!(pair.server_heard, ["one", "three"]);
    assert_eq!(pair.client_heard, ["two"]);
    assert_eq!((pair.closed(), pair.pings), ((None, None), 2));
}

#[test]
fn either_side_says_goodbye_and_the_other_hears_it() {
    for transport in BOTH {
        let mut pair = connected(transport);
        pair.client_says("last");
        pair.client_closes();
        pair.settle();
        assert_eq!(pair.server_heard, ["last"]);
        assert_eq!(pair.closed().0, Some(CloseReason::TransportClose));

        let mut pair = connected(transport);
        pair.server_says("last");
        pair.server_closes(CloseReason::ForcedClose);
        pair.settle();
        assert_eq!(pair.client_heard, ["last"]);
        assert_eq!(pair.closed().1, Some(CloseReason::TransportClose));
    }
}

#[test]
fn a_ping_is_due_an_interval_after_the_opening_and_after_each_pong() {
    let mut session = alone();
    assert_eq!(timeout(&mut session, START + secs(24)), []);
    assert_eq!(timeout(&mut session, START + secs(25)), [PING]);
    assert_eq!(receive(&mut session, Packet::Pong(""), START + secs(27)), []);
    assert_eq!(session.next_timeout(), Some(START + secs(52)));
    assert_eq!(timeout(&mut session, START + secs(52)), [PING]);
    let end = [Order::Finish(Goodbye::Hurry)];
    assert_eq!(timeout(&mut session, START + secs(57)), end);
    assert_eq!(session.closed(), Some(CloseReason::PingTimeout));
}

#[test]
fn a_message_on_the_way_gives_a_pong_once_more_time() {
    let mut session = alone();
    assert_eq!(timeout(&mut session, START + secs(25)), [PING]);
    let message = || Packet::Message(Message::Text("large"));
    receive(&mut session, message(), START + secs(29));
    assert_eq!(session.next_timeout(), Some(START + secs(34)));
    receive(&mut session, message(), START + secs(31));
    assert_eq!(session.next_timeout(), Some(START + secs(34)), "and not again");
}

#[test]
fn a_server_that_pings_is_not_answered_and_not_left() {
    let mut session = alone();
    assert_eq!(receive(&mut session, Packet::Ping(""), START), []);
    assert_eq!((session.closed(), session.next_timeout()), (None, Some(START + secs(25))));
}

#[test]
fn a_server_that_is_not_listened_to_is_not_blamed_for_a_late_pong() {
    let mut session = alone();
    assert_eq!(timeout(&mut session, START + secs(25)), [PING]);
    let late = START + secs(30);
    assert_eq!(orders(|out| session.timeout_unheard(late, out)), []);
    assert_eq!(session.next_timeout(), Some(late + secs(5)));
}

#[test]
fn a_ping_goes_out_while_an_upgrade_is_under_way() {
    let mut session = Session::begin(Transport::Polling, &Config::default(), START);
    let open = r#"{"sid":"x","upgrades":["websocket"],"pingInterval":4000,"pingTimeout":2000}"#;
    assert_eq!(receive(&mut session, Packet::Open(open), START), [Order::OpenCandidate]);
    assert_eq!(timeout(&mut session, START + secs(4)), [PING]);
    assert!(session.is_upgrading());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Both sides talk, time passes, and a WebSocket comes or does not: all is heard once and in order.
    #[test]
    fn whatever_is_said_in_revision_3_is_heard_in_order(
        life in prop::collection::vec(0_u8..5, 0..60),
        websocket in any::<bool>(),
        upgrade in any::<bool>(),
    ) {
        let transport = if websocket { Transport::WebSocket } else { Transport::Polling };
        let mut pair =
            if upgrade { Pair::<Three>::upgrading_in() } else { connected(transport) };
        let (mut by_client, mut by_server) = (Vec::new(), Vec::new());
        for (number, what) in life.into_iter().enumerate() {
            match what {
                0 => {
                    pair.client_says(&format!("n\u{e9}😀{number}"));
                    by_client.push(format!("n\u{e9}😀{number}"));
                }
                1 => {
                    pair.server_says(&format!("😀{number}"));
                    by_server.push(format!("😀{number}"));
                }
                2 => pair.settle(),
                3 => pair.advance(secs(7)),
                _ => pair.advance(secs(70)),
            }
        }
        pair.settle();
        prop_assert_eq!(pair.closed(), (None, None));
        prop_assert_eq!(&pair.server_heard, &by_client);
        prop_assert_eq!(&pair.client_heard, &by_server);
    }
}
