//! What carries a connection: transports, streams, and what goes over them.

use std::time::Duration;

use engine_client::{Dialer, Jar, PerMessageDeflate, Remembered};
use engine_proto::Transport;

use super::Builder;

impl Builder {
    /// The transports that may be used. A connection begins with the first of them, and moves from polling to WebSocket where
    /// that is one of them. Default: polling, WebSocket.
    ///
    /// ```
    /// # use sockeye_client::{Client, Transport};
    /// let client = Client::builder("http://localhost:3000").transports([Transport::WebSocket]).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn transports(mut self, transports: impl IntoIterator<Item = Transport>) -> Self {
        self.engine.transports = transports.into_iter().collect();
        self
    }

    /// Whether the next transport is tried where the connection could not be opened on the one before. Default: no.
    ///
    /// ```
    /// # use sockeye_client::{Client, Transport};
    /// let client = Client::builder("http://localhost:3000")
    ///     .transports([Transport::WebSocket, Transport::Polling])
    ///     .try_all_transports(true)
    ///     .build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn try_all_transports(mut self, try_all: bool) -> Self {
        self.engine.try_all = try_all;
        self
    }

    /// Whether a connection that began with polling moves to a WebSocket. Default: yes.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").upgrade(false).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn upgrade(mut self, upgrade: bool) -> Self {
        self.engine.upgrade = upgrade;
        self
    }

    /// Whether the next attempt begins with a WebSocket where one has worked before. Default: no.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").remember_upgrade(true).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn remember_upgrade(mut self, remember: bool) -> Self {
        self.engine.remembered = remember.then(Remembered::default);
        self
    }

    /// Compresses messages over WebSocket, if the server agrees (permessage-deflate, RFC 7692; reference: `perMessageDeflate`).
    /// What others can put beside a secret in one message may tell them something about it by its length. Default: `None`,
    /// nothing is compressed.
    ///
    /// ```
    /// use sockeye_client::{Client, PerMessageDeflate};
    ///
    /// let large = PerMessageDeflate::default().threshold(64 << 10).level(6);
    /// let client = Client::builder("http://localhost:3000").per_message_deflate(large).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn per_message_deflate(mut self, options: impl Into<Option<PerMessageDeflate>>) -> Self {
        self.engine.deflate = options.into();
        self
    }

    /// How streams to the server come to be: TLS, proxies, Unix sockets, your own connector. Default: TCP.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// use sockeye_client::Dialer;
    ///
    /// # #[cfg(unix)] {
    /// let dialer = Dialer::default().unix("/run/chat.sock");
    /// let client = Client::builder("http://localhost").dialer(dialer).build()?;
    /// # }
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn dialer(mut self, dialer: Dialer) -> Self {
        self.engine.dialer = dialer;
        self
    }

    /// Keeps the cookies that the server sets and sends them along: what a sticky balancer needs. The jar may be shared with other
    /// clients, and outlives a lost connection. Default: no cookie is kept.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// use sockeye_client::Jar;
    ///
    /// let client = Client::builder("http://localhost:3000").cookies(Jar::default()).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn cookies(mut self, jar: Jar) -> Self {
        self.engine.cookies = Some(jar);
        self
    }

    /// How long an upgrade may take; the connection stays on polling if it takes longer. Default 10 s.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let seconds = std::time::Duration::from_secs(3);
    /// let client = Client::builder("http://localhost:3000").upgrade_timeout(seconds).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn upgrade_timeout(mut self, timeout: Duration) -> Self {
        self.engine.upgrade_timeout = timeout;
        self
    }

    /// How long one request of polling may take. Has to be longer than the server's ping interval. Default: without end; silence
    /// ends the connection by its ping timeout.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let minute = std::time::Duration::from_secs(60);
    /// let client = Client::builder("http://localhost:3000").request_timeout(minute).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.engine.request_timeout = Some(timeout);
        self
    }

    /// Most bytes that the server may send in one message, or as the attachments of one packet. A larger one ends the connection.
    /// Default 16 MiB.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000").max_payload(1 << 20).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.engine.max_payload = bytes;
        self
    }
}
