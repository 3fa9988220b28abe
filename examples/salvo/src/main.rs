//! A small chat on salvo: a page, and Socket.IO as a tower service under its path.

#![forbid(unsafe_code)]

use std::env;
use std::error::Error;

use salvo::conn::{Acceptor as _, Listener as _, TcpListener};
use salvo::http::ReqBody;
use salvo::prelude::{Request, Router, Server, Text, TowerServiceCompat, handler};
use sockeye::{Data, Io, Socket};

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

#[handler]
async fn page() -> Text<&'static str> {
    Text::Html(include_str!("../../page.html"))
}

/// Puts the address of the client where the service looks for it.
#[handler]
async fn address(request: &mut Request) {
    if let Some(remote) = request.remote_addr().clone().into_std() {
        request.extensions_mut().insert(remote);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let service = TowerServiceCompat::<ReqBody, _, _, _>::compat(chat()?.service()?);
    let socket_io = Router::with_path("socket.io/{**rest}").hoop(address).goal(service);
    let router = Router::new().push(socket_io).get(page);

    let acceptor = TcpListener::new(("127.0.0.1", port()?)).try_bind().await?;
    let bound = acceptor.holdings()[0].local_addr.clone().into_std();
    println!("http://{}", bound.ok_or("no address of TCP")?);
    Server::new(acceptor).serve(router).await;
    Ok(())
}
