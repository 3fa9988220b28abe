//! The words of the chat: what pages say to the server, and what it says to them. `README.md` lists them.
//!
//! Whatever changes the hall and whatever tells others of it happens under the hall's lock. So everybody hears of
//! changes in the order in which they happened: a room's state never crosses a message or an arrival. The lock is
//! held for pushes only; they neither wait nor write.
//!
//! The list of rooms alone is told of a moment later, see [`Chat::announce`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::{Mutex, MutexGuard};
use serde::{Deserialize, Serialize};
use sockeye::{Auth, BuildError, Builder, Data, Error, Io, Result, Socket, State};

use crate::hall::{Departure, Hall, Limits, Position, RoomListing};
use crate::memory::{Message, Receipt};
use crate::names::{Key, MessageId, PersonId, PersonName, RoomName, Text};
use crate::people::Person;
use crate::refusal::{Code, Refusal};

/// The chat of one server.
#[derive(Clone)]
pub struct Chat(Arc<Inside>);

struct Inside {
    /// Guards who is where and what was said; also held while others are told of a change, see above.
    hall: Mutex<Hall>,
    /// Changes of the list of rooms are being gathered. Written under the hall's lock only.
    gathering: AtomicBool,
    started: Instant,
}

/// How long changes of the list of rooms are gathered before everybody hears of them.
const GATHERING: Duration = Duration::from_millis(500);

impl Chat {
    /// The rooms that are always there.
    pub const GIVEN_ROOMS: [&str; 3] = ["lobby", "river", "spawning-grounds"];

    /// Opens a chat that remembers nothing yet, on a server with these options.
    ///
    /// ```
    /// use sockeye::Io;
    /// use sockeye_chat::{Chat, Page};
    /// use tower_layer::Layer;
    ///
    /// let io = Chat::open(Io::builder())?;
    /// let site = io.layer()?.layer(Page); // Socket.IO, and the page for all other paths
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    pub fn open(builder: Builder) -> Result<Io, BuildError> {
        // A page should not call itself connected for long when it is not.
        let builder =
            builder.ping_interval(Duration::from_secs(10)).ping_timeout(Duration::from_secs(8));
        let io = builder.state(Chat::new()).build()?;
        io.of("/")
            .on_connect(connect)
            .on("join", join)
            .on("leave", leave)
            .on("message", message)
            .on("typing", typing)
            .on("rename", rename)
            .on_disconnect(disconnect);
        Ok(io)
    }

    fn new() -> Self {
        let given = Self::GIVEN_ROOMS.map(|name| RoomName::new(name).expect("a room's name"));
        let life = format!("{:016x}", rand::random::<u64>());
        let hall = Mutex::new(Hall::new(Limits::default(), &life, &given));
        let gathering = AtomicBool::new(false);
        Chat(Arc::new(Inside { hall, gathering, started: Instant::now() }))
    }

    fn hall(&self) -> MutexGuard<'_, Hall> {
        self.0.hall.lock()
    }

    fn now(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// Sees to it that everybody hears how the list of rooms has changed: a moment later, with what changes until
    /// then, each room once. Every page hears of every room, so guests that come and go quickly would otherwise cost
    /// everybody a push each time; dropping some of them instead would leave pages with a wrong list.
    fn announce(&self, hall: &Hall, io: &Io) {
        if !hall.has_news() || self.0.gathering.swap(true, Ordering::Relaxed) {
            return;
        }
        let (chat, io) = (self.clone(), io.clone());
        tokio::spawn(async move {
            tokio::time::sleep(GATHERING).await;
            chat.tell_the_news(&io)
        });
    }

    fn tell_the_news(&self, io: &Io) -> Result<()> {
        let mut hall = self.hall();
        self.0.gathering.store(false, Ordering::Relaxed);
        for listing in hall.news() {
            io.emit("listing", &listing)?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Chat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chat").finish_non_exhaustive()
    }
}

/// What a page sends with its CONNECT.
#[derive(Deserialize)]
struct Hello {
    name: PersonName,
    key: Key,
}

#[derive(Serialize)]
struct Welcome {
    you: Person,
    rooms: Vec<RoomListing>,
    limits: Lengths,
}

/// The longest names and texts, so that a page can say so before it sends.
#[derive(Serialize)]
struct Lengths {
    name: usize,
    room: usize,
    text: usize,
}

async fn connect(socket: Socket, Auth(hello): Auth<Hello>, State(chat): State<Chat>) -> Result<()> {
    let you = Person { id: hello.key.person(), name: hello.name };
    let limits =
        Lengths { name: PersonName::LONGEST, room: RoomName::LONGEST, text: Text::LONGEST };
    let mut hall = chat.hall();
    hall.enter(socket.id(), you.clone(), chat.now());
    if !socket.is_connected() {
        // It has left already, and `disconnect` may have run: nobody else would take the guest out again.
        hall.depart(socket.id());
        return Ok(());
    }
    socket.emit("welcome", &Welcome { you, rooms: hall.listings(), limits })?;
    Ok(())
}

#[derive(Deserialize)]
struct Join {
    room: RoomName,
    after: Option<Position>,
}

#[derive(Serialize, Deserialize)]
struct InRoom {
    room: RoomName,
}

#[derive(Serialize)]
struct Here<'a> {
    room: &'a RoomName,
    person: &'a Person,
}

