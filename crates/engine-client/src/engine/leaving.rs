//! The end of a session: its goodbye, which has its time.

use std::task::{Context, Poll};
use std::time::Duration;

use engine_proto::client::Goodbye;

use super::writing::poll_posts;
use super::{Carrier, Engine};

/// How long it may take to send what waits and to say goodbye.
const PATIENCE: Duration = Duration::from_secs(5);

/// How far the session is.
///
/// ```text
///        polled            Finish                      said, or too late
///  New ─────────▶ Live ─────────────▶ Hurrying, Leaving ─────────────────▶ Gone
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing has been dialled.
    New,
    Live,
    /// What can be written at once is, and no more.
    Hurrying,
    /// What waits is sent; the server may still read it.
    Leaving {
        until: Duration,
    },
    Gone,
}

impl Stage {
    pub(super) fn until(self) -> Option<Duration> {
        match self {
            Stage::Leaving { until } => Some(until),
            Stage::New | Stage::Live | Stage::Hurrying | Stage::Gone => None,
        }
    }
}

impl Engine {
    /// The session is over.
    pub(super) fn leave(&mut self, goodbye: Goodbye) {
        self.candidate = None;
        if goodbye != Goodbye::Flush {
            self.talk.queue.clear();
        }
        let until = self.now().saturating_add(PATIENCE);
        self.stage = match (&mut self.current, goodbye) {
            (Carrier::WebSocket(_), Goodbye::Nothing) => Stage::Hurrying,
            (Carrier::WebSocket(socket), _) => {
                socket.say_farewell();
                if goodbye == Goodbye::Flush { Stage::Leaving { until } } else { Stage::Hurrying }
            }
            (Carrier::Polling(_), Goodbye::Flush) => Stage::Leaving { until },
            _ => Stage::Gone,
        };
    }

    /// Says what is still to be said. `Ready` if the session is gone.
    pub(super) fn poll_goodbye(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let said = match self.stage {
            Stage::New | Stage::Live => return Poll::Pending,
            Stage::Gone => true,
            Stage::Hurrying => {
                if let Carrier::WebSocket(socket) = &mut self.current {
                    let _ = socket.poll_write(&mut self.talk.queue, cx);
                }
                true
            }
            Stage::Leaving { until } => self.poll_said(cx).is_ready() || until <= self.now(),
        };
        if !said {
            return Poll::Pending;
        }
        self.stage = Stage::Gone;
        self.current = Carrier::None;
        self.talk.queue.clear();
        Poll::Ready(())
    }

    /// `Ready` if all has been said, or nobody hears it.
    fn poll_said(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.current {
            Carrier::WebSocket(socket) => {
                if let Poll::Ready(Err(_)) = socket.poll_write(&mut self.talk.queue, cx) {
                    return Poll::Ready(());
                }
                // A stream that is dropped with something unread in it takes what was written along: the server hangs up
                // when it has read the close frame (RFC 6455, 7.1.1).
                socket.poll_hung_up(cx)
            }
            Carrier::Polling(polling) => {
                // The upgrade that it was paused for is off.
                polling.paused = false;
                poll_posts(polling, &mut self.talk, cx).map(drop)
            }
            Carrier::None | Carrier::Dialling(_) => Poll::Ready(()),
        }
    }
}
