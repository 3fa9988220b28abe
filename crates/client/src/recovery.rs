//! Where a socket stands in what the server sends, so that it is given what it has missed: connection state recovery.
//!
//! The server gives a secret (`pid`) with its answer to CONNECT, and a position (`offset`) as the last argument of events. Both are
//! said again when the socket connects again. See `docs/delivery.md` for what a server of ours makes of it.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use socket_proto::Args;

/// Where a socket stands: who it was to the server, and the last event that it has heard.
///
/// It is a secret: whoever has it can take the session over.
///
/// ```
/// let position = sockeye_client::Position { pid: "secret".to_owned(), offset: None };
/// let stored = serde_json::to_string(&position)?;
/// assert_eq!(serde_json::from_str::<sockeye_client::Position>(&stored)?, position);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The private id that the server gave the session.
    pub pid: String,
    /// The position of the last event that was heard, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<String>,
}

/// Where positions are kept, so that a client recovers after its own restart what it has missed:
/// [`Builder::positions`](crate::Builder::positions). [`FilePositions`](crate::FilePositions) keeps them in a file.
///
/// # What is promised
///
/// With a server that stores its events (a durable namespace of `sockeye`), and within what it keeps, a client that is started
/// anew after a crash is given every event that **had not been handled** when the position was stored last: **at least once**.
/// An event has been handled when all its handlers have come to their end (failed, panicked and timed out ones, too), or when whoever has
/// [pulled](crate::Socket::recv) it has dropped it and asked for the next one; and so have all events before it. What was being
/// handled when the client died comes again, and so does what was handled behind it. So does what was handled since the last time
/// that the store has reached its disk. What a handler has spawned and does not wait for does not count.
///
/// [`Client::close`](crate::Client::close) and [`disconnect`](crate::Socket::disconnect) say goodbye: the server keeps nothing for who has
/// left. A client that is to go on later ends by [`Client::detach`](crate::Client::detach), with its last handle, or with its process.
///
/// **Effectively once** takes one more thing: the last argument of an event names it, the same each time it comes. Whoever
/// stores it together with what the event has changed, in one transaction, knows a repeat. Such a store can implement this trait
/// too; then nothing comes twice.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Mutex;
/// use sockeye_client::{Client, Position, Positions};
///
/// #[derive(Default)]
/// struct InMemory(Mutex<HashMap<String, Position>>);
///
/// impl Positions for InMemory {
///     fn load(&self, namespace: &str) -> Option<Position> {
///         self.0.lock().unwrap().get(namespace).cloned()
///     }
///     fn store(&self, namespace: &str, position: &Position) {
///         self.0.lock().unwrap().insert(namespace.to_owned(), position.clone());
///     }
/// }
///
/// let client = Client::builder("http://localhost:3000").positions(InMemory::default()).build()?;
/// # Ok::<(), sockeye_client::BuildError>(())
/// ```
pub trait Positions: Send + Sync + 'static {
    /// The position that was stored last for a namespace. Asked once, when the socket is made, under a lock: it must not call the
    /// client.
    fn load(&self, namespace: &str) -> Option<Position>;

    /// Stores a position. Called by the task of the connection or whoever pulls, perhaps for each event, and under a lock: it must
    /// not block, nor call the client.
    fn store(&self, namespace: &str, position: &Position);
}

/// Where one socket stands.
pub(crate) struct Recovery {
    namespace: Box<str>,
    store: Option<Arc<dyn Positions>>,
    /// What is said when it connects again: events that are being handled are not asked for twice.
    taken: Position,
    /// With a store: the events that are being handled, each with the position in front of it. Those behind one that takes its time
    /// leave nothing here when they are done, however many they are.
    trail: BTreeMap<u64, Option<String>>,
    /// The number of the next event.
    next: u64,
    /// The event that came last was a question: what moves the position behind it may follow.
    asked: bool,
    /// With a store: the last of those whose handlers, and those before, are done.
    done: Position,
}

/// An event that is being handled. [`Recovery::done`] wants it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(u64);

impl Recovery {
    pub(crate) fn new(namespace: &str, store: Option<Arc<dyn Positions>>) -> Self {
        let loaded = store.as_ref().and_then(|store| store.load(namespace)).unwrap_or_default();
        Recovery {
            namespace: namespace.into(),
            store,
            taken: loaded.clone(),
            trail: BTreeMap::new(),
            next: 0,
            asked: false,
            done: loaded,
        }
    }

