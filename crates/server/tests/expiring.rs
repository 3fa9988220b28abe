//! Handlers that do not come to their end.

mod support;

use std::sync::Arc;
use std::time::Duration;

use sockeye::{AckSender, Io, Socket};
use support::{Client, HANG, Notes, io, serve, soon, with_sync};

const LATE: &str = r#"[{"error":{"message":"the handler did not finish in time"}}]"#;

/// Notes that it is dropped.
struct Held(Arc<Notes<&'static str>>, &'static str);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.add(self.1);
    }
}

fn impatient() -> Io {
    io(|io| io.handler_timeout(Duration::from_millis(50)).max_unfinished_events(2))
}

/// A handler that never ends; what it holds is noted when it is dropped.
fn hangs(
    dropped: &Arc<Notes<&'static str>>,
    name: &'static str,
) -> impl Future<Output = ()> + use<> {
    let held = Held(Arc::clone(dropped), name);
    async move {
        let _held = held;
        std::future::pending::<()>().await;
    }
}

#[tokio::test]
async fn a_handler_that_hangs_is_dropped_answered_and_counted_and_makes_room_for_the_next() {
    let io = impatient();
    with_sync(&io);
    let dropped = Notes::new();
    let notes = Arc::clone(&dropped);
    io.of("/").on("hang", move || hangs(&notes, "event"));
    let (mut client, _) = Client::join(serve(&io).await).await;
    // Two are unfinished, so the third is parked, and `sync` behind it.
    client.send_all(&["421[\"hang\"]", "42[\"hang\"]", "423[\"hang\"]"]).await;
    client.expect(&format!("431{LATE}")).await;
    client.expect(&format!("433{LATE}")).await;
    client.sync().await;
    for _ in 0..3 {
        assert_eq!(dropped.next().await, "event");
    }
    assert_eq!(io.stats().handlers_expired, 3);
    assert_eq!(io.stats().handler_errors, 0);
}

#[tokio::test]
async fn a_handler_that_hangs_with_its_ack_sender_is_answered_for_once() {
    let io = impatient();
    with_sync(&io);
    io.of("/").on("holds", async |_ack: AckSender| std::future::pending::<()>().await).on(
        "has answered",
        async |ack: AckSender| {
            ack.send(&1).unwrap();
            std::future::pending::<()>().await;
        },
    );
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send_all(&["421[\"holds\"]", "422[\"has answered\"]"]).await;
    client.expect("432[1]").await;
    client.expect(&format!("431{LATE}")).await;
    while io.stats().handlers_expired < 2 {
        tokio::task::yield_now().await;
    }
    client.sync().await;
}

#[tokio::test]
async fn a_handler_that_panics_when_it_is_dropped_harms_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let io = impatient();
    with_sync(&io);
    io.of("/").on("bomb", async || {
        let _bomb = Bomb;
        std::future::pending::<()>().await;
    });
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send("421[\"bomb\"]").await;
    client.expect(&format!("431{LATE}")).await;
    client.sync().await;
    assert_eq!(io.stats().panics, 1);
}

#[tokio::test]
async fn an_on_connect_that_hangs_is_taken_as_failed() {
    let io = impatient();
    let dropped = Notes::new();
    let notes = Arc::clone(&dropped);
    io.of("/").on_connect(move || hangs(&notes, "on_connect"));
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send("42[\"waits\"]").await;
    client.expect("41").await;
    assert_eq!(dropped.next().await, "on_connect");
    assert_eq!(io.stats().handlers_expired, 1);
}

#[tokio::test]
async fn last_handlers_that_hang_are_dropped_after_their_client_has_gone() {
    let io = impatient();
    let dropped = Notes::new();
    let (a, b) = (Arc::clone(&dropped), Arc::clone(&dropped));
    io.of("/").on_disconnecting(move || hangs(&a, "on_disconnecting"));
    io.of("/").on_disconnect(move || hangs(&b, "on_disconnect"));
    let (client, _) = Client::join(serve(&io).await).await;
    client.hang_up();
    let mut both = [dropped.next().await, dropped.next().await];
    both.sort_unstable();
    assert_eq!(both, ["on_disconnect", "on_disconnecting"]);
    assert_eq!(io.stats().handlers_expired, 2);
    soon(io.close(HANG * 2)).await; // nobody is left to wait for
}

#[tokio::test]
async fn a_handler_outlives_its_client_but_not_its_time() {
    let io = impatient();
    let started = Notes::new();
    let dropped = Notes::new();
    let (a, b) = (Arc::clone(&started), Arc::clone(&dropped));
    io.of("/").on("hang", move |socket: Socket| {
        a.add(());
        let hanging = hangs(&b, "event");
        async move {
            hanging.await;
            drop(socket);
        }
    });
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send("421[\"hang\"]").await;
    started.next().await;
    client.hang_up();
    assert_eq!(dropped.next().await, "event");
}

#[tokio::test]
async fn without_a_limit_a_handler_may_take_as_long_as_it_likes() {
    let io = io(|io| io.handler_timeout(Duration::MAX));
    io.of("/").on("slow", async || tokio::time::sleep(Duration::from_millis(100)).await);
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.send("421[\"slow\"]").await;
    client.expect("431[]").await;
    assert_eq!(io.stats().handlers_expired, 0);
}
