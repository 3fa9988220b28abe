//! A small chat on hyper: a page, and Socket.IO as a service for everything else.

#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::env;
use std::error::Error;

use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use sockeye::{Bytes, Data, Io, Service, Socket};
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

/// The page is ours; whatever else there is, the service knows, and answers with 404 what nobody does.
async fn answer(
    socket_io: Service,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    match request.uri().path() {
        "/" => Ok(Response::new(include_str!("../../page.html").into())),
        _ => socket_io.call(request).await,
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let socket_io = chat()?.service()?;

    let listener = TcpListener::bind(("127.0.0.1", port()?)).await?;
    println!("http://{}", listener.local_addr()?);
    loop {
        let (stream, remote) = listener.accept().await?;
        let socket_io = socket_io.clone().remote_addr(move |_| Some(remote));
        tokio::spawn(async move {
            let answered = service_fn(move |request| answer(socket_io.clone(), request));
            let connection = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answered)
                .with_upgrades(); // without it there is no WebSocket
            if let Err(error) = connection.await {
                eprintln!("{remote}: {error}");
            }
        });
    }
}
