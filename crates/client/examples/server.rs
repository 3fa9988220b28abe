//! The server that the other examples talk to.
//!
//! ```text
//! cargo run -p sockeye-client --example server
//! ```
//!
//! It is on <http://localhost:3001>, and once more on <http://localhost:3002>, where it speaks MessagePack; another port may be named. It
//! prints what it is told, and goes on until it is stopped.

use std::error::Error;

use serde::Deserialize;
use sockeye::{Auth, Builder, Bytes, Data, Durability, Io, Msgpack, Reason, Result, Socket};
use tokio::net::TcpListener;

#[derive(Deserialize)]
struct Credentials {
    token: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).map_or(Ok(3001), |port| port.parse::<u16>())?;
    let text = TcpListener::bind(("127.0.0.1", port)).await?;
    let next = if port == 0 { 0 } else { port + 1 };
    let binary = TcpListener::bind(("127.0.0.1", next)).await?;
    println!("listening on http://{} and http://{}", text.local_addr()?, binary.local_addr()?);
    let (plain, packed) = (server(Io::builder())?, server(Io::builder().parser(Msgpack))?);
    tokio::try_join!(plain.serve_listener(text), packed.serve_listener(binary))?;
    Ok(())
}

fn server(builder: Builder) -> Result<Io, Box<dyn Error>> {
    let io = builder.build()?;
    io.of("/")
        .on_connect(async |socket: Socket| println!("{} has come", socket.id()))
        .on_disconnect(async |Reason(reason): Reason| println!("somebody has left: {reason}"))
        .on("message", message)
        .on("count", count)
        .on("picture", picture);
    io.of("/shop")
        .durable(Durability::Memory)
        // What a client sends until it is answered may come twice; it is handled once. Its key is the second argument.
        .once("order", "/1")
        .on("order", async |Data(what): Data<String>| println!("ordered: {what}"))
        .on("that is all", async || {});
    io.of("/news").on_connect(async |socket: Socket| socket.emit("headline", "It rains").map(drop));
    io.of("/admin").middleware(admit).on("readers", async |io: Io| io.of("/news").sockets().len());
    Ok(io)
}

/// Others hear it; who has said it is told how long it was.
async fn message(socket: Socket, Data(text): Data<String>) -> Result<usize> {
    println!("message: {text}");
    socket.namespace().emit("message", &text)?;
    Ok(text.chars().count())
}

/// Counts, and asks the client for the sum.
async fn count(socket: Socket, Data(up_to): Data<u32>) -> Result<()> {
    for number in 1..=up_to.min(1000) {
        socket.emit("number", &number)?;
    }
    let sum: u64 = socket.emit_with_ack("sum", &()).await?;
    println!("the sum is {sum}, says the client");
    Ok(())
}

async fn picture(Data((name, bytes)): Data<(String, Bytes)>) -> usize {
    println!("picture: {name}, {} bytes", bytes.len());
    bytes.len()
}

async fn admit(Auth(Credentials { token }): Auth<Credentials>) -> Result<()> {
    if token == "let me in" { Ok(()) } else { Err(sockeye::Error::new("this is not the token")) }
}
