//! The peer `socketioxide`, answering the profile `bench`: `sockeye-bench-socketioxide --port N`.
//!
//! Arguments are taken as `rmpv::Value`, the one type of its world that carries JSON and binary alike; only the first
//! argument of an event is looked at, as the load generator sends one. `TCP_NODELAY` is set, as Node does by itself.

use std::error::Error;

use axum::Router;
use axum::serve::ListenerExt;
use rmpv::Value;
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (layer, io) = SocketIo::new_layer();
    io.ns("/", on_connect);
    let listener = TcpListener::bind(("127.0.0.1", port()?))
        .await?
        .tap_io(|stream| {
            // A connection that is already gone may keep its delay.
            let _ = stream.set_nodelay(true);
        });
    println!("socketioxide is ready");
    axum::serve(listener, Router::new().layer(layer)).await?;
    Ok(())
}

/// The number behind `--port`.
fn port() -> Result<u16, Box<dyn Error>> {
    let mut arguments = std::env::args()
        .skip_while(|argument| argument != "--port")
        .skip(1);
    Ok(arguments.next().ok_or("usage: --port N")?.parse()?)
}

async fn on_connect(socket: SocketRef) {
    socket.on("message", async |socket: SocketRef, Data::<Value>(data)| {
        let _ = socket.emit("message-back", &data);
    });
    socket.on(
        "message-with-ack",
        async |Data::<Value>(data), ack: AckSender| {
            let _ = ack.send(&data);
        },
    );
    socket.on("broadcast", async |io: SocketIo, Data::<Value>(data)| {
        let _ = io.emit("news", &data).await;
    });
    socket.on(
        "join",
        async |socket: SocketRef, Data::<String>(room), ack: AckSender| {
            socket.join(room);
            let no_arguments: [(); 0] = [];
            let _ = ack.send(&no_arguments);
        },
    );
    socket.on(
        "say",
        async |io: SocketIo, Data::<(String, Value)>((room, data))| {
            let _ = io.to(room).emit("said", &data).await;
        },
    );
}
