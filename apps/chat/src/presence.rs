//! Who is here: pages come, go into rooms, go away, come back, and leave.

use serde::{Deserialize, Serialize};
use sockeye::{AckSender, Auth, Data, Gone, Namespace, Result, Socket, State, Token};

use crate::chat::Chat;
use crate::hall::{Hall, RoomListing};
use crate::names::{Key, PersonId, PersonName, RoomName, Text};
use crate::past::PastPage;
use crate::people::{Person, Presence};
use crate::refusal::{not_joined, refused};

pub(crate) fn register(namespace: &Namespace, chat: &Chat) {
    let chat = chat.clone();
    namespace
        .middleware(identify)
        .on_connect(connect)
        .on("enter", enter)
        .on("join", join)
        .on("leave", leave)
        .on("rename", rename)
        .on_disconnect(disconnect)
        .on_gone(move |who| {
            gone(&who, &chat);
            async {}
        });
}

/// What a page sends with its CONNECT.
#[derive(Deserialize)]
struct Hello {
    name: PersonName,
    key: Key,
}

/// A session belongs to a key: whoever finds out its `pid` alone gets nothing.
async fn identify(socket: Socket, Auth(hello): Auth<Hello>) {
    socket.set_principal(hello.key.person().to_string());
}

async fn connect(
    socket: Socket,
    Auth(hello): Auth<Hello>,
    State(chat): State<Chat>,
    namespace: Namespace,
) {
    let you = Person { id: hello.key.person(), name: hello.name };
    let rooms = rooms_among(&socket.rooms());
    let mut hall = chat.hall();
    // If it has left already, `disconnect` or `gone` may have run: nobody else would take the guest out again.
    if !socket.is_connected() {
        return;
    }
    let entered = hall.enter(socket.id(), you, &rooms, chat.now());
    for room in &entered.refused {
        let _ = socket.leave(room.places());
    }
    chat.tell(&hall, &namespace, entered.changes);
}

fn rooms_among(channels: &[String]) -> Vec<RoomName> {
    channels.iter().filter_map(|channel| RoomName::of_channel(channel)).collect()
}

async fn disconnect(socket: Socket, State(chat): State<Chat>, namespace: Namespace) {
    let mut hall = chat.hall();
    // Its session may have another socket by now, which has taken it over.
    if namespace.socket(socket.id()).is_none() {
        let changes = hall.lose(socket.id());
        chat.tell(&hall, &namespace, changes);
    }
}

fn gone(who: &Gone, chat: &Chat) {
    let mut hall = chat.hall();
    let changes = hall.depart(who.id()).unwrap_or_else(|| {
        let person = who.principal().and_then(|principal| principal.parse::<PersonId>().ok());
        person.map_or_else(Vec::new, |person| hall.missing(person, &rooms_among(who.rooms())))
    });
    chat.tell(&hall, who.namespace(), changes);
}

#[derive(Deserialize)]
struct Enter {
    /// The rooms of which the page knows everything but who is there now.
    rooms: Vec<RoomName>,
}

#[derive(Serialize)]
struct Welcome {
    you: Person,
    /// The rooms that the page is in: after a reconnect those it was in.
    inside: Vec<Inside>,
    rooms: Vec<RoomListing>,
    limits: Lengths,
}

#[derive(Serialize)]
struct Inside {
    room: RoomName,
    /// If the page has asked.
    people: Option<Vec<Presence>>,
}

/// The longest names and texts, so that a page can say so before it sends.
#[derive(Serialize)]
struct Lengths {
    name: usize,
    room: usize,
    text: usize,
}

const LENGTHS: Lengths =
    Lengths { name: PersonName::LONGEST, room: RoomName::LONGEST, text: Text::LONGEST };

/// Answered under the hall's lock: what is told must not be older than what was told before.
async fn enter(socket: Socket, Data(wish): Data<Enter>, State(chat): State<Chat>, ack: AckSender) {
    let mut hall = chat.hall();
    match hall.look(socket.id(), chat.now()) {
        Ok(you) => _ = ack.send(&welcome(&hall, you, socket.id(), &wish)),
        Err(refusal) => ack.send_error(refused(refusal)),
    }
}

fn welcome(hall: &Hall, you: Person, guest: &str, wish: &Enter) -> Welcome {
    let inside = |room: RoomName| {
        let people = wish.rooms.contains(&room).then(|| hall.people(&room));
        Inside { room, people }
    };
    let inside = hall.rooms_of(guest).into_iter().map(inside).collect();
    Welcome { you, inside, rooms: hall.listings(), limits: LENGTHS }
}

#[derive(Serialize, Deserialize)]
struct InRoom {
    room: RoomName,
}

/// A room as it is now, for one page; what happens there from now on follows.
#[derive(Serialize)]
struct RoomState {
    room: RoomName,
    people: Vec<Presence>,
    #[serde(flatten)]
    page: PastPage,
}

async fn join(
    socket: Socket,
    Data(InRoom { room }): Data<InRoom>,
    State(chat): State<Chat>,
    namespace: Namespace,
    ack: AckSender,
) {
    // Until the answer has been sent: first the state, then everything after.
    let _held = socket.hold();
    match go_in(&socket, room, &chat, &namespace).await {
        Ok(state) => _ = ack.send(&state),
        Err(error) => ack.send_error(error),
    }
}

async fn go_in(
    socket: &Socket,
    room: RoomName,
    chat: &Chat,
    namespace: &Namespace,
) -> Result<RoomState> {
    let (people, since) = take_place(socket, &room, chat, namespace)?;
    let page = chat.past().page(namespace, &room, since.as_ref()).await?;
    Ok(RoomState { room, people, page })
}

/// Who is in the room, and since when this one is: what was said before is the past. One that was in it already gets
/// by itself whatever the past has not got yet, and maybe a little of that as well: pages show each id once.
fn take_place(
    socket: &Socket,
    room: &RoomName,
    chat: &Chat,
    namespace: &Namespace,
) -> Result<(Vec<Presence>, Option<Token>)> {
    let mut hall = chat.hall();
    let joined = hall.join(socket.id(), room, chat.now()).map_err(refused)?;
    match socket.join(room.places()) {
        Ok(recorded) => {
            chat.tell(&hall, namespace, joined.change);
            Ok((joined.people, recorded.token().filter(|_| joined.first)))
        }
        Err(error) => {
            if joined.first {
                hall.leave(socket.id(), room);
            }
            Err(not_joined(error))
        }
    }
}

async fn leave(
    socket: Socket,
    Data(wish): Data<InRoom>,
    State(chat): State<Chat>,
    namespace: Namespace,
) -> Result<InRoom> {
    let mut hall = chat.hall();
    socket.leave(wish.room.places()).map_err(not_joined)?;
    let change = hall.leave(socket.id(), &wish.room);
    chat.tell(&hall, &namespace, change);
    Ok(wish)
}

#[derive(Deserialize)]
struct Rename {
    name: PersonName,
}

async fn rename(
    socket: Socket,
    Data(wish): Data<Rename>,
    State(chat): State<Chat>,
    namespace: Namespace,
) -> Result<Person> {
    let mut hall = chat.hall();
    let renamed = hall.rename(socket.id(), wish.name, chat.now());
    let (person, changes) = renamed.map_err(refused)?;
    chat.tell(&hall, &namespace, changes);
    Ok(person)
}
