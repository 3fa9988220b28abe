//! Servers that want us to wait for ever, and applications whose own code goes wrong.

mod support;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use sockeye_client::{
    Client, ClientState, ConnectError, Connecting, Connector, Dialer, Position, Positions, Socket,
    SocketState, Target, Transport,
};
use support::{Script, Wire, server, until};
use tokio::time::{sleep, timeout};

#[tokio::test(start_paused = true)]
async fn a_client_may_wait_for_the_server_without_end() {
    let wire = Wire::to(&server());
    let client = wire.builder("http://in-memory").connect_timeout(Duration::MAX).build().unwrap();
    client.socket().connect().await.unwrap();
    client.close().await;
}

/// Lets `/` and `/other` in.
async fn let_both_in(main: &Socket, other: &Socket, script: &mut Script) {
    main.start();
    assert_eq!(script.hear().await.as_deref(), Some("40"));
    script.say(r#"40{"sid":"a"}"#).await;
    other.start();
    assert_eq!(script.hear().await.as_deref(), Some("40/other,"));
    script.say(r#"40/other,{"sid":"o"}"#).await;
    until(other, SocketState::is_connected).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_pings_and_takes_nothing_does_not_hold_up_who_joins_again() {
    let (wire, mut accepted) = Wire::raw();
    let client = wire.websocket_client();
    let (main, other) = (client.socket(), client.of("/other"));
    main.start();
    let mut script = Script::open(&mut accepted).await;
    let_both_in(&main, &other, &mut script).await;
    // More than the pipes in between hold.
    for _ in 0..20 {
        main.emit("large", &"x".repeat(64 << 10)).now().unwrap();
    }
    let pings = tokio::spawn(async move {
        loop {
            script.say("2").await;
            sleep(Duration::from_secs(10)).await;
        }
    });
    sleep(Duration::from_secs(1)).await;
    other.disconnect();
    let attempt = timeout(Duration::from_mins(2), other.connect()).await;
    let error = attempt.expect("not for ever").unwrap_err();
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error}");
    assert!(main.is_connected());
    pings.abort();
}

/// How often the server is asked to let a socket in within a minute, if it says this each time.
async fn asked_in_a_minute(answers: &[&str]) -> usize {
    let (wire, mut accepted) = Wire::raw();
    let socket = wire.websocket_client().socket();
    socket.on_disconnect(async |socket: Socket| socket.start());
    socket.on_connect_error(async |socket: Socket| socket.start());
    socket.start();
    let mut script = Script::open(&mut accepted).await;
    let mut count = 0;
    let answering = async {
        while count < 1000 && script.hear().await.is_some() {
            count += 1;
            for answer in answers {
                script.say(answer).await;
            }
        }
    };
    let _ = timeout(Duration::from_mins(1), answering).await;
    count
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_back_each_time_it_is_sent_away_does_not_make_a_storm() {
    let count = asked_in_a_minute(&[r#"40{"sid":"a"}"#, "41"]).await;
    assert!((10..30).contains(&count), "sent away {count} times");
    let count = asked_in_a_minute(&[r#"44{"message":"no"}"#]).await;
    assert!((10..30).contains(&count), "refused {count} times");
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_without_end_for_what_cannot_be_had_holds_up_nobody() {
    let wire = Wire::to(&server());
    let client = wire.client();
    let (main, impossible) = (client.socket(), client.of("/a,b"));
    impossible.on_connect_error(async |socket: Socket| socket.start());
    impossible.start();
    main.connect().await.unwrap();
    sleep(Duration::from_secs(10)).await;
    assert!(main.is_connected());
}

#[derive(Default)]
struct Careless;

impl Positions for Careless {
    fn load(&self, _: &str) -> Option<Position> {
        None
    }
    fn store(&self, _: &str, _: &Position) {
        panic!("the disk is full");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_of_positions_that_panics_does_not_end_the_client() {
    let (wire, mut accepted) = Wire::raw();
    let builder = wire.builder("http://in-memory").transports([Transport::WebSocket]);
    let client = builder.positions(Careless).build().unwrap();
    let socket = client.socket();
    socket.start();
    let mut script = Script::open(&mut accepted).await;
    script.hear().await;
    script.say(r#"40{"sid":"a","pid":"p"}"#).await;
    until(&socket, SocketState::is_connected).await;
    script.say(r#"42["event","1"]"#).await;
    assert_eq!(&*socket.recv().await.unwrap().name, "event");
    assert!(socket.is_connected());
}

/// Panics at first.
struct Clumsy(Wire, AtomicBool);

impl Connector for Clumsy {
    fn connect(&self, target: &Target) -> Connecting {
        assert!(self.1.swap(true, Ordering::SeqCst), "clumsy");
        self.0.connect(target)
    }
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_panics_has_failed_and_is_asked_again() {
    let clumsy = Clumsy(Wire::to(&server()), AtomicBool::new(false));
    let dialer = Dialer::default().connector(clumsy);
    let client = Client::builder("http://in-memory").dialer(dialer).build().unwrap();
    let socket = client.socket();
    socket.start();
    until(&socket, SocketState::is_connected).await;
}

/// Comes back to its socket when it is dropped.
struct Clingy(Socket);

impl Drop for Clingy {
    fn drop(&mut self) {
        let _ = self.0.set_auth(&json!({"token": "last"}));
        self.0.on("event", async || {});
        self.0.off("event");
    }
}

fn clingy(socket: &Socket) -> impl Fn() -> std::future::Ready<Result<u8, io::Error>> + use<> {
    let held = Clingy(socket.clone());
    move || {
        let _ = &held;
        std::future::ready(Ok(1))
    }
}

#[test]
fn what_an_application_has_captured_may_come_back_when_it_is_dropped() {
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        let client = Client::builder("http://localhost:1").build().unwrap();
        let socket = client.socket();
        socket.set_auth_with(clingy(&socket));
        socket.set_auth(&json!({"token": "next"})).unwrap();
        let held = Arc::new(Clingy(socket.clone()));
        socket.on("event", move || {
            let held = held.clone();
            async move { drop(held) }
        });
        socket.off("event");
        done.send(()).unwrap();
    });
    // Whoever waits for a lock that he holds himself waits for ever.
    assert!(is_done.recv_timeout(Duration::from_secs(30)).is_ok());
}

/// What a server may say, in its place and out of it.
const WORDS: [&str; 34] = [
    r#"40{"sid":"a"}"#,
    r#"40{"sid":"a","pid":"p"}"#,
    r#"40/other,{"sid":"o"}"#,
    r#"40/nobody,{"sid":"o"}"#,
    r#"40{"sid":7}"#,
    "40",
    "40{",
    "41",
    "41/other,",
    r#"42["event","offset"]"#,
    r#"42/other,["event",1]"#,
    r#"420["ask"]"#,
    r#"4218446744073709551615["ask"]"#,
    r#"4218446744073709551616["ask"]"#,
    r#"42["connect"]"#,
    "42[]",
    "42[7]",
    "42{}",
    "430[1]",
    "431[]",
    "43[]",
    "4318446744073709551615[]",
    r#"44{"message":"no"}"#,
    "44/other,",
    r#"44"no""#,
    r#"451-["file",{"_placeholder":true,"num":0}]"#,
    r#"450-["file"]"#,
    r#"459999999-["file"]"#,
    r#"461-0[{"_placeholder":true,"num":9}]"#,
    "47",
    "4",
    "2",
    "1",
    "6",
];

/// Words at random, until the client hangs up.
async fn babble(random: &mut SmallRng, mut script: Script) {
    for _ in 0..random.random_range(0..30) {
        script.say(WORDS.choose(random).unwrap()).await;
        if random.random_bool(0.2) {
            sleep(Duration::from_millis(random.random_range(0..3000))).await;
        }
    }
    let _ = timeout(Duration::from_secs(1), script.hear()).await;
}

fn act(random: &mut SmallRng, socket: &Socket) {
    match random.random_range(0..8) {
        0 => socket.disconnect(),
        1..4 => socket.start(),
        4 => drop(socket.emit("event", &random.random::<u8>()).now()),
        5 => {
            let asked = socket.emit_with_ack::<u8>("ask", &1).timeout(Duration::from_secs(1));
            tokio::spawn(asked);
        }
        6 => drop(tokio::spawn({
            let socket = socket.clone();
            async move { drop(socket.connect().await) }
        })),
        _ => drop(socket.volatile().emit("event", "now").now()),
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_a_server_says_the_client_lives_on_and_can_be_closed() {
    for seed in 0..300 {
        let mut random = SmallRng::seed_from_u64(seed);
        let (wire, mut accepted) = Wire::raw();
        let client = wire.websocket_client();
        let sockets = [client.socket(), client.of("/other")];
        sockets[0].on("ask", async || 1);
        sockets[1].on_disconnect(async |socket: Socket| socket.start());
        sockets.iter().for_each(Socket::start);
        let mut server_random = SmallRng::seed_from_u64(!seed);
        let server = tokio::spawn(async move {
            loop {
                let script = Script::open(&mut accepted).await;
                babble(&mut server_random, script).await;
            }
        });
        for _ in 0..20 {
            let socket = sockets.choose(&mut random).unwrap();
            act(&mut random, socket);
            sleep(Duration::from_millis(random.random_range(0..2000))).await;
        }
        assert_ne!(*client.state().borrow(), ClientState::Closed, "seed {seed}");
        let closed = timeout(Duration::from_secs(6), client.close()).await;
        assert!(closed.is_ok(), "seed {seed}");
        server.abort();
    }
}
