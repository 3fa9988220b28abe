//! Why a socket has left, in words: those that it was given, and those of whatever went wrong.

mod support;

use std::sync::Arc;

use sockeye::{Description, Durability, Io, Reason, Socket};
use support::{Client, Notes, Polling, http, io, serve};

type Words = (&'static str, Option<String>);

/// Notes why sockets of the main namespace leave.
fn words(io: &Io) -> Arc<Notes<Words>> {
    let notes = Notes::new();
    let noted = Arc::clone(&notes);
    io.of("/").on_disconnect(move |Reason(reason): Reason, Description(words): Description| {
        noted.add((reason.as_str(), words));
        async {}
    });
    notes
}

#[tokio::test]
async fn a_client_that_is_disconnected_with_a_reason_hears_it_first() {
    let io = io(|io| io);
    let words = words(&io);
    let address = serve(&io).await;
    let (mut client, id) = Client::join(address).await;
    let socket = io.socket(&id).unwrap();
    assert_eq!(socket.disconnect_description(), None);
    socket.emit("last", &1).unwrap();
    socket.disconnect_with("no advertising here", false);
    socket.disconnect_with("once more", false);
    for packet in ["42[\"last\",1]", "42[\"disconnect_reason\",\"no advertising here\"]", "41"] {
        client.expect(packet).await;
    }
    let said = Some("no advertising here".to_owned());
    assert_eq!(words.next().await, ("server namespace disconnect", said.clone()));
    assert_eq!(socket.disconnect_description(), said);
    // Its connection goes on.
    client.connect("/", "").await;
    for remote in io.fetch_sockets().await.unwrap() {
        remote.disconnect_with("all of you", true);
    }
    assert_eq!(client.rest().await, ["42[\"disconnect_reason\",\"all of you\"]", "41"]);
}

#[tokio::test]
async fn a_socket_that_is_disconnected_with_a_reason_by_a_middleware_is_refused_with_it() {
    let io = io(|io| io);
    io.of("/").middleware(async |socket: Socket| socket.disconnect_with("not today", false));
    let mut client = Client::open(serve(&io).await).await;
    client.send("40").await;
    client.expect("44{\"message\":\"not today\"}").await;
}

#[tokio::test]
async fn the_reason_of_a_disconnect_moves_no_position_of_a_durable_namespace() {
    let io = io(|io| io);
    io.of("/").durable(Durability::Memory);
    let mut client = Client::open(serve(&io).await).await;
    let id = client.connect("/", "").await;
    io.socket(&id).unwrap().disconnect_with("enough", false);
    client.expect("42[\"disconnect_reason\",\"enough\",null]").await;
    client.expect("41").await;
}

#[tokio::test]
async fn whoever_breaks_a_rule_leaves_with_words_that_say_which() {
    let io = io(|io| io.max_payload(1000));
    let words = words(&io);
    let address = serve(&io).await;
    for (packet, reason, part) in [
        ("4x", "forced close", "type"),
        ("42[\"a\"", "forced close", "JSON"),
        ("x", "parse error", "packet of type 'x'"),
        (&*format!("42[\"a\",\"{}\"]", "x".repeat(1000)), "transport error", "the limit is 1000"),
    ] {
        let (mut client, _) = Client::join(address).await;
        client.send(packet).await;
        let (why, said) = words.next().await;
        let said = said.unwrap_or_default();
        assert_eq!(why, reason, "{packet}");
        assert!(said.contains(part), "{packet}: {said}");
        client.rest().await;
    }
}

#[tokio::test]
async fn a_polling_client_whose_requests_overlap_or_are_no_text_leaves_with_the_reference_s_words()
{
    let io = io(|io| io);
    let words = words(&io);
    let address = serve(&io).await;
    let join = async || {
        let polling = Polling::open(address, "/socket.io/").await;
        polling.post("40").await;
        assert!(polling.get().await.starts_with("40"));
        polling
    };
    let polling = join().await;
    let (_, _) = tokio::join!(polling_get(&polling, address), polling_get(&polling, address));
    assert_eq!(words.next().await, ("transport error", Some("overlap from client".into())));
    let polling = join().await;
    let head =
        format!("POST {} HTTP/1.1\r\nContent-Type: application/octet-stream", polling.path());
    let _ = http(address, &head, "42[\"a\"]").await;
    assert_eq!(words.next().await, ("transport error", Some("invalid content".into())));
}

/// A poll, whatever is answered.
async fn polling_get(polling: &Polling, address: std::net::SocketAddr) -> u16 {
    http(address, &format!("GET {} HTTP/1.1", polling.path()), "").await.0
}

#[tokio::test]
async fn whoever_simply_goes_leaves_without_words() {
    let io = io(|io| io);
    let words = words(&io);
    let address = serve(&io).await;
    let (mut client, _) = Client::join(address).await;
    client.send("41").await;
    assert_eq!(words.next().await, ("client namespace disconnect", None));
    let (_client, id) = Client::join(address).await;
    io.socket(&id).unwrap().disconnect(false);
    assert_eq!(words.next().await, ("server namespace disconnect", None));
    let (mut client, _) = Client::join(address).await;
    client.send("1").await;
    assert_eq!(words.next().await, ("transport close", None));
}

#[tokio::test]
async fn a_reason_that_is_long_or_hard_to_write_arrives_whole_and_first_on_both_transports() {
    let io = io(|io| io.outbox_bytes(100_000));
    let address = serve(&io).await;
    let why = "\"\\\0\u{2028}\u{1e}😀".repeat(100_000);
    let (mut client, id) = Client::join(address).await;
    io.socket(&id).unwrap().disconnect_with(&why, false);
    let heard = client.text().await;
    let (name, said): (String, String) = serde_json::from_str(&heard[2..]).unwrap();
    assert!(name == "disconnect_reason" && said == why);
    client.expect("41").await;

    let polling = Polling::open(address, "/socket.io/").await;
    polling.post("40").await;
    polling.get().await;
    for remote in io.fetch_sockets().await.unwrap() {
        remote.disconnect_with(&why, false);
    }
    let heard = polling.get().await;
    assert!(heard.len() > why.len() && heard.ends_with("\u{1e}41"), "{}", heard.len());
}
