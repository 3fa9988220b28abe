//! From CONNECT to its answer: middleware, extractors, and the body of `on_connect`.

mod support;

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use sockeye::{Auth, Error, Io, Result, Socket};
use support::{Client, HANG, Notes, io, serve, soon, with_sync};
use tokio::sync::Semaphore;

#[derive(Deserialize)]
struct Token {
    token: String,
}

#[tokio::test]
async fn an_unknown_namespace_is_refused_and_the_connection_stays() {
    let io = io(|io| io);
    with_sync(&io);
    let mut client = Client::open(serve(&io).await).await;
    client.send("40/nowhere,").await;
    client.expect("44/nowhere,{\"message\":\"Invalid namespace\"}").await;
    client.connect("/", "").await;
    client.sync().await;
}

#[tokio::test]
async fn a_connect_for_a_name_of_more_than_512_bytes_closes_the_connection() {
    let address = serve(&io(|io| io)).await;
    let mut client = Client::open(address).await;
    let longest = format!("40/{}", "n".repeat(511));
    client.send(&format!("{longest},")).await;
    assert!(client.text().await.ends_with("{\"message\":\"Invalid namespace\"}"));
    client.send(&format!("{longest}n,")).await;
    assert!(client.rest().await.is_empty());
}

#[tokio::test]
async fn middlewares_run_in_order_and_the_first_error_refuses_with_message_and_data() {
    let io = io(|io| io);
    let seen = Notes::new();
    let notes = Arc::clone(&seen);
    let auth = io.of("/auth");
    auth.middleware(move |socket: Socket| {
        let notes = Arc::clone(&notes);
        async move {
            tokio::task::yield_now().await;
            notes.add(socket.is_connected());
        }
    });
    auth.middleware(async |auth: Option<Auth<Token>>| -> Result<()> {
        match auth {
            Some(Auth(Token { token })) if token == "secret" => Ok(()),
            _ => {
                Err(Error::new("not authorized")
                    .with_data(&json!({"code": "E_AUTH", "retryAfter": 5})))
            }
        }
    });
    auth.on_connect(async |socket: Socket| socket.emit("welcome", &()).map(drop));
    let mut client = Client::open(serve(&io).await).await;
    client.send("40/auth,").await;
    client
        .expect(r#"44/auth,{"message":"not authorized","data":{"code":"E_AUTH","retryAfter":5}}"#)
        .await;
    client.connect("/auth", r#"{"token":"secret"}"#).await;
    client.expect("42/auth,[\"welcome\"]").await;
    assert_eq!(seen.so_far(), [false, false]);
    assert_eq!(io.of("/auth").count().await.unwrap(), 1, "the refused one is gone");
}

#[tokio::test]
async fn a_failing_extractor_of_on_connect_refuses_before_anything_is_answered() {
    let io = io(|io| io);
    io.of("/").on_connect(async |_: Auth<Token>| {});
    let mut client = Client::open(serve(&io).await).await;
    client.send("40{\"token\":7}").await;
    let refusal = client.text().await;
    assert!(refusal.starts_with("44{\"message\":\"auth: invalid type: integer `7`"), "{refusal}");
}

#[tokio::test]
async fn the_body_of_on_connect_runs_after_the_reply_and_its_error_is_a_disconnect() {
    let io = io(|io| io);
    io.of("/").on_connect(async |socket: Socket| -> Result<()> {
        socket.emit("first", &())?;
        tokio::task::yield_now().await;
        Err(Error::new("changed my mind"))
    });
    let mut client = Client::open(serve(&io).await).await;
    client.connect("/", "").await;
    client.expect("42[\"first\"]").await;
    client.expect("41").await;
    assert_eq!(io.stats().handler_errors, 1);
}

#[tokio::test]
async fn a_second_connect_while_the_middleware_thinks_closes_the_connection() {
    let io = io(|io| io);
    let gate = Arc::new(Semaphore::new(0));
    let g = Arc::clone(&gate);
    io.of("/").middleware(move || {
        let gate = Arc::clone(&g);
        async move { gate.acquire().await.unwrap().forget() }
    });
    let mut client = Client::open(serve(&io).await).await;
    client.send_all(&["40", "40"]).await;
    assert!(client.rest().await.is_empty());
    gate.add_permits(2);
    assert_eq!(io.count().await.unwrap(), 0, "no ghost");
}

#[tokio::test]
async fn a_middleware_that_never_decides_refuses_after_its_timeout() {
    let io = io(|io| io.middleware_timeout(Duration::from_millis(50)));
    io.of("/").middleware(async || std::future::pending::<()>().await);
    let mut client = Client::open(serve(&io).await).await;
    client.send("40").await;
    client.expect("44{\"message\":\"the middleware did not decide in time\"}").await;
}

#[tokio::test]
async fn a_middleware_that_panics_refuses_and_is_counted() {
    let io = io(|io| io);
    io.of("/").middleware(async || -> () { panic!("at the door") });
    let mut client = Client::open(serve(&io).await).await;
    client.send("40").await;
    client.expect("44{\"message\":\"the handler panicked\"}").await;
    assert_eq!(io.stats().panics, 1);
}

#[tokio::test]
async fn nothing_reaches_a_socket_whose_middleware_still_thinks() {
    let io = io(|io| io);
    let gate = Arc::new(Semaphore::new(0));
    let thinking = Notes::new();
    let (g, notes) = (Arc::clone(&gate), Arc::clone(&thinking));
    io.of("/").middleware(move |socket: Socket| {
        let gate = Arc::clone(&g);
        socket.join("room").unwrap();
        notes.add(socket.emit("too early", &()).unwrap_err().to_string());
        async move { gate.acquire().await.unwrap().forget() }
    });
    let mut client = Client::open(serve(&io).await).await;
    client.send("40").await;
    assert!(thinking.next().await.ends_with("is not connected"));
    assert_eq!(io.to("room").emit("x", &()).unwrap().recipients(), 0);
    gate.add_permits(1);
    assert!(client.text().await.starts_with("40{"));
    io.to("room").emit("y", &()).unwrap();
    client.expect("42[\"y\"]").await;
}

#[tokio::test]
async fn a_socket_that_middleware_disconnects_is_refused() {
    let io = io(|io| io);
    io.of("/").middleware(async |socket: Socket| {
        socket.disconnect(false);
        std::future::pending::<()>().await;
    });
    let mut client = Client::open(serve(&io).await).await;
    client.send("40").await;
    client.expect("44{\"message\":\"server namespace disconnect\"}").await;
}

/// Notes the handlers for sockets that leave, and gives the rest of the test something to note with.
fn farewells(io: &Io, namespace: &str) -> Arc<Notes<&'static str>> {
    let seen = Notes::new();
    let (a, b) = (Arc::clone(&seen), Arc::clone(&seen));
    io.of(namespace).on_disconnecting(move || {
        a.add("on_disconnecting");
        async {}
    });
    io.of(namespace).on_disconnect(move || {
        b.add("on_disconnect");
        async {}
    });
    seen
}

/// Connects to `/a`, is refused there and nowhere else, and leaves nobody to wait for.
async fn refused_at_the_door(io: &Io) {
    with_sync(io);
    let mut client = Client::open(serve(io).await).await;
    client.connect("/", "").await;
    client.send("40/a,").await;
    client.expect("44/a,{\"message\":\"server namespace disconnect\"}").await;
    client.sync().await;
    let reading = tokio::spawn(async move { client.rest().await });
    soon(io.close(HANG * 2)).await;
    assert!(reading.await.unwrap().is_empty());
    assert_eq!(io.of("/a").count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_socket_that_middleware_disconnects_and_lets_in_is_refused_and_met_by_no_handler() {
    let io = io(|io| io);
    io.of("/a").middleware(async |socket: Socket| socket.disconnect(false));
    let seen = farewells(&io, "/a");
    let notes = Arc::clone(&seen);
    io.of("/a").on_connect(move || {
        notes.add("on_connect");
        async {}
    });
    refused_at_the_door(&io).await;
    assert!(seen.so_far().is_empty());
}

#[tokio::test]
async fn a_socket_that_is_disconnected_before_the_body_of_on_connect_is_refused() {
    let io = io(|io| io);
    let seen = farewells(&io, "/a");
    let notes = Arc::clone(&seen);
    io.of("/a").on_connect(move |socket: Socket| {
        socket.disconnect(false);
        let notes = Arc::clone(&notes);
        async move { notes.add("the body of on_connect") }
    });
    refused_at_the_door(&io).await;
    assert!(seen.so_far().is_empty());
}

#[tokio::test]
async fn a_middleware_that_refuses_can_close_the_whole_connection_too() {
    let io = io(|io| io);
    io.of("/closing").middleware(async |socket: Socket| -> Result<()> {
        socket.disconnect(true);
        Err(Error::new("out"))
    });
    let mut client = Client::open(serve(&io).await).await;
    client.connect("/", "").await;
    client.send("40/closing,").await;
    assert_eq!(client.rest().await, ["44/closing,{\"message\":\"out\"}", "41"]);
}

#[tokio::test]
async fn a_client_that_joins_no_namespace_is_disconnected() {
    let io = io(|io| io.connect_timeout(Duration::from_millis(100)));
    let mut client = Client::open(serve(&io).await).await;
    assert!(client.rest().await.is_empty());
}

#[tokio::test]
async fn the_handshake_shows_headers_query_and_auth() {
    let io = io(|io| io);
    io.of("/").on("handshake", async |socket: Socket| {
        let handshake = socket.handshake();
        (
            handshake.query_value("test").map(String::from),
            handshake.header("host").is_some(),
            handshake.address().is_some(),
            handshake.auth_json().map(str::to_owned),
            handshake.path().to_owned(),
            socket.transport().as_str(),
        )
    });
    let mut client = Client::open(serve(&io).await).await;
    client.connect("/", "{\"a\":1}").await;
    client.send("421[\"handshake\"]").await;
    client.expect(r#"431["a b",true,true,"{\"a\":1}","/socket.io/","websocket"]"#).await;
}

#[tokio::test]
async fn a_client_that_comes_and_goes_faster_than_its_handlers_end_is_disconnected() {
    let io = io(|io| io);
    io.of("/").middleware(async || std::future::pending::<()>().await);
    let mut client = Client::open(serve(&io).await).await;
    client.send_all(&["40", "41"].repeat(300)).await;
    assert!(client.rest().await.is_empty());
    assert_eq!(io.count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_middleware_can_close_the_whole_connection() {
    let io = io(|io| io);
    io.of("/closing").middleware(async |socket: Socket| {
        socket.disconnect(true);
        std::future::pending::<()>().await;
    });
    let mut client = Client::open(serve(&io).await).await;
    client.connect("/", "").await;
    client.send("40/closing,").await;
    let rest = client.rest().await;
    assert_eq!(rest, ["44/closing,{\"message\":\"server namespace disconnect\"}", "41"]);
}

#[tokio::test]
async fn a_namespace_that_no_client_could_name_is_an_error() {
    let io = io(|io| io);
    io.of("/a,b");
    assert!(io.layer().unwrap_err().to_string().contains("`/a,b`"));
}
