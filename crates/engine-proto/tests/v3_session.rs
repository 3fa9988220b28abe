//! The accepting side in revision 3: the client pings, and the rest is as ever.

use std::time::Duration;

use sockeye_engine_proto::{
    CloseReason, Config, Control, Goodbye, Message, Order, Packet, Pipe, Transport, Tray, v3,
};

const START: Duration = Duration::from_secs(100);
const PONG: Order = Order::Send(Pipe::Current, Control::Pong);

/// Ping interval and ping timeout.
const PATIENCE: Duration = Duration::from_secs(45);

fn session(transport: Transport) -> v3::Session {
    v3::Session::begin(transport, &Config::default(), START)
}

fn orders(act: impl FnOnce(&mut Tray)) -> Vec<Order> {
    let mut tray = Tray::new();
    act(&mut tray);
    tray.to_vec()
}

fn receive(session: &mut v3::Session, packet: Packet<'_>, now: Duration) -> Vec<Order> {
    orders(|out| {
        session.receive(Pipe::Current, Ok(packet), now, out);
    })
}

#[test]
fn a_ping_is_answered_and_the_server_never_pings() {
    for transport in [Transport::Polling, Transport::WebSocket] {
        let mut session = session(transport);
        let mut now = START;
        for _ in 0..5 {
            now += Duration::from_secs(40);
            assert_eq!(orders(|out| session.timeout(now, out)), []);
            assert_eq!(receive(&mut session, Packet::Ping("whatever"), now), [PONG]);
            assert_eq!(session.next_timeout(), Some(now + PATIENCE));
            assert!(!session.awaits_pong());
        }
        assert_eq!(orders(|out| assert!(!session.ping(now, out))), []);
    }
}

#[test]
fn a_client_that_is_not_listened_to_is_not_blamed_for_its_silence() {
    let mut session = session(Transport::WebSocket);
    let end = START + PATIENCE;
    assert_eq!(orders(|out| session.timeout_unheard(end, out)), []);
    assert_eq!(session.next_timeout(), Some(end + PATIENCE));
    assert_eq!(session.closed(), None);
}

#[test]
fn a_client_that_does_not_ping_is_closed_whatever_else_it_says() {
    for (transport, goodbye) in
        [(Transport::WebSocket, Goodbye::CloseFrame), (Transport::Polling, Goodbye::Nothing)]
    {
        let mut session = session(transport);
        let end = START + PATIENCE;
        let late = end.saturating_sub(Duration::from_millis(1));
        let message = Packet::Message(Message::Text("hello"));
        assert_eq!(receive(&mut session, message, late), []);
        assert_eq!(orders(|out| session.timeout(late, out)), []);
        assert_eq!(orders(|out| session.timeout(end, out)), [Order::Finish(goodbye)]);
        assert_eq!(session.closed(), Some(CloseReason::PingTimeout));
    }
}

#[test]
fn a_pong_from_the_client_is_a_transport_error() {
    let mut session = session(Transport::WebSocket);
    let finish = [Order::Finish(Goodbye::Flush)];
    assert_eq!(receive(&mut session, Packet::Pong(""), START), finish);
    assert_eq!(session.closed(), Some(CloseReason::TransportError));
}

#[test]
fn an_upgrade_is_what_it_is_in_revision_4() {
    let mut session = session(Transport::Polling);
    assert_eq!(orders(|out| session.poll_arrived(out)), []);
    assert_eq!(orders(|out| session.candidate_arrived(START, out)), []);
    let mut on_candidate = |packet| {
        orders(|out| {
            session.receive(Pipe::Candidate, Ok(packet), START, out);
        })
    };
    let answer = Order::Send(Pipe::Candidate, Control::ProbeAnswer);
    assert_eq!(on_candidate(Packet::Ping("probe")), [answer, Order::ReleasePoll]);
    assert_eq!(on_candidate(Packet::Upgrade), [Order::Switch]);
    assert_eq!(receive(&mut session, Packet::Ping(""), START), [PONG]);
}

#[test]
fn a_ping_of_the_session_on_its_candidate_ends_the_candidate_only() {
    let mut session = session(Transport::Polling);
    assert_eq!(orders(|out| session.candidate_arrived(START, out)), []);
    let ping = Ok(Packet::Ping(""));
    let outcome = orders(|out| {
        session.receive(Pipe::Candidate, ping, START, out);
    });
    assert_eq!(outcome, [Order::DropCandidate]);
    assert_eq!(receive(&mut session, Packet::Ping(""), START), [PONG]);
}

#[test]
fn a_session_is_no_larger_than_one_of_revision_4() {
    assert!(size_of::<v3::Session>() <= size_of::<sockeye_engine_proto::Session>());
}
