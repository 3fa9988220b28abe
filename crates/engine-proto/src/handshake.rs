//! The query of a request, the checks it has to pass, and the open packet.

use std::borrow::Cow;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde::Deserialize;

use crate::config::{Config, Transport};
use crate::packet::PacketError;
use crate::refusal::{BadRequest, Refusal};
use crate::sid::Sid;
use crate::v3;

/// The protocol revision of today, as the query has it.
pub const REVISION: &str = "4";

/// A revision of the protocol: chosen by the request that opens a session, and never asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Revision {
    /// What clients of Socket.IO 1 and 2 speak: see [`v3`].
    Three,
    /// The one of today.
    Four,
}

impl Revision {
    /// Its number, as the query has it.
    pub fn number(self) -> u8 {
        match self {
            Revision::Three => 3,
            Revision::Four => 4,
        }
    }

    /// The one that a request speaks, if it is served.
    fn of(query: &Query<'_>, config: &Config) -> Option<Self> {
        match query.eio.as_deref() {
            Some(REVISION) => Some(Revision::Four),
            Some(v3::REVISION) if config.allow_v3 => Some(Revision::Three),
            _ => None,
        }
    }
}

/// The members of a query that Engine.IO knows. Others are the application's: see [`pairs`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query<'a> {
    /// `EIO`: the protocol revision.
    pub eio: Option<Cow<'a, str>>,
    /// `transport`: the name of a [`Transport`].
    pub transport: Option<Cow<'a, str>>,
    /// `sid`: the session; `None` in a handshake. An empty one counts as none.
    pub sid: Option<Cow<'a, str>>,
}

impl<'a> Query<'a> {
    /// Reads what stands behind the `?`. Of a name that comes twice the first value counts.
    ///
    /// ```
    /// use sockeye_engine_proto::handshake::Query;
    ///
    /// let query = Query::parse("EIO=4&transport=poll%69ng&transport=websocket");
    /// assert_eq!(query.transport.as_deref(), Some("polling"));
    /// assert_eq!(query.sid, None);
    /// ```
    pub fn parse(query: &'a str) -> Self {
        let mut found = Query::default();
        for (name, value) in pairs(query) {
            let member = match &*name {
                "EIO" => &mut found.eio,
                "transport" => &mut found.transport,
                "sid" => &mut found.sid,
                _ => continue,
            };
            member.get_or_insert(value);
        }
        found.sid = found.sid.filter(|sid| !sid.is_empty());
        found
    }
}

/// All names and values of a query, decoded; text that is not UTF-8 gets replacement characters.
pub fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('+') {
        return percent_decode_str(text).decode_utf8_lossy();
    }
    let spaced = text.replace('+', " ");
    Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

/// What the transport found out about a request's `Origin` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// There is none, or it is our own or a permitted one.
    Allowed,
    /// It has characters that no header may have.
    Malformed,
    /// It is somebody else's.
    Foreign,
}

/// What [`check`] looks at.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The HTTP method, in capitals.
    pub method: &'a str,
    /// Whether the request asks to become a WebSocket.
    pub upgrade: bool,
    /// The query, parsed.
    pub query: &'a Query<'a>,
    /// What the transport thinks of its origin.
    pub origin: Origin,
}

/// Where a request goes that passed the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// A new session on this transport, in this revision; for WebSocket the upgrade follows.
    Open(Transport, Revision),
    /// A GET for a polling session: [`Session::poll_arrived`](crate::Session::poll_arrived).
    Poll(Sid),
    /// A POST for a polling session: [`Session::post_arrived`](crate::Session::post_arrived).
    Post(Sid),
    /// A WebSocket for a session that exists: after the 101,
    /// [`Session::candidate_arrived`](crate::Session::candidate_arrived) decides whether it is wanted.
    Candidate(Sid),
    /// A session's id with a method that means nothing: 500 with an empty body. The session stays.
    WrongMethod,
}

/// Judges a request, in the reference's order: transport, origin's characters, then either the
/// session (known, same transport, same revision) or the handshake (method, WebSocket asked for in both
/// places, origin permitted, revision).
///
/// `session` finds the transport that a session speaks through at the moment, and its revision. A session that
/// is upgrading still speaks through polling.
///
/// Two answers differ from the reference, which upgrades the connection first and then gives up: an
/// unsupported revision on a WebSocket upgrade, and an upgrade with `transport=polling`, are refused
/// before the 101 (codes 5 and 3).
///
/// ```
/// use sockeye_engine_proto::handshake::{Origin, Query, Request, Revision, Route, check};
/// use sockeye_engine_proto::{Config, Refusal, Transport};
///
/// let query = Query::parse("EIO=4&transport=polling");
/// let request = Request { method: "GET", upgrade: false, query: &query, origin: Origin::Allowed };
/// let nobody = |_| None;
/// let open = Route::Open(Transport::Polling, Revision::Four);
/// assert_eq!(check(&request, &Config::default(), nobody), Ok(open));
///
/// let request = Request { method: "PUT", ..request };
/// assert_eq!(check(&request, &Config::default(), nobody), Err(Refusal::BadHandshakeMethod));
/// ```
///
/// # Errors
///
/// The client has to mend its request; the [`Refusal`] is what it is told.
pub fn check(
    request: &Request<'_>,
    config: &Config,
    session: impl FnOnce(Sid) -> Option<(Transport, Revision)>,
) -> Result<Route, Refusal> {
    let name = request.query.transport.as_deref().unwrap_or_default();
    let transport = Transport::parse(name)
        .filter(|&transport| config.transports.offers(transport))
        .ok_or(Refusal::TransportUnknown)?;
    if request.origin == Origin::Malformed {
        return Err(Refusal::BadRequest(BadRequest::InvalidOrigin));
    }
    match request.query.sid.as_deref() {
        Some(sid) => check_session(request, config, transport, sid, session),
        None => check_opening(request, config, transport),
    }
}

