//! The client on bad lines: whatever happens to its connections, it notices within its bounds, says the right thing, and is
//! there again when the line is good.

mod garbling;
mod say;

use std::process::Command;
use std::time::Duration;

use futures_util::future::join_all;
use sockeye_client::{
    Builder, Client, ClientState, ConnectError, DisconnectReason, Msgpack, Reconnection, Socket,
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

/// How many clients are on their way at a time.
const AT_ONCE: usize = 128;

/// Who is spoken to, and in which codec.
#[derive(Clone, Copy, Debug)]
struct Peer {
    kind: Kind,
    msgpack: bool,
}

const OURS: Peer = Peer { kind: Kind::Sockeye, msgpack: false };
const REFERENCE: Peer = Peer { kind: Kind::Npm, msgpack: false };

impl Peer {
    /// A server that pings twice a second or more often; `None` where it cannot be had.
    fn hasty(self) -> Option<Server> {
        let Peer { kind, msgpack } = self;
        Wanted { msgpack, ping: Some(500), ..Wanted::new(kind) }.start()
    }
}

/// A client that waits for nothing longer than a second.
fn impatient(peer: Peer, port: u16, way: &[Transport]) -> Builder {
    let fast = Reconnection::default()
        .delay(Duration::from_millis(10))
        .delay_max(Duration::from_millis(50));
    let builder = Client::builder(&format!("http://127.0.0.1:{port}"))
        .transports(way.iter().copied())
        .reconnection(fast)
        .connect_timeout(Duration::from_secs(1))
        .upgrade_timeout(Duration::from_secs(1))
        .request_timeout(Duration::from_secs(2))
        .eio3(peer.kind == Kind::Npm2);
    if peer.msgpack { builder.parser(Msgpack) } else { builder }
}

fn socket(peer: Peer, port: u16, way: &[Transport]) -> Socket {
    impatient(peer, port, way).build().expect("it can be built").socket()
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

/// Each row is a test, of which every part has its own sample of what can go wrong.
macro_rules! rows {
    ($($name:ident: $kind:ident $msgpack:literal;)*) => { $(
        #[tokio::test]
        async fn $name() {
            on_bad_lines(Peer { kind: Kind::$kind, msgpack: $msgpack }).await;
        }
    )* };
}

// Our server in JSON has no row: `say` and `garbling` try everything on it.
rows! {
    bad_lines_to_our_server_in_messagepack_are_got_over: Sockeye true;
    bad_lines_to_npm_socket_io_4_are_got_over: Npm false;
    bad_lines_to_npm_socket_io_4_in_messagepack_are_got_over: Npm true;
    bad_lines_to_npm_socket_io_2_are_got_over: Npm2 false;
    bad_lines_to_python_socketio_are_got_over: Python false;
    bad_lines_to_python_socketio_in_messagepack_are_got_over: Python true;
}

/// All at the same time, since it is mostly waiting.
async fn on_bad_lines(peer: Peer) {
    let Some(server) = peer.hasty() else {
        return;
    };
    let port = server.port();
    tokio::join!(
        replaces_what_is_cut(peer, port),
        notices_silence(peer, port),
        say::survive_some(peer, port),
        garbling::survive_some(peer, port),
    );
}

#[tokio::test]
async fn a_line_that_is_cut_is_replaced() {
    let server = OURS.hasty().expect("it is ours");
    replaces_what_is_cut(OURS, server.port()).await;
}

async fn replaces_what_is_cut(peer: Peer, server: u16) {
    join_all(WAYS.map(async |way| {
        let proxy = Proxy::to(server).await;
        let socket = socket(peer, proxy.port(), way);
        socket.start();
        until_connected(&socket, "connected").await;
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
    let server = OURS.hasty().expect("it is ours");
    notices_silence(OURS, server.port()).await;
}

async fn notices_silence(peer: Peer, server: u16) {
    join_all(WAYS.map(async |way| {
        let proxy = Proxy::to(server).await;
        let socket = socket(peer, proxy.port(), way);
        socket.start();
        until_connected(&socket, "connected").await;
        let before = socket.id();
        proxy.silence();
        until(&socket, "connected anew", |_| socket.is_connected() && socket.id() != before).await;
    }))
    .await;
}

#[tokio::test]
async fn a_server_that_is_gone_is_waited_for() {
    let server = OURS.hasty().expect("it is ours");
    join_all(WAYS.map(async |way| {
        let proxy = Proxy::to(server.port()).await;
        let socket = socket(OURS, proxy.port(), way);
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
        let builder = impatient(OURS, proxy.port(), &[Transport::WebSocket]).reconnection(few);
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
    let server = OURS.hasty().expect("it is ours");
    for way in WAYS {
        let proxy = Proxy::to(server.port()).await;
        for fate in
            [Fate::Ignore, Fate::pass().down(0, Fault::Swallow), Fate::pass().up(3, Fault::Stall)]
        {
            proxy.fates(move |_| fate);
            let socket = socket(OURS, proxy.port(), way);
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
    let server = OURS.hasty().expect("it is ours");
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
                let socket = socket(OURS, proxy.port(), way);
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
    let server = OURS.hasty().expect("it is ours");
    for way in WAYS {
        let proxy = Proxy::to(server.port()).await;
        let connected = socket(OURS, proxy.port(), way);
        connected.connect().await.expect("the line is good");
        drop(connected);
        let opening = socket(OURS, proxy.port(), way);
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
