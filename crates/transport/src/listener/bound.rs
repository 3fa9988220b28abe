//! Where connections come from: a port, or a Unix socket.

use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::Path;

#[cfg(unix)]
use super::file;
use super::socket::Socket;

/// A listener of a runtime.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(tokio::net::TcpListener),
    #[cfg(unix)]
    Unix(tokio::net::UnixListener),
}

impl From<tokio::net::TcpListener> for Listener {
    fn from(listener: tokio::net::TcpListener) -> Self {
        Listener(Kind::Tcp(listener))
    }
}

#[cfg(unix)]
impl From<tokio::net::UnixListener> for Listener {
    fn from(listener: tokio::net::UnixListener) -> Self {
        Listener(Kind::Unix(listener))
    }
}

impl Listener {
    /// The next connection, and its peer's address where it has one: not over a Unix socket.
    pub(crate) async fn accept(&self) -> io::Result<(Socket, Option<SocketAddr>)> {
        match &self.0 {
            Kind::Tcp(listener) => {
                let (socket, remote) = listener.accept().await?;
                let _ = socket.set_nodelay(true);
                Ok((Socket::Tcp(socket), Some(remote)))
            }
            #[cfg(unix)]
            Kind::Unix(listener) => Ok((Socket::new(listener.accept().await?.0), None)),
        }
    }
}

/// A listener that belongs to no runtime yet: a copy for each worker has all of them accept from one queue.
#[derive(Debug)]
pub enum Bound {
    /// A port.
    Tcp(std::net::TcpListener),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixListener),
}

impl From<std::net::TcpListener> for Bound {
    fn from(listener: std::net::TcpListener) -> Self {
        Bound::Tcp(listener)
    }
}

#[cfg(unix)]
impl From<std::os::unix::net::UnixListener> for Bound {
    fn from(listener: std::os::unix::net::UnixListener) -> Self {
        Bound::Unix(listener)
    }
}

impl Bound {
    /// A Unix socket at this path; its file goes away with what comes beside it. A file that a server has left
    /// behind which is no more is replaced.
    ///
    /// # Errors
    ///
    /// If a server listens there, there is something else, or the system does not let it.
    #[cfg(unix)]
    pub fn unix(path: impl AsRef<Path>) -> io::Result<(Bound, file::SocketFile)> {
        let (listener, file) = file::bind(path.as_ref())?;
        Ok((Bound::Unix(listener), file))
    }

    /// The same queue once more.
    ///
    /// # Errors
    ///
    /// If the system has no descriptor for it.
    pub fn try_clone(&self) -> io::Result<Bound> {
        Ok(match self {
            Bound::Tcp(listener) => Bound::Tcp(listener.try_clone()?),
            #[cfg(unix)]
            Bound::Unix(listener) => Bound::Unix(listener.try_clone()?),
        })
    }

    /// Gives it to the runtime that this is called in.
    ///
    /// # Errors
    ///
    /// If the system does not let the runtime wait for it.
    pub fn listen(self) -> io::Result<Listener> {
        match self {
            Bound::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                Ok(tokio::net::TcpListener::from_std(listener)?.into())
            }
            #[cfg(unix)]
            Bound::Unix(listener) => {
                listener.set_nonblocking(true)?;
                Ok(tokio::net::UnixListener::from_std(listener)?.into())
            }
        }
    }
}
