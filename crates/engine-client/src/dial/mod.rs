//! How a stream to the server comes to be.

#[cfg(feature = "tls")]
mod anybody;
mod proxy;
#[cfg(feature = "socks")]
mod socks;
mod stream;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
#[cfg(unix)]
mod unix;

use std::fmt;
use std::io;
use std::panic::AssertUnwindSafe;
#[cfg(unix)]
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

pub use proxy::Proxy;
pub use stream::{Io, Stream};
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsBuilder, TlsError};

use futures_util::FutureExt;
use proxy::Hop;

use crate::{EngineError, Target};

/// A stream that is about to be there.
///
/// ```
/// use sockeye_engine_client::{Connecting, Stream};
///
/// let connecting: Connecting = Box::pin(async {
///     let stream = tokio::net::TcpStream::connect("127.0.0.1:3000").await?;
///     Ok(Stream::new(stream))
/// });
/// ```
pub type Connecting = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

/// Makes streams in a way of its own: in memory, through a tunnel, over another network.
///
/// ```
/// use sockeye_engine_client::{Connecting, Connector, Dialer, Stream, Target};
/// use tokio::io::DuplexStream;
///
/// struct InMemory(tokio::sync::mpsc::UnboundedSender<DuplexStream>);
///
/// impl Connector for InMemory {
///     fn connect(&self, _: &Target) -> Connecting {
///         let (ours, theirs) = tokio::io::duplex(64 << 10);
///         let sent = self.0.send(theirs);
///         Box::pin(async move {
///             sent.map_err(|_| std::io::ErrorKind::ConnectionRefused)?;
///             Ok(Stream::new(ours))
///         })
///     }
/// }
///
/// let (server, _accepted) = tokio::sync::mpsc::unbounded_channel();
/// let dialer = Dialer::default().connector(InMemory(server));
/// ```
pub trait Connector: Send + Sync + 'static {
    /// Connects to the server; called once for each connection. TLS is not its business: if the target asks for it, it
    /// is spoken over the stream.
    fn connect(&self, target: &Target) -> Connecting;
}

/// How streams come to be. By default by TCP: all addresses of the host, the next one 250 ms behind the one before, with
/// TLS by the roots of the platform if the target asks for it.
///
/// One way leads to a server: TCP, perhaps through a [`Proxy`]; a Unix socket; or a [`Connector`]. TLS goes over any of them.
///
/// ```no_run
/// use sockeye_engine_client::{Dialer, Target};
///
/// # async fn dialled() -> Result<(), Box<dyn std::error::Error>> {
/// let (target, _) = Target::parse("http://localhost:3000")?;
/// let stream = Dialer::default().dial(&target).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Dialer {
    way: Way,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

/// What lies between us and the server.
#[derive(Clone, Default)]
enum Way {
    #[default]
    Tcp,
    Proxy(Proxy),
    #[cfg(unix)]
    Unix(PathBuf),
    Custom(Arc<dyn Connector>),
}

impl Dialer {
    /// Connects to this Unix socket, whatever the target's host and port are.
    ///
    /// ```
    /// let dialer = sockeye_engine_client::Dialer::default().unix("/run/chat.sock");
    /// ```
    #[cfg(unix)]
    #[must_use]
    pub fn unix(mut self, path: impl Into<PathBuf>) -> Self {
        self.way = Way::Unix(path.into());
        self
    }

    /// Lets somebody else make the streams.
    ///
    /// ```
    /// use sockeye_engine_client::{Connecting, Connector, Dialer, Target};
    ///
    /// struct Nowhere;
    ///
    /// impl Connector for Nowhere {
    ///     fn connect(&self, _: &Target) -> Connecting {
    ///         Box::pin(async { Err(std::io::ErrorKind::NetworkUnreachable.into()) })
    ///     }
    /// }
    ///
    /// let dialer = Dialer::default().connector(Nowhere);
    /// ```
    #[must_use]
    pub fn connector(mut self, connector: impl Connector) -> Self {
        self.way = Way::Custom(Arc::new(connector));
        self
    }

