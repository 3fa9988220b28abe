//! The client on bad lines: whatever happens to its connections, it notices within its bounds, says the right thing, and is
//! there again when the line is good.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use sockeye_client::{
    Builder, Client, ClientState, ConnectError, DisconnectReason, Reconnection, Retries, Socket,
    SocketState, Transport,
};
use sockeye_tests::DEADLINE;
use sockeye_tests::proxy::{Fate, Fault, Proxy};
use sockeye_tests::server::{Kind, Server, Wanted};
use sockeye_tests::suite::{installed, skip};
use tokio::time::timeout;

/// The ways of transport.
const WAYS: [&[Transport]; 3] =
    [&[Transport::Polling], &[Transport::WebSocket], &[Transport::Polling, Transport::WebSocket]];

/// A server that pings twice a second or more often.
fn hasty(kind: Kind) -> Option<Server> {
    Wanted { ping: Some(500), ..Wanted::new(kind) }.start()
}

/// A client that waits for nothing longer than a second.
fn impatient(port: u16, way: &[Transport]) -> Builder {
    let fast = Reconnection::default()
        .delay(Duration::from_millis(10))
        .delay_max(Duration::from_millis(50));
    Client::builder(&format!("http://127.0.0.1:{port}"))
        .transports(way.iter().copied())
        .reconnection(fast)
        .connect_timeout(Duration::from_secs(1))
        .upgrade_timeout(Duration::from_secs(1))
        .request_timeout(Duration::from_secs(2))
}

fn socket(port: u16, way: &[Transport]) -> Socket {
    impatient(port, way).build().expect("it can be built").socket()
}

/// Waits until the socket stands like this.
async fn until(
    socket: &Socket,
    what: &str,
    stands: impl FnMut(&SocketState) -> bool,
) -> SocketState {
    let mut states = socket.state();
    let state = timeout(DEADLINE, states.wait_for(stands)).await;
    state.unwrap_or_else(|_| panic!("never {what}: {socket:?}")).expect("it is there").clone()
}

async fn until_connected(socket: &Socket, what: &str) {
    until(socket, what, SocketState::is_connected).await;
}

/// Whether all connections of the proxy have ended.
async fn is_quiet(proxy: &Proxy) -> bool {
    let quiet = async {
        while proxy.open() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, quiet).await.is_ok()
}

/// Places in what is said at the beginning of a connection.
const PLACES: [usize; 10] = [0, 1, 16, 60, 130, 200, 260, 340, 500, 800];

/// Every fault at every place in both directions of the first connections.
fn fates(faults: &[Fault]) -> Vec<(usize, Fate)> {
    let mut fates = Vec::new();
    for number in 0..3 {
        fates.extend([(number, Fate::Close), (number, Fate::Ignore)]);
        for fault in faults {
            for place in PLACES {
                fates.push((number, Fate::pass().up(place, *fault)));
                fates.push((number, Fate::pass().down(place, *fault)));
            }
        }
    }
    fates
}

/// How many clients are on their way at a time.
const AT_ONCE: usize = 128;

/// How many clients there were: each has a number of its own.
static LIVES: AtomicUsize = AtomicUsize::new(0);

/// How many events of each kind a client says.
const NOTES: usize = 8;

/// A client whose connection with this number has this fate is there in the end: what it has said reliably has arrived, in its
/// order, and what it has said otherwise has not arrived twice.
async fn survives(clean: &Socket, server: u16, way: &[Transport], (number, fate): (usize, Fate)) {
    let proxy = Proxy::to(server).await;
    proxy.fates(move |came| if came == number { fate } else { Fate::pass() });
    let retries = Retries::default().timeout(Duration::from_secs(2));
    let client = impatient(proxy.port(), way).retries(retries).build().expect("it can be built");
    let socket = client.socket();
    socket.start();
    let what = format!("{way:?} where connection {number} has the fate {fate:?}");
    let prefix = format!("{}.", LIVES.fetch_add(1, Ordering::Relaxed));
    let mut answers = Vec::new();
    for number in 0..NOTES {
        let (kept, plain) = (format!("{prefix}k{number}"), format!("{prefix}p{number}"));
        socket.emit("note", &plain).await.expect("there is room");
        answers.push(socket.reliably().emit_with_ack::<String>("note", &kept));
        if number == NOTES / 2 {
            until_connected(&socket, &format!("connected: {what}")).await;
        }
    }
    let answers = timeout(DEADLINE, join_all(answers)).await;
    let answers = answers.unwrap_or_else(|_| panic!("answers do not come: {what}"));
    for answer in answers {
        answer.unwrap_or_else(|problem| panic!("{problem}: {what}"));
    }
    let closed = timeout(DEADLINE, client.close()).await;
    assert!(closed.is_ok(), "closing does not end: {what}");
    assert!(!socket.is_active(), "{what}");
    let arrived: (Vec<String>,) =
        clean.emit_with_ack("notes", &prefix).await.expect("the line is good");
    check(&arrived.0, &prefix, &what);
}

