//! A small chat on actix-web: a page, and Socket.IO through requests that are translated and streams that are handed over.

#![forbid(unsafe_code)]

mod socket_io;

use std::env;
use std::error::Error;

use actix_web::http::header::ContentType;
use actix_web::web::Data as Shared;
use actix_web::{App, HttpServer, web};
use actix_web::{HttpResponse, Responder};
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

async fn page() -> impl Responder {
    HttpResponse::Ok().content_type(ContentType::html()).body(include_str!("../../page.html"))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let service = Shared::new(chat()?.service()?);
    let app = move || {
        App::new()
            .app_data(service.clone())
            .route("/", web::get().to(page))
            .route("/socket.io/{rest:.*}", web::to(socket_io::answer))
    };

    let server = HttpServer::new(app).bind(("127.0.0.1", port()?))?;
    println!("http://{}", server.addrs()[0]);
    server.run().await?;
    Ok(())
}
