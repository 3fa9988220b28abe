//! Who pings whom, and when silence is the end: all in which the sessions of the two revisions differ.

use std::fmt;
use std::time::Duration;

use super::timers::Patience;

/// The heartbeat of a session. One side has [`Beating`], and the other [`Answering`]: in revision 4 it is the server
/// that beats, in [revision 3](crate::v3) the client. Which of the two a session has is part of its type.
pub trait Heartbeat: Copy + fmt::Debug + Send + 'static {
    /// The session has just been opened.
    fn begin(patience: &Patience, now: Duration) -> Self;

    /// When to ask what is [due](Self::due).
    fn next(self) -> Duration;

    /// What the time has brought; afterwards [`next`](Self::next) is another one.
    fn due(&mut self, patience: &Patience, now: Duration) -> Due;

    /// The peer has sent a ping.
    fn pinged(&mut self, patience: &Patience, now: Duration) -> Heard;

    /// The peer has sent a pong.
    fn ponged(&mut self, patience: &Patience, now: Duration) -> Heard;

    /// The peer has sent something else.
    fn heard(&mut self, patience: &Patience, now: Duration);

    /// A ping is wanted ahead of its time. `false` if none may be sent now.
    fn hurry(&mut self, patience: &Patience, now: Duration) -> bool;

    /// Whether a ping has been sent that is not answered.
    fn awaits_pong(self) -> bool;

    /// The peer was not listened to: its time begins anew.
    fn excuse(&mut self, patience: &Patience, now: Duration);
}

/// What the time has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet.
    Nothing,
    /// A ping has to be sent.
    Ping,
    /// The peer was silent for too long.
    End,
}

/// What is to be done about a ping or a pong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing: it was taken in.
    Fine,
    /// A pong is the answer.
    Answer,
    /// The heartbeat has a direction, and this is the wrong one: the peer speaks another revision.
    Wrong,
}

/// The heartbeat of the side that pings: either the next ping is due at some time, or a pong is.
#[derive(Clone, Copy, Debug)]
pub enum Beating {
    /// Nothing is outstanding.
    Resting {
        /// When the next ping is due.
        ping_at: Duration,
    },
    /// A ping went out.
    Awaiting {
        /// When it has to be answered.
        pong_by: Duration,
        /// The deadline was moved once already for this ping.
        extended: bool,
    },
}

impl Beating {
    fn resting(patience: &Patience, now: Duration) -> Self {
        Beating::Resting { ping_at: patience.interval_ends(now) }
    }

    fn awaiting(patience: &Patience, now: Duration) -> Self {
        Beating::Awaiting { pong_by: patience.timeout_ends(now), extended: false }
    }
}

impl Heartbeat for Beating {
    fn begin(patience: &Patience, now: Duration) -> Self {
        Beating::resting(patience, now)
    }

    fn next(self) -> Duration {
        match self {
            Beating::Resting { ping_at } => ping_at,
            Beating::Awaiting { pong_by, .. } => pong_by,
        }
    }

    fn due(&mut self, patience: &Patience, now: Duration) -> Due {
        match *self {
            Beating::Resting { ping_at } if ping_at <= now => {
                *self = Beating::awaiting(patience, now);
                Due::Ping
            }
            Beating::Awaiting { pong_by, .. } if pong_by <= now => Due::End,
            Beating::Resting { .. } | Beating::Awaiting { .. } => Due::Nothing,
        }
    }

    fn pinged(&mut self, _: &Patience, _: Duration) -> Heard {
        Heard::Wrong
    }

    /// One that nobody asked for changes nothing: it may be late by a whole interval.
    fn ponged(&mut self, patience: &Patience, now: Duration) -> Heard {
        if self.awaits_pong() {
            *self = Beating::resting(patience, now);
        }
        Heard::Fine
    }

    /// A pong may be stuck behind a large message; that the message arrives shows that the peer lives.
    /// But only once per ping, or a peer that never pongs could talk its way out for ever.
    #[inline]
    fn heard(&mut self, patience: &Patience, now: Duration) {
        if let Beating::Awaiting { pong_by, extended: extended @ false } = self {
            *pong_by = patience.timeout_ends(now);
            *extended = true;
        }
    }

    fn hurry(&mut self, patience: &Patience, now: Duration) -> bool {
        let free = !self.awaits_pong();
        if free {
            *self = Beating::awaiting(patience, now);
        }
        free
    }

    fn awaits_pong(self) -> bool {
        matches!(self, Beating::Awaiting { .. })
    }

    fn excuse(&mut self, patience: &Patience, now: Duration) {
        if self.awaits_pong() {
            *self = Beating::awaiting(patience, now);
        }
    }
}

/// The heartbeat of the side that answers: when the next ping is overdue, which is ping interval and ping timeout after
/// the last one. Nothing else counts, as in the reference: who sends messages only is given up too.
#[derive(Clone, Copy, Debug)]
pub struct Answering {
    ping_by: Duration,
}

impl Heartbeat for Answering {
    fn begin(patience: &Patience, now: Duration) -> Self {
        Answering { ping_by: patience.timeout_ends(patience.interval_ends(now)) }
    }

    fn next(self) -> Duration {
        self.ping_by
    }

    fn due(&mut self, _: &Patience, now: Duration) -> Due {
        if self.ping_by <= now { Due::End } else { Due::Nothing }
    }

    fn pinged(&mut self, patience: &Patience, now: Duration) -> Heard {
        *self = Answering::begin(patience, now);
        Heard::Answer
    }

    fn ponged(&mut self, _: &Patience, _: Duration) -> Heard {
        Heard::Wrong
    }

    fn heard(&mut self, _: &Patience, _: Duration) {}

    fn hurry(&mut self, _: &Patience, _: Duration) -> bool {
        false
    }

    fn awaits_pong(self) -> bool {
        false
    }

    fn excuse(&mut self, patience: &Patience, now: Duration) {
        *self = Answering::begin(patience, now);
    }
}