fn check(arrived: &[String], prefix: &str, what: &str) {
    let numbers = |kind: char| -> Vec<usize> {
        let tail = |note: &String| note[prefix.len()..].strip_prefix(kind).map(str::to_owned);
        arrived.iter().filter_map(tail).map(|number| number.parse().expect("a number")).collect()
    };
    let mut seen = Vec::new();
    for number in numbers('k') {
        if !seen.contains(&number) {
            seen.push(number);
        }
    }
    assert_eq!(seen, (0..NOTES).collect::<Vec<_>>(), "acknowledged, and lost or moved: {what}");
    let plain = numbers('p');
    assert!(plain.is_sorted_by(|one, next| one < next), "{plain:?}, twice or moved: {what}");
}

async fn survive_all(kind: Kind, faults: &[Fault]) {
    let Some(server) = hasty(kind) else {
        return;
    };
    let clean = socket(server.port(), &[Transport::WebSocket]);
    clean.connect().await.expect("the line is good");
    for way in WAYS {
        let lives = fates(faults).into_iter();
        let lives = lives.map(|fate| survives(&clean, server.port(), way, fate));
        futures_util::stream::iter(lives).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
    }
}

#[tokio::test]
async fn whoever_is_cut_off_anywhere_has_its_say_in_the_end() {
    survive_all(Kind::Sockeye, &[Fault::Cut, Fault::Reset, Fault::End]).await;
}

#[tokio::test]
async fn whoever_hears_nothing_any_more_has_its_say_in_the_end() {
    survive_all(Kind::Sockeye, &[Fault::Swallow, Fault::Stall]).await;
}

#[tokio::test]
async fn whoever_is_cut_off_anywhere_from_the_reference_has_its_say_in_the_end() {
    survive_all(Kind::Npm, &[Fault::Cut, Fault::Reset, Fault::End]).await;
}

#[tokio::test]
async fn whoever_hears_nothing_any_more_from_the_reference_has_its_say_in_the_end() {
    survive_all(Kind::Npm, &[Fault::Swallow, Fault::Stall]).await;
}

/// What is said may be something else then; but it ends, in one way or the other.
#[tokio::test]
async fn whoever_is_garbled_connects_or_is_told_that_it_is_not_wanted() {
    let server = hasty(Kind::Sockeye).expect("it is ours");
    let garbled = |way, (number, fate): (usize, Fate)| {
        let server = server.port();
        async move {
            let proxy = Proxy::to(server).await;
            proxy.fates(move |came| if came == number { fate } else { Fate::pass() });
            let socket = socket(proxy.port(), way);
            socket.start();
            let what = format!("an end with {way:?}, connection {number}, {fate:?}");
            // A garbled name of a namespace is refused, for good.
            until(&socket, &what, |state| state.is_connected() || !state.is_active()).await;
            if !socket.is_connected() {
                timeout(DEADLINE, socket.connect()).await.expect("it ends").expect("a good line");
            }
            timeout(DEADLINE, socket.client().close()).await.expect("closing ends");
        }
    };
    for way in WAYS {
        let everywhere = (0..3).flat_map(|number| {
            let places = (0..400).step_by(7);
            places.flat_map(move |place| {
                let (up, down) = (
                    Fate::pass().up(place, Fault::Garble),
                    Fate::pass().down(place, Fault::Garble),
                );
                [(number, up), (number, down)]
            })
        });
        let lives = everywhere.map(|fate| garbled(way, fate));
        futures_util::stream::iter(lives).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
    }
}

#[tokio::test]
async fn a_line_that_is_cut_is_replaced() {
    let server = hasty(Kind::Sockeye).expect("it is ours");
    join_all(WAYS.map(async |way| {
        let proxy = Proxy::to(server.port()).await;
        let socket = socket(proxy.port(), way);
        socket.connect().await.expect("the line is good");
        for _ in 0..5 {
            let before = socket.id();
            proxy.cut();
            until(&socket, "connected anew", |_| socket.is_connected() && socket.id() != before)
                .await;
        }
    }))
    .await;
}

#[tokio::test]
async fn a_line_that_falls_silent_is_noticed_and_replaced() {
    let server = hasty(Kind::Sockeye).expect("it is ours");
    join_all(WAYS.map(async |way| {
        let proxy = Proxy::to(server.port()).await;
        let socket = socket(proxy.port(), way);
        socket.connect().await.expect("the line is good");
        let before = socket.id();
        proxy.silence();
        until(&socket, "lost", |state| !state.is_connected()).await;
        until_connected(&socket, "connected again").await;
        assert_ne!(socket.id(), before);
    }))
    .await;
}

