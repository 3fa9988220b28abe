//! One site: Socket.IO under its path, and the page everywhere else.

use std::io;
use std::net::SocketAddr;

use chat::Page;
use http_body_util::Either;
use hyper::body::Incoming;
use hyper::{Request, Response};
use sockeye::{Io, Layered, Listener, MountError, Tls};
use tokio::sync::watch;
use tower_layer::Layer as _;
use tower_service::Service as _;
use transport::listener;

use crate::options::Options;

/// The page, with Socket.IO around it, and how its connections are treated.
#[derive(Clone)]
pub(crate) struct Site {
    service: Layered<Page>,
    options: listener::Options,
}

impl Site {
    /// Lays Socket.IO around the page.
    pub(crate) fn around(io: &Io, options: &Options, tls: Option<Tls>) -> Result<Site, MountError> {
        let service = io.layer()?.layer(Page);
        let options = listener::Options {
            proxy_protocol: options.proxy_protocol,
            tls,
            ..listener::Options::default()
        };
        Ok(Site { service, options })
    }

    /// Answers everything that comes to a listener, until the other end of `stopped` is dropped.
    pub(crate) async fn serve(
        self,
        listener: Listener,
        mut stopped: watch::Receiver<()>,
    ) -> io::Result<()> {
        let stop = async move { while stopped.changed().await.is_ok() {} };
        let Site { service, options } = self;
        let answer = move |request, from| answer(service.clone(), request, from);
        listener::serve(listener, options, answer, stop).await
    }
}

async fn answer(
    mut service: Layered<Page>,
    mut request: Request<Incoming>,
    from: Option<SocketAddr>,
) -> Response<transport::Body> {
    if let Some(from) = from {
        request.extensions_mut().insert(from);
    }
    match service.call(request).await {
        Ok(response) => response.map(Either::into_inner),
        Err(never) => match never {},
    }
}
