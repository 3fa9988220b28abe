//! What happens when a connection is lost, or cannot be had.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderMap;
use serde_json::{Value, json};
use sockeye::Auth;
use sockeye_client::{
    ClientState, ConnectError, DisconnectReason, Reconnection, SocketState, Transport,
};
use support::{Script, Wire, is_disconnected, server, soon, until, until_client};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

fn is_waiting(state: &SocketState) -> bool {
    matches!(state, SocketState::Waiting { .. })
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_taken_up_again_with_all_its_sockets() {
    let io = server();
    io.of("/chat");
    let wire = Wire::to(&io);
    let client = wire.websocket_client();
    let (main, chat) = (client.socket(), client.of("/chat"));
    tokio::try_join!(main.connect(), chat.connect()).unwrap();
    let id = main.id().unwrap();
    wire.cut();
    let SocketState::Waiting { attempt: 1, delay } = until(&main, is_waiting).await else {
        panic!("the first attempt")
    };
    assert!(delay <= Duration::from_secs(1));
    assert!(main.is_active() && !main.is_connected());
    until(&main, SocketState::is_connected).await;
    until(&chat, SocketState::is_connected).await;
    assert_ne!(main.id().unwrap(), id);
    assert_eq!(wire.dialled(), 2, "one connection for both");
}

#[tokio::test(start_paused = true)]
async fn the_attempts_become_rarer_and_start_anew_once_it_has_held() {
    let wire = Wire::to(&server());
    let client = wire.client();
    let socket = client.socket();
    socket.connect().await.unwrap();
    sleep(Duration::from_secs(10)).await;
    wire.set_down(true);
    for expected in 1..=8_u32 {
        let is_it = |state: &ClientState| matches!(state, ClientState::Waiting { attempt, .. } if *attempt == expected);
        let ClientState::Waiting { delay, .. } = until_client(&client, is_it).await else {
            panic!()
        };
        assert!(
            delay <= Duration::from_secs(5).min(Duration::from_secs(1) * 2_u32.pow(expected - 1))
        );
    }
    wire.set_down(false);
    until(&socket, SocketState::is_connected).await;
    sleep(Duration::from_secs(10)).await;
    wire.cut();
    let SocketState::Waiting { attempt, delay } = until(&socket, is_waiting).await else {
        panic!()
    };
    assert!(attempt == 1 && delay <= Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_was_started_waits_for_a_server_that_comes_later() {
    let wire = Wire::to(&server());
    wire.set_down(true);
    let socket = wire.client().socket();
    socket.start();
    sleep(Duration::from_mins(10)).await;
    assert!(socket.is_active());
    wire.set_down(false);
    until(&socket, SocketState::is_connected).await;
}

#[tokio::test(start_paused = true)]
async fn attempts_are_used_up() {
    let wire = Wire::to(&server());
    let options = Reconnection::default().attempts(3);
    let client = wire.builder("http://in-memory").reconnection(options).build().unwrap();
    let socket = client.socket();
    socket.connect().await.unwrap();
    wire.set_down(true);
    let before = wire.dialled();
    let state = until(&socket, is_disconnected).await;
    let reason = Some(DisconnectReason::TransportClose);
    assert_eq!(state, SocketState::Disconnected { reason }, "why it was disconnected, then");
    assert_eq!(wire.dialled() - before, 3);
    assert_eq!(*client.state().borrow(), ClientState::GivenUp);
    wire.set_down(false);
    sleep(Duration::from_mins(10)).await;
    assert!(!socket.is_active(), "until somebody asks again");
    socket.connect().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nobody_tries_again_where_reconnection_is_off() {
    let wire = Wire::to(&server());
    let client = wire.builder("http://in-memory").reconnection(false).build().unwrap();
    let socket = client.socket();
    socket.connect().await.unwrap();
    wire.cut();
    let state = until(&socket, is_disconnected).await;
    let reason = Some(DisconnectReason::TransportClose);
    assert_eq!(state, SocketState::Disconnected { reason });
    sleep(Duration::from_mins(10)).await;
    assert_eq!(*client.state().borrow(), ClientState::Idle);
    socket.connect().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_falls_silent_is_given_up_by_its_ping_timeout() {
    let wire = Wire::to(&server());
    let options = Reconnection::off();
    let client = wire.builder("http://in-memory").reconnection(options).build().unwrap();
    let socket = client.socket();
    socket.connect().await.unwrap();
    wire.freeze();
    let began = Instant::now();
    let state = until(&socket, is_disconnected).await;
    assert_eq!(state, SocketState::Disconnected { reason: Some(DisconnectReason::PingTimeout) });
    assert!(began.elapsed() <= Duration::from_secs(46), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_goes_down_is_waited_for_and_one_that_sends_a_socket_away_is_not() {
    let io = server();
    let wire = Wire::to(&io);
    let client = wire.client();
    let socket = client.socket();
    socket.connect().await.unwrap();
    io.of("/").disconnect_sockets(false);
    let state = until(&socket, is_disconnected).await;
    assert_eq!(
        state,
        SocketState::Disconnected { reason: Some(DisconnectReason::ServerDisconnect) }
    );
    until_client(&client, |state| *state == ClientState::Idle).await;
    soon(|| wire.open() == 0).await;

    socket.connect().await.unwrap();
    io.close(Duration::from_secs(1)).await;
    until(&socket, is_waiting).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_application_says_is_asked_anew_before_each_attempt() {
    let io = server();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let said = heard.clone();
    io.of("/").on_connect(move |socket: sockeye::Socket, Auth(auth): Auth<Value>| {
        let headers = socket.handshake().header("x-attempt").unwrap().to_owned();
        let mut query = socket.handshake().query();
        let tenant = query.find(|(name, _)| name == "tenant").map(|(_, value)| value.into_owned());
        said.lock().unwrap().push((auth["attempt"].as_u64(), headers, tenant));
        async {}
    });
    let wire = Wire::to(&io);
    let counts: [Arc<AtomicUsize>; 3] = Default::default();
    let [auths, headers, urls] = counts.clone();
    let client = wire
        .builder("http://in-memory")
        .header("x-attempt", "none")
        .auth_with(move || {
            let attempt = auths.fetch_add(1, Ordering::SeqCst) + 1;
            async move { Ok::<_, std::io::Error>(json!({ "attempt": attempt })) }
        })
        .headers_with(move || {
            let attempt = headers.fetch_add(1, Ordering::SeqCst) + 1;
            async move {
                sleep(Duration::from_secs(1)).await;
                let mut headers = HeaderMap::new();
                headers.insert("x-attempt", attempt.into());
                Ok::<_, std::io::Error>(headers)
            }
        })
        .url_with(move || {
            let attempt = urls.fetch_add(1, Ordering::SeqCst) + 1;
            async move { Ok::<_, std::io::Error>(format!("http://in-memory/?tenant={attempt}")) }
        })
        .build()
        .unwrap();
    client.socket().connect().await.unwrap();
    wire.cut();
    until(&client.socket(), is_waiting).await;
    until(&client.socket(), SocketState::is_connected).await;
    soon(|| heard.lock().unwrap().len() == 2).await;
    let expected = [1, 2].map(|n: u64| (Some(n), n.to_string(), Some(n.to_string())));
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn an_application_that_fails_panics_or_takes_for_ever_costs_one_attempt() {
    for (which, words) in [(0, "no token"), (1, "it panicked"), (2, "it took longer than 20s")] {
        let wire = Wire::to(&server());
        let asked = Arc::new(AtomicUsize::new(0));
        let builder = wire.builder("http://in-memory").auth_with(move || {
            let is_first = asked.fetch_add(1, Ordering::SeqCst) == 0;
            assert!(!is_first || which != 1, "panics before there is a future");
            async move {
                match (is_first, which) {
                    (true, 0) => Err(std::io::Error::other("no token")),
                    (true, _) => std::future::pending().await,
                    _ => Ok(json!({})),
                }
            }
        });
        let socket = builder.build().unwrap().socket();
        let error = socket.connect().await.unwrap_err();
        assert_eq!(error.to_string(), format!("`auth_with` failed: {words}"));
        assert!(!socket.is_active());
        socket.connect().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_stays_at_it_asks_an_application_that_failed_again() {
    let io = server();
    io.of("/chat");
    let wire = Wire::to(&io);
    let asked = Arc::new(AtomicUsize::new(0));
    let client = wire.websocket_client();
    let (main, chat) = (client.socket(), client.of("/chat"));
    main.connect().await.unwrap();
    let times = asked.clone();
    chat.set_auth_with(move || {
        let fails = times.fetch_add(1, Ordering::SeqCst) < 3;
        async move { if fails { Err("not yet") } else { Ok(json!({})) } }
    });
    chat.start();
    until(&chat, SocketState::is_connected).await;
    assert!(main.is_connected());
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    assert_eq!(wire.dialled(), 1, "the connection stayed");
}

#[tokio::test(start_paused = true)]
async fn what_failed_before_a_socket_was_let_in_does_not_count_afterwards() {
    let io = server();
    io.of("/chat");
    let once = Reconnection::default().attempts(1);
    let client = Wire::to(&io).builder("http://in-memory").reconnection(once).build().unwrap();
    let (main, chat) = (client.socket(), client.of("/chat"));
    main.connect().await.unwrap();
    let asked = AtomicUsize::new(0);
    chat.set_auth_with(move || {
        let fails = asked.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
        async move { if fails { Err("every other time") } else { Ok(json!({})) } }
    });
    for _ in 0..3 {
        chat.start();
        until(&chat, SocketState::is_connected).await;
        chat.disconnect();
    }
    assert!(main.is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_url_that_leads_nowhere_is_an_attempt_that_failed() {
    let wire = Wire::to(&server());
    let builder = wire.builder("http://in-memory");
    let client = builder.url_with(async || Ok::<_, &str>("ftp://x".to_owned())).build().unwrap();
    let error = client.socket().connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::Option { option: "url_with", .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_to_be_left_alone_is_left_alone() {
    let (wire, mut accepted) = Wire::raw();
    let client = wire.builder("http://in-memory").build().unwrap();
    client.socket().start();
    for _ in 0..3 {
        let mut stream = accepted.recv().await.unwrap();
        let mut head = [0; 4096];
        assert!(stream.read(&mut head).await.unwrap() > 0);
        let answer =
            "HTTP/1.1 503 Service Unavailable\r\nretry-after: 60\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
        let began = Instant::now();
        let again = timeout(Duration::from_secs(59), accepted.recv()).await;
        assert!(again.is_err(), "it came back after {:?}", began.elapsed());
        let ClientState::Waiting { delay, .. } = client.state().borrow().clone() else { panic!() };
        assert!(delay >= Duration::from_mins(1) && delay <= Duration::from_secs(65), "{delay:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_costs_the_connect_timeout() {
    let (wire, _accepted) = Wire::raw();
    let builder = wire.builder("http://in-memory").connect_timeout(Duration::from_secs(3));
    let client = builder.build().unwrap();
    let began = Instant::now();
    let error = client.socket().connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error}");
    assert_eq!(began.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_is_not_answered_costs_its_own_namespace_only() {
    let (wire, mut accepted) = Wire::raw();
    let builder = wire.builder("http://in-memory").transports([Transport::WebSocket]);
    let client = builder.connect_timeout(Duration::from_secs(3)).build().unwrap();
    let server = tokio::spawn(async move {
        let mut script = Script::open(&mut accepted).await;
        let mut asked = Vec::new();
        while let Some(text) = script.hear().await {
            if text == "40/chat," {
                script.say(r#"40/chat,{"sid":"c"}"#).await;
            }
            asked.push(text);
        }
        asked
    });
    let (chat, slow) = (client.of("/chat"), client.of("/slow"));
    chat.connect().await.unwrap();
    let error = slow.connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error}");
    assert!(!slow.is_active() && chat.is_connected());
    // Who stays at it asks again.
    slow.start();
    sleep(Duration::from_secs(7)).await;
    assert!(slow.is_active() && chat.is_connected());
    client.close().await;
    let asked = server.await.unwrap();
    assert_eq!(asked.iter().filter(|text| *text == "40/slow,").count(), 4, "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_namespace_whose_connect_is_never_answered_is_given_up_with_its_attempts() {
    let (wire, mut accepted) = Wire::raw();
    let client = wire
        .builder("http://in-memory")
        .transports([Transport::WebSocket])
        .reconnection(Reconnection::default().attempts(2))
        .connect_timeout(Duration::from_secs(3))
        .build()
        .unwrap();
    tokio::spawn(async move {
        let mut script = Script::open(&mut accepted).await;
        while let Some(text) = script.hear().await {
            if text == "40/chat," {
                script.say(r#"40/chat,{"sid":"c"}"#).await;
            }
        }
    });
    let (chat, slow) = (client.of("/chat"), client.of("/slow"));
    chat.connect().await.unwrap();
    let failed = Arc::new(AtomicUsize::new(0));
    let times = failed.clone();
    slow.on_connect_error(move || {
        times.fetch_add(1, Ordering::SeqCst);
        async {}
    });
    let began = Instant::now();
    slow.start();
    until(&slow, is_disconnected).await;
    assert_eq!(began.elapsed().as_secs(), 9, "three attempts");
    soon(|| failed.load(Ordering::SeqCst) == 3).await;
    assert!(chat.is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_server_of_version_2_is_told_apart_and_not_asked_again() {
    let (wire, mut accepted) = Wire::raw();
    let client = wire.websocket_client();
    tokio::spawn(async move {
        let mut script = Script::open(&mut accepted).await;
        // It lets everybody into the main namespace, without being asked.
        script.say("40").await;
        while script.hear().await.is_some() {}
    });
    let socket = client.socket();
    let error = socket.connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::OldServer), "{error}");
    sleep(Duration::from_mins(10)).await;
    assert_eq!((socket.is_active(), wire.dialled()), (false, 1));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_breaks_the_protocol_is_left_with_a_parse_error() {
    let (wire, mut accepted) = Wire::raw();
    let builder = wire.builder("http://in-memory").transports([Transport::WebSocket]);
    let client = builder.reconnection(false).build().unwrap();
    tokio::spawn(async move {
        let mut script = Script::open(&mut accepted).await;
        script.hear().await;
        script.say(r#"40{"sid":"x"}"#).await;
        script.say("4nonsense").await;
        while script.hear().await.is_some() {}
    });
    let socket = client.socket();
    socket.connect().await.unwrap();
    let state = until(&socket, is_disconnected).await;
    assert_eq!(state, SocketState::Disconnected { reason: Some(DisconnectReason::ParseError) });
}

#[tokio::test(start_paused = true)]
async fn the_reason_of_an_earlier_loss_is_not_told_of_a_later_attempt() {
    let wire = Wire::to(&server());
    let socket = wire.client().socket();
    socket.connect().await.unwrap();
    wire.set_down(true);
    until(&socket, is_waiting).await;
    socket.disconnect();
    assert!(socket.connect().await.is_err());
    assert_eq!(*socket.state().borrow(), SocketState::Disconnected { reason: None });
}
