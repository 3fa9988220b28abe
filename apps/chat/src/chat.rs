//! The chat of one server: what it has, and how others hear of changes. `README.md` lists the words.
//!
//! Whatever changes the hall and whatever tells others of it happens under the hall's lock. So everybody hears of
//! changes in the order in which they happened. The lock is held for pushes only; they neither wait nor write. From
//! there on the log keeps the order: a room's state never crosses a message or an arrival.
//!
//! The list of rooms alone is told of a moment later, see [`Chat::announce`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;
use sockeye::{Broadcast, BuildError, Builder, Durability, Io, Namespace, ToArgs};

use crate::hall::{Change, Hall, Limits};
use crate::names::{PersonId, RoomName};
use crate::past::Past;
use crate::people::Presence;
use crate::{presence, talk};

/// The chat of one server.
#[derive(Clone)]
pub struct Chat(Arc<Inside>);

struct Inside {
    /// Guards who is where; also held while others are told of a change, see above.
    hall: Mutex<Hall>,
    past: Past,
    /// Changes of the list of rooms are being gathered. Written under the hall's lock only.
    gathering: AtomicBool,
    started: Instant,
}

/// No room at all.
const EVERYBODY: [&str; 0] = [];

/// How long changes of the list of rooms are gathered before everybody hears of them.
const GATHERING: Duration = Duration::from_millis(500);

impl Chat {
    /// The rooms that are always there.
    pub const GIVEN_ROOMS: [&str; 3] = ["lobby", "river", "spawning-grounds"];

    /// Opens a chat on a server with these options; what was said is in the builder's log. With short pings (10 s, say)
    /// a page does not call itself connected for long when it is not.
    ///
    /// ```
    /// use sockeye::Io;
    /// use sockeye_chat::{Chat, Page};
    /// use tower_layer::Layer;
    ///
    /// let io = Chat::open(Io::builder())?; // with the log in memory
    /// let site = io.layer()?.layer(Page); // Socket.IO, and the page for all other paths
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    pub fn open(builder: Builder) -> Result<Io, BuildError> {
        let chat = Chat::new();
        let io = builder.state(chat.clone()).build()?;
        // Whoever has seen a message can rely on it.
        io.of("/").durable(Durability::Fsync);
        presence::register(&io.of("/"), &chat);
        talk::register(&io.of("/"));
        Ok(io)
    }

    fn new() -> Self {
        let given = Self::GIVEN_ROOMS.map(|name| RoomName::new(name).expect("a room's name"));
        let hall = Mutex::new(Hall::new(Limits::default(), &given));
        let gathering = AtomicBool::new(false);
        Chat(Arc::new(Inside { hall, past: Past::new(), gathering, started: Instant::now() }))
    }

    pub(crate) fn hall(&self) -> MutexGuard<'_, Hall> {
        self.0.hall.lock()
    }

    pub(crate) fn past(&self) -> &Past {
        &self.0.past
    }

    pub(crate) fn now(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// Tells those concerned of changes.
    pub(crate) fn tell(
        &self,
        hall: &Hall,
        namespace: &Namespace,
        changes: impl IntoIterator<Item = Change>,
    ) {
        for Change { room, person, now } in changes {
            let to = namespace.to(room.door());
            match now {
                Some(person) => send(to, "here", &Here { room, person }),
                None => send(to, "gone", &Gone { room, person }),
            }
        }
        self.announce(hall, namespace);
    }

    /// Sees to it that everybody hears how the list of rooms has changed: a moment later, with what changes until
    /// then, each room once. Every page hears of every room, so guests that come and go quickly would otherwise cost
    /// everybody a push each time; dropping some of them instead would leave pages with a wrong list.
    fn announce(&self, hall: &Hall, namespace: &Namespace) {
        if !hall.has_news() || self.0.gathering.swap(true, Ordering::Relaxed) {
            return;
        }
        let (chat, namespace) = (self.clone(), namespace.clone());
        tokio::spawn(async move {
            tokio::time::sleep(GATHERING).await;
            chat.tell_the_news(&namespace);
        });
    }

    fn tell_the_news(&self, namespace: &Namespace) {
        let mut hall = self.hall();
        self.0.gathering.store(false, Ordering::Relaxed);
        for listing in hall.news() {
            send(namespace.to(EVERYBODY), "listing", &listing);
        }
    }
}

impl std::fmt::Debug for Chat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chat").finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Here {
    room: RoomName,
    person: Presence,
}

#[derive(Serialize)]
struct Gone {
    room: RoomName,
    person: PersonId,
}

/// Nobody misses who comes and goes; but it need not outlive a loss of power, so nothing waits for the disk. When the
/// log takes nothing, at least those hear of it who are connected.
fn send(to: Broadcast, event: &str, args: &impl ToArgs) {
    let to = to.durability(Durability::Async);
    if to.emit(event, args).is_err() {
        let _ = to.volatile().emit(event, args);
    }
}
