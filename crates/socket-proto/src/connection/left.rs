//! Namespaces that were left a moment ago.
//!
//! A server that disconnects a socket cannot know what its client has sent meanwhile. The
//! reference closes the whole connection over such a packet, all other namespaces with it; here it
//! is ignored for a while.

use std::time::Duration;

/// The names, the latest last, each with the time until which it is remembered.
#[derive(Debug, Default)]
pub(super) struct Left {
    names: Vec<(Box<str>, Duration)>,
}

impl Left {
    /// Remembers at most `limit` names; the oldest gives way.
    pub(super) fn remember(&mut self, name: Box<str>, now: Duration, limit: usize) {
        self.names.retain(|(known, until)| *until > now && *known != name);
        if self.names.len() >= limit.max(1) {
            self.names.remove(0);
        }
        self.names.push((name, now.saturating_add(REMEMBERED)));
    }

    /// Whether `name` was left a moment ago.
    pub(super) fn contains(&self, name: &str, now: Duration) -> bool {
        self.names.iter().any(|(known, until)| **known == *name && *until > now)
    }
}

/// How long a packet may be under way: longer than any ping timeout in use.
const REMEMBERED: Duration = Duration::from_mins(1);
