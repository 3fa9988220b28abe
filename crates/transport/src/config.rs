//! What can be set, with the defaults of the reference where it has one.

use std::sync::Arc;
use std::time::Duration;

use crate::{
    Cookie, Cors, Encoded, Files, Hooks, Limits, Origins, PerMessageDeflate, Proxies, listener,
};

/// Settings of a [`Server`](crate::Server).
///
/// ```
/// let mut config = sockeye_transport::Config::default();
/// config.path = "/live/".to_owned();
/// assert_eq!(config.engine.max_payload, 1_000_000);
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the server answers. One that ends in a slash is the beginning of a path; any other is the path
    /// itself, or what stands before its next slash. Default `/engine.io/`.
    pub path: String,
    /// Whether the path has to end in a slash: whoever makes a server sees to it. Default: yes.
    pub trailing_slash: bool,
    /// Heartbeat, upgrade, largest payload, transports: see [`engine_proto::Config`].
    pub engine: engine_proto::Config,
    /// A message that every session is sent first, right behind its open packet. Default: none.
    pub initial_packet: Option<Arc<Encoded>>,
    /// Which foreign pages may connect. Default: none.
    pub origins: Origins,
    /// What foreign pages that may connect are told by their browsers.
    pub cors: Cors,
    /// Whose `X-Forwarded-For` is believed. Default: nobody's.
    pub proxies: Proxies,
    /// A cookie with the session's id, set by the first answer. Default: none.
    pub cookie: Option<Cookie>,
    /// What the application has to say about requests. Default: nothing.
    pub hooks: Hooks,
    /// How long [`Hooks::allow_request`] may think. Default 20 s.
    pub allow_deadline: Duration,
    /// Most bytes of a request's target and headers, which a session keeps as its handshake; more is answered
    /// with 431. Default 16 KiB, as Node.js.
    pub head_bytes: usize,
    /// Bytes that may wait for one connection. Past it a volatile packet is dropped, and any other closes
    /// the connection with `slow consumer`. A packet for an empty outbox is always taken. Default 4 MiB.
    pub outbox_bytes: usize,
    /// Answers to polls of so many bytes and more are compressed for clients that take it; `None`: none is.
    /// Default 1024.
    pub compression: Option<usize>,
    /// Files that are answered with under the path. Default: none.
    pub files: Option<Files>,
    /// Compression of messages for clients over WebSocket that negotiate it. Default: none.
    pub per_message_deflate: Option<PerMessageDeflate>,
    /// How long the body of a POST may take to arrive. Default 20 s.
    pub body_deadline: Duration,
    /// How long a closed connection may take to read what was sent before. Default 5 s.
    pub linger: Duration,
    /// Fragments that one WebSocket message may be cut into. Default 16 384.
    pub fragments: usize,
    /// Workers, each of which has its own connections, flusher and timer wheel: one, unless the server runs on
    /// several threads that [`threads::spawn`](crate::threads::spawn) has numbered. Default 1, at most 256.
    pub workers: usize,
    /// Most sessions at a time; a handshake past it is answered with 503. Default: no limit.
    pub sessions: usize,
    /// Limits on addresses, and rates. Default: none.
    pub limits: Limits,
    /// How a server of its own treats its HTTP connections.
    pub listener: listener::Options,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            path: "/engine.io/".to_owned(),
            trailing_slash: true,
            engine: engine_proto::Config::default(),
            initial_packet: None,
            origins: Origins::default(),
            cors: Cors::default(),
            proxies: Proxies::default(),
            cookie: None,
            hooks: Hooks::default(),
            allow_deadline: Duration::from_secs(20),
            head_bytes: 16 << 10,
            outbox_bytes: 4 << 20,
            compression: Some(1024),
            files: None,
            per_message_deflate: None,
            body_deadline: Duration::from_secs(20),
            linger: Duration::from_secs(5),
            fragments: 16_384,
            workers: 1,
            sessions: usize::MAX,
            limits: Limits::default(),
            listener: listener::Options::default(),
        }
    }
}

impl Config {
    /// The limits of one WebSocket connection: no frame or message is larger than a payload may be.
    pub(crate) fn websocket_limits(&self) -> websocket_proto::Limits {
        websocket_proto::Limits {
            frame: self.engine.max_payload,
            message: self.engine.max_payload,
            fragments: self.fragments,
        }
    }
}
