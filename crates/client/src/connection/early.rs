//! What comes for a namespace before its CONNECT is answered.
//!
//! A server that recovers a session sends what was missed first, and then its CONNECT reply ("Connection state recovery"). That is
//! kept until then, and is the first thing that listeners hear.

use socket_proto::OwnedArgs;

use super::work::Event;

/// Events that have come too early, in their order.
#[derive(Debug, Default)]
pub(super) struct Early {
    events: Vec<Kept>,
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) name: Box<str>,
    pub(super) args: OwnedArgs,
    pub(super) ack: Option<u64>,
}

/// What keeping an event costs beside its bytes.
const KEEPING: usize = 128;

impl Early {
    /// Keeps one more, if there is room.
    pub(super) fn keep(&mut self, limit: usize, Event { name, args, ack }: Event<'_>) -> bool {
        let attachments: usize = args.attachments.iter().map(|one| one.len() + KEEPING).sum();
        self.bytes += KEEPING + name.len() + args.json.len() + attachments;
        if self.bytes > limit {
            return false;
        }
        self.events.push(Kept { name: name.into(), args: args.to_owned(), ack });
        true
    }

    pub(super) fn into_events(self) -> impl Iterator<Item = Kept> {
        self.events.into_iter()
    }
}
