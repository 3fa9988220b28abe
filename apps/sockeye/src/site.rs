//! One site: Socket.IO under its path, and the page everywhere else.

use std::io;
use std::net::SocketAddr;

use chat::Page;
use http_body_util::Either;
use hyper::body::Incoming;
use hyper::{Request, Response};
use sockeye::{Io, Layered, MountError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_layer::Layer as _;
use tower_service::Service as _;
use transport::listener::{self, Options};

/// The page, with Socket.IO around it.
pub(crate) type Site = Layered<Page>;

/// Lays Socket.IO around the page.
pub(crate) fn around(io: &Io) -> Result<Site, MountError> {
    Ok(io.layer()?.layer(Page))
}

/// Answers everything that comes to a listener, until the other end of `stopped` is dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    site: Site,
    mut stopped: watch::Receiver<()>,
) -> io::Result<()> {
    let stop = async move { while stopped.changed().await.is_ok() {} };
    listener::serve(
        listener,
        Options::default(),
        move |request, from| answer(site.clone(), request, from),
        stop,
    )
    .await
}

async fn answer(
    mut site: Site,
    mut request: Request<Incoming>,
    from: SocketAddr,
) -> Response<transport::Body> {
    request.extensions_mut().insert(from);
    match site.call(request).await {
        Ok(response) => response.map(Either::into_inner),
        Err(never) => match never {},
    }
}
