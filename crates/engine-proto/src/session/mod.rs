//! One Engine.IO session: the accepting side in [`server`], the connecting side in [`client`].
//!
//! A session is told what happened and when, and writes into a [`Tray`] what its driver has to do. It
//! holds no packets: the driver owns the queue of what waits to be sent, and sends it on the current
//! pipe in its own time. Only the packets of the protocol itself (pings, probes, goodbyes) come from here.

pub mod client;
pub(crate) mod heartbeat;
mod phase;
pub(crate) mod server;
pub(crate) mod timers;

use std::time::Duration;

use smallvec::SmallVec;

use crate::packet::Control;

/// Through which of its two pipes a session speaks or is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipe {
    /// The one that counts: HTTP polling, or the WebSocket.
    Current,
    /// During an upgrade, the WebSocket that may become the current pipe.
    Candidate,
}

/// What the driver of a [`Session`](crate::Session) has to do now, in the order of the tray.
///
/// The whole tray is to be carried out before the driver answers a held GET of its own accord.
/// `ReleasePoll` and `EndPoll` come only while a GET is held, or is just being reported. The session then
/// counts it as answered; [`poll_answered`](crate::Session::poll_answered) need not be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Send this packet. On polling it joins the queue like any other packet; on the candidate it goes
    /// out at once.
    Send(Pipe, Control),
    /// Answer the held GET with everything that is queued, or with a noop (`6`) if nothing is.
    ReleasePoll,
    /// Answer the request just reported with this status and an empty body. It is not held, and no more
    /// is to be reported about it.
    RefuseRequest(u16),
    /// Answer the held GET with just this packet, whatever is queued.
    EndPoll(Control),
    /// The candidate is the current pipe now; what is queued goes there, and so does what follows.
    Switch,
    /// The WebSocket just reported is not wanted: close it. A candidate that was there before stays.
    RefuseCandidate,
    /// Close the candidate and forget it; the session goes on as it did without it.
    DropCandidate,
    /// The session is over, and its client may be on its way to the candidate: wait until it has said `5`
    /// or hung up, but not for long, then close the candidate. Closed earlier, the official client
    /// (engine.io-client 6.6) is left deaf: it has paused polling for a WebSocket that fails, does not
    /// poll again, and finds out by its own ping timeout.
    EndCandidate,
    /// The session is over, [`closed`](crate::Session::closed) says why. The last order of a session
    /// but for refusals, and but for the `ReleasePoll` that [`Goodbye::NextPoll`] waits for.
    Finish(Goodbye),
}

/// How to say goodbye on the current pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goodbye {
    /// Nothing more can be said, or all has been: let go. The queue is dropped.
    Nothing,
    /// WebSocket: send an empty close frame at once and let go. The queue is dropped.
    CloseFrame,
    /// WebSocket: send what is queued, then an empty close frame. How long that may take is the driver's
    /// to bound; the session is closed already.
    Flush,
    /// Polling, and no GET is held. The queue ends in `6` and `1` now. Keep it, and keep the session's
    /// id, for [`LINGER`]: report the next GET, which is released with the queue, and then let go.
    NextPoll,
}

/// How long a closed polling session waits for the GET that takes its goodbye; see
/// [`Goodbye::NextPoll`].
pub const LINGER: Duration = Duration::from_secs(30);

/// Where a [`Session`](crate::Session) puts its orders. The caller empties it; four are the most that one
/// call adds, so a tray that is emptied after each call never takes memory.
pub type Tray = SmallVec<[Order; 4]>;
