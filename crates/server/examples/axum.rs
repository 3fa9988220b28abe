//! Socket.IO beside the routes of an axum program: `cargo run -p sockeye --example axum`.

use std::error::Error;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use sockeye::{Data, Io};

/// The whole program, but for its listener.
///
/// # Errors
///
/// If a handler misses a state.
pub fn app() -> Result<Router, Box<dyn Error>> {
    let io = Io::builder().build()?;
    io.of("/").on("hello", async |Data(name): Data<String>| format!("hello {name}"));

    let layer = io
        .layer()?
        .remote_addr(|request| request.get::<ConnectInfo<SocketAddr>>().map(|info| info.0));
    Ok(Router::new().route("/", get(async || "hello from axum")).layer(layer))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}", listener.local_addr()?);
    let service = app()?.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await?;
    Ok(())
}
