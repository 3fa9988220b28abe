//! What the options do, seen from outside.

mod support;

use std::time::Duration;

use sockeye::{Answer, Io, Socket};
use support::{Client, http, io, serve, soon, with_sync};

/// A server whose every wait is as long as can be said.
fn endless() -> Io {
    let never = Duration::MAX;
    let io = io(|io| {
        io.ping_interval(never)
            .ping_timeout(never)
            .upgrade_timeout(never)
            .connect_timeout(never)
            .attachment_deadline(never)
            .body_deadline(never)
            .header_deadline(never)
            .ack_timeout(never)
            .middleware_timeout(never)
            .handler_timeout(never)
            .slow_handler(never)
    });
    with_sync(&io);
    io.of("/").middleware(async || tokio::task::yield_now().await);
    io.of("/").on("ask", async |socket: Socket| {
        let named = socket.emit_with_ack::<String>("q", &()).timeout(Duration::MAX).await;
        named.map_err(|error| error.to_string())
    });
    io
}

#[tokio::test]
async fn a_wait_without_end_is_a_long_wait_and_panics_nowhere() {
    let io = endless();
    let address = serve(&io).await;
    let (mut client, id) = Client::join(address).await;
    client.send("427[\"ask\"]").await;
    client.expect("420[\"q\"]").await;
    client.send_all(&["430[\"Ada\"]"]).await;
    client.expect("437[\"Ada\"]").await;

    let one = tokio::spawn(io.socket(&id).unwrap().emit_with_ack::<u8>("q", &()).into_future());
    client.expect("421[\"q\"]").await;
    let mut all = io.timeout(Duration::MAX).emit_with_ack::<u8>("q", &());
    let all = tokio::spawn(async move { all.next().await });
    client.expect("422[\"q\"]").await;
    client.send_all(&["431[7]", "432[8]"]).await;
    assert_eq!(soon(one).await.unwrap().unwrap(), 7);
    let Answer { result, .. } = soon(all).await.unwrap().unwrap();
    assert_eq!(result.unwrap(), 8);

    client.send("451-[\"sync\",{\"_placeholder\":true,\"num\":0}]").await;
    client.send_binary(&[1]).await;
    client.sync().await;
    assert_eq!(io.counters().panics, 0);

    let reading = tokio::spawn(async move { client.rest().await });
    soon(io.close(Duration::MAX)).await;
    assert!(reading.await.unwrap().is_empty());
}

#[tokio::test]
async fn clients_are_told_of_no_wait_that_their_timers_could_not_hold() {
    let address = serve(&endless()).await;
    let (_, _, open) = http(address, "GET /socket.io/?EIO=4&transport=polling HTTP/1.1", "").await;
    let open: serde_json::Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
    let wait = open["pingInterval"].as_u64().unwrap() + open["pingTimeout"].as_u64().unwrap();
    assert!(wait < 1 << 31, "{open}");
}
