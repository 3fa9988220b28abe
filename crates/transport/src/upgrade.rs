//! From an upgraded HTTP connection to a pipe of our own.

use std::io;
#[cfg(feature = "http2")]
use std::sync::Arc;

use http::Extensions;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;

#[cfg(feature = "http2")]
use crate::listener::Exchange;
use crate::listener::{Patient, Socket};
use crate::promise::{Promise, PromisedStream};
use crate::websocket::Stream;

/// What becomes of a request's connection behind its 101.
pub(crate) enum Upgrade {
    Hyper(OnUpgrade),
    Promised(Promise),
    /// A stream of HTTP/2, whose connection stays as long as it does.
    #[cfg(feature = "http2")]
    Stream(OnUpgrade, Option<Arc<Exchange>>),
}

impl Upgrade {
    /// Takes it out of what came with a request.
    pub(crate) fn of(extensions: &mut Extensions) -> Option<Self> {
        match extensions.remove::<PromisedStream>() {
            Some(promised) => promised.claim().map(Upgrade::Promised),
            None => extensions.remove().map(Upgrade::Hyper),
        }
    }
}

/// A raw pipe, and what was read from it already.
pub(crate) struct Taken {
    pub(crate) stream: Stream,
    pub(crate) read: Box<[u8]>,
}

impl Taken {
    /// Prepares the pipe for the thread of its session: a plain socket leaves the runtime of this one. A
    /// foreign stream stays where it is, and wakes its task from there.
    pub(crate) fn hand_over(self, stays: bool) -> io::Result<Taken> {
        match self.stream {
            Stream::Whole(socket) if !stays => {
                let stream = Stream::Moving(socket.into_std()?);
                Ok(Taken { stream, read: self.read })
            }
            stream => Ok(Taken { stream, read: self.read }),
        }
    }

    /// Takes the pipe into the runtime of this thread.
    pub(crate) fn take_over(self) -> io::Result<Taken> {
        match self.stream {
            Stream::Moving(socket) => {
                Ok(Taken { stream: Stream::Whole(TcpStream::from_std(socket)?), read: self.read })
            }
            stream => Ok(Taken { stream, read: self.read }),
        }
    }
}

/// Waits for the upgrade and takes the socket out of its HTTP wrapping where it is plain TCP.
///
/// The buffer that hyper read into is dropped here even if it is empty: it would cost every idle connection
/// 4 to 8 KiB.
pub(crate) async fn take(upgrade: Upgrade) -> io::Result<Taken> {
    let upgrade = match upgrade {
        Upgrade::Hyper(upgrade) => upgrade,
        Upgrade::Promised(promise) => return promise.kept().await,
        #[cfg(feature = "http2")]
        Upgrade::Stream(upgrade, exchange) => {
            let upgraded = upgrade.await.map_err(io::Error::other)?;
            let stream = Stream::part(Box::pin(TokioIo::new(upgraded)), exchange);
            return Ok(Taken { stream, read: Box::default() });
        }
    };
    let upgraded = upgrade.await.map_err(io::Error::other)?;
    let upgraded = match upgraded.downcast::<TokioIo<Patient>>() {
        Ok(parts) => return own(parts.io.into_inner().into_inner(), &parts.read_buf),
        Err(upgraded) => upgraded,
    };
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => return plain(parts.io.into_inner(), &parts.read_buf),
        Err(upgraded) => upgraded,
    };
    match auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(parts) => plain(parts.io.into_inner(), &parts.read_buf),
        Err(upgraded) => Ok(foreign(upgraded)),
    }
}

fn plain(socket: TcpStream, read: &[u8]) -> io::Result<Taken> {
    // Packets are gathered here; the kernel must not hold them back as well.
    socket.set_nodelay(true)?;
    Ok(Taken { stream: Stream::tcp(socket), read: read.into() })
}

/// What is no stream of hyper's.
pub(crate) fn own(socket: Socket, read: &[u8]) -> io::Result<Taken> {
    match socket {
        Socket::Tcp(socket) => plain(socket, read),
        Socket::Foreign(stream) => Ok(Taken { stream: Stream::foreign(stream), read: read.into() }),
    }
}

fn foreign(upgraded: Upgraded) -> Taken {
    Taken { stream: Stream::foreign(Box::pin(TokioIo::new(upgraded))), read: Box::default() }
}
