//! How a stream to the server comes to be.

mod stream;
mod tcp;
#[cfg(unix)]
mod unix;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

pub use stream::{Io, Stream};

use crate::{EngineError, Target};

/// A stream that is about to be there.
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

/// How streams come to be. By default by TCP: all addresses of the host, the next one 250 ms behind the one before.
///
/// ```no_run
/// use sockeye_engine_client::{Dialer, Target};
///
/// # async fn dialled() -> Result<(), Box<dyn std::error::Error>> {
/// let (target, _) = Target::parse("http://localhost:3000")?;
/// let stream = Dialer::default().dial(&target).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct Dialer {
    way: Way,
}

/// What lies between us and the server.
#[derive(Clone, Default)]
enum Way {
    #[default]
    Tcp,
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
    #[must_use]
    pub fn connector(mut self, connector: impl Connector) -> Self {
        self.way = Way::Custom(Arc::new(connector));
        self
    }

    /// Connects to the target, with TLS if it asks for that. How long that may take is for the caller to say.
    ///
    /// # Errors
    ///
    /// [`EngineError::Dial`] if nobody is there, [`EngineError::Tls`] if it is not who it should be.
    pub async fn dial(&self, target: &Target) -> Result<Stream, EngineError> {
        let stream = match &self.way {
            Way::Tcp => tcp::connect(&target.host, target.port).await,
            #[cfg(unix)]
            Way::Unix(path) => return unix::connect(path).await,
            #[cfg(not(unix))]
            Way::Unix(_) => unreachable!("there is no way to ask for one"),
            Way::Custom(connector) => connector.connect(target).await,
        };
        stream.map_err(|problem| EngineError::dial(target.address(), problem))
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.way {
            Way::Tcp => f.write_str("Dialer(TCP)"),
            Way::Unix(path) => write!(f, "Dialer({})", path.display()),
            Way::Custom(_) => f.write_str("Dialer(custom)"),
        }
    }
}