    /// The payload of CONNECT: what our user says (JSON text of an object), and where we stand. If both say the same, our
    /// user is right.
    pub(crate) fn payload(&self, auth: Option<&str>) -> Option<String> {
        if self.taken.pid.is_empty() {
            return auth.map(str::to_owned);
        }
        let ours = serde_json::to_string(&self.taken).ok()?;
        let theirs = auth.and_then(|auth| auth.trim().strip_prefix('{')).unwrap_or("}");
        let comma = if theirs.trim_start().starts_with('}') { "" } else { "," };
        Some(format!("{}{comma}{theirs}", ours.trim_end_matches('}')))
    }

    /// Whether a server that gives this secret goes on where we stand.
    pub(crate) fn would_recover(&self, pid: Option<&str>) -> bool {
        pid.is_some_and(|pid| pid == self.taken.pid)
    }

    /// The server has let us in.
    pub(crate) fn connected(&mut self, pid: Option<&str>) {
        if !self.would_recover(pid) {
            // Another session begins: what was heard in the last one is no place in it.
            self.taken = Position { pid: pid.unwrap_or_default().to_owned(), offset: None };
            self.trail.clear();
            self.done = self.taken.clone();
            self.keep();
        }
    }

    /// An event's handlers are being started, or it is being handed out. A mark, if somebody has to say when that is
    /// over.
    pub(crate) fn took(&mut self, args: Args<'_>, asks: bool) -> Option<Mark> {
        self.asked = asks && !self.taken.pid.is_empty();
        // As the reference client takes it: a string at the end, where a question has its callback.
        let last = if asks || self.taken.pid.is_empty() { None } else { args.iter().last() };
        let offset: Option<String> = last.and_then(|last| serde_json::from_str(last).ok());
        if offset.is_none() && !self.asked {
            return None;
        }
        let mark = self.store.is_some().then(|| {
            self.trail.insert(self.next, self.taken.offset.clone());
            self.next += 1;
            Mark(self.next - 1)
        });
        self.taken.offset = offset.or_else(|| self.taken.offset.take());
        mark
    }

    /// Whether an event is none, but moves the position behind the question that has just come: a durable namespace sends it, named as
    /// the position, since a question has no place for one.
    pub(crate) fn ticked(&mut self, name: &str, args: Args<'_>, asks: bool) -> bool {
        let ticks = self.asked && !asks && args.is_empty() && is_token(name);
        if ticks {
            self.asked = false;
            self.taken.offset = Some(name.to_owned());
            if self.store.is_some() && self.trail.is_empty() {
                self.done.offset.clone_from(&self.taken.offset);
                self.keep();
            }
        }
        ticks
    }

    /// All handlers of an event have come to their end.
    pub(crate) fn done(&mut self, mark: Mark) {
        let first = self.trail.first_key_value().map(|(number, _)| *number);
        // One of an earlier session is not here any more.
        if self.trail.remove(&mark.0).is_none() || first != Some(mark.0) {
            return;
        }
        let next = self.trail.first_key_value();
        self.done.offset = next.map_or(&self.taken.offset, |(_, before)| before).clone();
        self.keep();
    }

    fn keep(&self) {
        let Some(store) = &self.store else { return };
        // The application's code: what goes wrong there is not the connection's end.
        let store = AssertUnwindSafe(|| store.store(&self.namespace, &self.done));
        if catch_unwind(store).is_err() {
            tracing::error!(
                namespace = &*self.namespace,
                "a store panicked; a position is not stored"
            );
        }
    }
}

/// Whether it looks like a position of a durable namespace: 22 characters of base64url.
fn is_token(name: &str) -> bool {
    name.len() == 22 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Position").field("offset", &self.offset).finish_non_exhaustive()
    }
}