    /// Goes through a proxy, but for those whom it excepts.
    ///
    /// ```
    /// use sockeye_engine_client::{Dialer, Proxy};
    ///
    /// let dialer = Dialer::default().proxy(Proxy::new("http://proxy.example:3128")?);
    /// # Ok::<(), sockeye_engine_client::UrlError>(())
    /// ```
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.way = Way::Proxy(proxy);
        self
    }

    /// Speaks TLS in this way, if the target asks for it. Default: trusts whom the platform trusts.
    ///
    /// ```no_run
    /// use sockeye_engine_client::{Dialer, Tls};
    ///
    /// let dialer = Dialer::default().tls(Tls::builder().build()?);
    /// # Ok::<(), sockeye_engine_client::TlsError>(())
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Connects to the target, with TLS if it asks for that. How long that may take is for the caller to say.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), sockeye_engine_client::EngineError> {
    /// let (target, _) = sockeye_engine_client::Target::parse("http://localhost:3000").unwrap();
    /// let stream = sockeye_engine_client::Dialer::default().dial(&target).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`EngineError::Dial`] if nobody is there, [`EngineError::Proxy`] if a proxy does not let us through,
    /// [`EngineError::Tls`] if it is not who it should be.
    pub async fn dial(&self, target: &Target) -> Result<Stream, EngineError> {
        // Boxed: whoever waits for a request would hold the room for a handshake of TLS as well.
        Box::pin(self.dialled(target)).await
    }

    async fn dialled(&self, target: &Target) -> Result<Stream, EngineError> {
        let stream = match &self.way {
            Way::Tcp => tcp(target).await,
            Way::Proxy(proxy) => match proxy.hop(target) {
                Some(hop) => self.through(&hop, target).await,
                None => tcp(target).await,
            },
            #[cfg(unix)]
            Way::Unix(path) => unix::connect(path).await,
            Way::Custom(connector) => {
                // The application's code, from its first step on.
                let stream = AssertUnwindSafe(async { connector.connect(target).await });
                let stream = stream.catch_unwind().await.unwrap_or_else(|_| Err(panicked()));
                stream.map_err(|problem| EngineError::dial(target.address(), problem))
            }
        }?;
        if target.secure { self.secure(stream, &target.host).await } else { Ok(stream) }
    }

    /// A stream to the target, through a proxy.
    async fn through(&self, hop: &Hop, target: &Target) -> Result<Stream, EngineError> {
        let stream = tcp::connect(hop.host(), hop.port()).await;
        let mut stream = stream.map_err(|problem| hop.failed(&problem))?;
        if hop.is_secure() {
            let secure = self.secure(stream, hop.host()).await;
            stream = secure.map_err(|problem| hop.failed(&problem))?;
        }
        #[cfg(feature = "socks")]
        if hop.is_socks() {
            return socks::connect(stream, hop, target).await;
        }
        hop.tunnel(stream, target).await
    }

    #[cfg(feature = "tls")]
    async fn secure(&self, stream: Stream, host: &str) -> Result<Stream, EngineError> {
        if let Some(tls) = &self.tls {
            return tls.connect(stream, host).await;
        }
        let tls = Tls::platform().await;
        let tls = tls.map_err(|problem| EngineError::tls(host, io::Error::other(problem)))?;
        tls.connect(stream, host).await
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_async, reason = "as with the feature")]
    async fn secure(&self, _: Stream, host: &str) -> Result<Stream, EngineError> {
        let words = "this program was built without TLS: it needs the feature `tls`";
        Err(EngineError::tls(host, io::Error::new(io::ErrorKind::Unsupported, words)))
    }
}

fn panicked() -> io::Error {
    io::Error::other("the connector panicked")
}

async fn tcp(target: &Target) -> Result<Stream, EngineError> {
    let stream = tcp::connect(&target.host, target.port).await;
    stream.map_err(|problem| EngineError::dial(target.address(), problem))
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::Tcp => f.write_str("Tcp"),
            Way::Proxy(proxy) => proxy.fmt(f),
            #[cfg(unix)]
            Way::Unix(path) => path.fmt(f),
            Way::Custom(_) => f.write_str("Custom"),
        }
    }
}
