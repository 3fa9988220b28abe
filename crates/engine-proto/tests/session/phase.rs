//! Close, and everything after it, in every phase.

use sockeye_engine_proto::{CloseReason, Control, Goodbye, Order, Pipe};

use crate::bench::{Bench, secs};

const QUEUE_CLOSE: Order = Order::Send(Pipe::Current, Control::Close);
const QUEUE_NOOP: Order = Order::Send(Pipe::Current, Control::Noop);

/// What each phase of [`Bench::in_each_phase`] does when our user closes.
fn goodbyes(phase: &str) -> Vec<Order> {
    let lingers = [QUEUE_NOOP, QUEUE_CLOSE, Order::Finish(Goodbye::NextPoll)];
    let released = [QUEUE_CLOSE, Order::ReleasePoll, Order::Finish(Goodbye::Nothing)];
    match phase {
        "polling" => lingers.to_vec(),
        "polling, GET held" => released.to_vec(),
        "probing" => [&[Order::DropCandidate], &lingers[..]].concat(),
        "probed" => [&[Order::EndCandidate], &lingers[..]].concat(),
        "probing, GET held" => [&[Order::DropCandidate], &released[..]].concat(),
        "streaming" => vec![Order::Finish(Goodbye::Flush)],
        "closed" | "lingering" => vec![],
        other => panic!("a phase that is not in the table: {other}"),
    }
}

#[test]
fn our_user_can_close_in_every_phase() {
    for (phase, mut bench) in Bench::in_each_phase() {
        assert_eq!(bench.closes(CloseReason::ForcedClose), goodbyes(phase), "{phase}");
        assert_eq!(bench.session.closed(), Some(CloseReason::ForcedClose), "{phase}");
        assert_eq!(bench.session.next_timeout(), None, "{phase}");
        assert!(!bench.session.is_upgrading(), "{phase}");
    }
}

#[test]
fn the_first_reason_stays() {
    for (phase, mut bench) in Bench::in_each_phase() {
        bench.closes(CloseReason::ForcedClose);
        assert_eq!(bench.closes(CloseReason::SlowConsumer), [], "{phase}");
        assert_eq!(bench.loses(Pipe::Current, CloseReason::TransportError), [], "{phase}");
        assert_eq!(bench.packet("7"), [], "{phase}");
        assert_eq!(bench.session.closed(), Some(CloseReason::ForcedClose), "{phase}");
    }
}

#[test]
fn the_client_can_close_in_every_phase() {
    for (phase, mut bench) in Bench::in_each_phase() {
        let over = bench.session.closed().is_some();
        let orders = bench.packet("1");
        assert_eq!(orders.contains(&Order::EndCandidate), phase == "probed", "{phase}");
        let dropped = orders.contains(&Order::DropCandidate);
        assert_eq!(dropped, phase.starts_with("probing"), "{phase}");
        let noop = orders.contains(&Order::EndPoll(Control::Noop));
        assert_eq!(noop, phase.ends_with("GET held"), "{phase}");
        assert_eq!(matches!(orders.last(), Some(Order::Finish(_))), !over, "{phase}");
        let expected = if over { CloseReason::ForcedClose } else { CloseReason::TransportClose };
        assert_eq!(bench.session.closed(), Some(expected), "{phase}");
    }
}

#[test]
fn silence_ends_every_phase() {
    for (phase, mut bench) in Bench::in_each_phase() {
        if bench.session.closed().is_none() {
            bench.after(secs(25));
            bench.after(secs(20));
            assert_eq!(bench.session.closed(), Some(CloseReason::PingTimeout), "{phase}");
        }
    }
}

#[test]
fn a_goodbye_waits_for_the_next_get_and_is_said_once() {
    let mut bench = Bench::lingering();
    assert_eq!(bench.get(), [Order::ReleasePoll]);
    assert_eq!(bench.get(), [Order::RefuseRequest(400)]);
}

#[test]
fn a_post_while_a_goodbye_waits_comes_to_nothing() {
    let mut bench = Bench::lingering();
    assert_eq!(bench.post(), []);
    assert!(!bench.hears(Pipe::Current));
    bench.session.post_finished();
    assert_eq!(bench.get(), [Order::ReleasePoll]);
}

#[test]
fn a_closed_session_refuses_whatever_comes() {
    let mut bench = Bench::closed();
    assert_eq!(bench.get(), [Order::RefuseRequest(400)]);
    assert_eq!(bench.post(), [Order::RefuseRequest(400)]);
    assert_eq!(bench.candidate(), [Order::RefuseCandidate]);
    assert_eq!(bench.on_candidate("2probe"), []);
    assert_eq!(bench.on_candidate("5"), []);
    assert_eq!(bench.does(|session, _, out| session.poll_aborted(out)), []);
    assert_eq!(bench.does(|session, _, out| session.post_aborted(out)), []);
    assert!(!bench.hears(Pipe::Current) && !bench.hears(Pipe::Candidate));
}

#[test]
fn a_message_reaches_the_user_in_every_open_phase() {
    for (phase, mut bench) in Bench::in_each_phase() {
        let open = bench.session.closed().is_none();
        assert_eq!(bench.hears(Pipe::Current), open, "{phase}");
    }
}