#[tokio::test]
async fn a_server_that_is_gone_is_waited_for() {
    let server = hasty(Kind::Sockeye).expect("it is ours");
    join_all(WAYS.map(async |way| {
        let proxy = Proxy::to(server.port()).await;
        let socket = socket(proxy.port(), way);
        socket.connect().await.expect("the line is good");
        proxy.down();
        proxy.cut();
        until(
            &socket,
            "waiting",
            |state| matches!(state, SocketState::Waiting { attempt, .. } if *attempt > 3),
        )
        .await;
        proxy.up().await;
        until_connected(&socket, "connected again").await;
    }))
    .await;
}

#[tokio::test]
async fn attempts_that_are_used_up_are_told() {
    let proxy = Proxy::to(1).await;
    for fate in [Fate::Close, Fate::pass().up(0, Fault::Reset)] {
        proxy.fates(move |_| fate);
        let few = Reconnection::default().delay(Duration::from_millis(5)).attempts(3);
        let builder = impatient(proxy.port(), &[Transport::WebSocket]).reconnection(few);
        let client = builder.build().expect("it can be built");
        let socket = client.socket();
        socket.start();
        let mut states = client.state();
        let gave_up = states.wait_for(|state| *state == ClientState::GivenUp);
        timeout(DEADLINE, gave_up).await.expect("it gives up").expect("it is there");
        assert!(!socket.is_active());
        // It may be asked again.
        let again = timeout(DEADLINE, socket.connect()).await.expect("it ends");
        assert!(matches!(again, Err(ConnectError::Unreachable(_))), "{again:?}");
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for_longer_than_allowed() {
    let server = hasty(Kind::Sockeye).expect("it is ours");
    for way in WAYS {
        let proxy = Proxy::to(server.port()).await;
        for fate in
            [Fate::Ignore, Fate::pass().down(0, Fault::Swallow), Fate::pass().up(3, Fault::Stall)]
        {
            proxy.fates(move |_| fate);
            let socket = socket(proxy.port(), way);
            let outcome = timeout(DEADLINE, socket.connect()).await.expect("it ends");
            assert!(
                matches!(outcome, Err(ConnectError::TimedOut { .. })),
                "{way:?} {fate:?}: {outcome:?}"
            );
            assert!(!socket.is_active());
        }
    }
}

#[tokio::test]
async fn disconnect_is_final_whatever_is_under_way() {
    let server = hasty(Kind::Sockeye).expect("it is ours");
    for way in WAYS {
        for fate in [
            Fate::pass(),
            Fate::Ignore,
            Fate::Close,
            Fate::pass().down(150, Fault::Swallow),
            Fate::pass().up(200, Fault::Stall),
            Fate::pass().late(Duration::from_millis(30)),
        ] {
            let proxy = Proxy::to(server.port()).await;
            proxy.fates(move |_| fate);
            let lives = (0..12_u64).map(async |number| {
                let socket = socket(proxy.port(), way);
                socket.start();
                tokio::time::sleep(Duration::from_millis(number * number)).await;
                socket.disconnect();
                assert!(!socket.is_active(), "{way:?} {fate:?}");
                let reason = Some(DisconnectReason::ClientDisconnect);
                let left = matches!(&*socket.state().borrow(), SocketState::Disconnected { reason: why } if why.is_none() || *why == reason);
                assert!(left, "{way:?} {fate:?} {socket:?}");
                let mut states = socket.client().state();
                let idle = states.wait_for(|state| *state == ClientState::Idle);
                let idle = timeout(DEADLINE, idle).await.map(drop);
                assert!(idle.is_ok(), "{way:?} {fate:?}: never idle");
                assert!(!socket.is_active(), "{way:?} {fate:?}");
            });
            join_all(lives).await;
            if !matches!(fate, Fate::Ignore) {
                continue;
            }
            assert!(is_quiet(&proxy).await, "{way:?} {fate:?}: connections are left");
        }
    }
}

#[tokio::test]
async fn nothing_is_left_of_a_client_that_is_dropped() {
    let server = hasty(Kind::Sockeye).expect("it is ours");
    for way in WAYS {
        let proxy = Proxy::to(server.port()).await;
        let connected = socket(proxy.port(), way);
        connected.connect().await.expect("the line is good");
        drop(connected);
        let opening = socket(proxy.port(), way);
        opening.start();
        drop(opening);
        assert!(is_quiet(&proxy).await, "{way:?}: connections are left");
    }
}

/// `src/bin/soak`, always from the same seed on. It is here so that it runs beside the others.
#[test]
fn what_was_acknowledged_has_arrived_after_a_minute_on_bad_lines() {
    if !installed().join("client/servers/node_modules").is_dir() {
        skip("the npm packages of tests/client/servers are missing");
    }
    let mut soak = Command::new(env!("CARGO_BIN_EXE_soak"));
    let output = soak.args(["--seed", "1", "--seconds", "60"]).output().expect("it starts");
    let words = String::from_utf8_lossy(&output.stdout);
    let problems = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}{problems}");
    println!("{words}");
}
