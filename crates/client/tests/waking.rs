//! Whoever emits wakes the connection's task only if it would not look by itself: what is emitted never waits for something else.

mod support;

use std::time::Duration;

use sockeye_client::Socket;
use support::{Wire, server};

const ROUNDS: usize = 20_000;

/// The answer lets the next question go while the task, on another thread, comes to the end of its turn. Nobody else says
/// anything, and a ping comes too late.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_is_emitted_while_the_task_comes_to_rest_leaves_at_once() {
    let io = server();
    io.of("/").on("ask", async |args: sockeye::Args| args);
    let socket = Wire::to(&io).websocket_client().socket();
    socket.connect().await.unwrap();
    for round in 0..ROUNDS {
        let answer = socket.emit_with_ack::<usize>("ask", &round);
        assert_eq!(answer.timeout(Duration::from_secs(10)).await.unwrap(), round);
    }
}

/// What handlers emit wakes nobody: their task looks when they are done.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_a_handler_emits_leaves_at_once() {
    let io = server();
    let (sender, mut heard) = tokio::sync::mpsc::unbounded_channel();
    io.of("/").on(
        "again",
        move |socket: sockeye::Socket, sockeye::Data(round): sockeye::Data<usize>| {
            sender.send(round).unwrap();
            std::future::ready(socket.emit("again", &(round + 1)).map(drop))
        },
    );
    let socket = Wire::to(&io).websocket_client().socket();
    socket.on("again", async |socket: Socket, args: sockeye_client::Args| {
        // Some are done at once, some wait.
        if args.parse::<usize>().is_ok_and(|round| round % 3 == 0) {
            tokio::task::yield_now().await;
        }
        socket.emit("again", &args).await
    });
    socket.connect().await.unwrap();
    socket.emit("again", &0).await.unwrap();
    let patience = Duration::from_secs(10);
    for round in 0..ROUNDS {
        let heard = tokio::time::timeout(patience, heard.recv()).await;
        assert_eq!(heard.expect("in time"), Some(round));
    }
}
