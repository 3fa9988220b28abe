//! What is said: messages, their past, who has them, and who types.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sockeye::{
    Broadcast, Data, Delivered, Durability, Emitted, Namespace, Result, Socket, State, Token,
};

use crate::chat::Chat;
use crate::names::{MessageId, PersonId, RoomName, Text};
use crate::past::PastPage;
use crate::people::Person;
use crate::refusal::{not_emitted, refused};

/// The event of a message.
pub(crate) const MESSAGE: &str = "message";

pub(crate) fn register(namespace: &Namespace) {
    namespace.on(MESSAGE, message).on("receipts", receipts);
    namespace.on("history", history).on("typing", typing);
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
    message: Message<'a>,
}

/// A message as everybody in the room gets it, and as it stands in the log.
#[derive(Serialize)]
struct Message<'a> {
    id: MessageId,
    /// Milliseconds since 1970.
    at: u64,
    /// Who said it, under the name of that moment.
    person: &'a Person,
    text: &'a Text,
}

/// The message is in the log.
#[derive(Serialize)]
struct Taken {
    token: Option<Token>,
    /// It was there before: its sender has missed the answer, and will not be given it another time.
    again: bool,
}

async fn message(
    socket: Socket,
    Data(say): Data<Say>,
    State(chat): State<Chat>,
    namespace: Namespace,
) -> Result<Taken> {
    let Say { room, id, text } = say;
    let person = chat.hall().act(socket.id(), &room, chat.now()).map_err(refused)?;
    let once = keyed(&namespace, &room, &person, id);
    let message = Message { id, at: wall_clock(), person: &person, text: &text };
    let emitted = once.emit(MESSAGE, &Said { room: &room, message }).map_err(not_emitted)?;
    let again = emitted.is_repeated();
    let token = emitted.clone().stored().await?;
    find_out_who_has_it(chat, namespace, &socket, Receipt { room, id, emitted });
    Ok(Taken { token, again })
}

/// Nobody can use up the ids of somebody else.
fn keyed(namespace: &Namespace, room: &RoomName, person: &Person, id: MessageId) -> Broadcast {
    namespace.to(room.channel()).key(format!("{} {id}", person.id))
}

#[derive(Deserialize)]
struct Unsettled {
    room: RoomName,
    ids: Vec<MessageId>,
}

#[derive(Serialize)]
struct AskedAfter {
    room: RoomName,
}

/// So many messages are asked after at a time.
const ASKED_AFTER: usize = 10;

/// Who has these messages of the one who asks? It has not been told, or not that everybody has them: its connection, or
/// the server, was gone.
async fn receipts(
    socket: Socket,
    Data(wish): Data<Unsettled>,
    State(chat): State<Chat>,
    namespace: Namespace,
) -> Result<AskedAfter> {
    let Unsettled { room, ids } = wish;
    let person = chat.hall().act(socket.id(), &room, chat.now()).map_err(refused)?;
    for id in ids.into_iter().take(ASKED_AFTER) {
        if let Some(emitted) = keyed(&namespace, &room, &person, id).emitted() {
            let receipt = Receipt { room: room.clone(), id, emitted };
            find_out_who_has_it(chat.clone(), namespace.clone(), &socket, receipt);
        }
    }
    Ok(AskedAfter { room })
}

#[derive(Deserialize)]
struct Before {
    room: RoomName,
    before: String,
}

async fn history(
    socket: Socket,
    Data(wish): Data<Before>,
    State(chat): State<Chat>,
    namespace: Namespace,
) -> Result<PastPage> {
    let Before { room, before } = wish;
    chat.hall().act(socket.id(), &room, chat.now()).map_err(refused)?;
    Ok(chat.past().page(&namespace, &room, Some(&before.into())).await?)
}

/// A message that others are to have.
struct Receipt {
    room: RoomName,
    id: MessageId,
    emitted: Emitted,
}

/// Who has a message, its sender not counted.
#[derive(Serialize)]
struct HaveIt<'a> {
    room: &'a RoomName,
    id: MessageId,
    to: usize,
    of: usize,
}

/// So long is it waited for everybody before the sender is told how many have it.
const SOON: Duration = Duration::from_secs(1);
/// And so long for the others.
const LATER: Duration = Duration::from_mins(2);

/// Tells the sender, wherever it is connected then, who has its message. How many are looked at for a moment is bounded
/// by the sender's pace, how many for longer by [`Limits`](crate::Limits).
fn find_out_who_has_it(chat: Chat, namespace: Namespace, sender: &Socket, receipt: Receipt) {
    let sender = sender.id().to_owned();
    tokio::spawn(async move {
        let known = receipt.tell(&namespace, &sender, SOON).await;
        if !known && chat.hall().receipt_begins(&sender) {
            receipt.tell(&namespace, &sender, LATER).await;
            chat.hall().receipt_ends(&sender);
        }
    });
}

impl Receipt {
    /// Tells how many have it then; whether there is nothing more to be told.
    async fn tell(&self, namespace: &Namespace, sender: &str, patience: Duration) -> bool {
        let delivered = self.emitted.clone().delivered_within(patience).await;
        let Some(Delivered { to, of, .. }) = delivered.ok().filter(|one| one.of > 1) else {
            return true;
        };
        let have_it =
            HaveIt { room: &self.room, id: self.id, to: to.saturating_sub(1), of: of - 1 };
        // It need not outlive a loss of power, so it does not wait for the disk.
        let told = namespace.to(sender).durability(Durability::Async);
        told.emit("delivered", &have_it).is_err() || to == of
    }
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
    let typist = chat.hall().act(socket.id(), &room, chat.now());
    if let Ok(Person { id: person, .. }) = typist {
        let others = socket.to(room.channel()).volatile();
        let _ = others.emit("typing", &Typist { room: &room, person, typing });
    }
}

/// Milliseconds since 1970.
fn wall_clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
