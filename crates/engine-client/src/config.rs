//! What can be set, with the defaults of the JavaScript client where it has one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine_proto::Transport;
use http::HeaderMap;

use crate::http::Site;
use crate::{Dialer, Jar, PerMessageDeflate, Revision, Target};

/// Settings of an [`Engine`](crate::Engine).
///
/// ```
/// use sockeye_engine_client::{Config, Target, Transport};
///
/// let (target, _) = Target::parse("https://example.com").unwrap();
/// let mut config = Config::new(target);
/// config.transports = vec![Transport::WebSocket, Transport::Polling];
/// config.try_all = true;
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where the server is.
    pub target: Target,
    /// The transports that may be used. The session opens on the first of them; WebSocket behind polling is what it may
    /// move to. None at all is polling. Default: polling, WebSocket.
    pub transports: Vec<Transport>,
    /// Whether the next transport is tried where the session could not be opened on the one before. Default: no.
    pub try_all: bool,
    /// Whether a session that was opened on polling moves to a WebSocket, if the server offers it and it is one of the
    /// [`transports`](Self::transports). Default: yes.
    pub upgrade: bool,
    /// Begins with a WebSocket where one has worked before. Share it between the attempts. Default: none.
    pub remembered: Option<Remembered>,
    /// What every request carries besides.
    pub headers: HeaderMap,
    /// Keeps the cookies that the server sets, and sends them along. Share it between attempts. Default: none are kept.
    pub cookies: Option<Jar>,
    /// How streams to the server come to be. Default: TCP.
    pub dialer: Dialer,
    /// How long opening may take on one transport: the stream, the handshake, and the open packet. Default 20 s.
    pub open_timeout: Duration,
    /// How long an upgrade may take, and the session stays on polling if it takes longer. Default 10 s.
    pub upgrade_timeout: Duration,
    /// How long one request of polling may take, all of its answer included; past it the session ends. A GET waits for as
    /// long as the server has nothing to say, so this has to be longer than its ping interval (25 s as a rule). Default:
    /// none; silence ends the session by its ping timeout.
    pub request_timeout: Option<Duration>,
    /// Most bytes that the server may send in one message, or in the answer to one poll. Default 16 MiB.
    ///
    /// How much we send in one POST is the server's to say; see [`Open::max_payload`](crate::Open).
    pub max_payload: usize,
    /// The name of a parameter that makes each URL of polling a new one, for caches that do not look at the answer's
    /// headers. `None`: there is no such parameter. Default `t`.
    pub timestamp: Option<String>,
    /// Whether messages on a WebSocket are compressed, if the server agrees. Default: no.
    pub deflate: Option<PerMessageDeflate>,
    /// What the server speaks. Default: revision 4; servers of Socket.IO 1 and 2 speak revision 3 (feature `eio3`).
    pub revision: Revision,
}

impl Config {
    /// The defaults, for this server.
    ///
    /// ```
    /// let (target, _) = sockeye_engine_client::Target::parse("http://localhost:3000").unwrap();
    /// let config = sockeye_engine_client::Config::new(target);
    /// assert_eq!(config.transports.len(), 2);
    /// ```
    pub fn new(target: Target) -> Self {
        Config {
            target,
            transports: vec![Transport::Polling, Transport::WebSocket],
            try_all: false,
            upgrade: true,
            remembered: None,
            headers: HeaderMap::new(),
            cookies: None,
            dialer: Dialer::default(),
            open_timeout: Duration::from_secs(20),
            upgrade_timeout: Duration::from_secs(10),
            request_timeout: None,
            max_payload: 16 << 20,
            timestamp: Some("t".to_owned()),
            deflate: None,
            revision: Revision::default(),
        }
    }

    /// Whom requests go to.
    pub(crate) fn site(&self) -> Site<'_> {
        Site::new(&self.target, &self.dialer, &self.headers).cookies(self.cookies.as_ref())
    }

    /// The order in which transports are tried.
    pub(crate) fn order(&self) -> Vec<Transport> {
        let mut order = self.transports.clone();
        if self.remembered.as_ref().is_some_and(Remembered::worked)
            && let Some(place) = order.iter().position(|&one| one == Transport::WebSocket)
        {
            order[..=place].rotate_right(1);
        }
        if !self.try_all {
            order.truncate(1);
        }
        order
    }

    /// What the machine of a session is told.
    pub(crate) fn session(&self) -> engine_proto::client::Config {
        engine_proto::client::Config {
            upgrade: self.upgrade && self.transports.contains(&Transport::WebSocket),
            open_timeout: self.open_timeout,
            upgrade_timeout: self.upgrade_timeout,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of headers and cookies the names only: their values are secrets.
        f.debug_struct("Config")
            .field("target", &self.target)
            .field("transports", &self.transports)
            .field("upgrade", &self.upgrade)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("cookies", &self.cookies)
            .field("dialer", &self.dialer)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

/// Whether a WebSocket has worked: the memory of several attempts. Cloning shares it.
///
/// ```
/// use sockeye_engine_client::{Config, Remembered, Target};
///
/// let (target, _) = Target::parse("http://localhost:3000").unwrap();
/// let mut config = Config::new(target);
/// config.remembered = Some(Remembered::default());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Remembered(Arc<AtomicBool>);

impl Remembered {
    /// Whether the last WebSocket that was tried has opened, and has not failed since.
    ///
    /// ```
    /// assert!(!sockeye_engine_client::Remembered::default().worked());
    /// ```
    pub fn worked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, worked: bool) {
        self.0.store(worked, Ordering::Relaxed);
    }
}
