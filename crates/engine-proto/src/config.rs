//! What both sides agree on at the handshake: timing, the largest payload, the transports.

use std::time::Duration;

/// A way to carry packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// HTTP long polling: packets leave in answers to GETs and arrive in POSTs.
    Polling,
    /// One WebSocket, one packet per message.
    WebSocket,
}

impl Transport {
    /// The name used in the query and in the `upgrades` of the open packet.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Polling => "polling",
            Transport::WebSocket => "websocket",
        }
    }

    /// The transport of that name; names are case-sensitive.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "polling" => Some(Transport::Polling),
            "websocket" => Some(Transport::WebSocket),
            _ => None,
        }
    }
}

/// Which transports a server offers. Default: both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transports {
    /// HTTP long polling.
    pub polling: bool,
    /// WebSocket, from the start or by upgrade.
    pub websocket: bool,
}

impl Transports {
    /// Whether this transport is offered.
    pub fn offers(self, transport: Transport) -> bool {
        match transport {
            Transport::Polling => self.polling,
            Transport::WebSocket => self.websocket,
        }
    }
}

impl Default for Transports {
    fn default() -> Self {
        Transports { polling: true, websocket: true }
    }
}

/// The options of the accepting side. The defaults are those of the reference implementation.
///
/// ```
/// use std::time::Duration;
/// use sockeye_engine_proto::Config;
///
/// let config = Config { ping_interval: Duration::from_secs(10), ..Config::default() };
/// assert_eq!(config.max_payload, 1_000_000);
/// assert!(config.offers_upgrade());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// From the opening, or from a pong, to the next ping. Default 25 s; longer than zero.
    pub ping_interval: Duration,
    /// How long a pong may take before the session ends with `ping timeout`. Default 20 s.
    pub ping_timeout: Duration,
    /// How long an upgrade may take, from the open WebSocket to the upgrade packet. Default 10 s.
    pub upgrade_timeout: Duration,
    /// Most bytes of a POST body or of one WebSocket message. Default 1 000 000. Told to the client;
    /// applied where bytes are collected, which is not in this crate.
    pub max_payload: usize,
    /// Which transports are offered. Default: both.
    pub transports: Transports,
    /// Whether a polling session may move to a WebSocket. Default: yes.
    pub allow_upgrades: bool,
    /// Whether clients of protocol [revision 3](crate::v3) are served too. Default: no.
    pub allow_v3: bool,
}

impl Config {
    /// Whether a session that starts on polling is told of, and granted, the upgrade to WebSocket.
    pub fn offers_upgrade(&self) -> bool {
        self.allow_upgrades && self.transports.websocket
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            upgrade_timeout: Duration::from_secs(10),
            max_payload: 1_000_000,
            transports: Transports::default(),
            allow_upgrades: true,
            allow_v3: false,
        }
    }
}
