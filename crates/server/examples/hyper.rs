//! Socket.IO on plain hyper: `cargo run -p sockeye --example hyper`.

use std::error::Error;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use sockeye::{Data, Io};
use tokio::net::TcpListener;

/// The whole program, but for its listener.
///
/// # Errors
///
/// If a handler misses a state, or the listener fails.
pub async fn run(listener: TcpListener) -> Result<(), Box<dyn Error + Send + Sync>> {
    let io = Io::builder().build()?;
    io.of("/").on("hello", async |Data(name): Data<String>| format!("hello {name}"));

    let service = io.service()?;
    loop {
        let (stream, remote) = listener.accept().await?;
        let service = service.clone().remote_addr(move |_| Some(remote));
        tokio::spawn(async move {
            let connection = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades(); // without it there is no WebSocket
            if let Err(error) = connection.await {
                eprintln!("{remote}: {error}");
            }
        });
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}", listener.local_addr()?);
    run(listener).await
}
