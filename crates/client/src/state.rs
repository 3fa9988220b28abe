//! Where a socket and its connection stand, for whoever watches.

use std::time::Duration;

use engine_proto::Transport;

use crate::DisconnectReason;

/// Where a socket stands: see [`Socket::state`](crate::Socket::state).
///
/// ```text
///                 start, connect          CONNECT is answered
///  Disconnected ────────────────▶ Connecting ─────────────▶ Connected
///      ▲   ▲                       │   ▲  │                     │
///      │   └── disconnect, refused ┘   │  └──────┐ failed, lost │
///      │                               └─ Waiting ◀─────────────┤
///      └── disconnect, by either side ──────┴───────────────────┘
/// ```
///
/// ```no_run
/// # async fn example(socket: sockeye_client::Socket) {
/// use sockeye_client::SocketState;
///
/// let mut state = socket.state();
/// while state.changed().await.is_ok() {
///     match &*state.borrow_and_update() {
///         SocketState::Connected { id, .. } => println!("connected as {id}"),
///         SocketState::Waiting { delay, .. } => println!("again in {delay:?}"),
///         other => println!("{other:?}"),
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketState {
    /// It is not connected, and stays so until somebody asks for it.
    Disconnected {
        /// Why it is no longer connected; `None` if it has not been since it was asked for, or was refused.
        reason: Option<DisconnectReason>,
    },
    /// It is about to be: the connection opens, or the server has been asked to let us in.
    Connecting,
    /// The server has let us in.
    Connected {
        /// What the server calls this socket. Another one after each CONNECT, unless it is [`recovered`](Self::Connected::recovered).
        id: String,
        /// Whether the server has kept the session of before: nothing was missed.
        recovered: bool,
    },
    /// The connection was lost, or could not be had; it is tried again.
    Waiting {
        /// The number of the attempt that comes next, from 1.
        attempt: u32,
        /// How long it is waited for.
        delay: Duration,
    },
}

impl SocketState {
    /// Whether events can be sent and come.
    ///
    /// ```
    /// assert!(!sockeye_client::SocketState::Connecting.is_connected());
    /// ```
    pub fn is_connected(&self) -> bool {
        matches!(self, Self::Connected { .. })
    }

    /// Whether it is connected, or is going to be by itself.
    ///
    /// ```
    /// assert!(sockeye_client::SocketState::Connecting.is_active());
    /// assert!(!sockeye_client::SocketState::Disconnected { reason: None }.is_active());
    /// ```
    pub fn is_active(&self) -> bool {
        !matches!(self, Self::Disconnected { .. })
    }
}

/// Where the connection stands, which all sockets of a client share: see [`Client::state`](crate::Client::state).
///
/// ```text
///           a socket wants to be connected
///  Idle ──────────────▶ Opening ──────▶ Open ── no socket is active ──▶ Idle
///   ▲                    ▲   │ failed    │ lost
///   │                    │   ▼           ▼
///   │                    └─ Waiting ◀────┘
///   └ (asked again) ─ GivenUp ◀─┘ attempts used up             Closed: for good, from anywhere
/// ```
///
/// ```no_run
/// # async fn example(client: sockeye_client::Client) {
/// use sockeye_client::ClientState;
///
/// let mut state = client.state();
/// state.wait_for(|state| *state == ClientState::GivenUp).await.ok();
/// println!("the server does not come back");
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientState {
    /// There is none, and no socket wants one.
    Idle,
    /// It is being opened.
    Opening {
        /// Which attempt it is since the connection was lost; 0 is the first of all.
        attempt: u32,
    },
    /// It is there.
    Open {
        /// What carries it now: it may begin with polling and go on over a WebSocket.
        transport: Transport,
    },
    /// It was lost, or could not be had; it is tried again.
    Waiting {
        /// The number of the attempt that comes next, from 1.
        attempt: u32,
        /// How long it is waited for.
        delay: Duration,
    },
    /// It could not be had, and all [attempts](crate::Reconnection::attempts) are used up: sockets have to be asked again.
    GivenUp,
    /// [`Client::close`](crate::Client::close) was called.
    Closed,
}
