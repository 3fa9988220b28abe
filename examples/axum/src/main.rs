//! A small chat on axum: a page, and Socket.IO as a layer around the router.

#![forbid(unsafe_code)]

use std::env;
use std::error::Error;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::Html;
use axum::routing::get;
use sockeye::{Data, Io, Socket};
use tokio::net::TcpListener;

/// The chat: what somebody says is said to everybody, and counted.
fn chat() -> Result<Io, Box<dyn Error>> {
    let package = env::var_os("CLIENT_FILES").unwrap_or("node_modules/socket.io-client".into());
    let io = Io::builder().client_files(package).build()?;
    io.of("/")
        .on("say", async |socket: Socket, Data(text): Data<String>| -> sockeye::Result<usize> {
            Ok(socket.namespace().emit("said", &text)?.recipients())
        })
        .on_disconnect(async |socket: Socket| {
            let _ = socket.namespace().emit("left", socket.id());
        });
    Ok(io)
}

/// The port of `PORT`, or 3000.
fn port() -> Result<u16, Box<dyn Error>> {
    Ok(env::var("PORT").unwrap_or("3000".to_owned()).parse()?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let layer = chat()?
        .layer()?
        .remote_addr(|request| request.get::<ConnectInfo<SocketAddr>>().map(|info| info.0));
    let page = get(async || Html(include_str!("../../page.html")));
    let app = Router::new().route("/", page).layer(layer);

    let listener = TcpListener::bind(("127.0.0.1", port()?)).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
