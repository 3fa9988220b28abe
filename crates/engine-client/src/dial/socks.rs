//! A proxy that speaks SOCKS5 (RFC 1928, RFC 1929): hyper-util does, over a stream that is there already.

use std::future::{Ready, ready};
use std::io;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::client::legacy::connect::proxy::SocksV5;
use hyper_util::rt::TokioIo;
use tower_service::Service;

use super::Stream;
use super::proxy::Hop;
use crate::{EngineError, Target};

/// Asks the proxy at the other end of `stream` for a connection to `target`, whose name it resolves itself.
pub(super) async fn connect(
    stream: Stream,
    hop: &Hop,
    target: &Target,
) -> Result<Stream, EngineError> {
    let server: Uri = target.origin().parse().map_err(|problem| hop.failed(&problem))?;
    let mut socks = SocksV5::new(server.clone(), Given(Some(stream)));
    if let Some((user, password)) = hop.user() {
        socks = socks.with_auth(user.to_owned(), password.to_owned());
    }
    let connected = socks.call(server).await.map_err(|problem| hop.failed(&problem))?;
    Ok(connected.into_inner())
}

/// Connects by handing out the stream that was given to it.
struct Given(Option<Stream>);

impl Service<Uri> for Given {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Ready<io::Result<TokioIo<Stream>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(self.0.take().map(TokioIo::new).ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }
}