async fn join(
    socket: Socket,
    Data(wish): Data<Join>,
    State(chat): State<Chat>,
    io: Io,
) -> Result<InRoom> {
    let Join { room, after } = wish;
    let mut hall = chat.hall();
    let joined = hall.join(socket.id(), &room, after.as_ref(), chat.now()).map_err(refused)?;
    socket.join(room.channel())?;
    if let Some(person) = joined.arrived {
        socket.to(room.channel()).emit("here", &Here { room: &room, person: &person })?;
        chat.announce(&hall, &io);
    }
    // Pushed rather than acknowledged: among pushes it keeps its place.
    socket.emit("room", &joined.state)?;
    Ok(InRoom { room })
}

async fn leave(
    socket: Socket,
    Data(wish): Data<InRoom>,
    State(chat): State<Chat>,
    io: Io,
) -> Result<InRoom> {
    let mut hall = chat.hall();
    socket.leave(wish.room.channel())?;
    if let Some(departure) = hall.leave(socket.id(), &wish.room) {
        chat.announce(&hall, &io);
        tell_of_departure(&io, &departure)?;
    }
    Ok(wish)
}

async fn disconnect(socket: Socket, State(chat): State<Chat>, io: Io) -> Result<()> {
    let mut hall = chat.hall();
    let departures = hall.depart(socket.id());
    chat.announce(&hall, &io);
    departures.iter().try_for_each(|departure| tell_of_departure(&io, departure))
}

#[derive(Serialize)]
struct Gone<'a> {
    room: &'a RoomName,
    person: PersonId,
}

fn tell_of_departure(io: &Io, Departure { person, room }: &Departure) -> Result<()> {
    io.to(room.channel()).emit("gone", &Gone { room, person: *person })?;
    Ok(())
}

#[derive(Deserialize)]
struct Say {
    room: RoomName,
    id: MessageId,
    text: Text,
}

#[derive(Serialize)]
struct Said<'a> {
    room: &'a RoomName,
    epoch: &'a str,
    message: &'a Message,
}

#[derive(Serialize)]
struct Taken {
    epoch: String,
    #[serde(flatten)]
    receipt: Receipt,
}

async fn message(
    socket: Socket,
    Data(say): Data<Say>,
    State(chat): State<Chat>,
    io: Io,
) -> Result<Taken> {
    let Say { room, id, text } = say;
    let mut hall = chat.hall();
    let posted =
        hall.post(socket.id(), &room, id, text, (wall_clock(), chat.now())).map_err(refused)?;
    if let Some(message) = &posted.push {
        io.to(room.channel())
            .emit("message", &Said { room: &room, epoch: &posted.epoch, message })?;
    }
    Ok(Taken { epoch: posted.epoch, receipt: posted.receipt })
}

#[derive(Deserialize)]
struct Type {
    room: RoomName,
    typing: bool,
}

#[derive(Serialize)]
struct Typist<'a> {
    room: &'a RoomName,
    person: PersonId,
    typing: bool,
}

/// Not worth an answer, nor an error: the next one comes soon.
async fn typing(socket: Socket, Data(wish): Data<Type>, State(chat): State<Chat>) {
    let Type { room, typing } = wish;
    let mut hall = chat.hall();
    if let Ok(person) = hall.typing(socket.id(), &room, chat.now()) {
        let _ = socket
            .to(room.channel())
            .volatile()
            .emit("typing", &Typist { room: &room, person, typing });
    }
}

#[derive(Deserialize)]
struct Rename {
    name: PersonName,
}

async fn rename(
    socket: Socket,
    Data(wish): Data<Rename>,
    State(chat): State<Chat>,
    io: Io,
) -> Result<Person> {
    let mut hall = chat.hall();
    let (person, rooms) = hall.rename(socket.id(), wish.name, chat.now()).map_err(refused)?;
    for room in &rooms {
        io.to(room.channel()).emit("here", &Here { room, person: &person })?;
    }
    Ok(person)
}

fn refused(refusal: Refusal) -> Error {
    Error::from(refusal).with_data(&Code { code: refusal.code() })
}

/// Milliseconds since 1970.
fn wall_clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