fn check_session(
    request: &Request<'_>,
    config: &Config,
    transport: Transport,
    sid: &str,
    session: impl FnOnce(Sid) -> Option<(Transport, Revision)>,
) -> Result<Route, Refusal> {
    let sid = Sid::parse(sid).ok_or(Refusal::UnknownSession)?;
    let (current, revision) = session(sid).ok_or(Refusal::UnknownSession)?;
    if !request.upgrade && current != transport {
        return Err(Refusal::BadRequest(BadRequest::TransportMismatch));
    }
    if Revision::of(request.query, config) != Some(revision) {
        return Err(Refusal::BadRequest(BadRequest::ProtocolMismatch));
    }
    if request.origin == Origin::Foreign {
        return Err(Refusal::Forbidden(None));
    }
    match (request.upgrade, transport, request.method) {
        (true, Transport::WebSocket, _) => Ok(Route::Candidate(sid)),
        (true, Transport::Polling, _) | (false, Transport::WebSocket, _) => {
            Err(Refusal::BadRequest(BadRequest::TransportHandshake))
        }
        (false, Transport::Polling, "GET") => Ok(Route::Poll(sid)),
        (false, Transport::Polling, "POST") => Ok(Route::Post(sid)),
        (false, Transport::Polling, _) => Ok(Route::WrongMethod),
    }
}

fn check_opening(
    request: &Request<'_>,
    config: &Config,
    transport: Transport,
) -> Result<Route, Refusal> {
    if request.method != "GET" {
        return Err(Refusal::BadHandshakeMethod);
    }
    if request.upgrade != (transport == Transport::WebSocket) {
        return Err(Refusal::BadRequest(BadRequest::TransportHandshake));
    }
    if request.origin == Origin::Foreign {
        return Err(Refusal::Forbidden(None));
    }
    let revision = Revision::of(request.query, config).ok_or(Refusal::UnsupportedVersion)?;
    Ok(Route::Open(transport, revision))
}

/// The first packet a server sends, type digit included. Durations are told in milliseconds.
///
/// ```
/// use sockeye_engine_proto::handshake::open_packet;
/// use sockeye_engine_proto::{Config, Sid, Transport};
///
/// let packet = open_packet(Sid::from_random([0; 15]), &Config::default(), Transport::Polling);
/// assert_eq!(
///     packet,
///     r#"0{"sid":"AAAAAAAAAAAAAAAAAAAA","upgrades":["websocket"],"#.to_owned()
///         + r#""pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#,
/// );
/// ```
pub fn open_packet(sid: Sid, config: &Config, transport: Transport) -> String {
    let upgrades = match transport {
        Transport::Polling if config.offers_upgrade() => r#"["websocket"]"#,
        Transport::Polling | Transport::WebSocket => "[]",
    };
    format!(
        r#"0{{"sid":"{sid}","upgrades":{upgrades},"pingInterval":{},"pingTimeout":{},"maxPayload":{}}}"#,
        config.ping_interval.as_millis(),
        config.ping_timeout.as_millis(),
        config.max_payload,
    )
}

/// What a client learns from the open packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The session's id, in the spelling of whatever server this is.
    pub sid: String,
    /// The transports that the session may move to.
    pub upgrades: Vec<String>,
    /// The longest time between the opening, or a pong, and the next ping.
    pub ping_interval: Duration,
    /// How long the server waits for a pong.
    pub ping_timeout: Duration,
    /// Most bytes the server takes in one POST or one message; `None` if it does not say.
    pub max_payload: Option<usize>,
}

/// Most bytes of an open packet.
const LARGEST_OPEN: usize = 16 << 10;

/// The open packet's JSON, as it stands on the wire.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    sid: String,
    upgrades: Vec<String>,
    ping_interval: u64,
    ping_timeout: u64,
    max_payload: Option<usize>,
}

impl Open {
    /// Reads the data of an open packet (what stands behind the `0`), of 16 KiB at most: what is in it is kept for as long
    /// as the session lives, and sent with each request.
    ///
    /// # Errors
    ///
    /// [`PacketError::BadOpen`]: the server did not send what a client needs.
    pub fn parse(json: &str) -> Result<Self, PacketError> {
        if json.len() > LARGEST_OPEN {
            return Err(PacketError::BadOpen);
        }
        let wire: Wire = serde_json::from_str(json).map_err(|_| PacketError::BadOpen)?;
        Ok(Open {
            sid: wire.sid,
            upgrades: wire.upgrades,
            ping_interval: Duration::from_millis(wire.ping_interval),
            ping_timeout: Duration::from_millis(wire.ping_timeout),
            max_payload: wire.max_payload,
        })
    }

    /// Whether the session may move to a WebSocket.
    pub fn offers_websocket(&self) -> bool {
        self.upgrades.iter().any(|name| name == Transport::WebSocket.as_str())
    }
}
