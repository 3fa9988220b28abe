//! Namespaces that the server names itself: their names, what is each one's own, and what they share.

mod support;

use std::sync::Arc;

use serde_json::{Value, json};
use sockeye::{Error, Io, Result, Socket};
use support::{Client, Notes, io, serve, soon, with_sync};

/// Notes who is met by `on_connect`.
fn welcomes(io: &Io, namespace: &str) -> Arc<Notes<String>> {
    let met = Notes::new();
    let notes = Arc::clone(&met);
    io.of(namespace).on_connect(move |socket: Socket| {
        notes.add(socket.id().to_owned());
        async {}
    });
    met
}

#[tokio::test]
async fn a_namespace_is_the_same_with_and_without_its_slash_on_both_sides() {
    let io = io(|io| io);
    assert_eq!((io.of("").name(), io.of("/").name()), ("/", "/"));
    assert_eq!((io.of("abc").name(), io.of("/abc").name()), ("/abc", "/abc"));
    let (main, abc) = (welcomes(&io, ""), welcomes(&io, "abc"));
    let address = serve(&io).await;
    for connect in ["40", "40/,", "40/"] {
        let mut client = Client::open(address).await;
        client.send(connect).await;
        assert!(client.text().await.starts_with("40{\"sid\":"), "{connect}");
        main.next().await;
    }
    let mut client = Client::open(address).await;
    client.send("40/abc").await;
    assert!(client.text().await.starts_with("40/abc,{\"sid\":"));
    abc.next().await;
}

#[tokio::test]
async fn one_client_is_another_socket_in_each_of_its_namespaces() {
    let io = io(|io| io);
    with_sync(&io);
    let (chat, news) = (welcomes(&io, "/chat"), welcomes(&io, "/news"));
    let (mut client, id) = Client::join(serve(&io).await).await;
    let ids = [id, client.connect("/chat", "").await, client.connect("/news", "").await];
    assert_eq!([chat.next().await, news.next().await], ids[1..]);
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    assert!(io.of("/chat").socket(&ids[2]).is_none(), "and is found in its own alone");
    client.sync().await;
}

#[tokio::test]
async fn middlewares_of_one_namespace_are_not_asked_about_another() {
    let io = io(|io| io);
    io.of("/").middleware(async || Err::<(), _>(Error::new("not here")));
    let order = Notes::new();
    for number in 1..=3 {
        let notes = Arc::clone(&order);
        io.of("/chat").middleware(move || {
            let notes = Arc::clone(&notes);
            async move {
                tokio::task::yield_now().await;
                notes.add(number);
            }
        });
    }
    let mut client = Client::open(serve(&io).await).await;
    client.connect("/chat", "").await;
    assert_eq!(order.so_far(), [1, 2, 3]);
    client.send("40").await;
    client.expect("44{\"message\":\"not here\"}").await;
}

#[tokio::test]
async fn what_a_middleware_has_found_out_is_there_when_on_connect_runs() {
    let io = io(|io| io);
    let seen = Notes::new();
    let notes = Arc::clone(&seen);
    io.of("/").middleware(async |socket: Socket| -> Result<()> {
        tokio::task::yield_now().await;
        assert!(!socket.is_connected());
        socket.data().set("guillermo")?;
        Ok(())
    });
    io.of("/").on_connect(move |socket: Socket| {
        let notes = Arc::clone(&notes);
        async move { notes.add((socket.data().get::<String>().unwrap(), socket.is_connected())) }
    });
    let (_client, _) = Client::join(serve(&io).await).await;
    assert_eq!(seen.next().await, (Some("guillermo".to_owned()), true));
}

#[tokio::test]
async fn a_client_that_goes_while_the_middleware_thinks_is_met_by_no_handler() {
    let io = io(|io| io);
    let (thinking, met) = (Notes::new(), welcomes(&io, "/"));
    let notes = Arc::clone(&thinking);
    io.of("/").middleware(move |socket: Socket| {
        let notes = Arc::clone(&notes);
        async move {
            notes.add(socket.clone());
            while socket.disconnect_reason().is_none() {
                tokio::task::yield_now().await;
            }
        }
    });
    let address = serve(&io).await;
    let mut client = Client::open(address).await;
    client.send("40").await;
    let socket = thinking.next().await;
    client.hang_up();
    soon(async {
        while socket.disconnect_reason().is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(io.count().await.unwrap(), 0);
    assert!(met.so_far().is_empty());
}

#[tokio::test]
async fn each_namespace_has_its_own_auth_and_all_of_a_client_share_its_request() {
    let io = io(|io| io);
    for name in ["/", "/second"] {
        io.of(name).on("handshake", async |socket: Socket| -> Result<Value> {
            let handshake = socket.handshake();
            Ok(json!([
                handshake.query_value("key1"),
                handshake.query_value("EIO"),
                handshake.query_value("test"),
                handshake.auth::<Value>()?,
            ]))
        });
    }
    let mut client = Client::open(serve(&io).await).await;
    client.connect("/", "{\"key\":\"main\"}").await;
    client.connect("/second", "{\"key1\":\"aa\",\"key2\":\"&=bb\"}").await;
    client.send("421[\"handshake\"]").await;
    client.expect(r#"431[[null,"4","a b",{"key":"main"}]]"#).await;
    client.send("42/second,1[\"handshake\"]").await;
    client.expect(r#"43/second,1[[null,"4","a b",{"key1":"aa","key2":"&=bb"}]]"#).await;
}

#[tokio::test]
async fn a_client_that_comes_again_is_met_once_each_time() {
    let io = io(|io| io);
    with_sync(&io);
    let met = welcomes(&io, "/");
    let address = serve(&io).await;
    let (mut client, first) = Client::join(address).await;
    client.send("41").await;
    let second = client.connect("/", "").await; // on the same connection
    client.sync().await;
    client.hang_up();
    let (mut client, third) = Client::join(address).await;
    client.sync().await;
    assert_eq!(met.so_far(), [first, second, third]);
}

#[tokio::test]
async fn a_namespace_of_our_own_stays_when_its_last_socket_has_left() {
    let io = io(|io| io);
    with_sync(&io);
    let mut heard = 0;
    let chat = io.of("/chat");
    let (mut client, _) = Client::join(serve(&io).await).await;
    for _ in 0..3 {
        client.connect("/chat", "").await;
        heard += chat.emit("hello", &()).unwrap().recipients();
        client.expect("42/chat,[\"hello\"]").await;
        client.send("41/chat,").await;
        client.sync().await;
        assert_eq!(chat.count().await.unwrap(), 0);
    }
    assert_eq!(heard, 3, "it was the same one each time");
}