impl fmt::Debug for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recovery").field("taken", &self.taken).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;
    use socket_proto::Args;

    use super::{Position, Positions, Recovery};

    #[derive(Default)]
    struct Store(Mutex<Option<Position>>);

    impl Positions for Store {
        fn load(&self, _: &str) -> Option<Position> {
            self.0.lock().clone()
        }
        fn store(&self, _: &str, position: &Position) {
            *self.0.lock() = Some(position.clone());
        }
    }

    fn args(json: &str) -> Args<'_> {
        Args { json, attachments: &[] }
    }

    #[test]
    fn a_socket_says_where_it_stands_and_what_its_user_says_beside_it() {
        let mut recovery = Recovery::new("/", None);
        assert_eq!(recovery.payload(None), None);
        assert_eq!(recovery.payload(Some(r#"{"t":1}"#)).as_deref(), Some(r#"{"t":1}"#));

        assert!(!recovery.would_recover(Some("p")));
        recovery.connected(Some("p"));
        assert_eq!(recovery.payload(None).as_deref(), Some(r#"{"pid":"p"}"#));
        recovery.took(args(r#"1,"at 7""#), false);
        recovery.took(args(r#"1,"no position: a question has none""#), true);
        recovery.took(args("1,null"), false);
        let both = Some(r#"{"pid":"p","offset":"at 7","t":1}"#);
        assert_eq!(recovery.payload(Some(r#"{"t":1}"#)).as_deref(), both);
        assert_eq!(
            recovery.payload(Some(" { } ")).as_deref(),
            Some(r#"{"pid":"p","offset":"at 7" }"#)
        );
        assert!(recovery.would_recover(Some("p")));
    }

    #[test]
    fn a_question_that_is_being_handled_holds_the_position_and_what_follows_it_moves_it() {
        let token = "abcdefghijklmnopqrst-_";
        let store = Arc::new(Store::default());
        let stored = || store.0.lock().clone().and_then(|position| position.offset);
        let mut recovery = Recovery::new("/", Some(store.clone()));
        recovery.connected(Some("p"));
        assert!(!recovery.ticked(token, args(""), false), "nobody has asked");
        let question = recovery.took(args("1"), true).unwrap();
        assert!(!recovery.ticked("news", args(""), false));
        assert!(!recovery.ticked(token, args("1"), false));
        assert!(recovery.ticked(token, args(""), false));
        assert!(!recovery.ticked(token, args(""), false), "once for each question");
        assert_eq!(recovery.payload(None), Some(format!(r#"{{"pid":"p","offset":"{token}"}}"#)));
        assert_eq!(stored(), None, "the question is still being handled");
        recovery.done(question);
        assert_eq!(stored().as_deref(), Some(token));

        let question = recovery.took(args("2"), true).unwrap();
        recovery.done(question);
        assert!(recovery.ticked("ABCDEFGHIJKLMNOPQRSTUV", args(""), false));
        assert_eq!(stored().as_deref(), Some("ABCDEFGHIJKLMNOPQRSTUV"), "it came last");
    }

    #[test]
    fn a_server_that_recovers_nothing_is_told_no_position() {
        let mut recovery = Recovery::new("/", None);
        recovery.connected(None);
        assert!(recovery.took(args(r#""text""#), false).is_none());
        assert_eq!(recovery.payload(None), None);
        assert!(!recovery.would_recover(None), "two sessions without an id are not the same one");
    }

    #[test]
    fn what_is_done_behind_an_event_that_takes_its_time_is_not_kept() {
        let store = Arc::new(Store::default());
        let mut recovery = Recovery::new("/", Some(store.clone()));
        recovery.connected(Some("p"));
        let slow = recovery.took(args(r#""slow""#), false).unwrap();
        for event in 0..1000 {
            let mark = recovery.took(args(&format!("\"{event}\"")), false).unwrap();
            recovery.done(mark);
            assert!(recovery.trail.len() <= 2);
        }
        recovery.done(slow);
        let stored = store.0.lock().clone().and_then(|position| position.offset);
        assert_eq!(stored.as_deref(), Some("999"));
    }

    #[test]
    fn only_what_was_handled_to_the_end_is_stored() {
        let store = Arc::new(Store::default());
        let stored = || store.0.lock().clone().and_then(|position| position.offset);
        let mut recovery = Recovery::new("/", Some(store.clone()));
        recovery.connected(Some("p"));
        let marks = ["a", "b", "c"]
            .map(|offset| recovery.took(args(&format!("\"{offset}\"")), false).unwrap());
        assert_eq!(stored(), None);
        recovery.done(marks[1]);
        assert_eq!(stored(), None, "the first is still being handled");
        recovery.done(marks[0]);
        assert_eq!(stored().as_deref(), Some("b"));

        let again = Recovery::new("/", Some(store.clone()));
        assert_eq!(again.payload(None).as_deref(), Some(r#"{"pid":"p","offset":"b"}"#));

        recovery.connected(Some("q"));
        recovery.done(marks[2]);
        let q = Position { pid: "q".into(), offset: None };
        assert_eq!(*store.0.lock(), Some(q), "what ends late is of no session that is");
    }
}
